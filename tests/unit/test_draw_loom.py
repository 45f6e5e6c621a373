"""The loom: the schedule keeps its rules and is optimal, the numbers are those of the network."""

import re
from itertools import combinations, product
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st
from picture_rules import faults, texts_of

from course_utils.draw import loom, palette
from course_utils.draw.loom import PROCESSORS
from course_utils.draw.wavefront import Loom, Piece, chain, length, needs, pieces, schedule
from course_utils.kernels.sequential import hoisted_nests, rnn_nests
from course_utils.networks import rnn

MODES = {"plain": {}, "hoisted": {"split": True}, "4 sequences": {"sequences": 4}}
SIZES = st.tuples(st.integers(1, 5), st.integers(1, 9), st.integers(1, 7))


@given(SIZES, st.booleans(), st.integers(1, 3))
def test_each_piece_runs_once_after_what_it_needs(sizes, split, sequences):
    layers, steps, processors = sizes
    slots = schedule(*sizes, split, sequences)
    ran = [(k, piece) for k, slot in enumerate(slots) for piece in slot if piece]
    every = pieces(layers, steps, split, sequences)
    assert sorted(piece for _, piece in ran) == sorted(every)
    when = {piece: k for k, piece in ran}
    assert all(when[before] < k for k, piece in ran for before in needs(piece))
    assert {len(slot) for slot in slots} == {processors}
    assert len(slots) == length(*sizes, split, sequences)
    span = 2 * layers + steps - 1 if split else layers + steps - 1
    assert span == len(chain(layers, steps, split))
    assert len(slots) >= max(-(-len(every) // processors), span)


@given(SIZES, st.booleans())
def test_a_longest_chain_is_a_chain_and_none_is_longer(sizes, split):
    layers, steps, _ = sizes
    links = chain(layers, steps, split)
    assert not needs(links[0])
    assert all(a in needs(b) for a, b in zip(links, links[1:], strict=False))
    reach = {}
    for piece in sorted(pieces(layers, steps, split)):
        reach[piece] = 1 + max((reach[before] for before in needs(piece)), default=0)
    assert max(reach.values()) == len(links)


def least(layers, steps, processors, split, sequences):
    """The fewest slots over every schedule that never rests while something is ready."""
    every = pieces(layers, steps, split, sequences)
    place = {piece: 1 << k for k, piece in enumerate(every)}
    before = [(bit, sum(place[b] for b in needs(piece))) for piece, bit in place.items()]
    reached, slots = {0}, 0
    while sum(place.values()) not in reached:
        following = set()
        for done in reached:
            ready = [bit for bit, need in before if not done & bit and not need & ~done]
            runs = combinations(ready, min(processors, len(ready)))
            following |= {done | sum(run) for run in runs}
        reached, slots = following, slots + 1
    return slots


@pytest.mark.parametrize("split, sequences", [(False, 1), (True, 1), (False, 2), (True, 2)])
def test_greedy_is_optimal_where_all_schedules_can_be_tried(split, sequences):
    sizes = [
        (layers, steps, processors)
        for layers, steps, processors in product(range(1, 5), range(1, 7), range(1, 5))
        if layers * steps * sequences * (1 + split) <= 16
    ]
    assert len(sizes) > 20
    for each in sizes:
        assert length(*each, split, sequences) == least(*each, split, sequences), each


def overfull(layers, steps, processors, split, sequences, slots):
    """Whether some stretch of `slots` must hold more pieces than its processors can do."""
    every = pieces(layers, steps, split, sequences)
    first, after = {}, dict.fromkeys(every, 0)
    for piece in sorted(every):
        first[piece] = max((first[before] + 1 for before in needs(piece)), default=0)
    for piece in sorted(every, reverse=True):
        for before in needs(piece):
            after[before] = max(after[before], after[piece] + 1)
    spans = [(first[piece], slots - after[piece]) for piece in every]
    if any(start >= end for start, end in spans):
        return True
    return any(
        sum(start >= low and end <= high for start, end in spans) > processors * (high - low)
        for low in {start for start, _ in spans}
        for high in {end for _, end in spans}
        if low < high
    )


@pytest.mark.parametrize("layers", range(1, 7))
@pytest.mark.parametrize("mode", MODES)
def test_greedy_is_optimal_in_the_states_of_the_widget(layers, mode):
    split, sequences = MODES[mode].get("split", False), MODES[mode].get("sequences", 1)
    for processors in PROCESSORS:
        slots = length(layers, 16, processors, split, sequences)
        assert overfull(layers, 16, processors, split, sequences, slots - 1)
        assert not overfull(layers, 16, processors, split, sequences, slots)


def test_a_layer_stays_on_its_processor():
    for slot in schedule(4, 16, 6):
        assert all(piece is None or piece.layer == k for k, piece in enumerate(slot))


def test_needs_of_products():
    assert needs(Piece(2, 3, "input")) == [Piece(1, 3, "state")]
    assert needs(Piece(2, 3, "state")) == [Piece(2, 3, "input"), Piece(2, 2, "state")]
    assert needs(Piece(2, 3, sequence=1)) == [Piece(1, 3, sequence=1), Piece(2, 2, sequence=1)]


@pytest.mark.parametrize("layers, steps, sequences", [(1, 16, 1), (4, 16, 1), (6, 100, 4)])
def test_meters_are_those_of_the_network(layers, steps, sequences):
    meters = Loom(layers, steps, 64, False, sequences).meters()
    network = rnn(100, 128, layers=layers)
    assert meters.macs == network.macs(batch=sequences, tokens=steps)
    crossing = sequences * steps * (100 + 128)
    assert meters.moved == 4 * (network.parameters + crossing)
    assert meters.memory == 4 * (network.parameters + layers * sequences * 128)


def test_meters_of_one_layer_are_those_of_the_kernels():
    plain, split = (Loom(1, 16, 64, split, 1) for split in (False, True))
    nests, hoisted = rnn_nests(t=16, i=100, o=128), hoisted_nests(t=16, i=100, o=128)
    assert plain.meters().macs == split.meters().macs == nests.macs == hoisted.macs
    # the kernel keeps x, two states and no bias
    bias, states, x = 4 * 128, 4 * 128, 4 * 16 * 100
    assert plain.meters().memory - bias == nests.meters().memory - states - x
    assert split.waiting() == 16
    assert split.meters().memory == plain.meters().memory + 16 * 4 * 128


def test_products_that_wait_are_those_between_input_and_state():
    assert [Loom(1, 16, p, True, 1).waiting() for p in (1, 2, 16, 64)] == [1, 2, 16, 16]
    assert Loom(4, 16, 6, False, 1).waiting() == 0


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
