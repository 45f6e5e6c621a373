"""A whole network as blocks to scale: what goes in, the weights on its way, what comes out."""

from dataclasses import replace
from itertools import pairwise

import numpy as np

from .. import units
from ..meters import Meters
from .blocks import GAP, TOP, WALL, Layer, label, label_width, scale_note, weights_in_words
from .fonts import text_width
from .palette import IDLE, INK, MEMORY, MEMORY_TINT, MUTE, PAPER, mix
from .svg import FOOTER_HEIGHT, LEFT, PAD, RIGHT, card, footer, inner, n, path, rect, text

_IMAGE = 224  # px that an enlarged input may take: 8 for each of 28 pixels
_GREYS = 32
_SCORES = RIGHT - 160  # left edge of the panel of scores
_LABEL = 96  # px that the words beside a block may take
_THICKEST = 56  # px that the batch may take


def network(nests, *, digit=None, scores=None, truth=None):
    """A `Picture` of dense layers in a row, all to one scale.

    `nests` are dense nests, each taking the output of the one before as its first factor.
    `digit` is an array of grey values 0 to 255, (height, width), with as many pixels as the first
    nest has inputs; `scores` are the numbers that come out, one for each output of the last nest;
    both need batch 1.  `truth` is the index that should win.
    The meters take every tensor once into memory; a tensor between two layers crosses twice.
    Nests that do not follow on each other, or arrays of another size, are a ValueError.

    >>> from course_utils.nest import LoopNest
    >>> first = LoopNest("H[b,o] += X[b,i] * W1[i,o]", b=1, i=784, o=100)
    >>> second = LoopNest("Y[b,o] += H[b,i] * W2[i,o]", b=1, i=100, o=10)
    >>> network([first, second])
    784 → 100 → 10 at batch 1: 79,400 weights, 321,176 B in memory, 79,400 MAC, 321,576 B moved.
    """
    layers = _chain(nests)
    meters = _whole(nests, layers)
    batch = layers[0].batch
    pixels = None if digit is None else _checked_digit(digit, layers[0])
    values = None if scores is None else _checked_scores(scores, layers[-1])

    scale = _scale(layers, _SCORES - 24 if values is not None else RIGHT)
    row = TOP + WALL + GAP
    foot = 8 * round((row + max(batch * scale, 2) + 46) / 8)
    sizes = " → ".join(f"{size:,}" for size in [layers[0].inputs, *(k.outputs for k in layers)])
    title, winner = _finding(meters, values, truth, sizes)
    weights = sum(layer.inputs * layer.outputs for layer in layers)
    says = (
        f"{winner}{sizes} at batch {batch:,}: {units.count(weights)} weights, "
        f"{units.nbytes(meters.memory)} in memory, {units.macs(meters.macs)}, "
        f"{units.nbytes(meters.moved)} moved."
    )
    notes = (
        f"weights: {units.nbytes(weights * layers[0].itemsize)}",
        "1 MAC = multiply and add",
        "compulsory, layer by layer",
    )
    body = [_tensors(layers, scale, row)]
    if pixels is not None:
        body.append(_image(pixels, layers[0], scale, row))
    if values is not None:
        body.append(_bars(values, layers, scale, row))
    body.append(footer(foot, meters, notes))
    second = (
        f"A network {sizes} at batch {batch:,}, {layers[0].itemsize} B a number, no bias: "
        f"each weight is used {'once' if batch == 1 else f'{batch:,} times'}."
    )
    return card(foot + FOOTER_HEIGHT + PAD, title, second, body, says)


def _chain(nests):
    layers = [Layer.of(nest) for nest in nests]
    if not layers:
        raise ValueError("network: no nest is given; pass a list of dense nests")
    if any(layer.bias for layer in layers):
        raise ValueError("network: a layer has a bias, which is not drawn; pass the bare nests")
    for one, two in pairwise(layers):
        if (two.activation, two.batch, two.inputs) != (one.output, one.batch, one.outputs):
            raise ValueError(
                f"network: the nest of {two.weights} takes {two.activation} "
                f"{two.batch} × {two.inputs}, but the one before gives {one.output} "
                f"{one.batch} × {one.outputs}; name and size them alike"
            )
    names = [layers[0].activation, *(k.weights for k in layers), *(k.output for k in layers)]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"network: two tensors are called {twice[0]}; give each its own name")
    return layers


def _whole(nests, layers):
    """The layers one after the other: a tensor between two of them is held once, moved twice."""
    between = sum(
        nest.nbytes(layer.output) for nest, layer in zip(nests[:-1], layers[:-1], strict=True)
    )
    total = sum((nest.meters() for nest in nests), Meters())
    return replace(total, memory=total.memory - between)


def _checked_digit(digit, layer):
    pixels = np.asarray(digit)
    if pixels.ndim != 2 or pixels.size != layer.inputs or layer.batch != 1:
        raise ValueError(
            f"network: digit has shape {pixels.shape} at batch {layer.batch}; "
            f"pass one image of {layer.inputs} pixels, at batch 1"
        )
    return pixels


def _checked_scores(scores, layer):
    values = [float(v) for v in np.ravel(scores)]
    if len(values) != layer.outputs or layer.batch != 1 or len(values) > 10:
        raise ValueError(
            f"network: {len(values)} scores for {layer.batch} × {layer.outputs} outputs; "
            "pass one score an output, at batch 1 and at most 10 of them"
        )
    if not np.isfinite(values).all():
        raise ValueError(f"network: scores are {values}; every score must be finite")
    return values


def _finding(meters, values, truth, sizes):
    work = f"{units.count(meters.macs)} multiply-adds"
    if values is None:
        return f"{sizes}: {work}", ""
    won = values.index(max(values))
    if truth is None:
        return f"{work} give the {won} the highest score", f"The {won} scores highest: "
    if truth == won:
        return f"A {won} is recognised by {work}", f"A {won} is recognised: "
    return f"A {truth} is taken for a {won} after {work}", f"A {truth} is taken for a {won}: "


def _scale(layers, right):
    """Px for one element along either axis: the tallest W and the row of them must fit."""
    spent = LEFT + WALL + GAP + GAP * (len(layers) - 1)
    spent += max(_LABEL, 12 + label_width(layers[-1].output, _shape(layers[-1])))
    scale = min(
        WALL / max(layer.inputs for layer in layers),
        (right - spent) / sum(layer.outputs for layer in layers),
        _THICKEST / layers[0].batch,
    )
    # At a smaller scale more layers are narrower than their label, which does not shrink.
    for _ in layers:
        least = [_least(layer, layers) for layer in layers[:-1]] + [2]
        pairs = list(zip(layers, least, strict=True))
        room = RIGHT - spent - sum(px for layer, px in pairs if px > layer.outputs * scale)
        wide = sum(layer.outputs for layer, px in pairs if px <= layer.outputs * scale)
        scale = min(scale, max(room, 1) / max(wide, 1))
    return scale


def _least(layer, layers):
    """Px across that a label needs under its output; it may reach into the gaps beside it."""
    # The gaps of a single label are its own; further labels share theirs.
    spare = 2 * GAP - 4 if len(layers) == 2 else GAP - 4
    return max(label_width(layer.output, _shape(layer)) - spare, 2)


def _lefts(layers, scale):
    """Left edge of each W, far enough apart that no label runs under the next one."""
    x, edges = LEFT + WALL + GAP, []
    for layer in layers:
        wide = max(layer.outputs * scale, 2)
        room = wide if layer is layers[-1] else max(wide, _least(layer, layers))
        edges.append(x + (room - wide) / 2)
        x += room + GAP
    return edges


def _tensors(layers, scale, row):
    first, bottom = layers[0], row - GAP
    wide, thick = first.inputs * scale, first.batch * scale
    left = LEFT + WALL - wide
    under = row + max(thick, 2) + 20
    extents = [first.batch, first.inputs, *(layer.outputs for layer in layers)]
    note, shape = scale_note(scale, *extents), (first.batch, first.inputs)
    end = LEFT + WALL - GAP
    beside = left + label_width(first.activation, shape) + 12 <= end - text_width(note, 11)
    parts = [
        inner(left, row, wide, thick, MEMORY, MEMORY_TINT),
        label(left if beside else LEFT, under, first.activation, shape),
        text(end, under, note, 11, MUTE, "end"),
    ]
    taken = []
    for layer, x in zip(layers, _lefts(layers, scale), strict=True):
        tall, out = layer.inputs * scale, layer.outputs * scale
        parts += [
            rect(x, bottom - tall, max(out, 2), max(tall, 2), MEMORY),
            inner(x, row, out, thick, MEMORY, MEMORY_TINT),
        ]
        taken.append((x, bottom - tall, x + max(out, 2), bottom))
    for layer, box in zip(layers, list(taken), strict=True):
        parts.append(_weight_words(layer, box, taken))
        parts.append(_output_words(layer, box, layers, row, thick))
    return "".join(parts)


def _output_words(layer, box, layers, row, thick):
    """Name and shape of an output: the last one to its right, the others under it."""
    shape = _shape(layer)
    if layer is layers[-1]:
        return label(box[2] + 12, row + max(thick, 2) / 2 + 4, layer.output, shape)
    under = row + max(thick, 2) + 20
    if label_width(layer.output, shape) <= box[2] - box[0]:
        return label(box[0], under, layer.output, shape)
    return label((box[0] + box[2]) / 2, under, layer.output, shape, "middle")


def _shape(layer):
    return layer.batch, layer.outputs


def _weight_words(layer, box, taken):
    """Name, shape and count of a W, beside its top or above it, off every block and label."""
    facts = f"{layer.inputs:,} × {layer.outputs:,}", weights_in_words(layer)
    wide = 1 + max(text_width(fact, 12) for fact in facts)
    for x, y in ((box[2] + 12, min(box[1], box[3] - 52)), (box[0], box[1] - 56)):
        words = (x, y, x + wide, y + 50)
        apart = all(_apart(words, other) for other in taken)
        if apart and y >= TOP - 8 and words[2] <= RIGHT:
            taken.append(words)
            return "".join(
                [
                    text(x, y + 12, layer.weights, 14, MEMORY, bold=True),
                    *(text(x, y + 30 + 16 * k, fact) for k, fact in enumerate(facts)),
                ]
            )
    raise ValueError(
        f"network: no room for the label of {layer.weights}; draw fewer layers, or no scores"
    )


def _apart(one, other):
    return one[2] <= other[0] or other[2] <= one[0] or one[3] <= other[1] or other[3] <= one[1]


def _image(pixels, layer, scale, row):
    """The input enlarged, and where one of its rows stands in X."""
    high, wide = pixels.shape
    cell = max(_IMAGE // max(high, wide), 1)
    top = TOP + 24
    shades = np.rint(pixels / 255 * _GREYS).astype(int)
    title = f"{layer.activation}, enlarged: {high} × {wide} pixels"
    parts = [text(LEFT, TOP + 12, title, 13, bold=True)]
    for shade in np.unique(shades[shades > 0]):
        d = "".join(
            f"M{LEFT + cell * x} {top + cell * y}h{cell}v{cell}h-{cell}z"
            for y, x in np.argwhere(shades == shade).tolist()
        )
        parts.append(path(d, fill=mix(PAPER, INK, shade / _GREYS)))
    parts.append(inner(LEFT, top, cell * wide, cell * high, IDLE))
    middle = high // 2
    y, right = top + cell * middle, LEFT + cell * wide
    x = LEFT + WALL - scale * layer.inputs + scale * wide * (middle + 0.5)
    parts += [
        path(f"M{right + 4} {y}V{y + cell}", INK, 2),
        path(f"M{right + 5} {n(y + cell / 2)}H{right + 64}V{row - 24}H{n(x)}V{row - 4}", MUTE),
        text(right + 12, y + cell / 2 - 6, "one row", 11, MUTE),
        rect(x - scale * wide / 2, row - 4, max(scale * wide, 2), 9, "none", INK, 1.5),
    ]
    return "".join(parts)


def _bars(values, layers, scale, row):
    """The scores as bars from a common zero; the winner in ink."""
    last = layers[-1]
    top, won = TOP + 24, values.index(max(values))
    low, high = min(*values, 0), max(*values, 0)
    unit = 136 / (high - low or 1)
    zero = _SCORES + 24 - low * unit
    parts = [text(_SCORES, TOP + 12, f"Scores in {last.output}", 13, bold=True)]
    for k, value in enumerate(values):
        y, mine = top + 24 * k, k == won
        width = abs(value) * unit
        parts += [
            text(_SCORES + 8, y + 12.5, str(k), 12, INK if mine else MUTE, "middle", mine),
            rect(min(zero, zero + value * unit), y, max(width, 1), 16, INK if mine else IDLE),
        ]
    bottom = top + 24 * len(values) - 8
    parts.append(path(f"M{n(zero)} {top - 4}V{bottom + 4}", MUTE))
    end = _lefts(layers, scale)[-1] + max(last.outputs * scale, 2) + 12
    end += label_width(last.output, _shape(last))
    parts.append(path(f"M{n(end + 10)} {row + 1}H{_SCORES + 92}V{bottom + 12}", MUTE))
    return "".join(parts)
