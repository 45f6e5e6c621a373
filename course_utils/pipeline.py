"""`Pipeline`: nests in a row that share tensors and find the cache as the last one left it."""

from math import prod

import numpy as np

from . import arguments, repeats, tables, walk
from .meters import Meters
from .nest import LoopNest
from .tables import Access


class Pipeline:
    """Nests in a row, repeated; tensors of one name are one array.

    `repeat`: how often the row runs, or the name of an index: then each repetition fixes that index
    at its next value in the nests that have it (x[t,i] is another row each time) and runs the
    others whole.
    `buffers`: pairs of tensors that swap places after each repetition, as a state that is read
    from one buffer and written to the other.

    >>> step = [LoopNest("z[o] += x[t,i] * W[i,o]", t=10, i=100, o=128),
    ...         LoopNest("z[o] += h[j] * U[j,o]", j=128, o=128)]
    >>> rnn = Pipeline(step, repeat="t", buffers=[("h", "z")])
    >>> rnn.macs, rnn.nbytes("W")
    (291840, 51200)
    """

    def __init__(self, nests, *, repeat=1, buffers=()):
        self.nests = tuple(nests) if isinstance(nests, tuple | list) else ()
        if not self.nests or not all(isinstance(nest, LoopNest) for nest in self.nests):
            raise ValueError(f"Pipeline: give a list of one or more LoopNests; got {nests!r}")
        self.index = repeat if isinstance(repeat, str) else None
        self.repeat = self._length(repeat)
        self._owner = {}  # tensor -> the first nest that has it
        for nest in self.nests:
            for tensor in nest.tensors:
                self._check_same(tensor, self._owner.setdefault(tensor, nest), nest)
        self.buffers = self._pairs(buffers)

    def _length(self, repeat):
        if self.index is None:
            return arguments.whole(repeat, "Pipeline: repeat")
        sizes = {nest.size[repeat] for nest in self.nests if repeat in nest.size}
        if len(sizes) != 1:
            raise ValueError(
                f"Pipeline: repeat={repeat!r} must be an index of the nests, of one size in all of "
                f"them; found sizes {sorted(sizes) or 'nowhere'}"
            )
        if any(f"{repeat}/" in loop for nest in self.nests for loop in nest.loops):
            raise ValueError(
                f"Pipeline: loop {repeat!r} is tiled; repeat an index that is one loop"
            )
        return sizes.pop()

    @staticmethod
    def _check_same(tensor, first, nest):
        ours, theirs = (n.work.tables.get(tensor) for n in (nest, first))
        if ours is not None and theirs is not None and not np.array_equal(ours, theirs):
            raise ValueError(
                f"Pipeline: index array {tensor!r} is one array, but {first.text!r} and "
                f"{nest.text!r} have it with other values; rename it in one of them"
            )
        here, there = _form(nest, tensor), _form(first, tensor)
        if here != there:
            raise ValueError(
                f"Pipeline: {tensor!r} is one array, but {first.text!r} has it as "
                f"{_said(there)} and {nest.text!r} as {_said(here)}; rename it in one of them, "
                "or pass shapes="
            )

    def _pairs(self, buffers):
        """The pairs of `buffers`, checked."""
        listed = buffers if isinstance(buffers, tuple | list) else (buffers,)
        for pair in listed:
            two_names = isinstance(pair, tuple | list) and len(pair) == 2
            if not two_names or not all(name in self.tensors for name in pair):
                raise ValueError(
                    "Pipeline: buffers takes pairs of tensors among "
                    f"{', '.join(self.tensors)}, such as [('h', 'z')]; got {buffers!r}"
                )
            one, two = (_form(self._owner[name], name) for name in pair)
            if one != two:
                raise ValueError(
                    f"Pipeline: buffers {pair} cannot swap: {_said(one)} and {_said(two)}"
                )
        swapped = [name for pair in listed for name in pair]
        if len(set(swapped)) < len(swapped):
            raise ValueError(f"Pipeline: a tensor stands twice in buffers={buffers!r}")
        return tuple(tuple(pair) for pair in listed)

    @property
    def tensors(self):
        """All names in the order in which they are laid out: by first appearance."""
        return tuple(self._owner)

    def shape(self, tensor):
        """The shape of a tensor."""
        return self._nest_of(tensor).shape(tensor)

    def itemsize_of(self, tensor):
        """Bytes of one element."""
        return self._nest_of(tensor).itemsize_of(tensor)

    def nbytes(self, tensor):
        """Bytes of a whole tensor."""
        return self._nest_of(tensor).nbytes(tensor)

    def _nest_of(self, tensor):
        if tensor not in self._owner:
            raise ValueError(f"Pipeline: no tensor {tensor!r}; there are {', '.join(self.tensors)}")
        return self._owner[tensor]

    def _times(self, nest):
        """How often a nest runs whole: once if the repetitions go through one of its indexes."""
        return 1 if self.index in nest.size else self.repeat

    def _total(self, attribute):
        return sum(getattr(nest, attribute) * self._times(nest) for nest in self.nests)

    @property
    def macs(self):
        """Multiply-accumulates of all repetitions."""
        return self._total("macs")

    @property
    def intermediates(self):
        """Tensors that one nest writes and another reads, through a swapped buffer too."""
        partner = {a: b for pair in self.buffers for a, b in (pair, pair[::-1])}
        written = {nest.output for nest in self.nests}
        passed = {
            name
            for nest in self.nests
            for name in nest.inputs
            if name in written or partner.get(name) in written
        }
        passed |= {partner[name] for name in passed if name in partner}
        return tuple(name for name in self.tensors if name in passed)

    def accesses(self, registers=False):
        """What the loops ask for: {tensor: Access(reads, writes)}, counted in elements."""
        if registers:
            return tables.counted(self)
        total = dict.fromkeys(self.tensors, Access(0, 0))
        for nest in self.nests:
            for tensor, access in nest.accesses().items():
                total[tensor] += access * self._times(nest)
        return total

    def meters(self, fused=False):
        """The three `Meters`, with compulsory traffic: each element touched crosses once.

        Unfused, an intermediate crosses for each nest that writes it and each that reads it, every
        time it runs.  Fused, intermediates are neither stored nor moved.
        """
        inner = self.intermediates
        memory = sum(self.nbytes(t) for t in self.tensors if not (fused and t in inner))
        moved = sum(self._touched(t) for t in self.tensors if t not in inner)
        if not fused:
            moved += self._crossings(inner)
        work = {name: self._total(name) for name in ("macs", "adds", "multiplies")}
        return Meters(memory=memory, moved=moved, **work)

    def _touched(self, tensor):
        """Bytes of a tensor that some nest touches."""
        nests = [nest for nest in self.nests if tensor in nest.tensors]
        each = [nest.work.touched(tensor) for nest in nests]
        elements = max(each)
        if len(each) > 1 and elements < prod(self.shape(tensor)):  # parts, perhaps not the same
            elements = np.count_nonzero(sum(nest.use_counts(tensor) for nest in nests))
        return int(elements) * nests[0].itemsize_of(tensor)

    def _crossings(self, inner):
        """Bytes of intermediates that cross when each nest fetches and stores its own."""
        total, written = 0, set()
        for nest in self.nests:
            for tensor in nest.tensors:
                if tensor not in inner:
                    continue
                again = (
                    tensor == nest.output and tensor in written and nest.work.statement.accumulates
                )
                turn = self.index if self.index in nest.size else None
                times = self.repeat if turn is None else 1
                elements = nest.work.touched(tensor, turn) * times * (1 + again)
                total += elements * nest.itemsize_of(tensor)
            written.add(nest.output)
        return total

    def _walks(self):
        """(`walk.Tables` of a nest, whether its outermost loop is the repetition) twice: of an even
        and of an odd repetition, when buffers have swapped places."""
        homes = tables.placed({tensor: self.nbytes(tensor) for tensor in self.tensors})
        swapped = dict(homes)
        for one, two in self.buffers:
            swapped[one], swapped[two] = homes[two], homes[one]
        return [
            [self._walk(nest, bases) for nest in self.nests]
            for bases in ([homes, swapped] if self.buffers else [homes])
        ]

    def _walk(self, nest, bases):
        own = self.index in nest.size
        if own:
            nest = nest.order(self.index, *(name for name in nest.loops if name != self.index))
        return nest.walk(bases, self.tensors), own

    def _turns(self, walks, first, count):
        """The `walk.Tables` of the nests in some of the repetitions, in order."""
        for turn in range(first, first + count):
            for steps, own in walks[turn % len(walks)]:
                yield repeats.part(steps, 0, turn, 1) if own else steps

    def streams(self, line=1, coalesce=False, registers=False):
        """Arrays of coded references (see `walk.references`) of all repetitions, in order."""
        for steps in self._turns(self._walks(), 0, self.repeat):
            yield from walk.references(steps, line.bit_length() - 1, coalesce, registers)

    def items(self, line, coalesce):
        """The same stream as arrays and, where repetitions only move, `repeats.Repeat`s."""
        walks = self._walks()

        def items(first, count):
            for steps in self._turns(walks, first, count):
                yield from repeats.of_walk(steps, line, coalesce)

        yield from repeats.turns(self.repeat, self._step(walks), line, items, len(walks))

    def _step(self, walks):
        """{tensor's number: bytes that a repetition moves it}, or None where it does more."""
        steps = [
            repeats.step_of(steps, 0) if own else dict.fromkeys((steps.labels >> 2).tolist(), 0)
            for steps, own in walks[0]
        ]
        if None in steps:
            return None
        found = repeats.agreed(pair for step in steps for pair in step.items())
        swap = {self.tensors.index(name) for pair in self.buffers for name in pair}
        return None if found and any(found[number] for number in swap) else found

    def references(self):
        """{tensor: how often `addresses` refers to it}: the output of `+=` once an iteration."""
        total = dict.fromkeys(self.tensors, 0)
        for nest in self.nests:
            for tensor, times in nest.references().items():
                total[tensor] += times * self._times(nest)
        return total

    def addresses(self, registers=False):
        """The stream of memory references, a `walk.Trace` of byte addresses in program order."""
        return tables.trace(self, registers)

    def __repr__(self):
        times = f" × {self.repeat}" if self.repeat > 1 else ""
        return "\n".join([f"Pipeline{times} of", *(f"    {nest!r}" for nest in self.nests)])


def _form(nest, tensor):
    """What two nests must agree on to share an array."""
    return nest.shape(tensor), nest.itemsize_of(tensor), nest.layout_of(tensor)


def _said(form):
    shape, itemsize, axes = form
    return f"shape {shape} of {itemsize} B" + (f" stored as {axes}" if axes else "")
