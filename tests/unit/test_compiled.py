"""Compiled functions where numba may write nowhere, and where it is told not to compile."""

import os
import subprocess
import sys

import pytest

from course_utils._compiled import NUMBA

NOWHERE = """
from numba.core import caching
caching.CacheImpl._locator_classes = []  # what numba finds where no folder can be written
"""
COUNT = """
from course_utils import Hierarchy, LoopNest, _compiled
nest = LoopNest("s += x[i] * y[i]", i=1000)
print(Hierarchy.parse("32KiB/8").replay(nest).misses, _compiled.NUMBA)
"""


@pytest.mark.parametrize(
    ("before", "environment", "compiled"),
    [(NOWHERE, {}, True), ("", {"NUMBA_DISABLE_JIT": "1"}, False)],
)
def test_counts_stay_the_same(before, environment, compiled):
    before = before if NUMBA else ""
    said = subprocess.check_output(
        [sys.executable, "-c", before + COUNT], env={**os.environ, **environment}, text=True
    )
    assert said.split() == ["127", str(compiled and NUMBA)]
