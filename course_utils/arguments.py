"""What the arguments of `LoopNest` mean, checked: sizes, index arrays, pads, shapes, item sizes."""

import operator
import re

import numpy as np

from .notation import Spot


def whole(value, what, least=1):
    """`value` as an int, or a `ValueError` that says what it should have been."""
    try:
        number = None if isinstance(value, bool | np.bool_) else operator.index(value)
    except TypeError:
        number = None
    if number is None or number < least:
        raise ValueError(f"{what} must be a whole number of at least {least}; got {value!r}")
    return number


def as_array(value, what):
    """`value` as an array, or a `ValueError` of one line."""
    try:
        return np.asarray(value)
    except ValueError:
        raise ValueError(f"{what}: its rows are not of one length; got {value!r}") from None


def sizes(statement, sizes):
    text = statement.text
    for name in sizes:
        if name not in statement.indexes:
            raise ValueError(
                f"LoopNest: {name}={sizes[name]!r} is the size of no index in {text!r}; "
                f"its indexes are {', '.join(statement.indexes)}"
            )
    for name in statement.indexes:
        if name not in sizes:
            at = re.search(rf"\b{name}\b(?!\s*\[)", text).start()
            raise Spot(text, at, f"index {name!r} has no size; pass {name}=…")
    return {name: whole(sizes[name], f"LoopNest: size {name}") for name in statement.indexes}


def _mapping(value, what, example):
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise ValueError(f"LoopNest: {what}= takes a dict such as {example}; got {value!r}")
    return value


def tables(statement, index):
    index = _mapping(index, "index", "{'tok': array}")
    lookups = {t.name: t for r in statement.references for t in r.lookups}
    for name in index:
        if name not in lookups:
            raise ValueError(f"LoopNest: {name!r} in index= looks nothing up in {statement.text!r}")
    tables = {}
    for name, lookup in lookups.items():
        if name not in index:
            raise Spot(
                statement.text,
                lookup.start,
                f"index array {name!r} is missing; pass index={{{name!r}: …}}",
            )
        found = as_array(index[name], f"LoopNest: index array {name!r}")
        if not np.issubdtype(found.dtype, np.integer) or not found.size:
            raise ValueError(
                f"LoopNest: index array {name!r} must hold integers; "
                f"it is {found.dtype}, shape {found.shape}"
            )
        if found.dtype == np.uint64 and found.max() > np.iinfo(np.int64).max:
            raise ValueError(f"LoopNest: index array {name!r} reaches {found.max():,}: no index")
        if found.ndim != len(lookup.subscripts):
            raise Spot(
                statement.text,
                lookup.start,
                f"index array {name!r} has {found.ndim} axes and "
                f"{len(lookup.subscripts)} subscripts",
            )
        tables[name] = found.copy()  # what the learner does to the array later is not the nest's
        tables[name].setflags(write=False)
    return tables


def pads(statement, pad):
    pads = {}
    for name, given in _mapping(pad, "pad", "{'X': 1}").items():
        reference = next((r for r in statement.factors if r.name == name), None)
        if reference is None:
            raise ValueError(
                f"LoopNest: pad={{{name!r}: …}}: only an input can be padded; "
                f"{statement.text!r} has no input {name!r}"
            )
        windowed = [s.plain is None for s in reference.subscripts]
        each = tuple(given) if isinstance(given, tuple | list) else None
        if each is None:
            each = tuple(given if w else 0 for w in windowed)
        wholes = [
            isinstance(p, int | np.integer) and p >= 0 for p in (*each, *np.atleast_1d(given))
        ]
        if len(each) != len(windowed) or not all(wholes):
            raise ValueError(
                f"LoopNest: pad={{{name!r}: {given!r}}}: give a whole number of at least 0, or one "
                f"for each of its {len(windowed)} axes"
            )
        if any(each):
            pads[name] = tuple(int(p) for p in each)
    return pads


def shapes(work, shapes):
    statement = work.statement
    given = _mapping(shapes, "shapes", "{'X': (28, 28)}")
    names = {r.name for r in statement.references}
    for name in given:
        if name not in names:
            raise ValueError(
                f"LoopNest: shapes={{{name!r}: …}}: no such tensor in {statement.text!r}"
            )
    for table in [t for r in statement.references for t in r.lookups]:
        for axis, subscript in enumerate(table.subscripts):
            _check_axis(
                work,
                table,
                axis,
                subscript,
                work.tables[table.name].shape[axis],
                0,
                "a longer index array",
            )
    found = {}
    for reference in statement.references:
        name = reference.name
        pads = work.pads.get(name, (0,) * len(reference.subscripts))
        if name in given:
            shape = given[name] if isinstance(given[name], tuple | list) else (given[name],)
            shape = tuple(whole(n, f"LoopNest: an axis in shapes={{{name!r}: …}}") for n in shape)
            if len(shape) != len(reference.subscripts):
                raise Spot(
                    statement.text,
                    reference.start,
                    f"{name!r} has {len(reference.subscripts)} subscripts and shape {shape}",
                )
        else:
            shape = tuple(
                work.bounds(s)[1] + 1 - p for s, p in zip(reference.subscripts, pads, strict=True)
            )
        known = found.get(name, shape)
        found[name] = tuple(map(max, shape, known)) if shape else ()
    for reference in statement.references:
        pads = work.pads.get(reference.name, (0,) * len(reference.subscripts))
        for axis, subscript in enumerate(reference.subscripts):
            _check_axis(
                work, reference, axis, subscript, found[reference.name][axis], pads[axis], "shapes="
            )
    return {**found, **{name: array.shape for name, array in work.tables.items()}}


def followed(work, given, sizes):
    """The shapes that were passed; an axis that one index spans has the index's new size."""
    shapes = {}
    for reference in work.statement.references:
        name = reference.name
        if name in (given["shapes"] or {}):
            axes = zip(reference.subscripts, work.shapes[name], strict=True)
            shape = [sizes.get(s.plain, n) if n == work.size.get(s.plain) else n for s, n in axes]
            shapes[name] = tuple(map(max, shape, shapes.get(name, shape)))
    return shapes


def _check_axis(work, reference, axis, subscript, extent, pad, larger):
    low, high = work.bounds(subscript)
    beyond = max(-low, high - extent + 1)
    if beyond <= pad and extent > 0:
        return
    reaches = low if -low == beyond else high
    fix = f"pass {larger}" if reaches > 0 else "shift the subscript"
    if larger == "shapes=":
        fix += f", or pad={{{reference.name!r}: {max(beyond, 1)}}}"
    raise Spot(
        work.statement.text,
        subscript.start,
        f"this subscript of {reference.name!r} reaches {reaches}; "
        f"axis {axis} has {max(extent, 0)} elements"
        + (f" and a padding of {pad}" if pad else "")
        + f"; {fix}",
    )


def itemsizes(work, itemsize):
    each = itemsize if isinstance(itemsize, dict) else {}
    found = {}
    for name in work.shapes:
        default = work.tables[name].itemsize if name in work.tables else 4
        shared = itemsize if not isinstance(itemsize, dict) and name not in work.tables else default
        size = whole(each.get(name, shared), f"LoopNest: itemsize of {name!r}")
        if size & (size - 1) or size > 64:
            raise ValueError(
                f"LoopNest: itemsize of {name!r} must be a power of two up to 64 bytes; got {size}"
            )
        found[name] = size
    for name in each:
        if name not in found:
            raise ValueError(
                f"LoopNest: itemsize={{{name!r}: …}}: no such tensor in {work.statement.text!r}"
            )
    return found
