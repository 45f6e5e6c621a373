"""The table in Markdown, and the computer it was measured on in one line."""

import platform
from importlib.metadata import version
from pathlib import Path

from course_utils import measure


def lines(parts):
    """The lines of a Markdown table, each as soon as it is measured.

    `parts`: by name, functions that give (what, measured, to reach) tuples of text.  Whatever
    stops a part is said in a row of its own, and the next part follows.
    """
    yield _line("what", "measured", "to reach")
    yield "|---|---|---|"
    for name, rows in parts.items():
        try:
            for row in rows():
                yield _line(*row)
        except Exception as error:
            yield _line(name, f"not measured: {type(error).__name__}: {error}", "")


def _line(*texts):
    first = [text.strip().split("\n")[0].replace("|", "\\|") for text in texts]
    return f"| {' | '.join(first)} |"


def computer():
    """Processor, usable cores, Python and numba, one line."""
    return (
        f"{_processor()}, {measure.usable_cores()} cores, "
        f"Python {platform.python_version()}, numba {version('numba')}"
    )


def _processor():
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        text = ""
    names = [line.split(":")[1].strip() for line in text.splitlines() if "model name" in line]
    return names[0] if names else platform.processor() or platform.machine()
