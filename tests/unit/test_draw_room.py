"""The room's picture: clean at every size, areas to scale, and nothing moves with the tokens."""

import re
from itertools import product
from xml.etree import ElementTree

import pytest
from picture_rules import faults, texts_of

from course_utils.draw import palette, room
from course_utils.heads import MODES, Heads

HEADS = 1, 2, 4, 8


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("tokens", [1, 2, 40, 128, 129, 362, 363, 1000, 1024, 3071, 3072])
def test_rooms_are_clean(tokens, mode):
    for heads, bet in product(HEADS, (None, 0.01, 363, 1500, 1e300)):
        picture = room(tokens, heads, mode, bet=bet)
        assert faults(picture.svg) == []
        assert int(ElementTree.fromstring(picture.svg).get("height")) == 632
        assert len(picture.title) <= 66 and len(picture.second) <= 105
    assert len(picture.png()) <= 80_000


def boxes(picture, fill, stroke):
    """(left, top, width, height) of the outlined boxes of one look; the outline lies inside."""
    number = r'="([\d.]+)"'
    look = f'<rect x{number} y{number} width{number} height{number} fill="{fill}" stroke="{stroke}"'
    found = [tuple(map(float, box)) for box in re.findall(look, picture.svg)]
    return [(x - 0.5, y - 0.5, w + 1, h + 1) for x, y, w, h in found if h != 11]  # the key's is 11


@pytest.mark.parametrize("heads", HEADS)
@pytest.mark.parametrize("tokens", [128, 512, 1024, 3072])
def test_areas_are_to_scale_and_grow_from_fixed_corners(tokens, heads):
    picture = room(tokens, heads)
    x, *squares = boxes(picture, palette.MEMORY_TINT, palette.MEMORY)
    weights = re.findall(
        rf'width="20" height="20" fill="{palette.MEMORY}"/>', room(tokens, heads).svg
    )
    work = Heads(tokens, heads, "stored")
    area = 20 * 20 * len(weights) / work.weights  # px² for a number
    assert x[2] * x[3] == pytest.approx(work.rows * area)
    assert len(squares) == heads
    assert sum(w * h for *_, w, h in squares) == pytest.approx(work.scores * area)
    largest = boxes(room(3072, heads), palette.MEMORY_TINT, palette.MEMORY)
    assert [box[:2] for box in (x, *squares)] == [box[:2] for box in largest]


def test_causal_keeps_the_lower_half():
    svg = room(3072, 2, "causal").svg
    triangles = re.findall(rf'<path d="M([^"]*)" fill="{palette.MEMORY_TINT}"', svg)
    assert triangles == ["144.5 129v118.5h118.5z", "288.5 129v118.5h118.5z"]
    assert "2 × 3,072 × 3,073 / 2" in texts_of(svg)


@pytest.mark.parametrize("heads", HEADS)
def test_tiled_has_one_tile_and_its_triples(heads):
    picture = room(3072, heads, "tiled")
    assert len(boxes(picture, r"url\(#cu\w+-idle\)", palette.IDLE)) == heads
    tile = f'<rect x="144" y="128" width="5" height="5" fill="{palette.MEMORY}"/>'
    assert picture.svg.count(tile) == 1
    words = texts_of(picture.svg)
    assert "16,384" in words and f"{128 * (2 + 512 // heads):,}" in words
    assert "m, l, o" not in texts_of(room(3072, heads).svg)


@pytest.mark.parametrize(
    "state, title",
    [
        ((3072,), "At 3,072 tokens the scores are 72 times the four matrices"),
        ((128,), "At 128 tokens the scores are 1/8 of the four matrices"),
        ((1, 1), "At 1 token the scores are 1/1,048,576 of the four matrices"),
        ((362,), "At 362 tokens the scores are 0.9998 times the four matrices"),
        ((1024, 1), "At 1,024 tokens the scores are as many as the four matrices have"),
        ((1024, 8, "causal"), "Causal keeps 524,800 of the 1,048,576 scores of each head"),
        ((3072, 8, "tiled"), "Tiled, 16,384 scores are held at a time instead of 75,497,472"),
        ((128, 1, "tiled"), "One tile is all there is: 16,384 scores"),
    ],
)
def test_the_title_is_the_finding(state, title):
    assert room(*state).title == title


def test_the_footer_compares_with_what_its_notes_name():
    words = texts_of(room(3072).svg)
    now, before = (Heads(n, 8, "stored").meters() for n in (3072, 512))
    assert f"N = d, now ×{now.moved / before.moved:.3g}; S stored" in words
    assert f"N = d, now ×{now.memory / before.memory:.3g}" in words
    assert "N = d, now ×16" in words and now.macs == 16 * before.macs
    words = texts_of(room(3072, mode="tiled").svg)
    assert f"stored, now ×{Heads(3072, 8, 'tiled').meters().moved / now.moved:.3g}; tiled" in words
    # one head of 512: to pass K and V once for each block costs more than S and P do
    assert "stored, now ×1.27; tiled" in texts_of(room(1024, 1, "tiled").svg)


@pytest.mark.parametrize(
    "state, message",
    [
        ((0,), "room: tokens must be a whole number of at least 1; got 0"),
        ((2.5,), "room: tokens must be a whole number of at least 1; got 2.5"),
        ((3073,), "room: it shows at most 3,072 tokens; got 3,073"),
        ((64, 3), "room: 1, 2, 4 or 8 heads share the 512 numbers; got 3"),
        ((64, 16), "room: 1, 2, 4 or 8 heads share the 512 numbers; got 16"),
        ((64, [8]), r"share the 512 numbers; got \[8\]"),
        ((64, 8, "flash"), "room: mode is 'stored', 'causal', 'tiled'; got 'flash'"),
        ((64, 8, ["tiled"]), r"got \['tiled'\]"),
    ],
)
def test_what_no_room_can_show_is_refused(state, message):
    with pytest.raises(ValueError, match=message) as error:
        room(*state)
    assert "\n" not in str(error.value)
