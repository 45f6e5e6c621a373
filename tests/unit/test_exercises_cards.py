"""Choices, programs to put in order, recall cards: what they take, and what they say."""

import inspect

import numpy as np
import pytest
from learners import define

from course_utils.exercises import bank, check, engine, grade, hint, names, solution
from course_utils.exercises.answers import Verdict
from course_utils.exercises.cards import choice, order
from course_utils.exercises.kinds import value
from course_utils.exercises.program import lines_of, structure

LESSON_93 = '''
from course_utils.exercises.cards import choice, order
from course_utils.exercises.kinds import exercise, value


@value(minutes=1, recalls="90", hints=["Really?"], unit="items")
def remembered():
    """How many were three?"""
    return 3


@choice(minutes=1, level=1, hints=["Which?"], options=["a walk", "Two  runs", "None of these"])
def outing():
    """What was it?"""
    return "b"


@value(minutes=1, level=1, hints=["Really?"], unit="items")
def four():
    """How many are four?"""
    return 4


@order(minutes=2, level=1, hints=["What first?"])
def sums():
    """Put it in order."""
    return """
        total = 0
        total += 3
        total *= 2
    """


@sums.also("first things first")
def sums_other():
    return """
        total = 0
        total *= 2
        total += 3
    """


@order(minutes=2, level=1, hints=["What first?"], extra=["x = 5", "y = 5"])
def branches():
    """Put it in order."""
    return """
        for x in (1, 2):
            if x:
                x += 1
            else:
                x -= 1
        x *= 2
    """


@branches.also("without a branch")
def branches_short():
    return """
        for x in (1, 2):
            x += 1
        x *= 2
    """


@exercise(minutes=3, level=2, hints=["How many?"])
def five(x):
    """Give five."""
    # BEGIN SOLUTION
    return 5
    # END SOLUTION
'''


@pytest.fixture
def lesson_93(tmp_path, monkeypatch):
    return define("93", LESSON_93, tmp_path, monkeypatch)


@pytest.fixture(autouse=True)
def new_session(monkeypatch):
    monkeypatch.setattr(engine, "_tried", set())


# Headings and numbers


def test_only_functions_and_values_of_the_lesson_itself_are_numbered(lesson_93):
    entries = [bank.find(name) for name in names(93)]
    assert [(entry.name, entry.number) for entry in entries] == [
        ("remembered", None),
        ("outing", None),
        ("four", "93.1"),
        ("sums", None),
        ("branches", None),
        ("five", "93.2"),
    ]
    headings = [entry.cells()["task"].splitlines()[0] for entry in entries]
    assert headings == [
        "**Recall lesson 90 · remembered** · 1 min",
        "**Choose one · outing** · 1 min · level 1",
        "**93.1 · four** · 1 min · level 1",
        "**Put in order · sums** · 2 min · level 1",
        "**Put in order · branches** · 2 min · level 1",
        "**93.2 · five** · 3 min · level 2",
    ]
    concept = bank.find("doubling_batch").cells()["task"].splitlines()[0]
    assert concept == "**Concept test · doubling_batch** · 3 min · level 2"
    recall = bank.find("recall_ridge").cells()["task"].splitlines()[0]
    assert recall == "**Recall lesson 0 · recall_ridge** · 1 min"


def fresh(name, returns=1):
    def function():
        """Asks?"""
        return returns

    function.__name__, function.__module__ = name, "lesson_94"
    return function


@pytest.mark.parametrize(
    "make, about, line",
    [
        (value, {"unit": "B"}, "new needs level= or, as a recall card, recalls=; not both"),
        (value, {"unit": "B", "level": 1, "recalls": "93"}, "not both"),
        (value, {"unit": "B", "recalls": "94"}, "new recalls lesson '94'; give the two digits of"),
        (value, {"unit": "B", "recalls": "x"}, "new recalls lesson 'x'"),
        (choice, {"level": 1, "options": ["one"]}, "new has the options ['one']; give two or more"),
        (choice, {"level": 1, "options": ["one", " One"]}, "give two or more that differ"),
    ],
)
def test_definitions_that_contradict_themselves(make, about, line):
    with pytest.raises(ValueError) as error:
        make(minutes=1, hints=["?"], **about)(fresh("new"))
    assert line in str(error.value)
    assert "new" not in names()


def test_an_order_needs_two_lines():
    with pytest.raises(ValueError, match="new has no two lines to put in order"):
        order(minutes=1, level=1, hints=["?"])(fresh("new", "x = 1\nx = 1"))


def test_an_extra_line_is_none_of_the_program():
    with pytest.raises(ValueError, match=r"new has 'x=1' in extra= and in its program; give a"):
        order(minutes=1, level=1, hints=["?"], extra=["x=1"])(fresh("new", "x = 1\ny = 1"))


# Choices


def test_the_options_are_listed(lesson_93):
    assert bank.find("outing").cells() == {
        "task": "**Choose one · outing** · 1 min · level 1\n\n"
        "What was it?\n\n"
        "(a) a walk\\\n(b) Two  runs\\\n(c) None of these\n\n"
        "Answer with a letter in quotes. "
        "[How it is checked](../course_utils/exercises/lesson_93.py)",
        "stub": 'check("outing", ...)',
    }


@pytest.mark.parametrize(
    "answer",
    [
        "b",
        "B",
        "(b)",
        " b ",
        "b)",
        "b.",
        "two runs",
        "Two  runs",
        "(b) Two runs",
        np.str_("b"),
        np.array("b"),
        ["b"][0],
    ],
)
def test_ways_to_name_an_option(lesson_93, answer):
    assert grade("outing", answer) == Verdict("right")


@pytest.mark.parametrize("answer", ["d", "ab", "", "runs", "walk", 2, ["b", "c"], b"b"])
def test_what_names_no_option_is_told_the_letters(lesson_93, answer):
    verdict = grade("outing", answer)
    assert verdict == Verdict("wrong", 'the answer is one of "a", "b" and "c"')


def test_an_option_without_a_mistake_gets_a_line_all_the_same(lesson_93):
    verdict = grade("outing", "a")
    assert verdict.message == '(a) is another thing. hint("outing") asks a question that helps'


def test_a_choice_by_its_option_gets_the_hint_of_its_letter():
    by_text = grade("doubling_batch", "Everything: the MACs and the bytes of all arrays")
    assert by_text == grade("doubling_batch", "c")
    assert (by_text.state, by_text.code) == ("wrong", "W1")


def test_calls_of_a_learner_on_a_choice(capsys):
    for call in (
        lambda: check("doubling_batch", ...),
        lambda: check("doubling_batch", None),
        lambda: hint("doubling_batch"),
        lambda: solution("doubling_batch"),
        lambda: check("doubling_batch", "a"),
        lambda: solution("doubling_batch"),
        lambda: check("doubling_batch", "b"),
    ):
        assert call() is None
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "○ doubling_batch: nothing here yet"
    assert lines[1].startswith("○ doubling_batch: that is None")
    assert lines[2].startswith("hint 1 of 2: Which of X, W,")
    assert lines[3].startswith("○ doubling_batch: try it once first")
    assert lines[4].startswith("✗ doubling_batch: does a second digit bring weights")
    assert lines[5] == "(b) the MACs and the bytes of X and H, nothing else"
    assert lines[6] == "✓ doubling_batch"


# Lines to put in order

RIGHT = """
for b in range(32):
    for o in range(100):
        Z[b,o] = bias[o]
        for i in range(784):
            Z[b,o] += X[b,i] * W[i,o]
"""
GIVEN = """
for o in range(100):
Z[b,o] += X[b,i] * W[i,o]
for i in range(784):
Z[b,o] = X[b,i] * W[i,o]
for b in range(32):
Z[b,o] = bias[o]
"""


def test_the_lines_are_given_flush_left_and_always_in_the_same_disorder():
    cells = bank.find("dense_loops").cells()
    assert cells["stub"] == f'program = """{GIVEN}"""\ncheck("dense_loops", program)'
    assert "Alt+↑" in cells["task"] and "One of them does not belong" in cells["task"]


def test_the_task_says_how_many_lines_do_not_belong(lesson_93):
    assert "All of them belong." in bank.find("sums").cells()["task"]
    assert "2 of them do not belong: delete them." in bank.find("branches").cells()["task"]


@pytest.mark.parametrize(
    "answer",
    [
        RIGHT,
        RIGHT.replace("    ", " "),
        RIGHT.replace("    ", "\t"),
        RIGHT.replace("    ", "       "),
        RIGHT.replace(" ", "\xa0"),
        RIGHT.replace("\n", "\n\n"),
        RIGHT.replace("\n", "\r\n"),
        RIGHT.replace("\n", "  # of digits\n").lstrip(),
        RIGHT.strip(),
        inspect.cleandoc(RIGHT),
        "\n".join(f"      {line}" for line in RIGHT.splitlines()),
        RIGHT.replace("[b,o]", "[ b, o ]").replace(" * ", "*"),
        RIGHT + "# Z[b,o] = X[b,i] * W[i,o]",
        np.array(RIGHT),
    ],
)
def test_ways_to_lay_out_the_right_program(answer):
    assert grade("dense_loops", answer) == Verdict("right")


@pytest.mark.parametrize(
    "answer",
    [
        ...,
        "",
        " \n\t\n",
        "# a note",
        GIVEN,
        "\n".join(sorted(GIVEN.split("\n"))),
        "\n".join(f"    {line}" for line in GIVEN.splitlines()),
    ],
)
def test_lines_that_nobody_touched_are_to_do(answer):
    assert grade("dense_loops", answer) == Verdict("todo", "nothing here yet")


def moved(*lines):
    """A program of the given lines, by the first letters of each and its depth."""
    known = {"b": "for b in range(32):", "o": "for o in range(100):", "i": "for i in range(784):"}
    known |= {"=": "Z[b,o] = bias[o]", "+": "Z[b,o] += X[b,i] * W[i,o]"}
    return "\n".join("    " * int(depth) + known[line] for line, depth in lines)


@pytest.mark.parametrize(
    "answer, line",
    [
        (8000, "the lines stand in triple quotes, as text: what came instead?"),
        (RIGHT.split("\n"), "the lines stand in triple quotes"),
        (RIGHT.replace("=", "-="), "`Z[b,o] -= bias[o]` is none of the given lines: what did"),
        (RIGHT.replace("(32)", "(31)"), "`for b in range(31):` is none of the given lines"),
        (
            RIGHT.replace("for b in range(32):\n    ", "for b in range(32): "),
            "`for b in range(32):",
        ),
        (RIGHT.replace("bias[o]", "bias[o]; a = 1"), "`Z[b,o] = bias[o]; a = 1` is none of"),
        (RIGHT + "import os", "`import os` is none of the given lines"),
        (RIGHT + "\0", "`\\x00` is none of the given lines"),
        (RIGHT + "\ud800", "`\\ud800` is none of the given lines"),
        (RIGHT + "(" * 5000, f"`{'(' * 59}…` is none of the given lines"),
        (RIGHT + "-" * 190 + "1", "is none of the given lines"),
        (RIGHT + r"'\d'", r"`'\d'` is none of the given lines"),
        (RIGHT * 2, "`for b in range(32):` stands there once too often: where does it belong?"),
        (moved("b0", "o1", "=2", "=2", "i2", "+3"), "`Z[b,o] = bias[o]` stands there once too"),
        (moved("b0", "o1", "=2", "i2", "+2"), "nothing is indented under `for i in range(784):`"),
        (moved("b0", "o0", "=1", "i1", "+2"), "nothing is indented under `for b in range(32):`"),
        (moved("b0", "o1", "=2", "+2", "i2"), "nothing is indented under `for i in range(784):`"),
        (
            moved("b0", "o1", "=2", "i3", "+4"),
            "is indented, but the line above it opens no",
        ),
        (
            moved("b0", "o2", "=3", "i1", "+2"),
            "`for i in range(784):` starts left of",
        ),
        (
            moved("=1", "b0", "o1", "i2", "+3"),
            "`Z[b,o] = bias[o]` is indented, but the line above it",
        ),
        (
            "for b in range(32):\n\tfor o in range(100):\n        Z[b,o] = bias[o]",
            "`Z[b,o] = bias[o]` mixes tabs and spaces",
        ),
        (moved("b0", "=1", "i1", "+2"), "a line is missing: what would each one do that you left"),
        (moved("i0", "+1"), "3 lines are missing: what would each one do"),
        (
            RIGHT + "Z[b,o] = X[b,i] * W[i,o]",
            "all that is needed is there, and more: which line does not belong?",
        ),
        (
            moved("b0", "o1", "=2", "i1", "+2"),
            "the order is right, the indentation is not: what should `for i in range(784):`",
        ),
        (
            moved("o0", "b1", "=2", "i1", "+2"),
            "the order is right, the indentation is not: what should `for i in range(784):`",
        ),
        (
            moved("o0", "=1", "b1", "i2", "+3"),
            "look at `Z[b,o] = bias[o]`: what must be done before it, and what does it stand",
        ),
        (moved("b0", "i1", "o2", "+3", "=3"), "look at `for i in range(784):`: what must"),
        (moved("i0", "b1", "o2", "+3", "=3"), "look at `for i in range(784):`: what must"),
    ],
)
def test_programs_that_go_astray_get_a_kind_line(answer, line, capsys):
    check("dense_loops", answer)
    printed = capsys.readouterr().out
    assert printed.startswith("✗ dense_loops: ") and line in printed
    assert printed.count("\n") == 1 and len(printed) < 200


def test_a_program_is_never_run():
    text = RIGHT.replace("bias[o]", "bias[1 / 0]")
    assert "none of the given lines" in grade("dense_loops", text).message
    assert grade("dense_loops", RIGHT) == Verdict("right")  # Z and X exist nowhere


def test_a_program_without_blocks_is_untouched_only_in_its_own_order(lesson_93):
    entry = bank.find("sums")
    assert not any(line.startswith(" ") for line in entry.lines)
    orders = {"right": [], "todo": [], "wrong": []}
    for program in permutations_of(entry.lines):
        orders[grade("sums", "\n".join(program)).state].append(list(program))
    assert orders["todo"] == [entry.lines]
    assert lines_of(entry.reference()) in orders["right"]
    assert len(orders["wrong"]) >= 3


def permutations_of(lines):
    if not lines:
        yield ()
    for line in lines:
        yield from ((line, *rest) for rest in permutations_of([x for x in lines if x != line]))


def test_a_program_with_lines_that_are_no_statement_by_themselves(lesson_93):
    program = lines_of(lesson_93.branches.reference())
    assert grade("branches", "\n".join(program)) == Verdict("right")
    assert grade("branches", "\n".join(bank.find("branches").lines)).state == "todo"
    early = [line for line in program if "else" not in line]
    assert "a line is missing" in grade("branches", "\n".join(early)).message
    late = [*program[:1], *program[3:5], *program[1:3], program[5]]
    message = grade("branches", "\n".join(late)).message
    assert message == "Python cannot read `else:` at that place: what has to stand before it?"


def test_an_accepted_program_of_fewer_lines_is_no_measure_of_others(lesson_93):
    short, program = lesson_93.branches_short(), lines_of(lesson_93.branches.reference())
    assert grade("branches", short) == Verdict("right", "without a branch")
    swapped = [*program[:2], program[4], program[3], program[2], program[5]]
    assert "look at `x -= 1`" in grade("branches", "\n".join(swapped)).message


def test_a_known_wrong_program_gets_its_own_hint(capsys):
    check("dense_loops", moved("b0", "o1", "i2", "=3", "+3"))
    assert "Z starts anew for every i" in capsys.readouterr().out
    assert grade("dense_loops", moved("b0", "o1", "i2", "+3")).code == "P1"


def test_an_unusual_right_program_is_accepted_with_a_note():
    verdict = grade("dense_loops", moved("o0", "b1", "=2", "i2", "+3"))
    assert verdict.state == "right" and "all digits of one output first" in verdict.message


def test_calls_of_a_learner_on_an_order(capsys):
    assert check("dense_loops", GIVEN) is None
    solution("dense_loops")
    hint("dense_loops", 3)
    check("dense_loops", moved("i0", "+1"))
    solution("dense_loops")
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "○ dense_loops: nothing here yet"
    assert lines[1].startswith("○ dense_loops: try it once first")
    assert lines[2].startswith("hint 3 of 3: ")
    assert structure(lines[4:]) == structure(lines_of(RIGHT))
