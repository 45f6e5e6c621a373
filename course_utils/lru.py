"""One cache level as a flat loop: a stream of references in, the next level's stream out.

Textbook: set-associative, the least recently used line of a set goes, write-allocate, write-back.
"""

import numpy as np

from . import walk
from ._compiled import compiled

_EMPTY = -4  # the tag of no line, and clean


class Lru:
    """The tags of one level, a row for each set, most recent first, and its counts by tensor."""

    def __init__(self, sets, ways):
        self.tags = np.full((sets, ways), _EMPTY, np.int64)
        self.seen, self.misses, self.write_backs = np.zeros((3, walk.MOST_TENSORS), np.int64)
        self._sent = np.empty(0, np.int64)

    def take(self, codes, store_refreshes):
        """Look up references: those that the next level sees, good until the next call."""
        if self._sent.size < 2 * codes.size:  # a miss sends a fetch and at most one write-back
            self._sent = np.empty(2 * codes.size, np.int64)
        n = look_up(self.tags, store_refreshes, codes, self._sent, self.misses, self.write_backs)
        return self._sent[:n]

    def dirty(self):
        """The tags of the lines that are not yet written back."""
        found = np.empty(self.tags.size, np.int64)
        return found[: dirty_tags(self.tags, found)]


@compiled
def look_up(tags, store_refreshes, codes, sent, misses, write_backs):
    """Run references through one level; how many were sent on, in `sent`.

    A reference is `line << 8 | tensor << 2 | kind`.  A tag is the last one to its line, its kind
    joined with those before: the line is dirty unless all of them were reads.
    """
    sets, ways = tags.shape
    mask = sets - 1 if sets & (sets - 1) == 0 else -1  # sets: a power of two?
    n = 0
    for i in range(codes.size):  # an eighth faster than numba's iteration over an array
        code = codes[i]
        line = code >> 8
        # unsigned, here and at `sent`: numba need not ask whether an index counts from the end
        s = np.uintp(line & mask if mask >= 0 else line % sets)
        if tags[s, 0] == code:
            continue
        carried, k = code, 0
        while k < ways:  # each line moves one way back, to where this one was, or out
            carried, tags[s, k] = tags[s, k], carried
            if carried >> 8 == line:
                break
            k += 1
        if k < ways:
            tags[s, 0] = code | carried & 3
            if not store_refreshes and code & 3 == walk.WRITE:  # all back to where they were
                for j in range(k):
                    tags[s, j] = tags[s, j + 1]
                tags[s, k] = code
            continue
        misses[code >> 2 & 63] += 1
        sent[np.uintp(n)] = code & ~3
        n += 1
        if carried & 3:
            write_backs[carried >> 2 & 63] += 1
            sent[np.uintp(n)] = carried & ~3 | walk.WRITE
            n += 1
    return n


@compiled
def dirty_tags(tags, found):
    """Write the tags of all dirty lines to `found`; how many there are."""
    n = 0
    for s in range(tags.shape[0]):
        for k in range(tags.shape[1]):
            if tags[s, k] == _EMPTY:
                break
            if tags[s, k] & 3:
                found[n] = tags[s, k]
                n += 1
    return n
