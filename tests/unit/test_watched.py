"""`watch` against nests, against NumPy on arrays of addresses, and what it refuses."""

import copy
import math
import operator
import pickle
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from random_nests import nests

from course_utils import Hierarchy, LoopNest
from course_utils.tables import Access
from course_utils.watched import watch

DENSE = "H[b,o] += X[b,i] * W[i,o]"
READ, WRITE, UPDATE = range(3)


def stream(recorded):
    """[(name, address, kind)] of what was recorded."""
    trace = recorded.addresses()
    parts = (trace.tensor.tolist(), trace.address.tolist(), trace.kind.tolist())
    return [(trace.tensors[t], address, kind) for t, address, kind in zip(*parts, strict=True)]


def touches(recorded):
    """The stream of arrays of up to eight float64: "XR0 HU1" reads X[0], then updates H[1]."""
    return " ".join(f"{name}{'RWU'[kind]}{at % 64 // 8}" for name, at, kind in stream(recorded))


# --- against nests ---------------------------------------------------------------------------


def stored(values, axes):
    """A copy of an array whose memory lies in the order `axes`."""
    return values.transpose(axes).copy().transpose(np.argsort(axes)) if axes else values.copy()


@given(nests(far=2))
def test_the_loops_of_a_nest_are_the_nest(drawn):
    nest, source = drawn.nest, drawn.nest.source()
    values = {**drawn.arrays, **drawn.index, nest.output: np.zeros(nest.shape(nest.output), int)}
    arrays = {}
    for tensor in nest.tensors:
        dtype = f"i{nest.itemsize_of(tensor)}"
        arrays[tensor] = stored(values[tensor].astype(dtype), drawn.layouts.get(tensor))
        if not nest.shape(tensor):
            source = re.sub(
                rf"^([^#\n]*)\b{tensor}\b(?! *\[)", rf"\1{tensor}[()]", source, flags=re.M
            )
    plain = {tensor: array.copy() for tensor, array in arrays.items()}
    seen = watch(**arrays)
    with np.errstate(over="ignore"):
        exec(source, dict(zip(nest.tensors, seen, strict=True)))  # noqa: S102
        exec(source, plain)  # noqa: S102
    assert all(np.array_equal(arrays[tensor], plain[tensor]) for tensor in arrays)
    assert seen.accesses() == nest.accesses()
    found, expected, order = seen.addresses(), nest.addresses(), as_python_does(nest)
    assert found.tensors == expected.tensors
    for part in ("address", "tensor", "kind"):
        one, other = getattr(found, part), getattr(expected, part)
        other = other.reshape(-1, len(order))[:, order].ravel()
        assert np.array_equal(one, other) and one.dtype == other.dtype


def as_python_does(nest):
    """The touches of an iteration in Python's order: the index of a `+=` output comes first."""
    touches, output = nest.touches, nest.work.statement.output
    late = range(len(touches) - 1 - len(output.lookups), len(touches) - 1)
    first = late if touches[-1][1] == UPDATE else ()
    return [*first, *(n for n in range(len(touches)) if n not in first)]


@pytest.mark.parametrize("order", ["boi", "obi", "oib", "bio", "iob", "ibo"])
def test_a_dense_layer_moves_what_its_nest_moves(order):
    rng = np.random.default_rng(0)
    X, W, H = rng.random((4, 49), "f4"), rng.random((49, 10), "f4"), np.zeros((4, 10), "f4")
    nest = LoopNest(DENSE, b=4, i=49, o=10).order(*order)
    seen = watch(X=X, W=W, H=H)
    exec(nest.source(), dict(X=seen.X, W=seen["W"], H=seen.H))  # noqa: S102
    assert np.allclose(H, X @ W)
    assert seen.accesses() == nest.accesses()
    for cache in ("512/2", "1KiB/4 + 4KiB/8"):
        expected = repr(Hierarchy.parse(cache).replay(nest))
        assert repr(Hierarchy.parse(cache).replay(seen.addresses())) == expected
        assert repr(Hierarchy.parse(cache).replay(seen)) == expected


def test_rows_at_a_time_are_loops_over_elements():
    nest = LoopNest(DENSE, b=3, i=5, o=4).order("b", "i", "o")
    seen = watch(X=np.ones((3, 5), "f4"), W=np.ones((5, 4), "f4"), H=np.zeros((3, 4), "f4"))
    X, W, H = seen
    for b in range(3):
        for i in range(5):
            H[b, :] += X[b, i] * W[i, :]
    assert seen.accesses() == {**nest.accesses(), "X": Access(15, 0)}
    seen.clear()
    for x, h in zip(X, H, strict=True):
        for i, w in enumerate(W):
            h += x[i, None] * w  # noqa: PLW2901
    assert seen.accesses() == nest.accesses()


# --- against NumPy on arrays of addresses -----------------------------------------------------


@st.composite
def arrays(draw, dtype="f8"):
    """An array of up to three axes, of any strides, and the address of each of its elements."""
    shape = draw(st.lists(st.integers(1, 4), max_size=3))
    steps = [draw(st.sampled_from([1, 1, 2, -1, -2])) for _ in shape]
    whole = np.zeros([n * abs(step) for n, step in zip(shape, steps, strict=True)], dtype)
    array = whole[(*(slice(None, None, step) for step in steps), ...)]
    array = array.transpose(draw(st.permutations(range(array.ndim))))
    array[...] = draw(st.integers(1, 5)) + np.arange(array.size).reshape(array.shape)
    first, step = array.__array_interface__["data"][0], array.strides
    where = np.zeros(array.shape, np.int64)
    for at in np.ndindex(*array.shape):
        where[at] = first + sum(i * s for i, s in zip(at, step, strict=True))
    where -= where.min()
    return array, where


def keys(shape, fancy=True):
    """Indices for an array of a shape, a few of them wrong."""
    one = [st.integers(-5, 4), st.slices(4), st.just(Ellipsis), st.none(), st.just(slice(None))]
    if fancy:
        one += [st.lists(st.integers(-2, 1), max_size=3), st.sampled_from([1.5, True, np.int8(1)])]
    each = [st.lists(st.one_of(one), max_size=len(shape) + 1).map(tuple), st.one_of(one)]
    if fancy:
        each.append(st.integers(0, 2**12).map(lambda bits: mask(bits, shape)))
    return st.one_of(each)


def views(array):
    """Indices that give an element or a view of an array."""

    def fits(key):
        try:
            return np.size(array[key]) >= 0
        except IndexError:
            return False

    return keys(array.shape, fancy=False).filter(fits)


def mask(bits, shape):
    flags = [bits >> n % 12 & 1 for n in range(math.prod(shape))]
    return np.array(flags, bool).reshape(shape)


@given(arrays(), st.data())
def test_what_an_index_reads(drawn, data):
    array, where = drawn
    X = watch(array)
    key = data.draw(keys(array.shape))
    try:
        expected = array[key]
    except IndexError as error:
        with pytest.raises(IndexError, match=re.escape(str(error))):
            X[key]
        with pytest.raises(IndexError):
            X[key] = 0
        assert stream(X) == []
        return
    found = X[key]
    if isinstance(found, type(X)):
        assert np.shares_memory(found.array, array) or not found.size
        assert stream(X) == [] and found.shape == expected.shape
        assert np.array_equal(found.array, expected)
        values = found + 0
    else:
        assert type(found) is type(expected)
        values = found
    assert np.array_equal(values, expected) and type(values) in (np.float64, np.ndarray)
    assert stream(X) == [("array", at, READ) for at in np.ravel(where[key]).tolist()]


@given(arrays(), st.data())
def test_loops_over_views_of_views(drawn, data):
    array, where = drawn
    X = watch(array)
    view, plain = X, array
    for _ in range(data.draw(st.integers(0, 3))):
        key = data.draw(keys(plain.shape, fancy=False))
        try:
            narrower = plain[key]
        except IndexError:
            continue
        if isinstance(narrower, np.ndarray):
            view, plain, where = view[key], narrower, where[key]
        if data.draw(st.booleans()):
            view, plain, where = view.T, plain.T, where.T

    def walked(x):
        return [walked(part) for part in x] if x.ndim else [x[()]]

    assert walked(view) == walked(plain)
    assert stream(X) == [("array", at, READ) for at in where.ravel().tolist()]
    assert view.accesses() == Access(where.size, 0)
    if view.ndim:
        X.clear()
        assert list(map(np.shape, reversed(view))) == list(map(np.shape, reversed(plain)))


STATEMENTS = {  # for each element: what is read from left to right, and what is done to H
    "H[h] = 7": ("", WRITE),
    "H[h] = X[x]": ("X", WRITE),
    "H[h] += 2": ("", UPDATE),
    "H[h] -= X[x]": ("X", UPDATE),
    "H[h] *= X[x] + 1": ("X|", UPDATE),
    "R = X[x] * Y[y]": ("XY", None),
    "R = 3 - Y[y]": ("Y", None),
    "R = Y[y] > X[x]": ("YX", None),
    "R = np.maximum(X[x], Y[y])": ("XY", None),
    "R = X[x] + X[x]": ("XX", None),
    "H[h] = X[x] + 2 * X[x]": ("X|X|", WRITE),
    "np.add(X[x], Y[y], out=H[h])": ("XY", WRITE),
    "np.add(Y[y], H[h], out=H[h])": ("Y", UPDATE),
    "P += X[x]": ("X", None),
}


@given(st.data(), st.sampled_from(list(STATEMENTS)))
def test_elementwise_statements(data, statement):
    drawn = {name: data.draw(arrays()) for name in "XYH"}
    key = {name: data.draw(views(drawn[name.upper()][0])) for name in "xyh"}
    plain = {name: array.copy(order="K") for name, (array, _) in drawn.items()}
    seen = watch(**{name: array for name, (array, _) in drawn.items()})
    space = {**key, "np": np, "R": None, "P": np.zeros((4, 4, 4))}
    watched, other = {**space, "P": space["P"].copy()}, {**space, **plain}
    watched.update(zip("XYH", seen, strict=True))
    try:
        exec(statement, other)  # noqa: S102
    except (IndexError, ValueError, TypeError, DeprecationWarning) as error:
        with pytest.raises(type(error)):
            exec(statement, watched)  # noqa: S102
        return
    exec(statement, watched)  # noqa: S102
    assert np.array_equal(watched["R"], other["R"]) and type(watched["R"]) is type(other["R"])
    assert np.array_equal(watched["P"], other["P"])
    assert all(np.array_equal(drawn[name][0], plain[name]) for name in "XYH")
    where = {}
    for name, base in zip("XYH", bases(seen), strict=True):
        addresses = drawn[name][1]
        addresses += base
        where[name] = addresses[key[name.lower()]]
    shape = (4, 4, 4) if statement.startswith("P") else None
    assert stream(seen) == list(expected_stream(where, *STATEMENTS[statement], shape))


def bases(seen):
    """Where each array begins: the spans of those before it, each up to the next 64 bytes."""
    at = 0
    for array in seen:
        yield at
        spread = sum((n - 1) * abs(s) for n, s in zip(array.shape, array.strides, strict=True))
        at += -(-(spread + array.itemsize) // 64) * 64


def expected_stream(where, reads, last, shape):
    """The loops of a statement, one over all elements for each pass ("|" ends a pass).

    `where`: the addresses of X[x], Y[y] and H[h]; a single element is read before the loops.
    """
    elements = [name for name in reads if name != "|" and isinstance(where[name], np.integer)]
    yield from ((name, where[name], READ) for name in elements)
    parts = [[n for n in part if n not in elements] for part in reads.split("|")]
    for names in parts:
        writes = last is not None and names is parts[-1]
        shapes = [where[name].shape for name in names]
        around = where["H"].shape if writes else shape or np.broadcast_shapes(*shapes)
        for at in np.ndindex(*around):
            yield from ((name, stretched(where[name], around)[at], READ) for name in names)
            if writes:
                yield "H", where["H"][at], last


def stretched(where, shape):
    """An array of addresses as NumPy stretches what it assigns."""
    while where.ndim > len(shape):
        where = where[0]
    return np.broadcast_to(where, shape)


# --- one statement at a time -------------------------------------------------------------------


def small():
    return watch(X=np.arange(6.0).reshape(2, 3), H=np.zeros((2, 3)))


CASES = {
    "H[0,1] = H[0,1] + 1": "HR1 HW1",
    "h = H[0,1]; h += X[0,0]; H[0,1] = h": "HR1 XR0 HW1",
    "H[0,1] += H[0,1] * H[0,2]": "HR1 HR2 HU1",
    "H[0,1] = operator.iadd(H[0,1], 1)": "HR1 HW1",
    "H[0][1] += X[1][-1]": "XR5 HU1",
    "seen.H[0,1] += 1; seen['H'][0,1] -= 1": "HU1 HU1",
    "seen.H += 1": "HU0 HU1 HU2 HU3 HU4 HU5",
    "H[0,0], H[0,1] = H[0,1], H[0,0]": "HR1 HR0 HW0 HW1",
    "H[0,0] = None; H[0,0] = 0": "HW0 HW0",
    "H.T[:] = 5": "HW0 HW3 HW1 HW4 HW2 HW5",
    "H.T[:2] += X.T[1:]": "XR1 HU0 XR4 HU3 XR2 HU1 XR5 HU4",
    "H[0], H[1] = 1, 2": "HW0 HW1 HW2 HW3 HW4 HW5",
    "H[0:1] += 1; H[1][0:1] += 1": "HU0 HU1 HU2 HU3",
    "h = H[0]; h += 1; H[0] = h": "HU0 HU1 HU2 HR0 HW0 HR1 HW1 HR2 HW2",
    "H[0] = X[:1]": "XR0 HW0 XR1 HW1 XR2 HW2",
    "H[0] = H[0]": "HR0 HW0 HR1 HW1 HR2 HW2",
    "H[0] *= H[0]": "HR0 HU0 HR1 HU1 HR2 HU2",
    "H[0,1:] = H[0,:-1]": "HR0 HR1 HW1 HW2",
    "H[0,1:] += H[0,:-1]": "HR0 HR1 HU1 HU2",
    "H[0,[1,1]] += 1": "HR1 HR1 HW1 HW1",
    "H[[1,0],0] = X[0,:2]": "XR0 HW3 XR1 HW0",
    "H[X > 3] = 1": "XR0 XR1 XR2 XR3 XR4 XR5 HW4 HW5",
    "sum(X[0]), max(X[1]), sorted(X[0,:1]), list(X[1,1:])": "XR0 XR1 XR2 XR3 XR4 XR5 XR0 XR4 XR5",
    "a, b, c = X[0]": "XR0 XR1 XR2",
    "divmod(X[0,1:], 2)": "XR1 XR2",
    "np.modf(X[0,1:], out=(H[0,1:], None))": "XR1 HW1 XR2 HW2",
    "np.frompyfunc(str, 1, 1)(X[0])": "XR0 XR1 XR2",
    "np.zeros_like(X), np.shape(X), len(X), X.T.shape, X.nbytes, repr(X), repr(seen)": "",
    "X.array.sum(); X[0].array.sum(); H.array[0] += 1": "",
    "H[0,0] += 1 if H[0,0] else X[0,0]": "HR0 XR0 HU0",
    "f = lambda: X[0,0]; H[0,0] += f()": "XR0 HU0",
    "for H[0,0] in (1, 2): pass": "HW0 HW0",
}


@pytest.mark.parametrize("statement", CASES)
def test_what_a_statement_touches(statement):
    seen = small()
    space = {"seen": seen, "X": seen.X, "H": seen.H, "np": np, "operator": operator}
    plain = {"X": seen.X.array.copy(), "H": seen.H.array.copy()}
    exec(statement, space)  # noqa: S102
    assert touches(seen) == CASES[statement]
    if "seen" not in statement and ".array" not in statement:
        exec(statement, {**space, **plain})  # noqa: S102
        assert np.array_equal(seen.X.array, plain["X"])
        assert np.array_equal(seen.H.array, plain["H"])


@pytest.mark.parametrize("op", ["+", "-", "*", "/", "//", "%", "**", "&", "|", "^", "<<", ">>"])
@pytest.mark.parametrize("dtype", ["?", "i1", "u8", "f2", "f8", "c16"])
def test_every_operator_in_place(op, dtype):
    seen, plain = watch(a=np.ones(3, dtype), b=np.ones(3, dtype)), np.ones(3, dtype)
    statements = [f"a[1] {op}= b[2]", f"a {op}= b", f"a[:2] {op}= b[1:]"]
    expected = ["bR2 aU1", "bR0 aU0 bR1 aU1 bR2 aU2", "bR1 aU0 bR2 aU1"]
    for statement, touched in zip(statements, expected, strict=True):
        seen.clear()
        try:
            exec(statement, {"a": plain, "b": np.ones(3, dtype)})  # noqa: S102
        except TypeError:
            with pytest.raises(TypeError):
                exec(statement, {"a": seen.a, "b": seen.b})  # noqa: S102
            continue
        exec(statement, {"a": seen.a, "b": seen.b})  # noqa: S102
        size = seen.a.itemsize
        found = [f"{n}{'RWU'[kind]}{at % 64 // size}" for n, at, kind in stream(seen)]
        assert " ".join(found) == touched
        assert np.array_equal(seen.a.array, plain)


def test_an_update_inside_an_update_is_its_own():
    H = watch(np.zeros(8))

    def deeper(n):
        if n:
            H[n] += deeper(n - 1)
        return 1

    def steps():
        while True:
            H[7] += yield

    step = steps()
    next(step)
    H[0] += deeper(3)
    step.send(1)
    assert [(at // 8, kind) for _, at, kind in stream(H)] == [
        *[(1, UPDATE), (2, UPDATE), (3, UPDATE), (0, UPDATE)],
        *[(7, UPDATE), (7, READ)],
    ]
    assert H.array.tolist() == [1, 1, 1, 1, 0, 0, 0, 1]


def test_an_accumulator_of_ones_own_is_read_and_written_once():
    seen = watch(x=np.ones(5), s=np.zeros(()))
    x, s = seen
    total = s[()]
    for n in range(5):
        total += x[n]
    s[()] = total
    assert seen.accesses() == {"x": Access(5, 0), "s": Access(1, 1)}
    seen.clear()
    for n in range(5):
        s += x[n]
    assert s is seen.s and s.array == 10
    assert seen.accesses() == LoopNest("s += x[i]", i=5).accesses()


def test_elements_are_ordinary_scalars():
    for dtype in ("f4", "f8", "i8", "u1", "?", "c8"):
        x = watch(np.ones(2, dtype))
        assert type(x[0]) is np.dtype(dtype).type
    x = watch(np.array([2, 1], np.float32))
    assert type(x[0] * 2.5) is np.float32 and type(x[0] + np.float64(1)) is np.float64
    assert pickle.loads(pickle.dumps(x[0])) == 2 and f"{x[0]:.1f} {x[1]}" == "2.0 1.0"
    assert (math.exp(x[0]), max(x[0], x[1]), int(x[0])) == (math.exp(2), 2, 2)
    tok = watch(np.array([2, 0]))
    E = watch(np.arange(6).reshape(3, 2))
    assert [E[tok[t], 1] for t in range(2)] == [5, 1] and tok.accesses() == Access(2, 0)


def test_what_fails_leaves_what_happened():
    seen = small()
    X, H = seen
    for index in ((0, 3), 2, (-3, 0), 1.0, "a", (0, 0, 0), [5], np.ones(3, bool)):
        for wrong in ("X[index]", "H[index] = 1", "H[index] += 1"):
            with pytest.raises(IndexError):
                exec(wrong, {"X": X, "H": H, "index": index})  # noqa: S102
    for wrong in ("H[0] = [1, 2]", "H[0,0] = 'a'", "H[0] = X", "H[0] += X[:, :2]", "X[0] + X.T"):
        with pytest.raises(ValueError):
            exec(wrong, {"X": X, "H": H})  # noqa: S102
    assert stream(seen) == []
    with pytest.raises(ZeroDivisionError):
        H[0, 0] += 1 // 0
    with pytest.raises(ValueError):
        H[0, 0] += "a" and [1, 2]
    H[0, 1] = 1
    assert touches(seen) == "HR0 HR0 HW1"
    fixed = np.zeros(2)
    fixed.flags.writeable = False
    F = watch(fixed)
    with pytest.raises(ValueError, match="read-only"):
        F[0] = 1
    with pytest.raises(ValueError, match="read-only"):
        F[:] += 1
    assert stream(F) == []


def test_counts_of_views_and_counting_afresh():
    seen = small()
    X, H = seen
    H[:] = X
    assert (X[0].accesses(), X[:, 0].accesses(), X.accesses()) == tuple(
        Access(n, 0) for n in (3, 2, 6)
    )
    assert touches(X.T[0]) == "XR0 XR3"
    X[0].clear()
    assert touches(X) == "XR3 XR4 XR5" and H.accesses() == Access(0, 6)
    seen.clear()
    assert stream(seen) == [] and seen.accesses() == {"X": Access(0, 0), "H": Access(0, 0)}
    assert H.array.tolist() == X.array.tolist() == [[0, 1, 2], [3, 4, 5]]
    H[0, 0] += seen.clear() or 1
    assert touches(seen) == "HW0"
    assert repr(seen).splitlines()[1] == "watched H (2, 3) float64: reads 0, writes 1"


def test_arrays_watched_apart_have_logs_of_their_own():
    a, b = watch(np.arange(4.0)), watch(np.zeros(4))
    b[1:] += a[:-1] * a[1]
    b[0] = a[3]
    assert [at // 8 for _, at, _ in stream(a)] == [1, 0, 1, 2, 3]
    assert [(at // 8, kind) for _, at, kind in stream(b)] == [(1, 2), (2, 2), (3, 2), (0, 1)]
    assert Hierarchy.parse("64/1").replay(b).misses == 1
    a.clear(), b.clear()
    np.add(a, b, out=b)
    assert [kind for _, _, kind in stream(a) + stream(b)] == [READ] * 4 + [UPDATE] * 4
    both = watch(b=np.zeros(4), c=np.ones(4))
    np.add(a[:-1], both.c[1:], out=both.b[1:])
    assert touches(both) == "cR1 bW1 cR2 bW2 cR3 bW3"


def test_in_place_updates_by_every_name():
    seen = small()
    seen["X"] += 1
    seen.X += 1
    seen.X.array += 1
    assert touches(seen) == " ".join(f"XU{n}" for n in [*range(6), *range(6)])
    assert seen.X.array.tolist() == [[3, 4, 5], [6, 7, 8]]
    with pytest.raises(ValueError, match=r"X stays the array it is; write into it: X\[\.\.\.\] = "):
        seen["X"] = np.zeros(3)
    with pytest.raises(ValueError, match="X stays the array it is"):
        seen.X = seen.X.array
    with pytest.raises(ValueError, match="no array 'Y'; there are X, H"):
        seen.Y = np.zeros(3)
    with pytest.raises(ValueError, match=r"write into it: X\.array\[\.\.\.\] = "):
        seen.X.array = np.zeros(3)


# --- what is refused ---------------------------------------------------------------------------

BYPASSES = """
np.sum(X) | X.sum() | X.mean(axis=0) | np.dot(X, X.T) | X @ X.T | H.array @ X | X.dot(H)
X.astype(int) | np.asarray(X) | np.array(X) | np.array([X[0], X[1]]) | np.float32(X[0])
np.einsum("ij->i", X) | np.add.reduce(X) | np.add.accumulate(X) | np.add.at(H, 0, 1)
np.add.at(H.array, 0, X) | X.tolist() | np.multiply.outer(X, X) | np.add.reduceat(X, [0])
np.add(X, 1, where=X.array > 1) | X.item(0) | np.where(X.array > 0, X, 0) | np.copyto(H, X)
np.copyto(H.array, X) | np.put(H, 0, 1) | X.fill(1) | float(X[0]) | float(X[0, 0, ...])
int(X[0, 0, ...]) | complex(X) | math.exp(X[0]) | bool(X) | not X | 2 in X | X.copy()
copy.copy(X) | copy.deepcopy(X) | pickle.dumps(X) | X.flat | X.reshape(6) | X.ravel()
np.ravel(X) | np.sort(X) | X.sort() | np.concatenate([X, H]) | np.linalg.norm(X)
np.array_equal(X, H) | H.array[X] | H[X] | H.array[:] = X | H[:] = [X[0], X[1]]
H[X.array[0].astype(int), X[0]] | X.T @ X | np.ndenumerate(X) | np.vectorize(abs)(X)
np.stack(X[0]) | np.vstack(X[:, 0]) | f"{X[0]:.1f}" | round(X[0, 0, ...])
np.asfortranarray(X) | np.random.permutation(X) | X.data | range(X[0, 0, ...])
[1, 2][X[0, 0, ...]] | np.clip(X, 0, 1) | np.round(X) | X.real | X.base | X.ctypes
"""


@pytest.mark.parametrize("statement", re.split(r" \| |\n", BYPASSES.strip()))
def test_what_would_bypass_the_count_says_so(statement):
    seen = small()
    before = seen.X.array.copy()
    space = dict(X=seen.X, H=seen.H, np=np, copy=copy, pickle=pickle, math=math)
    counted = r"(loop over the elements|read its one element as X\[\(\)\])"
    with pytest.raises(TypeError, match=rf"^watch: [^\n]* {counted}, [^\n]* X\.array"):
        exec(statement, space)  # noqa: S102
    assert stream(seen) == []
    assert np.array_equal(seen.X.array, before) and not seen.H.array.any()


def test_the_message_names_what_was_called():
    X = small().X
    for call, named in [
        (lambda: np.linalg.norm(X), "np.linalg.norm"),
        (lambda: np.add.reduce(X), "np.add.reduce"),
        (lambda: X @ X.T, "np.matmul"),
        (lambda: np.exp(X, where=X.array > 1), "np.exp with where="),
        (lambda: X.argmax(), ".argmax"),
        (lambda: np.asarray(X), "making a NumPy array of it"),
        (lambda: X in X, "`in`"),
    ]:
        with pytest.raises(TypeError, match=f"^watch: {named} does not count what it touches;"):
            call()


@pytest.mark.parametrize(
    "statement",
    ["memoryview(X)", "np.frombuffer(X)", "hash(X)", "del X[0]"]
    + ["X.shape = 6", "X.flat = 0", "np.from_dlpack(X)", "X.__array_interface__", "next(X)"]
    + [
        "X.array[0, 0] = X[0, 0, ...]",
        "np.nditer(X)",
        "len(X[0, 0, ...])",
        "iter(X[0, 0, ...])",
        "X.nonsense",
    ],
)
def test_what_else_python_refuses(statement):
    seen = small()
    with pytest.raises((TypeError, AttributeError, ValueError)):
        exec(statement, dict(X=seen.X, np=np))  # noqa: S102
    assert stream(seen) == []


ARRAY = np.zeros((4, 4))
REFUSED = [
    ((), {}, "pass one array, or one or more by name"),
    ((ARRAY, ARRAY), {}, "pass one array"),
    ((ARRAY,), dict(X=ARRAY), r"by name: watch\(X=X, W=W\)"),
    (([1, 2],), {}, "array is of type list; pass a plain NumPy array"),
    ((), dict(X=None), "X is of type NoneType; pass"),
    ((), dict(X=np.float32(3)), "X is of type float32; pass"),
    ((), dict(X=np.ma.zeros(3)), "X is of type MaskedArray; pass"),
    ((), dict(X=watch(ARRAY)), "X is watched already; pass the plain array, X.array"),
    ((), dict(Y=watch(X=ARRAY)), "Y is watched already"),
    ((), dict(X=np.array([None])), "X holds object; pass an array of numbers"),
    ((), dict(X=np.zeros(2, "i4,f4")), "X holds .*'f0'"),
    ((), dict(X=np.array(["a"])), "X holds <U1"),
    ((), dict(X=np.zeros((3, 0))), r"X has no element, its shape is \(3, 0\)"),
    ((), dict(X=np.zeros(2, "i4,i1")["f0"]), r"X has elements of 4 B at strides of \(5,\) B"),
    ((), {"a b": ARRAY}, "'a b' cannot name an array"),
    ((), {"for": ARRAY}, "'for' cannot name an array"),
    ((), {"clear": ARRAY}, "'clear' cannot name an array here; take another name"),
    ((), dict(X=ARRAY, Y=ARRAY), "X and Y share memory; pass a copy of one"),
    ((), dict(X=ARRAY[:3], Y=ARRAY.T[:1]), "X and Y share memory"),
    ((), {f"x{n}": np.zeros(1) for n in range(65)}, "65 arrays; pass at most 64"),
]


@pytest.mark.parametrize(("one", "several", "message"), REFUSED, ids=[r[2] for r in REFUSED])
def test_refused_with_a_reason(one, several, message):
    with pytest.raises(ValueError, match=message) as caught:
        watch(*one, **several)
    assert re.fullmatch(r"watch: .+", str(caught.value))


def test_arrays_side_by_side_in_one_memory_are_two_arrays():
    seen = watch(even=ARRAY[::2], odd=ARRAY[1::2])
    assert seen.odd[1, 1] == 0 and seen.odd.addresses().address.tolist() == [128 + 64 + 8]
    with pytest.raises(ValueError, match="no array 'third'; there are even, odd"):
        seen["third"]
