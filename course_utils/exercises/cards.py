"""Exercises that ask for no number: a choice among options, and lines to put in order."""

import random
import re
from collections import Counter
from dataclasses import dataclass
from string import ascii_lowercase

from .answers import Verdict
from .base import Exercise
from .program import indented, lines_of, loosely, quoted, rows, structure, why_unreadable


@dataclass(eq=False, kw_only=True)
class Choice(Exercise):
    """The learner gives the letter of one of the options, or its text.

    The reference and the mistakes return letters; each option but the right one has a mistake.
    `concept`: whether it is a lesson's concept test, for the whole room to discuss.
    """

    options: list
    concept: bool = False

    def __post_init__(self):
        texts = {_loose(option) for option in self.options}
        if not 2 <= len(texts) == len(self.options):
            raise ValueError(
                f"{self.reference.__name__} has the options {self.options}; "
                "give two or more that differ"
            )
        super().__post_init__()

    @property
    def sort(self):
        return super().sort or ("Concept test" if self.concept else "Choose one")

    @property
    def letters(self):
        """The letters of the options, "a" first."""
        return ascii_lowercase[: len(self.options)]

    def option(self, letter):
        """One option as it is shown, such as "(b) four"."""
        return f"({letter}) {self.options[self.letters.index(letter)]}"

    def cells(self):
        listed = "\\\n".join(map(self.option, self.letters))
        return {
            "task": self._task_cell(f"{listed}\n\nAnswer with a letter in quotes."),
            "stub": f'check("{self.name}", ...)',
        }

    def filled(self, function):
        return f'check("{self.name}", "{function()}")'

    def solution(self):
        return self.option(self.reference())

    def _judge(self, answer):
        got, verdict = self._read(answer, "a letter")
        if verdict:
            return verdict
        letter = self._letter(got) if isinstance(got, str) else None
        if letter is None:
            *others, last = (f'"{letter}"' for letter in self.letters)
            return Verdict("wrong", f"the answer is one of {', '.join(others)} and {last}")
        verdict = self._recognise(lambda known: letter == known())
        message = f'({letter}) is another thing. hint("{self.name}") asks a question that helps'
        return verdict or Verdict("wrong", message)

    def _letter(self, text):
        """The letter that is meant by "b", " (B)", "b)" or an option's text, or None."""
        text = _loose(text[:1000])
        match = re.fullmatch(r"\(?([a-z])[).]?", text)
        if match:
            return match[1] if match[1] in self.letters else None
        for letter, option in zip(self.letters, self.options, strict=True):
            if text in (_loose(option), _loose(self.option(letter))):
                return letter
        return None


@dataclass(eq=False, kw_only=True)
class Order(Exercise):
    """The learner moves and indents given lines until they are the program that is asked.

    The reference returns the program as text, and so do the mistakes.  `extra`: lines that are
    given as well and do not belong.  Programs are compared by their structure, so that any
    indentation will do; a learner's program is read and never run.
    """

    extra: list = ()

    def __post_init__(self):
        program = {loosely(line) for line in lines_of(self.reference())}
        if len(program) < 2:
            raise ValueError(f"{self.reference.__name__} has no two lines to put in order")
        twice = [line for line in self.extra if loosely(line) in program]
        if twice:
            raise ValueError(
                f"{self.reference.__name__} has {twice[0]!r} in extra= and in its program; "
                "give a line there that does not belong"
            )
        super().__post_init__()

    @property
    def sort(self):
        return super().sort or "Put in order"

    @property
    def lines(self):
        """The lines as they are given: flush left, scrambled as the name decides, never right."""
        wanted = [line.strip() for line in lines_of(self.reference())]
        lines, shuffle = [*wanted, *self.extra], random.Random(self.name).shuffle
        while [line for line in lines if line not in self.extra] == wanted:
            shuffle(lines)
        return lines

    def cells(self):
        odd = {0: "All of them belong.", 1: "One of them does not belong: delete it."}
        spare = odd.get(len(self.extra), f"{len(self.extra)} of them do not belong: delete them.")
        asked = f"Move the lines with Alt+↑ and Alt+↓, and indent them.\n{spare}"
        return {"task": self._task_cell(asked), "stub": self._stub("\n".join(self.lines))}

    def filled(self, function):
        return self._stub("\n".join(lines_of(function())))

    def solution(self):
        return "\n".join(lines_of(self.reference()))

    def _stub(self, program):
        return f'program = """\n{program}\n"""\ncheck("{self.name}", program)'

    def _judge(self, answer):
        got, verdict = self._read(answer, "lines of a program")
        if verdict:
            return verdict
        if not isinstance(got, str):
            return Verdict("wrong", "the lines stand in triple quotes, as text: what came instead?")
        lines = lines_of(got)
        stray = self._stray(lines)
        if stray:
            return Verdict("wrong", stray)
        if self._untouched(lines):
            return Verdict("todo", "nothing here yet")
        try:
            mine = structure(lines)
        except SyntaxError as error:
            return Verdict("wrong", why_unreadable(error, lines))
        verdict = self._recognise(lambda known: structure(lines_of(known())) == mine)
        return verdict or Verdict("wrong", self._what_is_off(lines))

    def _stray(self, lines):
        """A line on the first one that was never given, or not so often; None if there is none."""
        left = Counter(map(loosely, self.lines))
        # Among so many lines there is one, if at all: the rest of a huge text is never read.
        for line in lines[: len(self.lines) + 1]:
            if loosely(line) not in left:
                return f"{quoted(line)} is none of the given lines: what did it look like before?"
            left[loosely(line)] -= 1
            if left[loosely(line)] < 0:
                return f"{quoted(line)} stands there once too often: where does it belong?"
        return None

    def _untouched(self, lines):
        """Whether there is nothing, or all of the given lines and none of them indented."""
        mine, given = [*map(loosely, lines)], [*map(loosely, self.lines)]
        if not indented(lines_of(self.reference())):  # then order alone may be the answer
            return mine in ([], given)
        return not mine or (sorted(mine) == sorted(given) and not indented(lines))

    def _what_is_off(self, lines):
        """A line on a program that nobody foresaw: where to look, never what should stand there."""
        right = lines_of(self.reference())
        wanted, mine = Counter(map(loosely, right)), Counter(map(loosely, lines))
        missing = (wanted - mine).total()
        if missing:
            left_out = "a line is" if missing == 1 else f"{missing} lines are"
            return f"{left_out} missing: what would each one do that you left out?"
        if mine - wanted:
            return "all that is needed is there, and more: which line does not belong?"
        others = [lines_of(known.function()) for known in self.accepted]
        programs = [right, *(other for other in others if Counter(map(loosely, other)) == wanted)]
        off, in_order = max(_agreement(rows(lines), rows(program)) for program in programs)
        line = quoted(lines[off])
        if in_order:
            return f"the order is right, the indentation is not: what should {line} stand inside?"
        return f"look at {line}: what must be done before it, and what does it stand inside?"


def _agreement(mine, right):
    """(number of rows before the first that differs, whether the lines are in the same order)."""
    pairs = enumerate(zip(mine, right, strict=True))
    first = next(place for place, (one, other) in pairs if one != other)
    return first, [row[-1] for row in mine] == [row[-1] for row in right]


def choice(**about):
    """Decorator: a function whose docstring is the question; it returns the right letter.

    `about`: minutes, level, hints, options (a list of texts, called "a", "b" …); `concept=True`
    for a lesson's concept test; or `recalls="00"` instead of a level, for a recall card.
    """
    return lambda reference: Choice(reference=reference, **about)


def order(**about):
    """Decorator: a function that returns the right program as text; its docstring says what of.

    `about`: minutes, level, hints and `extra`, the lines that do not belong.
    """
    return lambda reference: Order(reference=reference, **about)


def _loose(text):
    """Text without regard to case and spaces."""
    return " ".join(text.lower().split())
