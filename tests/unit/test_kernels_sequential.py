"""Recurrent layers: loops, steps, the hoisted form and scans agree, with each other and PyTorch."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracles import close

from course_utils import Hierarchy
from course_utils.kernels import sequential

few = st.integers(1, 4)


@st.composite
def sequences(draw):
    """x[t,b,i], h[b,o], W, U and a bias for the input and one for the state."""
    t, b, i, o = (draw(few) for _ in range(4))
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    shapes = [(t, b, i), (b, o), (i, o), (o, o), o, o]
    return [rng.standard_normal(shape, np.float32) for shape in shapes]


def torch_layer(torch, x, h, W, U, bias, state_bias):
    layer = torch.nn.RNN(x.shape[2], h.shape[1])
    names = "weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0"
    values = W.T.copy(), U.T.copy(), bias, state_bias
    layer.load_state_dict(dict(zip(names, map(torch.from_numpy, values), strict=True)))
    return layer


@given(sequences())
def test_all_forms_of_a_recurrent_layer_agree(drawn):
    x, h, W, U, bias, _ = drawn
    H = sequential.rnn(x, h, W, U, bias)
    close(sequential.rnn_loops(x, h, W, U, bias), H)
    close(sequential.rnn_hoisted(x, h, W, U, bias), H)
    for step in (sequential.rnn_step, sequential.rnn_step_loops):
        close(step(x[-1], H[-2] if len(x) > 1 else h, W, U, bias), H[-1])


@given(sequences())
def test_pytorch_recurs_alike(torch, drawn):
    x, h, W, U, bias, state_bias = drawn
    with torch.no_grad():
        expected, _ = torch_layer(torch, *drawn)(*map(torch.from_numpy, (x, h[None])))
    close(sequential.rnn(x, h, W, U, bias + state_bias), expected)


# --- nests --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "size, misses, hoisted", [(32, 18_434, 18_551), (64, 18_380, 3_783), (128, 1_903, 1_983)]
)
def test_known_misses(size, misses, hoisted):
    cache = Hierarchy.parse(f"{size}KiB/8")
    assert cache.replay(sequential.rnn_nests(t=10, i=100, o=128)).misses == misses
    assert cache.replay(sequential.hoisted_nests(t=10, i=100, o=128)).misses == hoisted


@given(few, few, few, few)
def test_hoisting_changes_no_work(t, i, o, b):
    plain, hoisted = sequential.rnn_nests(t, i, o, b), sequential.hoisted_nests(t, i, o, b)
    assert plain.macs == hoisted.macs == t * b * o * (i + o)
    waiting = sum(nest.macs for nest in hoisted.nests[1:])
    assert waiting == t * b * o * o


@given(sequences())
def test_the_nests_are_the_recurrence_without_its_tanh(drawn):
    x, h, W, U, _, _ = drawn
    (t, b, i), o = x.shape, h.shape[1]
    first, _, step = sequential.hoisted_nests(t, i, o, b).nests[:3]
    Z = first.run(x=x, W=W)
    close(step.run(h0=h, U=U, h1=Z[0]), x[0] @ W + h @ U)


# --- linear recurrences -------------------------------------------------------------------


@given(st.integers(1, 40), few, st.integers(0, 99))
def test_scans_are_the_recurrence_exactly(t, width, seed):
    rng = np.random.default_rng(seed)
    a, u = rng.integers(-2, 3, (2, t, width))
    expected = np.zeros_like(u)
    for n in range(t):
        expected[n] = u[n] + (a[n] * expected[n - 1] if n else 0)
    for scan in (sequential.linear_loops, sequential.linear_scan, sequential.linear_tree):
        h, joins, rounds = scan(a, u)
        assert np.array_equal(h, expected)
        depth = (t - 1).bit_length()
        assert (joins, rounds) == {
            sequential.linear_loops: (t - 1, t - 1),
            sequential.linear_scan: (sum(t - 2**n for n in range(depth)), depth),
            sequential.linear_tree: (joins, rounds),
        }[scan]
        if scan is sequential.linear_tree:
            assert joins < 2 * t and rounds <= 2 * depth


def test_scans_leave_their_arguments_alone_and_mix_types():
    a, u = np.full(9, 0.5), np.arange(9)
    for scan in (sequential.linear_loops, sequential.linear_scan, sequential.linear_tree):
        assert np.allclose(scan(a, u)[0], [2 * (t - 1 + 0.5**t) for t in range(9)])
    assert a.tolist() == [0.5] * 9 and u.tolist() == list(range(9))


def test_short_integers_do_not_overflow():
    a = np.full(6, 10, np.int8)
    for scan in (sequential.linear_loops, sequential.linear_scan, sequential.linear_tree):
        assert scan(a, a)[0].tolist() == [10, 110, 1110, 11110, 111110, 1111110]
    x, W = np.full((1, 2), 100, np.int8), np.full((2, 1), 100, np.int8)
    step = sequential.rnn_step(x, np.zeros((1, 1), int), W, [[0]], [-19999.5])
    assert step.item() == pytest.approx(np.tanh(0.5))


# --- what does not fit --------------------------------------------------------------------

x, h, W, U, bias = (np.ones(shape) for shape in [(2, 3), (2, 4), (3, 4), (4, 4), 4])


@pytest.mark.parametrize(
    "call, words",
    [
        (lambda: sequential.rnn_step(x[0], h, W, U, bias), r"x\[b,i\] must hold numbers"),
        (lambda: sequential.rnn_step(x, h, W.T, U, bias), r"W\[i,o\] has shape \(4, 3\): i is 4"),
        (lambda: sequential.rnn_step_loops(x, h[:1], W, U, bias), r"h\[b,o\] has shape .* b is 1"),
        (lambda: sequential.rnn_loops(x, h, W, U, bias), r"x\[t,b,i\] must hold numbers"),
        (lambda: sequential.rnn(x[None], h, W, U, bias[:3]), r"bias\[o\] has shape \(3,\): o is 3"),
        (lambda: sequential.linear_scan(np.ones(3), np.ones(4)), "of one shape"),
        (
            lambda: sequential.rnn(np.ones((3, 2, 3)), h[:1], W, U, bias),
            r"h\[b,o\] has shape \(1, 4\): b is 1, but x\[t,b,i\] has shape \(3, 2, 3\)",
        ),
        (lambda: sequential.linear_tree([], []), "of one shape"),
        (lambda: sequential.linear_scan(["a"], ["b"]), "give numbers"),
        (lambda: sequential.linear_loops([[1], [1, 2]], [1, 2]), "rows are not of one length"),
        (lambda: sequential.hoisted_nests(t=0, i=3, o=4), "t must be a whole number"),
    ],
)
def test_what_does_not_fit_is_said_in_one_line(call, words):
    with pytest.raises(ValueError, match=words) as error:
        call()
    assert "\n" not in str(error.value)
