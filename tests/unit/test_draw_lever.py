"""The lever's picture: clean at every size, its numbers the model's, its title the finding."""

import re
from xml.etree import ElementTree

import pytest
from picture_rules import faults, texts_of

from course_utils.draw import lever, palette
from course_utils.draw.lever import CHIP, MODEL, MODES
from course_utils.serving import decode, prefill


def filled(svg):
    """Px across of the dots of the step, from the first row to the last."""
    rows = re.findall(rf'<circle cx="([\d.]+)" cy="\d+" r="4.5" fill="{palette.INK}"', svg)
    return [float(x) for x in rows[:6]]


def hollow(svg):
    """The same of prefill, where it is compared with."""
    ring = f'r="4" fill="{palette.PAPER}" stroke="{palette.INK}"'
    return [float(x) for x in re.findall(rf'<circle cx="([\d.]+)" cy="\d+" {ring}', svg)[:6]]


@pytest.mark.parametrize(
    "state, bet",
    [
        (("prefill", 1, 1), None),
        (("decode", 1, 1), None),
        (("decode", 700, 3), None),
        (("decode, 1 KV head", 1, 256), None),
        (("decode, 8 KV heads", 12_345, 77), None),
        (("prefill", 512, 1), 7),
        (("decode", 512, 1), 0.001),
        (("decode", 512, 1), 1e300),
        (("decode", 512, 1), 296.97),
    ],
)
def test_levers_are_clean(state, bet):
    picture = lever(*state, bet=bet)
    assert faults(picture.svg) == []
    assert int(ElementTree.fromstring(picture.svg).get("height")) == 568
    assert len(picture.png()) <= 80_000 and len(picture.title) <= 66
    assert len(picture.second) <= 105


@pytest.mark.parametrize("mode", MODES)
def test_rows_are_the_model_and_add_up(mode):
    picture = lever(mode, 2048, 4)
    step = prefill if mode == "prefill" else decode
    scene = step(lever_model(mode), 2048, 4)
    words = texts_of(picture.svg)
    seconds = scene.seconds(CHIP, "bf16")
    shown = [float(w[:-2]) * {"G": 1e9, "T": 1e12}[w[-1]] for w in words if w[-2:] in (" G", " T")]
    counted = [n for one in scene.operations for n in (one.macs, one.moved)]
    assert sorted(shown) == pytest.approx(sorted(counted), rel=5e-3)
    for one in scene.operations:
        share = 100 * one.seconds(CHIP, "bf16") / seconds
        assert f"{share:.0f} %" in words or share < 0.5
    # the bars of time, 80 px all together but for those of less than 2 px
    bars = [float(w) for w in re.findall(r'<rect x="568" y="\d+" width="([\d.]+)"', picture.svg)]
    assert len(bars) == 7 and bars.pop() == 10  # the last one is the legend's
    assert sum(bars) + 0.05 >= 80 and sum(bars) <= 80 + 2 * 6


def lever_model(mode):
    return MODEL.__class__(**{**vars(MODEL), "kv_heads": MODES[mode]})


def test_the_dots_fly_left_from_prefill_to_decode():
    before, after = (lever(mode, 512, 1).svg for mode in ("prefill", "decode"))
    assert hollow(before) == [] and hollow(after) == filled(before)
    (ridge,) = {float(x) for x in re.findall(r'<line x1="([\d.]+)"[^>]*dasharray="1 3"', before)}
    assert [x > ridge for x in filled(before)] == [True, False, True, True, True, False]
    # by two decades and a half, of 40 px each; the head has one token in both
    flown = [a - b for a, b in zip(filled(before), filled(after), strict=True)]
    assert min(flown[:5]) > 2.4 * 40 and flown[5] == 0


def test_the_tank_is_to_scale():
    picture = lever("decode", 4096, 16)
    boxes = [
        (float(x), float(w))
        for x, w in re.findall(r'<rect x="([\d.]+)" y="400[\d.]*" width="([\d.]+)"', picture.svg)
    ]
    (left, room), (start, cache), (_, weights) = boxes[:3]
    assert (left, room) == (24, 400)
    step = decode(MODEL, 4096, 16)
    assert weights + 1 == pytest.approx(5 * step.weight_bytes / 1e9, abs=0.01)
    # the stroke of 1 px lies inside
    assert start - 0.5 == pytest.approx(24 + weights + 1, abs=0.02)
    assert cache + 1 == pytest.approx(5 * step.kv_bytes / 1e9, abs=0.02)
    assert "free 32.2 GB" in texts_of(picture.svg) and "over" not in picture.svg


def test_what_does_not_fit_lies_beyond_the_rim_and_has_no_rate():
    little, much = lever("decode", 4096, 32), lever("decode", 32_768, 256)
    for picture, words in ((little, "2.2 GB do not fit"), (much, "4,332 GB do not fit")):
        assert re.search(r'fill="url\(#cu\w+-over\)"', picture.svg)
        assert words in texts_of(picture.svg)
        assert "tokens/s" not in picture.says + "".join(texts_of(picture.svg))
        assert picture.says.endswith("does not fit into the 80 GB of the chip: no rate.")
    assert "prefill" not in lever("decode, 8 KV heads", 4096, 32).says.split(";", 1)[1]


@pytest.mark.parametrize(
    "state, title",
    [
        (("prefill", 512, 1), "Prefill computes: 73,764 tokens/s, at 435 FLOP/B"),
        (("prefill", 1, 1), "Prefill waits for the weights: 253 tokens/s, at 1 FLOP/B"),
        (("decode", 512, 1), "Decode waits for the weights: 248 tokens/s, prefill ×297"),
        (("decode", 512, 64), "Decode waits for the KV cache: 6,994 tokens/s, prefill ×10.7"),
        (("decode, 8 KV heads", 512, 64), "With 8 KV heads: 13,287 tokens/s instead of 6,994"),
        (("decode, 1 KV head", 4096, 32), "With 1 KV head: 8,002 tokens/s, where 32 do not fit"),
        (("decode", 4096, 32), "82.2 GB for weights and KV cache do not fit into 80 GB"),
    ],
)
def test_the_title_is_the_finding(state, title):
    assert lever(*state).title == title


def test_the_tick_is_prefill():
    words = texts_of(lever("decode", 512, 1).svg)
    for note in ("prefill, now ×1", "prefill, now 1/502", "prefill, ×0.868; compulsory"):
        assert note in words
    assert not any(word.startswith("prefill,") for word in texts_of(lever("prefill", 512, 1).svg))


@pytest.mark.parametrize(
    "state, message",
    [
        (("write", 512, 1), "lever: mode is 'write'; take one of 'prefill', 'decode'"),
        (("decode", 0, 1), "lever: context must be a whole number of at least 1; got 0"),
        (("decode", 512, 1.5), "lever: batch must be a whole number"),
        (("decode", 65_536, 1), "lever: context is 65,536; the axis ends at 32,768, take less"),
        (("decode", 512, 512), "lever: batch is 512; the axis ends at 256, take less"),
    ],
)
def test_what_no_lever_can_show_is_refused(state, message):
    with pytest.raises(ValueError, match=message):
        lever(*state)
