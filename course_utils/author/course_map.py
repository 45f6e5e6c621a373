"""The map of the course, a table made of the lessons' headers, for the README and for lesson 00."""

import re

from ..exercises.bank import of_lesson
from ..exercises.kinds import Prediction
from .outline import lessons
from .sync import NOTEBOOKS

__all__ = ["table"]

_COLUMNS = "lesson", "minutes", "needs", "you will be able to", "exercises"


def table(folder="", notebooks=NOTEBOOKS):
    """The Markdown of the map, with links to the lessons in `folder`, such as "notebooks/".

    `minutes`: of the core path.  `exercises`: those that are graded, recall cards among them.
    """
    rows = [_COLUMNS, ("---", "---:", "---", "---", "---:")]
    for lesson in lessons(notebooks).values():
        header = lesson.header
        graded = [each for each in of_lesson(lesson.number) if not isinstance(each, Prediction)]
        rows.append(
            (
                f"[{int(lesson.number)}. {header.title}]({folder}{lesson.path.name})",
                str(header.minutes),
                _needed(header.needs),
                "; ".join(ability.replace("*", "") for ability in header.abilities),
                str(len(graded)),
            )
        )
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _needed(needs):
    """The numbers of the lessons that a header names, or its words where it names none."""
    numbers = [int(number) for number in re.findall(r"\]\((\d\d)_", needs)]
    if not numbers:
        return needs
    if " to " in needs.split(":")[0]:
        return f"{numbers[0]} to {numbers[-1]}"
    return ", ".join(map(str, numbers))
