"""Which exercises are done, read off the notebooks as the learner has saved them; none is run."""

import re
import textwrap
from collections import Counter
from pathlib import Path

import nbformat

from . import lab
from .exercises.answers import shown
from .exercises.bank import of_lesson
from .exercises.kinds import Prediction

__all__ = ["parse", "progress", "table"]

_STATES = ("untouched", "tried", "done")  # the better, the later
_WIDTH = 74  # a narrow window breaks longer lines
_VERDICT = re.compile(r"^([✓✗]) (\w+)(?=:|\s*$)", re.M)
_BET = re.compile(r"^◇ your bet\b", re.M)


def progress(lesson=None, folder=None):
    """Print what is done, tried and untouched, as last saved; of one lesson by name as well.

    `folder`: where the copies are, unless in the folder of this notebook.
    """
    try:
        lines = table(Path.cwd() if folder is None else folder, lesson)
    except (ValueError, OSError) as error:
        lines = [f"○ {error}"]
    print("\n".join(lines))


def table(folder, lesson=None):
    """The lines that `progress` prints, of all lessons or of one, such as 3, "03" or "03_rnn".

    A lesson that there is not is a `ValueError`.
    """
    one = None if lesson is None else lab.shipped_lesson(str(lesson), lab.ROOT)
    lines = [
        "Your exercises, as last saved (JupyterLab saves every two minutes)",
        "",
        _row("", "", "done", "tried", "untouched", "bets"),
    ]
    unread, total = [], Counter()
    for shipped in [one] if one else lab.lessons(lab.ROOT):
        number = shipped.name[:2]
        states, spoilt = _states(Path(folder), number)
        unread += spoilt
        counts = _counts(number, states)
        total += counts
        lines.append(_counted(number, _title(shipped), counts))
    lines += _names(one.name[:2], states) if one else [_counted("", "all lessons", total)]
    return lines + unread


def parse(data):
    """The notebook in the bytes of a learner's file; a `ValueError` if they hold none.

    What can be looked through and written again will do: no rule of the format is asked for.

    >>> parse(b"[]")
    Traceback (most recent call last):
        ...
    ValueError: cannot be read as a notebook
    """
    try:
        notebook = nbformat.v4.reads(data)
        sound = isinstance(notebook.cells, list) and all(map(_is_sound, notebook.cells))
    except (ValueError, AttributeError, KeyError, TypeError, RecursionError):
        sound = False  # any JSON may be in there, or none
    if not sound:
        raise ValueError("cannot be read as a notebook")
    return notebook


def _is_sound(cell):
    outputs = cell.outputs if cell.cell_type == "code" else []
    texts = [output.text for output in outputs if output.output_type == "stream"]
    return all(isinstance(text, str) for text in [cell.source, *texts])


def _states(folder, number):
    """({name: state} of a lesson's entries, the best over its files; lines on unreadable files).

    A bet is done when it is placed.
    """
    entries = of_lesson(number)
    states, unread = {entry.name: "untouched" for entry in entries}, []
    for path in sorted(folder.glob(f"{number}_*.ipynb")):
        if lab.is_old(path):
            continue
        try:
            cells = parse(path.read_bytes()).cells
        except (OSError, ValueError):
            name = shown(path.name, 40)
            unread.append(f"{name} cannot be read and is not counted")
            continue
        for name, state in _seen(cells, entries):
            states[name] = max(states[name], state, key=_STATES.index)
    return states, unread


def _seen(cells, entries):
    """Pairs of an entry's name and a state that some cell shows."""
    stubs = {f"stub-{entry.name}": entry for entry in entries}
    names = {entry.name for entry in entries}
    for cell in cells:
        if cell.cell_type != "code":
            continue
        printed = _printed(cell)
        for mark, name in _VERDICT.findall(printed):
            if name in names:
                yield name, "done" if mark == "✓" else "tried"
        own = stubs.get(str(cell.get("id")))
        if own and _lines(cell.source) != _lines(own.cells()["stub"]):
            yield own.name, "tried"
        if _BET.search(printed):  # which bet, the line does not say
            for entry in entries:
                if isinstance(entry, Prediction) and (entry is own or _bets(cell, entry)):
                    yield entry.name, "done"


def _printed(cell):
    streams = [output for output in cell.outputs if output.output_type == "stream"]
    return "".join(output.text for output in streams if output.get("name") == "stdout")


def _lines(source):
    """The lines of a cell, whatever the file's line endings and spaces at line ends."""
    return [line.rstrip() for line in source.strip().splitlines()]


def _bets(cell, entry):
    return re.search(rf"""predict\(\s*(["']){entry.name}\1""", cell.source)


def _counts(number, states):
    """How many graded exercises of a lesson are in each state; "bets" and those "placed"."""
    counts = Counter()
    for entry in of_lesson(number):
        state = states[entry.name]
        if isinstance(entry, Prediction):
            counts += Counter(bets=1, placed=int(state == "done"))
        else:
            counts[state] += 1
    return counts


def _counted(number, title, counts):
    bets = f"{counts['placed']} of {counts['bets']}"
    return _row(number, title, counts["done"], counts["tried"], counts["untouched"], bets)


def _row(number, title, done, tried, untouched, bets):
    return f"{number:2}  {shown(title, 38):38} {done:>4} {tried:>5} {untouched:>9} {bets:>8}"


def _title(shipped):
    """The title in a shipped lesson's heading, such as "Read three meters …"."""
    try:
        sources = [cell.source for cell in parse(shipped.read_bytes()).cells]
    except (OSError, ValueError):  # the copies can be counted all the same
        sources = []
    headings = (re.match(r"# \d+\. (.+)", source) for source in sources)
    return next((heading[1] for heading in headings if heading), shipped.stem)


def _names(number, states):
    """Lines that name the graded exercises of a lesson by state, such as "03.4 hoist_bound"."""
    graded = [entry for entry in of_lesson(number) if not isinstance(entry, Prediction)]
    lines = [""]
    for state in reversed(_STATES):
        named = [
            f"{entry.number or ''} {entry.name}".strip()
            for entry in graded
            if states[entry.name] == state
        ]
        # a number and its name stay on one line
        text = ", ".join(named).replace(" ", "\xa0").replace(",\xa0", ", ") or "none"
        indent = f"{state:11}"
        wrapped = textwrap.wrap(
            text, _WIDTH, initial_indent=indent, subsequent_indent=" " * len(indent)
        )
        lines += [line.replace("\xa0", " ") for line in wrapped]
    return lines
