"""A key on a widget's slider in JupyterLab in Chromium: from the key to the painted picture."""

import statistics
import tempfile
from pathlib import Path

import browsing
import nbformat
from nbformat.v4 import new_code_cell, new_notebook

from course_utils import units
from course_utils.explore.style import CLASS

from . import widgets

WARM, PRESSES = 4, 30
NAME = "99_widgets.ipynb"
# From the time stamp of the key, given by the browser's own process, to the frame after the change.
WATCH = f"""card => {{
    let pressed = null;
    window.painted = [];
    document.addEventListener('keydown', event => {{ pressed = event.timeStamp; }}, true);
    new MutationObserver(() => {{
        if (pressed === null) return;
        const since = pressed, changed = performance.now();
        pressed = null;
        requestAnimationFrame(() => {{
            const after = new MessageChannel();
            after.port1.onmessage = () =>
                window.painted.push([changed - since, performance.now() - since]);
            after.port2.postMessage(null);
        }});
    }}).observe(card.querySelector('.{CLASS}-picture'), {{subtree: true, childList: true}});
}}"""


def rows():
    """Median time from a key to the painted picture, one row a widget."""
    why_not = browsing.missing()
    if why_not:
        yield "a key to the painted picture", f"not measured: {why_not}", ""
        return
    with tempfile.TemporaryDirectory() as folder:
        root = browsing.course(Path(folder))
        cells = ["from course_utils import explore", *(f"explore.{n}()" for n in widgets.names())]
        notebook = new_notebook(
            cells=[new_code_cell(cell) for cell in cells],
            metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}},
        )
        nbformat.write(notebook, root / "my_course" / NAME)
        with (
            browsing.jupyterlab(root) as address,
            browsing.chromium(Path(folder)) as browser,
            browsing.lesson(browser, address, NAME) as page,
        ):
            page.run_all()
            for name, number in zip(widgets.names(), page.widgets(), strict=True):
                changed, painted = _times(page.widget(number))
                yield (
                    f"{name}: a key to the painted picture, in Chromium",
                    f"{units.seconds(statistics.median(painted))} "
                    f"({units.seconds(statistics.median(changed))} to the new SVG; "
                    f"slowest of {len(painted)}: {units.seconds(max(painted))})",
                    f"≤ {units.seconds(0.06)}",
                )


def _times(widget):
    """Seconds from each key but the first few to the new SVG, and to its frame: two lists.

    To and fro, so that the slider reaches no end.
    """
    page = widget.card.page
    widget.card.evaluate(WATCH)
    for press in range(WARM + PRESSES):
        widget.press("ArrowLeft" if press % 2 else "ArrowRight")
        page.wait_for_function("count => window.painted.length === count", arg=press + 1)
    measured = page.evaluate("() => window.painted")[WARM:]
    return [[time / 1000 for time in times] for times in zip(*measured, strict=True)]
