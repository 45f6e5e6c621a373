"""What stands on which slide: a lesson's cells, by rule, laid out for a screen of 1280 × 720.

A cell's slide type comes from what it is, unless a tag names it:

| tag | the cell | by rule |
| --- | --- | --- |
| `slide:slide` | begins a slide | headings, bets, exercises |
| `slide:same` | stands on the slide that is there, if it has room | prose, code, numbers |
| `slide:fragment` | appears at a key press | pictures, answers, what comes of a bet |
| `slide:notes` | is said, and stands in the speaker's notes | probes of widgets, what reads them |
| `slide:skip` | is left out | set-up, imports, cells that take a bet, comparisons that hold |

By rule, of a paragraph of more than `LONG` words, or of `LONGER` if it has a formula or a new
term, only the first sentences are shown, or the last if it leads to what follows; all of it is
said.  With a tag it is shown.  A program that draws a picture is left out if it has more than
three lines, or would make the picture small.
"""

import ast
import re
from dataclasses import dataclass, field
from itertools import pairwise, zip_longest

from ..author.outline import plain
from ..exercises.bank import find
from ..exercises.cards import Choice, Order
from ..exercises.kinds import Prediction
from ..exercises.puzzles import Written
from . import answers, parts, pictures, timing
from .order import core, further
from .parts import ROOM, need, taken

__all__ = ["LONG", "LONGER", "TYPES", "Slide", "slide_type", "slides"]

TYPES = ("slide", "same", "fragment", "notes", "skip")
LONG, LONGER = 36, 70  # words of a paragraph

_DRAWING = 3  # lines; a longer program is left out where what it makes is a picture
_LINE = 30  # px, of what is printed
_LEAST = 0.7  # how much smaller than in the notebook a picture may be

_VOTE = (
    "All vote at once, each alone. Say nothing of the result: neighbours who disagree talk, a "
    "minute or two. Vote again; let one who changed sides say why."
)
_TAG = "slide:"
_HEADING = re.compile(r"^(#+) (.+)\n*")
_REVEAL = re.compile(r'^ *(?:\w+ = )?reveal\(\s*"(\w+)"', re.M)
_GRADED = re.compile(r"^ *(\w+ = )?(check|reveal)\(", re.M)
_IMPORTS = re.compile(r"(from|import) .+|\w[\w.]*\(\)|\)|    .+,|")
_PROBES = re.compile(r"(\w+\.probe\(.*\).*\n?)+")
_LINT = re.compile(r" +# (noqa|fmt:).*")
_CHECKED = re.compile(r"(\n\nAnswer (in|with a letter) [^\n]*)? *\[How it is checked\]\([^)]*\)$")
_BY_HAND = re.compile(r"(Move the lines with|Write between the quotes).*\n?")
_LIST = re.compile(r"\||\* |\d+\. |\$\$")
_TERM = re.compile(r"(?<!\*)\*\w[^*]*\*(?!\*)|\$")
_SENTENCE = re.compile(r"(?<=[.?!])\s+(?=[A-Z*`\"(])|\n")


@dataclass
class Slide:
    """A slide: its heading in Markdown, its parts, what is said, and the seconds that it takes.

    `level`: of the heading, 1 for the lesson's title.  `again`: whether it goes on from the slide
    before, under the same heading.  `closed`: whether nothing more goes on it.
    """

    heading: str
    level: int
    again: bool = False
    seconds: int = 0
    parts: list = field(default_factory=list)
    notes: list = field(default_factory=list)
    closed: bool = False

    @property
    def free(self):
        """The px that are left, a number."""
        return ROOM - taken(self.parts)

    @property
    def has_fragments(self):
        """Whether a part of it appears at a key press."""
        return any(part.fragment for part in self.parts)

    @property
    def has_only_text(self):
        """Whether all that it has is text, at least one part."""
        return bool(self.parts) and all(part.kind == "text" for part in self.parts)


def slides(path, notebook):
    """The slides of a lesson, a list of `Slide`: its core path, then what is under *Further*.

    ValueError of one line for a tag that is no slide type, and for a lesson without a slide.
    """
    deck = _Deck(path, notebook)
    for cells in core(path, notebook), further(path, notebook):
        deck.lay_out(cells)
    if not deck.slides:
        raise ValueError(
            f"{path.stem}: all its cells are left out; take slide:skip away from one of them"
        )
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
    if _PROBES.fullmatch(cell.source):
        return "notes"
    if _holds(cell):
        return "skip"
    return "fragment" if pictures.shown(cell) or _GRADED.search(cell.source) else "same"


def _holds(cell):
    """Whether a cell is no more than a comparison that comes out True, for whoever checks it."""
    try:
        [statement] = ast.parse(cell.source).body
    except (SyntaxError, ValueError):  # a %magic, or more than one thing
        return False
    match statement:
        case ast.Expr(ast.Call(ast.Name("bool"), [value])) | ast.Expr(value):
            asked = value.elts if isinstance(value, ast.Tuple) else [value]
        case _:
            return False
    printed = " ".join(line for output in cell.outputs for line in _printed(output))
    compared = all(isinstance(each, ast.Compare | ast.BoolOp) for each in asked)
    return compared and set(re.findall(r"\w+", printed)) == {"True"}


class _Deck:
    """Lays out cells on slides, one after the other."""

    def __init__(self, path, notebook):
        self.slides, self._path, self._leads = [], path, []
        self._seconds = timing.seconds(path, notebook)
        self._came_out = answers.came_out(path, notebook)
        self._widgets = pictures.widgets(notebook)
        self._before_probes = {
            one.id for one, other in pairwise(notebook.cells) if _PROBES.fullmatch(other.source)
        }

    def lay_out(self, cells):
        """Lay out some cells that follow each other."""
        typed = self._typed(cells)
        shown = [(cell, kind) for cell, kind in typed if kind not in ("skip", "notes")]
        following = {a.id: b for (a, _), (b, _) in zip(shown, shown[1:], strict=False)}
        for cell, kind in typed:
            first = len(self.slides) - 1
            before = self.slides and len(self.slides[first].parts)
            if kind != "skip":
                self._cell(cell, kind, following.get(cell.id))
            if self.slides:
                went_on = len(self.slides) > first + 1 and len(self.slides[first].parts) == before
                self._share(self._seconds[cell.id], self.slides[max(0, first + went_on) :])
        self._flush()

    def _typed(self, cells):
        """The cells with their slide types; what reads a probe is said, as that is."""
        typed, before = [], None
        for cell in cells:
            kind = slide_type(self._path, cell)
            reads = kind == "same" and cell.cell_type != "code" and not _is_named(cell)
            if reads and before and _PROBES.fullmatch(before.source):
                kind = "notes"
            typed.append((cell, kind))
            before = cell
        return typed

    @staticmethod
    def _share(seconds, among):
        """Give each slide an equal part of a cell's seconds, the first of them what is over."""
        each, over = divmod(seconds, len(among))
        for n, slide in enumerate(among):
            slide.seconds += each + (n < over)

    def _cell(self, cell, kind, following):
        is_code = cell.cell_type == "code"
        if not self.slides and (kind == "notes" or not _HEADING.match(cell.source)):
            self._begin(self._path.stem, 1)
        if kind == "notes":
            self._say(_said_by(cell) if is_code else cell.source)
        elif cell.id.startswith("task-"):
            self._task(cell, kind)
        elif cell.id.split("-")[0] in ("stub", "check"):
            self._answer(cell, kind)
        else:
            if kind == "slide" and not _HEADING.match(cell.source) and self.slides[-1].parts:
                self._go_on()
            if is_code:
                self._code(cell, kind, following)
            else:
                self._prose(cell, kind, following)

    # Slides

    def _begin(self, heading, level):
        self._flush()
        self.slides.append(Slide(plain(heading), level))

    def _go_on(self):
        last = self.slides[-1]
        self.slides.append(Slide(last.heading, last.level, again=True))

    def _say(self, words):
        self.slides[-1].notes.append(plain(words))

    def _flush(self):
        """Put the sentence that leads to something where it stands, if nothing came."""
        if self._leads:
            self._put([])

    def _put(self, new, after=0):
        """Put parts that belong together, and the lead to them, on this slide or on new ones.

        `after`: the px that are to stay free on the slide for what reads them, if they can.
        """
        slide, new = self.slides[-1], self._led_to(new, after)
        full = slide.closed or (slide.has_fragments and not all(part.fragment for part in new))
        if slide.parts and (full or slide.free < min(after + need(new), ROOM)):
            self._go_on()
        if not self.slides[-1].parts:
            new = _fitted(new, after)
        for part, following in zip_longest(new, new[1:]):
            # a label stays with what it is for, a lead with what it leads to
            is_head = following and part.kind in ("label", "text")
            least = need([part, following]) if is_head else part.height
            if self.slides[-1].parts and self.slides[-1].free < least:
                self._go_on()
            self.slides[-1].parts.append(part)

    def _led_to(self, new, after):
        """Parts with the lead to them; above what a program prints, if it fills a slide itself."""
        leads, self._leads = self._leads, []
        filled = need(_fitted(leads + new, after)) > ROOM
        programs = [n for n, part in enumerate(new, 1) if part.kind == "code"]
        if filled and programs and programs[-1] < len(new):
            return [*new[: programs[-1]], *leads, *new[programs[-1] :]]
        slide = self.slides[-1]
        if filled and new and slide.parts and not slide.closed and slide.free >= need(leads):
            for lead in leads:
                lead.fragment = slide.has_fragments
            slide.parts += leads
            return new
        return leads + new

    # Markdown

    def _prose(self, cell, kind, following):
        shown = _is_named(cell)
        for section in re.split(r"\n+(?=#+ )", cell.source):
            heading = _HEADING.match(section)
            if heading and self.slides and shown and kind != "slide":
                self._put([parts.text(f"**{heading[2]}**")])
            elif heading:
                self._begin(heading[2], len(heading[1]))
            section = section[heading.end() :] if heading else section
            blocks = [block for block in section.split("\n\n") if block.strip()]
            for block in blocks:
                is_last = block == blocks[-1]
                if is_last and cell.id in self._before_probes and _leads(block) and not shown:
                    self._say(block)
                else:
                    self._block(block, kind, shown, following or not is_last)

    def _block(self, block, kind, shown, goes_on):
        """Show a paragraph, or what of it is to be shown, and say it if that is not all.

        `shown`: whether a tag wants all of it.  `goes_on`: whether anything follows it.
        """
        short = block if shown or self.slides[-1].level == 1 else _short(block)
        if goes_on and _leads(short) and kind != "fragment":
            self._leads.append(parts.text(short))
            is_there = True
        else:
            # what is said anyway goes on no slide of its own, but for findings, in bold or
            # italics; nor does a paragraph in brackets
            spare = short != block or (block.startswith("(") and not shown)
            is_spare = spare and not block.startswith("*")
            is_there = short and self._paragraph(short, kind, is_spare)
        if short != block or not is_there:
            self._say(block)

    def _paragraph(self, block, kind, is_spare):
        """Show a paragraph, if there is room for it or it is to have room; whether it is shown."""
        slide = self.slides[-1]
        is_read = slide.parts and slide.parts[-1].kind == "picture" and not slide.closed
        aside = parts.aside(block, slide.parts[-1]) if is_read and kind != "slide" else None
        if aside:
            aside.fragment = True
            slide.parts[-1].beside.append(aside)
            return True
        for part in parts.paragraphs(block):
            part.fragment = kind == "fragment"
            reads = slide.has_fragments and not slide.closed
            full = slide.closed or slide.free < part.height
            is_finding = block.startswith("*")
            if kind == "same" and full and (is_spare or reads and not is_finding):
                return False
            if reads:
                part.fragment = True  # it reads what has just appeared
            self._put([part])
        return True

    # Exercises and bets

    def _task(self, cell, kind):
        entry = find(cell.id.removeprefix("task-"))
        blocks = _BY_HAND.sub("", _CHECKED.sub("", cell.source)).split("\n\n")[1:]
        new = [parts.text(_wrapped(block)) for block in blocks if block.strip()]
        if isinstance(entry, Order):
            new.append(parts.pair(entry.lines, entry.solution().splitlines())[0])
        new.insert(0, parts.remark("label", _label(entry)))
        is_bet = isinstance(entry, Prediction)
        alone = getattr(entry, "concept", False)
        if alone:
            self._flush()
        slide = self.slides[-1]
        with_answer = new if is_bet else new + _solution(entry)
        fits = slide.has_only_text and not slide.closed and slide.free >= need(with_answer)
        if kind == "slide" and slide.parts and (alone or not fits):
            self._go_on()
        for part in new:
            part.fragment = kind == "fragment"
        self._put(new)
        if is_bet:
            self.slides[-1].closed = True
        self._expect(entry)

    def _expect(self, entry):
        """Note what is right, and the wrong answers that people give, each with its hint."""
        if isinstance(entry, Prediction):
            out = self._came_out.get(entry.name)
            if out:
                where = " (on the computer that ran the lesson)" * out["measured"]
                self._say(f"{out['outcome']}{where}")
            return
        if getattr(entry, "concept", False):
            self._say(_VOTE)
        right = answers.right(entry)["right"]
        if right:
            self._say(f"**{right}**")
        for _, given in answers.wrong(entry, brief=True):
            for answer, hint in given:
                self._say(f"*People answer* {answer}: {hint}")

    def _answer(self, cell, kind):
        part, _, name = cell.id.partition("-")
        entry = find(name)
        if isinstance(entry, Prediction) or (part == "stub" and "check" in entry.cells()):
            return
        new = _solution(entry)
        for part in new:
            part.fragment = kind == "fragment"
        if kind == "slide" and self.slides[-1].parts:
            self._go_on()
        there = self.slides[-1].parts
        given = there[-1] if there else None
        if isinstance(entry, Order) and given and given.kind == "code":  # the lines to sort
            given.beside += new
            given.height = max(given.height, new[0].height)
        else:
            self._put(new)
        self.slides[-1].closed = True

    # Code

    def _code(self, cell, kind, following):
        source = [_LINT.sub("", line) for line in cell.source.strip().splitlines()]
        code = [parts.lines("code", piece) for piece in parts.pieces(source)]
        room = ROOM - taken(code) if len(source) <= _DRAWING else ROOM
        printed = [text for output in cell.outputs if (text := _printed(output))]
        results = [
            parts.lines("output", piece, room if n == 0 else ROOM)
            for text in printed
            for n, piece in enumerate(_tables(text, room))
        ]
        if results:
            asked = [find(name) for name in _REVEAL.findall(cell.source)]
            questions = [_question(entry) for entry in asked if isinstance(entry, Prediction)]
            results[:0] = [parts.remark("label", question) for question in questions]
            if "measure" in cell.metadata.get("tags", []):
                results.append(parts.remark("note", "measured on the computer that ran the lesson"))
        for result in results:
            result.fragment = kind == "fragment"
        drawn = pictures.shown(cell)
        if not drawn:
            self._put(code + results, _reading(following))
        for output in drawn:
            self._picture(cell, output, code, results, kind == "fragment", following)
            code, results = [], []
        if cell.id in self._widgets:
            self._say("Live in JupyterLab: move its sliders.")

    def _picture(self, cell, output, code, results, fragment, following):
        size, slide = parts.size_of(output), self.slides[-1]
        before, reading = self._leads + results, _reading(following)
        free = slide.free if not (slide.closed or slide.has_fragments) else ROOM

        def largest(room):
            return max(parts.zoom(room - reading, size), parts.zoom_beside(room, size))

        # on a new slide if it would be small on this one, and larger there
        if largest(free - taken(before)) < min(1, largest(ROOM - taken(before))):
            free = ROOM
        if largest(free - taken(before)) < _LEAST:  # what is before it has a slide of its own
            self._put(code + results)
            code, before, results = [], [], []
        if free == ROOM and self.slides[-1].parts:
            self._go_on()
        # what draws it, if it is a line or two and takes nothing from the picture
        short = code and len(code[0].content[0].splitlines()) <= _DRAWING
        if not short or largest(free - taken(before + code)) < 1:
            code = []
        above = before + code
        times = largest(free - taken(above))
        words = pictures.alt(self._path, cell)
        drawn = parts.picture(output, words, times)
        if self._leads and above == self._leads and parts.zoom_beside(free, size) > times:
            larger = parts.picture(output, words, parts.zoom_beside(free, size))
            beside = [parts.aside(lead.content, larger) for lead in self._leads]
            if all(beside) and taken(beside) + reading <= larger.height:
                drawn, larger.beside, self._leads = larger, beside, []
        drawn.fragment = fragment
        self._put([*code, *results, drawn])


def _fitted(new, after):
    """Parts so small that they fit on a slide with what reads them, or at least without."""
    small = parts.fitted(new, ROOM - after)
    return small if need(small) <= ROOM - after else parts.fitted(new, ROOM)


def _leads(block):
    """Whether a paragraph asks for, or announces, what comes after it; claims do, in quotes."""
    is_title = block.startswith("**") and block.endswith("**") and not block.endswith(".**")
    return is_title or block.startswith(">") or block.rstrip("*").endswith(("?", ":"))


def _short(block):
    """A paragraph of so many words, or as many of its sentences, or ""."""
    most = LONGER if _TERM.search(block) else LONG
    if _LIST.match(block) or len(block.split()) <= most:
        return block
    sentences = _SENTENCE.split(block)
    if _leads(block):
        return sentences[-1] if len(sentences[-1].split()) <= most else ""
    count = 0
    while len(" ".join(sentences[: count + 1]).split()) <= most:
        count += 1
    if not count and block.startswith("*"):  # of a verdict, what comes before it is explained
        return re.sub(r" *\([^)]*\)", "", block).split(":")[0].split(";")[0].rstrip() + "."
    return "\n".join(sentences[:count])


def _wrapped(block):
    """A task's paragraph with line breaks only where a backslash asks for one."""
    if _LIST.match(block):
        return block
    return "\n".join(line.replace("\n", " ") for line in block.split("\\\n"))


def _label(entry):
    if isinstance(entry, Prediction):
        return "Your bet"
    if getattr(entry, "concept", False):
        return f"A question for the whole room · {entry.minutes} min"
    return f"{entry.sort or f'Exercise {entry.number}'} · {entry.minutes} min"


def _question(bet):
    """What a bet asks, a line of Markdown: the last paragraph of its task with a question."""
    blocks = bet.task.split("\n\n")
    asked = [block for block in blocks if "?" in block] or blocks
    return _wrapped(asked[-1]).replace("\n", " ")


def _solution(entry):
    """The answer to an exercise as parts."""
    given = entry.solution().splitlines()
    if isinstance(entry, Choice):
        return [parts.text(f"✓ {' '.join(given)}")]
    if isinstance(entry, Written):
        return [parts.text("\n".join(given))]
    if isinstance(entry, Order):
        return [parts.pair(entry.lines, given)[1]]
    return [parts.lines("code", piece) for piece in parts.pieces(given)]


def _printed(output):
    """The lines of an output that is text, a list; none if it is a picture."""
    if output.output_type == "stream":
        return output.text.rstrip("\n").splitlines()
    data = output.get("data", {})
    return [] if "image/png" in data else data.get("text/plain", "").splitlines()


def _tables(printed, room):
    """Lines in pieces that fit; a first line without a number is a head, and stands on each."""
    pieces = parts.pieces(printed, room)
    if len(pieces) < 2 or not printed[0].strip() or re.search(r"\d", printed[0]):
        return pieces
    first, *rest = parts.pieces(printed[1:], room - _LINE, ROOM - _LINE)
    return [[printed[0], *piece] for piece in (first, *rest)]


def _said_by(cell):
    """What a code cell printed, or its code if it printed nothing, as Markdown to be said."""
    printed = [" ".join(_printed(output)) for output in cell.outputs]
    if _PROBES.fullmatch(cell.source):
        printed.insert(0, "At other settings:")
    return "\n".join(printed) or "\n".join(f"    {line}" for line in cell.source.splitlines())


def _reading(cell):
    """The px that the paragraph after something takes, if it is one that is shown."""
    if cell is None or cell.cell_type != "markdown" or cell.id.startswith("task-"):
        return 0
    first = cell.source.split("\n\n")[0]
    if _HEADING.match(first) or _leads(first) or not _short(first):
        return 0
    return taken([parts.text(_short(first))])
