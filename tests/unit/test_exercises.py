"""The engine's promises to whoever gives it an answer, a bet or a call."""

import _thread
import copy
import inspect
import math
import signal
import threading
import time
import types
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from learners import (
    ENDLESS,
    ODDITIES,
    Endless,
    EndlessCall,
    Strange,
    StrangeCall,
    StrangeText,
    answer_of,
    define,
    kind,
    nested,
    stub_of,
)

from course_utils.exercises import (
    bank,
    bet,
    check,
    grade,
    hint,
    names,
    predict,
    reveal,
    running,
    solution,
)
from course_utils.exercises.answers import Verdict, brief, plain, same
from course_utils.exercises.kinds import Function
from course_utils.exercises.limit import TimeUp, limited


def with_where(intensity, peak, bandwidth):
    slope = bandwidth * np.asarray(intensity)
    return np.where(slope < peak, slope, peak)


# Answers of every kind to an exercise of every kind

# one of each: a value, a choice, an order, functions of arrays and of numbers
KINDS = ["dot_bytes", "doubling_batch", "dense_loops", "roofline", "dense_meters"]


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("place", range(len(ODDITIES)))  # pytest would look into the oddity itself
def test_any_oddity_gets_one_kind_line(name, place, capsys):
    given = check(name, ODDITIES[place])
    printed = capsys.readouterr()
    assert printed.err == "" and printed.out.count("\n") == 1
    assert printed.out[0] in "○✗" and printed.out[1 : len(name) + 3] == f" {name}:"
    assert len(printed.out) < 300 and printed.out.strip().isprintable()
    printed.out.encode()
    is_function = isinstance(bank.find(name), Function)
    assert callable(given) if is_function else given is None


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("place", range(len(ENDLESS)))
def test_what_never_ends_gets_one_kind_line(name, place, capsys, monkeypatch):
    monkeypatch.setattr(running, "LIMIT", 0.1)
    check(name, ENDLESS[place])
    printed = capsys.readouterr()
    assert printed.out.count("\n") == 1 and printed.out.startswith(f"✗ {name}: ")
    assert printed.err == ""


@pytest.mark.parametrize("name", KINDS)
def test_an_oddity_changes_nothing_for_the_next_answer(name):
    entry = bank.find(name)
    right = answer_of(entry, entry.reference)
    for answer in (Strange(), nested(), StrangeText("b"), 10**5000):
        grade(name, answer)
        assert grade(name, right) == Verdict("right")
    assert grade(name, stub_of(entry)).state == "todo"


def test_what_an_answer_prints_is_dropped(capsys):
    class Talker:
        def __float__(self):
            print("noise")
            return 8000.0

    check("dot_bytes", Talker())
    assert capsys.readouterr() == ("✓ dot_bytes\n", "")


def test_a_name_may_be_an_odd_text(capsys, monkeypatch):
    monkeypatch.setattr(running, "LIMIT", 0.1)
    assert check(StrangeText("dot_bytes"), 8000) is None
    check(EndlessCall())
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "✓ dot_bytes"
    assert lines[1].startswith("○ check takes a function")


# Answers of every kind to a value


@pytest.mark.parametrize(
    "answer",
    [
        8000,
        8000.0,
        np.int64(8000),
        np.float32(8000),
        np.uint16(8000),
        np.array(8000),
        np.array([8000.0]),
        np.array([[8000]]),
        Fraction(8000),
        Decimal(8000),
        7999.9999999999,
    ],
)
def test_right_in_any_number_type(answer):
    assert grade("dot_bytes", answer) == Verdict("right")


@pytest.mark.parametrize(
    "answer, part",
    [
        (None, "which is what `print`"),
        (True, "truth value True"),
        (np.bool_(False), "truth value False"),
        ("8000", "without quotes"),
        (math.nan, "divided by zero"),
        (-math.inf, "divided by zero"),
        (np.float32("nan"), "divided by zero"),
        (8000 + 0j, "complex"),
        ([8000, 1], "a sequence of 2"),
        (np.arange(3), "a sequence of 3"),
        ({}, "type dict"),
        (b"8000", "type bytes"),
        (lambda: 8000, "call it, with parentheses"),
        (int, "a class"),
        (Strange(), "cannot be read as a number: it raised RuntimeError"),
        (nested(), "cannot be read as a number"),
        (0, "can it be that small?"),
        (-8000, "can it be that small?"),
        (8000.5, "close, and not exact"),
        (1234.5, "can there be a part of one?"),
        (64000, "how many bits"),
        (1000, "how long one vector is"),
        (8, "which prefix"),
        (8_000_000, "which prefix"),
        (7.8125, "which prefix"),
        (8_192_000, "which prefix"),
        (1234.25, "1234.25 bytes: can there be a part of one?"),
        (9000, '9,000 bytes is too large. hint("dot_bytes") asks'),
        (7000, '7,000 bytes is too small. hint("dot_bytes") asks'),
        (10**5000, "about 10^5000 bytes is too large"),
        (1e300, "about 10^300 bytes is too large"),
        (Decimal("1e9999"), "that is inf"),
    ],
    ids=kind,
)
def test_every_other_value_gets_a_kind_line(answer, part, capsys):
    assert check("dot_bytes", answer) is None
    printed = capsys.readouterr().out
    assert part in printed and printed.count("\n") == 1
    assert printed.startswith("○" if answer is None else "✗")


def test_reading_a_value_has_a_time_limit(monkeypatch):
    monkeypatch.setattr(running, "LIMIT", 0.2)
    assert "still running" in grade("dot_bytes", Endless()).message


anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.complex_numbers()
    | st.text()
    | st.binary()
    | st.decimals()
    | st.fractions()
    | st.sampled_from([..., NotImplemented, object(), int, len, np.float32(1), [[]]])
    | st.builds(Strange),
    lambda parts: st.lists(parts) | st.dictionaries(st.text(), parts) | st.lists(parts).map(tuple),
)


@settings(max_examples=30)  # of each to all exercises
@given(anything)
def test_any_object_gets_a_verdict(answer):
    for name in names():
        verdict = grade(name, answer)
        assert verdict.state in ("todo", "wrong", "right")
        assert verdict.state == "right" or verdict.message


@given(st.floats(min_value=1, max_value=1e12))
def test_no_line_on_a_wrong_value_tells_the_answer(wrong):
    verdict = grade("half_elements", wrong)
    assert verdict.state == "right" or "2,097,152" not in verdict.message.replace(brief(wrong), "")


# Functions of every kind


def endless(intensity, peak, bandwidth):
    while True:
        pass


def sleeps_on(intensity, peak, bandwidth):
    while True:
        try:  # noqa: SIM105 - a with would look for interrupts elsewhere
            time.sleep(10)
        except BaseException:
            pass


def stubborn(intensity, peak, bandwidth):
    while True:
        try:
            while True:
                time.sleep(10)
        except BaseException:
            pass


def stubborn_in_depth(intensity, peak, bandwidth):
    while True:
        try:
            while True:
                try:
                    stubborn(intensity, peak, bandwidth)
                except BaseException:
                    continue
        except BaseException:
            continue


def gives_in_late(intensity, peak, bandwidth):
    try:
        endless(intensity, peak, bandwidth)
    except BaseException:
        return np.minimum(peak, bandwidth * intensity)


@pytest.mark.parametrize("answer", [endless, sleeps_on, stubborn, stubborn_in_depth, gives_in_late])
def test_endless_loops_end(answer, monkeypatch):
    assert threading.current_thread() is threading.main_thread()
    monkeypatch.setattr(running, "LIMIT", 0.3)
    handler = signal.getsignal(signal.SIGINT)
    start = time.monotonic()
    verdict = grade("roofline", answer)
    assert verdict == Verdict("wrong", "still running after 0.3 s: does every loop end?")
    assert time.monotonic() - start < 3
    assert signal.getsignal(signal.SIGINT) is handler


def test_an_interrupt_by_the_learner_stays_one():
    timer = threading.Timer(0.2, _thread.interrupt_main)
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        timer.start()
        with pytest.raises(KeyboardInterrupt):
            grade("roofline", endless)
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        timer.join()
        signal.signal(signal.SIGINT, handler)


def test_work_that_ends_near_its_limit_leaves_no_interrupt_behind():
    ended = []
    for _ in range(100):
        try:
            ended.append(limited(lambda: time.sleep(0.002), 0.002))
        except TimeUp:
            ended.append(TimeUp)
    assert len(ended) == 100


def test_outside_the_main_thread_there_is_no_limit():
    given = []
    thread = threading.Thread(
        target=lambda: given.append(limited(lambda: time.sleep(0.05) or 5, 0.01))
    )
    thread.start()
    thread.join()
    assert given == [5]


def raises(intensity, peak, bandwidth):
    rate = bandwidth * intensity
    return min(peak, rate) / 0


def leaves(intensity, peak, bandwidth):
    raise SystemExit(3)


def falls(intensity, peak, bandwidth):
    return falls(intensity, peak, bandwidth)


def raises_strangely(intensity, peak, bandwidth):
    class Odd(BaseException):
        def __str__(self):
            raise self

    raise Odd


def not_written_yet(intensity, peak, bandwidth):
    raise NotImplementedError


def gives_dots(intensity, peak, bandwidth):
    return ...


def forgets_return(intensity, peak, bandwidth):
    rate = np.minimum(peak, bandwidth * intensity)  # noqa: F841


def prints_it(intensity, peak, bandwidth):
    print(np.minimum(peak, bandwidth * intensity))


async def waits(intensity, peak, bandwidth):
    return np.minimum(peak, bandwidth * intensity)


def yields(intensity, peak, bandwidth):
    yield np.minimum(peak, bandwidth * intensity)


def takes_less(intensity, peak):
    return peak


def changes_it(intensity, peak, bandwidth):
    intensity *= bandwidth
    return np.minimum(peak, intensity)


def one_for_all(intensity, peak, bandwidth):
    return np.minimum(peak, bandwidth * np.min(intensity))


def nearly(intensity, peak, bandwidth):
    return np.minimum(peak, bandwidth * intensity) + 1


CASE = "for intensity=0.5, peak=100, bandwidth=20"


@pytest.mark.parametrize(
    "answer, line",
    [
        (
            raises,
            f"✗ roofline: {CASE} it raised ZeroDivisionError: float division by zero (line 3)",
        ),
        (leaves, f"✗ roofline: {CASE} it raised SystemExit: 3 (line 2)"),
        (falls, f"✗ roofline: {CASE} it calls itself without end: which case should stop it?"),
        (raises_strangely, f"✗ roofline: {CASE} it raised Odd (line 6)"),
        (not_written_yet, "○ roofline: nothing here yet"),
        (gives_dots, "○ roofline: nothing here yet"),
        (forgets_return, "✗ roofline: it returns nothing: is there a `return` before the result?"),
        (prints_it, "✗ roofline: it prints and returns nothing: what does `return` do instead?"),
        (waits, "✗ roofline: it is an `async` function; write `def` without `async`"),
        (yields, "✗ roofline: it has a `yield`, which makes a generator; hand the result back"),
        (takes_less, "✗ roofline: it should take (intensity, peak, bandwidth); yours takes (int"),
        (changes_it, "✗ roofline: the numbers are right, but it changes its argument `intensity`"),
        (one_for_all, "✗ roofline: for intensity=[0.25 1"),
        (nearly, f"✗ roofline: {CASE} it returns 11. Work this case out by hand: what should"),
        (lambda i, p, b: "10", f"✗ roofline: {CASE}: what it returns is text, '10'"),
        (lambda i, p, b: math.nan, f"✗ roofline: {CASE}: what it returns is nan"),
        (lambda i, p, b: lambda: 10, f"✗ roofline: {CASE}: what it returns is a function"),
        (lambda i, p, b: [1, 2], f"✗ roofline: {CASE}: what it returns is a sequence of 2"),
        (lambda i, p, b: {}, f"✗ roofline: {CASE}: what it returns is an object of type dict"),
        (lambda i, p, b: Strange(), f"✗ roofline: {CASE} it raised RuntimeError: do not look"),
        (lambda i, p, b: (yield), "✗ roofline: it has a `yield`"),
    ],
)
def test_functions_that_go_astray_get_a_kind_line(answer, line, capsys):
    given = check("roofline", answer)
    printed = capsys.readouterr()
    assert printed.out.startswith(line) and printed.out.count("\n") == 1
    assert printed.err == ""
    assert given(8.0, 100, 20) == 100  # later cells run all the same


@pytest.mark.parametrize(
    "answer", [5, "text", {}, Strange(), StrangeCall(), Strange, types, [print]], ids=kind
)
def test_what_is_no_function_gets_a_kind_line(answer, capsys):
    given = check("roofline", answer)
    assert capsys.readouterr().out.startswith("✗ roofline: ")
    assert given(0.5, 100, 20) == 10


def test_printing_is_dropped(capsys):
    def roofline(intensity, peak, bandwidth):
        print("debugging")
        np.float64(1) / np.float64(0)  # a warning
        return np.minimum(peak, bandwidth * intensity)

    assert check(roofline) is roofline
    assert capsys.readouterr() == ("✓ roofline\n", "")


def test_arguments_are_copies():
    before = copy.deepcopy(bank.find("roofline").arguments())
    grade("roofline", changes_it)
    assert plain(bank.find("roofline").arguments()) == plain(before)


# check, and the stand-in


def test_check_gives_a_right_function_back(capsys):
    assert check("roofline", with_where) is with_where
    assert capsys.readouterr().out == "✓ roofline\n"


def test_the_stand_in_is_the_course_s_function_and_remembers_the_attempt(capsys):
    space = {}
    stub = bank.find("roofline").cells()["stub"]
    exec(stub, space)
    stand_in = check(space["roofline"])
    assert stand_in(np.array([0.5, 8.0]), 100, 20).tolist() == [10, 100]
    assert stand_in.__name__ == "roofline" and "rate in GFLOP/s" in stand_in.__doc__
    assert list(inspect.signature(stand_in).parameters) == ["intensity", "peak", "bandwidth"]
    assert "np.minimum" not in inspect.getsource(stand_in)
    again = check(check(stand_in))
    assert capsys.readouterr().out == 3 * "○ roofline: nothing here yet\n"
    assert again(8.0, 100, 20) == 100
    assert grade("roofline", stand_in).state == "todo"


def test_the_stand_in_of_a_wrong_answer_stays_wrong(capsys):
    def roofline(intensity, peak, bandwidth):
        return bandwidth * intensity

    stand_in = check(roofline)
    check(stand_in)
    first, second = capsys.readouterr().out.splitlines()
    assert first == second and first.startswith("✗ roofline: this line rises for ever")


LESSON_90 = '''
from course_utils.exercises.kinds import exercise, prediction, value


@exercise(minutes=1, level=1, hints=["What is 0 factorial?"])
def product_up_to(n):
    """Multiply the numbers from 1 to n."""
    # BEGIN SOLUTION
    return n * product_up_to.reference(n - 1) if n else 1
    # END SOLUTION


@product_up_to.cases
def _draw(random):
    return [(n,) for n in (1, 2, random.randint(5, 8))]


@product_up_to.also("counted from 0 to n-1, as for indices")
def shifted(n):
    return n * product_up_to.reference(n)


@value(minutes=1, level=1, hints=["Really?"], unit="items")
def three():
    """How many are three?"""
    total = 1 + 1
    return (
        total
        + 1
    )
'''


@pytest.fixture
def lesson_90(tmp_path, monkeypatch):
    return define("90", LESSON_90, tmp_path, monkeypatch)


def test_an_attempt_that_calls_itself_is_not_helped_by_the_stand_in(lesson_90, capsys):
    space = {"check": check}
    exec("def product_up_to(n): return n * product_up_to(n - 1) if n > 1 else 2", space)
    for _ in range(3):
        exec("product_up_to = check(product_up_to)", space)
    lines = capsys.readouterr().out.splitlines()
    assert len(set(lines)) == 1
    assert lines[0].startswith("✗ product_up_to: for n=1 it returns 2. Work this case out")
    assert space["product_up_to"](4) == 24


def test_an_unusual_right_function_is_replaced_for_later_cells(lesson_90, capsys):
    given = check("product_up_to", lesson_90.shifted)
    assert given(3) == 6
    check(given)
    assert capsys.readouterr().out == 2 * (
        "✓ product_up_to: counted from 0 to n-1, as for indices\n"
    )


def test_a_solution_of_several_lines(lesson_90, capsys):
    solution("three", anyway=True)
    assert capsys.readouterr().out == ("total = 1 + 1\n(\n    total\n    + 1\n)\n→ 3 items\n")


def test_a_lesson_of_its_own(lesson_90):
    assert names(90) == names("90") == ["product_up_to", "three"]
    assert [bank.find(name).number for name in names(90)] == ["90.1", "90.2"]


def test_definitions_that_cannot_work(lesson_90):
    from course_utils.exercises.kinds import exercise, prediction, value

    def fresh(name, doc="Asks?", module="lesson_91"):
        def function():
            return 1

        function.__name__, function.__doc__, function.__module__ = name, doc, module
        return function

    with pytest.raises(ValueError, match="three is an exercise of lesson 90 already"):
        value(minutes=1, level=1, hints=["?"], unit="B")(fresh("three"))
    with pytest.raises(ValueError, match="new has no hints"):
        value(minutes=1, level=1, hints=[], unit="B")(fresh("new"))
    with pytest.raises(ValueError, match="new is defined in somewhere"):
        prediction()(fresh("new", module="somewhere"))
    with pytest.raises(ValueError, match="new has no docstring"):
        prediction()(fresh("new", doc=None))
    with pytest.raises(ValueError, match="fresh marks no solution"):
        made = fresh("fresh")
        made.__name__ = "fresh"
        exercise(minutes=1, level=1, hints=["?"])(made).cells()


@pytest.mark.parametrize(
    "subject, part",
    [
        (lambda x: x, "a lambda has no name to go by: f = check("),
        (with_where, "the nearest name is"),
        (5, "check takes a function"),
        (None, "check takes a function"),
        (..., "check takes a function"),
        (Strange(), "check takes a function"),
        (np.arange(3), "check takes a function"),
        ("roof", "the nearest name is 'roofline'"),
        ("", "the nearest name is"),
        ("x" * 10_000, "the nearest name is"),
        ("digit_macs", 'that is a bet: predict("digit_macs", …)'),
        ("dot_bytes", 'the answer goes after the name: check("dot_bytes", …)'),
    ],
    ids=kind,
)
def test_check_of_something_unknown(subject, part, capsys):
    given = check(subject)
    printed = capsys.readouterr().out
    assert printed.startswith("○ ") and part in printed and printed.count("\n") == 1
    assert len(printed) < 250
    assert given is (None if isinstance(subject, str) else subject)


def test_check_of_a_class_or_of_a_function_where_a_value_is_asked(capsys):
    roofline = type("roofline", (), {})
    assert check(roofline)(8.0, 100, 20) == 100

    def dot_bytes():
        return 8000

    assert check(dot_bytes) is dot_bytes
    first, second = capsys.readouterr().out.splitlines()
    assert first == "✗ roofline: that is a class, and a function is asked"
    assert second.startswith("✗ dot_bytes: that is a function: call it")


# predict, reveal, bet


def test_a_bet_is_recorded_and_quoted_back(capsys):
    assert predict("digit_macs", ...) is None
    assert bet("digit_macs") is None
    assert reveal("digit_macs", 79_400) is None
    assert predict("digit_macs", 1000) is None
    assert bet("digit_macs") == 1000
    reveal("digit_macs", np.int64(79_400))
    predict("batch_bytes", np.float64(12))
    reveal("batch_bytes", 9.3987)
    predict("first_limit", " Movement")
    reveal("first_limit", "movement")
    assert bet("first_limit") == "movement"
    assert capsys.readouterr().out.splitlines() == [
        "○ no bet yet",
        "it is 79,400 multiply-adds",
        "◇ your bet: 1,000 multiply-adds",
        "◇ you bet 1,000 multiply-adds; it is 79,400 multiply-adds",
        "◇ your bet: ×12",
        "◇ you bet ×12; it is ×9.4",
        "◇ your bet: movement",
        "◇ you bet movement; it is movement",
    ]


def test_a_curve_is_quoted_back_whole(capsys):
    predict("stride_curve", [2, 4, 8, 16, 16, 16])
    reveal("stride_curve", [2, 4, 8, 16, 32, 16])
    assert bet("stride_curve") == (2, 4, 8, 16, 16, 16)
    assert capsys.readouterr().out.splitlines()[1] == (
        "◇ you bet 2 · 4 · 8 · 16 · 16 · 16 misses; it is 2 · 4 · 8 · 16 · 32 · 16 misses"
    )


def test_a_bet_taken_back_is_gone(capsys):
    predict("batch_bytes", 2)
    predict("batch_bytes", ...)
    assert bet("batch_bytes") is None


@pytest.mark.parametrize(
    "name, value, line",
    [
        ("digit_macs", "many", "○ digit_macs takes a number, such as 12: that is text, 'many'"),
        ("digit_macs", True, "○ digit_macs takes a number, such as 12: that is the truth value"),
        ("digit_macs", math.inf, "○ digit_macs takes a number, such as 12: that is inf"),
        ("digit_macs", -4, "○ digit_macs takes a number above 0; -4 is none"),
        ("digit_macs", 0, "○ digit_macs takes a number above 0; 0 is none"),
        (
            "digit_macs",
            Strange(),
            "○ digit_macs takes a number, such as 12: it raised RuntimeError",
        ),
        ("digit_macs", 10**400, "◇ your bet: about 10^400 multiply-adds"),
        ("digit_macs", None, "○ no bet yet"),
        ("first_limit", "memory", "○ first_limit takes one of 'compute', 'movement'"),
        ("first_limit", 3, "○ first_limit takes one of 'compute', 'movement'"),
        ("worst_order", " J-k, i", "◇ your bet: jki"),
        ("digit_mac", 3, "○ there is no exercise 'digit_mac'; the nearest name is 'digit_macs'"),
        ("dot_bytes", 3, '○ dot_bytes is an exercise: check("dot_bytes", …)'),
        (7, 3, "○ an exercise is called by its name in quotes"),
        ("stride_curve", [1, 2, 3, 4, 5, 6.5], "◇ your bet: 1 · 2 · 3 · 4 · 5 · 6.5 misses"),
        ("stride_curve", np.full(6, 16), "◇ your bet: 16 · 16 · 16 · 16 · 16 · 16 misses"),
        ("stride_curve", 16, "○ stride_curve takes a list of 6 numbers above 0, such as [12, 12"),
        ("stride_curve", [1, 2, 4], "○ stride_curve takes a list of 6 numbers above 0, such as "),
        ("stride_curve", [1, 2, 4, 8, 16, -1], "○ stride_curve takes a list of 6 numbers"),
        ("stride_curve", [1, 2, 4, 8, 16, "a"], "○ stride_curve takes a list of 6 numbers"),
        ("stride_curve", [1, 2, 4, 8, 16, math.inf], "○ stride_curve takes a list of 6 numbers"),
        ("stride_curve", Strange(), "○ stride_curve takes a list of 6 numbers"),
        ("stride_curve", ..., "○ no bet yet"),
    ],
    ids=kind,
)
def test_bets_of_every_kind_get_a_kind_line(name, value, line, capsys):
    assert predict(name, value) is None
    printed = capsys.readouterr().out
    assert printed.startswith(line) and printed.count("\n") == 1


def test_a_bet_that_hangs_is_refused(monkeypatch, capsys):
    monkeypatch.setattr(running, "LIMIT", 0.2)
    predict("digit_macs", Endless())
    assert capsys.readouterr().out.startswith("○ digit_macs takes a number")


def test_reveal_of_an_unknown_name(capsys):
    assert reveal("digit_mac", 3) is None
    assert "the nearest name is 'digit_macs'" in capsys.readouterr().out


def test_a_truth_that_is_none_is_an_error():
    with pytest.raises(ValueError, match="first_limit takes one of 'compute', 'movement'"):
        reveal("first_limit", 3)


def test_bet_of_an_exercise_is_an_error():
    with pytest.raises(ValueError, match="dot_bytes is graded and has no bet"):
        bet("dot_bytes")


# hint, solution, grade, names


def test_hints_are_numbered_and_end(capsys):
    for n in (1, 2, 3):
        assert hint("dot_bytes", n) is None
    for n in (0, -1, "1", 1.5, True, None):
        hint("dot_bytes", n)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("hint 1 of 2: ") and lines[1].startswith("hint 2 of 2: ")
    assert lines[2] == (
        '○ dot_bytes: there are 2 hints and no further one; solution("dot_bytes") shows one way'
    )
    assert lines[3:] == 6 * ['○ dot_bytes: hints are numbered from 1: hint("dot_bytes", 1)']


def test_the_solution_waits_for_an_attempt(capsys):
    solution("dot_bytes")
    check("dot_bytes", ...)
    solution("dot_bytes")
    assert "8,000" not in capsys.readouterr().out
    check("dot_bytes", 1)
    capsys.readouterr()
    solution("dot_bytes")
    assert capsys.readouterr().out.endswith("→ 8,000 bytes\n")


def test_the_solution_can_be_had_anyway(capsys):
    solution("roofline", anyway=True)
    assert capsys.readouterr().out == (
        "def roofline(intensity, peak, bandwidth):\n"
        "    return np.minimum(peak, bandwidth * intensity)\n"
    )


@pytest.mark.parametrize("ask", [hint, solution])
def test_hints_and_solutions_of_something_else(ask, capsys):
    for name in ("dot_byte", "digit_macs", 5, None, Strange()):
        assert ask(name) is None
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 5
    assert "the nearest name is 'dot_bytes'" in lines[0]
    assert lines[1].startswith("○ digit_macs is a bet")


def test_programs_get_errors():
    with pytest.raises(ValueError, match="there is no exercise 'dot_byte'; the nearest name is"):
        grade("dot_byte", 1)
    with pytest.raises(ValueError, match="digit_macs is a bet and is never graded"):
        grade("digit_macs", 1)
    with pytest.raises(ValueError, match="called by its name in quotes"):
        grade(None, 1)
    with pytest.raises(ValueError, match="lesson 77 has no exercises; these have: 00, 01"):
        names(77)


def test_grading_prints_and_remembers_nothing(capsys):
    grade("dot_bytes", 1)
    solution("dot_bytes")
    assert capsys.readouterr().out.startswith("○ dot_bytes: try it once first")


@pytest.mark.parametrize(
    "got, want, equal",
    [
        ({"a": 1}, {"a": 1.0}, True),
        ({"b": [2], "a": np.int64(1)}, {"a": 1, "b": (2,)}, True),
        ({"a": 1}, {"a": 2}, False),
        ({"a": 1, "b": 2}, {"a": 1}, False),
        ({}, {"a": 1}, False),
        ((1,), {"a": 1}, False),
        ({"a": {"b": 1}}, {"a": {"b": 1}}, True),
    ],
)
def test_dicts_are_compared_by_their_entries(got, want, equal):
    assert same(plain(got), plain(want)) is equal
