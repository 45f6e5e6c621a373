"""Hypothesis draws nests: affine subscripts, strides, pads, look-ups, tiles, orders, layouts."""

from dataclasses import dataclass, field

import numpy as np
from hypothesis import strategies as st

from course_utils import LoopNest

INTEGERS = [np.int8, np.uint8, np.uint16, np.int32, np.uint32, np.int64, np.uint64]


@dataclass
class Drawn:
    nest: LoopNest
    pads: dict
    index: dict
    layouts: dict
    arrays: dict = field(repr=False)


def _affine(draw, names, sizes, plain=False):
    """Text and range of a subscript over some of the indexes; never below zero."""
    chosen = draw(st.lists(st.sampled_from(names), min_size=1, max_size=2, unique=True))
    if plain:
        return chosen[0], sizes[chosen[0]] - 1
    text, low, high = "", 0, 0
    for name in chosen:
        c = draw(st.sampled_from([1, 1, 1, 2, 3, -1, -2]))
        reach = c * (sizes[name] - 1)
        low, high = low + min(reach, 0), high + max(reach, 0)
        sign = "-" if c < 0 else "+" if text else ""
        text += sign + draw(
            st.sampled_from([f"{abs(c)}*{name}", f"{name}*{abs(c)}"] if abs(c) > 1 else [name])
        )
    shift = draw(st.integers(0, 2)) - low
    if shift:
        text += f"{shift:+d}"
    return text, high + shift


@st.composite
def nests(draw, scheduled=True, far=50):
    """`far`: an index array's value may be multiplied by it, which overflows its short integers
    where a nest's loops are run as Python."""
    names = draw(st.permutations("abcd"))[: draw(st.integers(1, 3))]
    sizes = {name: draw(st.integers(1, 5)) for name in names}
    index, pads, shapes, factors = {}, {}, {}, []
    for tensor in "XYZ"[: draw(st.integers(1, 3))]:
        axes, extents = [], []
        for _ in range(draw(st.integers(0, 3))):
            text, high = _affine(draw, names, sizes, plain=draw(st.booleans()))
            if draw(st.integers(0, 5)) == 0:
                table = f"t{len(index)}"
                values = draw(st.lists(st.integers(0, 6), min_size=high + 1, max_size=high + 1))
                index[table] = np.array(values, draw(st.sampled_from(INTEGERS)))
                text, high = f"{table}[{text}]", int(max(values))
                if draw(st.booleans()):
                    name, c = draw(st.sampled_from(names)), draw(st.sampled_from([2, far]))
                    text, high = f"{c}*{text}+{name}", c * high + sizes[name] - 1
            axes.append(text)
            extents.append(high + 1)
        if axes and not any("[" in a for a in axes) and draw(st.integers(0, 2)) == 0:
            pad = draw(st.integers(1, 2))
            pads[tensor] = tuple(0 if a in names else pad for a in axes)
            axes = [f"{a}-{p}" if p else a for a, p in zip(axes, pads[tensor], strict=True)]
            extents = [max(n - 2 * p, 1) for n, p in zip(extents, pads[tensor], strict=True)]
        if draw(st.booleans()) or tensor in pads:
            shapes[tensor] = tuple(extents)
        factors.append(tensor + (f"[{', '.join(axes)}]" if axes else ""))
    used = [n for n in names if any(n in f for f in factors)]
    accumulates = draw(st.booleans()) or not used
    if accumulates:
        out = [
            _affine(draw, names, sizes, draw(st.booleans()))[0]
            for _ in range(draw(st.integers(0, 2)))
        ]
        if out and draw(st.integers(0, 5)) == 0:  # a scatter
            text, high = _affine(draw, names, sizes)
            values = draw(st.lists(st.integers(0, 6), min_size=high + 1, max_size=high + 1))
            index["to"] = np.array(values, np.int64)
            out[0] = f"to[{text}]"
    else:
        out = draw(st.permutations(used))
    joiner = draw(st.sampled_from(["*", "+"]))
    text = (
        f"O{'[' + ','.join(out) + ']' if out else ''} {'+=' if accumulates else '='} "
        + f" {joiner} ".join(factors)
    )
    appear = [n for n in names if any(n in part for part in [*out, *factors])]
    if not appear:
        text += f" {joiner} V[{names[0]}]"
        appear = [names[0]]
    itemsize = draw(st.sampled_from([1, 2, 4, 8]))
    nest = LoopNest(
        text,
        shapes=shapes,
        pad=pads,
        index=index,
        itemsize=itemsize,
        **{n: sizes[n] for n in appear},
    )
    layouts = {}
    if scheduled:
        for name in draw(st.lists(st.sampled_from(appear), max_size=2)):
            tile = draw(st.integers(1, 6))
            blocks = [x.step for x in nest.schedule.loops if x.index == name != x.name]
            if tile < min(blocks, default=7):
                nest = nest.tile(**{name: tile})
        nest = nest.order(*draw(st.permutations(nest.loops)))
        for tensor in draw(st.lists(st.sampled_from(nest.tensors), max_size=2, unique=True)):
            layouts[tensor] = tuple(draw(st.permutations(range(len(nest.shape(tensor))))))
        nest = nest.layout(**layouts)
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    arrays = {t: rng.integers(-9, 10, nest.shape(t)) for t in nest.inputs}
    return Drawn(nest, pads, index, layouts, arrays)
