"""The glossary is what the lessons say, and no lesson uses a term before it is introduced."""

import json
import re
from collections import Counter, namedtuple
from functools import cache
from pathlib import Path

import pytest
from test_notebook_rules import code, markdown

from course_utils.author.glossary import (
    PAGE,
    TABLE,
    Term,
    introduction,
    is_introduced,
    italics,
    page,
    read_terms,
    spellings,
    used_spellings,
    without_code,
)
from course_utils.author.outline import Lesson, lessons

VERDICT = re.compile(r"(does not )?(holds?|decide|depends)\b|not (found|tested here)$", re.I)
# What else may stand in italics, and where: titles of books, and emphases.  A section's name may,
# in the lesson that has it.
OTHERS = {
    ("00", "Who must talk to whom, what must be remembered, who has to wait?"),
    ("01", "together"),
    ("02", "yesterday"),
    ("04", "more"),
    ("06", "Efficient Processing of Deep Neural Networks"),
    ("07", "Data Movement Is All You Need"),
    ("07", "columns"),
    ("08", "What Every Programmer Should Know About Memory"),
    ("10", "unit"),
    ("10", "library"),
    ("10", "A difference of degree"),  # a verdict
}
MAPS = {("00", "map")}  # what names the later lessons

Line = namedtuple("Line", "lesson cell text section is_heading")


@cache
def course():
    return read_terms(), lessons()


def is_other(number, lesson, phrase):
    """Whether something in italics is a verdict, a section of the lesson, or listed above."""
    headings = re.findall(r"^#+ (.*)$", "\n".join(lesson.markdown.values()), re.M)
    return VERDICT.match(phrase) or phrase in headings or (number, phrase) in OTHERS


def set_in_italics(lessons):
    """(lesson, cell, phrase) for all that stands in italics."""
    for number, lesson in lessons.items():
        for cell, text in lesson.markdown.items():
            yield from ((number, cell, phrase) for phrase in italics(text))


def without_row(terms, lessons):
    known = set().union(*map(spellings, terms))
    return [
        (number, cell, phrase)
        for number, cell, phrase in set_in_italics(lessons)
        if phrase.casefold() not in known and not is_other(number, lessons[number], phrase)
    ]


def set_again(terms, lessons):
    """The terms that stand in italics twice, or in another cell than their own."""
    found = list(set_in_italics(lessons))
    for term in terms:
        own = [place[:2] for place in found if place[2].casefold() in spellings(term)]
        if own != [(term.lesson, term.cell)]:
            yield term.term, own


def course_lines(lessons):
    """The lines of all lessons in order, without code, formulas, targets of links, and lists of
    what comes later; `section` counts the headings so far."""
    lines, section = [], 0
    for number, lesson in lessons.items():
        for cell, text in lesson.markdown.items():
            if (number, cell) in MAPS:
                continue
            text = re.split(r"^After it you can$", without_code(text), flags=re.M)[0]
            for line in re.sub(r"\]\([^)]*\)", "]", text).splitlines():
                is_heading = line.startswith("#")
                section += is_heading
                lines.append(Line(number, cell, line, section, is_heading))
    return lines


def early_uses(term, lines, own=None):
    """The lines that use a term before the cell that introduces it.

    A heading may name what its section introduces. `own`: (lesson, cell) of a cell whose lines do
    not count.
    """
    words = sorted(used_spellings(term), key=len, reverse=True)
    if not words:
        return
    pattern = "|".join(re.escape(word).replace(r"\ ", r"\s+") for word in words)
    pattern = re.compile(rf"(?<!\w)(?:{pattern})(?!\w)", re.I)
    section = introducing_section(term, lines)
    for line in lines:
        if (line.lesson, line.cell) == (term.lesson, term.cell):
            return
        named_above = line.is_heading and line.section == section
        if pattern.search(line.text) and not named_above and (line.lesson, line.cell) != own:
            yield line


def introducing_section(term, lines):
    for line in lines:
        is_own = (line.lesson, line.cell) == (term.lesson, term.cell)
        if is_own and is_introduced(term, line.text):
            return line.section
    return None


def a_lesson_later(term, lessons):
    """The term as if the next lesson began with its introduction; after the last one, its end."""
    numbers = list(lessons)
    place = numbers.index(term.lesson) + 1
    if place == len(numbers):
        return term._replace(cell=None)
    return term._replace(lesson=numbers[place], cell=next(iter(lessons[numbers[place]].markdown)))


def test_the_page_is_what_the_lessons_say():
    assert PAGE.read_text(encoding="utf-8") == page(), (
        "notebooks/glossary.md is not what the lessons say; run python -m course_utils.author pages"
    )


def test_every_italic_is_a_term_or_known():
    assert without_row(*course()) == []


def test_every_known_italic_is_there():
    found = {(place[0], place[2]) for place in set_in_italics(course()[1])}
    assert OTHERS - found == set()


def test_a_term_stands_in_italics_once():
    assert list(set_again(*course())) == []


def test_no_term_is_used_before_it_is_introduced():
    terms, lessons = course()
    lines = course_lines(lessons)
    early = [
        f"{term.term}: {line.lesson} {line.cell}: {line.text}"
        for term in terms
        for line in early_uses(term, lines)
    ]
    assert early == []


def test_a_term_introduced_a_lesson_late_is_found():
    """With the table wrong: nearly all; with the sentence moved as well: what the lesson uses."""
    terms, lessons = course()
    lines = course_lines(lessons)
    late = [(term, a_lesson_later(term, lessons)) for term in terms]
    found = [term for term, moved in late if any(early_uses(moved, lines))]
    assert len(found) >= 0.95 * len(terms), set(terms) - set(found)
    used = [t for t, moved in late if any(early_uses(moved, lines, own=(t.lesson, t.cell)))]
    assert len(used) >= 0.6 * len(terms), f"{len(used)} of {len(terms)}"


# The finder, and the page, on lessons of their own

TEXTS = {
    "00": {
        "title": "# 0. Walk\n\nYou will walk.\n\nAfter it you can\n\n* **name** a cache.",
        "map": "### The map\n\n| cache |",
        "before": "A `cache` and $cache$.\n```\ncache\n```\nSee [there](cache.md); precached.",
    },
    "01": {
        "head": "## The cache",
        "need": "A line is kept.",
        "memory": "It is a *cache*: it keeps *cache\u00a0lines*.",
        "after": "Caches are small.",
    },
}
CACHE = Term("cache", "缓存", "01", "memory", "")


def made(texts):
    return {
        n: Lesson(
            n, Path(f"{n}_a.ipynb"), tuple((name, "markdown", t) for name, t in cells.items())
        )
        for n, cells in texts.items()
    }


def early(term, **more):
    """The cells that use the term early, with more cells before lesson 1."""
    lines = course_lines(made({"00": TEXTS["00"] | more, "01": TEXTS["01"]}))
    return [line.cell for line in early_uses(term, lines)]


def test_what_is_no_use_is_not_found():
    assert early(CACHE) == []


@pytest.mark.parametrize(
    "text",
    ["A cache.", "Caches!", "## The cache", "a\n> cache-like", "| x | cached |", "a **CACHE**"],
)
def test_an_early_use_is_found(text):
    assert early(CACHE._replace(forms="cached"), more=text) == ["more"]


def test_forms_stand_beside_the_term_or_in_its_place():
    for forms, found in (("", ["a"]), ("keep", ["a", "b"]), ("=keep", ["b"])):
        term = CACHE._replace(forms=forms)
        assert early(term, a="Caches are small.", b="They\nkeep it.") == found
    assert early(CACHE._replace(forms="=a key and"), a="A key.", b="Give a key  and go.") == ["b"]


def test_a_heading_of_another_section_is_found():
    texts = {"00": {}, "01": {"a": "## The cache", "b": "## Another"} | TEXTS["01"]}
    assert [line.cell for line in early_uses(CACHE, course_lines(made(texts)))] == ["a"]


def test_a_new_term_without_a_row_and_a_second_time_are_found():
    texts = {
        "00": {"a": "## Further\nA *cache*, *more*, *Holds only if*, *Further*."},
        "04": {"b": "*more*"},
    }
    term = CACHE._replace(lesson="00", cell="a")
    assert without_row([term], made(texts)) == [("00", "a", "more")]
    assert list(set_again([term], made(texts))) == []
    texts["04"]["b"] = "The *Caches*"
    assert list(set_again([term], made(texts))) == [("cache", [("00", "a"), ("04", "b")])]


def written(folder, rows):
    """(notebooks, table) of one lesson, for page()."""
    cells = [markdown("# 0. A\n\n## The | one", "a"), code("1", "c"), markdown("* A *b* |:", "b")]
    (folder / "00_a.ipynb").write_text(json.dumps({"cells": cells}))
    table = folder / "glossary.csv"
    table.write_text("term,chinese,lesson,cell,forms,says\n" + rows, encoding="utf-8")
    return folder, table


def test_a_row_of_the_page(tmp_path):
    last = page(*written(tmp_path, "b,乙,00,b,\n")).splitlines()[-1]
    assert last == r"| b | 乙 | A b \|. | [0](00_a.ipynb), The \| one |"


def test_a_sentence_of_its_own_stands_in_place_of_the_lessons(tmp_path):
    last = page(*written(tmp_path, 'b,乙,00,b,,"One, or `|`."\n')).splitlines()[-1]
    assert last == r"| b | 乙 | One, or `\|`. | [0](00_a.ipynb), The \| one |"


def test_the_table_may_lack_the_sentences(tmp_path):
    folder, table = written(tmp_path, "")
    table.write_text("term,chinese,lesson,cell,forms\nb,乙,00,b,\n", encoding="utf-8")
    assert page(folder, table).splitlines()[-1].startswith(r"| b | 乙 | A b \|. |")


@pytest.mark.parametrize(
    "rows, fault",
    [
        ("b,乙,07,b,\n", "row 2, 'b': there is no lesson '07'"),
        ("b,乙,00,c,\n", "row 2, 'b': lesson 00 has no Markdown cell 'c'"),
        ("b,乙,00,a,\n", "row 2, 'b': is not in italics in a; set it"),
        ("b,乙,00,b,\nB,乙,00,b,\n", "row 3, 'B': stands twice; delete"),
        ("b, ,00,b,\n", "row 2, 'b': has no Chinese; fill"),
        (",乙,00,b,\n", "row 2, '': has no term; delete"),
        ("b,乙,00,b,,One, two.\n", "row 2, 'b': has more fields than the first row; put"),
        ("b,乙,00,b,,One\n", "row 2, 'b': says what is no sentence; write"),
        ('b,乙,00,b,,"One.\nTwo."\n', "row 2, 'b': says what is no sentence; write"),
    ],
)
def test_a_fault_of_the_table_is_named(rows, fault, tmp_path):
    with pytest.raises(ValueError, match=re.escape(fault)):
        page(*written(tmp_path, rows))


def test_a_sentence_and_its_place():
    text = "## Here\n\nNo. (A *cache*.)\nIt *keeps* much. Then more."
    assert introduction(CACHE, text) == ("(A *cache*.)", 9)
    assert introduction(Term("keep", "", "", "", ""), text)[0] == "It *keeps* much."


def test_the_lessons_say_most():
    terms = read_terms()
    own = [term.term for term in terms if term.says]
    assert len(own) <= len(terms) / 3, f"{len(own)} of {len(terms)}; let the lesson say it"


def test_the_table_is_tidy():
    terms = read_terms()
    assert Counter(map(type, terms)) == {Term: len(terms)}
    assert all(field == field.strip() for term in terms for field in term)
    assert TABLE.read_text(encoding="utf-8").endswith("\n")
