"""Runs a learner's code: on copies, in silence, under a time limit, whatever it does."""

import copy
import dis
import inspect
import traceback
import warnings
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import TextIOBase
from types import FunctionType
from typing import NamedTuple

from .answers import plain, same, shown, type_name
from .limit import TimeUp, limited

LIMIT = 5.0  # seconds for all cases of an exercise together


@dataclass(frozen=True)
class Raised:
    """A call that raised instead of returning: the exception's name, and a line about it."""

    name: str
    text: str


class Run(NamedTuple):
    """What came of a function: for each case plain data or `Raised`; what else it did.

    `changed` is the place of an argument that the function wrote to, or None.
    """

    results: list
    changed: int | None
    printed: bool

    @property
    def empty(self):
        """Whether no case gave anything."""
        return all(
            result is None or result is ... or getattr(result, "name", "") == "NotImplementedError"
            for result in self.results
        )


def observe(function, cases):
    """`Run` of a learner's function on each tuple of arguments; `TimeUp` past the limit.

    What the function prints is dropped: it would appear once a case.

    >>> observe(lambda x: 1 / x, [(4,), (0,)]).results[0]
    0.25
    """
    (results, changed), printed = _quietly(lambda: _results(function, cases))
    return Run(results, changed, printed)


def read(answer):
    """`plain(answer)`, or `Raised`: reading an object may run a learner's code as well."""
    return observe(lambda: answer, [()]).results[0]


def name_of(function):
    """The name of a function, or None where an object that can be called has none."""
    try:
        name = observe(lambda: function.__name__, [()]).results[0]
    except TimeUp:
        return None
    return name if isinstance(name, str) else None


def refusal(answer, arguments, names):
    """Why `answer` cannot be run on `arguments` as a function, in words, or None if it can."""
    return _quietly(lambda: _refusal(answer, arguments, names))[0]


def untouched(function):
    """Whether a function that gave nothing is still the stub, and has no line of its own."""

    def stub(): ...

    return type(function) is FunctionType and _operations(function) == _operations(stub)


def _operations(function):
    return [step.opname for step in dis.get_instructions(function) if step.opname != "NOP"]


def _refusal(answer, arguments, names):
    if isinstance(answer, type):
        return "that is a class, and a function is asked"
    if not callable(answer):
        return f"a function is asked, and that is an object of type {type_name(answer)}"
    if inspect.iscoroutinefunction(answer) or inspect.isasyncgenfunction(answer):
        return "it is an `async` function; write `def` without `async`"
    if inspect.isgeneratorfunction(answer):
        return "it has a `yield`, which makes a generator; hand the result back with `return`"
    try:
        signature = inspect.signature(answer)
    except (TypeError, ValueError):  # compiled functions may have none
        return None
    try:
        signature.bind(*arguments)
    except TypeError:
        return f"it should take ({', '.join(names)}); yours takes {shown(str(signature))}"
    return None


def _quietly(work):
    """(what `work()` gives, whether it printed); what it prints is dropped, its time limited."""
    sink = _Sink()
    with redirect_stdout(sink), redirect_stderr(sink), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return limited(work, LIMIT), sink.used


def _results(function, cases):
    results, changed = [], None
    for case in cases:
        arguments = copy.deepcopy(case)
        try:
            results.append(plain(function(*arguments)))
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # SystemExit, too, is only an answer here
            results.append(_raised(error, function))
        places = (i for i in range(len(case)) if _differ(case[i], arguments[i]))
        changed = next(places, None) if changed is None else changed
    return results, changed


def _differ(before, after):
    try:
        return not same(plain(after), plain(before))
    except Exception:  # what was put into the argument cannot even be read
        return True


def _raised(error, function):
    name = type_name(error)
    if isinstance(error, RecursionError):
        return Raised(name, "it calls itself without end: which case should stop it?")
    try:
        first = shown(str(error).strip().splitlines()[0], 100)
    except BaseException:  # it says nothing, or a learner's own exception cannot even print
        first = ""
    text = f"it raised {name}" + (f": {first}" if first else "")
    return Raised(name, text + _where(error, function))


def _where(error, function):
    """The line of the learner's function on which it raised, counted from its `def`."""
    code = getattr(function, "__code__", None)
    for frame, line in reversed(list(traceback.walk_tb(error.__traceback__))):
        if frame.f_code is code:
            return f" (line {line - code.co_firstlineno + 1})"
    return ""


class _Sink(TextIOBase):
    """A stream that forgets what is written, and remembers that something was."""

    used = False

    def write(self, text):
        self.used = True
        return len(text)
