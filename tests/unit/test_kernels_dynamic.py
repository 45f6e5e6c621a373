"""Attention: loops, matrices, tiles and nests agree, with each other and PyTorch; a scratchpad."""

# ruff: noqa: E741  (m, l, o and O are the names of the papers)

import itertools
from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracles import close as close_as
from threadpoolctl import threadpool_limits

from course_utils.kernels import dynamic, scratchpad
from course_utils.kernels.scratchpad import Scratchpad

close = partial(close_as, rtol=1e-3)
few = st.integers(1, 6)
masks = st.fixed_dictionaries({"causal": st.booleans(), "reach": st.none() | st.integers(0, 6)})


@st.composite
def heads(draw, square=False):
    """Q[h,q,d], K[h,j,d], V[h,j,d], some with scores far beyond what exp can take."""
    h, q, j, d = draw(st.integers(1, 3)), draw(few), draw(few), draw(few)
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    scale = draw(st.sampled_from([1, 1, 10]))
    shapes = [(h, q, d)] + 2 * [(h, q if square else j, d)]
    Q, K, V = (rng.standard_normal(shape, np.float32) for shape in shapes)
    return scale * Q, scale * K, V


@given(heads(), masks, few, few)
def test_all_forms_of_attention_agree(drawn, mask, rows, columns):
    O = dynamic.attention(*drawn, **mask)
    assert np.isfinite(O).all() and O.dtype == np.float32
    close(dynamic.attention_loops(*drawn, **mask), O)
    close(dynamic.tiled(*drawn, rows, columns, **mask), O)
    close(dynamic.tiled_loops(*drawn, rows, columns, **mask), O)


@given(heads(), masks)
def test_pytorch_attends_alike(torch, drawn, mask):
    seen = torch.from_numpy(dynamic.sees(drawn[0].shape[1], drawn[1].shape[1], **mask))
    attend = torch.nn.functional.scaled_dot_product_attention
    expected = attend(*map(torch.from_numpy, drawn), attn_mask=seen)
    expected[:, ~seen.any(1)] = 0  # where no key is seen
    close(dynamic.attention(*drawn, **mask), expected)


@given(heads(), st.booleans())
def test_pytorch_attends_alike_without_a_mask_of_ours(torch, drawn, causal):
    attend = torch.nn.functional.scaled_dot_product_attention
    expected = attend(*map(torch.from_numpy, drawn), is_causal=causal)
    close(dynamic.attention(*drawn, causal=causal), expected)


@given(heads(), masks)
def test_heads_are_computed_one_by_one(drawn, mask):
    O = dynamic.attention(*drawn, **mask)
    for h in range(len(O)):
        for form in (dynamic.attention, dynamic.attention_loops):
            close(form(*(A[h] for A in drawn), **mask), O[h])


@given(few, few, masks)
def test_a_mask_is_what_it_says(q, j, mask):
    seen = dynamic.sees(q, j, **mask)
    reach = 99 if mask["reach"] is None else mask["reach"]
    for at in np.ndindex(q, j):
        assert seen[at] == ((at[1] <= at[0] or not mask["causal"]) and abs(at[0] - at[1]) <= reach)


# --- online softmax -----------------------------------------------------------------------


@given(heads(), st.data())
def test_triples_merge_in_any_grouping(drawn, data):
    Q, K, V = drawn
    keys = K.shape[1]
    seen = np.array(data.draw(st.lists(st.booleans(), min_size=keys, max_size=keys)))
    cuts = sorted(data.draw(st.tuples(st.integers(0, keys), st.integers(0, keys))))
    slices = [slice(a, b) for a, b in itertools.pairwise([0, *cuts, keys])]
    one, two, three = (
        dynamic.part(Q, K[:, s], V[:, s], seen[s]) if s.start < s.stop else dynamic.nothing(Q)
        for s in slices
    )
    whole = dynamic.part(Q, K, V, seen)
    left = dynamic.merge(dynamic.merge(one, two), three)
    right = dynamic.merge(one, dynamic.merge(two, three))
    for triple in (left, right):
        close(triple[0], whole[0])
        close(triple[1], whole[1])
        close(dynamic.mean(triple), dynamic.mean(whole))
    scores = np.where(seen, Q @ K.mT / np.float32(np.sqrt(Q.shape[2])), -np.inf)
    close(dynamic.mean(whole), dynamic.softmax(scores) @ V)


def test_nothing_merged_with_nothing_is_nothing():
    empty = dynamic.nothing(np.ones((2, 3), np.float32))
    m, l, o = dynamic.merge(empty, empty)
    assert (m == -np.inf).all() and not l.any() and not o.any()
    assert not dynamic.mean((m, l, o)).any()


# --- nests --------------------------------------------------------------------------------


def test_known_counts():
    head = dynamic.attention_nests(n=512, d=64)
    assert head.nests[0].macs == head.nests[-1].macs == 16_777_216
    assert head.nests[0].uses("K") == 512
    one = dynamic.attention_nests(n=512, d=64, passes=1)
    assert round(one.meters().intensity, 2) == 14.22
    assert one.meters(fused=True).intensity == 512 / 4
    assert head.meters().flops - one.meters().flops == 5 * 512 * 512
    causal = dynamic.attention_nests(n=512, d=64, causal=True)
    assert causal.nests[0].macs_on_data == 131_328 * 64
    eight = dynamic.attention_nests(n=512, d=64, h=8)
    assert eight.macs == 8 * head.macs and eight.nbytes("S") * 32 == 268_435_456
    assert dynamic.attention_nests(n=4096, d=64, passes=1).meters().moved == 4 * 68_157_440


@given(heads(square=True), masks)
def test_the_nests_see_what_the_mask_lets_them_see(drawn, mask):
    Q, K, V = drawn
    h, n, d = Q.shape
    score, *_, mix = dynamic.attention_nests(n, d, h, **mask).nests
    seen = dynamic.sees(n, n, **mask)
    assert score.macs_on_data == mix.macs_on_data == h * d * seen.sum()
    S = np.where(seen, Q @ K.mT, 0)
    slots = score.shape("S")[2]
    if not mask["causal"] and mask["reach"] is None:
        rows = S
    else:
        assert slots <= (n if mask["causal"] else 2 * n - 1)  # of keys that are there
        last = 0 if mask["causal"] else min(mask["reach"], n - 1)
        rows = np.zeros((h, n, slots), np.float32)
        for q, w in np.ndindex(n, slots):
            j = q + w - (slots - 1 - last)
            rows[:, q, w] = S[:, q, j] if 0 <= j < n else 0
    found = score.run(Q=Q, K=K)
    np.testing.assert_allclose(found, rows, rtol=1e-4, atol=1e-3)
    mixed = mix.run(P=found, V=V)
    np.testing.assert_allclose(
        mixed, S @ V, rtol=1e-3, atol=1e-3 * np.abs(S).max() * np.abs(V).max()
    )


@given(st.lists(st.integers(0, 5), min_size=1, max_size=9), few)
def test_a_gather_follows_its_indexes(neighbour, d):
    E = np.arange(6.0 * d).reshape(6, d)
    gather = dynamic.gather_nest(neighbour, d, rows=6)
    assert np.array_equal(gather.run(E=E), E[neighbour])
    assert gather.accesses()["nbr"].reads == len(neighbour) * d


# --- a scratchpad -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "size, rows, columns, elements", [(192, 64, 192, 17.8), (96, 54, 96, 34.3), (48, 34, 48, 68.2)]
)
def test_known_traffic_with_the_keys_outside(size, rows, columns, elements):
    # columns = size / 4d; m and l, a row's two numbers, are counted here and not there
    Q, K, V = np.random.default_rng(1).standard_normal((3, 4096, 64), np.float32)
    pad = Scratchpad(f"{size}KiB")
    with threadpool_limits(1):  # small products, on cores that are busy with other tests
        scratchpad.tiled_by_keys(pad, Q, K, V, rows, columns)
    small = sum(pad.loaded[name] + pad.stored[name] for name in "ml")
    assert round((pad.traffic - small) / 1e6, 1) == elements
    assert small / pad.traffic < 0.021


@given(heads(), few, few)
def test_both_orders_of_the_tiles_are_attention_and_move_what_they_say(drawn, rows, columns):
    (Q, *_), (K, *_), (V, *_) = drawn
    (n, d), keys = Q.shape, len(K)
    by_queries, by_keys = Scratchpad("4KiB"), Scratchpad("4KiB")
    O = scratchpad.tiled_by_queries(by_queries, Q, K, V, rows, columns)
    close(O, dynamic.attention(Q, K, V))
    close(scratchpad.tiled_by_keys(by_keys, Q, K, V, rows, columns), O)
    assert by_queries.traffic == 2 * n * d + -(-n // rows) * 2 * keys * d
    assert by_keys.traffic == 2 * keys * d + -(-keys // columns) * (3 * n * d + 4 * n)
    assert by_queries.held == by_keys.held == {}
    r, c = min(rows, n), min(columns, keys)
    assert by_queries.peak == by_keys.peak == 2 * r * d + 2 * c * d + r * c + 2 * r


def test_a_full_scratchpad_takes_no_more():
    Q, K, V = np.ones((3, 8, 4), np.float32)
    needed = 2 * 4 * 4 + 2 * 2 * 4 + 4 * 2 + 2 * 4
    scratchpad.tiled_by_queries(Scratchpad(needed * 4), Q, K, V, 4, 2)
    for order in (scratchpad.tiled_by_queries, scratchpad.tiled_by_keys):
        with pytest.raises(ValueError, match="'S' needs 8 elements; free are 7 of 63 "):
            order(Scratchpad(needed * 4 - 4), Q, K, V, 4, 2)


def test_what_was_refused_can_be_tried_again():
    Q, K, V = np.random.default_rng(0).random((3, 8, 4), np.float32)
    for order in (scratchpad.tiled_by_queries, scratchpad.tiled_by_keys):
        pad = Scratchpad("256B")
        pad.load("mine", np.zeros(2))
        with pytest.raises(ValueError, match="elements; free are"):
            order(pad, Q, K, V, 8, 8)
        close(order(pad, Q, K, V, 2, 2), dynamic.attention(Q, K, V))
        assert pad.held == {"mine": 2}
        fresh = Scratchpad("256B")
        order(fresh, Q, K, V, 2, 2)
        assert pad.traffic == fresh.traffic + 2 and pad.peak == fresh.peak + 2


def test_a_scratchpad_keeps_the_widest_type():
    Q, K, V = np.random.default_rng(0).random((3, 8, 4))
    Q, V = Q.astype(np.float32), 1e300 * V
    for order in (scratchpad.tiled_by_queries, scratchpad.tiled_by_keys):
        found = order(Scratchpad("1KiB"), Q, K, V, 4, 4)
        assert found.dtype == float
        close(found / 1e300, dynamic.attention(Q, K, V) / 1e300)


def test_what_is_no_number_stays_none():
    Q, K, V = np.random.default_rng(0).random((3, 5, 4), np.float32)
    Q[1, 0] = np.nan
    for form in (dynamic.attention, dynamic.attention_loops):
        assert np.isnan(form(Q, K, V)).all(axis=1).tolist() == [False, True, False, False, False]
    for tile in ((2, 2), (3, 4), (5, 5)):
        for form in (dynamic.tiled, dynamic.tiled_loops):
            lost = np.isnan(form(Q, K, V, *tile)).all(axis=1)
            assert lost.tolist() == [False, True, False, False, False]
    K[2, 1] = np.nan
    for form in (dynamic.attention_loops, lambda *a: dynamic.tiled_loops(*a, 2, 2)):
        assert np.isnan(form(Q, K, V)).all()


def test_what_is_loaded_is_a_copy():
    pad, x = Scratchpad(64, itemsize=8), np.zeros(4)
    here = pad.load("x", list(x))
    assert repr(pad) == "Scratchpad of 8 elements: x 4; 4 have crossed"
    here += 1
    assert not x.any() and pad.free == 4
    pad.store("x", here, x)
    assert x.all() and (pad.loaded, pad.stored, pad.traffic) == ({"x": 4}, {"x": 4}, 8)
    pad.drop("x")
    assert (pad.free, pad.peak) == (8, 4)


def test_short_numbers_do_not_overflow_in_softmax():
    assert dynamic.softmax(np.array([100, -100], np.int8)).tolist() == [1, 0]
    assert np.allclose(dynamic.softmax(np.zeros(70_000, np.float16)), 1 / 70_000)


def test_a_part_of_short_numbers():
    q, k, v = (np.array(rows, np.int8) for rows in ([[100]], [[100], [1]], [[1], [2]]))
    assert dynamic.mean(dynamic.part(q, k, v)).item() == dynamic.attention(q, k, v).item() == 1


def test_tiles_and_reaches_beyond_the_sequence():
    Q, K, V = np.random.default_rng(0).random((3, 5, 4), np.float32)
    expected = dynamic.attention(Q, K, V)
    for form in (dynamic.tiled, dynamic.tiled_loops):
        close(form(Q, K, V, 10**12, 10**13, reach=2**70), expected)
    one = dynamic.attention_nests(4, 2, causal=True, reach=100)
    assert one.macs == dynamic.attention_nests(4, 2, causal=True).macs


def test_integers_are_attended_to_like_floats():
    Q, K, V = np.random.default_rng(0).integers(-3, 4, (3, 6, 4)).astype(np.int8)
    expected = dynamic.attention(*(A.astype(float) for A in (Q, K, V)))
    for form in (dynamic.attention, dynamic.attention_loops):
        close(form(Q, K, V), expected)
    for form in (dynamic.tiled, dynamic.tiled_loops):
        close(form(Q, K, V, 2, 4), expected)
    for order in (scratchpad.tiled_by_queries, scratchpad.tiled_by_keys):
        close(order(Scratchpad("1KiB"), Q, K, V, 2, 4), expected)


# --- what does not fit --------------------------------------------------------------------

Q, K = np.ones((2, 5, 4)), np.ones((2, 3, 4))


@pytest.mark.parametrize(
    "call, words",
    [
        (lambda: dynamic.attention(Q, K[..., :2], K), r"K\[…,j,d\] has shape .* d is 2"),
        (lambda: dynamic.attention_loops(Q, K, K[:, :2]), r"V\[…,j,d\] .* j is 2"),
        (lambda: dynamic.tiled(Q, K[:1], K[:1], 2, 2), "the same axes in front"),
        (lambda: dynamic.attention(Q[0, 0], K, K), r"Q\[…,q,d\] must hold numbers"),
        (lambda: dynamic.tiled(Q, K, K, 0, 2), "a side of a tile must be a whole number"),
        (lambda: dynamic.tiled_loops(Q, K, K, 2, 1.5), "a side of a tile must be a whole number"),
        (
            lambda: dynamic.attention(Q, K, K, reach=-1),
            "reach must be .* of at least 0; got -1",
        ),
        (lambda: dynamic.attention_nests(4, 2, passes=2), "passes is 1 or 3; got 2"),
        (lambda: dynamic.attention_nests(0, 2, causal=True), "n must be a whole number"),
        (lambda: dynamic.gather_nest([0, 1], 2, rows=0), "rows must be a whole number"),
        (lambda: dynamic.gather_nest([5], 2, rows=3), "run from 5 to 5, and .* E from 0 to 2"),
        (lambda: dynamic.gather_nest([-1, 2], 2), "run from -1 to 2"),
        (lambda: dynamic.gather_nest(3, 2), "a list of whole numbers; got array\\(3\\)"),
        (lambda: dynamic.gather_nest([[1], [1, 2]], 2), "not of one length"),
        (lambda: dynamic.attention_nests(0, 2), "n must be a whole number"),
        (lambda: dynamic.attention(Q, K, K, causal=np.ones(3)), "causal is True or False; got arr"),
        (lambda: dynamic.tiled(Q, K, K, 2, 2, causal="no"), "causal is True or False; got 'no'"),
        (lambda: dynamic.tiles(2.5, 2), "positions must be a whole number of at least 0; got 2.5"),
        (lambda: scratchpad.tiled_by_keys("1KiB", Q[0], K[0], K[0], 2, 2), "takes a Scratchpad fi"),
        (lambda: Scratchpad(64).load("x", [[1], [1, 2]]), "'x': its rows are not of one length"),
        (lambda: Scratchpad(64).store("x", np.ones(2), [0, 0]), "must be an array of that shape"),
        (lambda: Scratchpad("much"), "is no capacity"),
        (
            lambda: Scratchpad(64).store("x", np.ones(2), np.ones((3, 2))),
            r"'x' has shape \(2,\); what it is stored to must be .* of \(3, 2\)",
        ),
        (lambda: Scratchpad(0), "size in bytes must be a whole number of at least 1; got 0"),
        (lambda: Scratchpad(64).room("x", -1), "elements of 'x' must be a whole number"),
        (lambda: Scratchpad(64).load("x", np.ones(17)), "'x' needs 17 elements; free are 16 of 16"),
        (lambda: Scratchpad(64).drop("x"), "no 'x' to drop; here are none"),
        (lambda: Scratchpad(64).store("x", np.ones(2), np.ones(2)), "cannot be stored; 0 are here"),
    ],
)
def test_what_does_not_fit_is_said_in_one_line(call, words):
    with pytest.raises(ValueError, match=words) as error:
        call()
    assert "\n" not in str(error.value)


def test_a_name_stands_once_in_a_scratchpad():
    pad = Scratchpad(64)
    pad.room("x", 1)
    with pytest.raises(ValueError, match="'x' is here already; drop it first"):
        pad.room("x", 1)
