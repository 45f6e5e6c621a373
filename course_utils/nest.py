"""`LoopNest`: one line of index notation, and everything that can be read off it.

Work (MACs, shapes, uses) belongs to the text and its sizes; schedule (order, tiles, layout)
changes only the order of the touches.  Nests are immutable: each method gives a new one.
"""

from math import prod

from . import arguments, counting, execution, repeats, tables, walk
from .listing import listing
from .meters import Meters
from .notation import parse
from .schedule import Schedule
from .tables import Access


class LoopNest:
    """A loop nest, such as `LoopNest("H[b,o] += X[b,i] * W[i,o]", b=32, i=784, o=100)`.

    `shapes`: {tensor: shape} where a shape is not the largest subscript plus one.
    `pad`: {tensor: n}: subscripts of windowed axes may leave the tensor by n; such taps touch
    nothing (a tuple gives each axis its own n).
    `index`: {name: integer array} for look-ups such as `E[tok[t], d]`.
    `itemsize`: bytes of an element, for all tensors or as {tensor: bytes}.
    Raises `ValueError` with a caret under the spot for text or sizes that make no nest.

    >>> dense = LoopNest("H[b,o] += X[b,i] * W[i,o]", b=32, i=784, o=100)
    >>> dense.macs, dense.shape("W"), dense.uses("W")
    (2508800, (784, 100), 32)
    >>> dense
    LoopNest("H[b,o] += X[b,i] * W[i,o]", b=32, o=100, i=784)
    """

    def __init__(self, text, *, shapes=None, pad=None, index=None, itemsize=4, **sizes):
        given = dict(shapes=shapes, pad=pad, index=index, itemsize=itemsize)
        work = counting.Work.of(parse(text), sizes, **given)
        self._set(work=work, schedule=Schedule.plain(work.size))
        self._set(_given={**given, "index": work.tables})

    def _set(self, **attributes):
        for name, value in attributes.items():
            object.__setattr__(self, name, value)

    def __setattr__(self, name, value):
        raise AttributeError(
            f"LoopNest is immutable: {name} cannot be set; its methods give new nests"
        )

    def _with(self, schedule):
        """The same work under another schedule."""
        other = object.__new__(LoopNest)
        other._set(work=self.work, schedule=schedule, _given=self._given)
        return other

    # --- the work -------------------------------------------------------------------------

    @property
    def text(self):
        return self.work.statement.text

    @property
    def size(self):
        """{index: its size}, in order of first appearance."""
        return dict(self.work.size)

    @property
    def output(self):
        """The name of the tensor that is written."""
        return self.work.statement.output.name

    @property
    def inputs(self):
        """The names of the factors, left to right, each once."""
        return tuple(dict.fromkeys(r.name for r in self.work.statement.factors))

    @property
    def tensors(self):
        """All names in the order in which they are laid out: factors, output, index arrays."""
        return tuple(self.work.shapes)

    def _known(self, tensor):
        if tensor not in self.work.shapes:
            raise ValueError(f"LoopNest: no tensor {tensor!r}; there are {', '.join(self.tensors)}")
        return tensor

    def shape(self, tensor):
        """The shape of a tensor, unpadded, in the order of its subscripts."""
        return self.work.shapes[self._known(tensor)]

    def itemsize_of(self, tensor):
        """Bytes of one element."""
        return self.work.itemsize[self._known(tensor)]

    def nbytes(self, tensor):
        """Bytes of a whole tensor.

        >>> LoopNest("s += x[i] * y[i]", i=1000).nbytes("x")
        4000
        """
        return prod(self.shape(tensor)) * self.itemsize_of(tensor)

    def layout_of(self, tensor):
        """The order of axes in which a tensor is stored, outermost first; None if row-major."""
        return self.schedule.layouts.get(self._known(tensor))

    @property
    def iterations(self):
        """How often the statement runs: the product of the sizes."""
        return prod(self.work.size.values())

    @property
    def macs(self):
        """Multiply-accumulates: the iterations of a `+=` over a product of two factors or more."""
        multiplied = self.work.statement.joiner == "*" and len(self.work.statement.factors) > 1
        return self.iterations if self.work.statement.accumulates and multiplied else 0

    @property
    def macs_on_data(self):
        """The MACs whose taps all lie on data; padded ones are left out.

        >>> conv = LoopNest("H[y,x,k] += X[y+r-1,x+s-1] * W[r,s,k]", y=28, x=28, r=3, s=3, k=32,
        ...                 pad={"X": 1})
        >>> conv.macs, conv.macs_on_data
        (225792, 215168)
        """
        return self.work.valid if self.macs else 0

    @property
    def multiplies(self):
        """Multiplications outside MACs.

        >>> LoopNest("Z[i] += A[i,j] * B[j] * C[j]", i=2, j=3).multiplies
        6
        """
        factors = len(self.work.statement.factors) if self.work.statement.joiner == "*" else 1
        return self.iterations * max(factors - (2 if self.macs else 1), 0)

    @property
    def adds(self):
        """Additions outside MACs.

        >>> LoopNest("Z[i] = X[i] + Y[i]", i=1000).adds
        1000
        """
        terms = len(self.work.statement.factors) if self.work.statement.joiner == "+" else 1
        return self.iterations * (terms - 1 + (self.work.statement.accumulates and not self.macs))

    def use_counts(self, tensor):
        """How often each element is used: an int64 array of the tensor's shape.

        >>> LoopNest("H[x] += X[x+r] * W[r]", x=3, r=3).use_counts("X").tolist()
        [1, 2, 3, 2, 1]
        """
        return self.work.use_counts(self._known(tensor))

    def uses(self, tensor):
        """How often every element is used, when all are used equally often.

        >>> LoopNest("H[b,o] += X[b,i] * W[i,o]", b=32, i=784, o=100).uses("X")
        100
        """
        fewest, most = self.work.use_range(self._known(tensor))
        if fewest != most:
            raise ValueError(
                f"LoopNest: elements of {tensor!r} are used {fewest} to {most} times; "
                f"use_counts({tensor!r}) gives the array"
            )
        return fewest

    def accesses(self, registers=False):
        """What the loops ask for: {tensor: Access(reads, writes)}, counted in elements.

        `registers=True`: an element touched by consecutive iterations is read (and written) once.

        >>> LoopNest("s += x[i] * y[i]", i=1000).accesses()["s"]
        Access(reads=1000, writes=1000)
        >>> LoopNest("s += x[i] * y[i]", i=1000).accesses(registers=True)["s"]
        Access(reads=1, writes=1)
        """
        if registers:
            return tables.counted(self)
        found = dict.fromkeys(self.tensors, Access(0, 0))
        for reference, kind in self.touches:
            found[reference.name] += Access.once(kind) * self.work.valid
        return found

    def meters(self):
        """The three `Meters`: all tensors in memory, the arithmetic, compulsory traffic.

        Compulsory: every element that is touched crosses once.  The output of `+=` starts from
        zeros here, so it crosses outwards only.
        """
        touched = sum(self.work.touched(t) * self.itemsize_of(t) for t in self.tensors)
        return Meters(
            memory=sum(map(self.nbytes, self.tensors)),
            macs=self.macs,
            moved=touched,
            adds=self.adds,
            multiplies=self.multiplies,
        )

    # --- the schedule ---------------------------------------------------------------------

    @property
    def loops(self):
        """The names of the loops, outermost first."""
        return self.schedule.names

    def sizes(self, **sizes):
        """The same nest at other sizes; its schedule is kept, shapes are found anew.

        Of shapes that were passed, an axis that one index spans follows it; all others stay.

        >>> LoopNest("s += x[i] * y[i]", i=1000).sizes(i=10).macs
        10
        >>> strided = LoopNest("H[b,x] += X[b,2*x+r]", b=1, x=7, r=2, shapes={"X": (1, 16)})
        >>> strided.sizes(b=4).shape("X")
        (4, 16)
        """
        given = {**self._given, "shapes": arguments.followed(self.work, self._given, sizes)}
        other = LoopNest(self.text, **given, **{**self.work.size, **sizes})
        return other._with(self.schedule.resized(other.work.size))

    def order(self, *names):
        """The same work with its loops in another order, outermost first; each named once.

        >>> LoopNest("H[b,o] += X[b,i] * W[i,o]", b=1, i=784, o=100).order("b", "i", "o").loops
        ('b', 'i', 'o')
        """
        return self._with(self.schedule.ordered(names))

    def tile(self, **tiles):
        """The same work in blocks: `tile(i=64)` splits loop i into `i/64`, outermost, and `i`.

        Last tiles are clipped.  Several tiles go outermost in the order given.

        >>> LoopNest("H[b,o] += X[b,i] * W[i,o]", b=1, i=784, o=100).tile(i=64, o=32).loops
        ('i/64', 'o/32', 'b', 'o', 'i')
        """
        return self._with(self.schedule.tiled(tiles))

    def layout(self, **layouts):
        """The same work with tensors stored in another order of axes, outermost first.

        `layout(W="oi")` names axes that are plain indices; `layout(X=(1, 2, 0))` gives positions.

        >>> LoopNest("H[b,o] += X[b,i] * W[i,o]", b=1, i=784, o=100).layout(W="oi")
        LoopNest("H[b,o] += X[b,i] * W[i,o]", b=1, o=100, i=784), W stored as (1, 0)
        """
        schedule = self.schedule
        for tensor, axes in layouts.items():
            reference = next(r for r, _ in self.touches if r.name == self._known(tensor))
            schedule = schedule.stored(tensor, axes, reference)
        return self._with(schedule)

    # --- touching memory ------------------------------------------------------------------

    @property
    def touches(self):
        """(reference, kind) in the order of one iteration; a look-up just before what it serves."""
        statement = self.work.statement
        last = walk.UPDATE if statement.accumulates else walk.WRITE
        touches = []
        for reference in statement.references:
            kind = last if reference is statement.output else walk.READ
            touches += [(table, walk.READ) for table in reference.lookups]
            touches.append((reference, kind))
        return touches

    def walk(self, bases=None, names=None):
        """The `walk.Tables` of the nest's touches, in bytes.

        `bases`: {tensor: its first byte}; `names`: tensors by number; the nest's own if not given.
        """
        bases = bases or tables.placed({tensor: self.nbytes(tensor) for tensor in self.tensors})
        size, names = self.work.itemsize, names or self.tensors
        return tables.tables(self.work, self.schedule, self.touches, bases, size, names)

    def streams(self, line=1, coalesce=False, registers=False):
        """Arrays of coded references (see `walk.references`), in lines of `line` bytes."""
        return walk.references(self.walk(), line.bit_length() - 1, coalesce, registers)

    def items(self, line, coalesce):
        """The same stream as arrays and, for loops that only move, `repeats.Repeat`s."""
        return repeats.of_walk(self.walk(), line, coalesce)

    def references(self):
        """{tensor: how often `addresses` refers to it}: the output of `+=` once an iteration.

        >>> LoopNest("s += x[i] * y[i]", i=1000).references()
        {'x': 1000, 'y': 1000, 's': 1000}
        """
        found = dict.fromkeys(self.tensors, 0)
        for reference, _ in self.touches:
            found[reference.name] += self.work.valid
        return found

    def addresses(self, registers=False):
        """The stream of memory references, a `walk.Trace` of byte addresses in program order.

        The output of `+=` is one reference, read and then written.

        >>> LoopNest("s += x[i] * y[i]", i=2).addresses().address.tolist()
        [0, 64, 128, 4, 68, 128]
        """
        return tables.trace(self, registers)

    def run(self, **arrays):
        """The loops, literally, on real arrays: the output as a new array.

        Takes each input by name, in its shape; dtypes float32, float64 or integers, the widest of
        them for all, integers in int64.  `+=` starts from zeros, or from the output where it is
        given.

        >>> import numpy as np
        >>> X, W = np.ones((2, 3), np.float32), np.ones((3, 4), np.float32)
        >>> LoopNest("H[b,o] += X[b,i] * W[i,o]", b=2, i=3, o=4).run(X=X, W=W).tolist()
        [[3.0, 3.0, 3.0, 3.0], [3.0, 3.0, 3.0, 3.0]]
        """
        return execution.run(self, arrays)

    def source(self):
        """The loops as Python text; it runs on NumPy arrays of the tensors' names.

        >>> print(LoopNest("H[b,o] += X[b,i] * W[i,o]", b=2, i=8, o=4).tile(i=3).source())
        for i3 in range(0, 8, 3):
            for b in range(2):
                for o in range(4):
                    for i in range(i3, min(i3 + 3, 8)):
                        H[b,o] += X[b,i] * W[i,o]
        """
        return listing(self.work, self.schedule)

    def __repr__(self):
        sizes = ", ".join(f"{i}={n}" for i, n in self.work.size.items())
        text = f'LoopNest("{self.text}", {sizes})'
        if self.loops != tuple(self.work.size):
            text += f", loops {' '.join(self.loops)}"
        for tensor, axes in self.schedule.layouts.items():
            text += f", {tensor} stored as {axes}"
        return text
