"""A widget in a notebook: what `sync` stores of it, and that nbval finds the same again."""

import subprocess
import sys

import nbformat
import pytest

from course_utils.author.sync import sync

VIEW = "application/vnd.jupyter.widget-view+json"


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    """The path of a small notebook as `sync` leaves it."""
    cells = [
        "from course_utils import explore",
        "wall = explore.weight_wall()\nwall",
        "wall.probe(batch=64)",
        "wall",
        "explore.first_meter()",
    ]
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    for number, cell in enumerate(book.cells):
        cell["id"] = f"cell-{number}"
    path = tmp_path_factory.mktemp("book") / "zz_widgets.ipynb"
    nbformat.write(book, path)
    assert sync(path)
    return path


def test_stored_form_is_a_picture_and_a_sentence(stored):
    book = nbformat.read(stored, as_version=4)
    assert "widgets" not in book.metadata
    assert VIEW not in stored.read_text(encoding="utf-8")
    for number, sentence in ((1, "Batch 64,"), (3, "Batch 64,"), (4, "gemv, n = 1,024,")):
        (output,) = book.cells[number].outputs
        assert set(output.data) == {"image/png", "text/plain"}
        assert output.data["text/plain"].startswith(sentence)
        assert output.metadata == {"image/png": {"width": 720}}
    assert book.cells[2].outputs[0].text.startswith("Batch 64, ")


def test_storing_again_changes_nothing(stored):
    assert not sync(stored)


def test_nbval_passes_and_compares_the_sentence(stored):
    broken = stored.with_name("zz_broken.ipynb")
    text = stored.read_text(encoding="utf-8")
    broken.write_text(text.replace("gemv, n = 1,024", "gemv, n = 1,025"), encoding="utf-8")
    run = nbval(broken)
    assert run.returncode == 1
    assert "1 failed, 4 passed" in run.stdout


def nbval(path):
    options = ["-p", "no:cacheprovider", "-p", "no:xdist", "-q", "--nbval", "--nbval-current-env"]
    command = [sys.executable, "-m", "pytest", *options, path.name]
    return subprocess.run(command, cwd=path.parent, capture_output=True, text=True, timeout=120)
