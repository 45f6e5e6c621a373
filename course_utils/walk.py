"""The odometer: one compiled walk that serves every loop nest, and the trace it leaves.

A nest is a table of strides.  Each *form* is an integer that depends on where the loops stand:
the address of a touched element, the subscript of a padded axis, or a position in an index array.
"""

from collections import namedtuple
from dataclasses import dataclass

import numpy as np

from ._compiled import compiled

READ, WRITE, UPDATE = 0, 1, 2  # UPDATE: a `+=` output, read and then written

# What a coded reference, `line << 8 | tensor << 2 | kind`, has room for in 63 bits.
MOST_TENSORS = 64
LARGEST_ADDRESS = 1 << 54

Tables = namedtuple(
    "Tables",
    [
        "trips",  # (loops,) steps of each loop when nothing clips it
        "clips",  # (clips, 1 + loops) a bound, then the step of each loop that counts towards it
        "base",  # (forms,) value of each form where all loops stand at 0
        "strides",  # (forms, loops) what one step of a loop adds to it
        "extents",  # (forms,) a padded axis must lie in [0, extent); -1 where nothing is checked
        "table",  # all index arrays, flattened, one after another
        "links",  # (links, 3) form of a position in `table`, form it feeds, coefficient
        "labels",  # (touches,) tensor << 2 | kind; forms 0 … touches-1 are the addresses
    ],
)


@compiled
def enter(k, tables, counter, count):
    """Put loop k at 0 and find how many steps it takes under the loops outside it."""
    counter[k] = 0
    steps = tables.trips[k]
    for row in range(tables.clips.shape[0]):
        step = tables.clips[row, 1 + k]
        if step > 0:
            left = tables.clips[row, 0]
            for j in range(k):
                left -= tables.clips[row, 1 + j] * counter[j]
            steps = min(steps, (left + step - 1) // step)
    count[k] = steps


@compiled
def start(tables, counter, count):
    """Put every loop at its first step."""
    for k in range(counter.size):
        enter(k, tables, counter, count)


@compiled
def advance(tables, counter, count):
    """Move all loops but the innermost to their next setting; False after the last one."""
    last = counter.size - 1
    for k in range(last - 1, -1, -1):
        counter[k] += 1
        if counter[k] < count[k]:
            for j in range(k + 1, last + 1):
                enter(j, tables, counter, count)
            return True
    return False


@compiled
def place(tables, counter, value):
    """Write the value of every form where the loops stand now."""
    for f in range(value.size):
        here = tables.base[f]
        for k in range(counter.size):
            here += tables.strides[f, k] * counter[k]
        value[f] = here
    for m in range(tables.links.shape[0]):
        position, fed, coefficient = tables.links[m]
        value[fed] += coefficient * tables.table[value[position]]


@compiled
def inside(tables, value, length):
    """The steps [first, end) of the innermost loop at which no padded axis is left."""
    last = tables.trips.size - 1
    first, end = 0, length
    for f in range(value.size):
        extent = tables.extents[f]
        if extent < 0:
            continue
        step = tables.strides[f, last]
        if step == 0:
            if not 0 <= value[f] < extent:
                end = 0
        elif step > 0:
            first = max(first, (-value[f] + step - 1) // step)
            end = min(end, (extent - 1 - value[f]) // step + 1)
        else:
            first = max(first, (value[f] - extent + 1 - step - 1) // -step)
            end = min(end, value[f] // -step + 1)
    return first, end


@compiled
def stretch(tables, counter, count):
    """How many steps of the innermost loop are affine from here: all, or one at a look-up."""
    last = counter.size - 1
    for m in range(tables.links.shape[0]):
        if tables.strides[tables.links[m, 0], last] != 0:
            return 1
    return count[last] - counter[last]


@compiled
def execute(tables, memory, accumulates, product, counter, count):
    """Run the nest on `memory`, the elements of all its tensors, one touch after another.

    The touches here are the factors and then the output; addresses are positions in `memory`.
    """
    last = counter.size - 1
    touches = tables.labels.size
    value = np.empty(tables.base.size, np.int64)
    start(tables, counter, count)
    while True:
        while counter[last] < count[last]:
            length = stretch(tables, counter, count)
            place(tables, counter, value)
            first, end = inside(tables, value, length)
            for t in range(first, end):
                result = memory[value[0] + tables.strides[0, last] * t]
                for r in range(1, touches - 1):
                    factor = memory[value[r] + tables.strides[r, last] * t]
                    result = result * factor if product else result + factor
                at = value[touches - 1] + tables.strides[touches - 1, last] * t
                memory[at] = memory[at] + result if accumulates else result
            counter[last] += length
        if not advance(tables, counter, count):
            return


@compiled
def emit(tables, counter, count, held, shift, coalesce, registers, out):
    """Fill `out` with references from where the walk stands: how many, and whether it ended.

    A reference is `(address >> shift) << 8 | tensor << 2 | kind`, in program order.
    `coalesce` leaves out steps at which no touch enters a new line of 2**shift bytes;
    `registers` leaves out touches of the element that the same touch held the step before.
    """
    last = counter.size - 1
    touches = tables.labels.size
    value = np.empty(tables.base.size, np.int64)
    filled = 0
    while True:
        while counter[last] < count[last]:
            length = stretch(tables, counter, count)
            place(tables, counter, value)
            t, end = inside(tables, value, length)
            while t < end:
                if filled + touches > out.size:
                    counter[last] += t
                    return filled, False
                jump = end - t if coalesce else 1
                for r in range(touches):
                    step = tables.strides[r, last]
                    address = value[r] + step * t
                    if registers:
                        if address == held[r]:
                            continue
                        held[r] = address
                    line = address >> shift
                    out[filled] = line << 8 | tables.labels[r]
                    filled += 1
                    if coalesce and step > 0:
                        jump = min(jump, (((line + 1) << shift) - address + step - 1) // step)
                    elif coalesce and step < 0:
                        jump = min(jump, (address - (line << shift)) // -step + 1)
                t += jump
            counter[last] += length
        if not advance(tables, counter, count):
            return filled, True


def references(tables, shift=0, coalesce=False, registers=False, chunk=1 << 16):
    """The references of a whole walk, in arrays of at most `chunk` of them."""
    loops, touches = tables.trips.size, tables.labels.size
    counter, count = np.zeros(loops, np.int64), np.zeros(loops, np.int64)
    held = np.full(touches, -1, np.int64)
    start(tables, counter, count)
    ended = False
    while not ended:
        out = np.empty(max(chunk, touches), np.int64)
        filled, ended = emit(tables, counter, count, held, shift, coalesce, registers, out)
        if filled:
            yield out[:filled]


@dataclass(frozen=True)
class Trace:
    """A stream of memory references in program order.

    `address`: byte addresses, int64.  `tensor`: for each, its place in `tensors`, the names.
    `kind`: 0 a read, 1 a write, 2 a read that is then written (the output of `+=`).
    """

    address: np.ndarray
    tensor: np.ndarray
    kind: np.ndarray
    tensors: tuple

    def __len__(self):
        return self.address.size

    def __repr__(self):
        return f"Trace of {len(self):,} references to {', '.join(self.tensors)}"

    def of(self, name):
        """The addresses at which one tensor is touched, in order."""
        if name not in self.tensors:
            raise ValueError(f"Trace: no tensor {name!r}; there are {', '.join(self.tensors)}")
        return self.address[self.tensor == self.tensors.index(name)]

    def streams(self, line=1, coalesce=False, registers=False, chunk=1 << 16):
        """The trace as arrays of coded references; a trace is neither coalesced nor merged."""
        shift = line.bit_length() - 1
        labels = self.tensor.astype(np.int64) << 2 | self.kind
        for at in range(0, len(self), chunk):
            part = slice(at, at + chunk)
            yield (self.address[part] >> shift) << 8 | labels[part]
