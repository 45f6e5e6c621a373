"""What the course adds to `import numpy`, in a fresh interpreter."""

import ast
import statistics
import subprocess
import sys

import browsing
import nbformat

from course_utils import lab, units

ROUNDS = 11
MEASURE = "import time; start = time.perf_counter()\n{}\nprint(time.perf_counter() - start)"


def rows():
    """Median seconds beyond NumPy's, all interpreters started in turn."""
    name = lab.find("01", browsing.ROOT)
    works = {
        "import course_utils": "import numpy, course_utils",
        "what lesson 01 imports of the course": f"import numpy\n{_of_the_course(name)}",
    }
    alone = "import numpy"
    times = {work: [] for work in (alone, *works.values())}
    for _ in range(ROUNDS):
        for work, taken in times.items():
            taken.append(_seconds(work))
    base = statistics.median(times[alone])
    for what, work in works.items():
        more = max(0.0, statistics.median(times[work]) - base)
        figure = f"{units.seconds(more)} more than NumPy's {units.seconds(base)}"
        yield f"{what}: a fresh start", figure, f"≤ {units.seconds(0.15)} more"


def _of_the_course(name):
    """The lines of a lesson's first code cell that import from the course."""
    notebook = nbformat.read(browsing.ROOT / lab.SHIPPED / name, as_version=4)
    first = next(cell.source for cell in notebook.cells if cell.cell_type == "code")
    of_course = [
        node
        for node in ast.parse(first).body
        if isinstance(node, ast.ImportFrom) and node.module.startswith("course_utils")
    ]
    return "\n".join(map(ast.unparse, of_course))


def _seconds(work):
    command = [sys.executable, "-c", MEASURE.format(work)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    return float(done.stdout)
