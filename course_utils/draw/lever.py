"""The prefill-decode lever: the six operations of a step on an axis of intensity, and the memory
that weights and KV cache fill."""

from dataclasses import replace
from math import log10

from .. import units
from ..arguments import whole
from ..machines import machine
from ..serving import Decoder, decode, prefill
from .fonts import text_width
from .palette import (
    COMPUTE,
    GRID,
    IDLE,
    INK,
    MEMORY,
    MEMORY_TINT,
    MOVEMENT_TEXT,
    MUTE,
    PAPER,
)
from .svg import (
    DOTS,
    FOOTER_HEIGHT,
    HATCH,
    LEFT,
    OVER,
    PAD,
    RIGHT,
    card,
    circle,
    diamond,
    footer,
    inner,
    line,
    n,
    path,
    rect,
    text,
)

MODES = {"prefill": 32, "decode": 32, "decode, 8 KV heads": 8, "decode, 1 KV head": 1}
MOST_CONTEXT, MOST_BATCH = 32_768, 256
_MOST_BET = 10**6  # what is shown of a bet beyond it

MODEL = Decoder("Llama-2 7B", 32, 4096, 32, 32, 11008, 32_000)
CHIP, _DTYPE = machine("H100 SXM5"), "bfloat16"
_NAMES = {
    "attention": "attention, fused",
    "output": "attention output",
    "up and gate": "FFN up and gate",
    "down": "FFN down",
    "head": "logits, last token",
}
_LIMITS = {"compute": "compute", "weights": "the weights", "KV cache": "the KV cache"}

_VALUE = 96  # baseline of the rate
_TOP, _PITCH, _ROWS = 168, 28, 6  # middle of the first row, px from row to row
_AXIS_Y = _TOP + _PITCH * _ROWS - 12
_MACS, _BYTES = 232, 332  # where the columns of numbers end
_AXIS, _DECADE, _LOWEST = 352, 40, -0.4  # left edge of the intensity axis, px, its first power
_END = _AXIS + 200
_BAR, _WIDE = 568, 80  # the bars of time
_TANK, _TALL, _GB = 400, 32, 5  # top and height of the tank, px a GB
_FOOT = 484


def lever(mode, context, batch, *, bet=None):
    """A `Picture` of one step of Llama-2 7B in 16 bit on one H100, and of the memory it takes.

    `mode`: "prefill" reads all tokens of the context at once; "decode" writes one more token of
    each sequence, "decode, 8 KV heads" and "decode, 1 KV head" with fewer keys and values.
    What is counted stands in `course_utils.serving`; dots are intensities, hollow those of prefill.
    `bet`, prefill's tokens a second over decode's, is a diamond beside the rate.
    Another mode, a context over 32,768 or a batch over 256 is a ValueError.

    >>> lever("decode", context=512, batch=1)
    Decode, context 512, batch 1: 6.74 GMAC, 13.7 GB held, 13.5 GB moved, 1 FLOP/B; at best 248 \
tokens/s, limited by the weights; prefill 73,764, ×297.
    """
    if mode not in MODES:
        raise ValueError(f"lever: mode is {mode!r}; take one of {', '.join(map(repr, MODES))}")
    for name, value, most in (("context", context, MOST_CONTEXT), ("batch", batch, MOST_BATCH)):
        if whole(value, f"lever: {name}") > most:
            raise ValueError(f"lever: {name} is {value:,}; the axis ends at {most:,}, take less")
    scene = _Scene(mode, context, batch)
    body = [
        *_value(scene, bet),
        *_axis(),
        *_table(scene),
        *_tank(scene),
        footer(_FOOT, scene.step.meters(), _notes(scene), scene.before and scene.before.meters()),
    ]
    return card(_FOOT + FOOTER_HEIGHT + PAD, _title(scene), _second(), body, _says(scene))


class _Scene:
    """The step that is shown, and the one it is compared with: prefill, or None of prefill."""

    def __init__(self, mode, context, batch):
        self.mode, self.context, self.batch = mode, context, batch
        self.heads = MODES[mode]
        self.reads = mode == "prefill"
        model = replace(MODEL, kv_heads=self.heads)
        self.step = (prefill if self.reads else decode)(model, context, batch)
        self.before = None if self.reads else prefill(MODEL, context, batch)
        self.limit = self.step.limit(CHIP, _DTYPE)

    def rate(self, step):
        """Tokens a second at best, or None where the step does not fit."""
        return step.tokens_per_second(CHIP, _DTYPE) if step.fits(CHIP) else None

    @property
    def plain(self):
        """The decode step with all 32 KV heads."""
        return decode(MODEL, self.context, self.batch)

    @property
    def ratio(self):
        """Tokens a second of prefill over those of this step; None for prefill, or without room."""
        before = self.before and self.rate(self.before)
        return before / self.rate(self.step) if before else None


# --- words --------------------------------------------------------------------------------


def _gb(nbytes):
    """
    >>> _gb(13_476_831_232), _gb(4_411_523_000_000), _gb(8_388_608)
    ('13.5 GB', '4,412 GB', '0.00839 GB')
    """
    return f"{units.number(nbytes / 1e9)} GB"


def _giga(number):
    """Three figures in G, or in T: a column of one unit."""
    return units.count(number) if number >= 10**9 else f"{number / 1e9:.3g} G"


def _rate(per_second):
    return f"{per_second:,.0f}" if per_second >= 100 else units.number(per_second)


def _title(scene):
    rate = scene.rate(scene.step)
    if rate is None:
        return f"{_gb(scene.step.meters().memory)} for weights and KV cache do not fit into 80 GB"
    if scene.heads < 32:
        heads = f"{scene.heads} KV head{'s' if scene.heads > 1 else ''}"
        plain = scene.rate(scene.plain)
        other = f" instead of {_rate(plain)}" if plain else ", where 32 do not fit"
        return f"With {heads}: {_rate(rate)} tokens/s{other}"
    name = "Prefill" if scene.reads else "Decode"
    does = "computes" if scene.limit == "compute" else f"waits for {_LIMITS[scene.limit]}"
    intensity = units.intensity(scene.step.meters().intensity)
    other = f"at {intensity}" if scene.reads else f"prefill ×{units.number(scene.ratio)}"
    return f"{name} {does}: {_rate(rate)} tokens/s, {other}"


def _second():
    return (
        "Llama-2 7B, 16 bit, one H100: compulsory bytes of each product; attention fused, "
        "all scores computed."
    )


def _says(scene):
    meters, rate = scene.step.meters(), scene.rate(scene.step)
    name = scene.mode[:1].upper() + scene.mode[1:]
    about = (
        f"{name}, context {scene.context:,}, batch {scene.batch}: "
        f"{units.macs(meters.macs)}, {_gb(meters.memory)} held, {_gb(meters.moved)} moved, "
        f"{units.intensity(meters.intensity)}; "
    )
    if rate is None:
        return f"{about}does not fit into the 80 GB of the chip: no rate."
    words = f"{about}at best {_rate(rate)} tokens/s, limited by {_LIMITS[scene.limit]}"
    return f"{words}; {_beside(scene)}." if scene.ratio else f"{words}."


def _beside(scene):
    """The rate of prefill, and how many times this step's it is."""
    return f"prefill {_rate(scene.rate(scene.before))}, ×{units.number(scene.ratio)}"


def _notes(scene):
    if scene.reads:
        return "weights + KV cache", f"{scene.batch * scene.context:,} tokens", "compulsory"
    now, before = scene.step.meters(), scene.before.meters()
    memory, macs, moved = (
        _times(getattr(now, key) / getattr(before, key)) for key in ("memory", "macs", "moved")
    )
    return f"prefill, now {memory}", f"prefill, now {macs}", f"prefill, {moved}; compulsory"


def _times(ratio):
    return f"×{units.number(ratio)}" if ratio >= 0.1 else f"1/{units.number(round(1 / ratio))}"


# --- marks --------------------------------------------------------------------------------


def _value(scene, bet):
    """What runs, the rate at best, what limits it, and a bet on prefill's rate over decode's."""
    rate = scene.rate(scene.step)
    many = f"{scene.batch} sequences" if scene.batch > 1 else "1 sequence"
    what = f"all {scene.context:,} tokens of {many} at once"
    if not scene.reads:
        what = f"1 new token of {'each of ' if scene.batch > 1 else ''}{many}"
    parts = [text(LEFT, _VALUE, what, 13, bold=True)]
    if rate is None:
        needs = f"needs {_gb(scene.step.meters().memory)}, the chip has 80 GB"
        return [
            *parts,
            text(RIGHT, _VALUE, "does not fit: no rate", 16, INK, "end", True),
            text(LEFT, _VALUE + 20, needs, 12, MUTE),
        ]
    parts += [
        text(RIGHT, _VALUE, f"{_rate(rate)} tokens/s at best", 16, INK, "end", True),
        text(LEFT, _VALUE + 20, f"limited by {_LIMITS[scene.limit]}", 12, MUTE),
    ]
    end = RIGHT
    if scene.ratio:
        words = _beside(scene)
        parts.append(text(RIGHT, _VALUE + 20, words, 12, MUTE, "end"))
        end -= text_width(words, 12) + 16
    if bet is not None:
        guess = f"you bet ×{units.number(min(bet, _MOST_BET))}"
        parts += [
            text(end, _VALUE + 20, guess, anchor="end"),
            diamond(end - text_width(guess, 12) - 12, _VALUE + 16),
        ]
    return parts


def _x(intensity):
    """Px of an intensity on the axis, which is logarithmic and the same in every state."""
    return _AXIS + _DECADE * (log10(intensity) - _LOWEST)


def _axis():
    ridge, top = _x(CHIP.ridge(_DTYPE)), _TOP - 14
    parts = [
        text(LEFT, _TOP - 24, "operation, all layers", 11, MUTE),
        text(_MACS, _TOP - 24, "MAC", 11, COMPUTE, "end"),
        text(_BYTES, _TOP - 24, "B moved", 11, MOVEMENT_TEXT, "end"),
        text(_AXIS, _TOP - 24, "FLOP/B (log)", 11, MUTE),
        text(_BAR, _TOP - 24, "share of the time", 11, MUTE),
        line(_AXIS, _AXIS_Y, _END, _AXIS_Y, MUTE),
    ]
    for power in range(5):
        x = _x(10**power)
        parts.append(line(x, _AXIS_Y, x, _AXIS_Y + 4, MUTE))
        parts.append(text(x, _AXIS_Y + 17, f"{10**power:,}", 11, MUTE, "middle"))
    for row in range(_ROWS):
        parts.append(line(_AXIS, _TOP + _PITCH * row, _END, _TOP + _PITCH * row, GRID))
    parts.append(line(ridge, top, ridge, _AXIS_Y, INK, 1, "1 3"))
    parts.append(text(ridge, _TOP - 24, f"ridge {units.number(CHIP.ridge(_DTYPE))}", 11, INK))
    return parts


def _table(scene):
    total = scene.step.seconds(CHIP, _DTYPE)
    parts = []
    for row, one in enumerate(scene.step.operations):
        y = _TOP + _PITCH * row
        share = one.seconds(CHIP, _DTYPE) / total
        parts += [
            text(LEFT, y + 4, _NAMES.get(one.name, one.name)),
            text(_MACS, y + 4, _giga(one.macs), anchor="end"),
            text(_BYTES, y + 4, _giga(one.moved), anchor="end"),
        ]
        x = _x(one.intensity)
        if scene.before:
            start = _x(scene.before.operations[row].intensity)
            parts.append(circle(start, y, 4, PAPER, INK, 1.5))
            if abs(start - x) > 9:
                side = 1 if x < start else -1
                parts.append(line(start - 5 * side, y, x + 5 * side, y, MUTE))
        parts.append(circle(x, y, 4.5, INK))
        fill = HATCH if one.computes(CHIP, _DTYPE) else DOTS
        parts.append(rect(_BAR, y - 5, max(_WIDE * share, 2), 10, fill))
        parts.append(text(RIGHT, y + 4, _percent(share), anchor="end"))
    return [*parts, *_legend(scene)]


def _percent(share):
    return f"{100 * share:.0f} %" if share >= 0.005 else "< 1 %"


def _legend(scene):
    y = _AXIS_Y + 17
    dots = [circle(LEFT + 5, y - 4, 4.5, INK), text(LEFT + 16, y, "this step")]
    if scene.before:
        which = "32 KV heads" if scene.heads < 32 else "same context and batch"
        dots += [
            circle(LEFT + 101, y - 4, 4, PAPER, INK, 1.5),
            text(LEFT + 112, y, f"prefill, {which}"),
        ]
    return [
        *dots,
        rect(_BAR, y - 9, 10, 10, HATCH),
        text(_BAR + 14, y, "compute", 11),
        rect(_BAR + 72, y - 9, 10, 10, DOTS),
        text(_BAR + 86, y, "bytes", 11),
    ]


def _tank(scene):
    """The chip's memory to scale; what does not fit lies beyond its rim."""
    step, room = scene.step, CHIP.memory
    held = step.meters().memory
    rim, over = LEFT + _GB * room / 1e9, held - room
    weights, full = (_GB * each / 1e9 for each in (step.weight_bytes, min(held, room)))
    parts = [
        text(LEFT, _TANK - 10, "memory of the chip, 80 GB, to scale", 12, INK, bold=True),
        rect(LEFT, _TANK, rim - LEFT, _TALL, PAPER, IDLE),
        inner(LEFT + weights, _TANK, full - weights, _TALL, MEMORY, MEMORY_TINT),
        rect(LEFT, _TANK, weights - 1, _TALL, MEMORY),
    ]
    if over > 0:
        end = min(rim + _GB * over / 1e9, RIGHT)
        parts.append(inner(rim, _TANK, max(end - rim, 2), _TALL, MEMORY, OVER))
        if end == RIGHT:
            parts.append(_torn(RIGHT - 24))
        words = f"{_gb(over)} do not fit"
        parts.append(text(rim + 8, _TANK - 10, words, 12, INK, bold=True))
    parts.append(rect(rim - 1, _TANK - 6, 2, _TALL + 12, INK))
    y = _TANK + _TALL + 20
    parts += [
        rect(LEFT, y - 9, 10, 10, MEMORY),
        text(LEFT + 16, y, f"weights {_gb(step.weight_bytes)}"),
        inner(LEFT + 160, y - 9, 10, 10, MEMORY, MEMORY_TINT),
        text(LEFT + 176, y, f"KV cache {_gb(step.kv_bytes)}"),
    ]
    if over <= 0:
        parts.append(text(rim - 8, y, f"free {_gb(-over)}", 12, MUTE, "end"))
    return parts


def _torn(x):
    """Two slanted white cuts: what follows is longer than the card can show."""
    d = f"M{n(x)} {_TANK + _TALL + 2}l8 {-_TALL - 4}"
    return path(d, PAPER, 4)
