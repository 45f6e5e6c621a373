"""`course reset`: what becomes blank, what stays, and that nothing of a learner's is ever lost."""

import os
import shutil
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_output

from course_utils import lab
from course_utils.exercises import bank
from course_utils.reset import reset


@pytest.fixture
def root(brought, tmp_path):
    return Path(shutil.copytree(brought, tmp_path / "course"))


@pytest.fixture
def copy(root):
    """The copy of lesson 03, on which the learner has worked."""
    path = next((root / "my_course").glob("03_*.ipynb"))
    notebook = read(path)
    output = new_output("stream", name="stdout", text="the learner's\n")
    for name in ("stub-span", "check-span", "stub-rnn_params", "stub-state_share"):
        cell = cell_of(notebook, name)
        cell.update(source=f"my_work = {name!r}", outputs=[output], execution_count=7)
    cell_of(notebook, "task-span").source += "\n\nmy own note"
    notebook.cells.insert(5, new_code_cell("my_own_cell", execution_count=3, outputs=[output]))
    notebook.cells.append(new_markdown_cell("my own end"))
    notebook.metadata["widgets"] = {"x": 1}
    nbformat.write(notebook, path)
    return path


def read(path):
    return nbformat.read(path, as_version=4)


def cell_of(notebook, name):
    (cell,) = [cell for cell in notebook.cells if cell.id == name]
    return cell


def drop(path, *names):
    notebook = read(path)
    notebook.cells = [cell for cell in notebook.cells if cell.id not in names]
    nbformat.write(notebook, path)


def others(notebook, *names):
    return [cell for cell in notebook.cells if cell.id not in names]


def contents(root):
    return {path.name: path.read_bytes() for path in (root / "my_course").iterdir()}


def test_a_lesson_becomes_as_it_was_brought_and_the_old_file_stays(root, brought, copy):
    held, rest = copy.read_bytes(), contents(root)
    line = reset(root, "03")
    old = copy.with_suffix(".old.ipynb")
    assert old.read_bytes() == held
    assert copy.read_bytes() == (brought / "my_course" / copy.name).read_bytes()
    assert "\n" not in line
    assert line.startswith(f"my_course/{copy.name} is blank again; ")
    assert f"the file as it was is my_course/{old.name} " in line
    assert contents(root) == {**rest, copy.name: copy.read_bytes(), old.name: held}


def test_old_files_are_never_overwritten(root, copy):
    held = []
    for number, suffix in enumerate((".old.ipynb", ".old2.ipynb", ".old3.ipynb")):
        copy.write_text(f"broken {number}")
        held.append((copy.with_suffix(suffix), copy.read_bytes()))
        assert copy.with_suffix(suffix).name in reset(root, "3")
    assert all(old.read_bytes() == data for old, data in held)


def test_a_blank_copy_is_left_as_it_is(root, copy):
    reset(root, "03")
    # as JupyterLab saves it, opened and not run
    notebook = read(copy)
    notebook.metadata["language_info"] = {"name": "python", "version": "3.99"}
    copy.write_text(nbformat.writes(notebook) + "\n")
    before = contents(root)
    for words in (["03"], ["03", "span"], ["03", "state_share"]):
        assert "is blank already" in reset(root, *words)
        assert contents(root) == before


def test_one_exercise_becomes_blank_and_the_rest_stays(root, copy):
    held = copy.read_bytes()
    before = read(copy)
    line = reset(root, "03", "span")
    after, cells = read(copy), bank.find("span").cells()
    for part in ("stub", "check"):
        cell = cell_of(after, f"{part}-span")
        assert cell.source == cells[part] and cell.cell_type == "code"
        assert cell.outputs == [] and cell.execution_count is None
    own = ("stub-span", "check-span")
    assert others(after, *own) == others(before, *own)
    assert [cell.id for cell in after.cells] == [cell.id for cell in before.cells]
    assert after.metadata == before.metadata
    assert copy.with_suffix(".old.ipynb").read_bytes() == held
    assert "\n" not in line and f"my_course/{copy.name}: span is blank again" in line
    nbformat.validate(after)


@pytest.mark.parametrize("name", ["rnn_params", "state_share"])
def test_an_exercise_of_one_cell_and_a_bet(root, copy, name):
    before = read(copy)
    reset(root, "03", name)
    after = read(copy)
    cell = cell_of(after, f"stub-{name}")
    assert cell.source == bank.find(name).cells()["stub"] and cell.outputs == []
    assert others(after, f"stub-{name}") == others(before, f"stub-{name}")


def test_a_stub_that_became_text_is_code_again(root, copy):
    notebook = read(copy)
    place = notebook.cells.index(cell_of(notebook, "stub-span"))
    notebook.cells[place] = new_markdown_cell("words", id="stub-span")
    nbformat.write(notebook, copy)
    reset(root, "03", "span")
    assert cell_of(read(copy), "stub-span").cell_type == "code"


def ids_around(root, copy, name):
    """(ids of the lesson as shipped, ids of the copy after `name` was reset)."""
    reset(root, "03", name)
    shipped = read(root / "notebooks" / copy.name)
    return [cell.id for cell in shipped.cells], [cell.id for cell in read(copy).cells]


def test_deleted_cells_come_back_at_their_place(root, copy):
    drop(copy, "task-span", "stub-span", "check-span")
    shipped, mine = ids_around(root, copy, "span")
    assert [name for name in mine if name in shipped] == shipped
    assert "my own note" not in cell_of(read(copy), "task-span").source


def test_a_deleted_cell_comes_back_after_the_nearest_that_is_left(root, copy):
    shipped = [cell.id for cell in read(copy).cells]
    place = shipped.index("stub-span")
    drop(copy, *shipped[place - 3 : place], "stub-span")
    _, mine = ids_around(root, copy, "span")
    assert mine[mine.index("task-span") - 1] == shipped[place - 4]
    at = mine.index("task-span")
    assert mine[at : at + 3] == ["task-span", "stub-span", "check-span"]


def test_with_nothing_left_before_it_a_cell_comes_first(root, copy):
    shipped = [cell.id for cell in read(copy).cells]
    drop(copy, *shipped[: shipped.index("check-span")])
    _, mine = ids_around(root, copy, "span")
    assert mine[:3] == ["task-span", "stub-span", "check-span"]


def test_a_cell_that_is_there_twice_is_blank_twice(root, copy):
    notebook = read(copy)
    notebook.cells.append(cell_of(notebook, "stub-span"))
    copy.write_text(nbformat.v4.writes(notebook), encoding="utf-8")
    reset(root, "03", "span")
    after = nbformat.v4.reads(copy.read_text(encoding="utf-8"))
    sources = {cell.source for cell in after.cells if cell.id == "stub-span"}
    assert sources == {bank.find("span").cells()["stub"]}


def test_windows_line_ends_are_kept_in_the_old_file(root, copy):
    held = copy.read_bytes().replace(b"\n", b"\r\n")
    copy.write_bytes(held)
    before = read(copy)
    reset(root, "03", "span")
    assert copy.with_suffix(".old.ipynb").read_bytes() == held
    own = ("stub-span", "check-span")
    assert others(read(copy), *own) == others(before, *own)


@pytest.mark.parametrize("words", [["03"], ["03", "span"]])
def test_a_crash_between_the_two_writes_loses_nothing(root, copy, monkeypatch, words):
    def stop(*args):
        raise KeyboardInterrupt

    before = contents(root)
    with monkeypatch.context() as patched:
        patched.setattr(os, "replace", stop)
        with pytest.raises(KeyboardInterrupt):
            reset(root, *words)
    old = copy.with_suffix(".old.ipynb").name
    assert contents(root) == {**before, old: before[copy.name]}
    reset(root, *words)
    assert contents(root)[old] == before[copy.name] != copy.read_bytes()


@pytest.mark.parametrize("writes", [1, 2])
def test_a_crash_while_writing_loses_nothing(root, copy, monkeypatch, writes):
    before, left, whole = contents(root), [writes], Path.write_bytes

    def write_half(path, data):
        left[0] -= 1
        whole(path, data if left[0] else data[: len(data) // 2])
        if not left[0]:
            raise KeyboardInterrupt

    monkeypatch.setattr(Path, "write_bytes", write_half)
    with pytest.raises(KeyboardInterrupt):
        reset(root, "03")
    old = {copy.with_suffix(".old.ipynb").name: before[copy.name]} if writes == 2 else {}
    assert contents(root) == {**before, **old}


def test_the_copy_is_there_while_the_old_file_is_put_beside(root, copy, monkeypatch):
    """Also where there are no hard links and a file gets its name by renaming."""

    def no_links(*args):
        assert copy.exists()
        raise PermissionError("no hard links on this file system")

    held = copy.read_bytes()
    monkeypatch.setattr(os, "link", no_links)
    reset(root, "03")
    assert copy.with_suffix(".old.ipynb").read_bytes() == held
    assert not [name for name in contents(root) if name.endswith(".part")]


def test_after_a_reset_of_an_outdated_lesson_nothing_more_is_brought(root, copy):
    shipped = root / "notebooks" / copy.name
    notebook = read(shipped)
    notebook.cells[-1].source += "\n\nA new sentence."
    nbformat.write(notebook, shipped)
    reset(root, "03")
    assert lab.bring(root) == []
    assert "A new sentence." in copy.read_text(encoding="utf-8")


def test_after_a_reset_of_one_exercise_the_new_version_is_brought_as_ever(root, copy):
    shipped = root / "notebooks" / copy.name
    notebook = read(shipped)
    notebook.cells[-1].source += "\n\nA new sentence."
    nbformat.write(notebook, shipped)
    reset(root, "03", "span")
    (line,) = lab.bring(root)
    assert copy.with_suffix(".new.ipynb").name in line
    reset(root, "03", "rnn_params")
    assert lab.bring(root) == []


def test_a_lesson_that_is_back_at_its_old_version_is_brought_again(root, copy):
    shipped = root / "notebooks" / copy.name
    before = shipped.read_bytes()
    notebook = read(shipped)
    notebook.cells[-1].source += "\n\nA new sentence."
    nbformat.write(notebook, shipped)
    reset(root, "03")
    shipped.write_bytes(before)
    (line,) = lab.bring(root)
    assert copy.with_suffix(".new.ipynb").name in line


@pytest.mark.parametrize(
    "words, says",
    [
        (["77"], "^there is no lesson '77'; there are 00 to 03$"),
        (["03", "spam"], "^there is no exercise 'spam'; the nearest name is 'span'$"),
        (
            ["03", "dot_bytes"],
            "^dot_bytes is an exercise of lesson 00: `course reset 00 dot_bytes`$",
        ),
    ],
)
def test_what_there_is_not_is_refused(root, copy, words, says):
    before = contents(root)
    with pytest.raises(ValueError, match=says):
        reset(root, *words)
    assert contents(root) == before


def test_without_a_copy_there_is_nothing_to_reset(root, copy):
    copy.unlink()
    before = contents(root)
    for words in (["03"], ["03", "span"]):
        with pytest.raises(ValueError, match=f"{copy.name}: nothing to reset; `course 03` makes"):
            reset(root, *words)
    assert contents(root) == before


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff\x00", b"[" * 100_000])
def test_a_broken_copy_can_be_reset_whole_only(root, copy, content):
    copy.write_bytes(content)
    before = contents(root)
    with pytest.raises(ValueError, match="cannot be read as a notebook; `course reset 03` makes"):
        reset(root, "03", "span")
    assert contents(root) == before
    reset(root, "03")
    assert copy.with_suffix(".old.ipynb").read_bytes() == content
    assert "is blank already" in reset(root, "03")


def test_a_copy_without_the_lessons_cells_can_be_reset_whole_only(root, copy):
    notebook = read(copy)
    notebook.cells = [new_code_cell("my own")]
    nbformat.write(notebook, copy)
    before = contents(root)
    with pytest.raises(ValueError, match="has no cell of the lesson; `course reset 03` makes"):
        reset(root, "03", "span")
    assert contents(root) == before


def test_text_that_no_file_can_hold_is_refused_before_anything_is_written(root, copy):
    copy.write_bytes(copy.read_bytes().replace(b"my own end", rb"\ud800"))
    before = contents(root)
    with pytest.raises(ValueError, match="surrogates not allowed"):
        reset(root, "03", "span")
    assert contents(root) == before
