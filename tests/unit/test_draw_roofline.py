"""The poster: from a Raspberry Pi to an H100, empty and crowded; every label off everything."""

import re
from dataclasses import replace
from xml.etree import ElementTree

import pytest
from picture_rules import faults, overlap, text_boxes, texts_of

from course_utils.draw import Point, roofline
from course_utils.draw.labels import Named, place
from course_utils.machines import Machine, machine, names
from course_utils.nest import LoopNest

SERVER = Machine("one core", {"float32": 164e9}, bandwidth=28.4e9)
METERS = LoopNest("H[b,o] += X[b,i] * W[i,o]", b=32, i=784, o=100).meters()

# label, FLOP/B, GFLOP/s as it might be measured
WORK = [
    ("z = x + y", 1 / 12, 1.15),
    ("dot product", 0.25, 4.0),
    ("784→100, b = 1", 0.494, 7.4),
    ("4,096², b = 4", 2.0, 17.0),
    ("4,096², b = 16", 7.9, 52.0),
    ("784→100, b = 32", 11.76, 68.0),
    ("3×3 conv by im2col", 14.2, 107.0),
    ("attention, N = 2,048", 15.5, 73.0),
    ("784→100, b = 512", 37.8, 125.0),
    ("matmul, n = 1,024", 170.7, 150.0),
]


def point(label, intensity, giga, measured):
    spread = (0.9e9 * giga, 1e9 * giga, 1.05e9 * giga) if measured else None
    ring = label == "784→100, b = 32"
    return Point(label, intensity, spread, bold=ring or "b = 1" in label[-5:], ring=ring)


MEASURED = [point(*work, True) for work in WORK]
MODEL = [point(*work, False) for work in WORK]

POSTERS = {
    "ten measured": lambda: roofline(
        SERVER, MEASURED, meters=METERS, bet=(0.494, 164e9, "a bet: the peak")
    ),
    "ten modelled": lambda: roofline(SERVER, MODEL, meters=METERS),
    "empty": lambda: roofline(SERVER),
    "one dot": lambda: roofline(SERVER, MODEL[:1]),
    "reference beside": lambda: roofline(
        Machine.reference(), MODEL[:4], beside=Machine.reference(threads=1)
    ),
    "Raspberry Pi": lambda: roofline(machine("Raspberry Pi 5"), MODEL, beside=SERVER),
    "H100": lambda: roofline(machine("H100 SXM5"), MODEL, dtype="bfloat16", meters=METERS),
    "H100 beside a core": lambda: roofline(machine("H100 SXM5"), MEASURED[:3], beside=SERVER),
    "TPU v1": lambda: roofline(machine("TPU v1"), MODEL[:3], dtype="int8"),
    "bet only": lambda: roofline(SERVER, bet=(512, 1e9, "a bet")),
}


def dots(svg):
    """(x, y, radius) of the circles above the axis."""
    circles = ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}circle")
    found = [tuple(float(c.get(k)) for k in ("cx", "cy", "r")) for c in circles]
    return [dot for dot in found if dot[1] < 464]


def roof(svg):
    """Corners of the solid roof."""
    (d,) = re.findall(r'<path d="M([^"]*)" fill="none" stroke="#1B1F27" stroke-width="1.5"/>', svg)
    return [tuple(map(float, corner.split())) for corner in d.split("L")]


@pytest.mark.parametrize("name", POSTERS)
def test_posters_are_clean(name):
    picture = POSTERS[name]()
    assert faults(picture.svg) == []
    assert int(ElementTree.fromstring(picture.svg).get("height")) <= 640
    assert len(picture.png()) <= 80_000


@pytest.mark.parametrize("name", POSTERS)
def test_no_text_lies_on_a_dot_or_on_the_roof(name):
    svg = POSTERS[name]().svg
    corners = roof(svg)
    marks = [
        [(x - r, y - r), (x + r, y - r), (x + r, y + r), (x - r, y + r)] for x, y, r in dots(svg)
    ]
    for (x1, y1), (x2, y2) in zip(corners, corners[1:], strict=False):
        marks.append([(x1, y1 - 0.75), (x2, y2 - 0.75), (x2, y2 + 0.75), (x1, y1 + 0.75)])
    for words, box in text_boxes(svg):
        assert not any(overlap(box, mark) for mark in marks), words


def test_posters_are_pure():
    assert POSTERS["ten measured"]() == POSTERS["ten measured"]()


def test_model_dots_lie_on_the_roof():
    svg = roofline(SERVER, [Point("a", 0.25), Point("b", 64)]).svg
    (x1, y1), (xr, yr), _ = roof(svg)
    (xa, ya, _), (_, yb, _) = dots(svg)
    assert ya == pytest.approx(y1 + (yr - y1) * (xa - x1) / (xr - x1), abs=0.02)
    assert yb == yr


def test_fixed_axes_hold_for_ordinary_machines():
    labels = [
        {words for words in texts_of(roofline(m).svg) if re.fullmatch(r"[\d,/]+", words)}
        for m in (SERVER, machine("Raspberry Pi 5"), Machine.reference())
    ]
    assert labels[0] == labels[1] == labels[2]
    assert {"1/16", "256", "1"} <= labels[0]


def test_axes_grow_by_whole_powers():
    svg = roofline(machine("H100 SXM5"), [Point("far", 3000)], dtype="bfloat16").svg
    words = texts_of(svg)
    assert "TFLOP/s (log)" in words
    assert "1,024" in words
    assert "4,096" in words
    assert "989 TFLOP/s" in words
    assert "3,350 GB/s" in words
    assert "ridge 295 FLOP/B" in words


def test_measured_dot_has_a_whisker_from_slowest_to_fastest():
    svg = roofline(SERVER, [Point("a", 4, (8e9, 16e9, 32e9))]).svg
    (x, y, _), *_ = dots(svg)
    # 40 px an octave: one down, one up
    assert f'x1="{x:g}" y1="{y + 40:g}" x2="{x:g}" y2="{y - 40:g}"' in svg


@pytest.mark.parametrize(
    "arguments, entries",
    [
        ({}, []),
        ({"points": MODEL[:1]}, ["model: at best"]),
        ({"points": MEASURED[:1]}, ["model: at best", "measured: median, slowest to fastest"]),
        ({"bet": (1, 1e9, "mine")}, ["your bet", "model: at best"]),
    ],
)
def test_legend_names_what_is_there(arguments, entries):
    words = texts_of(roofline(SERVER, **arguments).svg)
    known = ("your bet", "model: at best", "measured: median, slowest to fastest")
    assert [w for w in known if w in words] == entries


def test_sentence_and_title_speak_of_the_ring():
    picture = POSTERS["ten measured"]()
    assert texts_of(picture.svg)[0] == "784→100, b = 32 reaches 68 of 164 GFLOP/s"
    assert picture.says == (
        "One core, float32: 164 GFLOP/s, 28.4 GB/s, ridge 5.77 FLOP/B; "
        "784→100, b = 1: 0.494 FLOP/B, 7.4 GFLOP/s; 784→100, b = 32: 11.8 FLOP/B, 68 GFLOP/s."
    )
    assert texts_of(POSTERS["empty"]().svg)[0] == (
        "One core: 164 GFLOP/s at most, from 5.77 FLOP/B on"
    )


def test_footer_needs_its_ring():
    assert "Memory" in texts_of(POSTERS["ten modelled"]().svg)
    assert "Memory" not in texts_of(roofline(SERVER, MODEL).svg)
    with pytest.raises(ValueError, match="0 points have a ring"):
        roofline(SERVER, MODEL[:2], meters=METERS)
    with pytest.raises(ValueError, match="2 points have a ring"):
        roofline(SERVER, [Point("a", 1, ring=True), Point("b", 2, ring=True)])


@pytest.mark.parametrize("points", [MODEL, MEASURED], ids=["model", "measured"])
@pytest.mark.parametrize("bandwidth", [10, 28, 40, 100])
@pytest.mark.parametrize("peak", [40, 120, 190, 300, 1500])
def test_any_learner_s_machine_has_room_for_the_course_s_dots(peak, bandwidth, points):
    computer = Machine("this computer", {"float32": peak * 1e9}, bandwidth=bandwidth * 1e9)
    assert faults(roofline(computer, points, meters=METERS).svg) == []


def test_no_room_is_an_error_not_an_overlap():
    crowd = [Point(f"a long name for one of many pieces of work {k}", 32) for k in range(24)]
    with pytest.raises(ValueError, match="no room for"):
        roofline(SERVER, crowd)


def test_a_point_in_steps_stands_under_the_roof():
    one, ten = (Point("a block", 50, in_steps=rate) for rate in (1e11, 1e10))
    heights = [dots(roofline(SERVER, [dot]).svg) for dot in (one, ten, Point("a block", 50))]
    assert heights[1] != heights[0] != heights[2]
    assert "at best 100 GFLOP/s" in str(roofline(SERVER, [one]))


@pytest.mark.parametrize("rate", [0, -1e9, float("nan"), "1e9", True])
def test_in_steps_is_a_rate(rate):
    with pytest.raises(ValueError, match="in_steps is .*; it must be FLOP/s above 0"):
        Point("a block", 50, in_steps=rate)


@pytest.mark.parametrize(
    "intensity, spread, message",
    [
        (0, None, "intensity is 0"),
        (1, (3.0, 2.0, 1.0), "pass .slowest, median, fastest."),
        (1, (1.0, 2.0), "pass .slowest, median, fastest."),
        (1, (0.0, 2.0, 3.0), "all positive"),
        (1, 5e9, "flops_per_second is 5000000000.0; pass .slowest, median, fastest. in FLOP/s"),
        (1, ("1", "2", "3"), "all positive"),
        (1, "abc", "flops_per_second is 'abc'; pass"),
        (1, (1.0, float("nan"), 2.0), "all positive"),
        ("x", None, "intensity is 'x'; it must be a number of FLOP/B above 0"),
        (True, None, "intensity is True"),
        (float("nan"), None, "intensity is nan"),
        (float("inf"), None, "intensity is inf"),
    ],
)
def test_points_that_cannot_be_drawn(intensity, spread, message):
    with pytest.raises(ValueError, match=message):
        Point("a", intensity, spread)


def test_a_measurement_may_be_a_list():
    assert Point("a", 1, [1e9, 2e9, 3e9]) == Point("a", 1, (1e9, 2e9, 3e9))


@pytest.mark.parametrize(
    "draw, message",
    [
        (lambda: roofline(SERVER, {"a": 1}), "roofline: 'a' among the points is no Point; pass a"),
        (lambda: roofline(SERVER, [0.25]), "0.25 among the points is no Point"),
        (lambda: roofline(SERVER, 5), "5 among the points is no Point"),
        (lambda: roofline(Machine.reference(), [], dtype="fp8"), "no peak for 'float8'; known: fl"),
        (lambda: roofline("H100"), "'H100' is no Machine; pass one, as in machine"),
        (lambda: roofline(SERVER, beside=True), "True is no Machine"),
    ],
)
def test_posters_of_something_else(draw, message):
    with pytest.raises(ValueError, match=message):
        draw()


def test_one_point_needs_no_list():
    assert roofline(SERVER, MODEL[0]) == roofline(SERVER, MODEL[:1])


@pytest.mark.parametrize("name", names())
def test_titles_claim_no_more_than_the_model_and_fit(name):
    chip = replace(machine(name), bandwidth=machine(name).bandwidth or 8e12)
    for dtype in chip.peaks:
        words = texts_of(roofline(chip, dtype=dtype).svg)
        assert " at most, from " in words[0] and len(words[0]) <= 66
        work = "OP/B" if dtype == "int8" else "FLOP/B"
        assert [w for w in words if w.startswith("ridge ") and w.endswith(" " + work)]


def test_axes_say_what_they_are():
    assert {"intensity, FLOP per byte (log)", "GFLOP/s (log)"} <= set(
        texts_of(roofline(SERVER).svg)
    )


def test_the_dashed_roof_is_named():
    with_key = roofline(SERVER, MODEL, beside=Machine.reference()).svg
    assert texts_of(with_key).count("dashed: Reference") == 1
    # the roof itself, and the sample beside its name
    assert with_key.count('stroke-dasharray="5 3"') == 2
    assert "dashed" not in "".join(texts_of(roofline(SERVER, MODEL).svg))


COLD, WARM = "784→100, batch 1, from memory", "784→100, batch 1, from cache"


def five(machine, dtype, cold, warm, spread=(0.85, 1.0, 1.06)):
    """The five measured dots of lesson 00; `cold` and `warm` are shares of what memory allows."""
    works = [("z = x + y", 1 / 12, 0.9), (COLD, 0.494, cold), (WARM, 0.494, warm)]
    works += [("784→100, batch 64", 21.1, 0.6), ("matmul, n = 1,024", 170.7, 0.95)]
    rates = [share * machine.attainable(intensity, dtype) for _, intensity, share in works]
    return [
        Point(label, intensity, [rate * s for s in spread])
        for (label, intensity, _), rate in zip(works, rates, strict=True)
    ]


@pytest.mark.parametrize("cold, warm", [(0.25, 0.5), (0.4, 1.5), (0.8, 0.9), (0.8, 3.0)])
@pytest.mark.parametrize("name", names())
def test_five_measured_dots_on_every_chip(name, cold, warm):
    chip = replace(machine(name), bandwidth=machine(name).bandwidth or 8e12)
    dtype = next(d for d in ("float32", "bfloat16", "int8") if d in chip.peaks)
    dots = five(chip, dtype, cold, warm)
    assert faults(roofline(chip, dots, dtype=dtype).svg) == []
    if dtype == "float32":
        assert faults(roofline(chip, dots, beside=Machine.reference()).svg) == []


@pytest.mark.parametrize("spread", [(0.85, 1.0, 1.06), (0.5, 1.0, 1.1)], ids=["calm", "noisy"])
@pytest.mark.parametrize("cold, warm", [(0.4, 0.5), (0.8, 0.9), (0.4, 1.5), (0.8, 3.0)])
@pytest.mark.parametrize("bandwidth", [0.6, 0.8, 0.97, 1.05, 1.6])
@pytest.mark.parametrize("peak", [0.4, 0.7, 0.97, 1.1, 1.4, 2.5])
def test_five_measured_dots_beside_a_roof_close_by(peak, bandwidth, cold, warm, spread):
    reference = Machine.reference()
    here = Machine(
        "this computer", {"float32": peak * reference.peak()}, bandwidth * reference.bandwidth
    )
    picture = roofline(here, five(here, "float32", cold, warm, spread), beside=reference)
    assert faults(picture.svg) == []
    assert {COLD, WARM} <= set(texts_of(picture.svg))


def test_unknown_bandwidth_is_named():
    with pytest.raises(ValueError, match="no bandwidth"):
        roofline(Machine("bare", {"float32": 1e12}, bandwidth=None))


def box(spot):
    left, top, right, bottom = spot.box
    return [(left, top), (right, top), (right, bottom), (left, bottom)]


def named(x, words):
    return Named(x, 100, words, False, (x - 6, 94, x + 6, 106))


def test_dots_close_together_get_labels_apart():
    one, two = place([named(200, "left"), named(204, "right")], [], [], [], (0, 0, 400, 200))
    assert not overlap(box(one), box(two))
    assert one.x < two.x


def test_a_far_label_has_a_leader():
    rows = [(0, y, 400, y) for y in range(60, 141, 8)]
    dot, frame = named(200, "far"), (0, 0, 400, 200)
    (spot,) = place([dot], [], [], rows, frame)
    assert spot.box[3] < 60 or spot.box[1] > 140
    assert spot.leader is not None
    with pytest.raises(ValueError, match="no room for the label 'far'"):
        place([dot], [(150, 60, 250, 140)], [], [], frame)


def test_a_leader_crosses_a_line_only_where_nothing_else_is_left():
    wall, frame = [(0, 110, 400, 110), (0, 60, 400, 60)], (0, 0, 400, 200)
    (spot,) = place([named(200, "inside")], [], wall, [], frame)
    assert spot.box[1] >= 60
    assert spot.box[3] <= 110
    rows = [(0, y, 400, y) for y in range(60, 141, 8)]
    (spot,) = place([named(200, "outside")], [], rows, [], frame)
    assert spot.box[3] < 60 or spot.box[1] > 140


def test_nothing_to_place():
    assert place([], [], [], [], (0, 0, 400, 200)) == []
