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
from ..exercises.bank import find
from ..exercises.cards import Choice
from ..exercises.kinds import Prediction
from . import answers, order
from .misconceptions import misconceptions
from .timing import seconds, sections

__all__ = ["sheet"]


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
    takes, came_out = seconds(path, notebook), answers.came_out(path, notebook)
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
    also = [
        (answers.answer(entry, known.function, brief), known.message) for known in entry.accepted
    ]
    return {
        "name": entry.name,
        "kind": "concept" if concept else type(entry).__name__.lower(),
        "title": title,
        "brief": "recall" if entry.recalls else title.lower(),
        "task": source.task(entry.reference),
        "minutes": entry.minutes,
        "options": [*options],
        **answers.right(entry),
        "also": also,
        "wrong": answers.wrong(entry, brief),
    }


_RENDER = mistune.create_markdown(escape=True)


def _markdown(text):
    """Markdown as HTML; what is HTML in it is shown as it stands."""
    return Markup(_RENDER(text))


def _inline(text):
    """Markdown of a line as HTML without a paragraph around it."""
    return Markup(re.sub(r"^<p>(.*)</p>\s*$", r"\1", _RENDER(text), flags=re.S))
