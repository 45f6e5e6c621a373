"""The reading edition: a static site made of the notebooks with the outputs that they store.

Its sources are written to a folder of their own first: the lessons with alt texts, with a note
below widgets and measurements, with hints and answers folded below exercises, and with links that
lead somewhere in the book; what they link to outside their folder, such as how an exercise is
checked, gets a page too.  Sphinx makes the site of them, with MyST-NB and furo.
"""

import ast
import csv
import html
import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote, unquote

from nbformat.v4 import new_markdown_cell

from ..author.course_map import table
from ..author.outline import lessons
from ..author.sync import read, store
from ..exercises.bank import of_lesson
from ..exercises.kinds import Prediction
from . import pictures, web
from .folded import folded

__all__ = ["anchor", "book"]

ROOT = Path(__file__).parents[2]
_SETTINGS = Path(__file__).with_name("book")
_STATIC = _SETTINGS / "static"
_MARK = ".made-by-make-book"
_APART = "---\norphan: true\nnosearch: true\n---\n\n"

_WIDGET = (
    "A picture of the widget at its start. "
    "<code>course {}</code> opens this lesson live, with its sliders."
)
_MEASURED = "Measured on the computer that ran the lesson."

_README = re.compile(r"# (?P<title>[^\n]+)\n\n(?P<about>.+?)\n+## ", re.S)
# code and formulas, in which nothing is a link; where a link leads, in its place or below
_TARGET = re.compile(
    r"(?ms)^ *```.*?^ *```|`[^`\n]*`|\$[^$\n]+\$"
    r"|(?<=\]\()(?P<here>(?:[^()\s]|\([^()\s]*\))+)|^\[[^]\n]+\]:[ ]*(?P<below>\S+)"
)
_WHERE = re.compile(r"\[(\d+)\]\(([^)]+)\), ([^|\n]+) \|$", re.M)
_WARNING = re.compile(
    r"^(?:(?P<file>\S.*?):(?:(?P<line>\d+):)? )?(?:WARNING|ERROR|CRITICAL): (?P<what>.+)", re.M
)


def book(target=ROOT / "build/book", root=ROOT):
    """Make the site of the course in `root`; returns its first page, `index.html` in `target`.

    A folder that this made before is replaced when the new one is complete.  ValueError of one
    line for any other folder that is not empty, and for all else that goes wrong.
    """
    target = Path(target).resolve()
    _check(target)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=".book-") as folder:
            sources, site = Path(folder, "sources"), Path(folder, "site")
            web.bring([web.MATHJAX], site / "_static")
            title = _Sources(root, sources).write()
            _run_sphinx(title, sources, site)
            (site / _MARK).touch()
            if target.exists():
                shutil.rmtree(target)
            os.replace(site, target)
    except OSError as error:
        raise ValueError(f"the book cannot be written: {error}") from None
    return target / "index.html"


def anchor(heading):
    """What a link to a heading ends in, as in JupyterLab.

    >>> anchor("One row, tile by tile")
    'One-row,-tile-by-tile'
    """
    return heading.strip().replace(" ", "-")


def _check(target):
    for name in ("sphinx", "myst_nb", "furo"):
        if find_spec(name) is None:
            raise ValueError(
                f"{name} is not installed; make book installs it, "
                "and so does pip install --group dev in the course's folder"
            )
    made = (target / _MARK).exists() or not os.path.lexists(target)
    if not made and not (target.is_dir() and not any(target.iterdir())):
        raise ValueError(f"{target} was not made by make book; move it away, or name another one")


class _Sources:
    """Writes the pages of the book as Sphinx reads them, each with all that it links to."""

    def __init__(self, root, folder):
        self._root, self._folder, self._written = Path(os.path.abspath(root)), folder, set()
        self._lessons = lessons(self._root / "notebooks")

    def write(self):
        """Write them all; returns the title of the course."""
        readme, notebooks = self._root / "README.md", self._root / "notebooks"
        found = _README.match(readme.read_text(encoding="utf-8"))
        if not found:
            raise ValueError("README.md does not begin with a title and what the course is")
        pages = [*(lesson.path for lesson in self._lessons.values()), notebooks / "glossary.md"]
        names = "\n".join(self._bring(page).name for page in pages)
        text = _template("index.md", table=table("notebooks/", notebooks), **found.groupdict())
        contents = f"```{{toctree}}\n:hidden:\n\n{names}\n```"
        self._put(self._place(readme), f"{self._linked(readme, text)}\n{contents}\n")
        return found["title"]

    def _place(self, path):
        """The file of the sources in which a file of the course is shown."""
        inside = path.relative_to(self._root)
        if inside.parts[0] == "notebooks":
            return self._folder.joinpath(*inside.parts[1:])
        if inside == Path("README.md"):
            return self._folder / "index.md"
        shown = inside.suffix != ".md" and _text(path) is not None
        return self._folder / "files" / (f"{inside}.md" if shown else inside)

    def _bring(self, path):
        """Write what shows a file of the course, once, and all that it links to; its place.

        What is no text, a picture, is taken as it is.
        """
        place, text = self._place(path), _text(path)
        if path in self._written:
            return place
        self._written.add(path)  # before its links are followed, which may lead back to it
        place.parent.mkdir(parents=True, exist_ok=True)
        if text is None:
            shutil.copyfile(path, place)
        elif path.suffix == ".ipynb":
            store(place, self._lesson(path))
        elif path.name == "glossary.md":
            self._put(place, self._linked(path, _WHERE.sub(_to_section, text)))
        else:
            self._put(place, _APART + self._shown(path, text))
        return place

    def _put(self, place, text):
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, encoding="utf-8")

    def _lesson(self, path):
        """A notebook with what the book adds, and without the metadata that it does not use."""
        notebook = read(path)
        widgets, ends, cells = pictures.widgets(notebook), _ends(path), []
        for cell in notebook.cells:
            tags, cell.metadata = cell.metadata.get("tags", []), _for_images(path, cell)
            cells.append(cell)
            if _is_waiting(cell):
                cell.outputs = []
            if cell.cell_type == "markdown":
                cell.source = self._linked(path, cell.source, cell.id.removeprefix("task-"))
            elif cell.id in widgets:
                cells.append(_note(cell, _WIDGET.format(path.stem.split("_")[0])))
            elif "measure" in tags and cell.get("outputs"):
                cells.append(_note(cell, _MEASURED))
            elif cell.id in ends:
                cells.append(new_markdown_cell(folded(ends[cell.id]), id=f"{cell.id[:56]}-folded"))
        notebook.cells = cells
        return notebook

    def _shown(self, path, text):
        """The page of a file that is neither lesson nor glossary."""
        if path.suffix == ".md":
            return self._linked(path, text)
        title = f"# `{path.relative_to(self._root).as_posix()}`\n\n"
        if path.suffix == ".csv":
            return title + _table(csv.reader(text.splitlines()))
        exercises = _exercises(path)
        if not exercises:
            return title + _program(text, path.suffix)
        lesson = self._lessons[exercises[0].lesson]
        link = os.path.relpath(lesson.path, path.parent)
        head = _template("checks.md", number=int(lesson.number), title=lesson.title, link=link)
        return self._linked(path, head) + _by_exercise(text, exercises)

    def _linked(self, page, text, exercise=None):
        """Markdown of a file of the course whose links lead where that is shown in the book."""

        def lead(found):
            link = found["here"] or found["below"]
            if not link or re.match(r"[a-z][a-z+.-]*:", link):
                return found[0]
            return found[0].removesuffix(link) + self._lead(page, link, exercise)

        return _TARGET.sub(lead, text)

    def _lead(self, page, link, exercise):
        file, _, heading = unquote(link).partition("#")
        if not file:
            return f"#{heading}"
        path = Path(os.path.normpath(page.parent / file))
        if not path.is_relative_to(self._root) or not path.is_file():
            raise ValueError(f"{page.name}: the link to {link} leads to no file; mend it there")
        if exercise in [each.name for each in _exercises(path)]:
            heading = exercise
        place = os.path.relpath(self._bring(path), self._place(page).parent)
        return quote(Path(place).as_posix()) + (heading and f"#{heading}")


def _text(path):
    """What stands in a file, or None if it is no text."""
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return None


def _template(name, **parts):
    return (_SETTINGS / name).read_text(encoding="utf-8").format(**parts)


def _to_section(row):
    """The end of a row of the glossary, its link led on to the heading that it names."""
    lesson, file, heading = row.groups()
    return f"[{lesson}, {heading}]({file}#{anchor(heading)}) |"


def _for_images(path, cell):
    """The metadata of a cell that MyST-NB reads: the alt text of its pictures."""
    if cell.cell_type != "code" or not pictures.shown(cell):
        return {}
    return {"mystnb": {"image": {"alt": pictures.alt(path, cell)}}}


def _note(cell, words):
    return new_markdown_cell(f'<p class="note">{words}</p>', id=f"{cell.id[:58]}-note")


def _is_waiting(cell):
    """Whether a cell says that no answer is there yet, of which a reader has no use."""
    texts = [output.get("text", "") for output in cell.get("outputs", [])]
    return bool(texts) and all(text.startswith("○ ") for text in texts)


def _ends(path):
    """{id of the last cell of an exercise: the exercise} of a lesson, bets left out."""
    exercises = of_lesson(path.stem.split("_")[0])
    graded = [entry for entry in exercises if not isinstance(entry, Prediction)]
    return {f"{[*entry.cells()][-1]}-{entry.name}": entry for entry in graded}


def _exercises(path):
    """The exercises that a file of the course defines, a list."""
    lesson = re.fullmatch(r"lesson_(\d\d)\.py", path.name)
    return of_lesson(lesson[1]) if lesson and path.parent.name == "exercises" else []


def _by_exercise(text, exercises):
    """A program, with a heading above each exercise, to which its task in the lesson leads."""
    names, lines = {each.name for each in exercises}, text.splitlines()
    starts = {
        min([node, *node.decorator_list], key=lambda part: part.lineno).lineno - 1: node.name
        for node in ast.parse(text).body
        if isinstance(node, ast.FunctionDef) and node.name in names
    }
    ends = [*list(starts)[1:], len(lines)]
    parts = [_program("\n".join(lines[: min(starts, default=len(lines))]), ".py")]
    for (start, name), end in zip(starts.items(), ends, strict=True):
        parts.append(f"## `{name}`\n\n" + _program("\n".join(lines[start:end]), ".py"))
    return "\n".join(parts)


def _program(text, suffix):
    fence = "`" * 3 + "`" * max((len(run) for run in re.findall("`+", text)), default=0)
    return f"{fence}{'python' if suffix == '.py' else 'text'}\n{text.strip()}\n{fence}\n"


def _table(rows):
    """A table in HTML: a cell of a file may have anything in it that means something elsewhere."""
    head, *body = ([html.escape(cell) for cell in row] for row in rows)
    lines = [f"<tr><th>{'</th><th>'.join(head)}</th></tr>"]
    lines += [f"<tr><td>{'</td><td>'.join(row)}</td></tr>" for row in body]
    rows = "\n".join(lines)
    return f'<div class="table-wrapper"><table class="docutils file">\n{rows}\n</table></div>\n'


def _run_sphinx(title, sources, site):
    settings = tomllib.loads((_SETTINGS / "settings.toml").read_text(encoding="utf-8"))
    settings |= {"project": title, "html_title": title}
    settings |= {"html_static_path": [f"{_STATIC}"], "html_favicon": f"{_STATIC / 'icon.svg'}"}
    lines = [f"{name} = {value!r}\n" for name, value in settings.items()]
    (sources / "conf.py").write_text("".join(lines), encoding="utf-8")
    options = ["-b", "html", "-d", sources.with_name("read")]
    strict = ["-q", "-W", "--no-color"]
    done = subprocess.run(
        [sys.executable, "-m", "sphinx", *options, *strict, sources, site],
        cwd=ROOT,
        capture_output=True,
        text=True,
        encoding="utf-8",
        errors="replace",
    )
    if done.returncode:
        raise ValueError(f"the book: {_fault(done.stderr)}")


def _fault(said):
    """What Sphinx complains about first and in which cell, in one line."""
    found = _WARNING.search(said)
    if not found:
        return (said.strip().splitlines() or ["Sphinx failed and does not say why"])[-1]
    if not found["file"]:
        return found["what"]
    path, line = Path(found["file"]), int(found["line"] or 0)
    if path.suffix == ".ipynb" and line >= 10_000:  # MyST-NB: 10,000 for each cell
        cell = read(path).cells[line // 10_000 - 1].id
        return f"{path.stem}: cell {cell}: {found['what']}; mend it there"
    return f"{path.name}: {found['what']}; mend it there"
