"""The pattern router: the same pattern among 8 ranks by other sends, round after round."""

import ipywidgets as widgets

from ..collectives import PATTERNS
from ..draw.router import BET_ON, ROUNDS, SIZES, decimal, router
from ..draw.routes import HOW, Route
from .explorer import Explorer, choice, slider

_THIN = "\u200a"  # in place of a blank: "100 MB" is wider than the room beside a slider


def pattern_router():
    """The widget of lesson 09: eight patterns among 8 ranks by root, tree, ring or doubling, 1 kB
    to 100 MB, round after round.

    The bet "large_winner", which of root, tree and ring is first, is on an all-reduce of 100 MB.

    >>> pattern_router().probe(pattern="reduce", algorithm="tree", size=10**8)
    Reduce of 100 MB by a tree, round 3 of 3: 7 sends, 700 MB, busiest port
    300 MB, 175,000,000 additions, 6 ms; by the root 7 rounds, 700 MB, busiest
    port 700 MB, 14 ms.
    """
    pattern, size = BET_ON
    return Explorer(
        router,
        question="All-reduce of 100 MB by 8 ranks: who is first?",
        move="Choose a pattern, an algorithm and a size; then step through the rounds.",
        bet="large_winner",
        truth=min(("root", "tree", "ring"), key=lambda how: Route(pattern, how).seconds(size)),
        about="all-reduce of 100 MB, 8 ranks",
        pattern=_named(PATTERNS),
        size=widgets.SelectionSlider(
            options=[(decimal(each).replace(" ", _THIN), each) for each in SIZES],
            value=10**6,
            description="size",
        ),
        algorithm=choice("algorithm", tuple(HOW), "tree"),
        round=slider("round", range(ROUNDS + 1), ROUNDS),
    )


def _named(names):
    """A slider over names that are too long to stand behind it: the chosen one stands before it."""
    chosen = widgets.SelectionSlider(
        options=names,
        value=names[0],
        description=names[0],
        tooltip="pattern",
        readout=False,
        style={"description_width": "96px"},
    )
    chosen.observe(lambda change: setattr(chosen, "description", change.new), "value")
    return chosen
