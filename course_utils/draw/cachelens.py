"""The cache lens: a short walk through memory, the sets it meets, and what a second pass finds."""

from collections import Counter
from dataclasses import dataclass
from functools import cache

import numpy as np

from ..meters import Meters
from .palette import INK, MEMORY, MEMORY_TINT, MOVEMENT, MUTE, PAPER, RULE
from .svg import (
    FOOTER_HEIGHT,
    LEFT,
    PAD,
    RIGHT,
    card,
    circle,
    diamond,
    footer,
    inner,
    line,
    n,
    path,
    text,
)

NUMBERS, ITEMSIZE = 1_152, 4  # of the memory, fp32
READS, PASSES = 16, 2
STRIDES = 1, 2, 4, 8, 16, 40
SETS = WAYS = 1, 2, 4, 8
LINES = 4, 8, 16  # numbers in a line
DEFAULT = 8, 2, 8  # sets, ways, numbers in a line

_ROW = 64  # numbers in a row of the table whose column is walked


def _rows(count, seed):
    """Where `count` rows begin that are read whole, 16 numbers, at random places drawn once."""
    long = READS // count
    rows = np.random.default_rng(seed).choice(NUMBERS // long, count, replace=False)
    return [long * int(row) + k for row in rows for k in range(long)]


WALKS = {
    **{f"{apart} apart": [apart * k for k in range(READS)] for apart in STRIDES},
    "column, rows of 64": [_ROW * k for k in range(READS)],
    "column, rows of 65": [(_ROW + 1) * k for k in range(READS)],
    "column, rows of 72": [(_ROW + 8) * k for k in range(READS)],
    "random": _rows(READS, 0),
    "4 random rows of 4": _rows(4, 1),
    "2 random rows of 8": _rows(2, 1),
}

_STRIP, _STRIP_HEIGHT = 96, 16
_LABELS, _GRID, _SLOT, _CELL_WIDE = 178, 184, (RIGHT - LEFT) / SETS[-1], 80
_TALL = {1: 40, 2: 40, 4: 30, 8: 16}  # px of a way
_PASS, _APART = 360, 22
_CHART, _AXIS, _POINTS = 520, 420, 30  # the chart: left edge, its axis, px between its points
_MISS, _NUMBERS_Y = 2, 344  # px a miss; where the misses are written, above the highest point
_LEGEND, _FOOT = 424, 456


@dataclass(frozen=True)
class Walk:
    """16 reads, twice over, before a set-associative LRU cache that is empty at first.

    `line`: numbers in a line.

    >>> [Walk(f"{apart} apart", 8, 2, 8).misses for apart in STRIDES]
    [2, 4, 8, 16, 32, 16]
    """

    name: str
    sets: int
    ways: int
    line: int

    @property
    def lines(self):
        """The line of each read of a pass."""
        return [number // self.line for number in WALKS[self.name]]

    @property
    def missed(self):
        """For each of the 32 reads, whether its line was not there."""
        return _replayed(self)[0]

    @property
    def misses(self):
        return sum(self.missed)

    @property
    def held(self):
        """For each set, the line in each of its ways at the end, None where none is."""
        return _replayed(self)[1]

    @property
    def different(self):
        """The lines that are read, in ascending order."""
        return sorted(set(self.lines))

    @property
    def crowd(self):
        """How many of them go to each set, those left out that none goes to."""
        return Counter(number % self.sets for number in self.different)

    @property
    def met(self):
        """How many sets they go to."""
        return len(self.crowd)

    @property
    def places(self):
        return self.sets * self.ways


@cache
def _replayed(walk):
    ways = [[None] * walk.ways for _ in range(walk.sets)]
    last, missed = {}, []  # when a line was last used
    for now, number in enumerate(walk.lines * PASSES):
        held = ways[number % walk.sets]
        missed.append(number not in held)
        if missed[-1]:
            # an empty way first, then the one not used for longest
            way = min(range(walk.ways), key=lambda k, held=held: last.get(held[k], -1))
            held[way] = number
        last[number] = now
    return tuple(missed), tuple(map(tuple, ways))


def cachelens(walk, sets, ways, line, *, bet=None):
    """A `Picture` of 16 numbers that are read twice, and the sets and lines of a cache meanwhile.

    `walk`: one of `WALKS`, such as "8 apart", through 1,152 numbers in fp32.  `sets`, `ways`: 1, 2,
    4 or 8.  `line`: 4, 8 or 16 numbers.  The cache drops the line of a set that was not used for
    longest; it is shown after both passes.  Movement is what the misses fetch.
    `bet`, six numbers, is drawn beside the misses of the six strides, which are shown with it, on
    the cache that it is about: 8 sets of 2 ways, lines of 8 numbers.
    Anything else is a ValueError.

    >>> cachelens("16 apart", 8, 2, 8)
    16 apart, 8 sets × 2 ways, lines of 8 numbers: 16 of 16 reads miss in pass 1, 16 in pass 2; \
16 lines in 4 of 8 sets; 64 B of numbers, 1,024 B fetched.
    >>> cachelens("40 apart", 8, 2, 8).title
    '16 lines are fetched once, and pass 2 finds all it reads'
    """
    for name, value, known in (
        ("walk", walk, tuple(WALKS)),
        ("sets", sets, SETS),
        ("ways", ways, WAYS),
        ("line", line, LINES),
    ):
        if isinstance(value, (bool, float)) or value not in known:
            listed = ", ".join(map(repr, known))
            raise ValueError(f"cachelens: {name} is {value!r}; take one of {listed}")
    shown = Walk(walk, sets, ways, line)
    body = [
        *_strip(shown),
        *_routes(shown),
        *_grid(shown),
        *_passes(shown),
        *_chart(shown, bet),
        *_legend(bet and _on_bet(shown)),
        footer(_FOOT, _meters(shown), _notes(shown), Meters(moved=READS * ITEMSIZE)),
    ]
    return card(_FOOT + FOOTER_HEIGHT + PAD, _title(shown), _second(shown), body, _says(shown))


def _on_bet(walk):
    return (walk.sets, walk.ways, walk.line) == DEFAULT


def _meters(walk):
    return Meters(memory=NUMBERS * ITEMSIZE, moved=walk.misses * walk.line * ITEMSIZE)


# --- words --------------------------------------------------------------------------------


def _count(many, what):
    return f"{many} {what}{'s' * (many != 1)}"


def _title(walk):
    reads, lines = READS * PASSES, _count(len(walk.different), "line")
    if walk.misses == len(walk.different):
        are = "is" if walk.misses == 1 else "are"
        return f"{lines} {are} fetched once, and pass 2 finds all it reads"
    if len(walk.different) > walk.places:
        return f"{lines}, room for {walk.places}: {walk.misses} of {reads} reads miss"
    if len(walk.different) > walk.met * walk.ways:
        why = f"in {walk.met} of {_count(walk.sets, 'set')}"
    else:  # those sets have room for all, but the fullest has not for its own
        why = f"{max(walk.crowd.values())} share {_count(walk.ways, 'way')}"
    return f"{lines}, room for {walk.places}, but {why}: {walk.misses} of {reads} miss"


def _second(walk):
    return (
        f"16 of {NUMBERS:,} numbers in fp32, read one by one, then all once more; {_cache(walk)}."
    )


def _cache(walk):
    sets, ways = _count(walk.sets, "set"), _count(walk.ways, "way")
    return f"{sets} × {ways}, lines of {walk.line} numbers"


def _says(walk):
    first, second = sum(walk.missed[:READS]), sum(walk.missed[READS:])
    return (
        f"{walk.name}, {_cache(walk)}: {first} of {READS} reads miss in pass 1, {second} in pass 2;"
        f" {_count(len(walk.different), 'line')} in {walk.met} of {_count(walk.sets, 'set')}; "
        f"{READS * ITEMSIZE} B of numbers, {_meters(walk).moved:,} B fetched."
    )


def _notes(walk):
    asked = f"numbers: {READS * ITEMSIZE} B; {walk.line * ITEMSIZE} B a miss"
    return f"all {NUMBERS:,} numbers", "a read computes nothing", asked


# --- marks --------------------------------------------------------------------------------


def _cells(walk, numbers):
    """The path of lines of memory in the strip, by number."""
    wide = (RIGHT - LEFT) * walk.line / NUMBERS
    return "".join(
        f"M{n(LEFT + wide * k)} {_STRIP}h{n(wide - 0.6)}v{_STRIP_HEIGHT}h{n(0.6 - wide)}z"
        for k in numbers
    )


def _strip(walk):
    lines = NUMBERS // walk.line
    words = f"memory: {lines} lines of {walk.line} numbers; dark = read"
    others = sorted(set(range(lines)) - set(walk.different))
    return [
        text(LEFT, _STRIP - 8, words, 11, MUTE),
        path(_cells(walk, others), fill=MEMORY_TINT),
        path(_cells(walk, walk.different), fill=MEMORY),
    ]


def _middle(number):
    """The middle of a set, which is where it is however many sets there are."""
    return LEFT + _SLOT * (number + 0.5)


def _routes(walk):
    """From each line that is read to its set."""
    wide, top = (RIGHT - LEFT) * walk.line / NUMBERS, _STRIP + _STRIP_HEIGHT
    crowd, seen, d = walk.crowd, Counter(), ""
    for number in walk.different:
        own = number % walk.sets
        spread = min(8, 72 / crowd[own])
        end = _middle(own) + spread * (seen[own] - (crowd[own] - 1) / 2)
        seen[own] += 1
        start = LEFT + wide * (number + 0.5)
        d += f"M{n(start)} {top + 2}v8L{n(end)} {_LABELS - 22}v8"
    return [path(d, MOVEMENT, 1.25)]


def _grid(walk):
    high, parts = _TALL[walk.ways], []
    for number, held in enumerate(walk.held):
        middle = _middle(number)
        parts.append(text(middle, _LABELS, f"set {number}", 11, MUTE, "middle"))
        for way, kept in enumerate(held):
            y = _GRID + way * high
            box = middle - _CELL_WIDE / 2, y, _CELL_WIDE, high - 2
            words, fill = ("empty", MUTE) if kept is None else (f"line {kept}", INK)
            outline, tint = (RULE, PAPER) if kept is None else (MEMORY, MEMORY_TINT)
            parts += [inner(*box, outline, tint)]
            parts += [text(middle, y + high / 2 + 3, words, 11, fill, "middle")]
    return parts


def _passes(walk):
    parts = []
    for turn in range(PASSES):
        y, missed = _PASS + 28 * turn, walk.missed[READS * turn : READS * (turn + 1)]
        parts.append(text(LEFT, y + 4, f"pass {turn + 1}"))
        parts += [
            circle(88 + _APART * k, y, 6, PAPER if miss else INK, INK, 1.5)
            for k, miss in enumerate(missed)
        ]
        parts.append(text(440, y + 4, _count(READS - sum(missed), "hit")))
    return parts


def _chart(walk, bet):
    """The misses of the six strides in this cache; all of them once there is a bet."""

    def at(place, misses):
        return _CHART + 12 + _POINTS * place, _AXIS - _MISS * min(max(misses, 0), READS * PASSES)

    walks = [Walk(f"{apart} apart", walk.sets, walk.ways, walk.line) for apart in STRIDES]
    parts = [
        text(RIGHT, _AXIS - 92, "misses of 32, by numbers apart", 11, MUTE, "end"),
        line(_CHART, _AXIS, RIGHT, _AXIS, RULE),
    ]
    for place, apart in enumerate(STRIDES):
        parts.append(text(at(place, 0)[0], _AXIS + 16, f"{apart}", 11, MUTE, "middle"))
    points = [at(place, each.misses) for place, each in enumerate(walks)]
    if bet:
        parts.append(path("M" + "L".join(f"{n(x)} {n(y)}" for x, y in points), INK, 1))
    if bet and _on_bet(walk):
        wagered = [at(place, misses) for place, misses in enumerate(bet)]
        parts.append(path("M" + "L".join(f"{n(x)} {n(y)}" for x, y in wagered), INK, 1, dash="4 3"))
        # so large that it is seen around the point of a bet that is right
        parts += [diamond(x, y, 7.5) for x, y in wagered]
    for each, (x, y) in zip(walks, points, strict=True):
        if bet or each == walk:
            parts.append(circle(x, y, 4.5, INK if each == walk else PAPER, INK, 1.5))
        if bet or each == walk:
            above = _NUMBERS_Y if bet else y - 8
            parts.append(text(x, above, f"{each.misses}", 11, INK, "middle", bold=each == walk))
    return parts


def _legend(bet):
    y = _LEGEND
    parts = [
        circle(30, y - 4, 6, INK, INK, 1.5),
        text(44, y, "hit"),
        circle(94, y - 4, 6, PAPER, INK, 1.5),
        text(108, y, "miss"),
    ]
    if bet:
        parts += [diamond(174, y - 4), text(188, y, "your bet")]
    return parts
