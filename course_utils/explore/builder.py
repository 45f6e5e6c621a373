"""The machine builder: sizes of an invented chip, its area and its roofline with six works."""

from ..chip import ARRAYS, SIDES, SRAMS, STACKS, Chip
from ..draw.builder import WORKS, builder
from .explorer import Explorer, slider

_FIRST = {"side": 32, "arrays": 32, "sram": 8, "stacks": 2}


def machine_builder():
    """The widget of lesson 10: side and number of systolic arrays, SRAM and stacks of HBM.

    The bet "faster_by_hbm", how many dots rise, is on the first chip with twice its stacks.

    >>> machine_builder().probe(side=128, arrays=4)
    94.7 mm²: 4 × 128² cores, 8 MiB, 2 HBM: 131 TFLOP/s, 800 GB/s; of the peak
    MLP 7.06 %, CNN 26.5 %, RNN 0.735 %, attention 62.5 %, decode 0.61 %,
    prefill 95.4 %.
    """
    return Explorer(
        builder,
        question="Twice the stacks of HBM: how many of the six dots rise?",
        move="Choose the arrays, the SRAM and the stacks of HBM; the budget is 100 mm².",
        bet="faster_by_hbm",
        truth=_risen(Chip(**_FIRST), Chip(**{**_FIRST, "stacks": 2 * _FIRST["stacks"]})),
        about="the first chip, 2 to 4 stacks",
        side=slider("side", SIDES, _FIRST["side"]),
        arrays=slider("arrays", ARRAYS, _FIRST["arrays"]),
        sram=slider("SRAM, MiB", SRAMS, _FIRST["sram"]),
        stacks=slider("stacks", STACKS, _FIRST["stacks"]),
    )


def _risen(before, after):
    """How many of the works take less time on the second chip."""
    return sum(after.run(work).seconds < before.run(work).seconds for work in WORKS)
