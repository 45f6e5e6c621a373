"""All exercises by name.  A lesson's are known once its module `lesson_NN.py` is imported."""

import difflib
import pkgutil
import re
from functools import cache
from importlib import import_module

from .answers import shown, type_name

_ENTRIES = {}


def register(entry):
    """`entry`, kept under its name; names are unique over all lessons."""
    known = _ENTRIES.get(entry.name)
    if known is not None and known.lesson != entry.lesson:
        raise ValueError(
            f"{entry.name} is an exercise of lesson {known.lesson} already; "
            f"give the one of lesson {entry.lesson} another name"
        )
    _ENTRIES[entry.name] = entry
    return entry


def lesson_of(function):
    """The two digits of the lesson whose module defines `function`.

    >>> lesson_of(lesson_of)
    Traceback (most recent call last):
        ...
    ValueError: lesson_of is defined in course_utils.exercises.bank; exercises stand in lesson_NN.py
    """
    module = function.__module__
    match = re.search(r"\blesson_(\d\d)$", module)
    if not match:
        raise ValueError(
            f"{function.__name__} is defined in {module}; exercises stand in lesson_NN.py"
        )
    return match[1]


def of_lesson(lesson):
    """The entries of one lesson (two digits), in the order of their definition."""
    _load()
    return [entry for entry in _ENTRIES.values() if entry.lesson == lesson]


def lessons():
    """The two digits of every lesson that has exercises, sorted."""
    _load()
    return sorted({entry.lesson for entry in _ENTRIES.values()})


def find(name):
    """The entry called `name`; a `ValueError` names the nearest one that there is.

    >>> find("dot_byte")
    Traceback (most recent call last):
        ...
    ValueError: there is no exercise 'dot_byte'; the nearest name is 'dot_bytes'
    """
    _load()
    if not issubclass(type(name), str):
        raise ValueError(
            'an exercise is called by its name in quotes, such as "dot_bytes"; '
            f"this is an object of type {type_name(name)}"
        )
    name = str.__str__(name)[:100]
    if name not in _ENTRIES:
        nearest = difflib.get_close_matches(name, _ENTRIES, n=1, cutoff=0.0)[0]
        raise ValueError(
            f"there is no exercise {shown(name, 40)!r}; the nearest name is {nearest!r}"
        )
    return _ENTRIES[name]


@cache
def _load():
    package = import_module(__package__)
    for module in pkgutil.iter_modules(package.__path__):
        if module.name.startswith("lesson_"):
            import_module(f"{__package__}.{module.name}")
