"""Sealed boxes: the four numbers by hand, by loops and by the course's networks; recovery."""

import itertools
from functools import cache
from math import isqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from course_utils import boxes as sealed_boxes
from course_utils.boxes import (
    FAMILIES,
    KINDS,
    RULES,
    boxes,
    reading,
    score,
    sealed,
    timed_box,
)
from course_utils.networks import rnn
from course_utils.networks.maps import Maps
from course_utils.networks.network import Network
from course_utils.networks.tokens import Tokens

SMALL = st.integers(1, 40)
SIZES = st.one_of(
    st.tuples(st.just("MLP"), st.fixed_dictionaries(dict(h=st.integers(1, 4096)))),
    st.tuples(
        st.just("CNN"),
        st.fixed_dictionaries(dict(r=st.sampled_from((1, 3, 5, 7, 11)), c=SMALL, k=SMALL)),
    ),
    st.tuples(st.just("RNN"), st.fixed_dictionaries(dict(d=SMALL, h=SMALL))),
    st.builds(lambda e, h: ("attention", dict(d=e * h, heads=h)), SMALL, SMALL),
    st.builds(
        lambda d, more, experts, top: (
            "MoE",
            dict(d=8 * d, f=8 * min(d + more, 128), experts=experts, top=min(top, experts)),
        ),
        st.integers(1, 128),
        st.integers(0, 127),
        st.integers(1, 64),
        st.integers(1, 4),
    ),
)


def by_hand(family, n, b, d=0, h=0, r=0, c=0, k=0, f=0, heads=0, experts=0, top=0):
    """The four numbers as formulas."""
    return {
        "MLP": (n * h + h, b * n * h, b * (n + h), 1),
        "CNN": (r * r * c * k + k, b * n**2 * r * r * c * k, b * n**2 * (c + k), 1),
        "RNN": (d * h + h * h + h, b * n * (d * h + h * h), b * (d + 2 * h), n),
        "attention": (
            4 * d * d,
            b * (4 * n * d * d + 2 * n * n * d),
            b * (6 * n * d + heads * n * n),
            4,
        ),
        "MoE": (
            2 * experts * d * f + d * experts,
            b * n * (2 * top * d * f + d * experts),
            b * n * (2 * d + top * f + experts),
            3,
        ),
    }[family]


@settings(max_examples=150, deadline=None)
@given(SIZES, st.integers(1, 64), st.integers(1, 4))
def test_the_formulas(layer, n, batch):
    family, sizes = layer
    found = reading(family, n, batch, **sizes)
    assert found == by_hand(family, n, batch, **sizes)
    assert all(type(number) is int for number in found)


# --- the same numbers from running the layers, literally ----------------------------------------


class Counter:
    """Matrix products on real arrays: their MACs, every array they meet, how they wait."""

    def __init__(self):
        self.macs, self.held, self.level, self.weights = 0, {}, {}, {}

    def data(self, name, *shape, waits=0):
        self.held[name], self.level[name] = np.zeros(shape), waits
        return name

    def product(self, out, terms, parameter, *inputs, waits=0):
        """One multiply-accumulate for each of `terms`, the iterations of the sum over all outputs.

        Gives the product's place in the chain.
        """
        self.macs += sum(1 for _ in terms)
        level = 1 + max([waits, *(self.level[name] for name in inputs)])
        if parameter:
            self.weights[parameter[0]] = parameter[1]
        self.level[out] = max(self.level.get(out, 0), level)
        return level

    def reading(self, biases=0):
        weights = sum(np.zeros(shape).size for shape in self.weights.values()) + biases
        held = sum(array.size for array in self.held.values())
        return weights, self.macs, held, max(self.level.values())


def loops(*sizes):
    return itertools.product(*map(range, sizes))


def run_mlp(n, b, h):
    it = Counter()
    it.data("x", b, n), it.data("y", b, h)
    it.product("y", loops(b, h, n), ("W", (n, h)), "x")
    return it.reading(biases=h)


def run_cnn(n, b, r, c, k):
    it = Counter()
    it.data("x", b, c, n, n)
    padded = np.zeros((n + r - 1, n + r - 1))
    places = (padded.shape[0] - r + 1, padded.shape[1] - r + 1)
    it.data("y", b, k, *places)
    it.product("y", loops(b, k, *places, c, r, r), ("W", (k, c, r, r)), "x")
    return it.reading(biases=k)


def run_rnn(n, b, d, h):
    it = Counter()
    state = 0
    for _ in range(n):
        it.data("x", b, d), it.data("old", b, h, waits=state), it.data("new", b, h)
        it.product("new", loops(b, h, d), ("W", (d, h)), "x")
        it.product("new", loops(b, h, h), ("U", (h, h)), "old")
        state = it.level["new"]
    return it.reading(biases=h)


def run_attention(n, b, d, heads):
    it, e = Counter(), d // heads
    for name in ("x", "q", "k", "v", "a", "y"):
        it.data(name, b, n, d)
    it.data("s", b, heads, n, n)
    for name in "qkv":
        it.product(name, loops(b, n, d, d), (name, (d, d)), "x")
    it.product("s", loops(b, heads, n, n, e), None, "q", "k")
    it.product("a", loops(b, heads, n, n, e), None, "s", "v")
    it.product("y", loops(b, n, d, d), ("o", (d, d)), "a")
    return it.reading()


def run_moe(n, b, d, f, experts, top):
    it = Counter()
    it.data("x", b, n, d), it.data("r", b, n, experts)
    it.data("h", b, n, top, f), it.data("y", b, n, d)
    chosen = it.product("r", loops(b, n, experts, d), ("router", (d, experts)), "x")
    it.product("h", loops(b, n, top, f, d), ("up", (experts, d, f)), "x", waits=chosen)
    it.product("y", loops(b, n, top, d, f), ("down", (experts, f, d)), "h", waits=chosen)
    return it.reading()


@pytest.mark.parametrize(
    "run, family, sizes",
    [
        (run_mlp, "MLP", dict(h=7)),
        (run_cnn, "CNN", dict(r=1, c=2, k=3)),
        (run_cnn, "CNN", dict(r=5, c=2, k=3)),
        (run_rnn, "RNN", dict(d=3, h=5)),
        (run_attention, "attention", dict(d=6, heads=3)),
        (run_moe, "MoE", dict(d=8, f=16, experts=5, top=2)),
        (run_moe, "MoE", dict(d=8, f=8, experts=1, top=1)),
    ],
)
def test_the_loops(run, family, sizes):
    for n, batch in itertools.product((1, 2, 3, 6), (1, 2)):
        assert reading(family, n, batch, **sizes) == run(n, batch, **sizes)


# --- the course's own networks --------------------------------------------------------------------


def test_the_networks_count_the_same():
    found = reading("RNN", n=9, batch=2, d=5, h=7)
    network = rnn(5, 7)
    assert found[:2] == (network.parameters, network.macs(batch=2, tokens=9))

    found = reading("attention", n=9, batch=2, d=12, heads=3)
    tokens = Tokens(batch=2, tokens=9, width=12)
    tokens.attention("attention", heads=3, bias=False)
    network = Network("attention", {}, lambda: tokens.layers)
    assert found[:2] == (network.parameters, network.macs())
    # what the products write, and the input
    assert found.activations == network.activations() + 2 * 9 * 12

    found = reading("CNN", n=9, batch=2, r=5, c=3, k=4)
    maps = Maps("CNN", batch=2, channels=3, side=9)
    maps.conv("conv", 4, 5, pad=2, bias=True)
    network = Network("CNN", {}, lambda: maps.layers)
    assert found[:2] == (network.parameters, network.macs())
    assert found.activations == network.activations() + 2 * 3 * 81


def test_tensors_of_one_name_have_one_shape():
    for family, sizes in sealed_boxes._FIRST.items():
        shapes = {}
        for layer in sealed_boxes._WORK[family](3, 2, **sizes).layers:
            for tensor in layer.nest.tensors:
                assert shapes.setdefault(tensor, layer.nest.shape(tensor)) is not None
                assert shapes[tensor] == layer.nest.shape(tensor)


# --- recovery -------------------------------------------------------------------------------------


def family_of(n, found, batch=1):
    """The family, from one reading, at n = 2 or n ≥ 5, where no two families are equally deep.

    An RNN is n deep, attention 4, a mixture of experts 3; of the other two a CNN uses each weight
    n² times a picture, an MLP once, and its biases are no MACs.
    """
    deep = {n: "RNN", 4: "attention", 3: "MoE"}
    return deep.get(found.depth, "CNN" if found.macs > batch * found.params else "MLP")


def family_by_growth(once, twice):
    """The family, from the readings at n and at 2n, batch 1: by growth alone, without the depth.

    Parameters grow: MLP.  Activations do not: RNN.  MACs grow 4-fold: CNN; 2-fold: MoE; between:
    attention, of which one part is linear and one quadratic.
    """
    if twice.params > once.params:
        return "MLP"
    if twice.activations == once.activations:
        return "RNN"
    return {4 * once.macs: "CNN", 2 * once.macs: "MoE"}.get(twice.macs, "attention")


def solutions(family, n, found, batch=1):
    """All sizes of this family that the rules allow and that give this reading: a list of dicts."""
    kept = []
    m, a = found.macs // batch, found.activations // batch
    for sizes in candidates(family, n, found.params, m, a):
        named = dict(zip(FAMILIES[family], sizes, strict=True))
        try:
            same = reading(family, n, batch, **named) == found
        except ValueError:
            continue
        if same:
            kept.append(named)
    return kept


def candidates(family, n, params, m, a):
    """Sizes by the formulas, from the MACs m and the activations a of one sample."""
    if family == "MLP":
        yield (params - m,)
    elif family == "RNN":
        h = params - m // n
        yield a - 2 * h, h
    elif family == "CNN":
        k = params - m // n**2
        c = a // n**2 - k
        if c > 0 and k > 0:
            yield isqrt(m // n**2 // (c * k)), c, k
    elif family == "attention":
        d = isqrt(params // 4)
        yield d, max(1, (a - 6 * n * d) // n**2)
    else:  # params = d E (2f + 1), m/n = d (2 top·f + E), a/n = 2d + top·f + E: for each d
        m, a = m // n, a // n
        for d in range(8, a // 2, 8):
            experts = 2 * a - 4 * d - m // d
            if experts > 0 and m % d == 0 and params % (d * experts) == 0:
                f = (params // (d * experts) - 1) // 2
                if f > 0:
                    yield d, f, experts, (a - 2 * d - experts) // f


@settings(max_examples=150, deadline=None)
@given(SIZES, st.integers(1, 40), st.integers(1, 3))
def test_one_probe_gives_the_sizes_once_the_family_is_known(layer, n, batch):
    family, sizes = layer
    assert solutions(family, n, reading(family, n, batch, **sizes), batch) == [sizes]


@settings(max_examples=150, deadline=None)
@given(SIZES, st.integers(1, 40).filter(lambda n: n not in (1, 3, 4)), st.integers(1, 3))
def test_one_probe_tells_the_family(layer, n, batch):
    family, sizes = layer
    found = reading(family, n, batch, **sizes)
    assert family_of(n, found, batch) == family
    assert [name for name in FAMILIES if solutions(name, n, found, batch)] == [family]


@settings(max_examples=150, deadline=None)
@given(SIZES, st.integers(1, 40))
def test_growth_tells_the_family_without_the_depth(layer, n):
    family, sizes = layer
    once, twice = (reading(family, m, **sizes)._replace(depth=0) for m in (n, 2 * n))
    assert family_by_growth(once, twice) == family


def grid(family):
    """Sizes of a family, all combinations in a range, as arrays."""
    small, d = np.arange(1, 41), np.arange(8, 257, 8)
    ranges = {
        "MLP": [np.arange(1, 4097)],
        "CNN": [np.arange(1, 12, 2), small, small],
        "RNN": [small, small],
        "attention": [small, small],
        "MoE": [d, d, np.arange(1, 65), np.arange(1, 5)],
    }[family]
    each = dict(zip(FAMILIES[family], map(np.ravel, np.meshgrid(*ranges)), strict=True))
    if family == "attention":
        each["d"] = each["d"] * each["heads"]
    return each


@pytest.mark.parametrize("n", [1, 2, 3, 7, 16, 64, 2048])
@pytest.mark.parametrize("family", FAMILIES)
def test_both_decisions_on_every_size_of_a_grid(family, n):
    sizes = grid(family)
    ones = np.ones_like(next(iter(sizes.values())))
    once, twice = ([part * ones for part in by_hand(family, m, 1, **sizes)] for m in (n, 2 * n))
    growth = np.select(
        [
            twice[0] > once[0],
            twice[2] == once[2],
            twice[1] == 4 * once[1],
            twice[1] == 2 * once[1],
        ],
        ["MLP", "RNN", "CNN", "MoE"],
        "attention",
    )
    assert set(growth) == {family}
    if n not in (1, 3, 4):
        depth, flat = once[3], once[1] > once[0]
        one = np.select(
            [depth == n, depth == 4, depth == 3, flat], ["RNN", "attention", "MoE", "CNN"], "MLP"
        )
        assert set(one) == {family}


@pytest.mark.parametrize("n, family", [(1, "MLP"), (1, "CNN"), (3, "MoE"), (4, "attention")])
def test_a_depth_that_an_rnn_shares(n, family):
    sizes = sealed_boxes._FIRST[family]
    assert reading(family, n, **sizes).depth == reading("RNN", n, d=1, h=1).depth == n


@cache
def all_mixtures(largest, step, ordered):
    """All sizes with `step` dividing d and f up to `largest`, top ≤ experts ≤ 64, top ≤ 4."""
    multiples, experts, top = np.arange(step, largest + 1, step), np.arange(1, 65), np.arange(1, 5)
    axes = multiples, multiples, experts, top
    d, f, experts, top = map(np.ravel, np.meshgrid(*axes, indexing="ij"))
    keep = (top <= experts) & ((d <= f) | (not ordered))
    return d[keep], f[keep], experts[keep], top[keep]


def shared(d, f, experts, top):
    """How many of these mixtures of experts answer as one before them does, at any n."""
    params, macs, held, _ = by_hand("MoE", 1, 1, d=d, f=f, experts=experts, top=top)
    # three numbers in one of 64 bits: no two triples meet
    assert (params % 8 == 0).all() and params.max() // 8 < 2**25
    assert macs.max() < 2**24 and held.max() < 2**13
    code = np.sort((params // 8 << 37) | (macs << 13) | held)
    return int((code[1:] == code[:-1]).sum())


def test_the_rules_make_a_mixture_of_experts_unique():
    mixtures = all_mixtures(1024, 8, ordered=True)
    assert len(mixtures[0]) == 128 * 129 // 2 * (4 * 64 - 6)
    assert shared(*mixtures) == 0


def test_why_the_rules_are_there():
    assert shared(*all_mixtures(512, 8, ordered=False)) > 0
    # d > f, and sizes that are no multiples of 8
    for one, other in (((64, 96, 64, 2), (128, 96, 32, 1)), ((8, 45, 35, 1), (10, 24, 52, 1))):
        names = FAMILIES["MoE"]
        first, second = (
            by_hand("MoE", 5, 2, **dict(zip(names, sizes, strict=True))) for sizes in (one, other)
        )
        assert first == second


# --- boxes ----------------------------------------------------------------------------------------


def opened(box, n=16):
    """A box, opened with one probe."""
    found = box.probe(n)
    family = family_of(n, found)
    return box.open(family, **solutions(family, n, found)[0])


@pytest.mark.parametrize("seed", [None, *range(40)])
def test_every_set_can_be_opened_with_a_probe_each(seed):
    found = boxes(seed)
    assert list(found) == list("ABCDE")
    verdicts = [opened(box) for box in found.values()]
    assert all(verdicts)
    assert sorted(verdict.family for verdict in verdicts) == sorted(FAMILIES)
    assert repr(score(found)) == "5 of 5 boxes open, 5 probes, par 5: par"


def test_the_first_set_has_the_sizes_of_the_course():
    known = [
        ("CNN", dict(r=5, c=3, k=24)),
        ("attention", dict(d=192, heads=6)),
        ("MoE", dict(d=128, f=512, experts=8, top=2)),
        ("RNN", dict(d=64, h=96)),
        ("MLP", dict(h=300)),
    ]
    told = {box.probe(16) for box in boxes().values()}
    assert told == {reading(family, 16, **sizes) for family, sizes in known}
    order = [opened(box).family for box in boxes().values()]
    assert order not in (list(FAMILIES), [family for family, _ in known])


def test_seeds_draw_other_sizes_and_orders():
    def told(seed):
        return [box.probe(8) for box in boxes(seed).values()]

    assert told(3) == told(3) and told(None) == told(None)
    assert told(3) != told(4)
    orders = {tuple(opened(box).family for box in boxes(seed).values()) for seed in range(12)}
    assert len(orders) > 6
    with pytest.raises(ValueError, match="boxes: seed must be a whole number of at least 0"):
        boxes(-1)


def test_a_box_counts_questions_and_hides_its_sizes():
    box = sealed("CNN", "Q", r=7, c=11, k=13)
    assert repr(box) == str(box) == "box Q, 0 probes"
    assert box.probe(8) == box.probe(np.int64(8), batch=1) == reading("CNN", 8, r=7, c=11, k=13)
    assert repr(box) == "box Q, 1 probe" and box.probes == 1
    box.probe(8, 2)
    assert box.probes == 2
    assert not hasattr(box, "__dict__")
    text = repr([getattr(box, name) for name in dir(box) if not name.startswith("__")])
    assert (
        "CNN" not in text
        and "11" not in text.replace("0x", "").split()
        and "13" not in text.split()
    )


@pytest.mark.parametrize("n, batch", [(0, 1), (-1, 1), (1.5, 1), (True, 1), ("4", 1), (None, 1)])
def test_n_and_batch_are_whole(n, batch):
    box = sealed("MLP", "A", h=3)
    with pytest.raises(ValueError, match="box A: n must be a whole number of at least 1; got"):
        box.probe(n, batch)
    with pytest.raises(ValueError, match="box A: batch must be a whole number of at least 1; got"):
        box.probe(1, n)
    assert box.probes == 0


def test_the_limits_are_the_same_for_all_families():
    for box in boxes().values():
        assert min(box.probe(1)) > 0 and min(box.probe(4096)) > 0 and min(box.probe(2, 256)) > 0
        with pytest.raises(ValueError, match="n must be at most 4,096; got 4097"):
            box.probe(4097)
        with pytest.raises(ValueError, match="batch must be at most 256; got 257"):
            box.probe(1, 257)
        assert box.probes == 3


def test_wrong_guesses_cost_a_probe_each_once():
    box = sealed("CNN", "A", r=3, c=2, k=4)
    wrong = box.open("attention", d=4, heads=2)
    assert not wrong and not wrong.right and wrong.sizes == {}
    assert repr(wrong) == "box A, 1 probe: no attention"
    close = box.open("cnn", r=5, c=2, k=5)
    assert close.right and close.sizes == {"r": False, "c": True, "k": False} and not close
    assert repr(close) == "box A, 2 probes: CNN is right, not right yet: r, k"
    assert box.open("CNN", k=5, c=2, r=5).probes == 2  # the same guess
    assert not box.opened
    verdict = box.open("CNN", r=3, c=2, k=4)
    assert (
        verdict
        and box.opened
        and repr(verdict) == "box A, 2 probes: open, CNN with all sizes right"
    )
    assert repr(box) == "box A, 2 probes, open"
    assert not box.open("MLP", h=1) and box.opened and box.probes == 2  # open is open


def test_a_guess_that_cannot_be_raises_and_costs_nothing():
    box = sealed("CNN", "A", r=3, c=2, k=4)
    with pytest.raises(ValueError, match="no family 'GAN'; there are MLP, CNN, RNN"):
        box.open("GAN")
    with pytest.raises(ValueError, match="CNN: its sizes are r, c, k; got r"):
        box.open("CNN", r=3)
    with pytest.raises(ValueError, match="CNN: its sizes are r, c, k; got none"):
        box.open("CNN")
    with pytest.raises(ValueError, match="CNN: r must be a whole number of at least 1; got 2.5"):
        box.open("CNN", r=2.5, c=2, k=4)
    assert box.probes == 0


def test_the_score():
    found = boxes(5)
    assert repr(score(found)) == "0 of 5 boxes open, 0 probes, par 5"
    for box in found.values():
        box.probe(5)
        box.probe(10)
        assert opened(box, 5)
    assert repr(score(found)) == "5 of 5 boxes open, 10 probes, par 5: 5 over par"
    found["A"].probe(20)
    assert repr(score(found)) == "5 of 5 boxes open, 11 probes, par 5: 6 over par"
    assert (score(found).opened, score(found).probes, score(found).par) == (5, 11, 5)


@pytest.mark.parametrize(
    "family, sizes",
    [
        ("CNN", dict(r=2, c=1, k=1)),
        ("attention", dict(d=10, heads=4)),
        ("MoE", dict(d=64, f=32, experts=8, top=2)),
        ("MoE", dict(d=12, f=32, experts=8, top=2)),
        ("MoE", dict(d=8, f=12, experts=8, top=2)),
        ("MoE", dict(d=8, f=1032, experts=8, top=2)),
        ("MoE", dict(d=8, f=16, experts=65, top=2)),
        ("MoE", dict(d=8, f=16, experts=8, top=5)),
        ("MoE", dict(d=8, f=16, experts=2, top=3)),
        ("MLP", dict(h=4097)),
    ],
)
def test_sizes_outside_the_rules_are_refused(family, sizes):
    with pytest.raises(ValueError, match=f"{family}: .* is not allowed: .*{RULES[family][:20]}"):
        sealed(family, **sizes)
    with pytest.raises(ValueError, match="is not allowed"):
        reading(family, 4, **sizes)


# --- box F ----------------------------------------------------------------------------------------


def test_calls_cost_the_same_at_every_size():
    small, large = (sealed_boxes._OPERATIONS[KINDS[0]](*sizes)() for sizes in ((64, 1), (4096, 16)))
    assert small.shape == large.shape


def test_what_the_timed_operations_compute():
    n, batch = 128, 3
    tiny, thin, thick = (sealed_boxes._OPERATIONS[kind](n, batch)() for kind in KINDS)
    assert tiny.size == 64 and (tiny == 2).all()
    assert thin.shape == (2 * n, batch) and (thin == 4096).all()
    assert thick.shape == (512, 64 * batch) and (thick == n).all()


@pytest.mark.parametrize("kind", KINDS)
def test_a_timed_box(kind):
    box = timed_box(kind=kind)
    assert box.time(64) > 0 and box.time(64, batch=2) > 0
    assert repr(box) == "box F, timed 2 times"
    assert [guess for guess in KINDS if box.open(guess)] == [kind]
    assert box.open(kind) is True


def test_a_timed_box_checks_its_arguments():
    box = timed_box(seed=0)
    for n, batch in ((63, 1), (4097, 1), (64, 0), (64, 17), (64.5, 1), (64, None)):
        with pytest.raises(ValueError, match="box F: "):
            box.time(n, batch)
    assert repr(box) == "box F, timed 0 times"
    with pytest.raises(ValueError, match="box F: no kind 'slow'; there are overhead-bound"):
        box.open("slow")
    with pytest.raises(ValueError, match="timed_box: no kind 'slow'; there are"):
        timed_box(kind="slow")
    with pytest.raises(ValueError, match="timed_box: seed must be"):
        timed_box(seed=-1)


def test_seeds_draw_every_kind():
    kinds = {kind for seed in range(20) for kind in KINDS if timed_box(seed).open(kind)}
    assert kinds == set(KINDS)
