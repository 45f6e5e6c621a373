"""The loop microscope: six orders of the same loops, and the lines that a cache holds meanwhile."""

from ..draw.microscope import LINES, ORDERS, STEPS, TILES, N, Walk, microscope
from .explorer import Explorer, choice, slider

_STEPS = 1, *range(500, STEPS, 500), STEPS
_ON_BET = N, LINES[0]


def _worst():
    """The order that misses most."""
    return max(ORDERS, key=lambda order: Walk(order, *_ON_BET).misses())


def loop_microscope():
    """The widget of lesson 07: a product of two matrices of 32 × 32 in one of six loop orders, in
    tiles of 4, 8, 16 or without, before an LRU cache of 24, 64 or 384 lines, at one of its steps.

    The bet "worst_order", the order that misses most, is on 24 lines without tiles.

    >>> loop_microscope().probe(order="ikj", tile=16, lines=64)
    i-k-j, tiles of 16 × 16, LRU of 64 lines: 768 misses, 402 of them up to
    MAC 16,500 (i = 16, j = 3, k = 7); 32,768 MAC, 12,288 B in memory, 24,576
    B fetched; i-k-j untiled 4,352 misses.
    """

    def draw(order, tile, lines, step, bet=None):
        return microscope(order, tile, lines, step, bet=bet if (tile, lines) == _ON_BET else None)

    tile, lines = _ON_BET
    return Explorer(
        draw,
        question="Which of the six orders misses most often?",
        move="Choose an order and walk through it; then tile the loops, and enlarge the cache.",
        bet="worst_order",
        truth=_worst(),
        about="24 lines, no tiles",
        order=choice("order", ORDERS, "ijk"),
        tile=choice("tile", (*((str(t), t) for t in TILES[:-1]), ("none", N)), tile),
        lines=choice("lines", LINES, lines),
        step=slider("step", _STEPS, 16_500),
    )
