"""What all graded exercises share: a task, hints, answers known in advance, and a verdict."""

from dataclasses import dataclass, field
from typing import NamedTuple

from . import running, source
from .answers import Verdict, type_name
from .bank import lesson_of, of_lesson, register
from .limit import TimeUp
from .running import Raised, read


class Known(NamedTuple):
    """An answer that is expected besides the reference, and what is said about it."""

    function: object
    message: str
    code: str | None = None


@dataclass(eq=False, kw_only=True)
class Exercise:
    """A graded exercise.  Each kind adds `cells()`, `filled(function)` and `solution()`.

    `reference` computes the right answer; its docstring is the task, its name the exercise's.
    `minutes`: how long it takes.  `level`: how hard it is, from 1; a recall card has none.
    `hints`: questions, the gentlest first.
    `recalls`: two digits of the earlier lesson that a recall card asks for.
    A definition that contradicts itself is a `ValueError`.
    """

    reference: object
    minutes: int
    hints: list
    level: int | None = None
    recalls: str | None = None
    mistakes: list = field(default_factory=list)
    accepted: list = field(default_factory=list)

    def __post_init__(self):
        self.name = self.reference.__name__
        self.lesson = lesson_of(self.reference)
        if not self.hints:
            raise ValueError(f"{self.name} has no hints; give at least one question")
        if self.recalls and not "00" <= self.recalls < self.lesson:
            raise ValueError(
                f"{self.name} recalls lesson {self.recalls!r}; "
                f"give the two digits of one before {self.lesson}"
            )
        if (self.level is None) != bool(self.recalls):
            raise ValueError(f"{self.name} needs level= or, as a recall card, recalls=; not both")
        register(self)

    @property
    def sort(self):
        """What the heading calls a card that has no number, such as "Recall lesson 0", or None."""
        return f"Recall lesson {int(self.recalls)}" if self.recalls else None

    @property
    def number(self):
        """Its number, such as "00.3": the place among the numbered ones of its lesson, or None."""
        entries = (entry for entry in of_lesson(self.lesson) if isinstance(entry, Exercise))
        numbered = [entry for entry in entries if not entry.sort]
        return f"{self.lesson}.{numbered.index(self) + 1}" if self in numbered else None

    def mistake(self, message, code=None):
        """Decorator: a wrong answer people give, the hint it deserves and its misconception."""
        return self._remember(self.mistakes, message, code)

    def also(self, message):
        """Decorator: a right but unusual answer, accepted with this note."""
        return self._remember(self.accepted, message)

    def _remember(self, group, *about):
        def remember(function):
            group.append(Known(function, *about))
            return function

        return remember

    def grade(self, answer):
        """The `Verdict` on a learner's answer, whatever it is and does."""
        try:
            return self._judge(answer)
        except TimeUp:
            message = f"still running after {running.LIMIT:g} s: does every loop end?"
            return Verdict("wrong", message)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # an object that breaks what Python itself relies on
            return Verdict("wrong", f"that cannot be checked: it raised {type_name(error)}")

    def _recognise(self, agrees):
        """The verdict by the answers known in advance, or None; `agrees(function)` compares."""
        if agrees(self.reference):
            return Verdict("right")
        for known in self.accepted:
            if agrees(known.function):
                return Verdict("right", known.message)
        for known in self.mistakes:
            if agrees(known.function):
                return Verdict("wrong", known.message, known.code)
        return None

    def _read(self, answer, asked):
        """(the answer as plain data, None), or (None, the verdict on what is no answer at all)."""
        if answer is ...:
            return None, Verdict("todo", "nothing here yet")
        got = read(answer)
        if isinstance(got, Raised):
            return None, Verdict("wrong", f"that cannot be read as {asked}: {got.text}")
        if got is None:
            message = "that is None, which is what `print` and a missing return give"
            return None, Verdict("todo", message)
        return got, None

    def _task_cell(self, asked=""):
        """The Markdown of the task: a heading line, the docstring, a link to the definition."""
        heading = f"**{self.sort or self.number} · {self.name}** · {self.minutes} min"
        if self.level:
            heading += f" · level {self.level}"
        link = f"[How it is checked](../course_utils/exercises/lesson_{self.lesson}.py)"
        return "\n\n".join([heading, source.task(self.reference), f"{asked} {link}".strip()])
