"""nbval over each shipped lesson, on one core's worth of workers, kernel start included."""

import subprocess
import sys
import time

import browsing

from course_utils import lab, units


def rows():
    """Seconds of one run of each lesson, and their sum."""
    total = 0.0
    for name in browsing.lessons():
        command = [sys.executable, "-m", "pytest", "-n0", "-q", f"{lab.SHIPPED}/{name}"]
        start = time.perf_counter()
        done = subprocess.run(
            command, cwd=browsing.ROOT, capture_output=True, text=True, timeout=600
        )
        taken = time.perf_counter() - start
        total += taken
        verdict = "" if done.returncode == 0 else f", and fails: {_last(done.stdout)}"
        yield f"nbval, {name}", f"{units.seconds(taken)}{verdict}", "≤ 20 s for three such runs"
    yield "nbval, all lessons once", units.seconds(total), ""


def _last(text):
    return text.strip().rpartition("\n")[2]
