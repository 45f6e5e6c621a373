"""An invented chip's area and its roofline: with six works of the course, or with its scores."""

from .. import units
from ..chip import (
    ARRAYS,
    BUDGET,
    MIXES,
    SIDES,
    SRAMS,
    STACKS,
    WORKLOADS,
    Chip,
    Product,
    Workload,
    attention,
    block,
    convolution,
    score,
)
from .axes import Axes, Roof
from .palette import COMPUTE, INK, MEMORY, MOVEMENT, MOVEMENT_TEXT, MUTE, PAPER
from .roofline import Point, Poster
from .svg import LEFT, PAD, RIGHT, card, counters, glyph, n, path, rect, text

WORKS = (
    Workload("MLP", (Product(32, 784, 100),)),  # lesson 01: a dense layer, 32 digits
    Workload("CNN", convolution(64, 56, 56, filters=64, images=1)),  # lesson 02
    Workload("RNN", WORKLOADS["RNN"].products, chained=True),  # lesson 03: 64 steps of 1,024
    Workload("attention", attention(1024, 128, heads=16)),  # lesson 04: scores through memory
    Workload("decode", block(1)),  # lesson 05: one token
    Workload("prefill", WORKLOADS["prefill"].products),  # lesson 05: 1,024 tokens
)

_FRAME = (72, 176, RIGHT, 461)  # of the roofline, 15 px an octave of the rate
_INTENSITY, _RATE = (-3, 15), (-5, 14)  # 1/8 to 32,768 FLOP/B, 1/32 to 16,384 TFLOP/s
_STRIP, _TALL, _MM2 = 96, 24, 4  # the die's top, its height, px a mm² of it
_COUNTERS, _PITCH = 508, 96
_PARTS = {  # from the left, what may have to be cut last
    "HBM": ("Movement", MOVEMENT, MOVEMENT_TEXT),
    "SRAM": ("Memory", MEMORY, MEMORY),
    "arrays": ("Compute", COMPUTE, COMPUTE),
}


_NAMES = {"HBM": "HBM interfaces"}  # the stacks themselves lie beside the chip


def builder(side, arrays, sram, stacks, *, bet=None):
    """A `Picture` of a `Chip`: its areas, its roofline, and where six works of the course stand.

    `side`: 32, 64, 128 or 256.  `arrays`: 1, 2, 4, … 64.  `sram`: 1 to 64 MiB, as in `chip.SRAMS`.
    `stacks`: 1 to 7.  A dot is what `Chip.run` attains, so that it may stand under the roof.
    The picture is the same whatever the `bet`.  Other sizes are a ValueError.

    >>> builder(32, 32, 8, 2).title
    '62 of 100 mm²: prefill gets 100 % of the peak, decode 1.22 %'
    """
    chip = _checked("builder", side=side, arrays=arrays, sram=sram, stacks=stacks)
    costs = {work.name: chip.run(work) for work in WORKS}
    shares = {name: cost.flops_per_second / chip.peak for name, cost in costs.items()}
    attained = {name: _percent(share) for name, share in shares.items()}
    row = _counters(("attained,", "of the peak"), attained)
    most, least = max(shares, key=shares.get), min(shares, key=shares.get)
    found = f"{most} gets {attained[most]} of the peak, {least} {attained[least]}"
    says = f"of the peak {_listed(attained)}"
    return _picture(chip, costs, row, found, _SECOND, says)


def budget(side, arrays, sram, stacks):
    """A `Picture` of a `Chip` as `builder` draws it, with the four `chip.WORKLOADS`, and its
    `chip.score` for each of the five mixes, 1 for `chip.START`.

    >>> budget(64, 8, 8, 2).title
    '62 of 100 mm²: score 1 for chatbot, 1 for speech'
    """
    chip = _checked("budget", side=side, arrays=arrays, sram=sram, stacks=stacks)
    costs = {work.name: chip.run(work) for work in WORKLOADS.values()}
    scores = {mix: score(chip, mix) for mix in MIXES}
    shown = {mix: units.number(float(f"{each:.3g}")) for mix, each in scores.items()}
    row = _counters(("score,", "start: 1"), shown)
    found = f"score {shown['chatbot']} for chatbot, {shown['speech']} for speech"
    return _picture(chip, costs, row, found, _START, f"scores {_listed(shown)}")


def _picture(chip, costs, row, found, second, says):
    """The card: what all chips show, the counters at its foot, and words on these."""
    area = f"{_mm2(chip.area)} of" if chip.fits else "Over"
    title = f"{area} {_mm2(BUDGET)} mm²: {found}"
    body = [*_die(chip), *_roofline(chip, costs), *row]
    return card(_COUNTERS + 39 + PAD, title, second, body, f"{_sizes(chip)}; {says}.")


def _checked(what, **sizes):
    known = {"side": SIDES, "arrays": ARRAYS, "sram": SRAMS, "stacks": STACKS}
    for name, value in sizes.items():
        if isinstance(value, bool) or value not in known[name]:
            listed = ", ".join(map(str, known[name]))
            raise ValueError(f"{what}: {name} is {value!r}; take one of {listed}")
    return Chip(**sizes)


# --- words --------------------------------------------------------------------------------

_SECOND = (
    "Invented chip, bf16. MLP 784→100, B = 32; conv 64→64 on 56²; RNN of 1,024; "
    "1,024 tokens, S and P in HBM."
)


_START = (
    "Invented chip, bf16. The starting chip has 8 arrays of 64 × 64 PEs, 8 MiB and 2 stacks of HBM."
)


def _sizes(chip):
    return (
        f"{_mm2(chip.area)} mm²: {chip.arrays} × {chip.side}² PEs, {chip.sram} MiB, "
        f"{chip.stacks} HBM: {_rate(chip.peak)}, {units.bandwidth(chip.bandwidth)}"
    )


def _listed(values):
    return ", ".join(f"{name} {value}" for name, value in values.items())


def _mm2(area):
    return units.number(area)


def _rate(per_second):
    return units.rate(per_second, prefix="T")


def _percent(share):
    return f"{units.number(float(f'{100 * share:.3g}'))} %"


# --- marks --------------------------------------------------------------------------------


def _die(chip):
    """Areas to scale from the left, the budget as a mark, and what each part takes."""
    parts, x, bottom = [], LEFT, _STRIP + _TALL
    for (part, (_, hue, _)), many in zip(
        _PARTS.items(), (chip.stacks, 1, chip.arrays), strict=True
    ):
        wide = _MM2 * chip.areas[part]
        parts.append(rect(x, _STRIP, min(wide, RIGHT - x), _TALL, hue))
        gaps = [x + wide * k / many for k in range(1, many) if x + wide * k / many < RIGHT]
        gaps = "".join(f"M{n(gap)} {_STRIP}V{bottom}" for gap in (*gaps, x))
        parts.append(path(gaps, PAPER, 1))
        x += wide
    mark = LEFT + _MM2 * BUDGET
    parts += [
        rect(mark - 2, _STRIP - 8, 4, _TALL + 16, PAPER),
        rect(mark - 1, _STRIP - 8, 2, _TALL + 16, INK),
        text(mark, _STRIP - 12, f"budget {_mm2(BUDGET)} mm²", 12, INK, "middle"),
        text(LEFT, _STRIP - 12, "areas to scale", 11, MUTE),
        *_over(chip, x),
    ]
    x = LEFT
    for part, (resource, _, hue) in _PARTS.items():
        parts += [
            glyph(resource, x + 4, bottom + 20),
            text(x + 16, bottom + 24, _NAMES.get(part, part), 12, hue, bold=True),
            text(x + 184, bottom + 24, f"{_mm2(chip.areas[part])} mm²", 12, INK, "end"),
        ]
        x += 232
    return parts


def _over(chip, end):
    """What is beyond the budget, and whether the card ends before it."""
    if chip.fits:
        return []
    words = f"over by {_mm2(chip.area - BUDGET)} mm²" + (", cut here" if end > RIGHT else "")
    return [text(RIGHT, _STRIP - 12, words, 12, INK, "end", True)]


def _roofline(chip, costs):
    axes = Axes(*_INTENSITY, *_RATE, "T", _FRAME)
    poster = Poster(axes, "FLOP", Roof.of(chip.machine, "bfloat16"))
    points = [
        Point(name, cost.intensity, in_steps=cost.flops_per_second) for name, cost in costs.items()
    ]
    poster.draw(points, apart=9)
    return poster.parts


def _counters(heading, values):
    """A row of values from the right end of the card, and at its left what they are."""
    first = RIGHT - _PITCH * (len(values) - 1)
    cells = [
        (first + _PITCH * place, "end", name, value)
        for place, (name, value) in enumerate(values.items())
    ]
    return [
        text(LEFT, _COUNTERS + 17, heading[0], 11, MUTE),
        text(LEFT, _COUNTERS + 34, heading[1], 11, MUTE),
        *counters(LEFT, RIGHT, _COUNTERS, cells),
    ]
