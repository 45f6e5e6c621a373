"""The widgets: each call returns a new one, which shows itself as the last line of a cell."""

from .builder import chip_budget, machine_builder
from .cachelens import cache_lens
from .explorer import Explorer
from .first import first_meter
from .lens import reuse_lens
from .lever import prefill_lever
from .loom import time_loom
from .microscope import loop_microscope
from .ranking import reranking_bars
from .room import n_square_room
from .router import pattern_router
from .stepper import systolic_stepper
from .weights import weight_wall

__all__ = [
    "Explorer",
    "cache_lens",
    "chip_budget",
    "first_meter",
    "loop_microscope",
    "machine_builder",
    "n_square_room",
    "pattern_router",
    "prefill_lever",
    "reranking_bars",
    "reuse_lens",
    "systolic_stepper",
    "time_loom",
    "weight_wall",
]
