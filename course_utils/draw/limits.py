"""Which limit holds: several pieces of work under one roof, and what one of them keeps busy."""

from dataclasses import dataclass
from math import atan2, degrees

from .. import units
from ..meters import Meters
from .axes import Axes, Roof
from .palette import (
    COMPUTE,
    COMPUTE_TINT,
    INK,
    MOVEMENT_TEXT,
    MOVEMENT_TINT,
    MUTE,
    PAPER,
)
from .svg import (
    DOTS,
    FOOTER_HEIGHT,
    HALO,
    HATCH,
    PAD,
    RIGHT,
    card,
    circle,
    diamond,
    footer,
    glyph,
    line,
    n,
    path,
    rect,
    text,
)

_FRAME = (56, 104, 448, 320)  # of the roofline, 28 px an octave of intensity
_INTENSITY, _RATE = (-5, 9), (-1, 8)  # 1/32 to 512 FLOP/B, 1/2 to 256 GFLOP/s
_PANEL, _BAR = 488, 192  # left edge of the words and bars; the bars' length
_FOOT = 384
_RESOURCES = {
    "compute": (COMPUTE, COMPUTE_TINT, HATCH),
    "movement": (MOVEMENT_TEXT, MOVEMENT_TINT, DOTS),
}


@dataclass(frozen=True)
class Work:
    """A piece of work: its `Meters`, its text in up to four `lines`, a note for each meter."""

    name: str
    meters: Meters
    lines: tuple
    notes: tuple


def busy(machine, meters, dtype):
    """The share of its time in which work at its best keeps each resource busy, 0 to 1.

    One of the two is 1: it is the limit.  Returns {"compute": …, "movement": …}.

    >>> from course_utils.machines import Machine
    >>> m = Machine("example", {"float32": 100e9}, bandwidth=20e9)
    >>> busy(m, Meters(macs=50, moved=200), "float32")
    {'compute': 0.1, 'movement': 1.0}
    """
    shares = {
        "compute": meters.flops / machine.peak(dtype),
        "movement": meters.moved / machine.bandwidth,
    }
    longest = max(shares.values())
    return {resource: seconds / longest for resource, seconds in shares.items()}


def limits(machine, works, name, *, dtype, size, bet=None):
    """A `Picture` of the `Work` called `name` among others under a machine's roof.

    `size` says how large they are.  `bet` is "compute" or "movement", a diamond at its full end.
    The axes are the same for all work between 1/32 and 512 FLOP/B; work without a FLOP stands
    at the corner.

    >>> from course_utils.machines import Machine
    >>> m = Machine("example", {"float32": 100e9}, bandwidth=20e9)
    >>> add = Work("add", Meters(1200, 0, 1200, adds=100), ("z[n] = x[n] + y[n]",), ("", "", ""))
    >>> limits(m, [add], "add", dtype="float32", size="n = 100")
    add, n = 100, float32: 100 FLOP, 1,200 B in memory, 1,200 B moved, 0.0833 FLOP/B; \
at best 1.67 of 100 GFLOP/s (example): movement is full, compute 2 % busy.
    """
    chosen = next(work for work in works if work.name == name)
    roof = Roof.of(machine, dtype)
    shares = busy(machine, chosen.meters, dtype)
    limit, other = sorted(shares, key=shares.get, reverse=True)
    peak = units.rate(roof.peak)
    spare = f"{other} {_percent(shares[other])} busy"
    meters = chosen.meters
    amount = (
        units.macs(meters.macs) if meters.macs or not meters.flops else units.flops(meters.flops)
    )
    says = (
        f"{name}, {size}, {dtype}: {amount}, {units.nbytes(meters.memory)} in memory, "
        f"{units.nbytes(meters.moved)} moved, {units.intensity(meters.intensity)}; at best "
        f"{units.rate(roof.at(meters.intensity)).split()[0]} of {peak} ({machine.name}): "
        f"{limit} is full, {spare}."
    )
    body = [
        *_poster(roof, works, name),
        *_words(chosen),
        *_bars(shares, bet),
        footer(_FOOT, meters, chosen.notes),
    ]
    second = (
        f"{size}, {dtype}, every byte from main memory; the {machine.name} machine: {peak}, "
        f"{units.bandwidth(roof.bandwidth)}."
    )
    title = f"{name}: {limit} is full, {spare}"
    return card(_FOOT + FOOTER_HEIGHT + PAD, title, second, body, says)


def _percent(share):
    return "under 1 %" if 0 < share < 0.005 else f"{units.number(round(100 * share))} %"


def _poster(roof, works, name):
    axes = Axes(*_INTENSITY, *_RATE, "G", _FRAME)
    floor_y = _FRAME[3]
    (x1, y1), (x2, y2), (x3, _) = axes.corners(roof)
    middle = axes.x(roof.ridge / 4), axes.y(roof.at(roof.ridge / 4))
    turn = f"translate({n(middle[0])} {n(middle[1])}) rotate({n(degrees(atan2(y2 - y1, x2 - x1)))})"
    slope = text(0, -10, units.bandwidth(roof.bandwidth), 12, MOVEMENT_TEXT, "middle", True, HALO)
    ridge = f"ridge {units.intensity(roof.ridge)}"
    parts = [
        *axes.of_work("FLOP"),
        line(x2, y2, x2, floor_y, MUTE, 1, "1 4"),
        text(x2 + 6, floor_y - 8, ridge, 11, MUTE),
        path(f"M{n(x1)} {n(y1)}L{n(x2)} {n(y2)}H{n(x3)}", INK, 1.5),
        f'<g transform="{turn}">{slope}</g>',
        text(x3, y2 - 10, units.rate(roof.peak), 12, COMPUTE, "end", True, HALO),
    ]
    # From the left, labels stand below and above the slope in turn.
    for k, work in enumerate(sorted(works, key=lambda work: work.meters.intensity)):
        parts += _dot(axes, roof, work, work.name == name, above=k % 2 == 0)
    return parts


def _dot(axes, roof, work, chosen, above):
    intensity = work.meters.intensity
    if intensity == 0:
        x, y, anchor, words = _FRAME[0], _FRAME[3], (10, -6, "start"), f"{work.name}: 0 FLOP/B"
    else:
        x, y, words = axes.x(intensity), axes.y(roof.at(intensity)), work.name
        if intensity >= roof.ridge:
            anchor = -4, 20, "start"
        else:
            anchor = (-8, -6, "end") if above else (8, 15, "start")
    dx, dy, end = anchor
    mark = circle(x, y, 5, INK, PAPER) if chosen else circle(x, y, 4, PAPER, INK, 1.5)
    return text(x + dx, y + dy, words, 11, INK, end, chosen, HALO), mark


def _words(work):
    lines = [text(_PANEL, 128 + 18 * k, words) for k, words in enumerate(work.lines)]
    return [text(_PANEL, 108, work.name, 14, bold=True), *lines]


def _bars(shares, bet):
    parts = [text(_PANEL, 220, "Busy while it runs at best", 13, bold=True)]
    for k, (resource, share) in enumerate(shares.items()):
        hue, tint, fill = _RESOURCES[resource]
        y, name = 244 + 40 * k, resource.capitalize()
        parts += [
            glyph(name, _PANEL + 4, y - 4),
            text(_PANEL + 16, y, name, 12, hue, bold=True),
            text(RIGHT, y, _percent(share), 13, INK, "end", True),
            rect(_PANEL + 16, y + 8, _BAR, 8, tint),
        ]
        if share:
            parts.append(rect(_PANEL + 16, y + 8, max(_BAR * share, 1), 8, fill))
        if resource == bet:
            parts.append(diamond(_PANEL + 16 + _BAR - 6, y + 12))
    end = _PANEL + 16 + _BAR
    return [
        *parts,
        text(_PANEL + 16, 318, "0", 11, MUTE),
        text(end, 318, "all of the time", 11, MUTE, "end"),
    ]
