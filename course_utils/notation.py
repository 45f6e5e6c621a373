"""The one line of index notation that a loop nest is written in, as a tree with spots.

nest      = reference ("=" | "+=") reference { ("*" | "+") reference }
reference = name [ "[" subscript { "," subscript } "]" ]
subscript = term { ("+" | "-") term }
term      = [ integer "*" ] atom | atom "*" integer | integer
atom      = index | name "[" subscript { "," subscript } "]"      (a look-up)
"""

import keyword
import re
from dataclasses import dataclass, field
from functools import cached_property, lru_cache

_TOKEN = re.compile(r"\s*(?:(?P<name>[^\W\d]\w*)|(?P<integer>[0-9]+)|(?P<sign>\+=|[-+*=,\[\]]))")


# Arguments of LoopNest: a size could not be passed by such a name.
_TAKEN = ("self", "text", "shapes", "pad", "index", "itemsize")


class Spot(ValueError):
    """A `ValueError` that shows where in the text the trouble is."""

    def __init__(self, text, start, message):
        shown = " ".join(text.splitlines()) if "\n" in text or "\r" in text else text
        super().__init__(f"LoopNest: {message}\n    {shown}\n    {' ' * start}^")


@dataclass(frozen=True)
class Subscript:
    """`constant + Σ coefficient · index + Σ coefficient · table[…]`; look-ups last."""

    constant: int
    terms: dict  # index -> coefficient
    lookups: tuple  # of (coefficient, Reference)
    start: int = field(compare=False)  # where it stands in the text

    @property
    def plain(self):
        """The index, if the subscript is one index and nothing else; otherwise None."""
        if self.lookups or self.constant or list(self.terms.values()) != [1]:
            return None
        return next(iter(self.terms))

    @property
    def indexes(self):
        """Every index that the value depends on, through look-ups too, in order."""
        inner = (i for _, table in self.lookups for i in table.indexes)
        return tuple(dict.fromkeys([*self.terms, *inner]))


@dataclass(frozen=True)
class Reference:
    """A tensor with its subscripts."""

    name: str
    subscripts: tuple
    start: int = field(compare=False)

    @property
    def indexes(self):
        return tuple(dict.fromkeys(i for s in self.subscripts for i in s.indexes))

    @property
    def lookups(self):
        """The index arrays' references, in reading order."""
        return tuple(table for s in self.subscripts for _, table in s.lookups)


@dataclass(frozen=True)
class Statement:
    """One line: `output (= | +=) factor (joiner factor)*`."""

    text: str
    output: Reference
    accumulates: bool
    joiner: str  # "*" or "+"
    factors: tuple

    @property
    def references(self):
        """Factors left to right, then the output: the order in which arrays are laid out."""
        return (*self.factors, self.output)

    @cached_property
    def indexes(self):
        """The loop indexes in order of first appearance in the text."""
        ordered = (self.output, *self.factors)
        return tuple(dict.fromkeys(i for r in ordered for i in r.indexes))


def parse(text):
    """The `Statement` that a line of index notation says.

    Raises `ValueError` with a caret under the spot where the text stops making sense.

    >>> parse("H[b,o] += X[b,i] * W[i,o]").indexes
    ('b', 'o', 'i')
    >>> parse("H[b,o] += X[b,i * W[i,o]")
    Traceback (most recent call last):
    ...
    course_utils.notation.Spot: LoopNest: expected an integer here, beside 'i *'; found 'W'
        H[b,o] += X[b,i * W[i,o]
                          ^
    """
    if not isinstance(text, str):
        raise ValueError(
            f"LoopNest: the nest is written as text, such as 'H[b,o] += X[b,i] * W[i,o]'; "
            f"got {type(text).__name__}"
        )
    return _parsed(str(text))


@lru_cache(maxsize=1024)
def _parsed(text):
    """A network asks for the same few lines again and again."""
    statement = _Parser(text).statement()
    _check_names(statement)
    return statement


class _Parser:
    def __init__(self, text):
        self.text = text
        self.tokens = []  # (kind, value, start)
        at = 0
        while text[at:].strip():
            match = _TOKEN.match(text, at)
            if not match:
                at += len(text[at:]) - len(text[at:].lstrip())
                self.fail(at, f"{text[at]!r} has no meaning here")
            self.tokens.append(
                (match.lastgroup, match[match.lastgroup], match.start(match.lastgroup))
            )
            at = match.end()
        self.tokens.append(("end", "the end of the text", len(text)))
        self.here = 0

    def fail(self, start, message):
        raise Spot(self.text, start, message) from None

    def peek(self, *values):
        kind, value, _ = self.tokens[self.here]
        return kind == "sign" and value in values

    def expected(self, what):
        kind, value, start = self.tokens[self.here]
        self.fail(start, f"expected {what}; found {value if kind == 'end' else repr(value)}")

    def take(self, *values, what=None):
        if not self.peek(*values):
            self.expected(what or " or ".join(repr(v) for v in values))
        return self.next()[1]

    def next(self):
        self.here += 1
        return self.tokens[self.here - 1]

    def statement(self):
        output = self.reference("the output, such as H[b,o]")
        sign = self.take("=", "+=", what="'=' or '+=' after the output")
        factors = [self.reference("a tensor, such as X[b,i]")]
        joiner = "*"
        while self.peek("*", "+"):
            _, found, start = self.next()
            if len(factors) > 1 and found != joiner:
                self.fail(start, "a nest joins its tensors all by '*' or all by '+'; use two nests")
            joiner = found
            factors.append(self.reference("a tensor, such as W[i,o]"))
        if self.tokens[self.here][0] != "end":
            self.expected("'*', '+' or the end of the text")
        return Statement(self.text, output, sign == "+=", joiner, tuple(factors))

    def reference(self, what):
        if self.tokens[self.here][0] != "name":
            self.expected(what)
        _, name, start = self.next()
        if keyword.iskeyword(name):
            self.fail(start, f"{name!r} is a word of Python's own; name the tensor otherwise")
        subscripts = self.subscripts(lookup=False) if self.peek("[") else ()
        return Reference(name, subscripts, start)

    def subscripts(self, lookup):
        self.take("[")
        found = [self.subscript(lookup)]
        while self.peek(","):
            self.next()
            found.append(self.subscript(lookup))
        self.take("]", what="',' or ']' after the subscript")
        return tuple(found)

    def subscript(self, inside_lookup):
        start = self.tokens[self.here][2]
        constant, terms, lookups = 0, {}, []
        sign = -1 if self.peek("-") else 1
        if sign < 0:
            self.next()
        while True:
            coefficient, atom = self.term(inside_lookup)
            coefficient *= sign
            if atom is None:
                constant += coefficient
            elif isinstance(atom, Reference):
                lookups.append((coefficient, atom))
            else:
                terms[atom] = terms.get(atom, 0) + coefficient
            if not self.peek("+", "-"):
                break
            sign = 1 if self.next()[1] == "+" else -1
        terms = {name: c for name, c in terms.items() if c}
        return Subscript(constant, terms, tuple(lookups), start)

    def term(self, inside_lookup):
        """A coefficient and what it multiplies: an index, a look-up, or None for a constant."""
        if self.tokens[self.here][0] == "integer":
            value = self.integer()
            if not self.peek("*"):
                return value, None
            self.next()
            return value, self.atom(inside_lookup)
        atom = self.atom(inside_lookup)
        if not self.peek("*"):
            return 1, atom
        self.next()
        if self.tokens[self.here][0] != "integer":
            name = atom.name if isinstance(atom, Reference) else atom
            self.expected(f"an integer here, beside '{name} *'")
        return self.integer(), atom

    def integer(self):
        _, digits, start = self.next()
        if len(digits) > 9:
            self.fail(start, f"{digits[:9]}… is too large for a subscript; nine digits at most")
        return int(digits)

    def atom(self, inside_lookup):
        if self.tokens[self.here][0] != "name":
            self.expected("an index or an integer")
        _, name, start = self.next()
        if keyword.iskeyword(name):
            self.fail(start, f"{name!r} is a word of Python's own; name the index otherwise")
        if not self.peek("["):
            return name
        if inside_lookup:
            self.fail(
                start, f"{name!r} is a look-up inside a look-up; compose the two arrays first"
            )
        return Reference(name, self.subscripts(lookup=True), start)


def _check_names(statement):
    """Refuse what the notation can say but a nest cannot be."""
    text, output = statement.text, statement.output
    tables = [t for r in statement.references for t in r.lookups]
    if not statement.indexes:
        raise Spot(
            text, output.start, "there is no loop index; write one, such as s += x[i] * y[i]"
        )
    for found in (*statement.factors, *tables):
        if found.name == output.name:
            raise Spot(
                text,
                found.start,
                f"{found.name!r} is the output and stands on the right too; "
                "a recurrence is a Pipeline of nests, one tensor for each state",
            )
    names = {r.name for r in statement.references}
    for found in tables:
        if found.name in names:
            raise Spot(
                text,
                found.start,
                f"{found.name!r} is an index array and a tensor; name one otherwise",
            )
    for name in statement.indexes:
        if name in _TAKEN:
            at = re.search(rf"\b{name}\b", text[text.index("[") :]).start() + text.index("[")
            raise Spot(text, at, f"{name}= is an argument of LoopNest; name the index otherwise")
    for found in (*statement.references, *tables):
        if found.name in statement.indexes:
            raise Spot(
                text, found.start, f"{found.name!r} is a tensor and an index; name one otherwise"
            )
    ranks = {}
    for found in (*statement.references, *tables):
        rank = ranks.setdefault(found.name, len(found.subscripts))
        if rank != len(found.subscripts):
            raise Spot(
                text,
                found.start,
                f"{found.name!r} has {rank} and {len(found.subscripts)} subscripts",
            )
    if not statement.accumulates:
        missing = [i for i in statement.indexes if i not in output.indexes]
        if missing:
            raise Spot(
                text,
                output.start,
                f"'=' writes {output.name!r} once, but index {missing[0]!r} is not among its "
                "subscripts; add it, or use '+='",
            )
