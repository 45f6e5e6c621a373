"""The odometer: one compiled walk that serves every loop nest, and the trace it leaves.

A nest is a table of strides.  Each *form* is an integer that depends on where the loops stand:
the address of a touched element, the subscript of a padded axis, or a position in an index array.
"""

from collections import namedtuple
from dataclasses import dataclass

import numpy as np

from ._compiled import compiled, inlined

READ, WRITE, UPDATE = 0, 1, 2  # UPDATE: a `+=` output, read and then written

# What a coded reference, `line << 8 | tensor << 2 | kind`, has room for in 63 bits.
MOST_TENSORS = 64
LARGEST_ADDRESS = 1 << 54

BOUNDARY = 64  # bytes: each array begins on a multiple

STEPS_AT_ONCE = 1 << 14  # their references stay near the core of the computer that replays them

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


@inlined
def enter(k, trips, clips, counter, count):
    """Put loop k at 0 and find how many steps it takes under the loops outside it."""
    counter[k] = 0
    steps = trips[k]
    for row in range(clips.shape[0]):
        step = clips[row, 1 + k]
        if step > 0:
            left = clips[row, 0]
            for j in range(k):
                left -= clips[row, 1 + j] * counter[j]
            steps = min(steps, (left + step - 1) // step)
    count[k] = steps


@inlined
def start(trips, clips, counter, count):
    """Put every loop at its first step."""
    for k in range(counter.size):
        enter(k, trips, clips, counter, count)


@inlined
def advance(trips, clips, counter, count):
    """Move all loops but the innermost to their next setting; False after the last one."""
    last = counter.size - 1
    for k in range(last - 1, -1, -1):
        counter[k] += 1
        if counter[k] < count[k]:
            for j in range(k + 1, last + 1):
                enter(j, trips, clips, counter, count)
            return True
    return False


@inlined
def place(base, strides, links, table, counter, value):
    """Write the value of every form where the loops stand now."""
    for f in range(value.size):
        here = base[f]
        for k in range(counter.size):
            here += strides[f, k] * counter[k]
        value[f] = here
    for m in range(links.shape[0]):
        value[links[m, 1]] += links[m, 2] * table[value[links[m, 0]]]


@inlined
def inside(extents, strides, value, length):
    """The steps [first, end) of the innermost loop at which no padded axis is left."""
    last = strides.shape[1] - 1
    first, end = 0, length
    for f in range(value.size):
        extent = extents[f]
        if extent < 0:
            continue
        step = strides[f, last]
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


@inlined
def stretch(strides, links, counter, count):
    """How many steps of the innermost loop are affine from here: all, or one at a look-up."""
    last = counter.size - 1
    length = count[last] - counter[last]
    for m in range(links.shape[0]):
        if strides[links[m, 0], last] != 0:
            length = 1
    return length


@compiled
def execute(tables, memory, accumulates, product, counter, count):
    """Run the nest on `memory`, the elements of all its tensors, one touch after another.

    The touches here are the factors and then the output; addresses are positions in `memory`.
    """
    trips, clips, base, strides, extents, table, links, labels = tables
    last, touches = counter.size - 1, labels.size
    value = np.empty(base.size, np.int64)
    start(trips, clips, counter, count)
    while True:
        while counter[last] < count[last]:
            length = stretch(strides, links, counter, count)
            place(base, strides, links, table, counter, value)
            first, end = inside(extents, strides, value, length)
            for t in range(first, end):
                result = memory[value[0] + strides[0, last] * t]
                for r in range(1, touches - 1):
                    factor = memory[value[r] + strides[r, last] * t]
                    result = result * factor if product else result + factor
                at = value[touches - 1] + strides[touches - 1, last] * t
                memory[at] = memory[at] + result if accumulates else result
            counter[last] += length
        if not advance(trips, clips, counter, count):
            return


@inlined
def write_step(row, out, value, steps, t, shift, labels, ahead):
    """Code step t of the innermost loop; how many steps on it some touch enters a new line."""
    room = ahead.size - 1
    for r in range(labels.size):
        step = steps[r]
        address = value[r] + step * t
        out[row, r] = address >> shift << 8 | labels[r]
        if step > 0:
            room = min(room, ~address & (ahead.size - 1))
        elif step < 0:
            room = min(room, address & (ahead.size - 1))
    return ahead[room]


@inlined
def write_steps(row, out, value, steps, t, shift, labels, length):
    """Code `length` steps of the innermost loop from t on, one touch after another."""
    for r in range(labels.size):
        step, label = steps[r], labels[r]
        address = value[r] + step * t
        for n in range(row, row + length):
            out[n, r] = address >> shift << 8 | label
            address += step


@compiled
def emit(tables, counter, count, shift, coalesce, out):
    """Fill rows of `out` from where the walk stands: how many, and whether it ended.

    A row is one step: `(address >> shift) << 8 | label` of each touch.  `coalesce` leaves out steps
    at which no touch enters a new line of 2**shift bytes.  A walk whose `count` is 0 begins.
    """
    trips, clips, base, strides, extents, table, links, labels = tables
    last = counter.size - 1
    value = np.empty(base.size, np.int64)
    steps = strides[: labels.size, last].copy()
    longest = max(1, np.abs(steps).max())
    ahead = np.arange(1 << shift) // longest + 1  # steps that leave a line with so many bytes to go
    leap = coalesce and longest < ahead.size
    if count[0] == 0:
        start(trips, clips, counter, count)
    row = 0
    while True:
        while counter[last] < count[last]:
            length = stretch(strides, links, counter, count)
            place(base, strides, links, table, counter, value)
            t, end = inside(extents, strides, value, length)
            while t < end and row < out.shape[0]:
                if leap:
                    t += write_step(row, out, value, steps, t, shift, labels, ahead)
                    row += 1
                else:
                    many = min(end - t, out.shape[0] - row)
                    write_steps(row, out, value, steps, t, shift, labels, many)
                    t += many
                    row += many
            if t < end:
                counter[last] += t
                return row, False
            counter[last] += length
        if not advance(trips, clips, counter, count):
            return row, True


def references(tables, shift=0, coalesce=False, registers=False):
    """The references of a walk in program order, in arrays: `address >> shift << 8 | label`.

    `coalesce` leaves out steps at which no touch enters a new line of 2**shift bytes;
    `registers` leaves out touches of the element that the same touch held the step before.
    An array is good until the next one is asked for: they share their memory.
    """
    if registers:
        yield from _in_registers(_rows(tables, 0, False), shift)
    else:
        for rows in _rows(tables, shift, coalesce):
            yield rows.ravel()


def _rows(tables, shift, coalesce):
    """The walk in pieces: a row for each step, a column for each touch."""
    counter, count = np.zeros((2, tables.trips.size), np.int64)
    out = np.empty((STEPS_AT_ONCE, tables.labels.size), np.int64)
    ended = False
    while not ended:
        filled, ended = emit(tables, counter, count, shift, coalesce, out)
        if filled:
            yield out[:filled]


def _in_registers(pieces, shift):
    """Of rows of references to elements, those that differ from the row above, as lines."""
    held = -1  # no reference
    for rows in pieces:
        above = np.empty_like(rows)
        above[0], above[1:] = held, rows[:-1]
        held = rows[-1].copy()
        codes = rows[rows != above]
        yield codes >> 8 >> shift << 8 | codes & 255


@dataclass(frozen=True)
class Trace:
    """A stream of memory references in program order.

    `address`: byte addresses, int64.  `tensor`: for each, its place in `tensors`, the names.
    `kind`: 0 a read, 1 a write, 2 a read that is then written (the output of `+=`).
    `itemsize`: bytes of the longest element that is referred to.
    """

    address: np.ndarray
    tensor: np.ndarray
    kind: np.ndarray
    tensors: tuple
    itemsize: int = 1

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
