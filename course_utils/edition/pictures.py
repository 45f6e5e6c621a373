"""The pictures of a lesson: which of them are widgets, and what stands for each in words."""

import ast

from IPython.core.inputtransformer2 import TransformerManager

__all__ = ["alt", "shown", "widgets"]

_PACKAGE = "course_utils.explore"


def shown(cell):
    """The outputs of a code cell that are pictures, a list."""
    outputs = cell.get("outputs", [])
    return [each for each in outputs if any(kind.startswith("image/") for kind in _data(each))]


def alt(path, cell):
    """What a code cell's picture shows, in a sentence, for those who do not see it.

    A picture of the course brings it along as its text; the cell's metadata, `alt`, has it for one
    that does not, such as matplotlib's.  ValueError of one line if there is none.
    """
    pictures = shown(cell)
    if not pictures:
        raise ValueError(f"{path.stem}: cell {cell['id']} shows no picture; run author sync")
    given = _one_line(cell["metadata"].get("alt", ""))
    said = [_sentence(each) or given for each in pictures]
    if not all(said):
        raise ValueError(
            f"{path.stem}: cell {cell['id']} has no text for its picture; "
            "say in its metadata, 'alt', what is drawn and what it shows"
        )
    return " ".join(dict.fromkeys(said))


def widgets(notebook):
    """The ids of the cells whose value is a widget of `course_utils.explore`, a set."""
    names, found = _Names(), set()
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code" and names.run("".join(cell["source"])):
            found.add(cell["id"])
    return found


class _Names:
    """What the names of a notebook stand for, as far as widgets go, from cell to cell."""

    def __init__(self):
        self._package, self._makers, self._made = set(), set(), set()

    def run(self, source):
        """Follow a cell; returns whether its value is a widget."""
        try:
            statements = ast.parse(TransformerManager().transform_cell(source)).body
        except SyntaxError:  # it runs nothing
            return False
        for statement in statements:
            self._follow(statement)
        last = statements[-1] if statements else None
        return isinstance(last, ast.Expr) and self._is_widget(last.value)

    def _follow(self, statement):
        if isinstance(statement, ast.Import | ast.ImportFrom):
            self._bring(statement)
        elif isinstance(statement, ast.Assign | ast.AnnAssign):
            is_widget = statement.value is not None and self._is_widget(statement.value)
            for target in getattr(statement, "targets", None) or [statement.target]:
                for name in (each for each in ast.walk(target) if isinstance(each, ast.Name)):
                    self._made.discard(name.id)
                    if is_widget and name is target:
                        self._made.add(name.id)

    def _bring(self, statement):
        module = getattr(statement, "module", None)
        for each in statement.names:
            name = each.asname or each.name
            if _PACKAGE in (each.name, f"{module}.{each.name}"):
                self._package.add(name)
            elif module == _PACKAGE:
                self._makers.add(name)

    def _is_widget(self, value):
        if isinstance(value, ast.Name):
            return value.id in self._made
        if not isinstance(value, ast.Call):
            return False
        package, _, maker = ast.unparse(value.func).rpartition(".")
        return package in self._package if package else maker in self._makers


def _data(output):
    return output.get("data", {})


def _sentence(output):
    """An output's text, or "" where Python only names the thing, as in <Figure size …>."""
    text = _one_line(_data(output).get("text/plain", ""))
    return text if " " in text and not text.startswith("<") else ""


def _one_line(text):
    return " ".join("".join(text).split())
