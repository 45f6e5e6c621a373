"""The authors' commands, of `python -m course_utils.author`.

`sync [NOTEBOOK...] [--check]`, `variants [NOTEBOOK...]`, `pages [--check]`,
`lecturer [NOTEBOOK...]`, `slides [NOTEBOOK...]` and `book`.
"""

import argparse
import sys
from importlib import import_module

from . import pages
from .sync import NOTEBOOKS, differences, find_notebooks, sync
from .variants import variants

_COMMANDS = {
    "sync": "write the exercises into their cells, run the notebooks, store the outputs",
    "variants": "write each notebook once more with right and with wrong answers, run nothing",
    "pages": "write the course map, the glossary and the coverage table from the lessons",
    "lecturer": "write each lesson solved, as an outline for live coding, and its sheet",
    "slides": "make each lesson's deck of slides, which opens from its file",
    "book": "make the reading edition, a static site of the notebooks as they are stored",
}


class _Parser(argparse.ArgumentParser):
    def error(self, message):
        print(f"author: {message}; --help shows what there is", file=sys.stderr)
        raise SystemExit(2)


def main(arguments=None, folder=NOTEBOOKS):
    """Run a command on the notebooks of a folder; returns the exit code.

    0: done; 1: a notebook has a fault or differs; 2: the command itself makes no sense.
    """
    parser = _Parser(prog="python -m course_utils.author")
    commands = parser.add_subparsers(dest="command", required=True)
    for name, does in _COMMANDS.items():
        command = commands.add_parser(name, help=does)
        if name in ("sync", "variants", "lecturer", "slides"):
            command.add_argument(
                "notebooks", nargs="*", metavar="NOTEBOOK", help="file, stem or number"
            )
        if name in ("sync", "pages"):
            command.add_argument(
                "--check", action="store_true", help="write nothing, list differences"
            )
    chosen = parser.parse_args(arguments)
    if chosen.command == "pages":
        return _pages(chosen.check)
    if chosen.command == "book":
        return _report(lambda: _made_by("book")())
    try:
        paths = find_notebooks(folder, chosen.notebooks)
    except ValueError as error:
        print(f"author: {error}", file=sys.stderr)
        return 2 if chosen.notebooks else 1
    if chosen.command == "slides":
        return _each(paths, lambda path: _made_by("deck")(path))
    if chosen.command == "lecturer":
        return _each(paths, lambda path: _names(_made_by("lecturer")(path)))
    if chosen.command == "variants":
        return _each(paths, lambda path: _names(variants(path)))
    if chosen.check:
        return _check(paths)
    return _each(paths, lambda path: "stored" if sync(path) else "as it was")


def _made_by(name):
    """The function of that name in the module of that name that makes something for readers."""
    try:
        return getattr(import_module(f"course_utils.edition.{name}"), name)
    except ModuleNotFoundError as error:
        raise ValueError(
            f"{error.name} is not installed; in the course's folder, pip install --group dev "
            "brings it"
        ) from None


def _names(files):
    return " and ".join(file.name for file in files)


def _each(paths, work):
    """Do some work on each notebook and say what came of it, up to the first that has a fault."""

    def told(path):
        return f"{path.stem}: {work(path)}"

    return int(any(_report(told, path) for path in paths))


def _report(work, *given):
    """Do some work and say what came of it, or in a line what went wrong; the exit code."""
    try:
        print(work(*given))
    except (ValueError, OSError) as error:
        file = getattr(error, "filename", None)
        line = f"{file}: {error.strerror}" if file else error
        print(f"author: {line}", file=sys.stderr)
        return 1
    return 0


def _pages(check):
    try:
        paths = list(pages.differing()) if check else pages.write()
    except ValueError as error:
        print(f"author: {error}", file=sys.stderr)
        return 1
    for path in paths:
        if check:
            print(f"author: {path.name} is not up to date; run author pages", file=sys.stderr)
        else:
            print(f"{path.name}: stored")
    return 1 if check and paths else 0


def _check(paths):
    total, lines = 0, []
    for path in paths:
        try:
            exercises, found = differences(path)
        except ValueError as error:
            exercises, found = 0, [str(error)]
        total += exercises
        lines += found
    if not total and not lines:
        lines.append("there is no exercise in these notebooks; nothing was checked")
    for line in lines:
        print(f"author: {line}", file=sys.stderr)
    return 1 if lines else 0


if __name__ == "__main__":
    raise SystemExit(main())
