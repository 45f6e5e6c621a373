"""To-scale blocks: a tensor is a rectangle whose area is its number of elements.

Weights are in full colour, activations in their tint.  `blocks` draws one dense layer and what
becomes of one of its weights.
"""

import re
from dataclasses import dataclass, replace

from .. import units
from ..nest import LoopNest
from ..pipeline import Pipeline
from .axes import Roof
from .fonts import text_width
from .inset import Inset
from .palette import COMPUTE, INK, MEMORY, MEMORY_TINT, MOVEMENT_TEXT, MUTE, PAPER
from .svg import (
    FOOTER_HEIGHT,
    LEFT,
    PAD,
    RIGHT,
    arrow,
    card,
    dots,
    footer,
    inner,
    n,
    path,
    rect,
    spans,
    text,
)

TOP, GAP = 96, 16
WALL = 312  # the first W is at most this tall and X this wide: 39 steps of the grid

_COLUMN = LEFT + WALL + GAP  # W's left edge, whatever the sizes
_SHORTEST = 208  # the room beside W that the enlarged weight needs
_WIDEST = 176  # and the most that W may take, so that its label still fits
_WIDEST_BESIDE_INSET = 80
_TALLEST = 400  # W and X together, so that the card stays under 640 px
_LARGEST_ELEMENT = 24
_MOST_DOTS = 512


@dataclass(frozen=True)
class Layer:
    """The tensors of `output[batch, outputs] += activation[batch, inputs] * weights[inputs, …]`.

    `letter` is the index of the batch; `bias` says whether the output starts from one.
    """

    activation: str
    weights: str
    output: str
    batch: int
    inputs: int
    outputs: int
    itemsize: int
    letter: str
    bias: bool

    @classmethod
    def of(cls, work):
        """The layer that a nest, or `dense.layer`, describes; a ValueError when it is none."""
        nests = work.nests if isinstance(work, Pipeline) else (work,)
        nest = nests[-1]
        shapes = [nest.shape(name) for name in (nest.output, *nest.inputs)]
        if len(shapes) == 3 and all(len(shape) == 2 for shape in shapes):
            (batch, outputs), left, right = shapes
            fits = left[0] == batch and right == (left[1], outputs)
            if fits and (isinstance(work, LoopNest) or _starts_from_bias(work, outputs)):
                size = nest.itemsize_of(nest.inputs[1])
                letter = re.search(r"\[(\w+)", nest.text)[1]
                sizes = batch, left[1], outputs, size
                return cls(*nest.inputs, nest.output, *sizes, letter, len(nests) == 2)
        raise ValueError(
            f"{'; '.join(each.text for each in nests)} is no dense layer; pictures of blocks take "
            "nests such as H[b,o] += X[b,i] * W[i,o], or kernels.dense.layer"
        )

    @property
    def counted(self):
        """What the numbers take in: the size of a number, and the bias or not."""
        return f"{self.itemsize} B a number, {'bias counted' if self.bias else 'no bias'}"


def _starts_from_bias(work, outputs):
    if len(work.nests) != 2 or work.repeat != 1:
        return False
    start, nest = work.nests
    return start.output == nest.output and [start.shape(t) for t in start.inputs] == [(outputs,)]


def blocks(work, *, compare=None, room=1, bet=None, machine=None, dtype="float32"):
    """A `Picture` of a dense layer as blocks to scale, and of what one of its weights is used for.

    `work` is a nest, or `kernels.dense.layer`, whose bias is counted.
    `compare` is the same layer at another batch; its meters become the ticks of the footer.
    `room` is the largest batch that a slider will show: scale and card stay the same up to there.
    `machine` puts a small roofline beside W, with the peak of `dtype`.
    `bet` is a `Meters`, shown as diamonds: on the meters, or on the roof where there is a machine.
    Work that is no dense layer is a ValueError.

    >>> from course_utils.nest import LoopNest
    >>> blocks(LoopNest("H[b,o] += X[b,i] * W[i,o]", b=32, i=784, o=100))
    Batch 32: 426,752 B in memory, 2,508,800 MAC, 426,752 B moved; each weight of W is used \
32 times, 11.8 FLOP/B.
    """
    layer = Layer.of(work)
    other = None if compare is None else Layer.of(compare)
    if other and replace(other, batch=layer.batch) != layer:
        raise ValueError(
            f"blocks: compare is {other.inputs:,} → {other.outputs:,}, {other.counted}, and the "
            f"layer {layer.inputs:,} → {layer.outputs:,}, {layer.counted}; compare another batch"
        )
    roof = None if machine is None else Roof.of(machine, dtype)
    room = max(room, layer.batch, other.batch if other else 1)
    meters, reference = work.meters(), compare.meters() if other else None
    states = [(layer, meters)] + ([(other, reference)] if other else [])

    scale = _scale(layer, room, roof)
    row = TOP + max(layer.inputs * scale, WALL if roof else _SHORTEST) + GAP
    foot = 8 * round((row + max(room * scale, 2) + 48) / 8)
    x, bottom = _beside(layer, scale), row - GAP
    body = [
        _tensors(layer, scale, row),
        _weights(layer, x, TOP if roof else bottom - max(layer.inputs * scale, 152)),
        _one_weight(layer, scale, row, [b.batch for b in (other, layer) if b]),
        _reached(x, bottom, "intensity", lambda m: units.intensity(m.intensity), states),
    ]
    if roof:
        caption = f"{machine.name}, sums in {dtype}"
        body.append(_roofline(x, roof, caption, room, states, bet))
        body.append(_reached(x + 144, bottom, "at best", lambda m: _best(roof, m), states))
    notes = _notes(layer, meters, reference, other)
    body.append(footer(foot, meters, notes, reference, None if roof else bet))
    return card(
        foot + FOOTER_HEIGHT + PAD,
        _title(meters, reference, layer),
        f"A dense layer {layer.inputs:,} → {layer.outputs:,} at batch {layer.batch:,}, "
        f"{layer.counted}: every weight crosses once.",
        body,
        _sentence(layer, meters, roof, machine, dtype),
    )


def label(x, y, name, shape, anchor="start"):
    """A tensor's name in its hue, and its shape."""
    words = " × ".join(f"{extent:,}" for extent in shape)
    return spans(x, y, [(name, 14, MEMORY, True), (f"  {words}", 12, INK, False)], anchor)


def label_width(name, shape):
    """Px that `label` takes."""
    words = " × ".join(f"{extent:,}" for extent in shape)
    return text_width(name, 14, True) + text_width(f"  {words}", 12)


def scale_note(scale, *extents):
    """What is true of the areas when the least of `extents`, in elements, may be under 2 px."""
    return "areas to scale" + ", lines 2 px at least" * (min(extents) * scale < 2)


def weights_in_words(layer):
    """How many weights a layer has."""
    count = layer.inputs * layer.outputs
    return f"{units.count(count)} weight{'s' if count > 1 else ''}"


def _scale(layer, room, roof):
    """Px for one element along either axis."""
    return min(
        _LARGEST_ELEMENT,
        WALL / layer.inputs,
        (_WIDEST_BESIDE_INSET if roof else _WIDEST) / layer.outputs,
        _TALLEST / (layer.inputs + room),
        (_TALLEST - (WALL if roof else _SHORTEST)) / room,
    )


def _sentence(layer, meters, roof, machine, dtype):
    held, moved = units.nbytes(meters.memory), units.nbytes(meters.moved)
    macs, intensity = units.macs(meters.macs), units.intensity(meters.intensity)
    if roof is None:
        return (
            f"Batch {layer.batch:,}{', bias counted' * layer.bias}: {held} in memory, {macs}, "
            f"{moved} moved; each weight of {layer.weights} is used {_times(layer.batch)}, "
            f"{intensity}."
        )
    best, peak = _best(roof, meters).split()[0], units.rate(roof.peak)
    limit = "compute" if meters.intensity >= roof.ridge else "memory"
    return (
        f"Batch {layer.batch:,}, {layer.counted}: {macs}, {held} in memory and moved once, "
        f"{intensity}; at best {best} of {peak} ({machine.name}, {dtype}): {limit}-bound."
    )


def _batch(layer):
    return f"{layer.letter} = {layer.batch:,}"


def _times(count):
    return {1: "once", 2: "twice"}.get(count, f"{units.count(count)} times")


def _title(meters, reference, layer):
    if reference and reference.macs != meters.macs:
        work = units.number(meters.macs / reference.macs)
        return f"{work} times the work for {_growth(meters, reference, 'moved')} times the bytes"
    return (
        f"Each weight is used {_times(layer.batch)}: "
        f"{units.macs(meters.macs)} for {units.nbytes(meters.moved)}"
    )


def _growth(meters, reference, field):
    return units.number(getattr(meters, field) / getattr(reference, field))


def _notes(layer, meters, reference, other):
    if reference is None:
        return (
            ("all four tensors" if layer.bias else "all three tensors"),
            "one per weight and sample",
            "compulsory",
        )
    notes = [
        f"{_batch(other)}, now ×{_growth(meters, reference, field)}"
        for field in ("memory", "macs", "moved")
    ]
    return notes[0], notes[1], f"{notes[2]}; compulsory"


def _tensors(layer, scale, row):
    """W over the corner, X to its left, H in it: as the product is done by hand."""
    wide, tall = layer.inputs * scale, layer.batch * scale
    out = layer.outputs * scale
    bottom, left = row - GAP, _COLUMN - GAP - wide
    beside, under = _beside(layer, scale), row + max(tall, 2) + 20
    words = scale_note(scale, layer.inputs, layer.batch, layer.outputs)
    shape = layer.batch, layer.inputs
    x_label, note = (left, "start"), (_COLUMN - GAP, "end")
    if left + label_width(layer.activation, shape) + 12 > note[0] - text_width(words, 11):
        x_label, note = note, (LEFT, "start")
    parts = [
        rect(_COLUMN, bottom - wide, max(out, 2), max(wide, 2), MEMORY),
        inner(left, row, wide, tall, MEMORY, MEMORY_TINT),
        inner(_COLUMN, row, out, tall, MEMORY, MEMORY_TINT),
        label(beside, row + min(11, tall / 2 + 4), layer.output, (layer.batch, layer.outputs)),
        label(x_label[0], under, layer.activation, shape, x_label[1]),
        text(note[0], under, words, 11, MUTE, note[1]),
    ]
    return "".join(parts)


def _weights(layer, x, top):
    """What W is, in words at its right, from `top` down."""
    facts = (
        f"{layer.inputs:,} × {layer.outputs:,}",
        weights_in_words(layer),
        f"each used {_times(layer.batch)}",
    )
    lines = [text(x, top + 30 + 16 * k, fact) for k, fact in enumerate(facts)]
    return "".join([text(x, top + 12, layer.weights, 14, MEMORY, bold=True), *lines])


def _beside(layer, scale):
    return _COLUMN + max(layer.outputs * scale, 2) + 12


def _one_weight(layer, scale, row, batches):
    """One element of W, enlarged: it crosses once and is used for every sample."""
    height, bottom = layer.inputs * scale, row - GAP
    parts = [text(LEFT, TOP + 12, f"One weight of {layer.weights}", 13, bold=True)]
    for k, batch in enumerate(batches):
        y = TOP + 32 + 56 * k
        parts += [
            rect(LEFT, y, 16, 16, MEMORY),
            arrow(LEFT + 24, y + 8, LEFT + 96, y + 8),
            text(LEFT + 24, y + 28, f"{layer.itemsize} B, once", fill=MOVEMENT_TEXT),
            _uses(LEFT + 112, y, batch, layer.letter),
        ]
    mark = min(max(bottom - 0.38 * height, y + 104), bottom - 4)
    wall = _COLUMN + min(16, layer.outputs * scale / 2)
    parts.append(path(f"M{LEFT + 8} {y + 22}V{n(mark)}H{n(wall)}", MUTE))
    if min(height, layer.outputs * scale) >= 12:
        parts.append(rect(wall - 2, mark - 2.5, 5, 5, PAPER))
    return "".join(parts)


def _uses(x, y, batch, letter):
    """A dot for each multiply-accumulate that one weight takes part in, as long as they fit."""
    words = f"{units.count(batch)} MAC{'s' if batch > 1 else ''} at {letter} = {batch:,}"
    parts = [text(x, y + 12, words)]
    drawn = batch
    if batch > _MOST_DOTS:
        drawn = 1
        parts.append(text(x + 16, y + 28, f"× {units.count(batch)}"))
    # One box of 128 × 64 px, filled row by row; the dots get smaller, the words stay in place.
    pitch = next(p for p in (16, 8, 4) if drawn * p * p <= 128 * 64)
    columns = 128 // pitch
    centres = [
        (x + pitch * (k % columns + 0.31), y + 16 + pitch * (k // columns + 0.5))
        for k in range(drawn)
    ]
    return "".join([*parts, dots(centres, 0.31 * pitch, COMPUTE)])


def _roofline(x, roof, caption, room, states, bet):
    (layer, meters), *before = states
    # A layer of 2-B numbers stays below one FLOP/B a sample, so the axis holds for all types.
    least = min(0.25, states[-1][1].intensity)
    inset = Inset(x, RIGHT, TOP + 92, roof, caption, least, max(64, room))
    compared = [(other.intensity, _batch(one)) for one, other in before]
    return inset.draw(
        meters.intensity, _batch(layer), *compared, bet=None if bet is None else bet.intensity
    )


def _reached(x, bottom, what, show, states):
    """A value of the layer in lines that end above `bottom`, and of the one it is compared with."""
    now, *before = [(_batch(layer), show(meters)) for layer, meters in states]
    parts = [
        text(x, bottom - 46, what, fill=MUTE),
        text(x, bottom - 26, now[1], 14, bold=True),
        *(text(x, bottom - 8, f"{value.split()[0]} at {at}", fill=MUTE) for at, value in before),
    ]
    return "".join(parts)


def _best(roof, meters):
    return units.rate(roof.at(meters.intensity))
