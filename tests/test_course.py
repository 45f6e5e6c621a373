"""Twelve lessons are one course: headers, recall cards, concept tests, questions taken up."""

import re

import pytest

from course_utils.author import pages
from course_utils.author.__main__ import main
from course_utils.author.course_map import table
from course_utils.author.outline import lessons
from course_utils.exercises.bank import of_lesson
from course_utils.exercises.cards import Choice
from course_utils.exercises.kinds import Prediction

LESSONS = lessons()
NUMBERS = list(LESSONS)
FILES = {number: lesson.path.name for number, lesson in LESSONS.items()}
VOTE = (
    "### A question for the whole room\n\nVote, talk to your neighbour, vote again; in a lecture, "
)


def text(lesson, name):
    return next(words for cell, _, words in lesson.cells if cell == name)


def linked(words):
    """The numbers of the lessons that a text links to, in order."""
    return re.findall(r"\]\((\d\d)_\w+\.ipynb", words)


@pytest.fixture(params=NUMBERS)
def lesson(request):
    return LESSONS[request.param]


def later(first):
    return pytest.mark.parametrize("lesson", [LESSONS[n] for n in NUMBERS[first:]], ids=str_number)


def str_number(lesson):
    return lesson.number


def test_there_are_twelve():
    assert " ".join(NUMBERS) == "00 01 02 03 04 05 06 07 08 09 10 11"


def test_a_header_has_all_its_parts(lesson):
    header = lesson.header
    assert header.minutes in (45, 50, 60)
    assert len(header.abilities) == 3
    assert all(re.match(r"\*\*\w+\*\* ", ability) for ability in header.abilities)


@later(1)
def test_a_lesson_needs_earlier_ones_and_links_to_them(lesson):
    needed = linked(lesson.header.needs)
    assert needed == sorted(set(needed)) and needed[-1] < lesson.number
    words = [int(number) for number in re.findall(r"\[(?:lessons? )?(\d+)\]", lesson.header.needs)]
    assert words == [int(number) for number in needed]


@later(1)
def test_recall_cards_ask_for_one_three_and_six_lessons_back(lesson):
    number = int(lesson.number)
    asked = {int(entry.recalls) for entry in of_lesson(lesson.number) if recalls(entry)}
    assert sum(recalls(entry) for entry in of_lesson(lesson.number)) == 3
    assert asked >= {max(number - back, 0) for back in (1, 3, 6)}
    named = [int(each) for each in linked(text(lesson, "recall"))]
    assert named == sorted(asked, reverse=True)


def recalls(entry):
    return bool(getattr(entry, "recalls", None))


def test_one_concept_test_a_lesson_in_one_style(lesson):
    names = [cell for cell, _, _ in lesson.cells]
    found = [e for e in of_lesson(lesson.number) if isinstance(e, Choice) and e.concept]
    assert len(found) == 1
    (entry,) = found
    assert entry.letters == "abcd" and len(entry.mistakes) == 3 and len(entry.hints) == 2
    place = names.index(f"task-{entry.name}")
    assert names.index("further") < place
    _, kind, before = lesson.cells[place - 1]
    assert kind == "markdown" and re.search(re.escape(VOTE) + r".+\.$", before)


@pytest.mark.parametrize("number", NUMBERS[:-1])
def test_the_last_question_leads_to_the_next_lesson_which_takes_it_up(number):
    following = f"{int(number) + 1:02}"
    core = LESSONS[number].cells[: [name for name, _, _ in LESSONS[number].cells].index("further")]
    asked = [words for _, _, words in core if f"**[Next]({FILES[following]}):**" in words]
    assert len(asked) == 1
    assert "?" in " ".join(words for _, kind, words in core[-3:] if kind == "markdown")
    answer = [
        words
        for name, kind, words in LESSONS[following].cells[1:]
        if kind == "markdown" and name != "recall" and not name.startswith("task-")
    ]
    by_name = re.compile(rf"\b[Ll]essons? {int(number)}\b|\]\({number}_\w+\.ipynb")
    assert any(map(by_name.search, answer))


def test_the_last_lesson_shows_the_table_and_the_poster_complete():
    core = {name: words for name, _, words in LESSONS["11"].cells}
    assert "works.table()" in core["table"] and "works.poster(title=" in core["whole-poster"]


def test_each_lesson_pins_its_rows_and_its_dots(lesson):
    number = int(lesson.number)
    code = "\n".join(words for _, kind, words in lesson.cells if kind == "code")
    # lesson 0 builds the poster by hand; the last lesson shows all rows
    assert f"works.table({number if number < 11 else ''})" in code
    assert number == 0 or f"works.poster({number}, " in code


def test_the_map_has_a_row_for_each_lesson_with_its_exercises():
    rows = table("notebooks/").splitlines()[2:]
    for row, lesson in zip(rows, LESSONS.values(), strict=True):
        cells = [cell.strip() for cell in row.strip("|").split(" | ")]
        graded = [e for e in of_lesson(lesson.number) if not isinstance(e, Prediction)]
        assert cells[0] == (f"[{int(lesson.number)}. {lesson.title}](notebooks/{lesson.path.name})")
        assert cells[1] == str(lesson.header.minutes)
        assert cells[-1] == str(len(graded))


def test_pages_are_up_to_date(capsys):
    assert main(["pages", "--check"]) == 0, capsys.readouterr().err


def test_a_page_that_differs_is_named_and_written(tmp_path, monkeypatch, capsys):
    page = tmp_path / "COVERAGE.md"
    page.write_text("old\n")
    monkeypatch.setattr(pages.coverage, "PAGE", page)
    monkeypatch.setattr(pages, "_pages", lambda: {page: pages.coverage.page()})
    assert main(["pages", "--check"]) == 1
    assert "author: COVERAGE.md is not up to date; run author pages\n" in capsys.readouterr().err
    assert page.read_text() == "old\n"
    assert main(["pages"]) == 0
    assert capsys.readouterr().out == "COVERAGE.md: stored\n"
    assert page.read_text() == pages.coverage.page()
    assert main(["pages", "--check"]) == 0


def test_a_readme_without_its_map_is_an_error(tmp_path, monkeypatch, capsys):
    readme = tmp_path / "README.md"
    readme.write_text("# No map\n")
    monkeypatch.setattr(pages, "README", readme)
    assert main(["pages"]) == 1
    assert "README.md: 0 maps" in capsys.readouterr().err


def test_a_first_cell_of_another_form_is_an_error():
    lesson = LESSONS["00"]
    name, kind, words = lesson.cells[0]
    other = type(lesson)("00", lesson.path, ((name, kind, words.replace("**Needs**", "Needs")),))
    with pytest.raises(ValueError, match="00_three_meters: its first cell is no header"):
        print(other.header)
