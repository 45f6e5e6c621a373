"""Labels placed by program: beside their dot, off every dot, line and other label.

Boxes are (left, top, right, bottom), segments (x1, y1, x2, y2), all in px.
"""

from dataclasses import dataclass
from math import cos, hypot, radians, sin
from random import Random

from .fonts import text_width

NEAR = 18  # a label further than this from its dot has a leader

_DISTANCES = (10, 14, 18, 24, 32, 42, 54, 68, 84, 100, 120, 140, 160, 180)
# Direction in degrees, clockwise from the right, and what it costs against the right-hand side.
_DIRECTIONS = {0: 0, 180: 1, 30: 2, 330: 2, 150: 3, 210: 3, 90: 3, 270: 3}
_DIRECTIONS |= {45: 3, 315: 3, 135: 4, 225: 4, 60: 4, 300: 4, 120: 5, 240: 5}
_DIRECTIONS |= {15: 6, 345: 6, 165: 6, 195: 6, 75: 7, 285: 7, 105: 7, 255: 7}
_CANDIDATES = sorted(
    (distance + cost, distance, angle)
    for distance in _DISTANCES
    for angle, cost in _DIRECTIONS.items()
)


@dataclass(frozen=True)
class Named:
    """A dot that wants a label: its centre, the words, and the box that its marks cover."""

    x: float
    y: float
    words: str
    bold: bool
    box: tuple


@dataclass(frozen=True)
class Spot:
    """Where a label goes: left end of its baseline, its box, and its leader or None."""

    x: float
    y: float
    box: tuple
    leader: tuple | None
    cost: float


def place(dots, boxes, lines, thin, frame, size=11, silent=()):
    """A `Spot` for each of `dots`, which are `Named`; in the same order.

    `silent` dots, also `Named`, have no label, and no label may seem to be theirs.

    Labels stay inside `frame` and off every dot, box and segment.  Leaders cross no dot, no box
    and no leader; they cross the segments in `thin`.  Only where nothing else is left do leaders
    cross those in `lines`, and after that labels cover those in `thin`.
    No room for one of the dots is a ValueError.
    """
    for solid, light in ((lines, thin), ([], [*lines, *thin]), (lines, []), ([], lines)):
        spots = _best(dots, boxes, solid, light, frame, size, silent)
        if not isinstance(spots, Named):
            return [spots[dot] for dot in dots]
    raise ValueError(f"no room for the label {spots.words!r}; shorten it or draw fewer points")


def _best(dots, boxes, lines, thin, frame, size, silent):
    """The cheapest spots over a few orders, or a dot that found none."""
    best = {} if not dots else None
    all_dots = [*dots, *silent]
    spare = {dot: _Kept(_spots(dot, all_dots, boxes, lines, thin, frame, size)) for dot in dots}
    for order in _orders(dots):
        # A dot that finds no spot is served first the next time.
        for _ in dots:
            spots = _in_order(order, spare)
            if not isinstance(spots, Named):
                break
            stuck = spots
            order = [stuck, *(dot for dot in order if dot is not stuck)]
        else:
            continue
        if best is None or _cost(spots) < _cost(best):
            best = spots
        if not any(spot.leader for spot in spots.values()):
            break
    return stuck if best is None else best


class _Kept:
    """What an iterator gives, to go through again; nothing is taken from it before it is asked."""

    def __init__(self, rest):
        self._rest, self._taken = rest, []

    def __iter__(self):
        yield from self._taken
        for each in self._rest:
            self._taken.append(each)
            yield each


def _orders(dots):
    """The most crowded dots first, then from each side, then a few shuffles, always the same."""
    yield sorted(dots, key=lambda p: -sum(hypot(p.x - q.x, p.y - q.y) < 90 for q in dots))
    yield sorted(dots, key=lambda p: p.x)
    yield sorted(dots, key=lambda p: -p.x)
    yield sorted(dots, key=lambda p: p.y)
    shuffled = Random(len(dots))
    for _ in range(6):
        yield shuffled.sample(dots, len(dots))


def _cost(spots):
    return sum(spot.cost for spot in spots.values())


def _in_order(waiting, spare):
    """The nearest spot still free for one dot after the other, or the dot that found none."""
    boxes, leaders, spots = [], [], {}
    for dot in waiting:
        spot = next((spot for spot in spare[dot] if _free(spot, boxes, leaders)), None)
        if spot is None:
            return dot
        spots[dot] = spot
        boxes.append(spot.box)
        if spot.leader:
            leaders.append(spot.leader)
    return spots


def _spots(dot, dots, boxes, lines, thin, frame, size):
    """The spots of a dot that are free before any label stands, the nearest first."""
    wide = text_width(dot.words, size, dot.bold)
    rest = [other for other in dots if other is not dot]
    others = [*boxes, *(other.box for other in rest)]
    for candidate in _CANDIDATES:
        spot = _candidate(dot, wide, size, *candidate)
        left, top, right, bottom = spot.box
        if left < frame[0] or top < frame[1] or right > frame[2] or bottom > frame[3]:
            continue
        if _meet(spot.box, dot.box) or any(enters(segment, spot.box) for segment in thin):
            continue
        # across a thin line, but not from on it, where the leader could not be seen
        if spot.leader and any(_touched(spot.leader, s)[0] for s in thin):
            continue
        if _free(spot, others, lines) and _plain(spot, dot, rest):
            yield spot


def _candidate(dot, wide, size, cost, distance, angle):
    ux, uy = cos(radians(angle)), sin(radians(angle))
    ax, ay = dot.x + ux * distance, dot.y + uy * distance
    left = ax if ux > 0.3 else ax - wide if ux < -0.3 else ax - wide / 2
    baseline = ay + size * (0.36 + 0.5 * uy)
    box = (left - 3, baseline - size, left + wide + 3, baseline + 0.3 * size)
    leader = None
    if distance > NEAR:
        start = dot.box[2] - dot.x + 2
        leader = (dot.x + ux * start, dot.y + uy * start, ax - 3 * ux, ay - 3 * uy)
    return Spot(left, baseline, box, leader, cost)


def _free(spot, others, lines):
    """Whether a spot and its leader stay off these boxes and segments."""
    if any(_meet(spot.box, box) for box in others):
        return False
    if any(enters(segment, spot.box) for segment in lines):
        return False
    return spot.leader is None or not (
        any(enters(spot.leader, b) for b in others)
        or any(cross(spot.leader, s) or any(_touched(spot.leader, s)) for s in lines)
    )


def _meet(one, other):
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def _touched(leader, segment):
    """Which of a leader's start, middle and end lie within 3 px of a segment."""
    x1, y1, x2, y2 = leader
    places = ((x1, y1), ((x1 + x2) / 2, (y1 + y2) / 2), (x2, y2))
    return [enters(segment, (x - 3, y - 3, x + 3, y + 3)) for x, y in places]


def _plain(spot, dot, rest):
    """Whether it is plain whose label this is: without a leader, no other dot is as near."""
    own = _gap(spot.box, dot)
    return spot.leader is not None or all(_gap(spot.box, other) > own + 4 for other in rest)


def _gap(box, dot):
    across = max(box[0] - dot.x, dot.x - box[2], 0)
    return hypot(across, max(box[1] - dot.y, dot.y - box[3], 0))


def enters(segment, box):
    """Whether a segment has a piece inside a box (Liang and Barsky's clipping).

    >>> enters((0, 0, 10, 10), (4, 4, 6, 6)), enters((0, 0, 10, 10), (6, 0, 9, 4))
    (True, False)
    """
    x1, y1, x2, y2 = segment
    if (x1 <= box[0] and x2 <= box[0]) or (x1 >= box[2] and x2 >= box[2]):
        return False
    if (y1 <= box[1] and y2 <= box[1]) or (y1 >= box[3] and y2 >= box[3]):
        return False
    start, end = 0.0, 1.0
    for p, low, high, d in ((x1, box[0], box[2], x2 - x1), (y1, box[1], box[3], y2 - y1)):
        if d == 0:
            if not low < p < high:
                return False
            continue
        near, far = sorted(((low - p) / d, (high - p) / d))
        start, end = max(start, near), min(end, far)
    return start < end


def cross(one, other):
    """Whether two segments cross.

    >>> cross((0, 0, 2, 2), (0, 2, 2, 0)), cross((0, 0, 2, 2), (0, 1, 0, 2))
    (True, False)
    """

    def side(s, x, y):
        return (s[2] - s[0]) * (y - s[1]) - (s[3] - s[1]) * (x - s[0])

    return (
        side(one, *other[:2]) * side(one, *other[2:]) < 0
        and side(other, *one[:2]) * side(other, *one[2:]) < 0
    )
