"""`compiled`: numba's njit where numba is there, the plain function where it is not.

`inlined` is for the helpers of a compiled hot loop: they become part of it.  A call that takes
arrays would count references to them, each time, with an atomic instruction.

The only module that names numba.  `COURSE_NUMBA=0` switches it off; counts stay the same.
"""

import os

__all__ = ["NUMBA", "compiled", "inlined"]

try:
    if os.environ.get("COURSE_NUMBA") == "0":
        raise ImportError("switched off by COURSE_NUMBA=0")
    from numba import njit
except ImportError:
    NUMBA = False

    def compiled(function):
        """The function itself: there is no numba here."""
        return function

    inlined = compiled
else:
    NUMBA = True
    # error_model="numpy": integer division without a zero check in every step of a hot loop
    compiled = njit(cache=True, error_model="numpy")
    inlined = njit(inline="always", error_model="numpy")
