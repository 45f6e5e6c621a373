"""The N-square room: weights that stay, X that grows with N, scores that grow with N × N."""

from .. import units
from ..arguments import whole
from ..heads import MODES, WIDTH, Heads
from .palette import COMPUTE, COMPUTE_TINT, IDLE, INK, MEMORY, MEMORY_TINT, MUTE
from .svg import (
    FOOTER_HEIGHT,
    HALO,
    HATCH,
    LEFT,
    PAD,
    RIGHT,
    UNUSED,
    card,
    diamond,
    footer,
    inner,
    line,
    n,
    path,
    rect,
    text,
)

HEADS = 1, 2, 4, 8
MOST = 6 * WIDTH  # tokens that the card has room for

_SCALE = 20 / WIDTH  # px for a number along either axis
_TOP = 128
_X, _SQUARES = 80, 144  # left edges of X and of the first square
_PITCH = 144, 136  # px from square to square, across and down
_HEADING, _LABELS = _TOP - 28, _TOP - 6
_LEGEND, _TABLE, _FOOT = 404, 432, 552
_RIGHT_COLUMN, _COLUMN_WIDTH = 376, 320
_MAC = _COLUMN_WIDTH / (12 * MOST * WIDTH**2)  # px for a MAC
_DASH = "3 2"


def room(tokens, heads=8, mode="stored", *, bet=None):
    """A `Picture` of multi-head attention of width 512, its areas to scale: the four matrices, X,
    and for each head its square of scores.

    `heads`: 1, 2, 4 or 8.  `mode`: "stored" keeps S and P whole, "causal" keeps keys up to the
    query alone, "tiled" one tile of 128 × 128 at a time.  The meters are those of `heads.Heads`.
    They are compared with N = 512 when stored, and with what is stored whole otherwise.
    `bet`, in tokens, is a diamond at the corner of its square.  More tokens than 3,072, other heads
    or another mode are a ValueError.

    >>> room(1024)
    1,024 tokens, 8 heads, S and P stored: 8,388,608 scores, 8 times the four matrices; \
with projections 2.15 GMAC, 83,886,080 B in memory, 163,577,856 B moved.
    >>> room(3072, mode="tiled").title
    'Tiled, 16,384 scores are held at a time instead of 75,497,472'
    """
    work = _checked(tokens, heads, mode)
    body = [
        *_matrices(work),
        *_squares(work),
        *_marks(work),
        *_key(work),
        *_held(work),
        *_work(work),
        *([] if bet is None else _bet(bet)),
        footer(_FOOT, work.meters(), _notes(work), _compared(work).meters()),
    ]
    return card(_FOOT + FOOTER_HEIGHT + PAD, _title(work), _second(work), body, _says(work))


def _checked(tokens, heads, mode):
    tokens = whole(tokens, "room: tokens")
    if tokens > MOST:
        raise ValueError(f"room: it shows at most {MOST:,} tokens; got {tokens:,}")
    if isinstance(heads, bool) or heads not in HEADS:
        raise ValueError(f"room: 1, 2, 4 or 8 heads share the {WIDTH} numbers; got {heads!r}")
    if mode not in MODES:
        raise ValueError(f"room: mode is {', '.join(map(repr, MODES))}; got {mode!r}")
    return Heads(tokens, heads, mode)


# --- words --------------------------------------------------------------------------------


def _count(number, what):
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _times(number):
    return {1: "once", 2: "twice"}.get(number, f"{number} times")


def _share(work):
    """The scores held, in units of the four matrices; rounding never makes as many of fewer."""
    ratio = work.scores / work.weights
    if ratio < 1 and work.weights % work.scores == 0:
        return f"1/{work.weights // work.scores:,}"
    words = units.number(ratio)
    return words if words != "1" or ratio == 1 else f"{ratio:.4f}"


def _of_weights(work):
    share = _share(work)
    return f"{share} of the four matrices" if "/" in share else f"{share} times the four matrices"


def _title(work):
    if work.mode == "causal":
        kept = f"{work.pairs:,} of the {work.tokens**2:,} scores"
        return f"Causal keeps {kept} of each head"
    if work.mode == "tiled":
        every = _stored(work).scores
        if work.scores == every:
            return f"One tile is all there is: {_count(every, 'score')}"
        return f"Tiled, {work.scores:,} scores are held at a time instead of {every:,}"
    if work.scores == work.weights:
        return f"At {work.tokens:,} tokens the scores are as many as the four matrices have"
    return f"At {_count(work.tokens, 'token')} the scores are {_of_weights(work)}"


def _second(work):
    about = f"fp32, batch 1, d = {WIDTH}, {_count(work.heads, 'head')} of {work.depth}"
    if work.mode == "stored":
        return f"{about}: each step reads its inputs once and writes its result once."
    if work.mode == "causal":
        return f"{about}: keys up to the query alone; a step reads and writes once."
    passed = f"Q and O cross once, K and V {_times(work.blocks)}"
    if work.blocks == 1:
        passed = "Q, K, V and O cross once"
    return f"{about}: one tile of {work.side} × {work.side}; {passed}."


def _says(work):
    meters = work.meters()
    how = {
        "stored": "S and P stored",
        "causal": "S and P stored up to the query",
        "tiled": f"S in tiles of {work.side} × {work.side}",
    }[work.mode]
    scores = _count(work.scores, "score") + (" at a time" if work.mode == "tiled" else "")
    return (
        f"{_count(work.tokens, 'token')}, {_count(work.heads, 'head')}, {how}: {scores}, "
        f"{_of_weights(work)}; with projections {units.macs(meters.macs)}, "
        f"{units.nbytes(meters.memory)} in memory, {units.nbytes(meters.moved)} moved."
    )


def _stored(work):
    return Heads(work.tokens, work.heads, "stored")


def _compared(work):
    """The state of the ticks: as many tokens as d where S is stored, else all of it stored."""
    return Heads(WIDTH, work.heads, "stored") if work.mode == "stored" else _stored(work)


def _notes(work):
    now, before = work.meters(), _compared(work).meters()
    name = {"stored": "N = d", "causal": "full", "tiled": "stored"}[work.mode]
    memory, macs, moved = (
        f"{name}, now ×{units.number(getattr(now, k) / getattr(before, k))}"
        for k in ("memory", "macs", "moved")
    )
    return memory, macs, f"{moved}; {'tiled' if work.mode == 'tiled' else 'S stored'}"


# --- marks --------------------------------------------------------------------------------


def _corner(head):
    """Left and top of a head's square: two rows of four."""
    return _SQUARES + _PITCH[0] * (head % 4), _TOP + _PITCH[1] * (head // 4)


def _matrices(work):
    side, tall = WIDTH * _SCALE, work.tokens * _SCALE
    gap = side + 1
    corners = [(LEFT + a, _TOP + b) for a in (0, gap) for b in (0, gap)]
    return [
        text(LEFT, _HEADING, "areas to scale", 11, MUTE),
        *(rect(x, y, side, side, MEMORY) for x, y in corners),
        inner(_X, _TOP, side, tall, MEMORY, MEMORY_TINT),
        text(LEFT + side, _LABELS, "4 W", 12, MEMORY, "middle", True),
        text(_X + side / 2, _LABELS, "X", 12, MEMORY, "middle", True),
    ]


def _squares(work):
    side = work.tokens * _SCALE
    draw = {"stored": _full, "causal": _triangle, "tiled": _empty}[work.mode]
    value = f"S = {_share(work)} × (4 W)"
    parts = [
        text(_SQUARES, _HEADING, "S, N × N for each head", 13, bold=True),
        text(RIGHT, _HEADING, value, 14, bold=True, anchor="end"),
        *(draw(*_corner(head), side) for head in range(work.heads)),
    ]
    return [*parts, *_tile(work)] if work.mode == "tiled" else parts


def _full(x, y, side):
    return inner(x, y, side, side, MEMORY, MEMORY_TINT)


def _triangle(x, y, side):
    """A query is a row and sees the keys before it: the half under the diagonal."""
    if side <= 2:
        return inner(x, y, side, side, MEMORY)
    s = n(side - 1.5)
    return path(f"M{n(x + 0.5)} {n(y + 1)}v{s}h{s}z", MEMORY, 1, MEMORY_TINT)


def _empty(x, y, side):
    return inner(x, y, side, side, IDLE, UNUSED)


def _tile(work):
    """The one tile that is held, in the corner of the first head, and m, l, o of its rows."""
    side, deep = work.side * _SCALE, max(work.depth * _SCALE, 2)
    (x, y), tall = _corner(0), max(side, 2)
    left = x - 4 - deep
    return [
        rect(x, y, tall, tall, MEMORY),
        rect(left, y, deep, tall, MEMORY),
        *(rect(left - 3 * k, y, 2, tall, MEMORY) for k in (1, 2)),
        text(x - 4, _LABELS, "m l o", 11, MEMORY, "end"),
    ]


def _marks(work):
    """The squares of 2 d and 6 d tokens, dashed, on the first head."""
    x, y = _corner(0)
    parts = []
    for many in (2, 6):
        side = many * WIDTH * _SCALE
        edges = f"M{n(x + 0.5)} {n(y + 0.5)}h{n(side - 1)}v{n(side - 1)}h{n(1 - side)}z"
        parts.append(path(edges, INK, 1, dash=_DASH))
        parts.append(text(x + side, _LABELS, f"{many} d", 11, MUTE, "end"))
    return parts


def _key(work):
    """What the two dashed squares mean, and in the heading's line what is held of a square."""
    causal, tiled = work.mode == "causal", work.mode == "tiled"
    square = "half a square is 2 W" if causal else "one square is as big as 4 W"
    reach = f"scores and mix reach {6 if causal else 12} N d²"
    parts = [
        text(LEFT, _LEGEND, f"2 d = {2 * WIDTH:,} tokens: {square}"),
        text(_RIGHT_COLUMN, _LEGEND, f"6 d = {MOST:,} tokens: {reach}"),
    ]
    entries = [(336, MEMORY_TINT, MEMORY, "stored, j ≤ q" if causal else "stored")]
    if tiled:
        entries = [(336, MEMORY, MEMORY, "one tile"), (416, UNUSED, IDLE, "not stored")]
    for x, fill, edge, words in entries:
        parts.append(inner(x, _HEADING - 10, 12, 12, edge, fill))
        parts.append(text(x + 20, _HEADING, words))
    return parts


def _held(work):
    end, side, size = LEFT + _COLUMN_WIDTH, work.side, f"{work.tokens:,}"
    shape = {
        "stored": f"{work.heads} × {size} × {size}",
        "causal": f"{work.heads} × {size} × {work.tokens + 1:,} / 2",
        "tiled": f"one tile, {side} × {side}",
    }[work.mode]
    rows = [
        ("4 W", f"4 × {WIDTH} × {WIDTH}", work.weights),
        ("X", f"{size} × {WIDTH}", work.rows),
        ("S", shape, work.scores),
    ]
    if work.triples:
        rows.append(("m, l, o", f"{_count(side, 'row')} × (1 + 1 + {work.depth})", work.triples))
    others = "no P" if work.mode == "tiled" else "P as large as S"
    return [
        text(LEFT, _TABLE, "Numbers held", 13, bold=True),
        *(
            part
            for k, (name, sizes, count) in enumerate(rows)
            for part in (
                text(LEFT, _TABLE + 22 + 18 * k, name, 12, MEMORY, bold=True),
                text(LEFT + 56, _TABLE + 22 + 18 * k, sizes, 12, MUTE),
                text(end, _TABLE + 22 + 18 * k, f"{count:,}", 12, INK, "end"),
            )
        ),
        text(LEFT, _TABLE + 96, f"and Q, K, V, O, Y as large as X; {others}", 11, MUTE),
    ]


def _work(work):
    x, end, y = _RIGHT_COLUMN, RIGHT, _TABLE
    layer = 12 * work.tokens * WIDTH**2 * _MAC
    pairs = "N (N + 1) d" if work.mode == "causal" else "2 N² d"
    rows = (
        (y + 22, "projections", "4 N d²", work.projections),
        (y + 56, "scores and mix", pairs, work.mixing),
    )
    parts = [text(x, y, "MACs, to scale", 13, bold=True)]
    for top, name, formula, macs in rows:
        parts.append(text(x, top, name))
        parts.append(text(x + 112, top, formula, fill=MUTE))
        parts.append(text(end, top, units.count(macs), anchor="end"))
    first, second = (max(macs * _MAC, 2) for *_, macs in rows)
    parts += [
        inner(x, y + 28, first, 10, COMPUTE, COMPUTE_TINT),
        rect(x, y + 62, second, 10, HATCH),
        line(x + layer - 0.5, y + 60, x + layer - 0.5, y + 76, INK, 1, _DASH),
        text(x, y + 96, "dashed: 12 N d², projections and FFN (lesson 5)", 11, MUTE),
    ]
    return parts


def _bet(tokens):
    """A diamond at the corner of the square that was bet, just beyond the largest if it is more."""
    (x, y), side = _corner(0), min(tokens * _SCALE, MOST * _SCALE + 4)
    # beside the diamond; at the left of it, above the dashed lines
    across, up, anchor = (-8, 8, "end") if side > 60 else (12, -4, "start")
    return [
        diamond(x + side, y + side),
        text(x + side + across, y + max(side - up, 12), "your bet", 11, INK, anchor, extra=HALO),
    ]
