"""Profiles of hypothesis: COURSE_HYPOTHESIS=few for the slow run without numba."""

import os

from hypothesis import settings

settings.register_profile("local", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True)
settings.register_profile("few", deadline=None, derandomize=True, max_examples=10)
settings.load_profile(
    os.environ.get("COURSE_HYPOTHESIS") or ("ci" if os.environ.get("COURSE_CI") == "1" else "local")
)
