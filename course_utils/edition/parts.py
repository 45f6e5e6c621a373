"""The parts of a slide, and the px of height that each is estimated to take.

The sizes are those of `templates/deck.css`; a test measures the slides in Chromium.
"""

import base64
import re
import struct
from dataclasses import dataclass, field, replace
from math import ceil

from ..author.outline import plain

__all__ = [
    "ROOM",
    "Part",
    "aside",
    "fitted",
    "lines",
    "need",
    "pair",
    "paragraphs",
    "picture",
    "pieces",
    "remark",
    "size_of",
    "taken",
    "text",
    "zoom",
    "zoom_beside",
]

ROOM = 560  # px below a slide's heading
_WIDTH, _ASIDE = 1168, 380  # px: the width of a slide, and the least for text beside a picture
_GAP, _BETWEEN = 16, 32  # px between two parts, and between what stands side by side
_TEXT, _ROW, _FORMULA, _REMARK = 40, 36, 64, 30  # px: a line of text, of a table, a formula, …
_COLUMNS, _IN_TABLE, _IN_REMARK = 76, 92, 100  # characters in a line of each
_CODE, _LEADING = 20, 1.35  # px: a letter of code or of output; lines are that many times higher
_CODE_COLUMNS = 94  # characters of that size in a line
_SMALL, _NARROW = 16, 14  # px: the least letter so that lines fit, and so that a line does
_INSET = 16  # px above and below code together
_APART = 6  # characters between code and code beside it
_ZOOM = 1.4  # how much larger than in the notebook a picture may be


@dataclass
class Part:
    """A piece of a slide, as high as is estimated, in px.

    `kind` and `content`: "text", Markdown; "label", a line of it; "note", words; "code" and
    "output", (lines, px of a letter); "picture", (PNG in base64, what it shows in words, width in
    px).  `beside`: parts to the right of a picture or of code.
    """

    kind: str
    content: object
    height: int
    fragment: bool = False
    beside: list = field(default_factory=list)


def taken(parts):
    """The px that parts take, one below the other, with the gap below the last."""
    return sum(part.height + _GAP for part in parts)


def need(parts):
    """The px that are needed for parts, without the gap below the last."""
    return max(0, taken(parts) - _GAP)


# Text


def text(block, width=_WIDTH):
    """A paragraph, a list or a table as a part; each line of the source is one of its own."""
    words = plain(block)
    rows = [line for line in words.splitlines() if line.strip()]
    if words.startswith("|"):
        high = [max(1, ceil(len(row) / _IN_TABLE)) for row in rows if set(row) - set("|-: ")]
        return Part("text", words, _ROW * sum(high))
    if words.startswith("$$"):
        return Part("text", words, _FORMULA)
    columns = _COLUMNS * width // _WIDTH
    return Part("text", words, _TEXT * sum(ceil(len(row) / columns) for row in rows))


def paragraphs(block):
    """A block of Markdown as parts: one, or several for a table that is higher than a slide."""
    whole, rows = text(block), block.splitlines()
    if not block.startswith("|") or whole.height <= ROOM:
        return [whole]
    head, rows = rows[:2], rows[2:]
    for count in range(2, len(rows) + 1):
        cuts = [len(rows) * n // count for n in range(count + 1)]
        split = zip(cuts, cuts[1:], strict=False)
        tables = [text("\n".join([*head, *rows[begin:end]])) for begin, end in split]
        if all(table.height <= ROOM for table in tables):
            break
    return tables


def remark(kind, words):
    """A "label" or a "note": small words above or below something."""
    return Part(kind, words, _REMARK * ceil(len(words) / _IN_REMARK))


# Code, and what it printed


def lines(kind, given, room=ROOM):
    """Code or output, its letters so small that it fits into some px, within reason."""
    size = _size_for(max(map(len, given)))
    part = Part(kind, ("\n".join(given), size), _high(given, size))
    return fitted([part], room)[0]


def pair(left, right):
    """Code that is to stand side by side, two parts with letters of one size."""
    size = _size_for(max(map(len, left)) + max(map(len, right)) + _APART)
    return [Part("code", ("\n".join(each), size), _high(each, size)) for each in (left, right)]


def _size_for(columns):
    return max(_NARROW, min(_CODE, _CODE * _CODE_COLUMNS // columns))


def pieces(given, room=ROOM, later=ROOM):
    """Lines in pieces of so many px, the first and the later ones, cut where the least is torn."""
    tidy = re.sub(r"\n{3,}", "\n\n", "\n".join(given)).strip("\n").splitlines()
    if not tidy or _high(tidy, _SMALL) <= room:
        return [tidy] if tidy else []
    most = max(n for n in range(1, len(tidy)) if n == 1 or _high(tidy[:n], _SMALL) <= room)
    cut = min(range(most, most // 2, -1), key=lambda n: _torn(tidy, n))
    return [*pieces(tidy[:cut], room, later), *pieces(tidy[cut:], later, later)]


def _torn(given, n):
    """How bad it is to cut before a line: how deep inside something it is, or between two lines."""
    after = next(line for line in given[n:] if line)
    blank = not given[n - 1] or not given[n]
    return len(after) - len(after.lstrip()), not blank


def fitted(parts, room):
    """Parts with letters of code and output so small that all fit, if within reason they do."""
    for size in range(_CODE, _SMALL - 1, -1):
        tried = [_smaller(part, size) for part in parts]
        if need(tried) <= room:
            return tried
    return parts


def _smaller(part, size):
    if part.kind not in ("code", "output") or part.content[1] <= size:
        return part
    height = _high(part.content[0].splitlines(), size)
    return replace(part, content=(part.content[0], size), height=height)


def _high(given, size):
    columns = _CODE_COLUMNS * _CODE // size
    rows = sum(max(1, ceil(len(line) / columns)) for line in given)
    return ceil(rows * size * _LEADING) + _INSET


# Pictures


def size_of(output):
    """(width, height) in px at which the notebook shows the picture of an output."""
    width, height = struct.unpack(">II", base64.b64decode(output.data["image/png"][:64])[16:24])
    shown = output.metadata.get("image/png", {}).get("width", 720)
    return shown, height * shown / width


def zoom(room, size):
    """How many times as large as in the notebook a picture can be in so many px of height."""
    width, height = size
    return min(room / height, _ZOOM, _WIDTH / width)


def zoom_beside(room, size):
    """The same for a picture that has text beside it."""
    return min(zoom(room, size), (_WIDTH - _BETWEEN - _ASIDE) / size[0])


def picture(output, words, times):
    """The picture of an output, so many times as large as in the notebook."""
    width, height = size_of(output)
    png = output.data["image/png"].replace("\n", "")
    return Part("picture", (png, words, round(width * times)), round(height * times))


def aside(block, picture):
    """A paragraph as a part beside a picture, or None if it has no room there."""
    width = _WIDTH - _BETWEEN - picture.content[2]
    if width < _ASIDE:
        return None
    part = text(block, width)
    return part if part.height + taken(picture.beside) <= picture.height else None
