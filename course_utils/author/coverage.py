"""Which cell of which lesson treats what the notes say, what is claimed, and what they drew.

`page()` gives COVERAGE.md, from data/coverage.csv and the notebooks' headings.
"""

import csv
import difflib
from dataclasses import dataclass, replace
from pathlib import Path

from .outline import lessons
from .sync import NOTEBOOKS

ROOT = Path(__file__).parents[2]
TABLE = ROOT / "data" / "coverage.csv"
PAGE = ROOT / "COVERAGE.md"

_COLUMNS = "source", "item", "about", "lesson", "cell"
_INTRODUCTION = """\
# What the course covers

The cells that treat what the lecture notes say from which the course was made: each heading, each \
claim, and each picture that they link to and lack.
It is generated from [data/coverage.csv](data/coverage.csv) by \
`python -m course_utils.author pages`: change the table, not this page.
"""
_PARTS = {  # the sources in the page's order: a heading, a line below it, the columns
    "notes": ("The notes", "Each heading with those above it.", ("heading", "treated in")),
    "claim": (
        "Claims under test",
        "Said in the notes, or in texts like them; a cell runs or judges it. Numbers have gaps.",
        ("claim", "what is claimed", "run in"),
    ),
    "image": ("The notes' pictures", "What is drawn in their place.", ("picture", "drawn in")),
}
_LINK = "[{number}]({file}) {title} → {section}, `{cell}`"


@dataclass(frozen=True)
class Row:
    """One row of the table: an item, and one cell that treats it; `line` is where it stands."""

    line: int
    source: str
    item: str
    about: str
    lesson: str
    cell: str


def page(table=TABLE, notebooks=NOTEBOOKS):
    """The Markdown of COVERAGE.md.

    A fault in the table, such as a cell that is not there, is a `ValueError` that says where.
    """
    found, there = rows(table), lessons(notebooks)
    parts = [_INTRODUCTION]
    for source, (heading, below, columns) in _PARTS.items():
        targets = {}
        for row in found:
            if row.source == source:
                key = (row.item, row.about) if source == "claim" else (row.item,)
                targets.setdefault(key, []).append(_target(row, there, table))
        lines = [_line(columns), _line("---" for _ in columns)]
        lines += [_line([*key, "<br>".join(cells)]) for key, cells in targets.items()]
        parts.append("\n".join([f"## {heading}", "", below, "", *lines, ""]))
    return "\n".join(parts)


def rows(table=TABLE):
    """The table's rows as a list of `Row`; whether lessons and cells exist is not asked here."""
    with Path(table).open(newline="", encoding="utf-8") as file:
        reader = csv.reader(file)
        _check_columns(next(reader, []), table)
        found = []
        for cells in reader:
            if len(cells) != len(_COLUMNS):
                raise _fault(table, reader.line_num, f"has {len(cells)} columns; write five")
            found.append(Row(reader.line_num, *cells))
    seen = {}
    for row in found:
        _check(row, table)
        before = seen.setdefault(replace(row, line=0), row.line)
        if before != row.line:
            raise _fault(table, row.line, f"says again what row {before} says; delete one of them")
    return found


def _check_columns(columns, table):
    for name in columns:
        if name not in _COLUMNS:
            wanted = ", ".join(_COLUMNS)
            raise _fault(table, 1, f"names a column {name!r}; the columns are {wanted}")
    if tuple(columns) != _COLUMNS:
        raise _fault(table, 1, f"names other columns; write {','.join(_COLUMNS)}")


def _check(row, table):
    if row.source not in _PARTS:
        raise _fault(table, row.line, f"has the source {row.source!r}; write {' or '.join(_PARTS)}")
    if not row.item:
        raise _fault(table, row.line, "has no item; name the heading, the claim or the picture")
    if row.source == "claim" and not row.about:
        raise _fault(table, row.line, "does not say what is claimed; say it in column about")
    if row.source != "claim" and row.about:
        raise _fault(table, row.line, "says something in column about; only a claim has that")


def _target(row, there, table):
    """A row's cell in Markdown: a link to its lesson, the lesson's title, the heading, the id."""
    if row.lesson not in there:
        known = ", ".join(there)
        raise _fault(table, row.line, f"names a lesson {row.lesson!r}; there are {known}")
    lesson = there[row.lesson]
    if row.cell not in lesson.sections:
        near = difflib.get_close_matches(row.cell, lesson.sections, cutoff=0.4)
        hint = f"near it: {', '.join(near)}" if near else f"look for its id in {lesson.path.name}"
        raise _fault(table, row.line, f"names a cell {row.lesson} {row.cell!r}; {hint}")
    return _LINK.format(
        number=int(row.lesson),
        file=f"{lesson.path.parent.name}/{lesson.path.name}",
        title=lesson.title,
        section=lesson.sections[row.cell],
        cell=row.cell,
    )


def _line(cells):
    return "| " + " | ".join(cell.replace("|", r"\|") for cell in cells) + " |"


def _fault(table, line, what):
    return ValueError(f"{Path(table).name}, row {line}, {what}")
