"""Exercises: `check`, `predict`, `reveal`, `bet`, `hint`, `solution`; `grade`, `names`."""

from .answers import Verdict
from .engine import bet, check, grade, hint, names, predict, reveal, solution

__all__ = [
    "Verdict",
    "bet",
    "check",
    "grade",
    "hint",
    "names",
    "predict",
    "reveal",
    "solution",
]
