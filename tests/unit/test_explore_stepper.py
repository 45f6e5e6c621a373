"""The systolic stepper as a widget: what its controls reach and it stores, where the bet stands."""

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

STEPPER = explore.systolic_stepper()
SIDE, ROWS, TILE, CYCLE = (STEPPER._controls[name] for name in ("side", "rows", "tile", "cycle"))
SIDES, MANY, CYCLES = ([v for _, v in each.options] for each in (SIDE, ROWS, CYCLE))
ON_BET = {"side": 16, "rows": 1, "tile": "full"}


@pytest.fixture
def wager():
    """Bets on the cycles of one row, withdrawn afterwards."""
    yield lambda bet: predict("one_row_cycles", bet)
    predict("one_row_cycles", ...)


def diamonds(svg):
    return re.findall(r'<path d="M([\d.]+) ([\d.]+)L[^"]*" fill="#FFFFFF" stroke', svg)


def test_what_the_controls_reach():
    assert SIDES == [4, 8, 16] and MANY == [1, 2, 4, 8, 16, 32, 64]
    assert TILE.options == ("full", "edge")
    assert list(range(64 + 2 * 16 - 2 + 1)) == CYCLES
    assert (SIDE.value, ROWS.value, TILE.value, CYCLE.value) == (4, 4, "full", 4)


def test_every_control_draws():
    for side, rows, tile in product((4, 16), (1, 64), TILE.options):
        for cycle in (0, 5, 94):
            picture = STEPPER.at(side=side, rows=rows, tile=tile, cycle=cycle)
            assert faults(picture.svg) == []
            assert min(y for _, box in text_boxes(picture.svg)[2:] for _, y in box) >= 72
            assert int(ElementTree.fromstring(picture.svg).get("height")) == 528


def test_nothing_beside_a_slider_is_cut():
    for control in (SIDE, ROWS, CYCLE):
        assert max(text_width(label, 12, bold=True) for label in control._options_labels) <= READOUT


def test_what_is_said_fits_into_two_lines():
    for side, rows, tile in product(SIDES, MANY, TILE.options):
        for cycle in (0, rows + side - 1, 94):
            says = STEPPER.at(side=side, rows=rows, tile=tile, cycle=cycle).says
            assert text_width(says, 13) <= 2 * 672 - 72, says  # a word may go to the next line


def test_the_stored_stepper_does_not_give_the_bet_away():
    picture = STEPPER.at()
    assert picture.says.startswith("Cycle 4 of 10, 4 rows of X, 4 × 4 PEs, full tile: 10 PEs")
    shown = " ".join([picture.says, picture.title, picture.second, *texts_of(picture.svg)])
    assert not re.search(r"\b31\b|16 × 16|1 row\b", shown)
    assert len(picture.png()) <= 80_000


def test_the_question_stands_until_the_bet_is_in(wager):
    question = "One row of X through 16 × 16 PEs: how many cycles?"
    assert part(explore.systolic_stepper(), "title") == question
    wager(16)
    assert part(explore.systolic_stepper(), "title").startswith("4 rows of X take 10 cycles")


@pytest.mark.parametrize("bet", [1, 16, 31, 94, 256, 1e300])
def test_the_bet_stands_on_the_axis_of_its_own_case(wager, bet):
    wager(bet)
    for cycle in (0, 16, 94):
        svg = STEPPER.at(**ON_BET, cycle=cycle).svg
        assert faults(svg) == []
        assert [float(x) for x, _ in diamonds(svg)] == [412 + 3 * min(bet, 94)]
    for other in ({"side": 8}, {"rows": 2}, {"tile": "edge"}):
        assert diamonds(STEPPER.at(**{**ON_BET, **other}).svg) == []


def test_it_is_31_cycles(wager):
    wager(16)
    explorer = explore.systolic_stepper()
    assert part(explorer, "bet").endswith("Move a control, and see.")
    explorer._controls["cycle"].value = 5
    assert part(explorer, "bet") == (
        "◇ You bet 16 cycles; it is 31 cycles (one row of X, a full tile of 16 × 16 PEs)."
    )
    before, last = (STEPPER.at(**ON_BET, cycle=cycle).says for cycle in (30, 31))
    assert "15 of 16 sums out" in before and "16 of 16 sums out" in last
    assert last == STEPPER.at(**ON_BET, cycle=94).says
