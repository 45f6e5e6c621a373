"""Which limit holds: the shares of time, the bars that show them, the dots under the roof."""

import re

import pytest
from picture_rules import faults, texts_of

from course_utils.draw import palette
from course_utils.draw.limits import Work, busy, limits
from course_utils.machines import Machine
from course_utils.meters import Meters

MACHINE = Machine("example", {"fp32": 100e9}, bandwidth=20e9)


def work(name, macs, moved):
    return Work(name, Meters(moved, macs, moved), ("y += x",), ("memory", "work", "compulsory"))


WORKS = work("none", 0, 100), work("little", 50, 400), work("just", 250, 100), work("much", 900, 9)


def drawn(name, **about):
    return limits(MACHINE, WORKS, name, dtype="float32", size="n = 1", **about)


def bars(svg, fill):
    """Widths of the bars in the panel, right of x = 500 and above the footer."""
    found = re.findall(rf'<rect x="504" y="(\d+)" width="([\d.]+)" height="8" fill="{fill}', svg)
    return [float(width) for y, width in found if int(y) < 384]


@pytest.mark.parametrize(
    "name, shares",
    [
        ("none", {"compute": 0, "movement": 1}),
        ("little", {"compute": 0.05, "movement": 1}),
        ("just", {"compute": 1, "movement": 1}),
        ("much", {"compute": 1, "movement": 0.025}),
    ],
)
def test_busy_is_the_share_of_the_longer_time(name, shares):
    (one,) = [w for w in WORKS if w.name == name]
    assert busy(MACHINE, one.meters, "float32") == pytest.approx(shares)
    svg = drawn(name).svg
    assert faults(svg) == []
    assert bars(svg, palette.COMPUTE_TINT) == bars(svg, palette.MOVEMENT_TINT) == [192]
    filled = sorted(bars(svg, r"url\(#cu\w+-(?:hatch|dots)"))
    assert filled == pytest.approx(sorted(192 * share for share in shares.values() if share))


@pytest.mark.parametrize(
    "name, title",
    [
        ("none", "none: movement is full, compute 0 % busy"),
        ("little", "little: movement is full, compute 5 % busy"),
        ("just", "just: compute is full, movement 100 % busy"),
        ("much", "much: compute is full, movement 2 % busy"),
    ],
)
def test_title_names_the_limit(name, title):
    assert drawn(name).title == title


def test_a_share_too_small_to_print_is_not_nothing():
    tiny = work("tiny", 1, 10**6)
    picture = limits(MACHINE, [tiny], "tiny", dtype="float32", size="n = 1")
    assert picture.title == "tiny: movement is full, compute under 1 % busy"


def test_work_without_arithmetic_stands_at_the_corner():
    svg = drawn("none").svg
    assert "none: 0 FLOP/B" in texts_of(svg)
    assert f'<circle cx="56" cy="320" r="5" fill="{palette.INK}"' in svg
    assert f'<circle cx="56" cy="320" r="4" fill="{palette.PAPER}"' in drawn("much").svg


@pytest.mark.parametrize("resource, y", [("compute", 256), ("movement", 296)])
def test_a_bet_stands_at_the_full_end_of_its_bar(resource, y):
    assert (
        drawn("little").svg.count("<path") == drawn("little", bet=resource).svg.count("<path") - 1
    )
    assert f"M690 {y - 6}L" in drawn("little", bet=resource).svg
