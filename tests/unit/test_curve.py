"""The miss curve equals separate replays of every size, and a list kept in order of use."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from random_nests import nests

from course_utils import Cache, Hierarchy, LoopNest, Pipeline, miss_curve, walk

MATMUL = LoopNest("C[i,j] += A[i,k] * B[k,j]", i=32, j=32, k=32)


@st.composite
def traces(draw):
    """Some lines visited again and again, more than stand in the nearest row, and far apart."""
    spread = draw(st.sampled_from([1, 1000, 10**9]))
    lines = draw(st.lists(st.integers(0, 40), max_size=300))
    names = draw(st.lists(st.integers(0, 2), min_size=len(lines), max_size=len(lines)))
    kinds = draw(st.lists(st.integers(0, 2), min_size=len(lines), max_size=len(lines)))
    address = np.array(lines, np.int64) * 64 * spread
    return walk.Trace(address, np.array(names, np.int16), np.array(kinds, np.int16), tuple("XYH"))


def check(curve, work, line, sizes):
    for lines in sizes:
        replay = Hierarchy(Cache(lines * line, lines, line)).replay(work)
        size = lines * line
        assert curve.misses(size) == replay.misses
        assert curve.write_backs(size) == replay.write_backs
        assert curve.dirty(size) == sum(replay.dirty.values())
        assert curve.moved(size) == replay.moved
        level = replay.levels[0]
        assert curve.references == {t: c.references for t, c in level.tensors.items()}
        assert {t: curve.misses(size, t) for t in level.tensors} == {
            t: c.misses for t, c in level.tensors.items()
        }


@given(traces())
def test_of_a_trace_equals_a_replay_at_every_size(trace):
    curve = miss_curve(trace)
    check(curve, trace, 64, range(1, curve.lines + 3))


@given(nests(), st.sampled_from([8, 64, 128]))
def test_of_a_nest_equals_a_replay_at_every_size(drawn, line):
    curve = miss_curve(drawn.nest, line=line)
    check(curve, drawn.nest, line, range(1, min(curve.lines, 20) + 2))


@given(traces())
def test_distances_are_places_in_a_list_by_last_use(trace):
    used, hits = [], []  # the line used last comes last
    for line in (trace.address // 64).tolist():
        if line in used:
            hits.append(len(used) - used.index(line))
            used.remove(line)
        used.append(line)
    curve = miss_curve(trace)
    assert curve.lines == len(used)
    assert curve.sizes.tolist() == [64 * d for d in sorted(set(hits))]
    for lines in range(1, len(used) + 1):
        assert curve.misses(64 * lines) == len(trace) - sum(d <= lines for d in hits)


@given(st.lists(st.integers(0, 30), min_size=1), st.data())
def test_of_addresses(lines, data):
    writes = np.array(data.draw(st.lists(st.booleans(), min_size=len(lines), max_size=len(lines))))
    addresses = np.array(lines) * 64
    curve = miss_curve(addresses, writes=writes)
    for lines in (1, 5, 31):
        replay = Hierarchy(Cache(lines * 64, lines)).replay(addresses, writes=writes)
        assert (curve.misses(lines * 64), curve.moved(lines * 64)) == (replay.misses, replay.moved)


def test_known_counts_of_the_six_orders_of_matrix_multiplication():
    known = dict(ikj=4_352, kij=5_248, ijk=36_992, jik=37_888, kji=65_664, jki=66_560)
    curves = {order: miss_curve(MATMUL.order(*order), line=32) for order in known}
    assert {order: curve.misses(24 * 32) for order, curve in curves.items()} == known
    assert {curve.misses("1MiB") for curve in curves.values()} == {384}


def test_a_stream_longer_than_the_stamps():
    # 3 × 8 lines in turn: every stamp is given many times over
    addresses = np.tile(np.arange(24) * 64, 100)
    curve = miss_curve(addresses)
    assert curve.misses([23 * 64, 24 * 64]).tolist() == [2400, 24]
    assert curve.sizes.tolist() == [24 * 64]


def test_of_a_pipeline_and_with_registers():
    step = [
        LoopNest("z[o] += x[t,i] * W[i,o]", t=4, i=5, o=6),
        LoopNest("z[o] += h[j] * U[j,o]", j=6, o=6),
    ]
    rnn = Pipeline(step, repeat="t", buffers=[("h", "z")])
    check(miss_curve(rnn), rnn, 64, range(1, 10))
    merged = miss_curve(MATMUL, registers=True, line=32)
    replay = Hierarchy.parse("768/24/32").replay(MATMUL, registers=True)
    assert merged.misses(768) == replay.misses


def test_sizes_as_text_as_numbers_and_as_arrays():
    curve = miss_curve(LoopNest("s += x[i] * y[i]", i=1000))
    assert curve.misses("64") == curve.misses(64) == curve.misses(127) == 3000
    assert curve.misses([64, 1 << 30]).tolist() == [3000, 127]
    assert curve.misses(1 << 30, "x") == 63 and curve.lines == 127
    assert curve.misses(["64", "1MiB", 10**30]).tolist() == [3000, 127, 127]
    assert curve.misses(10**30) == 127
    assert isinstance(curve.moved("1MiB"), int)
    assert "3,000 references to x, y, s" in repr(curve) and "127" in repr(curve)


def test_a_table_of_which_little_is_looked_up():
    rows = np.random.default_rng(0).integers(0, 10**6, 50)
    gather = LoopNest(
        "H[n,d] = E[row[n],d]", n=50, d=4, shapes={"E": (10**6, 4)}, index={"row": rows}
    )
    curve = miss_curve(gather)
    check(curve, gather, 64, [1, 2, curve.lines, curve.lines + 1])
    assert curve.misses("1MiB", "E") == len(set(rows // 4))  # four rows of 16 B a line


def test_nothing_is_referred_to():
    curve = miss_curve(np.array([], int))
    assert (curve.lines, curve.misses(64), curve.moved(64), curve.sizes.size) == (0, 0, 0, 0)
    assert "0 references" in repr(curve)


CURVE = miss_curve(np.arange(0, 640, 64))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: miss_curve("H"), "miss_curve: takes a LoopNest, a Pipeline"),
        (lambda: miss_curve(MATMUL, line=48), "a line must be a power of two of bytes; got 48"),
        (lambda: miss_curve(MATMUL, line=0), "a line must be a whole number of at least 1; got 0"),
        (lambda: miss_curve(MATMUL, line=True), "a line must be a whole number"),
        (lambda: miss_curve(MATMUL, line=1 << 63), "a line must be a power of two of bytes"),
        (lambda: miss_curve(MATMUL, line=2), "an element of 'A' has 4 B .* take longer lines"),
        (lambda: miss_curve(MATMUL, writes=[True]), "miss_curve: writes= goes with an array"),
        (lambda: CURVE.misses(63), "from one line, 64 B, on"),
        (lambda: CURVE.misses(100.0), "a whole number of bytes"),
        (lambda: CURVE.misses([64, -1]), "a whole number of bytes"),
        (lambda: CURVE.misses([[64], [64, 128]]), "not of one length"),
        (lambda: CURVE.misses([]), "a whole number of bytes"),
        (lambda: CURVE.misses(["64", "32KB"]), "capacities are binary"),
        (lambda: CURVE.misses("32KB"), "capacities are binary"),
        (lambda: CURVE.misses(64, "W"), "no tensor 'W'; there are addresses"),
    ],
)
def test_refused_with_a_reason(make, message):
    with pytest.raises(ValueError, match=message):
        make()
