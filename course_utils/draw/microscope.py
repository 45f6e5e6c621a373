"""The loop microscope: which lines of C, A and B a cache holds at one step of a loop order."""

from collections import OrderedDict
from dataclasses import dataclass, replace
from functools import cache
from itertools import permutations

import numpy as np

from .. import units
from ..arguments import whole
from ..meters import Meters
from ..nest import LoopNest
from .palette import (
    GRID,
    INK,
    MEMORY,
    MEMORY_TINT,
    MOVEMENT,
    MOVEMENT_TEXT,
    MOVEMENT_TINT,
    MUTE,
    PAPER,
    mix,
)
from .svg import (
    DOTS,
    FOOTER_HEIGHT,
    LEFT,
    PAD,
    card,
    diamond,
    footer,
    inner,
    n,
    path,
    rect,
    spans,
    text,
)

N, NUMBERS = 32, 8  # side of a matrix, numbers in a line
STEPS = N**3
ORDERS = tuple(map("".join, permutations("ijk")))
TILES = 4, 8, 16, N  # a tile of N is the whole matrix: no tiles
LINES = 24, 64, 384

_PRODUCT = LoopNest("C[i,j] += A[i,k] * B[k,j]", i=N, j=N, k=N)
_LINE = NUMBERS * _PRODUCT.itemsize_of("C")  # bytes
_SUBSCRIPTS = {"C": "ij", "A": "ik", "B": "kj"}  # in the order in which they are drawn
_STEPPING = {  # where the innermost loop goes, lines being parts of rows
    "i": "C and A across lines",
    "j": "C and B along lines",
    "k": "A along, B across lines",
}

_CELL = 5  # px of a number, either way
HELD = mix(MEMORY, MEMORY_TINT, 0.72)  # the tint itself wants an outline, too much for 5 px
_SIDE = N * _CELL
_TOPS = 104, 304  # of the row that is shown and of the one compared with
_PITCH, _WORDS = _SIDE + 16, 552
_MISSES = 500  # for a px of the bars
_LEGEND, _FOOT = 490, 520


@dataclass(frozen=True)
class Walk:
    """The product in one loop order, its three loops tiled or not, before an LRU cache.

    The cache starts empty.  A step is one MAC; the first is step 1.

    >>> Walk("ikj", 32, 24).misses(), Walk("ikj", 16, 64).misses(), Walk("jki", 4, 384).misses()
    (4352, 768, 384)
    """

    order: str
    tile: int
    lines: int

    def misses(self, step=STEPS):
        """Lines fetched from the first step to this one."""
        return int(_fetched(self)[step - 1])

    def held(self, step):
        """{tensor: which of its lines the cache holds after a step}, each from 0 on.

        An LRU cache of so many lines holds those that were last referred to.
        """
        latest_first = _touched(self.order, self.tile)[:step].ravel()[::-1]
        lines, ago = np.unique(latest_first, return_index=True)
        kept = lines[np.argsort(ago)[: self.lines]]
        tensor, line = np.divmod(kept, N * N // NUMBERS)
        return {name: line[tensor == k].tolist() for k, name in enumerate(_PRODUCT.tensors)}

    def place(self, step):
        """(i, j, k) of a step."""
        return tuple(_places(self.order, self.tile)[step - 1].tolist())

    def step_at(self, place):
        """The step at (i, j, k)."""
        (found,) = np.flatnonzero((_places(self.order, self.tile) == place).all(axis=1))
        return int(found) + 1

    @property
    def tiled(self):
        return self.tile < N

    @property
    def compared(self):
        """What it is compared with: i-k-j without tiles; that itself, with j-k-i."""
        plain = Walk("ikj", N, self.lines)
        return replace(plain, order="jki") if plain == self else plain


@cache
def _elements(order, tile):
    """A row for each step: the elements of A, B and C, which lie one after another."""
    nest = _PRODUCT.order(*order)
    nest = nest.tile(**dict.fromkeys(order, tile)) if tile < N else nest
    return nest.addresses().address.reshape(STEPS, -1) // _PRODUCT.itemsize_of("C")


def _touched(order, tile):
    """The same in lines."""
    return _elements(order, tile) // NUMBERS


@cache
def _places(order, tile):
    """A row (i, j, k) for each step."""
    a, _, c = (_elements(order, tile) % N**2).T
    return np.stack([a // N, c % N, a % N], axis=1)


@cache
def _fetched(walk):
    """Lines fetched up to each step: a `Hierarchy` tells how many, but not when."""
    held, missed = OrderedDict(), []
    for line in _touched(walk.order, walk.tile).ravel().tolist():
        missed.append(line not in held)
        held[line] = None
        held.move_to_end(line)
        if len(held) > walk.lines:
            held.popitem(last=False)
    return np.reshape(missed, (STEPS, -1)).sum(axis=1).cumsum()


def microscope(order, tile, lines, step, *, bet=None):
    """A `Picture` of C[i,j] += A[i,k]·B[k,j], 32 × 32 in fp32, before an LRU cache of lines of 8
    numbers: the lines that it holds at one step, and the misses so far and in all.

    `order`: the loops from the outermost on, such as "ikj".  `tile`: 4, 8 or 16, of all three
    loops, or 32, which is no tiles.  `lines`: 24, 64 or 384.  `step`: a MAC, the first is 1, the
    last 32,768.  Below it i-k-j without tiles, or j-k-i if it is that, stopped at the same i, j,
    k.  Movement is what the misses fetch; lines written back are not in it.
    `bet`, an order, is a diamond beside that order without tiles.
    Anything else is a ValueError.

    >>> microscope("jki", 32, 24, 16_384)
    j-k-i, no tiles, LRU of 24 lines: 66,560 misses, 33,280 of them up to MAC 16,384 (i = 31, \
j = 15, k = 31); 32,768 MAC, 12,288 B in memory, 2,129,920 B fetched; i-k-j 4,352 misses.
    >>> microscope("ikj", 16, 64, 1).title
    'The same 32,768 MACs, 768 misses; i-k-j untiled has 4,352'
    """
    shown = _checked(order, tile, lines)
    if whole(step, "microscope: step") > STEPS:
        raise ValueError(f"microscope: step is {step:,}; the last one is {STEPS:,}")
    other, place = shown.compared, shown.place(step)
    body = [
        *_row(_TOPS[0], shown, place, bet),
        *_row(_TOPS[1], other, place, bet),
        *_legend(shown),
        footer(_FOOT, _meters(shown), _notes(shown), Meters(moved=_meters(other).moved)),
    ]
    says = _says(shown, step)
    return card(_FOOT + FOOTER_HEIGHT + PAD, _title(shown), _second(shown, place), body, says)


def _checked(order, tile, lines):
    for name, value, known in (
        ("order", order, ORDERS),
        ("tile", tile, TILES),
        ("lines", lines, LINES),
    ):
        if isinstance(value, bool) or value not in known:
            raise ValueError(
                f"microscope: {name} is {value!r}; take one of {', '.join(map(repr, known))}"
            )
    return Walk(order, tile, lines)


def _meters(walk):
    memory = sum(map(_PRODUCT.nbytes, _PRODUCT.tensors))
    return Meters(memory=memory, macs=_PRODUCT.macs, moved=walk.misses() * _LINE)


# --- words --------------------------------------------------------------------------------


def _name(walk, beside=None):
    """The order; `beside` a tiled one, that it has no tiles."""
    return "-".join(walk.order) + (" untiled" if beside and beside.tiled else "")


def _tiles(walk):
    return f"tiles of {walk.tile} × {walk.tile}" if walk.tiled else "no tiles"


def _title(walk):
    misses, others = walk.misses(), walk.compared.misses()
    if walk.lines * NUMBERS >= 3 * N * N:
        return f"In any order {misses:,} misses: A, B and C fit into the cache"
    other = _name(walk.compared, walk)
    same = f"The same {STEPS:,} MACs, "
    if misses == others:
        return f"{same}the same {misses:,} misses as {other}"
    if walk.order == "ikj" and not walk.tiled:
        return f"{same}{units.number(others / misses)} times the misses in {other}"
    if misses > others:
        return f"{same}{units.number(misses / others)} times the misses of {other}"
    return f"{same}{misses:,} misses; {other} has {others:,}"


def _second(walk, place):
    i, j, k = place
    return (
        f"C[i,j] += A[i,k]·B[k,j], n = {N}, fp32 by rows, LRU of {walk.lines} lines; "
        f"both at i = {i}, j = {j}, k = {k}."
    )


def _says(walk, step):
    i, j, k = walk.place(step)
    meters, other = _meters(walk), walk.compared
    return (
        f"{_name(walk)}, {_tiles(walk)}, LRU of {walk.lines} lines: {walk.misses():,} misses, "
        f"{walk.misses(step):,} of them up to MAC {step:,} (i = {i}, j = {j}, k = {k}); "
        f"{units.macs(meters.macs)}, {units.nbytes(meters.memory)} in memory, "
        f"{units.nbytes(meters.moved)} fetched; {_name(other, walk)} {other.misses():,} misses."
    )


def _notes(walk):
    return "A, B and C", "the same in any order", f"{_name(walk.compared, walk)}; {_LINE} B a miss"


# --- marks --------------------------------------------------------------------------------


def _row(top, walk, place, bet):
    """C, A and B at a place of the walk, and the misses beside them."""
    step = walk.step_at(place)
    held, index = walk.held(step), dict(zip("ijk", place, strict=True))
    parts = []
    for m, (name, subscripts) in enumerate(_SUBSCRIPTS.items()):
        row, column = (index[s] for s in subscripts)
        parts += _matrix(LEFT + _PITCH * m, top, name, held[name], row, column)
        if walk.tiled:
            parts.append(_window(LEFT + _PITCH * m, top, walk.tile, row, column))
    return [*parts, *_counter(top, walk, step), *_bet(top, walk, bet)]


def _matrix(x, top, name, held, row, column):
    current = row * N // NUMBERS + column // NUMBERS
    first, second = _SUBSCRIPTS[name]
    label = [(name, 13, MEMORY, True), (f"[{first}, {second}]", 11, MUTE, False)]
    return [
        spans(x, top - 8, label),
        path(_lines(x, top, range(N * N // NUMBERS)), fill=GRID),
        path(_lines(x, top, (i for i in held if i != current)), fill=HELD),
        path(_lines(x, top, [current]), fill=MEMORY),
        rect(x + _CELL * column - 1, top + _CELL * row - 1, _CELL + 2, _CELL + 2, PAPER, INK, 1.5),
    ]


def _lines(x, top, numbers):
    """The path of lines of a matrix, by number, each 1 px from the next."""
    wide, per_row = _CELL * NUMBERS, N // NUMBERS
    return "".join(
        f"M{n(x + wide * (i % per_row))} {n(top + _CELL * (i // per_row))}"
        f"h{wide - 1}v{_CELL - 1}h{1 - wide}z"
        for i in numbers
    )


def _window(x, top, tile, row, column):
    """A box around the tile that is being computed."""
    side = _CELL * tile
    left, upper = x + column // tile * side, top + row // tile * side
    return rect(left - 1, upper - 1, side + 1, side + 1, stroke=INK)


def _counter(top, walk, step):
    misses, so_far = walk.misses(), walk.misses(step)
    wide = max(misses / _MISSES, 2)
    return [
        text(_WORDS, top + 12, _name(walk), 16, bold=True),
        text(_WORDS, top + 30, _tiles(walk), fill=MUTE),
        text(_WORDS, top + 56, f"{misses:,} misses", 14, MOVEMENT_TEXT, bold=True),
        inner(_WORDS, top + 66, wide, 12, MOVEMENT, MOVEMENT_TINT),
        rect(_WORDS, top + 66, wide * so_far / misses, 12, DOTS),
        text(_WORDS, top + 96, f"{so_far:,} so far,"),
        text(_WORDS, top + 112, f"at MAC {step:,}"),
        text(_WORDS, top + 140, f"innermost {walk.order[-1]}:", 11, MUTE),
        text(_WORDS, top + 156, _STEPPING[walk.order[-1]], 11, MUTE),
    ]


def _bet(top, walk, bet):
    """A diamond beside the order that was bet."""
    if walk.tiled or walk.order != bet:
        return []
    return [diamond(_WORDS + 66, top + 7), text(_WORDS + 78, top + 12, "your bet", 11)]


def _legend(walk):
    y, line, side = _LEGEND, _CELL * NUMBERS - 1, _CELL + 2
    parts = [
        rect(LEFT, y - 7, line, _CELL - 1, MEMORY),
        rect(LEFT + 16, y - 8.5, side, side, PAPER, INK, 1.5),
        text(LEFT + 48, y, "the element and its line"),
        rect(LEFT + 216, y - 7, line, _CELL - 1, HELD),
        text(LEFT + 264, y, "the other lines held, 8 numbers each"),
    ]
    if walk.tiled:
        parts += [rect(_WORDS + 0.5, y - 10.5, 11, 11, stroke=INK), text(_WORDS + 20, y, "a tile")]
    return parts
