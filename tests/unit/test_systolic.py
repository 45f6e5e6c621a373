"""The array computes the product; its counts are those of events written from the definition."""

import re
from collections import Counter
from dataclasses import asdict
from itertools import product

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from course_utils.systolic import DATAFLOWS, counts, multiply, steps

WEIGHTS, OUTPUTS = DATAFLOWS
SIZES = st.tuples(*[st.integers(1, 7)] * 3, *[st.integers(1, 4)] * 2)
TILES = st.tuples(*[st.integers(1, 4)] * 5)
FLOWS = st.sampled_from(DATAFLOWS)
WHOLE = st.sampled_from(["bool", "int8", "uint8", "int16", "int64", "uint64"])
SEEDS = st.integers(0, 10**6)


def integers(shape, dtype, rng):
    """Any integers of the dtype, so that sums wrap around."""
    return rng.integers(0, 256, (*shape, np.dtype(dtype).itemsize), np.uint8).view(dtype)[..., 0]


def small(sizes, seed):
    """Operands whose sums fit their dtype; none is 0, as padding is."""
    m, k, n = sizes[:3]
    rng = np.random.default_rng(seed)
    return rng.integers(1, 10**6, (m, k)), rng.integers(-(10**6), 0, (k, n))


def operands(sizes, seed, dtypes):
    m, k, n = sizes[:3]
    rng = np.random.default_rng(seed)
    if "bool" in dtypes:
        return rng.integers(0, 2, (m, k)).astype(bool), integers((k, n), dtypes[1], rng) != 0
    return integers((m, k), dtypes[0], rng), integers((k, n), dtypes[1], rng)


def meetings(m, k, n, rows, cols, dataflow):
    """{(tile, cycle, row, column): (m, k, n)}: which product a PE makes when; None is padding.

    Number t of what goes through is in PE (i, j) in cycle t + i + j.
    """
    through, high = (m, k) if dataflow == WEIGHTS else (k, m)
    found = {}
    for top, left in product(range(0, high, rows), range(0, n, cols)):
        for t, i, j in product(range(through), range(rows), range(cols)):
            inside = top + i < high and left + j < n
            at = (t, top + i) if dataflow == WEIGHTS else (top + i, t)
            key = (top, left), t + i + j, i, j
            assert key not in found  # one product at a time
            found[key] = (*at, left + j) if inside else None
    return found


def tally(meetings, rows, dataflow):
    """What `Run` counts, from the meetings; an operand enters where no neighbour has had it."""
    tiles = {tile for tile, *_ in meetings}
    last = Counter()
    for tile, cycle, _, _ in meetings:
        last[tile] = max(last[tile], cycle)
    x = {(tile, at[0], at[1]) for (tile, *_), at in meetings.items() if at}
    w = {(tile, at[1], at[2]) for (tile, *_), at in meetings.items() if at}
    return {
        "tiles": len(tiles),
        "cycles": sum(cycle + 1 for cycle in last.values()),
        "load_cycles": len(tiles) * rows * (dataflow == WEIGHTS),
        "drain_cycles": len(tiles) * rows * (dataflow == OUTPUTS),
        "macs": sum(at is not None for at in meetings.values()),
        "reads": {"X": len(x), "W": len(w)},
    }


@given(SIZES, FLOWS, SEEDS)
def test_integers_are_exact(sizes, dataflow, seed):
    X, W = small(sizes, seed)
    exact = [
        [sum(int(x) * int(w) for x, w in zip(row, column, strict=True)) for column in W.T]
        for row in X
    ]
    assert multiply(X, W, *sizes[3:], dataflow).result.tolist() == exact


@given(SIZES, FLOWS, SEEDS, WHOLE, WHOLE)
def test_integers_of_every_dtype_are_as_numpy_has_them(sizes, dataflow, seed, one, other):
    X, W = operands(sizes, seed, (one, other))
    assume(np.result_type(X, W).kind != "f")  # int64 with uint64: rounded, in another order
    result = multiply(X, W, *sizes[3:], dataflow).result
    assert result.dtype == (X @ W).dtype
    np.testing.assert_array_equal(result, X @ W)


@pytest.mark.parametrize("one", ["float16", "float32", "int32", "complex64"])
@pytest.mark.parametrize("other", ["float16", "float32", "float64", "bool"])
def test_other_dtypes_are_those_of_the_product(one, other):
    X, W = np.ones((2, 3), one), np.ones((3, 2), other)
    for dataflow in DATAFLOWS:
        result = multiply(X, W, 2, 2, dataflow).result
        assert result.dtype == (X @ W).dtype
        np.testing.assert_array_equal(result, X @ W)


@given(SIZES, FLOWS, SEEDS, st.sampled_from(["float16", "float32", "float64"]))
def test_floats_are_summed_in_the_order_of_the_array(sizes, dataflow, seed, dtype):
    m, k, n, rows, _ = sizes
    rng = np.random.default_rng(seed)
    scale = 2.0 ** rng.integers(-4, 5, k)  # the order of a sum shows
    X = (rng.normal(size=(m, k)) * scale).astype(dtype)
    W = rng.normal(size=(k, n)).astype(dtype)
    expected = np.zeros((m, n), dtype)
    deep = rows if dataflow == WEIGHTS else k
    for a, b in product(range(m), range(n)):
        for first in range(0, k, deep):
            total = np.dtype(dtype).type(0)
            for c in range(first, min(first + deep, k)):
                total = total + X[a, c] * W[c, b]
            expected[a, b] = expected[a, b] + total
    result = multiply(X, W, *sizes[3:], dataflow).result
    assert result.tobytes() == expected.tobytes()


def test_the_order_of_a_sum_shows():
    X, W = np.float32([[2.0**24, 1, 1]]), np.ones((3, 1), np.float32)
    assert multiply(X, W, 3, 1, OUTPUTS).result == 2**24
    assert multiply(X, W, 3, 1, WEIGHTS).result == 2**24
    X, W = np.float32([[0, 2.0**24, 1, 1]]), np.ones((4, 1), np.float32)
    assert multiply(X, W, 2, 1, WEIGHTS).result == 2**24 + 2
    assert multiply(X, W, 2, 1, OUTPUTS).result == 2**24


@pytest.mark.parametrize("dataflow", DATAFLOWS)
def test_infinity_does_not_meet_the_zeros_of_the_padding(dataflow):
    X, W = np.array([[np.inf, 1, 2]]), np.array([[3.0], [4.0], [-np.inf]])
    assert multiply(X[:, :2], W[:2], 4, 4, dataflow).result == np.inf
    assert multiply(X[:, 1:], W[1:], 4, 4, dataflow).result == -np.inf
    assert multiply(X[:, :1], W[:1], 3, 2, dataflow).result == np.inf


@given(SIZES, FLOWS, SEEDS)
def test_counts_are_those_of_the_events_simulated_or_not(sizes, dataflow, seed):
    run = multiply(*small(sizes, seed), *sizes[3:], dataflow)
    m, k, n, rows, cols = sizes
    expected = tally(meetings(*sizes, dataflow), rows, dataflow)
    expected |= {"dataflow": dataflow, "rows": rows, "cols": cols}
    places = meetings(*sizes, dataflow).values()
    for found in (run, counts(*sizes, dataflow)):
        ours = {name: value for name, value in asdict(found).items() if name != "result"}
        assert ours == expected
        assert found.utilisation == m * k * n / (rows * cols * expected["cycles"])
        assert found.reads_per_mac == sum(expected["reads"].values()) / (m * k * n)
        assert found.filled == sum(at is not None for at in places) / len(places)
    assert run == counts(*sizes, dataflow)
    assert counts(*sizes, dataflow).result is None


@given(TILES, FLOWS, SEEDS)
def test_each_step_shows_what_meets_where(sizes, dataflow, seed):
    m, k, n, rows, cols = sizes
    high = k if dataflow == WEIGHTS else m
    rows, cols = max(rows, high), max(cols, n)
    X, W = small(sizes, seed)
    events = {at[1:]: mkn for at, mkn in meetings(m, k, n, rows, cols, dataflow).items()}
    computing = [s for s in steps(X, W, rows, cols, dataflow) if s.phase == "compute"]
    assert [s.cycle for s in computing] == list(range(1 + max(cycle for cycle, *_ in events)))
    kept = np.zeros((rows, cols), X.dtype)
    for step in computing:
        kept = kept if dataflow == OUTPUTS else np.vstack([np.zeros_like(kept[:1]), kept[:-1]])
        for i, j in product(range(rows), range(cols)):
            at = events.get((step.cycle, i, j))
            assert step.useful[i, j] == (at is not None)
            if at:
                x, w = X[at[0], at[1]], W[at[1], at[2]]
                assert (step.x[i, j], step.w[i, j]) == (x, w)
                kept[i, j] += x * w
        np.testing.assert_array_equal(step.sums, kept)


@given(TILES, FLOWS, SEEDS)
def test_numbers_come_from_the_neighbour_or_from_the_edge(sizes, dataflow, seed):
    m, k, n, rows, cols = sizes
    rows, cols = max(rows, k if dataflow == WEIGHTS else m), max(cols, n)
    every = list(steps(*small(sizes, seed), rows, cols, dataflow))
    for before, step in zip(every, every[1:], strict=False):
        moved_w = step.phase == "load" or (dataflow == OUTPUTS and step.phase == "compute")
        if step.phase == "compute":
            np.testing.assert_array_equal(step.x[:, 1:], before.x[:, :-1])
        if moved_w:
            np.testing.assert_array_equal(step.w[1:], before.w[:-1])
        if step.phase == "drain" and step.cycle:
            np.testing.assert_array_equal(step.sums[1:], before.sums[:-1])
            assert not step.sums[0].any()
    for step in every:
        x = np.count_nonzero(step.x[:, 0]) if step.phase == "compute" else 0
        enters = step.phase != "drain" and (dataflow == OUTPUTS or step.phase == "load")
        assert step.reads == {"X": x, "W": np.count_nonzero(step.w[0]) if enters else 0}


def test_the_phases_of_a_tile():
    X, W = np.ones((3, 2), int), np.ones((2, 2), int)
    for dataflow, phases in {
        WEIGHTS: ["load"] * 3 + ["compute"] * (3 + 3 + 2 - 2),
        OUTPUTS: ["compute"] * (2 + 3 + 2 - 2) + ["drain"] * 3,
    }.items():
        every = list(steps(X, W, 3, 2, dataflow))
        assert [step.phase for step in every] == phases
        idle = [step.useful.any() for step in every if step.phase != "compute"]
        assert idle == [False] * 3


def test_a_step_cannot_be_written_to():
    for dataflow in DATAFLOWS:
        for step in steps(np.ones((2, 2)), np.ones((2, 2)), 2, 2, dataflow):
            for name in ("x", "w", "sums", "useful"):
                with pytest.raises(ValueError, match="read-only"):
                    getattr(step, name)[0] = 1


def test_operands_stay_as_they_are():
    X, W = np.arange(6.0).reshape(2, 3), np.arange(6.0).reshape(3, 2)
    for dataflow in DATAFLOWS:
        multiply(X, W, 2, 2, dataflow).result[:] = -1
        assert X.ravel().tolist() == W.ravel().tolist() == list(range(6))


def test_a_4_x_4_array_takes_14_cycles_for_8_rows():
    sizes = 8, 4, 4, 4, 4
    for found in (counts(*sizes, WEIGHTS), multiply(*small(sizes, 0), 4, 4, WEIGHTS)):
        assert (found.cycles, found.load_cycles, found.drain_cycles) == (14, 4, 0)
        assert found.utilisation == 128 / (16 * 14)


@pytest.mark.parametrize("m, k, n, rows, cols", [(5, 3, 2, 6, 4), (1, 1, 1, 1, 1), (9, 4, 7, 4, 7)])
def test_one_tile_pays_the_skew_of_the_whole_array(m, k, n, rows, cols):
    assert counts(m, k, n, rows, cols, WEIGHTS).cycles == m + rows + cols - 2
    found = counts(rows, k, cols, rows, cols, OUTPUTS)
    assert (found.cycles, found.drain_cycles) == (k + rows + cols - 2, rows)


def test_utilisation_by_rows_of_a_batch():
    def used(m):
        return counts(m, 128, 128, 128, 128, WEIGHTS).utilisation

    assert used(8) == 8 / 262 == pytest.approx(0.03053, abs=5e-6)
    assert min(m for m in range(1, 3000) if used(m) >= 0.9) == 2286


def test_an_array_of_128_simulated():
    sizes = 8, 128, 128, 128, 128
    X, W = small(sizes, 1)
    run = multiply(X, W, 128, 128, WEIGHTS)
    np.testing.assert_array_equal(run.result, X @ W)
    assert (run.cycles, run.macs, run.utilisation) == (262, 8 * 128 * 128, 8 / 262)


def test_the_tiles_of_784_x_100():
    small, large = (counts(8, 784, 100, size, size, WEIGHTS) for size in (128, 256))
    assert (small.tiles, small.filled) == (7, 78400 / (7 * 128 * 128))
    assert round(small.filled, 4) == 0.6836
    assert (large.tiles, round(large.filled, 3)) == (4, 0.299)


@pytest.mark.parametrize("size", [1, 2, 4])
def test_reads_per_mac(size):
    sizes = 8, 5, 12, size, size
    run = multiply(*small(sizes, 2), size, size, OUTPUTS)
    assert run.reads_per_mac == 2 / size
    run = multiply(*small(sizes, 2), size, size, WEIGHTS)
    assert run.reads["X"] / run.macs == 1 / size
    assert run.reads["W"] / run.macs == 1 / 8
    assert run.reads_per_mac == 1 / size + 1 / 8


NUMBERS = "must hold numbers along two axes, none empty; got "
WRONG = [
    ("rows", 0, "rows must be a whole number of at least 1; got 0"),
    ("rows", 2.0, "rows must be a whole number of at least 1; got 2.0"),
    ("cols", -3, "cols must be a whole number of at least 1; got -3"),
    (
        "dataflow",
        "row-stationary",
        "dataflow must be weight-stationary or output-stationary; got 'row-stationary'",
    ),
    ("X", [1, 2], f"X {NUMBERS}int64, shape (2,)"),
    ("X", np.zeros((0, 2)), f"X {NUMBERS}float64, shape (0, 2)"),
    ("X", [["a", "b"]], f"X {NUMBERS}<U1, shape (1, 2)"),
    ("W", np.zeros((2, 0)), f"W {NUMBERS}float64, shape (2, 0)"),
    ("W", np.ones((2, 1, 1)), f"W {NUMBERS}float64, shape (2, 1, 1)"),
    ("W", [[None], [1]], f"W {NUMBERS}object, shape (2, 1)"),
    ("W", np.zeros((2, 2), "m8[s]"), f"W {NUMBERS}timedelta64[s], shape (2, 2)"),
    ("X", [[1, 2], [3]], "X: its rows are not of one length; got [[1, 2], [3]]"),
    ("W", [[1, 2]], "X must have as many columns as W has rows; got (2, 2) and (1, 2)"),
]


@pytest.mark.parametrize("use", [multiply, steps])
@pytest.mark.parametrize("name, value, message", WRONG)
def test_errors_name_the_thing_the_value_and_the_fix(use, name, value, message):
    right = {"X": [[1, 2], [3, 4]], "W": [[1, 2], [3, 4]], "rows": 2, "cols": 2}
    right["dataflow"] = WEIGHTS
    use(**right)
    with pytest.raises(ValueError, match=f"^systolic: {re.escape(message)}$"):
        use(**{**right, name: value})


@pytest.mark.parametrize("name", ["m", "k", "n", "rows", "cols"])
def test_counts_takes_whole_sizes(name):
    sizes = dict.fromkeys(["m", "k", "n", "rows", "cols"], 2)
    message = f"systolic: {name} must be a whole number of at least 1; got 0"
    with pytest.raises(ValueError, match=f"^{message}$"):
        counts(**{**sizes, name: 0}, dataflow=WEIGHTS)
    with pytest.raises(ValueError, match="dataflow must be .*; got None$"):
        counts(**sizes, dataflow=None)


@pytest.mark.parametrize(
    "m, k, n, dataflow, what",
    [
        (2, 5, 3, WEIGHTS, "W must be one tile, 4 x 3 at most; got 5 x 3"),
        (2, 4, 4, WEIGHTS, "W must be one tile, 4 x 3 at most; got 4 x 4"),
        (5, 9, 3, OUTPUTS, "X @ W must be one tile, 4 x 3 at most; got 5 x 3"),
        (4, 9, 4, OUTPUTS, "X @ W must be one tile, 4 x 3 at most; got 4 x 4"),
    ],
)
def test_steps_are_those_of_one_tile(m, k, n, dataflow, what):
    with pytest.raises(ValueError, match=f"^systolic: {re.escape(what)}$"):
        steps(np.ones((m, k)), np.ones((k, n)), 4, 3, dataflow)
