"""`Explorer`: a picture with sliders, a white card in which nothing changes place.

The picture is a pure function of the controls' values; moving one draws it anew.
"""

from base64 import b64encode
from html import escape, unescape
from textwrap import fill

import ipywidgets as widgets

from ..draw.fonts import text_width
from ..draw.svg import LEFT, RIGHT
from ..exercises.bank import find
from ..exercises.engine import bet as placed
from .style import CLASS, STYLE

_VIEW = "application/vnd.jupyter.widget-view+json"
_MOST_CONTROLS = 4
_LINE = 74  # letters that fit below a cell in a window of 720 px
# A Dropdown is left out: in an output, JupyterLab takes its arrow keys.
_CHOICES = widgets.SelectionSlider, widgets.ToggleButtons


class Explorer:
    """A widget: `draw(**values)` returns the `Picture` for the values of the `controls`.

    `controls`: by name, one to four ipywidgets with a description, each an IntSlider or a choice
    among options.  `question`: the title until the bet is in, then the picture's own takes its
    place.  `move`: one line that says what to move.
    `bet`: the name of a prediction; then `draw` also takes bet=, what was bet or None, and `truth`
    is what the bet was about, with `about`, a few words on the case.  It is told once a control has
    moved.  Without a bet to place, the picture's own title stands from the start.

    Stored, it is its default picture: a PNG and one sentence.
    Something else among the controls, a bet without a truth, or a question wider than a title is
    a ValueError.

    >>> from course_utils.draw import svg
    >>> def squares(n):
    ...     return svg.card(120, f"{n} × {n}", "Squares.", [], f"{n * n} squares.")
    >>> squared = Explorer(squares, question="How many?", move="Move the side.",
    ...                    n=widgets.IntSlider(3, 1, 9, description="side n"))
    >>> squared.probe(n=5)
    25 squares.
    >>> squared.at(n=2)
    4 squares.
    """

    def __init__(self, draw, *, question, move, bet=None, truth=None, about="", **controls):
        _check_controls(controls)
        if text_width(question, 15, bold=True) > RIGHT - LEFT:
            raise ValueError(
                f"Explorer: the question {question!r} is wider than a title; shorten it"
            )
        if bet is not None and truth is None:
            raise ValueError(f"Explorer: the bet {bet!r} has no truth; pass truth=")
        self._draw, self._question, self._controls = draw, question, controls
        self._bet, self._truth, self._about = bet, truth, about
        self._holding = self._moved = self._touched = False
        self._defaults = self._values()
        self._title, self._picture, self._readout, self._bet_line = (
            _html(part) for part in ("title", "picture", "readout", "bet")
        )
        move_line = _html("move", f"{STYLE}{escape(move)}")
        row = widgets.HBox(list(controls.values())).add_class(f"{CLASS}-controls")
        self._card = widgets.VBox(
            [self._title, move_line, row, self._picture, self._readout, self._bet_line]
        ).add_class(CLASS)
        # Drawn once before anything is shown: what a picture loads is loaded now, not on a move.
        self._show()
        for control in controls.values():
            control.tooltip = control.tooltip or control.description  # else it says "null"
            control.observe(self._on_move, "value")

    def at(self, **values):
        """The `Picture` for these values of the controls; those not named are at their default."""
        return self._drawn({**self._defaults, **self._allowed(values)})

    def probe(self, **values):
        """Move the real controls, print the real readout in short lines, put the controls back.

        An unknown control, or a value that it cannot take, is a ValueError.
        """
        values, before = self._allowed(values), self._values()
        try:
            self._move(values)
            print(fill(unescape(self._readout.value), _LINE))
        finally:
            self._move(before)

    def _repr_mimebundle_(self, include=None, exclude=None):
        default = self.at()
        width = {"image/png": {"width": 720}}
        data = {
            _VIEW: self._card._repr_mimebundle_()[_VIEW],
            "image/png": b64encode(default.png()).decode("ascii"),
            "text/plain": default.says,
        }
        return data, width

    def _values(self):
        return {name: control.value for name, control in self._controls.items()}

    def _allowed(self, values):
        """The values as the controls spell them; a ValueError for those they cannot take."""
        return {name: self._one_allowed(name, value) for name, value in values.items()}

    def _one_allowed(self, name, value):
        if name not in self._controls:
            raise ValueError(f"there is no control {name!r}; there are {', '.join(self._controls)}")
        steps = _steps(self._controls[name])
        for step in steps:
            if type(value) is not bool and value == step:
                return step
        known = ", ".join(map(repr, steps)) if len(steps) <= 12 else _span(steps)
        raise ValueError(f"{name} cannot be {value!r}; it takes {known}")

    def _move(self, values):
        """Move several controls as one, and draw once."""
        self._holding, self._moved = True, False
        try:
            for name, value in values.items():
                self._controls[name].value = value
        finally:
            self._holding = False
        if self._moved:
            self._show()

    def _on_move(self, change):
        if self._holding:
            self._moved = True
        else:
            self._touched = True
            self._show()

    def _drawn(self, values):
        return self._draw(**values, bet=placed(self._bet)) if self._bet else self._draw(**values)

    def _show(self):
        picture, wagered = self._drawn(self._values()), placed(self._bet) if self._bet else None
        waits = self._bet is not None and wagered is None
        self._title.value = escape(self._question if waits else picture.title)
        self._picture.value = picture.untitled()
        self._readout.value = escape(picture.says)
        self._bet_line.value = "" if wagered is None else escape(self._settled(wagered))

    def _settled(self, wagered):
        entry = find(self._bet)
        about = f" ({self._about})" if self._about else ""
        if not self._touched:
            return f"◇ You bet {entry.show(wagered)}{about}. Move a control, and see."
        return f"◇ You bet {entry.show(wagered)}; it is {entry.show(self._truth)}{about}."


def slider(description, values, value):
    """A slider over `values`, which need not be evenly spaced, standing at `value`."""
    return widgets.SelectionSlider(
        options=[(f"{each:,}", each) for each in values], value=value, description=description
    )


def choice(description, values, value):
    """Buttons, one for each of `values`, with `value` pressed."""
    return widgets.ToggleButtons(options=values, value=value, description=description)


def _html(part, value=""):
    return widgets.HTML(value).add_class(f"{CLASS}-{part}")


def _check_controls(controls):
    if not 1 <= len(controls) <= _MOST_CONTROLS:
        raise ValueError(f"Explorer: {len(controls)} controls; a card has one to {_MOST_CONTROLS}")
    for name, control in controls.items():
        if not isinstance(control, (widgets.IntSlider, *_CHOICES)):
            raise ValueError(
                f"Explorer: {name}={control!r} is no control; pass an IntSlider, a "
                "SelectionSlider or ToggleButtons"
            )
        if not control.description:
            raise ValueError(f"Explorer: the control {name} has no label; pass description=")


def _steps(control):
    """Every value that a control can take."""
    if isinstance(control, widgets.IntSlider):
        return range(control.min, control.max + 1, control.step)
    return [option[1] if isinstance(option, tuple) else option for option in control.options]


def _span(steps):
    return f"{steps[0]!r}, {steps[1]!r}, {steps[2]!r} … {steps[-1]!r}"
