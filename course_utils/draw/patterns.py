"""Four words and two meanings of each: what ranks do with blocks, what NumPy does with numbers."""

from fractions import Fraction

import numpy as np

from ..collectives import collective
from ..meters import Meters
from .palette import (
    COMPUTE,
    INK,
    MEMORY,
    MEMORY_TINT,
    MOVEMENT,
    MOVEMENT_TEXT,
    MUTE,
    PAPER,
    RULE,
)
from .svg import (
    FOOTER_HEIGHT,
    LEFT,
    PAD,
    card,
    circle,
    footer,
    inner,
    line,
    n,
    path,
    spans,
    text,
)

RANKS, SIZE, FP32 = 4, 10**6, 4  # bytes of the whole, of a number
_ROOT = {"broadcast": "out of", "scatter": "out of", "gather": "into", "reduce": "into"}
_WANTED = {  # whether a rank is to have a block at the end
    "broadcast": lambda rank, block: True,
    "scatter": lambda rank, block: rank == block,
    "gather": lambda rank, block: rank == 0,
    "reduce": lambda rank, block: rank == 0,
}

W, X = np.array([3.0, 1, 4, 1]), np.array([3.0, 1, 4, 1, 5, 9, 2, 6])
IDX, V = np.array([2, 0, 2]), np.array([5.0, 7, 9])

_BETWEEN = "a column is a rank, above before, below after; a block is n/4 bytes; pale: left behind"
_WITHIN = "NumPy; a cell is a number; pale: not kept"
_COLUMN, _TALL = 174, 56  # px from column to column, of the four blocks of a rank
_RANK, _BLOCK = 38, 34  # px from rank to rank, of a block
_BEFORE, _AFTER, _MEMORY = 152, 256, 376  # tops of the blocks, and of the row below
_CELL, _STORED, _FETCHED = 24, 416, 488  # px of a number, tops of two rows of them
_FOOT = 560
_VULGAR = {Fraction(3, 4): "¾", Fraction(3): "3"}


def patterns():
    """A `Picture` of broadcast, scatter, gather and reduction: between 4 ranks, all of it by way
    of rank 0, and as NumPy does them in one memory.

    The three meters are those of the reduction of 1 MB in fp32.

    >>> patterns()
    Between 4 ranks, n bytes, at rank 0's port: broadcast 3 n, scatter ¾ n, gather ¾ n, reduce \
3 n; 3 n bytes are added. In one memory: one row read 3 times, a value lost, a value read twice, \
7 additions.
    """
    schedules = [collective(word, "root", RANKS) for word in _ROOT]
    body = [*_row(96, "Between ranks", _BETWEEN), *_row(_MEMORY, "In one memory", _WITHIN)]
    for k, schedule in enumerate(schedules):
        body += _between(LEFT + _COLUMN * k, schedule)
    for k, draw in enumerate((_broadcast, _scatter, _gather, _reduction)):
        body += draw(LEFT + _COLUMN * k)
    body.append(_meters(schedules[0], schedules[3]))
    ports = ", ".join(f"{each.pattern} {_port(each)}" for each in schedules)
    says = (
        f"Between 4 ranks, n bytes, at rank 0's port: {ports}; "
        f"{_added(schedules[3])} bytes are added. "
        "In one memory: one row read 3 times, a value lost, a value read twice, 7 additions."
    )
    title = "One word each for two things: between ranks, and in one memory"
    second = "4 ranks, n bytes; rank 0 deals with one a round. Meters: a reduction of 1 MB, fp32."
    return card(_FOOT + FOOTER_HEIGHT + PAD, title, second, body, says)


def _row(y, name, what):
    return [
        text(LEFT, y, name, 13, bold=True),
        text(LEFT + 120, y, what, 11, MUTE),
        line(LEFT, y + 8, LEFT + 672, y + 8, RULE),
    ]


# --- between ranks --------------------------------------------------------------------------


def _port(schedule):
    """Bytes at the busiest port, rank 0's, in n."""
    return f"{_VULGAR[Fraction(schedule.busiest(SIZE), SIZE)]} n"


def _added(schedule):
    return f"{_VULGAR[Fraction(int(schedule.reduced(SIZE).sum()), SIZE)]} n"


def _meters(broadcast, reduction):
    """The reduction's; a broadcast, with the same arrays and sends, is what it is compared with."""
    adds = int(reduction.reduced(SIZE).sum()) // FP32
    meters = Meters(memory=RANKS * SIZE, adds=adds, moved=reduction.total(SIZE))
    ref = Meters(memory=RANKS * SIZE, moved=broadcast.total(SIZE))
    notes = "a broadcast: the same", "reduction; a broadcast: 0", "a broadcast: the same"
    return footer(_FOOT, meters, notes, ref)


def _between(left, schedule):
    word, adds = schedule.pattern, schedule.pattern == "reduce"
    parts = [text(left, 126, "Reduction" if adds else word.capitalize(), 13, bold=True)]
    for rank in range(RANKS):
        parts.append(text(_middle(left, rank), 146, str(rank), 11, MUTE, "middle"))
    before, *_, after = schedule.states(_data(word))
    parts += _held(left, _BEFORE, before, lambda rank, block: True)
    parts += _held(left, _AFTER, after, _WANTED[word])
    parts += _routes(left, schedule.sends)
    port = [(_port(schedule), 14, MOVEMENT_TEXT, True), (f" {_ROOT[word]} rank 0", 12, INK, False)]
    added = [("nothing to add", 12, MUTE, False)]
    if adds:
        added = [(_added(schedule), 14, COMPUTE, True), (" bytes added", 12, INK, False)]
    return [*parts, spans(left, 332, port), spans(left, 350, added)]


def _data(word):
    numbers = np.ones(RANKS)
    if word in ("broadcast", "scatter"):
        return numbers
    return [numbers[:1] if word == "gather" else numbers] * RANKS


def _middle(left, rank):
    return left + _RANK * rank + _BLOCK / 2


def _held(left, top, states, wanted):
    """The blocks of each rank; those that it is to have are full, the others tint."""
    parts, tall = [], _TALL // RANKS
    for rank, held in enumerate(states):
        for block in range(RANKS):
            x, y = left + _RANK * rank, top + tall * block
            if block not in held:
                parts.append(inner(x, y, _BLOCK, tall - 1, RULE))
                continue
            full = wanted(rank, block)
            parts.append(inner(x, y, _BLOCK, tall - 1, MEMORY, MEMORY if full else MEMORY_TINT))
            name = f"Σ{block}" if held[block][0] == RANKS else str(block)
            fill = PAPER if full else INK
            parts.append(text(x + _BLOCK / 2, y + 10.5, name, 11, fill, "middle"))
    return parts


def _routes(left, sends):
    """Elbows between the blocks before and after, nested so that none crosses another."""
    top, bottom = _BEFORE + _TALL + 2, _AFTER - 2
    lines, heads, sums = [], [], []
    for send in sends:
        far = send.to or send.source
        x, to = (_middle(left, rank) for rank in (send.source, send.to))
        if send.source == 0:
            x, middle, end = x + 9 * (far - 2), bottom - 9 - 7 * far, bottom
        else:
            to, middle, end = to + 9 * (far - 2), top + 6 * far, bottom - 10 * send.adds
        lines.append(f"M{n(x)} {n(top)}V{n(middle)}H{n(to)}V{n(end - 5)}")
        heads.append(f"M{n(to)} {n(end)}L{n(to - 3.3)} {n(end - 6)}L{n(to + 3.3)} {n(end - 6)}Z")
        if send.adds:
            sums += _sum(to, end + 4)
    return [path("".join(lines), MOVEMENT, 2), path("".join(heads), fill=MOVEMENT), *sums]


def _sum(x, y):
    plus = f"M{n(x - 2.5)} {n(y)}h5M{n(x)} {n(y - 2.5)}v5"
    return [circle(x, y, 4.5, COMPUTE), path(plus, PAPER, 1.25)]


# --- in one memory ----------------------------------------------------------------------------


def _cells(x, y, numbers, full=True, pitch=_CELL):
    """A row of numbers, each in its cell."""
    parts = []
    for k, number in enumerate(numbers):
        left = x + pitch * k
        parts.append(inner(left, y, pitch - 2, 18, MEMORY, MEMORY if full else MEMORY_TINT))
        fill = PAPER if full else INK
        parts.append(text(left + pitch / 2 - 1, y + 13, f"{number:.0f}", 11, fill, "middle"))
    return parts


def _words(left, code, finding, note):
    return [
        text(left, _MEMORY + 30, code),
        text(left, 528, finding, bold=True),
        text(left, 545, note, 11, MUTE),
    ]


def _broadcast(left):
    """One stored row, and the rows that are read in its place."""
    view, tall = np.broadcast_to(W, (3, 4)), 22
    right, top = left + 4 * _CELL, _STORED + 34
    parts, lines, heads = _cells(left, _STORED, W), [], []
    for row, numbers in enumerate(view):
        y = top + tall * row
        parts += _cells(left, y, numbers, full=False)
        x = right + 12 + 8 * row
        lines.append(f"M{n(right)} {n(_STORED + 14 - 5 * row)}H{n(x)}V{n(y + 9)}H{n(right + 5)}")
        heads.append(f"M{n(right)} {n(y + 9)}l6 -3.3v6.6Z")
    parts += [path("".join(lines), MOVEMENT, 1.25), path("".join(heads), fill=MOVEMENT)]
    note = f"row stride {view.strides[0]}"
    return [*parts, *_words(left, "np.broadcast_to(w, (3, 4))", "one row, read 3 times", note)]


def _scatter(left):
    """An indexed store: of two numbers for one place the later stays."""
    h = np.zeros(4)
    h[IDX] = V
    kept = [int(np.flatnonzero(place == IDX)[-1]) for place in np.unique(IDX)]
    parts = [
        *_named(left, _STORED, "v"),
        *_named(left, _FETCHED, "h"),
        *_cells(left + 24, _FETCHED, h),
    ]
    for k, (place, number) in enumerate(zip(IDX, V, strict=True)):
        parts += _cells(left + 36 + _CELL * k, _STORED, [number], full=k in kept)
        parts.append(_moved(left + 36, k, left + 24, place, dash=None if k in kept else "3 3"))
    lost = next(number for k, number in enumerate(V) if k not in kept)
    return [*parts, *_words(left, "h[idx] = v", f"the {lost:.0f} is lost", _indexes())]


def _gather(left):
    """An indexed load: a number may be read more than once."""
    x, h = X[:4], X[:4][IDX]
    parts = [*_named(left, _STORED, "x"), *_named(left, _FETCHED, "h")]
    parts += [*_cells(left + 24, _STORED, x), *_cells(left + 36, _FETCHED, h)]
    for k, place in enumerate(IDX):
        parts.append(_moved(left + 24, place, left + 36, k))
    twice = np.bincount(IDX).argmax()
    return [*parts, *_words(left, "h = x[idx]", f"x[{twice}] is read twice", _indexes())]


def _named(left, y, name):
    return [text(left, y + 13, name, 12, MEMORY, bold=True)]


def _indexes():
    return f"idx = {', '.join(map(str, IDX))}"


def _moved(start, source, end, to, dash=None):
    x, y = (left + _CELL * place + 11 for left, place in ((start, source), (end, to)))
    return line(x, _STORED + 20, y, _FETCHED - 2, MOVEMENT, 1.25, dash)


def _reduction(left):
    """Eight numbers in pairs, as NumPy adds them."""
    pitch, parts, lines = 19, _cells(left, _STORED, X, pitch=19), []
    centres, above, depth = [left + pitch * k + 8.5 for k in range(len(X))], _STORED + 18, 0
    while len(centres) > 1:
        depth += 1
        y, pairs = _STORED + 12 + 20 * depth, list(zip(centres[::2], centres[1::2], strict=True))
        lines += [f"M{n(a)} {n(above)}V{n(y)}H{n(b)}V{n(above)}" for a, b in pairs]
        centres, above = [(a + b) / 2 for a, b in pairs], y
        parts += [part for x in centres for part in _sum(x, y)]
    (x,), adds = centres, len(X) - 1
    lines.append(f"M{n(x)} {n(above)}V{n(_FETCHED + 8)}")
    return [
        path("".join(lines), MUTE),
        *parts,
        *_cells(x - 11, _FETCHED + 6, [X.sum()]),
        *_words(left, "x.sum()", f"{adds} additions, {depth} deep", "8 numbers, pair by pair"),
    ]
