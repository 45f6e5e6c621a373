"""How long a lecture takes for each cell of a lesson, and for each section."""

import re
from math import floor

from ..author.outline import Lesson, plain
from ..exercises.bank import find
from ..exercises.kinds import Prediction
from .order import core, further
from .pictures import shown

__all__ = ["sections", "seconds"]

_BET = 60  # seconds
# Seconds to say or to look at what a cell has, before they are scaled to the lesson's minutes.
_WORD, _LINE, _OUTPUT, _PICTURE = 0.4, 3, 4, 20
_LINES = 12  # of a cell; what is longer is not read out
_EXERCISE = "task", "stub", "check"
_HEADING = re.compile(r"^## (.*)", re.M)


def seconds(path, notebook):
    """{cell id: whole seconds} of all cells, those of the core path first, in a lecture's order.

    Those of the core path sum to the minutes in the lesson's header.  An exercise takes its
    minutes, the concept test as well, a bet one minute, all on the task's cell; the other cells
    share the rest by their words, lines of code, outputs and pictures.  Below *Further* the same
    rates give an estimate, which is not scaled and no part of that sum.  ValueError of one line if
    the exercises leave no time.

    >>> from ..author.sync import NOTEBOOKS, read
    >>> path = NOTEBOOKS / "01_mlp_dense.ipynb"
    >>> found = seconds(path, read(path))
    >>> found["task-dense_bytes"], found["stub-dense_bytes"], found["task-batch_time"]
    (180, 0, 60)
    """
    told = core(path, notebook)
    fixed = {cell.id: _fixed(cell) for cell in told if _is_exercise(cell)}
    others = {cell.id: _estimate(cell) for cell in told if not _is_exercise(cell)}
    minutes = _lesson(path, notebook).header.minutes
    left = 60 * minutes - sum(fixed.values())
    if left <= 0:
        raise ValueError(
            f"{path.stem}: its exercises before Further take all of its {minutes} minutes; "
            "move one to Further, or give the header more time"
        )
    found = fixed | _shared(left, others)
    rest = {
        cell.id: _fixed(cell) if _is_exercise(cell) else round(_estimate(cell))
        for cell in further(path, notebook)
    }
    return {cell.id: found[cell.id] for cell in told} | rest


def sections(path, notebook):
    """[(heading, seconds, [cell ids])] of the core path, by its headings of level 2.

    The first section, before any of them, is called as the lesson.  A cell in which a heading
    comes after other text belongs to the section that it opens.

    >>> from ..author.sync import NOTEBOOKS, read
    >>> path = NOTEBOOKS / "01_mlp_dense.ipynb"
    >>> [heading for heading, *_ in sections(path, read(path))][:2]
    ['Let everything meet everything', 'From lesson 0']
    """
    takes = seconds(path, notebook)
    found = [(_lesson(path, notebook).title, [])]
    for cell in core(path, notebook):
        headings = _HEADING.findall(cell.source) if cell.cell_type == "markdown" else []
        found += [(plain(heading), []) for heading in headings]
        found[-1][1].append(cell.id)
    return [(heading, sum(takes[name] for name in ids), ids) for heading, ids in found]


def _lesson(path, notebook):
    cells = ((cell.id, cell.cell_type, cell.source) for cell in notebook.cells)
    return Lesson(path.stem.split("_")[0], path, tuple(cells))


def _is_exercise(cell):
    return cell.id.split("-")[0] in _EXERCISE


def _fixed(cell):
    """The seconds of a cell of an exercise or a bet."""
    part, _, name = cell.id.partition("-")
    if part != "task":
        return 0
    entry = find(name)
    return _BET if isinstance(entry, Prediction) else 60 * entry.minutes


def _estimate(cell):
    """The seconds for what a cell has to say and to show, a float."""
    if cell.cell_type == "markdown":
        return _WORD * len(plain(cell.source).split())
    if cell.id == "setup":  # run, and not read out
        return _OUTPUT
    lines = sum(bool(line.strip()) for line in cell.source.splitlines())
    pictures = shown(cell)
    texts = len(cell.outputs) > len(pictures)
    return _LINE * min(lines, _LINES) + _OUTPUT * texts + _PICTURE * len(pictures)


def _shared(total, weights):
    """{name: whole part of a total} in proportion to weights; the largest fractions round up.

    >>> _shared(10, {"a": 1, "b": 1, "c": 4})
    {'a': 2, 'b': 1, 'c': 7}
    """
    exact = {name: total * weight / sum(weights.values()) for name, weight in weights.items()}
    whole = {name: floor(part) for name, part in exact.items()}
    spare = total - sum(whole.values())
    for name in sorted(exact, key=lambda name: whole[name] - exact[name])[:spare]:
        whole[name] += 1
    return whole
