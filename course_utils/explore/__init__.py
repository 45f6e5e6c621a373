"""The widgets: each call returns a new one, which shows itself as the last line of a cell."""

from .explorer import Explorer
from .first import first_meter
from .loom import time_loom
from .weights import weight_wall

__all__ = ["Explorer", "first_meter", "time_loom", "weight_wall"]
