"""Which cells show a widget, and what stands for a picture in words."""

import json
import re

import pytest

from course_utils import explore
from course_utils.author.sync import NOTEBOOKS, find_notebooks
from course_utils.edition import pictures

LESSONS = find_notebooks(NOTEBOOKS)
BRING = "from course_utils import explore"


def notebook_of(path):
    return json.loads(path.read_text(encoding="utf-8"))


def code(source, name="a", *outputs, **metadata):
    cell = {"cell_type": "code", "id": name, "source": source, "metadata": metadata}
    return {**cell, "outputs": list(outputs)}


def picture(*text):
    return {"output_type": "display_data", "data": {"image/png": "", "text/plain": list(text)}}


# Widgets


def test_what_the_package_offers_are_widgets():
    makers = [name for name in explore.__all__ if name != "Explorer"]
    assert all(isinstance(getattr(explore, name)(), explore.Explorer) for name in makers)


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_all_widgets_of_a_lesson_are_found(path):
    cells, names = notebook_of(path)["cells"], set()
    found = pictures.widgets({"cells": cells})
    for cell in cells:
        source = "".join(cell["source"]) if cell["cell_type"] == "code" else ""
        for name, maker in re.findall(r"(?:^(\w+) = )?\bexplore\.(\w+)", source, re.M):
            assert maker in explore.__all__
            names.add(name)
        last = source.strip().split("\n")[-1]
        assert (cell["id"] in found) == (last in names or last.startswith("explore."))
    assert found
    for cell in cells:
        if cell["id"] in found:
            assert len(pictures.shown(cell)) == 1 and pictures.alt(path, cell)


@pytest.mark.parametrize(
    "source",
    [
        f"{BRING}\nexplore.weight_wall()",
        f"{BRING}\nwall = explore.weight_wall()\nwall  # to be moved",
        f"{BRING} as look\nwall = look.weight_wall(batch=3)\nother = wall\nother",
        "import course_utils.explore\ncourse_utils.explore.first_meter()",
        "import course_utils.explore as look\nmeter: object = look.first_meter()\nmeter",
        "from course_utils.explore import time_loom as loom\nloom()",
        f"%matplotlib inline\n{BRING}\nexplore.weight_wall()",
    ],
)
def test_a_widget_as_value_is_found(source):
    assert pictures.widgets({"cells": [code(source)]}) == {"a"}
    assert pictures.widgets({"cells": [code(list(source.splitlines(True)))]}) == {"a"}


@pytest.mark.parametrize(
    "source",
    [
        "",
        BRING,
        f"{BRING}\nwall = explore.weight_wall()",
        f"{BRING}\nwall = explore.weight_wall()\nwall.probe(batch=64)",
        f"{BRING}\nexplore.weight_wall().probe(batch=64)",
        f"{BRING}\nwall = explore.weight_wall()\nwall = 3\nwall",
        f"{BRING}\nwall = explore.weight_wall()\nlen(wall)",
        f"{BRING}\nexplore.weight_wall",
        "explore.weight_wall()",
        "wall",
        f"{BRING}\nexplore.weight_wall(",
    ],
)
def test_what_is_no_widget_is_not_found(source):
    assert pictures.widgets({"cells": [code(source)]}) == set()


def test_names_last_from_cell_to_cell_in_their_order():
    cells = [
        code("wall", "before"),
        code(f"{BRING}\nwall = explore.weight_wall()", "made"),
        {"cell_type": "markdown", "id": "text", "source": "wall", "metadata": {}},
        code("wall", "shown"),
        code("wall.probe(batch=1)", "probed"),
        code("wall", "again"),
        code("wall = 1", "gone"),
        code("wall", "after"),
    ]
    assert pictures.widgets({"cells": cells}) == {"shown", "again"}


# Words


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_every_picture_of_a_lesson_has_its_words(path):
    for cell in notebook_of(path)["cells"]:
        if cell["cell_type"] == "code" and pictures.shown(cell):
            assert re.fullmatch(r"[^<\n]{20,}", pictures.alt(path, cell))


def test_words_are_the_pictures_own_or_the_authors():
    lesson = LESSONS[3]
    own, figure = picture("16 units:\n", "64 B."), picture("<Figure size 72x28 with 1 Axes>")
    said = {"alt": "A line\nthat rises."}
    assert pictures.alt(lesson, code("p", "a", own)) == "16 units: 64 B."
    assert pictures.alt(lesson, code("p", "a", own, **said)) == "16 units: 64 B."
    assert pictures.alt(lesson, code("p", "a", figure, figure, **said)) == "A line that rises."
    assert pictures.alt(lesson, code("p", "a", own, figure, **said)) == (
        "16 units: 64 B. A line that rises."
    )


@pytest.mark.parametrize("text", ["<Figure size 720x280 with 1 Axes>", "Image()", " ", ""])
def test_a_picture_without_words_is_named_with_its_cell(text):
    with pytest.raises(ValueError, match=r"^03_rnn_sequential: cell curve .*'alt'.*$") as fault:
        pictures.alt(LESSONS[3], code("p", "curve", picture(text), alt=" "))
    assert "\n" not in str(fault.value)


def test_a_cell_without_a_picture_is_named():
    with pytest.raises(ValueError, match=r"^03_rnn_sequential: cell curve shows no picture"):
        pictures.alt(LESSONS[3], code("p", "curve"))
