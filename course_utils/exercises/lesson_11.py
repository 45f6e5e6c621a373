"""Exercises and predictions of lesson 11: layers that hide their sizes, and a chip to spend."""

from .. import chip
from ..boxes import FAMILIES, sealed
from .cards import choice, order
from .kinds import exercise, prediction, value
from .puzzles import design, written


@prediction(words=tuple(FAMILIES))
def growing_weights():
    """Which of the five families has more weights if n doubles?

    n: the inputs of an MLP, the side of a CNN's picture, the steps of an RNN, the tokens of
    attention or of a mixture of experts.
    """


@prediction(unit="×")
def scores_growth():
    """Attention of width 256: the tokens double, from 1,024. How many times the MACs is it?"""


@prediction(words=tuple(FAMILIES))
def most_served():
    """Parameters and activations cross once, in 16 bit, and n is 64: who has most FLOP for a byte?

    MLP n→100; CNN 3 × 3, 64→64, on n × n; RNN 100→128, whose n inputs and n states cross;
    attention of width 256 with 8 heads; MoE of width 64, 2 of 16 experts with 256 inside.
    """


@prediction(unit="%")
def other_winner():
    """On 100 mm² you build the best chip for a chatbot, by 1 / (time × energy).

    How many % of the best chip's score for speech does it reach?
    """


@prediction(unit="×")
def speech_cliff():
    """A chip of 8 arrays of 64 × 64 and 2 stacks runs 64 steps of an RNN whose weights are 4 MiB.

    Its SRAM grows from 4 MiB, where weights, input and state do not fit together, to 6, where they
    do. How many times better is 1 / (time × energy)?
    """


@value(
    minutes=1,
    recalls="10",
    unit="cycles",
    hints=["When does the last row enter, and how far is the last PE from there?"],
)
def recall_array():
    """Five rows go through 8 × 8 PEs, weights in. How many cycles until the last sum is done?

    The first number enters in cycle 1, the last PE works in the last cycle.
    """
    rows, side = 5, 8
    return rows + 2 * (side - 1)


@recall_array.mistake("those are the rows. How far is the last PE?", "V1")
def recall_array_rows():
    return 5


@recall_array.mistake("that is the way down. And the way to the right?", "V1")
def recall_array_one_way():
    return 12


@recall_array.mistake("1 row, 1 × 1 PE: how many cycles would that be?", "O1")
def recall_array_fencepost():
    return 21


@recall_array.mistake("the weights are in: who loads?", "V1")
def recall_array_load():
    return 27


@recall_array.mistake("the smallest case, 1 row and 1 × 1 PE: is it one cycle?", "O1")
def recall_array_one_more():
    return 20


@value(
    minutes=1,
    recalls="08",
    unit="loads",
    hints=["How many nanoseconds pass until an answer, and how many loads come back in each?"],
)
def recall_in_flight():
    """Memory answers after 90 ns, and 2 loads shall come back each nanosecond.

    How many must be under way at once?
    """
    latency, rate = 90, 2
    return latency * rate


@recall_in_flight.mistake("one for each nanosecond? How many are asked?", "D1")
def flight_latency():
    return 90


@recall_in_flight.mistake("latency over rate? Let the memory be slower: fewer or more?", "D1")
def flight_ratio():
    return 45


@recall_in_flight.mistake("so many come back in a nanosecond. And those not yet back?", "D1")
def flight_rate():
    return 2


@recall_in_flight.mistake("is one of them counted twice?", "O1")
def flight_one_more():
    return 181


@recall_in_flight.mistake("do they wait for each other's way back as well?", "D1")
def flight_there_and_back():
    return 360


@value(
    minutes=1,
    recalls="05",
    unit="ms",
    hints=["How many bytes cross for one token, and how many a second?"],
)
def recall_decode():
    """One text, batch 1: a model of 4 billion weights in 16 bit, on memory of 400 GB/s.

    How many ms does a token take at least? The KV cache is small.
    """
    weights, itemsize, bandwidth = 4, 2, 400
    return 1000 * weights * itemsize / bandwidth


@recall_decode.mistake("those are weights. How many bytes has each?", "U2")
def decode_elements():
    return 10


@recall_decode.mistake("is that fp32?", "U3")
def decode_fp32():
    return 40


@recall_decode.mistake("those are tokens a second. How long does one take?", "D1")
def decode_rate():
    return 50


@recall_decode.mistake("that is in seconds. What is the unit?", "U3")
def decode_seconds():
    return 0.02


@recall_decode.mistake("do the weights go back as well?", "R1")
def decode_round_trip():
    return 2 * 20 + 1


class _Probe:
    """What an exercise gets to ask a box with: two probes, and no more."""

    def __init__(self, family, **sizes):
        self._box, self._family = sealed(family, **sizes), family

    def __call__(self, n, batch=1):
        found = self._box.probe(n, batch)
        if self._box.probes > 2:
            raise ValueError("that is the third probe: two are enough")
        return found

    def __repr__(self):
        return f"the probe of a box: {self._family}"


def _probes(random, family, *first):
    """Probes of some boxes of a family, the first ones of given sizes."""
    ranges = {
        "RNN": lambda: dict(d=random.randint(1, 300), h=random.randint(1, 300)),
        "CNN": lambda: dict(
            r=random.choice((1, 3, 5, 7)), c=random.randint(1, 40), k=random.randint(1, 99)
        ),
        "attention": lambda: _headed(random.randint(1, 12), random.randint(1, 64)),
        "MLP": lambda: dict(h=random.randint(1, 999)),
        "MoE": lambda: dict(
            d=8 * random.randint(1, 16),
            f=8 * random.randint(16, 99),
            experts=random.randint(4, 64),
            top=random.randint(1, 4),
        ),
    }
    sizes = [*first, *(ranges[family]() for _ in range(6))]
    return [(_Probe(family, **each),) for each in sizes]


def _headed(heads, width):
    return dict(d=heads * width, heads=heads)


@exercise(
    minutes=4,
    level=1,
    hints=[
        "What is in the parameters and in no MAC? Look at one step.",
        "With h known, which of the activations is left?",
    ],
)
def rnn_sizes(probe):
    """Find d and h of a recurrent layer by a probe or two.

    It takes n steps of d numbers, has a state of h, two matrices and one bias. `probe(n)` gives
    params, macs, activations, depth. Activations are input, old and new state, of one step.
    Return d, h.
    """
    # BEGIN SOLUTION
    n = 8
    told = probe(n)
    h = told.params - told.macs // n
    return told.activations - 2 * h, h
    # END SOLUTION


@rnn_sizes.cases
def _draw(random):
    return _probes(random, "RNN", dict(d=1, h=1), dict(d=100, h=128))


@rnn_sizes.mistake("is there one state at a time, or an old and a new one?", "T1")
def rnn_one_state(probe):
    told = probe(8)
    h = told.params - told.macs // 8
    return told.activations - h, h


@rnn_sizes.mistake("those are the MACs of all steps. What does one step do?", "T1")
def rnn_all_steps(probe):
    told = probe(8)
    h = abs(told.params - told.macs)
    return told.activations - 2 * h, h


@rnn_sizes.mistake("d and h, in this order: which of yours is the state?", "Q1")
def rnn_swapped(probe):
    told = probe(8)
    h = told.params - told.macs // 8
    return h, told.activations - 2 * h


@rnn_sizes.mistake("one bias a row of the state, or two?", "P1")
def rnn_two_biases(probe):
    told = probe(8)
    h = (told.params - told.macs // 8) // 2
    return told.activations - 2 * h, h


@exercise(
    minutes=5,
    level=2,
    hints=[
        "MACs at one place: what is left of the parameters without them?",
        "Activations at one place are channels in and out. Which of the two is known?",
        "What is r² then?",
    ],
)
def cnn_sizes(probe):
    """Find r, c and k of a convolution by a probe or two.

    It has k filters of r × r over c channels, a bias each, and a picture of n × n, padded so that
    the maps are n × n as well; padded taps count. Activations are picture and maps. Return r, c, k.
    """
    # BEGIN SOLUTION
    n = 8
    told = probe(n)
    place = told.macs // n**2
    k = told.params - place
    c = told.activations // n**2 - k
    return round((place // (c * k)) ** 0.5), c, k
    # END SOLUTION


@cnn_sizes.cases
def _draw(random):
    return _probes(random, "CNN", dict(r=3, c=1, k=32), dict(r=1, c=1, k=1))


@cnn_sizes.mistake("n is a side. How many places has the picture?", "Q1")
def cnn_side_for_places(probe):
    told = probe(8)
    k = abs(told.params - told.macs // 8)
    c = abs(told.activations // 8 - k) + 1
    return round((told.macs // 8 // (c * k + 1)) ** 0.5), c, k


@cnn_sizes.mistake("which of the activations are the filters' maps?", "P2")
def cnn_maps_not_taken_off(probe):
    told = probe(8)
    place = told.macs // 64
    k = told.params - place
    return round((place // (told.activations // 64 * k)) ** 0.5), told.activations // 64, k


@cnn_sizes.mistake("is that r, or r × r?", "P2")
def cnn_area(probe):
    told = probe(8)
    place = told.macs // 64
    k = told.params - place
    c = told.activations // 64 - k
    return place // (c * k), c, k


@cnn_sizes.mistake("c and k: which of them comes in?", "P2")
def cnn_swapped(probe):
    told = probe(8)
    place = told.macs // 64
    k = told.params - place
    c = told.activations // 64 - k
    return round((place // (c * k)) ** 0.5), k, c


@exercise(
    minutes=5,
    level=2,
    hints=[
        "How many d × d matrices are in the parameters?",
        "x, Q, K, V, what P V gives, and y: how many arrays of n × d is that? What is left?",
    ],
)
def attention_sizes(probe):
    """Find d and the heads of an attention layer by a probe or two.

    Width d, n tokens, four matrices without biases. Activations are x, Q, K, V, the scores of all
    heads, what they weigh together, and y; softmax is done in place. Return d and the heads.
    """
    # BEGIN SOLUTION
    n = 8
    told = probe(n)
    d = round((told.params // 4) ** 0.5)
    return d, (told.activations - 6 * n * d) // n**2
    # END SOLUTION


@attention_sizes.cases
def _draw(random):
    return _probes(random, "attention", dict(d=1, heads=1), dict(d=768, heads=12))


@attention_sizes.mistake("Q, K and V: and the matrix that comes after the heads?", "Q1")
def attention_three(probe):
    told = probe(8)
    d = round((told.params // 3) ** 0.5)
    return d, abs(told.activations - 48 * d) // 64


@attention_sizes.mistake("x goes in and y comes out: are they activations?", "R1")
def attention_inside_only(probe):
    told = probe(8)
    d = round((told.params // 4) ** 0.5)
    return d, (told.activations - 32 * d) // 64


@attention_sizes.mistake("does a head score n tokens, or n times n?", "Q1")
def attention_linear_scores(probe):
    told = probe(8)
    d = round((told.params // 4) ** 0.5)
    return d, (told.activations - 48 * d) // 8


@attention_sizes.mistake("that is the width of a head. How many heads are there?", "H1")
def attention_head_width(probe):
    told = probe(8)
    d = round((told.params // 4) ** 0.5)
    return d, d // ((told.activations - 48 * d) // 64) + 1000


@exercise(
    minutes=6,
    level=2,
    hints=[
        "Ask at n and at 2n: what grows in an MLP and in no other family? Whose activations stay?",
        "MACs: twice, four times, or something between: of which family is each?",
        "How deep is each family? At which n would two of them be equally deep?",
    ],
)
def which_family(probe):
    """Name the family of a box by a probe or two.

    Return "MLP", "CNN", "RNN", "attention" or "MoE".
    """
    # BEGIN SOLUTION
    n = 8  # not 1, 3 or 4: an RNN would be as deep as another family
    told = probe(n)
    if told.depth == n:
        return "RNN"
    if told.depth == 1:  # a CNN's weight serves n² places
        return "CNN" if told.macs > told.params else "MLP"
    return "MoE" if told.depth == 3 else "attention"
    # END SOLUTION


@which_family.cases
def _draw(random):
    boxes = [probe for family in FAMILIES for probe in _probes(random, family)[:3]]
    return [*boxes, (_Probe("attention", d=768, heads=12),), (_Probe("CNN", r=1, c=1, k=1),)]


@which_family.mistake("four times the MACs: is n a number of tokens there, or a side?", "Q1")
def family_side(probe):
    once, twice = probe(8), probe(16)
    if twice.params > once.params:
        return "MLP"
    if twice.activations == once.activations:
        return "RNN"
    return "MoE" if twice.macs == 2 * once.macs else "attention"


@which_family.mistake("twice the MACs: what do the activations of an RNN do, and why?", "T1")
def family_rnn_is_moe(probe):
    once, twice = probe(8), probe(16)
    if twice.params > once.params:
        return "MLP"
    if twice.macs == 4 * once.macs:
        return "CNN"
    return "MoE" if twice.macs == 2 * once.macs else "attention"


@which_family.mistake("is it twice the MACs, or a little more? What part of them is n²?", "Q1")
def family_wide_attention(probe):
    once, twice = probe(8), probe(16)
    if twice.params > once.params:
        return "MLP"
    if twice.activations == once.activations:
        return "RNN"
    return "CNN" if twice.macs == 4 * once.macs else "MoE"


@which_family.mistake("do the parameters of a layer over tokens grow with the tokens?", "B1")
def family_mlp_is_moe(probe):
    once, twice = probe(8), probe(16)
    if twice.activations == once.activations:
        return "RNN"
    if twice.macs == 4 * once.macs:
        return "CNN"
    return "MoE" if twice.macs == 2 * once.macs else "attention"


@value(
    minutes=3,
    level=2,
    unit="mm²",
    hints=[
        "Which three parts take area, and how much is one of each?",
        "How many PEs has an array?",
    ],
)
def chip_area():
    """How large is a chip of 16 arrays of 64 × 64 PEs, 6 MiB of SRAM and 3 stacks of HBM?

    A PE is 0.001 mm², a MiB 0.9, the interface of a stack 11.
    """
    arrays, side, sram, stacks = 16, 64, 6, 3
    return (arrays * side**2 + 900 * sram + 11_000 * stacks) / 1000


@chip_area.mistake("that is one array. How many are there?", "P2")
def area_one_array():
    return 42.496


@chip_area.mistake("who pays for the memory on the chip?", "J1")
def area_without_sram():
    return 98.536


@chip_area.mistake("the stacks lie beside the chip. And what do their wires end in?", "J1")
def area_without_stacks():
    return 70.936


@chip_area.mistake("an array has 64 PEs on a side. How many has it?", "P2")
def area_by_side():
    return 39.424


@chip_area.mistake("does a stack take area for each array?", "J1")
def area_stacks_each():
    return 16 * 33 + 65.536 + 5.4


@value(
    minutes=3,
    level=2,
    unit="whole MiB",
    hints=[
        "How many bytes is W? Is a MiB a million?",
        "W alone is not enough: what else is there in a step?",
    ],
)
def resident_sram():
    """An RNN multiplies, each step, 2,048 numbers by W, 2,048 × 1,024, in bf16.

    W stays on the chip if it fits into the SRAM together with a step's input and result. How many
    whole MiB must there be at least?
    """
    depth, cols, itemsize = 2048, 1024, 2
    needed = itemsize * (depth + depth * cols + cols)
    return -(-needed // 2**20)


@resident_sram.mistake("W fills that to the last byte. Where do x and the result go?", "K1")
def resident_full():
    return 4


@resident_sram.mistake("how many bytes has a number in bf16?", "U2")
def resident_elements():
    return 3


@resident_sram.mistake("is that fp32? What is the itemsize of bf16?", "U3")
def resident_fp32():
    return 9


@resident_sram.mistake("is there a smaller one that is large enough?", "O2")
def resident_too_large():
    return 6


@resident_sram.mistake("is each step's input still needed in the next one?", "T1")
def resident_all_steps():
    return 8


def _sizes(found):
    return found.side, found.arrays, found.sram, found.stacks


@design(
    minutes=6,
    level=2,
    mix="chatbot",
    hints=[
        "What does decode wait for, and which knob gives it more?",
        "What does more SRAM spare here, and what does each byte of it cost?",
        "Eight rows at once: how many PEs of a large array do they keep busy?",
    ],
)
def chatbot_chip():
    """Design a chip for a chatbot: 70 % decode of 8 texts, 30 % prefill."""
    return _sizes(chip.best("chatbot"))


@chatbot_chip.mistake("it waits for memory most of the time: which knob is bandwidth?", "G1")
def chatbot_as_start():
    return 64, 8, 8, 2


@chatbot_chip.mistake("that is the largest peak. What does decode do with it?", "G1")
def chatbot_peak():
    return 32, 64, 1, 1


@chatbot_chip.mistake("which weights are used twice before they would leave the SRAM?", "W1")
def chatbot_sram():
    return 32, 8, 64, 2


@chatbot_chip.mistake("8 rows through 256 × 256 PEs: how many are busy?", "V1")
def chatbot_one_array():
    return 256, 1, 1, 3


@exercise(
    minutes=6,
    level=3,
    hints=[
        "Start from m/n = d (2 top·f + E) and a/n = 2d + top·f + E: can you get rid of top·f?",
        "Try each d: E follows, then f from the parameters, then top. Which d gives whole numbers?",
        "Does your candidate give the told parameters, and does it obey the rules?",
    ],
)
def moe_sizes(probe):
    """Find d, f, E and `top` of a mixture of experts, by its probe.

    Width d, E experts of two matrices, d × f and f × d, a router d × E, `top` experts for a token,
    no biases. Activations are, for each token, x, the router's scores, the hidden numbers of its
    `top` experts, and y, into which they add. d and f are multiples of 8, d ≤ f ≤ 1,024,
    `top` ≤ 4, E ≤ 64: then it is unique. Return d, f, E, `top`.
    """
    # BEGIN SOLUTION
    n = 8
    told = probe(n)
    macs, numbers = told.macs // n, told.activations // n
    for d in range(8, numbers, 8):
        experts = 2 * numbers - 4 * d - macs // d
        chosen = numbers - 2 * d - experts  # top · f
        for top in (1, 2, 3, 4):
            f = chosen // top
            fits = f * top == chosen and f in range(d, 1025, 8)
            if fits and told.params == d * experts * (2 * f + 1):
                return d, f, experts, top
    return None
    # END SOLUTION


@moe_sizes.cases
def _draw(random):
    told_apart_by_the_rules = (120, 136, 56, 1), (232, 232, 21, 1)
    sizes = [(128, 512, 8, 2), *told_apart_by_the_rules]
    return _probes(random, "MoE", *(dict(zip(FAMILIES["MoE"], s, strict=True)) for s in sizes))


@moe_sizes.mistake("those are the experts that run. Which are stored?", "E1")
def moe_experts_that_run(probe):
    told = probe(8)
    macs, numbers = told.macs // 8, told.activations // 8
    for d in range(8, numbers, 8):
        experts = 2 * numbers - 4 * d - macs // d
        chosen = numbers - 2 * d - experts
        for top in (1, 2, 3, 4):
            f = chosen // top
            fits = f * top == chosen and f in range(d, 1025, 8)
            if fits and told.params == d * experts * (2 * f + 1):
                return d, f, top, top
    return None


@moe_sizes.mistake("is that the f of one expert, or of all who run?", "E1")
def moe_hidden_of_all(probe):
    told = probe(8)
    macs, numbers = told.macs // 8, told.activations // 8
    for d in range(8, numbers, 8):
        experts = 2 * numbers - 4 * d - macs // d
        chosen = numbers - 2 * d - experts
        for top in (1, 2, 3, 4):
            f = chosen // top
            fits = f * top == chosen and f in range(d, 1025, 8)
            if fits and told.params == d * experts * (2 * f + 1):
                return d, chosen + top - 1, experts, top
    return None


@moe_sizes.mistake("d, f, E, top, in this order: which of yours is top?", "E1")
def moe_swapped(probe):
    told = probe(8)
    macs, numbers = told.macs // 8, told.activations // 8
    for d in range(8, numbers, 8):
        experts = 2 * numbers - 4 * d - macs // d
        chosen = numbers - 2 * d - experts
        for top in (1, 2, 3, 4):
            f = chosen // top
            fits = f * top == chosen and f in range(d, 1025, 8)
            if fits and told.params == d * experts * (2 * f + 1):
                return d, f, top, experts
    return None


@moe_sizes.mistake("d is the width of a token: which of yours goes in, and which is inside?", "P2")
def moe_width_hidden(probe):
    told = probe(8)
    macs, numbers = told.macs // 8, told.activations // 8
    for d in range(8, numbers, 8):
        experts = 2 * numbers - 4 * d - macs // d
        chosen = numbers - 2 * d - experts
        for top in (1, 2, 3, 4):
            f = chosen // top
            fits = f * top == chosen and f in range(d, 1025, 8)
            if fits and told.params == d * experts * (2 * f + 1):
                return f, d, experts, top
    return None


@design(
    minutes=6,
    level=3,
    mix="speech",
    share=0.9,
    hints=[
        "What has to be on the chip so that W crosses once?",
        "One row at a time: which side keeps fewer PEs idle?",
        "Who needs bandwidth when W has come? What would you pay with it?",
    ],
)
def speech_chip():
    """Design a chip for speech: 80 % a recurrent layer of 64 steps, 20 % decode."""
    return _sizes(chip.best("speech"))


@speech_chip.mistake("W is 4 MiB: is there room for x and the state beside it?", "K1")
def speech_cliff_edge():
    return 32, 64, 4, 2


@speech_chip.mistake("W crosses at each step there: what would keep it?", "W1")
def speech_as_chatbot():
    return 32, 32, 1, 6


@speech_chip.mistake("one row through 128 × 128 PEs: how many are busy?", "V1")
def speech_large_array():
    return 128, 4, 6, 2


@speech_chip.mistake("what lies in all that SRAM, and what does each read of it cost?", "J1")
def speech_large_sram():
    return 32, 16, 48, 2


@design(
    minutes=6,
    level=3,
    mix="vision",
    share=0.9,
    hints=[
        "Thousands of rows, 576 deep, 64 columns: which side fits?",
        "Are the filters too large for the smallest SRAM?",
        "Where does it lie on the roofline: left or right of the ridge?",
    ],
)
def vision_chip():
    """Design a chip for vision: 90 % convolutions 64→64 on four pictures, 10 % prefill."""
    return _sizes(chip.best("vision"))


@vision_chip.mistake("64 columns on 256 × 256 PEs: what do the others do?", "V1")
def vision_large_array():
    return 256, 1, 1, 2


@vision_chip.mistake("how large are the filters, and what else would lie there?", "K1")
def vision_large_sram():
    return 64, 4, 48, 2


@vision_chip.mistake("whose bandwidth is that, and who is left to compute?", "G1")
def vision_bandwidth():
    return 32, 16, 1, 7


@design(
    minutes=6,
    level=3,
    mix="prefill",
    hints=[
        "A thousand rows: what does a larger array read less often?",
        "Which of time and energy is far from its best?",
    ],
)
def prefill_chip():
    """Design a chip for prefill alone: 1,024 tokens."""
    return _sizes(chip.best("prefill"))


@prefill_chip.mistake("many small arrays: how often does each read X again?", "J1")
def prefill_small_arrays():
    return 32, 64, 1, 3


@prefill_chip.mistake("does it wait for memory? Then what are so many stacks for?", "G1")
def prefill_bandwidth():
    return 32, 16, 1, 7


@prefill_chip.mistake("what does a byte of a large SRAM cost, and who waits for one?", "J1")
def prefill_large_sram():
    return 64, 8, 48, 2


@design(
    minutes=6,
    level=3,
    mix="mixed",
    share=0.9,
    hints=[
        "Which of your other chips is nearest? What does it lack for the rest?",
        "Which workload loses most? It is named when you check.",
    ],
)
def mixed_chip():
    """Design one chip for all: 30 % decode, 20 % prefill, 25 % convolutions, 25 % RNN."""
    return _sizes(chip.best("mixed"))


@mixed_chip.mistake("that is the chatbot's. Who else has weights that should stay?", "W1")
def mixed_as_chatbot():
    return 32, 32, 1, 6


@mixed_chip.mistake("what does 1 row do with 128 × 128 PEs, and what 8?", "V1")
def mixed_as_prefill():
    return 128, 4, 6, 2


@mixed_chip.mistake("in the middle of everything: who of the four is happy with it?", "G1")
def mixed_as_start():
    return 64, 8, 8, 2


@exercise(
    minutes=5,
    level=3,
    hints=[
        "Let n grow fourfold: whose time does not?",
        "Let the batch grow eightfold, from 2 on: whose time grows with it, whose hardly?",
        "The three are far apart: where between them would you draw the line?",
    ],
)
def bound_by(time):
    """Say what an operation waits for, from its time alone.

    `time(n, batch)` gives seconds, for n from 64 to 4,096 and a batch from 1 to 16. Return
    "overhead-bound" (as many calls whatever n and batch), "memory-bound" (it reads n rows once,
    for the whole batch) or "compute-bound" (its arithmetic grows with n and with the batch).
    """
    # BEGIN SOLUTION
    if time(4096, 2) < 2 * time(1024, 2):
        return "overhead-bound"
    return "compute-bound" if time(4096, 16) > 3 * time(4096, 2) else "memory-bound"
    # END SOLUTION


class _Timed:
    """A model of an operation's time: `calls` s, `byte` s a row, `mac` s a row and vector."""

    def __init__(self, calls, byte, mac):
        self._parts = calls, byte, mac

    def __call__(self, n, batch=1):
        calls, byte, mac = self._parts
        return calls + max(byte * n, mac * n * batch)

    def __repr__(self):
        return "the time of an operation"


@bound_by.cases
def _draw(random):
    overhead = [_Timed(random.uniform(1, 9) * 1e-4, 1e-9, 0) for _ in range(3)]
    memory = [_Timed(1e-6, random.uniform(1, 9) * 1e-6, 1e-8) for _ in range(3)]
    compute = [_Timed(1e-6, 1e-8, random.uniform(1, 9) * 1e-6) for _ in range(3)]
    return [(each,) for each in overhead + memory + compute]


@bound_by.mistake("does the time of one that computes not grow with the batch?", "G1")
def bound_all_memory(time):
    return "overhead-bound" if time(4096, 2) < 2 * time(1024, 2) else "memory-bound"


@bound_by.mistake("four times the rows, and hardly more time: what takes it, then?", "G1")
def bound_no_overhead(time):
    return "compute-bound" if time(4096, 16) > 3 * time(4096, 2) else "memory-bound"


@bound_by.mistake("a matrix that is read once for all vectors: does its time grow with them?", "W1")
def bound_swapped(time):
    if time(4096, 2) < 2 * time(1024, 2):
        return "overhead-bound"
    return "memory-bound" if time(4096, 16) > 3 * time(4096, 2) else "compute-bound"


@bound_by.mistake("is everything that grows with n computing?", "G1")
def bound_all_compute(time):
    return "overhead-bound" if time(4096, 2) < 2 * time(1024, 2) else "compute-bound"


@order(
    minutes=4,
    level=3,
    hints=[
        "Where must the sum be zero, and where is it complete?",
        "A score of a product is the product of scores: which of the two is a sum of logarithms?",
    ],
    extra=["total += share * (cost.seconds + cost.joules)"],
)
def mix_score():
    """Put the lines in order: a chip's 1 / (time × energy) for a mix, the start's left aside.

    It is the geometric mean over the workloads, weighted by their shares, which add up to 1.
    """
    return """
        total = 0
        for name, share in mix.items():
            cost = chip.run(WORKLOADS[name])
            total += share * log(cost.seconds * cost.joules)
        score = exp(-total)
    """


@mix_score.mistake("time plus energy: in which unit?", "J1")
def score_adds():
    return """
        total = 0
        for name, share in mix.items():
            cost = chip.run(WORKLOADS[name])
            total += share * (cost.seconds + cost.joules)
        score = exp(-total)
    """


@mix_score.mistake("that begins anew for each workload. Whose total is left?", "R1")
def score_begins_anew():
    return """
        for name, share in mix.items():
            total = 0
            cost = chip.run(WORKLOADS[name])
            total += share * log(cost.seconds * cost.joules)
        score = exp(-total)
    """


@mix_score.mistake("that is right at last. How often is it computed?", "R1")
def score_in_the_loop():
    return """
        total = 0
        for name, share in mix.items():
            cost = chip.run(WORKLOADS[name])
            total += share * log(cost.seconds * cost.joules)
            score = exp(-total)
    """


@choice(
    minutes=4,
    level=3,
    concept=True,
    hints=[
        "Which workload loses most on this chip, and what for?",
        "Which of the four changes how often W crosses?",
    ],
    options=[
        "twice the arrays: 64",
        "twice the side, with as many PEs: 8 arrays of 64 × 64",
        "SRAM from 1 to 6 MiB",
        "twice the stacks: 6",
    ],
)
def one_knob():
    """A chip for a chatbot has 32 arrays of 32 × 32, 1 MiB and 3 stacks. Now speech comes too.

    The mix is half the chatbot's and half that of speech. Which one knob helps most?
    """
    return "c"


@one_knob.mistake("one row at a time: do more arrays fill, or wait for weights?", "V1")
def knob_arrays():
    return "a"


@one_knob.mistake("one row in a larger array: how many of its PEs are busy?", "V1")
def knob_side():
    return "b"


@one_knob.mistake("that brings W faster, 64 times. What if it came once?", "W1")
def knob_stacks():
    return "d"


@written(
    minutes=6,
    level=3,
    hints=[
        "For each workload: what is it that the others wait for?",
        "What would change if the SRAM were half as large? And the number of stacks?",
    ],
    points={
        "Does it say what decode waits for?": ("memory", "bandwidth", "HBM", "stack"),
        "Does it say why prefill does not wait for it?": ("compute", "arrays", "PEs", "row"),
        "Does it say what happens to the RNN's weights?": ("stay", "fit", "SRAM", "load", "enter"),
    },
    words=25,
)
def three_limits():
    """Defend a chip: why does decode wait for memory on the starting chip, and the RNN for arrays?

    Say also why prefill does not wait for memory, and which knob you would turn for more RNN.
    """
    return (
        "Decode waits for memory: each weight crosses HBM once for eight rows, so stacks help and "
        "PEs do not.\n"
        "Prefill computes: each weight serves 1,024 rows, so the arrays are the limit.\n"
        "The RNN waits for its weights to enter the arrays: they stay in the SRAM, but each serves "
        "one row, and the next step needs the result of this one.\n"
        "For more RNN I would take more and smaller arrays: a small one is loaded sooner."
    )


@three_limits.mistake("which of the three? And for what, each?", "G1")
def limits_all_alike():
    return "They all wait for memory."


@three_limits.mistake("does a larger peak help who waits for bytes?", "G1")
def limits_peak():
    return "The one with the most FLOP/s is the best."
