"""What learners hand in: texts made to functions, and objects that break what they can."""

import importlib.util
import itertools
import types
from decimal import Decimal
from fractions import Fraction

import numpy as np

from course_utils.exercises import bank
from course_utils.exercises.cards import Order
from course_utils.exercises.kinds import Function


def kind(answer):
    """The id of a case: pytest's own would look into the answer."""
    return type(answer).__name__


def compiled(text, name):
    """The function that a cell's text defines under a name."""
    space = {"np": np}
    exec(compile(text, f"<{name}>", "exec"), space)
    return space[name]


def answer_of(entry, function):
    """What a learner would hand in, who thinks as `function` computes."""
    return function if isinstance(entry, Function) else function()


def stub_of(entry):
    """What stands in the stub's place for the answer."""
    if isinstance(entry, Function):
        return compiled(entry.cells()["stub"], entry.name)
    return "\n".join(entry.lines) if isinstance(entry, Order) else ...


def define(lesson, text, folder, monkeypatch):
    """The module of a lesson with this text; its exercises are known until the test ends."""
    bank.lessons()  # those of the course are known first
    monkeypatch.setattr(bank, "_ENTRIES", dict(bank._ENTRIES))
    path = folder / f"lesson_{lesson}.py"
    path.write_text(text, encoding="utf-8")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Strange:
    """Breaks on whatever is asked of it."""

    def __getattr__(self, name):
        raise RuntimeError("do not touch")

    def __repr__(self):
        raise RuntimeError("do not look")

    __float__ = __eq__ = __bool__ = __len__ = __hash__ = __str__ = __iter__ = __repr__


class StrangeCall(Strange):
    __call__ = Strange.__repr__


class StrangeText(str):
    __str__ = __eq__ = __hash__ = __len__ = __repr__ = lower = strip = Strange.__repr__


class StrangeList(list):
    __len__ = __iter__ = __eq__ = __getitem__ = __repr__ = Strange.__repr__


class StrangeInt(int):
    __int__ = __index__ = __eq__ = __hash__ = __repr__ = __lt__ = __sub__ = Strange.__repr__


class StrangeArray(np.ndarray):
    item = tolist = __eq__ = __repr__ = Strange.__repr__


class NoClass:
    """Breaks when asked for its class, as isinstance does."""

    @property
    def __class__(self):
        raise RuntimeError("none")


class Liar:
    """Says that it is text."""

    @property
    def __class__(self):
        return str


class _NoName(type):
    @property
    def __name__(cls):
        raise SystemExit("nameless")


class Nameless(metaclass=_NoName):
    pass


class NamelessError(Exception, metaclass=_NoName):
    def __str__(self):
        raise self


class Leaver:
    def __float__(self):
        raise SystemExit(3)


class Raiser:
    def __float__(self):
        raise NamelessError


class Endless:
    def __float__(self):
        while True:
            pass


class EndlessClass:
    @property
    def __class__(self):
        while True:
            pass


class EndlessCall:
    def __getattribute__(self, name):
        while True:
            pass

    def __call__(self, *arguments):
        return 1


def nested(depth=None):
    """A list in a list in a list: `depth` times, or without end."""
    if depth is None:
        inside = []
        inside.append(inside)
        return inside
    inside = 1
    for _ in range(depth):
        inside = [inside]
    return inside


def filled_with(thing):
    """An array of two such objects."""
    array = np.empty(2, object)
    array[0] = array[1] = thing
    return array


def generator():
    yield 1


ODDITIES = [
    None,
    NotImplemented,
    True,
    np.bool_(False),
    float("nan"),
    float("-inf"),
    -1,
    10**5000,
    -(10**100_000),
    1e300,
    1j,
    np.complex64(1),
    Decimal("1e9999"),
    Decimal("nan"),
    Fraction(1, 10**400),
    np.datetime64("2026-01-01"),
    np.array([]),
    np.array([None]),
    np.array([[1, 2], [3, 4]]),
    filled_with(Strange()),
    np.broadcast_to(np.float32(1), (10**6, 10**6)),
    np.zeros(1).view(StrangeArray),
    "",
    "   \n\n",
    "None",
    "\ud800",
    "\0",
    "x" * 10**6,
    "x\n" * 10**6,
    "(" * 150,
    "-" * 190 + "1",
    "if a:\n" + " " * 10**5 + "b",
    'check("x", """',
    b"bytes",
    bytearray(3),
    memoryview(b"abc"),
    {},
    {"a": 1},
    set(),
    [],
    [1, 2],
    [None],
    nested(),
    nested(400),
    nested(100_000),
    range(10**9),
    generator(),
    generator,
    itertools.count(),
    iter([]),
    print,
    lambda: 1,
    lambda *arguments: None,
    lambda *arguments: 10**5000,
    lambda *arguments: "x" * 10**6,
    lambda *arguments: nested(),
    lambda *arguments: generator(),
    lambda *arguments: (Strange(), 1, 2),
    lambda *arguments: (1, 2),
    lambda a=Strange(): a,  # noqa: B008 - a default that breaks when the signature is shown
    int,
    Strange,
    type,
    types,
    ValueError("an error"),
    object(),
    type("x" * 10**5, (), {})(),
    Strange(),
    StrangeCall(),
    StrangeText("z"),
    StrangeList([1]),
    StrangeInt(3),
    NoClass(),
    Liar(),
    Nameless(),
    Nameless,
    Leaver(),
    Raiser(),
]
ENDLESS = [Endless(), EndlessClass(), EndlessCall()]
