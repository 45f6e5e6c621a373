"""The staircase's reading exactly; what is measured only for being there, whole and in time."""

import json
import pickle
import time
from collections import defaultdict
from contextlib import nullcontext
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from course_utils import Machine, bandwidth, kept, measure, staircase, thorough, units
from course_utils.staircase import Step, confirmed, cycle, sizes, steps
from course_utils.thorough import Profile

GRID = sizes(4096, 256 * units.MiB)


@st.composite
def staircases(draw, noise=1.1):
    """(cache sizes, latencies over GRID): hard steps, each at least two octaves after another."""
    ends, at = [], 3
    for _ in range(draw(st.integers(0, 4))):
        at += draw(st.integers(0, 6))
        if at < len(GRID) - 3:
            ends.append(GRID[at])
        at += 4
    level = draw(st.floats(1e-10, 1e-7))
    levels = [level := level * draw(st.floats(2, 20)) for _ in range(len(ends) + 1)]
    ideal = [levels[sum(size > end for end in ends)] for size in GRID]
    factors = draw(st.lists(st.floats(1, noise), min_size=len(GRID), max_size=len(GRID)))
    return ends, [a * b for a, b in zip(ideal, factors, strict=True)]


@given(staircases())
def test_each_cache_is_seen_and_nothing_else(drawn):
    ends, seconds = drawn
    seen = steps(GRID, seconds)
    assert [step.last for step in seen] == ends
    assert [step.first for step in seen] == [GRID[GRID.index(end) + 1] for end in ends]
    assert all(step.far > 1.5 * step.near for step in seen)


@given(staircases(), st.integers(0, len(GRID) - 1), st.floats(1, 50))
def test_a_busy_moment_adds_no_cache(drawn, where, spike):
    ends, seconds = drawn
    seconds[where] *= spike
    seen = steps(GRID, seconds)
    assert len(seen) <= len(ends)
    assert all(any(end / 2 <= step.last <= end for end in ends) for step in seen)
    if not ends or all(GRID[where] != end for end in ends) and where < len(GRID) - 3:
        assert [step.last for step in seen] == ends


@given(st.lists(st.floats(1, 1.24), min_size=1, max_size=len(GRID)), st.floats(1e-12, 1))
def test_a_flat_curve_has_no_step(noise, level):
    assert steps(GRID[: len(noise)], [level * factor for factor in noise]) == ()


@given(st.floats(1, 4))
def test_a_ramp_has_no_step(growth):
    assert steps(GRID, [1e-9 * growth**k for k in range(len(GRID))]) == ()


@given(st.integers(4, 12), st.integers(1, 12), st.floats(2, 10))
def test_a_soft_step_is_between_its_plateaus(last, width, rise):
    """As where a cache is shared, or its pages lie anyhow: the ramp is up to three octaves wide."""
    ramp = [min(max(k - last, 0) / width, 1) for k in range(len(GRID))]
    seen = steps(GRID, [1e-9 * rise**share for share in ramp])
    assert len(seen) <= 1
    if width <= 4:
        assert len(seen) == 1
    for step in seen:
        assert step.last <= GRID[last + width] and step.first >= GRID[last]
        assert step.first <= 8 * step.last


@given(st.lists(st.floats(1e-10, 1e-6), max_size=len(GRID)), st.integers(-20, 20))
def test_whatever_the_curve(seconds, power):
    bounds = GRID[: len(seconds)]
    seen = steps(bounds, seconds)
    assert seen == steps(np.array(bounds), np.array(seconds))
    for step in seen:
        assert step.last < step.first and {step.last, step.first} <= set(bounds)
        assert type(step.last) is type(step.first) is int and step.near < step.far
        assert any(a < b for a, b in pairwise(seconds))
    assert all(a.first < b.last and a.far <= b.far for a, b in pairwise(seen))
    scaled = steps(bounds, [s * 2.0**power for s in seconds])
    assert [step[:2] for step in scaled] == [step[:2] for step in seen]


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (lambda: steps([1, 2], [1e-9]), "give as many"),
        (lambda: steps([[1]], [[1e-9]]), "give as many"),
        (lambda: steps([2, 1], [1e-9, 1e-9]), "ascend; sort them"),
        (lambda: steps([1, 1], [1e-9, 1e-9]), "ascend; sort them"),
        (lambda: steps([0, 1], [1e-9, 1e-9]), "above 0 and ascend"),
        (lambda: steps([1, 2], [1e-9, 0]), "number of seconds above 0"),
        (lambda: steps([1, 2], [1e-9, float("nan")]), "number of seconds above 0"),
        (lambda: sizes(0, 10), "0 to 10 B with 2 an octave; give whole numbers"),
        (lambda: sizes(10, 9), "10 to 9 B"),
        (lambda: sizes(1, 1e9), "whole numbers"),
        (lambda: sizes(1, 10, an_octave=3), "3 an octave"),
        (lambda: cycle(64), "cycle: 64 B are no two lines of 64 B; take 128 or more"),
    ],
)
def test_bad_input(act, message):
    with pytest.raises(ValueError, match=message):
        act()


@given(st.integers(1, 2**40), st.integers(1, 2**40), st.sampled_from([1, 2]))
def test_sizes_ascend_by_half_octaves(one, other, an_octave):
    smallest, largest = sorted((one, other))
    found = sizes(smallest, largest, an_octave)
    assert all(smallest <= size <= largest for size in found)
    ratios = {b / a for a, b in pairwise(found)}
    assert ratios <= ({2} if an_octave == 1 else {1.5, 4 / 3})


def test_confirmed():
    seen = steps(GRID, [1e-9 if s <= 49152 else 4e-9 if s <= 2**20 else 3e-8 for s in GRID])
    assert confirmed((49152, 2**21, 480 * 2**20), seen) == (49152, 2**21)
    assert confirmed((32768, 2**20), seen) == (32768, 2**20)
    assert confirmed((), seen) == confirmed((49152,), ()) == ()
    # one step shows one cache
    assert confirmed((49152, 65536), seen) == (49152,)


@given(st.sets(st.sampled_from(GRID)), staircases())
def test_only_what_a_step_shows_is_confirmed(levels, drawn):
    seen = steps(GRID, drawn[1])
    levels = tuple(sorted(levels))
    found = confirmed(levels, seen)
    assert list(found) == sorted(found) and set(found) <= set(levels) and len(found) <= len(seen)
    for size in found:
        assert any(step.last / 1.5 <= size <= step.first * 1.5 for step in seen)


@given(st.integers(2, 20_000))
def test_the_walk_visits_each_line_once(lines):
    order = cycle(64 * lines)
    assert sorted(order.tolist()) == list(range(lines))
    half = (lines + 1) // 2
    assert not (order[:half] % 2).any() and (order[half:] % 2).all()
    # in groups of 128 KiB: 1,024 steps of each half, or fewer at the end
    groups = order[:half] // 2048
    assert np.count_nonzero(np.diff(groups)) == len(set(groups.tolist())) - 1


@given(st.integers(2, 3000))
def test_the_chain_is_one_cycle(lines):
    memory = np.zeros(8 * lines, np.uint64)
    order = 8 * cycle(64 * lines)
    memory[order[:-1]] = order[1:]
    memory[order[-1]] = order[0]
    start, seen = np.uint64(order[0]), 1
    while staircase.chase(memory, start, seen) != start:
        seen += 1
        if seen > 40:
            break
    assert seen == min(lines, 41)
    assert staircase.chase(memory, start, lines) == start


def test_latencies_are_there():
    found = staircase.latencies((4096, 6144, 2**18), time.perf_counter() + 60)
    assert list(found) == [4096, 6144, 2**18]
    assert all(isinstance(took, float) and took > 0 for took in found.values())


@given(st.lists(st.floats(0.01, 10), min_size=1, max_size=12), st.floats(0, 40))
def test_no_figure_is_begun_that_would_be_late(costs, until):
    now = 0.0

    def figure(k):
        nonlocal now
        now += costs[k]
        return now

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(staircase.time, "perf_counter", lambda: now)
        found = staircase.as_far_as_time_goes(range(len(costs)), until, figure)
    assert list(found) == list(range(len(found))) and 0 in found
    assume(len(found) > 1)
    last = len(found) - 1
    assert found[last - 1] + 2 * costs[last - 1] <= until + 1e-9
    if last + 1 < len(costs):
        assert found[last] + 2 * costs[last] > until - 1e-9


@pytest.mark.parametrize("threads", [1, 2])
def test_bandwidths_are_there(threads, monkeypatch):
    # on a busy computer a call can take as long as a pass; which are too short is tested below
    monkeypatch.setattr(bandwidth, "_SHORTEST", 0)
    found = bandwidth.bandwidths((4096, 2**20, 2**21), threads, time.perf_counter() + 60)
    assert list(found) == [4096, 2**20, 2**21]
    assert all(rate > 0 for rate in found.values())


def test_a_pass_too_short_for_its_loop_is_left_out(monkeypatch):
    monkeypatch.setattr(bandwidth, "_pass", lambda pool, memory, size: 1e-6 + size * 1e-10)
    found = bandwidth.bandwidths((4096, 2**20), 1, 1e9)
    assert list(found) == [2**20]
    assert found[2**20] == pytest.approx((2**20 - 4) / (1e-6 + 2**20 * 1e-10))


def test_a_pass_adds():
    x, y = np.arange(40, dtype=np.float32), np.full(40, 2, np.float32)
    z = np.zeros(40, np.float32)
    bandwidth._add(x, y, z, 3)
    assert (z == x + y).all()


def test_many_passes_are_timed_together(monkeypatch):
    now, calls = 0.0, []

    def passes(n):
        nonlocal now
        calls.append(n)
        now += 1e-6 * n + (0.05 if len(calls) == 2 else 0)  # one hiccup

    monkeypatch.setattr(measure.time, "perf_counter", lambda: now)
    assert measure.fastest_pass(passes, 0.002) == pytest.approx(1e-6)
    assert calls[-1] >= 2000 and calls[-3:] == [calls[-1]] * 3


def test_what_delays_every_run_is_not_taken_for_a_pass(monkeypatch):
    """Threads that wait 3 ms to be woken, run after run: their one pass is not 3 ms long."""
    now = 0.0

    def passes(n):
        nonlocal now
        now += 0.003 + 1e-6 * n

    monkeypatch.setattr(measure.time, "perf_counter", lambda: now)
    assert 1e-6 < measure.fastest_pass(passes, 0.002) < 2e-6


@pytest.mark.parametrize("took, runs", [(0.02, 3), (0.005, 6)])
def test_a_long_pass_is_not_timed_more_often_than_it_must(monkeypatch, took, runs):
    now, calls = 0.0, []

    def passes(n):
        nonlocal now
        calls.append(n)
        now += took * n

    monkeypatch.setattr(measure.time, "perf_counter", lambda: now)
    assert measure.fastest_pass(passes, 0.002) == pytest.approx(took)
    assert len(calls) == runs


PLAIN = dict(
    latency_rows=[(size, 1e-9 if size < 2**16 else 5e-9, 5e-9, 3) for size in GRID[:16]],
    bandwidth_rows=[
        (1, 2**15, 2e11, 1.9e11, 3),
        (1, 2**20, 1e11, 1e11, 1),
        (2, 2**15, 4e11, 4e11, 3),
    ],
    thread_rows=[
        (n, what, n * rate, n * rate, 3)
        for n in (1, 2)
        for what, rate in (("float32", 1e11), ("float64", 5e10), ("bandwidth", 2e10))
    ],
    planned=2**28,
    seconds=12.3,
)


def profile(**changes):
    return Profile(**{**PLAIN, **changes})


def test_a_profile():
    p = profile()
    bounds, seconds = p.latency()
    assert bounds == GRID[:16] and seconds[0] == 1e-9
    assert p.bandwidth() == ((2**15, 2**20), (2e11, 1e11)) and p.bandwidth(2) == ((2**15,), (4e11,))
    assert p.scaling() == ((1, 2), (2e10, 4e10)) and p.scaling("float64") == ((1, 2), (5e10, 1e11))
    assert p.rates(2) == {"float32": 2e11, "float64": 1e11, "bandwidth": 4e10}
    assert p.steps == (Step(49152, 65536, 1e-9, 5e-9),) and p.cache_sizes == (49152,)
    assert len(p.spreads()) == 24 and p.spreads()["the latency at 4 KiB"] == pytest.approx(4)
    assert p == profile() == pickle.loads(pickle.dumps(p)) and hash(p) == hash(profile())
    assert Profile(**json.loads(json.dumps(vars(p)))) == p


def test_the_text_of_a_profile():
    lines = repr(profile()).splitlines()
    assert lines[0] == "steps: 48 KiB to 64 KiB (1 to 5 ns)"
    assert lines[1] == "z = x + y, 1 thread: 200 GB/s at 32 KiB"
    assert lines[2] == "z = x + y, 2 threads: 400 GB/s at 32 KiB each"
    assert lines[4] == "2 threads: 200 GFLOP/s float32, 100 GFLOP/s float64, 40 GB/s from memory"
    assert lines[5].startswith("time ran out: working sets above 768 KiB are left out, up to 256")
    assert lines[6].startswith("12 s; noisy: 8 of 25 figures") and len(lines) == 7
    assert "without numba" in repr(profile(compiled=False))
    assert "time ran out" not in repr(profile(planned=GRID[15]))
    assert "GB/s at" not in repr(profile(bandwidth_rows=[]))
    rows = [*PLAIN["thread_rows"][:3], *((2, *row[1:]) for row in PLAIN["thread_rows"][:2])]
    slower = repr(profile(thread_rows=[*rows, (2, "bandwidth", 1e10, 1e10, 3)]))
    assert "10 GB/s from memory; slower than 1 thread: bandwidth\n" in slower
    flat = profile(latency_rows=[(4096, 1e-9, 1e-9, 1)])
    assert repr(flat).startswith("steps: no step: no cache size is seen")


def test_noise_in_a_sentence():
    assert profile().noise == (
        "noisy: 8 of 25 figures differ by more than 10 % between rounds, most the latency at 4 KiB,"
        " by 400 %; 1 of 25 figures were measured only once; measure with refresh=True when the "
        "computer is idle"
    )
    quiet = profile(latency_rows=[(4096, 1e-9, 1.03e-9, 3)])
    assert quiet.noise.startswith("quiet: rounds within 5 %; 1 of 10 figures")
    once = {name: [(*row[:-1], 1) for row in PLAIN[name]] for name in thorough._COLUMNS}
    assert profile(**once).noise == "one round only: how noisy it was is not known"


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (lambda: profile(latency_rows=[]), "latency_rows must be rows of bytes, fastest, slowest"),
        (lambda: profile(latency_rows=[(1, 2, 3)]), "latency_rows must be rows"),
        (lambda: profile(latency_rows=[(1, 2, -3, 1)]), "numbers above 0"),
        (lambda: profile(latency_rows=[("float32", 2, 3, 1)]), "numbers above 0"),
        (lambda: profile(latency_rows=[(10**400, 2, 3, 1)]), "numbers above 0"),
        (lambda: profile(latency_rows=[(2, 2, 3, 1), (1, 2, 3, 1)]), "ascend"),
        (lambda: profile(thread_rows=[(1, "float16", 1e9, 1e9, 1)]), "float32, float64, bandwidth"),
        (lambda: profile(bandwidth_rows=[(1, 2, float("nan"), 1, 1)]), "bandwidth_rows must be"),
        (lambda: profile(seconds=None), "planned and seconds must be numbers above 0"),
        (lambda: profile().bandwidth(3), r"threads=3 was not measured; known: \[1, 2\]"),
        (
            lambda: profile(bandwidth_rows=[]).bandwidth(),
            r"threads=1 was not measured; known: \[\]",
        ),
        (lambda: profile().scaling("int8"), "no 'int8'; choose one of float32, float64, bandwidth"),
        (lambda: Machine("m", {"fp32": 1e11}, 1e10, profile=3), "'m': profile is a int; take that"),
    ],
)
def test_bad_profiles(act, message):
    with pytest.raises(ValueError, match=message):
        act()


@pytest.fixture
def small(monkeypatch):
    """Working sets and streams so small that all of it takes a second."""
    monkeypatch.setattr(thorough, "_largest", lambda: 2**17)
    monkeypatch.setattr(measure, "_stream_bytes", lambda: 2**20)


@pytest.mark.parametrize("cores", [1, 3])
def test_measured(small, cores):
    start = time.perf_counter()
    p = thorough.measured(cores, seconds=1)
    assert time.perf_counter() - start < 30
    assert p.latency()[0][0] == 4096 and p.planned == 2**17
    # what is neither one nor all only if there was time
    assert {1, cores} <= set(p.scaling()[0]) <= set(range(1, cores + 1))
    assert p.scaling()[0] == p.scaling("float32")[0] == tuple(sorted(p.scaling()[0]))
    assert {row[0] for row in p.bandwidth_rows} <= {1, cores}
    assert all(set(p.rates(n)) == set(measure.profile(1, 0.001)) for n in (1, cores))
    for *_, best, worst, rounds in p.bandwidth_rows + p.thread_rows:
        assert best >= worst > 0 and 1 <= rounds <= 3
    assert all(fastest <= slowest for _, fastest, slowest, _ in p.latency_rows)
    assert p.noise.split()[0] in ("quiet:", "noisy:", "one") and repr(p)


@pytest.mark.parametrize(
    ("cores", "late", "counts"),
    [
        (1, False, {1}),
        (2, True, {1, 2}),
        (6, False, {1, 2, 4, 6}),
        (64, False, {1, 2, 4, 8, 16, 32, 64}),
        (64, True, {1, 64}),
    ],
)
def test_numbers_of_threads(monkeypatch, cores, late, counts):
    works = dict.fromkeys(("float32", "float64", "bandwidth"))
    monkeypatch.setattr(measure, "works", lambda threads, arrays: nullcontext(works))
    monkeypatch.setattr(measure, "rate", lambda work, seconds: 1e9)
    runs = defaultdict(list)
    until = time.perf_counter() + (-1 if late else 1000)
    thorough._threads_round(runs, cores, None, until, share=1)
    assert {key[1] for key in runs} == counts and len(runs) == 3 * len(counts)


def test_no_time_at_all_still_gives_a_machine(small):
    p = thorough.measured(4, seconds=1e-3)
    assert p.latency()[0] == (4096,) and p.cache_sizes == ()
    assert set(p.rates(1)) == set(p.rates(4)) == {"float32", "float64", "bandwidth"}
    assert p.noise.startswith("one round only") and "time ran out" in repr(p)


@pytest.mark.parametrize(
    ("levels", "memory", "largest"),
    [
        ({}, 2**40, 256 * units.MiB),
        ({32768: 8}, 2**40, 64 * units.MiB),
        ({32768: 8, 2**25: 16}, 2**40, 128 * units.MiB),
        ({32768: 8, 480 * 2**20: 16}, 2**40, 256 * units.MiB),
        ({}, 2**30, 64 * units.MiB),
        ({}, 2**20, 4 * units.MiB),
    ],
)
def test_the_largest_working_set(monkeypatch, levels, memory, largest):
    monkeypatch.setattr(measure, "cache_levels", lambda: levels)
    monkeypatch.setattr(measure, "usable_memory", lambda: memory)
    assert thorough._largest() == largest


def test_the_memory_of_a_container(tmp_path, monkeypatch):
    limit, absent, none = tmp_path / "limit", tmp_path / "absent", tmp_path / "none"
    limit.write_text("268435456\n")
    none.write_text("max\n")
    monkeypatch.setattr(measure, "_MEMORY_LIMITS", (absent, none))
    assert measure.usable_memory() == measure.memory()
    monkeypatch.setattr(measure, "_MEMORY_LIMITS", (none, limit))
    monkeypatch.setattr(measure, "memory", lambda: 2**40)
    assert measure.usable_memory() == 2**28 and measure._stream_bytes() == 2**25
    monkeypatch.setattr(measure, "memory", lambda: None)
    assert measure.usable_memory() == 2**28


def test_a_quota_of_processor_time_limits_the_cores(tmp_path, monkeypatch):
    monkeypatch.setattr(measure, "_usable_cpus", lambda: list(range(8)))
    monkeypatch.setattr(measure.os, "process_cpu_count", lambda: 8, raising=False)
    two, quota, period = tmp_path / "cpu.max", tmp_path / "quota", tmp_path / "period"
    period.write_text("100000\n")
    for text, cores in [("250000 100000\n", 2), ("50000 100000\n", 1), ("max 100000\n", 8)]:
        two.write_text(text)
        monkeypatch.setattr(measure, "_CPU_LIMITS", ((tmp_path / "absent",), (two,)))
        assert measure.usable_cores() == cores
    for text, cores in [("300000\n", 3), ("-1\n", 8)]:
        quota.write_text(text)
        monkeypatch.setattr(measure, "_CPU_LIMITS", ((quota, period),))
        assert measure.usable_cores() == cores


def test_stream_arrays_that_time_cuts_short(monkeypatch):
    monkeypatch.setattr(measure, "_stream_bytes", lambda: 130 * units.MiB)
    assert measure.stream_arrays(until=0).shape == (3, 16 * 2**20)
    whole = measure.stream_arrays()
    assert whole.nbytes == 3 * 130 * units.MiB and (whole == 1).all()


@pytest.fixture
def fake(tmp_path, monkeypatch):
    """Two cores and the profile above, measured in no time: the list of the calls."""
    calls = []

    def measured(cores, seconds):
        calls.append((cores, seconds))
        return profile()

    monkeypatch.setattr(kept, "_file", lambda: tmp_path / "machine.json")
    monkeypatch.setattr(kept, "NUMBA", True)
    monkeypatch.setattr(thorough, "measured", measured)
    monkeypatch.setattr(measure, "profile", lambda n, seconds: profile().rates(n))
    monkeypatch.setattr(measure, "usable_cores", lambda: 2)
    return calls


def test_only_caches_that_the_staircase_shows_are_stated(fake, monkeypatch):
    sysfs = [(1, 49152, 12, "0"), (2, 2**21, 16, "0"), (3, 480 * 2**20, 16, "0-1")]
    monkeypatch.setattr(measure, "_usable_cpus", lambda: [0])
    monkeypatch.setattr(measure, "_sysfs_caches", lambda cpu: sysfs)
    here = Machine.here(thorough=True)
    assert here.caches == "48KiB/12" and here.profile == profile()
    assert repr(here).endswith("40 GB/s, caches 48KiB/12, 2 threads")
    assert Machine.here() == here  # for as long as it is kept
    named = Machine.here(refresh=True)
    assert (named.caches, named.profile) == ("48KiB/12 + 2MiB/16 + 480MiB/16", None)
    # hidden by a container: what is seen has no ways, and is no text for Hierarchy.parse
    sysfs.clear()
    hidden = Machine.here(thorough=True)
    assert hidden.caches is None and hidden.profile.cache_sizes == (49152,)
    assert repr(hidden).endswith("40 GB/s, caches of at least 48 KiB, 2 threads")
    assert len(fake) == 2 and fake[0][1] < 20


def test_a_thorough_profile_is_kept(fake):
    Machine.here()
    assert fake == []
    here = Machine.here(thorough=True)
    assert here == Machine.here(thorough=True) and hash(here) == hash(Machine.here(thorough=True))
    one = Machine.here(threads=1, thorough=True)
    assert one.peak() == 1e11 and one.profile == here.profile
    assert len(fake) == 1
    Machine.here(thorough=True, refresh=True)
    assert len(fake) == 2


@pytest.mark.parametrize(
    "spoil",
    [
        lambda record: {**record, "thorough": True},  # as kept until 2026
        lambda record: {key: record[key] for key in record if key != "thorough"},
        lambda record: {**record, "thorough": None},
        lambda record: {**record, "thorough": {}},
        lambda record: {**record, "thorough": {**record["thorough"], "more": 1}},
        lambda record: {**record, "thorough": {**record["thorough"], "latency_rows": 3}},
        lambda record: {**record, "thorough": {**record["thorough"], "latency_rows": [[1, 2]]}},
        lambda record: {**record, "thorough": {**record["thorough"], "latency_rows": [["a"] * 4]}},
        lambda record: {**record, "thorough": {**record["thorough"], "seconds": 10**400}},
        lambda record: {
            **record,
            "thorough": {**record["thorough"], "thread_rows": [[1, "float32", 1e9, 1e9, 1]]},
        },
        lambda record: {**record, "thorough": {**record["thorough"], "compiled": False}},
        lambda record: {**record, "when": 10**400},
    ],
)
def test_a_broken_kept_profile_is_measured_again(fake, spoil):
    Machine.here(thorough=True)
    record = json.loads(kept._file().read_text())
    kept._file().write_text(json.dumps(spoil(record)))
    assert Machine.here().peak() == 2e11
    assert Machine.here(thorough=True).profile == profile()
    assert len(fake) == 2


def test_one_bad_round_of_three_is_noise(monkeypatch):
    taken = iter([1e-9, 1e-9, 5e-9])
    monkeypatch.setattr(thorough, "latencies", lambda stairs, until: {4096: next(taken, 1e-9)})
    monkeypatch.setattr(thorough, "bandwidths", lambda sets, threads, until: {4096: 1e10})
    monkeypatch.setattr(thorough.measure, "stream_arrays", lambda until: None)
    monkeypatch.setattr(
        thorough.measure, "works", lambda n, arrays: nullcontext(dict.fromkeys(thorough._FIGURES))
    )
    monkeypatch.setattr(thorough.measure, "rate", lambda work, slot: 1e10)
    found = thorough.measured(1, 16)
    assert found.latency_rows == ((4096, 1e-9, 5e-9, 3),)
    assert found.noise.startswith("noisy: 1 of 5 figures differ by more than 10 % between rounds")


def test_what_cannot_be_kept_leaves_nothing_behind(fake):
    kept._file().mkdir()
    assert Machine.here(thorough=True).profile == profile()
    assert list(kept._file().parent.iterdir()) == [kept._file()]


def test_without_a_home_nothing_is_kept(fake, monkeypatch):
    def homeless():
        raise RuntimeError("could not determine the home directory")

    monkeypatch.setattr(kept, "_file", homeless)
    assert Machine.here().peak() == Machine.here(thorough=True).peak() == 2e11


def test_deep_brackets_in_the_kept_file(fake):
    kept._file().write_text("[" * 200_000)
    assert Machine.here(thorough=True).profile == profile()
