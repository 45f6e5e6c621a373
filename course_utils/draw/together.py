"""The whole poster: works of many machines under one roof, each measured by its own machine.

Across stands the intensity in ridges of the machine, up the share of its peak; so every roof is the
same one, min(1, intensity / ridge).
"""

from math import ceil, floor, log2

from .. import units
from .axes import FLOOR, Axes, Roof, legend
from .roofline import Poster
from .svg import INK, PAD, arrow, card

_ROOF = Roof("each machine", 1.0, 1.0, 1.0)
_SHRINK = 7  # px between the end of an arrow and the middle of its dot


class _Shares(Poster):
    def _axes(self):
        return self.axes.draw(
            "intensity, in ridges of the machine (log)", "share of the peak (log)"
        )

    def _words(self):
        return "ridge", "", "peak"

    def _slope_name(self, marks):
        """Nothing: each machine has its own bandwidth, and this one line stands for all."""


def together(points, moves=(), *, title, second):
    """A `Picture` of `points`, each a `draw.Point` with its `intensity` in ridges of its machine
    and `in_steps` as a share of the peak.

    `moves`: pairs of labels, an arrow from the one point to the other.  Points close by share a
    label.  `title` is the finding, `second` says what was counted.

    >>> from course_utils.draw import Point
    >>> few, many = Point("1", 0.1, in_steps=0.1), Point("64", 4.0, in_steps=1.0)
    >>> together([few, many], [("1", "64")], title="A batch", second="One layer.")
    Each under its own machine's roof: 1: 0.1 of the ridge, 10 % of the peak; 64: 4 of the ridge, \
100 % of the peak.
    """
    points = list(points)
    left = floor(log2(min(point.intensity for point in points)))
    right = ceil(log2(max(point.intensity for point in points)))
    low = floor(log2(min(point.in_steps for point in points)))
    axes = Axes(min(left, -1), max(right, 1), min(low, left, -1), 1, "")
    poster = _Shares(axes, "", _ROOF)
    named = {point.label: poster.centre(point) for point in points}
    ways = [(*named[one], *named[other]) for one, other in moves]
    poster.thin += ways
    poster.draw(points, apart=9)
    poster.parts += [_between(*way) for way in ways]
    poster.parts.append(legend(FLOOR + 64, points, None))
    says = "; ".join(
        f"{p.label}: {units.number(p.intensity)} of the ridge, "
        f"{units.number(100 * p.in_steps)} % of the peak"
        for p in points
    )
    says = f"Each under its own machine's roof: {says}."
    return card(FLOOR + 64 + PAD, title, second, poster.parts, says)


def _between(x1, y1, x2, y2):
    long = ((x2 - x1) ** 2 + (y2 - y1) ** 2) ** 0.5
    dx, dy = _SHRINK * (x2 - x1) / long, _SHRINK * (y2 - y1) / long
    return arrow(x1 + dx, y1 + dy, x2 - dx, y2 - dy, INK, 1.25, 6)
