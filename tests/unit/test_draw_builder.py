"""The machine builder's picture: clean in all corners, its strip to scale, its dots what runs."""

import re
from itertools import product
from math import log2
from xml.etree import ElementTree

import pytest
from picture_rules import faults, overlap, text_boxes, texts_of

from course_utils.chip import MIXES, WORKLOADS, Chip, Product, Workload, attention, block, score
from course_utils.draw import budget, builder, palette
from course_utils.draw.builder import WORKS
from course_utils.draw.fonts import text_width

SIDES, ARRAYS, STACKS = (32, 64, 128, 256), (1, 2, 4, 8, 16, 32, 64), range(1, 8)
SRAMS = 1, 2, 4, 6, 8, 12, 16, 24, 32, 48, 64
ALL = list(product(SIDES, ARRAYS, SRAMS, STACKS))
CORNERS = list(product((32, 256), (1, 64), (1, 64), (1, 7)))
# Every 13th state beside the corners: 13 divides no number of steps, so all values come up.
SAMPLE = [*CORNERS, *ALL[::13], (32, 32, 8, 2)]
NAMES = "MLP", "CNN", "RNN", "attention", "decode", "prefill"


def shapes(svg, kind):
    return ElementTree.fromstring(svg).iter(f"{{http://www.w3.org/2000/svg}}{kind}")


def circles(svg):
    """Centres of the dots; the sign of Compute is filled."""
    found = [c for c in shapes(svg, "circle") if c.get("fill") == palette.PAPER]
    return [(float(c.get("cx")), float(c.get("cy"))) for c in found]


def strip(svg):
    """{hue: (left, width)} of the die."""
    found = [r for r in shapes(svg, "rect") if r.get("y") == "96"]
    assert {r.get("height") for r in found} == {"24"}
    return {r.get("fill"): (float(r.get("x")), float(r.get("width"))) for r in found}


def at(cost):
    """Where a cost stands: 18 octaves of intensity on 624 px, 15 px an octave of the rate."""
    x = 72 + 624 / 18 * (log2(2 * cost.macs / cost.moved) + 3)
    return x, 461 - 15 * (log2(2 * cost.macs / cost.seconds / 1e12) + 5)


def costs(state):
    chip = Chip(*state)
    return {work.name: chip.run(work) for work in WORKS}


@pytest.fixture(scope="module")
def pictures():
    return {state: builder(*state) for state in SAMPLE}


def test_builders_are_clean(pictures):
    for state, picture in pictures.items():
        assert faults(picture.svg) == [], state
        assert int(ElementTree.fromstring(picture.svg).get("height")) == 576
        assert len(picture.title) <= 66 and len(picture.second) <= 105
        assert min(y for _, box in text_boxes(picture.svg)[2:] for _, y in box) >= 72


def test_the_first_builder_is_small():
    assert len(builder(32, 32, 8, 2).png()) <= 80_000


def test_the_sample_has_every_step():
    for values, seen in zip((SIDES, ARRAYS, SRAMS, STACKS), zip(*SAMPLE, strict=True), strict=True):
        assert set(values) == set(seen)


def test_the_six_works():
    assert tuple(work.name for work in WORKS) == NAMES
    by_name = {work.name: work for work in WORKS}
    assert by_name["MLP"].products == (Product(32, 784, 100),)
    assert by_name["CNN"].products == (Product(56 * 56, 9 * 64, 64),)
    assert by_name["RNN"] == Workload("RNN", (Product(1, 2048, 1024, 64),), chained=True)
    assert by_name["decode"].products == block(1)
    assert by_name["prefill"].products == WORKLOADS["prefill"].products
    assert by_name["attention"].products == attention(1024, 128, 16)
    assert by_name["prefill"].products[-2:] == by_name["attention"].products


def test_dots_are_what_the_chip_runs(pictures):
    for state, picture in pictures.items():
        found = circles(picture.svg)
        assert len(found) == 6
        for (x, y), cost in zip(found, costs(state).values(), strict=True):
            assert (x, y) == pytest.approx(at(cost), abs=0.01), state


def test_no_text_is_on_a_dot_or_on_the_roof(pictures):
    for state, picture in pictures.items():
        (d,) = re.findall(
            r'<path d="M([^"]*)" fill="none" stroke="#1B1F27" [^>]*"1.5"', picture.svg
        )
        roof = [tuple(map(float, corner.split())) for corner in d.split("L")]
        marks = [
            [(x - 4.5, y - 4.5), (x + 4.5, y - 4.5), (x + 4.5, y + 4.5), (x - 4.5, y + 4.5)]
            for x, y in circles(picture.svg)
        ]
        for (x1, y1), (x2, y2) in zip(roof, roof[1:], strict=False):
            marks.append([(x1, y1 - 0.75), (x2, y2 - 0.75), (x2, y2 + 0.75), (x1, y1 + 0.75)])
        for words, box in text_boxes(picture.svg):
            assert not any(overlap(box, mark) for mark in marks), (state, words)


def test_each_dot_has_its_label(pictures):
    """Its own, or one with those that stand in the same place."""
    for state, picture in pictures.items():
        places = dict(zip(NAMES, circles(picture.svg), strict=True))
        labels = [w for w in texts_of(picture.svg) if w.split(", ")[0] in NAMES]
        dots = labels[:-6]  # the last six stand above the counters
        assert labels[-6:] == list(NAMES)
        assert sorted(name for words in dots for name in words.split(", ")) == sorted(NAMES)
        for words in dots:
            (x, y), *rest = (places[name] for name in words.split(", "))
            assert all(abs(a - x) + abs(b - y) < 27 for a, b in rest), (state, words)


def test_rnn_and_decode_part_where_the_weights_stay_on_the_chip():
    def labels(sram):
        return set(texts_of(builder(32, 32, sram, 2).svg))

    assert "RNN, decode" in labels(4) and "RNN, decode" not in labels(6)


def test_the_strip_is_to_scale(pictures):
    for state, picture in pictures.items():
        side, arrays, sram, stacks = state
        areas = {
            palette.MOVEMENT: 11 * stacks,
            palette.MEMORY: 0.9 * sram,
            palette.COMPUTE: side**2 * arrays / 1000,
        }
        left, found = 24, strip(picture.svg)
        for hue, area in areas.items():
            assert found[hue][0] == pytest.approx(left, abs=0.01)
            assert found[hue][1] == pytest.approx(min(4 * area, 696 - left), abs=0.01)
            left += 4 * area
        over = [w for w in texts_of(picture.svg) if w.startswith("over by")]
        assert len(over) == (sum(areas.values()) > 100)
        assert all(w.endswith("cut here") == (sum(areas.values()) > 168) for w in over)


def test_the_budget_is_marked_at_100_mm2():
    for state in ((32, 1, 1, 1), (256, 64, 64, 7)):
        (mark,) = [r for r in shapes(builder(*state).svg, "rect") if r.get("fill") == palette.INK]
        assert float(mark.get("x")) + float(mark.get("width")) / 2 == 24 + 4 * 100


def test_every_array_and_every_stack_is_a_cell():
    def cells(svg):
        gaps = re.findall(rf'<path d="([^"]*)" fill="none" stroke="{palette.PAPER}"', svg)
        return [d.count("M") for d in gaps]

    assert cells(builder(32, 32, 8, 2).svg) == [2, 1, 32]
    assert cells(builder(64, 4, 8, 7).svg) == [7, 1, 4]


SENTENCE = re.compile(
    r"(\S+) mm²: (\d+) × (\d+)² PEs, (\d+) MiB, (\d) HBM: (\S+) TFLOP/s, (\S+) GB/s; "
    r"of the peak (.*)\."
)


def near(text, value):
    return float(text.replace(",", "")) == pytest.approx(value, rel=0.006)


def test_the_sentence_and_the_counters(pictures):
    for state, picture in pictures.items():
        side, arrays, sram, stacks = state
        said = SENTENCE.fullmatch(picture.says).groups()
        assert [int(each) for each in said[1:5]] == [arrays, side, sram, stacks]
        assert near(said[0], side**2 * arrays / 1000 + 0.9 * sram + 11 * stacks)
        peak = 2 * side**2 * arrays / 1000
        assert near(said[5], peak) and near(said[6], 400 * stacks)
        shares = dict(each.rsplit(" ", 2)[:2] for each in said[7].split(", "))
        for name, cost in costs(state).items():
            assert near(shares[name], 100 * 2 * cost.macs / cost.seconds / peak / 1e12)
        words = texts_of(picture.svg)
        assert words[-12:] == [w for name, share in shares.items() for w in (name, f"{share} %")]
        most, least = (f(shares, key=lambda s: float(shares[s])) for f in (max, min))
        numbers = re.findall(r"(\w+) (?:gets )?(\S+) %", picture.title)
        assert [share for _, share in numbers] == [shares[most], shares[least]]
        assert picture.title.startswith(
            "Over 100" if float(said[0].replace(",", "")) > 100 else said[0]
        )


def test_the_roof_has_its_names():
    words = texts_of(builder(64, 16, 8, 2).svg)
    assert {"131 TFLOP/s", "800 GB/s", "ridge 164 FLOP/B", "TFLOP/s (log)"} <= set(words)


def test_axes_never_move():
    def ticks(state):
        return [w for w in texts_of(builder(*state).svg) if re.fullmatch(r"[\d,]+|1/\d+", w)]

    assert len({tuple(ticks(state)) for state in CORNERS}) == 1


def test_the_bet_changes_nothing():
    assert builder(32, 32, 8, 2, bet=3) == builder(32, 32, 8, 2)


@pytest.mark.parametrize("wrong", [0, 3, 33, True, "32", None])
@pytest.mark.parametrize("name", ["side", "arrays", "sram"])
def test_sizes_beside_the_grid(name, wrong):
    if (name, wrong) == ("arrays", True):
        wrong = 3
    sizes = {"side": 32, "arrays": 32, "sram": 8, "stacks": 2, name: wrong}
    with pytest.raises(ValueError, match=f"builder: {name} is {wrong!r}; take one of"):
        builder(**sizes)
    with pytest.raises(ValueError, match="builder: stacks is 8; take one of 1, 2, 3, 4, 5, 6, 7"):
        builder(32, 32, 8, 8)


# The same chip with its scores


def test_the_budget_is_clean_and_keeps_its_height():
    heights = set()
    for side, arrays, sram, stacks in product(SIDES[::3], ARRAYS[::3], SRAMS[::5], STACKS[::3]):
        picture = budget(side, arrays, sram, stacks)
        assert faults(picture.svg) == [], picture.says
        assert text_width(picture.says, 13) <= 2 * 672 - 72
        heights.add(ElementTree.fromstring(picture.svg).get("height"))
    assert heights == {"576"}


def test_the_scores_are_those_of_the_chip():
    chip = Chip(32, 64, 4, 2)
    picture = budget(32, 64, 4, 2)
    texts = texts_of(picture.svg)[-10:]
    for mix in MIXES:
        value = float(texts[texts.index(mix) + 1])
        assert value == pytest.approx(score(chip, mix), rel=5e-3)
        assert f"{mix} {texts[texts.index(mix) + 1]}" in picture.says
    reference = budget(64, 8, 8, 2)
    assert texts_of(reference.svg)[-10:] == [word for mix in MIXES for word in (mix, "1")]


def test_the_four_works_stand_where_the_chip_runs_them():
    names = set(texts_of(budget(64, 8, 8, 2).svg))
    assert {*WORKLOADS} <= names and not {"MLP", "CNN"} & names


def test_a_budget_beside_the_grid():
    with pytest.raises(ValueError, match="budget: sram is 5; take one of 1, 2, 4, 6"):
        budget(64, 8, 5, 2)
