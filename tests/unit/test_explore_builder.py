"""The machine builder as a widget: what its controls reach, what it stores, what rises."""

import re
from dataclasses import replace
from itertools import product

import pytest
from picture_rules import texts_of
from widget_parts import part

from course_utils import chip as chips
from course_utils import explore
from course_utils.chip import Chip
from course_utils.draw.builder import WORKS
from course_utils.draw.fonts import text_width
from course_utils.exercises import predict
from course_utils.explore.style import READOUT

BUILDER = explore.machine_builder()
CONTROLS = BUILDER._controls
FIRST = Chip(**{name: control.value for name, control in CONTROLS.items()})


@pytest.fixture
def wager():
    """Bets on how many dots rise, withdrawn afterwards."""
    yield lambda bet: predict("faster_by_hbm", bet)
    predict("faster_by_hbm", ...)


def heights(svg):
    """From the floor up, in px, of the six dots in their order."""
    found = re.findall(r'<circle cx="[\d.]+" cy="([\d.]+)" r="4" fill="#FFFFFF"', svg)
    assert len(found) == 6
    return [461 - float(y) for y in found]


def test_the_controls_reach_the_grid_of_the_designs():
    values = {name: [value for _, value in c.options] for name, c in CONTROLS.items()}
    assert values == {
        "side": [32, 64, 128, 256],
        "arrays": [1, 2, 4, 8, 16, 32, 64],
        "sram": [1, 2, 4, 6, 8, 12, 16, 24, 32, 48, 64],
        "stacks": [1, 2, 3, 4, 5, 6, 7],
    }
    grid = {Chip(*sizes) for sizes in product(*values.values())}
    assert set(chips.designs()) == {chip for chip in grid if chip.fits}


def test_nothing_beside_a_slider_is_cut():
    for control in CONTROLS.values():
        assert max(text_width(label, 12, bold=True) for label in control._options_labels) <= READOUT


def test_what_is_said_fits_into_two_lines():
    for side, arrays, sram, stacks in product((32, 256), (1, 2, 16, 64), (1, 6, 64), (1, 3, 7)):
        says = BUILDER.at(side=side, arrays=arrays, sram=sram, stacks=stacks).says
        assert text_width(says, 13) <= 2 * 672 - 72, says  # a word of a line may go to the next


def test_the_dots_that_rise_are_counted_on_the_picture():
    twice = 2 * FIRST.stacks
    before, after = heights(BUILDER.at().svg), heights(BUILDER.at(stacks=twice).svg)
    risen = {
        work.name for work, low, high in zip(WORKS, before, after, strict=True) if high > low + 1
    }
    stay = [high == low for low, high in zip(before, after, strict=True)]
    assert risen == {"MLP", "decode"} and stay.count(True) == 4  # nothing moves a little
    assert BUILDER._truth == len(risen)


def test_those_rise_that_wait_for_memory():
    waiting = {work.name for work in WORKS if FIRST.run(work).limit == "memory"}
    assert waiting == {"MLP", "decode"}
    gain = {
        work.name: FIRST.run(work).seconds / replace(FIRST, stacks=4).run(work).seconds
        for work in WORKS
    }
    assert gain["decode"] == 2
    assert 1.1 < gain["MLP"] < 1.5  # then its arrays are slower
    assert all(gain[name] == 1 for name in gain if name not in waiting)


def test_both_chips_of_the_bet_are_within_the_budget():
    assert FIRST.fits and replace(FIRST, stacks=2 * FIRST.stacks).fits


def test_the_stored_builder_does_not_give_the_bet_away():
    picture = BUILDER.at()
    shown = " ".join([picture.says, picture.title, picture.second, *texts_of(picture.svg)]).lower()
    assert not re.search(r"wait|rise|rises|limit|memory|of 6|of six", shown)
    assert len(picture.png()) <= 80_000


def test_the_question_stands_until_the_bet_is_in(wager):
    question = "Twice the stacks of HBM: how many of the six dots rise?"
    assert part(explore.machine_builder(), "title") == question
    wager(4)
    explorer = explore.machine_builder()
    assert part(explorer, "title").startswith("62 of 100 mm²: prefill gets ")
    assert "it is" not in part(explorer, "bet")
    explorer._controls["stacks"].value = 4
    assert part(explorer, "bet") == (
        "◇ You bet 4 dots; it is 2 dots (the first chip, 2 to 4 stacks)."
    )


def test_the_budget_begins_with_the_reference_and_needs_no_bet():
    explorer = explore.chip_budget()
    assert Chip(**{name: c.value for name, c in explorer._controls.items()}) == chips.START
    reached = {name: c.options for name, c in explorer._controls.items()}
    assert reached == {name: c.options for name, c in CONTROLS.items()}
    assert part(explorer, "title").startswith("62 of 100 mm²: score 1 for chatbot")
    assert part(explorer, "bet") == ""
    explorer._controls["stacks"].value = 6
    assert part(explorer, "title").startswith("Over 100 mm²: ")
    assert len(explorer.at().png()) <= 80_000
