"""A nest, run literally on real arrays by the odometer that also replays it."""

from math import prod

import numpy as np

from . import tables, walk


def run(nest, arrays):
    """The output of a nest on {input: array}; see `LoopNest.run`."""
    arrays = {name: np.asarray(a) for name, a in arrays.items()}
    wanted = [*nest.inputs] + [nest.output] * (nest.output in arrays)
    for name in sorted({*arrays, *wanted}):
        if name not in arrays or name not in wanted:
            state = "missing" if name in wanted else "no input"
            raise ValueError(f"LoopNest.run: {name!r} is {state}; pass {', '.join(nest.inputs)}")
        if arrays[name].shape != nest.shape(name):
            raise ValueError(
                f"LoopNest.run: {name!r} has shape {arrays[name].shape}; "
                f"the nest needs {nest.shape(name)}"
            )
    memory, bases = _memory(nest, arrays)
    statement = nest.work.statement
    touches = [(r, walk.READ) for r in statement.references]
    unit = dict.fromkeys(nest.tensors, 1)  # addresses are positions in `memory`
    steps = tables.tables(nest.work, nest.schedule, touches, bases, unit, nest.tensors)
    counter, count = np.zeros((2, steps.trips.size), np.int64)
    product = statement.joiner == "*"
    walk.execute(steps, memory, statement.accumulates, product, counter, count)
    stored, axes = nest.shape(nest.output), nest.schedule.layouts.get(nest.output)
    start = bases[nest.output]
    out = memory[start : start + prod(stored)]
    if axes:
        return out.reshape([stored[a] for a in axes]).transpose(np.argsort(axes)).copy()
    return out.reshape(stored).copy()


def _memory(nest, arrays):
    """All elements in one array, each tensor in its layout; and where each begins."""
    dtype = np.result_type(*arrays.values())
    if all(np.issubdtype(array.dtype, np.integer) for array in arrays.values()):
        dtype = np.dtype(np.int64)
        for name, array in arrays.items():
            if array.size and array.max() > np.iinfo(dtype).max:
                raise ValueError(
                    f"LoopNest.run: {name!r} reaches {array.max():,}, more than int64 holds; "
                    "pass float64"
                )
    if dtype not in (np.float32, np.float64, np.int64):
        raise ValueError(
            f"LoopNest.run: no loops for dtype {dtype}; pass float32, float64 or integers"
        )
    bases, at = {}, 0
    for tensor in (*nest.inputs, nest.output):
        bases[tensor] = at
        at += prod(nest.shape(tensor))
    memory = np.zeros(at, dtype)
    for tensor, array in arrays.items():
        stored = array.transpose(nest.schedule.layouts.get(tensor, range(array.ndim)))
        memory[bases[tensor] : bases[tensor] + array.size] = stored.ravel()
    return memory, bases
