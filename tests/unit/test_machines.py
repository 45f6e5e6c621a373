"""Machines: the table exactly, the roofline exactly; what is measured only for being there."""

import csv
import dataclasses
import json
import pickle
import time

import numpy as np
import pytest

from course_utils import (
    LoopNest,
    Machine,
    Meters,
    kept,
    machine,
    machines,
    measure,
    thorough,
    units,
)
from course_utils.thorough import Profile

PROFILE = {"float32": 100e9, "float64": 50e9, "bandwidth": 20e9}
DENSE = LoopNest("H[b,o] += X[b,i] * W[i,o]", b=2, i=3, o=4)
M = Machine("example", {"float32": 100e9, "float64": 50e9}, bandwidth=20e9)


def test_the_roofline():
    assert M.peak() == M.peak("FP32") == M.peak(np.float32) == M.peak(np.dtype("f4")) == 100e9
    assert M.ridge() == 5 and M.ridge("float64") == 2.5
    assert M.attainable(0.5) == 10e9
    assert M.attainable(5) == M.attainable(1000) == 100e9
    assert M.utilisation(5e9, 0.5) == 0.5
    assert isinstance(M.attainable(1), float)


def test_short_names_of_dtypes_in_the_constructor_too():
    short = Machine("m", {"fp32": 100e9, "BF16": 200e9, np.float64: 50e9}, 20e9)
    assert dict(short.peaks) == {"float32": 100e9, "bfloat16": 200e9, "float64": 50e9}
    assert short.ridge() == short.ridge("fp32") == 5
    assert short.peak("bf16") == short.peak("bfloat16") == 200e9


def test_utilisation_takes_arrays():
    assert M.utilisation(np.array([5e9, 10e9]), 0.5).tolist() == [0.5, 1.0]
    assert M.utilisation(5e9, [0.5, 0.25]).tolist() == [0.5, 1.0]
    assert isinstance(M.utilisation(5e9, 0.5), float)


def test_attainable_takes_arrays():
    roof = M.attainable(np.array([[0.5, 4], [5, 50]]), "float64")
    assert roof.tolist() == [[10e9, 50e9], [50e9, 50e9]]


def test_time_is_the_slower_of_the_two_limits():
    assert M.time(Meters(macs=10**9, moved=1)) == 0.02
    assert M.time(Meters(macs=10**9, moved=1), "float64") == 0.04
    assert M.time(Meters(macs=1, moved=20 * 10**9)) == 1.0


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (lambda: M.peak("int8"), "example: no peak for 'int8'; known: float32, float64"),
        (lambda: M.peak(None), "None names no dtype; write one of float64, float32, .*, bf16, fp8"),
        (lambda: M.peak(5), "5 names no dtype"),
        (lambda: machine("TPU v5e").ridge(), "known: bfloat16, int8; .*dtype=.bfloat16"),
        (lambda: M.attainable(-1.0), "intensity is -1; it must be above 0, in FLOP/B"),
        (lambda: M.attainable(0), "intensity is 0; it must be above 0"),
        (lambda: M.attainable(float("nan")), "intensity is nan; it must be above 0"),
        (lambda: M.attainable(np.array([1.0, 0.0, 2.0])), "intensity is 0; it must be above 0"),
        (lambda: M.attainable([1.0, float("nan")]), "intensity is nan; it must be above 0"),
        (lambda: M.attainable("0.5"), "intensity is '0.5'; it must be a number of FLOP/B"),
        (lambda: M.attainable(None), "intensity is None; it must be a number of FLOP/B"),
        (lambda: M.attainable(True), "intensity is True; it must be a number"),
        (lambda: M.utilisation(5e9, 0), "intensity is 0; it must be above 0"),
        (lambda: M.utilisation(0, 0.5), "flops_per_second is 0; it must be above 0, in FLOP/s"),
        (lambda: M.utilisation(float("nan"), 0.5), "flops_per_second is nan"),
        (lambda: M.utilisation("5e9", 0.5), "flops_per_second is '5e9'; .* number of FLOP/s"),
        (lambda: M.time(DENSE), "time takes a Meters, not a LoopNest; .* pass nest.meters"),
        (lambda: M.time(10), "time takes a Meters, not a int"),
        (lambda: Machine("m", 100e9, 20e9), "'m': peaks is 100000000000.0; name the"),
        (lambda: Machine("m", {}, 20e9), "'m': peaks is {}; name the dtype"),
        (lambda: Machine("m", None, 20e9), "'m': peaks is None; name the dtype"),
        (lambda: Machine("m", {"float32": 100}, 20e9), "is 100; .* FLOP/s, 1e6 or more: .* 100e9"),
        (lambda: Machine("m", {"float32": 1e11}, 20), "bandwidth is 20; .* B/s, 1e6 or .* 100e9"),
        (lambda: Machine("m", {"int8": 92}, None), "int8 is 92; .* a number of OP/s"),
        (lambda: Machine("m", {"float32": True}, 20e9), "float32 is True; it must be a number"),
        (lambda: Machine("m", {"float32": "1e11"}, 20e9), "float32 is '1e11'; it must be a number"),
        (lambda: Machine("m", {"float32": None}, 20e9), "float32 is None; it must be a number"),
        (lambda: Machine("m", {"float32": 1e11}, "20e9"), "bandwidth is '20e9'; it must be"),
        (lambda: Machine("m", {"float32": 1e11}, -20e9), "bandwidth is -20000000000.0; it must"),
        (lambda: Machine("m", {"float32": 1e11}, float("inf")), "bandwidth is inf; it must be"),
        (lambda: Machine("m", {"fp32": 1e11, "float32": 2e11}, 20e9), "has float32 twice; keep"),
        (lambda: Machine("m", {None: 1e11}, 20e9), "None names no dtype"),
        (lambda: machine("B200").ridge("bf16"), "7,700 to 8,000 GB/s"),
        (lambda: Machine("odd", {"float32": 0}, 1e9), "'odd': float32 is 0; it must be a number"),
        (lambda: Machine("odd", {"float32": 1e9}, float("nan")), "bandwidth is nan"),
        (lambda: machine("A100"), "fits A100 SXM 40 GB, A100 SXM 80 GB; name one"),
        (lambda: machine("h10O"), "'h10O' is not in data/machines.csv; near it: H100 SXM5"),
        (lambda: machine("orin"), "near it: Jetson Orin Nano Super"),
        (lambda: machine("zzzz"), "near it: V100 SXM2, A100"),
        (lambda: machine(""), "fits V100 SXM2, A100"),
        (lambda: machine(100), "'100' is not|100 is not"),
        (lambda: Machine.reference(threads=4), "threads=4 was not measured; take 1 or 2"),
        (lambda: Machine.here(threads=10**6), "threads=1000000 is not measured; take 1"),
        (lambda: Machine.here(threads=1.0), r"threads=1\.0 is not measured; take 1"),
        (lambda: Machine.here(threads=np.array([1, 2])), r"threads=array.* is not measured"),
        (lambda: Machine.here(thorough="no"), "thorough and refresh are True or False; got 'no'"),
        (lambda: Machine.here(threads=True), "threads=True is not measured; take 1"),
    ],
)
def test_bad_input(act, message):
    with pytest.raises(ValueError, match=message):
        act()


def test_a_machine_does_not_change():
    with pytest.raises(dataclasses.FrozenInstanceError):
        M.name = "other"
    with pytest.raises(TypeError):
        M.peaks["float32"] = 1
    given = {"float32": 1e9}
    kept = Machine("copy", given, 1e9)
    given["float32"] = 2e9
    assert kept.peak() == 1e9
    faster = dataclasses.replace(M, bandwidth=40e9)
    assert faster.ridge() == 2.5 and M.ridge() == 5
    assert hash(M) == hash(dataclasses.replace(M)) and dataclasses.replace(M) == M


def test_published_numbers_are_exact():
    h100 = machine("  h100 ")
    assert h100.name == "H100 SXM5" and machine("H100 SXM5") is h100
    assert h100.peak("bfloat16") == 989_400_000_000_000
    assert h100.peak("fp8") == 1_979_000_000_000_000
    assert (h100.bandwidth, h100.memory, h100.year, h100.watts) == (3.35e12, 80 * 10**9, 2022, 700)
    assert machine("TPU v1").memory == 8 * units.GiB
    assert machine("A100 SXM 40").ridge("bf16") == pytest.approx(200.6, abs=0.05)
    assert machine("V100").memory is None and "32 GB" in machine("V100").note
    assert "read 2026-11-23" in h100.source


RIDGES = {
    ("V100 SXM2", "float16"): 139,
    ("A100 SXM 80 GB", "bfloat16"): 153,
    ("H100 SXM5", "bfloat16"): 295,
    ("H200 SXM", "bfloat16"): 206,
    ("TPU v1", "int8"): 2706,
    ("TPU v4", "bfloat16"): 229,
    ("TPU v5e", "bfloat16"): 241,
    ("TPU v5p", "bfloat16"): 166,
    ("TPU v6e", "bfloat16"): 560,
    ("EPYC 9654", "float32"): 16,
    ("Raspberry Pi 5", "float32"): 9,
}


@pytest.mark.parametrize(("name", "dtype"), RIDGES)
def test_ridges(name, dtype):
    assert round(machine(name).ridge(dtype)) == RIDGES[name, dtype]


def test_every_row_of_the_table_is_whole():
    with machines._TABLE.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["name"] for row in rows] == list(machines.names())
    assert len({row["name"].lower() for row in rows}) == len(rows)
    for row in rows:
        assert None not in row and None not in row.values(), row["name"]
        entry = machine(row["name"])
        assert entry.peaks and row["source"] and row["read"], row["name"]
        assert row["peaks"] == ("measured" if "reference" in row["name"] else "dense")
        assert entry.bandwidth or "bandwidth" in entry.note
        assert not any("?" in value for value in row.values())


def test_the_reference_is_frozen_and_has_two_figures():
    one, two = Machine.reference(threads=1), Machine.reference()
    assert (one.threads, two.threads) == (1, 2)
    assert one.caches == two.caches == "32KiB/8 + 1MiB/8 + 32MiB/16"
    for each in (one, two):
        for value in (*each.peaks.values(), each.bandwidth):
            assert value == float(f"{value:.1e}")
    assert two.peak() / one.peak() > two.bandwidth / one.bandwidth > 1


def test_text():
    assert repr(M) == "example: 100 GFLOP/s float32, 50 GFLOP/s float64, 20 GB/s"
    assert repr(machine("TPU v1")) == "TPU v1: 92,000 GOP/s int8, 34 GB/s"
    assert repr(Machine.reference()).endswith("2 threads")
    assert repr(Machine.reference(1)).endswith("1 thread")
    assert all("\n" not in repr(machine(name)) for name in machines.names())


@pytest.fixture
def measured(tmp_path, monkeypatch):
    """Where the profile is kept, and the list of what was measured: (file, calls)."""
    calls = []

    def profile(threads, seconds):
        calls.append((threads, seconds))
        return {key: value * threads for key, value in PROFILE.items()}

    file = tmp_path / "deep" / "machine.json"
    monkeypatch.setattr(kept, "_file", lambda: file)
    monkeypatch.setattr(kept, "NUMBA", True)
    monkeypatch.setattr(measure, "profile", profile)
    monkeypatch.setattr(measure, "usable_cores", lambda: 4)
    return file, calls


def test_here_measures_once_a_day(measured, monkeypatch):
    file, calls = measured
    assert Machine.here().threads == 4 and Machine.here(threads=1).threads == 1
    assert [threads for threads, _ in calls] == [1, 4]
    assert Machine.here().peak() == 4 * Machine.here(threads=1).peak() == 400e9
    assert Machine.here(threads=4) == Machine.here()
    Machine.here(refresh=True)
    assert len(calls) == 4
    tomorrow = time.time() + 25 * 60 * 60
    monkeypatch.setattr(kept.time, "time", lambda: tomorrow)
    Machine.here()
    assert len(calls) == 6


def test_a_thorough_profile_serves_both(measured, monkeypatch):
    _, calls = measured
    rows = [(n, what, n * PROFILE[what], PROFILE[what], 1) for n in (1, 4) for what in PROFILE]
    profile = Profile([(4096, 1e-9, 1e-9, 1)], [(1, 4096, 1e9, 1e9, 1)], rows, 4096, 12)
    thoroughly = []
    monkeypatch.setattr(thorough, "measured", lambda *given: thoroughly.append(given) or profile)
    Machine.here()
    Machine.here(thorough=True)
    assert len(calls) == 2 and [cores for cores, _ in thoroughly] == [4]
    assert Machine.here().peak() == Machine.here(thorough=True).peak() == 400e9
    assert len(calls) == 2 and len(thoroughly) == 1


def test_another_computer_or_other_cores_are_measured_again(measured, monkeypatch):
    _, calls = measured
    Machine.here()
    monkeypatch.setattr(measure, "usable_cores", lambda: 3)
    Machine.here()
    assert [threads for threads, _ in calls] == [1, 4, 1, 3]
    monkeypatch.setattr(kept.platform, "node", lambda: "another")
    Machine.here()
    assert len(calls) == 6


@pytest.mark.parametrize(
    "spoil",
    [
        lambda kept: b"",
        lambda kept: b"\xff\xfe not text",
        lambda kept: b"[1, 2]",
        lambda kept: b"null",
        lambda kept: json.dumps({**kept, "when": "yesterday"}).encode(),
        lambda kept: json.dumps({**kept, "when": time.time() + 1e6}).encode(),
        lambda kept: json.dumps({**kept, "profiles": {}}).encode(),
        lambda kept: json.dumps({**kept, "profiles": {"1": {}, "4": {}}}).encode(),
        lambda kept: json.dumps({**kept, "profiles": {"1": PROFILE, "4": -1}}).encode(),
        lambda kept: json.dumps(
            {**kept, "profiles": {"1": PROFILE, "4": {**PROFILE, "float32": -1}}}
        ).encode(),
        lambda kept: json.dumps(
            {**kept, "profiles": {"1": PROFILE, "4": {**PROFILE, "bandwidth": 20}}}
        ).encode(),
        lambda kept: json.dumps(
            {**kept, "profiles": {"1": PROFILE, "4": {**PROFILE, "bandwidth": float("inf")}}}
        ).encode(),
        lambda kept: json.dumps(
            {**kept, "profiles": {"1": PROFILE, "4": {**PROFILE, "float32": "1e11"}}}
        ).encode(),
    ],
)
def test_a_broken_cache_file_is_measured_again(measured, spoil):
    file, calls = measured
    Machine.here()
    file.write_bytes(spoil(json.loads(file.read_text())))
    assert Machine.here().peak() == 400e9
    assert len(calls) == 4
    Machine.here()
    assert len(calls) == 4


def test_an_unwritable_cache_folder_is_no_error(measured, monkeypatch):
    file, calls = measured
    file.parent.write_text("a file where the folder should be")
    assert Machine.here().peak() == Machine.here().peak() == 400e9
    assert len(calls) == 4


def test_here_really_measures(tmp_path, monkeypatch):
    monkeypatch.setattr(kept, "_file", lambda: tmp_path / "machine.json")
    here = Machine.here()
    assert set(here.peaks) == {"float32", "float64"}
    assert all(peak > 0 for peak in here.peaks.values()) and here.bandwidth > 0
    assert here.threads == measure.usable_cores()
    assert Machine.here() == here
    assert list(tmp_path.iterdir()) == [tmp_path / "machine.json"]


def test_caches_of_this_computer(monkeypatch):
    found = {0: [(1, 48 * units.KiB, 12, "0"), (2, 19712 * units.KiB, 11, "0-3")]}
    monkeypatch.setattr(measure, "_usable_cpus", lambda: [0])
    monkeypatch.setattr(measure, "_sysfs_caches", found.__getitem__)
    assert measure.caches() == "48KiB/12 + 19712KiB/11"
    found[0] = [(1, 48 * units.KiB, 0, "0")]
    assert measure.caches() is None
    found[0] = []
    assert measure.caches() is None


def test_the_stream_is_larger_than_all_last_level_caches(monkeypatch):
    shared = {0: "0-1", 1: "0-1", 2: "2-3", 3: "2-3"}
    monkeypatch.setattr(measure, "_usable_cpus", lambda: list(shared))
    monkeypatch.setattr(
        measure,
        "_sysfs_caches",
        lambda cpu: [(1, 32768, 8, str(cpu)), (3, 48 * units.MiB, 16, shared[cpu])],
    )
    assert measure._stream_bytes() == 2 * (48 + 48) * units.MiB
    monkeypatch.setattr(measure, "_usable_cpus", lambda: [])
    assert measure._stream_bytes() == 64 * units.MiB


def test_stopwatch_warms_up_and_runs_at_least_three_times():
    calls = []
    timing = measure.stopwatch(lambda: calls.append(1), seconds=0)
    assert len(calls) == 4
    assert 0 <= timing.fastest <= timing.median <= timing.slowest
    text = repr(measure.Timing(0.0023, 0.0024, 0.003))
    assert text == "fastest 2.3 ms, median 2.4 ms, slowest 3 ms"
    assert pickle.loads(pickle.dumps(timing)) == timing
