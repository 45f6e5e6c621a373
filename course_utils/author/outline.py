"""The lessons as their authors wrote them: header, headings, cells; read off the notebooks."""

import json
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from .sync import NOTEBOOKS, find_notebooks

__all__ = ["Header", "Lesson", "lessons", "plain"]

_LINK = re.compile(r"\[([^]]*)\]\([^)]*\)")
_HEADER = re.compile(
    r"# \d+\. (?P<title>.+)\n\n"
    r"You will .+\n\n"
    r"\*\*Time\*\* (?P<minutes>\d+) minutes, and .+\.\n"
    r"\*\*Needs\*\* (?P<needs>.+)\.\n\n"
    r"After it you can\n\n"
    r"(?P<abilities>(?:\* .+\n?)+)"
)


@dataclass(frozen=True)
class Header:
    """What a lesson's first cell says; `needs` in Markdown, `abilities` a tuple of lines."""

    title: str
    minutes: int
    needs: str
    abilities: tuple


@dataclass(frozen=True)
class Lesson:
    """A notebook: its `number` of two digits, its path, and its cells as (id, type, text)."""

    number: str
    path: Path
    cells: tuple

    @property
    def title(self):
        """The first heading without its number.

        >>> lessons()["00"].title
        'Read three meters on any piece of work'
        """
        heading = re.match(r"# (?:\d+\. )?(.+)", self.cells[0][2]) if self.cells else None
        return plain(heading[1]) if heading else self.path.stem

    @property
    def header(self):
        """Its `Header`; a `ValueError` if the first cell has another form."""
        match = _HEADER.fullmatch(self.cells[0][2].strip() + "\n") if self.cells else None
        if not match:
            raise ValueError(
                f"{self.path.stem}: its first cell is no header; write it as lesson 00 has it: "
                "title, 'You will …', Time, Needs, 'After it you can' and a list"
            )
        found = match.groupdict()
        abilities = tuple(re.findall(r"^\* (.+?)[;.]?$", found.pop("abilities"), re.M))
        return Header(**{**found, "minutes": int(found["minutes"])}, abilities=abilities)

    @cached_property
    def markdown(self):
        """{cell id: its text} of the Markdown cells, in order."""
        return {name: text for name, kind, text in self.cells if kind == "markdown"}

    @cached_property
    def sections(self):
        """{cell id: the heading that it stands under, or begins with}, without links."""
        section, sections = self.path.stem, {}
        for name, kind, text in self.cells:
            headings = []
            if kind == "markdown":
                headings = [plain(line) for line in re.findall(r"^#+ (.*)", text, re.M)]
            # several headings may begin a cell, one right below the other: the last counts
            begins = re.match(r"(?:#+ .*\s+)*#+ (.*)", text) if headings else None
            sections[name] = plain(begins[1]) if begins else section
            section = ([section] + headings)[-1]
        return sections


def lessons(notebooks=NOTEBOOKS):
    """{number of two digits: `Lesson`} of the notebooks in a folder, in order."""
    return {path.stem.split("_")[0]: _read(path) for path in find_notebooks(notebooks)}


def _read(path):
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    read = ((cell["id"], cell["cell_type"], "".join(cell["source"])) for cell in cells)
    return Lesson(path.stem.split("_")[0], path, tuple(read))


def plain(text):
    """Markdown with its links reduced to their words: they lead from the lesson's own folder.

    >>> plain("## From lesson [0](00_three_meters.ipynb)")
    '## From lesson 0'
    """
    return _LINK.sub(r"\1", text)
