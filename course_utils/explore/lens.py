"""The reuse lens: a window walks over a small image; how often is each pixel read?"""

from itertools import product

from ipywidgets import SelectionSlider

from ..draw.lens import lens
from ..kernels import spatial
from .explorer import Explorer, choice

_SIDE = 7
_TAPS = (2, 3, 5)
_STEPS = {"1, 0": (1, 0), "1, 1": (1, 1), "2, 0": (2, 0), "2, 1": (2, 1)}
_ON_BET = 3, "1, 0"


def reuse_lens():
    """The widget of lesson 02: an image of 7 × 7 pixels under a window of 2, 3 or 5 taps a side,
    at stride 1 or 2, padding 0 or 1, beside its im2col matrix.

    The slider walks over the pixels.  The bet "mean_reads", how often a pixel is read on average by
    3 × 3 taps at stride 1 without padding, shows as a diamond there.

    >>> reuse_lens().probe(pixel="0,0")
    Pixel 0,0 is read once; 225 reads of 49 pixels, 4.59 on average; 225 MAC;
    332 B moved, with the copy 2,132 B.
    """

    def draw(pixel, taps, steps, bet=None):
        stride, padding = _STEPS[steps]
        place = tuple(map(int, pixel.split(",")))
        on_bet = (taps, steps) == _ON_BET
        return lens(taps, stride, padding, place, bet=bet if on_bet else None)

    for taps, steps in product(_TAPS, _STEPS):  # the walks are made now, not on a move
        draw("0,0", taps, steps)
    taps, steps = _ON_BET
    nest = spatial.conv_nest(b=1, c=1, image=(_SIDE, _SIDE), k=1, taps=(taps, taps))
    pixels = [f"{y},{x}" for y, x in product(range(_SIDE), repeat=2)]
    return Explorer(
        draw,
        question="Twenty-five windows over 49 pixels: how often is a pixel read?",
        move="Walk over the pixels y,x; then change the window's side, its stride and padding.",
        bet="mean_reads",
        truth=float(nest.use_counts("X").mean()),
        about="3 × 3, stride 1, padding 0",
        pixel=SelectionSlider(options=pixels, value="2,3", description="pixel"),
        taps=choice("window", _TAPS, taps),
        steps=choice("stride, padding", tuple(_STEPS), steps),
    )
