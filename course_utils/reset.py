"""A learner's copy of a lesson made blank again, or one exercise of it; the old file is kept."""

from copy import deepcopy

import nbformat

from .exercises.bank import find
from .lab import OWN, blank, put_beside, replace, shipped_lesson
from .standing import parse

__all__ = ["reset"]


def reset(root, lesson, exercise=None):
    """Make the copy of a lesson, such as "03", blank again, or one exercise; what to tell, a line.

    The file as it was is put beside first, as NN_name.old.ipynb, then .old2, .old3.  A
    `ValueError` of one line says why nothing was done.
    """
    shipped = shipped_lesson(lesson, root)
    number, target = shipped.name[:2], root / OWN / shipped.name
    told = f"{OWN}/{target.name}"
    entry = None if exercise is None else _entry(exercise, number)
    if not target.exists():
        raise ValueError(f"there is no {told}: nothing to reset; `course {number}` makes one")
    held = target.read_bytes()
    try:
        mine = parse(held)
    except ValueError as error:
        if entry:
            way = f"`course reset {number}` makes all of it blank and keeps it beside"
            raise ValueError(f"{told} {error}; {way}") from None
        mine = None
    if entry:
        fresh = _with_blank(entry, mine, blank(shipped), told)
        told += f": {entry.name}"
    else:
        fresh = blank(shipped)
    if mine and mine.cells == fresh.cells:
        return f"{told} is blank already; nothing was written"
    text = nbformat.v4.writes(fresh).encode()  # before anything is written: it may fail
    old = put_beside(held, target, "old")
    replace(text, target)
    return (
        f"{told} is blank again; the file as it was is {OWN}/{old.name} "
        "(where it is open in JupyterLab: File, Reload Notebook from Disk)"
    )


def _entry(exercise, number):
    entry = find(exercise)
    if entry.lesson != number:
        way = f"`course reset {entry.lesson} {exercise}`"
        raise ValueError(f"{exercise} is an exercise of lesson {entry.lesson}: {way}")
    return entry


def _with_blank(entry, mine, shipped, told):
    """A learner's notebook with the cells of one exercise as shipped, the rest as it is.

    The text of the task stays where it is there; a cell that is missing comes back.
    """
    notebook = deepcopy(mine)
    order = [cell.id for cell in shipped.cells]
    if not any(cell.get("id") in order for cell in notebook.cells):
        raise ValueError(
            f"{told} has no cell of the lesson; `course reset {entry.lesson}` makes it blank"
        )
    sources = {f"{part}-{entry.name}": text for part, text in entry.cells().items()}
    for own in shipped.cells:
        if own.id in sources:
            own.source = sources[own.id]
            places = _places(notebook, own.id)
            if not places:
                notebook.cells.insert(_place(notebook, order[: order.index(own.id)]), own)
            elif not own.id.startswith("task-"):
                for place in places:
                    notebook.cells[place] = own
    return notebook


def _places(notebook, name):
    return [place for place, cell in enumerate(notebook.cells) if cell.get("id") == name]


def _place(notebook, earlier):
    """The place after the nearest of the `earlier` cells that is still there, or the first."""
    places = (_places(notebook, name) for name in reversed(earlier))
    return next((found[-1] + 1 for found in places if found), 0)
