"""`Profile`: what `Machine.here(thorough=True)` has measured beyond peaks and one bandwidth."""

import time
from collections import defaultdict
from dataclasses import dataclass
from numbers import Real

from . import measure, units
from ._compiled import NUMBA
from .bandwidth import bandwidths
from .staircase import describe, latencies, sizes, steps

__all__ = ["Profile", "measured"]

_ROUNDS = 3
_SMALLEST = 4 * units.KiB
# Shares of a round's time; the rest goes to what the threads do.
_LATENCY, _BANDWIDTH = 0.45, 0.3
_FILLING = 0.1
_QUIET = 0.1
_FIGURES = ("float32", "float64", "bandwidth")
_COLUMNS = {
    "latency_rows": ("bytes", "fastest", "slowest", "rounds"),
    "bandwidth_rows": ("threads", "bytes", "best", "worst", "rounds"),
    "thread_rows": ("threads", "what", "best", "worst", "rounds"),
}
_VAST = 1e30


@dataclass(frozen=True, repr=False)
class Profile:
    """A computer's latency staircase, its bandwidth by working set, and what more threads bring.

    `latency_rows`: (bytes, fastest, slowest, rounds), seconds a load, one thread.
    `bandwidth_rows`: (threads, bytes a thread, best, worst, rounds), B/s of z = x + y in float32,
    12 B an element, of all threads together.
    `thread_rows`: (threads, what, best, worst, rounds); what: "float32" or "float64" of the
    matrix product, in FLOP/s, or "bandwidth" of z = x + y from memory, in B/s.
    Fastest and slowest, best and worst are over so many rounds, seconds apart; all took `seconds`.
    `planned`: bytes of the largest working set, had there been time.
    `compiled`: whether numba was there; without it the interpreter hides the nearest caches.

    >>> stairs = [(2**k, 1e-9 if k < 16 else 4e-9, 4e-9, 3) for k in range(12, 20)]
    >>> threads = [(1, what, 1e11, 1e11, 3) for what in ("float32", "float64", "bandwidth")]
    >>> profile = Profile(stairs, [(1, 4096, 2e11, 2e11, 3)], threads, planned=2**19, seconds=9)
    >>> profile.cache_sizes
    (32768,)
    >>> profile  # doctest: +ELLIPSIS
    steps: 32 KiB to 64 KiB (1 to 4 ns)
    z = x + y, 1 thread: 200 GB/s at 4 KiB
    1 thread: 100 GFLOP/s float32, 100 GFLOP/s float64, 100 GB/s from memory
    9 s; noisy: 4 of 12 figures differ by more than 10 % between rounds, ... computer is idle
    """

    latency_rows: tuple
    bandwidth_rows: tuple
    thread_rows: tuple
    planned: int
    seconds: float
    compiled: bool = True

    def __post_init__(self):
        for name, columns in _COLUMNS.items():
            rows = tuple(tuple(row) for row in getattr(self, name))
            # without numba and time no bandwidth is left, since NumPy's call would hide it
            empty = not rows and name != "bandwidth_rows"
            if empty or not all(_sound(row, columns) for row in rows):
                raise ValueError(
                    f"Profile: {name} must be rows of {', '.join(columns)}: numbers above 0, "
                    f"with {', '.join(_FIGURES)} for what"
                )
            object.__setattr__(self, name, rows)
        counts = [row[0] for row in self.thread_rows]
        if any(self.rates(n).keys() != set(_FIGURES) for n in counts):
            raise ValueError(
                f"Profile: thread_rows must have {', '.join(_FIGURES)} for each number of threads"
            )
        if not _sound((self.planned, self.seconds), ("bytes", "seconds")):
            raise ValueError("Profile: planned and seconds must be numbers above 0")
        steps(*self.latency())

    def latency(self):
        """Bytes of the working sets and seconds a load takes, two tuples to plot."""
        return tuple(zip(*(row[:2] for row in self.latency_rows), strict=True))

    def bandwidth(self, threads=1):
        """Bytes a thread and B/s of all threads, two tuples to plot."""
        known = sorted({row[0] for row in self.bandwidth_rows})
        if threads not in known:
            raise ValueError(f"bandwidth: threads={threads!r} was not measured; known: {known}")
        rows = [row[1:3] for row in self.bandwidth_rows if row[0] == threads]
        return tuple(zip(*rows, strict=True))

    def scaling(self, what="bandwidth"):
        """Numbers of threads and FLOP/s or B/s with them, two tuples to plot."""
        if what not in _FIGURES:
            raise ValueError(f"scaling: no {what!r}; choose one of {', '.join(_FIGURES)}")
        rows = [(row[0], row[2]) for row in self.thread_rows if row[1] == what]
        return tuple(zip(*rows, strict=True))

    def rates(self, threads):
        """{"float32": FLOP/s, "float64": FLOP/s, "bandwidth": B/s} with so many threads."""
        return {row[1]: row[2] for row in self.thread_rows if row[0] == threads}

    @property
    def steps(self):
        """The steps that the staircase shows, see `staircase.steps`."""
        return steps(*self.latency())

    @property
    def cache_sizes(self):
        """Bytes of each cache that a step shows, nearest first: no smaller, perhaps larger.

        The largest working set still on the plateau; the step's `first` is already too large.
        """
        return tuple(step.last for step in self.steps)

    def spreads(self):
        """{what was measured: how far the worst of its rounds is from the best}, shares.

        Without what was measured in one round only.
        """
        found = {}
        for size, fastest, slowest, rounds in self.latency_rows:
            found[f"the latency at {units.capacity(size)}"] = slowest / fastest - 1, rounds
        for threads, size, best, worst, rounds in self.bandwidth_rows:
            name = f"the bandwidth at {units.capacity(size)} with {_threads(threads)}"
            found[name] = best / worst - 1, rounds
        for threads, what, best, worst, rounds in self.thread_rows:
            name = "the bandwidth of memory" if what == "bandwidth" else f"the {what} peak"
            found[f"{name} with {_threads(threads)}"] = best / worst - 1, rounds
        return {name: spread for name, (spread, rounds) in found.items() if rounds > 1}

    @property
    def noise(self):
        """How far the rounds differ, a sentence."""
        spreads = self.spreads()
        many = len(self.latency_rows + self.bandwidth_rows + self.thread_rows)
        once = f"; {many - len(spreads)} of {many} figures were measured only once"
        once *= len(spreads) < many
        if not spreads:
            return "one round only: how noisy it was is not known"
        worst = max(spreads, key=spreads.get)
        share = f"{100 * spreads[worst]:.0f} %"
        if spreads[worst] <= _QUIET:
            return f"quiet: rounds within {share}{once}"
        noisy = sum(spread > _QUIET for spread in spreads.values())
        return (
            f"noisy: {noisy} of {many} figures differ by more than {100 * _QUIET:.0f} % between "
            f"rounds, most {worst}, by {share}{once}; "
            "measure with refresh=True when the computer is idle"
        )

    def __repr__(self):
        seen = describe(self.steps) or "no step: no cache size is seen"
        if not self.compiled:
            seen += "; without numba the interpreter's time is in each load and hides near caches"
        lines = [f"steps: {seen}"]
        for threads in sorted({row[0] for row in self.bandwidth_rows}):
            rows = list(zip(*self.bandwidth(threads), strict=True))
            each = " each" * (threads > 1)
            shown = [
                f"{units.bandwidth(rate)} at {units.capacity(size)}{each}"
                for size, rate in rows[::3]
            ]
            lines.append(f"z = x + y, {_threads(threads)}: {', '.join(shown)}")
        for threads in self.scaling()[0]:
            rates, one = self.rates(threads), self.rates(1)
            peaks = [f"{units.rate(rates[dtype])} {dtype}" for dtype in _FIGURES[:2]]
            memory = f"{units.bandwidth(rates['bandwidth'])} from memory"
            slower = [what for what in _FIGURES if rates[what] < one[what]]
            less = f"; slower than 1 thread: {', '.join(slower)}" if slower else ""
            lines.append(f"{_threads(threads)}: {', '.join(peaks)}, {memory}{less}")
        largest = self.latency_rows[-1][0]
        if largest < self.planned:
            lines.append(
                f"time ran out: working sets above {units.capacity(largest)} are left out, "
                f"up to {units.capacity(self.planned)} were planned"
            )
        return "\n".join([*lines, f"{self.seconds:.0f} s; {self.noise}"])


def _sound(row, columns):
    """Whether a row of a profile, perhaps from a kept file, holds what its columns say."""
    return len(row) == len(columns) and all(
        value in _FIGURES
        if column == "what"
        else isinstance(value, Real) and not isinstance(value, bool) and 0 < value < _VAST
        for value, column in zip(row, columns, strict=True)
    )


def _threads(threads):
    return f"{threads} thread{'s' * (threads != 1)}"


def measured(cores, seconds):
    """The `Profile` of this computer with 1, 2, 4, … up to `cores` threads, in some `seconds`.

    Several rounds, each over everything.  A slow computer gets fewer of them, without the largest
    working sets; peaks and bandwidth with one and with all threads it gets in any case.
    """
    start = time.perf_counter()
    stairs, runs = sizes(_SMALLEST, _largest()), defaultdict(list)
    # a first time for what is compiled, in no round
    latencies(stairs[:1], start), bandwidths(stairs[:1], 1, start)
    arrays = measure.stream_arrays(time.perf_counter() + _FILLING * seconds)
    for left in range(_ROUNDS, 0, -1):
        now = time.perf_counter()
        share = (start + seconds - now) / left
        if runs and share <= 0:
            break
        _stairs_round(runs, stairs, cores, now, share)
        _threads_round(runs, cores, arrays, now + share, share)
    rows = {"latency": [], "bandwidth": [], "threads": []}
    for (kind, *key), values in runs.items():
        ends = (min, max) if kind == "latency" else (max, min)
        rows[kind].append((*key, *(end(values) for end in ends), len(values)))
    took = time.perf_counter() - start
    return Profile(*map(sorted, rows.values()), stairs[-1], took, NUMBA)


def _stairs_round(runs, stairs, cores, start, share):
    """One more value of each latency and bandwidth that there is time for."""
    for size, took in latencies(stairs, start + _LATENCY * share).items():
        runs["latency", size].append(took)
    counts = sorted({1, cores})
    for number, threads in enumerate(counts, 1):
        until = start + (_LATENCY + _BANDWIDTH * number / len(counts)) * share
        largest = max(stairs[-1] // threads, units.MiB)
        working_sets = sizes(_SMALLEST, largest, an_octave=1)
        for size, rate in bandwidths(working_sets, threads, until).items():
            runs["bandwidth", threads, size].append(rate)


def _threads_round(runs, cores, arrays, until, share):
    """One more value of what so many threads compute and move, as far as there is time."""
    # 1 and all first: without them there is no Machine
    counts = list(dict.fromkeys([1, cores, *(2**k for k in range(cores.bit_length()))]))
    slot = (1 - _LATENCY - _BANDWIDTH) * share / len(counts) / len(_FIGURES) / 2
    took = 0.0
    for threads in counts:
        start = time.perf_counter()
        needed = threads in (1, cores) and ("threads", threads, "bandwidth") not in runs
        if not needed and start + took > until:
            break
        with measure.works(threads, arrays) as works:
            for what, work in works.items():
                runs["threads", threads, what].append(measure.rate(work, slot))
        took = time.perf_counter() - start


def _largest():
    """Bytes of the largest working set: four times the largest cache, if memory and time allow."""
    known = max(measure.cache_levels(), default=0)
    wanted = min(max(4 * known, 64 * units.MiB), 256 * units.MiB) if known else 256 * units.MiB
    return max(min(wanted, measure.usable_memory() // 16), 4 * units.MiB)
