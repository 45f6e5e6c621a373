"""The invented chip: each formula against a walk of its own, and what makes its puzzle one."""

import csv
import re
from dataclasses import replace
from fractions import Fraction
from itertools import product as combinations
from math import isqrt, log2, prod
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from course_utils import chip as chips
from course_utils import systolic
from course_utils.chip import (
    BUDGET,
    MIXES,
    START,
    WORKLOADS,
    Chip,
    Cost,
    Product,
    Workload,
    accesses,
    attention,
    best,
    block,
    convolution,
    cycles,
    designs,
    score,
    traffic,
)

DATA = Path(__file__).parents[2] / "data"
MIB = 2**20
PARTS = ("side", "arrays", "sram", "stacks")

small = st.integers(1, 40)
products = st.builds(Product, small, small, small, st.integers(1, 5))
large = st.builds(Product, *[st.integers(1, 5000)] * 3, st.integers(1, 20))
grid = st.builds(
    Chip,
    st.sampled_from([32, 64, 128, 256]),
    st.sampled_from([1, 2, 4, 8, 16, 32, 64]),
    st.sampled_from([1, 2, 4, 6, 8, 12, 16, 24, 32, 48, 64]),
    st.integers(1, 7),
)


def table():
    with (DATA / "invented_chip.csv").open(newline="", encoding="utf-8") as file:
        rows = {row["name"]: row["value"].split() for row in csv.DictReader(file)}
    return {name: [int(value) for value in values] for name, values in rows.items()}


# --- a chip ---------------------------------------------------------------------------------


def test_the_constants_are_those_of_the_table():
    values = table()
    one = {name: value for name, (value, *more) in values.items() if not more}
    assert BUDGET == one["budget"] / 10**6 == 100
    chip = Chip(1, 1, 1, 1)
    mm2 = {"arrays": "pe_area", "SRAM": "sram_area", "HBM": "stack_area"}
    assert chip.areas == {part: one[name] / 10**6 for part, name in mm2.items()}
    assert (chip.peak, chip.bandwidth) == (2 * one["clock"], one["stack_bandwidth"])
    work = Workload("one", (Product(1, 1, 1),))
    cost = chip.run(work)
    assert cost.moved == 3 * one["itemsize"]
    assert cost.hbm_joules == cost.moved * one["hbm_energy"] / 10**15
    assert cost.sram_joules == 3 * one["itemsize"] * one["sram_energy"] / 10**15
    assert cost.mac_joules == one["mac_energy"] / 10**15
    assert Chip(*values["starting chip"]) == START
    reach = [sorted({getattr(chip, part) for chip in designs()}) for part in PARTS]
    assert reach == [values[name] for name in ("sides", "arrays", "srams", "stacks")]


def test_the_readme_says_that_all_is_invented():
    (section,) = re.findall(
        r"## invented_chip\.csv\n(.*?)\n## ", (DATA / "README.md").read_text("utf-8"), re.S
    )
    assert "Every number here is invented" in section and "no chip has them" in section


@given(grid)
def test_the_area_is_compared_exactly(chip):
    pes, mib, stacks = chip.arrays * chip.side**2, chip.sram, chip.stacks
    exact = Fraction(1000 * pes + 900_000 * mib + 11_000_000 * stacks, 10**6)
    assert chip.fits == (exact <= 100)
    assert chip.area == float(exact)
    assert sum(map(Fraction, chip.areas.values())) == pytest.approx(exact)


def test_designs_are_all_that_fit():
    values = table()
    names = "sides", "arrays", "srams", "stacks"
    legal = [
        sizes
        for sizes in combinations(*(values[name] for name in names))
        if 1000 * sizes[0] ** 2 * sizes[1] + 900_000 * sizes[2] + 11_000_000 * sizes[3] <= 10**8
    ]
    assert [(c.side, c.arrays, c.sram, c.stacks) for c in designs()] == legal
    assert len(legal) == 780


def test_its_machine_is_its_roofline():
    chip = Chip(64, 16, 8, 2)
    machine = chip.machine
    assert machine.peak("bf16") == 16 * 64 * 64 * 2e9
    assert machine.bandwidth == 800e9
    assert machine.ridge("bf16") == chip.peak / chip.bandwidth


@pytest.mark.parametrize("wrong", [0, -1, 1.5, "8", True, None])
@pytest.mark.parametrize("part", PARTS)
def test_sizes_are_whole(part, wrong):
    with pytest.raises(ValueError, match=f"Chip: {part} must be a whole number of at least 1"):
        Chip(**{**dict.fromkeys(PARTS, 1), part: wrong})


@pytest.mark.parametrize("part", ["rows", "depth", "cols", "count"])
def test_products_have_whole_sizes(part):
    with pytest.raises(ValueError, match=f"Product: {part} must be a whole number of at least 1"):
        Product(**{"rows": 1, "depth": 1, "cols": 1, part: 0})


@pytest.mark.parametrize("given", [(), [1], ("decode",)])
def test_a_workload_has_products(given):
    with pytest.raises(ValueError, match="products are .*; pass some Product"):
        Workload("mine", given)
    with pytest.raises(ValueError, match="run takes a Workload, such as WORKLOADS"):
        START.run("decode")


# --- what a product takes -------------------------------------------------------------------


def last_sum(rows, side, tiles):
    """When an array is done with its tiles: weights shift in while the tile before computes."""
    start = side
    for _ in range(tiles - 1):
        start = max(start + rows, start + side)
    return start + rows + side - 1 + side - 1


@given(products, st.integers(1, 9), st.integers(1, 5), st.booleans())
def test_cycles_are_those_of_tiles_dealt_one_by_one(product, side, arrays, chained):
    tiles = len(range(0, product.depth, side)) * len(range(0, product.cols, side))
    dealt = [0] * arrays
    for k in range(tiles if chained else tiles * product.count):
        dealt[k % arrays] += 1
    once = max(last_sum(product.rows, side, many) for many in dealt if many)
    found = cycles(Chip(side, arrays, 1, 1), product, chained)
    assert found == (product.count * once if chained else once)


@given(st.integers(1, 100), st.integers(1, 40))
def test_one_tile_takes_what_a_systolic_array_takes(rows, side):
    run = systolic.counts(rows, side, side, side, side, "weight-stationary")
    found = cycles(Chip(side, 1, 1, 1), Product(rows, side, side))
    assert found == run.cycles + run.load_cycles == rows + 2 * side - 2 + side


@given(products, st.integers(1, 9))
def test_several_tiles_take_no_longer_than_without_overlap(product, side):
    run = systolic.counts(
        product.rows, product.depth, product.cols, side, side, "weight-stationary"
    )
    one = replace(product, count=1)
    found = cycles(Chip(side, 1, 1, 1), one)
    assert found <= run.cycles + run.load_cycles
    assert found >= run.tiles * product.rows


@given(products, st.integers(1, 9))
def test_accesses_are_those_of_the_array(product, side):
    one = replace(product, count=1)
    run = systolic.counts(one.rows, one.depth, one.cols, side, side, "weight-stationary")
    written = len(range(0, one.depth, side)) * one.rows * one.cols
    read = written - one.rows * one.cols
    found = accesses(Chip(side, 3, 1, 1), product)
    assert found == 2 * product.count * (sum(run.reads.values()) + written + read)


@given(st.builds(Product, *[st.integers(1, 1500)] * 3), st.sampled_from([1, 2, 4]))
def test_traffic_is_that_of_a_walk_over_tiles(product, sram):
    chip = Chip(32, 1, sram, 1)
    side = isqrt(sram * MIB // 6)
    assert chip.tile == side and 3 * 2 * side**2 <= sram * MIB < 3 * 2 * (side + 1) ** 2
    elements = 0

    def pieces(length):
        return [min(side, length - start) for start in range(0, length, side)]

    for m, c in combinations(pieces(product.rows), pieces(product.cols)):
        elements += m * c
        for k in pieces(product.depth):
            elements += m * k + k * c
    assert traffic(chip, product) == 2 * elements


@given(large, grid, st.booleans())
def test_no_product_moves_less_than_what_must_move(product, chip, chained):
    x, w, y = (
        product.rows * product.depth,
        product.depth * product.cols,
        product.rows * product.cols,
    )
    once = 1 if chained else product.count
    assert traffic(chip, product, chained) >= 2 * (product.count * (x + y) + once * w)


def test_weights_are_resident_from_the_exact_size_on():
    chip = Chip(32, 1, 4, 1)
    depth, cols = 386, 5418  # x, W and the result of one row are 4 MiB, to the byte
    assert 2 * (depth + depth * cols + cols) == 4 * MIB
    fits, over = Product(1, depth, cols, 10), Product(1, depth, cols + 1, 10)
    assert traffic(chip, fits, chained=True) == 2 * (depth * cols + 10 * (depth + cols))
    assert traffic(chip, over, chained=True) == 10 * traffic(chip, replace(over, count=1))
    assert traffic(chip, over, chained=True) >= 20 * depth * (cols + 1)
    assert traffic(chip, fits) >= 20 * depth * cols  # each copy has its own W


def test_the_cliff_of_speech():
    (step,) = WORKLOADS["RNN"].products
    assert 2 * step.depth * step.cols == 4 * MIB
    moved = {sram: Chip(32, 64, sram, 2).run(WORKLOADS["RNN"]).moved for sram in (1, 4, 5, 6)}
    assert moved[1] >= moved[4] > 64 * 4 * MIB  # W alone fills 4 MiB, x and y do not fit beside it
    assert moved[5] == moved[6] == 4 * MIB + 64 * 2 * (2048 + 1024)
    assert score(Chip(32, 64, 6, 2), "speech") > 5 * score(Chip(32, 64, 4, 2), "speech")


def test_a_workload_by_hand():
    # 4 × 4 PEs, 2 of them; tiles: 2 × 1 and then 1 × 1, three copies
    work = Workload("by hand", (Product(8, 8, 4), Product(2, 4, 4, count=3)))
    cost = Chip(4, 2, 4, 1).run(work)
    first, second = 8 + 3 * 4 - 2, 1 * 4 + 2 + 3 * 4 - 2
    assert cost.macs == 8 * 8 * 4 + 3 * 2 * 4 * 4 == 352
    bytes_of = 2 * (64 + 32 + 32), 3 * 2 * (8 + 16 + 8)
    assert cost.moved == sum(bytes_of)
    assert cost.array_seconds == pytest.approx((first + second) * 1e-9)
    assert cost.memory_seconds == pytest.approx(sum(bytes_of) / 400e9)
    assert cost.seconds == pytest.approx(cost.array_seconds)  # arrays are slower in both
    assert (cost.waiting, cost.limit) == (0, "arrays")
    through = 2 * (64 + 32 + 32 * 3) + 3 * 2 * (8 + 16 + 8)
    assert cost.hbm_joules == pytest.approx(sum(bytes_of) * 40e-12)
    assert cost.sram_joules == pytest.approx(through * 0.6e-12 * 2)  # the root of 4 MiB
    assert cost.mac_joules == pytest.approx(352e-12)
    assert cost.joules == cost.hbm_joules + cost.sram_joules + cost.mac_joules


def test_the_limit_is_that_of_most_of_the_time():
    memory, arrays = Product(1, 256, 256, count=64), Product(4096, 64, 64)
    chip = Chip(64, 64, 8, 1)
    assert chip.run(Workload("a", (memory,))).limit == "memory"
    assert chip.run(Workload("b", (arrays,))).limit == "arrays"
    few, many = (chip.run(Workload("c", (memory, *[arrays] * k))) for k in (1, 20))
    assert (few.limit, many.limit) == ("memory", "arrays")
    assert few.waiting == many.waiting == chip.run(Workload("a", (memory,))).seconds
    assert Cost(seconds=2.0, waiting=1.0).limit == "arrays"


def test_costs_add_up():
    chip, (first, second) = Chip(64, 8, 2, 2), (Product(100, 200, 300), Product(8, 2000, 2000))
    parts = [chip.run(Workload("part", (product,))) for product in (first, second)]
    assert chip.run(Workload("both", (first, second))) == parts[0] + parts[1]
    assert parts[0] + parts[1] == sum(parts[1:], parts[0])
    with pytest.raises(TypeError):
        parts[0] + 1


# --- more of a part -------------------------------------------------------------------------


@given(grid, st.sampled_from(list(WORKLOADS)))
def test_no_dot_is_above_the_roof(chip, name):
    cost = chip.run(WORKLOADS[name])
    roof = chip.machine.attainable(cost.intensity, "bf16")
    assert 0 < cost.flops_per_second <= roof * (1 + 1e-12)
    assert cost.macs == WORKLOADS[name].macs
    slowest, both = max(cost.array_seconds, cost.memory_seconds), cost.seconds
    assert slowest * (1 - 1e-12) <= both <= (cost.array_seconds + cost.memory_seconds)


@given(grid, st.sampled_from(list(WORKLOADS)), st.sampled_from(["arrays", "sram", "stacks"]))
def test_more_of_a_part_is_never_slower(chip, name, part):
    more = replace(chip, **{part: 2 * getattr(chip, part)})
    before, after = chip.run(WORKLOADS[name]), more.run(WORKLOADS[name])
    assert after.seconds <= before.seconds
    assert after.moved <= before.moved
    if part != "sram":  # a larger SRAM costs more energy an access
        assert after.joules == before.joules


def test_a_larger_array_can_be_slower():
    speech = WORKLOADS["RNN"]
    small, large = Chip(32, 64, 8, 2).run(speech), Chip(256, 1, 8, 2).run(speech)
    assert Chip(32, 64, 8, 2).peak == Chip(256, 1, 8, 2).peak
    assert large.array_seconds > 6 * small.array_seconds


@given(large, grid)
def test_chained_is_never_faster_on_the_arrays(product, chip):
    assume(product.count > 1)
    assert cycles(chip, product, chained=True) >= cycles(chip, product)


# --- the puzzle -----------------------------------------------------------------------------


def test_what_the_workloads_are():
    block_weights = 4 * 2048**2 + 2 * 2048 * 8192
    assert WORKLOADS["decode"].macs == 8 * block_weights
    assert WORKLOADS["prefill"].macs == 1024 * block_weights + 16 * 2 * 1024**2 * 128
    assert WORKLOADS["conv"].macs == 4 * 56 * 56 * 64 * 64 * 9
    assert WORKLOADS["RNN"].macs == 64 * 2 * 1024 * 1024
    assert [work.chained for work in WORKLOADS.values()] == [False, False, False, True]
    assert sum(product.macs for product in block(1)) == block_weights
    assert convolution(3, 5, 7, 11, 2) == (Product(35, 27, 11, 2),)
    assert attention(10, 4, 3) == (Product(10, 4, 10, 3), Product(10, 10, 4, 3))
    assert all(sum(shares.values()) == pytest.approx(1) for shares in MIXES.values())


def ranked(mix):
    return sorted((score(chip, mix) for chip in designs()), reverse=True)


def test_five_mixes_have_five_winners():
    winners = {mix: best(mix) for mix in MIXES}
    found = {mix: (c.side, c.arrays, c.sram, c.stacks) for mix, c in winners.items()}
    assert found == {
        "chatbot": (32, 32, 1, 6),
        "vision": (64, 16, 1, 3),
        "speech": (32, 64, 6, 2),
        "prefill": (128, 4, 6, 2),
        "mixed": (32, 32, 6, 5),
    }
    for mix, winner in winners.items():
        assert winner.fits and winner.area > 90
        assert score(winner, mix) == ranked(mix)[0] > 1.3


@pytest.mark.parametrize("mix", MIXES)
def test_few_designs_are_nearly_as_good(mix):
    scores = ranked(mix)
    assert sum(each >= 0.95 * scores[0] for each in scores) <= 8
    assert scores[len(scores) // 2] < 0.4


def test_no_design_is_good_for_all():
    for chip in designs():
        assert any(score(chip, mix) < 0.8 * score(best(mix), mix) for mix in MIXES)


def test_energy_is_what_a_large_sram_costs():
    # by time alone the largest would do no harm
    small, large = (Chip(32, 32, sram, 2) for sram in (6, 24))
    for name, work in WORKLOADS.items():
        assert large.run(work).seconds <= small.run(work).seconds, name
    assert score(large, "mixed") < score(small, "mixed")


def test_a_score_is_a_weighted_geometric_mean():
    chip, mix = Chip(64, 16, 2, 1), {"decode": 1, "RNN": 3}

    def gain(name):
        mine, its = (each.run(WORKLOADS[name]) for each in (chip, START))
        return its.seconds / mine.seconds * its.joules / mine.joules

    expected = prod(gain(name) ** share for name, share in mix.items()) ** (1 / 4)
    assert score(chip, mix) == pytest.approx(expected)
    assert log2(score(chip, {"decode": 0.1, "RNN": 0.3})) == pytest.approx(log2(expected))
    assert all(score(START, name) == 1 for name in MIXES)
    assert best({"prefill": 5}) == best("prefill")


@pytest.mark.parametrize(
    "mix, message",
    [
        ("chat", "the mix is 'chat'; take one of chatbot, vision"),
        ({}, "the mix is {}"),
        (3, "the mix is 3"),
        ({"chess": 1}, "no workload 'chess'; there are decode, prefill, conv, RNN"),
        ({"decode": 0}, "the share of decode is 0; it must be above 0"),
        ({"decode": True}, "the share of decode is True"),
        ({"decode": float("nan")}, "the share of decode is nan"),
    ],
)
def test_other_mixes(mix, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        score(START, mix)
    with pytest.raises(ValueError, match=re.escape(message)):
        best(mix)


def test_nothing_is_changed_from_outside():
    with pytest.raises(TypeError):
        WORKLOADS["mine"] = WORKLOADS["decode"]
    with pytest.raises(TypeError):
        MIXES["vision"]["conv"] = 1
    assert chips.designs() is chips.designs()
