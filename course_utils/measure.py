"""This computer, measured: a stopwatch, peaks, stream bandwidth, cores, caches, memory."""

import math
import os
import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
from threadpoolctl import threadpool_info, threadpool_limits

from . import units

__all__ = [
    "Timing",
    "blas_obeys",
    "cache_levels",
    "caches",
    "fastest_pass",
    "memory",
    "profile",
    "rate",
    "stopwatch",
    "stream_arrays",
    "usable_cores",
    "usable_memory",
    "works",
]


# Each figure is taken several times, well apart: a busy moment of the computer decides none.
_ROUNDS = 4
# of a container, as cgroups of version 2 and 1 tell it
_MEMORY_LIMITS = (
    "/sys/fs/cgroup/memory.max",
    "/sys/fs/cgroup/memory/memory.limit_in_bytes",
)
_CPU_LIMITS = (
    ("/sys/fs/cgroup/cpu.max",),
    ("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "/sys/fs/cgroup/cpu/cpu.cfs_period_us"),
)


class Timing(NamedTuple):
    """Seconds of the fastest, the median and the slowest of several runs."""

    fastest: float
    median: float
    slowest: float

    def __repr__(self):
        fastest, median, slowest = map(units.seconds, self)
        return f"fastest {fastest}, median {median}, slowest {slowest}"


def stopwatch(work, seconds=0.3):
    """`Timing` of the callable `work`, run once to warm up, then for `seconds`, at least 3 times.

    A run shorter than some µs is mostly the call itself: put a loop into `work`.

    >>> stopwatch(lambda: sum(range(1000)), seconds=0.01).fastest > 0
    True
    """
    runs = _runs(work, seconds, least=3)
    return Timing(min(runs), statistics.median(runs), max(runs))


def _runs(work, seconds, least):
    work()
    runs = []
    end = time.perf_counter() + seconds
    while len(runs) < least or time.perf_counter() < end:
        start = time.perf_counter()
        work()
        runs.append(time.perf_counter() - start)
    return runs


def fastest_pass(passes, seconds=0.002):
    """Seconds of one pass, where `passes(n)` makes n: the fastest of three runs of many passes.

    A run takes `seconds` or more, however busy the computer was when their number was sought.  What
    delays every run, as threads that wait to be woken, is no part of a pass: before a run of less
    than five times `seconds` is believed, fewer passes must have taken as long each, or nearly.

    >>> fastest_pass(lambda n: sum(range(1000 * n))) > 0
    True
    """
    n, before = 1, math.inf
    while True:
        runs = []
        for _ in range(3):
            start = time.perf_counter()
            passes(n)
            runs.append(time.perf_counter() - start)
        took = min(runs)
        if took >= 5 * seconds or (took >= seconds and took / n > 0.7 * before):
            return took / n
        before = took / n
        n *= max(2, min(16, math.ceil(1.3 * seconds / max(took, 1e-9))))


def profile(threads, seconds):
    """{"float32": FLOP/s, "float64": FLOP/s, "bandwidth": B/s}, measured for `seconds` each.

    The best run of NumPy's matrix product, and of z = x + y in float32 on arrays well beyond the
    last-level cache, 12 B an element.

    >>> sorted(profile(threads=1, seconds=0.01))
    ['bandwidth', 'float32', 'float64']
    """
    with works(threads, stream_arrays(time.perf_counter() + 1)) as measured:
        best = dict.fromkeys(measured, 0.0)
        for _ in range(_ROUNDS):
            for name, work in measured.items():
                best[name] = max(best[name], rate(work, seconds / _ROUNDS))
    return best


@contextmanager
def works(threads, arrays):
    """What `profile` measures, with so many threads: {name: (work, its FLOP or bytes)}."""
    with threadpool_limits(threads, user_api="blas"), ThreadPoolExecutor(threads) as pool:
        measured = {dtype: _matmul(dtype) for dtype in ("float32", "float64")}
        yield {**measured, "bandwidth": _stream(threads, pool, arrays)}


def rate(work, seconds):
    """FLOP or bytes a second of one of the `works`: the best of two runs or more, for `seconds`."""
    act, amount = work
    return amount / min(_runs(act, seconds, least=2))


def _matmul(dtype):
    """A matrix product and its FLOP."""
    size = 256
    while True:
        a, b = np.ones((2, size, size), dtype)
        work = partial(np.matmul, a, b, out=np.empty_like(a))
        # long enough that starting the threads does not show, short enough for a slow computer
        enough = 0.1 if size < 1024 else 0.005
        if size == 4096 or stopwatch(work, 0).fastest > enough:
            return work, 2 * size**3
        size *= 2


def stream_arrays(until=math.inf):
    """x, y and z of the stream, together well beyond the last-level cache.

    Shorter ones, of 64 MiB or more, if they are not filled by `until`, of time.perf_counter().
    """
    arrays = np.empty((3, _stream_bytes() // 4), np.float32)
    piece = 64 * units.MiB // 4
    for filled in range(0, arrays.shape[1], piece):
        if filled and time.perf_counter() > until:
            return arrays[:, :filled]
        arrays[:, filled : filled + piece] = 1
    return arrays


def _stream(threads, pool, arrays):
    """z = x + y on long arrays, a part for each thread, and its bytes."""
    parts = list(zip(*(np.array_split(array, threads) for array in arrays), strict=True))
    # NumPy lets go of the interpreter lock inside add, so the threads do run side by side
    return lambda: list(pool.map(lambda part: np.add(*part), parts)), arrays.nbytes


def _stream_bytes():
    """Bytes of each of the stream's three arrays: together at least six times the caches."""
    last = {}
    for cpu in _usable_cpus():
        for level, size, _, shared in _sysfs_caches(cpu):
            last.setdefault(level, {})[shared] = size
    total = sum(last[max(last)].values()) if last else 0
    wanted = max(64 * units.MiB, min(2 * total, 512 * units.MiB))
    return min(wanted, usable_memory() // 8)


def _usable_cpus():
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []


def _quota():
    """How many cores a container's quota of processor time comes to, rounded down; at least 1."""
    for files in _CPU_LIMITS:
        with suppress(OSError, ValueError):
            quota, period = map(int, " ".join(Path(file).read_text() for file in files).split())
            if quota > 0 and period > 0:
                return max(quota // period, 1)
    return math.inf


def usable_cores():
    """How many cores this process may use, all the time: an int.

    >>> usable_cores() >= 1
    True
    """
    if hasattr(os, "process_cpu_count"):
        cores = os.process_cpu_count() or 1
    else:
        cores = len(_usable_cpus()) or os.cpu_count() or 1
    return min(cores, _quota())


def blas_obeys():
    """Whether the number of threads of NumPy's matrix product can be set (not with Accelerate)."""
    return any(library["user_api"] == "blas" for library in threadpool_info())


def _sysfs_caches(cpu):
    """(level, bytes, ways, cores that share it) of each data cache of one core; [] if unknown."""
    found = []
    with suppress(OSError, ValueError):
        for folder in sorted(Path(f"/sys/devices/system/cpu/cpu{cpu}/cache").glob("index*")):
            entry = {
                name: (folder / name).read_text().strip()
                for name in ("type", "level", "size", "ways_of_associativity", "shared_cpu_list")
            }
            if entry["type"] != "Instruction":
                size = units.parse_capacity(entry["size"].replace("K", "KiB").replace("M", "MiB"))
                ways = int(entry["ways_of_associativity"])
                found.append((int(entry["level"]), size, ways, entry["shared_cpu_list"]))
    return sorted(found)


def cache_levels():
    """{bytes: ways} of this computer's data caches, nearest first; empty if they are hidden."""
    levels = _sysfs_caches(_usable_cpus()[0]) if _usable_cpus() else []
    return {size: ways for _, size, ways, _ in levels} if all(level[2] for level in levels) else {}


def caches(levels=None):
    """Caches as `Hierarchy.parse` reads them, or None: this computer's, or {bytes: ways}.

    >>> caches({32768: 8, 2**20: 16})
    '32KiB/8 + 1MiB/16'
    """
    levels = cache_levels() if levels is None else levels
    each = [f"{units.exact_capacity(size)}/{ways}" for size, ways in levels.items()]
    return " + ".join(each) or None


def memory():
    """Bytes of main memory, or None where the system does not say."""
    with suppress(AttributeError, ValueError, OSError):
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return None


def usable_memory():
    """Bytes of main memory that this process may fill: a container may have less than is there.

    >>> usable_memory() > 0
    True
    """
    limits = [memory() or 4 * units.GiB]
    for file in _MEMORY_LIMITS:
        with suppress(OSError, ValueError):
            limits.append(int(Path(file).read_text()))
    return min(limits)
