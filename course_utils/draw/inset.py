"""A small roofline inside another picture: one dot that moves, on a machine that stays."""

from dataclasses import dataclass
from math import atan2, ceil, degrees, floor, log2

from .. import units
from .axes import Roof, power
from .fonts import text_width
from .palette import COMPUTE, INK, MOVEMENT_TEXT, MUTE, PAPER
from .svg import HALO, circle, diamond, line, n, path, text

_ROOF, _FLOOR, _TICK_WORDS = 52, 136, 152  # px below the heading's baseline
_CLEAR = 12  # px between the slope's lower end and the axis


@dataclass(frozen=True)
class Inset:
    """A machine's roof between two px across, `left` and `right`; `y` is its heading's baseline.

    `caption` names the machine and the number type of its peak.  The axis of intensity runs from
    `least` to `most` FLOP/B, widened to whole powers of two and until the ridge is on it.
    """

    left: float
    right: float
    y: float
    roof: Roof
    caption: str
    least: float
    most: float

    @property
    def _octaves(self):
        ridge = self.roof.ridge
        return floor(log2(min(self.least, ridge / 2))), ceil(log2(max(self.most, 2 * ridge)))

    def at(self, intensity):
        """Px across and down of the roof at an intensity in FLOP/B, kept on the axis."""
        low, high = self._octaves
        octave = min(max(log2(intensity), low), high)
        across = self.left + (self.right - self.left) * (octave - low) / (high - low)
        tall = (_FLOOR - _CLEAR - _ROOF) / (log2(self.roof.ridge) - low)
        return across, self.y + _ROOF + tall * max(log2(self.roof.ridge) - octave, 0)

    def draw(self, intensity, words, before=None, bet=None):
        """SVG of the roof with a dot, called `words`, at `intensity`.

        `before`: the intensity compared with and what it is called, a ring; `bet`: one that was
        bet on, a diamond.
        """
        parts = [
            text(self.left, self.y, "Roofline", 13, bold=True),
            text(self.left, self.y + 16, f"{self.caption}; both scales log", 11, MUTE),
            *self._axis(),
            *self._roof(),
        ]
        if before:
            x, y = self.at(before[0])
            parts.append(circle(x, y, 4, PAPER, INK, 1.5))
            if intensity > 4 * before[0]:  # else the dot's own words are in the way
                parts.append(text(x + 8, y + 14, before[1], 11, MUTE))
        if bet:
            parts.append(diamond(*self.at(bet)))
        x, y = self.at(intensity)
        parts.append(circle(x, y, 4.5, INK, PAPER))
        # Under the slope there is room to the right, under the flat roof on both sides.
        if intensity < self.roof.ridge:
            parts.append(text(x + 8, y + 14, words, 11, INK, "start", True, HALO))
        else:
            x = min(x, self.right - text_width(words, 11, True) / 2)
            parts.append(text(x, y + 18, words, 11, INK, "middle", True, HALO))
        return "".join(parts)

    def _axis(self):
        floor_y = self.y + _FLOOR
        low, high = self._octaves
        step = (self.right - self.left) / (high - low)
        parts = [line(self.left, floor_y, self.right, floor_y, MUTE)]
        for octave in range(low, high + 1):
            x = self.left + step * (octave - low)
            parts.append(line(x, floor_y, x, floor_y + 4, MUTE))
            if octave % 2 == 0:
                anchor = {low: "start", high: "end"}.get(octave, "middle")
                parts.append(text(x, self.y + _TICK_WORDS, power(octave), 11, MUTE, anchor))
        return parts

    def _roof(self):
        low, high = self._octaves
        (x1, y1), (x2, y2), (x3, _) = (self.at(i) for i in (2.0**low, self.roof.ridge, 2.0**high))
        angle = degrees(atan2(y2 - y1, x2 - x1))
        turn = f"translate({n((x1 + x2) / 2)} {n((y1 + y2) / 2)}) rotate({n(angle)})"
        slope = text(
            0, -10, units.bandwidth(self.roof.bandwidth), 11, MOVEMENT_TEXT, "middle", True
        )
        ridge = f"ridge {units.intensity(self.roof.ridge)}"
        wide = text_width(ridge, 11)
        beside = x2 + 6 if x2 + 6 + wide <= self.right else x2 - 6 - wide
        peak = units.rate(self.roof.peak)
        return [
            path(f"M{n(x1)} {n(y1)}L{n(x2)} {n(y2)}H{n(x3)}", INK, 1.5),
            line(x2, y2, x2, self.y + _FLOOR, MUTE, 1, "1 4"),
            text(beside, self.y + _FLOOR - 6, ridge, 11, MUTE),
            f'<g transform="{turn}">{slope}</g>',
            text(x3, y2 - 10, peak, 11, COMPUTE, "end", True),
        ]
