"""The roofline poster: what a machine allows at each intensity, and where pieces of work stand.

Both axes are logarithmic.  The roof is min(peak, intensity × bandwidth), after Williams, Waterman
and Patterson (2009).
"""

from dataclasses import dataclass
from itertools import chain, pairwise, product
from math import atan2, cos, degrees, hypot, inf, sin
from numbers import Real

import numpy as np

from .. import units
from .axes import FLOOR, TOP, Axes, Roof, legend
from .fonts import text_width
from .labels import Named, enters, place
from .palette import COMPUTE, INK, MOVEMENT_TEXT, MUTE, PAPER
from .svg import (
    FOOTER_HEIGHT,
    HALO,
    PAD,
    RIGHT,
    card,
    circle,
    diamond,
    footer,
    line,
    n,
    path,
    text,
)

_DASH = "5 3"


@dataclass(frozen=True)
class Point:
    """A piece of work on the poster.

    `intensity` in FLOP/B; `flops_per_second` = (slowest, median, fastest) of a measurement, or
    None for what the model allows at best: a hollow dot on the roof, or at `in_steps` FLOP/s where
    the work's steps run one after another, each at its own best.  `bold` marks this lesson's
    points, `faint` those of earlier ones, small and without a name; `ring` the one whose meters
    stand in the footer.  Other numbers are a ValueError.

    >>> Point("z = x + y", 1 / 12, (1.1e9, 1.2e9, 1.2e9)).median
    1200000000.0
    """

    label: str
    intensity: float
    flops_per_second: tuple | None = None
    bold: bool = False
    ring: bool = False
    in_steps: float | None = None
    faint: bool = False

    def __post_init__(self):
        if not _positive(self.intensity):
            raise ValueError(
                f"Point {self.label!r}: intensity is {self.intensity!r}; "
                "it must be a number of FLOP/B above 0"
            )
        if self.in_steps is not None and not _positive(self.in_steps):
            raise ValueError(
                f"Point {self.label!r}: in_steps is {self.in_steps!r}; it must be FLOP/s above 0"
            )
        rates = self.flops_per_second
        if rates is None:
            return
        rates = tuple(rates) if np.iterable(rates) else ()
        if len(rates) != 3 or not all(map(_positive, rates)) or list(rates) != sorted(rates):
            raise ValueError(
                f"Point {self.label!r}: flops_per_second is {self.flops_per_second!r}; "
                "pass (slowest, median, fastest) in FLOP/s, all positive"
            )
        object.__setattr__(self, "flops_per_second", rates)

    @property
    def median(self):
        """FLOP/s in the middle of the measurement, or None without one."""
        return None if self.flops_per_second is None else self.flops_per_second[1]


def _positive(value):
    return isinstance(value, Real) and not isinstance(value, bool) and 0 < value < inf


def roofline(
    machine,
    points=(),
    *,
    dtype="float32",
    beside=None,
    bet=None,
    meters=None,
    title=None,
    second=None,
    apart=0,
):
    """A `Picture` of a machine's roofline with `points`, a sequence of `Point`.

    `beside` is a second machine, a thin dashed roof with a key above the plot.
    `bet` is (FLOP/B, FLOP/s, label), a diamond.  `meters` are those of the ringed point; without
    them there is no footer.
    `title` and `second` replace the two lines above, which otherwise speak of the ringed point
    and of the machine.  Points less than `apart` px from the next share one label.
    The axes are fixed and move by whole powers for a machine that leaves them.
    More than one ring, meters without a ring, a label without room, or anything else among the
    points is a ValueError.

    >>> from course_utils.machines import Machine
    >>> m = Machine("example", {"float32": 100e9}, bandwidth=20e9)
    >>> roofline(m, [Point("dot product", 0.25)])
    Example, float32: 100 GFLOP/s, 20 GB/s, ridge 5 FLOP/B; dot product: 0.25 FLOP/B, at best \
5 GFLOP/s.
    """
    points = _checked(points)
    ringed = [p for p in points if p.ring]
    if len(ringed) > 1 or (meters is not None and not ringed):
        raise ValueError(
            f"roofline: {len(ringed)} points have a ring; the meters belong to exactly one"
        )
    work = "OP" if dtype == "int8" else "FLOP"
    roof = Roof.of(machine, dtype)
    other = None if beside is None else Roof.of(beside, dtype)
    axes = Axes.around([roof, other] if other else [roof], points, bet)
    poster = Poster(axes, work, roof, other)
    poster.draw(points, bet, apart)
    end = FLOOR + 40
    if points or bet:
        end += 24
        poster.parts.append(legend(end, points, bet))
    if meters is not None:
        notes = ("the ringed dot", ringed[0].label, "compulsory")
        poster.parts.append(footer(end + 28, meters, notes))
        end += 28 + FOOTER_HEIGHT
    says = _sentence(poster, points, dtype)
    second = second or f"{roof.name}, {dtype}: the roof is min(peak, intensity × bandwidth)."
    title = title or _finding(poster, ringed)
    return card(end + PAD, title, second, poster.parts, says)


def _checked(points):
    points = list(points) if np.iterable(points) else [points]
    for each in points:
        if not isinstance(each, Point):
            raise ValueError(
                f"roofline: {each!r} among the points is no Point; "
                "pass a list such as [Point(label, intensity)]"
            )
    return points


class Poster:
    """The poster while it is drawn: its parts, and what labels must stay off."""

    def __init__(self, axes, work, roof, other=None):
        self.axes, self.work, self.roof, self.other = axes, work, roof, other
        self.parts, self.boxes = self._axes(), []
        self.lines, self.thin = [], []
        self.start, _, _, self.floor = axes.frame

    def _axes(self):
        return self.axes.of_work(self.work)

    def _words(self):
        """What is written at the ridge, along the slope and on the flat roof."""
        ridge = f"ridge {units.number(self.roof.ridge)} {self.work}/B"
        return ridge, units.bandwidth(self.roof.bandwidth), self.rate(self.roof.peak)

    def rate(self, per_second):
        return units.rate(per_second, self.work, self.axes.prefix)

    def reached(self, point):
        """FLOP/s at which a point stands: measured, or at best."""
        return point.median or point.in_steps or self.roof.at(point.intensity)

    def centre(self, point):
        return self.axes.x(point.intensity), self.axes.y(self.reached(point))

    def draw(self, points, bet=None, apart=0):
        """Roof, dots and names; dots of which each is within `apart` px of the next share one."""
        faint = [p for p in points if p.faint]
        silent = [self._named([p]) for p in faint]
        named = [p for p in points if not p.faint]
        dots = [self._named(group) for group in self._groups(named, apart)]
        if self.other:
            self.thin += self._line(self.other, width=1, dash=_DASH)
            self._key()
        self.lines += self._line(self.roof, width=1.5)
        self._ridge([dot.box for dot in dots])
        if bet:
            dots.append(self._bet(points, *bet))
        marks = [dot.box for dot in dots]
        marks += [dot.box for dot in silent]
        self._slope_name(marks)
        self._peak_name(marks)
        self._labels(dots, silent)
        for point in (*faint, *named):
            self._dot(point)

    def _groups(self, points, apart):
        groups = []
        for point in points:
            near = [g for g in groups if any(self._gap(point, other) < apart for other in g)]
            groups = [g for g in groups if g not in near] + [[*chain(*near), point]]
        return [sorted(group, key=points.index) for group in groups]

    def _gap(self, one, other):
        (x1, y1), (x2, y2) = self.centre(one), self.centre(other)
        return hypot(x2 - x1, y2 - y1)

    def _named(self, group):
        """A `Named` around all dots of a group."""
        lefts, tops, rights, bottoms = zip(*map(self._box, group), strict=True)
        words, bold = ", ".join(p.label for p in group), any(p.bold for p in group)
        box = min(lefts), min(tops), max(rights), max(bottoms)
        if len(group) == 1:
            return Named(*self.centre(group[0]), words, bold, box)
        return Named((box[0] + box[2]) / 2, (box[1] + box[3]) / 2, words, bold, box)

    def _box(self, point):
        x, y = self.centre(point)
        r = 10 if point.ring else 3 if point.faint else 6
        ends = [self.axes.y(f) for f in point.flops_per_second or ()]
        return x - r, min([y - r, *ends]), x + r, max([y + r, *ends])

    def _line(self, roof, width, dash=None):
        corners = self.axes.corners(roof)
        d = "M" + "L".join(f"{n(x)} {n(y)}" for x, y in corners)
        self.parts.append(path(d, INK, width, dash=dash))
        return [(*a, *b) for a, b in pairwise(corners)]

    def _key(self):
        """Whose roof is dashed: above the right end of the plot, where no roof comes."""
        words = f"dashed: {self.other.name}"
        left = RIGHT - text_width(words, 12)
        self.boxes.append((left - 40, TOP - 26, RIGHT, TOP - 6))
        self.parts.append(line(left - 36, TOP - 16, left - 8, TOP - 16, INK, 1, _DASH))
        self.parts.append(text(RIGHT, TOP - 12, words, anchor="end"))

    def _ridge(self, marks):
        """Its line, and its name at the line's foot, where a dot stands there further up."""
        x, y = self.axes.corners(self.roof)[1]
        words = self._words()[0]
        wide = text_width(words, 11)
        sides = [x + 6, x - 6 - wide] if x + 6 + wide <= RIGHT else [x - 6 - wide]
        boxes = [
            (left, self.floor - 20 - up, left + wide, self.floor - up)
            for up, left in product(range(0, 61, 4), sides)
        ]
        box = next((each for each in boxes if self._free([each], marks)), boxes[0])
        self.thin.append((x, y, x, self.floor))
        self.boxes.append(box)
        self.parts.append(line(x, y, x, self.floor, MUTE, 1, "1 4"))
        self.parts.append(text(box[0], box[3] - 8, words, 11, MUTE))

    def _bet(self, points, intensity, rate, words):
        """A diamond, and a dashed line to the point it was about."""
        x, y = self.axes.x(intensity), self.axes.y(rate)
        for point in points:
            there, down = self.centre(point)
            if abs(there - x) < 1 and abs(down - y) > 20:
                sign = 1 if down > y else -1
                drop = (x, y + 7 * sign, x, down - 8 * sign)
                self.lines.append(drop)
                self.parts.append(line(*drop, INK, 1.25, "4 3"))
        self.parts.append(diamond(x, y))
        return Named(x, y, words, False, (x - 8, y - 8, x + 8, y + 8))

    def _free(self, boxes, marks):
        """Whether words in these boxes touch no line, no mark and no other words."""
        return not any(
            b[0] < self.start
            or b[2] > RIGHT
            or any(enters(segment, b) for segment in (*self.lines, *self.thin))
            or any(
                o[0] < b[2] and b[0] < o[2] and o[1] < b[3] and b[1] < o[3]
                for o in (*self.boxes, *marks)
            )
            for b in boxes
        )

    def _slope_name(self, marks):
        """The bandwidth, written along the slope where there is room for it."""
        (x1, y1), (x2, y2), _ = self.axes.corners(self.roof)
        words, angle = self._words()[1], atan2(y2 - y1, x2 - x1)
        half = text_width(words, 12, True) / 2
        # First well away from the dots, whose labels need the room more.
        wide_berth = [(a - 48, b - 24, c + 48, d + 24) for a, b, c, d in marks]
        for keep_off in (wide_berth, marks):
            for down, share in product((-8, 17), (0.5, 0.4, 0.6, 0.3, 0.7, 0.2, 0.8)):
                x, y = x1 + share * (x2 - x1), y1 + share * (y2 - y1)
                boxes = []
                for step in range(-6, 7):
                    u, v = half * step / 6, down - 4
                    cx, cy = (
                        x + u * cos(angle) - v * sin(angle),
                        y + u * sin(angle) + v * cos(angle),
                    )
                    boxes.append((cx - 5, cy - 5, cx + 5, cy + 5))
                if self._free(boxes, keep_off):
                    self.boxes += boxes
                    turn = f"translate({n(x)} {n(y)}) rotate({n(degrees(angle))})"
                    name = text(0, down, words, 12, MOVEMENT_TEXT, "middle", True, HALO)
                    self.parts.append(f'<g transform="{turn}">{name}</g>')
                    return
        raise ValueError(f"no room for {words!r} along the slope; draw fewer points")

    def _peak_name(self, marks):
        """The peak, on the flat part: above or below, at the right end or further left."""
        _, (start, y), _ = self.axes.corners(self.roof)
        words = self._words()[2]
        wide = text_width(words, 12, True)
        for end in range(RIGHT, int(min(start + 8 + wide, RIGHT)) - 1, -8):
            for down in (-8, 18, -14, 24):
                box = (end - wide, y + down - 12, end, y + down + 3)
                if self._free([box], marks):
                    self.boxes.append(box)
                    self.parts.append(text(end, y + down, words, 12, COMPUTE, "end", True, HALO))
                    return
        raise ValueError(f"no room for {words!r} on the roof; draw fewer points")

    def _labels(self, dots, silent):
        start, top, end, floor = self.axes.frame
        frame = (start + 8, top - 20, end, floor - 20)
        spots = place(dots, self.boxes, self.lines, self.thin, frame, silent=silent)
        for dot, spot in zip(dots, spots, strict=True):
            if spot.leader:
                self.parts.append(line(*spot.leader, MUTE, 0.75))
            self.parts.append(text(spot.x, spot.y, dot.words, 11, INK, bold=dot.bold, extra=HALO))

    def _dot(self, point):
        x, y = self.centre(point)
        if point.faint:
            self.parts.append(circle(x, y, 2.5, MUTE))
        elif point.flops_per_second:
            low, _, high = point.flops_per_second
            self.parts.append(line(x, self.axes.y(low), x, self.axes.y(high), INK, 1.5))
            self.parts.append(circle(x, y, 4.5, INK, PAPER))
        else:
            self.parts.append(circle(x, y, 4, PAPER, INK, 1.5))
        if point.ring:
            self.parts.append(circle(x, y, 8, "none", INK, 1.25))


def _finding(poster, ringed):
    peak = poster.rate(poster.roof.peak)
    if not ringed:
        ridge = units.number(poster.roof.ridge)
        return f"{poster.roof.name}: {peak} at most, from {ridge} {poster.work}/B on"
    point = ringed[0]
    verb = "can reach" if point.median is None else "reaches"
    share = poster.rate(poster.reached(point)).split()[0]
    return f"{point.label} {verb} {share} of {peak}"


def _sentence(poster, points, dtype):
    roof, other = poster.roof, poster.other
    parts = [
        f"{roof.name}, {dtype}: {poster.rate(roof.peak)}, {units.bandwidth(roof.bandwidth)}, "
        f"ridge {units.number(roof.ridge)} {poster.work}/B"
    ]
    if other:
        bandwidth = units.bandwidth(other.bandwidth)
        parts.append(f"dashed, {other.name}: {poster.rate(other.peak)}, {bandwidth}")
    marked = [p for p in points if p.bold or p.ring]
    for point in marked or points:
        best = "" if point.median is not None else "at best "
        at = f"{units.number(point.intensity)} {poster.work}/B"
        parts.append(f"{point.label}: {at}, {best}{poster.rate(poster.reached(point))}")
    return "; ".join(parts) + "."
