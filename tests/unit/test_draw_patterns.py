"""The picture of four words: clean, its blocks and arrows the ranks', its numbers NumPy's."""

import re
from xml.etree import ElementTree

import numpy as np
import pytest
from picture_rules import faults, text_boxes, texts_of

from course_utils.collectives import collective
from course_utils.draw import palette, patterns

SVG = patterns().svg
WORDS = "broadcast", "scatter", "gather", "reduce"
FOUR = range(4)
NUMBER = r"(-?[\d.]+)"
EVERY = {(rank, block) for rank in FOUR for block in FOUR}
DIAGONAL, ROOT = {(rank, rank) for rank in FOUR}, {(0, block) for block in FOUR}


def blocks(column, top):
    """{(rank, block)} of the full boxes, and of the pale ones, of four ranks."""
    size = r'width="(?:33)" height="(?:12)"'
    full, pale = set(), set()
    for x, y, fill in re.findall(rf'<rect x="{NUMBER}" y="{NUMBER}" {size} fill="([^"]*)"', SVG):
        rank = (float(x) - 24.5 - 174 * column) / 38
        block = (float(y) - top - 0.5) / 14
        if rank in FOUR and block in FOUR and fill != "none":
            (full if fill == palette.MEMORY else pale).add((rank, block))
    return full, pale


def written(left, right, top, bottom):
    """The words whose boxes lie in there, from left to right."""
    inside = [
        (box[0][0], words)
        for words, box in text_boxes(SVG)
        if left <= box[0][0] and box[1][0] <= right and top <= box[0][1] and box[2][1] <= bottom
    ]
    return [words for _, words in sorted(inside)]


def cells(column, y):
    """The numbers in the row of cells of a column whose top is at y."""
    left = 24 + 174 * column
    return [float(w) for w in written(left, left + 173, y, y + 19) if w.isdigit()]


def test_the_picture_is_clean_and_small():
    picture = patterns()
    assert faults(picture.svg) == []
    assert int(ElementTree.fromstring(picture.svg).get("height")) == 640
    assert len(picture.title) <= 66 and len(picture.second) <= 105
    assert len(picture.png()) <= 80_000


@pytest.mark.parametrize(
    "word, before, after, left_behind",
    [
        ("broadcast", ROOT, EVERY, set()),
        ("scatter", ROOT, DIAGONAL, ROOT - DIAGONAL),
        ("gather", DIAGONAL, ROOT, DIAGONAL - ROOT),
        ("reduce", EVERY, ROOT, EVERY - ROOT),
    ],
)
def test_the_blocks_before_and_after(word, before, after, left_behind):
    column = WORDS.index(word)
    assert blocks(column, 152) == (before, set())
    assert blocks(column, 256) == (after, left_behind)
    sums = [w for w in written(24 + 174 * column, 197 + 174 * column, 256, 312) if "Σ" in w]
    assert sorted(sums) == (["Σ0", "Σ1", "Σ2", "Σ3"] if word == "reduce" else [])


@pytest.mark.parametrize("word", WORDS)
def test_the_arrows_are_the_sends(word):
    left = 24 + 174 * WORDS.index(word)
    (d,) = (
        d
        for d in re.findall(
            rf'<path d="([^"]*)" fill="none" stroke="{palette.MOVEMENT}" '
            'stroke-width="2"',
            SVG,
        )
        if left <= float(d[1 : d.index(" ")]) < left + 150
    )
    elbows = [
        [float(v) for v in each]
        for each in re.findall(rf"M{NUMBER} {NUMBER}V{NUMBER}H{NUMBER}V{NUMBER}", d)
    ]
    found = {((x - left) // 38, (to - left) // 38) for x, _, _, to, _ in elbows}
    sends = collective(word, "root", ranks=4).sends
    assert found == {(send.source, send.to) for send in sends} and len(elbows) == len(sends)
    assert all(208 <= top < middle < end <= 256 for _, top, middle, _, end in elbows)
    pieces = [piece for elbow in elbows for piece in straight(*elbow)]
    assert not any(meet(a, b) for k, a in enumerate(pieces) for b in pieces[:k] if a[0] != b[0])


def straight(x, top, middle, to, end):
    """An elbow's three pieces: (elbow, left, right, top, bottom)."""
    yield x, x, x, top, middle
    yield x, min(x, to), max(x, to), middle, middle
    yield x, to, to, middle, end


def meet(one, other):
    across = max(one[1], other[1]) <= min(one[2], other[2])
    return across and max(one[3], other[3]) <= min(one[4], other[4])


@pytest.mark.parametrize(
    "word, port, added",
    [
        ("broadcast", "3 n out of rank 0", "nothing to add"),
        ("scatter", "¾ n out of rank 0", "nothing to add"),
        ("gather", "¾ n into rank 0", "nothing to add"),
        ("reduce", "3 n into rank 0", "3 n bytes added"),
    ],
)
def test_the_bytes_at_the_port_of_rank_0(word, port, added):
    left = 24 + 174 * WORDS.index(word)
    assert written(left, left + 173, 316, 337) == [port]
    assert written(left, left + 173, 337, 356) == [added]
    schedule, n = collective(word, "root", ranks=4), 1000
    out_of_or_into = schedule.sent(n)[0] if "out of" in port else schedule.received(n)[0]
    assert out_of_or_into == schedule.busiest(n) == {"3": 3 * n, "¾": 3 * n // 4}[port[0]]
    assert schedule.reduced(n).sum() == (3 * n if word == "reduce" else 0)


def test_what_numpy_does():
    w, x, v, idx = np.array([3.0, 1, 4, 1]), np.array([3.0, 1, 4, 1]), [5, 7, 9], [2, 0, 2]
    words = texts_of(SVG)
    view = np.broadcast_to(w, (3, 4))
    assert [cells(0, y) for y in (416, 450, 472, 494)] == [w.tolist(), *view.tolist()]
    assert f"row stride {view.strides[0]}" in words and view.base is not None
    h = np.zeros(4)
    h[idx] = v
    assert (cells(1, 416), cells(1, 488)) == (v, h.tolist())
    assert {5, 7, 9} - set(h) == {5} and "the 5 is lost" in words
    assert (cells(2, 416), cells(2, 488)) == (x.tolist(), x[idx].tolist())
    assert words.count("idx = 2, 0, 2") == 2 and idx.count(2) == 2 and "x[2] is read twice" in words
    numbers = cells(3, 416)
    assert len(numbers) == 8 and cells(3, 494) == [sum(numbers)]


def test_the_lines_between_numbers():
    lines = re.findall(
        rf'<line x1="{NUMBER}" y1="436" x2="{NUMBER}" y2="486" stroke="{palette.MOVEMENT}" '
        r'stroke-width="1.25"( stroke-dasharray="3 3")?',
        SVG,
    )
    # of the number above and of the one below, in each of the two columns
    stored = [
        ((float(a) - 245) / 24, (float(b) - 233) / 24, bool(dash)) for a, b, dash in lines[:3]
    ]
    assert stored == [(0, 2, True), (1, 0, False), (2, 2, False)]
    read = [((float(a) - 407) / 24, (float(b) - 419) / 24, bool(dash)) for a, b, dash in lines[3:]]
    assert read == [(2, 0, False), (0, 1, False), (2, 2, False)]


def test_numpy_adds_eight_numbers_in_pairs():
    for numbers in np.random.default_rng(0).random((200, 8)).astype(np.float32):
        pairs = numbers
        while len(pairs) > 1:
            pairs = pairs[::2] + pairs[1::2]
        assert numbers.sum() == pairs[0]


def test_neighbours_are_added_first():
    (d,) = re.findall(rf'<path d="([^"]*)" fill="none" stroke="{palette.MUTE}"', SVG)
    pairs = [
        [float(v) for v in pair]
        for pair in re.findall(rf"M{NUMBER} {NUMBER}V{NUMBER}H{NUMBER}V{NUMBER}", d)
    ]
    cells = [546 + 19 * k + 8.5 for k in range(8)]
    assert [(a, b) for a, _, _, b, _ in pairs[:4]] == list(
        zip(cells[::2], cells[1::2], strict=True)
    )
    marks = re.findall(rf'cx="{NUMBER}" cy="{NUMBER}" r="4.5" fill="{palette.COMPUTE}"', SVG)
    middles = {((a + b) / 2, y) for a, _, y, b, _ in pairs}
    assert middles == {(float(x), float(y)) for x, y in marks if float(y) > 400}
    for a, top, _, b, end in pairs[4:]:
        assert {(a, top), (b, end)} <= middles


def test_every_addition_has_its_mark():
    marks = re.findall(
        rf'<circle cx="{NUMBER}" cy="{NUMBER}" r="4.5" fill="{palette.COMPUTE}"', SVG
    )
    below = [float(y) for _, y in marks if float(y) > 400]
    assert [below.count(y) for y in sorted(set(below))] == [4, 2, 1]
    assert len(marks) - len(below) == 3 and all(float(x) > 546 for x, _ in marks)
    assert "7 additions, 3 deep" in texts_of(SVG)


def test_the_meters_are_those_of_the_reduction():
    words = texts_of(SVG)
    for expected in ("4,000,000 B", "750,000 FLOP", "3,000,000 B"):
        assert expected in words
    assert words.count("a broadcast: the same") == 2
    assert collective("broadcast", "root", ranks=4).total(10**6) == 3_000_000
