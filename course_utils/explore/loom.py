"""The time loom: more processors help as long as cells are ready, and no longer."""

from ..draw.loom import PROCESSORS, loom
from ..wavefront import length
from .explorer import Explorer, choice, slider

_STEPS = 16
_MODES = {
    "plain": {},
    "hoisted": {"split": True},
    "4 sequences": {"sequences": 4},
    "100 steps": {"steps": 100},
}
_ON_BET = {"layers": 1, "processors": 64, "mode": "100 steps"}


def time_loom():
    """The widget of lesson 03: a recurrent network 100 → 128 of 1 to 6 layers, 16 steps, on 1 to
    64 processors; plain, with x W ahead of its step (hoisted), 4 sequences at once, or 100 steps.

    The bet "loom_ticks" is after how many ticks 64 processors have done 1 layer of 100 steps.

    >>> time_loom().probe(layers=1, processors=2, mode="hoisted")
    1 layer × 16 steps, x W apart, on 2 processors: 8.5 ticks, the longest
    chain 8.5; 94 % of the slots busy; 466,944 MAC, 118,784 B in memory,
    131,840 B moved.
    """

    def draw(layers, processors, mode, bet=None):
        state = {"layers": layers, "processors": processors, "mode": mode}
        sizes = {"steps": _STEPS, **_MODES[mode]}
        return loom(layers, processors=processors, bet=bet if state == _ON_BET else None, **sizes)

    return Explorer(
        draw,
        question="Do more processors finish sooner?",
        move="A cell takes one tick; its number is its step. Move layers and processors.",
        bet="loom_ticks",
        truth=length(1, 100, 64),
        about="1 layer, 100 steps, 64 processors",
        layers=slider("layers", range(1, 7), 4),
        processors=slider("processors", PROCESSORS, 6),
        mode=choice("mode", tuple(_MODES), "plain"),
    )
