"""Explorer: what moves, what is shown, what is stored, and what it refuses."""

import base64
import re
from html import unescape

import ipywidgets as widgets
import pytest
from IPython.core.formatters import DisplayFormatter

from course_utils.draw import svg
from course_utils.exercises import bet, predict
from course_utils.explore import Explorer
from course_utils.explore.explorer import choice, slider
from course_utils.explore.style import CLASS, STYLE

VIEW = "application/vnd.jupyter.widget-view+json"
PNG = b"\x89PNG"


def rectangle(n, number="fp32"):
    """A stand-in for a lesson's picture; it cannot be drawn at n = 7."""
    if n == 7:
        raise ValueError("seven")
    body = [svg.rect(24, 96, 8 * n, 8, "#254078")]
    return svg.card(160, f"{n} wide", "A rectangle.", body, f"{n} numbers in {number} & more.")


def made(draw=rectangle, **about):
    controls = {"n": widgets.IntSlider(3, 1, 9, 2, description="side n")}
    about = {"question": "How wide?", "move": "Move n.", **controls, **about}
    return Explorer(draw, **about)


def with_number():
    return made(
        n=slider("side n", (1, 2, 4, 7, 1024), 4),
        number=choice("number", ("fp32", "bf16"), "fp32"),
    )


def part(explorer, name):
    """The HTML widget of the card with that class."""
    found = [w for w in card(explorer).children if f"{CLASS}-{name}" in w._dom_classes]
    (widget,) = found
    return widget


def card(explorer):
    return explorer._card


def control(explorer, name):
    return explorer._controls[name]


@pytest.fixture
def wager():
    """Bets on a prediction of lesson 00, withdrawn afterwards."""
    yield lambda value: predict("digit_macs", value)
    predict("digit_macs", ...)


def test_card_is_in_order():
    parts = [w._dom_classes[0].removeprefix(f"{CLASS}-") for w in card(made()).children]
    assert parts == ["title", "move", "controls", "picture", "readout", "bet"]


def test_moving_a_control_shows_another_picture():
    explorer = made()
    assert part(explorer, "title").value == "3 wide"
    control(explorer, "n").value = 5
    assert part(explorer, "title").value == "5 wide"
    assert unescape(part(explorer, "readout").value) == "5 numbers in fp32 & more."
    assert part(explorer, "picture").value == rectangle(5).untitled()


def test_what_at_gives_is_what_is_shown():
    explorer = with_number()
    control(explorer, "n").value = 1024
    control(explorer, "number").value = "bf16"
    there = explorer.at(n=1024, number="bf16")
    assert part(explorer, "picture").value == there.untitled()
    assert part(explorer, "readout").value == "1024 numbers in bf16 &amp; more."
    assert explorer.at().says == "4 numbers in fp32 & more."


def test_probe_prints_the_readout_and_puts_the_sliders_back(capsys):
    explorer = with_number()
    control(explorer, "n").value = 2
    shown = [w.value for w in card(explorer).children if isinstance(w, widgets.HTML)]
    moves = []
    control(explorer, "n").observe(lambda change: moves.append(change["new"]), "value")
    explorer.probe(n=1024, number="bf16")
    assert capsys.readouterr().out == "1024 numbers in bf16 & more.\n"
    assert moves == [1024, 2]
    assert (control(explorer, "n").value, control(explorer, "number").value) == (2, "fp32")
    assert [w.value for w in card(explorer).children if isinstance(w, widgets.HTML)] == shown


def test_probe_tells_of_a_control_that_moves_nothing(capsys):
    explorer = made()
    control(explorer, "n").unobserve_all("value")
    explorer.probe(n=5)
    assert capsys.readouterr().out == "3 numbers in fp32 & more.\n"


def test_probe_puts_the_sliders_back_when_drawing_fails():
    explorer = with_number()
    with pytest.raises(ValueError, match="seven"):
        explorer.probe(number="bf16", n=7)
    assert (control(explorer, "n").value, control(explorer, "number").value) == (4, "fp32")
    assert part(explorer, "title").value == "4 wide"
    explorer.probe(n=2)
    assert part(explorer, "title").value == "4 wide"


def test_controls_moved_together_are_drawn_once():
    drawn = []

    def draw(n, number):
        drawn.append((n, number))
        return rectangle(n, number)

    explorer = made(
        draw,
        n=slider("side n", (1, 2, 4), 4),
        number=choice("number", ("fp32", "bf16"), "fp32"),
    )
    drawn.clear()
    explorer.probe(n=1, number="bf16")
    assert drawn == [(1, "bf16"), (4, "fp32")]


@pytest.mark.parametrize(
    "ask, message",
    [
        ({"m": 3}, "there is no control 'm'; there are n, number"),
        ({"n": 3}, "n cannot be 3; it takes 1, 2, 4, 7, 1024"),
        ({"n": True}, "n cannot be True; it takes"),
        ({"n": "4"}, "n cannot be '4'"),
        ({"number": "fp8"}, "number cannot be 'fp8'; it takes 'fp32', 'bf16'"),
    ],
)
def test_values_that_no_control_has(ask, message):
    explorer = with_number()
    for call in (explorer.at, explorer.probe):
        with pytest.raises(ValueError, match=message):
            call(**ask)
    assert part(explorer, "title").value == "4 wide"


def test_values_between_the_steps_of_a_slider():
    explorer = made(n=widgets.IntSlider(4, 0, 100, 4, description="n"))
    with pytest.raises(ValueError, match="n cannot be 6; it takes 0, 4, 8 … 100"):
        explorer.probe(n=6)


@pytest.mark.parametrize(
    "about, message",
    [
        ({"n": widgets.IntSlider(3, 1, 9)}, "the control n has no label; pass description="),
        ({"n": widgets.Dropdown(options=[1], description="n")}, "n=Dropdown.* is no control"),
        ({"n": 3}, "n=3 is no control; pass an IntSlider, a SelectionSlider or ToggleButtons"),
        ({k: choice(k, "ab", "a") for k in "bcde"}, "5 controls; a card has one to 4"),
        ({"bet": "digit_macs"}, "the bet 'digit_macs' has no truth; pass truth="),
        ({"question": "How " * 40}, "is wider than a title; shorten it"),
    ],
)  # fmt: skip
def test_explorers_that_cannot_be(about, message):
    with pytest.raises(ValueError, match=message):
        made(**about)


def test_an_explorer_without_controls_is_refused():
    with pytest.raises(ValueError, match="0 controls"):
        Explorer(rectangle, question="How?", move="Nothing moves.")


def betting():
    def draw(n, bet):
        return svg.card(160, f"{n}, bet {bet}", "Second line.", [], f"{n} numbers.")

    return made(draw, bet="digit_macs", truth=79_400, about="one digit")


def test_the_finding_waits_for_the_bet(wager, capsys):
    explorer = betting()
    assert part(explorer, "title").value == "How wide?"
    assert part(explorer, "bet").value == ""
    wager(50_000)
    assert bet("digit_macs") == 50_000
    control(explorer, "n").value = 5
    assert part(explorer, "title").value == "5, bet 50000"
    assert part(explorer, "bet").value == (
        "◇ You bet 50,000 multiply-adds; it is 79,400 multiply-adds (one digit)."
    )
    assert explorer.at(n=9).title == "9, bet 50000"


def test_a_bet_that_is_there_is_shown_at_once_and_settled_by_a_move(wager, capsys):
    wager(50_000)
    explorer = betting()
    assert part(explorer, "title").value == "3, bet 50000"
    waiting = "◇ You bet 50,000 multiply-adds (one digit). Move a control, and see."
    assert part(explorer, "bet").value == waiting
    explorer.probe(n=5)
    assert part(explorer, "bet").value == waiting
    control(explorer, "n").value = 4
    assert "; it is 79,400 multiply-adds (one digit)." in part(explorer, "bet").value
    control(explorer, "n").value = 3
    assert "; it is" in part(explorer, "bet").value


def test_a_bet_changes_no_stored_text(wager):
    texts = [DisplayFormatter().format(betting())[0]["text/plain"]]
    wager(50_000)
    texts.append(DisplayFormatter().format(betting())[0]["text/plain"])
    assert texts == ["3 numbers."] * 2


def test_bundle_is_a_view_a_picture_and_a_sentence():
    explorer = made()
    control(explorer, "n").value = 9
    data, metadata = DisplayFormatter().format(explorer)
    assert set(data) == {VIEW, "image/png", "text/plain"}
    assert data[VIEW]["model_id"] == card(explorer).model_id
    assert base64.b64decode(data["image/png"]).startswith(PNG)
    assert data["text/plain"] == "3 numbers in fp32 & more."
    assert metadata["image/png"] == {"width": 720}


def test_shown_twice_is_one_widget_and_made_twice_are_two():
    explorer = made()
    ids = [DisplayFormatter().format(e)[0][VIEW]["model_id"] for e in (explorer, explorer, made())]
    assert ids[0] == ids[1] != ids[2]


def test_words_cannot_break_the_page():
    explorer = made(lambda n: svg.card(160, "1 < 2 & 3", "<b>", [], f"{n} <script>"))
    assert part(explorer, "title").value == "1 &lt; 2 &amp; 3"
    assert part(explorer, "readout").value == "3 &lt;script&gt;"
    assert "<b>" not in part(explorer, "picture").value
    assert part(made(move="a < b"), "move").value.endswith("a &lt; b")


def test_style_stays_inside_the_card():
    css = re.fullmatch(r"<style>(.*)</style>", STYLE, re.DOTALL)[1]
    css = re.sub(r"@container [^{]*", "", css)  # what stands in its braces is read like the rest
    selectors = [s.strip() for group in re.findall(r"([^{}]+)\{", css) for s in group.split(",")]
    assert len(selectors) > 20
    assert [s for s in selectors if s and not re.match(rf"\.{CLASS}(?![\w-])", s)] == []
    assert "~" not in css


def test_every_control_has_a_label_and_no_empty_tooltip():
    explorer = with_number()
    for name in ("n", "number"):
        assert control(explorer, name).tooltip == control(explorer, name).description != ""
