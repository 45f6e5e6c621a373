"""What is heavy loads when it is first used: a lesson's first cell is quick."""

import subprocess
import sys

import pytest

SETUP = """
from course_utils import Hierarchy, LoopNest, Machine, Pipeline, draw, networks
from course_utils import miss_curve, stopwatch, units, watch
from course_utils.exercises import check, hint, predict, reveal, solution
from course_utils.kernels import dense, dynamic, scratchpad, sequential, spatial
from course_utils.networks import cases
"""
HEAVY = ["numba", "matplotlib", "ipywidgets", "resvg_py", "pandas"]


def loaded(code):
    """Which of the heavy packages a fresh Python has after running `code`."""
    ask = f"{code}\nimport sys; print(*[name for name in {HEAVY} if name in sys.modules])"
    run = subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True, check=True)
    return run.stdout.split()


def test_the_names_of_a_lesson_load_nothing_heavy():
    assert loaded(SETUP) == []


@pytest.mark.parametrize(
    "use, package",
    [
        ("LoopNest('s += x[i] * y[i]', i=9).run(x=[1.0] * 9, y=[1.0] * 9)", "numba"),
        ("draw.style()", "matplotlib"),
        ("from course_utils.explore import weight_wall", "ipywidgets"),
    ],
)
def test_each_loads_when_it_is_used(use, package):
    assert package in loaded(SETUP + use)
