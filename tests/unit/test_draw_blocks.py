"""Blocks to scale: one layer and whole networks, at both ends of their parameters."""

import re
from xml.etree import ElementTree

import numpy as np
import pytest
from picture_rules import faults, text_boxes, texts_of

from course_utils.draw import blocks, network, palette
from course_utils.kernels.dense import layer as biased
from course_utils.machines import Machine, machine
from course_utils.nest import LoopNest
from course_utils.pipeline import Pipeline

DENSE = "H[b,o] += X[b,i] * W[i,o]"


def dense(b, i=784, o=100):
    return LoopNest(DENSE, b=b, i=i, o=o)


def layers(*sizes, b=1):
    """Dense nests X → H1 → H2 → …"""
    return [
        LoopNest(f"H{k + 1}[b,o] += {f'H{k}' if k else 'X'}[b,i] * W{k + 1}[i,o]", b=b, i=i, o=o)
        for k, (i, o) in enumerate(zip(sizes, sizes[1:], strict=False))
    ]


def rects(svg, fill):
    """(width, height) of the drawn boxes of one colour, without the footer's and the marks'."""
    elements = ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}rect")
    sizes = [
        (float(e.get("width")), float(e.get("height"))) for e in elements if e.get("fill") == fill
    ]
    return [size for size in sizes if size[1] != 8 and size != (16, 16)]


def height(picture):
    return int(ElementTree.fromstring(picture.svg).get("height"))


def digit(side=28):
    y, x = np.mgrid[:side, :side]
    return ((y * x) % 256).astype(np.uint8)


SCORES = [-4.1, -2, 1.3, 9.4, -6, 2.2, -5, -1, 3.1, 0.4]

LAYERS = {
    "batch 1": lambda: blocks(dense(1)),
    "batch 32": lambda: blocks(dense(32), compare=dense(1)),
    "slider at its start": lambda: blocks(dense(1), compare=dense(1), room=128),
    "slider at its end": lambda: blocks(dense(128), compare=dense(1), room=128),
    "most dots": lambda: blocks(dense(512), compare=dense(511)),
    "beyond dots": lambda: blocks(dense(1024), compare=dense(1), bet=dense(40).meters()),
    "tiny": lambda: blocks(dense(2, 3, 2)),
    "one element": lambda: blocks(dense(1, 1, 1)),
    "wide": lambda: blocks(dense(8, 100, 784), compare=dense(1, 100, 784)),
    "large": lambda: blocks(dense(500, 4096, 4096), compare=dense(499, 4096, 4096)),
    "with its bias": lambda: blocks(biased(32, 784, 100), compare=biased(1, 784, 100)),
    "with a roofline": lambda: blocks(dense(32), compare=dense(1), machine=Machine.reference()),
    "roofline at batch 1": lambda: blocks(dense(1), machine=Machine.reference(), room=128),
    "a far ridge": lambda: blocks(dense(64), machine=machine("H100"), dtype="bf16"),
    "wide, with a roofline": lambda: blocks(dense(8, 10, 2000), machine=Machine.reference()),
    "tiny, with a roofline": lambda: blocks(
        dense(2, 1, 1), machine=Machine.reference(), bet=dense(999, 1, 1).meters()
    ),
    "matmul": lambda: blocks(LoopNest("C[i,j] += A[i,k] * B[k,j]", i=1024, j=1024, k=1024)),
}
NETWORKS = {
    "first picture": lambda: network(layers(784, 100, 10), digit=digit(), scores=SCORES, truth=3),
    "taken for": lambda: network(layers(784, 100, 10), digit=digit(), scores=SCORES, truth=5),
    "probabilities": lambda: network(layers(784, 100, 10), scores=np.eye(10)[7]),
    "all equal": lambda: network(layers(784, 100, 10), scores=np.zeros(10)),
    "no digit": lambda: network(layers(784, 100, 10)),
    "batch 128": lambda: network(layers(784, 100, 10, b=128)),
    "three layers": lambda: network(layers(784, 300, 100, 10), digit=digit()),
    "there and back": lambda: network(layers(784, 32, 784)),
    "small digit": lambda: network(layers(64, 32, 10), digit=digit(8), scores=SCORES, truth=3),
    "narrow layer": lambda: network(layers(784, 32, 10), scores=SCORES),
    "labels wider than blocks": lambda: network(layers(784, 128, 64, 10)),
    "wide in, batch 128": lambda: network(layers(4096, 4096, 10, b=128)),
    "one layer": lambda: network(layers(784, 10), digit=digit(), scores=SCORES, truth=3),
}


@pytest.mark.parametrize("name", LAYERS)
def test_layers_are_clean(name):
    picture = LAYERS[name]()
    assert faults(picture.svg) == []
    assert height(picture) <= 640
    assert len(picture.png()) <= 80_000


@pytest.mark.parametrize("name", NETWORKS)
def test_networks_are_clean(name):
    picture = NETWORKS[name]()
    assert faults(picture.svg) == []
    assert height(picture) <= 640
    assert len(picture.png()) <= 80_000


def test_first_picture_fits_a_laptop_screen():
    assert height(NETWORKS["first picture"]()) <= 560


def test_pictures_are_pure():
    for draw in (LAYERS["batch 32"], NETWORKS["first picture"]):
        assert draw() == draw()


def test_areas_are_to_scale():
    svg = blocks(dense(128), compare=dense(1)).svg
    (weights,) = rects(svg, palette.MEMORY)
    first, second = rects(svg, palette.MEMORY_TINT)
    scale = weights[1] / 784
    assert weights[0] == pytest.approx(100 * scale, abs=0.01)
    # a tint's 1-px outline lies inside its bounds
    assert np.add(first, 1) == pytest.approx((784 * scale, 128 * scale), abs=0.01)
    assert np.add(second, 1) == pytest.approx((100 * scale, 128 * scale), abs=0.01)


@pytest.mark.parametrize(
    "picture, note",
    [
        (lambda: blocks(dense(1)), "areas to scale, lines 2 px at least"),
        (lambda: blocks(dense(32)), "areas to scale"),
        (lambda: blocks(dense(1, 600, 784)), "areas to scale, lines 2 px at least"),
        (lambda: network(layers(784, 100, 10)), "areas to scale, lines 2 px at least"),
        (lambda: network(layers(784, 100, 10, b=128)), "areas to scale"),
        (lambda: network(layers(784, 100, 2, b=128)), "areas to scale, lines 2 px at least"),
    ],
)
def test_the_note_on_the_scale_is_true(picture, note):
    svg = picture().svg
    assert [w for w in texts_of(svg) if w.startswith("areas")] == [note]
    assert faults(svg) == []


@pytest.mark.parametrize("name", NETWORKS)
def test_a_label_under_a_block_stays_clear_of_the_blocks_beside_it(name):
    svg = NETWORKS[name]().svg
    outputs = {w.split("  ")[0] for w in texts_of(svg) if re.match(r"H\d  ", w)}
    elements = list(ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}rect"))
    walls = sorted(
        (float(e.get("x")), float(e.get("x")) + float(e.get("width")))
        for e in elements
        if e.get("fill") == palette.MEMORY and float(e.get("height")) > 8
    )
    for words, box in text_boxes(svg):
        if words.split("  ")[0] in sorted(outputs)[:-1]:
            left, right = box[0][0], box[1][0]
            assert sum(left < b and a < right for a, b in walls) == 1, words


def test_scale_and_card_stay_while_the_batch_moves():
    ends = [blocks(dense(b), compare=dense(1), room=128) for b in (1, 2, 128)]
    assert len({height(p) for p in ends}) == 1
    walls = [max(rects(p.svg, palette.MEMORY), key=lambda size: size[1]) for p in ends]
    assert len(set(walls)) == 1


@pytest.mark.parametrize("batch, dots", [(1, 1), (32, 32), (33, 33), (128, 128), (512, 512)])
def test_dots_can_be_counted(batch, dots):
    svg = blocks(dense(batch)).svg
    (path,) = re.findall(r'<path d="([^"]*)" stroke="#C04216"', svg)
    assert path.count("h0") == dots
    assert any(words.startswith(f"{batch} MAC") for words in texts_of(svg))


def test_numbers_of_the_layer():
    picture = blocks(dense(32), compare=dense(1))
    words = texts_of(picture.svg)
    assert words[0] == "32 times the work for 1.35 times the bytes"
    for expected in ("784 × 100", "78,400 weights", "each used 32 times", "11.8 FLOP/B",
                     "0.494 at b = 1", "2,508,800 MAC", "b = 1, now ×32"):  # fmt: skip
        assert expected in words
    assert str(picture).startswith("Batch 32: 426,752 B in memory, 2,508,800 MAC, 426,752 B moved")


def test_title_without_a_comparison():
    assert (
        texts_of(blocks(dense(2)).svg)[0] == "Each weight is used twice: 156,800 MAC for 320,672 B"
    )


@pytest.mark.parametrize(
    "nest",
    [
        LoopNest("y[i] += x[i]", i=4),
        LoopNest("H[b,o] += X[b,i] * W[o,i]", b=2, i=3, o=4),
        LoopNest("C[c,o] += X[c,b,i] * W[i,o]", c=2, b=3, i=4, o=5),
        Pipeline([LoopNest("H[b,o] = Z[b,o]", b=2, o=4), dense(2, 3, 4)]),
        Pipeline([LoopNest("Y[b,o] = bias[o]", b=2, o=4), dense(2, 3, 4)]),
        Pipeline(biased(2, 3, 4).nests, repeat=2),
        Pipeline(biased(2, 3, 4).nests[:1]),
    ],
)
def test_other_nests_are_refused_by_name(nest):
    text = nest.nests[-1].text if isinstance(nest, Pipeline) else nest.text
    with pytest.raises(ValueError, match=re.escape(text) + " is no dense layer"):
        blocks(nest)


@pytest.mark.parametrize("other", [dense(1, 3, 4), biased(1, 784, 100)])
def test_comparison_with_another_layer_is_refused(other):
    with pytest.raises(ValueError, match="compare another batch"):
        blocks(dense(2), compare=other)


def test_the_second_line_says_whether_the_bias_is_counted():
    bare, whole = LAYERS["batch 32"](), LAYERS["with its bias"]()
    assert "no bias" in bare.second and "426,752 B" in bare.says
    assert "bias counted" in whole.second and "427,152 B" in whole.says
    assert "all four tensors" in texts_of(blocks(biased(2, 3, 4)).svg)


def test_roofline_says_what_the_layer_reaches():
    picture = LAYERS["with a roofline"]()
    words = texts_of(picture.svg)
    for expected in ("190 GFLOP/s", "37 GB/s", "ridge 5.14 FLOP/B", "18.3 at b = 1", "b = 32",
                     "reference, sums in float32; both scales log"):  # fmt: skip
        assert expected in words
    assert picture.says.endswith("at best 190 of 190 GFLOP/s (reference, float32): compute-bound.")
    assert LAYERS["a far ridge"]().says.endswith("(H100 SXM5, bf16): memory-bound.")


def test_a_network_with_a_bias_is_refused():
    with pytest.raises(ValueError, match="pass the bare nests"):
        network([biased(1, 784, 10)])


def test_numbers_of_the_network():
    picture = NETWORKS["first picture"]()
    words = texts_of(picture.svg)
    assert words[0] == "A 3 is recognised by 79,400 multiply-adds"
    # 784 + 78,400 + 100 + 1,000 + 10 numbers of 4 B; the hidden layer's 400 B cross once more
    for expected in ("321,176 B", "79,400 MAC", "321,576 B", "weights: 317,600 B", "1,000 weights"):
        assert expected in words
    assert "321,576 B moved" in picture.says


@pytest.mark.parametrize(
    "name, title",
    [
        ("taken for", "A 5 is taken for a 3 after 79,400 multiply-adds"),
        ("probabilities", "79,400 multiply-adds give the 7 the highest score"),
        ("batch 128", "784 → 100 → 10: 10,163,200 multiply-adds"),
    ],
)
def test_title_says_what_happened(name, title):
    assert texts_of(NETWORKS[name]().svg)[0] == title


def test_digit_is_drawn_pixel_by_pixel():
    image = np.zeros((28, 28), np.uint8)
    image[3, 5] = image[20, 7] = 255
    svg = network(layers(784, 100, 10), digit=image).svg
    (path,) = re.findall(rf'<path d="([^"]*)" fill="{palette.INK}"', svg)
    assert path == "M64 144h8v8h-8zM80 280h8v8h-8z"


def test_largest_score_alone_is_ink():
    svg = network(layers(784, 100, 10), scores=SCORES).svg
    bars = [size for size in rects(svg, palette.INK) if size[1] == 16]
    assert len(bars) == 1
    others = [w for w, h in rects(svg, palette.IDLE) if h == 16]
    assert len(others) == 9
    assert bars[0][0] == pytest.approx(136 * 9.4 / 15.4, abs=0.01)


@pytest.mark.parametrize(
    "arguments, message",
    [
        (([],), "no nest is given"),
        ((layers(784, 100)[:1] + layers(784, 50, 10)[1:],), "name and size them alike"),
        (
            ([LoopNest("H[b,o] += X[b,i] * W[i,o]", b=1, i=4, o=3),
              LoopNest("Y[b,o] += H[b,i] * W[i,o]", b=1, i=3, o=2)],),
            "two tensors are called W",
        ),
        ((layers(784, 100, 100, 100, 100, 100, 100, 100),), "no room for the label"),
    ],
)  # fmt: skip
def test_nests_that_make_no_network(arguments, message):
    with pytest.raises(ValueError, match=message):
        network(*arguments)


@pytest.mark.parametrize(
    "given, message",
    [
        ({"digit": digit(8)}, "pass one image of 784 pixels, at batch 1"),
        ({"scores": [1.0, 2.0]}, "pass one score an output"),
        ({"scores": [*SCORES[:9], float("nan")]}, "every score must be finite"),
    ],
)
def test_arrays_of_another_size(given, message):
    with pytest.raises(ValueError, match=message):
        network(layers(784, 100, 10), **given)
    if "digit" in given:
        with pytest.raises(ValueError, match="at batch 2"):
            network(layers(784, 10, b=2), digit=digit())
