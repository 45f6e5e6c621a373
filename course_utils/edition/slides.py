"""What stands on which slide: a lesson's cells, by rule, laid out for a screen of 1280 × 720.

A cell's slide type comes from what it is, unless a tag names it:

| tag | the cell | by rule |
| --- | --- | --- |
| `slide:slide` | begins a slide | headings, bets, exercises |
| `slide:same` | stands on the slide that is there, if it has room | prose, code, numbers |
| `slide:fragment` | appears at a key press | pictures, answers, what comes of a bet |
| `slide:notes` | is said, and stands in the speaker's notes | |
| `slide:skip` | is left out | set-up, imports, cells that take a bet |

By rule, a paragraph of more than `LONG` words is said; one with a tag is shown.  Of a cell that
draws a picture, a program of more than three lines is left out.
"""

import base64
import re
import struct
from dataclasses import dataclass, field, replace
from math import ceil

from ..author.outline import plain
from ..exercises.bank import find
from ..exercises.cards import Choice, Order
from ..exercises.kinds import Prediction
from . import answers, pictures, timing
from .order import core, further

__all__ = ["Part", "Slide", "TYPES", "slide_type", "slides"]

TYPES = ("slide", "same", "fragment", "notes", "skip")
ROOM = 560  # px below a slide's heading; the sizes here are those of templates/deck.css
LONG = 36  # words of a paragraph; what is longer is said

_GAP = 16  # px between two parts
_TEXT, _ROW, _FORMULA = 40, 36, 64  # px: a line of text, one of a table, a formula on its own
_COLUMNS, _IN_TABLE = 74, 92  # characters in a line of text, and of a table
_CODE, _LEADING = 20, 1.35  # px: a letter of code or of output; lines are that many times higher
_CODE_COLUMNS = 94  # characters of that size in a line
_SMALL, _NARROW = 16, 14  # px: the least letter so that lines fit, and so that a line does
_INSET = 16  # px above and below code together
_DRAWING = 3  # lines; a longer program is left out where what it makes is a picture
_ZOOM = 0.7, 1.4  # how much smaller or larger than in the notebook a picture may be
_WIDTH, _ASIDE = 1168, 380  # px: the width of a slide, and the least for text beside a picture
_BETWEEN = 32  # px between a picture and the text beside it

_TAG = "slide:"
_HEADING = re.compile(r"^(#+) (.+)\n*")
_GRADED = re.compile(r"^ *(\w+ = )?(check|reveal)\(", re.M)
_IMPORTS = re.compile(r"(from|import) .+|\w[\w.]*\(\)|\)|    .+,|")
_CHECKED = re.compile(r"(\n\nAnswer [^\n]*)? *\[How it is checked\]\([^)]*\)$")
_LIST = re.compile(r"\||\* |\d+\. |\$\$")


@dataclass
class Part:
    """A piece of a slide, as high as is estimated, in px.

    `kind` and `content`: "text", Markdown; "label" and "note", words; "code" and "output", (lines,
    px of a letter); "picture", (PNG in base64, what it shows in words, width in px).  `beside`:
    parts, of text, to the right of a picture.
    """

    kind: str
    content: object
    height: int
    fragment: bool = False
    beside: list = field(default_factory=list)


@dataclass
class Slide:
    """A slide: its heading in Markdown, its parts, what is said, and the seconds that it takes.

    `level`: of the heading, 1 for the lesson's title.  `again`: whether the slide before has the
    same heading.  `below`: whether it stands below the slide before, not beside it.  `closed`:
    whether nothing more goes on it.
    """

    heading: str
    level: int
    again: bool = False
    below: bool = False
    seconds: int = 0
    parts: list = field(default_factory=list)
    notes: list = field(default_factory=list)
    closed: bool = False

    @property
    def free(self):
        """The px that are left, a number."""
        return ROOM - _need(self.parts)

    @property
    def has_fragments(self):
        """Whether a part of it appears at a key press."""
        return any(part.fragment for part in self.parts)


def slides(path, notebook):
    """The slides of a lesson, a list of `Slide`: its core path, then what is under *Further*.

    ValueError of one line for a tag that is no slide type.
    """
    deck = _Deck(path, notebook)
    for below, cells in (False, core(path, notebook)), (True, further(path, notebook)):
        deck.lay_out(cells, below)
    for slide in deck.slides:
        if slide.parts:
            slide.parts[0].fragment = False  # its slide is a key press already
    return deck.slides


def slide_type(path, cell):
    """The slide type of a cell, one of `TYPES`, by its tag or by rule."""
    named = [tag for tag in cell.metadata.get("tags", []) if tag.startswith("slide")]
    for tag in named:
        if not tag.startswith(_TAG) or tag.removeprefix(_TAG) not in TYPES:
            known = ", ".join(_TAG + name for name in TYPES)
            raise ValueError(
                f"{path.stem}: cell {cell.id}: the tag {tag!r} is no slide type; write {known}"
            )
    if len(named) > 1:
        raise ValueError(
            f"{path.stem}: cell {cell.id} has the tags {' and '.join(named)}; keep one of them"
        )
    return named[0].removeprefix(_TAG) if named else _by_rule(cell)


def _is_named(cell):
    return any(tag.startswith(_TAG) for tag in cell.metadata.get("tags", []))


def _by_rule(cell):
    part = cell.id.split("-")[0]
    if cell.cell_type != "code":
        return "slide" if part == "task" or _HEADING.match(cell.source) else "same"
    if part in ("stub", "check"):
        return "fragment"
    if cell.id == "setup" or cell.source.startswith("predict("):
        return "skip"
    if not cell.outputs and all(_IMPORTS.fullmatch(line) for line in cell.source.splitlines()):
        return "skip"
    return "fragment" if pictures.shown(cell) or _GRADED.search(cell.source) else "same"


class _Deck:
    """Lays out cells on slides, one after the other."""

    def __init__(self, path, notebook):
        self.slides, self._path, self._leads = [], path, []
        self._seconds = timing.seconds(path, notebook)
        self._widgets = pictures.widgets(notebook)
        self._below = False

    def lay_out(self, cells, below):
        """Lay out some cells; those of *Further* stand below its slide, a column a heading."""
        self._below = below
        typed = [(cell, slide_type(self._path, cell)) for cell in cells]
        shown = [(cell, kind) for cell, kind in typed if kind not in ("skip", "notes")]
        following = {a.id: b for (a, _), (b, _) in zip(shown, shown[1:], strict=False)}
        for cell, kind in typed:
            if kind != "skip":
                self._cell(cell, kind, following.get(cell.id))
            if self.slides:
                self.slides[-1].seconds += self._seconds[cell.id]
        self._flush()

    def _cell(self, cell, kind, following):
        if kind == "notes":
            self._say(cell.source)
            return
        if kind == "slide" and self.slides and not _HEADING.match(cell.source):
            self._next(cell)
        if cell.id.startswith("task-"):
            self._task(cell, kind)
        elif cell.id.split("-")[0] in ("stub", "check"):
            self._answer(cell, kind)
        elif cell.cell_type == "code":
            self._code(cell, kind, following)
        else:
            self._prose(cell, kind, following)

    # Slides

    def _begin(self, heading, level):
        self._flush()
        below = self._below and level > 2
        self.slides.append(Slide(plain(heading), level, below=below))

    def _go_on(self):
        last = self.slides[-1]
        self.slides.append(Slide(last.heading, last.level, again=True, below=self._below))

    def _next(self, cell):
        """Go on to a new slide, unless this one is empty, or says only what leads to a bet."""
        entry = find(cell.id.removeprefix("task-")) if cell.id.startswith("task-") else None
        if getattr(entry, "concept", False):
            self._flush()
        slide = self.slides[-1]
        leads = isinstance(entry, Prediction) and not slide.closed and slide.free > ROOM / 2
        if slide.parts and not (leads and all(part.kind == "text" for part in slide.parts)):
            self._go_on()

    def _say(self, text):
        if not self.slides:
            self._begin(self._path.stem, 2)
        self.slides[-1].notes.append(plain(text))

    def _flush(self):
        """Put the sentence that leads to something where it stands, if nothing came."""
        if self._leads:
            self._put([])

    def _put(self, parts, after=0):
        """Put parts that belong together, and the lead to them, on this slide or on new ones.

        `after`: the px that are to stay free on the slide for what reads them.
        """
        slide, parts = self.slides[-1], self._led_to(parts, after)
        full = slide.closed or (slide.has_fragments and not all(p.fragment for p in parts))
        if slide.parts and (full or slide.free < min(after + _need(parts), ROOM)):
            self._go_on()
        if not self.slides[-1].parts:
            parts = _fitted(parts, ROOM - after)
        for part in parts:
            if self.slides[-1].parts and self.slides[-1].free < part.height:
                self._go_on()
            self.slides[-1].parts.append(part)

    def _led_to(self, parts, after):
        """Parts with the lead to them; it stays on the slide before if they fill one alone."""
        leads, self._leads = self._leads, []
        slide = self.slides[-1]
        filled = _need(_fitted(leads + parts, ROOM - after)) > ROOM
        if filled and parts and slide.parts and not slide.closed and slide.free >= _need(leads):
            for lead in leads:
                lead.fragment = slide.has_fragments
            slide.parts += leads
            return parts
        return leads + parts

    # Markdown

    def _prose(self, cell, kind, following):
        shown = _is_named(cell)
        for section in re.split(r"\n+(?=#+ )", cell.source):
            heading = _HEADING.match(section)
            if heading and shown and kind != "slide" and self.slides:
                self._put([_text(f"**{heading[2]}**")])
            elif heading:
                self._begin(heading[2], len(heading[1]))
            section = section[heading.end() :] if heading else section
            blocks = [block for block in section.split("\n\n") if block.strip()]
            for block in blocks:
                leads = block is blocks[-1] and following is not None and _leads(block)
                if _is_long(block) and not shown and self.slides[-1].level > 1:
                    self._say(block)
                elif leads and kind != "fragment":
                    self._leads.append(_text(block))
                else:
                    self._paragraph(block, kind)

    def _paragraph(self, block, kind):
        slide = self.slides[-1]
        picture = slide.parts[-1] if slide.parts and slide.parts[-1].kind == "picture" else None
        if picture and not slide.closed and kind != "slide":
            aside = _text(block, _WIDTH - _BETWEEN - picture.content[2])
            if aside.height + _need(picture.beside) <= picture.height and _may_be_aside(picture):
                aside.fragment = True
                picture.beside.append(aside)
                return
        for part in _texts(block):
            part.fragment = kind == "fragment"
            if slide.has_fragments and not slide.closed:
                part.fragment = True  # it reads what has just appeared
                if slide.free < part.height and kind == "same":
                    self._say(block)
                    return
            self._put([part])

    # Exercises and bets

    def _task(self, cell, kind):
        entry = find(cell.id.removeprefix("task-"))
        blocks = _CHECKED.sub("", cell.source).split("\n\n")[1:]
        parts = [_text(_wrapped(block)) for block in blocks if block.strip()]
        if isinstance(entry, Prediction):
            label = "Your bet"
        elif getattr(entry, "concept", False):
            label = f"A question for the whole room · {entry.minutes} min"
        else:
            label = f"{entry.sort or f'Exercise {entry.number}'} · {entry.minutes} min"
        if isinstance(entry, Order):
            parts.append(_lines("code", entry.lines))
        parts = [Part("label", label, 30), *parts]
        for part in parts:
            part.fragment = kind == "fragment"
        self._put(parts)
        if isinstance(entry, Prediction):
            self.slides[-1].closed = True
        else:
            self._expect(entry)

    def _expect(self, entry):
        """Note the wrong answers that people give, and what each of them reveals."""
        for misconception, given in answers.wrong(entry, brief=True):
            told = "; ".join(answer for answer, _ in given)
            reveals = f"{misconception.says}. {misconception.ask}" if misconception else given[0][1]
            self._say(f"*People answer* {told}: {reveals}")

    def _answer(self, cell, kind):
        part, _, name = cell.id.partition("-")
        entry = find(name)
        if isinstance(entry, Prediction) or (part == "stub" and "check" in entry.cells()):
            return
        solution = entry.solution()
        if isinstance(entry, Choice):
            parts = [_text(f"✓ {solution}")]
        else:
            parts = [_lines("code", piece) for piece in _pieces(solution.splitlines())]
        for part in parts:
            part.fragment = kind == "fragment"
        self._put(parts)
        self.slides[-1].closed = True

    # Code

    def _code(self, cell, kind, following):
        drawn, lines = pictures.shown(cell), cell.source.strip().splitlines()
        printed = [text for output in cell.outputs if (text := _printed(output))]
        results = [_lines("output", piece) for text in printed for piece in _pieces(text)]
        if results and "measure" in cell.metadata.get("tags", []):
            results.append(Part("note", "measured on the computer that ran the lesson", 24))
        for result in results:
            result.fragment = kind == "fragment"
        code = [_lines("code", piece) for piece in _pieces(lines)]
        if not drawn:
            self._put(code + results, _reading(following))
            return
        if cell.id in self._widgets:
            self._say("Live in JupyterLab: move its sliders.")
        for output in drawn:
            self._picture(cell, output, code, results, kind == "fragment", following)
            code, results = [], []

    def _picture(self, cell, output, code, results, fragment, following):
        width, height = _size(output)
        needed = self._leads + results
        slide = self.slides[-1]
        free = slide.free if slide.parts and not (slide.closed or slide.has_fragments) else ROOM
        if _zoom(free - _need(needed), width, height, following) < _ZOOM[0]:
            free = ROOM
            if _zoom(free - _need(needed), width, height, following) < _ZOOM[0]:
                self._put(code + results)
                code, needed, results = [], [], []
            if self.slides[-1].parts:
                self._go_on()
        # what draws it, if it is a line or two and takes nothing from the picture
        short = code and len(code[0].content[0].splitlines()) <= _DRAWING
        if not short or _zoom(free - _need(needed + code), width, height, following) < 1:
            code = []
        zoom = _zoom(free - _need(needed + code), width, height, following)
        words = pictures.alt(self._path, cell)
        png = output.data["image/png"].replace("\n", "")
        content = (png, words, round(width * zoom))
        self._put([*code, *results, Part("picture", content, round(height * zoom), fragment)])


def _zoom(room, width, height, following):
    """How large a picture can be in so many px of height, with what reads it below or beside it."""
    room -= _GAP
    below = min((room - _reading(following)) / height, _ZOOM[1], _WIDTH / width)
    beside = min(room / height, _ZOOM[1], (_WIDTH - _BETWEEN - _ASIDE) / width)
    return max(below, beside)


def _may_be_aside(picture):
    return picture.content[2] + _BETWEEN + _ASIDE <= _WIDTH


def _is_long(block):
    return len(plain(block).split()) > LONG and not _LIST.match(block)


def _leads(block):
    """Whether a paragraph asks for, or announces, what comes after it."""
    is_title = block.startswith("**") and block.endswith("**")
    return is_title or block.rstrip("*").endswith(("?", ":"))


def _wrapped(block):
    """A task's paragraph with line breaks only where a backslash asks for one."""
    return "\n".join(line.replace("\n", " ") for line in block.split("\\\n"))


def _texts(block):
    """A block of Markdown as parts: one, or several for a table that is higher than a slide."""
    lines = block.splitlines()
    if not block.startswith("|") or _text(block).height <= ROOM:
        return [_text(block)]
    head, rows, parts = lines[:2], [], []
    for line in lines[2:]:
        if _text("\n".join([*head, *rows, line])).height > ROOM:
            parts.append(_text("\n".join([*head, *rows])))
            rows = []
        rows.append(line)
    return [*parts, _text("\n".join([*head, *rows]))]


def _text(block, width=_WIDTH):
    """A paragraph, a list or a table as a part; each line of the source is one of its own."""
    text = plain(block)
    lines = [line for line in text.splitlines() if line.strip()]
    if text.startswith("|"):
        rows = [max(1, ceil(len(line) / _IN_TABLE)) for line in lines if set(line) - set("|-: ")]
        return Part("text", text, _ROW * sum(rows))
    if text.startswith("$$"):
        return Part("text", text, _FORMULA)
    columns = _COLUMNS * width // _WIDTH
    return Part("text", text, _TEXT * sum(ceil(len(line) / columns) for line in lines))


def _need(parts):
    return sum(part.height + _GAP for part in parts)


def _fitted(parts, room):
    """Parts with letters of code and output so small that all fit, if within reason they do."""
    for size in range(_CODE, _SMALL - 1, -1):
        tried = [_smaller(part, size) for part in parts]
        if _need(tried) <= room:
            return tried
    return parts


def _smaller(part, size):
    if part.kind not in ("code", "output") or part.content[1] <= size:
        return part
    lines = part.content[0].splitlines()
    return replace(part, content=(part.content[0], size), height=_high(lines, size))


def _lines(kind, lines):
    """Code or output, its letters so small that it fits, within reason."""
    size = max(_NARROW, min(_CODE, _CODE * _CODE_COLUMNS // max(map(len, lines))))
    part = Part(kind, ("\n".join(lines), size), _high(lines, size))
    return _fitted([part], ROOM)[0]


def _high(lines, size):
    """The px of height of lines of code."""
    return ceil(_rows(lines, size) * size * _LEADING) + _INSET


def _rows(lines, size):
    columns = _CODE_COLUMNS * _CODE // size
    return sum(max(1, ceil(len(line) / columns)) for line in lines)


def _pieces(lines):
    """Lines in pieces that fit on a slide, cut where the least is torn apart."""
    lines = _tidy(lines)
    if not lines or _high(lines, _SMALL) <= ROOM:
        return [lines] if lines else []
    most = max(n for n in range(1, len(lines)) if _high(lines[:n], _CODE) <= ROOM)
    cut = min(range(most, most // 2, -1), key=lambda n: _torn(lines, n))
    return [*_pieces(lines[:cut]), *_pieces(lines[cut:])]


def _tidy(lines):
    """Lines without empty ones at the ends, and nowhere two of them in a row."""
    text = re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip("\n")
    return text.splitlines()


def _torn(lines, n):
    """How deep inside something it is between two lines, a number of spaces."""
    if not lines[n - 1].strip() or not lines[n].strip():
        return -1
    return len(lines[n]) - len(lines[n].lstrip())


def _printed(output):
    """The lines of an output that is text, a list; none if it is a picture."""
    if output.output_type == "stream":
        return output.text.rstrip("\n").splitlines()
    data = output.get("data", {})
    return [] if "image/png" in data else data.get("text/plain", "").splitlines()


def _size(output):
    """(width, height) in px at which the notebook shows a picture."""
    width, height = struct.unpack(">II", base64.b64decode(output.data["image/png"][:64])[16:24])
    shown = output.metadata.get("image/png", {}).get("width", 720)
    return shown, height * shown / width


def _reading(cell):
    """The px that the paragraph after something takes, if it is one that is shown."""
    if cell is None or cell.cell_type != "markdown" or cell.id.startswith("task-"):
        return 0
    first = cell.source.split("\n\n")[0]
    if _HEADING.match(first) or _is_long(first) or _leads(first):
        return 0
    return _text(first).height + _GAP
