"""`compiled`: numba's njit where numba is there, the plain function where it is not.

`inlined` is for the helpers of a compiled hot loop: they become part of it.  A call that takes
arrays would count references to them, each time, with an atomic instruction.

The only module that names numba, which loads at the first call of a compiled function.
`COURSE_NUMBA=0` switches it off, as numba's own `NUMBA_DISABLE_JIT=1` does; counts stay the same.
"""

import functools
import os
from importlib.util import find_spec

_OFF = os.environ.get("COURSE_NUMBA") == "0" or os.environ.get("NUMBA_DISABLE_JIT", "0") != "0"
NUMBA = not _OFF and find_spec("numba") is not None


def compiled(function):
    """The function, compiled when it is first called; kept on disk where there is room for it."""
    return _Waiting(function, cache=True) if NUMBA else function


def released(function):
    """The same without the interpreter lock: threads that call it run side by side."""
    return _Waiting(function, cache=True, nogil=True) if NUMBA else function


def inlined(function):
    """The function, to be compiled into those that call it."""
    return _Waiting(function, inline="always") if NUMBA else function


class _Waiting:
    """Stands for a function until any of them is called.

    Then all are handed to numba and take their places in their modules: compiled functions call
    one another by the names that stand there.
    """

    _all = []

    def __init__(self, function, **options):
        functools.update_wrapper(self, function)
        self._options = options
        self._all.append(self)

    def __call__(self, *args):
        return self._compiled(*args)

    @functools.cached_property
    def _compiled(self):
        for each in self._all:
            function = each.__wrapped__
            each._compiled = _handed_over(function, each._options)
            if function.__globals__.get(function.__name__) is each:  # and no wrapper of it
                function.__globals__[function.__name__] = each._compiled
        self._all.clear()
        return self._compiled


def _handed_over(function, options):
    from numba import njit

    # error_model="numpy": integer division without a zero check in every step of a loop
    try:
        return njit(error_model="numpy", **options)(function)
    except RuntimeError:  # no folder that the machine code could be kept in
        return njit(error_model="numpy", **{**options, "cache": False})(function)
