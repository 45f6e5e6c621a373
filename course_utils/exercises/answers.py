"""A learner's answer as plain data, and what to say when it is of the wrong kind."""

import math
import numbers
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from .. import units

_MOST = 1_000_000  # numbers in an answer that is looked at


@dataclass(frozen=True)
class Verdict:
    """What `grade` returns: `state` is "todo", "wrong" or "right"; `message` may be empty.

    `code` is the misconception (such as "U2") where one was recognised, else None.
    """

    state: str
    message: str = ""
    code: str | None = None

    def line(self, name):
        """The one line that `check` prints on the exercise `name`.

        >>> Verdict("right").line("dot_bytes"), Verdict("wrong", "is it 2?").line("half")
        ('✓ dot_bytes', '✗ half: is it 2?')
        """
        mark = {"todo": "○", "wrong": "✗", "right": "✓"}[self.state]
        return f"{mark} {name}: {' '.join(self.message.split())}".removesuffix(": ")


@dataclass(frozen=True)
class Odd:
    """An object that can be no answer; `what` says what it is, and nothing of it is run again."""

    what: str


def plain(answer):
    """The answer as None, `...`, bool, int, float, str, a tuple or dict of such, or `Odd`.

    NumPy scalars become Python's, an array of one element becomes that element, other arrays and
    lists become tuples, and mappings become dicts whose keys are text.

    >>> plain(np.float64(8000)), plain(np.array([7])), plain(np.eye(2)), plain({"a": [1]})
    (8000.0, 7, ((1.0, 0.0), (0.0, 1.0)), {'a': (1,)})
    >>> plain({1, 2})
    Odd(what='an object of type set')
    """
    if answer is None or answer is ... or type(answer) in (int, float):  # most often, and first
        return answer
    if isinstance(answer, bool | np.bool_):
        return bool(answer)
    if isinstance(answer, type):
        return Odd("a class")
    if isinstance(answer, str):
        return str.__str__(answer)  # of a subclass, too, the text itself
    if isinstance(answer, numbers.Integral):
        return int(answer)
    if isinstance(answer, np.ndarray):
        if answer.size == 1:
            return plain(answer.item())
        # A list of all its numbers may be larger than memory.
        return plain(answer.tolist()) if answer.size <= _MOST else Odd(f"an array {answer.shape}")
    if isinstance(answer, list | tuple):
        if len(answer) > _MOST:
            return Odd(f"a sequence of {units.count(len(answer))}")
        return tuple(plain(element) for element in answer)
    if isinstance(answer, dict):
        if len(answer) > _MOST:
            return Odd(f"a dict of {units.count(len(answer))}")
        return {str(plain(key)): plain(value) for key, value in dict.items(answer)}
    if isinstance(answer, numbers.Complex) and not isinstance(answer, numbers.Real):
        return Odd("a complex number")
    if hasattr(answer, "__float__"):
        return float(answer)
    return Odd("a function" if callable(answer) else f"an object of type {type_name(answer)}")


def type_name(thing):
    """The name of a thing's type, whatever its metaclass says.

    >>> type_name(3.0)
    'float'
    """
    return shown(type.__dict__["__name__"].__get__(type(thing)))


def shown(text, longest=60):
    r"""A learner's text as it may stand in a line: cut, and escaped where it cannot be printed.

    >>> shown("two\nlines"), shown("\ud800"), shown("x" * 99, longest=5)
    ('two lines', '\\ud800', 'xxxx…')
    """
    text = " ".join(text[: 2 * longest].split())
    cut = text if len(text) <= longest else f"{text[: longest - 1]}…"
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in cut)


def is_number(x):
    """Whether plain data is a finite number.

    >>> is_number(8000), is_number(True), is_number(math.nan)
    (True, False, False)
    """
    if isinstance(x, bool):
        return False
    return isinstance(x, int) or (isinstance(x, float) and math.isfinite(x))


def same(got, want, tolerance=0.0):
    """Whether two pieces of plain data are equal; floats within `tolerance`, a fraction of `want`.

    Whole numbers are compared exactly, floats at least within rounding error; NaN equals NaN.

    >>> same(8000.0, 8000), same(8001, 8000), same(0.0833, 1 / 12, 0.01), same((1, 2.0), (1, 2))
    (True, False, True, True)
    """
    if isinstance(want, tuple):
        return (
            isinstance(got, tuple)
            and len(got) == len(want)
            and all(same(g, w, tolerance) for g, w in zip(got, want, strict=True))
        )
    if isinstance(want, dict):
        return (
            isinstance(got, dict)
            and got.keys() == want.keys()
            and all(same(got[key], want[key], tolerance) for key in want)
        )
    if not is_number(want):
        both_nan = got != got and want != want
        return type(got) is type(want) and (got == want or both_nan)
    if not is_number(got):
        return False
    if got == want:
        return True
    slack = max(tolerance, 1e-6 if isinstance(want, float) else 1e-12)
    slack *= 1 + 1e-9  # the limit itself is within, however it was rounded: 66 for 200 / 3
    return abs(Fraction(got) - Fraction(want)) <= Fraction(slack) * abs(Fraction(want))


def why_no_number(got, subject="that"):
    """Why plain data is not one finite number, in words; None when it is one.

    >>> why_no_number("8000")
    "that is text, '8000': a number stands without quotes"
    """
    if is_number(got):
        return None
    if isinstance(got, bool):
        return f"{subject} is the truth value {got}, and one number is asked"
    if isinstance(got, str):
        return f"{subject} is text, {got[:20]!r}: a number stands without quotes"
    if isinstance(got, float):
        return f"{subject} is {got}: was something divided by zero?"
    if isinstance(got, dict):
        return f"{subject} is an object of type dict, and one number is asked"
    if isinstance(got, tuple):
        return f"{subject} is a sequence of {units.count(len(got))}, and one number is asked"
    if got == Odd("a function"):
        return f"{subject} is a function: call it, with parentheses, to get its number"
    what = got.what if isinstance(got, Odd) else repr(got)
    return f"{subject} is {what}, and one number is asked"


def shape(data):
    """The shape of plain data, as NumPy would say it, judged by its first elements.

    >>> shape(7), shape(((1, 2, 3), (4, 5, 6)))
    ((), (2, 3))
    """
    if not isinstance(data, tuple):
        return ()
    return (len(data), *(shape(data[0]) if data else ()))


def brief(data):
    """Plain data in at most a line: numbers through `units`, the rest by what it is.

    >>> brief(8000), brief((1, 0.08333)), brief("no")
    ('8,000', '[1 0.0833]', "'no'")
    """
    if isinstance(data, int | float) and not isinstance(data, bool):
        return units.number(data)
    if isinstance(data, tuple):
        shown = " ".join(brief(element) for element in data[:6])
        return f"[{shown}{' …' if len(data) > 6 else ''}]"
    if isinstance(data, dict):
        return f"a dict of {units.count(len(data))}"
    return data.what if isinstance(data, Odd) else repr(data)[:40]
