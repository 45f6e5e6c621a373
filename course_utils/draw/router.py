"""The pattern router: 8 ranks from left to right, rounds down, and who holds what after each."""

from .. import units
from ..arguments import whole
from ..collectives import PATTERNS
from ..meters import Meters
from .palette import GRID, INK, MEMORY, MEMORY_TINT, MOVEMENT, MUTE, PAPER
from .routes import HOW, INTO_ONE, RANKS, SUMS, TO_EACH, Route
from .svg import (
    FOOTER_HEIGHT,
    LEFT,
    PAD,
    card,
    circle,
    counters,
    diamond,
    footer,
    n,
    path,
    text,
)

SIZES = tuple(10**power for power in range(3, 9))
ROUNDS = 14  # of the longest schedule
BET_ON = "all-reduce", 10**8
_LEGENDS = {  # of a rank that has all that it is to have, of one with a part, of one with nothing
    "broadcast": ("has it: just now, earlier", "a part, area to scale", "nothing yet"),
    "scatter": ("has its part: just now, earlier", "others' parts, area to scale", "nothing yet"),
    "gather": ("has all parts", "some, area to scale", "handed on"),
    "reduce": ("has the sum", "some summands, area to scale", "handed on"),
    "all-gather": ("has all parts: just now, earlier", "some, area to scale", None),
    "reduce-scatter": ("has its sum: just now, earlier", "some summands, area to scale", None),
    "all-reduce": ("has the sum: just now, earlier", "some summands, area to scale", None),
    "all-to-all": ("has its parts: just now, earlier", "some, area to scale", None),
}

_PANELS, _WIDE = (LEFT, 376), 320
_FIRST, _PITCH = 72, 33  # px from a panel's edge to rank 0, from rank to rank
_HEAD, _TOP, _DOWN = 92, 124, 21  # of the headings, of the start, px a round
_COUNTERS, _LEGEND, _FOOT = 436, 500, 520
_R, _DISC = 5, 3.75  # of a node, of the disc in it when nothing is missing


def router(pattern, algorithm, size, round, *, bet=None):
    """A `Picture` of a pattern among 8 ranks, after one of its rounds: who has what, who sent to
    whom.  Beside it the same pattern by the root, or by a tree if it is that.

    `pattern`: one of the eight of `collectives.PATTERNS`.  `algorithm`: "root", "tree", "ring" or
    "doubling".  `size`: bytes of the whole, 10**3, 10**4, … 10**8.  `round`: 0, the start, to 14;
    a schedule that is over by then stands at its end.  The time is that of the α-β model: 1 µs a
    message, 50 GB/s, and adding takes none.
    `bet`, an algorithm, is a diamond beside its name where the pattern is an all-reduce of 100 MB.
    Anything else is a ValueError.

    >>> router("broadcast", "tree", 10**6, 3)
    Broadcast of 1 MB by a tree, round 3 of 3: 7 sends, 7 MB, busiest port 3 MB, 0 additions, \
63 µs; by the root 7 rounds, 7 MB, busiest port 7 MB, 147 µs.
    >>> router("all-reduce", "ring", 10**8, 14).title
    'All-reduce of 100 MB: ring 3.51 ms, root 28 ms'
    """
    shown = _checked(pattern, algorithm, size, round)
    sides = shown, shown.compared
    body = [
        *(
            part
            for x, side in zip(_PANELS, sides, strict=True)
            for part in _panel(x, side, size, round, bet)
        ),
        *_legend(pattern),
        footer(_FOOT, shown.meters(size), _notes(shown, size), _reference(shown, size)),
    ]
    height = _FOOT + FOOTER_HEIGHT + PAD
    return card(height, _title(shown, size), _second(shown, size), body, _says(shown, size, round))


def _checked(pattern, algorithm, size, round):
    for name, value, known in (
        ("pattern", pattern, PATTERNS),
        ("algorithm", algorithm, tuple(HOW)),
        ("size", size, SIZES),
    ):
        if isinstance(value, bool) or value not in known:
            raise ValueError(
                f"router: {name} is {value!r}; take one of {', '.join(map(repr, known))}"
            )
    if whole(round, "router: round", least=0) > ROUNDS:
        raise ValueError(f"router: round is {round}; the longest schedule has {ROUNDS}")
    return Route(pattern, algorithm)


# --- words --------------------------------------------------------------------------------


def decimal(nbytes):
    """Bytes in powers of a thousand, all digits.

    >>> decimal(875), decimal(6125), decimal(10**8), decimal(1_400_000_000)
    ('875 B', '6.125 kB', '100 MB', '1.4 GB')
    """
    power = min((len(str(nbytes)) - 1) // 3, 3)
    return f"{nbytes / 1000**power:.10g} {('', 'k', 'M', 'G')[power]}B"


def _what(route, size):
    return f"{route.pattern.capitalize()} of {decimal(size)}"


def _title(route, size):
    other = route.compared
    sends, others = len(route.schedule.sends), len(other.schedule.sends)
    mine, its = (units.seconds(each.seconds(size)) for each in (route, other))
    same = (sends, route.meters(size).moved) == (others, other.meters(size).moved)
    if same and (route.pattern, size) != BET_ON:  # there, the question is about the time
        return (
            f"The same {sends} sends: {route.rounds} rounds {route.by}, {other.rounds} {other.by}"
        )
    if mine == its:
        return f"{_what(route, size)}: {route.algorithm} and {other.algorithm} both take {mine}"
    return f"{_what(route, size)}: {route.algorithm} {mine}, {other.algorithm} {its}"


def _second(route, size):
    adding = ", adding is free" if route.pattern in SUMS else ""
    return (
        f"{_what(route, size)}, 8 ranks, one send per rank and round; "
        f"1 µs a message, 50 GB/s{adding}."
    )


def _says(route, size, round):
    other, meters = route.compared, route.meters(size)
    return (
        f"{_what(route, size)} {route.by}, round {min(round, route.rounds)} of "
        f"{route.rounds}: {len(route.schedule.sends)} sends, {_traffic(route, size)}, "
        f"{units.count(meters.adds)} additions, {units.seconds(route.seconds(size))}; "
        f"{other.by} {other.rounds} rounds, {_traffic(other, size)}, "
        f"{units.seconds(other.seconds(size))}."
    )


def _traffic(route, size):
    schedule = route.schedule
    return f"{decimal(schedule.total(size))}, busiest port {decimal(schedule.busiest(size))}"


def _notes(route, size):
    held = {"all-to-all": "8 parts at each rank"}.get(route.pattern, "a part at each rank")
    if route.pattern in (*TO_EACH, *INTO_ONE):
        held = "the whole at rank 0" if route.pattern in INTO_ONE else "the whole at each rank"
    other = route.compared
    meters, its = route.meters(size), other.meters(size)
    adds = f"{other.by}: {units.count(its.adds)}" if its.adds else ""
    if meters.adds == its.adds:
        adds = f"{other.by} as many"
    moved = f"{other.by}: {units.nbytes(its.moved)}"
    return held, adds if its.adds else "a copy computes nothing", moved


def _reference(route, size):
    its = route.compared.meters(size)
    return Meters(adds=its.adds, moved=its.moved)


# --- marks --------------------------------------------------------------------------------


def _panel(left, route, size, round, bet):
    shown = min(round, route.rounds)
    columns = [_x(left, rank) for rank in range(RANKS)]
    bottom = _y(route.rounds)
    lines = "".join(f"M{n(x)} {n(_TOP)}V{n(bottom)}" for x in columns)
    return [
        *_heading(left, route, bet if (route.pattern, size) == BET_ON else None),
        path(lines, GRID),
        *_labels(left, route, shown),
        *_sends(left, route, shown),
        *_nodes(left, route, shown),
        *_end(left, route, shown),
        *_counters(left, route, size),
    ]


def _x(left, rank):
    return left + _FIRST + _PITCH * rank


def _y(step):
    return _TOP + _DOWN * step


def _heading(left, route, bet):
    name = route.algorithm.capitalize()
    parts = [
        text(left, _HEAD, name, 13, bold=True),
        text(left + _WIDE, _HEAD, HOW[route.algorithm][1], 11, MUTE, "end"),
    ]
    if bet == route.algorithm:
        parts += [diamond(left + 48, _HEAD - 5), text(left + 60, _HEAD, "your bet", 11)]
    return parts


def _labels(left, route, shown):
    """The ranks above, the rounds beside their sends."""
    parts = [text(left, _TOP - 13, "rank", 11, MUTE)]
    for rank in range(RANKS):
        parts.append(text(_x(left, rank), _TOP - 13, str(rank), 11, MUTE, "middle"))
    for step in range(1, route.rounds + 1):
        words = f"round {step}" if step == 1 else str(step)
        fill = INK if step == shown else MUTE
        parts.append(text(left + 44, _y(step) - 6, words, 11, fill, "end"))
    return parts


def _sends(left, route, shown):
    """Elbows with heads, or, where they would run into one another, straight thin lines."""
    straight = route.algorithm in ("ring", "doubling")
    draw, lines, heads = _slanted if straight else _elbow, [], []
    for step, sends in enumerate(route.schedule.rounds[:shown]):
        for send in sends:
            lines.append(draw(left, step, send))
            x, y = _x(left, send.to), _y(step + 1) - _R
            heads.append(f"M{n(x)} {n(y)}L{n(x - 3.6)} {n(y - 6)}L{n(x + 3.6)} {n(y - 6)}Z")
    parts = [path("".join(lines), MOVEMENT, 1.25 if straight else 2)]
    return parts if straight else [*parts, path("".join(heads), fill=MOVEMENT)]


def _elbow(left, step, send):
    x, y = _x(left, send.source), _y(step)
    return f"M{n(x)} {n(y)}V{n(y + 8)}H{n(_x(left, send.to))}V{n(y + _DOWN - _R - 5)}"


def _slanted(left, step, send):
    """A line to a rank more than half way off leaves at one edge and comes in at the other."""
    x, to, y = _x(left, send.source), _x(left, send.to), _y(step)
    turn = RANKS * _PITCH
    if abs(send.to - send.source) <= RANKS // 2:
        return f"M{n(x)} {n(y)}L{n(to)} {n(y + _DOWN)}"
    beyond, edge = (to + turn, _x(left, RANKS - 0.5)) if to < x else (to - turn, _x(left, -0.5))
    across = y + _DOWN * (edge - x) / (beyond - x)
    entry = edge - turn if to < x else edge + turn
    return f"M{n(x)} {n(y)}L{n(edge)} {n(across)}M{n(entry)} {n(across)}L{n(to)} {n(y + _DOWN)}"


def _nodes(left, route, shown):
    parts, nothing = [], []
    for step, shares in enumerate(route.shares[: shown + 1].tolist()):
        for rank, share in enumerate(shares):
            x, y = _x(left, rank), _y(step)
            if share == 1:
                new = step == 0 or route.shares[step - 1, rank] < 1
                parts.append(circle(x, y, _R, MEMORY if new else MEMORY_TINT, MEMORY))
            elif share:
                parts += _part(x, y, share)
            else:
                nothing.append(circle(x, y, 3, PAPER, MUTE))
    return [*nothing, *parts]


def _part(x, y, share):
    """A ring, and in it a disc of the share, area to scale."""
    return [circle(x, y, _R, PAPER, MEMORY), circle(x, y, max(_DISC * share**0.5, 1), MEMORY)]


def _end(left, route, shown):
    """Below a schedule that ends early, what is so now."""
    if shown < route.rounds or route.rounds > ROUNDS - 2:
        return []
    who = "all 8 have it"
    if route.pattern not in TO_EACH:
        who = "rank 0 has all" if route.pattern in INTO_ONE else "each has its own"
    words = f"{who} after round {route.rounds}"
    return [text(_x(left, 0) - _R, _y(route.rounds) + 26, words, bold=True)]


def _counters(left, route, size):
    schedule, right = route.schedule, left + _WIDE
    cells = [
        (left, "start", "rounds", str(route.rounds)),
        (left + 56, "start", "sends", str(len(schedule.sends))),
        (left + 104, "start", "busiest port", decimal(schedule.busiest(size))),
        (right, "end", "time", units.seconds(route.seconds(size))),
    ]
    if route.pattern in SUMS:
        cells.append((left + 184, "start", "fp16 error", f"{100 * route.error:.2f} %"))
    return counters(left, right, _COUNTERS, cells)


def _legend(pattern):
    done, part, nothing = _LEGENDS[pattern]
    x, y = LEFT + 5, _LEGEND - 4
    parts = [circle(x, y, _R, MEMORY, MEMORY)]
    if "earlier" in done:
        x += 16
        parts.append(circle(x, y, _R, MEMORY_TINT, MEMORY))
    parts.append(text(x + 13, _LEGEND, done))
    parts += [*_part(307, y, 0.5), text(320, _LEGEND, part)]
    if nothing:
        parts += [circle(539, y, 3, PAPER, MUTE), text(552, _LEGEND, nothing)]
    return parts
