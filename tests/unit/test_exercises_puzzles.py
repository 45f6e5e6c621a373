"""Chips to design and texts to write: what is right, and what is said about the rest."""

import re
from itertools import product
from math import floor, isclose, log

import numpy as np
import pytest
from learners import ENDLESS, ODDITIES, Strange, define, kind, nested

from course_utils import chip as chips
from course_utils.chip import ARRAYS, MIXES, SIDES, SRAMS, STACKS, WORKLOADS, Chip
from course_utils.exercises import bank, check, engine, grade, hint, names, running, solution
from course_utils.exercises.answers import Verdict
from course_utils.exercises.puzzles import Written, design, written

LESSON_95 = '''
from course_utils import chip
from course_utils.exercises.puzzles import design, written


def sizes(found):
    return found.side, found.arrays, found.sram, found.stacks


@written(
    minutes=2,
    level=1,
    hints=["Why?"],
    points={
        "Does it say what is carried?": ("carr", "bring"),
        "Does it say where to?": ("home", "shop"),
    },
    words=6,
)
def errand():
    """Say what you do."""
    return "I bring six loaves of bread\\nback to my home."


@errand.mistake("by whom?", "G1")
def errand_delegated():
    return "Somebody  brings\\nit."


@errand.mistake("and is it a long way home?", "G1")
def errand_long():
    return "The way home is no long way to bring anything."


@errand.also("short, and all is there")
def errand_short():
    return "Bread comes home."
''' + "".join(
    f'''

@design(minutes=2, level=1, hints=["Which?"], mix="{mix}")
def {mix}_design():
    """Design a chip."""
    return sizes(chip.best("{mix}"))


@{mix}_design.mistake("one of each: is any of it enough?", "G1")
def {mix}_smallest():
    return 32, 1, 1, 1


@{mix}_design.mistake("and what does all of it take?", "J1")
def {mix}_largest():
    return 256, 64, 64, 7
'''
    for mix in MIXES
)
GRID = [Chip(*sizes) for sizes in product(SIDES, ARRAYS, SRAMS, STACKS)]
MISTAKES = Chip(32, 1, 1, 1), Chip(256, 64, 64, 7)
RIGHT = 32, 32, 1, 6  # for a chatbot


@pytest.fixture(autouse=True)
def lesson_95(tmp_path, monkeypatch):
    monkeypatch.setattr(engine, "_tried", set())
    return define("95", LESSON_95, tmp_path, monkeypatch)


def sizes_of(chip):
    return chip.side, chip.arrays, chip.sram, chip.stacks


# Definitions


def fresh():
    def new():
        """Asks?"""
        return 64, 8, 8, 2

    new.__module__ = "lesson_94"
    return new


@pytest.mark.parametrize(
    "make, about, line",
    [
        (design, {"mix": "chat"}, "new has the mix 'chat'; give one of chatbot, vision, speech,"),
        (design, {"mix": {"decode": 1}}, "new has the mix {'decode': 1}; give one of chatbot,"),
        (design, {"mix": None}, "new has the mix None; give one of"),
        (design, {"mix": "vision", "share": 0}, "new has the share 0; give one above 0, and 1 at"),
        (design, {"mix": "vision", "share": 1.01}, "new has the share 1.01; give"),
        (design, {"mix": "vision", "share": -0.5}, "new has the share -0.5; give"),
        (design, {"mix": "vision", "share": float("nan")}, "new has the share nan; give"),
        (design, {"mix": "vision", "recalls": "01"}, "new needs level= or, as a recall card,"),
        (written, {"points": {}}, "new has the points {}; give {question: (words, …)}"),
        (written, {"points": {"Who?": "he"}}, "new has the points {'Who?': 'he'}; give {quest"),
        (written, {"points": {"Who?": ("he",)}, "words": 0}, "new asks for 0 words; give 1 or"),
    ],
)
def test_definitions_that_contradict_themselves(make, about, line):
    with pytest.raises(ValueError) as error:
        make(minutes=1, level=1, hints=["?"], **about)(fresh())
    assert line in str(error.value)
    assert "new" not in names()


@pytest.mark.parametrize("share, asked", [(0.95, "95 %"), (1, "100 %"), (0.555, "55.5 %")])
def test_the_share_is_in_the_task(share, asked, monkeypatch):
    monkeypatch.setattr(bank, "_ENTRIES", dict(bank._ENTRIES))
    entry = design(minutes=1, level=1, hints=["?"], mix="vision", share=share)(fresh())
    assert f"{asked} of the best score will do." in entry.cells()["task"]


def test_the_cells(lesson_95):
    assert bank.find("chatbot_design").cells() == {
        "task": "**95.1 · chatbot_design** · 2 min · level 1\n\n"
        "Design a chip.\n\n"
        "Answer with four numbers: side, arrays, MiB of SRAM, stacks of HBM; 95 % of the best "
        "score will do. [How it is checked](../course_utils/exercises/lesson_95.py)",
        "stub": 'check("chatbot_design", ...)',
    }
    assert bank.find("errand").cells() == {
        "task": "**Write · errand** · 2 min · level 1\n\n"
        "Say what you do.\n\n"
        'Write between the quotes, 6 words at least; then `solution("errand")` shows a text to '
        "compare with. [How it is checked](../course_utils/exercises/lesson_95.py)",
        "stub": 'text = """\n...\n"""\ncheck("errand", text)',
    }


# Designs


@pytest.mark.parametrize("mix", MIXES)
def test_right_is_what_scores_nearly_as_much_as_the_best(mix):
    scores = {chip: chips.score(chip, mix) for chip in GRID if chip.fits}
    best = max(scores, key=scores.get)
    for chip in {*scores} - {best, *MISTAKES}:
        reached = scores[chip] / scores[best]
        verdict = grade(f"{mix}_design", sizes_of(chip))
        assert verdict.state == ("right" if reached >= 0.95 else "wrong"), chip
        says = f"{chip.area:.1f} mm², {floor(1000 * reached) / 10:g} % of the best score"
        if verdict.state == "right":
            assert verdict.message == says
        else:
            said, lost, question = re.fullmatch(
                r"(.*): most is lost on (\w+)\. (.*\?)", verdict.message
            ).groups()
            assert said == says or said.replace(" %", ".0 %") == says
            assert_lost_most(chip, best, MIXES[mix], lost)
            assert_true(question, chip.run(WORKLOADS[lost]), best.run(WORKLOADS[lost]))
    assert grade(f"{mix}_design", sizes_of(best)) == Verdict("right")


def assert_lost_most(mine, best, shares, named):
    """By the score for each workload alone."""
    losses = {
        name: share * log(chips.score(best, {name: 1}) / chips.score(mine, {name: 1}))
        for name, share in shares.items()
    }
    assert isclose(losses[named], max(losses.values()), rel_tol=1e-9) and losses[named] > 0


def assert_true(question, mine, best):
    """That what a question takes for granted is so; and that it names no size."""
    assert not re.search(r"\d", question)
    slower, hotter = mine.seconds / best.seconds, mine.joules / best.joules
    if question.startswith("It waits"):
        assert slower >= hotter and slower > 1
        assert mine.limit in question
    else:
        assert hotter > slower and hotter > 1
        (part,) = re.findall("Its energy goes into (HBM|SRAM): ", question)
        more = {
            "HBM": mine.hbm_joules - best.hbm_joules,
            "SRAM": mine.sram_joules - best.sram_joules,
        }
        assert more[part] == max(more.values()) > 0


def test_a_larger_share_takes_fewer_designs(monkeypatch):
    monkeypatch.setattr(bank, "_ENTRIES", dict(bank._ENTRIES))
    design(minutes=1, level=1, hints=["?"], mix="chatbot", share=0.98)(fresh())
    top = sorted(chips.designs(), key=lambda chip: -chips.score(chip, "chatbot"))[:7]
    states = [grade("chatbot_design", sizes_of(chip)).state for chip in top]
    assert states == ["right"] * 7
    states = [grade("new", sizes_of(chip)).state for chip in top]
    assert states == ["right"] * 3 + ["wrong"] * 4


def test_what_is_too_large_is_told_by_how_much():
    over = [chip for chip in GRID if not chip.fits and chip not in MISTAKES]
    assert len(over) > 1000
    for chip in over[::3] + sorted(over, key=lambda chip: chip.area)[:5]:
        verdict = grade("mixed_design", sizes_of(chip))
        area, more = re.fullmatch(
            r"([\d,.]+) mm²: ([\d,.]+) mm² too many\. What takes most, and is it used\?",
            verdict.message,
        ).groups()
        assert verdict.state == "wrong"
        assert float(area.replace(",", "")) == pytest.approx(chip.area, abs=0.051)
        assert float(more.replace(",", "")) == pytest.approx(chip.area - 100, abs=0.051)
        assert float(more.replace(",", "")) > 0


@pytest.mark.parametrize(
    "answer",
    [
        RIGHT,
        list(RIGHT),
        np.array(RIGHT),
        np.array(RIGHT, float),
        (32.0, 32.0, 1.0, 6.0),
        (np.int64(32), np.float32(32), np.array([1]), 6),
    ],
)
def test_ways_to_give_four_numbers(answer):
    assert grade("chatbot_design", answer) == Verdict("right")


@pytest.mark.parametrize(
    "answer, line",
    [
        (32, "that is 32; four numbers are asked: (side, arrays, MiB, stacks)"),
        ((), "that is []; four numbers are asked"),
        ((32, 32, 1), "that is [32 32 1]; four numbers are asked"),
        ((32, 32, 1, 6, 1), "that is [32 32 1 6 1]; four"),
        ([RIGHT], "that is [[32 32 1 6]]; four numbers are asked"),
        ("(32, 32, 1, 6)", "that is '(32, 32, 1, 6)'; four numbers are asked"),
        ({"side": 32, "arrays": 32, "sram": 1, "stacks": 6}, "that is a dict of 4; four"),
        (Chip(*RIGHT), "that is an object of type Chip; four numbers are asked"),
        (True, "that is True; four numbers are asked"),
        (nested(40), "that is [[[["),
        (range(10**9), "four numbers are asked"),
        ((48, 32, 1, 6), "side 48 is not for sale: 32, 64, 128, 256 are"),
        ((32, 0, 1, 6), "arrays 0 is not for sale: 1, 2, 4, 8, 16, 32, 64 are"),
        ((32, 32, 5, 6), "SRAM 5 is not for sale: 1, 2, 4, 6, 8, 12, 16, 24, 32, 48, 64 are"),
        ((32, 32, 1, 8), "stacks 8 is not for sale: 1, 2, 3, 4, 5, 6, 7 are"),
        ((32, 32, 1, -1), "stacks -1 is not for sale"),
        ((32, 32, 1.5, 6), "SRAM 1.5 is not for sale"),
        ((10**5000, 32, 1, 6), "side about 10^5000 is not for sale"),
        ((32, True, 1, 6), "arrays is the truth value True, and one number is asked"),
        ((32, 32, np.bool_(True), 6), "SRAM is the truth value True"),
        ((32, 32, float("nan"), 6), "SRAM is nan"),
        ((32, 32, 1, float("inf")), "stacks is inf"),
        ((32, None, 1, 6), "arrays is None, and one number is asked"),
        ((32, ..., 1, 6), "arrays is Ellipsis, and one number is asked"),
        ((32, "32", 1, 6), "arrays is text, '32': a number stands without quotes"),
        ((32, (32, 32), 1, 6), "arrays is a sequence of 2, and one number is asked"),
        ((nested(400), 32, 1, 6), "side is a sequence of 1, and one number is asked"),
        ((print, 32, 1, 6), "side is a function: call it"),
        ((32, {1}, 1, 6), "arrays is an object of type set"),
        (np.eye(4), "side is a sequence of 4"),
        ((32, Strange(), 1, 6), "that cannot be read as four numbers: it raised"),
    ],
    ids=kind,
)
def test_what_is_no_design_gets_a_kind_line(answer, line, capsys):
    check("chatbot_design", answer)
    printed = capsys.readouterr().out
    assert printed.startswith("✗ chatbot_design: ") and line in printed
    assert printed.count("\n") == 1 and len(printed) < 200


def test_calls_of_a_learner_on_a_design(capsys):
    for call in (
        lambda: check("chatbot_design", ...),
        lambda: check("chatbot_design", None),
        lambda: solution("chatbot_design"),
        lambda: hint("chatbot_design"),
        lambda: check("chatbot_design", (32, 1, 1, 1)),
        lambda: check("chatbot_design", (64, 8, 8, 2)),
        lambda: check("chatbot_design", (256, 1, 32, 6)),
        lambda: check("chatbot_design", (32, 32, 4, 5)),
        lambda: check("chatbot_design", RIGHT),
        lambda: solution("chatbot_design"),
    ):
        assert call() is None
    assert capsys.readouterr().out.splitlines() == [
        "○ chatbot_design: nothing here yet",
        "○ chatbot_design: that is None, which is what `print` and a missing return give",
        '○ chatbot_design: try it once first; or ask for solution("chatbot_design", anyway=True)',
        "hint 1 of 1: Which?",
        "✗ chatbot_design: one of each: is any of it enough?",
        "✗ chatbot_design: 62.0 mm², 53.3 % of the best score: most is lost on decode. "
        "It waits for memory: which knob moves more, or less, bytes?",
        "✗ chatbot_design: 160.3 mm²: 60.3 mm² too many. What takes most, and is it used?",
        "✓ chatbot_design: 91.4 mm², 97.5 % of the best score",
        "✓ chatbot_design",
        "(32, 32, 1, 6)",
        "→ 99.7 mm², the best that there is",
    ]


# Texts

FIRST, SECOND = "Does it say what is carried?", "Does it say where to?"
COMPARE = 'compare it with solution("errand").'


@pytest.mark.parametrize(
    "answer, message",
    [
        ("I bring six loaves of bread back to my home.", ""),
        ("  I bring six\n\nloaves of bread \t back\r\nto my home.\n", ""),
        (np.str_("I bring six loaves of bread back to my home."), ""),
        ("Bread comes home.", "short, and all is there"),
        ("I carry some bread from the shop", COMPARE),
        ("CARRYING SOME BREAD TO THE SHOP", COMPARE),
        ("She was bringing it all (homewards), slowly", COMPARE),
        ("I take some bread to the shop", f"{COMPARE} {FIRST}"),
        ("I carry some bread to my room", f"{COMPARE} {SECOND}"),
        ("I take some bread to my room", f"{COMPARE} {FIRST} {SECOND}"),
        ("I miscarry it all in a workshop", f"{COMPARE} {FIRST} {SECOND}"),  # words begin so
        ("they all wait for it now " * 10**5, f"{COMPARE} {FIRST} {SECOND}"),
        ("The way home is no long way to bring anything, or is it?", COMPARE),
    ],
    ids=kind,
)
def test_texts_that_are_taken(answer, message):
    assert grade("errand", answer) == Verdict("right", message)


@pytest.mark.parametrize(
    "answer, message",
    [
        ("Bread", "1 word: what would a reader ask you next?"),
        ("I carry it home", "4 words: what would a reader ask you next?"),
        ("I\ncarry\n\n\nbread   back home", "5 words: what would a reader ask you next?"),
        ("x" * 10**6, "1 word: what would a reader ask you next?"),
        ("\ud800 \0", "2 words: what would a reader ask you next?"),
        ("Somebody brings it.", "by whom?"),
        ("\n The way home is\nno long way to bring anything.", "and is it a long way home?"),
        (12, "your text stands in triple quotes: what came instead?"),
        (["I carry", "it home"], "your text stands in triple quotes: what came instead?"),
        (
            b"I carry some bread to the shop",
            "your text stands in triple quotes: what came instead?",
        ),
        (True, "your text stands in triple quotes: what came instead?"),
    ],
    ids=kind,
)
def test_texts_that_are_asked_back(answer, message):
    verdict = grade("errand", answer)
    assert (verdict.state, verdict.message) == ("wrong", message)


@pytest.mark.parametrize("answer", [..., "", "...", "\n...\n", " \n\t", "\n" * 10**6])
def test_an_empty_text_is_to_do(answer):
    assert grade("errand", answer) == Verdict("todo", "nothing here yet")


def test_calls_of_a_learner_on_a_text(capsys):
    for call in (
        lambda: check("errand", "\n...\n"),
        lambda: check("errand", None),
        lambda: solution("errand"),
        lambda: hint("errand"),
        lambda: check("errand", "I carry it home"),
        lambda: check("errand", "I\ntake some bread\nto the shop"),
        lambda: solution("errand"),
    ):
        assert call() is None
    assert capsys.readouterr().out.splitlines() == [
        "○ errand: nothing here yet",
        "○ errand: that is None, which is what `print` and a missing return give",
        '○ errand: try it once first; or ask for solution("errand", anyway=True)',
        "hint 1 of 1: Why?",
        "✗ errand: 4 words: what would a reader ask you next?",
        f"✓ errand: {COMPARE} {FIRST}",
        "I bring six loaves of bread",
        "back to my home.",
    ]


TEXTS = [entry for entry in map(bank.find, names()) if isinstance(entry, Written)]


@pytest.mark.parametrize("entry", TEXTS, ids=lambda entry: entry.name)
def test_a_model_text_has_all_that_is_asked(entry):
    model = f"{entry.reference()} So much for that."  # not the model itself
    assert grade(entry.name, model) == Verdict(
        "right", f'compare it with solution("{entry.name}").'
    )
    assert len(entry.reference().split()) >= entry.words
    assert all(question.endswith("?") for question in entry.points)
    nothing = grade(entry.name, "so " * entry.words)
    assert nothing.state == "right" and nothing.message.endswith(" ".join(entry.points))


# Anything


@pytest.mark.parametrize("name", ["chatbot_design", "errand"])
@pytest.mark.parametrize("place", range(len(ODDITIES)))  # pytest would look into the oddity itself
def test_any_oddity_gets_one_kind_line(name, place, capsys):
    oddity = ODDITIES[place]
    given = check(name, oddity)
    printed = capsys.readouterr()
    assert given is None
    assert printed.err == "" and printed.out.count("\n") == 1
    long_text = name == "errand" and type(oddity) is str and len(oddity.split()) >= 6
    assert printed.out[0] in ("✓" if long_text else "○✗")
    assert printed.out[1 : len(name) + 3] == f" {name}:"
    assert len(printed.out) < 300 and printed.out.strip().isprintable()
    printed.out.encode()


@pytest.mark.parametrize("place", range(len(ODDITIES)))
def test_any_oddity_among_four_numbers_gets_one_kind_line(place, capsys):
    check("chatbot_design", (32, ODDITIES[place], 1, 6))
    printed = capsys.readouterr()
    assert printed.err == "" and printed.out.count("\n") == 1
    assert printed.out.startswith("✗ chatbot_design: ")
    assert len(printed.out) < 300 and printed.out.strip().isprintable()
    printed.out.encode()


@pytest.mark.parametrize("name", ["chatbot_design", "errand"])
@pytest.mark.parametrize("place", range(len(ENDLESS)))
def test_what_never_ends_gets_one_kind_line(name, place, capsys, monkeypatch):
    monkeypatch.setattr(running, "LIMIT", 0.1)
    check(name, ENDLESS[place])
    printed = capsys.readouterr()
    assert printed.out.count("\n") == 1 and printed.out.startswith(f"✗ {name}: ")
    assert printed.err == ""


def test_an_oddity_changes_nothing_for_the_next_answer():
    for answer in (Strange(), nested(), 10**5000):
        grade("chatbot_design", answer)
        assert grade("chatbot_design", RIGHT) == Verdict("right")
        grade("errand", answer)
        assert grade("errand", "Bread comes home.").state == "right"
