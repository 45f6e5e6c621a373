"""This computer, measured: a stopwatch, peaks, stream bandwidth, cores, caches, memory."""

import os
import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
from threadpoolctl import threadpool_info, threadpool_limits

from . import units

__all__ = ["Timing", "blas_obeys", "caches", "memory", "profile", "stopwatch", "usable_cores"]


# Each figure is taken several times, well apart: a busy moment of the computer decides none.
_ROUNDS = 4


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
    work()
    runs = []
    end = time.perf_counter() + seconds
    while len(runs) < 3 or time.perf_counter() < end:
        start = time.perf_counter()
        work()
        runs.append(time.perf_counter() - start)
    return Timing(min(runs), statistics.median(runs), max(runs))


def profile(threads, seconds):
    """{"float32": FLOP/s, "float64": FLOP/s, "bandwidth": B/s}, measured for `seconds` each.

    The best run of NumPy's matrix product, and of z = x + y in float32 on arrays well beyond the
    last-level cache, 12 B an element.

    >>> sorted(profile(threads=1, seconds=0.01))
    ['bandwidth', 'float32', 'float64']
    """
    with threadpool_limits(threads, user_api="blas"), ThreadPoolExecutor(threads) as pool:
        works = {dtype: _matmul(dtype) for dtype in ("float32", "float64")}
        works["bandwidth"] = _stream(threads, pool)
        best = dict.fromkeys(works, 0.0)
        for _ in range(_ROUNDS):
            for name, (work, amount) in works.items():
                fastest = stopwatch(work, seconds / _ROUNDS).fastest
                best[name] = max(best[name], amount / fastest)
    return best


def _matmul(dtype):
    """A matrix product and its FLOP."""
    size = 1024
    while True:
        a, b = np.ones((2, size, size), dtype)
        work = partial(np.matmul, a, b, out=np.empty_like(a))
        # long enough that starting the threads does not show, short enough for a slow computer
        if size == 4096 or stopwatch(work, 0).fastest > 0.005:
            return work, 2 * size**3
        size *= 2


def _stream(threads, pool):
    """z = x + y on long arrays, a part for each thread, and its bytes."""
    count = _stream_bytes() // 4
    x, y, z = np.ones((3, count), np.float32)
    parts = list(zip(*(np.array_split(array, threads) for array in (x, y, z)), strict=True))
    # NumPy lets go of the interpreter lock inside add, so the threads do run side by side
    return lambda: list(pool.map(lambda part: np.add(*part), parts)), 12 * count


def _stream_bytes():
    """Bytes of each of the stream's three arrays: together at least six times the caches."""
    last = {}
    for cpu in _usable_cpus():
        for level, size, _, shared in _sysfs_caches(cpu):
            last.setdefault(level, {})[shared] = size
    total = sum(last[max(last)].values()) if last else 0
    return max(64 * units.MiB, min(2 * total, 512 * units.MiB))


def _usable_cpus():
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []


def usable_cores():
    """How many cores this process may use, an int.

    >>> usable_cores() >= 1
    True
    """
    if hasattr(os, "process_cpu_count"):
        return os.process_cpu_count() or 1
    return len(_usable_cpus()) or os.cpu_count() or 1


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


def caches():
    """This computer's caches as `Hierarchy.parse` reads them, or None."""
    levels = _sysfs_caches(_usable_cpus()[0]) if _usable_cpus() else []
    if not levels or not all(ways for _, _, ways, _ in levels):
        return None
    return " + ".join(f"{units.exact_capacity(size)}/{ways}" for _, size, ways, _ in levels)


def memory():
    """Bytes of main memory, or None where the system does not say."""
    with suppress(AttributeError, ValueError, OSError):
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return None
