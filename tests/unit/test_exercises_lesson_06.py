"""Lesson 06: its answers are those of the networks, and its traps are told apart."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from programs import programs

from course_utils.exercises import bank, grade, names
from course_utils.exercises.answers import Verdict
from course_utils.exercises.kinds import Prediction
from course_utils.exercises.program import lines_of, structure
from course_utils.kernels import spatial
from course_utils.nest import LoopNest
from course_utils.networks import blocks, mixture_of_experts, resnet, vit
from course_utils.wavefront import chain


def test_names_and_numbers():
    assert [(bank.find(name).number, name) for name in names(6)] == [
        (None, "recall_token_time"),
        (None, "recall_stacked_steps"),
        (None, "recall_half_add"),
        ("06.1", "separable_saving"),
        ("06.2", "depthwise_intensity"),
        ("06.3", "expert_layer"),
        ("06.4", "experts_touched"),
        ("06.5", "patch_weights"),
        ("06.6", "fused_bytes"),
        ("06.7", "census"),
        (None, "route"),
        (None, "expert_reads"),
    ]
    bets = [entry.name for entry in bank.of_lesson("06") if isinstance(entry, Prediction)]
    assert bets == [
        "deep_digits",
        "active_share",
        "separable_time",
        "rest_time",
        "climber",
        "expert_time",
    ]


@pytest.mark.parametrize(
    "name, answer, code",
    [
        ("recall_token_time", 8, None),
        ("recall_token_time", 2, "U3"),
        ("recall_token_time", 4, "U3"),
        ("recall_token_time", 125, "G1"),
        ("recall_stacked_steps", 52, None),
        ("recall_stacked_steps", 150, "T1"),
        ("recall_stacked_steps", 53, "O1"),
        ("recall_half_add", 1 / 6, None),
        ("recall_half_add", 0.167, None),
        ("recall_half_add", 1 / 12, "U3"),
        ("recall_half_add", 0.25, "R1"),
        ("separable_saving", 8.694, None),
        ("separable_saving", 9, "P2"),
        ("separable_saving", 256, "P2"),
        ("separable_saving", 0.115, "Q1"),
        ("depthwise_intensity", 0.898, None),
        ("depthwise_intensity", 0.9, None),
        ("depthwise_intensity", 0.449, "U1"),
        ("depthwise_intensity", 3.592, "U2"),
        ("depthwise_intensity", 1.122, "R1"),
        ("depthwise_intensity", 4.449, "R1"),
        ("depthwise_intensity", 2.247, "S1"),
        ("depthwise_intensity", 89.0, "G1"),
        ("experts_touched", 6.389, None),
        ("experts_touched", 8, "E1"),
        ("experts_touched", 12, "E1"),
        ("experts_touched", 1, "B1"),
        ("experts_touched", 2.762, "E1"),
        ("patch_weights", 4, None),
        ("patch_weights", 1, "P2"),
        ("patch_weights", 16, "P2"),
        ("patch_weights", 0.25, "Q1"),
        ("patch_weights", 256, "P2"),
        ("fused_bytes", 1_572_864, None),
        ("fused_bytes", 3_145_728, "R1"),
        ("fused_bytes", 786_432, "U2"),
        ("fused_bytes", 393_216, "U2"),
        ("fused_bytes", 7_864_320, "R1"),
        ("expert_reads", "c", None),
        ("expert_reads", "a", "E1"),
        ("expert_reads", "b", "B1"),
        ("expert_reads", "d", "E1"),
    ],
)
def test_the_known_traps_of_modern_architectures(name, answer, code):
    verdict = grade(name, answer)
    assert (verdict.state, verdict.code) == ("wrong" if code else "right", code)


def right(name):
    return bank.find(name).value


def test_the_recalled_answers():
    add = LoopNest("z[i] = x[i] + y[i]", i=1000, itemsize=2)
    assert right("recall_half_add") == add.meters().intensity
    assert right("recall_stacked_steps") == len(chain(3, 50))
    assert right("recall_token_time") == 1000 * 3e9 * 4 / 1.5e12


# Convolutions


def test_the_separable_convolution_is_that_of_the_kernels():
    sizes = dict(b=1, c=128, image=(56, 56))
    full = spatial.conv_nest(k=256, taps=(3, 3), padding=1, **sizes)
    each = spatial.depthwise_nest(taps=(3, 3), padding=1, **sizes)
    mix = spatial.conv_nest(k=256, taps=(1, 1), **sizes)
    assert right("separable_saving") == full.macs / (each.macs + mix.macs)
    each = spatial.depthwise_nest(taps=(3, 3), padding=1, stride=2, **sizes)
    assert each.shape("H") == (1, 128, 28, 28)
    assert right("depthwise_intensity") == each.meters().intensity
    on_pixels = 2 * each.macs_on_data / each.meters().moved
    verdict = grade("depthwise_intensity", on_pixels)
    assert verdict.state == "right" and "padding" in verdict.message


def test_the_measured_convolutions_save_what_the_bet_says():
    sizes = dict(b=1, c=64, image=(56, 56), padding=1)
    full = spatial.conv_nest(k=64, taps=(3, 3), **sizes)
    each = spatial.depthwise_nest(taps=(3, 3), **sizes)
    mix = spatial.conv_nest(k=64, taps=(1, 1), **sizes | {"padding": 0})
    saving = full.macs / (each.macs + mix.macs)
    assert f"{saving:.1f} times fewer" in bank.find("separable_time").task


def test_the_bet_on_the_blocks_gives_their_order_by_macs():
    order = sorted(blocks(), key=lambda name: -blocks()[name].macs())
    assert ", ".join(order) in bank.find("climber").task.replace("\n", " ")


def test_the_patches_are_those_of_the_networks():
    patches, conv = vit("b/16")["patches"], resnet(18)["stage2.1.conv1"]
    assert conv.nest.shape("W") == (128, 128, 3, 3)
    assert patches.macs == conv.macs == 115_605_504
    assert right("patch_weights") == patches.nest.nbytes("W") / conv.nest.nbytes("W")
    assert f"{conv.macs:,}" in bank.find("patch_weights").cells()["task"]


def test_what_fusing_saves():
    """Alone: read x, z, write s, read s, write y. Fused: read x, z, write s, y."""
    array = LoopNest("S[t,d] = X[t,d]", t=512, d=768).nbytes("X")
    assert right("fused_bytes") == 5 * array - 4 * array


# Experts


@given(st.tuples(*[st.integers(1, 6)] * 2, st.integers(1, 5), st.integers(1, 5)))
def test_a_layer_of_experts_is_that_of_the_networks(sizes):
    width, hidden, experts, top = *sizes[:2], max(sizes[2:]), min(sizes[2:])
    network = mixture_of_experts(width, hidden, experts, top)
    up = network["experts.up"]
    weights = np.prod(up.nest.shape("W")) + np.prod(network["experts.down"].nest.shape("W"))
    macs = up.macs + network["experts.down"].macs
    own = bank.find("expert_layer").reference
    assert own(width, hidden, experts, top) == (weights, macs)


def test_the_experts_that_are_met_on_average():
    """Over all 4^5 choices of five tokens among four experts; and the formula at 8 and 12."""
    met = np.mean([len(set(choice)) for choice in product(range(4), repeat=5)])
    assert met == pytest.approx(4 * (1 - (3 / 4) ** 5))
    rolls = np.random.default_rng(0).integers(8, size=(40_000, 12))
    seen = np.mean([len(set(roll)) for roll in rolls.tolist()])
    assert right("experts_touched") == pytest.approx(seen, rel=0.005)


@pytest.mark.parametrize(
    "answer, code",
    [
        (lambda w, h, e, k: (2 * w * h * e, 2 * w * h * e), "E1"),
        (lambda w, h, e, k: (2 * w * h * k, 2 * w * h * k), "E1"),
        (lambda w, h, e, k: (2 * w * h * e, 2 * w * h), "E1"),
        (lambda w, h, e, k: (w * h * e, w * h * k), "P2"),
        (lambda w, h, e, k: (e, k), "P2"),
    ],
)
def test_the_traps_of_experts(answer, code):
    verdict = grade("expert_layer", answer)
    assert (verdict.state, verdict.code) == ("wrong", code)


def test_the_concept_test_is_counted():
    """32 experts, 4 a token, 256 tokens that choose evenly, beside the one network."""
    many, one = mixture_of_experts(8, 16, 32, 4), mixture_of_experts(8, 16, 1, 1)
    stored, macs, read = [], [], []
    for network in (many, one):
        up = network.at(tokens=256)["experts.up"]
        stored.append(np.prod(up.nest.shape("W")))
        macs.append(up.macs)
        read.append(up.nest.work.touched("W"))
    assert [a / b for a, b in (stored, macs, read)] == [32, 4, 32]
    assert bank.find("expert_reads").solution() == "(c) 32 times, 4 times, 32 times"


# The census


@pytest.mark.parametrize("name", blocks())
def test_the_census_is_that_of_the_networks(name):
    own = bank.find("census").reference
    want = {kind: (m.macs, m.moved) for kind, m in blocks()[name].by_primitive().items()}
    assert own(blocks()[name]) == want


def with_lists(block):
    found = {}
    for layer in block:
        pair = found.setdefault(layer.primitive, [0, 0])
        pair[0] += layer.macs
        pair[1] += np.int64(layer.meters().moved)
    return found


def sorted_by_key(block):
    own = bank.find("census").reference(block)
    return {key: own[key] for key in sorted(own)}


@pytest.mark.parametrize("answer", [with_lists, sorted_by_key])
def test_other_ways_to_take_a_census(answer):
    assert grade("census", answer) == Verdict("right")


@pytest.mark.parametrize(
    "answer, part",
    [
        (lambda block: {}, "there is no key 'window'"),
        (lambda block: 5, "it returns 5, and a dict is asked"),
        (lambda block: bank.find("census").reference(block) | {"gate": (1, 1)}, "key 'gate'"),
        (
            lambda block: {k: (0, 1) for k in bank.find("census").reference(block)},
            "for block=MobileNet v1 1.0, block.7: the entry 'window' is [0 1]",
        ),
        (lambda block: {x.primitive: 7 for x in block}, "the entry 'window' is 7."),
    ],
)
def test_what_is_off_in_a_census(answer, part):
    verdict = grade("census", answer)
    assert verdict.state == "wrong" and part in verdict.message
    assert "903,168" not in verdict.message  # what is right is not told


# The router


class Counting:
    """X, which says how many of its rows were multiplied."""

    def __init__(self, array):
        self.array, self.rows = array, []

    def __getitem__(self, rows):
        return Counting.of(self, self.array[rows])

    def __matmul__(self, other):
        self.rows.append(len(self.array))
        return self.array @ other

    @classmethod
    def of(cls, parent, array):
        part = cls(array)
        part.rows = parent.rows
        return part


def routed(program):
    """(Y, the rows of each product with X) of a program in text."""
    rng = np.random.default_rng(3)
    X, R = rng.normal(size=(20, 6)), rng.normal(size=(6, 4))
    up, down = rng.normal(size=(4, 6, 5)), rng.normal(size=(4, 5, 6))
    space = dict(np=np, X=Counting(X), R=R, up=up, down=down, E=4, Y=np.zeros((20, 6)))
    exec(program, space)
    best = np.argmax(X @ R, axis=1)
    want = [np.maximum(x @ up[e], 0) @ down[e] for x, e in zip(X, best, strict=True)]
    return np.allclose(space["Y"], want), space["X"].rows, np.bincount(best, minlength=4).tolist()


def test_the_router_sends_each_row_to_its_expert():
    right_result, rows, loads = routed("\n".join(lines_of(bank.find("route").reference())))
    assert right_result and rows == [20, *loads]


def test_no_other_order_of_the_lines_does_the_same():
    """Of all programs of the right lines, one more is right, and chooses once an expert."""
    entry = bank.find("route")
    found = set()
    for program in programs([line.strip() for line in lines_of(entry.reference())]):
        try:
            same, rows, loads = routed("\n".join(program))
        except Exception:
            continue
        if same and rows == [20, *loads]:
            found.add(structure(program))
    again = next(m.function for m in entry.mistakes if m.function.__name__ == "route_chosen_again")
    assert found == {structure(lines_of(one())) for one in (entry.reference, again)}


def test_the_stubs_fit_a_cell():
    for name in names(6):
        if name != "route":
            assert all(len(x) <= 74 for x in bank.find(name).cells()["stub"].splitlines())
