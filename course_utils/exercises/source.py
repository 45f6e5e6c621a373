"""Cuts the text of a definition into what a learner sees before and after solving it."""

import ast
import inspect
import re
import textwrap

_SOLUTION = re.compile(r"^( *)# BEGIN SOLUTION\n.*?^ *# END SOLUTION\n", re.M | re.S)
_MARKS = re.compile(r"^ *# (BEGIN|END) SOLUTION\n", re.M)


def task(function):
    """The task: the docstring, as Markdown without indentation."""
    text = inspect.getdoc(function)
    if not text:
        raise ValueError(f"{function.__name__} has no docstring; write the task there")
    return text


def stub(function):
    """What the learner is given: the head, the docstring's first line, `...` for the solution."""
    head, body = _parts(function)
    if not _SOLUTION.search(body):
        raise ValueError(
            f"{function.__name__} marks no solution; put it between the comments "
            "'# BEGIN SOLUTION' and '# END SOLUTION'"
        )
    first = task(function).splitlines()[0]
    return f'{head}    """{first}"""\n' + _SOLUTION.sub(r"\1...\n", body).rstrip()


def solution(function, name):
    """The function as it may be written, under a name: head and body, without the task."""
    head, body = _parts(function)
    return re.sub(r"^def \w+", f"def {name}", head) + _MARKS.sub("", body).rstrip()


def computation(function):
    """The lines by which a function of no arguments gets its value, the last one without `return`.

    The answer of a value exercise is shown as this.
    """
    _, body = _parts(function)
    return re.sub(r"^return ", "", textwrap.dedent(body).rstrip(), flags=re.M)


def _parts(function):
    """(lines of the head, lines of the body after any docstring), without the decorators."""
    text = textwrap.dedent(inspect.getsource(function))
    lines = text.splitlines(keepends=True)
    node = ast.parse(text).body[0]
    first = node.body[0].lineno - 1
    body = node.body[0].end_lineno if ast.get_docstring(node) else first
    return "".join(lines[node.lineno - 1 : first]), "".join(lines[body:])
