"""SVG words, text width, the footer, the Picture, and the rules that check pictures."""

import base64
import io
import json
import subprocess
import sys

import numpy as np
import pytest
from IPython.core.formatters import DisplayFormatter
from picture_rules import faults, texts_of
from PIL import Image

from course_utils.draw import Picture, palette, svg
from course_utils.draw.fonts import text_width
from course_utils.meters import Meters


def picture_of(*body, height=200, title="A title"):
    return svg.card(height, title, "A second line", body, "It says this.")


def drawn(*body, **about):
    return picture_of(*body, **about).svg


def pixels(picture):
    return np.asarray(Image.open(io.BytesIO(picture.png())).convert("RGB"))


@pytest.mark.parametrize("bold", [False, True])
@pytest.mark.parametrize("words", ["784 → 100", "427,152 B", "MMMM wide", "illicit ff × − µ"])
def test_text_width_is_what_the_rasteriser_draws(words, bold):
    mark = "|" + words + "|"
    start = 48
    card = svg.text(start, 100, mark, 15, palette.INK, bold=bold)
    plain = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="720" height="200" '
        f'font-family="{svg.FAMILY}"><rect width="720" height="200" fill="#FFFFFF"/>{card}</svg>'
    )
    columns = np.flatnonzero((pixels(Picture(plain, "")) < 128).any(axis=(0, 2)))
    bar = (text_width("|", 15, bold)) / 2
    measured = (columns[-1] - columns[0] + 1) / 2 + 2 * bar
    assert abs(text_width(mark, 15, bold) - measured) < 3


def test_a_character_without_a_glyph_is_named():
    with pytest.raises(ValueError, match="'重' is not in DejaVu Sans"):
        text_width("重", 12)


def test_importing_pictures_loads_no_matplotlib():
    code = "import sys, course_utils.draw; print(any('matplotlib' in m for m in sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


@pytest.mark.parametrize("value, words", [(0.0, "0"), (-0.001, "0"), (8, "8"), (-2.5, "-2.5")])
def test_coordinates_are_short(value, words):
    assert svg.n(value) == words


def test_thin_blocks_are_drawn_two_px_thick():
    assert 'height="2"' in svg.inner(0, 0, 300, 0.4, palette.MEMORY)
    assert 'width="9" height="19"' in svg.inner(0, 0, 10, 20, palette.MEMORY)


def test_title_that_does_not_fit_is_an_error():
    with pytest.raises(ValueError, match="px wide at 15 px and has 672 px; shorten it"):
        drawn(title="M" * 66)


def test_pattern_names_differ_between_pictures():
    one, two = (drawn(svg.footer(100, Meters(0, macs, 0))) for macs in (10, 20))
    ids = [set(part.split('"')[0] for part in card.split('id="')[1:]) for card in (one, two)]
    assert len(ids[0]) == len(ids[1]) == 1
    assert not ids[0] & ids[1]
    assert faults(one) == faults(two) == []


def test_patterns_that_nothing_uses_are_left_out():
    assert "<pattern" not in drawn()


@pytest.mark.parametrize(
    "meters, words",
    [
        (Meters(427152, 2508800, 427152), ["427,152 B", "2,508,800 MAC", "427,152 B"]),
        (Meters(12, 0, 12, adds=1000), ["12 B", "1,000 FLOP", "12 B"]),
        (Meters(), ["0 B", "0 FLOP", "0 B"]),
        (Meters(10**13, 174604259328, 10**9), ["10 TB", "175 GMAC", "1 GB"]),
    ],
)
def test_footer_prints_what_is_true(meters, words):
    card = drawn(svg.footer(100, meters))
    assert [words for words in texts_of(card) if words[0].isdigit()] == words
    assert faults(card) == []


def test_footer_never_mixes_mac_and_flop():
    work, sums = Meters(8, 100, 8), Meters(8, 0, 8, adds=30)
    words = texts_of(drawn(svg.footer(100, work, ref=sums)))
    assert "200 FLOP" in words


def test_footer_bars_are_sixteen_px_a_decade():
    card = drawn(svg.footer(100, Meters(memory=10**5)))
    solid = card.count(f'height="8" fill="{palette.MEMORY}"')
    assert 'width="32" height="8" fill="' + palette.MEMORY in card
    assert solid == 3  # the sign, one full segment, two decades of the next


def test_footer_draws_no_tick_for_nothing():
    ref = Meters(moved=64)
    ticks = drawn(svg.footer(100, Meters(9, 9, 9), ref=ref, bet=ref))
    plain = drawn(svg.footer(100, Meters(9, 9, 9)))
    tick = f'fill="{palette.INK}"/>'
    assert ticks.count(tick) - plain.count(tick) == 2  # on the bar and before the note
    assert ticks.count("<path") - plain.count("<path") == 1


def test_footer_note_that_does_not_fit_is_an_error():
    with pytest.raises(ValueError, match="has 192 px; shorten"):
        svg.footer(100, Meters(), ("compulsory: each of the tensors once", "", ""))
    with pytest.raises(ValueError, match="has 184 px"):
        svg.footer(100, Meters(), ("b = 1, now ×1.35; compulsory traffic", "", ""), ref=Meters(1))


def test_picture_shows_itself_alike_live_and_stored():
    picture = picture_of(svg.footer(100, Meters(1, 2, 3)))
    data, metadata = DisplayFormatter().format(picture)
    assert set(data) == {"image/png", "text/plain"}
    assert data["text/plain"] == repr(picture) == "It says this."
    assert metadata["image/png"] == {"width": 720}
    image = Image.open(io.BytesIO(base64.b64decode(data["image/png"])))
    assert image.size == (1440, 400)
    json.dumps(data)


def test_picture_knows_its_two_lines_and_goes_without_them():
    picture = picture_of(svg.text(24, 100, "first mark"))
    assert (picture.title, picture.second) == ("A title", "A second line")
    assert texts_of(picture.svg)[:2] == ["A title", "A second line"]
    assert 'width="100%" viewBox="0 72 720 128"' in picture.untitled()
    assert picture.untitled().replace('width="100%" viewBox="0 72 720 128"', "") == (
        picture.svg.replace('width="720" height="200" viewBox="0 0 720 200"', "")
    )


def test_picture_is_the_same_twice():
    one, two = (picture_of(svg.footer(100, Meters(1, 2, 3))) for _ in range(2))
    assert one == two
    assert one.png() == two.png()


def test_png_keeps_the_colours_of_the_palette():
    hues = [palette.MEMORY, palette.COMPUTE, palette.MOVEMENT, palette.INK, palette.MEMORY_TINT]
    blocks = [svg.rect(24 + 40 * k, 80, 32, 32, hue) for k, hue in enumerate(hues)]
    image = pixels(picture_of(*blocks))
    found = ["#" + image[190, 2 * (24 + 40 * k) + 32].tobytes().hex().upper() for k in range(5)]
    assert found == hues


def test_more_than_256_colours_take_the_nearest():
    shades = [f"#{r:02X}{g:02X}80" for r in range(0, 256, 12) for g in range(0, 256, 12)]
    cells = [
        svg.rect(24 + 16 * (k % 40), 80 + 8 * (k // 40), 16, 8, shade)
        for k, shade in enumerate(shades)
    ]
    image = pixels(picture_of(*cells, height=240)).astype(int)
    wanted = [[int(s[i : i + 2], 16) for i in (1, 3, 5)] for s in shades]
    k = np.arange(len(shades))
    got = image[2 * (80 + 8 * (k // 40)) + 8, 2 * (24 + 16 * (k % 40)) + 16]
    assert len(shades) > 256
    assert np.abs(got - wanted).max() <= 12


def test_save_writes_svg_or_png(tmp_path):
    picture = picture_of()
    picture.save(tmp_path / "a.svg")
    picture.save(tmp_path / "a.png")
    assert (tmp_path / "a.svg").read_text(encoding="utf-8") == picture.svg
    with Image.open(tmp_path / "a.png") as image:
        assert image.size == (1440, 400)
    with pytest.raises(ValueError, match=r"a\.pdf: a picture is saved as \.svg or \.png"):
        picture.save(tmp_path / "a.pdf")


@pytest.mark.parametrize(
    "body, fault",
    [
        (svg.text(680, 100, "far out"), "'far out' leaves the card"),
        (svg.text(24, 100, "small", 10), "'small' is 10 px"),
        (svg.text(24, 100, "one") + svg.text(30, 104, "two"), "'two' overlaps 'one'"),
        (svg.rect(700, 100, 40, 8, palette.INK), "rect leaves the card"),
        (svg.circle(4, 100, 8, palette.INK), "circle leaves the card"),
        (svg.path("M24 100h800", palette.INK), "path leaves the card"),
        (svg.line(24, 100, 24, 300), "line leaves the card"),
        (svg.rect(24, 100, 2, 2) * 3000, "3,0"),
        ('<rect x="24" y="100" width="8" height="8" fill="url(#nowhere)"/>', "no pattern nowhere"),
        (
            '<g transform="translate(100 100) rotate(-45)">' + svg.text(0, 0, "turned") + "</g>"
            + svg.text(104, 92, "across"),
            "'across' overlaps 'turned'",
        ),
    ],
)  # fmt: skip
def test_each_fault_is_seen(body, fault):
    found = faults(drawn(body))
    assert len(found) == 1
    assert fault in found[0]
