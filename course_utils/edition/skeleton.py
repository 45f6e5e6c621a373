"""A code cell as a lecturer wants it on the screen before typing: its frame, with gaps.

Three dots stand for what is to be typed.  What stays, and why:

* imports, and expressions such as `layer.macs` or a `print`: they say what is to come out;
* heads of `for`, `while`, `if`, `with`, `try`, and of a function with its docstring;
* an assignment's targets; and its right side, too, where there is nothing to think about: names
  and constants, `dict(…)` and brackets of such, a call with no argument or with one constant,
  as `Hierarchy.parse("32KiB/8")`, numbers drawn from `rng`, and what is read from `../data/`.

A function of up to six lines becomes one gap unless it prints; a longer one is taken line by line,
and one of more than fifteen lines stays whole: it is run and read, for nobody types it in class.
"""

import ast
import re

__all__ = ["skeleton"]

GAP = "..."
_SHORT, _LONG = 6, 15  # lines of a function's body, the last that is short, and not yet long
_OPERATOR = re.compile(r"\s*[-+*/%@&|^<>]*=\s*")


def skeleton(source):
    r"""The text of a cell with gaps; it parses and binds the same names.

    A cell that is no plain Python, such as one with a `%magic`, is returned as it is.

    >>> print(skeleton("n = 4\na, b = f(n)\nfor i in range(n):\n    c[i] += a * b  # grows\nc"))
    n = 4
    a, b = ..., ...
    for i in range(n):
        c[i] += ...  # grows
    c
    """
    try:
        statements = ast.parse(source).body
    except SyntaxError:
        return source
    text = _Text(source)
    for statement in statements:
        text.thin(statement)
    return text.filled()


class _Text:
    """A cell's text, and the pieces of it that are to be something else."""

    def __init__(self, source):
        # ast counts columns in bytes
        self._bytes = source.encode()
        self._starts = [0]
        for line in self._bytes.splitlines(keepends=True):
            self._starts.append(self._starts[-1] + len(line))
        self._pieces = []

    def filled(self):
        """The text with its pieces put in."""
        text = self._bytes
        for begin, end, piece in sorted(self._pieces, reverse=True):
            text = text[:begin] + piece.encode() + text[end:]
        return text.decode()

    def thin(self, statement):
        """Note what of a statement, and of those inside it, becomes a gap."""
        match statement:
            case ast.FunctionDef():
                self._function(statement)
            case ast.Assign(targets=[*_, target], value=value):
                self._assign(statement, target, target, value)
            case ast.AugAssign(target=target, value=value):
                self._assign(statement, target, None, value)
            case ast.AnnAssign(annotation=before, value=ast.expr() as value):
                self._assign(statement, before, None, value)
            case ast.Return(value=ast.expr() as value):
                self._gap(self._begin(statement) + len("return "), statement, None, value)
            case ast.With() if any(_is_file(item.context_expr) for item in statement.items):
                pass
            case _:
                for field in "body", "handlers", "orelse", "finalbody":
                    self._each(getattr(statement, field, []))

    def _each(self, statements):
        for statement in statements:
            self.thin(statement)

    def _function(self, function):
        body = function.body[1 if ast.get_docstring(function) else 0 :]
        lines = body[-1].end_lineno - body[0].lineno + 1 if body else 0
        prints = any(isinstance(node, ast.Expr) for line in body for node in ast.walk(line))
        if _SHORT < lines <= _LONG or (prints and lines <= _SHORT):
            self._each(body)
        elif 0 < lines <= _SHORT:
            self._put(self._begin(body[0]), self._end(body[-1]), GAP)

    def _assign(self, statement, before, target, value):
        """The same for an assignment, whose operator follows on a node."""
        rest = self._bytes[self._end(before) : self._end(statement)].decode()
        begin = self._end(before) + _OPERATOR.match(rest).end()
        self._gap(begin, statement, target, value)

    def _gap(self, begin, statement, target, value):
        """Make gaps in a statement's right side, which begins at some byte.

        In brackets each element is judged by itself; elsewhere the whole side goes, parentheses
        around it as well.
        """
        if isinstance(value, ast.Tuple | ast.List | ast.Dict):
            self._elements(target, value)
        elif not _is_plain(value):
            self._put(begin, self._end(statement), _gaps(target))

    def _elements(self, target, value):
        """The same for the elements of a value in brackets, each with its part of the target."""
        elements = value.values if isinstance(value, ast.Dict) else value.elts
        targets = target.elts if isinstance(target, ast.Tuple | ast.List) else []
        if len(targets) != len(elements):
            targets = [None] * len(elements)
        for one, element in zip(targets, elements, strict=True):
            if isinstance(element, ast.Tuple | ast.List | ast.Dict):
                self._elements(one, element)
            elif not _is_plain(element):
                gap = f"({_gaps(one)})" if isinstance(one, ast.Tuple | ast.List) else GAP
                self._put(self._begin(element), self._end(element), gap)

    def _begin(self, node):
        return self._starts[node.lineno - 1] + node.col_offset

    def _end(self, node):
        return self._starts[node.end_lineno - 1] + node.end_col_offset

    def _put(self, begin, end, piece):
        self._pieces.append((begin, end, piece))


def _gaps(target):
    """As many gaps as a target has names, so that what is not typed yet can be unpacked.

    >>> _gaps(ast.parse("(a, b), c = d").body[0].targets[0])
    '(..., ...), ...'
    """
    if not isinstance(target, ast.Tuple | ast.List):
        return GAP
    inner = (
        f"({_gaps(each)})" if isinstance(each, ast.Tuple | ast.List) else GAP
        for each in target.elts
    )
    return ", ".join(inner)


def _is_plain(value):
    """Whether there is nothing to think about in a right side: see the module's first lines."""
    if _is_drawn(value) or _is_file(value):
        return True
    match value:
        case ast.Constant() | ast.Name() | ast.JoinedStr():
            return True
        case ast.Attribute(value=inner) | ast.Subscript(value=inner, slice=ast.Constant()):
            return _is_plain(inner)
        case ast.UnaryOp(operand=inner) | ast.Starred(value=inner):
            return _is_plain(inner)
        case ast.BinOp(left=left, right=right):
            return isinstance(left, ast.Constant) and isinstance(right, ast.Constant)
        case ast.Tuple(elts=elements) | ast.List(elts=elements):
            return all(map(_is_plain, elements))
        case ast.Call(func=ast.Name(id="dict"), args=[], keywords=keywords):
            return all(_is_plain(keyword.value) for keyword in keywords)
        case ast.Call(func=function, args=arguments, keywords=keywords):
            given = [*arguments, *(keyword.value for keyword in keywords)]
            few = len(given) <= 1 and all(isinstance(each, ast.Constant) for each in given)
            return few and _is_plain(function)
    return False


def _is_drawn(value):
    """Whether random numbers are drawn from `rng`, or a generator of them is made."""
    nodes = [*ast.walk(value)]
    names = {node.id for node in nodes if isinstance(node, ast.Name)}
    return "rng" in names or any(getattr(node, "attr", None) == "default_rng" for node in nodes)


def _is_file(value):
    texts = (node.value for node in ast.walk(value) if isinstance(node, ast.Constant))
    return any(isinstance(text, str) and text.startswith("../data/") for text in texts)
