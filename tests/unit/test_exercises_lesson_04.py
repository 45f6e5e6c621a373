"""Lesson 04: its answers are the kernels', and its traps are told apart."""

import itertools
import math

import numpy as np
import pytest
from programs import programs

from course_utils.exercises import bank, grade, names
from course_utils.exercises.answers import Verdict
from course_utils.exercises.kinds import Prediction
from course_utils.exercises.program import lines_of, structure
from course_utils.kernels import dynamic
from course_utils.nest import LoopNest


def test_a_wrong_number_is_shown_with_the_digits_that_make_it_wrong():
    """14.15 is 14.2 to three figures, and 14.2 is right."""
    message = grade("unfused_intensity", 14.15).message
    assert message.startswith("14.15 FLOP/B is too small")


def test_names_and_numbers():
    assert [(bank.find(name).number, name) for name in names(4)] == [
        (None, "recall_rnn_chain"),
        (None, "recall_dense_macs"),
        (None, "recall_bytes"),
        ("04.1", "qk_macs"),
        ("04.2", "score_bytes"),
        ("04.3", "equal_tokens"),
        ("04.4", "causal_pairs"),
        ("04.5", "unfused_intensity"),
        ("04.6", "key_uses"),
        (None, "one_pass"),
        (None, "addresses"),
        ("04.7", "merge"),
    ]
    bets = [entry.name for entry in bank.of_lesson("04") if isinstance(entry, Prediction)]
    assert bets == [
        "next_letter",
        "room_tokens",
        "unfused_limit",
        "softmax_time",
        "equal_time",
        "tiled_peak",
        "fetched",
        "window_macs",
        "subnormal_time",
    ]


@pytest.mark.parametrize(
    "name, answer, code",
    [
        ("recall_rnn_chain", 51, None),
        ("recall_rnn_chain", 100, "T1"),
        ("recall_rnn_chain", 52, "O1"),
        ("recall_dense_macs", 32_000, None),
        ("recall_dense_macs", 640, "B1"),
        ("recall_dense_macs", 64_000, "U1"),
        ("recall_bytes", 12_000, None),
        ("recall_bytes", 6_000, "U2"),
        ("recall_bytes", 24_000, "U3"),
        ("qk_macs", 16_777_216, None),
        ("qk_macs", 2_097_152, "Q1"),
        ("qk_macs", 33_554_432, "U1"),
        ("qk_macs", 32_768, "Q1"),
        ("score_bytes", 268_435_456, None),
        ("score_bytes", 67_108_864, "U2"),
        ("score_bytes", 8_388_608, "B1"),
        ("score_bytes", 33_554_432, "H1"),
        ("equal_tokens", 1_024, None),
        ("equal_tokens", 512, "Q1"),
        ("equal_tokens", 768, "Q1"),
        ("equal_tokens", 2_048, "Q1"),
        ("equal_tokens", 3_072, "Q1"),
        ("causal_pairs", 131_328, None),
        ("causal_pairs", 131_072, "O1"),
        ("causal_pairs", 130_816, "O1"),
        ("causal_pairs", 262_144, "S1"),
        ("unfused_intensity", 14.22, None),
        ("unfused_intensity", 14.2, None),
        ("unfused_intensity", 128, "R1"),
        ("unfused_intensity", 7.111, "U1"),
        ("unfused_intensity", 10.67, "S1"),
        ("unfused_intensity", 12.8, "R1"),
        ("unfused_intensity", 32, "R1"),
        ("unfused_intensity", 7.53, "R1"),
        ("equal_tokens", 64, "H1"),
        ("equal_tokens", 363, "Q1"),
        ("unfused_intensity", 25.6, "R1"),
        ("key_uses", 512, None),
        ("key_uses", 1, "W1"),
        ("key_uses", 64, "Q1"),
        ("key_uses", 262_144, "Q1"),
        ("key_uses", 128, "Q1"),
        ("key_uses", 65_536, "Q1"),
        ("key_uses", 8_192, "Q1"),
        ("addresses", "b", None),
        ("addresses", "a", "Q1"),
        ("addresses", "c", "S1"),
        ("addresses", "d", "H1"),
    ],
)
def test_the_known_traps_of_attention(name, answer, code):
    verdict = grade(name, answer)
    assert (verdict.state, verdict.code) == ("wrong" if code else "right", code)


def right(name):
    return bank.find(name).value


def test_the_answers_on_one_head_are_the_kernels():
    head = dynamic.attention_nests(n=512, d=64, passes=1)
    score = head.nests[0]
    assert right("qk_macs") == score.macs
    scores = LoopNest("S[q,j] += Q[q,d] * K[j,d]", q=2**9, j=2**7, d=2**6)
    assert right("key_uses") == scores.macs // (scores.nbytes("K") // 4)
    assert right("unfused_intensity") == pytest.approx(head.meters().intensity, rel=1e-9)
    causal = dynamic.attention_nests(n=512, d=64, causal=True)
    assert right("causal_pairs") == causal.nests[0].macs_on_data // 64
    assert right("causal_pairs") == dynamic.sees(512, 512, causal=True).sum()


def test_the_three_passes_of_the_kernel_are_the_trap():
    """The kernel reads m and l as well, 0.1 % of the bytes, and its softmax is work."""
    safe = dynamic.attention_nests(n=512, d=64).meters()
    work = 4 * 512 * 512 * 64
    assert grade("unfused_intensity", work / safe.moved).message.startswith("that lets the softmax")


def test_the_scores_of_a_layer_are_one_array():
    layer = LoopNest("S[b,h,q,j] += Q[b,h,q,d] * K[b,h,j,d]", b=32, h=8, q=512, j=512, d=64)
    assert right("score_bytes") == layer.nbytes("S")


def macs_of_a_layer(n, width, heads):
    """(the MACs of the projections, those of Q Kᵀ and P V), by nests of the layer."""
    projection = LoopNest("Y[n,o] += X[n,i] * W[i,o]", n=n, i=width, o=width)
    pair = dynamic.attention_nests(n=n, d=width // heads, h=heads, passes=1)
    return 4 * projection.macs, pair.macs


@pytest.mark.parametrize("heads", [1, 8])
def test_the_products_are_equal_at_that_number_of_tokens_and_at_no_other(heads):
    n = right("equal_tokens")
    projections, products = macs_of_a_layer(n, 512, heads)
    assert projections == products
    projections, products = macs_of_a_layer(n - 1, 512, heads)
    assert projections > products


def test_the_recalled_answers_are_those_of_the_earlier_lessons():
    cells = [(layer, t) for layer in range(2) for t in range(50)]
    finish = {}
    for layer, t in cells:
        finish[layer, t] = 1 + max(finish.get((layer - 1, t), 0), finish.get((layer, t - 1), 0))
    assert right("recall_rnn_chain") == max(finish.values())
    dense = LoopNest("H[b,o] += X[b,i] * W[i,o]", b=50, i=64, o=10)
    assert right("recall_dense_macs") == dense.macs
    assert right("recall_bytes") == np.zeros((3, 100, 20), np.float16).nbytes


# The truths of the bets that need no clock


def test_the_room_is_larger_than_the_weights_from_363_tokens_on():
    def fuller(n):
        return 8 * n * n > 4 * 512 * 512

    assert fuller(363) and not fuller(362)
    assert math.sqrt(4 * 512 * 512 / 8) == pytest.approx(362.04, abs=0.005)


def test_the_intensity_of_three_steps_approaches_16():
    head = dynamic.attention_nests(n=2**16, d=64, passes=1)
    assert head.meters().intensity == pytest.approx(16, rel=2e-3)


def test_the_window_keeps_a_sixteenth_of_the_pairs():
    seen = dynamic.sees(1024, 1024, causal=True, reach=64).sum()
    assert 1024 * 1024 / seen == pytest.approx(16.26, abs=0.005)


def test_the_softmax_is_two_percent_of_the_flops():
    score = 4 * 64
    assert 5 / (score + 5) == pytest.approx(0.02, abs=0.001)


# Merging


def groups(queries, width, sizes, centre=0.0, hidden=0.0, seed=0):
    """[(scores, values)] of groups of keys; a hidden score is −∞."""
    random = np.random.default_rng(seed)
    for size in sizes:
        S = centre + 3 * random.normal(size=(queries, size))
        yield (
            np.where(random.random(S.shape) < hidden, -np.inf, S),
            random.normal(size=(size, width)),
        )


def triple(S, V):
    """(m, l, o), one number at a time."""
    m, l, o = [], [], []  # noqa: E741
    for row in S:
        largest = max(row)
        terms = [math.exp(s - largest) if s > -math.inf else 0.0 for s in row]
        m.append(largest)
        l.append(sum(terms))
        o.append([sum(t * v for t, v in zip(terms, column, strict=True)) for column in V.T])
    return np.array(m), np.array(l), np.array(o)


def whole(parts):
    """The triple of all groups at once."""
    scores, values = zip(*parts, strict=True)
    return triple(np.concatenate(scores, axis=1), np.concatenate(values))


def close(one, two):
    return all(np.allclose(a, b, rtol=1e-6, atol=1e-9) for a, b in zip(one, two, strict=True))


def groupings(triples, join):
    """What every way to put parentheses gives."""
    if len(triples) == 1:
        yield triples[0]
    for cut in range(1, len(triples)):
        sides = (groupings(side, join) for side in (triples[:cut], triples[cut:]))
        yield from (join(left, right) for left, right in itertools.product(*sides))


@pytest.mark.parametrize("join", [bank.find("merge").reference, dynamic.merge])
@pytest.mark.parametrize("centre, hidden", [(0, 0), (1000, 0), (-1200, 0), (0, 0.6), (0, 1)])
def test_any_grouping_gives_what_two_passes_give(join, centre, hidden):
    parts = list(groups(5, 3, [1, 2, 4, 3], centre, hidden))
    results = list(groupings([triple(*part) for part in parts], join))
    assert len(results) == 5
    assert all(close(result, whole(parts)) for result in results)


def test_the_result_divided_is_attention():
    Q, K, V = (np.random.default_rng(1).normal(size=(n, 4)) for n in (3, 6, 6))
    parts = [(Q @ K[j].T / 2, V[j]) for j in (slice(0, 2), slice(2, 6))]
    _, l, o = bank.find("merge").reference(*(triple(*part) for part in parts))  # noqa: E741
    assert np.allclose(o / l[:, None], dynamic.attention(Q, K, V))


def test_the_cases_are_what_the_task_says():
    cases = bank.find("merge").arguments()
    triples = [given for case in cases for given in case]
    maxima = np.concatenate([m for m, _, _ in triples])
    assert maxima.max() > 1000 and maxima[np.isfinite(maxima)].min() < -1000
    for one, two in cases:
        assert one[2].shape == two[2].shape == (*one[0].shape, one[2].shape[1])
        for m, l, o in (one, two):  # noqa: E741
            empty = m == -np.inf
            assert not l[empty].any() and not o[empty].any() and (l[~empty] > 0).all()
    unseen = [((one[0] == -np.inf).tolist(), (two[0] == -np.inf).tolist()) for one, two in cases]
    assert ([True] * len(unseen[-1][0]),) * 2 in unseen
    mixed = {pair for rows in unseen for pair in zip(*rows, strict=True)}
    assert mixed == {(True, True), (True, False), (False, True), (False, False)}
    assert np.concatenate([o.ravel() for _, _, o in triples]).min() < 0


def by_queries(one, two):
    """A loop over the queries."""
    results = []
    for m1, l1, o1, m2, l2, o2 in zip(*one, *two, strict=True):
        if l1 == 0:
            results.append((m2, l2, o2))
        elif l2 == 0:
            results.append((m1, l1, o1))
        elif m1 >= m2:
            results.append((m1, l1 + math.exp(m2 - m1) * l2, o1 + math.exp(m2 - m1) * o2))
        else:
            results.append((m2, math.exp(m1 - m2) * l1 + l2, math.exp(m1 - m2) * o1 + o2))
    return tuple(np.array(column) for column in zip(*results, strict=True))


def by_one_factor(one, two):
    """A single exp, of the difference of the two."""
    (m1, l1, o1), (m2, l2, o2) = one, two
    gap = np.nan_to_num(np.exp(-abs(m1 - m2)))
    by1, by2 = np.where(m1 < m2, gap, 1), np.where(m2 < m1, gap, 1)
    return (
        np.maximum(m1, m2),
        by1 * l1 + by2 * l2,
        (by1 * o1.T + by2 * o2.T).T,
    )


def by_stacks(one, two):
    """Both groups along a new axis, and a list as result."""
    m, l, o = (np.stack(pair) for pair in zip(one, two, strict=True))  # noqa: E741
    by = np.exp(m - np.maximum(m.max(axis=0), -1e300))
    return [m.max(axis=0), (by * l).sum(axis=0), (by[..., None] * o).sum(axis=0)]


@pytest.mark.parametrize("answer", [dynamic.merge, by_queries, by_one_factor, by_stacks])
def test_other_ways_to_merge(answer):
    assert grade("merge", answer) == Verdict("right")


def guarded(m):
    return np.where(m > -np.inf, m, 0)


def output_not_scaled(one, two):
    (m1, l1, o1), (m2, l2, o2) = one, two
    m = np.maximum(m1, m2)
    return m, np.exp(m1 - guarded(m)) * l1 + np.exp(m2 - guarded(m)) * l2, o1 + o2


def sum_not_scaled(one, two):
    (m1, l1, o1), (m2, l2, o2) = one, two
    by1, by2 = (np.exp(m - guarded(np.maximum(m1, m2)))[:, None] for m in (m1, m2))
    return np.maximum(m1, m2), l1 + l2, by1 * o1 + by2 * o2


def columns(one, two):
    m, l, o = dynamic.merge(one, two)  # noqa: E741
    return m, l[:, None], o


def as_list(one, two):
    m, *others = dynamic.merge(one, two)
    return m.tolist(), *others


def right_but_in_place(one, two):
    made = dynamic.merge(one, two)
    one[1][:] = made[1]
    return made


@pytest.mark.parametrize(
    "answer, code, part",
    [
        (output_not_scaled, "R1", "`o` is added up as it is"),
        (sum_not_scaled, "R1", "`l` is added up as it is"),
        (lambda one, two: one, "R1", "of the first group for both"),
        (lambda one, two: (one[0] + two[0], *one[1:]), None, "number 1 of the 3 is 4"),
        (lambda one, two: dynamic.merge(one, two)[:2], None, "asked are 3 numbers"),
        (lambda one, two: dynamic.merge(one, two)[::-1], None, "number 1 of the 3"),
        (columns, None, "of shape (6, 1); asked is shape (6,)"),
        (as_list, None, "number 1 of the 3 is [2], of shape (1,); asked is one number or an array"),
        (right_but_in_place, None, "it changes its argument `one`"),
        (lambda one: one, None, "it should take (one, two)"),
        (lambda one, two: one + two, None, "asked are 3 numbers"),
    ],
)
def test_the_pattern_of_failures_names_the_code(answer, code, part):
    verdict = grade("merge", answer)
    assert (verdict.state, verdict.code) == ("wrong", code)
    assert part in verdict.message


def test_nan_is_recognised_as_what_a_block_of_nothing_makes():
    def answer(one, two):
        (m1, l1, o1), (m2, l2, o2) = one, two
        m = np.maximum(m1, m2)
        by1, by2 = np.exp(m1 - m), np.exp(m2 - m)
        return m, by1 * l1 + by2 * l2, (by1 * o1.T + by2 * o2.T).T

    assert "−∞ − (−∞)" in grade("merge", answer).message


# One pass over tiles


TILES = [
    (np.array([0.0, 1.0]), np.array([[1.0, 2.0], [3.0, -1.0]])),
    (np.array([2.5, -1.0, 0.5]), np.array([[0.5, 1.0], [4.0, 4.0], [-2.0, 3.0]])),
    (np.array([1.5]), np.array([[7.0, 5.0]])),
]


def wanted():
    """m, l and o at the end, in two passes."""
    scores, values = (np.concatenate(side) for side in zip(*TILES, strict=True))
    P = np.exp(scores - scores.max())
    return {"m": scores.max(), "l": P.sum(), "o": P @ values / P.sum()}


def is_right(space, want):
    return all(np.allclose(space[name], value) for name, value in want.items())


def runs_right(lines, codes, want):
    """Whether a program makes what is wanted, run a line at a time: it has one loop at most.

    `codes`: its lines, compiled, by their text.
    """
    inside = [line for line in lines if line.startswith(" ")]
    head = next((place for place, line in enumerate(lines) if line.endswith(":")), len(lines))
    space = {"m": -np.inf, "l": 0.0, "o": np.zeros(2), "np": np}
    with np.errstate(all="ignore"):
        try:
            for line in lines[:head]:
                exec(codes[line], space)
            for space["s"], space["V"] in TILES if inside else []:
                for line in inside:
                    exec(codes[line.strip()], space)
            for line in lines[head + 1 + len(inside) :]:
                exec(codes[line], space)
        except NameError:
            return False
        return is_right(space, want)


def compiled(lines):
    return {line: compile(line, "<line>", "exec") for line in lines if not line.endswith(":")}


def test_the_loops_that_are_right_are_those_that_run_right():
    entry = bank.find("one_pass")
    codes, want = compiled(entry.lines), wanted()
    accepted, tried = set(), 0
    for lines in programs(entry.lines):
        tried += 1
        if runs_right(lines, codes, want):
            accepted.add(structure(lines))
    assert tried > 100_000
    functions = [entry.reference, *(known.function for known in entry.accepted)]
    assert accepted == {structure(lines_of(function())) for function in functions}


def test_no_program_that_is_called_wrong_runs_right():
    entry = bank.find("one_pass")
    codes, want = compiled(entry.lines), wanted()
    for known in entry.mistakes:
        assert not runs_right(lines_of(known.function()), codes, want), known.function


def test_a_line_at_a_time_is_the_program_itself():
    entry = bank.find("one_pass")
    codes, want = compiled(entry.lines), wanted()
    for known in (entry.reference, *(other.function for other in entry.mistakes)):
        space = {"tiles": TILES, "m": -np.inf, "l": 0.0, "o": np.zeros(2), "np": np}
        with np.errstate(all="ignore"):
            exec("\n".join(lines_of(known())), space)
        mine = runs_right(lines_of(known()), codes, want)
        assert mine == is_right(space, want), known
