"""`make bench`: one table of what the course promises and what this computer measures."""

from functools import partial
from importlib import import_module

from . import table

PARTS = ("replay", "widgets", "browser", "imports", "notebooks")


def _rows(part):
    return import_module(f".{part}", __package__).rows()


if __name__ == "__main__":
    print(f"{table.computer()}\n")
    for line in table.lines({part: partial(_rows, part) for part in PARTS}):
        print(line, flush=True)  # minutes lie between the first and the last
