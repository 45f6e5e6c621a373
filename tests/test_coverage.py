"""The table of what the course covers: nothing of its sources is left out, each cell is there.

The kept lists stand here and in tests/data; beside the sources themselves they are compared too.
"""

import csv
import io
import json
import re
from pathlib import Path

import pytest

from course_utils.author import coverage
from course_utils.author.coverage import Row

ROOT = Path(__file__).parents[1]
SHARED = ROOT.parent / "shared"  # the notes and the claims; not in the repository
HEADINGS = ROOT / "tests/data/notes_headings.txt"
IMAGES = [
    "img/MLP.png",
    "img/conv.png",
    "img/rnn.png",
    "img/attention.png",
    "img/modernarch1.png",
    "img/modernarch2.png",
    "img/communication.png",
    "img/modernarch3.png",
]
# The lessons to which each claim belongs; there is no claim 7 and no claim 43.
CLAIMS = {
    **dict.fromkeys((1, 2, 3, 6, 40), "01"),
    **dict.fromkeys((8, 9, 10, 11, 12, 13, 14), "02"),
    **dict.fromkeys((16, 17, 18, 19), "03"),
    **dict.fromkeys((21, 27, 30), "04"),
    **dict.fromkeys((22, 23, 28), "05"),
    **dict.fromkeys((39, 41), "06"),
    **dict.fromkeys((32, 34, 35), "09"),
    **dict.fromkeys((36, 37, 38), "10"),
    **dict.fromkeys((42, 44), "00"),
    **{4: "01 08", 5: "01 02 03", 15: "02 08", 20: "03 05", 24: "04 05", 25: "04 08"},
    **{26: "04 07", 29: "07", 31: "08 10", 33: "04 09"},
}
ELSEWHERE = {  # (claim, lesson) that is none of its own, and why the table has it
    (19, "10"): "asked again, of chips",
    (28, "04"): "masks are introduced there",
    (31, "09"): "uneven load is run where work is scattered",
    (35, "10"): "a systolic array holds a weight for the whole batch",
    (42, "03"): "what training keeps is counted for the steps of an RNN",
}


def headings(text):
    """The headings of Markdown, with their marks; a comment in code is none."""
    text = re.sub(r"^```.*?^```", "", text, flags=re.M | re.S)
    return re.findall(r"^#{1,4} .*", text, flags=re.M)


def paths(lines):
    """Each heading with those above it, but for the notes' own title; a colon ends its name."""
    above, found = [], []
    for line in lines:
        marks, _, text = line.partition(" ")
        level = len(marks)
        name = re.split("[:：]", text)[0].strip()
        above = above[: level - 1] + [name]
        found.append(" > ".join(above[1:] if level > 1 else above))
    return found


def brackets(text):
    """{claim: its lessons}, off the list of claims; (01-03) are three."""
    found = {}
    for number, bracket in re.findall(r"^(\d+)\. \(([\d, -]+)\)", text, flags=re.M):
        lessons = []
        for part in bracket.split(", "):
            first, _, last = part.partition("-")
            lessons += [f"{n:02}" for n in range(int(first), int(last or first) + 1)]
        found[int(number)] = " ".join(lessons)
    return found


def items(rows, source):
    """The items of a source, each once, in the table's order."""
    return list(dict.fromkeys(row.item for row in rows if row.source == source))


def stray(rows):
    """(claim, lesson) pairs where the one does not belong to the other."""
    pairs = {(int(row.item), row.lesson) for row in rows if row.source == "claim"}
    return {pair for pair in pairs if pair[1] not in CLAIMS[pair[0]].split()}


def untreated(rows):
    """(claim, lesson) pairs that belong together, and have no row."""
    pairs = {(int(row.item), row.lesson) for row in rows if row.source == "claim"}
    return {(n, lesson) for n, lessons in CLAIMS.items() for lesson in lessons.split()} - pairs


@pytest.fixture(scope="module")
def rows():
    return coverage.rows()


def test_every_heading_of_the_notes_is_treated(rows):
    kept = HEADINGS.read_text(encoding="utf-8").splitlines()
    assert len(kept) == 38 and len(set(paths(kept))) == 38
    assert items(rows, "notes") == paths(kept)


def test_every_claim_is_treated(rows):
    assert sorted(CLAIMS) == [n for n in range(1, 45) if n not in (7, 43)]
    assert items(rows, "claim") == [str(n) for n in sorted(CLAIMS)]


def test_every_picture_is_replaced(rows):
    assert items(rows, "image") == IMAGES


def test_claims_are_run_in_their_lessons(rows):
    assert stray(rows) == set(ELSEWHERE)
    assert untreated(rows) == set()


def test_a_claim_elsewhere_or_nowhere_is_found(rows):
    here = [row for row in rows if row.item != "9"]
    assert untreated(here) == {(9, "02")}
    moved = Row(0, "claim", "9", "about", "03", "cell")
    assert stray([*here, moved]) == set(ELSEWHERE) | {(9, "03")}


def test_the_kept_lists_are_those_of_the_sources():
    if SHARED.exists():
        notes = (SHARED / "source/notes-zh.md").read_text(encoding="utf-8")
        assert headings(notes) == HEADINGS.read_text(encoding="utf-8").splitlines()
        assert re.findall(r"!\[.*?\]\((.*?)\)", notes) == IMAGES
        claims = (SHARED / "design/CLAIMS.md").read_text(encoding="utf-8")
        assert brackets(claims) == CLAIMS


def test_how_the_sources_are_read():
    assert headings("# A\n```py\n# no\n```\n##no\n#### B\n##### no\n") == ["# A", "#### B"]
    lines = ["# Title", "## A： B", "### C", "#### D", "### E", "## F: G", "### C"]
    assert paths(lines) == ["Title", "A", "A > C", "A > C > D", "A > E", "F", "F > C"]
    listed = "1. (01) Once.\n2. (03, 05) Twice, (04).\n30. (00-02) Often.\nIn 1990. (04)\n"
    assert brackets(listed) == {1: "01", 2: "03 05", 30: "00 01 02"}


def test_rows_are_few_and_short(rows):
    for item in items(rows, "notes"):
        assert 1 <= sum(row.item == item for row in rows if row.source == "notes") <= 3, item
    for row in rows:
        assert len(row.about.split()) <= 12, row
        assert not re.search("[一-鿿]", row.item + row.about), row


def test_rows_of_a_heading_are_in_the_order_of_the_lessons(rows):
    notes = [row for row in rows if row.source == "notes"]
    for item in items(rows, "notes"):
        lessons = [row.lesson for row in notes if row.item == item]
        assert lessons == sorted(lessons), item


def test_the_cells_are_there(rows):
    """Read here without the module that makes the page."""
    there = set()
    for path in (ROOT / "notebooks").glob("*.ipynb"):
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        there |= {(path.stem[:2], cell["id"]) for cell in cells}
    assert [row for row in rows if (row.lesson, row.cell) not in there] == []


def test_claims_are_run_and_pictures_drawn(rows):
    """A claim has a cell with code, or is judged in prose alone; a picture has an output."""
    kinds = {}
    for path in (ROOT / "notebooks").glob("*.ipynb"):
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            kinds[path.stem[:2], cell["id"]] = cell["cell_type"], cell.get("outputs")
    by_claim = {}
    for row in rows:
        if row.source == "claim":
            by_claim.setdefault(row.item, set()).add(kinds[row.lesson, row.cell][0])
        if row.source == "image":
            kind, outputs = kinds[row.lesson, row.cell]
            assert outputs or kind == "markdown", row
    assert {n for n, found in by_claim.items() if "code" not in found} == {"19", "30", "36"}


# --- the page --------------------------------------------------------------------------------


def test_the_page_is_up_to_date():
    assert coverage.PAGE == ROOT / "COVERAGE.md"
    stored = coverage.PAGE.read_bytes().decode("utf-8")
    assert stored == coverage.page(), "COVERAGE.md: run python -m course_utils.author pages"
    assert stored.endswith("|\n") and "`python -m course_utils.author pages`" in stored


def test_the_links_of_the_page_lead_somewhere():
    links = re.findall(r"\]\(([^)\s]+)\)", coverage.page())
    assert len(set(links)) == 12  # eleven lessons, none of the capstones, and the table
    assert [link for link in links if not (ROOT / link).is_file()] == []


def test_the_page_has_all_rows(rows):
    text = coverage.page()
    assert text.startswith("# What the course covers\n")
    assert len(re.findall(r", `[\w-]+`(?=<br>| \|)", text)) == len(rows)


@pytest.fixture
def folder(tmp_path):
    """Two small lessons."""
    notebooks = tmp_path / "notebooks"
    notebooks.mkdir()
    for number, title, cells in (
        (
            "00",
            "Zero",
            [("needs", "what it | needs\n\n## A | B"), ("code", None), ("c", "## C [d](e.md)")],
        ),
        ("01", "One", [("far", "## Further\n\n### D\n\nand\n\n### E"), ("last", "text")]),
    ):
        sources = [("title", f"# {int(number)}. {title}\n\ntext"), *cells]
        made = [
            {"id": name, "cell_type": "markdown" if text else "code", "source": [text or "# x"]}
            for name, text in sources
        ]
        path = notebooks / f"{number}_{title.lower()}.ipynb"
        path.write_text(json.dumps({"cells": made}), encoding="utf-8")
    return notebooks


GOOD = """\
source,item,about,lesson,cell
notes,A > B,,00,needs
notes,A > B,,01,far
claim,1,It holds.,00,code
claim,1,"Left out, that",01,last
claim,1,It holds.,00,c
image,img/a.png,,00,title
"""


def page(folder, text):
    table = folder.parent / "few.csv"
    table.write_text(text, encoding="utf-8")
    return coverage.page(table, folder)


def test_a_small_page(folder):
    text = page(folder, GOOD)
    lines = [line for line in text.splitlines() if line.startswith("| ") and "](" in line]
    zero, one = "[0](notebooks/00_zero.ipynb) Zero → ", "[1](notebooks/01_one.ipynb) One → "
    assert lines == [
        rf"| A > B | {zero}0. Zero, `needs`<br>{one}D, `far` |",
        rf"| 1 | It holds. | {zero}A \| B, `code`<br>{zero}C d, `c` |",
        rf"| 1 | Left out, that | {one}E, `last` |",
        rf"| img/a.png | {zero}0. Zero, `title` |",
    ]
    parts = [line for line in text.splitlines() if line.startswith("## ")]
    assert parts == ["## The notes", "## Claims under test", "## The notes' pictures"]


@pytest.mark.parametrize(
    "before, after, message",
    [
        ("00,code", "02,code", "row 4, names a lesson '02'; there are 00, 01"),
        ("00,code", "0,code", "row 4, names a lesson '0'; there are 00, 01"),
        ("00,code", "00,codes", "row 4, names a cell 00 'codes'; near it: code"),
        ("00,code", "00,zzz", "row 4, names a cell 00 'zzz'; look for its id in 00_zero"),
        ("about,", "abuot,", "row 1, names a column 'abuot'; the columns are source, item, about"),
        (",cell\n", "\n", "row 1, names other columns; write source,item,about,lesson,cell"),
        ("01,far", "00,needs", "row 3, says again what row 2 says; delete one of them"),
        ("00,c\n", "00,code\n", "row 6, says again what row 4 says"),
        ("notes,A > B,,01", "note,A > B,,01", "row 3, has the source 'note'; write notes or claim"),
        ("img/a.png", "", "row 7, has no item; name the heading, the claim or the picture"),
        ("It holds.,00,code", ",00,code", "row 4, does not say what is claimed"),
        (",,00,needs", ",b,00,needs", "row 2, says something in column about; only a claim"),
        (",00,title", ",00", "row 7, has 4 columns; write five"),
        ('"Left out, that"', "Left out, that", "row 5, has 6 columns; write five"),
    ],
)
def test_faults_are_found(folder, before, after, message):
    assert before in GOOD
    with pytest.raises(ValueError, match=re.escape(f"few.csv, {message}")):
        page(folder, GOOD.replace(before, after, 1))


def test_an_empty_table_is_a_fault(folder):
    with pytest.raises(ValueError, match="row 1, names other columns"):
        page(folder, "")


def test_the_table_is_plain():
    """As Python's csv writes it, with line feeds: a difference is a change of words."""
    text = coverage.TABLE.read_bytes().decode("utf-8")
    again = io.StringIO()
    csv.writer(again, lineterminator="\n").writerows(csv.reader(io.StringIO(text)))
    assert again.getvalue() == text
