"""`make lecturer`: solved copies, outlines to type into, and sheets; nothing is run."""

import html
import json
import re
import shutil

import nbformat
import pytest

from course_utils.author.sync import NOTEBOOKS, find_notebooks
from course_utils.edition import answers, order
from course_utils.edition.lecturer import lecturer, put
from course_utils.edition.misconceptions import misconceptions
from course_utils.exercises import bank
from course_utils.exercises.cards import Choice
from course_utils.exercises.kinds import Function, Prediction, Value
from course_utils.exercises.puzzles import Design

KINDS = ["solved.ipynb", "outline.ipynb", "sheet.html"]
LESSONS = [path.stem for path in find_notebooks(NOTEBOOKS)]
EVERY_LESSON = pytest.mark.parametrize("stem", LESSONS)


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """A course of all lessons with what a lecturer works with, the same as in the repository."""
    root = tmp_path_factory.mktemp("course")
    (root / "notebooks").mkdir()
    for path in find_notebooks(NOTEBOOKS):
        shutil.copy(path, root / "notebooks")
        written = lecturer(root / "notebooks" / path.name)
        assert written == [root / "lecturer" / f"{path.stem}.{kind}" for kind in KINDS]
    return root


@pytest.fixture
def small(course, tmp_path):
    """A course of lesson 00 with what a lecturer works with; returns the lesson's path."""
    for folder in "notebooks", "lecturer":
        (tmp_path / folder).mkdir()
        for path in (course / folder).glob(f"{LESSONS[0]}*"):
            shutil.copy(path, tmp_path / folder)
    return tmp_path / "notebooks" / f"{LESSONS[0]}.ipynb"


def notebook(root, stem, kind):
    return nbformat.read(root / "lecturer" / f"{stem}.{kind}.ipynb", as_version=4)


def shipped(stem):
    return nbformat.read(NOTEBOOKS / f"{stem}.ipynb", as_version=4)


def graded(stem):
    return [entry for entry in bank.of_lesson(stem[:2]) if not isinstance(entry, Prediction)]


def code(cells):
    return [cell for cell in cells if cell.cell_type == "code"]


def headings(cells):
    text = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    return re.findall(r"^#+ .*", text.replace("](../notebooks/", "]("), re.M)


# Solved


@EVERY_LESSON
def test_a_solved_copy_has_all_answers_right_and_every_cell_run(course, stem):
    solved = notebook(course, stem, "solved")
    cells = {cell.id: cell for cell in solved.cells}
    for entry in graded(stem):
        stub = cells[f"stub-{entry.name}"]
        assert stub.source.startswith("# Solution\n")
        assert stub.source.endswith("\n" + entry.filled(entry.reference))
        assert "solution" in stub.metadata.tags
        checked = cells[f"check-{entry.name}"] if isinstance(entry, Function) else stub
        (line,) = (output.text for output in checked.outputs)
        assert line.startswith(f"✓ {entry.name}")
    counts = [cell.execution_count for cell in code(solved.cells)]
    assert counts == list(range(1, len(counts) + 1))


@EVERY_LESSON
def test_a_solved_copy_is_else_the_lesson_as_shipped(course, stem):
    answered = {f"{part}-{entry.name}" for entry in graded(stem) for part in ("stub", "check")}
    pairs = zip(notebook(course, stem, "solved").cells, shipped(stem).cells, strict=True)
    for one, other in pairs:
        one.source = one.source.replace("](../notebooks/", "](")
        assert one == other or other.id in answered


@EVERY_LESSON
def test_every_link_leads_somewhere(course, stem):
    for kind in "solved", "outline":
        cells = notebook(course, stem, kind).cells
        text = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
        found = re.findall(r"\[[^\]]+\]\(([^)#:]+)[^)]*\)", re.sub(r"`[^`]*`|\$[^$]*\$", "", text))
        files = [link for link in found if re.search(r"\.\w+$", link)]
        assert len(files) > 5
        for link in files:
            assert (NOTEBOOKS.parent / "lecturer" / link).resolve().is_file(), link


# Outline


@EVERY_LESSON
def test_an_outline_keeps_headings_exercises_and_bets_and_has_no_output(course, stem):
    outline, lesson = notebook(course, stem, "outline"), shipped(stem)
    kept = {cell.id: cell for cell in outline.cells}
    room = "### A question for the whole room"  # it comes before Further, under the section there
    assert sorted([room, *headings(outline.cells)]) == sorted(headings(lesson.cells))
    for cell in lesson.cells:
        if cell.cell_type == "code" or cell.id.startswith("task-"):
            assert kept[cell.id].cell_type == cell.cell_type
        if cell.id.split("-")[0] in ("setup", "task", "stub", "check"):
            assert kept[cell.id].source == cell.source
        if "reveal(" in cell.source and cell.cell_type == "code":
            assert "reveal(" in kept[cell.id].source
    assert not any(cell.outputs or cell.execution_count for cell in code(outline.cells))
    tags = [cell.metadata.get("tags", []) for cell in code(lesson.cells)]
    assert [kept[c.id].metadata.get("tags", []) for c in code(lesson.cells)] == tags


@EVERY_LESSON
def test_an_outline_follows_the_lecture(course, stem):
    names = [cell.id for cell in order.core(NOTEBOOKS / f"{stem}.ipynb", shipped(stem))]
    kept = [cell.id for cell in notebook(course, stem, "outline").cells]
    assert kept == [name for name in names if name in kept] + kept[kept.index("further") :]


def test_of_other_text_stay_questions_claims_and_tables(course):
    kept = {cell.id: cell.source for cell in notebook(course, LESSONS[1], "outline").cells}
    assert kept["need"].endswith("\n\nA 1 or a 7 on the left, a 1 or a 7 on the right: the same "
                                 "digit, or not?")  # fmt: skip
    assert "wires-after" not in kept  # speaks
    assert kept["curve-after"] == '> "So an MLP can learn any function."'
    kept = {cell.id: cell.source for cell in notebook(course, LESSONS[11], "outline").cells}
    table = next(cell.source for cell in shipped(LESSONS[11]).cells if cell.id == "structure")
    assert kept["structure"] == table.rsplit("\n\n", 1)[0]


# Sheet


@EVERY_LESSON
def test_a_sheet_tells_each_question_its_answer_and_what_wrong_ones_reveal(course, stem):
    text = (course / "lecturer" / f"{stem}.sheet.html").read_text(encoding="utf-8")
    for entry in bank.of_lesson(stem[:2]):
        (article,) = re.findall(rf'<article [^>]*id="{entry.name}">.*?</article>', text, re.S)
        said = html.unescape(article)
        if isinstance(entry, Prediction):
            assert "<b>it is " in said
            continue
        right = {
            Value: lambda entry: f"<b>{answers._number(entry.value)} {entry.unit}</b>",
            Choice: lambda entry: f"<b>({entry.reference()}) ",
            Design: lambda entry: f"<b>{entry.reference()} → ",
        }.get(type(entry), lambda entry: f"<pre>{entry.solution()}</pre>")(entry)
        assert right in said
        for known in entry.mistakes:
            assert not known.code or f"<b>{known.code}</b>" in said
            assert not isinstance(entry, Value) or answers._number(known.function()) in said


@EVERY_LESSON
def test_a_sheet_ends_with_the_misconceptions_of_its_lesson(course, stem):
    text = (course / "lecturer" / f"{stem}.sheet.html").read_text(encoding="utf-8")
    listed = re.findall(r"<tr><td><b>(\w\d)</b></td><td>(.*?)</td><td>(.*?)</td>", text)
    used = {known.code for entry in graded(stem) for known in entry.mistakes}
    wanted = [each for code, each in misconceptions().items() if code in used]
    assert [(code, says) for code, says, _ in listed] == [(each.code, each.says) for each in wanted]


@EVERY_LESSON
def test_a_timetable_covers_the_lessons_minutes(course, stem):
    text = (course / "lecturer" / f"{stem}.sheet.html").read_text(encoding="utf-8")
    rows = re.findall(r"<tr><td>(\d+)–(\d+)</td><td>(\d+)</td>", text)
    begins, ends, minutes = (list(map(int, column)) for column in zip(*rows, strict=True))
    assert begins == [0, *ends[:-1]]
    assert ends[-1] == sum(minutes) == int(re.search(r"(\d+) minutes before", text)[1])
    assert min(minutes) > 0


@EVERY_LESSON
def test_a_sheet_needs_no_other_file(course, stem):
    text = (course / "lecturer" / f"{stem}.sheet.html").read_text(encoding="utf-8")
    assert not re.search(r"(?:src|href)=|url\(|@import|https?:", text)
    assert "$" not in text  # formulas would need MathJax


def test_a_wrong_answer_may_be_a_function_lines_a_chip_or_a_text(course):
    def said(stem, name):
        text = (course / "lecturer" / f"{stem}.sheet.html").read_text(encoding="utf-8")
        return html.unescape(re.search(rf'<article [^>]*id="{name}">.*?</article>', text, re.S)[0])

    assert "<td>(64, 8, 8, 2)</td>" in said(LESSONS[11], "chatbot_chip")
    assert "<td>two biases</td>" in said(LESSONS[11], "rnn_sizes")
    assert "<td>“They all wait for memory.”</td>" in said(LESSONS[11], "three_limits")
    assert "bias last of all" in said(LESSONS[1], "dense_loops")
    known = next(entry for entry in graded(LESSONS[7]) if entry.name == "tile_traffic")
    assert "<td><code>" in said(LESSONS[7], known.name)


def test_a_bet_without_an_outcome_is_one_line(small):
    lesson = json.loads(small.read_text(encoding="utf-8"))
    (cell,) = (c for c in lesson["cells"] if c["id"] == "here-reveal")
    cell["outputs"] = []
    small.write_text(json.dumps(lesson), encoding="utf-8")
    with pytest.raises(ValueError, match="^00_three_meters: cell here-reveal reveals 1 bets .* 0"):
        lecturer(small)


# Misconceptions


def test_the_table_has_the_codes_of_all_mistakes_and_no_other():
    entries = [entry for lesson in bank.lessons() for entry in graded(lesson)]
    used = {known.code for entry in entries for known in entry.mistakes if known.code}
    assert set(misconceptions()) == used
    for each in misconceptions().values():
        assert each.says and each.ask.endswith("?"), each


def test_a_code_that_no_row_has_is_one_line(small, monkeypatch):
    table = {code: each for code, each in misconceptions().items() if code != "U2"}
    monkeypatch.setattr(answers, "misconceptions", lambda: table)
    with pytest.raises(ValueError, match="^[a-z_]+: the misconception U2 is in no row of data/"):
        lecturer(small)


# What is there stays


def test_what_nobody_touched_is_left_alone(small):
    folder = small.parent.parent / "lecturer"
    before = {path: path.stat().st_mtime_ns for path in folder.iterdir()}
    assert sorted(lecturer(small)) == sorted(before)
    assert {path: path.stat().st_mtime_ns for path in folder.iterdir()} == before


@pytest.mark.parametrize("place, kind", [*enumerate(KINDS)])
def test_what_someone_edited_is_never_written_to(small, place, kind):
    target = lecturer(small)[place]
    fresh = target.read_text(encoding="utf-8")
    edited = fresh.replace("What we found", "What they found", 1)
    assert edited != fresh
    target.write_text(edited, encoding="utf-8")
    beside = lecturer(small)[place]
    assert beside.name == f"{small.stem}.{kind.replace('.', '.new.')}"
    assert beside.read_text(encoding="utf-8") == fresh
    assert target.read_text(encoding="utf-8") == edited
    count = len([*target.parent.iterdir()])
    assert lecturer(small)[place] == beside  # and no third one
    beside.write_text(edited, encoding="utf-8")
    assert lecturer(small)[place].name == f"{small.stem}.{kind.replace('.', '.new2.')}"
    assert len([*target.parent.iterdir()]) == count + 1
    assert beside.read_text(encoding="utf-8") == edited


@pytest.mark.parametrize("place", [0, 1])
def test_a_copy_that_was_run_and_saved_is_kept_until_the_lesson_changes(small, place):
    target = lecturer(small)[place]
    ran = nbformat.read(target, as_version=4)
    for cell in code(ran.cells):
        cell.execution_count, cell.outputs = 7, []
    target.write_text(json.dumps(ran), encoding="utf-8")  # as another program would lay it out
    saved = target.read_bytes()
    assert lecturer(small)[place] == target
    assert target.read_bytes() == saved
    lesson = json.loads(small.read_text(encoding="utf-8"))
    lesson["cells"][1]["source"] += ["\n", "# one line more"]
    small.write_text(json.dumps(lesson), encoding="utf-8")
    assert lecturer(small)[place] == target
    assert "# one line more" in target.read_text(encoding="utf-8")


@pytest.mark.parametrize("there", [b"", b"\xff", b"[]", b'{"metadata": {"course": 1}}'])
def test_what_is_no_file_of_ours_stays(small, there):
    solved, _, page = lecturer(small)
    fresh = {path: path.read_bytes() for path in (solved, page)}
    for path, data in fresh.items():
        path.write_bytes(there)
        assert put(data, path) == path.with_suffix(f".new{path.suffix}")
        assert path.read_bytes() == there
