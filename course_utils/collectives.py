"""Collectives: who sends what to whom, run on real arrays, counted in rounds and bytes, timed.

A `Collective` is a schedule of sends.  The same schedule is run, so that its result can be
compared with what NumPy says; counted; and timed by the α-β-γ model.

Ranks are fully connected; in a round each sends at most one message and receives at most one.
"""

from dataclasses import dataclass

import numpy as np

from . import arguments
from .sends import ALGORITHMS, Send, rounds

PATTERNS = tuple(ALGORITHMS)
_FROM_ROOT, _TO_ROOT = ("broadcast", "scatter"), ("gather", "reduce")


def algorithms(pattern):
    """The names of the algorithms of a pattern, a tuple.

    >>> algorithms("all-reduce")
    ('root', 'tree', 'ring', 'doubling', 'halving')
    """
    return tuple(_known(pattern, ALGORITHMS, "pattern"))


def _known(name, table, what):
    if name not in table:
        raise ValueError(f"collective: no {what} {name!r}; take one of {', '.join(table)}")
    return table[name]


def collective(pattern, algorithm, ranks, root=0):
    """The `Collective` of a pattern by an algorithm, for any number of ranks.

    `root`: the rank where a broadcast and a scatter start, where a gather and a reduce end, and
    through which the algorithms "root" and "tree" of the other patterns go.

    >>> ring = collective("all-reduce", "ring", ranks=8)
    >>> len(ring.rounds), ring.busiest(100_000_000)
    (14, 175000000)
    >>> [part.tolist() for part in collective("scatter", "tree", ranks=3).run(np.arange(6))]
    [[0, 1], [2, 3], [4, 5]]
    """
    _known(algorithm, _known(pattern, ALGORITHMS, "pattern"), f"algorithm for {pattern}")
    ranks = arguments.whole(ranks, "collective: ranks")
    root = arguments.whole(root, "collective: root", least=0)
    if root >= ranks:
        raise ValueError(f"collective: root {root} is no rank; there are 0 to {ranks - 1}")
    built = rounds(pattern, algorithm, ranks)
    turned = tuple(tuple(_turned(send, pattern, root, ranks) for send in each) for each in built)
    return Collective(pattern, algorithm, ranks, root, turned)


def _turned(send, pattern, root, ranks):
    """A send from root 0 as one from `root`: all ranks moved on, and the blocks that are theirs."""

    def moved(block):
        source, to = divmod(block, ranks)
        return (source + root) % ranks * ranks * (pattern == "all-to-all") + (to + root) % ranks

    source, to = (send.source + root) % ranks, (send.to + root) % ranks
    return Send(source, to, tuple(map(moved, send.blocks)), send.adds)


@dataclass(frozen=True, repr=False)
class Collective:
    """A schedule: `rounds`, a tuple of tuples of `Send`, that makes a pattern of so many ranks.

    Sizes are of the whole: what the root holds at the start or at the end, or each rank does.  It
    is cut into a part for each rank, the first ones longer by an element where it does not divide,
    as `np.array_split` cuts.
    """

    pattern: str
    algorithm: str
    ranks: int
    root: int
    rounds: tuple

    @property
    def sends(self):
        """All sends, in order, a tuple."""
        return tuple(send for each in self.rounds for send in each)

    # --- run ------------------------------------------------------------------------------

    def run(self, data):
        """What each rank holds at the end: a list of arrays, None where it is to have nothing.

        `data`: the root's array for a broadcast or a scatter, else an array for each rank.  Parts
        are cut along the first axis, and put together along it; only a gather and an all-gather
        take arrays that differ in length.  Sums are made in the arrays' own type and in the order
        in which they meet, so that their rounding error is that of the algorithm.

        >>> parts = [np.full(4, 10.0**rank) for rank in range(4)]
        >>> collective("reduce-scatter", "ring", ranks=4).run(parts)[2]
        array([1111.])
        """
        *_, held = self.states(data)
        return self.outcome(held)

    def states(self, data):
        """What each rank holds at the start and after each round: lists of {block: array}.

        >>> states = collective("broadcast", "tree", ranks=4).states(np.zeros(4))
        >>> [sum(map(bool, held)) for held in states]
        [1, 2, 4]
        """
        held = self._start(data)
        yield [dict(blocks) for blocks in held]
        for each in self.rounds:
            # all of a round happen at once: what is sent is what was held before it
            packets = [[held[send.source][block] for block in send.blocks] for send in each]
            for send, packet in zip(each, packets, strict=True):
                mine = held[send.to]
                for block, brought in zip(send.blocks, packet, strict=True):
                    mine[block] = mine[block] + brought if send.adds else brought
            yield [dict(blocks) for blocks in held]

    def _start(self, data):
        """{block: array} of each rank at the start."""
        ranks = range(self.ranks)
        if self.pattern in _FROM_ROOT:
            whole = dict(enumerate(np.array_split(self._array(data, "data"), self.ranks)))
            return [whole if rank == self.root else {} for rank in ranks]
        arrays = self._arrays(data)
        if self.pattern in ("gather", "all-gather"):
            return [{rank: arrays[rank]} for rank in ranks]
        first = [rank * self.ranks * (self.pattern == "all-to-all") for rank in ranks]
        parts = [np.array_split(array, self.ranks) for array in arrays]
        return [dict(enumerate(parts[rank], first[rank])) for rank in ranks]

    def _array(self, data, what):
        array = arguments.as_array(data, f"{self}: {what}")
        if not array.ndim or array.dtype.kind not in "iufc":
            raise ValueError(
                f"{self}: {what} must be an array of numbers with an axis to cut; got {data!r}"
            )
        return array

    def _arrays(self, data):
        """An array for each rank, of one type, and of shapes that can be put together."""
        if not isinstance(data, np.ndarray | list | tuple) or len(data) != self.ranks:
            got = f"{len(data)} of them" if hasattr(data, "__len__") else repr(data)
            raise ValueError(f"{self}: run takes one array for each of the ranks; got {got}")
        arrays = [self._array(each, f"rank {rank}'s") for rank, each in enumerate(data)]
        differ = slice(1 if self.pattern in ("gather", "all-gather") else 0, None)
        for rank, array in enumerate(arrays):
            if array.shape[differ] != arrays[0].shape[differ] or array.dtype != arrays[0].dtype:
                raise ValueError(
                    f"{self}: rank {rank} has {array.dtype} {array.shape} and rank 0 "
                    f"{arrays[0].dtype} {arrays[0].shape}; pass arrays that fit together"
                )
        return arrays

    def outcome(self, held):
        """What each rank is to have, put together from {block: array} of each at the end."""
        return [self._joined(rank, blocks) for rank, blocks in enumerate(held)]

    def _joined(self, rank, held):
        if self.pattern in _TO_ROOT and rank != self.root:
            return None
        blocks = range(self.ranks)
        if self.pattern in ("scatter", "reduce-scatter"):
            blocks = [rank]
        if self.pattern == "all-to-all":
            blocks = range(rank, self.ranks**2, self.ranks)
        return np.concatenate([held[block] for block in blocks])

    # --- counted ------------------------------------------------------------------------------

    def sizes(self, nbytes, itemsize=1):
        """Bytes of each block, an int64 array, where the whole has `nbytes`.

        >>> collective("scatter", "root", ranks=3).sizes(40, itemsize=4)
        array([16, 12, 12])
        """
        nbytes = arguments.whole(nbytes, "collective: nbytes", least=0)
        itemsize = arguments.whole(itemsize, "collective: itemsize")
        elements, rest = divmod(nbytes, itemsize)
        if rest:
            raise ValueError(f"collective: {nbytes:,} B are no whole elements of {itemsize} B")
        parts = np.full(self.ranks, elements // self.ranks, np.int64)
        parts[: elements % self.ranks] += 1
        return np.tile(parts * itemsize, self.ranks if self.pattern == "all-to-all" else 1)

    def _loads(self, nbytes, itemsize, counts=lambda send: True):
        """For each round, (send, its bytes) of the sends that count."""
        sizes = self.sizes(nbytes, itemsize)
        return [
            [(send, int(sizes[list(send.blocks)].sum())) for send in each if counts(send)]
            for each in self.rounds
        ]

    def _by_rank(self, nbytes, itemsize, end, counts=lambda send: True):
        found = np.zeros(self.ranks, np.int64)
        for each in self._loads(nbytes, itemsize, counts):
            for send, size in each:
                found[getattr(send, end)] += size
        return found

    def sent(self, nbytes, itemsize=1):
        """Bytes that each rank sends in all rounds, an int64 array."""
        return self._by_rank(nbytes, itemsize, "source")

    def received(self, nbytes, itemsize=1):
        """Bytes that each rank receives in all rounds, an int64 array."""
        return self._by_rank(nbytes, itemsize, "to")

    def reduced(self, nbytes, itemsize=1):
        """Bytes that each rank adds to its own in all rounds, an int64 array."""
        return self._by_rank(nbytes, itemsize, "to", lambda send: send.adds)

    def total(self, nbytes, itemsize=1):
        """Bytes of all sends together.

        >>> collective("broadcast", "tree", ranks=8).total(1_000_000)
        7000000
        """
        return int(self.sent(nbytes, itemsize).sum())

    def busiest(self, nbytes, itemsize=1):
        """Bytes at the busiest rank's port: the most that any one sends, or any one receives.

        A port carries both ways at once, so the two are not added.

        >>> [collective("broadcast", a, ranks=8).busiest(10**6) for a in ("root", "tree", "ring")]
        [7000000, 3000000, 1000000]
        """
        both = self.sent(nbytes, itemsize), self.received(nbytes, itemsize)
        return int(max(load.max() for load in both))

    def time(self, nbytes, alpha, beta, gamma=0, itemsize=1):
        """Seconds by the α-β-γ model: the sum over the rounds, each as long as its slowest rank.

        `alpha`: seconds a message; `beta`: seconds a byte, 1 / bandwidth; `gamma`: seconds to add
        a byte of one array to another's.  A rank adds after it has received, and the next round
        starts when all are done.

        For whole parts these are the closed forms, as Thakur, Rabenseifner and Gropp (2005) give
        them; for n bytes and p ranks by tree ⌈lg p⌉(α + nβ) a broadcast, ⌈lg p⌉(α + nβ + nγ) a
        reduce, ⌈lg p⌉α + nβ(p − 1)/p a scatter or a gather; by ring (p − 1)α + nβ(p − 1)/p an
        all-gather, (p − 1)α + n(β + γ)(p − 1)/p a reduce-scatter, and their sum an all-reduce.

        >>> tree = collective("broadcast", "tree", ranks=8)
        >>> round(1e6 * tree.time(1_000_000, alpha=1e-6, beta=1 / 50e9), 6)
        63.0
        """
        for name, value in {"alpha": alpha, "beta": beta, "gamma": gamma}.items():
            if not 0 <= value < np.inf:
                raise ValueError(f"collective: {name} is {value!r}; give seconds, at least 0")
        rounds = self._loads(nbytes, itemsize)
        longest = [max(size * (beta + gamma * send.adds) for send, size in each) for each in rounds]
        return len(rounds) * alpha + sum(longest)

    def __repr__(self):
        from_or_to = f", root {self.root}" if self.root else ""
        return f"{self.pattern} by {self.algorithm}, {self.ranks} ranks{from_or_to}"
