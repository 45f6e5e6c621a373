"""The authors' commands: `python -m course_utils.author sync [NOTEBOOK...] [--check]`."""

import argparse
import sys

from .sync import NOTEBOOKS, differences, find_notebooks, sync


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
    command = commands.add_parser(
        "sync", help="write the exercises into their cells, run the notebooks, store the outputs"
    )
    command.add_argument("notebooks", nargs="*", metavar="NOTEBOOK", help="file, stem or number")
    command.add_argument("--check", action="store_true", help="run nothing, list differences")
    chosen = parser.parse_args(arguments)
    try:
        paths = find_notebooks(folder, chosen.notebooks)
    except ValueError as error:
        print(f"author: {error}", file=sys.stderr)
        return 2 if chosen.notebooks else 1
    return _check(paths) if chosen.check else _sync(paths)


def _sync(paths):
    for path in paths:
        try:
            changed = sync(path)
        except ValueError as error:
            print(f"author: {error}", file=sys.stderr)
            return 1
        print(f"{path.stem}: {'stored' if changed else 'as it was'}")
    return 0


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
