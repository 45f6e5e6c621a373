"""The loom: a stacked recurrent network as a Gantt chart, processors down and ticks across."""

from dataclasses import replace
from math import ceil

from .. import units
from ..arguments import whole
from ..wavefront import Loom
from .fonts import text_width
from .palette import COMPUTE, COMPUTE_TINT, IDLE, INK, MUTE, PAPER, RULE
from .svg import (
    FOOTER_HEIGHT,
    PAD,
    RIGHT,
    UNUSED,
    card,
    diamond,
    footer,
    line,
    n,
    path,
    rect,
    text,
)

PROCESSORS = 1, 2, 3, 4, 6, 64  # in the table

_LEFT, _WIDE = 96, 600  # where the cells begin, and the px they may take
_TOP, _TALL = 112, 192
_SCALES = 24, 12, 6, 3, 1.5, 0.75  # px a tick
_LEGEND, _TABLE, _FOOT = 336, 376, 440
_SLOTS = 800  # at most, as many as 600 px can show


def loom(layers, steps, processors, *, split=False, sequences=1, bet=None):
    """A `Picture` of when each cell of a recurrent network 100 → 128 → … runs, on 1 to 64
    processors.

    `split`: x W and h U are pieces of work of their own, half a tick each, and x W waits for the
    layer below alone.  `sequences` of them share the processors.  `bet`, in ticks, is a diamond.
    More slots in time than 800 are a ValueError.

    >>> loom(4, 16, 6)
    4 layers × 16 steps on 6 processors: 19 ticks, the longest chain 19; 56 % of the slots busy; \
2,039,808 MAC, 514,048 B in memory, 526,592 B moved.
    >>> loom(1, 16, 2, split=True).title
    'With x W ahead of its step: 8.5 ticks instead of 16'
    """
    work = Loom(
        whole(layers, "loom: layers"),
        whole(steps, "loom: steps"),
        whole(processors, "loom: processors"),
        split,
        whole(sequences, "loom: sequences"),
    )
    if work.processors > 64:
        raise ValueError(f"loom: it shows at most 64 processors; got {work.processors}")
    if len(work.slots) > _SLOTS:
        raise ValueError(
            f"loom: it shows at most {_SLOTS} slots, and this has {len(work.slots):,}; "
            "take fewer layers or steps, or more processors"
        )
    body = [
        *_value(work),
        *_axis(work),
        *_gutter(work),
        *_cells(work),
        *_legend(work),
        *_table(work),
        *([] if bet is None else _bet(work, bet)),
        footer(_FOOT, work.meters(), _notes(work), _alone(work)),
    ]
    return card(_FOOT + FOOTER_HEIGHT + PAD, _title(work), _second(work), body, _says(work))


# --- words --------------------------------------------------------------------------------


def _count(number, what):
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _ticks(number):
    return f"{number:,.1f}".removesuffix(".0")


def _percent(share):
    whole_percent = round(100 * share)
    return f"{min(whole_percent, 99) if share < 1 else 100} %"


def _title(work):
    ticks, span = work.ticks, work.as_ticks(len(work.chain))
    on = _count(work.processors, "processor")
    if work.split:
        plain = replace(work, split=False).ticks
        if plain == ticks:
            return f"{_ticks(ticks)} ticks on {on}, with x W ahead of its step or not"
        return f"With x W ahead of its step: {_ticks(ticks)} ticks instead of {plain}"
    if work.sequences > 1:
        alone = replace(work, sequences=1).ticks
        if alone == ticks:
            return f"{work.sequences} sequences take {ticks} ticks on {on}, one alone as many"
        return f"{work.sequences} sequences take {ticks} ticks on {on}, one alone {alone}"
    if ticks > span:
        return f"{ticks:,} ticks on {on}, never under {span} with more"
    least = next(p for p in range(1, 65) if work.ticks_on(p) == span)
    between = f", with {work.processors}" if least < work.processors < 64 else ""
    return f"{_ticks(span)} ticks with {_count(least, 'processor')}{between}, and with 64"


def _second(work):
    sizes = f"{_count(work.layers, 'layer')} × {_count(work.steps, 'step')}, fp32, bias counted"
    many = f", B = {work.sequences}" if work.sequences > 1 else ""
    tick = "numbered by its step" if _lettered(work) else "x W + h U + b"
    if work.split:
        tick = "x W and h U half a tick"
    return f"RNN 100 → 128, {sizes}{many}: a tick is one cell, {tick}."


def _says(work):
    meters = work.meters()
    extra = f", {work.sequences} sequences" if work.sequences > 1 else ""
    extra += ", x W apart" if work.split else ""
    extra += "," if extra else ""
    return (
        f"{_count(work.layers, 'layer')} × {_count(work.steps, 'step')}{extra} on "
        f"{_count(work.processors, 'processor')}: {_ticks(work.ticks)} ticks, the longest chain "
        f"{_ticks(work.as_ticks(len(work.chain)))}; {_percent(work.busy(work.processors))} of the "
        f"slots busy; {units.macs(meters.macs)}, {units.nbytes(meters.memory)} in memory, "
        f"{units.nbytes(meters.moved)} moved."
    )


def _alone(work):
    """The meters of one sequence, where several run."""
    return replace(work, sequences=1).meters() if work.sequences > 1 else None


def _notes(work):
    if work.sequences > 1:
        now, alone = work.meters(), _alone(work)
        memory, macs, moved = (
            f"B = 1, now ×{units.number(getattr(now, k) / getattr(alone, k))}"
            for k in ("memory", "macs", "moved")
        )
        return memory, macs, f"{moved}; compulsory"
    kept = f", {work.waiting()} x W" if work.split else ""
    return (
        f"weights, {_count(work.layers, 'state')}{kept}",
        _count(2 * work.cells, "product") if work.split else _count(work.cells, "cell"),
        "compulsory: weights, x, h",
    )


# --- marks --------------------------------------------------------------------------------


def _px(work):
    """Px a tick: 24, and half as often as it takes to stay on the card."""
    return next(px for px in _SCALES if px * work.ticks <= _WIDE)


def _slot(work):
    """Px from one slot to the next, across, and between rows, down."""
    return _px(work) / (2 if work.split else 1), min(32, _TALL // work.processors)


def _gaps(work):
    across, down = _slot(work)
    return 2 if across >= 16 else 1 if across >= 6 else 0, 2 if down >= 16 else 1


def _value(work):
    words = f"{_ticks(work.ticks)} ticks, {_percent(work.busy(work.processors))} busy"
    parts = [text(RIGHT, _TOP - 26, words, 14, bold=True, anchor="end")]
    if work.split:
        halves = "x is x W, h is h U" if _lettered(work) else "x W and h U"
        parts.append(text(_LEFT, _TOP - 26, f"{halves}: half a tick each", 11))
    return parts


def _axis(work):
    px, last = _px(work), ceil(work.ticks)
    every = next(k for k in (5, 10, 20, 50, 100) if k * px >= 60)
    front = _wavefront(work)
    shown = {1, last} | {k for k in range(every, last, every) if (last - k) * px >= 36}
    if front:
        shown = {k for k in shown if k in (1, last) or abs(k - front) * px > 24} | {front}
    parts = [text(_LEFT - 12, _TOP - 8, "tick", 11, MUTE, "end")]
    for k in sorted(shown):
        half = text_width(f"{k:,}", 11) / 2
        x = min(_LEFT + (k - 0.5) * px - 1, RIGHT - half)
        parts.append(text(x, _TOP - 8, f"{k:,}", 11, MUTE, "middle"))
    if front:
        parts += _front(work, front)
    return parts


def _wavefront(work):
    """The tick in the middle of those in which most cells run, or None where it says nothing."""
    wide = [sum(map(bool, slot)) for slot in work.slots]
    full = [k for k, cells in enumerate(wide) if cells == max(wide)]
    front = full[len(full) // 2]
    packed = all(work.slots[front][: wide[front]])
    told = work.layers > 1 and not work.split and work.ticks == len(work.chain)
    return front + 1 if told and packed and _px(work) >= 24 else None


def _front(work, tick):
    px, (_, down) = _px(work), _slot(work)
    cells = sum(map(bool, work.slots[tick - 1]))
    left, bottom = _LEFT + (tick - 1) * px, _TOP + cells * down - _gaps(work)[1] + 1
    words = f"wavefront: {cells} cells at once"
    return [
        rect(left - 1, _TOP - 19, px, bottom - _TOP + 19, "none", INK, 2),
        text(left + px / 2 - 1, _TOP - 26, words, 11, INK, "middle"),
    ]


def _gutter(work):
    _, down = _slot(work)
    lines = [(k, down * k + (down - _gaps(work)[1]) / 2 + 4) for k in range(work.processors)]
    if down < 16:
        lines = [(0, 10), (work.processors - 1, down * work.processors)]
    return [text(_LEFT - 12, _TOP + y, f"P{k + 1}", 12, INK, "end") for k, y in lines]


def _cells(work):
    """One path for each kind of slot, and the steps where there is room for them."""
    on_chain, kinds = set(work.chain), {UNUSED: [], COMPUTE_TINT: [], COMPUTE: []}
    (across, down), gap = _slot(work), _gaps(work)
    for row, lane in enumerate(zip(*work.slots, strict=True)):
        looks = [COMPUTE if p in on_chain else COMPUTE_TINT if p else UNUSED for p in lane]
        for look, start, end in _runs(looks, merged=not gap[0], thin=down < 16):
            inset = (0, 0) if look == UNUSED and down < 16 else gap
            kinds[look].append(
                f"M{n(_LEFT + start * across)} {n(_TOP + row * down)}"
                f"h{n((end - start) * across - inset[0])}v{n(down - inset[1])}"
                f"h{n(inset[0] - (end - start) * across)}z"
            )
    drawn = [path("".join(d), fill=look) for look, d in kinds.items() if d]
    return [*drawn, *_steps(work, on_chain)]


def _runs(looks, merged, thin):
    """(look, first, end) of one row: each slot, or each run of equal ones."""
    start = 0
    for k, look in enumerate(looks, 1):
        joined = merged or (thin and look == UNUSED)
        if k == len(looks) or looks[k] != look or not joined:
            yield look, start, k
            start = k


def _lettered(work):
    """Whether the number of a step, or a product's letter, fits into a slot."""
    across, down = _slot(work)
    return down >= 16 and across >= (12 if work.split else 24)


def _steps(work, on_chain):
    """In each cell the number of its step, in each product its letter, if they fit."""
    if not _lettered(work):
        return []
    (across, down), gap = _slot(work), _gaps(work)
    parts = []
    for k, slot in enumerate(work.slots):
        for row, piece in enumerate(slot):
            if piece:
                words = {"input": "x", "state": "h"}.get(piece.part, str(piece.step + 1))
                x, y = k * across + (across - gap[0]) / 2, row * down + (down - gap[1]) / 2 + 4
                lit = piece in on_chain
                fill = PAPER if lit else INK
                parts.append(text(_LEFT + x, _TOP + y, words, 11, fill, "middle", lit))
    return parts


def _legend(work):
    what = "product" if work.split else "cell"
    slots = len(work.slots) * work.processors
    idle = slots - sum(bool(piece) for slot in work.slots for piece in slot)
    entries = [(96, COMPUTE, None, f"a longest chain: {_count(len(work.chain), what)}")]
    if slots - idle > len(work.chain):
        entries.append((328, COMPUTE_TINT, None, f"other {what}s"))
    entries.append((472, UNUSED, IDLE, f"idle: {idle:,} of {_count(slots, 'slot')}"))
    return [
        mark
        for x, fill, edge, words in entries
        for mark in (rect(x, _LEGEND - 11, 16, 14, fill, edge), text(x + 24, _LEGEND, words))
    ]


def _table(work):
    """What other numbers of processors would do."""
    columns = sorted({*PROCESSORS, work.processors})
    pitch = (_WIDE + 24) // len(columns)
    rows = (
        ("P", lambda p: f"{p}"),
        ("ticks", lambda p: _ticks(work.ticks_on(p))),
        ("busy", lambda p: _percent(work.busy(p))),
    )
    parts = [line(_LEFT, _TABLE + 6, RIGHT, _TABLE + 6, RULE)]
    for k, (name, show) in enumerate(rows):
        y = _TABLE + 20 * k
        parts.append(text(_LEFT - 12, y, name, 12, INK, "end", True))
        parts += [
            text(_LEFT + 48 + pitch * column, y, show(p), 12, INK, "end", p == work.processors)
            for column, p in enumerate(columns)
        ]
    return parts


def _bet(work, ticks):
    """A diamond under the tick that was bet, at the end of the card if it is further."""
    x, y = _LEFT + min(_px(work) * ticks, _WIDE - 6), _TOP + _TALL + 9
    side = (-12, "end") if x > 480 else (12, "start")
    return [diamond(x, y), text(x + side[0], y + 4, "your bet", 11, INK, side[1])]
