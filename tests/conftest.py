"""Profiles of hypothesis (COURSE_HYPOTHESIS=few for the slow run without numba); a small course."""

import os
import shutil

import pytest
from hypothesis import settings

from course_utils import lab

settings.register_profile("local", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True)
settings.register_profile("few", deadline=None, derandomize=True, max_examples=10)
settings.load_profile(
    os.environ.get("COURSE_HYPOTHESIS") or ("ci" if os.environ.get("COURSE_CI") == "1" else "local")
)


@pytest.fixture(scope="session")
def brought(tmp_path_factory):
    """A course of two lessons with the learner's fresh copies; copied by who writes there."""
    root = tmp_path_factory.mktemp("course")
    (root / "notebooks").mkdir()
    for number in ("00", "03"):
        (shipped,) = (lab.ROOT / "notebooks").glob(f"{number}_*.ipynb")
        shutil.copy(shipped, root / "notebooks")
    lab.bring(root)
    return root
