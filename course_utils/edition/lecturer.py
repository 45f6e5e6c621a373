"""What a lecturer works with: a lesson solved, its outline to type into, and a sheet."""

import hashlib
import json
import re
from itertools import zip_longest

import nbformat

from ..author.sync import read
from ..author.variants import solved
from ..exercises.bank import find
from ..exercises.kinds import Prediction, Value
from ..lab import put_beside, replace
from .order import core, further
from .pictures import shown
from .sheet import sheet
from .skeleton import skeleton

__all__ = ["lecturer", "outline", "put", "with_answers"]

FOLDER = "lecturer"  # beside notebooks/, so that ../data is the same folder
_EXERCISE = re.compile(r"(task|stub|check)-.+")
_BESIDE = re.compile(r"\]\((?=[\w.]+\.(ipynb|md)\b)")
_MARK = re.compile(r'<meta name="course-version" content="(\w*)">')


def lecturer(path):
    """Write `NN_name.solved.ipynb`, `.outline.ipynb` and `.sheet.html` of a lesson; their paths.

    What anyone has edited is left as it is, and the new file put beside it, under the path that is
    returned: see `put`.  A notebook that `sync` would refuse is a `ValueError` of one line.
    """
    folder = path.parent.parent / FOLDER
    folder.mkdir(exist_ok=True)
    notebooks = {"solved": with_answers(path), "outline": outline(path)}
    for notebook in notebooks.values():
        _lead_to_the_lessons(notebook)
    made = {f"{kind}.ipynb": _marked(notebook) for kind, notebook in notebooks.items()}
    made["sheet.html"] = _marked_page(sheet(path))
    return [put(data, folder / f"{path.stem}.{name}") for name, data in made.items()]


def with_answers(path):
    """A lesson's notebook with its answers, each below a comment `# Solution`, and its outputs."""
    notebook = solved(path)
    for cell in notebook.cells:
        part, _, name = cell.id.partition("-")
        if part == "stub" and not isinstance(find(name), Prediction):
            cell.source = f"{_comment(find(name))}\n{cell.source}"
            cell.metadata["tags"] = [*cell.metadata.get("tags", []), "solution"]
    return notebook


def outline(path):
    """A lesson to be typed in class: headings, exercises as shipped and skeletons, no outputs.

    The concept test stands where a lecture takes it.  Of the other text stay tables, claims that
    are put to a test, and a question right before the code that answers it; of the code, the
    set-up and what draws a picture stay whole.
    """
    notebook = read(path)
    told = [*core(path, notebook), *further(path, notebook)]
    cells = []
    for cell, after in zip_longest(told, told[1:]):
        before_code = after is not None and after.cell_type == "code"
        if cell.cell_type == "code":
            whole = _EXERCISE.fullmatch(cell.id) or cell.id == "setup" or shown(cell)
            cell.source = cell.source if whole else skeleton(cell.source)
            cell.outputs, cell.execution_count = [], None
        elif not _EXERCISE.fullmatch(cell.id):
            cell.source = _signposts(cell.source, before_code)
        if cell.source:
            cells.append(cell)
    return nbformat.v4.new_notebook(metadata=notebook.metadata, cells=cells)


def put(data, target):
    """Write a marked notebook or page, unless someone has edited what is there; its path.

    A file that this program wrote and nobody edited is replaced when it would be another now.
    One that was edited is never written to: the new one stands beside it, as name.new, then
    .new2.  A notebook is edited when the text of its cells is; one that was run or saved anew is
    not, and is left alone as long as the course has nothing newer.
    """
    stem, suffix = target.stem, target.suffix
    beside = sorted(target.parent.glob(f"{stem}.new*{suffix}"), key=lambda path: len(path.name))
    for place in [target, *beside]:
        if not place.exists():
            replace(data, place)
            return place
        there = _mark_in(place)
        if there is not None:
            if there != _mark_of(data, suffix):
                replace(data, place)
            return place
    return put_beside(data, target, "new")


def _lead_to_the_lessons(notebook):
    """Make links to what lies beside the shipped lessons lead there: here it does not."""
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = _BESIDE.sub(r"](../notebooks/", cell.source)


def _signposts(text, before_code):
    """The lines of a Markdown cell that stay in the outline."""
    marks = ("#", "|", ">") if before_code else ("#", "|")
    *lines, last = text.splitlines() or [""]
    kept = [line for line in lines if line.startswith(marks)]
    if last.startswith(marks) or (before_code and last.endswith("?")):
        kept.append(last)
    # a blank line between, but not within a table
    return re.sub(r"^(\|.*\n)\n(?=\|)", r"\1", "\n\n".join(kept), flags=re.M)


def _comment(entry):
    """What stands above the answer to an exercise: for a number, how it comes about."""
    lines = entry.solution().splitlines()[:-1] if isinstance(entry, Value) else []
    return "\n".join(["# Solution", *(f"#     {line}" for line in lines)])


def _marked(notebook):
    """A notebook as it is written, with digests of all of it and of what a person may edit."""
    notebook.metadata.pop("course", None)
    version = _digest(nbformat.writes(notebook))
    notebook.metadata["course"] = {"version": version, "text": _text(notebook.cells)}
    return (nbformat.writes(notebook).rstrip("\n") + "\n").encode()


def _marked_page(page):
    return _MARK.sub(f'<meta name="course-version" content="{_digest(page)}">', page).encode()


def _mark_in(path):
    """The version of a file of ours, or None if it was edited, is of others or unreadable."""
    try:
        return _mark_of(path.read_bytes(), path.suffix)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def _mark_of(data, suffix):
    """The version that a marked notebook or page carries, or None if it was edited since."""
    text = data.decode()
    if suffix == ".html":
        mark = _MARK.search(text)[1]
        return mark if _digest(text.replace(mark, "", 1)) == mark else None
    notebook = json.loads(text)
    mark = notebook["metadata"]["course"]
    return mark["version"] if _text(notebook["cells"]) == mark["text"] else None


def _text(cells):
    """A digest of what a person writes into cells; running them does not change it."""
    written = [[cell["cell_type"], "".join(cell["source"])] for cell in cells]
    return _digest(json.dumps([*written, [cell.get("attachments") for cell in cells]]))


def _digest(text):
    return hashlib.sha256(text.encode()).hexdigest()[:16]
