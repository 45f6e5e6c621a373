"""Rules that every notebook of the course keeps, so that nbval has something to compare, every
viewer shows it, and a reader finds the same shape each time."""

import io
import json
import re
import tokenize
from pathlib import Path

import pytest

NOTEBOOKS = sorted((Path(__file__).parents[1] / "notebooks").glob("*.ipynb"))
LONGEST_CELL = 15
CORE_WORDS = 1200

_VIEW = "application/vnd.jupyter.widget-view+json"
_ADDRESS = re.compile(r"\b0x[0-9a-fA-F]{6,}\b")
_SCALAR = re.compile(r"\bnp\.(float|int|uint|bool|str)[0-9_]*\(")
_MACHINE_PATH = re.compile(r"(?<![\w.])/(home|root|tmp|work|Users|usr)/|\b[A-Z]:\\Users\\")
_LAYOUT = {tokenize.ENDMARKER, tokenize.NL, tokenize.NEWLINE, tokenize.COMMENT}


def problems(path):
    """A line for each rule that the notebook breaks."""
    notebook = json.loads(path.read_text(encoding="utf-8"))
    cells = notebook["cells"]
    if "widgets" in notebook["metadata"]:
        yield "carries widget state, which GitHub may refuse to show"
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    counts = [cell["execution_count"] for cell in code]
    if counts != list(range(1, len(code) + 1)):
        yield f"not run from top to bottom in a fresh kernel: counts {counts}"
    if not code:
        yield "has no code"
    yield from heading_problems(path, cells)
    ids = [cell.get("id", "") for cell in cells]
    for cell, name in zip(cells, ids, strict=True):
        if not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", name) or ids.count(name) > 1:
            yield f"cell {name!r}: its id is missing or not unique"
        for problem in cell_problems(cell):
            yield f"cell {name}: {problem}"
    words = core_words(cells)
    if words > CORE_WORDS:
        yield f"core path of {words} words; at most {CORE_WORDS} stand before '## Further'"


def heading_problems(path, cells):
    number = int(path.stem.split("_")[0])
    first = text_of(cells[0]) if cells and cells[0]["cell_type"] == "markdown" else ""
    if not re.match(rf"# {number}\. \S", first):
        yield f"does not begin with the heading '# {number}. …'"
    headings = re.findall(r"^# .*", prose(cells), flags=re.M)
    if len(headings) > 1:
        yield f"has more than one heading of the first level: {headings[1]!r}"


def cell_problems(cell):
    text = text_of(cell)
    tags = cell["metadata"].get("tags", [])
    if cell["cell_type"] == "markdown":
        if re.search(r"!\[\s*\]", text) or re.search(r"<img(?![^>]*\balt=[\"'][^\"'\s])", text):
            yield "an image without alt text"
        return
    lines = text.count("\n") + 1
    reason = cell["metadata"].get("long")
    if lines > LONGEST_CELL and not reason:
        yield f"{lines} lines without a reason in its metadata, 'long'"
    if lines <= LONGEST_CELL and reason:
        yield f"a reason to be long, and only {lines} lines"
    if {"execution", "ExecuteTime"} & set(cell["metadata"]):
        yield "carries the times of its run"
    if "measure" in tags and "nbval-ignore-output" not in tags:
        yield "tagged 'measure' without 'nbval-ignore-output'"
    if ends_in_semicolon(text):
        yield "ends in ';', which nbval does not honour"
    for output in cell["outputs"]:
        yield from output_problems(output)


def output_problems(output):
    if output["output_type"] == "error":
        yield "stored an error"
    if output.get("name") == "stderr":
        yield "stored something on stderr"
    data = output.get("data", {})
    if _VIEW in data:
        yield "stored a widget view"
    shown = [output.get("text", ""), *(data.get(f"text/{kind}", "") for kind in ("plain", "html"))]
    for text in map(joined, shown):
        if _ADDRESS.search(text):
            yield "stored an address in memory"
        if _SCALAR.search(text):
            yield "stored a NumPy scalar as NumPy writes it, such as np.float64(…)"
        if _MACHINE_PATH.search(text):
            yield "stored a path of the machine that ran it"


def ends_in_semicolon(source):
    try:
        tokens = list(tokenize.generate_tokens(io.StringIO(source).readline))
    except (tokenize.TokenError, SyntaxError):  # a magic, which is no Python
        return source.rstrip().endswith(";")
    visible = [token.string for token in tokens if token.type not in _LAYOUT]
    return visible[-1:] == [";"]


def core_words(cells):
    """Words of prose before '## Further': no code, tables, formulas, pictures or link targets."""
    text = re.split(r"^## Further\b", prose(cells), maxsplit=1, flags=re.M)[0]
    text = re.sub(r"!\[[^\]]*\]\([^)]*\)|^\|.*$|\$[^$]+\$|<[^>]+>", " ", text, flags=re.M)
    text = re.sub(r"\]\([^)]*\)", "] ", text)
    return sum(1 for word in text.split() if re.search(r"\w", word))


def prose(cells):
    """All Markdown, without blocks of code."""
    text = "\n\n".join(text_of(cell) for cell in cells if cell["cell_type"] == "markdown")
    return re.sub(r"^ *```.*?^ *```", "", text, flags=re.M | re.S)


def text_of(cell):
    return joined(cell["source"])


def joined(text):
    return text if isinstance(text, str) else "".join(text)


def test_there_are_notebooks():
    assert NOTEBOOKS


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_keeps_the_rules(path):
    assert list(problems(path)) == []


# The rules themselves


def markdown(text, name, **metadata):
    return {"cell_type": "markdown", "id": name, "metadata": metadata, "source": text}


def code(text, name, *outputs, count=1, **metadata):
    return {
        "cell_type": "code",
        "id": name,
        "metadata": metadata,
        "source": text.splitlines(keepends=True),
        "execution_count": count,
        "outputs": list(outputs),
    }


def stream(text, name="stdout"):
    return {"output_type": "stream", "name": name, "text": [text]}


def result(**data):
    named = {key.replace("_", "/"): value for key, value in data.items()}
    return {"output_type": "execute_result", "execution_count": 1, "metadata": {}, "data": named}


TITLE = markdown("# 3. Wait for yesterday\n\nA ![loom of cells](loom.png) and `0x7f00` here.", "t")
FINE = code("print(1)  # done;", "a", stream("1 at 0x1f\n"), result(text_plain="2.0"))


def broken(tmp_path, cells, **metadata):
    path = tmp_path / "03_rnn.ipynb"
    path.write_text(json.dumps({"metadata": metadata, "cells": cells}), encoding="utf-8")
    return list(problems(path))


def test_a_good_notebook_has_no_problem(tmp_path):
    long = code("pass\n" * 20, "b", count=2, long="the kernel is the text")
    further = markdown("## Further\n\n" + "word " * 2000, "f")
    table = markdown("| a | table |\n" * 10 + "```\n# no heading\n```\n" + "word " * 1180, "g")
    assert broken(tmp_path, [TITLE, FINE, long, table, further]) == []


@pytest.mark.parametrize(
    "cell, problem",
    [
        (code("1", "b", count=None), "not run from top to bottom"),
        (code("1", "b", count=3), "not run from top to bottom"),
        (code("1", "a", count=2), "its id is missing or not unique"),
        (code("1", "", count=2), "its id is missing or not unique"),
        (code("1\n" * 15 + "1", "b", count=2), "16 lines without a reason"),
        (code("1", "b", count=2, long="a reason"), "a reason to be long, and only 1 lines"),
        (code("1", "b", count=2, execution={}), "times of its run"),
        (code("1", "b", count=2, tags=["measure"]), "without 'nbval-ignore-output'"),
        (code("f(1);  # draw\n", "b", count=2), "ends in ';'"),
        (code("%matplotlib inline;", "b", count=2), "ends in ';'"),
        (code("1", "b", {"output_type": "error"}, count=2), "stored an error"),
        (code("1", "b", stream("!", "stderr"), count=2), "stderr"),
        (code("1", "b", result(**{_VIEW: {}}), count=2), "widget view"),
        (code("1", "b", stream("<f at 0x7fa137b0bd80>"), count=2), "an address in memory"),
        (code("1", "b", result(text_html="<f 0x7fa137b0>"), count=2), "an address in memory"),
        (code("1", "b", result(text_plain="np.float64(3.0)"), count=2), "a NumPy scalar"),
        (code("1", "b", stream("in /home/me/a.py"), count=2), "a path of the machine"),
        (markdown("![](loom.png)", "b"), "an image without alt text"),
        (markdown("<img src='loom.png' alt=''>", "b"), "an image without alt text"),
        (markdown("# Another title", "b"), "more than one heading of the first level"),
        (markdown("word " * 1201, "b"), "core path of 120"),
    ],
)
def test_each_rule_finds_what_it_is_for(cell, problem, tmp_path):
    found = broken(tmp_path, [TITLE, FINE, cell])
    assert found and all(problem in line for line in found), found


def test_widget_state_and_a_missing_heading_are_found(tmp_path):
    assert "widget state" in broken(tmp_path, [TITLE, FINE], widgets={})[0]
    for title in ("# 4. Another number", "# Wait for yesterday", "Wait\n\n# 3. Late"):
        assert broken(tmp_path, [markdown(title, "t"), FINE]) == [
            "does not begin with the heading '# 3. …'"
        ]
    assert "has no code" in broken(tmp_path, [TITLE])
