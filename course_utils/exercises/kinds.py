"""Exercises that ask for a function or a number, and bets, which are never graded.

One definition in `lesson_NN.py` gives the task, the stub, the reference, the hints and the wrong
answers that people give.  Every kind has `name`, `lesson` and `cells()`, the text of its notebook
cells; a graded kind has `hints`, `grade(answer)` and `solution()` as well, and `filled(function)`,
the stub with the answer of the reference or of a mistake in it.
"""

import inspect
import random
from dataclasses import dataclass, field

from .. import units
from . import source
from .answers import Odd, Verdict, brief, is_number, plain, same, shape, shown, why_no_number
from .bank import lesson_of, register
from .base import Exercise
from .limit import TimeUp
from .running import Raised, observe, read, refusal, untouched

_PREFIXES = -3, -2, -1, 1, 2, 3  # powers of 1,000 and of 1,024


@dataclass(eq=False, kw_only=True)
class Function(Exercise):
    """The learner writes a function; it is run on drawn arguments and compared.

    `tolerance` is a fraction of the right result.
    """

    tolerance: float = 0.0
    _results: dict = field(default_factory=dict, init=False, repr=False)

    def cases(self, draw):
        """Decorator: `draw(random)` gives the list of argument tuples to grade on."""
        self._draw = draw
        return draw

    def arguments(self):
        """The argument tuples, the same at every call."""
        return self._draw(random.Random(self.name))

    def cells(self):
        return {
            "task": self._task_cell(),
            "stub": source.stub(self.reference),
            "check": f"{self.name} = check({self.name})",
        }

    def filled(self, function):
        return source.solution(function, self.name)

    def solution(self):
        return self.filled(self.reference)

    def _judge(self, answer):
        if answer is None or answer is ...:
            return Verdict("todo", "nothing here yet")
        cases = self.arguments()
        names = list(inspect.signature(self.reference).parameters)
        refused = refusal(answer, cases[0], names)
        if refused:
            return Verdict("wrong", refused)
        run = observe(answer, cases)
        if run.empty:
            return self._nothing(answer, run)
        verdict = self._recognise(lambda known: self._agree(run.results, known, cases))
        verdict = verdict or self._recognise_place(run.results, cases)
        if verdict is None:
            return Verdict("wrong", self._first_failure(run.results, cases, names))
        if verdict.state == "right" and run.changed is not None:
            message = (
                f"the numbers are right, but it changes its argument `{names[run.changed]}`, which "
                "belongs to the caller: can it work on a new array?"
            )
            return Verdict("wrong", message)
        return verdict

    def _agree(self, results, function, cases):
        return self._equal(results, self._of_known(function, cases))

    def _of_known(self, function, cases):
        """The results of an answer known in advance, computed once: its cases stay the same."""
        if function not in self._results:
            self._results[function] = observe(function, cases).results
        return self._results[function]

    def _equal(self, results, others):
        return all(
            got.name == want.name
            if isinstance(got, Raised) and isinstance(want, Raised)
            else same(got, want, self.tolerance)
            for got, want in zip(results, others, strict=True)
        )

    def _recognise_place(self, results, cases):
        """The verdict on the first number of a tuple that is wrong as in a mistake, or None.

        The numbers of one tuple may be wrong for different reasons, which no mistake foresees.
        """
        if not isinstance(self.reference(*cases[0]), tuple):
            return None
        wants, mine = _places(self._of_known(self.reference, cases)), _places(results)
        if len(mine) != len(wants):
            return None
        wrong = next(n for n, want in enumerate(wants) if not self._equal(mine[n], want))
        for known in self.mistakes:
            theirs = _places(self._of_known(known.function, cases))
            if len(theirs) == len(wants) and self._equal(mine[wrong], theirs[wrong]):
                return Verdict("wrong", known.message, known.code)
        return None

    def _nothing(self, answer, run):
        if run.results[0] is not None or untouched(answer):
            return Verdict("todo", "nothing here yet")
        if run.printed:
            return Verdict("wrong", "it prints and returns nothing: what does `return` do instead?")
        return Verdict("wrong", "it returns nothing: is there a `return` before the result?")

    def _first_failure(self, results, cases, names):
        """A line on the first case that is not right; it never tells the right value."""
        wants = [plain(self.reference(*case)) for case in cases]
        rows = zip(cases, results, wants, strict=True)
        case, got, want = next(row for row in rows if not same(row[1], row[2], self.tolerance))
        # a case may leave out an argument that has a default
        where = ", ".join(f"{n}={_argument(v)}" for n, v in zip(names, case, strict=False))
        if isinstance(got, Raised):
            return f"for {where} {got.text}"
        if isinstance(want, dict):
            return f"for {where}: {_first_entry(got, want, self.tolerance)}"
        if is_number(want) and not is_number(got):
            return f"for {where}: {why_no_number(got, 'what it returns')}"
        returns = f"it returns {brief(got)}"
        if isinstance(self.reference(*case), tuple):
            if not isinstance(got, tuple) or len(got) != len(want):
                return f"for {where} {returns}; asked are {len(want)} numbers, with commas between"
            place = next(n for n, w in enumerate(want) if not same(got[n], w, self.tolerance))
            returns = f"number {place + 1} of the {len(want)} is {brief(got[place])}"
            got, want = got[place], want[place]
        if isinstance(got, Odd) and isinstance(want, tuple):
            return f"for {where} {returns}; return a list"
        if want and isinstance(want, tuple) and all(isinstance(w, str) for w in want):
            return f"for {where} {_first_choice(got, want)}"
        if shape(got) != shape(want):
            asked = f"shape {shape(want)}" if shape(want) else "one number or an array of one"
            return f"for {where} {returns}, of shape {shape(got)}; asked is {asked}"
        return (
            f"for {where} {returns}. Work this case out by hand: "
            f'what should it be? hint("{self.name}") asks a question that helps'
        )


def _argument(value):
    """An argument of a case in a few words: the course's own, so that its repr can be read."""
    data = plain(value)
    return shown(repr(value).split(":")[0], 60) if isinstance(data, Odd) else brief(data)


def _first_choice(got, want):
    """What is off in the texts that a function chooses; it never tells which."""
    returns = f"it returns {brief(got)}"
    if not isinstance(got, tuple):
        return f"{returns}; return a list"
    spare, missing = (any(x not in b for x in a) for a, b in ((got, want), (want, got)))
    if spare:
        return f"{returns}: is each of them asked{', and is any missing' * missing}?"
    if missing:
        return f"{returns}: is any missing?"
    return f"{returns}: in which order, and how often, were they asked?"


def _first_entry(got, want, tolerance):
    """What is off in the dict that a function returns; it never tells the right value."""
    if not isinstance(got, dict):
        return f"it returns {brief(got)}, and a dict is asked"
    missing, spare = ([key for key in a if key not in b] for a, b in ((want, got), (got, want)))
    if missing:
        return f"there is no key {missing[0]!r}: what became of it?"
    if spare:
        return f"there is a key {shown(spare[0])!r} that does not belong: where does it come from?"
    key = next(key for key in want if not same(got[key], want[key], tolerance))
    return f"the entry {key!r} is {brief(got[key])}. Add it up for a small case by hand"


def _places(results):
    """The numbers of tuples, all of one length, by their place in the tuple; else no places."""
    lengths = {len(result) if isinstance(result, tuple) else 0 for result in results}
    return list(zip(*results, strict=True)) if len(lengths) == 1 and lengths != {0} else []


@dataclass(eq=False, kw_only=True)
class Value(Exercise):
    """The learner gives one number; the reference, without arguments, computes it.

    `tolerance` is a fraction of the right answer.
    """

    unit: str
    tolerance: float = 0.0

    @property
    def value(self):
        """The right answer, as plain data."""
        return plain(self.reference())

    def cells(self):
        within = f", within {100 * self.tolerance:g} %" if self.tolerance else ""
        return {
            "task": self._task_cell(f"Answer in {self.unit}{within}."),
            "stub": f'check("{self.name}", ...)',
        }

    def filled(self, function):
        return f'check("{self.name}", {plain(function())!r})'

    def solution(self):
        lines = source.computation(self.reference)
        return f"{lines}\n→ {units.number(self.value)} {self.unit}"

    def _judge(self, answer):
        got, verdict = self._read(answer, "a number")
        if verdict:
            return verdict
        reason = why_no_number(got)
        if reason:
            return Verdict("wrong", reason)
        verdict = self._recognise(lambda known: same(got, plain(known()), self.tolerance))
        return verdict or Verdict("wrong", self._no_known(got))

    def _no_known(self, got):
        """A line on a number that nobody foresaw: what is odd about it, never the right one."""
        want = self.value
        part = isinstance(got, float) and not got.is_integer()
        shown = f"{f'{got:.6g}' if part else brief(got)} {self.unit}"
        if got <= 0:
            return f"{shown}: can it be that small?"
        if same(got, want, 1e-3):
            return "close, and not exact: is something rounded, or off by one?"
        if _is_rounded(got, want):
            return f"{shown}: is it rounded? Give one digit more"
        for size in (10.0**3, 2.0**10):
            if any(same(got, want * size**n, max(self.tolerance, 1e-6)) for n in _PREFIXES):
                return f"{shown}: the answer is asked in {self.unit}; which prefix has yours?"
        if isinstance(want, int) and part:
            return f"{shown}: can there be a part of one?"
        if "byte" in self.unit and (same(got, 8 * want) or same(8 * got, want)):
            return f"{shown}: how many bits are in a byte, and which of the two is asked?"
        side = "large" if got > want else "small"
        return f'{shown} is too {side}. hint("{self.name}") asks a question that helps'


def _is_rounded(got, want):
    """Whether it is `want` in one, two or three digits, such as 8 for 7.89."""
    near = same(got, want, 0.01 if isinstance(want, int) else 0.05)
    return near and any(got == float(f"{want:.{digits}g}") for digits in (1, 2, 3))


def _letters(word):
    """What counts of a word that was typed: "j-k-i" is "jki", and "gpt" is "GPT"."""
    return "".join(filter(str.isalnum, word)).lower()


@dataclass(frozen=True)
class Prediction:
    """A bet, recorded and quoted back, never graded: a number with a unit, or one of `words`.

    With `numbers` it is a curve: a list of so many numbers.
    """

    name: str
    lesson: str
    task: str
    unit: str
    words: tuple
    numbers: int = 1

    def cells(self):
        return {
            "task": f"**Your bet · {self.name}**\n\n{self.task}",
            "stub": f'predict("{self.name}", ...)',
        }

    def read(self, bet):
        """A bet or the truth as plain data; a `ValueError` says what it may be."""
        try:
            got = read(bet)
        except TimeUp:
            got = None
        if self.words:
            known = {_letters(word): word for word in self.words}
            if isinstance(got, str) and _letters(got) in known:
                return known[_letters(got)]
            raise ValueError(f"{self.name} takes one of {', '.join(map(repr, self.words))}")
        if self.numbers > 1:
            return self._curve(got)
        if is_number(got) and got > 0:
            return got
        if is_number(got):
            raise ValueError(f"{self.name} takes a number above 0; {units.number(got)} is none")
        reason = got.text if isinstance(got, Raised) else why_no_number(got)
        raise ValueError(f"{self.name} takes a number, such as 12: {reason}")

    def _curve(self, got):
        """The numbers of a curve, a tuple."""
        example = f"a list of {self.numbers} numbers above 0, such as {[12] * self.numbers}"
        if isinstance(got, Raised):
            raise ValueError(f"{self.name} takes {example}: {got.text}")
        if not isinstance(got, tuple) or len(got) != self.numbers:
            raise ValueError(f"{self.name} takes {example}")
        wrong = next((x for x in got if not (is_number(x) and x > 0)), None)
        if wrong is not None:
            raise ValueError(f"{self.name} takes {example}; {brief(wrong)} is none")
        return got

    def show(self, x):
        """A bet or the truth, with its unit."""
        if isinstance(x, str):
            return x
        if isinstance(x, tuple):
            return f"{' · '.join(map(units.number, x))} {self.unit}".rstrip()
        shown = units.number(x)
        return f"×{shown}" if self.unit == "×" else f"{shown} {self.unit}".rstrip()


def exercise(**about):
    """Decorator: the reference of a `Function`, with its task as docstring.

    `about`: minutes, level, hints and, unless exact, tolerance.  The solution stands between the
    comments `# BEGIN SOLUTION` and `# END SOLUTION`.
    """
    return lambda reference: Function(reference=reference, **about)


def value(**about):
    """Decorator: a function of no arguments that computes the answer of a `Value`.

    `about`: minutes, level, hints, unit and, unless exact, tolerance.  With `recalls="00"` instead
    of a level it is a recall card on lesson 00, which has no number.
    """
    return lambda reference: Value(reference=reference, **about)


def prediction(*, unit="", words=(), numbers=1):
    """Decorator: a function whose docstring asks for a bet; the truth comes at the reveal.

    The bet is a number in `unit`, one of `words`, or a list of so many `numbers`, a curve.
    """

    def define(question):
        lesson, task = lesson_of(question), source.task(question)
        return register(Prediction(question.__name__, lesson, task, unit, tuple(words), numbers))

    return define
