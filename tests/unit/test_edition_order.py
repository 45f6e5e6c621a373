"""A lecture's order: the core path, and the concept test where the lesson says."""

import nbformat
import pytest

from course_utils.author.sync import NOTEBOOKS, find_notebooks, read
from course_utils.edition import order

LESSONS = find_notebooks(NOTEBOOKS)


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_a_lecture_takes_each_cell_once_and_the_concept_test_before_further(path):
    notebook, test = read(path), order.concept_test(path)
    core, rest = order.core(path, notebook), order.further(path, notebook)
    ids = [cell.id for cell in notebook.cells]
    heading = notebook.cells[ids.index(f"task-{test.name}") - 1]
    assert heading.source.startswith("### A question for the whole room\n\nVote")
    assert heading.source.count("\n") == 2
    assert sorted([heading.id, *(cell.id for cell in core + rest)]) == sorted(ids)
    names = [cell.id for cell in core]
    task = names.index(f"task-{test.name}")
    assert names[task + 1] == f"stub-{test.name}"
    assert order.PLACE in core[task - 1].metadata.tags
    assert rest[0].id == "further"
    without = [name for name in names if not name.endswith(f"-{test.name}")]
    assert without == ids[: len(without)]


@pytest.mark.parametrize("places", [0, 2])
def test_not_one_place_is_said(places):
    path = LESSONS[1]
    cells = [nbformat.v4.new_markdown_cell("text", id=f"cell-{n}") for n in range(3)]
    for cell in cells[:places]:
        cell.metadata["tags"] = [order.PLACE]
    with pytest.raises(
        ValueError, match=f"^{path.stem}: {places} cells .* 'concept-test'; give it"
    ):
        order.core(path, nbformat.v4.new_notebook(cells=cells))
