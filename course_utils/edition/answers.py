"""Right and wrong answers to exercises, in words for a lecturer, and what came of the bets."""

import re

from ..exercises import source
from ..exercises.bank import of_lesson
from ..exercises.cards import Choice, Order
from ..exercises.kinds import Function, Prediction, Value
from ..exercises.puzzles import Design
from .misconceptions import misconceptions

__all__ = ["answer", "came_out", "right", "wrong"]

_WIDE = 60  # characters of a wrong function that is shown as it stands


def right(entry):
    """The right answer to an exercise: `right` in a line, `how` as lines of code, or text."""
    lines = entry.solution().splitlines()
    match entry:
        case Value():
            number = f"{_number(entry.value)} {entry.unit}"
            return {"right": number, "how": "\n".join(lines[:-1])}
        case Choice():
            return {"right": entry.solution(), "how": ""}
        case Design():
            return {"right": " ".join(lines), "how": ""}
    return {"right": "", "how": entry.solution()}


def wrong(entry, brief):
    """[(`Misconception` or None, [(wrong answer, hint)])], each misconception once."""
    groups = {}
    for known in entry.mistakes:
        told = answer(entry, known.function, brief)
        groups.setdefault(known.code, []).append((told, known.message))
    table = misconceptions()
    unknown = [code for code in groups if code and code not in table]
    if unknown:
        raise ValueError(
            f"{entry.name}: the misconception {unknown[0]} is in no row of "
            "data/misconceptions.csv; add one, or give the mistake another code"
        )
    # those that reveal nothing known come last
    ordered = sorted(groups, key=lambda code: code is None)
    return [(table.get(code), groups[code]) for code in ordered]


def answer(entry, function, brief):
    """A wrong or unusual answer as Markdown in a line, without any code if that is to be brief."""
    match entry:
        case Value():
            return _number(function())
        case Choice():
            return entry.option(function())
        case Design():
            return str(tuple(function()))
        case Function() if not brief:
            lines = source.computation(function).splitlines()
            if len(lines) == 1 and len(lines[0]) <= _WIDE:
                return f"`{lines[0]}`"
            return _in_words(entry, function)
        case Function() | Order():
            return _in_words(entry, function)
    return f"“{function()}”"


def _in_words(entry, function):
    """The name of a mistake's function, without the word with which all of them begin."""
    known = [*entry.mistakes, *entry.accepted]
    first = {each.function.__name__.split("_")[0] for each in known}
    words = function.__name__.split("_")
    return " ".join(words[1:] if len(first) == 1 < len(known) else words)


def _number(x):
    """A number to four figures, whole ones exact.

    >>> _number(78500), _number(11.74659), _number(20000.25)
    ('78,500', '11.75', '20,000.2')
    """
    if float(x).is_integer():
        return f"{int(x):,}"
    return f"{x:,.1f}" if abs(x) >= 1000 else f"{x:.4g}"


def came_out(path, notebook):
    """{name of a bet: {"outcome": the line that reveals it, "measured": whether it varies}}."""
    found = {}
    for cell in notebook.cells:
        if cell.cell_type != "code" or "reveal(" not in cell.source:
            continue
        names = [name for name in re.findall(r'"(\w+)"', cell.source) if _is_bet(path, name)]
        texts = "".join(output.get("text", "") for output in cell.outputs)
        lines = [line for line in texts.splitlines() if line.startswith("it is ")]
        if len(names) != len(lines):
            raise ValueError(
                f"{path.stem}: cell {cell.id} reveals {len(names)} bets and has {len(lines)} "
                "lines 'it is …' in its output; run author sync"
            )
        measured = "measure" in cell.metadata.get("tags", [])
        about = ({"outcome": line, "measured": measured} for line in lines)
        found |= zip(names, about, strict=True)
    return found


def _is_bet(path, name):
    entries = of_lesson(path.stem.split("_")[0])
    return any(entry.name == name and isinstance(entry, Prediction) for entry in entries)
