"""The replay against an ordered-dictionary LRU, against pycachesim, and against known counts."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracles import Brute, lru
from random_nests import nests

from course_utils import Cache, Hierarchy, LoopNest, Pipeline, walk, watch

DENSE = LoopNest("H[b,o] += X[b,i] * W[i,o]", b=1, i=784, o=100)
MATMUL = LoopNest("C[i,j] += A[i,k] * B[k,j]", i=32, j=32, k=32)


@st.composite
def hierarchies(draw, depth=4):
    line = draw(st.sampled_from([8, 16, 64, 128]))
    caches = []
    for _ in range(draw(st.integers(1, depth))):
        ways, sets = draw(st.integers(1, 6)), draw(st.sampled_from([1, 2, 3, 4, 8]))
        caches.append(Cache(sets * ways * line, ways, line))
    caches.sort(key=lambda cache: cache.size)
    return Hierarchy(*caches, store_refreshes=draw(st.booleans()))


def check(hierarchy, replay, stream):
    levels = [(c.sets, c.ways, c.line) for c in hierarchy.caches]
    misses, backs, dirty = lru(levels, stream, hierarchy.store_refreshes)
    for near, far in pairwise(replay.levels):
        for tensor, count in near.tensors.items():
            assert far.tensors[tensor].references == count.misses + count.write_backs
    for level, missed, back in zip(replay.levels, misses, backs, strict=True):
        assert {t: c.misses for t, c in level.tensors.items() if c.misses} == +missed
        assert {t: c.write_backs for t, c in level.tensors.items() if c.write_backs} == +back
        assert (level.misses, level.write_backs) == (sum(missed.values()), sum(back.values()))
    assert {t: n for t, n in replay.dirty.items() if n} == dirty
    lines = sum(misses[-1].values()) + sum(backs[-1].values()) + sum(dirty.values())
    assert replay.moved == lines * hierarchy.caches[0].line


@given(nests(), hierarchies(), st.booleans())
def test_replay_of_a_nest_equals_ordered_dictionaries(drawn, hierarchy, registers):
    stream = list(Brute(drawn.nest, drawn.pads, drawn.index).stream(drawn.layouts, registers))
    replay = hierarchy.replay(drawn.nest, registers=registers)
    check(hierarchy, replay, stream)
    seen = {t: c.references for t, c in replay.levels[0].tensors.items()}
    assert seen == {t: sum(name == t for _, name, _ in stream) for t in drawn.nest.tensors}


def test_a_store_that_does_not_refresh_ages_between_the_steps_that_coalescing_leaves_out():
    # found by hypothesis against pycachesim: the second step of b makes O's line the oldest
    nest = LoopNest("O[a,b] = X[a] * Y[a] * Z[a,a+b]", a=2, b=2)
    hierarchy = Hierarchy.parse("64/4/16", store_refreshes=False)
    check(hierarchy, hierarchy.replay(nest), list(Brute(nest).stream({})))


@given(st.lists(st.tuples(st.integers(0, 600), st.booleans()), max_size=400), hierarchies())
def test_replay_of_addresses_equals_ordered_dictionaries(references, hierarchy):
    addresses = np.array([a for a, _ in references], int)
    writes = np.array([w for _, w in references], bool)
    replay = hierarchy.replay(addresses, writes=writes)
    check(hierarchy, replay, [(a, "addresses", int(w)) for a, w in references])


@given(
    st.lists(st.tuples(st.integers(0, 300), st.sampled_from("XYH"), st.integers(0, 2))),
    hierarchies(),
)
def test_replay_of_a_trace_equals_ordered_dictionaries(references, hierarchy):
    addresses, names, kinds = zip(*references, strict=True) if references else ((), (), ())
    trace = walk.Trace(
        np.array(addresses, np.int64),
        np.array(["XYH".index(name) for name in names], np.int16),
        np.array(kinds, np.int16),
        tuple("XYH"),
    )
    replay = hierarchy.replay(trace)
    check(hierarchy, replay, [(a, name, kind) for a, name, kind in references])
    seen = {t: c.references for t, c in replay.levels[0].tensors.items()}
    assert seen == {name: names.count(name) for name in "XYH"}


@pytest.fixture(scope="module")
def pycachesim():
    return pytest.importorskip("cachesim", reason="pycachesim is not installed (extra: oracle)")


def simulated(pycachesim, hierarchy, references):
    """(misses, write-backs) of each level from pycachesim; `references`: (address, kind)."""
    memory, below, levels = pycachesim.MainMemory(), None, []
    for k, cache in reversed(list(enumerate(hierarchy.caches, 1))):
        level = pycachesim.Cache(
            f"L{k}", cache.sets, cache.ways, cache.line, "LRU", load_from=below, store_to=below
        )
        if below is None:
            memory.load_to(level)
            memory.store_from(level)
        levels.insert(0, level)
        below = level
    simulator = pycachesim.CacheSimulator(levels[0], memory)
    for address, kind in references:
        if kind != 1:
            simulator.load(int(address))
        if kind != 0:
            simulator.store(int(address))
    return [(level.MISS_count, level.EVICT_count) for level in levels]


def powers_of_two(hierarchy):  # pycachesim takes no other number of sets
    return all(c.sets & (c.sets - 1) == 0 for c in hierarchy.caches)


@given(nests(), hierarchies().filter(powers_of_two))
def test_replay_of_a_nest_equals_pycachesim(pycachesim, drawn, hierarchy):
    hierarchy = Hierarchy(*hierarchy.caches, store_refreshes=False)
    trace = drawn.nest.addresses()
    replay = hierarchy.replay(drawn.nest)
    found = [(level.misses, level.write_backs) for level in replay.levels]
    references = zip(trace.address, trace.kind, strict=True)
    assert found == simulated(pycachesim, hierarchy, references)


@given(
    st.lists(st.tuples(st.integers(0, 600), st.booleans()), max_size=400),
    hierarchies().filter(powers_of_two),
)
def test_replay_of_addresses_equals_pycachesim(pycachesim, references, hierarchy):
    hierarchy = Hierarchy(*hierarchy.caches, store_refreshes=False)
    addresses, writes = (
        np.array([a for a, _ in references], int),
        np.array([w for _, w in references], bool),
    )
    replay = hierarchy.replay(addresses, writes=writes)
    found = [(level.misses, level.write_backs) for level in replay.levels]
    assert found == simulated(pycachesim, hierarchy, references)


KNOWN = {"boi": (83_307, 333_225), "obi": (83_307, 333_600), "oib": (83_307, 98_028),
         "bio": (4_956, 19_821), "iob": (4_956, 5_121), "ibo": (4_956, 5_121)}  # fmt: skip


@pytest.mark.parametrize("order", KNOWN)
def test_known_counts_of_the_dense_layer(order):
    cache = Hierarchy.parse("32KiB/8")
    found = [cache.replay(DENSE.sizes(b=b).order(*order)).misses for b in (1, 4)]
    assert tuple(found) == KNOWN[order]


def test_known_counts_with_the_accumulator_in_a_register():
    cache = Hierarchy.parse("32KiB/8")
    found = [cache.replay(DENSE.sizes(b=b), registers=True).misses for b in (1, 4)]
    assert found == [83_400, 333_600]


def test_storing_the_weights_the_other_way_round():
    cache = Hierarchy.parse("32KiB/8")
    assert cache.replay(DENSE.layout(W="oi")).misses == 4_956
    assert 49 + 4_900 + 7 == 4_956  # the lines of X, W and H: nothing is fetched twice


def test_known_counts_of_matrix_multiplication():
    cache = Hierarchy.parse("768/24/32")
    found = {
        order: cache.replay(MATMUL.order(*order)).misses
        for order in ("ikj", "kij", "ijk", "jik", "kji", "jki")
    }
    assert found == {
        "ikj": 4_352,
        "kij": 5_248,
        "ijk": 36_992,
        "jik": 37_888,
        "kji": 65_664,
        "jki": 66_560,
    }


def test_known_counts_of_tiles():
    cache = Hierarchy.parse("2048/64/32")
    order = ("i/{0}", "k/{0}", "j/{0}", "i", "k", "j")
    found = {
        b: cache.replay(MATMUL.tile(i=b, k=b, j=b).order(*(x.format(b) for x in order))).misses
        for b in (4, 8, 16, 32)
    }
    assert found == {4: 1_280, 8: 1_152, 16: 768, 32: 4_352}


@pytest.mark.parametrize(
    ("size", "misses"), [("32KiB/8", 18_434), ("64KiB/8", 18_380), ("128KiB/8", 1_903)]
)
def test_known_counts_of_the_recurrent_network(size, misses):
    step = [
        LoopNest("z[o] += x[t,i] * W[i,o]", t=10, i=100, o=128).order("t", "i", "o"),
        LoopNest("z[o] += h[j] * U[j,o]", j=128, o=128).order("j", "o"),
    ]
    rnn = Pipeline(step, repeat="t", buffers=[("h", "z")])
    assert Hierarchy.parse(size).replay(rnn).misses == misses


def test_known_counts_of_a_gather_and_a_scatter():
    # rows of 16 floats fill one line each; 100 look-ups of 4 B fill 7
    rows = np.random.default_rng(0).integers(0, 1000, 100)
    gather = LoopNest(
        "H[n,d] = E[row[n],d]", n=100, d=16, shapes={"E": (1000, 16)}, index={"row": rows},
        itemsize={"row": 4},
    )  # fmt: skip
    replay = Hierarchy.parse("1MiB/16").replay(gather)
    misses = {tensor: count.misses for tensor, count in replay.levels[0].tensors.items()}
    assert misses == {"E": len(set(rows)), "H": 100, "row": 7}
    assert replay.dirty == {"E": 0, "H": 100, "row": 0}
    scatter = LoopNest(
        "G[row[n],d] += H[n,d]", n=100, d=16, shapes={"G": (1000, 16)}, index={"row": np.sort(rows)}
    )
    replay = Hierarchy.parse("256/4").replay(scatter)  # four lines: sorted rows come together
    misses = {tensor: count.misses for tensor, count in replay.levels[0].tensors.items()}
    assert misses == {"H": 100, "G": len(set(rows)), "row": 13}
    assert replay.write_backs + replay.dirty["G"] == len(set(rows))


def test_an_endless_cache_moves_the_lines_of_the_compulsory_traffic():
    replay = Hierarchy.parse("1MiB/16").replay(DENSE)
    assert replay.write_backs == 0 and replay.dirty == {"X": 0, "W": 0, "H": 7}
    assert replay.moved == (49 + 4_900 + 7 + 7) * 64


def test_replay_says_what_it_found():
    text = repr(Hierarchy.parse("32KiB/8 + 1MiB/16").replay(DENSE))
    assert "L1 32 KiB/8" in text and "L2 1 MiB/16" in text and "83,307" in text


def test_replay_accounts_for_every_byte_it_reports():
    text = repr(Hierarchy.parse("32KiB/8").replay(DENSE))
    assert "lines moved: 83,307 missed + 6 written back + 1 left to write back = 83,314" in text
    assert f"bytes moved: {83_314 * 64:,} B" in text


def test_nothing_is_referred_to():
    replay = Hierarchy.parse("32KiB/8").replay([], writes=[])
    assert (replay.levels[0].references, replay.misses, replay.moved) == (0, 0, 0)


MANY = Pipeline([LoopNest(f"Y{n}[i] = X{n}[i]", i=2) for n in range(35)] + [DENSE.sizes(b=1)])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Cache(1000, 8), "no multiple of 8 ways × 64 B lines; take 512 B"),
        (lambda: Cache("32KiB", 0), "ways must be a whole number"),
        (lambda: Cache("32KiB", 8, 48), "power of two"),
        (lambda: Cache("32KB", 8), "capacities are binary"),
        (lambda: Cache("lots", 8), "no capacity"),
        (lambda: Cache("9" * 400 + "KiB", 8), "no capacity"),
        (lambda: Cache(2.5, 8), "no whole number"),
        (lambda: Hierarchy(), "one or more Caches"),
        (lambda: Hierarchy("32KiB/8"), "text to Hierarchy.parse"),
        (lambda: Hierarchy.parse("1MiB/8 + 32KiB/8"), "nearest cache comes first.*1 MiB, 32 KiB"),
        (lambda: Hierarchy(Cache("32KiB"), Cache("1MiB", 8, 32)), "one line size"),
        (lambda: Hierarchy.parse("32KiB"), "is no level"),
        (lambda: Hierarchy.parse("32KiB/x"), "is no level"),
        (lambda: Hierarchy.parse("32KiB/8").replay("H"), "takes a LoopNest"),
        (lambda: Hierarchy.parse("32KiB/8").replay(np.array([-1])), "run from 0"),
        (
            lambda: Hierarchy.parse("32KiB/8").replay(np.array([1, 2]), writes=[True]),
            "one boolean for each",
        ),
        (
            lambda: Hierarchy.parse("64/4/16").replay(LoopNest("H[i] += X[i]", i=3, itemsize=64)),
            "take longer lines",
        ),
        (
            lambda: Hierarchy.parse("64/4/4").replay(watch(X=np.ones(3)).addresses()),
            "an element of one of X has 8 B and a line 4 B; take longer lines",
        ),
        (
            lambda: Hierarchy.parse("32KiB/8").replay(MANY),
            "64 tensors at most are told apart; these are 73",
        ),
        (
            lambda: Hierarchy.parse("32KiB/8").replay(Pipeline([DENSE], repeat=10**17)),
            "references are more than can be counted",
        ),
        (lambda: Hierarchy.parse("32KiB/8").replay(LoopNest), "takes a LoopNest.*got type"),
        (lambda: Hierarchy.parse("32KiB/8").replay([[0, 64], [1]]), "not of one length"),
        (lambda: Cache("8MiB", 1, 1 << 22), "a line has at most 2 MiB"),
        (lambda: Cache(1 << 40, 8), "a cache 134,217,728 lines"),
    ],
)
def test_refused_with_a_reason(make, message):
    with pytest.raises(ValueError, match=message):
        make()
