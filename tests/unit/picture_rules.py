"""What every picture keeps: `faults(svg)` lists where one does not."""

import re
from functools import cache
from math import cos, radians, sin
from xml.etree import ElementTree

from course_utils.draw.fonts import text_width

PAD, SMALLEST, MOST_NODES = 24, 11, 3000


def faults(svg):
    """One line for each fault of a picture; an empty list when it has none.

    Text outside the card's padding, two texts that overlap, text under 11 px, marks outside the
    card, more than 3,000 nodes, an unknown pattern.
    """
    root = ElementTree.fromstring(svg)
    card = 0, 0, float(root.get("width")), float(root.get("height"))
    found, texts, nodes = [], [], 0
    for element, turn in _walk(root):
        nodes += 1
        kind = element.tag.split("}")[1]
        if kind == "text":
            words, box, size = _measured(element)
            texts.append((words, turn(box)))
            if size < SMALLEST:
                found.append(f"{words!r} is {size:g} px")
        elif kind != "svg" and not _within(turn(_extent(kind, element)), card, 0):
            found.append(f"{kind} leaves the card: {element.attrib}")
    for words, box in texts:
        if not _within(box, (PAD, 0, card[2] - PAD, card[3]), 1):
            found.append(f"{words!r} leaves the card")
    bounds = [_bounds(box) for _, box in texts]
    for k, (words, box) in enumerate(texts):
        near = (place for place in range(k) if _meet(bounds[k], bounds[place]))
        found += [
            f"{words!r} overlaps {texts[place][0]!r}"
            for place in near
            if overlap(box, texts[place][1])
        ]
    if nodes > MOST_NODES:
        found.append(f"{nodes:,} nodes")
    unknown = set(re.findall(r"url\(#([^)]*)\)", svg)) - set(re.findall(r'id="([^"]*)"', svg))
    return found + [f"no pattern {name}" for name in sorted(unknown)]


def texts_of(svg):
    """The words of a picture's texts, in the order they are drawn."""
    elements = ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")
    return ["".join(element.itertext()) for element in elements]


def text_boxes(svg):
    """(words, corners) of every text of a picture."""
    walk = _walk(ElementTree.fromstring(svg))
    named = ((e, turn) for e, turn in walk if e.tag.endswith("}text"))
    return [(_measured(e)[0], turn(_measured(e)[1])) for e, turn in named]


def overlap(one, other):
    """Whether two convex polygons share an area: no side of either separates them."""
    for polygon in (one, other):
        for (x1, y1), (x2, y2) in zip(polygon, polygon[1:] + polygon[:1], strict=True):
            nx, ny = y1 - y2, x2 - x1
            a, b = ([x * nx + y * ny for x, y in p] for p in (one, other))
            if max(a) <= min(b) or max(b) <= min(a):
                return False
    return True


def _bounds(box):
    across, down = zip(*box, strict=True)
    return min(across), min(down), max(across), max(down)


def _meet(one, other):
    """Whether two upright boxes share an area."""
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def _walk(element, turn=lambda box: box):
    """Elements and how to place them; what stands in <defs> is not drawn."""
    transform = element.get("transform")
    if transform:
        move = re.fullmatch(r"translate\((\S+) (\S+)\) rotate\((\S+)\)", transform)
        turn = _turned(*map(float, move.groups()))
    yield element, turn
    for child in element:
        if not child.tag.endswith(("}defs", "}tspan")):
            yield from _walk(child, turn)


def _turned(dx, dy, degrees):
    c, s = cos(radians(degrees)), sin(radians(degrees))
    return lambda box: [(dx + c * x - s * y, dy + s * x + c * y) for x, y in box]


def _corners(x1, y1, x2, y2):
    return [(x1, y1), (x2, y1), (x2, y2), (x1, y2)]


def _within(box, frame, slack):
    return all(
        frame[0] - slack <= x <= frame[2] + slack and frame[1] - slack <= y <= frame[3] + slack
        for x, y in box
    )


def _measured(element):
    """Words, corners and smallest size of a text: from the height of capitals to the descent."""
    parts = list(element) or [element]
    width = sum(
        text_width(part.text, float(part.get("font-size")), part.get("font-weight") == "700")
        for part in parts
    )
    sizes = [float(part.get("font-size")) for part in parts]
    x, y = float(element.get("x")), float(element.get("y"))
    x -= {"start": 0, "middle": width / 2, "end": width}[element.get("text-anchor", "start")]
    tall = max(sizes)
    words = "".join(part.text for part in parts)
    return words, _corners(x, y - 0.76 * tall, x + width, y + 0.2 * tall), min(sizes)


def _extent(kind, element):
    def values(*names):
        return [float(element.get(name)) for name in names]

    if kind == "rect":
        x, y, width, height = values("x", "y", "width", "height")
        return _corners(x, y, x + width, y + height)
    if kind == "circle":
        x, y, r = values("cx", "cy", "r")
        return _corners(x - r, y - r, x + r, y + r)
    if kind == "line":
        return [tuple(values("x1", "y1")), tuple(values("x2", "y2"))]
    if kind == "path":
        return _points(element.get("d"))
    if kind == "g":
        return []
    raise AssertionError(f"picture_rules does not know <{kind}>")


@cache  # many pictures have the same paths
def _points(d):
    """Corners that a path of absolute and relative M L H V m h v z visits."""
    x = y = 0.0
    points = []
    for letter, rest in re.findall(r"([A-Za-z])([^A-Za-z]*)", d):
        numbers = [float(v) for v in re.findall(r"-?[\d.]+", rest)]
        ox, oy = (x, y) if letter.islower() else (0.0, 0.0)
        match letter.upper():
            case "M" | "L":
                for a, b in zip(numbers[::2], numbers[1::2], strict=True):
                    x, y = ox + a, oy + b
                    points.append((x, y))
            case "H":
                x = ox + numbers[-1]
            case "V":
                y = oy + numbers[-1]
            case "Z":
                pass
            case _:
                raise AssertionError(f"picture_rules does not know path command {letter}")
        points.append((x, y))
    return points
