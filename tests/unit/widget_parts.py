"""What a widget's card shows, by the name of its part."""

from course_utils.explore.style import CLASS


def part(explorer, name):
    """The text of a part of the card: "title", "move", "picture", "readout" or "bet"."""
    (found,) = [w for w in explorer._card.children if f"{CLASS}-{name}" in w._dom_classes]
    return found.value
