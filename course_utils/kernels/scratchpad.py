"""A scratchpad: a small memory beside the arithmetic that the program itself fills and empties."""

# ruff: noqa: E741  (m, l and O are the names of the papers)

import copy
from functools import wraps

import numpy as np

from .. import units
from ..arguments import as_array, whole
from .arrays import fitting, floats
from .dynamic import mean, merge, nothing, part, tiles


class Scratchpad:
    """Room for `size` bytes ("96KiB") of elements; it refuses to be overfilled.

    An element takes `itemsize` bytes here, whatever NumPy's type of it.  What crosses to and from
    main memory is counted, in elements, by name: `loaded`, `stored`.

    >>> pad = Scratchpad("16B", itemsize=4)
    >>> pad.load("x", np.ones(3)).tolist(), pad.free
    ([1.0, 1.0, 1.0], 1)
    >>> pad.room("y", 2)
    Traceback (most recent call last):
    ...
    ValueError: Scratchpad: 'y' needs 2 elements; free are 1 of 4 (x 3); drop one, or load less
    """

    def __init__(self, size, itemsize=4):
        nbytes = whole(units.parse_capacity(size), "Scratchpad: size in bytes")
        self.capacity = nbytes // whole(itemsize, "Scratchpad: itemsize")
        self.held = {}  # name -> elements
        self.loaded, self.stored = {}, {}
        self.peak = 0

    @property
    def free(self):
        """Elements for which there is room."""
        return self.capacity - sum(self.held.values())

    def __repr__(self):
        here = ", ".join(f"{name} {units.count(n)}" for name, n in self.held.items())
        return (
            f"Scratchpad of {units.count(self.capacity)} elements: {here or 'empty'}; "
            f"{units.count(self.traffic)} have crossed"
        )

    @property
    def traffic(self):
        """Elements loaded and stored so far."""
        return sum(self.loaded.values()) + sum(self.stored.values())

    def room(self, name, elements):
        """Keep room for what is computed here, and crosses nothing."""
        if name in self.held:
            raise ValueError(f"Scratchpad: {name!r} is here already; drop it first")
        elements = whole(elements, f"Scratchpad: elements of {name!r}")
        if elements > self.free:
            held = ", ".join(f"{n} {units.count(size)}" for n, size in self.held.items())
            raise ValueError(
                f"Scratchpad: {name!r} needs {units.count(elements)} elements; free are "
                f"{units.count(self.free)} of {units.count(self.capacity)}"
                + (f" ({held}); drop one, or load less" if held else "; load less")
            )
        self.held[name] = elements
        self.peak = max(self.peak, self.capacity - self.free)

    def load(self, name, array):
        """A copy of the array, in room of its own; its elements cross once."""
        array = as_array(array, f"Scratchpad: {name!r}")
        self.room(name, array.size)
        self.loaded[name] = self.loaded.get(name, 0) + array.size
        return array.copy()

    def store(self, name, array, out):
        """Write what is held as `name` to `out`, an array in main memory; its elements cross."""
        array = as_array(array, f"Scratchpad: {name!r}")
        if not isinstance(out, np.ndarray) or out.shape != array.shape:
            raise ValueError(
                f"Scratchpad: {name!r} has shape {array.shape}; what it is stored to must be an "
                f"array of that shape, and is of {np.shape(out)}"
            )
        if self.held.get(name, 0) < array.size:
            raise ValueError(
                f"Scratchpad: {array.size} elements of {name!r} cannot be stored; "
                f"{self.held.get(name, 0)} are here"
            )
        self.stored[name] = self.stored.get(name, 0) + array.size
        out[...] = array

    def drop(self, *names):
        """Give back the room of these."""
        for name in names:
            if name not in self.held:
                raise ValueError(
                    f"Scratchpad: no {name!r} to drop; here are {', '.join(self.held) or 'none'}"
                )
        self.held = {name: n for name, n in self.held.items() if name not in names}


def _undone(order):
    """The function; where it is refused room, the scratchpad is as it was before."""

    @wraps(order)
    def run(pad, *given, **more):
        if not isinstance(pad, Scratchpad):
            raise ValueError(f"{order.__name__}: takes a Scratchpad first; got {pad!r}")
        before = copy.deepcopy(vars(pad))
        try:
            return order(pad, *given, **more)
        except ValueError:
            vars(pad).update(before)
            raise

    return run


def _operands(Q, K, V):
    """Q, K and V, all of the widest type."""
    Q, K, V = floats(*fitting(Q=(Q, "qd"), K=(K, "jd"), V=(V, "jd")))
    dtype = np.result_type(Q, K, V)
    return Q.astype(dtype), K.astype(dtype), V.astype(dtype)


@_undone
def tiled_by_queries(pad, Q, K, V, rows, columns):
    """Tiled attention through a scratchpad: a tile of queries stays, all keys and values pass.

    Q[q,d], K[j,d], V[j,d] → O[q,d].  Its traffic is 2qd + ⌈q/rows⌉ · 2jd elements, in the order of
    FlashAttention-2 (Dao 2023).

    >>> pad, rng = Scratchpad("64KiB"), np.random.default_rng(1)
    >>> O = tiled_by_queries(pad, *rng.random((3, 256, 16), np.float32), rows=64, columns=64)
    >>> pad.traffic == 2 * 256 * 16 + 4 * 2 * 256 * 16
    True
    """
    Q, K, V = _operands(Q, K, V)
    O = nothing(Q)[2]
    for q in tiles(len(Q), rows):
        here = pad.load("Q", Q[q])
        found = nothing(here)
        for name, held in zip("mlO", found, strict=True):
            pad.room(name, held.size)
        for j in tiles(len(K), columns):
            keys, values = pad.load("K", K[j]), pad.load("V", V[j])
            pad.room("S", len(here) * len(keys))
            found = merge(found, part(here, keys, values))
            pad.drop("K", "V", "S")
        pad.store("O", mean(found), O[q])
        pad.drop("Q", "m", "l", "O")
    return O


@_undone
def tiled_by_keys(pad, Q, K, V, rows, columns):
    """Tiled attention through a scratchpad: a tile of keys and values stays, all queries pass.

    So do m, l and O, out and in again for each tile of keys: the order of FlashAttention (Dao et
    al. 2022, algorithm 1).  Its traffic is 2jd + ⌈j/columns⌉ · (3qd + 4q) elements.

    >>> pad, rng = Scratchpad("64KiB"), np.random.default_rng(1)
    >>> O = tiled_by_keys(pad, *rng.random((3, 256, 16), np.float32), rows=64, columns=64)
    >>> pad.traffic == 2 * 256 * 16 + 4 * (3 * 256 * 16 + 4 * 256)
    True
    """
    Q, K, V = _operands(Q, K, V)
    m, l, O = nothing(Q)
    for j in tiles(len(K), columns):
        keys, values = pad.load("K", K[j]), pad.load("V", V[j])
        for q in tiles(len(Q), rows):
            here = pad.load("Q", Q[q])
            before = pad.load("m", m[q]), pad.load("l", l[q]), pad.load("O", O[q])
            pad.room("S", len(here) * len(keys))
            found = merge((*before[:2], before[2] * before[1][:, None]), part(here, keys, values))
            pad.store("m", found[0], m[q])
            pad.store("l", found[1], l[q])
            pad.store("O", mean(found), O[q])
            pad.drop("Q", "m", "l", "O", "S")
        pad.drop("K", "V")
    return O
