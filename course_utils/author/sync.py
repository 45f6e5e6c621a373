"""Fills a notebook's exercise cells from their definitions, runs it and stores what came out.

A notebook is the source of everything else in it: text, code, order of the cells, their ids.
"""

import json
import os
import re
from pathlib import Path

import nbformat
from jupyter_client import AsyncKernelManager
from jupyter_client.kernelspec import KernelSpecManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

from ..exercises.bank import find, of_lesson
from .sockets import OverFiles

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"

_CELL = re.compile(r"(task|stub|check)-(.+)")
_CELL_TYPES = {"task": "markdown", "stub": "code", "check": "code"}
_VIEW = "application/vnd.jupyter.widget-view+json"
# Without versions: the file must not change with the Python that happens to run it.
_METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {
        "file_extension": ".py",
        "mimetype": "text/x-python",
        "name": "python",
        "nbconvert_exporter": "python",
        "pygments_lexer": "ipython3",
    },
}


def find_notebooks(folder, names=()):
    """The notebooks of a folder in order, or those named by file, stem or lesson number.

    A name that is none of these is a `ValueError`, and so is a folder without notebooks.
    """
    there = sorted(Path(folder).glob("*.ipynb"))
    if not there:
        raise ValueError(f"there is no notebook in {Path(folder).name}/")
    chosen = []
    for name in names:
        stem = Path(name).name.removesuffix(".ipynb")
        found = [path for path in there if stem in (path.stem, path.stem.split("_")[0])]
        if not found:
            known = ", ".join(path.stem for path in there)
            raise ValueError(f"there is no notebook {name!r}; there are {known}")
        chosen += found
    return chosen or there


def sync(path):
    """Fill, run and store one notebook; returns whether the file changed.

    A fault in it, such as a cell that raises, is a `ValueError`, and nothing is written.
    """
    notebook = read(path)
    for cell, text in exercise_cells(path, notebook):
        cell.source = text
    _tag(notebook)
    _execute(path, notebook)
    _clean(notebook)
    return store(path, notebook)


def store(path, notebook):
    """Write a notebook; returns whether the file changed.

    A reader finds the old file or the new one, never half of one, however many write it at once.
    """
    text = nbformat.writes(notebook).rstrip("\n") + "\n"
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return False
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    part.write_text(text, encoding="utf-8", newline="\n")
    os.replace(part, path)
    return True


def differences(path):
    """(number of exercises, list of lines): where a notebook is not what `sync` would store.

    Nothing is executed.
    """
    notebook = read(path)
    cells = exercise_cells(path, notebook)
    lines = [
        f"{path.stem}: cell {cell.id} differs from its definition"
        for cell, text in cells
        if cell.source != text
    ]
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    counts = [cell.execution_count for cell in code]
    if counts != list(range(1, len(code) + 1)):
        lines.append(f"{path.stem}: its cells do not carry the counts 1 to {len(code)}")
    silent = [cell.id for cell, _ in cells if _prints(cell) and not cell.outputs]
    lines += [f"{path.stem}: cell {name} has no output" for name in silent]
    if _tag(notebook):
        lines.append(f"{path.stem}: a cell tagged 'measure' lacks the tag 'nbval-ignore-output'")
    return len({_CELL.fullmatch(cell.id)[2] for cell, _ in cells}), lines


def read(path):
    """The notebook in a file, whose cells all have ids of their own."""
    text = path.read_text(encoding="utf-8")
    try:
        raw = json.loads(text)
        version = raw["nbformat"], raw["nbformat_minor"]
    except (ValueError, KeyError, TypeError):
        raise ValueError(f"{path.name} is no notebook; open and save it with JupyterLab") from None
    if version < (4, 5):
        raise ValueError(f"{path.name} has no cell ids; save it in notebook format 4.5 or later")
    # nbformat would give a missing or repeated id a new one, different each time
    ids = [cell.get("id") for cell in raw["cells"]]
    for number, name in enumerate(ids, 1):
        if not name or ids.count(name) > 1:
            raise ValueError(f"{path.stem}: cell {number} has the id {name!r}; ids are unique")
    try:
        nbformat.validate(raw)
    except nbformat.ValidationError as error:
        raise ValueError(f"{path.name} is no valid notebook: {error.message}") from None
    return nbformat.reads(text, as_version=nbformat.NO_CONVERT)


def exercise_cells(path, notebook):
    """[(cell, its text by definition)] in the notebook's order; a `ValueError` for a misfit."""
    lesson = path.stem.split("_")[0]
    wanted = {
        f"{part}-{entry.name}": (_CELL_TYPES[part], text)
        for entry in of_lesson(lesson)
        for part, text in entry.cells().items()
    }
    found = []
    for cell in notebook.cells:
        match = _CELL.fullmatch(cell.id)
        if not match:
            continue
        if cell.id not in wanted:
            raise ValueError(f"{path.stem}: cell {cell.id}: {_why_unknown(match[2], lesson)}")
        cell_type, text = wanted.pop(cell.id)
        if cell.cell_type != cell_type:
            raise ValueError(f"{path.stem}: cell {cell.id} must be a {cell_type} cell")
        found.append((cell, text))
    if wanted:
        raise ValueError(f"{path.stem} lacks the cells {', '.join(wanted)}")
    return found


def _why_unknown(name, lesson):
    try:
        entry = find(name)
    except ValueError as error:
        return str(error)
    if entry.lesson != lesson:
        return f"{name} belongs to lesson {entry.lesson}"
    return f"{name} has only the cells {', '.join(f'{part}-{name}' for part in entry.cells())}"


def _prints(cell):
    return cell.cell_type == "code" and ("check(" in cell.source or "predict(" in cell.source)


def _tag(notebook):
    """Tag what was measured, so that nbval does not compare it; returns how many cells it was."""
    added = 0
    for cell in notebook.cells:
        tags = cell.metadata.get("tags", [])
        if "measure" in tags and "nbval-ignore-output" not in tags:
            cell.metadata["tags"] = [*tags, "nbval-ignore-output"]
            added += 1
    return added


class _ThisPython(OverFiles, AsyncKernelManager):
    """Starts the Python that runs this, whatever else the user has installed as "python3"."""

    def _kernel_spec_manager_default(self):
        return KernelSpecManager(parent=self, kernel_dirs=[])


def _execute(path, notebook):
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.execution_count, cell.outputs = None, []
    client = NotebookClient(
        notebook,
        kernel_manager_class=_ThisPython,
        kernel_name="python3",
        timeout=120,
        coalesce_streams=True,
        record_timing=False,
        extra_arguments=["--log-level=ERROR"],  # its warning about TCP is of no use here
        store_widget_state=False,
        resources={"metadata": {"path": str(path.parent)}},
    )
    try:
        client.execute()
    except CellExecutionError as error:
        reason = f"{error.ename}: {error.evalue}"
    except (CellTimeoutError, DeadKernelError) as error:
        reason = str(error)
    else:
        return
    first = (reason.strip().splitlines() or ["it failed"])[0]
    raise ValueError(f"{_failed(path, notebook)}: {first}")


def _failed(path, notebook):
    """Names the last cell that ran: the first one that has no further one behind it."""
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    number = max((n for n, cell in enumerate(code, 1) if cell.execution_count), default=1)
    return f"{path.stem}: code cell {number} ({code[number - 1].id})"


def _clean(notebook):
    """Drop what differs from run to run or breaks a viewer: widget views and state, versions."""
    notebook.metadata.pop("widgets", None)
    notebook.metadata.update(nbformat.from_dict(_METADATA))
    for cell in notebook.cells:
        for name in ("execution", "ExecuteTime"):
            cell.metadata.pop(name, None)
        for output in cell.get("outputs", []):
            output.get("data", {}).pop(_VIEW, None)
