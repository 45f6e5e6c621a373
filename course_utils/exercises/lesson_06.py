"""Exercises and predictions of lesson 06: what blocks hold, compute and move."""

from ..networks import blocks
from .cards import choice, order
from .kinds import exercise, prediction, value


@prediction(unit="%")
def deep_digits():
    """2,500 digits pass 30 layers of 256 ReLUs, with random weights that nobody trains. Each result
    is taken for the digit whose mean, known from 2,500 others, is nearest.

    How many % are still told apart so, where lots give 10 %?
    """


@prediction(unit="%")
def active_share():
    """Mixtral has eight experts a layer, and runs two of them for a token.

    How many % of its weights does a token meet?
    """


@prediction(unit="×")
def separable_time():
    """A 3×3 convolution, 64 → 64 channels on 56×56 pixels, or a depthwise 3×3 and a 1×1 instead,
    7.9 times fewer MACs. Both run as NumPy on one thread.

    How many times as fast are the two on your computer?
    """


@prediction(unit="%")
def rest_time():
    """The feed-forward half of a transformer layer, 512 tokens of width 512: a norm, a product to
    2,048, GELU, a product back, the sum with what came in.

    How many % of its time on your computer are norm, GELU and sum, as NumPy on one thread?
    """


@prediction(words=("ResNet", "MobileNet", "ViT", "GPT", "MoE", "Mamba"))
def climber():
    """Six blocks, one call each, batch 1, fp32: ResNet and MobileNet on maps of 14×14; ViT, Mamba
    and a mixture of experts (MoE) on about 196 tokens; GPT on one token, the rest cached.

    By MACs, the largest first, they are MoE, ViT, Mamba, ResNet, MobileNet, GPT. Which of them
    climbs the most places when they are ranked by the bytes that they move?
    """


@prediction(unit="×")
def expert_time():
    """64 tokens of width 512 pass a feed-forward network of 2,048; or each passes one of eight such
    experts, chosen by lot. The MACs are the same.

    How many times as long do the experts take on your computer?
    """


@value(
    minutes=1,
    recalls="05",
    unit="ms",
    hints=["How many bytes are the weights?", "How long do so many bytes take?"],
)
def recall_token_time():
    """A decoder of 3 billion weights in fp32 writes one token at batch 1. Memory moves 1.5 TB/s.

    How many ms does the token take at least, if only the weights are counted?
    """
    billions, itemsize, terabytes = 3, 4, 1.5
    return billions * itemsize / terabytes


@recall_token_time.mistake(
    "that has one byte for each weight. How many has a number of fp32?", "U3"
)
def ms_of_bytes():
    return 3 / 1.5


@recall_token_time.mistake(
    "that is fp16, or the FLOP of a weight. How many bytes has a number of fp32?", "U3"
)
def ms_of_fp16():
    return 3 * 2 / 1.5


@recall_token_time.mistake("so many tokens are written in a second. How long does one take?", "G1")
def tokens_a_second():
    return 1.5e12 / 3e9 / 4


@recall_token_time.mistake("that is tokens for each ms. Which of the two was asked?", "G1")
def tokens_a_ms():
    return 1.5e12 / 3e9 / 4 / 1e3


@recall_token_time.mistake("that takes bits for bytes. What is the B of B/s?", "U3")
def ms_of_bits():
    return 3 * 32 / 1.5


@value(
    minutes=1,
    recalls="03",
    unit="steps",
    hints=["When can the second layer begin?", "Draw two layers and three steps: when is it done?"],
)
def recall_stacked_steps():
    """Three stacked RNN layers read 50 inputs. Cells that do not wait for each other run at once.

    After how many cell-steps, at least, is the last one done?
    """
    layers, steps = 3, 50
    return steps + layers - 1


@recall_stacked_steps.mistake(
    "that lets every cell wait for every other. Which two cells can run in step 2?", "T1"
)
def stack_in_line():
    return 3 * 50


@recall_stacked_steps.mistake(
    "that is the first layer. When can the last one read its last input?", "T1"
)
def stack_for_free():
    return 50


@recall_stacked_steps.mistake(
    "one too many: do one layer and two steps by hand. When is it done?", "O1"
)
def stack_one_more():
    return 50 + 3


@recall_stacked_steps.mistake(
    "one too few: do two layers and one step by hand. When is it done?", "O1"
)
def stack_one_fewer():
    return 50 + 3 - 2


@recall_stacked_steps.mistake(
    "so many layers there are. How many inputs must the first of them read?", "T1"
)
def stack_layers():
    return 3


@value(
    minutes=1,
    recalls="00",
    unit="FLOP/B",
    tolerance=0.01,
    hints=["How many numbers cross for one sum, in and out?", "How many bytes has each in fp16?"],
)
def recall_half_add():
    """What is the intensity of `z = x + y` in fp16, on arrays far larger than any cache?"""
    flops, numbers, itemsize = 1, 3, 2
    return flops / (numbers * itemsize)


@recall_half_add.mistake("one leg is missing. Who writes z?", "R1")
def half_add_without_write():
    return 1 / (2 * 2)


@recall_half_add.mistake("that is FLOP for each number. How many bytes has one?", "U2")
def half_add_per_number():
    return 1 / 3


@recall_half_add.mistake("that is for numbers of four bytes. How many has fp16?", "U3")
def half_add_in_fp32():
    return 1 / (3 * 4)


@recall_half_add.mistake("that counts one number. How many does a sum read and write?", "R1")
def half_add_one_operand():
    return 1 / 2


@recall_half_add.mistake("that is bytes for each FLOP. Which of the two is below the line?", "G1")
def half_add_inverted():
    return 6


@value(
    minutes=2,
    level=1,
    unit="times",
    tolerance=0.005,
    hints=[
        "How many MACs does one position take, all channels, in the full convolution?",
        "Two layers take its place. How many MACs does a position take in each of them?",
    ],
)
def separable_saving():
    """A 3×3 convolution from 128 to 256 channels is replaced by a depthwise separable one.

    That is a 3×3 filter for each of the 128 channels alone (depthwise), then a 1×1 convolution
    from 128 to 256. How many times fewer MACs does it take? Maps keep their size; no biases.
    """
    taps, inputs, outputs = 3 * 3, 128, 256
    full = taps * inputs * outputs
    return full / (taps * inputs + inputs * outputs)


@separable_saving.mistake("that leaves out the filter of each channel. How many taps has it?", "P2")
def saving_of_mixing():
    return 9


@separable_saving.mistake("that leaves out the 1×1 convolution. How many weights has it?", "P2")
def saving_of_filters():
    return 256


@separable_saving.mistake("that is the new work over the old. Which way round is asked?", "Q1")
def saving_inverted():
    return (9 * 128 + 128 * 256) / (9 * 128 * 256)


@separable_saving.mistake(
    "one side is in FLOP, the other in MACs. What happens if both are in the same?", "U1"
)
def saving_flops():
    return 2 * 9 * 128 * 256 / (9 * 128 + 128 * 256)


@separable_saving.mistake("that counts biases. Does adding one multiply anything?", "P1")
def saving_of_parameters():
    return (9 * 128 * 256 + 256) / (9 * 128 + 128 + 128 * 256 + 256)


@separable_saving.mistake(
    "so many MACs fewer are there at each position. How many *times* fewer?", "Q1"
)
def saving_difference():
    return 9 * 128 * 256 - 9 * 128 - 128 * 256


@separable_saving.mistake(
    "that is the share that is saved. How many times fewer is what is left?", "Q1"
)
def saving_in_percent():
    return 1 - (9 * 128 + 128 * 256) / (9 * 128 * 256)


@separable_saving.mistake(
    "that is another layer, from 64 to 64 channels. How many has this one?", "P2"
)
def saving_of_the_bet():
    return 9 * 64 * 64 / (9 * 64 + 64 * 64)


@separable_saving.mistake(
    "one of the two has the wrong channels. How many come in to each, and how many go out?", "P2"
)
def saving_of_filters_on_outputs():
    return 9 * 128 * 256 / (9 * 256 + 128 * 256)


@value(
    minutes=3,
    level=2,
    unit="FLOP/B",
    tolerance=0.005,
    hints=[
        "How many outputs are there, and how many MACs does one take?",
        "Which three arrays cross, and how many bytes has each?",
    ],
)
def depthwise_intensity():
    """A depthwise 3×3 convolution takes 128 channels from 56×56 to 28×28 pixels, in fp32.

    Its windows move by two pixels. Every array crosses once; padding does not.
    What is its intensity? Count the taps on padding as MACs, as published figures do.
    """
    seen, made, channels, taps, itemsize = 56 * 56, 28 * 28, 128, 3 * 3, 4
    macs = made * channels * taps
    numbers = (seen + made) * channels + channels * taps
    return 2 * macs / (numbers * itemsize)


@depthwise_intensity.also(
    "right where taps on padding are left out; with them, as published, it is a little more."
)
def depthwise_on_pixels():
    return 2 * 83 * 83 * 128 / (((56 * 56 + 28 * 28) * 128 + 128 * 9) * 4)


@depthwise_intensity.also(
    "right where the first product of a sum is added to nothing: 17 FLOP an output, not 18."
)
def depthwise_first_add():
    return 28 * 28 * 128 * 17 / (((56 * 56 + 28 * 28) * 128 + 128 * 9) * 4)


@depthwise_intensity.mistake("that is MAC/B. How many FLOP is one MAC?", "U1")
def depthwise_macs():
    return 28 * 28 * 128 * 9 / (((56 * 56 + 28 * 28) * 128 + 128 * 9) * 4)


@depthwise_intensity.mistake(
    "four times too much. How many bytes has a number of fp32, and how many outputs are there?",
    "U2",
)
def depthwise_per_number():
    return 2 * 28 * 28 * 128 * 9 / ((56 * 56 + 28 * 28) * 128 + 128 * 9)


@depthwise_intensity.mistake("twice too much. How many bytes has a number of fp32?", "U3")
def depthwise_fp16():
    return 2 * 28 * 28 * 128 * 9 / (((56 * 56 + 28 * 28) * 128 + 128 * 9) * 2)


@depthwise_intensity.mistake("one map is missing. Who writes the outputs?", "R1")
def depthwise_without_output():
    return 2 * 28 * 28 * 128 * 9 / ((56 * 56 * 128 + 128 * 9) * 4)


@depthwise_intensity.mistake("one map is missing. Who reads the pixels?", "R1")
def depthwise_without_input():
    return 2 * 28 * 28 * 128 * 9 / ((28 * 28 * 128 + 128 * 9) * 4)


@depthwise_intensity.mistake(
    "both maps are of one size there. How many pixels come in, and how many are made?", "S1"
)
def depthwise_stride_one():
    return 2 * 56 * 56 * 128 * 9 / ((2 * 56 * 56 * 128 + 128 * 9) * 4)


@depthwise_intensity.mistake(
    "those are the weights of a full convolution. How many filters has a depthwise one?", "P2"
)
def depthwise_many_filters():
    return 2 * 28 * 28 * 128 * 9 / (((56 * 56 + 28 * 28) * 128 + 128 * 128 * 9) * 4)


@depthwise_intensity.mistake(
    "that is a full convolution. How many input channels does one output see here?", "G1"
)
def depthwise_full():
    return 2 * 28 * 28 * 128 * 9 * 128 / (((56 * 56 + 28 * 28) * 128 + 128 * 128 * 9) * 4)


@exercise(
    minutes=3,
    level=2,
    hints=[
        "How many weights has one expert?",
        "Which experts must be *stored*? Which *run* for one token?",
        "The next token may choose others. Where do these come from?",
    ],
)
def expert_layer(width, hidden, experts, top):
    """Count a mixture of experts: `experts` networks instead of one.

    Each is a matrix from `width` to `hidden`, a ReLU, and a matrix back, without biases. A token is
    sent through the `top` of them that a small router scores highest. Leave out the router.
    Return two whole numbers: the weights that are stored, and the MACs of one token.
    """
    # BEGIN SOLUTION
    one = 2 * width * hidden
    return experts * one, top * one
    # END SOLUTION


@expert_layer.cases
def _draw(random):
    others = [
        (random.randint(5, 9), random.randint(11, 19), random.randint(20, 40), top)
        for top in (1, 3, 4)
    ]
    return [(1, 1, 3, 2), *others]


@expert_layer.mistake("all experts run. What does the router choose?", "E1")
def all_experts_run(width, hidden, experts, top):
    return 2 * width * hidden * experts, 2 * width * hidden * experts


@expert_layer.mistake("only the chosen ones are stored. Which will the next token choose?", "E1")
def chosen_experts_stored(width, hidden, experts, top):
    return 2 * width * hidden * top, 2 * width * hidden * top


@expert_layer.mistake("each token takes one expert. How many has the router chosen for it?", "E1")
def one_expert_runs(width, hidden, experts, top):
    return 2 * width * hidden * experts, 2 * width * hidden


@expert_layer.mistake("more experts take no more weights. Do experts share their matrices?", "E1")
def nothing_stored_more(width, hidden, experts, top):
    return 2 * width * hidden, 2 * width * hidden * top


@expert_layer.mistake("those are the two, the other way round. Which was asked first?", "E1")
def experts_swapped(width, hidden, experts, top):
    return 2 * width * hidden * top, 2 * width * hidden * experts


@expert_layer.mistake("an expert has a way there and a way back. How many matrices are that?", "P2")
def experts_one_matrix(width, hidden, experts, top):
    return width * hidden * experts, width * hidden * top


@expert_layer.mistake("the second is in FLOP. How many MACs is a weight that is used once?", "U1")
def experts_in_flop(width, hidden, experts, top):
    return 2 * width * hidden * experts, 4 * width * hidden * top


@expert_layer.mistake("that splits one network among the experts. How large is each of them?", "E1")
def experts_split(width, hidden, experts, top):
    return 2 * width * hidden, 2 * width * hidden * top / experts


@expert_layer.mistake("the router is in. Is it to be counted?", "P2")
def experts_with_router(width, hidden, experts, top):
    return (
        2 * width * hidden * experts + width * experts,
        2 * width * hidden * top + width * experts,
    )


@expert_layer.mistake("those are ratios. How many weights has one expert?", "P2")
def experts_as_ratios(width, hidden, experts, top):
    return experts, top


@expert_layer.mistake("that has three matrices for each. How many are there here?", "P2")
def experts_gated(width, hidden, experts, top):
    return 3 * width * hidden * experts, 3 * width * hidden * top


@expert_layer.mistake("biases are in. Are there any here, and do they multiply?", "P1")
def experts_with_biases(width, hidden, experts, top):
    return (2 * width * hidden + width + hidden) * experts, 2 * width * hidden * top


@expert_layer.mistake("both matrices are square here. What are their two sides?", "P2")
def experts_square(width, hidden, experts, top):
    return 2 * width * width * experts, 2 * width * width * top


@value(
    minutes=3,
    level=2,
    unit="experts",
    tolerance=0.005,
    hints=[
        "Take one expert: how likely is it that one token passes it by?",
        "How likely is it that all 12 tokens pass it by?",
        "How many of 8 experts, each as likely as that, are chosen by somebody?",
    ],
)
def experts_touched():
    """Twelve tokens choose one of eight experts each, by lot, all equally likely.

    How many different experts do they choose on average?
    """
    experts, tokens = 8, 12
    passed_by = (1 - 1 / experts) ** tokens
    return experts * (1 - passed_by)


@experts_touched.mistake(
    "that would be all of them. Roll twelve dice of eight sides: must every number come up?", "E1"
)
def experts_all():
    return 8


@experts_touched.mistake("that would be one for each token. How many experts are there?", "E1")
def one_expert_each():
    return 12


@experts_touched.mistake("that is one token. How many choose?", "B1")
def one_expert_all():
    return 1


@experts_touched.mistake(
    "those are chosen by exactly one token. What of those chosen by two?", "E1"
)
def experts_chosen_once():
    return 12 * (7 / 8) ** 11


@experts_touched.mistake("so many are chosen by nobody. How many are left?", "E1")
def experts_passed_by():
    return 8 * (7 / 8) ** 12


@experts_touched.mistake("that is the share of the experts. How many are there?", "U2")
def experts_share():
    return 1 - (7 / 8) ** 12


@experts_touched.mistake(
    "that leaves out the experts that one token passes by. How many tokens are there?", "B1"
)
def experts_first_token():
    return 7


@experts_touched.mistake(
    "so many tokens come to an expert on average. Which experts get none?", "E1"
)
def tokens_for_each():
    return 12 / 8


@value(
    minutes=2,
    level=2,
    unit="times",
    hints=[
        "What is the shape of each layer's weight?",
        "In how many places is each weight used, in the one and in the other?",
    ],
)
def patch_weights():
    """A vision transformer cuts 224×224 pixels in three colours into 14 · 14 = 196 patches.

    A dense layer turns each patch into 768 numbers. A 3×3 convolution, padded, from 128 to 128
    channels on 28×28 pixels takes exactly as many MACs, 115,605,504. How many times as many bytes
    have the weights of the patches' layer, without biases?
    """
    side = 224 // 14
    patches = side * side * 3 * 768
    filters = 3 * 3 * 128 * 128
    return patches / filters


@patch_weights.mistake("the MACs are the same. How often is one weight used, here and there?", "P2")
def same_weights():
    return 1


@patch_weights.mistake("that is the convolution's over the patches'. Which was asked?", "Q1")
def patch_weights_inverted():
    return 1 / 4


@patch_weights.mistake(
    "that is how many pixels a patch has. How many weights has each layer?", "P2"
)
def patch_pixels():
    return 256


@patch_weights.mistake("that is the side of a patch. How many weights has each layer?", "P2")
def patch_side():
    return 16


@patch_weights.mistake("that takes 14 for the side of a patch. What is it the number of?", "P2")
def patch_of_14():
    return 14 * 14 * 3 * 768 / (9 * 128 * 128)


@patch_weights.mistake("a patch has three colours. How many numbers are under it?", "P2")
def patch_without_colours():
    return 16 * 16 * 768 / (9 * 128 * 128)


@patch_weights.mistake("so many patches there are. How many weights are used in each?", "P2")
def patch_places():
    return 196


@patch_weights.mistake(
    "the convolution has more than one output channel. How many weights has it?", "P2"
)
def patch_one_filter():
    return 16 * 16 * 3 * 768 / (9 * 128)


@patch_weights.mistake("that compares the outputs' width. How many inputs has each layer?", "P2")
def patch_outputs():
    return 768 / 128


@patch_weights.mistake(
    "those are the numbers of one window over those of the other. How many outputs has each?", "P2"
)
def patch_depthwise():
    return 16 * 16 * 3 / (9 * 128)


@value(
    minutes=3,
    level=2,
    unit="bytes",
    hints=[
        "Which arrays does each of the two steps read, and which does it write?",
        "One pass does both: which of these arrows are gone? Who else needs s?",
    ],
)
def fused_bytes():
    """Between two layers stand `s = x + z`, then `y = norm(s)`, 512 tokens of width 768 in fp32.

    The next product reads y, the next skip reads s. Each of the two steps reads its arrays from
    memory and writes its result there, once (a norm is one step here). How many bytes are saved
    when one pass does both (fused)? The norm's scale and shift do not count.
    """
    tokens, width, itemsize = 512, 768, 4
    return tokens * width * itemsize  # s is not read again


@fused_bytes.mistake("that saves the writing of s as well. Who reads s later?", "R1")
def fused_both_legs():
    return 2 * 512 * 768 * 4


@fused_bytes.mistake("so many numbers are saved. How many bytes has each?", "U2")
def fused_elements():
    return 512 * 768


@fused_bytes.mistake(
    "so many numbers cross for s, there and back. Which way is saved, and in how many bytes?", "U2"
)
def fused_elements_both_legs():
    return 2 * 512 * 768


@fused_bytes.mistake(
    "so many bytes move when nothing is fused. How many still do when one pass does both?", "R1"
)
def fused_total():
    return 5 * 512 * 768 * 4


@fused_bytes.mistake("so many bytes still move. How many moved before?", "R1")
def fused_left():
    return 4 * 512 * 768 * 4


@fused_bytes.mistake(
    "that leaves two arrows. Which arrays does the one pass read, and which does it write?", "R1"
)
def fused_three():
    return 3 * 512 * 768 * 4


@fused_bytes.mistake("that is one token. How many rows are there?", "B1")
def fused_row():
    return 768 * 4


@fused_bytes.mistake("nothing: both results must be written. And what does the norm read?", "R1")
def fused_nothing():
    return 0


@exercise(
    minutes=5,
    level=3,
    hints=[
        "Several steps have the same primitive. What becomes of the first one's numbers?",
        "What is `step.meters()`, and which of its numbers is asked?",
        "What does a dict give for a key that it does not have yet? See `dict.get`.",
    ],
)
def census(block):
    """Add up the MACs and the bytes moved of each primitive.

    `for step in block` gives its steps: `step.primitive` is the kind, such as `"matmul"` or
    `"elementwise"`, `step.macs` its MACs, and `step.meters()` has the bytes `moved` in fp32.
    Return a dict: {primitive: (MACs, bytes moved)}, for the primitives that occur.
    """
    # BEGIN SOLUTION
    found = {}
    for step in block:
        macs, moved = found.get(step.primitive, (0, 0))
        found[step.primitive] = macs + step.macs, moved + step.meters().moved
    return found
    # END SOLUTION


@census.cases
def _draw(random):
    one_token = blocks()["MoE"].at(tokens=1)
    return [(blocks()["MobileNet"],), (one_token,), (blocks()["Mamba"],)]


@census.mistake(
    "only the last step of each primitive is left. What does `=` do to an entry that is there?",
    "W1",
)
def census_of_the_last(block):
    found = {}
    for step in block:
        found[step.primitive] = step.macs, step.meters().moved
    return found


@census.mistake(
    "the first number is in FLOP. Which of `step.macs` and `step.meters().flops` is asked?", "U1"
)
def census_in_flop(block):
    found = {}
    for step in block:
        macs, moved = found.get(step.primitive, (0, 0))
        found[step.primitive] = macs + step.meters().flops, moved + step.meters().moved
    return found


@census.mistake("the first number is twice too much. How many MACs are two FLOP?", "U1")
def census_twice_macs(block):
    found = {}
    for step in block:
        macs, moved = found.get(step.primitive, (0, 0))
        found[step.primitive] = macs + 2 * step.macs, moved + step.meters().moved
    return found


@census.mistake(
    "steps that are no product have MACs here. What does `step.macs` say of a norm?", "U1"
)
def census_of_nests(block):
    found = {}
    for step in block:
        macs, moved = found.get(step.primitive, (0, 0))
        found[step.primitive] = macs + step.nest.macs, moved + step.meters().moved
    return found


@census.mistake("the second number is what must exist. Which meter says what moves?", "R1")
def census_of_memory(block):
    found = {}
    for step in block:
        macs, moved = found.get(step.primitive, (0, 0))
        found[step.primitive] = macs + step.macs, moved + step.meters().memory
    return found


@census.mistake("the second counts numbers. How many bytes has each in fp32?", "U2")
def census_in_numbers(block):
    found = {}
    for step in block:
        macs, moved = found.get(step.primitive, (0, 0))
        found[step.primitive] = macs + step.macs, moved + step.meters(1).moved
    return found


@census.mistake("the second is in fp16. What is the default of `meters()`?", "U3")
def census_in_fp16(block):
    found = {}
    for step in block:
        macs, moved = found.get(step.primitive, (0, 0))
        found[step.primitive] = macs + step.macs, moved + step.meters(2).moved
    return found


@census.mistake("the first counts steps. What does each of them compute?", "P2")
def census_of_layers(block):
    found = {}
    for step in block:
        macs, moved = found.get(step.primitive, (0, 0))
        found[step.primitive] = macs + 1, moved + step.meters().moved
    return found


@census.mistake("the two are there, the other way round. Which was asked first?", "P2")
def census_swapped(block):
    found = {}
    for step in block:
        macs, moved = found.get(step.primitive, (0, 0))
        found[step.primitive] = macs + step.meters().moved, moved + step.macs
    return found


@census.mistake("only what multiplies is counted. What do a norm and a sum move?", "P2")
def census_of_products(block):
    found = {}
    for step in block:
        macs, moved = found.get(step.primitive, (0, 0))
        found[step.primitive] = macs + step.macs, moved + step.meters().moved
    return {kind: pair for kind, pair in found.items() if pair[0]}


@census.mistake(
    "the first is right, and the second missing. How are two numbers kept in one entry?", "P2"
)
def census_of_macs(block):
    found = {}
    for step in block:
        macs, moved = found.get(step.primitive, (0, 0))
        found[step.primitive] = macs + step.macs, 0
    return found


@census.mistake("only the first step is there. When does `return` leave the loop?", "T1")
def census_of_the_first(block):
    for step in block:
        return {step.primitive: (step.macs, step.meters().moved)}
    return None


@census.mistake(
    "the second is right, and the first missing. How are two numbers kept in one entry?", "P2"
)
def census_of_bytes(block):
    found = {}
    for step in block:
        macs, moved = found.get(step.primitive, (0, 0))
        found[step.primitive] = 0, moved + step.meters().moved
    return found


@order(
    minutes=4,
    level=2,
    hints=[
        "What must be known of every row before any expert runs?",
        "Which rows does one expert see, and where do its results belong?",
    ],
    extra=["H = np.maximum(X @ up[e], 0)", "Y[e] = H @ down[e]"],
)
def route():
    """Put the lines in order, so that every row of X goes through one expert.

    It is the one that the router R scores highest, and the result lands in the same row of Y.
    Expert e is `up[e]`, a ReLU and `down[e]`. There are E of them; `Y` is there, and all zero.
    Score all rows once, and choose once; an expert multiplies no row that did not choose it.
    """
    return """
        scores = X @ R
        chosen = scores.argmax(axis=1)
        for e in range(E):
            rows = np.flatnonzero(chosen == e)
            H = np.maximum(X[rows] @ up[e], 0)
            Y[rows] = H @ down[e]
    """


@route.mistake("every row goes through every expert. Which rows chose this one?", "E1")
def route_all_rows():
    return """
        scores = X @ R
        chosen = scores.argmax(axis=1)
        for e in range(E):
            rows = np.flatnonzero(chosen == e)
            H = np.maximum(X @ up[e], 0)
            Y[rows] = H @ down[e]
    """


@route.mistake("the results of expert e land in row e. Which rows did it see?", "E1")
def route_to_row_e():
    return """
        scores = X @ R
        chosen = scores.argmax(axis=1)
        for e in range(E):
            rows = np.flatnonzero(chosen == e)
            H = np.maximum(X[rows] @ up[e], 0)
            Y[e] = H @ down[e]
    """


@route.mistake("the rows are scored once for each expert. Which lines do not change with e?", "W1")
def route_scores_again():
    return """
        for e in range(E):
            scores = X @ R
            chosen = scores.argmax(axis=1)
            rows = np.flatnonzero(chosen == e)
            H = np.maximum(X[rows] @ up[e], 0)
            Y[rows] = H @ down[e]
    """


@route.mistake("the choice is made once for each expert. Which lines do not change with e?", "W1")
def route_chosen_again():
    return """
        scores = X @ R
        for e in range(E):
            chosen = scores.argmax(axis=1)
            rows = np.flatnonzero(chosen == e)
            H = np.maximum(X[rows] @ up[e], 0)
            Y[rows] = H @ down[e]
    """


@route.mistake("only the last expert's results are kept. What does Y stand inside?", "E1")
def route_last_expert():
    return """
        scores = X @ R
        chosen = scores.argmax(axis=1)
        for e in range(E):
            rows = np.flatnonzero(chosen == e)
            H = np.maximum(X[rows] @ up[e], 0)
        Y[rows] = H @ down[e]
    """


@choice(
    minutes=3,
    level=2,
    concept=True,
    hints=[
        "Which experts does one token choose? Which do 256 tokens choose, all together?",
        "Which of the three numbers depend on how many tokens come at once?",
    ],
    options=[
        "32 times, 32 times, 32 times",
        "32 times, 4 times, 4 times",
        "32 times, 4 times, 32 times",
        "4 times, 4 times, 4 times",
    ],
)
def expert_reads():
    """A feed-forward network becomes 32 experts of its size, and each token takes four.

    256 tokens come at once, and choose evenly.
    Compared with the one network: the weights stored, the MACs, and the weights read from memory,
    each once?
    """
    return "c"


@expert_reads.mistake(
    "does a token run the experts that it did not choose? Count the MACs of one.", "E1"
)
def reads_run_all():
    return "a"


@expert_reads.mistake(
    "four experts are what one token reads. Do 256 tokens all choose the same four?", "B1"
)
def reads_of_one_token():
    return "b"


@expert_reads.mistake(
    "which experts will the next tokens choose? Where are these until then?", "E1"
)
def reads_store_chosen():
    return "d"
