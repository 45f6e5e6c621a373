"""Exercises with many right answers: a chip to design, and a text to write."""

import re
from dataclasses import dataclass
from math import floor, log

from .. import chip, units
from .answers import Verdict, brief, shown, why_no_number
from .base import Exercise

_KNOBS = "side", "arrays", "SRAM", "stacks"
_GRID = chip.SIDES, chip.ARRAYS, chip.SRAMS, chip.STACKS


@dataclass(eq=False, kw_only=True)
class Design(Exercise):
    """The learner gives the four sizes of a `chip.Chip` that is to be good at a mix of work.

    `mix`: a name in `chip.MIXES`.  Right is what fits into the budget and scores at least `share`
    of the best design that does.
    """

    mix: str
    share: float = 0.95

    def __post_init__(self):
        name = self.reference.__name__
        if self.mix not in tuple(chip.MIXES):
            raise ValueError(
                f"{name} has the mix {self.mix!r}; give one of {', '.join(chip.MIXES)}"
            )
        if not 0 < self.share <= 1:
            raise ValueError(f"{name} has the share {self.share}; give one above 0, and 1 at most")
        super().__post_init__()

    def cells(self):
        asked = (
            "Answer with four numbers: side, arrays, MiB of SRAM, stacks of HBM; "
            f"{100 * self.share:g} % of the best score will do."
        )
        return {"task": self._task_cell(asked), "stub": f'check("{self.name}", ...)'}

    def filled(self, function):
        return f'check("{self.name}", {tuple(function())})'

    def solution(self):
        found = self._chip(self.reference())
        sizes = f"({found.side}, {found.arrays}, {found.sram}, {found.stacks})"
        return f"{sizes}\n→ {_square(found.area)}, the best that there is"

    def _judge(self, answer):
        got, verdict = self._read(answer, "four numbers")
        if verdict:
            return verdict
        if not isinstance(got, tuple) or len(got) != len(_KNOBS):
            asked = "four numbers are asked: (side, arrays, MiB, stacks)"
            return Verdict("wrong", f"that is {shown(brief(got))}; {asked}")
        for name, size, known in zip(_KNOBS, got, _GRID, strict=True):
            reason = why_no_number(size, name)
            if reason:
                return Verdict("wrong", reason)
            if size not in known:
                listed = ", ".join(map(str, known))
                return Verdict("wrong", f"{name} {brief(size)} is not for sale: {listed} are")
        verdict = self._recognise(lambda known: tuple(known()) == got)
        return verdict or self._scored(self._chip(got))

    @staticmethod
    def _chip(sizes):
        return chip.Chip(*map(int, sizes))

    def _scored(self, mine):
        area = _square(mine.area)
        if not mine.fits:
            over = f"{_square(mine.area - chip.BUDGET)} too many"
            return Verdict("wrong", f"{area}: {over}. What takes most, and is it used?")
        best = chip.best(self.mix)
        reached = chip.score(mine, self.mix) / chip.score(best, self.mix)
        # cut, not rounded: what says 95 % is enough
        says = f"{area}, {units.number(floor(1000 * reached) / 10)} % of the best score"
        if reached >= self.share:
            return Verdict("right", says)
        losses = {name: self._loss(mine, best, name) for name in chip.MIXES[self.mix]}
        most = max(losses, key=losses.get)
        return Verdict("wrong", f"{says}: most is lost on {most}. {self._where(mine, best, most)}")

    def _loss(self, mine, best, name):
        """By how much, as a logarithm, one workload pulls the score down."""
        ours, theirs = (each.run(chip.WORKLOADS[name]) for each in (mine, best))
        lost = log(ours.seconds * ours.joules / (theirs.seconds * theirs.joules))
        return chip.MIXES[self.mix][name] * lost

    @staticmethod
    def _where(mine, best, name):
        """A question on time or on energy, whichever is further from the best design's."""
        ours, theirs = (each.run(chip.WORKLOADS[name]) for each in (mine, best))
        if ours.seconds / theirs.seconds >= ours.joules / theirs.joules:
            return {
                "memory": "It waits for memory: which knob moves more, or less, bytes?",
                "arrays": "It waits for the arrays: are they many enough, and full?",
            }[ours.limit]
        parts = {
            "HBM": ours.hbm_joules - theirs.hbm_joules,
            "SRAM": ours.sram_joules - theirs.sram_joules,
        }
        return {
            "HBM": "Its energy goes into HBM: what could stay on the chip?",
            "SRAM": "Its energy goes into SRAM: how large need it be, and how often is it read?",
        }[max(parts, key=parts.get)]


@dataclass(eq=False, kw_only=True)
class Written(Exercise):
    """The learner writes some sentences; the reference is a model text to compare with.

    Prose is not graded: any text of `words` words or more is taken.  `points`: {question: words of
    which one shows that it was thought of}; what is not touched is asked back.
    """

    points: dict
    words: int = 20

    def __post_init__(self):
        name = self.reference.__name__
        if not self.points or any(isinstance(signs, str) for signs in self.points.values()):
            raise ValueError(f"{name} has the points {self.points}; give {{question: (words, …)}}")
        if self.words < 1:
            raise ValueError(f"{name} asks for {self.words} words; give 1 or more")
        super().__post_init__()

    @property
    def sort(self):
        return super().sort or "Write"

    def cells(self):
        asked = (
            f"Write between the quotes, {self.words} words at least; "
            f'then `solution("{self.name}")` shows a text to compare with.'
        )
        return {"task": self._task_cell(asked), "stub": self._stub("...")}

    def filled(self, function):
        return self._stub(function())

    def solution(self):
        return self.reference()

    def _stub(self, text):
        return f'text = """\n{text}\n"""\ncheck("{self.name}", text)'

    def _judge(self, answer):
        got, verdict = self._read(answer, "a text")
        if verdict:
            return verdict
        if not isinstance(got, str):
            return Verdict("wrong", "your text stands in triple quotes: what came instead?")
        text = _plain(got[:10_000])
        if text in ("", "..."):
            return Verdict("todo", "nothing here yet")
        verdict = self._recognise(lambda known: _plain(known()) == text)
        if verdict:
            return verdict
        count = len(text.split())
        if count < self.words:
            counted = f"{count} word{'s' * (count != 1)}"
            return Verdict("wrong", f"{counted}: what would a reader ask you next?")
        missed = [ask for ask, signs in self.points.items() if not _has(text, signs)]
        asks = f" {' '.join(missed)}" if missed else ""
        return Verdict("right", f'compare it with solution("{self.name}").{asks}')


def _square(area):
    return f"{area:,.1f} mm²"


def _plain(text):
    return " ".join(text.split())


def _has(text, signs):
    return any(re.search(rf"\b{re.escape(sign)}", text, re.I) for sign in signs)


def design(**about):
    """Decorator: a function that returns the best sizes; its docstring is the task of a `Design`.

    `about`: minutes, level, hints, mix and, unless 0.95, share.
    """
    return lambda reference: Design(reference=reference, **about)


def written(**about):
    """Decorator: a function that returns a model text; its docstring is the task of a `Written`.

    `about`: minutes, level, hints, points and, unless 20, words.
    """
    return lambda reference: Written(reference=reference, **about)
