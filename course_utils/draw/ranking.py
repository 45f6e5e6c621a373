"""Re-ranking bars: six blocks in the order of their MACs, their bytes or their time at best."""

from functools import cache

from .. import units
from ..arguments import whole
from ..machines import Machine
from ..meters import Meters
from ..networks import blocks
from ..networks.blocks import PLACES
from .fonts import text_width
from .palette import (
    COMPUTE,
    COMPUTE_TINT,
    GRID,
    INK,
    MOVEMENT,
    MOVEMENT_TINT,
    MUTE,
    PAPER,
    RULE,
)
from .svg import FOOTER_HEIGHT, LEFT, PAD, RIGHT, card, diamond, footer, inner, path, rect, text

BY = "MACs", "bytes", "time"
# Each step reads and writes memory, or those between products run on what these have on the chip.
STEPS = {"each alone": "each step alone", "fused": "fused"}
MOST_BATCH = 16

_MACHINE = Machine.reference()
_ORDER = "matmul", "window", "gather", "scan", "elementwise", "reduction"
_ALONE = "matmul", "window", "gather"
_LOOK = {  # full, tint, words on full, unit and what one of it is
    "MACs": (COMPUTE, COMPUTE_TINT, PAPER, "MMAC", 1e6),
    "bytes": (MOVEMENT, MOVEMENT_TINT, INK, "MB", 1e6),
    "time": (INK, GRID, PAPER, "ms", 1e-3),
}
_SHAPE = {
    "ResNet": f"1,024 × {PLACES} places",
    "MobileNet": f"512 × {PLACES} places",
    "ViT": f"{PLACES + 1} tokens × 768",
    "GPT": "1 token × 768",
    "MoE": f"{PLACES} tokens × 768",
    "Mamba": f"{PLACES} tokens × 768",
}

_FIRST, _PITCH, _BAR = 128, 40, 24  # middle of the first row, px from row to row, height of a bar
_NAME, _START, _LONGEST = 176, 296, 312  # left edge of names and bars, and the longest bar
_SLOPE = 112, 168  # from the order by MACs to the order shown
_LEGEND = _FIRST + 6 * _PITCH
_FOOT = _LEGEND + 24


def ranking(by, steps="each alone", batch=1, *, bet=None):
    """A `Picture` of the six `networks.blocks()`, largest first, each a bar by primitive, in fp32.

    `by`: "MACs", "bytes", or "time", at best on the reference machine, one step after another.
    `steps`: "each alone", each reads and writes memory; or "fused", see `Layer.meters`.
    `batch`: up to 16 pictures or sequences.
    `bet`, the name of a block, is a diamond beside it.  Anything else is a ValueError.

    >>> ranking("bytes")
    By bytes, each step alone, batch 1: MoE 229 MB, Mamba 226, ViT 80.2, GPT 29.8, ResNet 16.5, \
MobileNet 7.5; GPT climbs 2 places.
    """
    for name, value, known in (("by", by, BY), ("steps", steps, STEPS)):
        if value not in known:
            raise ValueError(f"ranking: {name} is {value!r}; take one of {', '.join(known)}")
    if whole(batch, "ranking: batch") > MOST_BATCH:
        raise ValueError(f"ranking: batch is {batch:,}; take {MOST_BATCH} at most")
    if bet is not None and bet not in blocks():
        raise ValueError(f"ranking: bet is {bet!r}; bet on one of {', '.join(blocks())}")
    scene = _Scene(by, steps, batch)
    body = [_before(scene), _rows(scene, bet), _legend(bet), _meters(scene)]
    return card(_FOOT + FOOTER_HEIGHT + PAD, _title(scene), _second(scene), body, _says(scene))


def moves(by, steps="each alone", batch=1):
    """{block: places that it climbs from the order by MACs}, negative where it falls.

    >>> moves("bytes")["GPT"]
    2
    """
    before, after = ([*_totals(which, steps, batch)] for which in ("MACs", by))
    return {name: before.index(name) - after.index(name) for name in after}


@cache
def _parts(by, steps, batch):
    """{block: {primitive: its part}} in MACs, bytes or seconds."""
    return {name: _of(block.layers(batch=batch), by, steps) for name, block in blocks().items()}


def _of(layers, by, steps):
    parts = dict.fromkeys(_ORDER, 0)
    for layer in layers:
        meters = layer.meters(fused=steps == "fused")
        parts[layer.primitive] += _measure(meters, by)
    return {primitive: part for primitive, part in parts.items() if part}


def _measure(meters, by):
    if by == "time":
        return _MACHINE.time(meters)
    return meters.macs if by == "MACs" else meters.moved


@cache
def _totals(by, steps, batch):
    """{block: MACs, bytes or seconds}, largest first."""
    totals = {name: sum(parts.values()) for name, parts in _parts(by, steps, batch).items()}
    return dict(sorted(totals.items(), key=lambda item: -item[1]))


class _Scene:
    """The order that is shown, the order by MACs, and the block that climbs the most places."""

    def __init__(self, by, steps, batch):
        self.by, self.steps, self.batch = by, steps, batch
        self.parts, self.totals = _parts(by, steps, batch), _totals(by, steps, batch)
        self.macs = _totals("MACs", steps, batch)
        self.first, *_, self.last = self.totals
        self.moves = moves(by, steps, batch)
        self.mover = max(self.totals, key=self.moves.get)

    @property
    def shift(self):
        """Such as "climbs 2 places", or "" where nothing moves."""
        places = self.moves[self.mover]
        return f"climbs {places} place{'s' * (places > 1)}" if places else ""

    def passes(self, name):
        """Whether the mover stands before a block that has more MACs."""
        order, more = [*self.totals], self.macs[name] > self.macs[self.mover]
        return more and order.index(name) > order.index(self.mover)

    def number(self, name, unit=True):
        """The total of a block in the unit of the column."""
        *_, symbol, one = _LOOK[self.by]
        return units.number(_rounded(self.totals[name] / one)) + f" {symbol}" * unit


def _rounded(value):
    return round(value) if value >= 100 else value


# --- words --------------------------------------------------------------------------------


def _title(scene):
    if not scene.shift:
        ratio = units.number(round(scene.totals[scene.first] / scene.totals[scene.last]))
        return f"By {scene.by} {scene.first} leads: {ratio} times the {scene.by} of {scene.last}"
    passed = next(name for name in scene.macs if scene.passes(name))
    ratio = units.number(_rounded(scene.macs[passed] / scene.macs[scene.mover]))
    return f"By {scene.by} {scene.mover} {scene.shift}: past {passed} ({ratio} times its MACs)"


def _second(scene):
    return (
        f"One call, fp32, batch {scene.batch}, {STEPS[scene.steps]}. GPT writes one token after "
        "195 others."
    )


def _says(scene):
    numbers = [f"{name} {scene.number(name, name == scene.first)}" for name in scene.totals]
    end = f"; {scene.mover} {scene.shift}" if scene.shift else ""
    case = f"{STEPS[scene.steps]}, batch {scene.batch}"
    return f"By {scene.by}, {case}: {', '.join(numbers)}{end}."


# --- marks --------------------------------------------------------------------------------


def _y(row):
    return _FIRST + _PITCH * row


def _before(scene):
    """The order by MACs, and where each block goes from there."""
    parts = [
        text(LEFT, _FIRST - 28, "by MACs", 11, MUTE),
        text(_NAME, _FIRST - 28, f"by {scene.by}", 11, MUTE),
    ]
    after = [*scene.totals]
    order = [*scene.macs]
    for name in sorted(order, key=lambda name: name == scene.mover):
        row = order.index(name)
        start, end = _y(row), _y(after.index(name))
        chosen = bool(scene.shift) and name == scene.mover
        hue, width = (INK, 2) if chosen else (MUTE if start != end else RULE, 1)
        parts.append(text(LEFT, start + 4, f"{row + 1}  {name}", bold=chosen))
        parts.append(path(f"M{_SLOPE[0]} {start}L{_SLOPE[1]} {end}", hue, width))
    return "".join(parts)


def _rows(scene, bet):
    most = scene.totals[scene.first]
    parts = []
    for row, name in enumerate(scene.totals):
        y = _y(row)
        parts += [
            text(_NAME, y - 2, name, 13, bold=True),
            text(_NAME, y + 12, _SHAPE[name], 11, MUTE),
            _bar(scene, name, y - _BAR / 2, most),
            text(RIGHT, y + 4, scene.number(name), 12, anchor="end"),
        ]
        if name == bet:
            parts.append(diamond(_NAME + text_width(name, 13, True) + 12, y - 6))
    return "".join(parts)


def _bar(scene, name, y, most):
    """The parts beside each other; a part too narrow to be seen leaves its room empty."""
    full, tint, on_full, *_ = _LOOK[scene.by]
    parts, x = [], _START
    for primitive, part in scene.parts[name].items():
        wide = _LONGEST * part / most
        if primitive in _ALONE:
            parts.append(rect(x, y, max(wide - 1, 1), _BAR, full))
        elif wide >= 3:
            parts.append(inner(x, y, wide - 1, _BAR, full, tint))
        if text_width(primitive, 11) + 10 <= wide:
            hue = on_full if primitive in _ALONE else INK
            parts.append(text(x + 5, y + 16, primitive, 11, hue))
        x += wide
    return "".join(parts)


def _legend(bet):
    y = _LEGEND
    parts = [
        rect(_NAME, y - 9, 10, 10, MUTE),
        text(_NAME + 16, y, "product or window", 11),
        inner(_NAME + 144, y - 9, 10, 10, MUTE, GRID),
        text(_NAME + 160, y, "the rest", 11),
    ]
    if bet is not None:
        parts += [diamond(_NAME + 240, y - 4), text(_NAME + 254, y, "your bet", 11)]
    return "".join(parts)


def _meters(scene):
    """The meters of the block that climbs, or of the first; a tick for each step alone."""
    name, sizes = scene.mover, dict(batch=scene.batch)
    alone = blocks()[name].meters(**sizes)
    fused = scene.steps == "fused"
    meters = blocks()[name].meters(fused=True, **sizes) if fused else alone
    notes = (
        f"{name}: weights, activations",
        f"{name}, products and windows",
        "each step alone" if fused else f"{name}, each step alone",
    )
    return footer(_FOOT, meters, notes, Meters(moved=alone.moved) if fused else None)
