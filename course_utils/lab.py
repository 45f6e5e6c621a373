"""The `course` command: the learner's own copies of the lessons, opened in JupyterLab."""

import argparse
import hashlib
import json
import os
import sys
from pathlib import Path
from urllib.parse import quote

import nbformat

__all__ = ["bring", "find", "jupyter_options", "main"]

ROOT = Path(__file__).resolve().parents[1]
SHIPPED, OWN = "notebooks", "my_course"


def main(argv=None):
    """Bring the lessons to my_course/ and open JupyterLab on one of them; an exit code.

    `argv`: an optional lesson ("03", "03_rnn"), then after `--` options for JupyterLab.
    """
    argv = sys.argv[1:] if argv is None else list(argv)
    cut = argv.index("--") if "--" in argv else len(argv)
    parser = argparse.ArgumentParser(
        prog="course",
        description="Open the course in JupyterLab, in your own copies of the lessons.",
        epilog="Options for JupyterLab go after --, as in: course 03 -- --no-browser --port 9999",
    )
    parser.add_argument("lesson", nargs="?", default="00", help="a lesson, such as 03 or 03_rnn")
    wanted = parser.parse_args(argv[:cut]).lesson
    try:
        lesson = find(wanted, ROOT)
        for line in bring(ROOT):
            print(line)
    except (ValueError, OSError) as error:
        print(f"course: {error}", file=sys.stderr)
        return 2
    from jupyterlab.labapp import LabApp  # one second to import: not for an error message

    LabApp.launch_instance(argv=[*jupyter_options(ROOT, lesson), *argv[cut + 1 :]])
    return 0


def find(wanted, root):
    """The file name of the shipped lesson that `wanted` ("3", "03", "03_rnn") begins.

    ValueError that lists the lessons when there is none, or more than one.
    """
    names = [path.name for path in _lessons(root)]
    start = Path(wanted).name.removesuffix(".ipynb")
    start = start.zfill(2) if start.isdigit() else start
    fitting = [name for name in names if name.startswith(start)]
    if len(fitting) != 1 or not start:
        listed = "\n  ".join(Path(name).stem for name in names)
        raise ValueError(f"there is no one lesson {wanted!r}; there are\n  {listed}")
    return fitting[0]


def bring(root):
    """Copy each shipped lesson to my_course/; the lines to tell the learner.

    No file that is there is ever written to.  A lesson that has changed since it was copied is
    put beside the copy, as NN_name.new.ipynb, then .new2, .new3.
    """
    own = root / OWN
    own.mkdir(exist_ok=True)
    copied, lines = [], []
    for shipped in _lessons(root):
        notebook = nbformat.read(shipped, as_version=4)
        version = _version(notebook)
        copy = _blank(notebook, version)
        target = own / shipped.name
        if _put(copy, target):
            copied.append(target.stem)
        elif version not in _versions(own, shipped.stem):
            fresh = _put_beside(copy, target)
            lines.append(
                f"{OWN}/{fresh.name}: the lesson has changed; your {target.name} is as it was"
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


def _lessons(root):
    lessons = sorted((root / SHIPPED).glob("[0-9][0-9]_*.ipynb"))
    if not lessons:
        raise ValueError(
            f"no lessons in {root / SHIPPED}; install the package from a clone of the course: "
            "pip install -e ."
        )
    return lessons


def _version(notebook):
    """A digest of what an author writes; running the notebook again does not change it."""
    written = [[cell.cell_type, cell.source, cell.get("attachments")] for cell in notebook.cells]
    return hashlib.sha256(json.dumps(written, sort_keys=True).encode()).hexdigest()[:16]


def _blank(notebook, version):
    """The notebook's text without outputs, counts and widgets, marked with its version."""
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    notebook.metadata.pop("widgets", None)
    notebook.metadata["course"] = {"version": version}
    return nbformat.writes(notebook)


def _versions(own, stem):
    """The versions of a lesson in my_course/, whatever names the learner gave to the files."""
    versions = set()
    for path in own.glob(f"{stem}*.ipynb"):
        try:
            versions.add(
                json.loads(path.read_text(encoding="utf-8"))["metadata"]["course"]["version"]
            )
        except (OSError, ValueError, KeyError, TypeError):
            continue  # not one of ours, or no longer readable: the learner's, left alone
    return versions


def _put_beside(text, target):
    number = 1
    while True:
        path = target.with_suffix(f".new{number if number > 1 else ''}.ipynb")
        if _put(text, path):
            return path
        number += 1


def _put(text, target):
    """Write a new file, whole or not at all; False if there is already something of that name."""
    if os.path.lexists(target):
        return False
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        part.write_text(text, encoding="utf-8", newline="\n")
        return _name(part, target)
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
