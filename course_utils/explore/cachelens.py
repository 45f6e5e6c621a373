"""The cache lens: a short walk, the lines and sets it meets, and what a second pass finds."""

import ipywidgets as widgets

from ..draw.cachelens import DEFAULT, LINES, SETS, STRIDES, WALKS, WAYS, Walk, cachelens
from .explorer import Explorer, choice

# Beside the slider there is room for five letters; the readout has the whole name.
_SHORT = *STRIDES, 64, 65, 72, "16 × 1", "4 × 4", "2 × 8"


def cache_lens():
    """The widget of lesson 08: one of twelve walks, before a cache of 1 to 8 sets of 1 to 8 ways,
    with lines of 4, 8 or 16 numbers.

    The bet "stride_curve", the misses of six strides, is on 8 sets of 2 lines of 8 numbers.

    >>> cache_lens().probe(walk="column, rows of 64", sets=8, ways=4)
    column, rows of 64, 8 sets × 4 ways, lines of 8 numbers: 16 of 16 reads
    miss in pass 1, 16 in pass 2; 16 lines in 1 of 8 sets; 64 B of numbers,
    1,024 B fetched.
    """
    sets, ways, line = DEFAULT
    return Explorer(
        cachelens,
        question="How many of 32 reads miss, at each of six strides?",
        move="Choose a walk; then change the sets, the ways and the lines of the cache.",
        bet="stride_curve",
        truth=tuple(Walk(f"{apart} apart", *DEFAULT).misses for apart in STRIDES),
        about="1, 2, 4, 8, 16, 40 apart",
        walk=widgets.SelectionSlider(
            options=[(str(short), walk) for short, walk in zip(_SHORT, WALKS, strict=True)],
            value="1 apart",
            description="walk",
        ),
        sets=choice("sets", SETS, sets),
        ways=choice("ways", WAYS, ways),
        line=choice("line", LINES, line),
    )
