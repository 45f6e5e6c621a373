"""A pattern among 8 ranks by one of four algorithms: what each rank has after each round."""

from dataclasses import dataclass
from functools import cache

import numpy as np

from ..collectives import collective
from ..meters import Meters

RANKS = 8
ALPHA, BETA = 1e-6, 1 / 50e9  # seconds a message, seconds a byte
SUMS = "reduce", "reduce-scatter", "all-reduce"
INTO_ONE = "gather", "reduce"
TO_EACH = "broadcast", "all-gather", "all-reduce"  # all ranks end with the whole
HOW = {
    "root": ("by the root", "rank 0 and one other a round"),
    "tree": ("by a tree", "a binomial tree, root 0"),
    "ring": ("by a ring", "each to its neighbour"),
    "doubling": ("by doubling", "1, 2 and 4 places apart"),
}
_ITEMSIZE = 4  # bytes, fp32


@dataclass(frozen=True)
class Route:
    """A pattern among 8 ranks by an algorithm, and what each holds after each round.

    >>> Route("broadcast", "tree").rounds, Route("all-reduce", "ring").rounds
    (3, 14)
    >>> Route("reduce", "tree").shares[1].tolist()
    [0.25, 0.0, 0.25, 0.0, 0.25, 0.0, 0.25, 0.0]
    """

    pattern: str
    algorithm: str

    @property
    def schedule(self):
        return _schedule(self.pattern, self.algorithm)

    @property
    def rounds(self):
        return len(self.schedule.rounds)

    @property
    def shares(self):
        """[round, rank] of what the rank has of that which it is to have, from 0 to 1.

        In sums it is the summands that count.  Of a rank that is to have nothing at the end, or
        has not got its part of a scatter, it is what it has to hand on, as a share of the whole.
        """
        return _shares(self.pattern, self.algorithm)

    @property
    def compared(self):
        """The same pattern by the root; by a tree if it is that."""
        return Route(self.pattern, "tree" if self.algorithm == "root" else "root")

    @property
    def error(self):
        """The largest relative error of a sum of 8 numbers in fp16, of 64 such sums."""
        return _error(self.pattern, self.algorithm)

    @property
    def by(self):
        return HOW[self.algorithm][0]

    def seconds(self, size):
        return self.schedule.time(size, ALPHA, BETA)

    def meters(self, size):
        """`memory`: what ranks are to have at the end; `adds`: in fp32; `moved`: by all sends."""
        held = size * (RANKS if self.pattern in (*TO_EACH, "all-to-all") else 1)
        adds = int(self.schedule.reduced(size).sum()) // _ITEMSIZE
        return Meters(memory=held, adds=adds, moved=self.schedule.total(size))


@cache
def _schedule(pattern, algorithm):
    return collective(pattern, algorithm, RANKS)


@cache
def _shares(pattern, algorithm):
    """Run on numbers with a bit for each rank: a block's number tells its summands."""
    schedule, sums = _schedule(pattern, algorithm), pattern in SUMS
    numbers = [np.full(RANKS, 1 << rank if sums else 1, np.uint8) for rank in range(RANKS)]
    data = numbers[0] if pattern in ("broadcast", "scatter") else numbers
    if pattern in ("gather", "all-gather"):
        data = [each[:1] for each in numbers]
    found = []
    for step, states in enumerate(schedule.states(data)):
        coming = [send for each in schedule.rounds[step:] for send in each]
        for rank, held in enumerate(states):
            due, blocks = _due(pattern, rank, held, coming)
            summands = sum(int(held[block][0]).bit_count() for block in due & set(held))
            found.append(summands / (blocks * (RANKS if sums else 1)))
    return np.reshape(found, (-1, RANKS))


def _due(pattern, rank, held, coming):
    """Which blocks a rank is to have at the end, or to hand on, and how many make it whole."""
    if rank and pattern in INTO_ONE or pattern == "scatter" and rank not in held:
        return {block for send in coming if send.source == rank for block in send.blocks}, RANKS
    if pattern in ("scatter", "reduce-scatter"):
        return {rank}, 1
    if pattern == "all-to-all":
        return set(range(rank, RANKS**2, RANKS)), RANKS
    return set(range(RANKS)), RANKS


@cache
def _error(pattern, algorithm):
    numbers = np.random.default_rng(0).random((RANKS, 64)).astype(np.float16)
    parts = [slice(None)] * RANKS
    if pattern == "reduce-scatter":
        parts = [slice(8 * rank, 8 * rank + 8) for rank in range(RANKS)]
    exact = numbers.astype(float).sum(axis=0)
    got = _schedule(pattern, algorithm).run(list(numbers))
    return max(
        float(np.abs(sums.astype(float) / exact[part] - 1).max())
        for sums, part in zip(got, parts, strict=True)
        if sums is not None
    )
