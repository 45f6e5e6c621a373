"""Pictures: pure functions of data that return a `Picture`, one file for each type of figure.

Importing this package loads no plotting library; the first picture does.
"""

from .areas import areas
from .blocks import blocks
from .builder import budget, builder
from .cachelens import cachelens
from .lens import lens
from .lever import lever
from .loom import loom
from .microscope import microscope
from .network import network
from .patterns import patterns
from .picture import Picture
from .plots import style
from .ranking import ranking
from .roofline import Point, roofline
from .room import room
from .router import router
from .stepper import stepper
from .together import together

__all__ = [
    "Picture",
    "Point",
    "areas",
    "blocks",
    "budget",
    "builder",
    "cachelens",
    "lens",
    "lever",
    "loom",
    "microscope",
    "network",
    "patterns",
    "ranking",
    "room",
    "roofline",
    "router",
    "stepper",
    "style",
    "together",
]
