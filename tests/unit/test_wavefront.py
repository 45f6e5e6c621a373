"""The schedule of cells keeps its rules and is optimal; its meters are those of the network."""

from itertools import combinations, product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from course_utils.draw.loom import PROCESSORS
from course_utils.kernels.sequential import hoisted_nests, rnn_nests
from course_utils.networks import rnn
from course_utils.wavefront import Loom, Piece, chain, length, needs, pieces, schedule

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
