"""Every lesson as a learner meets it: run in JupyterLab in Chromium, its slider moved by key."""

import re

import browsing
import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

WHY_NOT = browsing.missing()
pytestmark = pytest.mark.skipif(WHY_NOT is not None, reason=f"{WHY_NOT}")


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A learner's course in a folder of its own: its root, JupyterLab's address, a browser."""
    folder = tmp_path_factory.mktemp("browser")
    root = browsing.course(folder)
    with browsing.jupyterlab(root) as address, browsing.chromium(folder) as browser:
        yield root, address, browser


@pytest.fixture(scope="module", params=browsing.lessons())
def lesson(place, request):
    """A lesson of the course, all of its cells run."""
    _, address, browser = place
    with browsing.lesson(browser, address, request.param) as page:
        page.run_all()
        yield page


def first_widget(page):
    numbers = page.widgets()
    assert numbers, "the lesson shows no widget"
    return page.widget(numbers[0])


def test_a_lesson_runs_and_nothing_goes_wrong(lesson):
    assert lesson.problems() == []


def test_the_first_slider_moves_the_picture_and_nothing_else(lesson):
    widget = first_widget(lesson)
    assert widget.card.locator("img").count() == 0, (
        "a stored picture stands in place of the live one"
    )
    before = widget.state()
    assert before["focused"] and before["seen"]
    widget.press("ArrowRight")
    after = widget.state()
    assert after["value"] > before["value"]
    assert all(after[what] == before[what] for what in ("focused", "seen", "place"))
    widget.press("ArrowLeft")
    assert widget.state() == before
    assert lesson.problems() == []


def test_a_probe_leaves_the_slider_where_the_learner_put_it(lesson):
    widget = first_widget(lesson)
    widget.press("ArrowRight")
    left = widget.state()["value"]
    for number, cell in enumerate(lesson.cells()):
        if cell["type"] == "code" and re.search(r"^\w+\.probe\(", cell["source"], re.M):
            lesson.run(number)
            assert lesson.cells()[number]["outputs"] == cell["outputs"]
    widget = first_widget(lesson)
    assert widget.state()["value"] == left
    # a key counts from where the slider stands in the kernel, not only on the screen
    widget.press("ArrowLeft")
    widget.press("ArrowRight")
    assert widget.state()["value"] == left


FAULTS = """
import sys; print("careful", file=sys.stderr)
---
from IPython.display import Javascript
Javascript("setTimeout(() => { throw new Error('in the page'); })")
---
import ipywidgets as widgets
from course_utils.draw import svg
from course_utils.explore import Explorer
def draw(n):
    return svg.card(120, "A side", "Nothing drawn.", [], f"{n * n} squares.")
Explorer(draw, question="How many?", move="Move the side.",
         n=widgets.IntSlider(3, 1, 9, description="side n"))
---
1 / 0
---
"never"
"""


def test_what_goes_wrong_in_a_lesson_is_found(place):
    root, address, browser = place
    cells = [new_code_cell(source.strip()) for source in FAULTS.split("---")]
    metadata = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
    nbformat.write(new_notebook(cells=cells, metadata=metadata), root / "my_course/99_faults.ipynb")
    with browsing.lesson(browser, address, "99_faults.ipynb") as page:
        page.run_all()
        assert page.problems() == [
            "error in the page: in the page",
            "cell 0: on stderr: careful",
            "cell 3: ZeroDivisionError: division by zero",
            "cell 4: did not run",
        ]
        with pytest.raises(AssertionError, match="^ArrowRight changes no picture$"):
            first_widget(page).press("ArrowRight", within=1000)
