"""Lesson 02: its answers are the kernels', and its traps are told apart."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from programs import programs, runs_right

from course_utils.exercises import bank, grade
from course_utils.exercises.answers import Verdict
from course_utils.exercises.program import lines_of, structure
from course_utils.kernels import spatial

DIGIT = dict(b=1, c=1, image=(28, 28), k=32, taps=(3, 3))


@pytest.mark.parametrize(
    "name, answer, code",
    [
        ("conv_side", 13, None),
        ("conv_side", 14, "O1"),
        ("conv_side", 12, "O1"),
        ("conv_side", 26, "S1"),
        ("conv_params", 896, None),
        ("conv_params", 864, "P1"),
        ("conv_params", 320, "P2"),
        ("conv_params", 867, "P1"),
        ("conv_macs", 225_792, None),
        ("conv_macs", 194_688, "S1"),
        ("conv_macs", 288, "P2"),
        ("conv_macs", 451_584, "U1"),
        ("conv_macs", 7_056, "P2"),
        ("conv_macs", 215_168, "S1"),
        ("conv_macs", 250_880, "P1"),
        ("pixel_reads", 7.76, None),
        ("pixel_reads", 9, "S1"),
        ("pixel_reads", 1, "S1"),
        ("pixel_reads", 0.8622, "S1"),
        ("lowered_intensity", 14.22, None),
        ("lowered_intensity", 131.9, "R1"),
        ("lowered_intensity", 25.6, "R1"),
        ("lowered_intensity", 7.11, "U1"),
        ("swapped_layer", "b", None),
    ],
)
def test_the_known_traps_of_convolution(name, answer, code):
    verdict = grade(name, answer)
    assert (verdict.state, verdict.code) == ("wrong" if code else "right", code)


def test_the_answers_on_convolution_are_the_kernels_():
    def right(name):
        return bank.find(name).value

    coloured = spatial.conv_nest(b=1, c=3, image=(28, 28), k=32, taps=(3, 3))
    assert right("conv_side") == spatial.outputs((28, 28), (3, 3), stride=2)[0]
    assert right("conv_params") == coloured.nbytes("W") // 4 + 32
    padded = spatial.conv_nest(**DIGIT, padding=1)
    assert right("conv_macs") == padded.macs
    one = spatial.conv_nest(**DIGIT | {"k": 1})
    assert right("pixel_reads") == one.use_counts("X").mean()
    lowered = spatial.lowered_nests(b=1, c=64, image=(56, 56), k=64, taps=(3, 3), padding=1)
    assert right("lowered_intensity") == lowered.meters().intensity
    assert grade("lowered_intensity", 14.27).state == "right"


def test_the_swapped_layer_has_fewer_weights_and_more_work():
    dense = 784 * 100
    padded = spatial.conv_nest(**DIGIT, padding=1)
    assert padded.nbytes("W") // 4 < dense < padded.macs


@given(st.integers(1, 12), st.integers(1, 5), st.integers(1, 3), st.integers(1, 4))
def test_the_shape_of_im2col_is_that_of_the_copy(side, taps, channels, filters):
    if taps > side:
        return
    image = np.zeros((1, channels, side, side), np.float32)
    own = bank.find("im2col_shape").reference(side, taps, channels, filters)
    assert own == spatial.im2col(image, (taps, taps)).shape


@given(*[st.integers(low, high) for low, high in ((1, 40), (1, 5), (0, 4), (1, 4), (1, 3))])
def test_outputs_are_the_windows_that_fit(side, taps, padding, stride, dilation):
    reach = range(0, dilation * taps, dilation)
    starts = range(-padding, side + padding, stride)
    fitting = [start for start in starts if start + reach[-1] < side + padding]
    if fitting:
        own = bank.find("conv_out").reference
        assert own(side, taps, padding, stride, dilation) == len(fitting)


@pytest.mark.parametrize(
    "name, answer",
    [
        ("conv_out", lambda i, k, p, s, d=1: int((i + 2 * p - d * (k - 1) - 1) / s + 1)),
        ("conv_out", lambda i, k, p, s, d=1: len(range(d * (k - 1), i + 2 * p, s))),
        ("im2col_shape", lambda i, k, c, f: [(i - k + 1) ** 2, c * k * k]),
        ("im2col_shape", lambda i, k, c, f: np.array([(1 + i - k) ** 2, k * c * k])),
    ],
)
def test_other_ways_to_write_them(name, answer):
    assert grade(name, answer) == Verdict("right")


def test_a_window_that_is_forgotten_is_told_before_the_columns():
    verdict = grade("im2col_shape", lambda i, k, c, f: (i * i, k * k))
    assert (verdict.state, verdict.code) == ("wrong", "S1")


def test_the_loops_that_are_right_are_those_that_run_right():
    random = np.random.default_rng(0)
    space = {"X": random.integers(1, 99, 4), "W": random.integers(1, 99, (2, 2)), "H": (2, 3)}
    want = [[space["X"][x : x + 2] @ w for x in range(3)] for w in space["W"]]
    small = {"32": 2, "28": 4, "26": 3, "3": 2}
    entry = bank.find("row_loops")
    # all six lines would do the work several times: one of them does not belong
    every = [lines for lines in programs(entry.lines) if len(lines) < len(entry.lines)]
    assert len(every) > 500, len(every)
    right = {structure(lines) for lines in every if runs_right(lines, space, small, "H", want)}
    functions = [entry.reference, *(known.function for known in entry.accepted)]
    assert right == {structure(lines_of(function())) for function in functions}


def test_a_wrong_count_is_shown_for_the_arguments_that_were_given():
    verdict = grade("conv_out", lambda side, taps, padding, stride, dilation=1: 7)
    assert verdict.state == "wrong"
    assert "for side=28, taps=3, padding=0, stride=2 it returns 7." in verdict.message
