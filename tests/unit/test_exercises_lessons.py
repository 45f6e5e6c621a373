"""Every exercise of every lesson: its stub, its reference, its mistakes and its mutants."""

import ast
import copy
import inspect
import itertools
import re
import textwrap
from collections import Counter

import numpy as np
import pytest
from learners import answer_of, compiled, stub_of

from course_utils.exercises import bank, check, grade, names, running
from course_utils.exercises.answers import Verdict, brief, plain, same
from course_utils.exercises.cards import Choice, Order
from course_utils.exercises.kinds import Function, Prediction, Value
from course_utils.exercises.program import lines_of, structure

GRADED = [bank.find(name) for name in names()]
FUNCTIONS = [entry for entry in GRADED if isinstance(entry, Function)]
VALUES = [entry for entry in GRADED if isinstance(entry, Value)]
CHOICES = [entry for entry in GRADED if isinstance(entry, Choice)]
ORDERS = [entry for entry in GRADED if isinstance(entry, Order)]
CODES = set(re.findall("..", "U1U2U3P1P2B1W1R1O1O2S1Q1H1T1A1G1K1D1X1E1V1J1"))


def each(entries):
    return pytest.mark.parametrize("entry", entries, ids=lambda entry: entry.name)


def bets(lesson):
    return [entry.name for entry in bank.of_lesson(lesson) if isinstance(entry, Prediction)]


# Every exercise


def test_names_and_numbers():
    assert names(0) == names("00") == names()[:7]
    assert [(bank.find(name).number, name) for name in names(0)] == [
        ("00.1", "dot_bytes"),
        ("00.2", "matmul_flops"),
        ("00.3", "add_intensity"),
        ("00.4", "attainable_rate"),
        ("00.5", "half_elements"),
        ("00.6", "roofline"),
        (None, "faster_core"),
    ]
    assert [(bank.find(name).number, name) for name in names(1)] == [
        (None, "recall_mac"),
        (None, "recall_ridge"),
        (None, "recall_line"),
        ("01.1", "dense_params"),
        ("01.2", "dense_macs"),
        ("01.3", "dense_bytes"),
        ("01.4", "dense_intensity"),
        (None, "dense_loops"),
        (None, "doubling_batch"),
        ("01.5", "smallest_batch"),
        ("01.6", "dense_meters"),
    ]
    assert bets("00") == [
        "digit_macs",
        "batch_bytes",
        "first_limit",
        "all_threads",
        "gemv_limit",
    ]
    assert [(bank.find(name).number, name) for name in names(2)] == [
        (None, "recall_weights"),
        (None, "recall_order"),
        (None, "recall_add_bytes"),
        ("02.1", "conv_side"),
        ("02.2", "conv_params"),
        ("02.3", "conv_macs"),
        ("02.4", "pixel_reads"),
        ("02.5", "im2col_shape"),
        (None, "row_loops"),
        (None, "swapped_layer"),
        ("02.6", "lowered_intensity"),
        ("02.7", "conv_out"),
    ]
    assert bets("01") == ["order_misses", "hits_roof", "order_time", "batch_time", "width_error"]


@each(GRADED)
def test_stub_is_to_do(entry, capsys):
    assert grade(entry.name, stub_of(entry)) == Verdict("todo", "nothing here yet")
    exec(
        "\n".join(entry.cells()[part] for part in entry.cells() if part != "task"), {"check": check}
    )
    assert capsys.readouterr().out == f"○ {entry.name}: nothing here yet\n"
    assert all(len(cell.splitlines()) <= 15 for cell in entry.cells().values())


@each(GRADED)
def test_reference_is_right(entry):
    assert grade(entry.name, answer_of(entry, entry.reference)) == Verdict("right")


@each(GRADED)
def test_filled_cells_stand_alone(entry):
    """A stub filled with a known answer gets in a notebook the verdict that it gets here."""
    known = [("right", "", entry.reference), *(("wrong", *m[1:2], m[0]) for m in entry.mistakes)]
    for state, message, function in known:
        given = handed_in(entry.filled(function), entry)
        verdict = grade(entry.name, given)
        assert (verdict.state, verdict.message) == (state, message), entry.filled(function)


def handed_in(text, entry):
    """What a filled cell hands in."""
    answers = []
    space = {"np": np, "check": lambda name, answer: answers.append(answer)}
    exec(text, space)
    return space[entry.name] if isinstance(entry, Function) else answers[0]


@each(FUNCTIONS)
def test_solution_as_shown_is_right(entry):
    assert "SOLUTION" not in entry.solution()
    assert grade(entry.name, compiled(entry.solution(), entry.name)) == Verdict("right")


@each(VALUES)
def test_solution_shows_the_computation(entry):
    *lines, result = entry.solution().splitlines()
    assert result == f"→ {brief(entry.value)} {entry.unit}"
    space = {}
    exec("\n".join(lines[:-1]), space)
    assert same(eval(lines[-1], space), entry.value)


@each(GRADED)
def test_mistakes_get_their_own_hint_and_code(entry):
    assert len(entry.mistakes) >= 2
    for mistake in entry.mistakes:
        verdict = grade(entry.name, answer_of(entry, mistake.function))
        assert verdict == Verdict("wrong", mistake.message, mistake.code), mistake.function
    said = [mistake.message for mistake in entry.mistakes]
    assert len(set(said)) == len(said)
    assert {mistake.code for mistake in entry.mistakes} <= CODES | {None}


@each(GRADED)
def test_known_answers_differ_from_each_other(entry):
    known = [entry.reference, *(k.function for k in entry.accepted + entry.mistakes)]
    if isinstance(entry, Function):
        given = [running.observe(one, entry.arguments()).results for one in known]
    elif isinstance(entry, Order):
        given = [structure(lines_of(one())) for one in known]
    else:
        given = [plain(one()) for one in known]
    for one, other in itertools.permutations(given, 2):
        assert not same_answer(entry, one, other), (one, other)


def same_answer(entry, one, other):
    if isinstance(entry, Function):
        return entry._equal(one, other)
    return same(one, other, getattr(entry, "tolerance", 0))


@each(GRADED)
def test_unusual_right_answers_are_accepted_with_a_note(entry):
    for known in entry.accepted:
        verdict = grade(entry.name, answer_of(entry, known.function))
        assert verdict == Verdict("right", known.message)


@each(GRADED)
def test_hints_ask(entry):
    for text in [*entry.hints, *(mistake.message for mistake in entry.mistakes)]:
        assert "?" in text
        assert "\n" not in text


@each(VALUES)
def test_no_hint_tells_the_answer(entry):
    telling = re.compile(rf"(?<![\d.,]){re.escape(brief(entry.value))}(?![\d]|[.,]\d)")
    for text in [*entry.hints, *(k.message for k in entry.mistakes), entry.cells()["task"]]:
        assert not telling.search(text), text


def test_levels_rise():
    for lesson in bank.lessons():
        entries = [bank.find(name) for name in names(lesson)]
        levels = [entry.level for entry in entries if entry.number]
        assert levels == sorted(levels)
        assert all((entry.level is None) == bool(entry.recalls) for entry in entries)


@pytest.mark.parametrize("entry", [e for n in bank.lessons() for e in bank.of_lesson(n)])
def test_task_cell(entry):
    task = entry.cells()["task"]
    assert entry.name in task.splitlines()[0]
    if not isinstance(entry, Prediction):
        first = inspect.getdoc(entry.reference).splitlines()[0]
        assert f"{entry.sort or entry.number} · {entry.name}** · {entry.minutes} min" in task
        assert first in task and first[-1] in ".?" and len(first) <= 100
        assert task.endswith(f"](../course_utils/exercises/lesson_{entry.lesson}.py)")


# Mutants of the references

SWAPS = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Add,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Pow: ast.Mult,
    ast.Lt: ast.GtE,
    ast.Gt: ast.LtE,
}
OPPOSITES = {"minimum": "maximum", "maximum": "minimum", "min": "max", "max": "min"}

# Mutants that give the right answer all the same, and why that is no fault of the checker.
_SMALL = "the bias is 0.1 % of the bytes, and the answer is asked within 1 %"
_BORDER = "a change of less than 0.2 %, within which the answer is asked"
_RIDGE = "the ridge moves by less than 0.1 FLOP/B: the next whole batch is the same"
_FILTERS = "the filters are 0.1 % of the numbers, and the answer is asked within 0.5 %"
_WHOLE = "a little more than 25 digits: the next whole number is the same"
_RATES = "a change of 0.1 % at most, and the answer is asked within 0.2 %"
_ACROSS = "still one tile across"
_ANY_N = "any n will do"
_LITTLE = "x and the result are a little more than nothing: still 4 MiB and a bit"
_APART = "the three kinds are far apart: a line a little further on divides them as well"
_ENERGY = "a change of less than 0.1 %, and the answer is asked within 0.3 %"
EQUIVALENT = {
    ("attainable_rate", "100 -> 101"): "the memory limits the rate: the peak does not matter",
    ("attainable_rate", "peak -> bandwidth"): "20 is above the 10 that the memory allows as well",
    ("recall_attainable", "100 -> 101"): "the memory limits the rate: the peak does not matter",
    ("lstm_params", "100 -> 101"): "one input more has as many weights as PyTorch's second biases",
    ("recall_line", "64 -> 65"): "no further number fits into one byte more",
    ("conv_side", "3 -> 4"): "at stride 2, a window of 4 pixels has as many places",
    ("decode_batch", "197000 -> 197001"): _RIDGE,
    ("decode_batch", "819 -> 820"): _RIDGE,
    ("separable_saving", "128 -> 129"): _BORDER,
    ("separable_saving", "256 -> 257"): _BORDER,
    ("depthwise_intensity", "channels * taps -> channels + taps"): _FILTERS,
    ("depthwise_intensity", "channels -> itemsize (3)"): _FILTERS,
    ("depthwise_intensity", "channels -> taps (3)"): _FILTERS,
    ("depthwise_intensity", "taps -> itemsize (2)"): _FILTERS,
    (
        "depthwise_intensity",
        "channels -> seen (3)",
    ): "as with 17 FLOP an output: taken, with a note",
    ("depthwise_intensity", "128 -> 129"): "MACs and numbers grow alike",
    (
        "depthwise_intensity",
        "(seen + made) * channels + channels * taps -> (seen + made) * channels - channels * taps",
    ): _FILTERS,
    ("order_flops", "32 -> 33"): "both orders grow alike",
    ("largest_tile", "1024 -> 1025"): "three tiles of 53 do not fit either",
    ("tiled_traffic", "512 -> 513"): "still 16 whole tiles",
    ("column_sets", "1024 -> 1025 (2)"): "one row more begins in the same set",
    ("column_sets", "1024 * 4 / 64 -> 1024 * 4 * 64"): "that is a multiple of 64 lines as well",
    ("column_sets", "row -> lines"): "every row begins in the set of the first",
    ("choose_tile", "n -> cache"): "a side above n divides nothing",
    ("filled_share", "side -> outputs (3)"): _ACROSS,
    ("filled_share", "outputs -> side (2)"): _ACROSS,
    ("filled_share", "side -> inputs (3)"): _ACROSS,
    ("chip_ridge", "2039 -> 2040"): _RATES,
    ("chip_ridge", "1000 -> 1001"): _RATES,
    ("dram_share", "640 -> 641"): _ENERGY,
    ("dram_share", "784 -> 785"): _ENERGY,
    ("dram_share", "100 -> 101"): _ENERGY,
    ("rnn_sizes", "8 -> 9"): _ANY_N,
    ("cnn_sizes", "8 -> 9"): _ANY_N,
    ("attention_sizes", "8 -> 9"): _ANY_N,
    ("which_family", "8 -> 9"): _ANY_N,
    ("moe_sizes", "8 -> 9"): _ANY_N,
    ("moe_sizes", "1025 -> 1026"): "no multiple of 8 comes in",
    ("moe_sizes", "numbers -> macs"): "a larger d would be tried, if none were found before",
    ("resident_sram", "2048 -> 2049"): _LITTLE,
    ("resident_sram", "1024 -> 1025"): _LITTLE,
    ("resident_sram", "depth + depth * cols + cols -> depth + depth * cols - cols"): _LITTLE,
    ("resident_sram", "cols -> depth"): _LITTLE,
    ("resident_sram", "cols -> itemsize"): _LITTLE,
    ("resident_sram", "depth -> cols"): _LITTLE,
    ("resident_sram", "depth -> itemsize"): _LITTLE,
    ("bound_by", "4096 -> 4097"): _APART,
    ("bound_by", "2 -> 3"): _APART,
    ("bound_by", "2 -> 3 (2)"): _APART,
    ("bound_by", "1024 -> 1025"): _APART,
    ("bound_by", "2 -> 3 (3)"): _APART,
    ("bound_by", "4096 -> 4097 (2)"): _APART,
    ("bound_by", "16 -> 17"): _APART,
    ("bound_by", "3 -> 4"): _APART,
    ("bound_by", "4096 -> 4097 (3)"): _APART,
    ("bound_by", "2 -> 3 (4)"): _APART,
    ("patch_weights", "224 -> 225"): "still 16 whole pixels a patch",
    ("dense_intensity", "784 -> 785"): "a change of 0.02 %, and the answer is asked within 1 %",
    ("dense_intensity", "100 -> 101"): "a change of 0.2 %, and the answer is asked within 1 %",
    ("dense_intensity", "outputs -> batch (2)"): _SMALL,
    ("dense_intensity", "outputs -> inputs (2)"): _SMALL,
    ("dense_intensity", "outputs -> itemsize (2)"): _SMALL,
    (
        "dense_intensity",
        "batch * inputs + inputs * outputs + outputs -> "
        "batch * inputs + inputs * outputs - outputs",
    ): _SMALL,
    ("lowered_intensity", "56 -> 57"): _BORDER,
    ("lowered_intensity", "58 -> 59"): _BORDER,
    ("lowered_intensity", "bordered -> places"): "right but for the border: accepted with a note",
    ("merge", "0 -> 1"): "where no key is seen, exp(−∞ less any number) is 0",
    ("unfused_intensity", "512 -> 513"): _BORDER,
    ("smallest_batch", "784 -> 785"): _WHOLE,
    ("smallest_batch", "100 -> 101"): _WHOLE,
    ("smallest_batch", "outputs -> asked (2)"): _WHOLE,
    ("smallest_batch", "outputs -> asked (3)"): _WHOLE,
    ("smallest_batch", "outputs -> itemsize (2)"): _WHOLE,
    ("smallest_batch", "outputs -> itemsize (3)"): _WHOLE,
    (
        "smallest_batch",
        "inputs * outputs + outputs -> inputs * outputs - outputs",
    ): _WHOLE,
}


def changes(node, known):
    """(what it does to the node, the node afterwards) for each way to change it once."""
    if isinstance(node, ast.BinOp) and type(node.op) in SWAPS:
        yield ast.BinOp(node.left, SWAPS[type(node.op)](), node.right)
    if isinstance(node, ast.Compare) and type(node.ops[0]) in SWAPS:
        yield ast.Compare(node.left, [SWAPS[type(node.ops[0])]()], node.comparators)
    if isinstance(node, ast.Constant) and type(node.value) in (int, float):
        yield ast.Constant(node.value + 1)
    if isinstance(node, ast.Attribute) and node.attr in OPPOSITES:
        yield ast.Attribute(node.value, OPPOSITES[node.attr], node.ctx)
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
        others = [OPPOSITES[node.id]] if node.id in OPPOSITES else known - {node.id}
        if node.id in known | set(OPPOSITES):
            yield from (ast.Name(other, node.ctx) for other in sorted(others))


class Replace(ast.NodeTransformer):
    def __init__(self, place, new):
        self.place, self.new = place, new

    def visit(self, node):
        return self.new if node is self.place else self.generic_visit(node)


def mutants(function):
    """[(label, function)]: the function with one operator, constant or name changed.

    A change that is made in several places has a label for each: "a -> b", "a -> b (2)".
    """
    seen = Counter()
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    tree.body[0].decorator_list = []
    known = {a.arg for a in tree.body[0].args.args}
    stored = (n for n in ast.walk(tree) if isinstance(n, ast.Name))
    known |= {n.id for n in stored if isinstance(n.ctx, ast.Store)}
    for place, node in enumerate(ast.walk(tree)):
        for new in changes(node, known):
            fresh = copy.deepcopy(tree)
            old = next(itertools.islice(ast.walk(fresh), place, None))
            fresh = ast.fix_missing_locations(Replace(old, new).visit(fresh))
            label = f"{ast.unparse(node)} -> {ast.unparse(new)}"
            seen[label] += 1
            again = f" ({seen[label]})" if seen[label] > 1 else ""
            yield label + again, compiled(fresh, function.__name__)


def survives(entry, mutant):
    try:
        answer = answer_of(entry, mutant)
    except (ArithmeticError, NameError):  # a value that is not even computed
        return False
    return grade(entry.name, answer).state == "right"


def test_mutants_of_a_function_are_made():
    def example(a, b):
        return a * b + 1

    def twice(a, b):
        return a / a

    assert [label for label, _ in mutants(twice)] == ["a / a -> a * a", "a -> b", "a -> b (2)"]
    assert sorted(label for label, _ in mutants(example)) == [
        "1 -> 2",
        "a * b + 1 -> a * b - 1",
        "a * b -> a + b",
        "a -> b",
        "b -> a",
    ]
    assert dict(mutants(example))["a -> b"](3, 5) == 26


@each(FUNCTIONS + VALUES)
def test_mutants_are_rejected(entry):
    every = list(mutants(entry.reference))
    assert len(every) >= 5
    alive = {(entry.name, label) for label, mutant in every if survives(entry, mutant)}
    assert alive == {key for key in EQUIVALENT if key[0] == entry.name}


def test_no_equivalent_mutant_is_of_an_exercise_that_is_gone():
    assert {name for name, _ in EQUIVALENT} <= set(names())


# Choices and orders


@each(CHOICES)
def test_each_wrong_option_has_a_mistake(entry):
    letters = [entry.reference(), *(mistake.function() for mistake in entry.mistakes)]
    assert sorted(letters) == list(entry.letters)
    assert all(mistake.code for mistake in entry.mistakes)


def neighbours(lines):
    """Programs that differ from one by one thing: two lines swapped, one dropped, one moved in."""
    for one, other in itertools.combinations(range(len(lines)), 2):
        swapped = list(lines)
        swapped[one], swapped[other] = lines[other], lines[one]
        yield swapped
        margins = [line[: len(line) - len(line.lstrip())] for line in lines]
        yield [margin + line.strip() for margin, line in zip(margins, swapped, strict=True)]
    for place, line in enumerate(lines):
        yield [*lines[:place], *lines[place + 1 :]]
        for margin in range(0, 24, 4):
            yield [*lines[:place], " " * margin + line.strip(), *lines[place + 1 :]]


@each(ORDERS)
def test_programs_beside_the_right_one_are_wrong(entry):
    functions = [entry.reference, *(known.function for known in entry.accepted)]
    programs = [lines_of(function()) for function in functions]
    right = [structure(program) for program in programs]
    tried = 0
    for program in programs:
        for lines in neighbours(program):
            verdict = grade(entry.name, "\n".join(lines))
            same_as_right = verdict.state == "right"
            assert same_as_right == (lines_structure(lines) in right), lines
            assert same_as_right or verdict.message
            tried += not same_as_right
    assert tried > 30


def lines_structure(lines):
    try:
        return structure(lines)
    except SyntaxError:
        return None


@each(ORDERS)
def test_the_stub_of_an_order_is_scrambled(entry):
    functions = [entry.reference, *(known.function for known in entry.accepted)]
    wanted = [[line.strip() for line in lines_of(function())] for function in functions]
    assert [line for line in entry.lines if line not in entry.extra] not in wanted
    assert sorted(entry.lines) == sorted([*wanted[0], *entry.extra])
    assert all(line == line.strip() for line in entry.lines)


# Lesson 00


def with_where(intensity, peak, bandwidth):
    slope = bandwidth * np.asarray(intensity)
    return np.where(slope < peak, slope, peak)


def with_clip(intensity, peak, bandwidth):
    return np.clip(np.multiply(intensity, bandwidth), None, peak)


def with_list(intensity, peak, bandwidth):
    if np.ndim(intensity) == 0:
        return min(peak, bandwidth * intensity)
    return [min(peak, bandwidth * x) for x in intensity]


def with_ridge(intensity, peak, bandwidth):
    return np.minimum(1, intensity / (peak / bandwidth)) * peak


def with_vectorize(intensity, peak, bandwidth):
    return np.vectorize(min)(peak, bandwidth * intensity)


def with_other_names(ai, p, bw=None, unused=0):
    return np.minimum(bw * ai, p)


@pytest.mark.parametrize(
    "answer",
    [
        with_where,
        with_clip,
        with_list,
        with_ridge,
        with_vectorize,
        with_other_names,
        lambda i, p, b: np.float32(np.minimum(p, b * i)),
        np.vectorize(lambda i, p, b: min(p, b * i)),
    ],
)
def test_other_ways_to_write_the_roofline(answer):
    assert grade("roofline", answer) == Verdict("right")


def test_a_minimum_for_numbers_only_is_told_about_arrays():
    def with_if(intensity, peak, bandwidth):
        if bandwidth * intensity < peak:
            return bandwidth * intensity
        return peak

    assert "element by element" in grade("roofline", with_if).message


def test_the_other_count_of_flops_is_accepted_with_a_note(capsys):
    check("matmul_flops", 105)
    assert capsys.readouterr().out.startswith("✓ matmul_flops: counted with one add fewer")


def test_tolerance():
    assert grade("add_intensity", 0.0833).state == "right"
    assert grade("add_intensity", 0.0826).state == "right"
    assert grade("add_intensity", 0.0824).state == "wrong"
    assert grade("dot_bytes", 8001).message == (
        "close, and not exact: is something rounded, or off by one?"
    )


@pytest.mark.parametrize(
    "name, rounded",
    [("add_intensity", 0.08), ("fused_bytes", 1_570_000), ("fused_bytes", 1.57e6)],
)
def test_a_rounded_answer_is_told_so(name, rounded):
    assert grade(name, rounded).message.endswith(": is it rounded? Give one digit more")


@pytest.mark.parametrize("name, odd", [("add_intensity", 0.085), ("largest_tile", 50)])
def test_an_answer_that_is_only_near_is_not_called_rounded(name, odd):
    assert "rounded" not in grade(name, odd).message
