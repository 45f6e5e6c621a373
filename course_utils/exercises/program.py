"""A short program as lines of text: read by its structure, and never run."""

import ast
import re
import textwrap
import warnings
from contextlib import suppress

from .answers import shown

# No line of an exercise is longer; what is longer is not even parsed.
_LONGEST = 200


def lines_of(text):
    """The lines of a program, flush left as a whole, without comments and empty lines.

    >>> lines_of('''
    ...     for i in range(3):  # rows
    ...         # sum
    ...         total += i
    ... ''')
    ['for i in range(3):  # rows', '    total += i']
    """
    lines = re.split(r"\r\n?|\n", textwrap.dedent(text.replace("\xa0", " ")))
    return [line.rstrip() for line in lines if line.strip() and not line.lstrip().startswith("#")]


def indented(lines):
    """Whether any line is further in than the left edge."""
    return any(line[0].isspace() for line in lines)


def loosely(line):
    """One line whatever its indentation, its spaces and its comment.

    >>> loosely("    Z[b,o]=X[b,i] * W[i,o]"), loosely("for b in range( 32 ):  # digits")
    ('Z[b, o] = X[b, i] * W[i, o]', 'for b in range(32):\\n    pass')
    """
    line = line.strip()
    if len(line) <= _LONGEST:
        for whole in (line, f"{line}\n pass"):  # the head of a block is no program without one
            with suppress(SyntaxError, RecursionError):
                return ast.unparse(_tree(whole))
    return line


def structure(lines):
    """The program as Python reads it, whatever its spaces; a `SyntaxError` if it cannot.

    >>> structure(["if a:", "\tb=1"]) == structure(["if a:", "  b = 1"])
    True
    """
    return ast.unparse(_tree("\n".join(lines)))


def rows(lines):
    """For each line of a program that Python can read: the heads of its blocks, then the line.

    >>> rows(["while a:", "  a -= 1", "b = a"])[1:]
    [('while a:\\n    pass', 'a -= 1'), ('b = a',)]
    """
    found, heads = [], []
    for line in lines:
        wide = line.expandtabs()
        column = len(wide) - len(wide.lstrip())
        heads = [head for head in heads if head[0] < column]
        heads.append((column, loosely(line)))
        found.append(tuple(text for _, text in heads))
    return found


def why_unreadable(error, lines):
    """What a `SyntaxError` of `structure(lines)` is about, in words.

    >>> try:
    ...     structure(["if a:", "b = 1"])
    ... except SyntaxError as error:
    ...     why_unreadable(error, ["if a:", "b = 1"])
    'nothing is indented under `if a:`: what belongs inside it?'
    """
    head = re.search(r"on line (\d+)$", error.msg)
    line = quoted(lines[min(int(head[1]) if head else error.lineno or 1, len(lines)) - 1])
    if head:
        return f"nothing is indented under {line}: what belongs inside it?"
    if isinstance(error, TabError):
        return f"{line} mixes tabs and spaces; indent every line with one of the two"
    if error.msg.startswith("unindent"):
        return (
            f"{line} starts left of the line above it, but under none: which should it align with?"
        )
    if isinstance(error, IndentationError):
        return f"{line} is indented, but the line above it opens no block: what is it part of?"
    return f"Python cannot read {line} at that place: what has to stand before it?"


def quoted(line):
    """A learner's line as it stands in a message."""
    return f"`{shown(line.strip())}`"


def _tree(text):
    """The syntax tree of a text, whatever it is; else a `SyntaxError`."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return ast.parse(text)
        except (ValueError, RecursionError, MemoryError):
            raise SyntaxError("it is no program") from None
