"""`watch`: the learner's own Python loops on real arrays, every read and every write recorded."""

import sys
from array import array as integers
from functools import partialmethod, reduce
from itertools import combinations
from keyword import iskeyword
from opcode import opmap

import numpy as np

from . import tables, units, walk

_REMOVED = -1  # stands in the log where the read of a `+=` was


def watch(*array, **arrays):
    """Arrays whose every read and write is recorded: one, or several by name.

    Watched arrays behave as arrays, and writes go to the arrays that were passed.  One of them, a
    view of one, or all of them together (the `Watch` that is returned for several) tell what was
    done so far: `accesses()`, `addresses()`; `clear()` starts afresh.  `Hierarchy.replay` and
    `miss_curve` take what `watch` returns as it is.

    They are laid out in the order given, each from the next 64-byte boundary, as a nest's tensors.
    Within one, addresses are as it lies in memory, transposed or sliced.

    What is counted, in the order in which Python does it:

    * `X[b,i]` is one read, `H[b,o] = v` one write.  `H[b,o] += v` (or `-=`, `*=`, …) is a read and
      a write, in the stream one reference, read and then written, at the place of the write, as in
      a `LoopNest`.  `H[b,o] = H[b,o] + v` is two references: a read, and later a write.
    * A slice is a view and counts nothing itself.  Loops over it, elementwise arithmetic on it and
      assignment to it touch its elements one by one in row-major order, as the loop
      `z[n] = x[n] * y[n]` does: for each element of the result, the operands left to right and
      then what is written.  An operand that is stretched to the result is read again for each.
    * `X[[2,0,2]]` and `X[mask]` read what they pick, in the order of the result, a plain array.
      `H[[2,0,2]] += v` reads all three, then writes all three, as NumPy does.
    * An index is read when Python evaluates it: in `H[tok[t]] += X[t]`, `tok` before `X`.
    * A 0-d array is read as `s[()]`; `s[()] += v` and `s += v` update it where it lies, while
      `s = s + v` gives the name to a new number.

    What NumPy would do past the counter is a `TypeError`; what is done to `X.array` is not counted.

    >>> seen = watch(X=np.ones((4, 8)), W=np.ones((8, 3)), H=np.zeros((4, 3)))
    >>> X, W, H = seen
    >>> for b in range(4):
    ...     for o in range(3):
    ...         for i in range(8):
    ...             H[b,o] += X[b,i] * W[i,o]
    >>> seen.accesses()["H"], seen.addresses()
    (Access(reads=96, writes=96), Trace of 288 references to X, W, H)

    >>> a = watch(np.arange(5))
    >>> print(sum(a[::2]), a.accesses(), a.addresses().address)
    6 Access(reads=3, writes=0) [ 0 16 32]
    """
    if len(array) > 1 or bool(array) == bool(arrays):
        raise ValueError("watch: pass one array, or one or more by name: watch(X=X, W=W)")
    return Watch({"array": array[0]})["array"] if array else Watch(arrays)


class _Recorded:
    """What can be asked of all that is watched together, and of one array or view of it."""

    __slots__ = ()

    def _recorded(self):
        """The coded references so far, and which of them are its own."""
        codes = np.array(self._seen._log, np.int64)
        codes = codes[codes != _REMOVED]
        return codes, self._own(codes)

    def addresses(self):
        """The references so far, a `walk.Trace` of byte addresses in program order."""
        codes, own = self._recorded()
        labels = codes[own].astype(np.int16) & 255
        arrays = self._seen._arrays
        itemsize = max(watched.itemsize for watched in arrays.values())
        return walk.Trace(codes[own] >> 8, labels >> 2, labels & 3, tuple(arrays), itemsize)

    def clear(self):
        """Start counting afresh; the arrays keep their values."""
        codes, own = self._recorded()
        log = self._seen._log
        del log[:]
        log.frombytes(codes[~own].tobytes())
        self._seen._held.clear()


class Watch(_Recorded):
    """Arrays that are watched together: `X, W = seen`, or `seen.X`, or `seen["X"]`."""

    def __init__(self, arrays):
        vars(self).update(
            _seen=self,
            _arrays={},
            _log=integers("q"),  # address << 8 | tensor << 2 | kind, as in `walk`
            _held={},  # for the frame of each `X[…] op= …` under way: what its read gave
        )
        if len(arrays) > walk.MOST_TENSORS:
            raise ValueError(f"watch: {len(arrays)} arrays; pass at most {walk.MOST_TENSORS}")
        for name, array in arrays.items():
            if not name.isidentifier() or iskeyword(name) or hasattr(self, name):
                raise ValueError(f"watch: {name!r} cannot name an array here; take another name")
            if fault := _fault(array):
                raise ValueError(f"watch: {name} {fault}")
        for (one, x), (other, y) in combinations(arrays.items(), 2):
            if np.shares_memory(x, y):
                raise ValueError(f"watch: {one} and {other} share memory; pass a copy of one")
        spans = {name: np.lib.array_utils.byte_bounds(array) for name, array in arrays.items()}
        bases = tables.placed({name: end - start for name, (start, end) in spans.items()})
        for number, (name, array) in enumerate(arrays.items()):
            first = bases[name] + array.__array_interface__["data"][0] - spans[name][0]
            steps = zip(array.shape, array.strides, strict=True)
            address = reduce(np.add.outer, [np.arange(n) * step for n, step in steps], first)
            codes = np.array(address << 8 | number << 2)
            self._arrays[name] = Watched(array, codes[...], self, name)
        vars(self).update(self._arrays)

    def _own(self, codes):
        return np.ones(codes.size, bool)

    def accesses(self):
        """{name: Access(reads, writes)} so far, counted in elements."""
        return tables.counted(self.addresses())

    def __iter__(self):
        return iter(self._arrays.values())

    def __getitem__(self, name):
        if name not in self._arrays:
            raise ValueError(f"watch: no array {name!r}; there are {', '.join(self._arrays)}")
        return self._arrays[name]

    def __setitem__(self, name, value):
        if value is not self[name]:  # it is after `seen["X"] += 1`
            raise ValueError(f"watch: {name} stays the array it is; write into it: {name}[...] = …")

    __setattr__ = __setitem__

    def __repr__(self):
        return "\n".join(map(repr, self))


def _fault(array):
    """Why the elements of an array cannot be counted, and what to pass; None where they can."""
    if isinstance(array, _Recorded):
        return "is watched already; pass the plain array, X.array"
    if type(array) is not np.ndarray:
        return f"is of type {type(array).__name__}; pass a plain NumPy array"
    if array.dtype.kind not in "biufc":
        return f"holds {array.dtype}; pass an array of numbers or booleans"
    if not array.size:
        return f"has no element, its shape is {array.shape}; pass an array that has"
    if any(step % array.itemsize for step in array.strides):
        return f"has elements of {array.itemsize} B at strides of {array.strides} B; pass a copy"
    return None


def _augmented(frame, opcode):
    """Whether a frame stands at the read (`COPY`) or the write (`SWAP`) of `X[…] op= …`.

    It copies the array and the index, reads, computes, swaps them to the top and writes; in no
    other statement do two copies stand right before a read, or two swaps right before a write.
    """
    code, at = frame.f_code.co_code, frame.f_lasti
    while not code[at]:  # the cache of an instruction
        at -= 2
    return code[at - 2] == code[at - 4] == opmap[opcode]


def _record(reads, writes):
    """Log a pass over elements: of each in row-major order, its reads and then its writes.

    Both are lists of (Watch, codes, kind), the codes all of one shape.  Where the pass writes an
    element that it reads elsewhere (`H[1:] = H[:-1]`), NumPy reads all before it writes.
    """
    crossing = any(
        one is other and not np.array_equal(read, write) and np.intersect1d(read, write).size
        for one, read, _ in reads
        for other, write, _ in writes
    )
    for columns in [reads, writes] if crossing else [reads + writes]:
        for seen in dict.fromkeys(watch for watch, _, _ in columns):
            own = [codes | kind for watch, codes, kind in columns if watch is seen]
            seen._log.frombytes(np.stack(own, axis=-1).tobytes())


def _plain(x):
    return x.array if isinstance(x, Watched) else x


_DESCRIBES = {"shape", "ndim", "dtype", "size", "itemsize", "nbytes", "strides"}
_TOUCHES_NOTHING = {np.shape, np.ndim, np.size, np.zeros_like, np.ones_like, np.empty_like}


class Watched(_Recorded, np.lib.mixins.NDArrayOperatorsMixin):
    """A watched array, or a view of one; `array` is the plain array behind it, uncounted.

    `accesses`, `addresses` and `clear` are about the elements of this array or view.

    >>> H = watch(np.zeros((2, 3)))
    >>> H[1, :] += 1
    >>> H[0, -1] = H[1, 0] + 1
    >>> H[0].accesses(), H[1].accesses()
    (Access(reads=0, writes=1), Access(reads=4, writes=3))
    >>> np.sum(H)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    TypeError: watch: np.sum does not count what it touches; loop over the elements, or pass ...
    """

    __slots__ = ("_array", "_codes", "_seen", "_name")

    def __init__(self, array, codes, seen, name):
        self._array, self._codes, self._seen, self._name = array, codes, seen, name

    @property
    def array(self):
        """The plain array; what is done to it is not counted."""
        return self._array

    @array.setter
    def array(self, value):
        if value is not self._array:  # it is after `X.array += 1`
            raise ValueError(
                "watch: X.array stays the array it is; write into it: X.array[...] = …"
            )

    def _refuse(self, what, *_, **__):
        counted = "loop over the elements" if self.ndim else "read its one element as X[()]"
        raise TypeError(
            f"watch: {what} does not count what it touches; {counted}, "
            "or pass X.array, the plain array, to leave it uncounted"
        )

    def _own(self, codes):
        return np.isin(codes >> 8, self._codes >> 8)

    def accesses(self):
        """Access(reads, writes) so far, counted in elements."""
        return tables.counted(self.addresses())[self._name]

    def __getitem__(self, key):
        codes, value, seen, held = self._codes[key], self.array[key], self._seen, None
        if isinstance(codes, np.generic):
            held = len(seen._log)
            seen._log.append(codes)
        elif codes.base is self._codes.base:  # a view; what is picked by a list is a copy
            held = value = Watched(value, codes, seen, self._name)
        else:
            _record([(seen, codes, walk.READ)], [])
        frame = sys._getframe(1)
        if _augmented(frame, "COPY"):
            seen._held[id(frame)] = held
        return value

    def __setitem__(self, key, value):
        codes, seen, frame = self._codes[key], self._seen, sys._getframe(1)
        held = seen._held.pop(id(frame), None) if _augmented(frame, "SWAP") else None
        if isinstance(held, Watched) and held is value:
            return  # `H[b,:] += v` has written and counted the view before it gets here
        self.array[key] = _plain(value)
        kind = walk.UPDATE if isinstance(held, int) else walk.WRITE
        if kind == walk.UPDATE:
            seen._log[held] = _REMOVED
        if isinstance(value, Watched):
            read = np.empty(codes.shape, np.int64)
            read[...] = value._codes  # stretched as NumPy stretches what it assigns
            _record([(value._seen, read, walk.READ)], [(seen, codes, kind)])
        elif isinstance(codes, np.generic):
            seen._log.append(codes | kind)
        else:
            _record([], [(seen, codes, kind)])

    def __array_ufunc__(self, ufunc, method, *inputs, out=(), **kwargs):
        if method != "__call__" or ufunc.signature or "where" in kwargs:
            name = ufunc.__name__ + (f".{method}" if method != "__call__" else "")
            self._refuse(f"np.{name}{' with where=' if 'where' in kwargs else ''}")
        if out:
            kwargs["out"] = tuple(map(_plain, out))
        result = ufunc(*map(_plain, inputs), **kwargs)
        shape = np.broadcast_shapes(*map(np.shape, map(_plain, (*inputs, *out))))
        watched = [x for x in inputs if isinstance(x, Watched)]
        reads = [(x._seen, np.broadcast_to(x._codes, shape), walk.READ) for x in watched]
        writes = []
        for x in (x for x in out if isinstance(x, Watched)):
            same = [r[0] is x._seen and np.array_equal(r[1], x._codes) for r in reads]
            writes.append((x._seen, x._codes, walk.UPDATE if any(same) else walk.WRITE))
            if any(same):
                del reads[same.index(True)]
        _record(reads, writes)
        if not out or ufunc.nout == 1:
            return (*out, result)[0]
        return tuple(r if x is None else x for r, x in zip(result, out, strict=True))

    def __array_function__(self, function, types, args, kwargs):
        if function in _TOUCHES_NOTHING:
            return function(*map(_plain, args), **{k: _plain(x) for k, x in kwargs.items()})
        module = function.__module__.replace("numpy", "np", 1)
        return self._refuse(f"{module}.{function.__name__}")

    __array__ = partialmethod(_refuse, "making a NumPy array of it")
    __float__ = __int__ = __complex__ = partialmethod(_refuse, "turning it into one number")
    __round__ = partialmethod(_refuse, "rounding it")
    __index__ = partialmethod(_refuse, "its use as an index")
    __bool__ = partialmethod(_refuse, "its use as true or false")
    __contains__ = partialmethod(_refuse, "`in`")
    __reduce_ex__ = partialmethod(_refuse, "copying or pickling it")

    def __getattr__(self, name):
        if name in _DESCRIBES:
            return getattr(self.array, name)
        if hasattr(np.ndarray, name) and not name.startswith("__"):
            self._refuse(f".{name}")
        raise AttributeError(f"a watched array has no {name!r}; X.array is the plain array")

    @property
    def T(self):
        """The transposed view."""
        return Watched(self.array.T, self._codes.T, self._seen, self._name)

    def __len__(self):
        return len(self.array)

    def __iter__(self):
        if sys._getframe(1).f_globals.get("__name__", "").startswith("numpy."):
            self._refuse("this function of NumPy")  # as np.stack(X), which goes over X twice
        return map(self.__getitem__, range(len(self)))

    def __format__(self, form):
        return self._refuse("formatting it") if form else repr(self)

    def __repr__(self):
        reads, writes = map(units.count, vars(self.accesses()).values())
        return f"watched {self._name} {self.shape} {self.dtype}: reads {reads}, writes {writes}"
