"""`progress`: each state of an exercise, as read off saved notebooks that may hold anything."""

import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_output

from course_utils import lab, standing
from course_utils.exercises import bank
from course_utils.exercises.answers import Verdict
from course_utils.exercises.kinds import Prediction

NOTEBOOKS = Path(lab.__file__).parents[1] / "notebooks"
ENTRIES = bank.of_lesson("03")
GRADED = [entry.name for entry in ENTRIES if not isinstance(entry, Prediction)]
BETS = [entry.name for entry in ENTRIES if isinstance(entry, Prediction)]
RIGHT = Verdict("right")


@pytest.fixture
def own(brought, tmp_path, monkeypatch):
    """The learner's folder, a new one for each test."""
    monkeypatch.setattr(lab, "ROOT", brought)
    return Path(shutil.copytree(brought / "my_course", tmp_path / "my_course"))


@pytest.fixture
def copy(own):
    return next(own.glob("03_*.ipynb"))


def said(text):
    return new_output("stream", name="stdout", text=text + "\n")


def change(path, **cells):
    """Save a copy with outputs in the cells "stub_NAME" or "check_NAME", or with a new source."""
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        new = cells.pop(cell.id.replace("-", "_", 1), None)
        if isinstance(new, str):
            cell.source = new
        elif new is not None:
            cell.outputs = [said(line) for line in new]
    assert not cells, f"no such cells: {cells}"
    nbformat.write(notebook, path)


def states(own):
    """{name: state} of the graded exercises of lesson 03 that are touched, off the table's text."""
    lines = standing.table(own, "03")
    text = " ".join(lines[lines.index("", 4) :])
    state, found = None, {}
    for word in text.replace(",", "").split():
        if word in ("done", "tried", "untouched"):
            state = word
        elif word in GRADED:
            found[word] = state
    assert list(found.values()).count("done") == numbers(lines)[0]
    assert sorted(found) == sorted(GRADED)
    return {name: state for name, state in found.items() if state != "untouched"}


def numbers(lines, start="03  "):
    """[done, tried, untouched, bets placed, bets] of a line of the table."""
    (line,) = [line for line in lines if line.startswith(start)]
    return [int(word) for word in line[43:].split() if word != "of"]


def test_a_fresh_copy_is_untouched(own):
    assert states(own) == {}
    assert numbers(standing.table(own)) == [0, 0, len(GRADED), 0, len(BETS)]


def test_no_copy_is_untouched(own, tmp_path):
    for folder in (tmp_path / "nowhere", tmp_path):
        assert numbers(standing.table(folder)) == [0, 0, len(GRADED), 0, len(BETS)]


def test_the_shipped_lessons_themselves_are_untouched(brought, own):
    shipped = brought / "notebooks"
    assert numbers(standing.table(shipped)) == [0, 0, len(GRADED), 0, len(BETS)]


def test_each_state(own, copy):
    todo, wrong = Verdict("todo", "nothing here yet"), Verdict("wrong", "is it 2?", "U2")
    noted = Verdict("right", "with two biases for each gate")
    change(
        copy,
        stub_rnn_params=[RIGHT.line("rnn_params")],
        stub_lstm_params=[noted.line("lstm_params")],
        stub_rnn_macs=[wrong.line("rnn_macs")],
        stub_recall_batch=[todo.line("recall_batch")],
        stub_hoist_bound='check("hoist_bound", 12)',
        check_span=[wrong.line("span")],
    )
    assert states(own) == {
        "rnn_params": "done",
        "lstm_params": "done",
        "rnn_macs": "tried",
        "hoist_bound": "tried",
        "span": "tried",
    }
    lines = standing.table(own, "03")
    assert "done       03.1 rnn_params, 03.8 lstm_params" in lines
    assert "tried      03.2 rnn_macs, 03.4 hoist_bound, 03.7 span" in lines


def test_the_best_answer_of_a_file_counts(own, copy):
    right, wrong = RIGHT.line("span"), Verdict("wrong", "off by one").line("span")
    change(copy, check_span=[right, wrong], stub_rnn_params=[wrong])
    assert states(own) == {"span": "done"}


def test_a_name_that_begins_another_is_not_taken_for_it(own, copy):
    change(copy, stub_rnn_params=["✓ rnn_params_2", "so ✓ rnn_macs", "✓ span and more", "✓"])
    assert states(own) == {}


def test_a_stub_whose_spaces_and_line_ends_differ_is_not_edited(own, copy):
    stub = bank.find("span").cells()["stub"]
    change(copy, stub_span="\n" + stub.replace("\n", "  \r\n") + "\r\n")
    assert states(own) == {}
    change(copy, stub_span=stub.replace("...", "return layers"))
    assert states(own) == {"span": "tried"}


def test_cells_deleted_moved_and_in_another_order(own, copy):
    notebook = nbformat.read(copy, as_version=4)
    notebook.cells = [cell for cell in notebook.cells if not cell.id.endswith("-span")][::-1]
    notebook.cells.insert(0, new_code_cell("span = check(span)", outputs=[said("hello")]))
    nbformat.write(notebook, copy)
    assert states(own) == {}
    notebook.cells[0].outputs = [
        new_output("stream", name="stderr", text="✓ rnn_params\n"),
        new_output("stream", name="stdout", text="tick\n✓ sp"),
        new_output("execute_result", {"text/plain": "✓ rnn_macs"}),
        new_output("stream", name="stdout", text="an\n"),
    ]
    nbformat.write(notebook, copy)
    assert states(own) == {"span": "done"}


def test_the_best_of_several_files_counts_and_old_ones_do_not(own, copy):
    new, mine = copy.with_suffix(".new.ipynb"), copy.with_name("03_mine.ipynb")
    for other in (new, mine, copy.with_suffix(".old.ipynb"), copy.with_suffix(".old2.ipynb")):
        shutil.copy(copy, other)
    change(copy, check_span=[Verdict("wrong").line("span")])
    change(new, stub_rnn_params=[RIGHT.line("rnn_params")])
    change(mine, check_span=[RIGHT.line("span")], stub_rnn_params="check('rnn_params', 1)")
    for old in (copy.with_suffix(".old.ipynb"), copy.with_suffix(".old2.ipynb")):
        change(old, stub_rnn_macs=[RIGHT.line("rnn_macs")])
    assert states(own) == {"span": "done", "rnn_params": "done"}


def test_bets(own, copy):
    first, second, third, fourth, fifth, *_ = BETS
    change(
        copy,
        **{
            f"stub_{first}": ["◇ your bet: 12 %"],
            f"stub_{second}": ["○ no bet yet"],
            f"stub_{third}": ["◇ you bet 12; it is 13"],
        },
    )
    notebook = nbformat.read(copy, as_version=4)
    (by_variable,) = [cell for cell in notebook.cells if cell.id == f"stub-{fifth}"]
    by_variable.update(source="predict(name, 12)", outputs=[said("◇ your bet: 12")])
    moved = new_code_cell(f"predict( '{fourth}', 3)", outputs=[said("◇ your bet: 3")])
    notebook.cells = [moved, *(c for c in notebook.cells if c.id != f"stub-{fourth}")]
    nbformat.write(notebook, copy)
    assert numbers(standing.table(own, 3)) == [0, 0, len(GRADED), 3, len(BETS)]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"\xff\xfe\x00",
        b"[]",
        b"3",
        b"{}",
        b'{"cells": {}, "metadata": {}}',
        b'{"cells": [3], "metadata": {}}',
        b'{"cells": [{"cell_type": "code", "source": 3, "metadata": {}, "outputs": []}],'
        b' "metadata": {}}',
        b'{"cells": [{"cell_type": "code", "source": "", "metadata": {}, "outputs": 3}],'
        b' "metadata": {}}',
        b'{"cells": [{"cell_type": "code", "source": "", "metadata": {}, "outputs":'
        b' [{"output_type": "stream", "name": "stdout", "text": 3}]}], "metadata": {}}',
        b"[" * 100_000,
    ],
)
def test_a_file_that_is_no_notebook_is_told_of_in_one_line(own, copy, content):
    change(copy, check_span=[RIGHT.line("span")])
    copy.with_name("03_b.ipynb").write_bytes(content)
    for lines in (standing.table(own, "03"), standing.table(own)):
        assert lines[-1] == "03_b.ipynb cannot be read and is not counted"
        assert numbers(lines) == [1, 0, len(GRADED) - 1, 0, len(BETS)]


def test_a_folder_with_the_name_of_a_copy(own, copy):
    copy.unlink()
    copy.mkdir()
    assert standing.table(own)[-1] == f"{copy.name} cannot be read and is not counted"


@pytest.mark.parametrize("ends, start", [(b"\r\n", b""), (b"\n", b"\xef\xbb\xbf")])
def test_files_as_windows_may_save_them(own, copy, ends, start):
    change(copy, check_span=[RIGHT.line("span")])
    copy.write_bytes(start + copy.read_bytes().replace(b"\n", ends))
    assert states(own) == {"span": "done"}


def test_the_total_line(own, copy):
    change(copy, check_span=[RIGHT.line("span")], stub_rnn_params="check('rnn_params', 1)")
    other = next(own.glob("00_*.ipynb"))
    change(other, stub_dot_bytes=[RIGHT.line("dot_bytes")])
    lines = standing.table(own)
    by_lesson = zip(numbers(lines, "00  "), numbers(lines, "03  "), strict=True)
    assert numbers(lines, "    all lessons") == [one + other for one, other in by_lesson]
    assert numbers(lines, "    all lessons")[:2] == [2, 1]


def test_titles_and_widths(own, copy, monkeypatch):
    monkeypatch.setattr(lab, "ROOT", NOTEBOOKS.parent)
    whole = standing.table(own)
    shipped = nbformat.read(lab.lessons(NOTEBOOKS.parent)[3], as_version=4)
    title = shipped.cells[0].source.splitlines()[0].removeprefix("# 3. ")
    assert any(line.startswith(f"03  {title}  ") for line in whole)
    assert "as last saved" in whole[0] and len(whole) == 3 + len(bank.lessons()) + 1
    copy.with_name(f"03_{'x' * 100}.ipynb").write_text("no notebook")
    every = [line for number in bank.lessons() for line in standing.table(own, number)]
    assert max(map(len, whole + every)) <= 74


def test_progress_prints_what_is_in_the_notebooks_folder(own, copy, monkeypatch, capsys):
    change(copy, check_span=[RIGHT.line("span")])
    monkeypatch.chdir(own)
    standing.progress()
    assert capsys.readouterr().out.splitlines() == standing.table(own)
    for lesson in (3, "3", "03", "03_rnn"):
        standing.progress(lesson)
        assert capsys.readouterr().out.splitlines() == standing.table(own, "03")
    monkeypatch.chdir(own.parent)
    standing.progress("03", str(own))
    assert "done       03.7 span" in capsys.readouterr().out


def test_progress_says_in_a_line_what_is_wrong(own, monkeypatch, capsys):
    standing.progress("77")
    assert capsys.readouterr().out == "○ there is no lesson '77'; there are 00 to 03\n"
    monkeypatch.setattr(lab, "ROOT", own / "elsewhere")
    standing.progress()
    shown = capsys.readouterr().out
    assert shown.startswith("○ no lessons in ") and shown.count("\n") == 1


def test_the_package_gives_the_function_whatever_was_imported_before():
    for before in ("", "import course_utils.standing; "):
        code = f"{before}from course_utils import progress; print(progress.__qualname__)"
        run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
        assert run.stdout == "progress\n", run.stderr
