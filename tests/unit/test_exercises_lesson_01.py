"""Lesson 01: its answers are the kernel's, and its traps are told apart."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from programs import programs, runs_right

from course_utils.exercises import bank, grade
from course_utils.exercises.answers import Verdict
from course_utils.exercises.program import lines_of, structure
from course_utils.kernels.dense import layer


@pytest.mark.parametrize(
    "name, answer, code",
    [
        ("dense_params", 78_500, None),
        ("dense_params", 78_400, "P1"),
        ("dense_params", 79_184, "P1"),
        ("dense_params", 884, "P2"),
        ("dense_macs", 2_508_800, None),
        ("dense_macs", 78_400, "B1"),
        ("dense_macs", 5_017_600, "U1"),
        ("dense_macs", 2_512_000, "P1"),
        ("dense_bytes", 427_152, None),
        ("dense_bytes", 106_788, "U2"),
        ("dense_bytes", 10_161_152, "W1"),
        ("dense_bytes", 414_352, "R1"),
        ("dense_bytes", 426_752, "P1"),
        ("dense_intensity", 11.75, None),
        ("dense_intensity", 5.873, "U1"),
        ("dense_intensity", 46.99, "U2"),
        ("dense_intensity", 0.4938, "B1"),
        ("smallest_batch", 26, None),
        ("smallest_batch", 20, "G1"),
        ("smallest_batch", 10, "G1"),
        ("smallest_batch", 25, "O2"),
        ("doubling_batch", "b", None),
    ],
)
def test_the_known_traps_of_the_dense_layer(name, answer, code):
    verdict = grade(name, answer)
    assert (verdict.state, verdict.code) == ("wrong" if code else "right", code)


def test_the_answers_on_the_dense_layer_are_the_kernel_s():
    def right(name):
        return bank.find(name).value

    dense = layer(32, 784, 100)
    start, products = dense.nests
    assert right("dense_params") == (products.nbytes("W") + start.nbytes("bias")) // 4
    assert right("dense_macs") == dense.meters().macs
    assert right("dense_bytes") == dense.meters().moved
    assert right("dense_intensity") == dense.meters().intensity
    least = next(b for b in range(1, 99) if layer(b, 784, 100).meters().intensity >= 10)
    assert right("smallest_batch") == least


@given(st.integers(1, 40), st.integers(1, 40), st.integers(1, 40), st.sampled_from([1, 2, 4, 8]))
def test_the_meters_of_the_dense_layer_are_the_kernel_s(batch, inputs, outputs, itemsize):
    dense = layer(batch, inputs, outputs, itemsize)
    start, products = dense.nests
    weights = products.nbytes("W") + start.nbytes("bias")
    meters = dense.meters()
    own = bank.find("dense_meters").reference
    assert own(batch, inputs, outputs, itemsize) == (weights, meters.macs, meters.moved)


@pytest.mark.parametrize(
    "answer",
    [
        lambda b, i, o, s: [s * o * (i + 1), b * i * o, s * (o * (i + 1) + b * (i + o))],
        lambda b, i, o, s: np.array([s * (i * o + o), b * i * o, s * (b * i + i * o + o + b * o)]),
        lambda b, i, o, s: (s * o * (i + 1.0), np.int64(b * i * o), s * (o + b * o + i * (b + o))),
    ],
)
def test_other_ways_to_write_the_meters(answer):
    assert grade("dense_meters", answer) == Verdict("right")


@pytest.mark.parametrize(
    "answer, code, part",
    [
        # wrong in two of the three, each for its own reason: the first one is told
        (lambda b, i, o, s: (i * o + o, b * i * o, s * (b * i + i * o + o)), "U2", "numbers where"),
        (lambda b, i, o, s: (s * i * o, i * o, s * i * o), "P1", "the bias is not in the bytes"),
        (lambda b, i, o, s: (s * (i * o + o), 2 * b * i * o, 0), "U1", "FLOP in place"),
        (lambda b, i, o, s: (s * (i * o + o), b * i * o, 6), None, "number 3 of the 3 is 6."),
        (lambda b, i, o, s: (s * (i * o + o), b * i * o + 5, 0), None, "number 2 of the 3 is 11."),
        (lambda b, i, o, s: b * i * o, None, "it returns 6; asked are 3 numbers, with commas"),
        (lambda b, i, o, s: (b, i), None, "it returns [1 3]; asked are 3 numbers, with commas"),
        (lambda b, i, o, s: ("a", i, o), None, "number 1 of the 3 is 'a'."),
        (
            lambda b, i, o, s: np.zeros((3, 3)),
            None,
            "number 1 of the 3 is [0 0 0], of shape (3,); asked is one number",
        ),
    ],
)
def test_the_pattern_of_failures_names_the_code(answer, code, part):
    verdict = grade("dense_meters", answer)
    assert (verdict.state, verdict.code) == ("wrong", code)
    assert part in verdict.message


def test_the_loops_that_are_right_are_those_that_run_right():
    random = np.random.default_rng(0)
    space = {name: random.integers(1, 99, size) for name, size in SHAPES.items()}
    want, space["Z"] = space["X"] @ space["W"] + space["bias"], (2, 2)
    small = {"32": 2, "784": 3, "100": 2}
    entry = bank.find("dense_loops")
    every = list(programs(entry.lines))
    assert len(every) > 2000, len(every)
    right = {structure(lines) for lines in every if runs_right(lines, space, small, "Z", want)}
    functions = [entry.reference, *(known.function for known in entry.accepted)]
    assert right == {structure(lines_of(function())) for function in functions}


SHAPES = {"X": (2, 3), "W": (3, 2), "bias": 2}
