"""`miss_curve`: what a cache of every size would do, from one pass over a stream.

The stack distance of a reference is the number of different lines referred to since the last
reference to its line, that line included.  A fully associative LRU cache of C lines holds the C
lines last referred to, so a reference hits if and only if its distance is at most C: one histogram
of distances holds the misses of all sizes (Mattson, Gecsei, Slutz, Traiger 1970).

Write-backs too: a write makes a line dirty anew if the line has left the cache since its last
write, that is, if C is below the largest distance since then.  What was made dirty is written back,
or is left dirty at the end (after Thompson and Smith 1989).
"""

from dataclasses import dataclass, replace

import numpy as np

from . import arguments, sources, units, walk
from ._compiled import compiled, inlined

_NEAR = 8  # lines found by looking at each; the others are counted in a tree


def miss_curve(work, *, writes=None, registers=False, line=64):
    """The `MissCurve` of a stream: misses of a fully associative LRU cache of any size.

    `work`, `writes` and `registers` as `Hierarchy.replay` takes them; `line` in bytes.  Every
    reference is met, some 20 to 50 million a second where its line is near.

    >>> from course_utils import LoopNest
    >>> matmul = LoopNest("C[i,j] += A[i,k] * B[k,j]", i=32, j=32, k=32).order("i", "k", "j")
    >>> curve = miss_curve(matmul, line=32)
    >>> curve.misses(24 * 32), curve.misses("1MiB")
    (4352, 384)
    """
    source = sources.replayable(work, writes, registers, "miss_curve")
    line = arguments.whole(line, "miss_curve: a line")
    if line & (line - 1) or line > walk.LARGEST_ADDRESS:
        raise ValueError(f"miss_curve: a line must be a power of two of bytes; got {line}")
    sources.check_elements(source, line, "miss_curve")
    if _sparse(source, line):
        source, registers = source.addresses(registers), False
    if isinstance(source, walk.Trace):  # its addresses may lie far apart
        _, ranks = np.unique(source.address // line, return_inverse=True)
        source = replace(source, address=ranks.astype(np.int64) * line)
    stack, references = _Stack(len(source.tensors)), np.zeros(walk.MOST_TENSORS, np.int64)
    for codes in sources.tallied(source.streams(line=line, registers=registers), references):
        stack.take(codes)
    named = dict(zip(source.tensors, references.tolist(), strict=False))
    return MissCurve(line, named, *stack.histograms())


def _sparse(source, line):
    """Whether arrays have more lines than are referred to, as a large table of which little is."""
    if isinstance(source, walk.Trace):
        return False
    lines = sum(map(source.nbytes, source.tensors)) // line
    return lines > sum(source.references().values())


@dataclass(frozen=True, repr=False, eq=False)
class MissCurve:
    """What fully associative LRU caches of every size do with one stream.

    `line`: bytes.  `references`: {tensor: how many}.  A size is given in bytes or as text ("32KiB")
    and counts in whole lines; for an array of sizes the answer is an array.
    """

    line: int
    references: dict
    _hits: np.ndarray  # [tensor, C]: references that hit in C lines
    _dirtied: np.ndarray  # [C]: how often a line is made dirty in C lines
    _left: np.ndarray  # [C]: lines that are dirty at the end in C lines

    @property
    def lines(self):
        """How many different lines are referred to; from that size on only first touches miss."""
        return self._dirtied.size - 1

    @property
    def sizes(self):
        """The sizes, in bytes, that miss less than one line less: an increasing array."""
        return (np.flatnonzero(np.diff(self._hits.sum(axis=0))) + 1) * self.line

    def misses(self, size, tensor=None):
        """Lines fetched at a size, of all tensors or of one."""
        if tensor is not None and tensor not in self.references:
            raise ValueError(
                f"MissCurve: no tensor {tensor!r}; there are {', '.join(self.references)}"
            )
        names = list(self.references) if tensor is None else [tensor]
        rows = [list(self.references).index(name) for name in names]
        asked = sum(self.references[name] for name in names)
        return self._at(asked - self._hits[rows].sum(axis=0), size)

    def write_backs(self, size):
        """Dirty lines written back before the end at a size."""
        return self._at(self._dirtied - self._left, size)

    def dirty(self, size):
        """Lines not yet written back at the end at a size."""
        return self._at(self._left, size)

    def moved(self, size):
        """Bytes between the cache and memory at a size, the lines left dirty included."""
        fetched = sum(self.references.values()) - self._hits.sum(axis=0)
        return self._at((fetched + self._dirtied) * self.line, size)

    def _at(self, by_lines, size):
        """The entries of an array by number of lines."""
        several = isinstance(size, list | tuple)
        nbytes = [_nbytes(n) for n in size] if several else _nbytes(size)
        nbytes = arguments.as_array(nbytes, "MissCurve: sizes")
        if not np.issubdtype(nbytes.dtype, np.integer) or np.any(nbytes < self.line):
            raise ValueError(
                f"MissCurve: a size is a whole number of bytes from one line, {self.line} B, on, "
                f"a text such as '32KiB', or an array of such numbers; got {size!r}"
            )
        found = by_lines[np.minimum(nbytes // self.line, self.lines)]
        return found if found.ndim else int(found)

    def __repr__(self):
        first = self.misses(max(self.lines, 1) * self.line)
        return (
            f"MissCurve of {units.count(sum(self.references.values()))} references to "
            f"{', '.join(self.references)}: misses with one line of {self.line} B "
            f"{units.count(self.misses(self.line))}, {units.count(first)} from "
            f"{units.capacity(self.lines * self.line)} on"
        )


def _nbytes(size):
    """A size in bytes, no larger than there are addresses; anything that is no size as it is."""
    size = units.parse_capacity(size) if isinstance(size, str) else size
    return min(size, walk.LARGEST_ADDRESS) if isinstance(size, int) else size


class _Stack:
    """All lines by how recently they were referred to, and histograms of what was met.

    The nearest few stand in a row.  A line that leaves the row gets the next stamp; a tree of sums
    (Fenwick 1994) over the stamps in use tells how many follow a given one.
    """

    def __init__(self, tensors):
        self.near = np.full(_NEAR, -1, np.int64)
        self.clock = np.zeros(2, np.int64)  # the last stamp given, how many are in use
        self.owner = np.empty(0, np.int64)  # the line of each stamp, -1 if it is not in use
        self.tree = np.empty(0, np.int64)
        # of each line: its last stamp; the largest distance since its last write, 0 before any
        self.lines = np.zeros((2, 0), np.int64)
        self.distances = np.zeros((tensors, 1), np.int64)  # references by tensor and distance
        # writes by the largest distance since the last write to the line, 0 for a first one
        self.dirtied = np.zeros(1, np.int64)

    def take(self, codes):
        """Meet references: `line << 8 | tensor << 2 | kind`."""
        self._make_room(int(codes.max() >> 8) + 1 if codes.size else 0)
        meet(
            codes, self.near, self.clock, self.owner, self.tree, self.lines, self.distances,
            self.dirtied,
        )  # fmt: skip

    def _make_room(self, lines):
        known = self.lines.shape[1]
        if lines <= known:
            return
        more = max(lines, 2 * known) - known
        self.lines = np.pad(self.lines, ((0, 0), (0, more)))
        self.distances = np.pad(self.distances, ((0, 0), (0, more)))
        self.dirtied = np.pad(self.dirtied, (0, more))
        stamps = 2 * (known + more) + 2  # half of them are free again when all were given
        self.owner = np.pad(self.owner, (0, stamps - self.owner.size), constant_values=-1)
        self.tree = np.zeros(stamps, np.int64)
        restamp(self.clock, self.owner, self.tree, self.lines)

    def histograms(self):
        """[tensor, C]: references that hit in C lines; [C]: how often a line is made dirty in C
        lines; [C]: lines dirty at the end in C lines; for C from 0 to all lines ever touched."""
        at_end = np.zeros_like(self.dirtied)
        leave(self.near, self.clock, self.owner, self.tree, self.lines, at_end)
        touched = 1 + np.count_nonzero(self.near >= 0) + int(self.clock[1])
        hits = np.cumsum(self.distances[:, :touched], axis=1)
        clean = np.cumsum(self.dirtied[:touched]) - self.dirtied[0]  # writes to a dirty line
        return hits, self.dirtied.sum() - clean, np.cumsum(at_end[:touched])


@inlined
def since(stamp, in_use, tree):
    """How many stamps in use are not before this one."""
    count, s = in_use, stamp - 1
    while s > 0:
        count -= tree[s]
        s -= s & -s
    return count


@inlined
def add(stamp, change, tree):
    """Count one stamp more, or one less."""
    s = stamp
    while s < tree.size:
        tree[s] += change
        s += s & -s


@compiled
def meet(codes, near, clock, owner, tree, lines, distances, dirtied):
    """Move the line of each reference to the front; count its distance, and writes by theirs."""
    for code in codes:
        line, tensor, writes = code >> 8, code >> 2 & 63, code & 3 != 0
        carried, k = line, 0
        while k < near.size:  # each line moves one place back, to where this one was, or out
            carried, near[k] = near[k], carried
            if carried == line:
                break
            k += 1
        distance = k + 1
        if k == near.size:
            stamp, distance = lines[0, line], 0
            if stamp:
                distance = near.size + since(stamp, clock[1], tree)
                add(stamp, -1, tree)
                owner[stamp], clock[1] = -1, clock[1] - 1
            if carried >= 0:
                if clock[0] + 1 == tree.size:
                    restamp(clock, owner, tree, lines)
                clock += 1
                owner[clock[0]], lines[0, carried] = carried, clock[0]
                add(clock[0], 1, tree)
        if distance:
            distances[tensor, distance] += 1
        largest = max(lines[1, line], distance) if lines[1, line] else 0
        if writes:
            dirtied[largest] += 1
        lines[1, line] = 1 if writes else largest


@compiled
def restamp(clock, owner, tree, lines):
    """Give the lines stamps from 1 on, in the same order."""
    n = 0
    for stamp in range(1, clock[0] + 1):
        line, owner[stamp] = owner[stamp], -1
        if line >= 0:
            n += 1
            owner[n], lines[0, line] = line, n
    clock[:] = n
    tree[:] = 0
    for stamp in range(1, tree.size):
        tree[stamp] += stamp <= n
        parent = stamp + (stamp & -stamp)
        if parent < tree.size:
            tree[parent] += tree[stamp]


@compiled
def leave(near, clock, owner, tree, lines, at_end):
    """Count the lines ever written by the smallest cache in which they are dirty at the end."""
    for k in range(near.size):
        if near[k] >= 0 and lines[1, near[k]]:
            at_end[max(lines[1, near[k]], k + 1)] += 1
    for stamp in range(1, clock[0] + 1):
        line = owner[stamp]
        if line >= 0 and lines[1, line]:
            depth = near.size + since(stamp, clock[1], tree)
            at_end[max(lines[1, line], depth)] += 1
