"""A move of a widget's control, in the kernel: from the new value to the new SVG, no browser."""

import statistics
import time

from course_utils import explore, units
from course_utils.explore.explorer import _steps

ROUNDS = 3


def names():
    """The names of the widgets, a list: `explore` exports them beside `Explorer`."""
    return [name for name in explore.__all__ if name != "Explorer"]


def rows():
    """Median and slowest time of a move, over every step of every control of a new widget."""
    for name in names():
        times = [move for _ in range(ROUNDS) for move in _moves(getattr(explore, name)())]
        slowest = units.seconds(max(times))
        yield (
            f"{name}: a move, in the kernel",
            f"{units.seconds(statistics.median(times))} (slowest of {len(times)}: {slowest})",
            f"≤ {units.seconds(0.016)}",
        )


def _moves(explorer):
    """Seconds of each move of one control; the others stand at their default."""
    for control in explorer._controls.values():
        default = control.value
        for value in (*_steps(control), default):
            if value != control.value:
                start = time.perf_counter()
                control.value = value
                yield time.perf_counter() - start
