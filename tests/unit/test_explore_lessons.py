"""The lessons' widgets in every state: no faults, numbers that agree, bets shown."""

import re
from itertools import product
from xml.etree import ElementTree

import ipywidgets as widgets
import numpy as np
import pytest
from picture_rules import faults, text_boxes, texts_of

from course_utils import Machine, explore, machine
from course_utils.draw import palette
from course_utils.draw.fonts import text_width
from course_utils.exercises import predict
from course_utils.explore.style import CLASS, READOUT
from course_utils.kernels import dense
from course_utils.networks import llama
from course_utils.serving import decode, prefill

BATCHES, NUMBERS = (1, 2, 4, 8, 16, 32, 64, 128), ("fp32", "bf16")
OPERATIONS = ("look-up", "add", "dot", "gemv", "softmax", "gemm")
LAYERS, PROCESSORS = (1, 2, 3, 4, 5, 6), (1, 2, 3, 4, 6, 64)
MODES = "plain", "hoisted", "4 sequences", "100 steps"
SIZES, TYPES = (16, 32, 64, 128, 256, 512, 1024, 2048), ("fp32", "fp64")

PIXELS = [f"{y},{x}" for y, x in product(range(7), repeat=2)]
LEVERS = "prefill", "decode", "decode, 8 KV heads", "decode, 1 KV head"
CONTEXTS, SEQUENCES = [2**k for k in range(9, 16)], [2**k for k in range(9)]

TAPS, STEPS = (2, 3, 5), ("1, 0", "1, 1", "2, 0", "2, 1")

WALL, FIRST = explore.weight_wall(), explore.first_meter()
LENS, LOOM = explore.reuse_lens(), explore.time_loom()
ROOM = explore.n_square_room()
TOKENS = [value for _, value in ROOM._controls["tokens"].options]
LEVER = explore.prefill_lever()
RANKED = explore.reranking_bars()
ORDERS, TILES, LINES = ("ijk", "ikj", "jik", "jki", "kij", "kji"), (4, 8, 16, 32), (24, 64, 384)
SCOPE = explore.loop_microscope()
CACHE_LENS = explore.cache_lens()
WALKS = [value for _, value in CACHE_LENS._controls["walk"].options]
MACS = [value for _, value in SCOPE._controls["step"].options]
STATES = [(WALL, {"batch": b, "number": n}) for b, n in product(BATCHES, NUMBERS)]
STATES += [
    (FIRST, {"op": op, "n": n, "number": t}) for op, n, t in product(OPERATIONS, SIZES, TYPES)
]
STATES += [
    (LENS, {"pixel": p, "taps": k, "steps": s})
    for p, k, s in product(("0,0", "0,3", "2,3", "6,6"), TAPS, STEPS)
]
STATES += [(LENS, {"pixel": p}) for p in PIXELS]
STATES += [
    (LOOM, {"layers": n, "processors": p, "mode": m})
    for n, p, m in product(LAYERS, PROCESSORS, MODES)
]
STATES += [
    (ROOM, {"tokens": n, "heads": h, "mode": m})
    for n, h, m in product(TOKENS, (1, 2, 4, 8), ("stored", "causal", "tiled"))
]
STATES += [
    (LEVER, {"mode": m, "context": c, "batch": b})
    for m, c, b in product(LEVERS, CONTEXTS, SEQUENCES)
]
STATES += [
    (RANKED, {"by": by, "steps": steps, "batch": batch})
    for by, steps, batch in product(
        ("MACs", "bytes", "time"), ("each alone", "fused"), (1, 2, 4, 8, 16)
    )
]
STATES += [
    (SCOPE, {"order": o, "tile": t, "lines": n}) for o, t, n in product(ORDERS, TILES, LINES)
]
STATES += [(SCOPE, {"order": o, "step": s}) for o, s in product(("ikj", "jki"), MACS)]
STATES += [
    (CACHE_LENS, {"walk": w, "sets": s, "ways": y, "line": 4})
    for w, s, y in product(WALKS, (1, 8), (1, 2, 4, 8))
]


@pytest.fixture
def wager():
    """Bets on a prediction, withdrawn afterwards."""
    placed = []

    def place(name, value):
        placed.append(name)
        predict(name, value)

    yield place
    for name in placed:
        predict(name, ...)


def height(svg):
    return int(ElementTree.fromstring(svg).get("height"))


def bet_line(explorer):
    """What the line says of the bet once a control has moved, and moved back."""
    moved = next(iter(explorer._controls.values()))
    before = moved.index
    moved.index = (before + 1) % len(moved.options)
    moved.index = before
    (line,) = [w for w in explorer._card.children if f"{CLASS}-bet" in w._dom_classes]
    return line.value


def diamonds(svg):
    """Centres of the hollow diamonds."""
    found = re.findall(r'<path d="M([\d.]+) ([\d.]+)L[^"]*" fill="#FFFFFF" stroke', svg)
    return [(float(x), float(y) + 6) for x, y in found]


@pytest.mark.parametrize("explorer, state", STATES)
def test_every_state_is_drawn_without_faults(explorer, state):
    picture = explorer.at(**state)
    assert faults(picture.svg) == []
    # what is cut off with the title band is the title band and no mark of the picture
    assert min(y for _, box in text_boxes(picture.svg)[2:] for _, y in box) >= 72
    assert height(picture.svg) - 72 <= 560


@pytest.mark.parametrize(
    "explorer", [WALL, FIRST, LENS, LOOM, ROOM, LEVER, RANKED, SCOPE, CACHE_LENS]
)
def test_the_card_keeps_its_height(explorer):
    assert len({height(e.at(**state).svg) for e, state in STATES if e is explorer}) == 1


@pytest.mark.parametrize(
    "explorer", [WALL, FIRST, LENS, LOOM, ROOM, LEVER, RANKED, SCOPE, CACHE_LENS]
)
def test_the_stored_picture_is_small(explorer):
    assert len(explorer.at().png()) <= 80_000


@pytest.mark.parametrize("explorer", [WALL, FIRST, LENS, LOOM, ROOM, LEVER, SCOPE, CACHE_LENS])
def test_the_value_beside_a_slider_is_not_cut(explorer):
    for control in explorer._controls.values():
        if isinstance(control, widgets.SelectionSlider):
            labels = control._options_labels
            assert max(text_width(label, 12, bold=True) for label in labels) <= READOUT


def test_wall_counts_the_bias():
    picture = WALL.at(batch=32)
    words = texts_of(picture.svg)
    assert picture.title == "32 times the work for 1.35 times the bytes"
    assert "427,152 B" in words and "2,508,800 MAC" in words and "11.7 FLOP/B" in words
    assert "bias counted" in picture.second
    assert WALL.at(batch=32, number="bf16").says.startswith("Batch 32, 2 B a number, bias counted")


def dot(svg):
    """Centre of the one filled ink dot."""
    (centre,) = re.findall(
        rf'<circle cx="([\d.]+)" cy="([\d.]+)" r="4.5" fill="{palette.INK}"', svg
    )
    return tuple(map(float, centre))


@pytest.mark.parametrize("number", NUMBERS)
def test_the_dot_slides_along_the_slope_and_hits_the_roof(number):
    centres = [dot(WALL.at(batch=b, number=number).svg) for b in BATCHES]
    ridge = Machine.reference().ridge("fp32")
    size = {"fp32": 4, "bf16": 2}[number]
    bound = [dense.layer(b, 784, 100, size).meters().intensity >= ridge for b in BATCHES]
    assert [x for x, _ in centres] == sorted({x for x, _ in centres})
    roof = centres[-1][1]
    assert [y == roof for _, y in centres] == bound
    assert True in bound and False in bound
    for b, on_roof in zip(BATCHES, bound, strict=True):
        limit = "compute-bound" if on_roof else "memory-bound"
        assert WALL.at(batch=b, number=number).says.endswith(f"{limit}.")


def test_the_bet_stands_on_the_roof_at_its_batch(wager):
    wager("hits_roof", 64)
    ((x, y),) = diamonds(WALL.at(batch=1).svg)
    assert (x, y) == pytest.approx(dot(WALL.at(batch=64).svg), abs=0.01)


@pytest.mark.parametrize("value", [0.4, 1, 2.5, 10**9, 1e300])
def test_any_bet_finds_its_place(wager, value):
    wager("hits_roof", value)
    for batch, number in product(BATCHES, NUMBERS):
        svg = WALL.at(batch=batch, number=number).svg
        assert faults(svg) == []
        assert len(diamonds(svg)) == 1


def test_the_truth_of_the_bet_is_the_first_batch_beyond_the_ridge(wager):
    wager("hits_roof", 20)
    ridge = Machine.reference().ridge()
    below, above = (dense.layer(b, 784, 100).meters().intensity for b in (11, 12))
    assert below < ridge <= above
    assert bet_line(explore.weight_wall()) == "◇ You bet 20 digits; it is 12 digits (fp32)."


@pytest.mark.parametrize("inputs, outputs", [(4096, 4096), (100, 784), (100, 10), (1, 1)])
def test_a_wall_of_other_sizes(wager, inputs, outputs):
    wager("hits_roof", 20)
    wall = explore.weight_wall(inputs, outputs)
    assert bet_line(wall) == ""
    ends = [wall.at(batch=b, number=n).svg for b in (1, 128) for n in NUMBERS]
    assert [faults(svg) for svg in ends] == [[]] * 4
    ticks = {tuple(w for w in texts_of(svg) if re.fullmatch(r"1/\d+|\d+", w)) for svg in ends}
    assert len(ticks) == 1


@pytest.mark.parametrize(
    "op, work, moved",
    [
        ("dot", "16 MAC", "132 B"),
        ("add", "16 FLOP", "192 B"),
        ("gemv", "256 MAC", "1,152 B"),
        ("gemm", "4,096 MAC", "3,072 B"),
        # x in, y out
        ("softmax", "80 FLOP", "128 B"),
        # 16 rows of 128 numbers in and out, and 16 indexes of 8 B
        ("look-up", "0 MAC", "16,512 B"),
    ],
)
def test_work_of_each_operation(op, work, moved):
    says = FIRST.at(op=op, n=16).says
    assert says.startswith(f"{op}, n = 16, fp32: {work}, ")
    assert f" {moved} moved, " in says


def test_only_gemm_ever_fills_compute():
    full = {
        (op, n)
        for op, n in product(OPERATIONS, SIZES)
        if "compute is full" in FIRST.at(op=op, n=n).title
    }
    assert full == {("gemm", n) for n in SIZES if n >= 32}


def test_axes_stay_while_sliders_move():
    ticks = {
        tuple(re.findall(r'<text x="[\d.]+" y="338" [^>]*>[^<]*', e.at(**state).svg))
        for e, state in STATES
        if e is FIRST
    }
    assert len(ticks) == 1 and len(*ticks) >= 6


def test_the_bet_on_gemv_stands_at_its_bar(wager):
    wager("gemv_limit", "compute")
    assert len(diamonds(FIRST.at().svg)) == 1
    assert diamonds(FIRST.at(op="gemm").svg) == []
    line = bet_line(explore.first_meter())
    assert line == "◇ You bet compute; it is movement (gemv, n = 1,024)."
    (one,) = diamonds(FIRST.at().svg)
    wager("gemv_limit", "movement")
    ((x, y),) = diamonds(FIRST.at().svg)
    assert x == one[0] and y == one[1] + 40


def brute(taps, stride, padding):
    """How often each pixel of 7 × 7 is read, by walking over the windows."""
    counts = np.zeros((7 + 2 * padding,) * 2, int)
    for y, x in product(range(0, len(counts) - taps + 1, stride), repeat=2):
        counts[y : y + taps, x : x + taps] += 1
    return counts[padding : 7 + padding, padding : 7 + padding]


@pytest.mark.parametrize("taps, steps", list(product(TAPS, STEPS)))
def test_the_lens_counts_what_a_walk_reads(taps, steps):
    counts = brute(taps, *map(int, steps.split(", ")))
    svg = LENS.at(taps=taps, steps=steps).svg
    # one number for each pixel, in the order they stand; the words come after them
    assert texts_of(svg)[3:52] == [str(count) for count in counts.flat]
    assert f"{counts.sum()} copies" in texts_of(svg)
    for pixel in ("0,0", "2,3", "6,6"):
        count = counts[tuple(map(int, pixel.split(",")))]
        words = {0: "never", 1: "once", 2: "twice"}.get(count, f"{count} times")
        assert LENS.at(pixel=pixel, taps=taps, steps=steps).says.startswith(
            f"Pixel {pixel} is read {words}; {counts.sum()} reads of 49 pixels, "
        )


def test_the_pixel_is_dotted_wherever_the_matrix_holds_it():
    def dotted(**state):
        paths = re.findall(r'<path d="((?:M[\d.]+ [\d.]+h0)+)"', LENS.at(**state).svg)
        return sum(d.count("M") for d in paths)

    # besides the rows of the matrix, one dot on the image and one before the words
    assert dotted(pixel="2,3") == 9 + 2
    assert dotted(pixel="0,0") == 1 + 2
    assert dotted(pixel="6,6", taps=2, steps="2, 0") == 0 + 2


def test_the_bet_on_the_mean_stands_at_its_own_case(wager):
    wager("mean_reads", 9)
    assert len(diamonds(LENS.at().svg)) == 1 and "9 bet" in texts_of(LENS.at().svg)
    assert diamonds(LENS.at(taps=5).svg) == []
    line = bet_line(explore.reuse_lens())
    assert line == "◇ You bet 9 reads; it is 4.59 reads (3 × 3, stride 1, padding 0)."


@pytest.mark.parametrize("value", [0.001, 4.592, 10**9, 1e300])
def test_any_bet_on_the_mean_fits(wager, value):
    wager("mean_reads", value)
    assert faults(LENS.at().svg) == []


def marked_ticks(svg):
    """The numbers above the loom's columns."""
    return re.findall(r'y="104"[^>]*text-anchor="middle">([\d,]+)<', svg)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("layers", LAYERS)
def test_more_processors_never_take_longer(layers, mode):
    ticks = []
    for processors in PROCESSORS:
        picture = LOOM.at(layers=layers, processors=processors, mode=mode)
        found = re.search(r": ([\d.]+) ticks, the longest chain ([\d.]+); (\d+) %", picture.says)
        ticks.append(float(found[1]))
        assert ticks[-1] >= float(found[2])
        assert float(marked_ticks(picture.svg)[-1]) in (ticks[-1], ticks[-1] + 0.5)
        words = f"{found[1]} ticks, {found[3]} % busy"
        assert words in texts_of(picture.svg)
    assert ticks == sorted(ticks, reverse=True)
    assert ticks[-1] == float(found[2])


def test_loom_of_the_look_book():
    picture = LOOM.at()
    words = texts_of(picture.svg)
    assert picture.title == "19 ticks with 4 processors, with 6, and with 64"
    for expected in (
        "wavefront: 4 cells at once",
        "a longest chain: 19 cells",
        "idle: 50 of 114 slots",
        "19 ticks, 56 % busy",
        "514,048 B",
        "2,039,808 MAC",
        "526,592 B",
    ):
        assert expected in words


def test_the_table_stays_while_processors_move():
    rows = {
        tuple(w for w in texts_of(LOOM.at(processors=p).svg) if re.fullmatch(r"\d+ %", w))
        for p in PROCESSORS
    }
    assert rows == {("100 %", "97 %", "89 %", "84 %", "56 %", "5 %")}


@pytest.mark.parametrize("value, x", [(7, 138), (100, 690), (0.5, 99), (1e300, 690)])
def test_the_bet_on_the_loom_stands_at_its_tick(wager, value, x):
    wager("loom_ticks", value)
    case = {"layers": 1, "processors": 64, "mode": "100 steps"}
    assert diamonds(LOOM.at().svg) == []
    svg = LOOM.at(**case).svg
    assert faults(svg) == []
    assert diamonds(svg) == [(x, 313)]
    line = bet_line(explore.time_loom())
    assert line.endswith("; it is 100 ticks (1 layer, 100 steps, 64 processors).")


def test_the_slider_reaches_what_the_room_is_about():
    assert sorted(TOKENS) == TOKENS and {128, 256, 512, 1024, 3072} <= set(TOKENS)
    assert (TOKENS[0], TOKENS[-1]) == (128, 3072)


def test_the_room_of_the_look_book():
    picture = ROOM.at(tokens=1024, heads=1)
    assert picture.title == "At 1,024 tokens the scores are as many as the four matrices have"
    words = texts_of(picture.svg)
    assert "S = 1 × (4 W)" in words and words.count("1,048,576") == 2
    words = texts_of(ROOM.at(tokens=3072, heads=1).svg)
    assert "S = 9 × (4 W)" in words and "9,437,184" in words


@pytest.mark.parametrize(
    "value, corner",
    [(363, 20 * 363 / 512), (3072, 120), (0.5, 0.02), (10**9, 124), (1e300, 124)],
)
def test_the_bet_on_the_room_stands_at_the_corner_of_its_square(wager, value, corner):
    wager("room_tokens", value)
    for tokens in (128, 1024, 3072):
        svg = ROOM.at(tokens=tokens).svg
        assert faults(svg) == []
        ((x, y),) = diamonds(svg)
        assert (x - 144, y - 128) == pytest.approx((corner, corner), abs=0.02)
    assert diamonds(ROOM.at(heads=4).svg) == diamonds(ROOM.at(mode="tiled").svg) == []
    line = bet_line(explore.n_square_room())
    assert line.endswith("; it is 363 tokens (8 heads, S stored).")


def test_the_lever_has_a_rate_exactly_where_it_fits():
    for mode, context, batch in product(LEVERS, CONTEXTS, SEQUENCES):
        picture = LEVER.at(mode=mode, context=context, batch=batch)
        heads = {"decode, 8 KV heads": 8, "decode, 1 KV head": 1}.get(mode, 32)
        attention = 2 * 4096 * (4096 + 128 * heads)
        weights = 32 * (attention + 3 * 4096 * 11_008) + 2 * 32_000 * 4096 + 65 * 4096
        held = 2 * (weights + 2 * 32 * 128 * heads * context * batch)
        assert ("tokens/s" in picture.says) == (held <= 80e9), (mode, context, batch)
        assert ("no rate" in picture.says) == (held > 80e9)
        assert len(picture.title) <= 66


def test_the_axis_and_the_columns_stay_while_the_lever_moves():
    ticks = {
        tuple(re.findall(r'<text x="([\d.]+)" y="341" [^>]*middle">([^<]*)', e.at(**state).svg))
        for e, state in STATES
        if e is LEVER
    }
    assert [[label for _, label in row] for row in ticks] == [["1", "10", "100", "1,000", "10,000"]]


def test_the_stored_lever_does_not_give_the_bet_away():
    assert LEVER.at().says.startswith("Prefill, context 512, batch 1")
    assert not any("×297" in words for words in texts_of(LEVER.at().svg))
    assert "×297" in LEVER.at(mode="decode").title


@pytest.mark.parametrize("value", [100, 296.97, 0.001, 10**9, 1e300])
def test_the_bet_on_the_lever_stands_beside_the_rate(wager, value):
    wager("prefill_ratio", value)
    h100, model = machine("H100"), llama("2-7b")
    fast, slow = (step(model, 512).tokens_per_second(h100) for step in (prefill, decode))
    assert fast / slow == pytest.approx(296.97, abs=0.01)
    for mode, context, batch in product(LEVERS, (512, 1024), (1, 2)):
        svg = LEVER.at(mode=mode, context=context, batch=batch).svg
        on_bet = mode in LEVERS[:2] and (context, batch) == (512, 1)
        assert faults(svg) == [] and len(diamonds(svg)) == on_bet
    line = bet_line(explore.prefill_lever())
    assert line.endswith("; it is ×297 (context 512, batch 1).")


def test_the_stored_ranking_does_not_give_the_bet_away():
    assert RANKED.at().title.startswith("By MACs MoE leads")
    assert RANKED.at(by="bytes").title.startswith("By bytes GPT climbs 2 places")


@pytest.mark.parametrize("bet", ["Mamba", "mamba", "GPT"])
def test_the_bet_on_the_ranking_stands_beside_its_block(wager, bet):
    wager("climber", bet)
    for by, steps in product(("MACs", "bytes", "time"), ("each alone", "fused")):
        svg = RANKED.at(by=by, steps=steps).svg
        assert faults(svg) == [] and len(diamonds(svg)) == 2  # in its row and in the legend
    line = bet_line(explore.reranking_bars())
    assert line.endswith("; it is GPT (each step alone, batch 1).")


def test_the_microscope_walks_from_the_first_mac_to_the_last():
    assert sorted(MACS) == MACS and (MACS[0], MACS[-1]) == (1, 32_768)
    assert 60 <= len(MACS) <= 70
    first, last = (SCOPE.at(order="jki", step=step).says for step in (MACS[0], MACS[-1]))
    assert ": 66,560 misses, 3 of them up to MAC 1 (i = 0, j = 0, k = 0);" in first
    assert ": 66,560 misses, 66,560 of them up to MAC 32,768 (i = 31, j = 31, k = 31);" in last


def test_the_stored_microscope_does_not_give_the_bet_away():
    assert SCOPE.at().says.startswith("i-j-k, no tiles, LRU of 24 lines: 36,992 misses")
    shown = " ".join([SCOPE.at().says, *texts_of(SCOPE.at().svg)])
    assert "j-k-i" not in shown and "66,560" not in shown


@pytest.mark.parametrize("order", ORDERS)
def test_the_bet_on_the_microscope_stands_beside_its_order(wager, order):
    wager("worst_order", order)
    for shown, tile, lines in product(ORDERS, TILES, LINES):
        svg = SCOPE.at(order=shown, tile=tile, lines=lines).svg
        beside = "jki" if shown == "ikj" else "ikj"
        on_bet = (tile, lines) == (32, 24) and order in (shown, beside)
        assert faults(svg) == [] and len(diamonds(svg)) == on_bet
    line = bet_line(explore.loop_microscope())
    assert line == f"◇ You bet {order}; it is jki (24 lines, no tiles)."


def test_the_cache_lens_has_a_short_name_for_each_of_twelve_walks():
    short = CACHE_LENS._controls["walk"]._options_labels
    assert len(set(short)) == len(set(WALKS)) == 12
    for walk in WALKS:
        assert CACHE_LENS.at(walk=walk).says.startswith(f"{walk}, 8 sets × 2 ways")


def test_the_stored_cache_lens_does_not_give_the_bet_away():
    shown = " ".join([CACHE_LENS.at().says, *texts_of(CACHE_LENS.at().svg)])
    assert shown.startswith("1 apart, 8 sets × 2 ways") and "32 B a miss" in shown
    assert CACHE_LENS.at().svg.count('r="4.5"') == 1


def test_the_curve_that_was_bet_stands_in_the_cache_lens(wager):
    wager("stride_curve", [2, 4, 8, 16, 16, 16])
    for walk in WALKS:
        svg = CACHE_LENS.at(walk=walk).svg
        assert faults(svg) == [] and len(diamonds(svg)) == 7  # with the legend's
        assert len(diamonds(CACHE_LENS.at(walk=walk, ways=4).svg)) == 0
    line = bet_line(explore.cache_lens())
    assert line == (
        "◇ You bet 2 · 4 · 8 · 16 · 16 · 16 misses; it is 2 · 4 · 8 · 16 · 32 · 16 misses "
        "(1, 2, 4, 8, 16, 40 apart)."
    )
