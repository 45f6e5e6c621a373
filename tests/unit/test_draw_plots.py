"""The look of matplotlib's plots: colours and type of the cards."""

import re

import matplotlib.pyplot as plt
from matplotlib.colors import to_hex

from course_utils import draw
from course_utils.draw import palette, plots


def test_a_plot_gets_the_look_of_the_cards():
    with plt.rc_context():
        draw.style()
        figure, ax = plt.subplots()
        (line,) = ax.plot([1, 2])
        assert to_hex(line.get_color()).upper() == palette.INK
        assert figure.get_figwidth() * figure.dpi == 720
        assert not ax.spines["top"].get_visible()
        plt.close(figure)


def test_every_colour_of_the_style_is_one_of_the_palette():
    sheet = plots.SHEET.read_text(encoding="utf-8")
    found = {f"#{word}" for word in re.findall(r"\b[0-9A-F]{6}\b", sheet)}
    known = {value for name, value in vars(palette).items() if name.isupper()}
    assert found and found <= known
