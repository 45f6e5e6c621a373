"""The ranking's picture: clean in every state, its bars the networks' counts."""

import re
from itertools import product
from xml.etree import ElementTree

import pytest
from picture_rules import faults, texts_of

from course_utils import Machine
from course_utils.draw import palette, ranking
from course_utils.draw.ranking import BY, STEPS, moves
from course_utils.networks import blocks

STATES = [*product(BY, STEPS, (1, 4, 16))]
SCALE = {"MACs": 1e6, "bytes": 1e6, "time": 1e-3}
NAMES = [*blocks()]


def measured(by, steps, layer):
    """MACs, bytes or seconds of one layer, from its meters."""
    meters = layer.meters(fused=steps == "fused")
    if by == "time":
        machine = Machine.reference()
        return max(meters.flops / machine.peak(), meters.moved / machine.bandwidth)
    return meters.macs if by == "MACs" else meters.moved


def totals(by, steps, batch):
    sums = {
        name: sum(measured(by, steps, x) for x in block.layers(batch=batch))
        for name, block in blocks().items()
    }
    return dict(sorted(sums.items(), key=lambda item: -item[1]))


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("bet", [None, "ResNet", "Mamba", "GPT"])
def test_rankings_are_clean(state, bet):
    picture = ranking(*state, bet=bet)
    assert faults(picture.svg) == []
    assert int(ElementTree.fromstring(picture.svg).get("height")) == 472
    assert bet or len(picture.png()) <= 80_000  # a bet adds a diamond
    assert len(picture.title) <= 66 and len(picture.second) <= 105


@pytest.mark.parametrize("state", STATES)
def test_rows_are_the_totals_in_order(state):
    words = texts_of(ranking(*state).svg)
    unit = {"MACs": " MMAC", "bytes": " MB", "time": " ms"}[state[0]]
    shown = [float(w.removesuffix(unit).replace(",", "")) for w in words if w.endswith(unit)]
    want = totals(*state)
    assert shown == pytest.approx([n / SCALE[state[0]] for n in want.values()], rel=5e-3)
    assert [w for w in words if w in NAMES] == list(want)


@pytest.mark.parametrize("state", STATES)
def test_bars_are_to_scale(state):
    svg = ranking(*state).svg
    want = totals(*state)
    bars = re.findall(r'<rect x="([\d.]+)" y="([\d.]+)" width="([\d.]+)" height="2[34]"', svg)
    ends = {}
    for x, y, wide in bars:
        row = round((float(y) - 116) / 40)
        ends[row] = max(ends.get(row, 0), float(x) + float(wide) - 296)
    most = max(want.values())
    for row, total in enumerate(want.values()):
        # parts under 3 px are left out, two of them at most
        assert ends[row] == pytest.approx(312 * total / most, abs=6), (state, row)


def test_the_places_are_those_of_the_orders():
    for by, steps, batch in STATES:
        before, after = (list(totals(which, steps, batch)) for which in ("MACs", by))
        want = {name: before.index(name) - after.index(name) for name in after}
        assert moves(by, steps, batch) == want and sum(want.values()) == 0
    assert moves("bytes")["GPT"] == 2
    assert sorted(moves("bytes").values())[-2] == 1  # the bet has one answer


def test_titles_are_findings():
    assert ranking("MACs").title == "By MACs MoE leads: 321 times the MACs of GPT"
    assert ranking("bytes").title == (
        "By bytes GPT climbs 2 places: past ResNet (29.6 times its MACs)"
    )
    assert ranking("bytes", batch=4).title == (
        "By bytes Mamba climbs 2 places: past MoE (3.23 times its MACs)"
    )
    assert ranking("time", batch=4).title == "By time MoE leads: 113 times the time of GPT"
    macs = {name: block.macs() for name, block in blocks().items()}
    assert f"{macs['ResNet'] / macs['GPT']:.3g}" == "29.6"
    assert f"{macs['MoE'] / macs['Mamba']:.3g}" == "3.23"


def test_fused_steps_move_less_and_mark_what_each_alone_moves():
    for batch in (1, 16):
        alone, fused = (ranking("bytes", steps, batch).svg for steps in STEPS)
        assert alone.count(palette.MOVEMENT_TINT) > fused.count(palette.MOVEMENT_TINT)
        assert "each step alone" in texts_of(fused) and "each step alone" not in texts_of(alone)


@pytest.mark.parametrize(
    "arguments, message",
    [
        (("FLOPs",), "ranking: by is 'FLOPs'; take one of MACs, bytes, time"),
        (("bytes", "gone"), "ranking: steps is 'gone'; take one of each alone, fused"),
        (("bytes", "fused", 17), "ranking: batch is 17; take 16 at most"),
        (("bytes", "fused", 0), "ranking: batch must be a whole number of at least 1; got 0"),
    ],
)
def test_unknown_states_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        ranking(*arguments)
    with pytest.raises(ValueError, match="bet on one of ResNet, MobileNet"):
        ranking("MACs", bet="LSTM")
