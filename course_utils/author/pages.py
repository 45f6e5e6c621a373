"""What is written from the lessons and not by hand: the course map, the glossary, the coverage."""

import re

import nbformat

from . import coverage, glossary
from .course_map import table
from .outline import lessons
from .sync import read

__all__ = ["differing", "write"]

README = coverage.ROOT / "README.md"
_BEGINS, _ENDS = "<!-- map: python -m course_utils.author pages -->\n", "<!-- map -->"
_MAP = re.compile(f"(?<={_BEGINS}).*?(?={_ENDS})", re.S)
_LESSON_MAP = """\
### The map

*Who must talk to whom, what must be remembered, who has to wait?*

{table}

Every term is in the [glossary](glossary.md), with its Chinese name."""


def _pages():
    """{path: its text as it should be} of all pages."""
    first = lessons()["00"].path
    return {
        README: _readme(),
        first: _with_map(first),
        glossary.PAGE: glossary.page(),
        coverage.PAGE: coverage.page(),
    }


def differing():
    """{path: its new text} of the pages that are not what the lessons and tables make of them."""
    return {path: text for path, text in _pages().items() if _there(path) != text}


def write():
    """Write the pages that differ; returns their paths."""
    stale = differing()
    for path, text in stale.items():
        path.write_text(text, encoding="utf-8", newline="\n")
    return list(stale)


def _there(path):
    return path.read_text(encoding="utf-8") if path.exists() else None


def _readme():
    text, found = _MAP.subn(lambda _: f"\n{table('notebooks/')}\n\n", _there(README))
    if found != 1:
        raise ValueError(f"README.md: {found} maps; one stands between its two comments 'map'")
    return text


def _with_map(path):
    notebook = read(path)
    cells = [cell for cell in notebook.cells if cell.id == "map"]
    if len(cells) != 1:
        raise ValueError(f"{path.stem}: no cell 'map'; the course map stands in one")
    cells[0].source = _LESSON_MAP.format(table=table())
    return nbformat.writes(notebook).rstrip("\n") + "\n"
