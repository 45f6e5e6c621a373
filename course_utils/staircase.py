"""The latency staircase: seconds a load takes by the size of the working set, and its steps.

Each load's address is what the load before has read, so that none can start early.  The walk
visits all lines of the working set, in an order that shows caches and not page tables: at random
within groups of 128 KiB (32 pages, few enough for every TLB), the groups at random.  It visits
every other line of the whole working set first and the rest after that: a neighbour that came
along unasked, with a prefetch or in a line of 128 B, is long gone when its turn comes.
"""

import time
from itertools import pairwise
from numbers import Integral
from typing import NamedTuple

import numpy as np

from . import units
from ._compiled import NUMBA, compiled
from .measure import fastest_pass

__all__ = ["Step", "as_far_as_time_goes", "confirmed", "cycle", "latencies", "sizes", "steps"]

_LINE = 64
_WORDS = _LINE // 8
_GROUP = 2048
_LOADS = 128
# A plateau grows by at most a quarter from its first size, and spans at least an octave.
_FLAT, _OCTAVE = 1.25, 2
# From one plateau to the next: at least this much slower, also from its last size to the first
# of the next (a gentle ramp is a row of plateaus, each a little slower), within three octaves.
_JUMP, _EDGE, _WIDEST = 1.5, 1.3, 8
# The sizes are half an octave apart, and a plateau ends somewhere between two of them.
_BETWEEN = 1.5


class Step(NamedTuple):
    """A step of the staircase: where a cache ends.

    `last`: bytes of the largest working set still on the plateau before; `first`: of the smallest
    on the plateau after; `near`, `far`: seconds a load takes on the two.
    """

    last: int
    first: int
    near: float
    far: float


def sizes(smallest, largest, an_octave=2):
    """Working sets from smallest to largest, one or two an octave: 2**k and 3 * 2**k bytes.

    >>> sizes(4096, 20000)
    (4096, 6144, 8192, 12288, 16384)
    """
    whole = isinstance(smallest, Integral) and isinstance(largest, Integral)
    if not whole or not 0 < smallest <= largest or an_octave not in (1, 2):
        raise ValueError(
            f"sizes: {smallest!r} to {largest!r} B with {an_octave!r} an octave; "
            "give whole numbers, 0 < smallest <= largest, and 1 or 2"
        )
    powers = [2**k for k in range(5, int(largest).bit_length())]
    grid = [size for power in powers for size in (power, power + power // 2)[:an_octave]]
    return tuple(size for size in grid if smallest <= size <= largest)


def cycle(size):
    """The lines of a working set of `size` bytes, each once, in the order of the walk.

    >>> sorted(cycle(256).tolist())
    [0, 1, 2, 3]
    """
    lines, rng = size // _LINE, np.random.default_rng(size)
    if lines < 2:
        raise ValueError(f"cycle: {size!r} B are no two lines of {_LINE} B; take 128 or more")
    groups = -(-lines // _GROUP)
    halves = []
    for half in (0, 1):
        inner = 2 * rng.permutation(_GROUP // 2) + half
        # each group in an order of its own, which no prefetcher has met in the group before
        turns = 2 * rng.integers(_GROUP // 2, size=(groups, 1))
        order = rng.permutation(groups)[:, None] * _GROUP + (inner ^ turns)
        halves.append(order[order < lines])
    return np.concatenate(halves)


@compiled
def chase(following, at, loads):
    """Follow a chain of indices for so many loads; where it arrives."""
    for _ in range(loads):
        at = following[at]
    return at


def latencies(working_sets, until):
    """{bytes: seconds a load} for ascending working sets, as far as time goes.

    Without numba the interpreter's own time, some 30 ns a load, is part of it and hides the
    nearest caches.

    >>> list(latencies((4096, 8192), until=0))
    [4096]
    """
    memory = np.empty(max(working_sets) // 8, np.uint64)
    # an index without a sign: numba need not ask whether it counts from the end
    chain = memory if NUMBA else memoryview(memory)
    return as_far_as_time_goes(working_sets, until, lambda size: _latency(memory, chain, size))


def as_far_as_time_goes(working_sets, until, figure):
    """{bytes: figure(bytes)} for ascending working sets; the first whatever the time is.

    `until`: of time.perf_counter().  A working set that would take twice as long as the one
    before, and then be late, is not begun.

    >>> as_far_as_time_goes((1, 2, 3), until=0, figure=str)
    {1: '1'}
    """
    found, took = {}, 0.0
    for size in working_sets:
        start = time.perf_counter()
        if found and start + 2 * took > until:
            break
        found[size] = figure(size)
        took = time.perf_counter() - start
    return found


def _latency(memory, chain, size):
    """Seconds a load takes; each walk goes on where the one before has ended."""
    order = cycle(size) * _WORDS
    # written in the order of the walk: the caches hold what they would hold after a whole turn
    memory[order[:-1]] = order[1:]
    memory[order[-1]] = at = order[0]

    def walk(rounds):
        nonlocal at
        at = chase(chain, np.uint64(at), _LOADS * rounds)

    return fastest_pass(walk) / _LOADS


def steps(working_sets, seconds):
    """The `Step`s of a staircase, a tuple, nearest cache first: latencies by working set.

    A computer's other work only ever slows a load down, so a size counts as slow as the fastest
    of the larger ones at most.  A plateau spans an octave and rises by at most a quarter; a step
    leads to a plateau at least 1.5 times as slow, within three octaves.  A longer ramp, or one too
    gentle to be told from a plateau, is no step: it shows no size.

    >>> steps([1024, 2048, 4096, 8192, 16384], [1e-9, 1e-9, 4e-9, 4e-9, 4e-9])
    (Step(last=2048, first=4096, near=1e-09, far=4e-09),)
    """
    bounds, values = np.asarray(working_sets, float), np.asarray(seconds, float)
    if bounds.shape != values.shape or bounds.ndim != 1:
        raise ValueError(f"steps: {bounds.shape} sizes and {values.shape} latencies; give as many")
    if not np.all((bounds > 0) & (bounds < np.inf)) or not np.all(np.diff(bounds) > 0):
        raise ValueError("steps: the working sets must be above 0 and ascend; sort them")
    if not np.all((values > 0) & (values < np.inf)):
        raise ValueError("steps: each latency must be a number of seconds above 0")
    lows = np.minimum.accumulate(values[::-1])[::-1]
    found = []
    for (start, last), (first, end) in pairwise(_plateaus(bounds, lows)):
        near, far = np.median(lows[start : last + 1]), np.median(lows[first : end + 1])
        steep = far >= _JUMP * near and lows[first] >= _EDGE * lows[last]
        if steep and bounds[first] <= _WIDEST * bounds[last]:
            found.append(Step(int(bounds[last]), int(bounds[first]), float(near), float(far)))
    return tuple(found)


def _plateaus(bounds, lows):
    """(first, last) of each plateau; a gentle ramp is a row of them."""
    found, start = [], 0
    while start < len(lows):
        end = int(np.searchsorted(lows, _FLAT * lows[start], side="right")) - 1
        if bounds[end] >= _OCTAVE * bounds[start]:
            found.append((start, end))
            start = end
        start += 1
    return found


def confirmed(levels, seen):
    """Those of the cache sizes that a system names (bytes, ascending) that some step shows.

    A step shows a size between its `last` / 1.5 and its `first` × 1.5, and only one: the nearest
    to `last`.

    >>> confirmed((32768, 2**20), [Step(32768, 49152, 1e-9, 4e-9)])
    (32768,)
    """
    shown = set()
    for step in seen:
        low, high = step.last / _BETWEEN, step.first * _BETWEEN
        fitting = [size for size in levels if low <= size <= high]
        shown.update(sorted(fitting, key=lambda size: abs(np.log(size / step.last)))[:1])
    return tuple(size for size in levels if size in shown)


def describe(seen):
    """The steps as text: between which sizes each cache ends.

    >>> describe([Step(32768, 49152, 1e-9, 4e-9)])
    '32 KiB to 48 KiB (1 to 4 ns)'
    """
    return ", ".join(
        f"{units.capacity(step.last)} to {units.capacity(step.first)} "
        f"({units.number(1e9 * step.near)} to {units.number(1e9 * step.far)} ns)"
        for step in seen
    )
