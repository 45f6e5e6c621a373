"""Which rank sends which blocks to whom, round by round, for each collective and algorithm.

What starts at one rank, or is to end there, is cut into a block for each rank; all-to-all has a
block for each pair.  A reduce is a broadcast run backwards, each send adding what it brings; a
gather is a scatter run backwards, a reduce-scatter an all-gather.  So three patterns are written
out, and all-to-all; the others follow.

The algorithms: from and to the root alone; a binomial tree; a ring of neighbours; recursive
doubling, in which what a rank holds doubles with every round (Thakur, Rabenseifner, Gropp 2005).
"""

from typing import NamedTuple


class Send(NamedTuple):
    """One message: `blocks` by number; `adds`: the receiver adds them to its own, else keeps them.

    >>> Send(0, 4, (4, 5, 6, 7))
    Send(source=0, to=4, blocks=(4, 5, 6, 7), adds=False)
    """

    source: int
    to: int
    blocks: tuple
    adds: bool = False


def rounds(pattern, algorithm, ranks):
    """The rounds from root 0: a list of lists of `Send`; no rank sends, or receives, twice in one.

    >>> rounds("broadcast", "tree", 4)  # doctest: +ELLIPSIS
    [[Send(source=0, to=2, ...)], [Send(source=0, to=1, ...), Send(source=2, to=3, ...)]]
    """
    return ALGORITHMS[pattern][algorithm](ranks)


def _backwards(rounds, adds):
    """The same messages the other way round in time: who received now sends."""
    return [[Send(to, source, blocks, adds) for source, to, blocks, _ in r] for r in rounds[::-1]]


# --- one rank to all ----------------------------------------------------------------------------


def _powers(ranks):
    """1, 2, 4, … below the number of ranks."""
    return [1 << k for k in range((ranks - 1).bit_length())]


def _tree_pairs(ranks):
    """Rounds of (source, to, the ranks that `to` stands for): the far half first."""
    return [
        [
            (rank, rank + half, range(rank + half, min(rank + 2 * half, ranks)))
            for rank in range(0, ranks - half, 2 * half)
        ]
        for half in reversed(_powers(ranks))
    ]


def _doubling_pairs(ranks):
    """Rounds of (source, to, the ranks that `to` stands for): the neighbour first."""
    return [
        [
            (rank, rank + near, range(rank + near, ranks, 2 * near))
            for rank in range(min(near, ranks - near))
        ]
        for near in _powers(ranks)
    ]


def _root_pairs(ranks):
    return [[(0, to, (to,))] for to in range(1, ranks)]


def _broadcast(pairs):
    """Every block goes along."""
    return lambda ranks: [
        [Send(source, to, tuple(range(ranks))) for source, to, _ in each] for each in pairs(ranks)
    ]


def _scatter(pairs):
    """Only the blocks go along that are for the receiver, or for those behind it."""
    return lambda ranks: [
        [Send(source, to, tuple(behind)) for source, to, behind in each] for each in pairs(ranks)
    ]


def _ring_broadcast(ranks):
    """Block after block down the line: rank r hands block k on in round r + k."""
    return [
        [Send(r, r + 1, (t - r,)) for r in range(ranks - 1) if 0 <= t - r < ranks]
        for t in range(2 * ranks - 2)
    ]


def _ring_scatter(ranks):
    """The farthest block first: all arrive in the last round."""
    last = ranks - 1
    return [
        [Send(r, r + 1, (last - t + r,)) for r in range(t + 1) if r < last - t + r]
        for t in range(last)
    ]


# --- all to all ranks ---------------------------------------------------------------------------


def _ring_gather(ranks, step=1):
    """Each rank hands on what came last, one place further round the ring."""
    return [
        [Send(r, (r + step) % ranks, ((r - step * t) % ranks,)) for r in range(ranks)]
        for t in range(ranks - 1)
    ]


def _doubling_gather(ranks):
    """Each rank sends all that it holds, twice as far every round (Bruck et al. 1997)."""
    return [
        [
            Send(r, (r - far) % ranks, tuple((r + k) % ranks for k in range(min(far, ranks - far))))
            for r in range(ranks)
        ]
        for far in _powers(ranks)
    ]


def _exchange(ranks):
    """All-reduce in place: pairs add each other's sums, twice as far apart every round.

    Of a number of ranks that is no power of two, the ranks beyond it first add theirs to a
    partner's, and get the result from it at the end.
    """
    every = tuple(range(ranks))
    within = 1 << ranks.bit_length() - 1
    beyond = [(r, r - within) for r in range(within, ranks)]
    before = [[Send(r, partner, every, True) for r, partner in beyond]] if beyond else []
    after = [[Send(partner, r, every) for r, partner in beyond]] if beyond else []
    pairs = [[Send(r, r ^ far, every, True) for r in range(within)] for far in _powers(within)]
    return before + pairs + after


def _by_way_of_the_root(pairs):
    """All-to-all: each rank's blocks to the root, and from there to whom they are for."""

    def built(ranks):
        def rows(behind):
            return tuple(r * ranks + to for r in behind for to in range(ranks) if to != r)

        def columns(behind):
            return tuple(of * ranks + r for r in behind for of in range(ranks) if of != r)

        inwards = [
            [Send(to, source, rows(behind)) for source, to, behind in each]
            for each in reversed(pairs(ranks))
        ]
        outwards = [
            [Send(source, to, columns(behind)) for source, to, behind in each]
            for each in pairs(ranks)
        ]
        return inwards + outwards

    return built


def _pairwise(ranks):
    """All-to-all: in round t each rank sends one block, straight to the rank t places on."""
    return [
        [Send(r, (r + t) % ranks, (r * ranks + (r + t) % ranks,)) for r in range(ranks)]
        for t in range(1, ranks)
    ]


def _ring_exchange(ranks):
    """All-to-all: what is not yet there goes one place further round the ring."""
    return [
        [
            Send(
                r,
                (r + 1) % ranks,
                tuple(
                    (r - t) % ranks * ranks + (r - t + far) % ranks for far in range(t + 1, ranks)
                ),
            )
            for r in range(ranks)
        ]
        for t in range(ranks - 1)
    ]


def _doubling_exchange(ranks):
    """All-to-all: a block goes 1, 2, 4, … places, those that add up to its way (Bruck et al.)."""

    def travelling(rank, far):
        """Blocks at a rank that have gone the smaller steps of their way, and go this one now."""
        ways = [way for way in range(ranks) if way & far]
        starts = [((rank - way % far) % ranks, way) for way in ways]
        return tuple(start * ranks + (start + way) % ranks for start, way in starts)

    return [
        [Send(r, (r + far) % ranks, travelling(r, far)) for r in range(ranks)]
        for far in _powers(ranks)
    ]


# --- the table ----------------------------------------------------------------------------------


def _in_turn(*schedules):
    return lambda ranks: [each for schedule in schedules for each in schedule(ranks)]


def _reversed(schedule, adds):
    return lambda ranks: _backwards(schedule(ranks), adds)


def _from_the_first(schedule, adds):
    """Backwards in the messages, not in time: the root hears rank 1 first and sums in order."""
    return lambda ranks: _backwards(schedule(ranks)[::-1], adds)


_BROADCAST = {
    "root": _broadcast(_root_pairs),
    "tree": _broadcast(_tree_pairs),
    "ring": _ring_broadcast,
    "doubling": _broadcast(_doubling_pairs),
}
_SCATTER = {
    "root": _scatter(_root_pairs),
    "tree": _scatter(_tree_pairs),
    "ring": _ring_scatter,
    "doubling": _scatter(_doubling_pairs),
}
_REDUCE = {
    name: (_from_the_first if name == "root" else _reversed)(schedule, adds=True)
    for name, schedule in _BROADCAST.items()
}
_GATHER = {
    name: (_from_the_first if name == "root" else _reversed)(schedule, adds=False)
    for name, schedule in _SCATTER.items()
}
_ALL_GATHER = {
    "root": _in_turn(_GATHER["root"], _BROADCAST["root"]),
    "tree": _in_turn(_GATHER["tree"], _BROADCAST["tree"]),
    "ring": _ring_gather,
    "doubling": _doubling_gather,
}
_REDUCE_SCATTER = {
    "root": _in_turn(_REDUCE["root"], _SCATTER["root"]),
    "tree": _in_turn(_REDUCE["tree"], _SCATTER["tree"]),
    # backwards, the other way round the ring: so it runs the same way as the gather
    "ring": _reversed(lambda ranks: _ring_gather(ranks, step=-1), adds=True),
    "doubling": _reversed(_doubling_gather, adds=True),
}
ALGORITHMS = {
    "broadcast": _BROADCAST,
    "scatter": _SCATTER,
    "gather": _GATHER,
    "reduce": _REDUCE,
    "all-gather": _ALL_GATHER,
    "reduce-scatter": _REDUCE_SCATTER,
    "all-reduce": {
        "root": _in_turn(_REDUCE["root"], _BROADCAST["root"]),
        "tree": _in_turn(_REDUCE["tree"], _BROADCAST["tree"]),
        "ring": _in_turn(_REDUCE_SCATTER["ring"], _ALL_GATHER["ring"]),
        "doubling": _exchange,
        # Rabenseifner's: halves on the way in, doubles on the way out
        "halving": _in_turn(_REDUCE_SCATTER["doubling"], _ALL_GATHER["doubling"]),
    },
    "all-to-all": {
        "root": _by_way_of_the_root(_root_pairs),
        "tree": _by_way_of_the_root(_tree_pairs),
        "ring": _ring_exchange,
        "doubling": _doubling_exchange,
        "pairwise": _pairwise,
    },
}
