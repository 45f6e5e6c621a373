"""The few SVG words that pictures are written in, the white card and its three-meter footer.

Every function returns a string of SVG, `card` the whole `Picture`.  Coordinates and sizes are px;
a card is 720 px wide and its content runs from x = 24 to x = 696.
"""

from html import escape
from math import ceil, hypot, log10
from zlib import crc32

from .. import units
from .fonts import FAMILY, text_width
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
from .picture import Picture

WIDTH, PAD = 720, 24
LEFT, RIGHT = PAD, WIDTH - PAD
TITLE_Y, SECOND_LINE_Y = 40, 60
FOOTER_HEIGHT = 56

# A label that may cross a line carries its own white edge.
HALO = f' paint-order="stroke" stroke="{PAPER}" stroke-width="4" stroke-linejoin="round"'

# `card` puts the picture's own name in the place of ~, see there.
HATCH, DOTS, UNUSED, OVER = "url(#~hatch)", "url(#~dots)", "url(#~idle)", "url(#~over)"
_TILE = '<pattern id="~{}" width="{w}" height="{w}" patternUnits="userSpaceOnUse"{}>{}</pattern>'
_TURN = ' patternTransform="rotate(-45)"'


def n(value):
    """A coordinate without needless digits.

    >>> n(24.0), n(1 / 3)
    ('24', '0.33')
    """
    return f"{round(value, 2) + 0.0:.2f}".rstrip("0").rstrip(".")


def text(x, y, words, size=12, fill=INK, anchor="start", bold=False, extra=""):
    """One line of text; `y` is its baseline, `anchor` "start", "middle" or "end"."""
    weight = ' font-weight="700"' if bold else ""
    return (
        f'<text x="{n(x)}" y="{n(y)}" font-size="{n(size)}" fill="{fill}"{_anchor(anchor)}{weight}'
        f"{extra}>{escape(words)}</text>"
    )


def spans(x, y, parts, anchor="start"):
    """One line in several weights: `parts` are (words, size, fill, bold)."""
    body = "".join(
        f'<tspan font-size="{n(size)}" fill="{fill}"{_WEIGHT[bold]}>{escape(words)}</tspan>'
        for words, size, fill, bold in parts
    )
    return f'<text x="{n(x)}" y="{n(y)}"{_anchor(anchor)} xml:space="preserve">{body}</text>'


_WEIGHT = {True: ' font-weight="700"', False: ""}


def _anchor(anchor):
    return "" if anchor == "start" else f' text-anchor="{anchor}"'


def rect(x, y, w, h, fill="none", stroke=None, width=1):
    """A box; its stroke, if any, lies half outside."""
    return (
        f'<rect x="{n(x)}" y="{n(y)}" width="{n(w)}" height="{n(h)}" fill="{fill}"'
        f"{_stroke(stroke, width)}/>"
    )


def inner(x, y, w, h, stroke, fill="none", width=1):
    """A box whose stroke lies inside its bounds, so that areas stay to scale; at least 2 px."""
    if min(w, h) <= 2 * width:
        return rect(x, y, max(w, 2), max(h, 2), stroke)
    return rect(x + width / 2, y + width / 2, w - width, h - width, fill, stroke, width)


def line(x1, y1, x2, y2, stroke=INK, width=1, dash=None):
    """A straight line; `dash` as in stroke-dasharray."""
    return (
        f'<line x1="{n(x1)}" y1="{n(y1)}" x2="{n(x2)}" y2="{n(y2)}"{_stroke(stroke, width, dash)}/>'
    )


def circle(x, y, r, fill="none", stroke=None, width=1):
    """A disc or a ring around (x, y)."""
    return f'<circle cx="{n(x)}" cy="{n(y)}" r="{n(r)}" fill="{fill}"{_stroke(stroke, width)}/>'


def dots(centres, r, fill):
    """Many discs of one kind as one path: zero-length strokes with round ends."""
    d = "".join(f"M{n(x)} {n(y)}h0" for x, y in centres)
    return (
        f'<path d="{d}" stroke="{fill}" stroke-width="{n(2 * r)}" stroke-linecap="round" '
        'fill="none"/>'
    )


def path(d, stroke=None, width=1, fill="none", dash=None):
    """Any path; cells that share a state are one path, so that a picture stays small."""
    return f'<path d="{d}" fill="{fill}"{_stroke(stroke, width, dash)}/>'


def _stroke(stroke, width, dash=None):
    if not stroke:
        return ""
    dashes = f' stroke-dasharray="{dash}"' if dash else ""
    return f' stroke="{stroke}" stroke-width="{n(width)}"{dashes}'


def arrow(x1, y1, x2, y2, stroke=MOVEMENT, width=2, head=6):
    """A straight arrow with a filled head of `head` px: something that moves."""
    length = hypot(x2 - x1, y2 - y1)
    ux, uy = (x2 - x1) / length, (y2 - y1) / length
    bx, by = x2 - ux * head, y2 - uy * head
    px, py = -uy * head * 0.6, ux * head * 0.6
    tip = f"M{n(x2)} {n(y2)}L{n(bx + px)} {n(by + py)}L{n(bx - px)} {n(by - py)}Z"
    return line(x1, y1, bx, by, stroke, width) + path(tip, fill=stroke)


def counters(left, right, y, cells):
    """A row of values under their names, with a rule above at `y`, from `left` to `right`.

    `cells` are (x, anchor, name, value), the texts as they are shown.
    """
    parts = [line(left, y, right, y, RULE)]
    for x, anchor, name, value in cells:
        parts.append(text(x, y + 17, name, 11, MUTE, anchor))
        parts.append(text(x, y + 35, value, 14, INK, anchor, True))
    return parts


def diamond(x, y, r=6):
    """A bet: a hollow diamond around (x, y)."""
    d = f"M{n(x)} {n(y - r)}L{n(x + r)} {n(y)}L{n(x)} {n(y + r)}L{n(x - r)} {n(y)}Z"
    return path(d, INK, 1.5, PAPER)


def glyph(resource, x, y):
    """The 8-px sign of "Memory", "Compute" or "Movement" around (x, y)."""
    if resource == "Memory":
        return rect(x - 4, y - 4, 8, 8, MEMORY)
    if resource == "Compute":
        return circle(x, y, 4, COMPUTE)
    return arrow(x - 5, y, x + 5, y)


def card(height, title, second, body, says):
    """The whole `Picture`: white card, title, second line and `body`, an iterable of SVG strings.

    `says` becomes the accessible name too.  A title or second line that does not fit is a
    ValueError.
    """
    for words, size, bold in ((title, 15, True), (second, 12, False)):
        _fits(words, size, RIGHT - LEFT, bold)
    height = 8 * ceil(height / 8)
    drawing = "".join(
        (
            rect(0, 0, WIDTH, height, PAPER),
            text(LEFT, TITLE_Y, title, 15, INK, bold=True),
            text(LEFT, SECOND_LINE_Y, second, 12, MUTE),
            *body,
        )
    )
    patterns = "".join(p for name, p in _patterns().items() if f"url(#~{name})" in drawing)
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" '
        f'viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{escape(says)}" '
        f'font-family="{FAMILY}"><defs>{patterns}</defs>{drawing}</svg>'
    )
    # A page holds many pictures, and a pattern dies with the hidden picture that defines it:
    # each picture names its patterns after its own content.
    own = f"cu{crc32(svg.encode()):08x}-"
    svg = svg.replace('<pattern id="~', f'<pattern id="{own}').replace("url(#~", f"url(#{own}")
    return Picture(svg, says, title, second)


def _patterns():
    stripe = '<rect width="6" height="6" fill="{}"/><rect width="6" height="{}" fill="{}"/>'
    dots = f'<rect width="4" height="4" fill="{MOVEMENT}"/><circle cx="2" cy="2" r=".8" '
    return {
        "hatch": _TILE.format("hatch", _TURN, stripe.format(COMPUTE, 1.2, PAPER), w=6),
        "dots": _TILE.format("dots", "", dots + f'fill="{PAPER}"/>', w=4),
        "over": _TILE.format("over", _TURN, stripe.format(PAPER, 1.5, MEMORY), w=6),
        "idle": _TILE.format("idle", _TURN, stripe.format(PAPER, 1, IDLE), w=6),
    }


def _fits(words, size, room, bold=False):
    width = text_width(words, size, bold)
    if width > room:
        raise ValueError(
            f"{words!r} is {width:.0f} px wide at {size} px and has {room:.0f} px; shorten it"
        )


_METERS = (
    ("Memory", MEMORY, MEMORY_TINT, MEMORY),
    ("Compute", COMPUTE, COMPUTE_TINT, HATCH),
    ("Movement", MOVEMENT_TEXT, MOVEMENT_TINT, DOTS),
)


def footer(y, meters, notes=("", "", ""), ref=None, bet=None):
    """The three meters of a piece of work, 56 px high; `y` is the rule above them.

    `meters`, `ref` and `bet` are `Meters`.  A bar runs from 1 to 10^12, a factor of 1,000 for each
    of its segments.  `ref` is the state compared with: an ink tick on the bar, and the same tick
    opens the note, which must name it.  `bet` is a hollow diamond.  Zero has no tick and no
    diamond.  Compute is in MAC, or in FLOP if nobody multiplies, or one works without any MAC.
    A note that is wider than its column is a ValueError.
    """
    unit = _unit_of_work(meters, ref, bet)
    rows = [_values(m, unit) if m else (0, 0, 0) for m in (meters, ref, bet)]
    parts = [
        line(LEFT, y, 528, y, RULE),
        text(RIGHT, y + 4, "one bar segment = ×1,000", 11, MUTE, "end"),
    ]
    for m, (look, note) in enumerate(zip(_METERS, notes, strict=True)):
        value, compared, guess = (row[m] for row in rows)
        named_unit = unit if look[0] == "Compute" else "B"
        parts.append(_meter(LEFT + 232 * m, y, look, value, named_unit))
        parts.append(_marks(LEFT + 232 * m + 16, y, compared, guess, note))
    return "".join(parts)


def _unit_of_work(*some):
    some = [m for m in some if m and m.flops]
    return "MAC" if some and all(m.macs for m in some) else "FLOP"


def _values(meters, unit):
    return meters.memory, meters.macs if unit == "MAC" else meters.flops, meters.moved


def _reach(value):
    """Px from the start of a bar to `value`: 16 a decade."""
    return min(16 * log10(value), 190) if value > 0 else 0


def _meter(x, y, look, value, unit):
    name, hue, tint, fill = look
    number, _, prefix = units.count(value).partition(" ")
    bar = x + 16
    parts = [
        glyph(name, x + 4, y + 20),
        text(bar, y + 24, name, 12, hue, bold=True),
        spans(
            x + 208,
            y + 24,
            [(number, 13, INK, True), (f" {prefix}{unit}", 11, MUTE, False)],
            "end",
        ),
    ]
    for segment in range(4):
        left = bar + 48 * segment
        parts.append(rect(left, y + 32, 46, 8, tint))
        filled = min(_reach(value) - 48 * segment, 46)
        if filled > 0:
            parts.append(rect(left, y + 32, filled, 8, fill))
    return "".join(parts)


def _marks(bar, y, compared, guess, note):
    parts = []
    if compared > 0:
        at = bar + _reach(compared)
        parts += [rect(at - 2, y + 28, 4, 16, PAPER), rect(at - 1, y + 28, 2, 16, INK)]
        parts.append(rect(bar, y + 47, 2, 10, INK))
    if guess > 0:
        parts.append(diamond(bar + _reach(guess), y + 36))
    if note:
        indent = 8 if compared > 0 else 0
        _fits(note, 11, 192 - indent)
        parts.append(text(bar + indent, y + 56, note, 11, MUTE))
    return "".join(parts)
