"""The microscope's picture: clean in every state, its lit lines what an LRU cache holds then."""

import re
from collections import OrderedDict
from itertools import permutations, product
from xml.etree import ElementTree

import pytest
from picture_rules import faults, texts_of

from course_utils import Hierarchy, LoopNest
from course_utils.draw import microscope, palette
from course_utils.draw.microscope import HELD, Walk

ORDERS = ["".join(order) for order in permutations("ijk")]
TILES, LINES = (4, 8, 16, 32), (24, 64, 384)
STEPS = 1, 2, 500, 16_500, 20_011, 32_767, 32_768
CASES = list(product(ORDERS, TILES, LINES))


def places(order, tile):
    """(i, j, k) of every step, by six plain loops."""
    blocks = list(product(range(0, 32, tile), repeat=3))
    steps = list(product(range(tile), repeat=3))
    for block, step in product(blocks, steps):
        at = {name: b + s for name, b, s in zip(order, block, step, strict=True)}
        yield at["i"], at["j"], at["k"]


def replay(order, tile, lines):
    """{step: (place, misses so far, lines held)} of STEPS, by an LRU cache written once more."""
    held, misses, found = OrderedDict(), 0, {}
    for step, (i, j, k) in enumerate(places(order, tile), 1):
        for line in (("A", i, k // 8), ("B", k, j // 8), ("C", i, j // 8)):
            misses += line not in held
            held[line] = True
            held.move_to_end(line)
            if len(held) > lines:
                held.popitem(last=False)
        if step in STEPS:
            found[step] = (i, j, k), misses, set(held)
    return found


def lit(svg, top, colour):
    """(matrix, row, place in the row) of the lines of one colour in the row of matrices at top."""
    found = set()
    for d in re.findall(rf'<path d="([^"]*)" fill="{colour}"', svg):
        for x, y in re.findall(r"M([\d.]+) ([\d.]+)h39v4h-39z", d):
            right, down = int(x) - 24, int(y) - top
            if 0 <= down < 160:
                found.add(("CAB"[right // 176], down // 5, right % 176 // 40))
    return found


def elements(svg, top):
    """(row, column) of the elements that are marked in C, A and B at top; the legend's left out."""
    number = r'="([\d.]+)"'
    marks = re.findall(rf'<rect x{number} y{number} width="7" height="7"', svg)
    shown = [(float(x), float(y)) for x, y in marks if top - 1 <= float(y) < top + 160]
    return [
        ((y + 1 - top) / 5, (x + 1 - 24 - 176 * m) / 5) for m, (x, y) in enumerate(sorted(shown))
    ]


def held(svg, top):
    return lit(svg, top, palette.MEMORY) | lit(svg, top, HELD)


@pytest.mark.parametrize("case", CASES)
def test_microscopes_are_clean(case):
    for step, bet in ((1, None), (16_500, "jki"), (32_768, case[0])):
        picture = microscope(*case, step, bet=bet)
        assert faults(picture.svg) == []
        assert int(ElementTree.fromstring(picture.svg).get("height")) == 600
        assert len(picture.title) <= 66 and len(picture.second) <= 105


@pytest.mark.parametrize("case", [("jki", 32, 24), ("kij", 4, 64), ("kji", 16, 384)])
def test_microscopes_are_small(case):
    assert len(microscope(*case, 20_000).png()) <= 80_000


@pytest.mark.parametrize("case", CASES)
def test_the_lit_lines_are_what_the_cache_holds(case):
    for step, ((i, j, k), misses, lines) in replay(*case).items():
        picture = microscope(*case, step)
        assert held(picture.svg, 104) == lines
        assert lit(picture.svg, 104, palette.MEMORY) == {
            ("C", i, j // 8),
            ("A", i, k // 8),
            ("B", k, j // 8),
        }
        assert elements(picture.svg, 104) == [(i, j), (i, k), (k, j)]
        words = texts_of(picture.svg)
        assert f"{misses:,} so far," in words and f"at MAC {step:,}" in words
        assert f"{misses:,} of them up to MAC {step:,} (i = {i}, j = {j}, k = {k})" in picture.says
    assert f"{misses:,} misses" in words and f"{32 * misses:,} B" in words


@pytest.mark.parametrize("case", [("jki", 32, 24), ("ikj", 32, 64), ("kij", 8, 64)])
def test_the_other_row_is_stopped_at_the_same_place(case):
    other = ("jki" if case[:2] == ("ikj", 32) else "ikj", 32, case[2])
    svg = microscope(*case, 16_500).svg
    assert elements(svg, 304) == elements(svg, 104)
    ((i, j), (_, k), _) = elements(svg, 304)
    step = list(places(*other[:2])).index((i, j, k)) + 1
    assert f"at MAC {step:,}" in texts_of(svg)
    walk = Walk(*other)
    expected = {(name, row // 4, row % 4) for name, rows in walk.held(step).items() for row in rows}
    assert held(svg, 304) == expected
    assert f"{walk.misses(step):,} so far," in texts_of(svg)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("tile, lines", [(32, 24), (4, 64)])
def test_misses_are_those_of_the_replay(order, tile, lines):
    nest = LoopNest("C[i,j] += A[i,k] * B[k,j]", i=32, j=32, k=32).order(*order)
    nest = nest if tile == 32 else nest.tile(**dict.fromkeys(order, tile))
    replayed = Hierarchy.parse(f"{32 * lines}/{lines}/32").replay(nest)
    assert Walk(order, tile, lines).misses() == replayed.misses


def test_the_known_misses():
    def found(tile, lines):
        return {order: Walk(order, tile, lines).misses() for order in ORDERS}

    assert found(32, 24) == {
        "ikj": 4_352,
        "kij": 5_248,
        "ijk": 36_992,
        "jik": 37_888,
        "kji": 65_664,
        "jki": 66_560,
    }
    assert set(found(32, 384).values()) == set(found(4, 384).values()) == {384}
    for order in ("ikj", "ijk"):  # the others have more in tiles of 4, of 16 or in none
        misses = [Walk(order, tile, 64).misses() for tile in TILES]
        assert misses == [1_280, 1_152, 768, 4_352]


@pytest.mark.parametrize(
    "case, title",
    [
        (("jki", 32, 24), "The same 32,768 MACs, 15.3 times the misses of i-k-j"),
        (("ikj", 32, 24), "The same 32,768 MACs, 15.3 times the misses in j-k-i"),
        (("ijk", 32, 24), "The same 32,768 MACs, 8.5 times the misses of i-k-j"),
        (("ijk", 32, 64), "The same 32,768 MACs, the same 4,352 misses as i-k-j"),
        (("jki", 4, 24), "The same 32,768 MACs, the same 4,352 misses as i-k-j untiled"),
        (("jki", 16, 24), "The same 32,768 MACs, 15.5 times the misses of i-k-j untiled"),
        (("ikj", 16, 64), "The same 32,768 MACs, 768 misses; i-k-j untiled has 4,352"),
        (("kji", 8, 384), "In any order 384 misses: A, B and C fit into the cache"),
    ],
)
def test_the_title_is_the_finding(case, title):
    assert microscope(*case, 1).title == title


def test_the_meters_and_the_tick():
    words = texts_of(microscope("ikj", 32, 24, 16_500).svg)
    for expected in ("12,288 B", "32,768 MAC", "139,264 B", "j-k-i; 32 B a miss"):
        assert expected in words
    words = texts_of(microscope("ikj", 4, 24, 16_500).svg)
    assert "i-k-j untiled; 32 B a miss" in words


def test_the_bars_of_misses_are_to_scale():
    def bars(case):
        svg = microscope(*case, 16_500).svg
        boxes = re.findall(r'<rect x="552.5" y="[\d.]+" width="([\d.]+)" height="11"', svg)
        return [float(width) + 1 for width in boxes]

    assert bars(("jki", 32, 24)) == pytest.approx([66_560 / 500, 4_352 / 500], abs=0.01)
    assert bars(("ikj", 32, 24)) == pytest.approx([4_352 / 500, 66_560 / 500], abs=0.01)


def test_the_tile_is_boxed():
    def boxes(tile):
        side = 5 * tile + 1
        size = f'width="{side}" height="{side}"'
        svg = microscope("ikj", tile, 64, 20_000).svg
        found = re.findall(rf'<rect x="([\d.]+)" y="([\d.]+)" {size} fill="none" stroke', svg)
        return [(float(x) + 1, float(y) + 1) for x, y in found], elements(svg, 104)

    for tile in (4, 8, 16):
        found, marked = boxes(tile)
        assert found == [
            (24 + 176 * m + column // tile * tile * 5, 104 + row // tile * tile * 5)
            for m, (row, column) in enumerate(marked)
        ]
    assert boxes(32)[0] == []


@pytest.mark.parametrize(
    "state, message",
    [
        (("ijj", 32, 24, 1), "microscope: order is 'ijj'; take one of 'ijk', 'ikj', 'jik'"),
        ((["ijk"], 32, 24, 1), r"microscope: order is \['ijk'\]; take one of"),
        (("ijk", 2, 24, 1), "microscope: tile is 2; take one of 4, 8, 16, 32"),
        (("ijk", 32, True, 1), "microscope: lines is True; take one of 24, 64, 384"),
        (("ijk", 32, 24, 0), "microscope: step must be a whole number of at least 1; got 0"),
        (("ijk", 32, 24, 32_769), "microscope: step is 32,769; the last one is 32,768"),
    ],
)
def test_what_no_microscope_can_show_is_refused(state, message):
    with pytest.raises(ValueError, match=message):
        microscope(*state)
