"""Collectives between processes give what `Collective.run` gives, and leave nothing behind."""

import multiprocessing
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from course_utils import processes
from course_utils.collectives import PATTERNS, algorithms, collective
from course_utils.processes import Ranks, Unavailable

EVERY = [(pattern, algorithm) for pattern in PATTERNS for algorithm in algorithms(pattern)]
ROOTED = "broadcast", "scatter", "gather", "reduce"


@pytest.fixture(scope="module")
def three():
    with Ranks(3) as ranks:
        yield ranks


def drawn(task, length, dtype=np.float32):
    values = np.random.default_rng(length).standard_normal((task.ranks, length)) * 99
    values = values.astype(dtype)
    return values[task.root] if task.pattern in ("broadcast", "scatter") else values


def same(ours, others):
    for one, other in zip(ours, others, strict=True):
        if one is None or other is None:
            assert one is other
        else:
            assert one.dtype == other.dtype and one.shape == other.shape
            assert one.tobytes() == other.tobytes()


@pytest.mark.parametrize("pattern, algorithm", EVERY)
def test_they_give_the_same_bits_as_one_process(three, pattern, algorithm):
    for length, dtype in ((7, np.float32), (1000, np.float16), (3, np.int16), (0, np.float64)):
        task = collective(pattern, algorithm, ranks=3, root=2 * (pattern in ROOTED))
        data = drawn(task, length, dtype)
        before = data.copy()
        held, seconds = three.run(task, data, repeats=2)
        same(held, task.run(data))
        assert np.array_equal(data, before) and seconds > 0


def test_tables_and_parts_of_different_lengths(three):
    table = np.arange(42.0).reshape(7, 3, 2)
    scatter = collective("scatter", "tree", ranks=3)
    parts, _ = three.run(scatter, table)
    same(parts, scatter.run(table))
    gather = collective("gather", "ring", ranks=3, root=1)
    same(three.run(gather, parts)[0], [None, table, None])


def test_a_task_of_fewer_ranks_leaves_the_others_waiting(three):
    for ranks in (1, 2):
        task = collective("all-reduce", "ring", ranks=ranks)
        data = drawn(task, 12)
        same(three.run(task, data)[0], task.run(data))


def test_parameters_are_seconds(three):
    found = three.parameters(nbytes=2**20)
    assert min(found) > 0


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda r: r.run(collective("reduce", "tree", 4), np.ones((4, 2))), "at most 3 ranks"),
        (lambda r: r.run("all-reduce", np.ones((3, 2))), "'?all-reduce'? is no collective"),
        (lambda r: r.run(collective("reduce", "tree", 3), np.ones((2, 2))), "got 2 of them"),
        (lambda r: r.run(collective("reduce", "tree", 3), np.ones((3, 2)), 0), "repeats must be"),
        (lambda r: Ranks(0), "ranks must be a whole number of at least 1; got 0"),
    ],
)
def test_what_is_refused_ends_nothing(three, call, message):
    with pytest.raises(ValueError, match=message):
        call(three)
    task = collective("reduce", "tree", ranks=3)
    data = drawn(task, 5)
    same(three.run(task, data)[0], task.run(data))


def segments():
    folder = Path("/dev/shm")
    return set(folder.iterdir()) if folder.is_dir() else set()


def test_nothing_is_left_behind():
    before = segments()
    with Ranks(2) as ranks:
        ranks.run(collective("broadcast", "tree", ranks=2), np.ones(8))
        assert {f for f in segments() - before if f.name.startswith("psm")} == set()
        children = list(ranks._processes)
        assert len(children) == 2 and all(child.is_alive() for child in children)
    # a process that is closed has ended
    assert all("closed" in repr(child) for child in children)
    with pytest.raises(ValueError, match="these processes have ended"):
        ranks.run(collective("broadcast", "tree", ranks=2), np.ones(8))
    with pytest.raises(ValueError, match="one rank has nobody to send to"), Ranks(1) as alone:
        alone.parameters()


def test_a_rank_that_dies_ends_the_others():
    before = segments()
    with Ranks(2) as ranks:
        ranks._processes[1].kill()
        ranks._processes[1].join()
        with pytest.raises(Unavailable, match="process of rank 1 has ended"):
            ranks.run(collective("broadcast", "tree", ranks=2), np.ones(8))
        assert ranks._processes == []
    assert {f for f in segments() - before if f.name.startswith("psm")} == set()


def test_a_rank_that_dies_in_a_run_keeps_nobody_waiting():
    task = collective("all-reduce", "ring", ranks=2)
    data = np.ones((2, 2**16))
    with Ranks(2) as ranks:
        threading.Timer(0.3, ranks._processes[1].kill).start()
        start = time.monotonic()
        with pytest.raises(Unavailable, match="process of rank 1 has ended"):
            ranks.run(task, data, repeats=10**6)
        assert time.monotonic() - start < processes._LONGEST / 2
        assert ranks._processes == []


def test_ranks_share_no_barrier_with_others():
    """A barrier that Python has let go of is written over by the next one."""
    with Ranks(2) as ranks, Ranks(2) as others:
        one, other = (r._barrier._wrapper._state[0] for r in (ranks, others))
        assert one != other


def test_a_rank_that_fails_says_why():
    with Ranks(2) as ranks:
        task = collective("broadcast", "tree", ranks=2)
        strange = type(task)(task.pattern, task.algorithm, 2, 0, (("no send",),))
        with pytest.raises(RuntimeError, match="a rank failed: AttributeError"):
            ranks.run(strange, np.ones(4))


def test_an_interrupt_ends_them(monkeypatch):
    with Ranks(2) as ranks:

        def interrupted(*_):
            raise KeyboardInterrupt

        monkeypatch.setattr(Ranks, "_answers", interrupted)
        with pytest.raises(KeyboardInterrupt):
            ranks.run(collective("broadcast", "tree", ranks=2), np.ones(8))
        assert ranks._processes == []


@pytest.mark.parametrize("error", [OSError("no space left"), ImportError("no semaphores")])
def test_where_they_cannot_be_had_a_sentence_says_so(monkeypatch, three, error):
    def refuse(*_, **__):
        raise error

    monkeypatch.setattr(processes, "SharedMemory", refuse)
    with pytest.raises(Unavailable, match=f"no memory of .* can be shared here: .*{error}"):
        three.run(collective("broadcast", "tree", ranks=2), np.ones(8))
    monkeypatch.setattr(multiprocessing.get_context("spawn"), "Barrier", refuse, raising=False)
    with pytest.raises(Unavailable, match=f"no processes can be started here: .*{error}"):
        Ranks(2)


@pytest.mark.skipif(not Path("/dev/shm").is_dir(), reason="only Linux promises too much memory")
def test_memory_that_is_not_there_is_refused_before_it_is_written(monkeypatch, three):
    """A container often has 64 MB of it; to write beyond kills the process, a kernel too."""

    def full(*_):
        raise OSError(28, "No space left on device")

    before = segments()
    task = collective("broadcast", "tree", ranks=3)
    with monkeypatch.context() as patch:
        patch.setattr(os, "posix_fallocate", full)
        with pytest.raises(Unavailable, match="can be shared here: .*No space left"):
            three.run(task, np.ones(8))
    assert {f for f in segments() - before if f.name.startswith("psm")} == set()
    same(three.run(task, np.ones(8))[0], task.run(np.ones(8)))


SCRIPT = """
import numpy as np
from course_utils.collectives import collective
from course_utils.processes import Ranks
with Ranks(2) as ranks:
    held, _ = ranks.run(collective("all-reduce", "ring", ranks=2), np.ones((2, 4)))
    print([array.tolist() for array in held])
"""


def test_a_program_that_uses_them_says_nothing_on_stderr():
    run = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, timeout=60)
    assert (run.stdout, run.stderr) == (f"{[[2.0] * 4] * 2}\n", "")


SLOW_TO_FAIL = """
import multiprocessing, time
if multiprocessing.current_process().name.endswith("2"):
    barrier = multiprocessing.get_context("spawn").Barrier(2)
    time.sleep(1)
"""


@pytest.mark.parametrize("before", ["", SLOW_TO_FAIL], ids=["at once", "one after the other"])
def test_a_script_without_a_guard_is_told_of_it(tmp_path, before):
    # the last line: a process cut short would leave its barrier behind, and Python would add so
    script = tmp_path / "script.py"
    script.write_text(before + SCRIPT)
    root = str(Path(processes.__file__).parents[1])
    run = subprocess.run(
        [sys.executable, script],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "PYTHONPATH": root},
    )
    assert "lacks `if __name__ == '__main__':`" in run.stderr.splitlines()[-1]
