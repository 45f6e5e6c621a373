"""What is left out of a replay, because it repeats, changes no count."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from random_nests import nests
from test_cache import hierarchies

from course_utils import Hierarchy, LoopNest, Pipeline, repeats
from course_utils import lru as levels


@pytest.fixture(autouse=True, scope="module")
def turns_of_any_length():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(repeats, "_FEW_STEPS", 2)
        yield


def looked_up(hierarchy, work):
    """The replay, and how many references each level really looked up."""
    numbers = {}
    with pytest.MonkeyPatch.context() as patch:
        true = levels.look_up

        def spy(tags, refreshes, codes, *rest):
            shape = tags.shape
            numbers[shape] = numbers.get(shape, 0) + codes.size
            return true(tags, refreshes, codes, *rest)

        patch.setattr(levels, "look_up", spy)
        return hierarchy.replay(work), list(numbers.values())


def same(hierarchy, work):
    """The replay of work equals that of its addresses, one after another."""
    found, plain = hierarchy.replay(work), hierarchy.replay(work.addresses())
    assert found.levels == plain.levels
    assert found.dirty == plain.dirty


LETTERS = "abc"


@st.composite
def long_nests(draw, names=("X", "Y", "O")):
    """Nests whose outer loops take many turns, with arrays that mostly move by whole lines."""
    sizes = {
        "a": draw(st.integers(1, 40)),
        "b": draw(st.integers(1, 8)),
        "c": draw(st.integers(1, 8)),
    }
    if draw(st.booleans()):
        sizes["b"], sizes["c"] = draw(st.sampled_from([(4, 4), (8, 4), (2, 8), (8, 8)]))
    axes = st.permutations(LETTERS).flatmap(
        lambda p: st.integers(0, 3).map(lambda n: tuple(p[:n]))
    )  # fmt: skip
    inputs = [(name, draw(axes)) for name in names[:-1]]
    used = [i for i in LETTERS if any(i in a for _, a in inputs)]
    out = draw(axes)
    accumulates = draw(st.booleans()) or not set(used) <= set(out)
    if not accumulates:
        out = tuple(i for i in out if i in used)
    shown = lambda name, a: name + (f"[{','.join(a)}]" if a else "")  # noqa: E731
    text = f"{shown(names[-1], out)} {'+=' if accumulates else '='} "
    text += " * ".join(shown(*each) for each in inputs)
    present = {i: n for i, n in sizes.items() if i in used or i in out}
    if not present:
        return draw(long_nests(names))
    nest = LoopNest(text, itemsize=draw(st.sampled_from([4, 8])), **present)
    if draw(st.booleans()):
        tiled = draw(st.sampled_from(sorted(present)))
        nest = nest.tile(**{tiled: draw(st.integers(1, 8))})
    return nest.order(*draw(st.permutations(nest.loops)))


@given(long_nests(), hierarchies())
def test_of_a_nest(nest, hierarchy):
    same(hierarchy, nest)


@given(nests(), hierarchies())
def test_of_a_nest_with_pads_look_ups_and_shifted_subscripts(drawn, hierarchy):
    same(hierarchy, drawn.nest)


STEPS = [
    "T[h,p] += s[p] * V[h,p]",
    "s[p] += V[h,p]",
    "s[p] += V[k,p]",  # all rows, whatever the repetition: lines that no repetition moves
    "u[p] += s[p] * G[p]",
    "s[p] = G[p]",
    "T[h,p] = V[h,p]",
]


@st.composite
def pipelines(draw):
    """Nests that share arrays, repeated, some of them along an index of their own."""
    size = {"h": draw(st.integers(1, 40)), "p": draw(st.sampled_from([1, 4, 8, 16, 32]))}
    size["k"] = size["h"]
    chosen = draw(st.lists(st.sampled_from(STEPS), min_size=1, max_size=4))
    steps = [LoopNest(text, **{i: size[i] for i in "hpk" if i in text}) for text in chosen]
    along = [name for name in "hk" if any(name in nest.size for nest in steps)]
    repeat = draw(st.sampled_from([*along, size["h"]]))
    if draw(st.booleans()):
        steps.insert(draw(st.integers(0, len(steps))), draw(long_nests(("X", "Y", "O"))))
    there = {name for nest in steps for name in nest.tensors}
    buffers = [("u", "s")] if {"u", "s"} <= there and draw(st.booleans()) else []
    return Pipeline(steps, repeat=repeat, buffers=buffers)


@given(pipelines(), hierarchies())
def test_of_a_pipeline(pipeline, hierarchy):
    same(hierarchy, pipeline)


def heads(n, d, h):
    """The scores and the mix of h heads of n tokens, d wide, one head after another."""
    nests = [
        LoopNest("S[h,q,j] += Q[h,q,d] * K[h,j,d]", h=h, q=n, j=n, d=d),
        LoopNest("O[h,q,d] += S[h,q,j] * V[h,j,d]", h=h, q=n, j=n, d=d).order("h", "q", "j", "d"),
    ]
    return Pipeline(nests, repeat="h")


def test_heads_are_looked_up_twice_at_most():
    hierarchy = Hierarchy.parse("1KiB/2 + 4KiB/4 + 64KiB/8")
    few, many = (looked_up(hierarchy, heads(32, 16, h)) for h in (8, 80))
    assert few[1][:2] == many[1][:2]  # the first levels saw no more of eighty heads than of eight
    assert many[0].levels[0].misses > 9 * few[0].levels[0].misses
    same(hierarchy, heads(32, 16, 5))


def test_rows_of_one_head_are_not_all_looked_up():
    nest = LoopNest("S[q,j] += Q[q,d] * K[j,d]", q=256, j=32, d=16)
    hierarchy = Hierarchy.parse("1KiB/2 + 16KiB/4")
    replay, (near, far) = looked_up(hierarchy, nest)
    assert near < replay.levels[0].references / 10
    assert far < replay.levels[1].references
    same(hierarchy, nest)


def test_repetitions_of_a_whole_pipeline():
    row = [LoopNest("s[p] += X[p,q] * y[q]", p=30, q=30), LoopNest("y[q] = s[q]", q=30)]
    hierarchy = Hierarchy.parse("512/2")
    (ten, few), (hundred, many), (thousand, most) = (
        looked_up(hierarchy, Pipeline(row, repeat=n)) for n in (10, 100, 1000)
    )
    assert few == many == most
    assert thousand.misses - hundred.misses == 10 * (hundred.misses - ten.misses) > 0
    same(hierarchy, Pipeline(row, repeat=30))


@pytest.mark.parametrize(
    "nest",
    [
        LoopNest("H[y] += X[y+r-1] * W[r]", y=64, r=3, pad={"X": 1}).order("y", "r"),
        LoopNest("H[n] += E[tok[n]]", n=64, index={"tok": np.arange(64) % 7}),
        LoopNest("O[i] += X[i] * X[2*i]", i=64),
        LoopNest("O[i] += X[i]", i=66).tile(i=4),
    ],
    ids=["padded", "look-up", "two strides", "clipped tile"],
)
def test_loops_that_do_more_than_move_are_no_turns(nest):
    assert repeats.step_of(nest.walk(), 0) is None
    same(Hierarchy.parse("64/2/8 + 128/4/8"), nest)


def test_lines_that_two_arrays_share_move_with_neither():
    # arrays begin at multiples of 64 B, so a line of 128 B may hold the end of X and all of s
    nest = LoopNest("s[i] += X[j,i]", j=64, i=16)
    assert all(isinstance(item, np.ndarray) for item in nest.order("j", "i").items(128, False))
    same(Hierarchy.parse("256/2/128"), nest.order("j", "i"))


def test_a_turn_that_sends_too_much_is_not_kept(monkeypatch):
    monkeypatch.setattr(repeats, "_LONGEST", 10)
    hierarchy = Hierarchy.parse("1KiB/2 + 4KiB/4")
    same(hierarchy, heads(16, 16, 8))
    replay, (near, _) = looked_up(hierarchy, heads(16, 16, 8))
    assert near > replay.levels[0].references / 20  # coalesced, but turn by turn


def test_repetitions_that_swap_buffers_repeat_in_pairs():
    # of the two lines that s and u hold by turns, one shares its set with G
    step = [
        LoopNest("u[p] += s[p] * G[p]", p=16, shapes={"G": (32,)}),
        LoopNest("w[k] = Z[k]", k=64),  # leaves nothing of the rest in the cache
    ]
    pipeline = Pipeline(step, repeat=9, buffers=[("u", "s")])
    hierarchy = Hierarchy.parse("128/1")
    same(hierarchy, pipeline)
    one, two, three = (
        hierarchy.replay(Pipeline(step, repeat=n, buffers=[("u", "s")])).write_backs
        for n in (1, 2, 3)
    )
    assert two - one != three - two  # so a turn is not the one before again


def test_buffers_that_move_are_no_turns():
    step = [LoopNest("T[h,p] = V[h,p]", h=8, p=16), LoopNest("s[p] += T[h,p]", h=8, p=16)]
    pipeline = Pipeline(step, repeat="h", buffers=[("T", "V")])
    assert all(isinstance(item, np.ndarray) for item in pipeline.items(64, False))
    same(Hierarchy.parse("256/2"), pipeline)
