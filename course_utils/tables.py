"""A nest and its schedule as the odometer's table of strides; traces of whole walks."""

from dataclasses import dataclass

import numpy as np

from . import walk

_LONGEST_TRACE = 100_000_000


@dataclass(frozen=True)
class Access:
    """How often the loops read and write the elements of a tensor; adds up and multiplies.

    >>> Access(reads=3, writes=1) + Access(reads=1, writes=0) * 10
    Access(reads=13, writes=1)
    """

    reads: int
    writes: int

    @classmethod
    def once(cls, kind):
        """One touch: a `walk.READ`, a `walk.WRITE` or a `walk.UPDATE`, which is both."""
        return cls(reads=int(kind != walk.WRITE), writes=int(kind != walk.READ))

    def __add__(self, other):
        return Access(self.reads + other.reads, self.writes + other.writes)

    def __mul__(self, times):
        return Access(self.reads * times, self.writes * times)


def counted(source):
    """{tensor: Access} of a walk that keeps the last element of each touch in a register."""
    times = np.zeros(256, np.int64)
    for codes in source.streams(registers=True):
        times += np.bincount(codes & 255, minlength=256)
    return {
        tensor: sum(
            (Access.once(kind) * int(times[number << 2 | kind]) for kind in range(3)), Access(0, 0)
        )
        for number, tensor in enumerate(source.tensors)
    }


def tables(work, schedule, touches, bases, unit, names):
    """The `walk.Tables` of `touches`, (reference, kind) pairs, under a schedule.

    `bases` and `unit`: where each tensor begins and how far apart its elements are, in bytes or in
    elements.  `names`: tensors by number.
    """
    forms = _Forms(work, schedule)
    for reference, _ in touches:
        strides = strides_of(work.shapes[reference.name], schedule.layouts.get(reference.name))
        pairs = list(zip(strides, reference.subscripts, strict=True))
        forms.add(bases[reference.name], unit[reference.name], pairs)
    for reference in work.statement.references:
        for axis, pad in enumerate(work.pads.get(reference.name, ())):
            if pad:
                pairs = [(1, reference.subscripts[axis])]
                forms.add(0, 1, pairs, extent=work.shapes[reference.name][axis])
    if len(names) > walk.MOST_TENSORS:
        raise ValueError(f"a walk tells {walk.MOST_TENSORS} tensors apart; these are {len(names)}")
    labels = [names.index(reference.name) << 2 | kind for reference, kind in touches]
    return forms.tables(np.array(labels, np.int64))


def strides_of(shape, axes=None):
    """Elements between neighbours along each axis, stored row-major in the order `axes`.

    >>> strides_of((784, 100)), strides_of((784, 100), (1, 0))
    ([100, 1], [1, 784])
    """
    strides, step = [0] * len(shape), 1
    for axis in reversed(axes or range(len(shape))):
        strides[axis], step = step, step * shape[axis]
    return strides


class _Forms:
    """Collects the forms; those of look-ups come last, since `walk` reads them first."""

    def __init__(self, work, schedule):
        self.work, self.schedule, self.loops = work, schedule, schedule.loops
        self.rows = []  # (base, strides, extent)
        self.lookups = []  # (base, strides, form that it feeds, coefficient)
        at, self.offsets = 0, {}
        for name, array in work.tables.items():
            self.offsets[name], at = at, at + array.size

    def add(self, base, unit, pairs, extent=-1):
        """A form: base + unit · Σ stride · subscript."""
        strides = np.zeros(len(self.loops), object)
        for stride, subscript in pairs:
            constant, steps = self.affine(subscript)
            base, strides = base + unit * stride * constant, strides + unit * stride * steps
            for coefficient, lookup in subscript.lookups:
                self.add_lookup(lookup, len(self.rows), unit * stride * coefficient)
        self.rows.append((base, strides, extent))

    def add_lookup(self, lookup, fed, coefficient):
        base, strides = self.offsets[lookup.name], np.zeros(len(self.loops), object)
        shape = self.work.tables[lookup.name].shape
        for stride, subscript in zip(strides_of(shape), lookup.subscripts, strict=True):
            constant, steps = self.affine(subscript)
            base, strides = base + stride * constant, strides + stride * steps
        self.lookups.append((base, strides, fed, coefficient))

    def affine(self, subscript):
        """The constant part and what one step of each loop adds."""
        steps = [subscript.terms.get(loop.index, 0) * loop.step for loop in self.loops]
        return subscript.constant, np.array(steps, object)

    def tables(self, labels):
        first = len(self.rows)
        links = [(first + k, fed, c) for k, (_, _, fed, c) in enumerate(self.lookups)]
        rows = self.rows + [(base, strides, -1) for base, strides, _, _ in self.lookups]
        loops = len(self.loops)
        strides = np.zeros((len(rows), loops), object)
        for f, (_, row, _) in enumerate(rows):
            strides[f, : row.size] = row
        trips = [loop.trips for loop in self.loops]
        reach = max(
            abs(b) + sum(abs(s) * t for s, t in zip(row, trips, strict=False)) for b, row, _ in rows
        )
        if reach > walk.LARGEST_ADDRESS:
            raise ValueError(
                f"LoopNest: an address of {reach:,} is too large to walk; use smaller sizes"
            )
        arrays = [a.ravel().astype(np.int64) for a in self.work.tables.values()]
        return walk.Tables(
            trips=np.array(trips, np.int64),
            clips=self.clips(loops),
            base=np.array([base for base, _, _ in rows], np.int64),
            strides=strides.astype(np.int64),
            extents=np.array([extent for _, _, extent in rows], np.int64),
            table=np.concatenate(arrays) if arrays else np.zeros(1, np.int64),
            links=np.array(links, np.int64).reshape(-1, 3),
            labels=labels,
        )

    def clips(self, loops):
        """For each block that its steps do not fill exactly: its bound and the steps within it."""
        rows = []
        for index in dict.fromkeys(loop.index for loop in self.loops):
            blocks = self.schedule.chain(index)
            bounds = [self.work.size[index], *(x.step for x in blocks)]
            for k in range(len(blocks) - 1):
                if bounds[k] % blocks[k].step:
                    steps = [x.step if x in blocks[k:] else 0 for x in self.loops]
                    rows.append([bounds[k], *steps, *[0] * (loops - len(steps))])
        return np.array(rows, np.int64).reshape(-1, 1 + loops)


def trace(source, registers):
    """The `walk.Trace` of a nest or a pipeline; refuses one too long to keep."""
    length = sum(source.references().values())
    if length > _LONGEST_TRACE:
        raise ValueError(
            f"addresses: {length:,} references are too many to keep; replay streams them, "
            "or use smaller sizes"
        )
    parts = [codes.copy() for codes in source.streams(registers=registers)]
    codes = np.concatenate([np.zeros(0, np.int64), *parts])
    labels = (codes & 255).astype(np.int16)
    itemsize = max(map(source.itemsize_of, source.tensors))
    return walk.Trace(codes >> 8, labels >> 2, labels & 3, source.tensors, itemsize)


def placed(nbytes):
    """{tensor: its first byte address}: one after another, each on the next 64-byte boundary.

    >>> placed({"X": 100, "W": 64, "H": 4})
    {'X': 0, 'W': 128, 'H': 192}
    """
    bases, at = {}, 0
    for tensor, size in nbytes.items():
        bases[tensor] = at
        at += -(-size // walk.BOUNDARY) * walk.BOUNDARY
    return bases
