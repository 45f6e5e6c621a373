"""What lies behind wrong answers: the misconceptions that the exercises' mistakes name."""

import csv
from functools import cache
from pathlib import Path
from typing import NamedTuple

_TABLE = Path(__file__).parents[2] / "data" / "misconceptions.csv"


class Misconception(NamedTuple):
    """`says` goes on after "reveals:"; `ask` is a question to one who has it."""

    code: str
    says: str
    ask: str


@cache
def misconceptions():
    """{code: `Misconception`}, in the order of the table.

    >>> misconceptions()["U1"].says
    'takes a MAC for a FLOP, or the other way round'
    """
    with _TABLE.open(newline="", encoding="utf-8") as file:
        rows = csv.DictReader(file)
        return {
            row["code"]: Misconception(row["code"], row["misconception"], row["ask"])
            for row in rows
        }
