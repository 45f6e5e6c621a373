"""What a reader may unfold below an exercise: its hints, what others answer, and the answer."""

from ..exercises.cards import Choice
from ..exercises.puzzles import Written
from . import answers

__all__ = ["folded"]


def folded(entry):
    """Markdown, with HTML that folds it, of an exercise of the course.

    >>> from ..exercises.bank import find
    >>> print(folded(find("dense_params")).splitlines()[1])
    <details><summary>Hints</summary>
    """
    others = [pair for _, given in answers.wrong(entry, brief=True) for pair in given]
    parts = {
        "Hints": "\n".join(f"{n}. {hint}" for n, hint in enumerate(entry.hints, 1)),
        "Another answer?": "\n".join(f"* {answer}: {hint}" for answer, hint in others),
        "Answer": _answer(entry),
    }
    folds = "\n".join(
        f"<details><summary>{title}</summary>\n\n{text}\n\n</details>"
        for title, text in parts.items()
        if text
    )
    return f'<div class="folded">\n{folds}\n</div>'


def _answer(entry):
    text = entry.solution()
    if isinstance(entry, Choice | Written):
        return text
    code, arrow, number = text.rpartition("\n→")
    fenced = f"```python\n{code if arrow else text}\n```"
    return f"{fenced}\n\n**→{number}**" if arrow else fenced
