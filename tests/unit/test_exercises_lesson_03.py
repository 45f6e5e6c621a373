"""Lesson 03: its answers are the kernels', and its traps are told apart."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from programs import programs

from course_utils.cache import Hierarchy
from course_utils.exercises import bank, grade, names
from course_utils.exercises.answers import Verdict
from course_utils.exercises.kinds import Prediction
from course_utils.exercises.program import lines_of, structure
from course_utils.kernels import sequential
from course_utils.nest import LoopNest
from course_utils.networks import lstm, rnn


def test_names_and_numbers():
    assert [(bank.find(name).number, name) for name in names(3)] == [
        (None, "recall_conv_weights"),
        (None, "recall_batch"),
        (None, "recall_attainable"),
        ("03.1", "rnn_params"),
        ("03.2", "rnn_macs"),
        ("03.3", "wavefront_steps"),
        ("03.4", "hoist_bound"),
        ("03.5", "weight_traffic"),
        ("03.6", "bptt_bytes"),
        (None, "hoisted_loop"),
        (None, "thousand_cores"),
        ("03.7", "span"),
        ("03.8", "lstm_params"),
    ]
    bets = [entry.name for entry in bank.of_lesson("03") if isinstance(entry, Prediction)]
    assert bets == [
        "state_share",
        "misses_64",
        "loom_ticks",
        "hoist_time",
        "serial_time",
        "batch_sequences",
    ]


@pytest.mark.parametrize(
    "name, answer, code",
    [
        ("recall_conv_weights", 288, None),
        ("recall_conv_weights", 320, "P1"),
        ("recall_conv_weights", 96, "P2"),
        ("recall_batch", "b", None),
        ("recall_attainable", 40, None),
        ("recall_attainable", 100, "G1"),
        ("recall_attainable", 10, "G1"),
        ("rnn_params", 29_312, None),
        ("rnn_params", 29_184, "P1"),
        ("rnn_params", 2_931_200, "W1"),
        ("rnn_params", 12_928, "T1"),
        ("rnn_macs", 2_918_400, None),
        ("rnn_macs", 29_184, "T1"),
        ("rnn_macs", 5_836_800, "U1"),
        ("rnn_macs", 1_280_000, "T1"),
        ("rnn_macs", 2_931_200, "P1"),
        ("wavefront_steps", 103, None),
        ("wavefront_steps", 400, "T1"),
        ("wavefront_steps", 100, "T1"),
        ("wavefront_steps", 104, "O1"),
        ("hoist_bound", 1.781, None),
        ("hoist_bound", 1.78, None),
        ("hoist_bound", 2.28, "A1"),
        ("hoist_bound", 100, "A1"),
        ("hoist_bound", 1.439, "A1"),
        ("hoist_bound", 1.775, "P1"),
        ("weight_traffic", 11_673_600, None),
        ("weight_traffic", 116_736, "W1"),
        ("weight_traffic", 2_918_400, "U2"),
        ("weight_traffic", 23_347_200, "W1"),
        ("bptt_bytes", 1_638_400, None),
        ("bptt_bytes", 51_200, "B1"),
        ("bptt_bytes", 16_384, "T1"),
        ("bptt_bytes", 409_600, "U2"),
        ("thousand_cores", "c", None),
        ("thousand_cores", "a", "T1"),
        ("thousand_cores", "b", "D1"),
        ("thousand_cores", "d", "A1"),
        ("lstm_params", 117_248, None),
        ("lstm_params", 116_736, "P1"),
        ("lstm_params", 29_312, "T1"),
    ],
)
def test_the_known_traps_of_the_recurrent_layer(name, answer, code):
    verdict = grade(name, answer)
    assert (verdict.state, verdict.code) == ("wrong" if code else "right", code)


def right(name):
    return bank.find(name).value


def test_the_answers_on_the_recurrent_layer_are_the_kernels():
    network = rnn(100, 128)
    steps = sequential.rnn_nests(t=100, i=100, o=128)
    assert right("rnn_params") == network.parameters
    assert right("rnn_macs") == steps.macs == network.macs(tokens=100)
    waiting = sum(nest.macs for nest in sequential.hoisted_nests(t=100, i=100, o=128).nests[1:])
    assert right("hoist_bound") == steps.macs / waiting


def test_the_weights_that_are_fetched_are_those_that_miss_a_small_cache():
    steps = sequential.rnn_nests(t=100, i=100, o=128)
    replay = Hierarchy.parse("32KiB/8").replay(steps)
    fetched = sum(replay.levels[0].tensors[name].misses for name in "WU")
    assert right("weight_traffic") == 64 * fetched
    assert grade("weight_traffic", steps.nbytes("W") + steps.nbytes("U")).code == "W1"


def test_the_states_that_are_kept_are_those_that_the_kernel_returns():
    x, h = np.zeros((100, 32, 100), np.float32), np.zeros((32, 128), np.float32)
    W, U, bias = (np.zeros(shape, np.float32) for shape in ((100, 128), (128, 128), 128))
    assert right("bptt_bytes") == sequential.rnn(x, h, W, U, bias).nbytes


def test_the_recalled_answers_are_those_of_the_earlier_lessons():
    window = "y[k,p,q] += x[c,p+r,q+s] * F[k,c,r,s]"
    filters = LoopNest(window, k=32, c=1, p=26, q=26, r=3, s=3)
    assert right("recall_conv_weights") == filters.nbytes("F") // 4
    one, many = (
        LoopNest("H[b,o] += X[b,i] * W[i,o]", b=batch, i=4096, o=4096).meters().intensity
        for batch in (1, 32)
    )
    assert many / one == pytest.approx(32, rel=0.03)


def test_an_lstm_may_have_one_bias_a_gate_or_the_two_of_pytorch():
    assert right("lstm_params") == lstm(100, 128).parameters
    assert grade("lstm_params", 117_248) == Verdict("right")
    two = grade("lstm_params", lstm(100, 128, biases=2).parameters)
    assert two.state == "right" and "PyTorch" in two.message


# The longest chain


def waits(layers, steps, bidirectional):
    """{cell: the cells that it waits for}, a cell being (layer, step, direction)."""
    directions = (1, -1) if bidirectional else (1,)
    cells = set(itertools.product(range(layers), range(steps), directions))
    return {
        (layer, t, way): [
            cell
            for cell in [(layer, t - way, way), *((layer - 1, t, other) for other in directions)]
            if cell in cells
        ]
        for layer, t, way in cells
    }


def longest(graph):
    """The cells on the longest chain of {cell: those it waits for}: run all that can, in ticks."""
    done, ticks = set(), 0
    while len(done) < len(graph):
        done |= {cell for cell in graph.keys() - done if done.issuperset(graph[cell])}
        ticks += 1
    return ticks


def every_chain(graph):
    """The lengths of all chains that cannot be made longer at their end, one by one."""
    after = {cell: [other for other in graph if cell in graph[other]] for cell in graph}

    def lengths(cell):
        return [1 + n for other in after[cell] for n in lengths(other)] or [1]

    return [n for cell in graph for n in lengths(cell)]


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("layers, steps", [*itertools.product((1, 2, 3), (1, 2, 3, 4))])
def test_all_chains_one_by_one_give_the_same_longest(layers, steps, bidirectional):
    graph = waits(layers, steps, bidirectional)
    own = bank.find("span").reference(layers, steps, bidirectional)
    assert own == longest(graph) == max(every_chain(graph))


@given(st.integers(1, 7), st.integers(1, 12), st.booleans())
def test_the_span_is_the_longest_path_of_the_cells(layers, steps, bidirectional):
    own = bank.find("span").reference
    assert own(layers, steps, bidirectional) == longest(waits(layers, steps, bidirectional))


def test_stacked_layers_finish_with_their_longest_path():
    assert right("wavefront_steps") == longest(waits(4, 100, False))
    assert longest(waits(1, 100, False)) == 100


def test_one_direction_is_what_is_meant_unless_both_are_asked():
    own = bank.find("span").reference
    assert own(3, 5) == own(3, 5, False) == 7


def by_ticks(layers, steps, bidirectional=False):
    return longest(waits(layers, steps, bidirectional))


def by_table(layers, steps, bidirectional=False):
    finish = np.zeros(steps, int)
    for _ in range(layers):
        forwards, backwards = finish.copy(), finish.copy()
        for t in range(steps):
            forwards[t] = max(forwards[t], forwards[t - 1] if t else 0) + 1
        for t in reversed(range(steps)):
            backwards[t] = max(backwards[t], backwards[t + 1] if t + 1 < steps else 0) + 1
        finish = np.maximum(forwards, backwards) if bidirectional else forwards
    return finish.max()


@pytest.mark.parametrize(
    "answer",
    [
        by_ticks,
        by_table,
        lambda layers, steps, bidirectional=False: (
            layers * steps if bidirectional else layers + steps - 1.0
        ),
        lambda n, t, both: [n + t - 1, n * t][both],
    ],
)
def test_other_ways_to_find_the_span(answer):
    assert grade("span", answer) == Verdict("right")


@pytest.mark.parametrize(
    "answer, code, part",
    [
        (lambda n, t, both: n * t, "T1", "each layer waits for the whole layer below"),
        (lambda n, t, both: n + t, None, "for layers=1, steps=1, bidirectional=False it returns 2"),
        (lambda n, t, both: n * t if both else n + t, "O1", "one layer of one step by hand"),
        (lambda n, t, both: (1 + both) * n * t, "D1", "the work"),
        (lambda n, t, both: t, "T1", "the layers change nothing"),
        (lambda n, t: n + t - 1, None, "it should take (layers, steps, bidirectional)"),
    ],
)
def test_the_pattern_of_failures_names_the_code(answer, code, part):
    verdict = grade("span", answer)
    assert (verdict.state, verdict.code) == ("wrong", code)
    assert part in verdict.message


# The hoisted loop


class Inputs:
    """The inputs X, or a row of them, which list the products that are made of them."""

    def __init__(self, numbers, products):
        self.numbers, self.products = numbers, products

    def __getitem__(self, t):
        return Inputs(self.numbers[t], self.products)

    def __matmul__(self, W):
        self.products.append(self.numbers.shape)
        return self.numbers @ W


def arrays():
    random = np.random.default_rng(0)
    shapes = {"X": (3, 2), "W": (2, 2), "U": (2, 2), "bias": 2, "h0": 2}
    return {name: random.normal(size=shape) for name, shape in shapes.items()}


def runs_right(lines, given, states):
    """Whether a program makes all states, the last one in `h`, with one product of all inputs."""
    products = []
    inputs = Inputs(given["X"], products)
    space = {**given, "X": inputs, "np": np, "T": 3, "H": np.full((3, 2), 7.0)}
    try:
        exec("\n".join(lines), space)
    except NameError:
        return False
    made = np.allclose(space["H"], states) and np.allclose(space.get("h", 7), states[-1])
    return bool(made and products == [(3, 2)])


def test_the_loops_that_are_right_are_those_that_run_right():
    given = arrays()
    x, h0 = given["X"][:, None], given["h0"][None]
    states = sequential.rnn(x, h0, given["W"], given["U"], given["bias"])[:, 0]
    entry = bank.find("hoisted_loop")
    every = list(programs(entry.lines))
    assert len(every) > 20_000, len(every)
    accepted = {structure(lines) for lines in every if runs_right(lines, given, states)}
    functions = [entry.reference, *(known.function for known in entry.accepted)]
    assert accepted == {structure(lines_of(function())) for function in functions}


def test_no_program_that_is_called_wrong_runs_right():
    given = arrays()
    x, h0 = given["X"][:, None], given["h0"][None]
    states = sequential.rnn(x, h0, given["W"], given["U"], given["bias"])[:, 0]
    for known in bank.find("hoisted_loop").mistakes:
        assert not runs_right(lines_of(known.function()), given, states)
