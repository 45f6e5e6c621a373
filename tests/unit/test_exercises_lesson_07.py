"""Lesson 07: its answers are those of nests, replays and kernels, and its traps are told apart."""

from fractions import Fraction
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from course_utils._compiled import NUMBA
from course_utils.cache import Hierarchy
from course_utils.exercises import bank, grade, names
from course_utils.exercises.answers import Verdict
from course_utils.exercises.kinds import Prediction
from course_utils.exercises.program import lines_of, structure
from course_utils.kernels import spatial
from course_utils.nest import LoopNest


def test_names_and_numbers():
    assert [(bank.find(name).number, name) for name in names(7)] == [
        (None, "recall_separable"),
        (None, "recall_causal_scores"),
        (None, "recall_layer_macs"),
        ("07.1", "order_flops"),
        ("07.2", "ikj_misses"),
        ("07.3", "largest_tile"),
        ("07.4", "tiled_traffic"),
        ("07.5", "lowered"),
        ("07.6", "tile_traffic"),
        ("07.7", "choose_tile"),
        ("07.8", "data_addresses"),
        (None, "tiled_loops"),
        (None, "best_loops"),
    ]
    bets = [entry.name for entry in bank.of_lesson("07") if isinstance(entry, Prediction)]
    assert bets == [
        "worst_order",
        "order_speed",
        "best_tile",
        "ladder",
        "tile_time",
        "mask_time",
        "rest_share",
    ]


@pytest.mark.parametrize(
    "name, answer, code",
    [
        ("recall_separable", 2_848, None),
        ("recall_separable", 51_200, "P2"),
        ("recall_causal_scores", 210, None),
        ("recall_causal_scores", 190, "O1"),
        ("recall_layer_macs", 80_000, None),
        ("recall_layer_macs", 10_000, "B1"),
        ("order_flops", 1, None),
        ("order_flops", 32, "D1"),
        ("ikj_misses", 4_352, None),
        ("ikj_misses", 98_304, "R1"),
        ("ikj_misses", 384, "R1"),
        ("ikj_misses", 36_992, "K1"),
        ("ikj_misses", 66_560, "K1"),
        ("largest_tile", 52, None),
        ("largest_tile", 90, "K1"),
        ("largest_tile", 64, "K1"),
        ("largest_tile", 104, "U2"),
        ("largest_tile", 53, "O2"),
        ("tiled_traffic", 8_650_752, None),
        ("tiled_traffic", 268_697_600, "W1"),
        ("tiled_traffic", 8_388_608, "R1"),
        ("tiled_traffic", 786_432, "R1"),
        ("best_loops", "c", None),
        ("best_loops", "a", "K1"),
        ("best_loops", "b", "K1"),
        ("best_loops", "d", "D1"),
    ],
)
def test_the_known_traps_of_primitives(name, answer, code):
    verdict = grade(name, answer)
    assert (verdict.state, verdict.code) == ("wrong" if code else "right", code)


def right(name):
    return bank.find(name).value


# Orders and tiles, by replay

PRODUCT = LoopNest("C[i,j] += A[i,k] * B[k,j]", i=32, j=32, k=32)


def misses(nest, cache):
    return Hierarchy.parse(cache).replay(nest).levels[0].misses


def test_the_misses_of_the_orders_are_those_that_the_hints_know():
    found = {"".join(o): misses(PRODUCT.order(*o), "768B/24/32") for o in permutations("ijk")}
    assert right("ikj_misses") == found["ikj"] == 4_352
    known = {m.function.__name__: m.function() for m in bank.find("ikj_misses").mistakes}
    for order in ("ijk", "jki", "kij"):
        assert known[f"misses_of_{order}"] == found[order]
    assert max(found, key=found.get) == "jki"


def test_the_largest_tile_fits_and_the_next_does_not():
    side = right("largest_tile")
    assert 3 * side**2 * 4 <= 32 * 1024 < 3 * (side + 1) ** 2 * 4


@pytest.mark.parametrize("n, b", [(256, 16), (256, 32), (128, 16), (96, 16)])
def test_the_traffic_is_a_replay_s_where_tiles_are_whole_lines(n, b):
    """Tiles of b × b in a cache of five: an LRU drops the tile of A when it holds only three."""
    nest = LoopNest("C[i,j] += A[i,k] * B[k,j]", i=n, j=n, k=n).order("i", "k", "j")
    lines = 5 * b * b // 16
    replayed = misses(nest.tile(i=b, k=b, j=b), f"{64 * lines}B/{lines}")
    assert 16 * replayed == bank.find("tile_traffic").reference(n, b)


def fetched(n, b):
    """Tile by tile: what was not in use just before is fetched."""
    total, before = 0, set()
    for i in range(n // b):
        for k in range(n // b):
            for j in range(n // b):
                now = {("A", i, k), ("B", k, j), ("C", i, j)}
                total += len(now - before)
                before = now
    return total * b * b


@given(st.integers(1, 6), st.integers(2, 5))
def test_the_traffic_is_that_of_a_walk_over_the_tiles(tiles, b):
    own = bank.find("tile_traffic").reference
    assert own(tiles * b, b) == (fetched(tiles * b, b) if tiles > 1 else 3 * b * b)


def test_the_traffic_of_the_value_is_the_function_s():
    assert (
        right("tiled_traffic") == bank.find("tile_traffic").reference(512, 32) == fetched(512, 32)
    )


@given(st.integers(1, 200), st.integers(3, 1000), st.sampled_from([1, 2, 4, 8]))
def test_the_chosen_tile_is_the_longest_that_fits(n, room, itemsize):
    cache = room * itemsize
    fits = [b for b in range(1, n + 1) if n % b == 0 and 3 * b**2 * itemsize <= cache]
    assert bank.find("choose_tile").reference(n, cache, itemsize) == max(fits)


@pytest.mark.parametrize(
    "answer, code",
    [
        (lambda n, c, s: max(b for b in range(1, n + 1) if n % b == 0 and s * b * b <= c), "K1"),
        (lambda n, c, s: min(n, int((c / (3 * s)) ** 0.5)), "O2"),
        (lambda n, c, s: max(b for b in range(1, n + 1) if n % b == 0 and 3 * b * b <= c), "U2"),
    ],
)
def test_the_traps_of_a_tile(answer, code):
    verdict = grade("choose_tile", answer)
    assert (verdict.state, verdict.code) == ("wrong", code)


def test_a_tile_found_by_halving_is_not_always_the_longest():
    def halved(n, cache, itemsize):
        while 3 * n * n * itemsize > cache:
            n //= 2
        return n

    assert grade("choose_tile", halved).state == "wrong"


@pytest.mark.parametrize("extra, exact", [(0, False), (16, True), (128, True)])
def test_a_cache_that_drops_the_oldest_wants_room_for_four_tiles(extra, exact):
    """The tile of B that goes stays while the next one comes: what the lesson says of 48 × 48."""
    nest = LoopNest("C[i,j] += A[i,k] * B[k,j]", i=432, j=432, k=432).order("i", "k", "j")
    lines = 4 * 48 * 48 // 16 + extra
    replayed = 16 * misses(nest.tile(i=48, k=48, j=48), f"{64 * lines}B/{lines}")
    counted = bank.find("tile_traffic").reference(432, 48)
    assert replayed == counted if exact else replayed > 1.1 * counted


def replayed_by_tiles(order, b):
    """(rows of C, replay): 432 × 432 in 32 KiB; in plain Python the first row of tiles alone."""
    rows = 432 if NUMBA else b
    nest = LoopNest("C[i,j] += A[i,k] * B[k,j]", i=rows, j=432, k=432).order(*order)
    return rows, Hierarchy.parse("32KiB/8").replay(nest.tile(**dict.fromkeys(order, b)))


def test_why_the_replay_leaves_the_count_where_the_lesson_says_so():
    """With 8 a row of C's tiles stays; with 48 A's tile falls out; with 144 B is always fetched."""

    def fetched(b):  # numbers of A, B and C, in parts of those of A, and of the products
        rows, replay = replayed_by_tiles("ikj", b)
        once = {"A": rows * 432, "B": rows * 432**2, "C": rows * 432**2}
        tensors = replay.levels[0].tensors
        return {name: Fraction(16 * tensors[name].misses, once[name]) for name in "ABC"}

    assert fetched(16) == {"A": 1, "B": Fraction(1, 16), "C": Fraction(1, 16)}
    by_8, by_48 = fetched(8), fetched(48)
    assert by_8["C"] < 0.2 / 8 and by_8["B"] >= 1 / 8
    assert by_48["A"] > 3 and by_48["B"] <= 1.01 / 48
    assert fetched(144)["B"] > 0.9

    rows, other = replayed_by_tiles("ijk", 24)
    assert other.levels[0].tensors["C"].write_backs <= 1.1 * rows * 432 // 16


def test_a_power_of_two_makes_the_tiles_of_one_product_collide():
    """The next question: 256 × 256 in 64 sets of 8 lines fetches more than 288 × 288."""
    fetched = {}
    for n in 256, 288:
        nest = LoopNest("C[i,j] += A[i,k] * B[k,j]", i=n, j=n, k=n).order("i", "k", "j")
        fetched[n] = 16 * misses(nest.tile(i=32, k=32, j=32), "32KiB/8")
    assert fetched[288] == bank.find("tile_traffic").reference(288, 32)
    assert fetched[256] > 5 * fetched[288]


# Lowering


@given(st.integers(5, 12), st.integers(1, 4), st.integers(1, 3), st.integers(1, 4))
def test_the_lowered_product_has_the_shapes_of_the_kernels(side, taps, channels, filters):
    X, W = np.zeros((1, channels, side, side)), np.zeros((filters, channels, taps, taps))
    rows = spatial.im2col(X, (taps, taps))
    columns = W.reshape(filters, -1).T
    m, k, n = bank.find("lowered").reference(side, taps, channels, filters)
    assert (rows.shape, columns.shape) == ((m, k), (k, n))


def test_the_transposed_product_is_right_as_well():
    def transposed(side, taps, channels, filters):
        return filters, channels * taps * taps, (side - taps + 1) ** 2

    verdict = grade("lowered", transposed)
    assert verdict.state == "right" and "transposed" in verdict.message
    assert bank.find("lowered").reference(28, 3, 1, 32) == (676, 9, 32)


# Addresses

FIXED = ["matmul", "3×3 conv", "dense attention", "ReLU"]
DATA = ["top-1 routing", "embedding look-up", "beam search"]


def test_data_addresses():
    own = bank.find("data_addresses").reference
    assert own([*FIXED, *DATA]) == DATA and own(FIXED) == []


@pytest.mark.parametrize(
    "answer, code",
    [
        (lambda names: [n for n in names if n not in FIXED], None),
        (lambda names: [n for n in names if n in [*DATA, "dense attention"]], "Q1"),
        (lambda names: [n for n in names if n in [*DATA, "ReLU"]], "D1"),
        (lambda names: [n for n in names if n in FIXED], "D1"),
        (lambda names: tuple(n for n in names if n in DATA), None),
    ],
)
def test_the_traps_of_addresses(answer, code):
    verdict = grade("data_addresses", answer)
    assert (verdict.state, verdict.code) == ("wrong" if code else "right", code)


@pytest.mark.parametrize(
    "answer, words",
    [
        (lambda names: set(names) & set(DATA), "an object of type set; return a list"),
        (lambda names: "ReLU", "it returns 'ReLU'; return a list"),
        (lambda names: sorted(set(names) & set(DATA)), "in which order, and how often,"),
        (lambda names: [n for n in names if n in DATA] * 2, "in which order, and how often,"),
        (lambda names: [n for n in names if n in [*DATA, "3×3 conv"]], "is each of them asked?"),
        (lambda names: [n for n in names if n == "matmul"], "asked, and is any missing?"),
        (lambda names: [n for n in names if n == "beam search"], "is any missing?"),
    ],
)
def test_what_is_said_of_other_choices(answer, words):
    message = grade("data_addresses", answer).message
    assert words in message and "(3,)" not in message


# The loops


def ran(program):
    """(the sums, the order in which they were added up) of a program in text, n = 4, b = 2."""
    rng = np.random.default_rng(0)
    A, B = rng.integers(1, 9, (2, 4, 4))
    seen = []

    class Sums(np.ndarray):
        def __setitem__(self, place, value):
            seen.append(tuple(map(int, place)))
            super().__setitem__(place, value)

    C = np.zeros((4, 4), int).view(Sums)
    exec(program, dict(A=A, B=B, C=C, n=4, b=2))
    return np.array_equal(np.asarray(C), A @ B), seen


def test_the_tiled_loops_give_the_product_tile_by_tile():
    for known in [bank.find("tiled_loops").reference]:
        same, seen = ran("\n".join(lines_of(known())))
        assert same and len(seen) == 64
        assert seen[:8] == [(0, 0), (0, 1), (0, 0), (0, 1), (1, 0), (1, 1), (1, 0), (1, 1)]


def test_the_mistakes_of_the_tiled_loops_are_what_they_say():
    known = {m.function.__name__: m.function for m in bank.find("tiled_loops").mistakes}
    results = {name: ran("\n".join(lines_of(f())))[0] for name, f in known.items()}
    assert results == dict(tiled_twice=False, tiled_not=True, tiled_ijk=True, tiles_ijk=True)


def test_no_other_order_of_the_lines_is_taken():
    """Of all ways to order the loops, only tiles i, k, j around i, k, j are right."""
    lines = [line.strip() for line in lines_of(bank.find("tiled_loops").reference())]
    wanted = structure(lines_of(bank.find("tiled_loops").reference()))
    count = 0
    for heads in permutations(lines[:-1]):
        program = [" " * depth + line for depth, line in enumerate([*heads, lines[-1]])]
        verdict = grade("tiled_loops", "\n".join(program))
        count += verdict == Verdict("right")
        assert (verdict.state == "right") == (structure(program) == wanted)
    assert count == 1


def test_the_stubs_fit_a_cell():
    for name in names(7):
        if name != "tiled_loops":
            assert all(len(x) <= 74 for x in bank.find(name).cells()["stub"].splitlines())
