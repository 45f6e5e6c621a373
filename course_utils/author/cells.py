"""Which names a notebook's cells take from each other, read off their text; nothing is run."""

import ast
from functools import cache

from IPython.core.inputtransformer2 import TransformerManager


@cache  # a notebook's variants have most of their cells in common
def names(source):
    """(names that a cell takes from before it, names that it binds), two frozen sets.

    What a loop, a function or another block binds inside is its own, so that a need of such a name
    is not seen.

    >>> needs, binds = names("b = a + 1\\nfor i in range(b):\\n    c[i] += d")
    >>> sorted(needs), sorted(binds)
    (['a', 'c', 'd', 'range'], ['b', 'i'])
    """
    needs, binds = set(), set()
    for statement in ast.parse(TransformerManager().transform_cell(source)).body:
        read, bound = _names_in(statement)
        simple = isinstance(statement, ast.Assign | ast.AugAssign)
        needs |= read - binds - (set() if simple else bound)
        binds |= bound
    return frozenset(needs), frozenset(binds)


def _names_in(statement):
    """(names that a statement reads, names that it binds), those of its functions among them."""
    read, bound = set(), set()
    for node in ast.walk(statement):
        match node:
            case ast.Name(id=name, ctx=ast.Load()) | ast.AugAssign(target=ast.Name(id=name)):
                read.add(name)
            case ast.Name(id=name) | ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                bound.add(name)
            case ast.arg(arg=name):
                bound.add(name)
            case ast.alias(name=name, asname=alias):
                bound.add(alias or name.split(".")[0])
    return read, bound


def cut_off(sources, skipped):
    """The places of all cells that do not run, or not as usual, when those in `skipped` do not.

    A cell is cut off when it takes a name that such a cell has bound last.

    >>> sorted(cut_off(["a = 1", "b = time(a)", "c = b", "b = 2", "a + b", "c"], {1}))
    [1, 2, 5]
    """
    out, missing = set(skipped), set()
    for place, source in enumerate(sources):
        needs, binds = names(source)
        if place in out or needs & missing:
            out.add(place)
            missing |= binds
        else:
            missing -= binds
    return out


def unmeasured(cells):
    """The code cells of a notebook that run where nothing is measured, in order.

    Left out are those tagged "measure" or "nbval-skip", and those that need what such a cell binds.
    """
    code = [cell for cell in cells if cell.cell_type == "code"]
    tags = [set(cell.metadata.get("tags", [])) for cell in code]
    skipped = {place for place, own in enumerate(tags) if own & {"measure", "nbval-skip"}}
    out = cut_off([cell.source for cell in code], skipped)
    return [cell for place, cell in enumerate(code) if place not in out]


def touched(cells, answers):
    """The code cells in `answers`, those that may come out otherwise for them, and what these need.

    A cell needs all cells before it that bind a name that it takes.

    >>> from nbformat.v4 import new_code_cell
    >>> cells = [new_code_cell(text) for text in ("a = 1", "b = 2", "def f(): ...", "f(a)", "b")]
    >>> [cell.source for cell in touched(cells, [cells[2]])]
    ['a = 1', 'def f(): ...', 'f(a)']
    """
    code = [cell for cell in cells if cell.cell_type == "code"]
    sources = [cell.source for cell in code]
    wanted = cut_off(sources, {place for place, cell in enumerate(code) if cell in answers})
    taken = set()
    for place in reversed(range(len(code))):
        needs, binds = names(sources[place])
        if place in wanted or binds & taken:
            wanted.add(place)
            taken |= needs
    return [code[place] for place in sorted(wanted)]
