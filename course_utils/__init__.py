"""The course's own package: loop nests, counters, caches, machines, pictures and exercises.

Names load when they are first used, so that `import course_utils` costs nothing.
"""

from importlib import import_module

_HOME = {
    "Cache": "cache",
    "Hierarchy": "cache",
    "LoopNest": "nest",
    "Machine": "machines",
    "Meters": "meters",
    "Pipeline": "pipeline",
    "check": "exercises",
    "hint": "exercises",
    "machine": "machines",
    "miss_curve": "curve",
    "predict": "exercises",
    "progress": "standing",
    "reveal": "exercises",
    "solution": "exercises",
    "stopwatch": "measure",
    "watch": "watched",
}
_MODULES = ("draw", "exercises", "explore", "networks", "units", "works")
__all__ = sorted([*_HOME, *_MODULES])


def __getattr__(name):
    if name in _MODULES:
        return import_module(f".{name}", __name__)
    if name in _HOME:
        return getattr(import_module(f".{_HOME[name]}", __name__), name)
    raise AttributeError(f"course_utils has no {name!r}; it has {', '.join(__all__)}")


def __dir__():
    return __all__
