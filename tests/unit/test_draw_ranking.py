"""The ranking's picture: clean in every state, its bars the networks' counts."""

import re
from itertools import product
from xml.etree import ElementTree

import pytest
from picture_rules import faults, texts_of

from course_utils import Machine
from course_utils.draw import palette, ranking
from course_utils.draw.ranking import BY, REST, moves
from course_utils.networks import blocks

STATES = [*product(BY, REST)]
FULL = {"MACs": palette.COMPUTE, "bytes": palette.MOVEMENT, "time": palette.INK}
SCALE = {"MACs": 1e6, "bytes": 1e6, "time": 1e-3}
NAMES = [*blocks()]


def measured(by, rest, layer):
    """MACs, bytes or seconds of one layer, from its nest."""
    meters = layer.meters()
    small = layer.primitive in ("elementwise", "reduction", "scan")
    moved = 0 if small and rest == "rides along" else meters.moved
    if by == "time":
        machine = Machine.reference()
        return max(meters.flops / machine.peak(), moved / machine.bandwidth)
    return meters.macs if by == "MACs" else moved


def totals(by, rest):
    sums = {name: sum(measured(by, rest, x) for x in block) for name, block in blocks().items()}
    return dict(sorted(sums.items(), key=lambda item: -item[1]))


@pytest.mark.parametrize("by, rest", STATES)
@pytest.mark.parametrize("bet", [None, "ResNet", "Mamba", "GPT"])
def test_rankings_are_clean(by, rest, bet):
    picture = ranking(by, rest, bet=bet)
    assert faults(picture.svg) == []
    assert int(ElementTree.fromstring(picture.svg).get("height")) == 472
    assert len(picture.png()) <= 80_000
    assert len(picture.title) <= 66 and len(picture.second) <= 105


@pytest.mark.parametrize("by, rest", STATES)
def test_rows_are_the_totals_in_order(by, rest):
    words = texts_of(ranking(by, rest).svg)
    unit = {"MACs": " MMAC", "bytes": " MB", "time": " ms"}[by]
    shown = [float(w.removesuffix(unit).replace(",", "")) for w in words if w.endswith(unit)]
    want = totals(by, rest)
    assert shown == pytest.approx([n / SCALE[by] for n in want.values()], rel=5e-3)
    rows = [w for w in words if w in NAMES]
    assert rows == list(want)


@pytest.mark.parametrize("by, rest", STATES)
def test_bars_are_to_scale(by, rest):
    svg = ranking(by, rest).svg
    want = totals(by, rest)
    bars = re.findall(r'<rect x="([\d.]+)" y="([\d.]+)" width="([\d.]+)" height="2[34]"', svg)
    ends = {}
    for x, y, wide in bars:
        row = round((float(y) - 116) / 40)
        ends[row] = max(ends.get(row, 0), float(x) + float(wide) - 296)
    most = max(want.values())
    for row, total in enumerate(want.values()):
        assert ends[row] == pytest.approx(312 * total / most, abs=6), (by, rest, row)


def test_the_places_are_those_of_the_orders():
    for by, rest in STATES:
        before, after = list(totals("MACs", rest)), list(totals(by, rest))
        want = {name: before.index(name) - after.index(name) for name in after}
        assert moves(by, rest) == want and sum(want.values()) == 0
    assert moves("bytes")["GPT"] == 2 and max(moves("bytes").values()) == 2
    assert sorted(moves("bytes").values())[-2] == 1  # the bet has one answer


def test_titles_are_findings():
    titles = {state: ranking(*state).title for state in STATES}
    assert titles["MACs", "moves bytes"] == "By MACs MoE leads: 321 times the MACs of GPT"
    assert titles["bytes", "moves bytes"] == (
        "By bytes GPT climbs 2 places: past ResNet, of 29.6 times its MACs"
    )
    assert titles["bytes", "rides along"] == (
        "By bytes GPT climbs 3 places: past Mamba, of 99.4 times its MACs"
    )
    macs = {name: block.macs() for name, block in blocks().items()}
    assert f"{macs['ResNet'] / macs['GPT']:.3g}" == "29.6"
    assert f"{macs['Mamba'] / macs['GPT']:.3g}" == "99.4"


def test_the_rest_moves_bytes_or_none():
    full, tint = ranking("bytes").svg, ranking("bytes", "rides along").svg
    assert full.count(palette.MOVEMENT_TINT) > tint.count(palette.MOVEMENT_TINT)
    scan = [w for w in texts_of(full) if w == "scan"]
    assert scan and "scan" not in texts_of(tint)


@pytest.mark.parametrize(
    "arguments, message",
    [
        (("FLOPs",), "ranking: by is 'FLOPs'; take one of MACs, bytes, time"),
        (("bytes", "gone"), "ranking: rest is 'gone'; take one of moves bytes, rides along"),
    ],
)
def test_unknown_states_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        ranking(*arguments)
    with pytest.raises(ValueError, match="bet on one of ResNet, MobileNet"):
        ranking("MACs", bet="LSTM")
