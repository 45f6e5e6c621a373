"""The pattern router as a widget: what its controls reach, what it stores, where the bet stands."""

import re
from itertools import product
from xml.etree import ElementTree

import pytest
from picture_rules import faults, text_boxes, texts_of
from widget_parts import part

from course_utils import explore
from course_utils.draw.fonts import text_width
from course_utils.exercises import predict
from course_utils.explore.style import READOUT

ROUTER = explore.pattern_router()
PATTERN, SIZE, ALGORITHM, ROUND = (
    ROUTER._controls[name] for name in ("pattern", "size", "algorithm", "round")
)
ALL_REDUCE = {"pattern": "all-reduce", "size": 10**8}


@pytest.fixture
def wager():
    """Bets on who is first, withdrawn afterwards."""
    yield lambda bet: predict("large_winner", bet)
    predict("large_winner", ...)


def diamonds(svg):
    return re.findall(r'<path d="M([\d.]+) ([\d.]+)L[^"]*" fill="#FFFFFF" stroke', svg)


def test_what_the_controls_reach():
    assert PATTERN.options == (
        "broadcast",
        "scatter",
        "gather",
        "reduce",
        "all-gather",
        "reduce-scatter",
        "all-reduce",
        "all-to-all",
    )
    assert ALGORITHM.options == ("root", "tree", "ring", "doubling")
    labels = [label.replace("\u200a", " ") for label, _ in SIZE.options]
    assert labels == ["1 kB", "10 kB", "100 kB", "1 MB", "10 MB", "100 MB"]
    assert [value for _, value in SIZE.options] == [10**power for power in range(3, 9)]
    assert [value for _, value in ROUND.options] == list(range(15))


def test_every_control_draws():
    first, last = (PATTERN.options[0], 10**3, 0), (PATTERN.options[-1], 10**8, 14)
    for (pattern, size, step), algorithm in product((first, last), ALGORITHM.options):
        picture = ROUTER.at(pattern=pattern, size=size, algorithm=algorithm, round=step)
        assert faults(picture.svg) == []
        assert min(y for _, box in text_boxes(picture.svg)[2:] for _, y in box) >= 72
        assert int(ElementTree.fromstring(picture.svg).get("height")) == 600


def test_nothing_beside_a_slider_is_cut():
    for control in (SIZE, ROUND):
        assert max(text_width(label, 12, bold=True) for label in control._options_labels) <= READOUT
    room = float(PATTERN.style.description_width.removesuffix("px"))
    assert max(text_width(name, 12) for name in PATTERN.options) <= room


def test_the_pattern_stands_before_its_slider():
    explorer = explore.pattern_router()
    control = explorer._controls["pattern"]
    assert not control.readout and control.description == "broadcast"
    control.value = "all-to-all"
    assert control.description == "all-to-all" and control.tooltip == "pattern"
    explorer.probe(pattern="reduce")
    assert control.description == control.value == "all-to-all"


def test_what_is_said_fits_into_two_lines():
    for pattern, algorithm, size in product(PATTERN.options, ALGORITHM.options, (10**3, 10**8)):
        says = ROUTER.at(pattern=pattern, algorithm=algorithm, size=size).says
        assert text_width(says, 13) <= 2 * 672 - 72, says  # a word of a line may go to the next


def test_the_stored_router_does_not_give_the_bet_away():
    picture = ROUTER.at()
    assert picture.says.startswith("Broadcast of 1 MB by a tree, round 3 of 3: ")
    shown = " ".join([picture.says, picture.title, *texts_of(picture.svg)]).lower()
    assert not re.search(r"all-reduce|100 mb|ring", shown)
    assert len(picture.png()) <= 80_000


def test_the_question_stands_until_the_bet_is_in(wager):
    question = "All-reduce of 100 MB by 8 ranks: who is first?"
    assert part(explore.pattern_router(), "title") == question
    wager("ring")
    assert part(explore.pattern_router(), "title").startswith("The same 7 sends: ")


@pytest.mark.parametrize("bet", ["root", "tree", "ring"])
def test_the_bet_stands_beside_its_algorithm(wager, bet):
    wager(bet)
    for algorithm in ALGORITHM.options:
        svg = ROUTER.at(**ALL_REDUCE, algorithm=algorithm).svg
        beside = "tree" if algorithm == "root" else "root"
        assert faults(svg) == [] and len(diamonds(svg)) == (bet in (algorithm, beside))
        assert diamonds(ROUTER.at(pattern="all-reduce", algorithm=algorithm).svg) == []
        assert diamonds(ROUTER.at(size=10**8, algorithm=algorithm).svg) == []


def test_the_ring_is_first(wager):
    wager("tree")
    n, p = 10**8, 8  # closed forms of an all-reduce
    seconds = {
        "root": 14 * (1e-6 + n / 50e9),
        "tree": 6 * (1e-6 + n / 50e9),
        "ring": 14 * (1e-6 + n / p / 50e9),
    }
    assert min(seconds, key=seconds.get) == "ring"
    explorer = explore.pattern_router()
    explorer._controls["round"].value = 3
    assert part(explorer, "bet") == ("◇ You bet tree; it is ring (all-reduce of 100 MB, 8 ranks).")
