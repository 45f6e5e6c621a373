"""The systolic stepper: rows of X through an array whose PEs hold W, cycle after cycle."""

from dataclasses import dataclass
from functools import cache, cached_property
from numbers import Integral, Real

import numpy as np

from .. import systolic
from ..arguments import whole
from ..meters import Meters
from .palette import (
    COMPUTE,
    COMPUTE_TINT,
    IDLE,
    INK,
    MEMORY,
    MEMORY_TINT,
    MOVEMENT,
    MOVEMENT_TEXT,
    MOVEMENT_TINT,
    MUTE,
    PAPER,
    RULE,
)
from .svg import (
    FOOTER_HEIGHT,
    HALO,
    LEFT,
    PAD,
    RIGHT,
    UNUSED,
    card,
    counters,
    diamond,
    footer,
    inner,
    line,
    n,
    path,
    rect,
    text,
)

SIDES, ROWS, TILES = (4, 8, 16), (1, 2, 4, 8, 16, 32, 64), ("full", "edge")
LONGEST = ROWS[-1] + 2 * SIDES[-1] - 2  # cycles
BET_ON = 16, 1, "full"
_DATAFLOW = "weight-stationary"
_ITEMSIZE = 2  # bytes, bf16

_ARRAY, _SIDE = (152, 120), 192  # left and top of the array, px along it
_QUEUE = _ARRAY[0] - LEFT  # px for what waits at its left
_BOTTOM = _ARRAY[1] + _SIDE  # of the array and of the bars
_OUT, _OUT_HEIGHT = _BOTTOM + 8, 64  # of the sums that have left
_PANEL, _AXIS, _CYCLE = 376, 412, 3  # left of the right panel, of its bars, px a cycle
_COUNTERS, _LEGEND, _FOOT = 360, 428, 448


@dataclass(frozen=True)
class Trace:
    """X through a side × side array, a tile of W in it: what is where after each cycle.

    `tile`: "full", or "edge", where W has half as many rows and three quarters as many columns.

    >>> Trace(4, 2, "edge").W.shape, Trace(4, 2, "edge").run.cycles
    ((2, 3), 8)
    >>> Trace(4, 2, "full").busy.tolist()
    [0, 1, 3, 5, 7, 7, 5, 3, 1]
    """

    side: int
    rows: int
    tile: str

    @property
    def shape(self):
        """(K, N), rows and columns of W."""
        if self.tile == "full":
            return self.side, self.side
        return self.side // 2, 3 * self.side // 4

    @property
    def X(self):
        return _numbers("X")[: self.rows, : self.shape[0]]

    @property
    def W(self):
        return _numbers("W")[: self.shape[0], : self.shape[1]]

    @property
    def run(self):
        return systolic.counts(self.rows, *self.shape, self.side, self.side, _DATAFLOW)

    @property
    def steps(self):
        """The `systolic.Step` of each cycle of computing; that of cycle c is steps[c - 1]."""
        return _steps(self)

    @cached_property
    def busy(self):
        """How many PEs do a useful MAC in each cycle, from cycle 0, in which none does."""
        return np.array([0, *(int(step.useful.sum()) for step in self.steps)])

    def done(self, cycle):
        """Useful MACs up to the end of a cycle."""
        return int(self.busy[: cycle + 1].sum())

    def waiting(self, cycle):
        """{(lane, cycles until it enters, at least 1): the number of X}."""
        return {
            (lane, row + lane + 1 - cycle): int(number)
            for (row, lane), number in np.ndenumerate(self.X)
            if row + lane + 1 > cycle
        }

    def left(self, cycle):
        """{(column, cycles since it left, from 0): the sum, out of the bottom row}."""
        return {
            (column, cycle - out): int(self.steps[out - 1].sums[-1, column])
            for column in range(self.shape[1])
            for out in range(self.side + column, self.side + column + self.rows)
            if out <= cycle
        }

    def meters(self):
        """Of the whole run: W, the useful MACs, and what enters the array, in bf16."""
        memory, moved = self.W.size, sum(self.run.reads.values())
        return Meters(_ITEMSIZE * memory, self.run.macs, _ITEMSIZE * moved)


@cache
def _numbers(name):
    """From 1 to 9; smaller arrays are corners of the largest, so that a number keeps its place."""
    draw = np.random.default_rng(0)
    found = {each: draw.integers(1, 10, (high, SIDES[-1])) for each, high in (("W", 16), ("X", 64))}
    return found[name]


@cache
def _steps(trace):
    steps = systolic.steps(trace.X, trace.W, trace.side, trace.side, _DATAFLOW)
    return tuple(step for step in steps if step.phase == "compute")


_traced = cache(Trace)


def stepper(side, rows, tile, cycle, *, bet=None):
    """A `Picture` of X, rows × K, that goes through side × side PEs which hold W, K × N.

    `side`: 4, 8 or 16.  `rows`: 1, 2, 4, … 64.  `tile`: "full", K = N = side, or "edge", half as
    many rows of W and three quarters of the columns; the other PEs hold padding.
    `cycle`: 0 to 94.  After cycle c, what is coloured multiplied in cycle c, and what the bottom
    row computed in it has left; after 0 nothing has entered.  A run that is over by then stands at
    its last cycle.  Bars, title and meters are of the whole run, weights and products included, but
    not the cycles in which W is loaded.
    `bet`, a number of cycles, is a diamond on the axis for one row on 16 × 16 PEs.
    Anything else is a ValueError.

    >>> stepper(4, 4, "full", 4)
    Cycle 4 of 10, 4 rows of X, 4 × 4 PEs, full tile: 10 PEs busy, 20 of 64 MACs done, 1 of 16 \
sums out; in the whole run 40 % useful, 0.5 reads per MAC.
    >>> stepper(16, 64, "edge", 94).title
    '64 rows, edge tile: 94 cycles, 26 % of 16 × 16 PEs busy'
    """
    trace, bet = _checked(side, rows, tile, cycle, bet)
    shown = min(cycle, trace.run.cycles)
    body = [
        *_grid(trace, shown),
        *_queue(trace, shown),
        *_sums(trace, shown),
        *_bars(trace, shown),
        *_bet(bet if (side, rows, tile) == BET_ON else None),
        *_counters(trace, shown),
        *_legend(),
        footer(_FOOT, trace.meters(), _notes(trace), Meters(moved=_unshared(trace))),
    ]
    says = _says(trace, shown)
    return card(_FOOT + FOOTER_HEIGHT + PAD, _title(trace), _second(trace), body, says)


def _checked(side, rows, tile, cycle, bet):
    for name, value, known in (("side", side, SIDES), ("rows", rows, ROWS), ("tile", tile, TILES)):
        kind = isinstance(value, str | Integral) and not isinstance(value, bool)
        if not kind or value not in known:
            raise ValueError(
                f"stepper: {name} is {value!r}; take one of {', '.join(map(repr, known))}"
            )
    if whole(cycle, "stepper: cycle", least=0) > LONGEST:
        raise ValueError(f"stepper: cycle is {cycle}; take 0 to {LONGEST}, the end of the longest")
    if bet is not None and (isinstance(bet, bool) or not isinstance(bet, Real) or not bet > 0):
        raise ValueError(f"stepper: bet is {bet!r}; take a number of cycles above 0, or None")
    return _traced(int(side), int(rows), tile), bet


# --- words --------------------------------------------------------------------------------


def _rows(trace):
    return f"{trace.rows} row{'s' * (trace.rows > 1)}"


def _square(trace):
    return f"{trace.side} × {trace.side} PEs"


def _percent(trace, digits=3):
    return f"{100 * trace.run.utilisation:.{digits}g} %"


def _per_mac(trace):
    return f"{trace.run.reads_per_mac:.3g}"


def _title(trace):
    cycles, busy = trace.run.cycles, f"{_percent(trace, 2)} of {_square(trace)} busy"
    if trace.tile == "edge":
        return f"{_rows(trace)}, edge tile: {cycles} cycles, {busy}"
    s = "s" * (trace.rows == 1)
    return f"{_rows(trace)} of X take{s} {cycles} cycles and keep{s} {busy}"


def _second(trace):
    k, width = trace.shape
    return (
        f"X {trace.rows} × {k} times W {k} × {width}, bf16, weight-stationary; "
        f"the reads of W count, its {trace.run.load_cycles} loading cycles do not."
    )


def _says(trace, shown):
    busy, done, out = int(trace.busy[shown]), trace.done(shown), len(trace.left(shown))
    return (
        f"Cycle {shown} of {trace.run.cycles}, {_rows(trace)} of X, {_square(trace)}, "
        f"{trace.tile} tile: {busy} PE{'s' * (busy != 1)} busy, {done:,} of {trace.run.macs:,} "
        f"MACs done, {out:,} of {_results(trace):,} sums out; in the whole run {_percent(trace)} "
        f"useful, {_per_mac(trace)} reads per MAC."
    )


def _results(trace):
    return trace.rows * trace.shape[1]


def _unshared(trace):
    """Bytes that PEs read if none passes anything on: two numbers for each MAC."""
    return 2 * _ITEMSIZE * trace.run.macs


def _notes(trace):
    return (
        "W, held by the PEs",
        "useful, in the whole run",
        f"2 reads a MAC: {_unshared(trace):,} B",
    )


# --- the array ----------------------------------------------------------------------------


def _gap(pitch):
    return 2 if pitch >= 16 else 1


def _boxes(boxes, fill, outline=None):
    """Boxes (x, y, width, height) of one look as one path, their outlines inside."""
    edge = 0.5 if outline else 0
    d = "".join(
        f"M{n(x + edge)} {n(y + edge)}h{n(w - 2 * edge)}v{n(h - 2 * edge)}h{n(2 * edge - w)}z"
        for x, y, w, h in boxes
    )
    return [path(d, outline, 1, fill)] if d else []


def _cell(trace, row, column):
    pitch = _SIDE // trace.side
    wide = pitch - _gap(pitch)
    return _ARRAY[0] + pitch * column, _ARRAY[1] + pitch * row, wide, wide


def _grid(trace, shown):
    """Those that multiply in full colour, those that wait in the tint of what they hold."""
    k, width = trace.shape
    step = trace.steps[shown - 1] if shown else None
    looks = {"busy": [], "holds": [], "padding": []}
    words = []
    for row, column in np.ndindex(trace.side, trace.side):
        box, look = _cell(trace, row, column), "padding"
        if row < k and column < width:
            look = "busy" if step and step.useful[row, column] else "holds"
            words += _numbers_in(trace, box, step if look == "busy" else None, row, column)
        looks[look].append(box)
    return [
        text(LEFT, 92, f"After cycle {shown} of {trace.run.cycles}", 13, bold=True),
        text(_ARRAY[0] + _SIDE, 112, "W stays", 12, MEMORY, "end"),
        *_boxes(looks["padding"], UNUSED, RULE),
        *_boxes(looks["holds"], MEMORY_TINT, MEMORY),
        *_boxes(looks["busy"], COMPUTE),
        *words,
    ]


def _numbers_in(trace, box, step, row, column):
    """What a PE holds; while it multiplies, the factors and the sum that goes down, if there is
    room."""
    x, y, wide, _ = box
    if trace.side == 16:
        return []
    middle, base = x + wide / 2, y + wide / 2 + 4
    weight = str(trace.W[row, column])
    if step is None:
        return [text(middle, base, weight, anchor="middle")]
    if trace.side == 8:
        return [text(middle, base, weight, 12, PAPER, "middle", True)]
    factors, total = f"{step.x[row, column]} × {weight}", f"↓ {step.sums[row, column]}"
    return [
        text(middle, base - 8, factors, 12, PAPER, "middle", True),
        text(middle, base + 9, total, 11, PAPER, "middle"),
    ]


def _queue(trace, shown):
    """What waits at the left: in the tint of what moves, and in full what enters next."""
    pitch = 8 if trace.side == 16 else 16
    wide, looks, words, hidden = pitch - _gap(pitch), {True: [], False: []}, [], 0
    for (lane, ahead), number in trace.waiting(shown).items():
        if ahead * pitch > _QUEUE:
            hidden += 1
            continue
        _, y, _, high = _cell(trace, lane, 0)
        tall = min(high, 22)
        x, y = _ARRAY[0] - pitch * ahead, y + (high - tall) / 2
        looks[ahead == 1].append((x, y, wide, tall))
        if trace.side < 16:
            words.append(text(x + wide / 2, y + tall / 2 + 4, str(number), 11, INK, "middle"))
    if hidden:
        words.append(text(LEFT, _BOTTOM + 14, f"{hidden} more of X", 11, MUTE))
    return [
        text(LEFT, 112, "X enters, row by row a cycle later", 12, MOVEMENT_TEXT),
        *_boxes(looks[False], MOVEMENT_TINT, MOVEMENT),
        *_boxes(looks[True], MOVEMENT),
        *words,
    ]


def _sums(trace, shown):
    """What has left, the last on top; what no longer fits is out of view."""
    pitch = 8 if trace.side == 16 else 16
    looks, words = {True: [], False: []}, []
    left = trace.left(shown)
    for (column, ago), total in left.items():
        if (ago + 1) * pitch > _OUT_HEIGHT:
            continue
        x, _, wide, _ = _cell(trace, 0, column)
        y, tall = _OUT + pitch * ago, pitch - _gap(pitch)
        looks[ago == 0].append((x, y, wide, tall))
        if trace.side < 16:
            fill = INK if ago else PAPER
            words.append(text(x + wide / 2, y + tall / 2 + 4, str(total), 11, fill, "middle"))
    right = _ARRAY[0] - 8
    return [
        text(right, _OUT + 36, "sums leave", 12, MEMORY, "end"),
        text(right, _OUT + 52, f"{len(left):,} of {_results(trace):,} out", 12, INK, "end"),
        *_boxes(looks[False], MEMORY_TINT),  # three digits leave no room for an outline
        *_boxes(looks[True], MEMORY),
        *words,
    ]


# --- the cycles ---------------------------------------------------------------------------


def _time(cycle):
    """Where a cycle ends on the axis."""
    return _AXIS + _CYCLE * cycle


def _bars(trace, shown):
    """The share of the PEs that is busy, in a frame of all PEs in all cycles."""
    heights = _SIDE * trace.busy / trace.side**2
    cycles = range(1, trace.run.cycles + 1)
    bars = {c: (_time(c - 1), _BOTTOM - heights[c], _CYCLE, heights[c]) for c in cycles}
    coming = [bar for c, bar in bars.items() if c > shown and bar[3]]
    now = _time(shown)
    return [
        text(_PANEL, 92, "PEs busy in each cycle", 13, bold=True),
        *_phases(trace),
        *_boxes(coming, COMPUTE_TINT),
        *_skyline(coming),
        *_boxes([bar for c, bar in bars.items() if c <= shown and bar[3]], COMPUTE),
        inner(_AXIS, _ARRAY[1], _CYCLE * trace.run.cycles, _SIDE, INK),
        line(_time(0), _BOTTOM, RIGHT, _BOTTOM, RULE),
        *_ticks(),
        rect(now - 1, _ARRAY[1] - 4, 2, _SIDE + 12, INK),
        text(
            _PANEL,
            _COUNTERS - 10,
            f"frame: {trace.side**2} PEs × {trace.run.cycles} cycles, "
            f"{_percent(trace)} of it filled",
            11,
            MUTE,
        ),
    ]


def _skyline(bars):
    """The outline of bars that stand side by side, half a px inside."""
    if not bars:
        return []
    x, _, _, _ = bars[0]
    d = f"M{n(x + 0.5)} {_BOTTOM}" + "".join(
        f"V{n(min(y + 0.5, _BOTTOM))}H{n(x + w - (k == len(bars) - 1) / 2)}"
        for k, (x, y, w, _) in enumerate(bars)
    )
    return [path(f"{d}V{_BOTTOM}", COMPUTE)]


def _phases(trace):
    """In which cycles the array fills and empties, where there is room for the words."""
    most = np.flatnonzero(trace.busy == trace.busy.max())
    last = int(np.flatnonzero(trace.busy)[-1])
    spans = {"fill": (_time(0), _time(most[0] - 1)), "empty": (_time(most[-1]), _time(last))}
    if min(end - start for start, end in spans.values()) < 42:
        return []
    parts = []
    for words, (start, end) in spans.items():
        parts.append(line(start + 1, 113, end - 1, 113, MUTE))
        parts.append(text((start + end) / 2, 109, words, 11, MUTE, "middle"))
    return parts


def _ticks():
    parts = [
        text(_AXIS - 6, _BOTTOM - _SIDE * share / 100 + 4, f"{share} %", 11, MUTE, "end")
        for share in (0, 50, 100)
    ]
    for cycle in range(0, LONGEST, 20):
        x = _time(cycle)
        parts.append(line(x, _BOTTOM, x, _BOTTOM + 4, MUTE))
        parts.append(text(x, _BOTTOM + 20, str(cycle), 11, MUTE, "middle"))
    return [*parts, text(RIGHT, _BOTTOM + 20, "cycle", 11, MUTE, "end")]


def _bet(bet):
    """On the axis; one that lies beyond it stands at its end, and its words say so."""
    if bet is None:
        return []
    x = _time(min(bet, LONGEST))
    words = "your bet" if bet <= LONGEST else f"your bet, beyond cycle {LONGEST}"
    x_words, anchor = (x, "middle") if x < RIGHT - 40 else (RIGHT, "end")
    label = text(max(x_words, _AXIS + 32), _BOTTOM - 20, words, 11, INK, anchor, extra=HALO)
    return [label, diamond(x, _BOTTOM)]


def _counters(trace, shown):
    cells = [
        (_PANEL, "start", "cycles", str(trace.run.cycles)),
        (_PANEL + 48, "start", "useful", _percent(trace)),
        (_PANEL + 120, "start", "reads per MAC", _per_mac(trace)),
        (RIGHT, "end", f"MACs to cycle {shown}", f"{trace.done(shown):,}"),
    ]
    return counters(_PANEL, RIGHT, _COUNTERS, cells)


def _legend():
    y = _LEGEND - 8
    return [
        rect(LEFT, y, 8, 8, COMPUTE),
        text(LEFT + 16, _LEGEND, "multiplies; sum ↓ goes down next"),
        inner(256, y, 8, 8, MEMORY, MEMORY_TINT),
        text(272, _LEGEND, "only holds its weight"),
        inner(488, y - 2, 16, 12, IDLE, UNUSED),
        text(512, _LEGEND, "padding, never useful"),
    ]
