"""One cache level as a flat loop: a stream of references in, the next level's stream out.

Textbook: set-associative, the least recently used line of a set goes, write-allocate, write-back.
"""

import numpy as np

from . import repeats, walk
from ._compiled import compiled

_EMPTY = -4  # the tag of no line, and clean
_FREE = 1 << 15  # tags that may be looked at in advance: beyond, one for each reference


class Lru:
    """The tags of one level, a row for each set, most recent first, and its counts by tensor."""

    def __init__(self, sets, ways):
        self.tags = np.full((sets, ways), _EMPTY, np.int64)
        self.seen, self.misses, self.write_backs = np.zeros((3, walk.MOST_TENSORS), np.int64)
        self._sent = np.empty(0, np.int64)
        self._taken = self._looked = 0  # references; tags looked at to find turns that only move

    def stream(self, items, store_refreshes):
        """Look up all items: those that the next level sees.  An array is good until the next."""
        for item in items:
            if isinstance(item, repeats.Repeat):
                yield from self._repeat(item, store_refreshes)
            else:
                yield self._take(item, store_refreshes)

    def _take(self, codes, store_refreshes):
        if self._sent.size < 2 * codes.size:  # a miss sends a fetch and at most one write-back
            self._sent = np.empty(2 * codes.size, np.int64)
        n = look_up(self.tags, store_refreshes, codes, self._sent, self.misses, self.write_backs)
        self._taken += codes.size
        return self._sent[:n]

    def _repeat(self, repeat, store_refreshes):
        """Look up a Repeat until a turn only moves the state; what is left follows from that turn.

        Turns are taken in groups that bring each line back to its set.  Say a group finds the state
        `s`, refers to `x`, and leaves `m(s)`, where `m` moves lines as the Repeat does.  The next
        one finds `m(s)` and refers to `m(x)`, so it leaves `m(m(s))`: a level knows lines only by
        which are the same and by their sets, and `m` keeps both.  (No two arrays share a line, and
        `m` keeps each in its own array.  For the foremost line of an array in `m(s)` was referred
        to by this group: otherwise it would be in `s`, and a line further on in `m(s)`.)
        """
        group = repeats.period(repeat.shift, self.tags.shape[0])
        shift, done, looks, skip = repeat.shift * group, 0, 0, 0
        while done + (skip + 2) * group <= repeat.count:
            yield from self.stream(repeat.turns(done, skip * group), store_refreshes)
            done += skip * group
            looks += 1
            skip = 1 << looks >> 2  # a look costs: look at groups 0, 1, 3, 6, 11, …
            if self._looked + self.tags.size > self._taken + _FREE:
                continue
            before, counts, sent = self._moved(shift), self._counts(), repeats.Recording()
            for item in self.stream(repeat.turns(done, group), store_refreshes):
                sent.add(item)
                yield item
            done += group
            self._looked += self.tags.size
            if not sent.given_up and np.array_equal(before, self.tags):
                left = (repeat.count - done) // group
                self.misses, self.write_backs = self._counts() + left * (self._counts() - counts)
                self.tags = self._moved(shift * left)
                yield sent.again(left, shift)
                done += left * group
                break
        yield from self.stream(repeat.turns(done, repeat.count - done), store_refreshes)

    def _counts(self):
        return np.stack([self.misses, self.write_backs])

    def _moved(self, by):
        """The tags when their lines lie further on, by tensor."""
        tags = self.tags.ravel()
        tags = np.where(tags == _EMPTY, _EMPTY, repeats.moved(tags, by))
        return tags.reshape(self.tags.shape)

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
