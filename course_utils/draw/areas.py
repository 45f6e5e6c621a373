"""Two pieces of work side by side, their tensors as squares to one scale."""

from math import sqrt

from .. import units
from .fonts import text_width
from .palette import MEMORY, MEMORY_TINT
from .svg import FOOTER_HEIGHT, LEFT, PAD, card, footer, inner, rect, text

_ROOM, _NEXT = 320, 352  # px for one panel, and from the first to the second
_TOP, _TALLEST, _GAP = 128, 256, 16


def areas(before, after, names):
    """A `Picture` of two nests: a square for each tensor, its area the number of its elements.

    `names` says what the two are, in a word or two; the weights, the tensor `W` of each, are in
    full colour.  The meters are those of the second, the ticks those of the first.
    A nest without `W` or without MACs is a ValueError.

    >>> from course_utils.kernels import spatial
    >>> from course_utils.nest import LoopNest
    >>> dense = LoopNest("H[b,o] += X[b,i] * W[i,o]", b=1, i=784, o=100)
    >>> conv = spatial.conv_nest(b=1, c=1, image=(28, 28), k=32, taps=(3, 3), padding=1)
    >>> areas(dense, conv, ("dense", "filters"))
    dense: X 784, W 78,400, H 100 numbers, 78,400 MAC; filters: X 784, W 288, H 25,088 numbers, \
225,792 MAC.
    """
    counts = [_counts(nest) for nest in (before, after)]
    for name, nest, count in zip(names, (before, after), counts, strict=True):
        if "W" not in count or not nest.macs:
            raise ValueError(f"areas: {name} has no weights W or no MACs; it is {nest.text}")
    scale = min(map(_largest, counts))
    base = _TOP + 8 * round(scale * sqrt(max(max(c.values()) for c in counts)) / 8)
    body = [
        _panel(LEFT + _NEXT * n, base, count, names[n], scale) for n, count in enumerate(counts)
    ]
    old, new = before.meters(), after.meters()
    body.append(footer(base + 64, new, _notes(old, new, names[0]), old))
    works = zip(names, counts, (old, new), strict=True)
    return card(
        base + 64 + FOOTER_HEIGHT + PAD,
        f"{_change(counts[0]['W'], counts[1]['W'], 'weights')}, "
        f"{_change(old.macs, new.macs, 'MACs')}",
        "Areas to scale: a square for each tensor, by its number of elements. Each crosses once.",
        body,
        "; ".join(_sentence(*work) for work in works) + ".",
    )


def _counts(nest):
    """{tensor: number of its elements}, inputs first."""
    tensors = (*nest.inputs, nest.output)
    return {name: nest.nbytes(name) // nest.itemsize_of(name) for name in tensors}


def _wide(name, count, scale):
    """Px that a tensor takes: its square, or the words under it."""
    words = text_width(name, 14, bold=True), text_width(f"{count:,}", 12)
    return max(scale * sqrt(count), *words)


def _largest(counts):
    """Px for the side of one element, so that a panel holds its tensors."""
    scale, gaps = _TALLEST / sqrt(max(counts.values())), _GAP * (len(counts) - 1)
    while sum(_wide(*item, scale) for item in counts.items()) + gaps > _ROOM:
        scale *= 0.99
    return scale


def _panel(x, base, counts, name, scale):
    parts = [text(x, 104, name, 13, bold=True)]
    for tensor, count in counts.items():
        side, wide = max(scale * sqrt(count), 2), _wide(tensor, count, scale)
        draw = (
            rect(x, base - side, side, side, MEMORY)
            if tensor == "W"
            else inner(x, base - side, side, side, MEMORY, MEMORY_TINT)
        )
        parts += [
            draw,
            text(x, base + 20, tensor, 14, MEMORY, bold=True),
            text(x, base + 38, f"{count:,}"),
        ]
        x += wide + _GAP
    return "".join(parts)


def _change(old, new, what):
    if new < old:
        return f"{units.number(old / new)} times fewer {what}"
    return f"{units.number(new / old)} times the {what}"


def _notes(old, new, name):
    pairs = (old.memory, new.memory), (old.macs, new.macs), (old.moved, new.moved)
    return [f"{name}, now ×{units.number(now / then)}" for then, now in pairs]


def _sentence(name, counts, meters):
    held = ", ".join(f"{tensor} {count:,}" for tensor, count in counts.items())
    return f"{name}: {held} numbers, {units.macs(meters.macs)}"
