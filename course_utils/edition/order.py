"""The cells of a lesson in the order in which a lecture takes them."""

from ..exercises.bank import of_lesson

PLACE = "concept-test"  # tags the cell of the core path after which the concept test comes


def concept_test(path):
    """The lesson's concept test, a `Choice`, or None."""
    entries = of_lesson(path.stem.split("_")[0])
    return next((entry for entry in entries if getattr(entry, "concept", False)), None)


def core(path, notebook):
    """The cells before *Further*, a list; the concept test's, from *Further*, in its place.

    ValueError of one line if not one cell is tagged as its place.
    """
    cells = _before_further(notebook)
    test = concept_test(path)
    if test is None:
        return cells
    places = [
        place for place, cell in enumerate(cells, 1) if PLACE in cell.metadata.get("tags", [])
    ]
    if len(places) != 1:
        raise ValueError(
            f"{path.stem}: {len(places)} cells before Further have the tag {PLACE!r}; "
            "give it to the one after which a lecture takes the concept test"
        )
    wanted = {f"{part}-{test.name}" for part in test.cells()}
    moved = [cell for cell in notebook.cells if cell.id in wanted]
    return [*cells[: places[0]], *moved, *cells[places[0] :]]


def further(path, notebook):
    """The cells from *Further* on, without those that `core` has, a list.

    Without the heading of the concept test, too: it says where in a lecture the test comes.
    """
    taken = {cell.id for cell in core(path, notebook)}
    test = concept_test(path)
    task = f"task-{test.name}" if test else None
    following = [cell.id for cell in notebook.cells[1:]] + [None]
    return [
        cell
        for cell, after in zip(notebook.cells, following, strict=True)
        if cell.id not in taken and not (after == task and cell.source.startswith("#"))
    ]


def _before_further(notebook):
    ids = [cell.id for cell in notebook.cells]
    return notebook.cells[: ids.index("further")] if "further" in ids else notebook.cells
