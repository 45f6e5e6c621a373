"""Lesson 10: its answers are those of the simulated array and of data/; traps are told apart."""

import csv
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from programs import programs

from course_utils import Machine, machine, systolic
from course_utils.exercises import bank, grade, names
from course_utils.exercises.kinds import Prediction
from course_utils.exercises.program import lines_of, structure
from course_utils.meters import Meters
from course_utils.nest import LoopNest

DATA = Path(__file__).parents[2] / "data"
STAY = "weight-stationary"


def test_names_and_numbers():
    assert [(bank.find(name).number, name) for name in names(10)] == [
        (None, "recall_ring_rounds"),
        (None, "recall_tile_side"),
        (None, "recall_scores"),
        ("10.1", "array_cycles"),
        ("10.2", "array_use"),
        ("10.3", "rows_for_ninety"),
        ("10.4", "filled_share"),
        ("10.5", "chip_ridge"),
        ("10.6", "dram_share"),
        ("10.7", "time_bounds"),
        (None, "core_loops"),
        (None, "best_upgrade"),
    ]
    bets = [entry.name for entry in bank.of_lesson("10") if isinstance(entry, Prediction)]
    assert bets == [
        "half_time",
        "one_row_cycles",
        "on_chip",
        "full_batch",
        "arithmetic_share",
        "faster_by_hbm",
    ]


@pytest.mark.parametrize(
    "name, answer, code",
    [
        ("recall_ring_rounds", 8, None),
        ("recall_ring_rounds", 4, "D1"),
        ("recall_tile_side", 6, None),
        ("recall_tile_side", 36, "K1"),
        ("recall_scores", 720_000, None),
        ("recall_scores", 360_000, "U2"),
        ("array_cycles", 14, None),
        ("array_cycles", 8, "V1"),
        ("array_cycles", 11, "V1"),
        ("array_cycles", 15, "O1"),
        ("array_cycles", 18, "V1"),
        ("array_use", 0.03053, None),
        ("array_use", 1, "V1"),
        ("array_use", 0.05926, "V1"),
        ("array_use", 0.0625, "V1"),
        ("rows_for_ninety", 2_286, None),
        ("rows_for_ninety", 1_143, "V1"),
        ("rows_for_ninety", 128, "V1"),
        ("rows_for_ninety", 2_285, "O2"),
        ("filled_share", 0.6836, None),
        ("filled_share", 0.7812, "V1"),
        ("filled_share", 0.875, "V1"),
        ("filled_share", 1, "V1"),
        ("filled_share", 0.7975, "O2"),
        ("chip_ridge", 153, None),
        ("chip_ridge", 76.51, "U1"),
        ("chip_ridge", 306, "G1"),
        ("chip_ridge", 200.6, "G1"),
        ("dram_share", 0.8555, None),
        ("dram_share", 0.9930, "B1"),
        ("dram_share", 0.1445, "J1"),
        ("best_upgrade", "b", None),
        ("best_upgrade", "a", "G1"),
        ("best_upgrade", "c", "W1"),
        ("best_upgrade", "d", "G1"),
    ],
)
def test_the_known_traps_of_a_chip(name, answer, code):
    verdict = grade(name, answer)
    assert (verdict.state, verdict.code) == ("wrong" if code else "right", code)


def right(name):
    return bank.find(name).value


# Arrays, by those that are simulated


def simulated(rows, depth, cols, side):
    rng = np.random.default_rng(0)
    X, W = rng.integers(-9, 9, (rows, depth)), rng.integers(-9, 9, (depth, cols))
    return systolic.multiply(X, W, side, side, STAY)


def test_cycles_and_use_of_an_array():
    assert right("array_cycles") == simulated(8, 4, 4, 4).cycles
    assert right("array_use") == pytest.approx(simulated(8, 128, 128, 128).utilisation)


def test_the_rows_that_fill_an_array_to_nine_tenths():
    use = [
        Fraction(rows, systolic.counts(rows, 128, 128, 128, 128, STAY).cycles)
        for rows in (right("rows_for_ninety") - 1, right("rows_for_ninety"))
    ]
    assert use[0] < Fraction(9, 10) <= use[1]


def test_the_share_of_pes_that_hold_a_weight():
    held = np.zeros((7 * 128, 128))
    held[:784, :100] = 1
    assert right("filled_share") == pytest.approx(held.mean())


def test_one_row_on_sixteen_by_sixteen():
    assert simulated(1, 16, 16, 16).cycles == 31


class Counted(np.ndarray):
    """An array that counts how often it is written to."""

    writes = 0

    def __setitem__(self, place, value):
        self.writes += 1
        super().__setitem__(place, value)


def test_only_two_orders_of_the_lines_are_right():
    rng = np.random.default_rng(0)
    X, W = rng.integers(-3, 4, (8, 16)), rng.integers(-3, 4, (16, 12))
    entry, want, found = bank.find("core_loops"), X @ W, set()
    for lines in programs(entry.lines):
        if len(lines) < 5 or "H[i" not in "".join(lines):
            continue
        space = {"np": np, "X": X, "W": W, "H": np.zeros((8, 12)).view(Counted)}
        space["tensor_core"] = lambda A, B, C: A @ B + C
        try:
            exec("\n".join(lines), space)
        except (NameError, ValueError):
            continue
        if np.array_equal(space["H"], want) and space["H"].writes == 6:
            found.add(structure(lines))
    accepted = [entry.reference, *(known.function for known in entry.accepted)]
    assert found == {structure(lines_of(program())) for program in accepted}


# Rooflines and energy


def test_ridges_are_those_of_the_chips():
    assert right("chip_ridge") == pytest.approx(machine("A100 SXM 80 GB").ridge("bf16"))
    layer = LoopNest("H[b,o] += X[b,i] * W[i,o]", b=1, i=4096, o=4096, itemsize=2)
    ridge = machine("H100").ridge("bf16")
    below, at = (layer.sizes(b=batch).meters().intensity for batch in (345, 346))
    assert below < ridge <= at


def test_energy_is_that_of_the_table():
    with (DATA / "energy.csv").open(newline="", encoding="utf-8") as file:
        pj = {row["operation"]: Fraction(row["pj"]) for row in csv.DictReader(file)}
    mac = pj["fp32 multiplication"] + pj["fp32 addition"]
    layer = LoopNest("H[b,o] += X[b,i] * W[i,o]", b=32, i=784, o=100)
    words = Fraction(layer.meters().moved, 4)
    moving, computing = words * pj["a word of DRAM"], layer.macs * mac
    assert right("dram_share") == pytest.approx(float(moving / (moving + computing)))
    # half a 64-bit access at the least is what Han and others say for 32 bits, nearly
    assert pj["a word of DRAM"] / pj["read from DRAM, at least"] == pytest.approx(0.5, rel=0.02)


@given(*[st.integers(1, 10**15)] * 2, *[st.integers(10**6, 10**15)] * 2)
def test_one_after_the_other_takes_twice_at_most(flops, moved, peak, bandwidth):
    best, worst = bank.find("time_bounds").reference(flops, moved, peak, bandwidth)
    assert best <= worst <= 2 * best
    chip = Machine("any", {"float32": peak}, bandwidth=bandwidth)
    assert best == chip.time(Meters(adds=flops, moved=moved))
