"""The roofline's axes: intensity across, rate up, both in powers of two, the roof, the legend."""

from dataclasses import dataclass
from math import ceil, floor, log2

from ..machines import Machine
from .fonts import text_width
from .palette import GRID, INK, MUTE, PAPER
from .svg import LEFT, RIGHT, circle, diamond, line, text

START, TOP, FLOOR = 72, 104, 464  # the plot: left edge, top, and the axis of intensity
_PREFIX = {"": 1, "G": 1e9, "T": 1e12}
# The fixed axes, as powers of two: 1/16 to 512 FLOP/B, 1/2 to 256 GFLOP/s.
_INTENSITY, _RATE = (-4, 9), (-1, 8)
_HEADROOM = 1.3  # for the words above a roof


@dataclass(frozen=True)
class Roof:
    """What a machine allows: `peak` in FLOP/s, `bandwidth` in B/s, `ridge` in FLOP/B."""

    name: str
    peak: float
    bandwidth: float
    ridge: float

    @classmethod
    def of(cls, machine, dtype):
        """The roof of a `Machine` for one dtype; a ValueError for anything else."""
        if not isinstance(machine, Machine):
            raise ValueError(
                f'roofline: {machine!r} is no Machine; pass one, as in machine("H100")'
            )
        # ridge goes first: it says what is missing when nobody knows the bandwidth
        ridge = machine.ridge(dtype)
        name = machine.name[:1].upper() + machine.name[1:]
        return cls(name, machine.peak(dtype), machine.bandwidth, ridge)

    def at(self, intensity):
        """FLOP/s at best."""
        return min(self.peak, intensity * self.bandwidth)


@dataclass(frozen=True)
class Axes:
    """Powers of two at the ends of both axes, and the prefix of the rate: G, T or none.

    `frame` is where they stand, in px: left end, top, right end, axis of intensity.
    """

    left: int
    right: int
    bottom: int
    top: int
    prefix: str
    frame: tuple = (START, TOP, RIGHT, FLOOR)

    @classmethod
    def around(cls, roofs, points, bet):
        """The fixed axes where everything fits in, else moved by whole powers of four."""
        seen = [p.intensity for p in points] + ([bet[0]] if bet else [])
        # A ridge keeps some flat roof to its right.
        seen += [1.5 * roof.ridge for roof in roofs]
        left = min(_INTENSITY[0], floor(log2(min(seen))))
        right = max(_INTENSITY[1], ceil(log2(max(seen))))
        peak = max(roof.peak for roof in roofs)
        prefix = "T" if peak > 16e12 else "G"
        rates = [r for p in points for r in p.flops_per_second or ()]
        rates += [bet[1]] if bet else []
        rates += [peak * _HEADROOM, *(roof.at(2.0**left) for roof in roofs)]
        low, high = (log2(rate / _PREFIX[prefix]) for rate in (min(rates), max(rates)))
        bottom, top = _RATE
        if low < bottom or high > top:
            bottom += 2 * floor((low - 0.5 - bottom) / 2)
            top = max(top + 2 * ceil((high - top) / 2), bottom + 9)
        return cls(left, right, bottom, top, prefix)

    def x(self, intensity):
        """Px from the left of the card."""
        start, _, end, _ = self.frame
        return start + (end - start) * (log2(intensity) - self.left) / (self.right - self.left)

    def y(self, rate):
        """Px from the top of the card."""
        _, top, _, floor_y = self.frame
        height = log2(rate / _PREFIX[self.prefix]) - self.bottom
        return floor_y - (floor_y - top) * height / (self.top - self.bottom)

    def corners(self, roof):
        """Left end, ridge and right end of a roof, as (x, y)."""
        ends = 2.0**self.left, roof.ridge, 2.0**self.right
        return [(self.x(i), self.y(roof.at(i))) for i in ends]

    def of_work(self, work):
        """`draw` with the names of a roofline; `work` is FLOP or OP."""
        return self.draw(f"intensity, {work} per byte (log)", f"{self.prefix}{work}/s (log)")

    def draw(self, across, up):
        """Ticks, grid and the names of both axes, as SVG strings."""
        start, top, end, floor_y = self.frame
        parts = []
        for octave in range(self.left, self.right + 1):
            x = self.x(2.0**octave)
            parts.append(line(x, floor_y, x, floor_y + 4, MUTE))
            if octave % 2 == 0:
                anchor = "end" if octave == self.right else "middle"
                parts.append(text(x, floor_y + 18, power(octave), 11, MUTE, anchor))
        step = 2 if self.top - self.bottom <= 14 else 4
        for octave in range(self.bottom, self.top + 1):
            if octave % step == 0:
                y = self.y(2.0**octave * _PREFIX[self.prefix])
                parts.append(line(start, y, end, y, GRID))
                parts.append(text(start - 8, y + 4, power(octave), 11, MUTE, "end"))
        return [
            *parts,
            line(start, floor_y, end, floor_y, MUTE),
            text(end, floor_y + 36, across, 11, MUTE, "end"),
            text(LEFT, top - 12, up, 11, MUTE),
        ]


def power(octave):
    """2^octave as an axis prints it.

    >>> power(-2), power(10)
    ('1/4', '1,024')
    """
    return f"{2**octave:,}" if octave >= 0 else f"1/{2**-octave:,}"


def legend(y, points, bet):
    """One line for what is present among bet, model, measured and earlier lessons."""
    entries = []
    if bet:
        entries.append((16, lambda x: diamond(x + 8, y - 4), "your bet"))
    modelled = any(p.median is None for p in points)
    entries.append((24, lambda x: _model_sign(x, y, modelled), "model: at best"))
    if any(p.median is not None for p in points):
        entries.append((8, lambda x: _measured_sign(x, y), "measured: median, slowest to fastest"))
    if any(p.faint for p in points):
        entries.append((5, lambda x: circle(x + 2.5, y - 4, 2.5, MUTE), "earlier lessons, at best"))
    parts, x = [], LEFT
    for wide, sign, words in entries:
        parts += [sign(x), text(x + wide + 8, y, words)]
        x += wide + 8 + text_width(words, 12) + 32
    return "".join(parts)


def _model_sign(x, y, modelled):
    stroke = line(x, y - 4, x + 24, y - 4, INK, 1.5)
    return stroke + circle(x + 12, y - 4, 4, PAPER, INK, 1.5) if modelled else stroke


def _measured_sign(x, y):
    return line(x + 4, y - 12, x + 4, y + 4, INK, 1.5) + circle(x + 4, y - 4, 4.5, INK)
