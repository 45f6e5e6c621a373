"""`Machine`: what a computer can compute and move a second, and what that allows a piece of work.

`machine("H100")` and `Machine.reference()` come from data/machines.csv; `Machine.here()` measures.
"""

import csv
import difflib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache
from math import inf
from numbers import Integral, Real
from pathlib import Path
from types import MappingProxyType

import numpy as np

from . import kept, measure, thorough, units
from .measure import Timing, stopwatch
from .meters import Meters
from .staircase import confirmed
from .thorough import Profile

__all__ = ["Machine", "Timing", "machine", "names", "stopwatch"]

_TABLE = Path(__file__).resolve().parents[1] / "data" / "machines.csv"
_COLUMNS = {
    "fp64_tflops": "float64",
    "fp32_tflops": "float32",
    "tf32_tflops": "tf32",
    "fp16_tflops": "float16",
    "bf16_tflops": "bfloat16",
    "fp8_tflops": "float8",
    "int8_tops": "int8",
}
_ALIASES = {
    "fp64": "float64",
    "fp32": "float32",
    "fp16": "float16",
    "bf16": "bfloat16",
    "fp8": "float8",
}
# Seconds: of each figure of here(); of here(thorough=True) in all, 20 with what must load first.
_QUICK, _THOROUGH = 0.2, 16
# Far below any computer: a smaller number is one of GFLOP/s or GB/s without its e9.
_SLOWEST = 1e6


@dataclass(frozen=True, repr=False)
class Machine:
    """A computer as the roofline sees it.

    `peaks`: a mapping of dtype names to FLOP/s (OP/s for int8), dense.
    `bandwidth`: B/s to and from memory.
    `memory`: bytes.  `caches`: text that `Hierarchy.parse` reads, nearest level first.
    `threads`: how many threads the peaks and the bandwidth are for.
    `profile`: what `Machine.here(thorough=True)` has measured, a `Profile`.
    `bandwidth`, `memory`, `caches`, `threads`, `year`, `watts`, `profile` are None where nobody
    says.
    Peaks or a bandwidth under 1e6 a second, or one dtype under two names, are a ValueError.

    >>> m = Machine("example", {"float32": 100e9}, bandwidth=20e9)
    >>> m.ridge(), m.attainable(0.5) / 1e9
    (5.0, 10.0)
    """

    name: str
    peaks: Mapping[str, float] = field(hash=False)
    bandwidth: float | None
    memory: int | None = None
    caches: str | None = None
    threads: int | None = None
    year: int | None = None
    watts: float | None = None
    source: str = ""
    note: str = ""
    profile: Profile | None = field(default=None, hash=False)

    def __post_init__(self):
        if not isinstance(self.peaks, Mapping) or not self.peaks:
            raise ValueError(
                f"Machine {self.name!r}: peaks is {self.peaks!r}; "
                'name the dtype of each peak, as in {"float32": 100e9}'
            )
        peaks = {}
        for given, peak in self.peaks.items():
            dtype = _dtype_name(given)
            if dtype in peaks:
                raise ValueError(f"Machine {self.name!r}: peaks has {dtype} twice; keep one")
            peaks[dtype] = self._rate(dtype, peak, "OP" if dtype == "int8" else "FLOP")
        if self.bandwidth is not None:
            self._rate("bandwidth", self.bandwidth, "B")
        if not isinstance(self.profile, Profile | None):
            raise ValueError(
                f"Machine {self.name!r}: profile is a {type(self.profile).__name__}; "
                "take that of Machine.here(thorough=True)"
            )
        object.__setattr__(self, "peaks", MappingProxyType(peaks))

    def _rate(self, what, value, unit):
        number = isinstance(value, Real) and not isinstance(value, bool)
        if not number or not _SLOWEST <= value < inf:
            raise ValueError(
                f"Machine {self.name!r}: {what} is {value!r}; it must be a number of {unit}/s, "
                f"1e6 or more: write 100e9 for 100 G{unit}/s"
            )
        return value

    def peak(self, dtype="float32"):
        """FLOP/s of one dtype, given as a name ("float32", "fp32") or as a NumPy dtype.

        >>> machine("H100").peak("bf16") / 1e12
        989.4
        """
        name = _dtype_name(dtype)
        if name not in self.peaks:
            raise ValueError(
                f"{self.name}: no peak for {name!r}; known: {', '.join(self.peaks)}; "
                f'choose one, as in dtype="{next(iter(self.peaks))}"'
            )
        return self.peaks[name]

    def ridge(self, dtype="float32"):
        """FLOP/B at which the roofline's two lines meet: peak over bandwidth.

        >>> machine("H100").ridge("bfloat16")  # doctest: +ELLIPSIS
        295.3...
        """
        return self.peak(dtype) / self._known_bandwidth()

    def attainable(self, intensity, dtype="float32"):
        """FLOP/s that the roofline allows at an intensity (FLOP/B), a number or an array.

        min(peak, intensity × bandwidth): Williams, Waterman, Patterson 2009.
        An intensity that is not above 0 is a ValueError.
        """
        slope = _positive("intensity", intensity, "FLOP/B") * self._known_bandwidth()
        roof = np.minimum(self.peak(dtype), slope)
        return roof if roof.ndim else float(roof)

    def utilisation(self, flops_per_second, intensity, dtype="float32"):
        """Attained over attainable: 1.0 is the roof.

        `flops_per_second`: what was measured, in FLOP/s (5e9 is 5 GFLOP/s); `intensity`: in FLOP/B.
        Both are numbers or arrays; one that is not above 0 is a ValueError.

        >>> m = Machine("example", {"float32": 100e9}, bandwidth=20e9)
        >>> m.utilisation(5e9, intensity=0.5)
        0.5
        """
        attained = _positive("flops_per_second", flops_per_second, "FLOP/s")
        share = attained / self.attainable(intensity, dtype)
        return share if share.ndim else float(share)

    def time(self, meters, dtype="float32"):
        """Seconds that the roofline allows at best for a `Meters`: the slower of its two limits.

        >>> from course_utils.meters import Meters
        >>> m = Machine("example", {"float32": 100e9}, bandwidth=20e9)
        >>> m.time(Meters(macs=10**9, moved=4 * 10**9))
        0.2
        """
        if not isinstance(meters, Meters):
            raise ValueError(
                f"{self.name}: time takes a Meters, not a {type(meters).__name__}; "
                "for a LoopNest pass nest.meters()"
            )
        return max(meters.flops / self.peak(dtype), meters.moved / self._known_bandwidth())

    def _known_bandwidth(self):
        if self.bandwidth is None:
            raise ValueError(
                f"{self.name}: no bandwidth is given ({self.note}); "
                "choose one with dataclasses.replace(machine, bandwidth=...)"
            )
        return self.bandwidth

    def __repr__(self):
        parts = [
            f"{units.rate(peak, 'OP' if dtype == 'int8' else 'FLOP')} {dtype}"
            for dtype, peak in self.peaks.items()
        ]
        if self.bandwidth is not None:
            parts.append(units.bandwidth(self.bandwidth))
        if self.caches is not None:
            parts.append(f"caches {self.caches}")
        elif self.profile is not None and self.profile.cache_sizes:
            seen = ", ".join(map(units.capacity, self.profile.cache_sizes))
            parts.append(f"caches of at least {seen}")
        if self.threads is not None:
            parts.append(f"{self.threads} thread" + "s" * (self.threads != 1))
        return f"{self.name}: {', '.join(parts)}"

    @classmethod
    def reference(cls, threads=2):
        """The course's frozen profile, the same on every computer, with 1 or 2 threads.

        >>> Machine.reference().ridge() > Machine.reference(threads=1).ridge()
        True
        """
        if threads not in (1, 2):
            raise ValueError(f"reference: threads={threads!r} was not measured; take 1 or 2")
        return machine("reference" if threads == 2 else "reference, 1 thread")

    @classmethod
    def here(cls, threads=None, thorough=False, refresh=False):
        """This computer, measured in about 3 s and kept for a day in the user's cache folder.

        `threads`: 1, or None for all usable cores, no more of them than a container's quota is
        worth.  `refresh=True` measures anew and forgets what was kept.
        Peaks are NumPy's matrix product in float32 and float64; bandwidth is z = x + y in float32,
        12 B an element, on arrays well beyond the last-level cache.  Best of several runs.

        `thorough=True` takes up to 20 s: `profile` has the latency staircase, bandwidth by working
        set, what more threads bring and how noisy it all was; `caches` keeps only those of the
        system's levels that the staircase confirms (see `staircase.confirmed`).  While that is
        kept, plain `here()` gives it too.
        """
        cores = measure.usable_cores()
        if not isinstance(thorough, bool) or not isinstance(refresh, bool):
            raise ValueError(
                f"here: thorough and refresh are True or False; got {thorough!r} and {refresh!r}"
            )
        number = isinstance(threads, Integral) and not isinstance(threads, bool)
        if threads is not None and not (number and threads in (1, cores)):
            raise ValueError(
                f"here: threads={threads!r} is not measured; take 1, or None for all {cores}"
            )
        found = None if refresh else kept.kept(cores, thorough, _SLOWEST)
        if found is None:
            found = _measured(cores, thorough)
            kept.keep(*found)
        rates, profile = found
        rates = rates[threads or cores]
        levels = measure.cache_levels()
        if profile is not None:
            levels = {size: levels[size] for size in confirmed(tuple(levels), profile.steps)}
        return cls(
            "this computer",
            {dtype: rates[dtype] for dtype in ("float32", "float64")},
            rates["bandwidth"],
            memory=measure.memory(),
            caches=measure.caches(levels),
            threads=threads or cores,
            source="Machine.here()",
            note=""
            if measure.blas_obeys()
            else "the matrix product chose its own number of threads",
            profile=profile,
        )


def _measured(cores, thoroughly):
    """({threads: rates}, `Profile` or None) of this computer, with 1 and with all threads."""
    if thoroughly:
        profile = thorough.measured(cores, _THOROUGH)
        return {n: profile.rates(n) for n in (1, cores)}, profile
    return {n: measure.profile(n, _QUICK) for n in sorted({1, cores})}, None


def machine(name):
    """The `Machine` of data/machines.csv with this name, or whose name alone begins with it.

    >>> machine("h100")  # doctest: +ELLIPSIS
    H100 SXM5: 67,000 GFLOP/s float32, ... 3,350 GB/s
    >>> machine("A100")
    Traceback (most recent call last):
    ValueError: machine: 'A100' fits A100 SXM 40 GB, A100 SXM 80 GB; name one of them
    """
    table = {known.lower(): entry for known, entry in _table().items()}
    wanted = " ".join(str(name).lower().split())
    if wanted in table:
        return table[wanted]
    fitting = [key for key in table if key.startswith(wanted)]
    if len(fitting) == 1:
        return table[fitting[0]]
    if fitting:
        listed = ", ".join(table[key].name for key in fitting)
        raise ValueError(f"machine: {name!r} fits {listed}; name one of them")
    near = [key for key in table if wanted in key]
    near = near or difflib.get_close_matches(wanted, table, n=3, cutoff=0.4) or list(table)
    listed = ", ".join(table[key].name for key in near)
    raise ValueError(f"machine: {name!r} is not in data/machines.csv; near it: {listed}")


def names():
    """The names in data/machines.csv, a tuple in its order.

    >>> names()[:2]
    ('V100 SXM2', 'A100 SXM 40 GB')
    """
    return tuple(_table())


def _dtype_name(dtype):
    """The name under which a dtype stands in `peaks`."""
    if isinstance(dtype, str):
        name = dtype.strip().lower()
        return _ALIASES.get(name, name)
    # np.dtype(None) is float64, which nobody means
    if dtype is not None:
        with suppress(TypeError, ValueError):
            return np.dtype(dtype).name
    known = ", ".join([*_COLUMNS.values(), *_ALIASES])
    raise ValueError(f"{dtype!r} names no dtype; write one of {known}, or pass a NumPy dtype")


def _positive(what, given, unit):
    """An array of what is given, all above 0."""
    values = np.asarray(given)
    if values.dtype.kind not in "iuf":
        raise ValueError(f"{what} is {given!r}; it must be a number of {unit}, or an array of them")
    if not np.all(values > 0):
        wrong = values[~(values > 0)].flat[0]
        raise ValueError(f"{what} is {wrong:g}; it must be above 0, in {unit}")
    return values.astype(float)


@cache
def _table():
    with _TABLE.open(newline="", encoding="utf-8") as file:
        return {row["name"]: _from_row(row) for row in csv.DictReader(file)}


def _from_row(row):
    def scaled(column, power):
        # Decimal, so that 989.4 TFLOP/s is 989,400,000,000,000 FLOP/s and not a neighbour
        return float(Decimal(row[column]).scaleb(power)) if row[column] else None

    memory = scaled("memory_gb", 9)
    return Machine(
        row["name"],
        {dtype: scaled(column, 12) for column, dtype in _COLUMNS.items() if row[column]},
        scaled("bandwidth_gb_s", 9),
        memory=None if memory is None else int(memory),
        caches=row["caches"] or None,
        threads=int(row["threads"]) if row["threads"] else None,
        year=int(row["year"]) if row["year"] else None,
        watts=scaled("watts", 0),
        source=f"{row['source']}; read {row['read']}",
        note=row["note"],
    )
