"""Collectives give what NumPy gives, keep to their ports, and cost what the closed forms say."""

import re
from fractions import Fraction
from functools import reduce
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from course_utils.collectives import PATTERNS, Collective, algorithms, collective
from course_utils.sends import rounds

EVERY = [(pattern, algorithm) for pattern in PATTERNS for algorithm in algorithms(pattern)]
ROOTED = ("broadcast", "scatter", "gather", "reduce")
RANKS = st.integers(1, 19)


def lg(ranks):
    """⌈log₂ ranks⌉."""
    return next(k for k in range(64) if 2**k >= ranks)


@st.composite
def tasks(draw, most=19):
    """A collective, and integers for each of its ranks."""
    pattern, algorithm = draw(st.sampled_from(EVERY))
    ranks = draw(st.integers(1, most))
    root = draw(st.integers(0, ranks - 1))
    length = draw(st.integers(0, 40))
    values = np.random.default_rng(draw(st.integers(0, 99))).integers(-99, 99, (ranks, length))
    return collective(pattern, algorithm, ranks, root), values


def given_to(task, values):
    return values[task.root] if task.pattern in ("broadcast", "scatter") else list(values)


def wanted(task, values):
    """What NumPy says that each rank should hold."""
    ranks, root = task.ranks, task.root
    parts = [np.array_split(row, ranks) for row in values]
    total = values.sum(axis=0)
    nothing = [None] * ranks
    return {
        "broadcast": [values[root]] * ranks,
        "scatter": parts[root],
        "gather": [*nothing[:root], values.reshape(-1), *nothing[root + 1 :]],
        "reduce": [*nothing[:root], total, *nothing[root + 1 :]],
        "all-gather": [values.reshape(-1)] * ranks,
        "reduce-scatter": np.array_split(total, ranks),
        "all-reduce": [total] * ranks,
        "all-to-all": [np.concatenate([p[rank] for p in parts]) for rank in range(ranks)],
    }[task.pattern]


@given(tasks())
def test_the_result_is_numpys(drawn):
    task, values = drawn
    before = values.copy()
    found = task.run(given_to(task, values))
    for mine, right in zip(found, wanted(task, values), strict=True):
        np.testing.assert_equal(mine, right)
    assert np.array_equal(values, before)
    assert not any(mine is not None and np.shares_memory(mine, values) for mine in found)


@given(tasks())
def test_a_round_gives_each_port_one_send_and_one_receive(drawn):
    task, values = drawn
    states = list(task.states(given_to(task, values)))
    assert len(states) == len(task.rounds) + 1
    # the others go to the root and come back, or reduce and then hand out what they have reduced
    in_one_go = task.pattern[:5] == "all-g" and task.algorithm in ("ring", "doubling")
    for each, (held, after) in zip(task.rounds, pairwise(states), strict=True):
        assert each, "a round in which nobody sends"
        assert len({send.source for send in each}) == len({send.to for send in each}) == len(each)
        for send in each:
            assert send.source != send.to and send.blocks
            assert len(set(send.blocks)) == len(send.blocks)
            assert set(send.blocks) <= set(held[send.source])
            there = [block in held[send.to] for block in send.blocks]
            if send.adds:
                assert all(there)
            elif task.pattern in ROOTED or in_one_go:
                assert not any(there), "sent what was there"
        receivers = {send.to for send in each}
        for rank in set(range(task.ranks)) - receivers:
            assert set(after[rank]) == set(held[rank])


@given(tasks(), st.sampled_from([np.float64, np.int16]))
def test_bytes_are_those_of_the_arrays_that_are_sent(drawn, dtype):
    task, values = drawn
    values = values.astype(dtype)
    states = task.states(given_to(task, values))
    sent, received, reduced = np.zeros((3, task.ranks), int)
    for each in task.rounds:
        held = next(states)
        for send in each:
            size = sum(held[send.source][block].nbytes for block in send.blocks)
            sent[send.source] += size
            received[send.to] += size
            reduced[send.to] += size * send.adds
    whole = values[0].nbytes * (task.ranks if task.pattern in ("gather", "all-gather") else 1)
    item = values.itemsize
    if task.pattern in ("gather", "all-gather"):  # each rank brings as much as the next
        item *= max(values.shape[1], 1)
    assert np.array_equal(task.sent(whole, item), sent)
    assert np.array_equal(task.received(whole, item), received)
    assert np.array_equal(task.reduced(whole, item), reduced)
    assert task.total(whole, item) == sent.sum() == received.sum()
    assert task.busiest(whole, item) == max(sent.max(), received.max())


A, B, C = Fraction(1, 10**6), Fraction(1, 50 * 10**9), Fraction(1, 9 * 10**9)
CLOSED = {
    ("broadcast", "root"): lambda p, n: (p - 1) * (A + n * B),
    ("broadcast", "tree"): lambda p, n: lg(p) * (A + n * B),
    ("broadcast", "doubling"): lambda p, n: lg(p) * (A + n * B),
    ("broadcast", "ring"): lambda p, n: (2 * p - 2) * (A + n * B / p),
    ("scatter", "root"): lambda p, n: (p - 1) * (A + n * B / p),
    ("scatter", "tree"): lambda p, n: lg(p) * A + n * B * (p - 1) / p,
    ("scatter", "ring"): lambda p, n: (p - 1) * A + n * B * (p - 1) / p,
    ("gather", "tree"): lambda p, n: lg(p) * A + n * B * (p - 1) / p,
    ("gather", "ring"): lambda p, n: (p - 1) * A + n * B * (p - 1) / p,
    ("reduce", "root"): lambda p, n: (p - 1) * (A + n * B + n * C),
    ("reduce", "tree"): lambda p, n: lg(p) * (A + n * B + n * C),
    ("all-gather", "ring"): lambda p, n: (p - 1) * A + n * B * (p - 1) / p,
    ("all-gather", "doubling"): lambda p, n: lg(p) * A + n * B * (p - 1) / p,
    ("reduce-scatter", "ring"): lambda p, n: (p - 1) * A + n * (B + C) * (p - 1) / p,
    ("reduce-scatter", "doubling"): lambda p, n: lg(p) * A + n * (B + C) * (p - 1) / p,
    ("all-reduce", "root"): lambda p, n: (p - 1) * (2 * A + n * (2 * B + C)),
    ("all-reduce", "tree"): lambda p, n: lg(p) * (2 * A + n * (2 * B + C)),
    ("all-reduce", "ring"): lambda p, n: (
        2 * (p - 1) * A + 2 * n * B * (p - 1) / p + n * C * (p - 1) / p
    ),
    ("all-reduce", "halving"): lambda p, n: (
        2 * lg(p) * A + 2 * n * B * (p - 1) / p + n * C * (p - 1) / p
    ),
    ("all-to-all", "root"): lambda p, n: 2 * (p - 1) * (A + n * (p - 1) * B / p),
    ("all-to-all", "pairwise"): lambda p, n: (p - 1) * (A + n * B / p),
    ("all-to-all", "ring"): lambda p, n: (p - 1) * A + n * B * (p - 1) / 2,
}


@given(st.sampled_from(sorted(CLOSED)), RANKS, st.integers(0, 50))
def test_time_is_the_closed_form_where_parts_are_whole(which, ranks, each):
    task = collective(*which, ranks=ranks, root=ranks // 2)
    size = each * ranks
    # in fractions, so that the two are equal and not near
    assert task.time(size, alpha=A, beta=B, gamma=C) == CLOSED[which](ranks, size)


@given(st.integers(0, 5), st.integers(0, 50))
def test_recursive_doubling_of_a_power_of_two(power, each):
    ranks, size = 2**power, each * 2**power
    time = collective("all-reduce", "doubling", ranks=ranks).time(size, A, B, C)
    assert time == power * (A + size * B + size * C)
    half = collective("all-to-all", "doubling", ranks=ranks).time(size, A, B)
    assert half == power * (A + size * B / 2)


@given(RANKS)
def test_no_schedule_is_below_the_bounds(ranks):
    size = 1000 * ranks
    for pattern, algorithm in EVERY:
        task = collective(pattern, algorithm, ranks=ranks)
        assert len(task.rounds) >= lg(ranks)
        share = size * (ranks - 1) // ranks
        bound = {"all-reduce": 2 * share, "broadcast": size * (ranks > 1)}.get(pattern, share)
        if pattern != "reduce":
            assert task.busiest(size) >= bound
        if pattern in ("reduce", "all-reduce", "reduce-scatter"):
            # each of the elements is added ranks - 1 times in all, in whatever order
            adds = task.reduced(size).sum()
            assert adds == size * (ranks - 1) or algorithm == "doubling" and pattern != "reduce"
            assert adds >= size * (ranks - 1)


def test_known_figures():
    ring, tree = (collective("all-reduce", a, ranks=8) for a in ("ring", "tree"))
    assert ring.busiest(100 * 10**6) == 175 * 10**6
    assert (len(ring.rounds), len(tree.rounds)) == (14, 6)
    root = collective("all-reduce", "root", ranks=8)
    assert root.sent(100)[0] + root.received(100)[0] == 1400
    # where the ring overtakes: 8 α = n β (6 - 1.75)
    size = 8 * A / (B * (6 - Fraction(7, 4)))
    assert round(size) == 94118
    assert ring.time(94112, A, B) > tree.time(94112, A, B)
    assert ring.time(94120, A, B) < tree.time(94120, A, B)
    broadcast = [len(collective("broadcast", a, ranks=8).rounds) for a in ("root", "tree", "ring")]
    assert broadcast == [7, 3, 14]


def pairs_summed(values):
    """((x0 + x1) + (x2 + x3)) + …: neighbours first."""
    while len(values) > 1:
        odd = [values[-1]] if len(values) % 2 else []
        values = [a + b for a, b in zip(values[::2], values[1::2], strict=False)] + odd
    return values[0]


@given(RANKS, st.integers(0, 99))
def test_sums_are_made_in_the_algorithms_order(ranks, seed):
    values = np.random.default_rng(seed).standard_normal((ranks, 7)).astype(np.float32)
    values *= np.float32(10) ** np.arange(ranks, dtype=np.float32)[:, None]
    orders = {"root": reduce(np.add, values), "tree": pairs_summed(list(values))}
    for algorithm, right in orders.items():
        for pattern in ("reduce", "all-reduce"):
            found = collective(pattern, algorithm, ranks=ranks).run(values)[0]
            assert found.dtype == np.float32
            assert np.array_equal(found, right)
    # part k starts at rank k + 1 and comes home last
    ring = collective("reduce-scatter", "ring", ranks=ranks).run(values)
    for part, found in enumerate(ring):
        passed = [values[(part + k) % ranks] for k in range(1, ranks + 1)]
        assert np.array_equal(found, np.array_split(reduce(np.add, passed), ranks)[part])


@given(RANKS, st.sampled_from(algorithms("all-reduce")))
def test_all_ranks_get_the_same_bits(ranks, algorithm):
    values = np.random.default_rng(ranks).standard_normal((ranks, 23)).astype(np.float16)
    first, *others = collective("all-reduce", algorithm, ranks=ranks).run(values)
    assert all(first.tobytes() == other.tobytes() for other in others)


def test_the_order_of_a_float_sum_shows():
    values = np.float32([[2**24], [1], [1], [1], [1]])
    by = {a: collective("reduce", a, ranks=5).run(values)[0][0] for a in ("root", "tree")}
    assert by == {"root": 2**24, "tree": 2**24 + 4}


def test_arrays_of_any_shape_are_cut_along_their_first_axis():
    table = np.arange(30).reshape(5, 3, 2)
    parts = collective("scatter", "tree", ranks=3).run(table)
    assert [part.shape for part in parts] == [(2, 3, 2), (2, 3, 2), (1, 3, 2)]
    assert np.array_equal(collective("gather", "ring", ranks=3, root=1).run(parts)[1], table)


def test_one_rank_has_nobody_to_send_to():
    for pattern, algorithm in EVERY:
        alone = collective(pattern, algorithm, ranks=1)
        assert (alone.rounds, alone.sends) == ((), ())
        assert (alone.total(100), alone.busiest(100), alone.time(100, A, B)) == (0, 0, 0)


def test_a_root_turns_the_ranks():
    for pattern in ROOTED:
        for algorithm in algorithms(pattern):
            first = collective(pattern, algorithm, ranks=5).sends
            third = collective(pattern, algorithm, ranks=5, root=3).sends
            moved = [((send.source + 3) % 5, (send.to + 3) % 5) for send in first]
            assert [(send.source, send.to) for send in third] == moved
    assert isinstance(collective("reduce", "tree", 2), Collective)
    assert [len(each) for each in rounds("broadcast", "tree", 8)] == [1, 2, 4]


TREE = collective("all-reduce", "tree", ranks=4)


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: collective("reduce", "tree", 0), "ranks must be a whole number of at least 1"),
        (lambda: collective("reduce", "tree", 2.5), "ranks must be a whole number"),
        (lambda: collective("reduce", "bush", 4), "no algorithm for reduce 'bush'; take one of ro"),
        (lambda: collective("reduce", "pairwise", 4), "no algorithm for reduce 'pairwise'"),
        (lambda: collective("allreduce", "tree", 4), "no pattern 'allreduce'; take one of broad"),
        (lambda: collective("reduce", "tree", 4, root=4), "root 4 is no rank; there are 0 to 3"),
        (lambda: collective("reduce", "tree", 4, root=-1), "root must be a whole number of at l"),
        (lambda: algorithms("cast"), "no pattern 'cast'"),
        (lambda: TREE.total(-1), "nbytes must be a whole number of at least 0; got -1"),
        (lambda: TREE.sent(10, itemsize=4), "10 B are no whole elements of 4 B"),
        (lambda: TREE.sent(10, itemsize=0), "itemsize must be a whole number of at least 1"),
        (lambda: TREE.time(8, alpha=-1, beta=0), "alpha is -1; give seconds, at least 0"),
        (lambda: TREE.time(8, 0, float("nan")), "beta is nan; give seconds"),
        (lambda: TREE.run(np.ones((3, 2))), "one array for each of the ranks; got 3 of them"),
        (lambda: TREE.run(7), "one array for each of the ranks; got 7"),
        (lambda: TREE.run([1, 2, 3, 4]), "rank 0's must be an array of numbers with an axis"),
        (lambda: TREE.run([["a"]] * 4), "rank 0's must be an array of numbers"),
        (lambda: TREE.run([[True]] * 4), "rank 0's must be an array of numbers"),
        (lambda: TREE.run([[1, 2], [3], [4], [5]]), "rank 1 has int64 (1,) and rank 0 int64 (2,)"),
        (lambda: TREE.run([[1], [2.0], [3], [4]]), "rank 1 has float64 (1,) and rank 0 int64 (1,)"),
        (lambda: TREE.run([[[1], [2, 3]]] * 4), "rank 0's: its rows are not of one length"),
        (lambda: collective("broadcast", "tree", 2).run(5), "data must be an array of numbers"),
    ],
)
def test_errors_are_one_line_and_say_what_to_do(call, message):
    with pytest.raises(ValueError, match=re.escape(message)) as caught:
        call()
    assert "\n" not in str(caught.value)
