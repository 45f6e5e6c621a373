"""Which cells of a stacked recurrent network run when: the greedy schedule on P processors."""

from dataclasses import dataclass
from functools import cache
from heapq import heapify, heappop, heappush
from typing import NamedTuple

from .meters import Meters

INPUTS, HIDDEN, ITEMSIZE = 100, 128, 4


class Piece(NamedTuple):
    """One piece of work; layers, steps and sequences count from 0.

    `part`: a whole "cell", or of a split one the "input" product x W or the "state" product h U.
    """

    layer: int
    step: int
    part: str = "cell"
    sequence: int = 0


def pieces(layers, steps, split=False, sequences=1):
    """Every piece of work: a cell for each layer, step and sequence, or its two products.

    >>> pieces(1, 2)
    [Piece(layer=0, step=0, part='cell', sequence=0), Piece(layer=0, step=1, part='cell', \
sequence=0)]
    """
    parts = ("input", "state") if split else ("cell",)
    return [
        Piece(layer, step, part, sequence)
        for sequence in range(sequences)
        for layer in range(layers)
        for step in range(steps)
        for part in parts
    ]


def needs(piece):
    """What must be finished before a piece starts.

    A cell waits for the layer below and for the step before.  Of a split one the input product
    waits for the layer below alone, the state product for the input product and the step before.

    >>> needs(Piece(1, 0))
    [Piece(layer=0, step=0, part='cell', sequence=0)]
    >>> needs(Piece(0, 7, "input"))
    []
    """
    layer, step, part, sequence = piece
    found = []
    if part == "state":
        found.append(Piece(layer, step, "input", sequence))
    elif layer:
        found.append(Piece(layer - 1, step, "cell" if part == "cell" else "state", sequence))
    if step and part != "input":
        found.append(Piece(layer, step - 1, part, sequence))
    return found


def chain(layers, steps, split=False):
    """A longest chain, each piece of which waits for the one before: along layer 0, then up.

    Its length is the least number of slots, whatever the processors.

    >>> len(chain(4, 16)), len(chain(4, 16, split=True))
    (19, 23)
    """
    if not split:
        along = [Piece(0, step) for step in range(steps)]
        return along + [Piece(layer, steps - 1) for layer in range(1, layers)]
    along = [Piece(0, 0, "input")] + [Piece(0, step, "state") for step in range(steps)]
    up = [Piece(k, steps - 1, part) for k in range(1, layers) for part in ("input", "state")]
    return along + up


@cache
def schedule(layers, steps, processors, split=False, sequences=1):
    """Slots in time; each is a tuple that holds for every processor its `Piece` or None.

    A slot takes the time of one piece.  In every slot the processors take from what is ready,
    first what begins the longest chain; a processor keeps its layer where it can.

    >>> [len(schedule(4, 16, processors)) for processors in (1, 2, 3, 4, 6, 64)]
    [64, 33, 24, 19, 19, 19]
    """
    slots, homes = [], {}
    for run in _runs(layers, steps, processors, split, sequences):
        slots.append(_placed(run, homes, layers, processors))
    return tuple(slots)


@cache
def length(layers, steps, processors, split=False, sequences=1):
    """The number of slots of `schedule`.

    >>> length(1, 100, 64)
    100
    """
    return len(_runs(layers, steps, processors, split, sequences))


@cache
def _runs(layers, steps, processors, split, sequences):
    """The pieces of each slot."""
    waits, opens, urgency = _graph(layers, steps, split, sequences)
    waits = dict(waits)
    ready = [(urgency[piece], piece) for piece, open_needs in waits.items() if not open_needs]
    heapify(ready)
    runs = []
    while ready:
        run = [heappop(ready)[1] for _ in range(min(processors, len(ready)))]
        runs.append(run)
        for piece in run:
            for later in opens[piece]:
                waits[later] -= 1
                if not waits[later]:
                    heappush(ready, (urgency[later], later))
    return runs


@cache
def _graph(layers, steps, split, sequences):
    """By piece: how many it waits for, which wait for it, its turn (the longest chain first)."""
    every = pieces(layers, steps, split, sequences)
    opens = {piece: [] for piece in every}
    waits = {}
    for piece in every:
        before = needs(piece)
        waits[piece] = len(before)
        for earlier in before:
            opens[earlier].append(piece)
    a_layer = 2 if split else 1
    urgency = {p: a_layer * p.layer + p.step - (p.part == "input") for p in every}
    return waits, opens, urgency


def _placed(run, homes, layers, processors):
    """One slot: whose layer has a processor goes there, the rest to those that are free."""
    slot, waiting = [None] * processors, []
    for piece in run:
        owner = piece.sequence, piece.layer
        home = homes.get(owner, owner[0] * layers + owner[1])
        if piece.part != "input" and home < processors and slot[home] is None:
            slot[home] = piece
            homes[owner] = home
        else:
            waiting.append(piece)
    free = (k for k, taken in enumerate(slot) if taken is None)
    for piece, k in zip(waiting, list(free), strict=False):
        slot[k] = piece
        if piece.part != "input":
            homes[piece.sequence, piece.layer] = k
    return tuple(slot)


@dataclass(frozen=True)
class Loom:
    """What runs: `split` cells wait product by product; `sequences` share the processors."""

    layers: int
    steps: int
    processors: int
    split: bool
    sequences: int

    @property
    def sizes(self):
        return self.layers, self.steps, self.processors, self.split, self.sequences

    @property
    def slots(self):
        return schedule(*self.sizes)

    def ticks_on(self, processors):
        """Ticks until all is done; a tick is the time of one cell, two products."""
        sizes = self.layers, self.steps, processors, self.split, self.sequences
        return self.as_ticks(length(*sizes))

    def as_ticks(self, slots):
        return slots / 2 if self.split else slots

    @property
    def ticks(self):
        return self.ticks_on(self.processors)

    @property
    def chain(self):
        return chain(self.layers, self.steps, self.split)

    @property
    def cells(self):
        return self.layers * self.steps * self.sequences

    def busy(self, processors):
        """The share of the slots in which a processor works, 0 to 1."""
        return self.cells / (self.ticks_on(processors) * processors)

    def waiting(self):
        """The most input products that are kept at once until their step is reached."""
        most = now = 0
        for slot in self.slots:
            parts = [piece.part for piece in slot if piece]
            now += parts.count("input") - parts.count("state")
            most = max(most, now)
        return most

    def meters(self):
        """Weights and states (and products that wait); x in, h out and each weight once."""
        wide = [INPUTS] + [HIDDEN] * (self.layers - 1)
        macs = sum((i + HIDDEN) * HIDDEN for i in wide)
        weights = macs + self.layers * HIDDEN
        held = self.layers * self.sequences + self.waiting()
        crossing = self.sequences * self.steps * (INPUTS + HIDDEN)
        return Meters(
            memory=ITEMSIZE * (weights + held * HIDDEN),
            macs=macs * self.steps * self.sequences,
            moved=ITEMSIZE * (weights + crossing),
        )
