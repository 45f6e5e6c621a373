"""Streams that do the same again a fixed distance further on: told once, replayed once or twice.

A stream of references is a sequence of items, each an array of codes (see `walk.references`) or a
`Repeat`.  A level of cache that meets a Repeat in the state of one turn before, moved by one turn,
may leave out the turns that are left: see `lru`.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import groupby
from math import gcd, lcm, prod

import numpy as np

from . import walk
from ._compiled import compiled

# Below so many steps, telling turns apart costs more than walking them.
_FEW_STEPS = 16 * walk.STEPS_AT_ONCE
_LONGEST = 1 << 22  # references that a turn may send on and still be kept


@dataclass(frozen=True)
class Repeat:
    """`count` turns; each refers to what the turn before did, `shift` lines further.

    `shift`: lines by the number of a tensor.  `make(first, count, offset)`: the items of some of
    the turns, everything `offset` lines further on, by tensor.
    """

    count: int
    shift: np.ndarray
    make: Callable
    offset: np.ndarray

    def turns(self, first, count):
        """The items of `count` turns from `first` on."""
        return self.make(first, count, self.offset) if count else ()

    @classmethod
    def of(cls, count, shift, make):
        return cls(count, shift, make, np.zeros_like(shift))


class Recording:
    """What one turn sent on, kept to be told again; given up if that is very much."""

    def __init__(self):
        self.items, self.room = [], _LONGEST

    def add(self, item):
        """Keep an item; of an array a copy."""
        if not isinstance(item, Repeat):
            self.room -= item.size
            item = item.copy()
        if self.given_up:
            self.items = []
        else:
            self.items.append(item)

    @property
    def given_up(self):
        return self.room < 0

    def again(self, count, shift):
        """A Repeat of `count` turns more, the first of them one shift further on."""
        items = []
        for of_arrays, run in groupby(self.items, lambda item: isinstance(item, np.ndarray)):
            if of_arrays:  # in few pieces, yet none too long for a near cache
                whole = np.concatenate(list(run))
                run = np.array_split(whole, whole.size // walk.STEPS_AT_ONCE + 1)
            items += run

        def make(first, count, offset):
            for turn in range(first, first + count):
                for item in items:
                    yield moved(item, offset + shift * (turn + 1))

        return Repeat.of(count, shift, make)


def moved(item, by):
    """An item some lines further on, by tensor."""
    if not by.any():
        return item
    if isinstance(item, Repeat):
        return replace(item, offset=item.offset + by)
    out = np.empty_like(item)
    move(item, by, out)
    return out


@compiled
def move(codes, by, out):
    """Write the codes to `out`, some lines further on, by tensor."""
    for i in range(codes.size):
        out[i] = codes[i] + (by[codes[i] >> 2 & 63] << 8)


def period(shift, size):
    """After how many turns every shift is a whole multiple of `size`.

    >>> period([48, 0, 32], 64)
    4
    """
    return lcm(*(size // gcd(size, int(s)) for s in shift if s))


def step_of(tables, loop):
    """{tensor's number: bytes} that a step of a loop moves it; None where it does more than move.

    It does more where it clips a tile, goes along a padded axis, looks up elsewhere, or moves two
    touches of a tensor differently.
    """
    touches, column = tables.labels.size, tables.strides[:, loop].tolist()
    if any(tables.clips[:, 1 + loop]) or any(column[touches:]):
        return None
    return agreed(zip((tables.labels >> 2).tolist(), column[:touches], strict=True))


def agreed(steps):
    """{tensor's number: bytes} from such pairs; None where two disagree."""
    found = {}
    return found if all(found.setdefault(tensor, s) == s for tensor, s in steps) else None


def part(tables, loop, first, count):
    """The walk with one loop cut to `count` steps from `first` on; nothing may clip that loop."""
    trips = tables.trips.copy()
    trips[loop] = count
    return tables._replace(trips=trips, base=tables.base + first * tables.strides[:, loop])


def turns(count, step, line, items, every=1):
    """`count` turns as one Repeat where that can be: `items(first, count)` gives some of them.

    `step`: {tensor's number: bytes that a turn moves it}, or None for turns that differ otherwise;
    `every`: how many turns apart two are that differ only so.
    Lines longer than what arrays are aligned to may hold two arrays, which may move apart.
    """
    same = step is not None and line <= walk.BOUNDARY
    group = lcm(period(step.values(), line), every) if same else count
    whole = count // group
    if whole < 2:
        yield from items(0, count)
        return
    shift = np.zeros(walk.MOST_TENSORS, np.int64)
    for tensor, nbytes in step.items():
        shift[tensor] = nbytes * group // line

    def make(first, n, offset):
        return (moved(item, offset) for item in items(first * group, n * group))

    yield Repeat.of(whole, shift, make)
    if count % group:
        yield from items(whole * group, count % group)


def of_walk(tables, line, coalesce, loop=0):
    """A walk as a stream whose outer loops are Repeats; loops before `loop` have one step each."""
    inside = prod(tables.trips[loop + 1 :].tolist())
    count, shift = int(tables.trips[loop]), line.bit_length() - 1
    if any(tables.clips[:, 1 + loop]) or count * inside < _FEW_STEPS:
        yield from walk.references(tables, shift, coalesce)
        return

    def items(first, count):
        if inside < _FEW_STEPS:
            yield from walk.references(part(tables, loop, first, count), shift, coalesce)
            return
        for at in range(first, first + count):
            yield from of_walk(part(tables, loop, at, 1), line, coalesce, loop + 1)

    yield from turns(count, step_of(tables, loop), line, items)
