"""Lesson 11: its answers are those of the boxes and of the invented chip; traps are told apart."""

import random
from fractions import Fraction
from itertools import product
from math import exp, log, prod

import pytest
from hypothesis import given
from hypothesis import strategies as st
from learners import compiled
from programs import programs

from course_utils import chip as chips
from course_utils import systolic
from course_utils.boxes import FAMILIES, reading, sealed
from course_utils.chip import MIXES, START, WORKLOADS, Chip, Product, designs, traffic
from course_utils.exercises import bank, grade, names
from course_utils.exercises.kinds import Prediction
from course_utils.exercises.program import lines_of, structure
from course_utils.exercises.puzzles import Design


def test_names_and_numbers():
    assert [(bank.find(name).number, name) for name in names(11)] == [
        (None, "recall_array"),
        (None, "recall_in_flight"),
        (None, "recall_decode"),
        ("11.1", "rnn_sizes"),
        ("11.2", "cnn_sizes"),
        ("11.3", "attention_sizes"),
        ("11.4", "which_family"),
        ("11.5", "chip_area"),
        ("11.6", "resident_sram"),
        ("11.7", "chatbot_chip"),
        ("11.8", "moe_sizes"),
        ("11.9", "speech_chip"),
        ("11.10", "vision_chip"),
        ("11.11", "prefill_chip"),
        ("11.12", "mixed_chip"),
        ("11.13", "bound_by"),
        (None, "mix_score"),
        (None, "one_knob"),
        (None, "three_limits"),
    ]
    bets = [entry.name for entry in bank.of_lesson("11") if isinstance(entry, Prediction)]
    assert bets == [
        "growing_weights",
        "scores_growth",
        "most_served",
        "other_winner",
        "speech_cliff",
    ]


@pytest.mark.parametrize(
    "name, answer, code",
    [
        ("recall_array", 19, None),
        ("recall_array", 12, "V1"),
        ("recall_array", 27, "V1"),
        ("recall_array", 20, "O1"),
        ("recall_array", 21, "O1"),
        ("recall_in_flight", 180, None),
        ("recall_in_flight", 45, "D1"),
        ("recall_in_flight", 90, "D1"),
        ("recall_in_flight", 181, "O1"),
        ("recall_decode", 20, None),
        ("recall_decode", 10, "U2"),
        ("recall_decode", 40, "U3"),
        ("recall_decode", 50, "D1"),
        ("recall_decode", 41, "R1"),
        ("chip_area", 103.936, None),
        ("chip_area", 42.496, "P2"),
        ("chip_area", 98.536, "J1"),
        ("chip_area", 70.936, "J1"),
        ("resident_sram", 5, None),
        ("resident_sram", 4, "K1"),
        ("resident_sram", 3, "U2"),
        ("resident_sram", 9, "U3"),
        ("chatbot_chip", (32, 32, 1, 6), None),
        ("chatbot_chip", (32, 32, 6, 5), None),
        ("chatbot_chip", (64, 8, 8, 2), "G1"),
        ("chatbot_chip", (256, 1, 1, 3), "V1"),
        ("speech_chip", (32, 64, 6, 2), None),
        ("speech_chip", (32, 64, 4, 2), "K1"),
        ("speech_chip", (128, 4, 6, 2), "V1"),
        ("vision_chip", (64, 16, 1, 3), None),
        ("vision_chip", (256, 1, 1, 2), "V1"),
        ("prefill_chip", (128, 4, 6, 2), None),
        ("prefill_chip", (32, 64, 1, 3), "J1"),
        ("mixed_chip", (32, 32, 6, 5), None),
        ("mixed_chip", (32, 32, 1, 6), "W1"),
        ("one_knob", "c", None),
        ("one_knob", "a", "V1"),
        ("one_knob", "b", "V1"),
        ("one_knob", "d", "W1"),
        ("three_limits", "They all wait for memory.", "G1"),
    ],
)
def test_the_known_traps_of_boxes_and_chips(name, answer, code):
    verdict = grade(name, answer)
    assert (verdict.state, verdict.code) == ("wrong" if code else "right", code)


def right(name):
    return bank.find(name).value


# Recalled


def test_what_is_recalled():
    assert right("recall_array") == systolic.counts(5, 8, 8, 8, 8, "weight-stationary").cycles
    # loads one by one: what is under way from 100 ns on, when each takes 90 ns
    starts = [Fraction(load, 2) for load in range(1000)]
    assert right("recall_in_flight") == sum(start <= 100 < start + 90 for start in starts)
    assert right("recall_decode") == pytest.approx(1e3 * 4e9 * 2 / 400e9)


# Boxes

RECOVER = {
    "CNN": "cnn_sizes",
    "RNN": "rnn_sizes",
    "attention": "attention_sizes",
    "MoE": "moe_sizes",
}


def drawn(draw, family):
    """Any sizes that are allowed, small ones as often as large ones."""

    def size(most, least=1):
        return draw.randint(least, draw.choice((min(least + 5, most), most)))

    if family == "CNN":
        return dict(r=2 * size(8) - 1, c=size(4096), k=size(4096))
    if family == "RNN":
        return dict(d=size(4096), h=size(4096))
    if family == "attention":
        heads = size(64)
        return dict(d=heads * size(4096 // heads), heads=heads)
    if family == "MoE":
        d, experts = size(128), size(64)
        return dict(
            d=8 * d, f=8 * size(128, d), experts=experts, top=draw.randint(1, min(4, experts))
        )
    return dict(h=size(4096))


def opens(box, family, answer):
    """Whether an answer opens a box, and no more than two probes were spent before."""
    assert box.probes <= 2
    return bool(box.open(family, **dict(zip(FAMILIES[family], answer, strict=True))))


def at(name, n):
    """The reference, written for another n."""
    text = bank.find(name).solution()
    assert text.count("n = 8") == 1
    return compiled(text.replace("n = 8", f"n = {n}"), name)


@pytest.mark.parametrize("n", [8, 1, 3, 40])
@pytest.mark.parametrize("family", RECOVER)
def test_one_probe_tells_the_sizes(family, n):
    draw, recover = random.Random(f"{family} {n}"), at(RECOVER[family], n)
    for _ in range(200):
        sizes = drawn(draw, family)
        box = sealed(family, **sizes)
        assert opens(box, family, recover(box.probe)), sizes


@pytest.mark.parametrize("family", RECOVER)
def test_the_boxes_of_the_grader_are_opened(family):
    entry = bank.find(RECOVER[family])
    for (probe,) in entry.arguments():
        assert probe._family == family
        assert opens(probe._box, family, entry.reference(probe))


@pytest.mark.parametrize(
    "sizes",
    [
        (24, 24, 26, 1),  # read as 16, 45, 21, 1
        (120, 136, 56, 1),  # read as 80, 220, 52, 1
        (224, 400, 57, 2),
        (232, 232, 21, 1),  # read as 168, 72, 93, 4
        (272, 472, 1, 1),
        (280, 280, 2, 2),
    ],
)
def test_mixtures_that_only_the_rules_tell_apart(sizes):
    box = sealed("MoE", **dict(zip(FAMILIES["MoE"], sizes, strict=True)))
    assert opens(box, "MoE", bank.find("moe_sizes").reference(box.probe))


LARGE = 1, 2, 3, 8, 16, 4095, 4096
EXTREME = {
    "MLP": [dict(h=h) for h in LARGE],
    "CNN": [dict(r=r, c=c, k=k) for r, c, k in product((1, 3, 17, 4095), LARGE, LARGE)],
    "RNN": [dict(d=d, h=h) for d, h in product(LARGE, LARGE)],
    "attention": [dict(d=d, heads=heads) for d, heads in product(LARGE, LARGE) if d % heads == 0],
    "MoE": [
        dict(d=d, f=f, experts=experts, top=top)
        for d, f, experts, top in product((8, 16, 512, 1024), (8, 512, 1024), (1, 2, 64), (1, 2, 4))
        if d <= f and top <= experts
    ],
}


def by_growth(probe):
    once, twice = probe(8), probe(16)
    if twice.params > once.params:
        return "MLP"
    if twice.activations == once.activations:
        return "RNN"
    if twice.macs == 4 * once.macs:
        return "CNN"
    return "MoE" if twice.macs == 2 * once.macs else "attention"


@pytest.mark.parametrize("n", [8, 2, 5, 100])
@pytest.mark.parametrize("family", FAMILIES)
def test_one_probe_tells_the_family(family, n):
    draw, name_it = random.Random(f"{family} {n}"), at("which_family", n)
    for sizes in EXTREME[family] + [drawn(draw, family) for _ in range(60)]:
        box = sealed(family, **sizes)
        assert name_it(box.probe) == family, sizes
        assert box.probes == 1
        assert by_growth(box.probe) == family, sizes


def test_growth_without_depth_is_right_as_well():
    assert grade("which_family", by_growth).state == "right"


def test_the_grader_draws_every_family():
    families = [probe._family for (probe,) in bank.find("which_family").arguments()]
    assert all(families.count(family) >= 3 for family in FAMILIES)


@pytest.mark.parametrize("name", [*RECOVER.values(), "which_family"])
def test_a_third_probe_is_refused(name):
    reference = bank.find(name).reference

    def curious(probe):
        for n in (8, 16, 32):
            probe(n)
        return reference(probe)

    verdict = grade(name, curious)
    assert (verdict.state, verdict.message) == (
        "wrong",
        "for probe=the probe of a box it raised ValueError: that is the third probe: "
        "two are enough (line 3)",
    )


@pytest.mark.parametrize("name", [*RECOVER.values(), "which_family"])
def test_the_same_probe_again_costs_nothing(name):
    reference = bank.find(name).reference

    def forgetful(probe):
        for n in (8, 16) * 3:
            probe(n)
        return reference(probe)

    assert grade(name, forgetful).state == "right"


@pytest.mark.parametrize("n", [0, 4097, 1.5, None, "8"])
def test_an_n_that_cannot_be_gets_a_line(n):
    verdict = grade("rnn_sizes", lambda probe: probe(n))
    assert verdict.state == "wrong" and "box ?: n must be" in verdict.message


# Bets


def test_the_bets_on_boxes():
    sizes = {
        "MLP": dict(h=100),
        "CNN": dict(r=3, c=64, k=64),
        "RNN": dict(d=100, h=128),
        "attention": dict(d=192, heads=6),
        "MoE": dict(d=64, f=256, experts=8, top=2),
    }
    grows = {f for f in FAMILIES for n in (8, 64) if told(f, 2 * n, sizes) > told(f, n, sizes)}
    assert grows == {"MLP"}

    once, twice = (reading("attention", n, d=192, heads=6).macs for n in (1024, 2048))
    # 4 n d² and 2 n² d
    assert Fraction(twice, once) == Fraction(4 * 192 + 2 * 2048, 4 * 192 + 2 * 1024) * 2
    assert twice / once == pytest.approx(3.45, abs=0.005)

    n, served = 64, {}
    moved = {  # parameters and activations, by hand
        "MLP": n * 100 + 100 + n + 100,
        "CNN": 9 * 64 * 64 + 64 + n**2 * 128,
        "RNN": 228 * 128 + 128 + 100 + 256,
        "attention": 4 * 192**2 + 6 * n * 192 + 6 * n**2,
        "MoE": 8 * (2 * 64 * 256 + 64) + n * (2 * 64 + 2 * 256 + 8),
    }
    macs = {
        "MLP": n * 100,
        "CNN": n**2 * 9 * 64 * 64,
        "RNN": n * 228 * 128,
        "attention": 4 * n * 192**2 + 2 * n**2 * 192,
        "MoE": n * (2 * 2 * 64 * 256 + 64 * 8),
    }
    for family in FAMILIES:
        served[family] = Fraction(2 * macs[family], 2 * moved[family])
        found = reading(family, n, **sizes[family])
        assert (found.macs, found.params + found.activations) == (macs[family], moved[family])
    *others, most = sorted(served, key=served.get)
    assert most == "CNN" and served[most] > 2 * served[others[-1]]


def told(family, n, sizes):
    return reading(family, n, **sizes[family]).params


def product_of(chip, name):
    """Time × energy."""
    cost = chip.run(WORKLOADS[name])
    return cost.seconds * cost.joules


def goodness(chip, mix):
    """1 / (time × energy), the geometric mean."""
    return 1 / prod(product_of(chip, name) ** share for name, share in mix.items())


def test_the_bets_on_chips():
    chatbot, speech = (
        max(designs(), key=lambda chip: goodness(chip, MIXES[mix])) for mix in ("chatbot", "speech")
    )
    reached = goodness(chatbot, MIXES["speech"]) / goodness(speech, MIXES["speech"])
    assert reached == pytest.approx(
        chips.score(chips.best("chatbot"), "speech") / chips.score(chips.best("speech"), "speech")
    )
    assert 100 * reached == pytest.approx(8.27, abs=0.005)

    before, beyond = (Chip(64, 8, sram, 2) for sram in (4, 6))
    cliff = product_of(before, "RNN") / product_of(beyond, "RNN")
    alone = [chips.score(chip, {"RNN": 1}) for chip in (beyond, before)]
    assert cliff == pytest.approx(alone[0] / alone[1])
    assert cliff == pytest.approx(19.1, abs=0.05)
    mib = 2 * WORKLOADS["RNN"].products[0].depth * WORKLOADS["RNN"].products[0].cols / 2**20
    assert mib == 4


# A chip


def test_the_area_is_that_of_the_chip():
    assert right("chip_area") == Chip(side=64, arrays=16, sram=6, stacks=3).area
    assert chips._ONE["pe_area"] / 1e6 == 0.001
    assert (chips._ONE["sram_area"] / 1e6, chips._ONE["stack_area"] / 1e6) == (0.9, 11)


def test_the_sram_in_which_weights_stay():
    steps = 64
    crossed = {
        sram: traffic(Chip(64, 8, sram, 2), Product(1, 2048, 1024, steps), chained=True)
        for sram in range(1, 9)
    }
    once, each = (2 * (times * 2048 * 1024 + steps * 3072) for times in (1, steps))
    assert {sram for sram, moved in crossed.items() if moved == once} == {5, 6, 7, 8}
    assert min(crossed[sram] for sram in range(1, 5)) >= each
    assert right("resident_sram") == min(sram for sram in crossed if crossed[sram] == once)


DESIGNS = [entry for entry in map(bank.find, names(11)) if isinstance(entry, Design)]


def test_each_mix_has_a_design():
    assert sorted(entry.mix for entry in DESIGNS) == sorted(MIXES)
    assert all(entry.name == f"{entry.mix}_chip" for entry in DESIGNS)


@pytest.mark.parametrize("entry", DESIGNS, ids=lambda entry: entry.name)
def test_known_designs_are_what_they_are_said_to_be(entry):
    best = Chip(*entry.reference())
    top = max(goodness(chip, MIXES[entry.mix]) for chip in designs())
    assert best.fits and goodness(best, MIXES[entry.mix]) == pytest.approx(top)
    for known in entry.mistakes:
        chip = Chip(*known.function())
        assert chip.fits and goodness(chip, MIXES[entry.mix]) < 0.9 * entry.share * top
    for text in [*entry.hints, *(known.message for known in entry.mistakes)]:
        assert text in entry.hints or text.endswith("?")
        for size in (
            f"{best.side} ×",
            f"{best.arrays} arrays",
            f"{best.sram} MiB",
            f"{best.stacks} stacks",
        ):
            assert size not in text


def test_shares_in_the_tasks_are_those_of_the_mixes():
    for entry in DESIGNS:
        task = entry.cells()["task"]
        for share in MIXES[entry.mix].values():
            assert share == 1 or f"{round(100 * share)} %" in task


def test_the_one_knob():
    mix = {"decode": 0.45, "prefill": 0.15, "RNN": 0.4}
    before = Chip(32, 32, 1, 3)
    after = {
        "a": Chip(32, 64, 1, 3),
        "b": Chip(64, 8, 1, 3),
        "c": Chip(32, 32, 6, 3),
        "d": Chip(32, 32, 1, 6),
    }
    assert before.fits and all(chip.fits for chip in after.values())
    helped = {
        letter: chips.score(chip, mix) / chips.score(before, mix) for letter, chip in after.items()
    }
    best = max(helped, key=helped.get)
    assert best == right_letter("one_knob") == "c"
    assert helped["c"] > 2 * max(times for letter, times in helped.items() if letter != "c")
    assert helped["b"] < 1 and after["b"].peak == before.peak
    # for the chatbot that it was, the other two knobs help more
    chatbot = {letter: chips.score(chip, "chatbot") for letter, chip in after.items()}
    assert max(chatbot, key=chatbot.get) == "d"
    numbers = zip("abcd", ("64", "8 arrays of 64 × 64", "from 1 to 6 MiB", "6"), strict=True)
    for letter, said in numbers:
        assert bank.find("one_knob").option(letter).endswith(said)


def right_letter(name):
    return bank.find(name).reference()


def test_only_one_order_of_the_lines_is_the_score():
    entry, mix, chip = bank.find("mix_score"), MIXES["mixed"], Chip(32, 32, 6, 5)
    want = goodness(chip, mix)
    assert want / goodness(START, mix) == pytest.approx(chips.score(chip, "mixed"))
    evaluated = []

    def counted(x):
        evaluated.append(x)
        return exp(x)

    accepted = [entry.reference, *(known.function for known in entry.accepted)]
    most, found = max(len(lines_of(program())) for program in accepted), set()
    for lines in programs(entry.lines):
        if len(lines) > most or not any("score =" in line for line in lines):
            continue
        evaluated.clear()
        space = {"WORKLOADS": WORKLOADS, "mix": mix, "chip": chip, "log": log, "exp": counted}
        try:
            exec("\n".join(lines), space)
        except (NameError, OverflowError):
            continue
        if space["score"] == pytest.approx(want, rel=1e-9) and len(evaluated) == 1:
            found.add(structure(lines))
    assert found == {structure(lines_of(program())) for program in accepted}


# What an operation waits for


def model_time(kind, bandwidth, ridge, call):
    """The operations of `timed_box`, on a core of this bandwidth and ridge: the slower of two."""
    peak = ridge * bandwidth

    def time(n, batch=1):
        assert 64 <= n <= 4096 and 1 <= batch <= 16
        if kind == "overhead-bound":  # its few numbers stay in a cache
            return 500 * (call + batch * (n // 64) / peak)
        rows, depth, cols = (2 * n, 4096, batch) if kind == "memory-bound" else (512, n, 64 * batch)
        moved = 4 * (rows * depth + depth * cols + rows * cols)
        return call + max(moved / bandwidth, 2 * rows * depth * cols / peak)

    return time


@given(st.floats(2e9, 1e11), st.floats(3, 40), st.floats(1e-7, 2e-6))
def test_two_sweeps_tell_what_it_waits_for(bandwidth, ridge, call):
    bound_by = bank.find("bound_by").reference
    for kind in ("overhead-bound", "memory-bound", "compute-bound"):
        assert bound_by(model_time(kind, bandwidth, ridge, call)) == kind


def test_other_ways_to_tell_it():
    def by_batch_first(time):
        once, wider, longer = time(1024, 1), time(1024, 16), time(4096, 1)
        if wider > 8 * once:
            return "compute-bound"
        return "memory-bound" if longer > 2 * once else "overhead-bound"

    assert grade("bound_by", by_batch_first).state == "right"
