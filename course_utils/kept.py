"""What `Machine.here()` has measured, kept for a day in the user's cache folder."""

import json
import math
import os
import platform
import tempfile
import time
from contextlib import suppress

import platformdirs

from ._compiled import NUMBA
from .thorough import Profile

__all__ = ["keep", "kept"]

_DAY = 24 * 60 * 60
_RATES = ("float32", "float64", "bandwidth")
# What a file that somebody has spoilt may raise.  JSON has whole numbers beyond all floats
# (OverflowError) and deep brackets (RecursionError, a RuntimeError, as it is one to have no home).
_BROKEN = (
    OSError,
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    OverflowError,
    RuntimeError,
)


def _file():
    return platformdirs.user_cache_path("memory-compute-movement") / "machine.json"


def kept(cores, thorough, slowest):
    """({threads: rates}, `Profile` or None) of this computer if fresh and whole, else None.

    Whole: rates for 1 and for `cores` threads, none below `slowest`, and if `thorough` a profile.
    A profile that is there is given in any case.
    """
    with suppress(*_BROKEN):
        record = json.loads(_file().read_text(encoding="utf-8"))
        fresh = 0 <= time.time() - record["when"] < _DAY
        if fresh and record["host"] == platform.node():
            rates = {n: record["profiles"][str(n)] for n in (1, cores)}
            profile = _profile(record)
            if thorough and profile is None:
                return None
            figures = [each[key] for each in rates.values() for key in _RATES]
            if all(isinstance(x, float | int) and slowest <= x < math.inf for x in figures):
                return rates, profile
    return None


def _profile(record):
    """The `Profile` in what was read, if it is sound and made with numba just as now; or None."""
    with suppress(*_BROKEN):
        profile = Profile(**record["thorough"])
        return profile if profile.compiled == NUMBA else None
    return None


def keep(rates, profile):
    """Write them; where the cache folder cannot be written the next call measures again."""
    record = {"when": time.time(), "host": platform.node(), "profiles": rates}
    with suppress(OSError, RuntimeError):
        target = _file()
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=target.parent, delete=False) as file:
            json.dump({**record, "thorough": None if profile is None else vars(profile)}, file)
        try:
            os.replace(file.name, target)
        except OSError:
            os.unlink(file.name)
