"""Bandwidth by working set: z = x + y in float32, over and over, in one thread or several."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np

from ._compiled import NUMBA, released
from .measure import fastest_pass
from .staircase import as_far_as_time_goes

__all__ = ["bandwidths"]

_SHORTEST = 10
_BYTES = 12


@released
def _add_loops(x, y, z, repeats):
    for _ in range(repeats):
        for i in range(z.size):
            z[i] = x[i] + y[i]


def _add_with_numpy(x, y, z, repeats):
    for _ in range(repeats):
        np.add(x, y, z)


_add = _add_loops if NUMBA else _add_with_numpy


def bandwidths(working_sets, threads, until):
    """{bytes a thread: B/s of all threads} for ascending working sets, as far as time goes.

    Each thread has a working set of its own, a third each for x, y and z.  12 B an element are
    counted, x and y read and z written; that a line of z is fetched before it is written is not.
    A pass over a working set must take ten times as long as one over a single element: shorter
    ones would show the loop (without numba: NumPy's call), and are left out.

    >>> list(bandwidths((2**20, 2**21), threads=1, until=0))
    [1048576]
    """
    memory = np.empty((threads, max(working_sets) // 4), np.float32)
    with ThreadPoolExecutor(threads) as pool:
        takers = 1 if NUMBA else threads  # of the interpreter's lock, once a call
        shortest = _SHORTEST * takers * _pass(pool, memory, _BYTES)

        def bandwidth(size):
            took = _pass(pool, memory, size)
            return threads * (size // _BYTES * _BYTES) / took if took >= shortest else None

        found = as_far_as_time_goes(working_sets, until, bandwidth)
    return {size: rate for size, rate in found.items() if rate is not None}


def _pass(pool, memory, size):
    """Seconds of one pass of all threads, side by side."""
    count = size // _BYTES
    memory[:, : 3 * count] = 1
    parts = [row[: 3 * count].reshape(3, count) for row in memory]
    # compiled before several threads ask for it
    _add(*parts[0], 1)
    return fastest_pass(lambda repeats: list(pool.map(lambda xyz: _add(*xyz, repeats), parts)))
