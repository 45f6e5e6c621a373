"""`python -m course_utils.author sync`, on small notebooks in a folder of its own."""

import json

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from course_utils.author.__main__ import main
from course_utils.author.sync import NOTEBOOKS
from course_utils.exercises import bank

SET_UP = """from course_utils.exercises import check, predict
import ipywidgets
import numpy as np"""

MINE = {"name": "mine", "display_name": "My own"}

ENDLESS = """from course_utils.exercises import running
running.LIMIT = 0.3
def roofline(intensity, peak, bandwidth):
    while True:
        try:
            while True:
                pass
        except BaseException:
            pass
roofline = check(roofline)"""


def small_notebook():
    """All exercises of lesson 00 with empty cells, and one of each thing that sync cleans."""
    notebook = new_notebook(metadata={"widgets": {"state": {}}, "kernelspec": MINE})
    notebook.cells = [
        new_markdown_cell("# 0. Try it", id="title"),
        new_code_cell(SET_UP, id="set-up", metadata={"execution": {"start": "now"}}),
    ]
    for entry in bank.of_lesson("00"):
        for part in entry.cells():
            make = new_markdown_cell if part == "task" else new_code_cell
            notebook.cells.append(make("", id=f"{part}-{entry.name}"))
    notebook.cells += [
        new_code_cell("ipywidgets.IntSlider(3)", id="widget"),
        new_code_cell(ENDLESS, id="endless", metadata={"tags": ["measure", "mine"]}),
        new_code_cell(
            "print('one')\nprint('two')", id="last", outputs=[new_output("stream", text="old")]
        ),
    ]
    return notebook


@pytest.fixture
def folder(tmp_path):
    return tmp_path


def write(folder, notebook, name="00_try.ipynb"):
    # not by nbformat, which would mend what a test has broken
    (folder / name).write_text(json.dumps(notebook), encoding="utf-8")


def read(folder, name="00_try.ipynb"):
    return nbformat.read(folder / name, as_version=4)


def cell(notebook, name):
    return next(cell for cell in notebook.cells if cell.id == name)


@pytest.fixture(scope="module")
def synced(tmp_path_factory):
    """A folder with a notebook that sync has stored, and the text of the file."""
    folder = tmp_path_factory.mktemp("notebooks")
    write(folder, small_notebook())
    assert main(["sync"], folder) == 0
    return (folder / "00_try.ipynb").read_text(encoding="utf-8")


def test_cells_are_filled(synced):
    notebook = nbformat.reads(synced, as_version=4)
    for entry in bank.of_lesson("00"):
        for part, text in entry.cells().items():
            assert cell(notebook, f"{part}-{entry.name}").source == text


def test_outputs_are_stored(synced):
    notebook = nbformat.reads(synced, as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    assert cell(notebook, "stub-digit_macs").outputs[0].text == "○ no bet yet\n"
    assert cell(notebook, "stub-dot_bytes").outputs[0].text == "○ dot_bytes: nothing here yet\n"
    assert cell(notebook, "check-roofline").outputs[0].text == "○ roofline: nothing here yet\n"
    assert [output.text for output in cell(notebook, "last").outputs] == ["one\ntwo\n"]


def test_an_endless_loop_ends_in_a_real_kernel(synced):
    notebook = nbformat.reads(synced, as_version=4)
    assert cell(notebook, "endless").outputs[0].text == (
        "✗ roofline: still running after 0.3 s: does every loop end?\n"
    )


def test_what_differs_from_run_to_run_is_dropped(synced):
    notebook = json.loads(synced)
    assert sorted(notebook["metadata"]) == ["kernelspec", "language_info"]
    assert notebook["metadata"]["kernelspec"]["name"] == "python3"
    assert "version" not in notebook["metadata"]["language_info"]
    assert all("execution" not in cell["metadata"] for cell in notebook["cells"])
    widget = next(cell for cell in notebook["cells"] if cell["id"] == "widget")
    assert list(widget["outputs"][0]["data"]) == ["text/plain"]
    assert synced.endswith("}\n") and not synced.endswith("\n\n")


def test_measured_cells_are_tagged_once(synced):
    tags = cell(nbformat.reads(synced, as_version=4), "endless").metadata.tags
    assert tags == ["measure", "mine", "nbval-ignore-output"]


def test_a_second_run_changes_no_byte(synced, folder, capsys):
    path = folder / "00_try.ipynb"
    path.write_text(synced, encoding="utf-8")
    assert main(["sync", "--check"], folder) == 0
    assert main(["sync", "00"], folder) == 0
    assert path.read_text(encoding="utf-8") == synced
    assert capsys.readouterr().out == "00_try: as it was\n"


def differ(folder, synced, change, capsys):
    """What --check says of a stored notebook after a change."""
    notebook = nbformat.reads(synced, as_version=4)
    change(notebook)
    write(folder, notebook)
    before = (folder / "00_try.ipynb").read_bytes()
    code = main(["sync", "--check"], folder)
    assert (folder / "00_try.ipynb").read_bytes() == before
    said = capsys.readouterr().err
    assert code == (1 if said else 0)
    return said.splitlines()


@pytest.mark.parametrize("name", ["task-roofline", "stub-dot_bytes", "check-roofline"])
def test_check_finds_a_cell_that_differs(name, synced, folder, capsys):
    def change(notebook):
        cell(notebook, name).source += " "

    lines = differ(folder, synced, change, capsys)
    assert lines == [f"author: 00_try: cell {name} differs from its definition"]


def test_check_finds_counts_that_are_wrong(synced, folder, capsys):
    def change(notebook):
        cell(notebook, "last").execution_count = None

    (line,) = differ(folder, synced, change, capsys)
    assert line.startswith("author: 00_try: its cells do not carry the counts 1 to ")


def test_check_finds_outputs_that_are_missing(synced, folder, capsys):
    def change(notebook):
        cell(notebook, "check-roofline").outputs = []

    lines = differ(folder, synced, change, capsys)
    assert lines == ["author: 00_try: cell check-roofline has no output"]


def test_check_finds_a_tag_that_is_missing(synced, folder, capsys):
    def change(notebook):
        cell(notebook, "endless").metadata.tags = ["measure"]

    (line,) = differ(folder, synced, change, capsys)
    assert "lacks the tag 'nbval-ignore-output'" in line


def test_check_lists_everything(synced, folder, capsys):
    def change(notebook):
        cell(notebook, "task-roofline").source = ""
        cell(notebook, "check-roofline").outputs = []

    assert len(differ(folder, synced, change, capsys)) == 2


def test_check_that_finds_no_exercise_fails(folder, capsys):
    write(folder, new_notebook(cells=[new_markdown_cell("# 77. Later", id="a")]), "77_later.ipynb")
    assert main(["sync", "--check"], folder) == 1
    assert "there is no exercise in these notebooks" in capsys.readouterr().err


def faulty(change):
    notebook = small_notebook()
    change(notebook.cells)
    return notebook


def drop(name):
    return lambda cells: cells.remove(next(cell for cell in cells if cell.id == name))


def add(new):
    return lambda cells: cells.append(new)


def as_code(name):
    def change(cells):
        place = [cell.id for cell in cells].index(name)
        cells[place] = new_code_cell("", id=name)

    return change


@pytest.mark.parametrize("arguments", [["sync"], ["sync", "--check"]])
@pytest.mark.parametrize(
    "change, part",
    [
        (drop("task-digit_macs"), "00_try lacks the cells task-digit_macs"),
        (drop("check-roofline"), "00_try lacks the cells check-roofline"),
        (
            add(new_code_cell("", id="stub-dot_byte")),
            "cell stub-dot_byte: there is no exercise 'dot_byte'; the nearest name is 'dot_bytes'",
        ),
        (
            add(new_code_cell("", id="check-dot_bytes")),
            "dot_bytes has only the cells task-dot_bytes, stub-dot_bytes",
        ),
        (as_code("task-roofline"), "cell task-roofline must be a markdown cell"),
        (add(new_markdown_cell("", id="title")), "cell 1 has the id 'title'; ids are unique"),
    ],
)
def test_a_notebook_that_does_not_fit_is_one_line(arguments, change, part, folder, capsys):
    write(folder, faulty(change))
    before = (folder / "00_try.ipynb").read_bytes()
    assert main(arguments, folder) == 1
    said = capsys.readouterr().err
    assert part in said and said.count("\n") == 1
    assert (folder / "00_try.ipynb").read_bytes() == before


def test_an_exercise_of_another_lesson_is_refused(folder, capsys):
    notebook = new_notebook(cells=[new_markdown_cell("", id="task-roofline")])
    write(folder, notebook, "77_later.ipynb")
    assert main(["sync"], folder) == 1
    assert "77_later: cell task-roofline: roofline belongs to lesson 00" in capsys.readouterr().err


@pytest.mark.parametrize(
    "text, part",
    [
        ("", "00_try.ipynb is no notebook"),
        ("{}", "00_try.ipynb is no notebook"),
        (
            '{"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [{"id": "a"}]}',
            "00_try.ipynb is no valid notebook",
        ),
        ("[1, 2]", "00_try.ipynb is no notebook"),
        ('{"nbformat": 4, "nbformat_minor": 2, "metadata": {}, "cells": []}', "has no cell ids"),
        ('{"nbformat": 3, "nbformat_minor": 0, "metadata": {}, "worksheets": []}', "has no cell i"),
    ],
)
def test_a_file_that_is_no_notebook(text, part, folder, capsys):
    (folder / "00_try.ipynb").write_text(text)
    assert main(["sync"], folder) == 1
    said = capsys.readouterr().err
    assert part in said and said.count("\n") == 1


def test_a_cell_that_raises_is_named_and_nothing_is_written(folder, capsys):
    cells = [
        new_code_cell("a = 1", id="first"),
        new_code_cell("raise ValueError('first line\\nsecond line')", id="second"),
        new_code_cell("b = 2", id="third"),
    ]
    write(folder, new_notebook(cells=cells), "77_later.ipynb")
    write(folder, new_notebook(cells=cells[:1]), "78_after.ipynb")
    before = (folder / "77_later.ipynb").read_bytes()
    assert main(["sync"], folder) == 1
    said = capsys.readouterr()
    assert said.err == "author: 77_later: code cell 2 (second): ValueError: first line\n"
    assert said.out == ""
    assert (folder / "77_later.ipynb").read_bytes() == before
    assert read(folder, "78_after.ipynb").cells[0].execution_count is None
    assert sorted(path.name for path in folder.iterdir()) == ["77_later.ipynb", "78_after.ipynb"]


def test_a_notebook_runs_in_its_own_folder(folder, capsys):
    source = "from pathlib import Path\nsorted(path.name for path in Path().glob('*.ipynb'))"
    write(folder, new_notebook(cells=[new_code_cell(source, id="a")]), "77_later.ipynb")
    for name in ("77_later.ipynb", "77_later", "notebooks/77_later.ipynb"):
        assert main(["sync", name], folder) == 0
    assert read(folder, "77_later.ipynb").cells[0].outputs[0].data == {
        "text/plain": "['77_later.ipynb']"
    }
    assert capsys.readouterr().out == "77_later: stored\n" + 2 * "77_later: as it was\n"


@pytest.mark.parametrize(
    "arguments, part",
    [
        (["sync", "05"], "there is no notebook '05'; there are 00_try"),
        (["sync", "--check", "other.ipynb"], "there is no notebook 'other.ipynb'"),
        (["sync", "--chek"], "unrecognized arguments: --chek"),
        (["sink"], "invalid choice: 'sink'"),
        ([], "required"),
    ],
)
def test_a_command_that_makes_no_sense_is_one_line(arguments, part, folder, capsys):
    write(folder, small_notebook())
    try:
        code = main(arguments, folder)
    except SystemExit as end:
        code = end.code
    said = capsys.readouterr().err
    assert code == 2
    assert part in said and said.count("\n") == 1


def test_a_folder_without_notebooks_fails(folder, capsys):
    for arguments in (["sync"], ["sync", "--check"]):
        assert main(arguments, folder) == 1
        assert "there is no notebook in" in capsys.readouterr().err


def test_the_course_s_own_notebooks_agree_with_the_exercises(capsys):
    assert NOTEBOOKS.name == "notebooks"
    assert main(["sync", "--check"]) == 0, capsys.readouterr().err
