"""What a learner calls: `check`, `predict`, `reveal`, `hint`, `solution`; and `grade` for programs.

Each of the learner's calls prints one kind line and never a traceback.
"""

import functools
import inspect
from types import FunctionType

from .answers import Verdict
from .bank import find, lessons, of_lesson
from .kinds import Function, Prediction
from .running import name_of

_NOTHING = object()

# What this session remembers: bets by name, and which exercises were attempted.
_bets = {}
_tried = set()
# Exercises whose answer is running now: see _stand_in.
_running = set()


def grade(name, answer):
    """The `Verdict` on an answer to the exercise `name`; prints nothing, remembers nothing.

    An unknown name, or one of a prediction, is a `ValueError`.

    >>> grade("dot_bytes", 8000)
    Verdict(state='right', message='', code=None)
    >>> grade("dot_bytes", 2000).code
    'U2'
    """
    entry = find(name)
    if isinstance(entry, Prediction):
        raise ValueError(f"{name} is a bet and is never graded; `bet({name!r})` gives it back")
    _running.add(name)
    try:
        return entry.grade(_attempt(answer))
    finally:
        _running.discard(name)


def names(lesson=None):
    """The names of all exercises that are graded, or those of one lesson, such as 0 or "00".

    A lesson without exercises is a `ValueError`.

    >>> names(0)[:2]
    ['dot_bytes', 'matmul_flops']
    """
    wanted = lessons() if lesson is None else [str(lesson).zfill(2)]
    if wanted[0] not in lessons():
        raise ValueError(f"lesson {lesson!r} has no exercises; these have: {', '.join(lessons())}")
    entries = [entry for digits in wanted for entry in of_lesson(digits)]
    return [entry.name for entry in entries if not isinstance(entry, Prediction)]


def check(subject, answer=_NOTHING):
    """Check a function, `f = check(f)`, or a value, `check("dot_bytes", 8000)`.

    For a function: returns it when it is right, else a stand-in that works like the course's own,
    so that every later cell runs; checking the stand-in checks the learner's attempt again.  A
    function of another name is checked as `f = check("roofline", f)`.  For a value: returns None.

    >>> check("dot_bytes", 2 * 4 * 1000)
    ✓ dot_bytes
    """
    if issubclass(type(subject), str):
        returned, entry = None, _entry(subject)
    else:
        returned, entry = subject, _entry_of(subject)
        answer = subject
    if entry is None:
        return returned
    name = entry.name
    if isinstance(entry, Prediction):
        _remark(name, f'that is a bet: predict("{name}", …)')
        return returned
    if answer is _NOTHING:
        _remark(name, f'the answer goes after the name: check("{name}", …)')
        return returned
    verdict = grade(name, answer)
    if verdict.state != "todo":
        _tried.add(name)
    print(verdict.line(name))
    if not isinstance(entry, Function):
        return returned
    # An unusual answer that is right may count by another convention: later cells use ours.
    return answer if verdict == Verdict("right") else _stand_in(entry, answer)


def predict(name, value=...):
    """Record a bet, to be quoted back at the reveal; prints it, returns None.  Never graded.

    >>> predict("digit_macs", ...)
    ○ no bet yet
    >>> predict("digit_macs", 50_000)
    ◇ your bet: 50,000 multiply-adds
    """
    entry = _prediction(name)
    if entry is None:
        return
    if value is ... or value is None:
        _bets.pop(name, None)
        print("○ no bet yet")
        return
    try:
        _bets[name] = entry.read(value)
    except ValueError as error:
        print(f"○ {error}")
        return
    print(f"◇ your bet: {entry.show(_bets[name])}")


def reveal(name, truth):
    """Print the truth about a bet, a number or a word, beside the bet if there is one.

    >>> predict("batch_bytes", 2)
    ◇ your bet: ×2
    >>> reveal("batch_bytes", 1.7024)
    ◇ you bet ×2; it is ×1.7
    """
    entry = _prediction(name)
    if entry is None:
        return
    fact = f"it is {entry.show(entry.read(truth))}"
    print(f"◇ you bet {entry.show(_bets[name])}; {fact}" if name in _bets else fact)


def bet(name):
    """The bet recorded under `name`, a number or a word, or None; for pictures.

    >>> predict("all_threads", "peak")
    ◇ your bet: peak
    >>> bet("all_threads")
    'peak'
    """
    if not isinstance(find(name), Prediction):
        raise ValueError(f"{name} is graded and has no bet; `grade({name!r}, answer)` judges it")
    return _bets.get(name)


def hint(name, n=1):
    """Print the `n`-th hint to an exercise, counted from 1; hints ask.

    >>> hint("dot_bytes", 2)
    hint 2 of 2: How many bits does fp32 have, and how many bytes is that?
    """
    entry = _graded(name)
    if entry is None:
        return
    total = len(entry.hints)
    if isinstance(n, bool) or not isinstance(n, int) or n < 1:
        _remark(name, f'hints are numbered from 1: hint("{name}", 1)')
    elif n > total:
        there = "there is one hint" if total == 1 else f"there are {total} hints"
        _remark(name, f'{there} and no further one; solution("{name}") shows one way')
    else:
        more = f'  next: hint("{name}", {n + 1})' if n < total else ""
        print(f"hint {n} of {total}: {entry.hints[n - 1]}{more}")


def solution(name, anyway=False):
    """Print the course's own answer, once there was an attempt; `anyway=True` does not wait.

    >>> solution("dot_bytes", anyway=True)
    vectors, length, itemsize = 2, 1000, 4
    vectors * length * itemsize
    → 8,000 bytes
    """
    entry = _graded(name)
    if entry is None:
        return
    if name in _tried or anyway:
        print(entry.solution())
    else:
        _remark(name, f'try it once first; or ask for solution("{name}", anyway=True)')


def _stand_in(entry, answer):
    """A function like the course's own that remembers the learner's attempt."""
    attempt = _attempt(answer)

    @functools.wraps(entry.reference)
    def course_own(*args, **kwargs):
        # An attempt that calls itself by name reaches this function: while it is checked it
        # must meet itself, or the course's answer would be graded in its place.
        own = attempt if entry.name in _running and callable(attempt) else entry.reference
        return own(*args, **kwargs)

    course_own.__signature__ = inspect.signature(entry.reference)
    del course_own.__wrapped__  # through it, `name??` would show the solution
    course_own._attempt = attempt
    return course_own


def _attempt(answer):
    """What a stand-in remembers; any other answer as it is."""
    # Not by isinstance, which would ask an object of the learner's for its class.
    return vars(answer).get("_attempt", answer) if type(answer) is FunctionType else answer


def _remark(name, message):
    print(Verdict("todo", message).line(name))


def _entry(name, advice=""):
    """The exercise or prediction of that name, or None after a line that says why not."""
    try:
        return find(name)
    except ValueError as error:
        print(f"○ {error}{advice}")
        return None


def _entry_of(subject):
    """The exercise with the name of a function, or None after a line that says why not."""
    name = name_of(subject) if callable(subject) else None
    if name == "<lambda>":
        print('○ a lambda has no name to go by: f = check("name of the exercise", f)')
        return None
    if isinstance(name, str):
        return _entry(name, '; a function of another name: f = check("name of the exercise", f)')
    print('○ check takes a function, f = check(f), or a name and an answer: check("dot_bytes", 12)')
    return None


def _prediction(name):
    """The prediction of that name, or None after a line that says why not."""
    entry = _entry(name)
    if entry is None or isinstance(entry, Prediction):
        return entry
    print(f'○ {name} is an exercise: check("{name}", …)')
    return None


def _graded(name):
    """The exercise of that name, or None after a line that says why not."""
    entry = _entry(name)
    if not isinstance(entry, Prediction):
        return entry
    print(f"○ {name} is a bet: any answer will do, and its reveal tells the truth")
    return None
