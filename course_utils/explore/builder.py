"""The machine builder and the chip's budget: sizes of an invented chip, its area, its roofline."""

from ..chip import ARRAYS, SIDES, SRAMS, STACKS, START, Chip
from ..draw.builder import WORKS, budget, builder
from .explorer import Explorer, slider

_MOVE = "Choose the arrays, the SRAM and the stacks of HBM; the budget is 100 mm²."
_FIRST = {"side": 32, "arrays": 32, "sram": 8, "stacks": 2}


def machine_builder():
    """The widget of lesson 10: side and number of systolic arrays, SRAM and stacks of HBM.

    The bet "faster_by_hbm", how many dots rise, is on the first chip with twice its stacks.

    >>> machine_builder().probe(side=128, arrays=4)
    94.7 mm²: 4 × 128² PEs, 8 MiB, 2 HBM: 131 TFLOP/s, 800 GB/s; of the peak
    MLP 7.06 %, CNN 26.5 %, RNN 0.735 %, attention 62.5 %, decode 0.61 %,
    prefill 95.4 %.
    """
    return Explorer(
        builder,
        question="Twice the stacks of HBM: how many of the six dots rise?",
        move=_MOVE,
        bet="faster_by_hbm",
        truth=_risen(Chip(**_FIRST), Chip(**{**_FIRST, "stacks": 2 * _FIRST["stacks"]})),
        about="the first chip, 2 to 4 stacks",
        **_knobs(**_FIRST),
    )


def chip_budget():
    """The widget of lesson 11: the same knobs, four kinds of work, and the scores for five mixes.

    >>> chip_budget().probe(stacks=3)
    73 mm²: 8 × 64² PEs, 8 MiB, 3 HBM: 65.5 TFLOP/s, 1,200 GB/s; scores
    chatbot 1.19, vision 1.3, speech 1.05, prefill 1, mixed 1.16.
    """
    return Explorer(
        budget,
        question="How would you spend 100 mm²?",
        move=_MOVE,
        **_knobs(START.side, START.arrays, START.sram, START.stacks),
    )


def _knobs(side, arrays, sram, stacks):
    """The four sliders, at these sizes."""
    return {
        "side": slider("side", SIDES, side),
        "arrays": slider("arrays", ARRAYS, arrays),
        "sram": slider("SRAM, MiB", SRAMS, sram),
        "stacks": slider("stacks", STACKS, stacks),
    }


def _risen(before, after):
    """How many of the works take less time on the second chip."""
    return sum(after.run(work).seconds < before.run(work).seconds for work in WORKS)
