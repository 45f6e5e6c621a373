"""Tensors as squares to scale, two pieces of work side by side."""

import re
from math import sqrt

import pytest
from picture_rules import faults, texts_of

from course_utils.draw import areas, palette
from course_utils.kernels import spatial
from course_utils.nest import LoopNest

DENSE = LoopNest("H[b,o] += X[b,i] * W[i,o]", b=1, i=784, o=100)
CONV = spatial.conv_nest(b=1, c=1, image=(28, 28), k=32, taps=(3, 3), padding=1)
NAMES = "dense", "filters"


def squares(svg, fill):
    """Sides of the squares of one colour, above the footer."""
    found = re.findall(rf'width="([\d.]+)" height="([\d.]+)" fill="{fill}"', svg)
    return [float(wide) for wide, tall in found if wide == tall and float(wide) > 8]


def test_squares_have_the_areas_of_their_tensors():
    svg = areas(DENSE, CONV, NAMES).svg
    dense, filters = squares(svg, palette.MEMORY)
    assert dense / filters == pytest.approx(sqrt(78_400 / 288), rel=0.01)
    # outlines lie inside: a px more than what is filled
    image, *_, maps = squares(svg, palette.MEMORY_TINT)
    assert (maps + 1) / (image + 1) == pytest.approx(sqrt(25_088 / 784), rel=0.01)
    assert "25,088" in texts_of(svg) and "78,400" in texts_of(svg)


def test_the_title_is_the_finding():
    assert areas(DENSE, CONV, NAMES).title == "272 times fewer weights, 2.88 times the MACs"
    assert areas(CONV, DENSE, NAMES).title == "272 times the weights, 2.88 times fewer MACs"
    assert areas(DENSE, DENSE, NAMES).title == "1 times the weights, 1 times the MACs"


def test_each_meter_names_its_own_change():
    words = texts_of(areas(DENSE, CONV, NAMES).svg)
    assert [w for w in words if "now" in w] == [
        "dense, now ×0.33",
        "dense, now ×2.88",
        "dense, now ×0.33",
    ]


@pytest.mark.parametrize(
    "before, after",
    [
        (DENSE, CONV),
        (CONV, DENSE),
        (DENSE.sizes(b=512, i=3, o=2), CONV),
        (DENSE.sizes(i=1, o=1), DENSE.sizes(i=4096, o=4096)),
        (DENSE, LoopNest("H[b,o] += X[b,i] * W[i,o]", b=1, i=784, o=25_088)),
    ],
)
def test_all_sizes_are_drawn_without_faults(before, after):
    picture = areas(before, after, NAMES)
    assert faults(picture.svg) == []
    assert len(picture.png()) <= 80_000


@pytest.mark.parametrize("text", ["z[n] = x[n] + y[n]", "z[n] = x[n] + W[n]", "z += x[n] * y[n]"])
def test_a_nest_without_weights_or_work_is_refused(text):
    with pytest.raises(ValueError, match="filters has no weights W or no MACs; it is z"):
        areas(DENSE, LoopNest(text, n=4), NAMES)
