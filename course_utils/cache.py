"""`Cache` and `Hierarchy`: replay a nest, a pipeline or any stream of addresses, exactly.

Each level is one flat loop: it takes a stream of references and leaves the stream that the next
level sees, the fetch of every missed line and then its dirty victim, if there is one.
"""

import re
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from . import sources, units, walk
from .lru import Lru

_LONGEST_LINE = 2 * units.MiB  # as long as a page may be
_MOST_LINES = 1 << 27


@dataclass(frozen=True)
class Cache:
    """One level: `size` in bytes or as text ("32KiB"), `ways`, `line` in bytes.

    A textbook cache: set-associative; of a full set the line least recently used goes; a missed
    write fetches its line (write-allocate); a dirty line is written when it goes (write-back);
    nothing is fetched unasked (no prefetch).

    >>> Cache("32KiB", ways=8)
    Cache(32 KiB: 512 lines of 64 B, 64 sets × 8 ways)
    """

    size: int | str
    ways: int = 8
    line: int = 64

    def __post_init__(self):
        object.__setattr__(self, "size", units.parse_capacity(self.size))
        for name in ("size", "ways", "line"):
            value = getattr(self, name)
            if not isinstance(value, int | np.integer) or isinstance(value, bool) or value < 1:
                raise ValueError(
                    f"Cache: {name} must be a whole number of at least 1; got {value!r}"
                )
        if self.line & (self.line - 1):
            raise ValueError(f"Cache: a line must be a power of two of bytes; got {self.line}")
        if self.line > _LONGEST_LINE or self.size // self.line > _MOST_LINES:
            raise ValueError(
                f"Cache: {self.size:,} B in lines of {self.line:,} B; a line has at most "
                f"{units.capacity(_LONGEST_LINE)}, and a cache {_MOST_LINES:,} lines"
            )
        if self.size % (self.line * self.ways):
            whole = max(self.size // (self.line * self.ways), 1) * self.line * self.ways
            raise ValueError(
                f"Cache: {self.size:,} B is no multiple of {self.ways} ways × {self.line} B lines; "
                f"take {whole:,} B, or other ways"
            )

    @property
    def sets(self):
        return self.size // (self.line * self.ways)

    def __repr__(self):
        sets = f"{self.sets:,} set{'s' if self.sets > 1 else ''}"
        return (
            f"Cache({units.capacity(self.size)}: {self.sets * self.ways:,} lines of {self.line} B, "
            f"{sets} × {self.ways} ways)"
        )


@dataclass(frozen=True)
class Count:
    """What a level saw of one tensor: references, misses, write-backs; they add up.

    >>> (Count(references=10, misses=3) + Count(references=5, misses=1)).hits
    11
    """

    references: int = 0
    misses: int = 0
    write_backs: int = 0

    @property
    def hits(self):
        return self.references - self.misses

    def __add__(self, other):
        return Count(*(a + b for a, b in zip(_counts(self), _counts(other), strict=True)))


def _counts(count):
    return count.references, count.misses, count.write_backs


@dataclass(frozen=True)
class Level(Count):
    """The totals of one level, and `tensors`: {name: Count}."""

    cache: Cache = None
    tensors: dict = field(default_factory=dict)


@dataclass(frozen=True)
class Replay:
    """What a replay found: `levels`, nearest first; `dirty`: {tensor: lines not yet written back}.

    `misses` and `write_backs` are the last level's: lines fetched from and written to memory.
    """

    levels: tuple
    dirty: dict

    @property
    def misses(self):
        return self.levels[-1].misses

    @property
    def write_backs(self):
        return self.levels[-1].write_backs

    @property
    def moved(self):
        """Bytes between the last level and memory, the lines left dirty at the end included."""
        lines = self.misses + self.write_backs + sum(self.dirty.values())
        return lines * self.levels[-1].cache.line

    def __repr__(self):
        rows = [("", "references", "misses", "write-backs")]
        for n, level in enumerate(self.levels, 1):
            size = f"L{n} {units.capacity(level.cache.size)}/{level.cache.ways}"
            rows.append((size, *map(units.count, _counts(level))))
            if len(level.tensors) > 1:
                rows += [
                    (f"  {t}", *map(units.count, _counts(c))) for t, c in level.tensors.items()
                ]
        widths = [max(len(row[k]) for row in rows) for k in range(4)]
        lines = [
            "  ".join([row[0].ljust(widths[0]), *(row[k].rjust(widths[k]) for k in (1, 2, 3))])
            for row in rows
        ]
        terms = [(self.misses, "missed"), (self.write_backs, "written back")]
        terms += [(n, "left to write back") for n in [sum(self.dirty.values())] if n]
        total = units.count(sum(n for n, _ in terms))
        sums = " + ".join(f"{units.count(n)} {what}" for n, what in terms)
        lines += [f"lines moved: {sums} = {total}", f"bytes moved: {units.nbytes(self.moved)}"]
        return "\n".join(lines)


class Hierarchy:
    """One or more caches, nearest first, with lines of one size.

    A level sees what the one before fetches and writes back, and nothing else: it need not hold
    what the nearer one holds, nor lack it.  A line written back to a level that does not have it
    is fetched there first, as for any write, and counts as a miss.
    `store_refreshes=False`: a store that hits leaves the line's age as it is (as pycachesim does).

    >>> Hierarchy.parse("32KiB/8 + 1MiB/16")
    Hierarchy(32 KiB/8 + 1 MiB/16)
    """

    def __init__(self, *caches, store_refreshes=True):
        if not caches or not all(isinstance(c, Cache) for c in caches):
            raise ValueError(
                "Hierarchy: give one or more Caches, nearest first, or text to Hierarchy.parse, "
                f"such as '32KiB/8 + 1MiB/16'; got {caches!r}"
            )
        if any(near.size > far.size for near, far in pairwise(caches)):
            sizes = ", ".join(units.capacity(c.size) for c in caches)
            raise ValueError(f"Hierarchy: the nearest cache comes first, the smallest; got {sizes}")
        if len({c.line for c in caches}) > 1:
            lines = ", ".join(f"{c.line} B" for c in caches)
            raise ValueError(f"Hierarchy: all levels share one line size; got {lines}")
        self.caches, self.store_refreshes = tuple(caches), bool(store_refreshes)

    @classmethod
    def parse(cls, text, store_refreshes=True):
        """A hierarchy from text: levels "size/ways" or "size/ways/line", joined by "+".

        >>> Hierarchy.parse("768/24/32").caches
        (Cache(768 B: 24 lines of 32 B, 1 set × 24 ways),)
        """
        caches = []
        for level in str(text).split("+"):
            parts = [part.strip() for part in level.split("/")]
            if len(parts) not in (2, 3) or not all(
                re.fullmatch("[0-9]{1,9}", p) for p in parts[1:]
            ):
                raise ValueError(
                    f"Hierarchy: {level.strip()!r} in {text!r} is no level; "
                    "write size/ways, such as '32KiB/8', or size/ways/line"
                )
            caches.append(Cache(parts[0], *map(int, parts[1:])))
        return cls(*caches, store_refreshes=store_refreshes)

    def replay(self, work, *, writes=None, registers=False):
        """What each level does, from empty, while `work` runs: a `Replay`.

        `work`: a `LoopNest`, a `Pipeline`, a `walk.Trace`, arrays that are watched, or an array of
        byte addresses, all of them reads unless `writes` says otherwise (an array of booleans).
        `registers=True`: consecutive touches of one element reach the cache once (nests and
        pipelines).

        Repetitions that only move (heads, images of a batch, rows) are not looked up one by one,
        except with `registers`: the counts are the same, see `lru`.

        >>> from course_utils import LoopNest
        >>> replay = Hierarchy.parse("32KiB/8").replay(LoopNest("s += x[i] * y[i]", i=1000))
        >>> replay.misses, replay.levels[0].tensors["x"], replay.moved
        (127, Count(references=1000, misses=63, write_backs=0), 8192)
        """
        source = sources.replayable(work, writes, registers, "replay")
        line, names = self.caches[0].line, source.tensors
        coalesce = self._repeats_are_idle(source)
        sources.check_elements(source, line, "replay")
        levels = [Lru(cache.sets, cache.ways) for cache in self.caches]
        if registers or not hasattr(source, "items"):
            items = sources.tallied(source.streams(line=line, registers=registers), levels[0].seen)
        else:  # what is left out of the items were hits of the first level
            items = source.items(line, coalesce)
            levels[0].seen[: len(names)] = list(source.references().values())
        for level in levels:
            items = level.stream(items, self.store_refreshes)
        for _ in items:
            pass
        for near, far in pairwise(levels):
            far.seen += near.misses + near.write_backs
        pairs = zip(self.caches, levels, strict=True)
        counted = tuple(_counted(cache, level, names) for cache, level in pairs)
        return Replay(counted, _dirty(levels, names))

    def _repeats_are_idle(self, source):
        """Whether a step on the lines of the step before changes nothing in the first level.

        Not where a step touches more lines than there are ways, so that its own may evict one
        another; and not where a store leaves its line's age, since then the line grows older.
        """
        steps = [nest.touches for nest in sources.nests(source)]
        ages = any(kind == walk.WRITE for step in steps for _, kind in step)
        fits = bool(steps) and self.caches[0].ways >= max(map(len, steps))
        return fits and (self.store_refreshes or not ages)

    def __repr__(self):
        levels = " + ".join(f"{units.capacity(c.size)}/{c.ways}" for c in self.caches)
        return f"Hierarchy({levels})"


def _counted(cache, level, names):
    """What a level saw, as a `Level`."""
    numbers = np.stack([level.seen, level.misses, level.write_backs], axis=1).tolist()
    each = {name: Count(*three) for name, three in zip(names, numbers, strict=False)}
    return Level(*_counts(sum(each.values(), Count())), cache=cache, tensors=each)


def _dirty(levels, names):
    """{tensor: lines that some level still holds dirty}; a line dirty in two levels counts once."""
    found, nearer = np.zeros(walk.MOST_TENSORS, np.int64), np.empty(0, np.int64)
    for level in levels:
        tags = level.dirty()
        tags = tags[~np.isin(tags >> 8, nearer)]
        found += np.bincount(tags >> 2 & 63, minlength=walk.MOST_TENSORS)
        nearer = np.concatenate([nearer, tags >> 8])
    return dict(zip(names, found.tolist(), strict=False))
