"""The glossary: each term in both languages, explained by the sentence that introduces it.

`data/glossary.csv` says where that is; the sentence itself is the lesson's, unless the table has
one of its own in `says`.
"""

import csv
import re
from collections import namedtuple
from pathlib import Path

from .outline import lessons
from .sync import NOTEBOOKS

PAGE = NOTEBOOKS / "glossary.md"
TABLE = Path(__file__).parents[2] / "data/glossary.csv"

Term = namedtuple("Term", "term chinese lesson cell forms says", defaults=[""])

_CODE = re.compile(r"^ *```.*?^ *```|`[^`\n]*`|\$[^$\n]+\$", re.M | re.S)
_ITALIC = re.compile(r"(?<![*\w\\])\*(?![\s*])([^*\n]+?)(?<!\s)\*(?![*\w])")
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+(?=[A-Z*(])")
_BEGINNING = """# Glossary

The terms of the lessons: what each is, and where it is introduced.

| term | 中文 | what it is | where |
|---|---|---|---|
"""


def page(notebooks=NOTEBOOKS, table=TABLE):
    """The Markdown page; a fault in the table is a `ValueError` that names the row."""
    there, terms = lessons(notebooks), read_terms(table)
    check(terms, there)
    rows = sorted(terms, key=lambda term: term.term.casefold())
    return _BEGINNING + "".join(_row(term, there[term.lesson]) for term in rows)


def read_terms(table=TABLE):
    """The rows of the table, as they stand there."""
    with open(table, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file, restval=""))
    for number, row in enumerate(rows, 2):
        if None in row:
            raise ValueError(
                f"glossary.csv, row {number}, {row['term']!r}: has more fields than the first row; "
                "put one with commas in quotes"
            )
    return [Term(**row) for row in rows]


def check(terms, there):
    """Refuse, by row, what cannot be shown."""
    seen = set()
    for row, term in enumerate(terms, 2):
        fault = _fault(term, there, seen)
        if fault:
            raise ValueError(f"glossary.csv, row {row}, {term.term!r}: {fault}")
        seen.add(term.term.casefold())


def _fault(term, there, seen):
    if not term.term.strip():
        return "has no term; delete the row or name one"
    if term.term.casefold() in seen:
        return "stands twice; delete this row"
    if not term.chinese.strip():
        return "has no Chinese; fill the second column"
    if term.lesson not in there:
        return f"there is no lesson {term.lesson!r}; take one of {', '.join(there)}"
    cells = there[term.lesson].markdown
    if term.cell not in cells:
        return f"lesson {term.lesson} has no Markdown cell {term.cell!r}; name the one that has it"
    if not is_introduced(term, cells[term.cell]):
        return (
            f"is not in italics in {term.cell}; set it in *italics* there, "
            "name the cell where it is, or add its spelling to the forms"
        )
    if term.says and ("\n" in term.says or not term.says.endswith(".")):
        return "says what is no sentence; write it in one line that ends with a full stop"
    return None


def spellings(term):
    """All ways to write a term, in lower case.

    >>> sorted(spellings(Term("query", "", "", "", "queries")))
    ['queries', 'query', 'queryes', 'querys']
    """
    word = term.term.casefold()
    return {word, f"{word}s", f"{word}es"} | set(_forms(term.forms))


def used_spellings(term):
    """The ways to write a term by which its uses are recognised.

    Forms that begin with "=" stand in place of the term itself.

    >>> sorted(used_spellings(Term("ring", "", "", "", "=a ring;rings")))
    ['a ring', 'rings']
    """
    return set(_forms(term.forms)) if term.forms.startswith("=") else spellings(term)


def _forms(forms):
    return [form.strip().casefold() for form in forms.removeprefix("=").split(";") if form.strip()]


def without_code(text):
    """A text whose code and formulas are blanks, of the same length and lines."""
    return _CODE.sub(lambda match: re.sub(r"\S", " ", match[0]), text)


def italics(text):
    """What stands in italics, in order.

    >>> italics("A *cache* is **small**, `a * b * c`.\\n* *KV cache*: 2*3*4")
    ['cache', 'KV cache']
    """
    return _ITALIC.findall(without_code(text))


def is_introduced(term, text):
    """Whether the text has the term in italics."""
    return bool(spellings(term) & {phrase.casefold() for phrase in italics(text)})


def introduction(term, text):
    """(the sentence that has the term in italics, where its line begins in the text)."""
    start = 0
    for line in text.splitlines(keepends=True):
        for sentence in _SENTENCE_END.split(line.strip()):
            if is_introduced(term, sentence):
                return sentence, start
        start += len(line)
    raise ValueError(f"{term.term!r} is not in italics in {text!r}")


def section(term, lesson):
    """The nearest heading above the term's introduction, without its marks."""
    before = ""
    for name, text in lesson.markdown.items():
        if name == term.cell:
            before += text[: introduction(term, text)[1]]
            break
        before += text + "\n\n"
    headings = re.findall(r"^#+ (.*)$", re.sub(r"```.*?```", "", before, flags=re.S), re.M)
    return headings[-1].strip() if headings else ""


def _row(term, lesson):
    sentence = term.says or plain(introduction(term, lesson.markdown[term.cell])[0])
    where = f"[{int(term.lesson)}]({lesson.path.name}), {section(term, lesson)}"
    fields = (term.term, term.chinese, sentence, where)
    return "| " + " | ".join(field.replace("|", r"\|") for field in fields) + " |\n"


def plain(sentence):
    """A sentence without what it owes to its place; code and formulas stay as they are.

    Of a row of a table the cell with the italics is left.

    >>> plain("* (A *cache* of [lines](a.ipynb#b) and `x * y`:)")
    'A cache of lines and `x * y`.'
    >>> plain("| one | *SRAM*: memory on the chip |")
    'SRAM: memory on the chip.'
    """
    if sentence.startswith("|"):
        sentence = next(field for field in sentence.split("|") if italics(field)).strip()
    sentence = re.sub(r"^(?:[*-]|\d+\.) +", "", sentence)
    parts = re.split(r"(`[^`]*`|\$[^$]+\$)", sentence)
    parts[::2] = map(_without_marks, parts[::2])
    sentence = "".join(parts).strip().removesuffix("\\")
    if sentence.startswith("(") and sentence.endswith(")") and sentence.count("(") == 1:
        sentence = sentence[1:-1]
    return re.sub(r"(?<![.?!:]):?$", ".", sentence)


def _without_marks(text):
    text = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", text)
    text = re.sub(r"\*\*([^*]+)\*\*", r"\1", text)
    return _ITALIC.sub(r"\1", text)
