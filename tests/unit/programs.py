"""Every program that some lines can make, and whether it computes what it should."""

import itertools
import re

import numpy as np


def programs(lines):
    """Every program that Python can read of some of these lines, each used at most once."""
    for size in range(1, len(lines) + 1):
        for chosen in itertools.permutations(lines, size):
            yield from _indentations(chosen)


def _indentations(lines, depth=0, done=()):
    if len(done) == len(lines):
        if not done[-1].endswith(":"):
            yield done
        return
    opens = bool(done) and done[-1].endswith(":")
    for margin in [depth + 1] if opens else range(depth + 1):
        line = " " * margin + lines[len(done)]
        yield from _indentations(lines, margin, (*done, line))


def runs_right(lines, space, small, name, want):
    """Whether a program makes the array `want` of `name`, whatever that held before.

    `space` has the arrays, and under `name` a shape; `small` gives, by the words in `range(…)`,
    the sizes to run with.
    """
    text = re.sub(r"range\((\d+)\)", lambda size: f"range({small[size[1]]})", "\n".join(lines))
    made = np.full(space[name], 7)
    try:
        exec(text, {**space, name: made})
    except (NameError, IndexError, SyntaxError):
        return False
    return bool((made == want).all())
