"""`python -m course_utils.author variants`: right and wrong answers, run by nbval."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from course_utils.author.__main__ import main
from course_utils.author.cells import cut_off, names
from course_utils.exercises import bank
from course_utils.exercises.kinds import Function, Prediction

ROOT = Path(__file__).parents[1]
SET_UP = "import time\n\nimport numpy as np\n\nfrom course_utils.exercises import check, predict"
BEFORE = [
    ("set-up", SET_UP, ()),
    ("size", "size = 3", ()),
    ("clock", "speed = time.perf_counter()", ["measure"]),
    ("use-of-clock", "twice = 2 * speed", ()),
    ("use-of-use", "print(twice > 0)", ()),
    ("again", "speed = size", ()),
    ("use-of-again", "print(2 * speed)", ()),
]
SKIPPED = {"clock", "use-of-clock", "use-of-use"} | {"use-of-again", "out-of-reach"}
TRANSPORT = """import json

from ipykernel import get_connection_file

json.loads(open(get_connection_file()).read())["transport"]"""
AFTER = [
    ("use-of-answer", "print(dense_meters(2, 3, size, 4), speed)", ()),
    ("out-of-reach", "print(size)", ()),
]


def small_notebook(lesson):
    """All exercises of a lesson as shipped, between cells that are measured and that are not."""
    notebook = new_notebook(cells=[new_markdown_cell(f"# {int(lesson)}. Try it", id="title")])
    code = [new_code_cell(text, id=name, metadata={"tags": [*tags]}) for name, text, tags in BEFORE]
    notebook.cells += code
    for entry in bank.of_lesson(lesson):
        for part, text in entry.cells().items():
            make = new_markdown_cell if part == "task" else new_code_cell
            notebook.cells.append(make(text, id=f"{part}-{entry.name}"))
    if lesson == "01":
        notebook.cells += [new_code_cell(text, id=name) for name, text, _ in AFTER]
    return notebook


def write(folder, notebook, name):
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(json.dumps(notebook), encoding="utf-8")


def read(path):
    return nbformat.read(path, as_version=4)


def cell(notebook, name):
    return next(cell for cell in notebook.cells if cell.id == name)


def skipped(notebook):
    return {c.id for c in notebook.cells if "nbval-skip" in c.metadata.get("tags", [])}


def graded(lesson):
    return [entry for entry in bank.of_lesson(lesson) if not isinstance(entry, Prediction)]


@pytest.fixture
def written(tmp_path):
    """A course of one lesson 01 that nobody has run, with its variants."""
    notebook = small_notebook("01")
    cell(notebook, "use-of-again").outputs = [new_output("stream", text="as shipped\n")]
    write(tmp_path / "notebooks", notebook, "01_try.ipynb")
    assert main(["variants"], tmp_path / "notebooks") == 0
    return tmp_path


def test_two_notebooks_are_written_beside_the_course(written, capsys):
    before = (written / "notebooks" / "01_try.ipynb").read_bytes()
    assert main(["variants", "01"], written / "notebooks") == 0
    assert capsys.readouterr().out.endswith("01_try: 01_try.solved.ipynb and 01_try.wrong.ipynb\n")
    names = sorted(path.name for path in (written / "variants").iterdir())
    assert names == ["01_try.solved.ipynb", "01_try.wrong.ipynb"]
    assert (written / "notebooks" / "01_try.ipynb").read_bytes() == before


def test_the_answers_stand_in_the_stubs_and_their_lines_in_the_checks(written):
    solved = read(written / "variants" / "01_try.solved.ipynb")
    wrong = read(written / "variants" / "01_try.wrong.ipynb")
    for turn, entry in enumerate(graded("01")):
        mistake = entry.mistakes[turn % len(entry.mistakes)]
        place = f"{'check' if isinstance(entry, Function) else 'stub'}-{entry.name}"
        assert cell(solved, f"stub-{entry.name}").source == entry.filled(entry.reference)
        assert cell(wrong, f"stub-{entry.name}").source == entry.filled(mistake.function)
        assert [o.text for o in cell(solved, place).outputs] == [f"✓ {entry.name}\n"]
        line = f"✗ {entry.name}: {mistake.message}\n"
        assert [o.text for o in cell(wrong, place).outputs] == [line]
    assert 'check("dense_params", 78500)' in cell(solved, "stub-dense_params").source
    assert "def dense_meters(batch, inputs" in cell(wrong, "stub-dense_meters").source
    assert cell(solved, "check-dense_meters").source == "dense_meters = check(dense_meters)"


def test_bets_stay_unplaced_and_other_cells_as_shipped(written):
    shipped = read(written / "notebooks" / "01_try.ipynb")
    for kind in ("solved", "wrong"):
        variant = read(written / "variants" / f"01_try.{kind}.ipynb")
        assert cell(variant, "stub-batch_time").source == 'predict("batch_time", ...)'
        answered = {f"{part}-{entry.name}" for entry in graded("01") for part in ("stub", "check")}
        for one, other in zip(shipped.cells, variant.cells, strict=True):
            if one.id not in answered | SKIPPED:
                assert one == other
        assert cell(variant, "use-of-again").outputs[0].text == "as shipped\n"


def test_what_depends_on_a_measurement_or_on_no_answer_is_skipped(written):
    for kind in ("solved", "wrong"):
        assert skipped(read(written / "variants" / f"01_try.{kind}.ipynb")) == SKIPPED


def test_the_same_again_writes_no_file_anew(written):
    path = written / "variants" / "01_try.wrong.ipynb"
    os.utime(path, (1, 1))
    assert main(["variants"], written / "notebooks") == 0
    assert path.stat().st_mtime == 1


def test_an_answer_that_needs_a_name_which_the_notebook_lacks_is_one_line(tmp_path, capsys):
    notebook = small_notebook("00")
    cell(notebook, "set-up").source = "from course_utils.exercises import check, predict"
    write(tmp_path / "notebooks", notebook, "00_try.ipynb")
    assert main(["variants"], tmp_path / "notebooks") == 1
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "00_try: roofline uses np, which no cell before stub-roofline binds" in said
    cell(notebook, "set-up").source = SET_UP
    write(tmp_path / "notebooks", notebook, "00_try.ipynb")
    assert main(["variants"], tmp_path / "notebooks") == 0


def test_a_notebook_that_sync_refuses_is_refused(tmp_path, capsys):
    notebook = small_notebook("01")
    notebook.cells.remove(cell(notebook, "check-dense_meters"))
    write(tmp_path / "notebooks", notebook, "01_try.ipynb")
    assert main(["variants"], tmp_path / "notebooks") == 1
    assert capsys.readouterr().err == "author: 01_try lacks the cells check-dense_meters\n"


# With nbval


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """A course of one lesson, run and stored, with the hook that collects its variants."""
    folder = tmp_path_factory.mktemp("course")
    write(folder / "notebooks", small_notebook("01"), "01_try.ipynb")
    assert main(["sync"], folder / "notebooks") == 0
    shutil.copy(ROOT / "notebooks" / "conftest.py", folder / "notebooks")
    (folder / "pytest.ini").write_text("[pytest]\ntestpaths = notebooks\n")
    return folder


def nbval(folder, *arguments):
    command = [sys.executable, "-m", "pytest", "--nbval", "--nbval-current-env", "-v", "-rN"]
    return subprocess.run(
        [*command, "-p", "no:cacheprovider", "-p", "no:randomly", *arguments],
        cwd=folder,
        env={**os.environ, "COURSE_CI": ""},
        capture_output=True,
        text=True,
        timeout=300,
    )


def outcomes(result, outcome):
    """[(file, place of the cell)] of the tests with an outcome."""
    lines = [line for line in result.stdout.splitlines() if f" {outcome}" in f" {line}"]
    parts = [line.replace(outcome, "").split("::Cell ") for line in lines if "::Cell " in line]
    # pytest writes a/b.c.ipynb as a/b::c::ipynb here
    return sorted({(file.split()[-1].replace("::", "."), int(n.split()[0])) for file, n in parts})


def test_a_bare_pytest_runs_the_lesson_and_its_variants(course):
    result = nbval(course, "-n2", "--dist=loadfile")
    assert result.returncode == 0, result.stdout
    passed, left_out = outcomes(result, "PASSED"), outcomes(result, "SKIPPED")
    files = [
        "notebooks/01_try.ipynb",
        "variants/01_try.solved.ipynb",
        "variants/01_try.wrong.ipynb",
    ]
    assert sorted({file for file, _ in passed}) == files
    number = {file: sum(file == other for other, _ in passed) for file in files}
    assert number[files[1]] == number[files[2]] == number[files[0]] - len(SKIPPED)
    assert left_out == [(file, place) for file in files[1:] for place in (2, 3, 4, 6, 25)]
    lines = [line for line in result.stdout.splitlines() if line.startswith("[gw")]
    places = {(line.split()[0], line.split("::Cell ")[0].split()[-1]) for line in lines}
    assert len(places) == 3  # each file as a whole went to one worker


@pytest.mark.skipif(os.name != "posix", reason="sockets in files are a thing of Unix")
def test_kernels_of_sync_and_of_nbval_take_no_port(tmp_path):
    notebook = new_notebook(cells=[new_markdown_cell("# 99. Ask", id="title")])
    notebook.cells.append(new_code_cell(TRANSPORT, id="transport"))
    write(tmp_path / "notebooks", notebook, "99_ask.ipynb")
    assert main(["sync"], tmp_path / "notebooks") == 0
    stored = cell(read(tmp_path / "notebooks" / "99_ask.ipynb"), "transport")
    assert stored.outputs[0].data["text/plain"] == "'ipc'"
    shutil.copy(ROOT / "notebooks" / "conftest.py", tmp_path / "notebooks")
    result = nbval(tmp_path, "notebooks")
    assert result.returncode == 0, result.stdout


def test_a_line_that_differs_fails(course):
    names = ("stub-dense_params", "check-dense_meters")
    paths = [f"variants/01_try.{kind}.ipynb" for kind in ("solved", "wrong")]
    main(["variants"], course / "notebooks")
    for path in paths:
        notebook = read(course / path)
        code = [cell.id for cell in notebook.cells if cell.cell_type == "code"]
        for name in names:
            stored = cell(notebook, name).outputs[0]
            stored.text = stored.text.replace("dense", "danse")
        write(course / "variants", notebook, path.removeprefix("variants/"))
    result = nbval(course, *paths)
    places = [code.index(name) for name in names]
    assert outcomes(result, "FAILED") == [(path, place) for path in paths for place in places]


def test_a_notebook_without_variants_fails_when_collected(course, tmp_path):
    shutil.copytree(course, tmp_path / "broken")
    notebook = small_notebook("01")
    notebook.cells.remove(cell(notebook, "stub-dense_params"))
    write(tmp_path / "broken" / "notebooks", notebook, "01_try.ipynb")
    result = nbval(tmp_path / "broken", "--collect-only")
    assert result.returncode != 0
    assert "01_try lacks the cells stub-dense_params" in result.stdout
    assert "Traceback" not in result.stdout


# What a cell takes and gives


@pytest.mark.parametrize(
    "source, needs, binds",
    [
        ("x = y + z.a[0]", {"y", "z"}, {"x"}),
        ("x = x + 1", {"x"}, {"x"}),
        ("x += y", {"x", "y"}, {"x"}),
        ("x = 1\nx += x", set(), {"x"}),
        ("x[i] = y", {"x", "i", "y"}, set()),
        ("a, (b, *c) = d", {"d"}, {"a", "b", "c"}),
        ("import a.b as c, d.e\nfrom f import g", set(), {"c", "d", "g"}),
        ("for n in r:\n    print(n)", {"r", "print"}, {"n"}),
        ("print(*(n for n in r))", {"print", "r"}, {"n"}),
        ("with a as b, c:\n    b", {"a", "c"}, {"b"}),
        ("def f(a, b=c):\n    d = a\n    return d + e", {"c", "e"}, {"f", "a", "b", "d"}),
        ("%matplotlib inline\na", {"get_ipython", "a"}, set()),
        ("", set(), set()),
    ],
)
def test_names_of_a_cell(source, needs, binds):
    assert names(source) == (needs, binds)


@pytest.mark.parametrize(
    "sources, out",
    [
        (["a = 1", "b = 2", "a + b"], {0, 2}),
        (["a = 1", "a = 2", "a"], {0}),
        (["a = 1", "a = a + 1", "a = 2", "a"], {0, 1}),
        (["a = 1", "b = a", "c = b", "d = 1", "c + d"], {0, 1, 2, 4}),
        (["a = 1", "for a in range(3):\n    print(a)", "a"], {0}),
        (["import a", "a.b", "from a import b"], {0, 1}),
        (["def f():\n    return 1", "f()"], {0, 1}),
        (["a = 1", "def f():\n    return a", "f()"], {0, 1, 2}),
        (["a = 1", "print('a')", "b.a", "f(a=1)"], {0}),
    ],
)
def test_cells_that_are_cut_off(sources, out):
    assert cut_off(sources, {0}) == out
