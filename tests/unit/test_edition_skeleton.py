"""What of a code cell a lecturer finds on the screen, and what is left to type."""

import ast
import symtable

import pytest

from course_utils.author.cells import names
from course_utils.author.sync import NOTEBOOKS, find_notebooks, read
from course_utils.edition.skeleton import skeleton

LESSONS = find_notebooks(NOTEBOOKS)


def bound(source):
    """The names that a cell binds, without those inside its functions and comprehensions."""
    symbols = symtable.symtable(source, "cell", "exec").get_symbols()
    return {each.get_name() for each in symbols if each.is_assigned() or each.is_imported()}


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_every_skeleton_parses_and_binds_what_its_cell_binds(path):
    changed = 0
    for cell in read(path).cells:
        if cell.cell_type == "code":
            thin = skeleton(cell.source)
            ast.parse(thin)
            assert bound(thin) == bound(cell.source), cell.id
            assert names(thin)[1] <= names(cell.source)[1], cell.id
            changed += thin != cell.source
    assert changed > 10


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_imports_and_expressions_stay_and_no_line_is_added(path):
    for cell in read(path).cells:
        if cell.cell_type == "code":
            thin = skeleton(cell.source)
            assert len(thin.splitlines()) <= len(cell.source.splitlines())
            for one in ast.parse(cell.source).body:
                if isinstance(one, ast.Import | ast.ImportFrom | ast.Expr):
                    assert ast.get_source_segment(cell.source, one) in thin, cell.id


@pytest.mark.parametrize(
    "source, expected",
    [
        ("x = f(y, 2)", "x = ..."),
        ("x = y = f(z)", "x = y = ..."),
        ("a, b = f(c)", "a, b = ..., ..."),
        ("(a, b), *c = f(d)", "(..., ...), ..."),
        ("(a, b), k = x.shape, f(y)", "(a, b), k = x.shape, ..."),
        ("a, (b, c) = 1, f(x)", "a, (b, c) = 1, (..., ...)"),
        ("x: int = f(y)", "x: int = ..."),
        ("x: int", "x: int"),
        ("W -= rate * dS", "W -= ..."),
        ("n **= k * 2  # why", "n **= ...  # why"),
        ("x[i, j] = f(x == y)", "x[i, j] = ..."),
        ("x = (\n    a\n    + b\n)\nx", "x = ...\nx"),
        ("é, x = 'ä', f('ö', 2)  # ü", "é, x = 'ä', ...  # ü"),
        ("d = {\n    'a': f(x),\n    'b': 3,\n}", "d = {\n    'a': ...,\n    'b': 3,\n}"),
        ("d = [f(x), (n, g(y))]", "d = [..., (n, ...)]"),
        ("x = [f(a) for a in b]", "x = ..."),
        ("x = lambda a: a", "x = ..."),
        ("x = a if b else c", "x = ..."),
        ("x = a @ b", "x = ..."),
        ("x = f(a)", "x = ..."),
        ("x = f(1, 2)", "x = ..."),
        ("x = LoopNest('s += x[i]', i=9)", "x = ..."),
    ],
)
def test_a_right_side_becomes_a_gap(source, expected):
    thin = skeleton(source)
    assert thin.endswith(expected)
    assert "..." in thin or thin == source


@pytest.mark.parametrize(
    "source",
    [
        "n = 4",
        "a, b = -1, 10**6",
        "x, took = y, {}",
        "title = f'{n} times'",
        "labels = digits['labels'].shape",
        "rng = np.random.default_rng(0)",
        "rng = np.random.default_rng(seed)",
        "m = layer.meters()",
        "cache = Hierarchy.parse('32KiB/8')",
        "X = rng.random((3, n), np.float32) * 2",
        "book = Path('../data/alice.txt').read_text().lower()",
        "with np.load('../data/digits.npz') as file:\n    X = file['a'][::5].reshape(n, 9)",
        "layers = {'MLP': dict(h=100), 'CNN': dict(r=3, c=n)}",
        "import a\nfrom b import c",
        "wall.probe(batch=8)\nwall",
        "assert a == b + c",
        "%timeit f(x)\ny = g(x, z)",
        "f?",
        "",
    ],
)
def test_what_there_is_nothing_to_think_about_stays(source):
    assert skeleton(source) == source


def test_heads_stay_and_what_is_inside_them_is_thinned():
    source = """for n in f(a, b):
    with g(n) as h:
        x = h + n
    if x > 1:
        y = x + 1
    elif x:
        y = x + 2
    else:
        y = 0
while y < f(x):
    y += x * 2
try:
    z = f(x, y)
except ValueError as error:
    z = f(x, z)
    print(error)
finally:
    w = x @ y"""
    wanted = source
    for gone in "h + n", "x + 1", "x + 2", "x * 2", "f(x, y)", "f(x, z)", "x @ y":
        wanted = wanted.replace(gone, "...")
    assert skeleton(source) == wanted


def lines(number):
    return "".join(f"    x{n} = a + {n}  # {n}\n" for n in range(number))


def test_a_short_function_becomes_one_gap_below_its_docstring():
    head = 'def f(a, b=g(1, 2)):\n    """Says.\n\n    More.\n    """\n'
    source = f"{head}{lines(5)}    return a @ b\n\n\nf(1)"
    assert skeleton(source) == f"{head}    ...\n\n\nf(1)"
    assert skeleton("def f(a): return a + 1") == "def f(a): ..."
    assert skeleton('def f(a):\n    """Says."""') == 'def f(a):\n    """Says."""'


def test_a_function_that_prints_or_is_longer_is_taken_line_by_line():
    source = "def f(a):\n    b = a + 1\n    print(b)\n    return b, a + b"
    assert skeleton(source) == "def f(a):\n    b = ...\n    print(b)\n    return b, ..."
    thin = skeleton(f"def f(a):\n{lines(14)}    return (x0 + x1)")
    assert thin.startswith("def f(a):\n    x0 = ...  # 0\n    x1 = ...  # 1\n")
    assert thin.endswith("    x13 = ...  # 13\n    return ...")


def test_a_function_that_nobody_types_stays():
    source = f"def f(a):\n{lines(15)}    return a + 1"
    assert skeleton(source) == source


def test_a_class_keeps_its_methods():
    source = 'class A:\n    """Says."""\n\n    def f(self):\n        return self.x + 1\n\n    n = 3'
    assert skeleton(source) == source.replace("return self.x + 1", "...")
