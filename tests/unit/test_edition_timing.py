"""The minutes of a lecture, shared among its cells."""

import re

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_output

from course_utils.author.sync import NOTEBOOKS, find_notebooks, read
from course_utils.edition import order
from course_utils.edition.timing import seconds, sections
from course_utils.exercises.bank import find
from course_utils.exercises.kinds import Prediction

LESSONS = find_notebooks(NOTEBOOKS)
EVERY_LESSON = pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)


def minutes(notebook):
    return int(re.search(r"\*\*Time\*\* (\d+) minutes", notebook.cells[0].source)[1])


@EVERY_LESSON
def test_the_core_path_takes_the_minutes_in_the_header(path):
    notebook = read(path)
    found = seconds(path, notebook)
    core = [cell.id for cell in order.core(path, notebook)]
    assert sum(found[name] for name in core) == 60 * minutes(notebook)
    assert [*found] == core + [cell.id for cell in order.further(path, notebook)]
    assert all(isinstance(each, int) and each >= 0 for each in found.values())
    others = [name for name in core if name.split("-")[0] not in ("stub", "check")]
    assert all(found[name] > 0 for name in others)


@EVERY_LESSON
def test_exercises_and_bets_take_their_own_minutes(path):
    for name, takes in seconds(path, read(path)).items():
        part, _, exercise = name.partition("-")
        if part == "task":
            entry = find(exercise)
            assert takes == 60 * (1 if isinstance(entry, Prediction) else entry.minutes)
        elif part in ("stub", "check"):
            assert takes == 0


@EVERY_LESSON
def test_sections_hold_the_core_path_once_and_in_order(path):
    notebook = read(path)
    found = sections(path, notebook)
    core = [cell.id for cell in order.core(path, notebook)]
    assert [name for _, _, ids in found for name in ids] == core
    assert sum(takes for _, takes, _ in found) == 60 * minutes(notebook)
    titles = re.findall(r"^## (.*)", "\n".join(
        cell.source for cell in order.core(path, notebook) if cell.cell_type == "markdown"
    ), re.M)  # fmt: skip
    assert [heading for heading, _, _ in found[1:]] == [
        re.sub(r"\[(.*?)\]\(.*?\)", r"\1", title) for title in titles
    ]
    assert all(takes and ids for _, takes, ids in found)


def header(time):
    return (
        f"# 0. Try it\n\nYou will try it.\n\n**Time** {time} minutes, and more.\n"
        "**Needs** nothing.\n\nAfter it you can\n\n* **try** it.\n"
    )


def course(*cells, time=45):
    """A lesson 99, which has no exercises, of these cells."""
    notebook = nbformat.v4.new_notebook(cells=[new_markdown_cell(header(time), id="title")])
    notebook.cells += cells
    return LESSONS[0].with_name("99_try.ipynb"), notebook


def test_time_goes_by_what_there_is_to_say_and_see():
    picture = new_output("display_data", {"image/png": ""})
    text = new_output("stream", text="3\n")
    cells = {
        "few": new_markdown_cell("word " * 10),
        "many": new_markdown_cell("word " * 20),
        "line": new_code_cell("a"),
        "lines": new_code_cell("a\n\nb\nc"),
        "told": new_code_cell("a", outputs=[text]),
        "seen": new_code_cell("a", outputs=[picture]),
        "long": new_code_cell("a\n" * 12),
        "longer": new_code_cell("a\n" * 40),
    }
    for name, cell in cells.items():
        cell["id"] = name
    found = seconds(*course(*cells.values()))
    assert found["many"] == pytest.approx(2 * found["few"], abs=1)
    assert found["lines"] == pytest.approx(3 * found["line"], abs=2)
    assert found["line"] < found["told"] < found["seen"]
    assert found["long"] == pytest.approx(found["longer"], abs=1)
    assert found["long"] > 3 * found["lines"]


def test_below_further_the_estimate_does_not_depend_on_the_lessons_minutes():
    below = [new_markdown_cell("## Further", id="further"), new_code_cell("a\nb", id="below")]
    short, long = (seconds(*course(*below, time=time)) for time in (45, 60))
    assert short["below"] == long["below"] == 6
    assert (short["title"], long["title"]) == (45 * 60, 60 * 60)


def test_a_heading_after_other_text_opens_its_section():
    cells = [
        new_markdown_cell("## One [here](a.md)", id="one"),
        new_markdown_cell("Then.\n\n## Two", id="two"),
        new_code_cell("a", id="code"),
    ]
    found = [(heading, ids) for heading, _, ids in sections(*course(*cells))]
    assert found == [("Try it", ["title"]), ("One here", ["one"]), ("Two", ["two", "code"])]


def test_exercises_that_leave_no_time_are_said():
    path = LESSONS[1]
    notebook = read(path)
    title = notebook.cells[0]
    title.source = title.source.replace("**Time** 45", "**Time** 10")
    with pytest.raises(ValueError, match=f"^{path.stem}: its exercises .* all of its 10 minutes; "):
        seconds(path, notebook)
