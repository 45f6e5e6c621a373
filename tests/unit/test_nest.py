"""`LoopNest` against brute force, and what it refuses."""

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracles import Brute
from random_nests import INTEGERS, nests

from course_utils import LoopNest, walk
from course_utils.notation import parse
from course_utils.tables import Access

DENSE = "H[b,o] += X[b,i] * W[i,o]"


@given(nests())
def test_run_equals_brute_force(drawn):
    brute = Brute(drawn.nest, drawn.pads, drawn.index)
    assert np.array_equal(drawn.nest.run(**drawn.arrays), brute.run(drawn.arrays))


@given(nests())
def test_counts_equal_brute_force(drawn):
    nest, brute = drawn.nest, Brute(drawn.nest, drawn.pads, drawn.index)
    counts = {t: np.zeros(nest.shape(t), np.int64) for t in nest.tensors}
    accesses = {t: [0, 0] for t in nest.tensors}
    done = 0
    for touches in brute.iterations():
        done += 1
        for name, at, kind in touches:
            counts[name][at] += 1
            accesses[name][0] += kind != 1
            accesses[name][1] += kind != 0
    for name in nest.tensors:
        assert np.array_equal(nest.use_counts(name), counts[name])
        assert nest.accesses()[name] == Access(*accesses[name])
        assert nest.work.touched(name) == np.count_nonzero(counts[name])
        if counts[name].min() == counts[name].max():
            assert nest.uses(name) == counts[name].min()
        else:
            with pytest.raises(ValueError, match=f"use_counts\\('{name}'\\)"):
                nest.uses(name)
    assert nest.macs_on_data == (done if nest.macs else 0)
    assert nest.macs in (0, sum(1 for _ in brute.settings()))


def test_index_arrays_of_short_integers_do_not_overflow():
    text = np.frombuffer(b"to be or not to be", np.uint8)
    for dtype in INTEGERS[1:]:
        table = text.astype(dtype)
        nest = LoopNest("H[t,d] = E[16*tok[t]+d]", t=len(text), d=16, index={"tok": table})
        assert nest.shape("E") == (16 * int(text.max()) + 16,)
        assert nest.work.touched("E") == 16 * len(set(text.tolist()))
        assert nest.itemsize_of("tok") == table.itemsize == nest.sizes(d=8).itemsize_of("tok")
        values = np.arange(nest.shape("E")[0])
        assert np.array_equal(nest.run(E=values), 16 * text.astype(int)[:, None] + np.arange(16))


@given(nests())
def test_address_stream_equals_brute_force(drawn):
    brute = Brute(drawn.nest, drawn.pads, drawn.index)
    for registers in (False, True):
        trace = drawn.nest.addresses(registers=registers)
        found = [
            (int(a), trace.tensors[t], int(k))
            for a, t, k in zip(trace.address, trace.tensor, trace.kind, strict=True)
        ]
        expected = list(brute.stream(drawn.layouts, registers))
        assert found == expected
        accesses = drawn.nest.accesses(registers=registers)
        for name in drawn.nest.tensors:
            kinds = [k for _, n, k in expected if n == name]
            assert accesses[name] == Access(sum(k != 1 for k in kinds), sum(k != 0 for k in kinds))


@given(nests(), st.integers(1, 4))
def test_a_walk_in_pieces_is_the_walk(drawn, steps):
    def streams():
        trace = drawn.nest.addresses()
        yield from (trace.address, trace.tensor, trace.kind)
        yield drawn.nest.addresses(registers=True).address
        coalesced = drawn.nest.streams(line=16, coalesce=True)
        yield np.concatenate([np.zeros(0, np.int64), *(codes.copy() for codes in coalesced)])

    whole = list(streams())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(walk, "STEPS_AT_ONCE", steps)
        for one, other in zip(whole, streams(), strict=True):
            assert np.array_equal(one, other)


@given(nests(far=2))
def test_source_runs_and_equals_run(drawn):
    out = np.zeros(drawn.nest.shape("O"), np.int64)
    space = {**drawn.arrays, **drawn.index, "O": out}
    exec(drawn.nest.source(), space)  # noqa: S102
    assert np.array_equal(space["O"], drawn.nest.run(**drawn.arrays))


@given(nests(scheduled=False), nests())
def test_schedule_never_changes_the_work(plain, drawn):
    nest = drawn.nest
    again = LoopNest(nest.text, **nest._given, **nest.size)
    assert again.meters() == nest.meters()
    assert again.accesses() == nest.accesses()
    assert np.array_equal(again.run(**drawn.arrays), nest.run(**drawn.arrays))


def test_dense_layer_by_hand():
    dense = LoopNest(DENSE, b=32, i=784, o=100)
    assert dense.macs == 2_508_800
    assert (dense.shape("X"), dense.shape("W"), dense.shape("H")) == (
        (32, 784),
        (784, 100),
        (32, 100),
    )
    assert (dense.uses("X"), dense.uses("W"), dense.uses("H")) == (100, 32, 784)
    meters = dense.meters()
    assert meters.memory == meters.moved == 4 * (32 * 784 + 78_400 + 3_200)
    found = [f"{dense.sizes(b=b).meters().intensity:.3g}" for b in (1, 8, 32, 128, 512)]
    assert found == ["0.494", "3.67", "11.8", "26.2", "37.8"]


def test_loops_run_in_float32_as_the_matrix_line():
    rng = np.random.default_rng(0)
    X, W = rng.random((4, 30), np.float32), rng.random((30, 5), np.float32)
    nest = LoopNest(DENSE, b=4, i=30, o=5)
    for variant in (nest, nest.order("i", "o", "b"), nest.tile(i=7).layout(W="oi")):
        out = variant.run(X=X, W=W)
        assert out.dtype == np.float32
        assert np.allclose(out, X @ W, rtol=1e-5)
    assert np.array_equal(
        nest.run(X=X, W=W, H=np.ones((4, 5), np.float32)) >= 1, np.ones((4, 5), bool)
    )


def test_convolution_as_published():
    text = "H[y,x,k] += X[y+r-1,x+s-1] * W[r,s,k]"
    same = LoopNest(text, y=28, x=28, r=3, s=3, k=32, pad={"X": 1})
    assert same.shape("X") == (28, 28)
    assert (same.macs, same.macs_on_data) == (225_792, 215_168)
    assert same.use_counts("W")[:, :, 0].tolist() == [
        [729, 756, 729],
        [756, 784, 756],
        [729, 756, 729],
    ]
    reads = same.use_counts("X") // 32
    assert (reads[0, 0], reads[0, 5], reads[5, 5]) == (4, 6, 9)
    valid = LoopNest("H[y,x,k] += X[y+r,x+s] * W[r,s,k]", y=26, x=26, r=3, s=3, k=32)
    assert (valid.shape("X"), valid.macs) == ((28, 28), 194_688)


def test_registers_show_stationarity():
    dense = LoopNest(DENSE, b=1, i=784, o=100)
    assert dense.accesses(registers=True)["H"] == Access(100, 100)
    assert dense.order("b", "i", "o").accesses(registers=True)["X"] == Access(784, 0)


def test_index_array_is_read_before_its_element():
    nest = LoopNest("O[t,d] = E[tok[t],d]", t=2, d=1, index={"tok": np.array([3, 0], np.int32)})
    trace = nest.addresses()
    assert [trace.tensors[t] for t in trace.tensor] == ["tok", "E", "O", "tok", "E", "O"]
    assert trace.of("tok").tolist() == [128, 132]
    assert nest.shape("E") == (4, 1)
    assert nest.meters().moved == 2 * 4 + 2 * 4 + 2 * 4  # two rows of E, all of O and tok


def test_counts_stay_exact_at_any_size():
    nest = LoopNest(DENSE, b=10**9, i=10**9, o=10**9)
    assert nest.macs == 10**27
    assert nest.accesses()["H"] == Access(10**27, 10**27)
    with pytest.raises(ValueError, match="too large to walk|too many to keep"):
        nest.addresses()


def test_nests_are_immutable():
    dense = LoopNest(DENSE, b=1, i=2, o=3)
    with pytest.raises(AttributeError, match="immutable"):
        dense.macs = 3
    assert dense.order("i", "o", "b").loops == dense.order(["i", "o", "b"]).loops == ("i", "o", "b")
    assert dense.order("i, o, b").loops == ("i", "o", "b")
    dense.size["b"] = 9
    assert dense.loops == ("b", "o", "i") and dense.macs == 6


def test_passed_shapes_follow_the_sizes_of_their_axes():
    nest = LoopNest("H[b,x] += X[b,x+r] * X[r,b]", b=5, x=4, r=5, shapes={"X": (5, 20)})
    assert nest.sizes(b=9).shape("X") == (9, 20)
    assert nest.sizes(b=3, r=3).shape("X") == (3, 20)
    assert nest.sizes(b=3).shape("X") == (5, 20)  # r still needs them
    assert nest.sizes(x=16).shape("X") == (5, 20)
    with pytest.raises(ValueError, match="reaches 24; axis 1 has 20"):
        nest.sizes(x=21)


def test_the_same_reference_twice_touches_once():
    nest = LoopNest("S[b,c,x] += X[b,c+r-2,x] * X[b,c+r-2,x]", b=2, c=6, x=4, r=5,
                    pad={"X": 2}, shapes={"X": (2, 6, 4)})  # fmt: skip
    assert nest.work.touched("X") == 48 == np.count_nonzero(nest.use_counts("X"))


def test_a_changed_index_array_does_not_change_the_nest():
    tok = np.array([0, 1])
    nest = LoopNest("O[t] = E[tok[t]]", t=2, index={"tok": tok}, shapes={"E": (2,)})
    tok[:] = 99
    assert nest.run(E=np.array([5, 6])).tolist() == [5, 6]


def test_integers_stay_integers_when_run():
    x = np.array([2**53 + 1, 1], np.uint64)
    one = LoopNest("H[i] = X[i] + Y[i]", i=2).run(X=x, Y=np.array([0, -3], np.int8))
    assert one.dtype == np.int64 and one.tolist() == [2**53 + 1, -2]


REFUSED = [
    ("H[b,o] += X[b,i * W[i,o]", dict(b=1), r"found 'W'.*\n.*\n +\^"),
    ("H[b,o] X[b,i]", dict(b=1), "'=' or '\\+=' after the output"),
    ("", {}, "expected the output"),
    ("H[b] += X[b] * Y[b] + Z[b]", dict(b=1), "all by '\\*' or all by '\\+'"),
    ("H[b] += X[b] / Y[b]", dict(b=1), "'/' has no meaning"),
    ("H[b] += X[b,] * Y[b]", dict(b=1), "expected an index or an integer"),
    ("H[b] += X[b] * Y[b] Z", dict(b=1), "found 'Z'"),
    ("H[b] += X[tok[p[b]]]", dict(b=1), "look-up inside a look-up"),
    ("h[t] += h[t-1] * W[t]", dict(t=3), "recurrence is a Pipeline"),
    ("H[b] = X[b,i]", dict(b=1, i=2), "index 'i' is not among its"),
    ("H[b] += X[b] * b[b]", dict(b=1), "a tensor and an index"),
    ("s += x", {}, "no loop index"),
    ("H[for] += X[for]", {}, "word of Python's own"),
    ("H[b] += X[b,i] * X[b]", dict(b=1, i=2), "has 2 and 1 subscripts"),
    ("H[b,o] += X[b,i] * W[i,o]", dict(b=1, i=2), r"index 'o' has no size; pass o=…\n.*\n +\^"),
    ("H[b] += X[b]", dict(b=0), "size b must be a whole number of at least 1; got 0"),
    ("H[b] += X[b]", dict(b=-3), "got -3"),
    ("H[b] += X[b]", dict(b=2.0), "got 2.0"),
    ("H[b] += X[b]", dict(b=True), "got True"),
    ("H[b] += X[b]", dict(b="8"), "got '8'"),
    ("H[b] += X[b]", dict(b=1, q=2), "q=2 is the size of no index.*its indexes are b"),
    ("H[y] += X[y-1]", dict(y=3), r"reaches -1; axis 0 has 2 .*; shift the subscript.*\n.*\n +\^"),
    ("H[y] += X[y+r]", dict(y=28, r=3, shapes={"X": 28}), "reaches 29; axis 0 .*; pass shapes="),
    ("H[y] += X[y+r-2]", dict(y=3, r=3, pad={"X": 1}), "reaches -2"),
    ("H[y] += X[y]", dict(y=3, pad={"H": 1}), "only an input can be padded"),
    ("H[y] += X[y]", dict(y=3, pad={"X": -1}), "at least 0"),
    ("H[y] += X[y]", dict(y=3, pad={"X": (1, 1)}), "each of its 1 axes"),
    ("H[y] += X[y]", dict(y=3, pad=1), "pad= takes a dict"),
    ("H[y] += X[y]", dict(y=3, shapes={"Q": (3,)}), "no such tensor"),
    ("H[y] += X[y]", dict(y=3, shapes={"X": (3, 3)}), "1 subscripts and shape"),
    ("H[y] += X[y]", dict(y=3, shapes={"X": (0,)}), "at least 1; got 0"),
    ("H[y] += X[y]", dict(y=3, itemsize=3), "power of two"),
    ("H[y] += X[y]", dict(y=3, itemsize={"Q": 4}), "no such tensor"),
    ("O[t] = E[tok[t]]", dict(t=2), "index array 'tok' is missing"),
    ("O[t] = E[tok[t]]", dict(t=3, index={"tok": [0, 1]}), "reaches 2; axis 0 has 2 elements"),
    ("O[t] = E[tok[t]]", dict(t=2, index={"tok": [0, -1]}), "reaches -1"),
    ("O[t] = E[tok[t]]", dict(t=2, index={"tok": [0, 9]}, shapes={"E": (4,)}), "reaches 9"),
    ("O[t] = E[tok[t]]", dict(t=2, index={"tok": [0.0, 1.0]}), "must hold integers"),
    ("O[t] = E[tok[t]]", dict(t=2, index={"tok": [[0, 1]]}), "2 axes and 1 subscripts"),
    ("O[t] = E[t]", dict(t=2, index={"tok": [0, 1]}), "looks nothing up"),
    ("O[t] = X[p[t]]", dict(t=2, index={"p": [[0, 1], [2]]}), "rows are not of one length"),
    ("O[t] = X[p[t]]", dict(t=1, index={"p": np.array([2**63], np.uint64)}), "reaches 9,223"),
    ("s[pad] = x[pad]", {}, r"pad= is an argument of LoopNest; name the index otherwise"),
    ("s += text[self]", {}, r"self= is an argument of LoopNest"),
    ("O[p[t]] = X[t]", dict(t=3, index={"p": [0, 1, 0]}), "writes 'O' at 0 2 times"),
    ("O[a+b] = X[a,b]", dict(a=2, b=2), "writes 'O' at 1 2 times"),
    (3, {}, "written as text"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "arguments", "message"),
    REFUSED,
    ids=[str(r[0]) + str(n) for n, r in enumerate(REFUSED)],
)
def test_refused_with_a_reason(text, arguments, message):
    with pytest.raises(ValueError, match=message):
        LoopNest(text, **arguments)


def test_refused_schedules():
    dense = LoopNest(DENSE, b=1, i=8, o=4)
    for call, message in [
        (lambda: dense.order("b", "o"), "name each loop once: b, o, i; got b, o"),
        (lambda: dense.order("b", "b", "o"), "name each loop once"),
        (lambda: dense.order(), "got nothing"),
        (lambda: dense.tile(q=2), "no loop 'q'"),
        (lambda: dense.tile(i=0), "tile of 'i' must be a whole number"),
        (lambda: dense.tile(i=4).tile(i=4), "tiled by 4 already"),
        (lambda: dense.layout(Q="oi"), "no tensor 'Q'"),
        (lambda: dense.layout(W="ob"), "name each axis of 'W' once"),
        (lambda: dense.layout(W=(0, 0)), "name each axis of 'W' once"),
        (lambda: dense.layout(W=1), "name each axis of 'W' once"),
        (lambda: dense.shape("Q"), "no tensor 'Q'; there are X, W, H"),
        (lambda: dense.run(X=np.ones((1, 8))), "'W' is missing"),
        (lambda: dense.run(X=np.ones((1, 8)), W=np.ones((4, 8))), r"needs \(8, 4\)"),
        (lambda: dense.run(X=np.ones((1, 8)), W=np.ones((8, 4)), Q=1), "'Q' is no input"),
        (
            lambda: dense.run(X=np.ones((1, 8), np.float16), W=np.ones((8, 4), np.float16)),
            "float16",
        ),
        (
            lambda: dense.run(X=np.full((1, 8), 2**63, np.uint64), W=np.ones((8, 4), int)),
            "'X' reaches 9,223,372,036,854,775,808, more than int64 holds; pass float64",
        ),
        (lambda: LoopNest("H[y] += X[y+r]", y=2, r=2).layout(X="y"), "no plain index"),
    ]:
        with pytest.raises(ValueError, match=message):
            call()


def test_random_texts_parse_or_are_refused():
    """100,000 texts: pure noise, and real nests with a few characters changed."""
    rng = random.Random(20261123)
    noise = "HXWbio[]+-=*, 0123tok.αλ\n\t'\"()if"
    seeds = [
        DENSE,
        "H[y,x,k] += X[y+r-1,2*x+s] * W[r,s,k]",
        "O[t,d] = E[tok[t],d]",
        "s += x[i] * y[i]",
    ]
    parsed = 0
    for _ in range(100_000):
        text = list(rng.choice([*seeds, "".join(rng.choices(noise, k=rng.randrange(30)))]))
        for _ in range(rng.randrange(4)):
            at = rng.randrange(len(text) + 1)
            text[at : at + rng.randrange(3)] = rng.choices(noise, k=rng.randrange(3))
        try:
            statement = parse("".join(text))
            tables = {
                t.name: np.zeros((3,) * len(t.subscripts), int)
                for r in statement.references
                for t in r.lookups
            }
            nest = LoopNest("".join(text), index=tables, **dict.fromkeys(statement.indexes, 2))
        except ValueError as error:
            assert str(error).startswith("LoopNest: ")
        else:
            parsed += 1
            assert nest.iterations == 2 ** len(nest.size)
    assert 10_000 < parsed < 90_000
