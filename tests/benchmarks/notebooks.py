"""nbval over each lesson, as shipped, solved and answered wrongly, with one worker."""

import re
import subprocess
import sys

import browsing

from course_utils import lab, units


def rows():
    """Seconds for the three runs of each lesson as pytest counts them, and their sum.

    Kernel starts are in them, the start of pytest is not: it comes once for all lessons.
    """
    total = 0.0
    for name in browsing.lessons():
        command = [sys.executable, "-m", "pytest", "-n0", "-q", f"{lab.SHIPPED}/{name}"]
        done = subprocess.run(
            command, cwd=browsing.ROOT, capture_output=True, text=True, timeout=600
        )
        last = done.stdout.strip().rpartition("\n")[2]
        taken = float(re.search(r" in ([\d.]+)s", last)[1])
        total += taken
        verdict = "" if done.returncode == 0 else f", and fails: {last}"
        yield f"nbval, {name} and its variants", f"{units.seconds(taken)}{verdict}", "≤ 20 s"
    yield "nbval, all lessons", units.seconds(total), ""
