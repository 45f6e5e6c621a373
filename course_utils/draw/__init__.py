"""Pictures: pure functions of data that return a `Picture`, one file for each type of figure.

Importing this package loads no plotting library; the first picture does.
"""

from .blocks import blocks
from .loom import loom
from .network import network
from .picture import Picture
from .plots import style
from .roofline import Point, roofline

__all__ = ["Picture", "Point", "blocks", "loom", "network", "roofline", "style"]
