"""The `course` command: the learner's own copies of the lessons, opened in JupyterLab."""

import argparse
import hashlib
import json
import os
import re
import sys
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import nbformat

__all__ = [
    "blank",
    "bring",
    "find",
    "is_old",
    "jupyter_options",
    "lessons",
    "main",
    "put_beside",
    "replace",
    "shipped_lesson",
]

ROOT = Path(__file__).resolve().parents[1]
SHIPPED, OWN = "notebooks", "my_course"


def main(argv=None):
    """Open JupyterLab on a lesson, tell the progress or reset a lesson; an exit code.

    `argv`: nothing or a lesson ("03", "03_rnn"), and after `--` options for JupyterLab; or
    "progress" and an optional lesson; or "reset", a lesson and an optional exercise.
    """
    argv = sys.argv[1:] if argv is None else list(argv)
    cut = argv.index("--") if "--" in argv else len(argv)
    words = _parser().parse_args(argv[:cut]).words
    opened = None
    try:
        match words:
            case ["progress"] | ["progress", _]:
                from .standing import table  # loads the exercises

                lines = table(ROOT / OWN, *words[1:])
            case ["reset", _] | ["reset", _, _]:
                from .reset import reset

                lines = [reset(ROOT, *words[1:])]
            case [] | [_] if words != ["reset"]:
                opened = find(words[0] if words else "00", ROOT)
                lines = bring(ROOT)
            case _:
                raise ValueError(f"{' '.join(words)!r} is not understood; see course --help")
    except (ValueError, OSError) as error:
        print(f"course: {error}", file=sys.stderr)
        return 2
    for line in lines:
        print(line)
    if opened:
        from jupyterlab.labapp import LabApp  # one second to import: not for an error message

        LabApp.launch_instance(argv=[*jupyter_options(ROOT, opened), *argv[cut + 1 :]])
    return 0


def find(wanted, root):
    """The file name of the shipped lesson that `wanted` ("3", "03", "03_rnn") begins.

    ValueError that lists the lessons when there is none, or more than one.
    """
    fitting = _fitting(wanted, root)
    if len(fitting) != 1:
        listed = "\n  ".join(path.stem for path in lessons(root))
        raise ValueError(f"there is no one lesson {wanted!r}; there are\n  {listed}")
    return fitting[0].name


def shipped_lesson(wanted, root):
    """The path of the shipped lesson that `wanted` begins; a `ValueError` of one line if none."""
    fitting = _fitting(wanted, root)
    if len(fitting) != 1:
        numbers = [path.name[:2] for path in lessons(root)]
        raise ValueError(f"there is no lesson {wanted!r}; there are {numbers[0]} to {numbers[-1]}")
    return fitting[0]


def bring(root):
    """Copy each shipped lesson and the glossary to my_course/; the lines to tell the learner.

    No file that is there is ever written to.  A lesson that has changed since it was copied is
    put beside the copy, as NN_name.new.ipynb, then .new2, .new3; and so is the glossary.
    """
    own = root / OWN
    own.mkdir(exist_ok=True)
    copied, lines = [], []
    for shipped in [*lessons(root), *(root / SHIPPED).glob("glossary.md")]:
        is_lesson = shipped.suffix == ".ipynb"
        data = nbformat.writes(blank(shipped)).encode() if is_lesson else shipped.read_bytes()
        target = own / shipped.name
        if _put(data, target):
            copied.append(target.stem)
        elif _version_in(data, shipped) not in _versions(own, shipped):
            fresh = put_beside(data, target, "new")
            what = "lesson" if is_lesson else "glossary"
            lines.append(
                f"{OWN}/{fresh.name}: the {what} has changed; your {target.name} is as it was"
            )
    if copied:
        lines.insert(0, f"{OWN}/: your own copy of {', '.join(copied)}")
    return lines


def jupyter_options(root, lesson):
    """The options that make JupyterLab open a lesson of my_course/, a list.

    >>> jupyter_options(Path("/course"), "00_three_meters.ipynb")[0]
    '--ServerApp.root_dir=/course'
    """
    options = [
        # the repository, so that links from a lesson to course_utils/ and data/ open
        f"--ServerApp.root_dir={root}",
        f"--LabApp.default_url=/lab/tree/{OWN}/{quote(lesson)}",
        "--ServerApp.kernel_websocket_connection_class=course_utils.connection.PromptConnection",
        # only what the learner must know: the address, and what goes wrong
        "--ServerApp.log_level=WARN",
    ]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        options.append("--allow-root")
    return options


def lessons(root):
    """The paths of the shipped lessons, in order; a `ValueError` when there are none."""
    found = sorted((root / SHIPPED).glob("[0-9][0-9]_*.ipynb"))
    if not found:
        raise ValueError(
            f"no lessons in {root / SHIPPED}; install the package from a clone of the course: "
            "pip install -e ."
        )
    return found


def blank(shipped):
    """A lesson's notebook without outputs, counts and widgets, marked with its version."""
    notebook = nbformat.read(shipped, as_version=4)
    version = _digest(notebook)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    notebook.metadata.pop("widgets", None)
    notebook.metadata["course"] = {"version": version}
    return notebook


def is_old(path):
    """Whether `course reset` has put a file aside under this name.

    >>> is_old(Path("03_rnn.old2.ipynb")), is_old(Path("03_rnn.new.ipynb"))
    (True, False)
    """
    return re.search(r"\.old\d*$", path.stem) is not None


def put_beside(data, target, word):
    """Write a new file beside `target`, as name.word, then word2, word3; its path."""
    number = 1
    while True:
        path = target.with_suffix(f".{word}{number if number > 1 else ''}{target.suffix}")
        if _put(data, path):
            return path
        number += 1


def replace(data, target):
    """Write a file anew: at every moment it is there and whole, the old one or the new one."""
    with _part(data, target) as part:
        os.replace(part, target)


def _parser():
    parser = argparse.ArgumentParser(
        prog="course",
        usage=(
            "course [LESSON] [-- OPTION ...]\n"
            "       course progress [LESSON]\n"
            "       course reset LESSON [EXERCISE]"
        ),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description=(
            "Open the course in JupyterLab, in your own copies of the lessons; see which\n"
            "exercises are done; make a lesson blank again, or one exercise of it."
        ),
        epilog=(
            "A lesson is called 03 or 03_rnn, an exercise by its name, such as dot_bytes.\n"
            "Options for JupyterLab go after --, as in: course 03 -- --no-browser --port 9999\n"
            "A reset keeps your file as it was, as NN_name.old.ipynb."
        ),
    )
    parser.add_argument("words", nargs="*", help=argparse.SUPPRESS)
    return parser


def _fitting(wanted, root):
    start = Path(wanted).name.removesuffix(".ipynb")
    start = start.zfill(2) if start.isdigit() else start
    return [path for path in lessons(root) if start and path.name.startswith(start)]


def _digest(notebook):
    """A digest of what an author writes; running the notebook again does not change it."""
    written = [[cell.cell_type, cell.source, cell.get("attachments")] for cell in notebook.cells]
    return hashlib.sha256(json.dumps(written, sort_keys=True).encode()).hexdigest()[:16]


def _version_in(data, path):
    """What tells versions of a file apart: the mark that a lesson carries, or else all of it."""
    is_lesson = path.suffix == ".ipynb"
    return json.loads(data)["metadata"]["course"]["version"] if is_lesson else data


def _versions(own, shipped):
    """The versions of a file in my_course/, whatever names the learner gave to them.

    What a reset has put aside is none: the learner has turned away from it.
    """
    versions = set()
    for path in own.glob(f"{shipped.stem}*{shipped.suffix}"):
        try:
            if not is_old(path):
                versions.add(_version_in(path.read_bytes(), path))
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            continue  # not one of ours, or no longer readable: the learner's, left alone
    return versions


def _put(data, target):
    """Write a new file, whole or not at all; False if there is already something of that name."""
    if os.path.lexists(target):
        return False
    with _part(data, target) as part:
        return _name(part, target)


@contextmanager
def _part(data, target):
    """The path of a finished file beside `target` that is to get its name, else it goes again."""
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        part.write_bytes(data)
        yield part
    finally:
        part.unlink(missing_ok=True)


def _name(part, target):
    """Give a finished file its name, unless another has it by now."""
    try:
        os.link(part, target)
    except FileExistsError:
        return False
    except OSError:
        # a file system without hard links; the name was free a moment ago
        os.rename(part, target)
    return True


if __name__ == "__main__":
    sys.exit(main())
