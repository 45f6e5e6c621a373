"""Lesson 08: its answers are those of replays and of caches written once more; traps are told."""

from collections import OrderedDict

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from programs import programs

from course_utils.cache import Cache, Hierarchy
from course_utils.curve import miss_curve
from course_utils.exercises import bank, grade, names
from course_utils.exercises.kinds import Prediction
from course_utils.exercises.program import lines_of, structure
from course_utils.nest import LoopNest


def test_names_and_numbers():
    assert [(bank.find(name).number, name) for name in names(8)] == [
        (None, "recall_tile"),
        (None, "recall_cache_bytes"),
        (None, "recall_side"),
        ("08.1", "stride_misses"),
        ("08.2", "used_share"),
        ("08.3", "column_sets"),
        ("08.4", "smallest_pad"),
        ("08.5", "mean_cycles"),
        ("08.6", "gather_hits"),
        (None, "mapped_loops"),
        ("08.7", "miss_rate"),
        (None, "every_sixteenth"),
    ]
    bets = [entry.name for entry in bank.of_lesson("08") if isinstance(entry, Prediction)]
    assert bets == [
        "sorted_digits",
        "stride_curve",
        "known_addresses",
        "sixteenth_time",
        "square_of_two",
        "unasked",
    ]


@pytest.mark.parametrize(
    "name, answer, code",
    [
        ("recall_tile", 64, None),
        ("recall_tile", 110, "K1"),
        ("recall_cache_bytes", 3_072, None),
        ("recall_cache_bytes", 1_536, "R1"),
        ("recall_side", 28, None),
        ("recall_side", 32, "S1"),
        ("stride_misses", 0.25, None),
        ("stride_misses", 0.0625, "K1"),
        ("stride_misses", 1, "K1"),
        ("stride_misses", 0.5, "U2"),
        ("used_share", 0.0625, None),
        ("used_share", 1, "K1"),
        ("used_share", 0.015625, "U2"),
        ("used_share", 1 / 15, "O1"),
        ("column_sets", 1, None),
        ("column_sets", 64, "K1"),
        ("column_sets", 16, "K1"),
        ("column_sets", 1_024, "K1"),
        ("smallest_pad", 16, None),
        ("smallest_pad", 1, "K1"),
        ("smallest_pad", 8, "K1"),
        ("smallest_pad", 64, "K1"),
        ("smallest_pad", 1_024, "K1"),
        ("mean_cycles", 16.5, None),
        ("mean_cycles", 12.5, "K1"),
        ("mean_cycles", 204, "R1"),
        ("mean_cycles", 102, "K1"),
        ("gather_hits", 0.25, None),
        ("gather_hits", 0.75, "Q1"),
        ("gather_hits", 1, "K1"),
        ("gather_hits", 0.0625, "K1"),
        ("every_sixteenth", "c", None),
        ("every_sixteenth", "a", "K1"),
    ],
)
def test_the_known_traps_of_walks(name, answer, code):
    verdict = grade(name, answer)
    assert (verdict.state, verdict.code) == ("wrong" if code else "right", code)


def right(name):
    return bank.find(name).value


def misses(addresses, cache="32KiB/8"):
    return Hierarchy.parse(cache).replay(np.asarray(addresses)).misses


# The answers, by replay


def test_strides_miss_as_the_answers_say():
    assert misses(4 * 4 * np.arange(16_000)) / 16_000 == right("stride_misses")
    fetched = 64 * misses(4 * 16 * np.arange(1000))
    assert 4 * 1000 / fetched == right("used_share")


def test_a_column_stays_in_one_set():
    column = 4 * 1024 * np.arange(1024)
    assert len(set((column // 64 % 64).tolist())) == right("column_sets") == 1
    # nine rows of it are one too many for a set of eight
    assert misses(np.tile(column[:8], 2)) == 8
    assert misses(np.tile(column[:9], 2)) == 18


def walk_with(pad):
    return 4 * ((1024 + pad) * np.arange(256) + np.arange(16)[:, None]).ravel()


def test_the_smallest_pad_is_the_smallest():
    found = {pad: misses(walk_with(pad)) for pad in range(65)}
    assert min(found.values()) == 256
    assert min(pad for pad, missed in found.items() if missed == 256) == right("smallest_pad")
    assert found[0] == found[64] == 4096
    # what the hints say of the others
    assert found[1] > 15 * 256 and found[8] == 384 and found[32] == 256
    lines = {pad: len(set((walk_with(pad) // 64).tolist())) for pad in (0, 8, 16)}
    assert lines == {0: 256, 8: 384, 16: 256}


def test_the_mean_of_cycles_is_that_of_a_walk():
    cycles = [4 + 200 * (address % 64 == 0) for address in range(0, 6400, 4)]
    assert sum(cycles) / len(cycles) == right("mean_cycles")


def test_a_table_four_times_the_cache_is_hit_a_quarter_of_the_time():
    # 4 KiB of 16 KiB, as 1 MiB of 4 MiB: any line is in a full cache as often as any other
    rows = np.random.default_rng(5).integers(2**8, size=80_000)
    cache = Hierarchy(Cache("4KiB", ways=2**6))
    later = cache.replay(64 * rows).misses - cache.replay(64 * rows[:40_000]).misses
    assert abs(1 - later / 40_000 - right("gather_hits")) < 0.005


def test_the_curve_of_strides_is_what_the_bet_is_about():
    """8 sets of 2 lines of 8 numbers: 16 apart misses always, 40 apart fits."""
    curve = [
        misses(np.tile(4 * apart * np.arange(16), 2), "512B/2/32") for apart in (1, 2, 4, 8, 16, 40)
    ]
    assert curve == [2, 4, 8, 16, 32, 16]


# A cache of one's own


def brute(addresses, line, sets, ways):
    """An OrderedDict for each set."""
    held, missed = [OrderedDict() for _ in range(sets)], 0
    for address in addresses:
        lines = held[address // line % sets]
        missed += address // line not in lines
        lines[address // line] = None
        lines.move_to_end(address // line)
        if len(lines) > ways:
            lines.popitem(last=False)
    return missed / len(addresses)


@given(
    st.lists(st.integers(0, 2000), min_size=1, max_size=200),
    st.sampled_from([1, 4, 64]),
    st.integers(1, 5),
    st.integers(1, 4),
)
def test_the_miss_rate_is_that_of_the_replay(addresses, line, sets, ways):
    own = bank.find("miss_rate").reference(addresses, line, sets, ways)
    assert own == brute(addresses, line, sets, ways)
    cache = Hierarchy(Cache(line * sets * ways, ways=ways, line=line))
    assert own == cache.replay(np.array(addresses)).misses / len(addresses)


def test_it_is_graded_on_twenty_traces():
    assert len(bank.find("miss_rate").arguments()) == 20


def test_other_ways_to_write_the_miss_rate():
    def with_ages(addresses, line, sets, ways):
        age, missed = [{} for _ in range(sets)], 0
        for now, address in enumerate(addresses):
            lines = age[address // line % sets]
            if address // line not in lines:
                missed += 1
                if len(lines) == ways:
                    del lines[min(lines, key=lines.get)]
            lines[address // line] = now
        return missed / len(addresses)

    assert grade("miss_rate", with_ages).state == grade("miss_rate", brute).state == "right"


def test_the_program_to_put_in_order_counts_a_cache_of_one_way():
    program = "\n".join(line for line in bank.find("mapped_loops").solution().splitlines())
    space = {"addresses": [0, 64, 4, 256, 0, 64, 320, 64], "size": 64, "sets": 4}
    exec(program, space)
    assert space["misses"] == misses(space["addresses"], "256B/1") == 6


def test_no_other_order_of_the_lines_counts_right():
    entry = bank.find("mapped_loops")
    right, tried = set(), 0
    for lines in programs([line for line in entry.lines if line not in entry.extra]):
        tried += 1
        space = {"addresses": [0, 64, 4, 256, 0, 64, 320, 64], "size": 64, "sets": 4}
        try:
            exec("\n".join(lines), space)
        except (NameError, TypeError):
            continue
        if space.get("misses") == 6:
            right.add(structure(lines))
    assert tried > 1_000
    assert right == {structure(lines_of(entry.solution()))}


# What the lesson says besides


def test_a_column_of_weights_stays_whole_or_not_at_all():
    layer = LoopNest("H[b,o] += X[b,i] * W[i,o]", b=1, i=784, o=100)
    curve = miss_curve(layer)
    below = 64 * (784 + 49)  # lines of a column of W and of X, and none for H
    assert curve.misses("32KiB") == 83_307 and curve.misses(below, "W") == 78_400
    assert curve.misses("53KiB") == curve.misses("256KiB") == 5_544
    # a row of W is 6.25 lines: a line that two columns share is fetched for each
    assert curve.misses("310KiB") == 4_956


def test_a_transposed_matrix_of_a_power_of_two_meets_few_sets():
    """256 × 256 in 64 KiB, as 1,024 × 1,024 in 1 MiB: a quarter of the rows, and of their length.

    In both a column is four times the lines that its sets hold.
    """
    caches = Hierarchy.parse("4KiB/8 + 64KiB/8")
    far = {
        side: caches.replay(LoopNest("B[j,i] = A[i,j]", j=side, i=side)).levels[1].misses
        for side in (255, 256, 257)
    }
    assert far[256] > 8 * max(far[255], far[257])
    column = 4096 * np.arange(1024)
    assert len(set((column // 64 % 2048).tolist())) == 32
