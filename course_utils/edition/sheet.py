"""A lecturer's sheet: a lesson's timetable, what to ask when, and what wrong answers reveal."""

import re
from itertools import groupby
from pathlib import Path

import jinja2
import mistune
from markupsafe import Markup

from ..author.outline import Lesson
from ..author.sync import read
from ..exercises import source
from ..exercises.bank import find, of_lesson
from ..exercises.cards import Choice, Order
from ..exercises.kinds import Function, Prediction, Value
from ..exercises.puzzles import Design
from . import order
from .misconceptions import misconceptions
from .timing import seconds, sections

__all__ = ["sheet"]

_WIDE = 60  # characters of a wrong function that is shown as it stands


def sheet(path):
    """The sheet of a lesson, a page of HTML that needs no other file; its version is left empty.

    ValueError of one line for a notebook that `sync` would refuse, for a bet that no stored output
    tells the outcome of, and for a mistake with a code that is in no row of the misconceptions.
    """
    notebook = read(path)
    folder = Path(__file__).with_name("templates")
    page = jinja2.Environment(
        loader=jinja2.FileSystemLoader(folder),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    page.filters |= {"markdown": _markdown, "inline": _inline}
    cells = tuple((cell.id, cell.cell_type, cell.source) for cell in notebook.cells)
    lesson = Lesson(path.stem.split("_")[0], path, cells)
    asked, later = _questions(path, notebook)
    wrong = [pair for each in asked + later for pair in each.get("wrong", [])]
    revealed = {misconception for misconception, _ in wrong}
    return page.get_template("sheet.html.j2").render(
        number=int(lesson.number),
        lesson=lesson.header,
        timetable=_timetable(path, notebook, asked),
        asked=asked,
        later=later,
        revealed=[each for each in misconceptions().values() if each in revealed],
    )


def _timetable(path, notebook, asked):
    """Rows of whole minutes: a section, from when to when, and what is asked in it."""
    rows, passed = [], 0
    for heading, takes, ids in sections(path, notebook):
        begin, end = round(passed / 60), round((passed + takes) / 60)
        inside = [each["brief"] for each in asked if f"task-{each['name']}" in ids]
        told = [(brief, len([*same])) for brief, same in groupby(inside)]
        listed = [f"{count} × {brief}" if count > 1 else brief for brief, count in told]
        rows.append({"heading": heading, "begin": begin, "end": end, "asked": listed})
        passed += takes
    return rows


def _questions(path, notebook):
    """(what is asked before Further in a lecture's order, what is asked there), two lists."""
    takes, came_out = seconds(path, notebook), _came_out(path, notebook)
    told, passed = [], 0
    for cell in order.core(path, notebook):
        if cell.id.startswith("task-"):
            told.append(_question(path, cell, came_out, brief=False) | {"at": round(passed / 60)})
        passed += takes[cell.id]
    rest = [cell for cell in order.further(path, notebook) if cell.id.startswith("task-")]
    return told, [_question(path, cell, came_out, brief=True) for cell in rest]


def _question(path, cell, came_out, brief):
    entry = find(cell.id.removeprefix("task-"))
    if isinstance(entry, Prediction):
        if entry.name not in came_out:
            raise ValueError(
                f"{path.stem}: no output tells what came of the bet {entry.name}; "
                "reveal it in a cell and run author sync"
            )
        about = {"kind": "bet", "title": "Bet", "brief": "bet", "task": entry.task, "minutes": 1}
        return {"name": entry.name, **about, **came_out[entry.name]}
    concept = getattr(entry, "concept", False)
    title = entry.sort or entry.number
    options = map(entry.option, entry.letters) if isinstance(entry, Choice) else ()
    also = [(_answer(entry, known.function, brief), known.message) for known in entry.accepted]
    return {
        "name": entry.name,
        "kind": "concept" if concept else type(entry).__name__.lower(),
        "title": title,
        "brief": "recall" if entry.recalls else title.lower(),
        "task": source.task(entry.reference),
        "minutes": entry.minutes,
        "options": [*options],
        **_right(entry),
        "also": also,
        "wrong": _wrong(entry, brief),
    }


def _right(entry):
    """The right answer to an exercise: `right` in a line, `how` as lines of code, or text."""
    lines = entry.solution().splitlines()
    match entry:
        case Value():
            right = f"{_number(entry.value)} {entry.unit}"
            return {"right": right, "how": "\n".join(lines[:-1])}
        case Choice():
            return {"right": entry.solution(), "how": ""}
        case Design():
            return {"right": " ".join(lines), "how": ""}
    return {"right": "", "how": entry.solution()}


def _wrong(entry, brief):
    """[(`Misconception` or None, [(wrong answer, hint)])], each misconception once."""
    groups = {}
    for known in entry.mistakes:
        answer = _answer(entry, known.function, brief)
        groups.setdefault(known.code, []).append((answer, known.message))
    table = misconceptions()
    unknown = [code for code in groups if code and code not in table]
    if unknown:
        raise ValueError(
            f"{entry.name}: the misconception {unknown[0]} is in no row of "
            "data/misconceptions.csv; add one, or give the mistake another code"
        )
    # those that reveal nothing known come last
    ordered = sorted(groups, key=lambda code: code is None)
    return [(table.get(code), groups[code]) for code in ordered]


def _answer(entry, function, brief):
    """A wrong or unusual answer as Markdown in a line, without any code if that is to be brief."""
    match entry:
        case Value():
            return _number(function())
        case Choice():
            return entry.option(function())
        case Design():
            return str(tuple(function()))
        case Function() if not brief:
            lines = source.computation(function).splitlines()
            if len(lines) == 1 and len(lines[0]) <= _WIDE:
                return f"`{lines[0]}`"
            return _in_words(entry, function)
        case Function() | Order():
            return _in_words(entry, function)
    return f"“{function()}”"


def _in_words(entry, function):
    """The name of a mistake's function, without the word with which all of them begin."""
    known = [*entry.mistakes, *entry.accepted]
    first = {each.function.__name__.split("_")[0] for each in known}
    words = function.__name__.split("_")
    return " ".join(words[1:] if len(first) == 1 < len(known) else words)


def _number(x):
    """A number to four figures, whole ones exact.

    >>> _number(78500), _number(11.74659), _number(20000.25)
    ('78,500', '11.75', '20,000.2')
    """
    if float(x).is_integer():
        return f"{int(x):,}"
    return f"{x:,.1f}" if abs(x) >= 1000 else f"{x:.4g}"


def _came_out(path, notebook):
    """{name of a bet: {"outcome": the line that reveals it, "measured": whether it varies}}."""
    found = {}
    for cell in notebook.cells:
        if cell.cell_type != "code" or "reveal(" not in cell.source:
            continue
        names = [name for name in re.findall(r'"(\w+)"', cell.source) if _is_bet(path, name)]
        texts = "".join(output.get("text", "") for output in cell.outputs)
        lines = [line for line in texts.splitlines() if line.startswith("it is ")]
        if len(names) != len(lines):
            raise ValueError(
                f"{path.stem}: cell {cell.id} reveals {len(names)} bets and has {len(lines)} "
                "lines 'it is …' in its output; run author sync"
            )
        measured = "measure" in cell.metadata.get("tags", [])
        about = ({"outcome": line, "measured": measured} for line in lines)
        found |= zip(names, about, strict=True)
    return found


def _is_bet(path, name):
    entries = of_lesson(path.stem.split("_")[0])
    return any(entry.name == name and isinstance(entry, Prediction) for entry in entries)


_RENDER = mistune.create_markdown(escape=True)


def _markdown(text):
    """Markdown as HTML; what is HTML in it is shown as it stands."""
    return Markup(_RENDER(text))


def _inline(text):
    """Markdown of a line as HTML without a paragraph around it."""
    return Markup(re.sub(r"^<p>(.*)</p>\s*$", r"\1", _RENDER(text), flags=re.S))
