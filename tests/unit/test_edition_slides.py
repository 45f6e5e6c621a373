"""What stands on which slide: the rule, the tags, and that nothing of a lesson is lost."""

import copy
import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nbformat.v4 import new_code_cell, new_markdown_cell, new_output

from course_utils.author.outline import plain
from course_utils.author.sync import NOTEBOOKS, find_notebooks, read
from course_utils.edition import order, parts, pictures
from course_utils.edition.slides import LONG, TYPES, slide_type, slides
from course_utils.exercises.bank import find
from course_utils.exercises.cards import Choice
from course_utils.exercises.kinds import Prediction

LESSONS = find_notebooks(NOTEBOOKS)
EVERY_LESSON = pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
PATH = LESSONS[1]
HERE = "## Here, and nowhere else"


def shipped():
    return PATH, read(PATH)


def said(text):
    return [new_output("stream", name="stdout", text=text)]


def a_picture():
    cells = read(PATH).cells
    return copy.deepcopy(next(cell for cell in cells if pictures.shown(cell)))


def code(source, *tags, outputs=(), **kwargs):
    return new_code_cell(source, metadata={"tags": [*tags]}, outputs=[*outputs], **kwargs)


def prose(source, *tags, **kwargs):
    return new_markdown_cell(source, metadata={"tags": [*tags]}, **kwargs)


def laid_out(*cells):
    """The slides of some cells that stand in lesson 01, under a heading of their own."""
    notebook = read(PATH)
    at = [cell.id for cell in notebook.cells].index("further")
    notebook.cells[at:at] = [prose(HERE, id="here"), *cells]
    found = slides(PATH, notebook)
    there = [n for n, slide in enumerate(found) if slide.heading == HERE.removeprefix("## ")]
    assert there == [*range(there[0], there[-1] + 1)]
    return found[there[0] : there[-1] + 1]


def everything(slide):
    return [part for each in slide.parts for part in [each, *each.beside]]


def texts(slide):
    in_words = ("text", "label", "note")
    return [p.content if p.kind in in_words else p.content[0] for p in everything(slide)]


def kinds(slide):
    return [part.kind + ("*" if part.fragment else "") for part in slide.parts]


@pytest.mark.parametrize(
    "cell, kind",
    [
        (prose("## A heading\n\nand a text"), "slide"),
        (prose("A text."), "same"),
        (prose("**Your bet**", id="task-hits_roof"), "slide"),
        (prose("**01.1**", id="task-dense_parameters"), "slide"),
        (code("x = 3\nx", outputs=said("3")), "same"),
        (code("def f():\n    return 1"), "same"),
        (a_picture(), "fragment"),
        (code('reveal("hits_roof", 12)', outputs=said("it is 12")), "fragment"),
        (code('done = check("dense_parameters", 1)'), "fragment"),
        (code("...", id="stub-dense_parameters"), "fragment"),
        (code('predict("hits_roof", ...)'), "skip"),
        (code("import numpy as np\nx = 3", id="setup"), "skip"),
        (code("import numpy as np\n\nfrom time import sleep"), "skip"),
        (code("from a import (\n    b,\n    c,\n)"), "skip"),
        (code("import numpy as np\nx = 3"), "same"),
        (code("from course_utils import works\nworks.table(1)", outputs=said("x")), "same"),
    ],
)
def test_by_rule(cell, kind):
    assert slide_type(PATH, cell) == kind


@pytest.mark.parametrize("kind", TYPES)
def test_a_tag_overrides_the_rule(kind):
    for cell in prose("## A heading", f"slide:{kind}", "other"), code("x", f"slide:{kind}"):
        assert slide_type(PATH, cell) == kind


@pytest.mark.parametrize("tag", ["slide:big", "slide:", "slide", "slides:skip", "slideshow"])
def test_a_tag_that_is_no_slide_type_is_one_line(tag):
    with pytest.raises(ValueError) as caught:
        slide_type(PATH, prose("A text.", tag, id="odd"))
    line = str(caught.value)
    assert line.startswith(f"{PATH.stem}: cell odd: the tag '{tag}' is no slide type; write ")
    assert "\n" not in line and all(f"slide:{kind}" in line for kind in TYPES)


def test_two_slide_types_are_one_line():
    with pytest.raises(ValueError, match=r"^01_mlp_dense: cell odd has the tags slide:skip and "):
        slide_type(PATH, prose("A text.", "slide:skip", "slide:same", id="odd"))


def test_prose_code_and_numbers_share_a_slide():
    (slide,) = laid_out(prose("What is x?"), code("x = 3\nx", outputs=said("3")), prose("Three."))
    assert kinds(slide) == ["text", "code", "output", "text"]
    assert texts(slide) == ["What is x?", "x = 3\nx", "3", "Three."]
    assert (slide.level, slide.again) == (2, False)


def test_what_comes_of_a_bet_appears_after_the_code_and_so_does_what_reads_it():
    reveal = code('x = 3\nreveal("hits_roof", x)', outputs=said("it is 3 digits"))
    (slide,) = laid_out(reveal, prose("Three."))
    assert kinds(slide) == ["code", "label*", "output*", "text*"]
    assert slide.parts[1].content.startswith("From which batch on") and "?" in texts(slide)[1]


def test_of_long_prose_the_first_sentences_are_shown_and_all_with_a_tag():
    sentence = "Ten words that somebody reads out in one short breath."
    long = " ".join([sentence] * 4)
    (slide,) = laid_out(prose("Short."), prose(long))
    assert texts(slide) == ["Short.", "\n".join([sentence] * 3)] and slide.notes == [long]
    (slide,) = laid_out(prose("Short."), prose(long, "slide:same"))
    assert texts(slide) == ["Short.", long] and not slide.notes
    full = code("\n".join(f"x = {n}" for n in range(25)))
    first, second = laid_out(full, prose("(In brackets.)", "slide:same"))
    assert texts(second) == ["(In brackets.)"]
    endless = "word " * (LONG + 1)
    (slide,) = laid_out(prose("Short."), prose(endless))
    assert texts(slide) == ["Short."] and slide.notes == [endless]


def test_of_long_prose_that_leads_to_something_the_last_sentence_is_shown():
    long = "So many words that nobody reads them from the wall. " * 4 + "And in code:"
    (slide,) = laid_out(prose(long), code("x"))
    assert texts(slide) == ["And in code:", "x"] and slide.notes == [long]


def test_what_is_said_anyway_goes_on_no_slide_of_its_own_but_findings_do():
    full = code("\n".join(f"x = {n}" for n in range(25)))
    sentence = "Ten words that somebody reads out in one short breath."
    for text in " ".join([sentence] * 4), "(In brackets.)":
        (slide,) = laid_out(full, prose(text))
        assert kinds(slide) == ["code"] and slide.notes == [text]
    for text in "A sentence.", f"**In bold.** {sentence}", "*Holds only if* it does.":
        assert [kinds(slide) for slide in laid_out(full, prose(text))] == [["code"], ["text"]]


def test_a_claim_goes_with_its_test():
    full = code("\n".join(f"x = {n}" for n in range(16)))
    first, second = laid_out(full, prose('> "It is so."'), code("y = 1\n" * 8), prose("*Holds.*"))
    assert kinds(first) == ["code"] and kinds(second) == ["text", "code", "text"]


def test_what_a_probe_says_is_said():
    probe = code("wall.probe(batch=8)\nwall.probe(batch=9)", outputs=said("Batch 8\nand 9.\n"))
    (slide,) = laid_out(prose("Two."), probe)
    assert slide_type(PATH, probe) == "notes"
    assert texts(slide) == ["Two."]
    assert slide.notes == ["At other settings:\nBatch 8 and 9."]
    (slide,) = laid_out(prose("Two."), probe, prose("It grows."), code("x"), prose("Shown."))
    assert texts(slide) == ["Two.", "x", "Shown."] and slide.notes[1:] == ["It grows."]


@pytest.mark.parametrize(
    "source, printed, kind",
    [
        ("share > 0.9", "True", "skip"),
        ("a > 1, b < 2", "(True, True)", "skip"),
        ("0 < a < 1 and b", "True", "skip"),
        ("bool(a > 1 and b < 2)", "True", "skip"),
        ("share > 0.9", "False", "same"),
        ("a > 1, b < 2", "(True, False)", "same"),
        ("np.allclose(a, b)", "True", "same"),
        ("x = 3\nx > 2", "True", "same"),
        ("%time x > 2", "True", "same"),
        ("x > 2", "", "same"),
    ],
)
def test_a_comparison_that_holds_is_left_out(source, printed, kind):
    assert slide_type(PATH, code(source, outputs=said(printed))) == kind


def test_a_new_term_and_a_formula_are_shown_in_full():
    sentence = "Ten words that somebody reads out in one short breath. "
    for text in f"A *set* is it. {sentence * 4}", f"It is $x^2$. {sentence * 4}":
        (slide,) = laid_out(prose(text.strip()))
        assert texts(slide) == [text.strip()] and not slide.notes


def test_of_a_long_verdict_what_it_comes_to_is_shown():
    (slide,) = laid_out(prose("*Holds only if* the order fits: in b, o, i " + "word " * 90))
    assert texts(slide) == ["*Holds only if* the order fits."] and slide.notes


def test_a_verdict_is_not_cut_inside_brackets():
    text = (
        "*Holds only if* it is long (lesson 5 counts them; no mask), or the scores: " + "word " * 90
    )
    (slide,) = laid_out(prose(text))
    assert texts(slide) == ["*Holds only if* it is long, or the scores."]


def test_a_lead_that_does_not_fit_above_a_program_stands_above_what_it_prints():
    full = code("\n".join(f"x = {n}" for n in range(24)), outputs=said("3\n4"))
    first, second = laid_out(prose("With fewer and fewer bits:"), full)
    assert kinds(first) == ["code"] and kinds(second) == ["text", "output"]


def test_what_leads_to_a_probe_is_said():
    probe = code("wall.probe(batch=8)", outputs=said("Batch 8."))
    (slide,) = laid_out(prose("It grows.\n\nThe wall shows it:"), probe, code("x"))
    assert texts(slide) == ["It grows.", "x"]
    assert slide.notes == ["The wall shows it:", "At other settings:\nBatch 8."]


def test_a_long_printed_table_goes_on_with_its_head():
    rows = [f"{n:4} {n * n:8}" for n in range(40)]
    found = laid_out(code("table()", outputs=said("\n".join(["   n  squared", *rows]))))
    told = [texts(slide)[-1].splitlines() for slide in found]
    apart = laid_out(code("table()", outputs=said("\n".join(["", *rows]))))
    assert "\n".join(texts(slide)[-1] for slide in apart).splitlines() == rows
    assert len(found) > 1 and all(lines[0] == "   n  squared" for lines in told)
    assert [line for lines in told for line in lines[1:]] == rows


def test_remarks_for_tools_are_left_out():
    (slide,) = laid_out(code("l = 1  # noqa: E741\nm = 2  # fmt: skip"))
    assert texts(slide) == ["l = 1\nm = 2"]


def test_the_seconds_of_a_cell_are_shared_by_its_slides():
    long = code("\n".join(f"x = {n}" for n in range(60)))
    alone, shared = laid_out(code("x")), laid_out(long)
    assert len(alone) == 1 and len(shared) > 2
    assert min(slide.seconds for slide in shared) > 3


@pytest.mark.parametrize(
    "kind, wanted",
    [
        ("slide", [["text"], ["text"]]),
        ("same", [["text", "text"]]),
        ("fragment", [["text", "text*"]]),
        ("notes", [["text"]]),
        ("skip", [["text"]]),
    ],
)
def test_what_a_tag_does_with_prose(kind, wanted):
    found = laid_out(prose("One."), prose("Two.", f"slide:{kind}"))
    assert [kinds(slide) for slide in found] == wanted
    assert found[-1].notes == (["Two."] if kind == "notes" else [])
    assert [slide.again for slide in found] == [False, True][: len(found)]


def test_what_a_tag_does_with_code():
    three = code("x", "slide:slide", outputs=said("3"))
    first, second = laid_out(prose("One."), three)
    assert (kinds(first), kinds(second)) == (["text"], ["code", "output"])
    three = code("x", "slide:fragment", outputs=said("3"))
    assert kinds(*laid_out(prose("One."), three)) == ["text", "code", "output*"]
    assert kinds(*laid_out(prose("One."), code("x", "slide:skip"))) == ["text"]


def test_a_heading_that_is_to_stand_on_the_slide_begins_none():
    (slide,) = laid_out(prose("One."), prose("## Two\n\nThree.", "slide:same"))
    assert texts(slide) == ["One.", "**Two**", "Three."]


def test_a_measured_output_says_so():
    (slide,) = laid_out(code("clock()", "measure", outputs=said("3 s")))
    assert kinds(slide) == ["code", "output", "note"]


def test_the_code_of_a_picture_stays_if_it_is_short_and_leaves_it_large():
    cell = a_picture()
    cell.source = "draw()"
    (slide,) = laid_out(cell)
    shown = kinds(slide)
    cell.source = "\n".join(["draw()"] * 4)
    (slide,) = laid_out(cell)
    assert kinds(slide) == ["picture"] and shown in (["picture"], ["code", "picture*"])
    _, words, width = slide.parts[0].content
    assert words == pictures.alt(PATH, cell) and 400 < width <= 1168


def test_what_reads_a_picture_stands_beside_it_or_below():
    cell = a_picture()
    (slide,) = laid_out(cell, prose("A reading."))
    (picture,) = [part for part in slide.parts if part.kind == "picture"]
    below = [part for part in slide.parts[1:] if part.kind == "text"]
    (reading,) = picture.beside + below
    assert reading.content == "A reading." and reading.fragment


def test_a_sentence_that_leads_to_code_goes_with_it():
    full = code("\n".join(f"x = {n}" for n in range(16)))
    first, second = laid_out(full, prose("And then:"), code("y = 1\n" * 8))
    assert kinds(first) == ["code"] and kinds(second) == ["text", "code"]


def test_a_bet_goes_with_what_leads_to_it_and_closes_its_slide():
    bet = prose("**Your bet · hits_roof**\n\nHow many?", id="task-odd")
    bet.id = "task-hits_roof"
    found = laid_out(prose("It grows."), bet, prose("Next."))
    assert [kinds(slide) for slide in found] == [["text", "label", "text"], ["text"]]
    found = laid_out(code("x"), bet)
    assert [kinds(slide) for slide in found] == [["code"], ["label", "text"]]


def cells_of(number, name):
    """A lesson's path, its notebook, and {part: cell} of one of its exercises."""
    notebook = read(LESSONS[number])
    named = {cell.id: cell for cell in notebook.cells if cell.id.endswith(f"-{name}")}
    return LESSONS[number], notebook, {part.split("-")[0]: cell for part, cell in named.items()}


def test_an_answer_with_a_tag_begins_a_slide():
    for number, name in (1, "dense_params"), (5, "generate"):
        path, notebook, cells = cells_of(number, name)
        cells["stub"].metadata["tags"] = ["slide:slide"]
        answer = find(name).solution()
        (slide,) = [each for each in slides(path, notebook) if answer in texts(each)]
        assert slide.again and not any(part.kind == "label" for part in slide.parts), name


def test_an_answer_whose_task_is_left_out_has_a_slide():
    path, notebook, cells = cells_of(5, "generate")
    cells["task"].metadata["tags"] = ["slide:skip"]
    answer = find("generate").solution().splitlines()[0]
    assert any(answer in text for slide in slides(path, notebook) for text in texts(slide))


def test_of_a_bet_without_a_question_its_last_paragraph_is_shown(monkeypatch):
    bet = replace(find("hits_roof"), task="A layer grows.\n\nName the batch.")
    found = {"hits_roof": bet}
    monkeypatch.setattr(
        "course_utils.edition.slides.find", lambda name: found.get(name) or find(name)
    )
    (slide,) = laid_out(code('reveal("hits_roof", 3)', outputs=said("it is 3 digits")))
    assert texts(slide)[1] == "Name the batch."


def lines(least, most):
    line = st.integers(0, 3).map(lambda depth: "    " * depth + "x = 1")
    return st.lists(line | st.just(""), min_size=least, max_size=most)


@given(lines(1, 90))
def test_pieces_are_the_lines_and_each_fits(given_lines):
    wanted = re.sub(r"\n{3,}", "\n\n", "\n".join(given_lines)).strip("\n").splitlines()
    found = parts.pieces(given_lines)
    assert [line for piece in found for line in piece if line] == [x for x in wanted if x]
    for piece in found:
        assert piece[0] and piece[-1]
        assert parts.lines("code", piece).height <= parts.ROOM


def test_long_code_is_cut_between_functions():
    function = ["def f():"] + ["    x = 1"] * 13 + [""]
    assert [piece[0] for piece in parts.pieces(function * 3)] == ["def f():"] * 3


def test_a_long_table_goes_on_with_its_head():
    head, rows = "| a | b |\n|---|---|", [f"| {n} | {n} |" for n in range(40)]
    found = laid_out(prose("\n".join([head, *rows])))
    assert len(found) == 3 and all(texts(slide)[0].startswith(head) for slide in found)
    told = [line for slide in found for line in texts(slide)[0].splitlines()[2:]]
    assert told == rows


def tag_anew(cell, kind):
    others = [tag for tag in cell.metadata.get("tags", []) if not tag.startswith("slide:")]
    cell.metadata["tags"] = [*others, f"slide:{kind}"]


def test_what_a_task_says_of_answering_in_a_notebook_is_left_out():
    said_so = r"Alt\+|between the quotes|letter in quotes|How it is checked"
    for path in LESSONS:
        for slide in slides(path, read(path)):
            assert not re.search(said_so, "\n".join(texts(slide))), f"{path.stem}: {slide.heading}"


def test_any_cells_may_have_any_tags():
    notebook = read(PATH)
    for number, cell in enumerate(notebook.cells):
        tag_anew(cell, TYPES[(7 * number + number // 5) % 5])
    assert len(slides(PATH, notebook)) > 20


@pytest.mark.parametrize("kind", TYPES)
def test_all_cells_may_have_the_same_tag_but_skip(kind):
    notebook = read(PATH)
    for cell in notebook.cells:
        tag_anew(cell, kind)
    if kind == "skip":
        with pytest.raises(ValueError, match="^01_mlp_dense: all its cells are left out; take "):
            slides(PATH, notebook)
    else:
        found = slides(PATH, notebook)
        assert sum(slide.seconds for slide in found) == sum(s.seconds for s in slides(*shipped()))


# All lessons


@EVERY_LESSON
def test_a_lesson_fills_its_minutes_and_goes_on_below(path):
    found, notebook = slides(path, read(path)), read(path)
    minutes = int(re.search(r"\*\*Time\*\* (\d+) minutes", notebook.cells[0].source)[1])
    further = next(n for n, slide in enumerate(found) if slide.heading == "Further")
    assert sum(slide.seconds for slide in found[:further]) == 60 * minutes
    assert found[0].level == 1 and not found[0].again and not found[further].again
    for one, other in zip(found, found[1:], strict=False):
        assert (one.heading == other.heading) == other.again


@EVERY_LESSON
def test_nothing_of_a_lesson_is_lost(path):
    notebook = read(path)
    found = slides(path, notebook)
    shown = "\n".join(text for slide in found for text in texts(slide))
    spoken = "\n".join(note for slide in found for note in slide.notes)
    told = [*order.core(path, notebook), *order.further(path, notebook)]
    told = [(cell, slide_type(path, cell)) for cell in told]
    for cell, kind in told:
        if kind == "skip" or cell.id.split("-")[0] in ("task", "stub", "check"):
            continue
        if cell.cell_type == "code":
            printed = [line for each in cell.outputs for line in each.get("text", "").splitlines()]
            if kind == "notes":
                assert " ".join(printed) in spoken.replace("\n", " "), cell.id
                continue
            for line in cell.source.splitlines():
                line = re.sub(r" *# (fmt|noqa).*", "", line)
                assert line in shown or pictures.shown(cell), f"{cell.id}: {line}"
            for line in printed:
                assert line in shown, f"{cell.id}: {line}"
        else:
            for line in plain(cell.source).splitlines():
                text = re.sub(r"^#+ ", "", line)
                heading = text != line and any(slide.heading == text for slide in found)
                assert heading or text in shown or text in spoken, f"{cell.id}: {line}"
    wanted = [each for cell, kind in told if kind != "skip" for each in pictures.shown(cell)]
    assert len(wanted) == sum(p.kind == "picture" for slide in found for p in slide.parts)


@EVERY_LESSON
def test_a_question_comes_before_its_answer_and_with_the_answers_people_give(path):
    notebook = read(path)
    found = slides(path, notebook)
    words = [[part.content for part in slide.parts if part.kind == "text"] for slide in found]
    for cell in notebook.cells:
        if not cell.id.startswith("task-") or slide_type(path, cell) == "skip":
            continue
        entry = find(cell.id.removeprefix("task-"))
        asked = re.split(r"\n\n", plain(cell.source))[1].split("\\\n")[0].replace("\n", " ")
        (at,) = [n for n, texts in enumerate(words) if asked in " ".join(texts)]
        slide = found[at]
        if isinstance(entry, Prediction):
            assert slide.closed and not slide.has_fragments, cell.id
            assert any(note.startswith("it is ") for note in slide.notes), cell.id
            continue
        # the answer may need the next slide
        answer = [
            part
            for part in everything(slide) + everything(found[at + 1])
            if entry.solution().splitlines()[0] in f"{part.content}"
        ]
        hidden = [part for part in answer if part.fragment or part is found[at + 1].parts[0]]
        assert hidden, cell.id
        assert "People answer" in "".join(slide.notes + found[at + 1].notes), cell.id


@EVERY_LESSON
def test_the_concept_test_has_a_slide_of_its_own_its_answer_last(path):
    test = order.concept_test(path)
    found = [
        slide
        for slide in slides(path, read(path))
        if any(part.kind == "label" and "the whole room" in part.content for part in slide.parts)
    ]
    (slide,) = found
    assert isinstance(test, Choice) and slide.parts[0].kind == "label"
    options = [texts(slide).index(text) for text in texts(slide) if text.startswith("(a)")]
    assert options and slide.parts[-1].fragment and not slide.parts[-2].fragment
    assert slide.parts[-1].content == f"✓ {test.solution()}"
    assert all(test.option(letter).split(") ")[-1] in "".join(texts(slide)) for letter in "abcd")
