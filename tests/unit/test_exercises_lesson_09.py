"""Lesson 09: its answers are those of schedules and of NumPy; traps are told apart."""

import math
from fractions import Fraction
from itertools import permutations, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from course_utils.collectives import collective
from course_utils.exercises import bank, grade, names
from course_utils.exercises.kinds import Prediction
from course_utils.exercises.program import lines_of, structure
from course_utils.nest import LoopNest


def test_names_and_numbers():
    assert [(bank.find(name).number, name) for name in names(9)] == [
        (None, "recall_misses"),
        (None, "recall_experts"),
        (None, "recall_wavefront"),
        ("09.1", "tree_cost"),
        ("09.2", "broadcast_rounds"),
        ("09.3", "ring_sent"),
        ("09.4", "stored_sum"),
        ("09.5", "ones_sum"),
        ("09.6", "broadcast_loads"),
        ("09.7", "ring_overtakes"),
        ("09.8", "scatter_add"),
        ("09.9", "tree_sum"),
        (None, "ring_loops"),
        (None, "tree_work"),
    ]
    bets = [entry.name for entry in bank.of_lesson("09") if isinstance(entry, Prediction)]
    assert bets == [
        "split_digits",
        "lost_counts",
        "tenths",
        "small_winner",
        "large_winner",
        "shared_ring",
    ]


@pytest.mark.parametrize(
    "name, answer, code",
    [
        ("recall_misses", 0.5, None),
        ("recall_misses", 1, "K1"),
        ("recall_experts", 16_000, None),
        ("recall_experts", 2_000, "E1"),
        ("recall_wavefront", 24, None),
        ("recall_wavefront", 100, "T1"),
        ("broadcast_rounds", 5, None),
        ("broadcast_rounds", 31, "D1"),
        ("broadcast_rounds", 32, "O1"),
        ("broadcast_rounds", 6, "O1"),
        ("broadcast_rounds", 4, "O1"),
        ("ring_sent", 175, None),
        ("ring_sent", 100, "D1"),
        ("ring_sent", 87.5, "D1"),
        ("ring_sent", 200, "D1"),
        ("ring_sent", 1_400, "D1"),
        ("stored_sum", 3, None),
        ("stored_sum", 6, "X1"),
        ("ones_sum", 16_777_216, None),
        ("ones_sum", 33_554_432, "X1"),
        ("ones_sum", 8_388_608, "X1"),
        ("ones_sum", 16_777_217, "O1"),
        ("broadcast_loads", 78_400, None),
        ("broadcast_loads", 2_508_800, "W1"),
        ("broadcast_loads", 2_450, "B1"),
        ("broadcast_loads", 156_800, "W1"),
        ("ring_overtakes", 94_118, None),
        ("ring_overtakes", 9.412e4, None),
        ("ring_overtakes", 50_000, "D1"),
        ("ring_overtakes", 100_000, "D1"),
        ("ring_overtakes", 47_059, "D1"),
        ("tree_work", "d", None),
        ("tree_work", "a", "D1"),
    ],
)
def test_the_known_traps_of_sends(name, answer, code):
    verdict = grade(name, answer)
    assert (verdict.state, verdict.code) == ("wrong" if code else "right", code)


def right(name):
    return bank.find(name).value


# Trees and rings, by their schedules


@given(st.integers(1, 200))
def test_a_tree_costs_what_it_says(n):
    rounds, left, adds = 0, n, 0
    while left > 1:
        adds, left, rounds = adds + left // 2, left - left // 2, rounds + 1
    assert bank.find("tree_cost").reference(n) == (adds, rounds)


@pytest.mark.parametrize("n", [1, 2, 5, 8, 13])
def test_a_tree_of_ranks_costs_as_much(n):
    tree = collective("reduce", "tree", ranks=n)
    assert bank.find("tree_cost").reference(n) == (len(tree.sends), len(tree.rounds))


@pytest.mark.parametrize(
    "answer, code",
    [
        (lambda n: (math.ceil(math.log2(n)),) * 2, "D1"),
        (lambda n: (n, math.ceil(math.log2(n))), "O1"),
        (lambda n: (n - 1, int(math.log2(n))), "O1"),
        (lambda n: (n - 1, math.ceil(math.log2(n))), None),
    ],
)
def test_the_traps_of_a_tree(answer, code):
    verdict = grade("tree_cost", answer)
    assert (verdict.state, verdict.code) == ("wrong" if code else "right", code)


def test_rounds_and_bytes_are_those_of_the_schedules():
    assert right("broadcast_rounds") == len(collective("broadcast", "tree", ranks=32).rounds)
    ring = collective("all-reduce", "ring", ranks=8)
    assert right("ring_sent") * 10**6 == ring.busiest(100 * 10**6)
    assert set(ring.sent(800).tolist()) == {1400}


def test_the_ring_overtakes_where_the_times_meet():
    alpha, beta = Fraction(1, 10**6), Fraction(1, 50 * 10**9)
    ring, tree = (collective("all-reduce", way, ranks=8) for way in ("ring", "tree"))
    size = 8 * round(right("ring_overtakes") / 8)
    assert tree.time(size - 80, alpha, beta) < ring.time(size - 80, alpha, beta)
    assert tree.time(size + 80, alpha, beta) > ring.time(size + 80, alpha, beta)


def test_the_bets_on_winners():
    for size, winner in ((1000, "tree"), (10**8, "ring")):
        took = {
            way: collective("all-reduce", way, ranks=8).time(size, 1e-6, 20e-12)
            for way in ("root", "tree", "ring")
        }
        assert min(took, key=took.get) == winner


def ran(program, p):
    """(what the ranks hold, what they should) after a program for p ranks."""
    space = {"p": p, "parts": [[10**r + k for k in range(p)] for r in range(p)]}
    exec(program, space)
    return space["parts"], [[sum(10**r + k for r in range(p)) for k in range(p)]] * p


def test_the_program_to_put_in_order_is_a_ring():
    for p in (1, 2, 5):
        held, total = ran(bank.find("ring_loops").solution(), p)
        assert held == total


def test_it_sends_what_the_schedule_sends():
    p, ring = 5, collective("all-reduce", "ring", ranks=5)
    for t, sends in enumerate(ring.rounds):
        assert {(s.source, s.to, s.blocks, s.adds) for s in sends} == {
            (r, (r + 1) % p, ((r - t - 1) % p,), t < p - 1) for r in range(p)
        }


def test_no_other_order_of_the_lines_all_reduces():
    """Every order and every nesting of two loops, a line before and a line in them, both halves."""
    entry = bank.find("ring_loops")
    right, lines = entry.solution(), lines_of(entry.solution())
    halves = [[line.strip() for line in half] for half in (lines[:4], lines[4:])]

    def nested():
        """Ways to write the two loops, and what stands in them."""
        for outer, inner in (0, 1), (1, 0):
            for first, second in (2, 3), (3, 2):
                for depths in (2, 2), (1, 2), (0, 2), (0, 1), (1, 1):
                    yield outer, inner, first, second, depths

    def written(half, way):
        outer, inner, first, second, (early, late) = way
        body = {0: [], 1: [], 2: []}
        body[early].append(half[first])
        body[late].append(half[second])
        return [
            *body[0],
            half[outer],
            *(f"    {line}" for line in body[1]),
            f"    {half[inner]}",
            *(f"        {line}" for line in body[2] or ["pass"]),
        ]

    found = []
    for one, two in product(nested(), repeat=2):
        for first, second in permutations(halves):
            program = "\n".join(written(first, one) + written(second, two))
            try:
                same = all(held == total for held, total in (ran(program, p) for p in (3, 4)))
            except (NameError, IndexError):
                same = False
            if same:
                found.append(program)
    assert {structure(lines_of(each)) for each in found} == {structure(lines_of(right))}


# In one memory


def test_what_is_stored_and_loaded():
    h = np.zeros(5)
    h[[0, 1, 1, 4, 4, 4]] += 1
    assert h.sum() == right("stored_sum")
    layer = LoopNest("H[b,o] += X[b,i] * W[i,o]", b=32, i=784, o=100)
    assert right("broadcast_loads") == math.prod(layer.shape("W")) and layer.uses("W") == 32
    left = np.add.accumulate(np.ones(2**24 + 9, np.float32))[-1]
    assert left == right("ones_sum")


@given(st.data())
def test_scatter_add_is_numpys(data):
    places = data.draw(st.integers(1, 9))
    idx = np.array(data.draw(st.lists(st.integers(0, places - 1), max_size=30)), int)
    rng = np.random.default_rng(len(idx))
    h, v = rng.integers(-9, 9, places) * 1.0, rng.integers(-9, 9, len(idx)) * 1.0
    expected = h.copy()
    np.add.at(expected, idx, v)
    assert np.array_equal(bank.find("scatter_add").reference(h, idx, v), expected)


def test_other_ways_to_write_a_scatter_add():
    def counted(h, idx, v):
        return h + np.bincount(idx, weights=v, minlength=len(h))

    def stored(h, idx, v):
        new = h.copy()
        new[idx] += v
        return new

    assert grade("scatter_add", counted).state == "right"
    assert grade("scatter_add", stored).code == "X1"


@given(st.integers(1, 3000))
def test_a_tree_sum_is_exact_to_a_millionth(n):
    x = np.random.default_rng(n).random(n, dtype=np.float32)
    total = bank.find("tree_sum").reference(x)
    assert total.dtype == np.float32
    assert abs(float(total) / math.fsum(x.tolist()) - 1) < 1e-6


def test_other_ways_to_write_a_tree_sum():
    def recursive(x):
        if len(x) == 1:
            return x[0]
        return recursive(x[: len(x) // 2]) + recursive(x[len(x) // 2 :])

    def halves(x):
        while len(x) > 1:
            half = len(x) // 2
            rest = x[2 * half :]
            x = x[:half] + x[half : 2 * half]
            x = np.concatenate([x, rest])
        return x[0]

    assert grade("tree_sum", halves).state == "right"
    assert grade("tree_sum", lambda x: np.sum(x)).state == "right"
    assert recursive(np.ones(5, np.float32)) == 5
    left = grade("tree_sum", lambda x: np.add.accumulate(x)[-1])
    assert (left.state, left.code) == ("wrong", "X1")
