"""`Pipeline`: a warm cache, swapped buffers, fused and unfused movement."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracles import Brute, lru
from random_nests import nests

from course_utils import Hierarchy, LoopNest, Pipeline
from course_utils.tables import Access

FIRST = LoopNest("H[b,o] += X[b,i] * W[i,o]", b=2, i=12, o=10)
SECOND = LoopNest("Y[b,k] += H[b,o] * V[o,k]", b=2, o=10, k=3)


def stream(pipeline, nests):
    """The pipeline's stream from brute force: each nest's own, moved to the shared addresses."""
    home, at = {}, 0
    for tensor in pipeline.tensors:
        home[tensor] = at
        at = -(-(at + pipeline.nbytes(tensor)) // 64) * 64
    for turn, nest in nests:
        own, at = {}, 0
        for tensor in nest.tensors:
            own[tensor] = at
            at = -(-(at + nest.nbytes(tensor)) // 64) * 64
        swap = {a: b for p in pipeline.buffers for a, b in (p, p[::-1])} if turn % 2 else {}
        for address, name, kind in Brute(nest).stream({}):
            yield address - own[name] + home[swap.get(name, name)], name, kind


def test_two_layers_share_the_hidden_tensor():
    net = Pipeline([FIRST, SECOND])
    assert net.macs == 2 * 12 * 10 + 2 * 10 * 3
    assert net.tensors == ("X", "W", "H", "V", "Y")
    assert net.intermediates == ("H",)
    fixed = 4 * (24 + 120 + 30 + 6)
    assert net.meters(fused=True).moved == net.meters(fused=True).memory == fixed
    assert net.meters().moved == fixed + 2 * 80  # H is written once and read once
    assert net.meters().memory == fixed + 80
    assert net.accesses()["H"] == Access(240 + 60, 240)
    found = list(zip(net.addresses().address.tolist(), net.addresses().kind.tolist(), strict=True))
    assert found == [(a, k) for a, _, k in stream(net, [(0, FIRST), (0, SECOND)])]


def test_a_repeated_pipeline_keeps_the_cache_warm():
    net = Pipeline([FIRST, SECOND], repeat=3)
    cache = Hierarchy.parse("512/2 + 2KiB/4")
    replay = cache.replay(net)
    misses, backs, dirty = lru([(4, 2, 64), (8, 4, 64)], stream(net, [(0, FIRST), (0, SECOND)] * 3))
    for level, missed, back in zip(replay.levels, misses, backs, strict=True):
        assert {t: c.misses for t, c in level.tensors.items() if c.misses} == +missed
        assert {t: c.write_backs for t, c in level.tensors.items() if c.write_backs} == +back
    assert {t: n for t, n in replay.dirty.items() if n} == dirty
    assert (
        Hierarchy.parse("1MiB/16").replay(net).misses
        == Hierarchy.parse("1MiB/16").replay(Pipeline([FIRST, SECOND])).misses
    )


def test_a_state_alternates_between_two_buffers():
    into, step = (
        LoopNest("z[o] += x[t,i] * W[i,o]", t=4, i=5, o=6),
        LoopNest("z[o] += h[j] * U[j,o]", j=6, o=6),
    )
    rnn = Pipeline([into, step], repeat="t", buffers=[("h", "z")])
    assert rnn.macs == 4 * (30 + 36)
    assert rnn.intermediates == ("z", "h")
    trace = rnn.addresses()
    assert len(trace) == 3 * rnn.macs
    assert trace.of("x").tolist() == [
        20 * t + 4 * i for t in range(4) for _ in range(6) for i in range(5)
    ]
    of_h = [sorted(set(part.tolist())) for part in np.split(trace.of("h"), 4)]
    of_z = [sorted(set(part.tolist())) for part in np.split(trace.of("z"), 4)]
    assert of_h[0] == of_h[2] == of_z[1] == of_z[3]
    assert of_z[0] == of_z[2] == of_h[1] == of_h[3]
    # each step: z is written by both nests and read back by the second, h is read
    assert rnn.meters().moved - rnn.meters(fused=True).moved == 4 * 24 * 4


@given(nests(scheduled=False), st.randoms())
def test_repeating_an_index_is_running_its_loop_outermost(drawn, random):
    index = random.choice(drawn.nest.loops)
    inner = [name for name in drawn.nest.loops if name != index]
    nest = drawn.nest.order(index, *inner)
    whole, repeated = nest.addresses(), Pipeline([nest], repeat=index).addresses()
    assert np.array_equal(whole.address, repeated.address)
    assert np.array_equal(whole.tensor, repeated.tensor)
    assert Pipeline([nest], repeat=index).references() == nest.references()


ROWS = [
    "Y[h,p] += T[h,p] * T[k,p]",
    "T[h,p] = V[h,p]",
    "T[k,p] = V[k,p]",
    "Z[h,p] += T[h+1,p] * T[h,p] * V[h,p]",
    "T[h+2,p] += V[h,p]",
    "R[h,p] = T[row[h],p]",
    "N[p] += T[h,p]",
    "M[p] += N[p] * T[k,p]",
]
SHAPES = {"T": (8, 3), "V": (8, 3)}


@given(st.lists(st.sampled_from(ROWS), min_size=1, max_size=4), st.booleans())
def test_movement_equals_brute_force(texts, along):
    size, row = {"h": 5, "k": 4, "p": 3}, np.array([3, 1, 1, 0, 7], np.int8)
    nests = [
        LoopNest(
            text,
            shapes={t: shape for t, shape in SHAPES.items() if f"{t}[" in text},
            index={"row": row} if "row" in text else None,
            **{i: n for i, n in size.items() if i in text.replace("row", "")},
        )
        for text in texts
    ]
    along = along and any("h" in nest.size for nest in nests)
    pipeline = Pipeline(nests, repeat="h" if along else 3)
    compulsory, crossing, written = set(), 0, set()
    for nest in nests:
        itemsize = {t: nest.itemsize_of(t) for t in nest.tensors}
        turns = {}  # {repetition: elements touched in it}
        brute = Brute(nest, index={"row": row})
        for value, touches in zip(brute.settings(), brute.iterations(), strict=True):
            turn = value["h"] if along and "h" in nest.size else 0
            turns.setdefault(turn, set()).update((t, at, itemsize[t]) for t, at, _ in touches)
        often = 1 if along and "h" in nest.size else pipeline.repeat
        for elements in turns.values():
            for tensor, at, nbytes in elements:
                if tensor in pipeline.intermediates:
                    again = tensor == nest.output and tensor in written and "+=" in nest.text
                    crossing += often * nbytes * (1 + again)
                else:
                    compulsory.add((tensor, at, nbytes))
        written.add(nest.output)
    fused = sum(nbytes for _, _, nbytes in compulsory)
    assert pipeline.meters(fused=True).moved == fused
    assert pipeline.meters().moved == fused + crossing


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: Pipeline(
                [
                    LoopNest("H[t] = E[p[t]]", t=2, index={"p": [0, 1]}, shapes={"E": (9,)}),
                    LoopNest("G[t] = E[p[t]]", t=2, index={"p": [1, 2]}, shapes={"E": (9,)}),
                ]
            ),
            "index array 'p' is one array, but .* other values; rename it",
        ),
        (
            lambda: Pipeline([FIRST], buffers=3),
            r"such as \[\('h', 'z'\)\]; got 3",
        ),
        (lambda: Pipeline([FIRST], buffers=None), "pairs of tensors"),
        (lambda: Pipeline([FIRST], buffers=("X", "W")), r"such as .*got \('X', 'W'\)"),
        (lambda: Pipeline([FIRST], buffers=[(["X"], "W")]), "pairs of tensors"),
        (lambda: Pipeline([]), "one or more LoopNests"),
        (lambda: Pipeline(FIRST), "list of one or more LoopNests; got LoopNest"),
        (lambda: Pipeline([FIRST, "H[b] += X[b]"]), "one or more LoopNests"),
        (lambda: Pipeline([FIRST], repeat=0), "repeat must be a whole number"),
        (lambda: Pipeline([FIRST], repeat="q"), "must be an index of the nests"),
        (lambda: Pipeline([FIRST.tile(i=4)], repeat="i"), "is tiled"),
        (lambda: Pipeline([FIRST, SECOND.sizes(o=9)]), "'H' is one array.*rename it"),
        (lambda: Pipeline([FIRST, SECOND.layout(H="ob")]), "stored as"),
        (lambda: Pipeline([FIRST], buffers=[("H", "Q")]), "pairs of tensors among X, W, H"),
        (lambda: Pipeline([FIRST], buffers=[("H", "W")]), "cannot swap"),
        (lambda: Pipeline([FIRST]).shape("Q"), "no tensor 'Q'"),
    ],
)
def test_refused_with_a_reason(make, message):
    with pytest.raises(ValueError, match=message):
        make()
