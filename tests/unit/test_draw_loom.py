"""The loom's picture: clean at every size, its slots to be counted, its title the finding."""

import re
from xml.etree import ElementTree

import pytest
from picture_rules import faults, texts_of

from course_utils.draw import loom, palette
from course_utils.wavefront import Loom


@pytest.mark.parametrize(
    "sizes, about",
    [
        ((1, 1, 1), {}),
        ((1, 1, 64), {"split": True}),
        ((4, 16, 5), {}),
        ((4, 16, 7), {}),
        ((3, 7, 40), {"sequences": 9}),
        ((1, 800, 1), {}),
        ((4, 100, 1), {"split": True}),
        ((12, 16, 12), {}),
        ((1, 100, 64), {"bet": 7}),
        ((1, 100, 64), {"bet": 0.01}),
        ((1, 100, 64), {"bet": 1e300}),
        ((1, 100, 2), {"split": True, "sequences": 4}),
        ((6, 100, 64), {"split": True, "sequences": 20}),
    ],
)
def test_looms_are_clean(sizes, about):
    picture = loom(*sizes, **about)
    assert faults(picture.svg) == []
    assert int(ElementTree.fromstring(picture.svg).get("height")) == 520
    assert len(picture.png()) <= 80_000


def boxes(picture, look):
    """How many boxes the path of one look has."""
    return sum(d.count("z") for d in re.findall(rf'<path d="([^"]*)" fill="{look}"', picture.svg))


@pytest.mark.parametrize("sizes, about", [((4, 16, 6), {}), ((2, 9, 3), {"split": True})])
def test_slots_can_be_counted(sizes, about):
    picture, work = loom(*sizes, **about), Loom(*sizes, about.get("split", False), 1)
    total = len(work.slots) * work.processors
    on_chain, others, idle = (
        boxes(picture, look)
        for look in (palette.COMPUTE, palette.COMPUTE_TINT, r"url\(#cu\w+-idle\)")
    )
    # the arrow of Movement and the sign of Compute are no boxes in these colours
    assert on_chain == len(work.chain)
    assert on_chain + others + idle == total
    assert f"idle: {idle} of {total} slots" in texts_of(picture.svg)


@pytest.mark.parametrize(
    "sizes, about, title",
    [
        ((4, 16, 6), {}, "19 ticks with 4 processors, with 6, and with 64"),
        ((4, 16, 4), {}, "19 ticks with 4 processors, and with 64"),
        ((4, 16, 64), {}, "19 ticks with 4 processors, and with 64"),
        ((4, 16, 3), {}, "24 ticks on 3 processors, never under 19 with more"),
        ((1, 100, 64), {}, "100 ticks with 1 processor, and with 64"),
        ((1, 16, 2), {"split": True}, "With x W ahead of its step: 8.5 ticks instead of 16"),
        ((4, 16, 1), {"split": True}, "64 ticks on 1 processor, with x W ahead of its step or not"),
        ((1, 16, 4), {"sequences": 4},
         "4 sequences take 16 ticks on 4 processors, one alone as many"),
        ((1, 16, 8), {"sequences": 4, "split": True},
         "With x W ahead of its step: 8.5 ticks instead of 16"),
        ((4, 16, 6), {"sequences": 4}, "4 sequences take 44 ticks on 6 processors, one alone 19"),
    ],
)  # fmt: skip
def test_the_title_is_the_finding(sizes, about, title):
    assert loom(*sizes, **about).title == title
    assert len(title) <= 66


def test_cells_say_their_step_where_there_is_room():
    words = texts_of(loom(4, 16, 6).svg)
    assert words.count("16") >= 4 and "numbered by its step" in words[1]
    for sizes in ((4, 16, 64), (6, 16, 1)):
        assert "numbered" not in loom(*sizes).second
    letters = texts_of(loom(1, 16, 2, split=True).svg)
    assert "x is x W, h is h U: half a tick each" in letters
    assert "x W and h U: half a tick each" in texts_of(loom(6, 16, 1, split=True).svg)
    assert letters.count("x") == letters.count("h") == 16


@pytest.mark.parametrize(
    "sizes, message",
    [
        ((0, 16, 6), "loom: layers must be a whole number"),
        ((4, 2.5, 6), "loom: steps must be a whole number"),
        ((4, 16, 65), "at most 64 processors; got 65"),
        ((9, 100, 1), "at most 800 slots, and this has 900"),
    ],
)
def test_what_no_loom_can_show_is_refused(sizes, message):
    with pytest.raises(ValueError, match=message):
        loom(*sizes)
