"""Two more of each notebook: its exercises solved, and answered wrongly; nothing is run.

nbval runs them beside the shipped notebook, so that a learner's answer, right or wrong, is seen to
be graded as it should in a real kernel, and to leave every later output as it is.
"""

import builtins

from nbformat.v4 import new_output

from ..exercises.bank import find
from ..exercises.kinds import Function, Prediction
from .cells import names, touched, unmeasured
from .sync import exercise_cells, read, store

FOLDER = "variants"  # beside notebooks/, so that ../data is the same folder


def variants(path):
    """Write `NN_name.solved.ipynb` and `NN_name.wrong.ipynb`; returns their paths.

    The stubs hold the reference answers, or each the next of its listed mistakes; bets stay
    unplaced.  Outputs are the shipped ones, but for the line of each check.  Skipped are cells
    tagged 'measure', those that need what such a cell binds, and those that no answer reaches and
    no cell that runs needs.  A notebook that `sync` would refuse, or where an answer uses a name
    that it does not have, is a `ValueError`.
    """
    folder = path.parent.parent / FOLDER
    folder.mkdir(exist_ok=True)
    written = []
    for kind, choose in (("solved", _reference), ("wrong", _mistake)):
        notebook = _answered(path, choose)
        _skip(path, notebook)
        written.append(folder / f"{path.stem}.{kind}.ipynb")
        store(written[-1], notebook)
    return written


def solved(path):
    """A lesson's notebook with the reference answers in its stubs and the line of each check.

    Bets stay unplaced, other outputs are the shipped ones.  The same faults are a `ValueError`.
    """
    return _answered(path, _reference)


def _reference(entry, turn):
    return entry.reference


def _mistake(entry, turn):
    return entry.mistakes[turn % len(entry.mistakes)].function


def _answered(path, choose):
    notebook = read(path)
    cells = {cell.id: cell for cell, _ in exercise_cells(path, notebook)}
    stubs = [name.removeprefix("stub-") for name in cells if name.startswith("stub-")]
    graded = [entry for entry in map(find, stubs) if not isinstance(entry, Prediction)]
    for turn, entry in enumerate(graded):
        function = choose(entry, turn)
        stub = cells[f"stub-{entry.name}"]
        stub.source = entry.filled(function)
        is_function = isinstance(entry, Function)
        if is_function:
            _check_names(path, notebook, stub, function)
        verdict = entry.grade(function if is_function else function())
        shown = new_output("stream", name="stdout", text=verdict.line(entry.name) + "\n")
        cells[f"check-{entry.name}" if is_function else stub.id].outputs = [shown]
    return notebook


def _check_names(path, notebook, stub, function):
    """A `ValueError` if a function uses a name that no cell before its own binds."""
    there = set(dir(builtins))
    for cell in notebook.cells[: notebook.cells.index(stub)]:
        if cell.cell_type == "code":
            there |= names(cell.source)[1]
    lacking = names(stub.source)[0] - there
    if lacking:
        raise ValueError(
            f"{path.stem}: {function.__name__} uses {', '.join(sorted(lacking))}, which no cell "
            f"before {stub.id} binds; an answer must stand alone"
        )


def _skip(path, notebook):
    """Tag for nbval what is measured, what depends on it, and what no answer reaches."""
    answers = [cell for cell, _ in exercise_cells(path, notebook) if cell.cell_type == "code"]
    running = {cell.id for cell in unmeasured(notebook.cells)}
    running &= {cell.id for cell in touched(notebook.cells, answers)}
    for cell in notebook.cells:
        tags = cell.metadata.get("tags", [])
        if cell.cell_type == "code" and cell.id not in running and "nbval-skip" not in tags:
            cell.metadata["tags"] = [*tags, "nbval-skip"]
