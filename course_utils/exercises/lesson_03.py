"""Exercises and predictions of lesson 03: what a recurrent layer keeps, and what waits for what."""

from .cards import choice, order
from .kinds import exercise, prediction, value


@prediction(unit="%")
def state_share():
    """A recurrent layer 100→128 runs on one sequence: weights and bias in memory, and a state.

    How many % of these bytes are the state?
    """


@prediction(unit="misses")
def misses_64():
    """Ten steps of a recurrent layer 100→128 miss 18,434 times in a cache of 32 KiB, 8-way, LRU.

    The cache gets twice as large, 64 KiB. How many misses are left?
    """


@prediction(unit="ticks")
def loom_ticks():
    """One layer runs 100 steps on 64 processors, and one cell takes one tick.

    After how many ticks is it finished?
    """


@prediction(unit="×")
def hoist_time():
    """`x W` of all steps leaves the loop, as one product before it.

    How many times as fast is the layer on your computer, with 512 inputs, 512 units and 256 steps?
    """


@prediction(unit="×")
def serial_time():
    """512 steps of 128 units compute `h U`, and each waits for the one before.

    How many times as long do they take on your computer as one product of the same size, 512 rows
    times 128×128, in which nothing waits?
    """


@prediction(unit="×")
def batch_sequences():
    """512 steps of 128 units, with 32 sequences at once instead of one: 32 times the work.

    How many times as long does it take on your computer?
    """


@value(
    minutes=1,
    recalls="02",
    unit="weights",
    hints=[
        "How many weights has one filter?",
        "Which axes has the array of all filters, and how long is each of them?",
    ],
)
def recall_conv_weights():
    """How many weights have 32 filters of 3×3 over one channel, without biases?"""
    filters, side, channels = 32, 3, 1
    return filters * side * side * channels


@recall_conv_weights.mistake("that is one filter. How many of them are there?", "P2")
def conv_one_filter():
    return 3 * 3


@recall_conv_weights.mistake(
    "that is one weight for each filter. How many places does a window of 3×3 cover?", "P2"
)
def conv_filters():
    return 32


@recall_conv_weights.mistake(
    "that has windows of 3 weights. Write the filter's shape as a tuple: is every axis in your "
    "product?",
    "P2",
)
def conv_one_side():
    return 32 * 3


@recall_conv_weights.mistake(
    "that adds filters to the places of a window. How many weights does each filter have of its "
    "own?",
    "P2",
)
def conv_added():
    return 32 + 3 * 3


@recall_conv_weights.mistake(
    "that takes the filters for channels as well. How many channels does the input have?", "P2"
)
def conv_filters_as_channels():
    return 32 * 32 * 3 * 3


@recall_conv_weights.mistake(
    "that is right for an input of three channels. How many does this one have?", "P2"
)
def conv_three_channels():
    return 32 * 3 * 3 * 3


@recall_conv_weights.mistake("those are weights and biases. Which of the two is asked?", "P1")
def conv_with_bias():
    return 32 * 3 * 3 + 32


@recall_conv_weights.mistake(
    "that is how many bytes they take in fp32. Compare `W.size` with `W.nbytes`: which is asked?",
    "U2",
)
def conv_bytes():
    return 4 * 32 * 3 * 3


@recall_conv_weights.mistake(
    "those are the MACs over a picture of 28×28. Does a window bring weights of its own at each "
    "place?",
    "W1",
)
def conv_macs():
    return 28 * 28 * 32 * 3 * 3


@recall_conv_weights.mistake("those are the numbers of the maps. How many numbers make them?", "W1")
def conv_maps():
    return 32 * 28 * 28


@choice(
    minutes=1,
    recalls="01",
    hints=["Write the MACs and the bytes of W for a batch of 1 and of 32. Which grew?"],
    options=[
        "it falls to about a 32nd: the bytes grow, the MACs stay",
        "it grows about 32-fold: each weight is used 32 times",
        "it hardly changes: MACs and bytes both grow 32-fold",
        "it grows about 1,024-fold: 32 inputs meet 32 outputs",
    ],
)
def recall_batch():
    """What does a batch of 32, instead of 1, do to the intensity of a dense layer?

    Nearly all of its traffic is weights, in either case.
    """
    return "b"


@recall_batch.mistake(
    "draw the boundary to memory. How many times does W cross it for 32 digits?", "W1"
)
def batch_fetches_weights_anew():
    return "c"


@recall_batch.mistake(
    "put a batch of 1, then of 2 into the count of MACs, and into the bytes of W. Which grew?", "B1"
)
def batch_grows_bytes():
    return "a"


@recall_batch.mistake(
    "count the MACs of a batch of 2. Does one digit's output need the other one's input?",
    "B1",
)
def batch_squared():
    return "d"


@value(
    minutes=1,
    recalls="00",
    unit="GFLOP/s",
    hints=["Which two lines make the roofline, and which of them is lower at 2 FLOP/B?"],
)
def recall_attainable():
    """A machine computes 100 GFLOP/s at its peak and moves 20 GB/s.

    What rate can a loop of intensity 2 FLOP/B attain on it, at best?
    """
    peak, bandwidth, intensity = 100, 20, 2
    return min(peak, bandwidth * intensity)


@recall_attainable.mistake(
    "that is the flat roof. Mark the intensity on the plot: which line is lower there?", "G1"
)
def attainable_is_peak():
    return 100


@recall_attainable.mistake(
    "what unit has GB/s divided by FLOP/B? Which combination of the two gives GFLOP/s?", "G1"
)
def attainable_bandwidth_divided():
    return 20 / 2


@recall_attainable.mistake(
    "that is above the peak. Which rate, when multiplied by FLOP/B, gives FLOP/s?", "G1"
)
def attainable_peak_times_intensity():
    return 100 * 2


@recall_attainable.mistake(
    "what unit has GFLOP/s divided by FLOP/B? Does the intensity slow the machine's peak?", "G1"
)
def attainable_peak_divided():
    return 100 / 2


@recall_attainable.mistake(
    "that is the ridge, the intensity (in FLOP/B) where the two lines meet. How high is the roof "
    "at the intensity that is asked?",
    "G1",
)
def attainable_is_ridge():
    return 100 / 20


@recall_attainable.mistake(
    "that many bytes come in each second. How many FLOP are done on each of them?", "G1"
)
def attainable_is_bandwidth():
    return 20


@recall_attainable.mistake(
    "that counts each FLOP twice. Is the intensity here in FLOP or in MACs for each byte?", "U1"
)
def attainable_intensity_as_macs():
    return 2 * 20 * 2


@recall_attainable.mistake("that is the share of the peak. Which rate is it?", "G1")
def attainable_share():
    return 2 * 20 / 100


@recall_attainable.mistake(
    "that is bandwidth over peak. Which rate does a byte allow at intensity 2?", "G1"
)
def attainable_inverted_ridge():
    return 20 / 100


@value(
    minutes=1,
    level=1,
    unit="parameters",
    hints=[
        "A step computes x W + h U + bias. What is the shape of W, and of U?",
        "How many numbers come out of x W, and how many go into h U?",
        "Does the second step bring weights of its own?",
    ],
)
def rnn_params():
    """How many parameters has a plain recurrent layer 100→128, with one bias for each unit?"""
    inputs, units = 100, 128
    return inputs * units + units * units + units


@rnn_params.mistake("those are W and U. What else does a unit add up, and is it a parameter?", "P1")
def params_without_bias():
    return 100 * 128 + 128 * 128


@rnn_params.mistake(
    "that has weights of its own for each of 100 steps. Which W does the second step use?", "W1"
)
def params_each_step():
    return 100 * (100 * 128 + 128 * 128 + 128)


@rnn_params.mistake(
    "that has W and U anew for each of 100 steps, and no bias. Which W does the second step use, "
    "and what does each unit start from?",
    "W1",
)
def params_each_step_without_bias():
    return 100 * (100 * 128 + 128 * 128)


@rnn_params.mistake(
    "that is a dense layer 100→128. What does a recurrent one multiply besides x?", "T1"
)
def params_without_state():
    return 100 * 128 + 128


@rnn_params.mistake(
    "that is W alone. What does a step multiply besides x, and what does each unit start from?",
    "T1",
)
def params_input_weights():
    return 100 * 128


@rnn_params.mistake("the state and the bias are in. What is x multiplied with?", "T1")
def params_without_input():
    return 128 * 128 + 128


@rnn_params.mistake(
    "that is U alone. What is x multiplied with, and what does each unit start from?", "T1"
)
def params_state_weights():
    return 128 * 128


@rnn_params.mistake(
    "that has 128 numbers more: a second bias, or the state. Does the layer learn its state, and "
    "how many biases are asked for?",
    "P1",
)
def params_two_biases():
    return 100 * 128 + 128 * 128 + 2 * 128


@rnn_params.mistake(
    "that has a bias for every input. What is the bias added to: x or the sums of the units?", "P1"
)
def params_bias_per_input():
    return 100 * 128 + 128 * 128 + 100


@rnn_params.mistake(
    "that has a bias for every input and every unit. What is the bias added to?", "P1"
)
def params_bias_at_both_ends():
    return 100 * 128 + 128 * 128 + 100 + 128


@rnn_params.mistake(
    "that has one bias for the whole layer. Do all units start from the same number?", "P1"
)
def params_one_bias():
    return 100 * 128 + 128 * 128 + 1


@rnn_params.mistake(
    "that makes U as large as W. How many numbers has the state that U is multiplied with?", "P2"
)
def params_state_as_input():
    return 2 * 100 * 128 + 128


@rnn_params.mistake(
    "that has a U of one weight for each unit. Does a unit see its own state alone, or that of all "
    "units?",
    "P2",
)
def params_own_state():
    return 100 * 128 + 128 + 128


@rnn_params.mistake(
    "that counts neurons, not connections. Write the shapes of W and of U as tuples: how many "
    "numbers are in them?",
    "P2",
)
def params_neurons():
    return 100 + 128


@rnn_params.mistake(
    "that is four times too many: bytes in fp32, or the gates of an LSTM. How many numbers are "
    "they, in a plain layer?",
    "U2",
)
def params_bytes():
    return 4 * (100 * 128 + 128 * 128 + 128)


@rnn_params.mistake(
    "that is U as a square of inputs. How many numbers has the state that meets U?", "T1"
)
def params_square_of_inputs():
    return 100 * 128 + 100 * 100 + 128


@rnn_params.mistake("that makes 228 numbers out of 228. How many units come out of a step?", "P2")
def params_square_of_both():
    return 228 * 228


@rnn_params.mistake(
    "that is a layer for each direction, or two biased copies. How many layers are asked?", "P2"
)
def params_twice():
    return 2 * (100 * 128 + 128 * 128 + 128)


@rnn_params.mistake("inputs, units and biases, but no connection. Which shapes have W and U?", "P2")
def params_neurons_and_biases():
    return 100 + 128 + 128


@value(
    minutes=2,
    level=1,
    unit="MAC",
    hints=[
        "Which two products does one step make, and how many MACs is each?",
        "Which of them is made again in the next step?",
        "Does adding the bias multiply anything?",
    ],
)
def rnn_macs():
    """How many MACs does a recurrent layer 100→128, with bias, take for 100 steps of one sequence?

    Each step, the first one too, multiplies its x with `W` and the state before it with `U`.
    """
    steps, into, back = 100, 100 * 128, 128 * 128
    return steps * (into + back)


@rnn_macs.mistake(
    "that is one step. Are the weights multiplied once in a sequence, or once in a step?", "T1"
)
def macs_one_step():
    return 100 * 128 + 128 * 128


@rnn_macs.mistake(
    "one MAC is a multiply *and* an add. Which of the two, MAC or FLOP, did the question ask for?",
    "U1",
)
def macs_as_flop():
    return 2 * 100 * (100 * 128 + 128 * 128)


@rnn_macs.mistake(
    "those are FLOP of a single step. Is the question about FLOP or MACs, and of how many steps?",
    "U1",
)
def macs_as_flop_of_one_step():
    return 2 * (100 * 128 + 128 * 128)


@rnn_macs.mistake(
    "those are FLOP, with one add fewer for each unit. Is the question about FLOP or MACs?", "U1"
)
def macs_as_flop_without_first_add():
    return 100 * (2 * (100 * 128 + 128 * 128) - 128)


@rnn_macs.mistake(
    "those are FLOP, the additions of the bias among them. Is the question about FLOP or MACs?",
    "U1",
)
def macs_as_flop_with_bias():
    return 100 * (2 * (100 * 128 + 128 * 128) + 128)


@rnn_macs.mistake("x W is counted. What does a step multiply besides x?", "T1")
def macs_without_state():
    return 100 * 100 * 128


@rnn_macs.mistake("h U is counted. What does a step multiply besides the state?", "T1")
def macs_without_input():
    return 100 * 128 * 128


@rnn_macs.mistake(
    "that counts the bias, or tanh, as one more product for each unit. Does it multiply with a "
    "weight?",
    "P1",
)
def macs_with_bias():
    return 100 * (100 * 128 + 128 * 128 + 128)


@rnn_macs.mistake(
    "that is how many parameters there are. How often is each weight used in 100 steps, and is the "
    "bias multiplied?",
    "P1",
)
def macs_parameters():
    return 100 * 128 + 128 * 128 + 128


@rnn_macs.mistake(
    "that makes x W for a single step. Hoisted or not, how many rows has x in 100 steps?", "T1"
)
def macs_input_once():
    return 100 * 128 + 100 * 128 * 128


@rnn_macs.mistake(
    "that makes h U for a single step. In how many steps is there a state to multiply?", "T1"
)
def macs_state_once():
    return 100 * 100 * 128 + 128 * 128


@rnn_macs.mistake(
    "that skips h U in the first step. What does the task say of the state before it?", "O1"
)
def macs_no_state_at_first():
    return 100 * 100 * 128 + 99 * 128 * 128


@rnn_macs.mistake(
    "that is enough for a batch of 32. How many sequences does the question have?", "B1"
)
def macs_of_a_batch():
    return 32 * 100 * (100 * 128 + 128 * 128)


@rnn_macs.mistake(
    "that adds up the numbers that come in. With how many weights is each of them multiplied?", "P2"
)
def macs_neurons():
    return 100 * (100 + 128)


@rnn_macs.mistake("that is 99 steps. Does the first one multiply as well?", "O1")
def rnn_macs_of_99_steps():
    return 99 * (100 * 128 + 128 * 128)


@rnn_macs.mistake("that halves the MACs. Is a MAC made of FLOP, or a FLOP of MACs?", "U1")
def rnn_macs_halved():
    return 100 * (100 * 128 + 128 * 128) // 2


@rnn_macs.mistake("that is how many bytes of weights the steps ask for. What is asked?", "U2")
def rnn_macs_as_bytes():
    return 4 * 100 * (100 * 128 + 128 * 128)


@value(
    minutes=2,
    level=2,
    unit="ticks",
    hints=[
        "Draw two layers and three steps. Which cells can run in tick 1, and which in tick 2?",
        "Which cell is the last one, and how many cells stand on the longest way to it?",
        "Do the smallest cases by hand: how many ticks for one layer, and how many for one step?",
    ],
)
def wavefront_steps():
    """In how many ticks are 4 stacked layers of 100 steps done, with all processors that help?

    A cell is one step of one layer and takes one tick. It waits for the cell before it in its layer
    and for the cell of the same step in the layer below. All layers run forwards.
    """
    layers, steps = 4, 100
    return layers + steps - 1


@wavefront_steps.mistake(
    "that runs one cell at a time. Once the first cell is done, which two cells may run in the "
    "same tick?",
    "T1",
)
def ticks_one_by_one():
    return 4 * 100


@wavefront_steps.mistake(
    "that is the time of one layer. When can the top layer begin its first step?", "T1"
)
def ticks_layers_free():
    return 100


@wavefront_steps.mistake(
    "draw one layer of one step, then two of two. Is it layers and steps together?", "O1"
)
def ticks_one_too_many():
    return 4 + 100


@wavefront_steps.mistake(
    "that counts the waits between cells, or forgets one layer. How many cells stand on a way of "
    "one wait?",
    "O1",
)
def ticks_one_too_few():
    return 4 + 100 - 2


@wavefront_steps.mistake(
    "that lets each layer start two ticks after the one below. For which cell does its first step "
    "wait?",
    "O1",
)
def ticks_two_apart():
    return 100 + 2 * (4 - 1)


@wavefront_steps.mistake(
    "that shares the steps among the layers. Does each layer run all of them, or a part?", "T1"
)
def ticks_shared():
    return 100 / 4


@wavefront_steps.mistake(
    "that runs all steps of a layer at once. What does the second step read from the first?", "T1"
)
def ticks_of_layers():
    return 4


@wavefront_steps.mistake(
    "that runs every cell at once. Which cells wait for none, and which do?", "T1"
)
def ticks_all_at_once():
    return 1


@wavefront_steps.mistake(
    "that halves the rounds as a tree does. Can two steps be joined before the state is known?",
    "D1",
)
def ticks_of_a_tree():
    return (100 - 1).bit_length()


@wavefront_steps.mistake(
    "that is a tree over all cells. Can two cells be joined before their states are known?", "D1"
)
def ticks_of_a_tree_of_cells():
    return (4 * 100 - 1).bit_length()


@wavefront_steps.mistake(
    "that takes a tree over the steps for each layer. Can two steps be joined before the state is "
    "known?",
    "D1",
)
def ticks_of_a_tree_in_each_layer():
    return 4 * (100 - 1).bit_length()


@wavefront_steps.mistake("that is for the 16 steps of the loom. How many are there here?", "T1")
def ticks_of_the_loom():
    return 4 + 16 - 1


@wavefront_steps.mistake(
    "that is one more than the steps of a layer. When may the second layer begin, and the fourth?",
    "O1",
)
def ticks_of_two_layers():
    return 100 + 1


@wavefront_steps.mistake(
    "that runs two layers after each other. What can the second do while the first goes on?", "T1"
)
def ticks_two_layers_in_turn():
    return 2 * 100


@value(
    minutes=3,
    level=2,
    unit="×",
    tolerance=0.001,
    hints=[
        "Which of the two products of a step must wait for the step before?",
        "How many MACs stay in the loop when the other product takes no time?",
        "Does the number of steps change the answer? Put 1, then 2 into your formula.",
    ],
)
def hoist_bound():
    """How many times as fast, at most, is a layer 100→128 once `x W` is hoisted out of its loop?

    One sequence of 100 steps. Count the MACs alone, each taking the same time, and let those that
    leave the loop take no time at all.
    """
    into, back = 100 * 128, 128 * 128
    return (into + back) / back


@hoist_bound.mistake(
    "that lets h U take no time. Which of the two products waits for the step before?", "A1"
)
def bound_inverted():
    return (100 * 128 + 128 * 128) / (100 * 128)


@hoist_bound.mistake(
    "that runs all 100 steps at once. Which part stays serial when the rest takes zero time?", "A1"
)
def bound_all_steps():
    return 100


@hoist_bound.mistake(
    "that adds the share that leaves to 1. If half of the time left, would the rest be 1.5 times "
    "as fast?",
    "A1",
)
def bound_share_added():
    return 1 + 100 * 128 / (100 * 128 + 128 * 128)


@hoist_bound.mistake(
    "that is the share of the MACs that leave. If half of the time left, how many times as fast "
    "would it be?",
    "A1",
)
def bound_share_that_leaves():
    return 100 * 128 / (100 * 128 + 128 * 128)


@hoist_bound.mistake(
    "that is the share of the time that is left. How many times does it fit into the whole?", "A1"
)
def bound_share_that_stays():
    return 128 * 128 / (100 * 128 + 128 * 128)


@hoist_bound.mistake(
    "that compares U with W. What is the time with hoisting, and what is it without?", "A1"
)
def bound_state_to_input():
    return 128 * 128 / (100 * 128)


@hoist_bound.mistake(
    "that compares W with U. What is the time with hoisting, and what is it without?", "A1"
)
def bound_input_to_state():
    return 100 * 128 / (128 * 128)


@hoist_bound.mistake(
    "that is right for two products of the same size. How many MACs is each of these?", "A1"
)
def bound_two_equal_products():
    return 2


@hoist_bound.mistake(
    "hoisting leaves the number of MACs as it is. How many of them must still wait for each other?",
    "D1",
)
def bound_same_work():
    return 1


@hoist_bound.mistake(
    "that compares all steps with a single one. How many steps stay in the loop?", "A1"
)
def bound_of_one_step():
    return 100 * (100 * 128 + 128 * 128) / (128 * 128)


@hoist_bound.mistake(
    "that leaves the x W of one step in the time. How long does what leaves the loop take here?",
    "A1",
)
def bound_one_product_left():
    return 100 * (100 * 128 + 128 * 128) / (100 * 128 + 100 * 128 * 128)


@hoist_bound.mistake(
    "that is rounded too far. How many digits does an answer need that is right within 0.1 %?"
)
def bound_rounded():
    return 1.8


@hoist_bound.mistake(
    "that counts the bias as MACs in the loop. Does adding it multiply anything?", "P1"
)
def bound_with_bias():
    return (100 * 128 + 128 * 128 + 128) / (128 * 128 + 128)


@hoist_bound.mistake(
    "that counts the bias as MACs that leave the loop. Does adding it multiply anything?", "P1"
)
def bound_with_bias_hoisted():
    return (100 * 128 + 128 * 128 + 128) / (128 * 128)


@hoist_bound.mistake(
    "that is 16 steps of the loom, where both products take half a tick. How many MACs has each?",
    "A1",
)
def bound_of_the_loom():
    return 16 / 8.5


@hoist_bound.mistake(
    "that is a share in percent. How many times as fast is the layer, when that part stays?", "A1"
)
def bound_as_percent_that_stays():
    return 100 * 128 * 128 / (100 * 128 + 128 * 128)


@hoist_bound.mistake("that is the share that leaves, in percent. Which part stays serial?", "A1")
def bound_as_percent_that_leaves():
    return 100 * 100 * 128 / (100 * 128 + 128 * 128)


@value(
    minutes=2,
    level=2,
    unit="bytes",
    hints=[
        "Which two arrays of weights does a step read, and how many bytes are they?",
        "What of them is still in the cache when the next step begins?",
        "How many times, then, does each weight cross in 100 steps?",
    ],
)
def weight_traffic():
    """How many bytes of `W` and `U` does a layer 100→128 fetch in 100 steps, in fp32?

    One sequence, all from main memory. Each step reads every weight once, and the cache is too
    small: no weight is still there when the next step begins. Leave the bias out.
    """
    steps, into, back, itemsize = 100, 100 * 128, 128 * 128, 4
    return steps * itemsize * (into + back)


@weight_traffic.mistake(
    "that is one crossing of each weight, as if it stayed. Draw the boundary: how many times does "
    "W cross it if it does not fit?",
    "W1",
)
def traffic_weights_stay():
    return 4 * (100 * 128 + 128 * 128)


@weight_traffic.mistake(
    "that is how many numbers cross. Compare `W.size` with `W.nbytes`: which is asked?", "U2"
)
def traffic_elements():
    return 100 * (100 * 128 + 128 * 128)


@weight_traffic.mistake(
    "those are numbers of a single step. How many bytes is each, and how often does it cross?", "U2"
)
def traffic_elements_of_one_step():
    return 100 * 128 + 128 * 128


@weight_traffic.mistake(
    "that is twice too much: each weight comes in twice a step, or has 64 bits. Does a step write "
    "weights, and what is `W.itemsize` in fp32?",
    "W1",
)
def traffic_twice():
    return 2 * 100 * 4 * (100 * 128 + 128 * 128)


@weight_traffic.mistake("that fits numbers of two bytes. What is `W.itemsize` for fp32?", "U3")
def traffic_fp16():
    return 100 * 2 * (100 * 128 + 128 * 128)


@weight_traffic.mistake("those are bits. How many of them are in a byte?", "U3")
def traffic_bits():
    return 100 * 32 * (100 * 128 + 128 * 128)


@weight_traffic.mistake("W has crossed. Which weights does the state meet in each step?", "T1")
def traffic_without_state():
    return 100 * 4 * 100 * 128


@weight_traffic.mistake("U has crossed. Which weights does x meet in each step?", "T1")
def traffic_without_input():
    return 100 * 4 * 128 * 128


@weight_traffic.mistake(
    "that lets W cross once, as when it is hoisted. What does this loop read in each step?", "W1"
)
def traffic_input_weights_once():
    return 4 * (100 * 128 + 100 * 128 * 128)


@weight_traffic.mistake(
    "that lets U cross once. What of it is still in the cache when the next step begins?", "W1"
)
def traffic_state_weights_once():
    return 4 * (100 * 100 * 128 + 128 * 128)


@weight_traffic.mistake(
    "that brings the bias along in each step, or the state. Which arrays does the question name?",
    "P1",
)
def traffic_with_bias():
    return 100 * 4 * (100 * 128 + 128 * 128 + 128)


@weight_traffic.mistake(
    "that counts x and both states as well. Which arrays does the question name?", "R1"
)
def traffic_with_vectors():
    return 100 * 4 * (100 * 128 + 128 * 128 + 100 + 128 + 128)


@weight_traffic.mistake(
    "that is right for 99 steps. How do the weights get in for the first one?", "O1"
)
def traffic_first_step_free():
    return 99 * 4 * (100 * 128 + 128 * 128)


@weight_traffic.mistake(
    "that counts the weights before the steps as well. Which step reads them then?", "O1"
)
def traffic_one_more_step():
    return 101 * 4 * (100 * 128 + 128 * 128)


@weight_traffic.mistake(
    "that lets x in at each step as well. Which arrays does the question name?", "R1"
)
def traffic_with_inputs():
    return 100 * 4 * (100 * 128 + 128 * 128 + 100)


@weight_traffic.mistake(
    "that brings bias and state along. Which arrays does the question name?", "R1"
)
def traffic_with_bias_and_state():
    return 100 * 4 * (100 * 128 + 128 * 128 + 2 * 128)


@weight_traffic.mistake(
    "those are the misses of ten steps, as bytes. How many steps are there, and what else missed?",
    "T1",
)
def traffic_of_the_replay():
    return 64 * 18_380


@value(
    minutes=2,
    level=2,
    unit="bytes",
    hints=[
        "What is the shape of the array H of all states, and how many bytes is a number?",
        "Which state does the gradient of step 1 need, and when is it its turn?",
        "Does a second sequence of the batch share its states with the first?",
    ],
)
def bptt_bytes():
    """How many bytes of states does training keep for 32 sequences of 100 steps, in fp32?

    Backpropagation through time needs the state after each step of a layer 100→128. Count these
    states alone, without the one before the first step.
    """
    batch, steps, units, itemsize = 32, 100, 128, 4
    return batch * steps * units * itemsize


@bptt_bytes.mistake(
    "that is one sequence. Put a batch of 1, then of 2 into your formula: what grew?", "B1"
)
def kept_one_sequence():
    return 4 * 100 * 128


@bptt_bytes.mistake(
    "that is the last state of each sequence, enough for inference. Which states are still needed "
    "when the gradient comes back?",
    "T1",
)
def kept_last_state():
    return 4 * 32 * 128


@bptt_bytes.mistake(
    "that is a single state. How many of them exist at the same moment in training?", "T1"
)
def kept_one_state():
    return 4 * 128


@bptt_bytes.mistake(
    "that is how many numbers are kept. Compare `H.size` with `H.nbytes`: which is asked?", "U2"
)
def kept_elements():
    return 32 * 100 * 128


@bptt_bytes.mistake(
    "those are the numbers of one sequence. How many bytes is each, and how many sequences are "
    "there?",
    "U2",
)
def kept_elements_of_one_sequence():
    return 100 * 128


@bptt_bytes.mistake("that fits numbers of two bytes. What is `H.itemsize` for fp32?", "U3")
def kept_fp16():
    return 2 * 32 * 100 * 128


@bptt_bytes.mistake(
    "that is twice too much: numbers of 64 bits, or the sum before tanh beside the state. What is "
    "`H.itemsize` for fp32, and which arrays are asked for?",
    "U3",
)
def kept_twice():
    return 2 * 4 * 32 * 100 * 128


@bptt_bytes.mistake("those are bits. How many of them are in a byte?", "U3")
def kept_bits():
    return 32 * 32 * 100 * 128


@bptt_bytes.mistake(
    "that counts the state before the first step as well. What does the task say of it?", "O1"
)
def kept_with_start():
    return 4 * 32 * (100 + 1) * 128


@bptt_bytes.mistake(
    "that drops the last state. After how many steps is there a state to keep?", "O1"
)
def kept_without_last():
    return 4 * 32 * (100 - 1) * 128


@bptt_bytes.mistake(
    "those are the inputs. How many numbers has a state: as many as x, or as many as there are "
    "units?",
    "T1",
)
def kept_inputs():
    return 4 * 32 * 100 * 100


@bptt_bytes.mistake("that counts x as well as h. Which of the two is a state?", "T1")
def kept_inputs_and_states():
    return 4 * 32 * 100 * (100 + 128)


@bptt_bytes.mistake(
    "that is the size of U. Is a weight the memory of the last steps, or of what was learnt?", "T1"
)
def kept_weights():
    return 4 * 128 * 128


@bptt_bytes.mistake("that keeps four states a step. What does a plain layer have at each?", "T1")
def kept_of_an_lstm():
    return 4 * 4 * 32 * 100 * 128


@order(
    minutes=4,
    level=2,
    hints=[
        "Which product needs no state, and so can be made for all steps at once?",
        "What must stand in `h` when the first step begins?",
        "What is `h` when a step begins, and what when it ends? Which of them is `H[t]`?",
    ],
    extra=["h = np.tanh(X[t] @ W + bias)", "h = np.tanh(X[t] @ W + h @ U + bias)"],
)
def hoisted_loop():
    """Put the lines in order, so that one product with `W`, before the loop, serves all steps.

    Row `X[t]` is the input of step t, `h0` the state before the first step. At the end `H[t]` is
    the state after step t, for each t, and `h` the last one.
    """
    return """
        Z = X @ W + bias
        h = h0
        for t in range(T):
            h = np.tanh(Z[t] + h @ U)
            H[t] = h
    """


@hoisted_loop.also("right as well: the first state and the product do not wait for each other")
def loop_state_first():
    return """
        h = h0
        Z = X @ W + bias
        for t in range(T):
            h = np.tanh(Z[t] + h @ U)
            H[t] = h
    """


@hoisted_loop.mistake(
    "the states are right, and each step still multiplies with W. Which line does that for all "
    "steps at once?",
    "A1",
)
def loop_not_hoisted():
    return """
        h = h0
        for t in range(T):
            h = np.tanh(X[t] @ W + h @ U + bias)
            H[t] = h
    """


@hoisted_loop.mistake(
    "Z is made before the loop, and each step makes its row anew. Which line reads Z?", "A1"
)
def loop_hoisted_for_nothing():
    return """
        Z = X @ W + bias
        h = h0
        for t in range(T):
            h = np.tanh(X[t] @ W + h @ U + bias)
            H[t] = h
    """


@hoisted_loop.mistake(
    "the first state is set, Z is made, and each step makes its row anew. Which line reads Z?", "A1"
)
def loop_hoisted_for_nothing_after_the_state():
    return """
        h = h0
        Z = X @ W + bias
        for t in range(T):
            h = np.tanh(X[t] @ W + h @ U + bias)
            H[t] = h
    """


@hoisted_loop.mistake(
    "the product of all steps stands inside the loop. How many times is it made there?", "A1"
)
def loop_product_inside():
    return """
        h = h0
        for t in range(T):
            Z = X @ W + bias
            h = np.tanh(Z[t] + h @ U)
            H[t] = h
    """


@hoisted_loop.mistake("each step begins with `h0`. Which state should the second one read?", "T1")
def loop_state_set_anew():
    return """
        Z = X @ W + bias
        for t in range(T):
            h = h0
            h = np.tanh(Z[t] + h @ U)
            H[t] = h
    """


@hoisted_loop.mistake(
    "no step reads `h`. What tells the second step of the first, and which line reads Z?", "T1"
)
def loop_without_memory():
    return """
        h = h0
        for t in range(T):
            h = np.tanh(X[t] @ W + bias)
            H[t] = h
    """


@hoisted_loop.mistake(
    "Z is made and never read, and no step reads `h`. Which line does both?", "T1"
)
def loop_without_memory_beside_the_product():
    return """
        Z = X @ W + bias
        h = h0
        for t in range(T):
            h = np.tanh(X[t] @ W + bias)
            H[t] = h
    """


@hoisted_loop.mistake(
    "the first line of the loop writes over `h`. What is left of the step before?", "T1"
)
def loop_memory_overwritten():
    return """
        Z = X @ W + bias
        h = h0
        for t in range(T):
            h = np.tanh(X[t] @ W + bias)
            h = np.tanh(Z[t] + h @ U)
            H[t] = h
    """


@hoisted_loop.mistake(
    "a state is made from Z, and then written over without it. Which line does not belong?", "T1"
)
def loop_state_overwritten():
    return """
        Z = X @ W + bias
        h = h0
        for t in range(T):
            h = np.tanh(Z[t] + h @ U)
            h = np.tanh(X[t] @ W + bias)
            H[t] = h
    """


@hoisted_loop.mistake(
    "each t makes two steps. How many times should the state go through tanh for one input?", "T1"
)
def loop_two_steps():
    return """
        Z = X @ W + bias
        h = h0
        for t in range(T):
            h = np.tanh(Z[t] + h @ U)
            h = np.tanh(X[t] @ W + h @ U + bias)
            H[t] = h
    """


@hoisted_loop.mistake("`H[t]` is written before the step. Which state stands in `H[0]`?", "O1")
def loop_stored_before():
    return """
        Z = X @ W + bias
        h = h0
        for t in range(T):
            H[t] = h
            h = np.tanh(Z[t] + h @ U)
    """


@hoisted_loop.mistake(
    "the first state is set, then Z, and `H[t]` is written before the step. Which state stands in "
    "`H[0]`?",
    "O1",
)
def loop_stored_before_after_the_state():
    return """
        h = h0
        Z = X @ W + bias
        for t in range(T):
            H[t] = h
            h = np.tanh(Z[t] + h @ U)
    """


@hoisted_loop.mistake(
    "the last line stands after the loop. How many states are stored, and which?", "T1"
)
def loop_last_state():
    return """
        Z = X @ W + bias
        h = h0
        for t in range(T):
            h = np.tanh(Z[t] + h @ U)
        H[t] = h
    """


@hoisted_loop.mistake("the first step reads `h`. Which line wrote it?", "R1")
def loop_without_start():
    return """
        Z = X @ W + bias
        for t in range(T):
            h = np.tanh(Z[t] + h @ U)
            H[t] = h
    """


@hoisted_loop.mistake("each step reads a row of Z. Which line writes Z?", "R1")
def loop_without_product():
    return """
        h = h0
        for t in range(T):
            h = np.tanh(Z[t] + h @ U)
            H[t] = h
    """


@hoisted_loop.mistake(
    "each state is read by the next step alone. Where is it when the loop is done?", "R1"
)
def loop_without_store():
    return """
        Z = X @ W + bias
        h = h0
        for t in range(T):
            h = np.tanh(Z[t] + h @ U)
    """


@hoisted_loop.mistake("Z is made after the loop. Which line reads it, and when?", "R1")
def loop_product_last():
    return """
        h = h0
        for t in range(T):
            h = np.tanh(Z[t] + h @ U)
            H[t] = h
        Z = X @ W + bias
    """


@choice(
    minutes=3,
    level=2,
    concept=True,
    hints=[
        "What does step 2 read that step 1 writes?",
        "Draw the cells of five steps. Which of them can run in the first tick?",
    ],
    options=[
        "1: each core takes one step, and there are cores to spare",
        "7: the steps join in pairs, and log₂ 100 is rounded up",
        "100: as many as on one core",
        "0.1: the steps are shared among the cores",
    ],
)
def thousand_cores():
    """One recurrent layer, with tanh, runs 100 steps of one sequence on 1,000 cores.

    How many of the steps, each computed once, must come one after the other?
    """
    return "c"


@thousand_cores.mistake(
    "a core has its input at once. Where does it get the state of the step before?", "T1"
)
def cores_all_at_once():
    return "a"


@thousand_cores.mistake(
    "a sum can be grouped in pairs. Can tanh(… h U …) of steps 3 and 4 be joined before step 2 is "
    "known?",
    "D1",
)
def cores_as_a_tree():
    return "b"


@thousand_cores.mistake(
    "a tenth of a step: which part stays serial when the rest takes zero time?", "A1"
)
def cores_share_the_steps():
    return "d"


@exercise(
    minutes=8,
    level=3,
    hints=[
        "Draw 2 layers and 3 steps, with an arrow from each cell to those that wait for it. Which "
        "way is the longest?",
        "In one direction: how many cells does each way pass, whatever turns it takes?",
        "In both: where does a layer's forward chain end, and which chain above it starts there?",
    ],
)
def span(layers, steps, bidirectional=False):
    """Count the cells on the longest chain of cells that wait.

    A cell is one step t of one layer l. It waits for (l, t − 1) in its own layer and for (l − 1, t)
    in the layer below. If `bidirectional`, there are two cells for each l and t:

    * forwards (l, t) waits for forwards (l, t − 1), backwards (l, t) for backwards (l, t + 1);
    * both wait for both directions of (l − 1, t), whose outputs are their input.

    Cells that do not exist are not waited for. Return a whole number.
    """
    # BEGIN SOLUTION
    if bidirectional:
        return layers * steps
    return layers + steps - 1
    # END SOLUTION


@span.cases
def _draw(random):
    small = [(1, 1, False), (1, 4, False), (3, 1, False), (2, 3, False)]
    both = [(1, 4, True), (3, 1, True), (2, 3, True), (3, 4, True)]
    layers, steps = random.randint(4, 9), random.randint(20, 90)
    return [*small, *both, (layers, steps, False), (layers + 1, steps + 3, True)]


@span.mistake(
    "in one direction, each layer waits for the whole layer below. For which cells does step 1 of "
    "layer 2 wait?",
    "T1",
)
def span_layer_by_layer(layers, steps, bidirectional=False):
    return layers * steps


@span.mistake(
    "both directions give what one gives. Which step does the backward chain of layer 2 begin "
    "with, and when is its input there?",
    "T1",
)
def span_one_direction(layers, steps, bidirectional=False):
    return layers + steps - 1


@span.mistake(
    "the layers change nothing. When can layer 2 begin, and which way does its longest chain come?",
    "T1",
)
def span_layers_free(layers, steps, bidirectional=False):
    return steps


@span.mistake(
    "both directions are right; in one, the layers change nothing. When can layer 2 begin?", "T1"
)
def span_layers_free_forwards(layers, steps, bidirectional=False):
    return layers * steps if bidirectional else steps


@span.mistake("the steps change nothing. What does step 2 read from step 1?", "T1")
def span_steps_free(layers, steps, bidirectional=False):
    return layers


@span.mistake("do one layer of one step by hand. How many cells is that?", "O1")
def span_one_too_many(layers, steps, bidirectional=False):
    return layers * steps if bidirectional else layers + steps


@span.mistake("that counts the arrows. How many cells stand on a chain of one arrow?", "O1")
def span_arrows(layers, steps, bidirectional=False):
    return layers * steps - 1 if bidirectional else layers + steps - 2


@span.mistake(
    "in one direction, that is the longer side of the grid. Does a way from corner to corner move "
    "along one side alone?",
    "T1",
)
def span_longer_side(layers, steps, bidirectional=False):
    return layers * steps if bidirectional else max(layers, steps)


@span.mistake(
    "those are all cells: the work. Which of them lie on one chain?",
    "D1",
)
def span_work(layers, steps, bidirectional=False):
    return (1 + bidirectional) * layers * steps


@span.mistake(
    "both directions take twice what one takes. Does the backward chain of a layer wait for its "
    "forward chain?",
    "T1",
)
def span_twice_one_direction(layers, steps, bidirectional=False):
    return (1 + bidirectional) * (layers + steps - 1)


@span.mistake(
    "in both directions, a layer's two chains come one after the other. Which cell of one waits "
    "for a cell of the other one?",
    "T1",
)
def span_chains_in_a_row(layers, steps, bidirectional=False):
    return 2 * layers * steps if bidirectional else layers + steps - 1


@span.mistake(
    "in both directions, the two chains of a layer share its steps. Does each of them go through "
    "all steps, or through half of them?",
    "T1",
)
def span_chains_meet(layers, steps, bidirectional=False):
    return layers * -(-steps // 2) if bidirectional else layers + steps - 1


@span.mistake(
    "in both directions, the way turns once. What does layer 3 wait for at the far end of layer 2?",
    "T1",
)
def span_one_turn(layers, steps, bidirectional=False):
    return layers + (1 + bidirectional) * steps - 1


@span.mistake(
    "in both directions, that takes a tick from layer to layer. Is there a cell between the last "
    "one of a chain and the one above it?",
    "O1",
)
def span_tick_between_layers(layers, steps, bidirectional=False):
    return layers * steps + layers - 1 if bidirectional else layers + steps - 1


@span.mistake(
    "in both directions, that counts the cells at the turns for both layers. Is the end of one "
    "chain the same cell as the start of the next?",
    "O1",
)
def span_turns_shared(layers, steps, bidirectional=False):
    return layers * (steps - 1) + 1 if bidirectional else layers + steps - 1


@span.mistake("the two results are in each other's place. What does your `if` ask?", "T1")
def span_swapped(layers, steps, bidirectional=False):
    return layers + steps - 1 if bidirectional else layers * steps


@span.mistake(
    "that joins the steps as a tree does. Can two steps be joined before the state is known?", "D1"
)
def span_of_a_tree(layers, steps, bidirectional=False):
    return layers + (steps - 1).bit_length()


@value(
    minutes=2,
    level=3,
    unit="parameters",
    hints=[
        "An LSTM decides by gates, and computes what is written. How many products with x is that?",
        "Each of them is x W + h U + bias, with weights of its own. How many numbers is that?",
        "Is the second state c multiplied with a matrix, or element by element?",
    ],
)
def lstm_params():
    """How many parameters has an LSTM layer 100→128, all its products with one bias a unit?

    Its three gates and its candidate, what may be written, see x and h alone, not the second state.
    """
    gates, inputs, units = 4, 100, 128
    return gates * (inputs * units + units * units + units)


@lstm_params.also(
    "with two biases for each gate, as PyTorch keeps them; the formula needs one of them"
)
def lstm_of_pytorch():
    return 4 * (100 * 128 + 128 * 128 + 2 * 128)


@lstm_params.mistake("the gates have their biases there. What has the candidate?", "P1")
def lstm_candidate_without_bias():
    return 4 * (100 * 128 + 128 * 128) + 3 * 128


@lstm_params.mistake("those are the weights alone. What does each gate add to its products?", "P1")
def lstm_without_bias():
    return 4 * (100 * 128 + 128 * 128)


@lstm_params.mistake("that is a plain layer. How many gates has an LSTM?", "T1")
def lstm_one_gate():
    return 100 * 128 + 128 * 128 + 128


@lstm_params.mistake(
    "that has three products, as a GRU has. Three gates decide; what is computed besides, to be "
    "written?",
    "T1",
)
def lstm_three_gates():
    return 3 * (100 * 128 + 128 * 128 + 128)


@lstm_params.mistake(
    "that has weights for five. Is the cell c computed by a product with a matrix, or from the "
    "gates?",
    "T1",
)
def lstm_five_gates():
    return 5 * (100 * 128 + 128 * 128 + 128)


@lstm_params.mistake("x has its weights. What does a gate multiply besides x?", "T1")
def lstm_without_state():
    return 4 * (100 * 128 + 128)


@lstm_params.mistake("h has its weights. What does a gate multiply besides h?", "T1")
def lstm_without_input():
    return 4 * (128 * 128 + 128)


@lstm_params.mistake(
    "that multiplies the cell c with a matrix as well. What does the task say that the gates see?",
    "T1",
)
def lstm_with_cell_weights():
    return 4 * (100 * 128 + 2 * 128 * 128 + 128)


@lstm_params.mistake(
    "that has weights from the cell to three gates. What does the task say that the gates see?",
    "T1",
)
def lstm_peepholes():
    return 4 * (100 * 128 + 128 * 128 + 128) + 3 * 128


@lstm_params.mistake(
    "that has a single U for all gates. Does each gate look at the state with weights of its own?",
    "T1",
)
def lstm_state_weights_shared():
    return 4 * 100 * 128 + 128 * 128 + 4 * 128


@lstm_params.mistake(
    "that has a single W for all gates. Does each gate look at x with weights of its own?", "T1"
)
def lstm_input_weights_shared():
    return 100 * 128 + 4 * 128 * 128 + 4 * 128


@lstm_params.mistake("that has one bias for all gates. Does each gate start from its own?", "P1")
def lstm_bias_shared():
    return 4 * (100 * 128 + 128 * 128) + 128


@lstm_params.mistake(
    "that has a bias for every input. What is the bias added to: x or the sums of a gate?", "P1"
)
def lstm_bias_per_input():
    return 4 * (100 * 128 + 128 * 128 + 100)


@lstm_params.mistake(
    "that is how many bytes they take in fp32. Compare `W.size` with `W.nbytes`: which is asked?",
    "U2",
)
def lstm_bytes():
    return 4 * 4 * (100 * 128 + 128 * 128 + 128)


@lstm_params.mistake(
    "that has weights of its own for each of 100 steps. Which W does the second step use?", "W1"
)
def lstm_each_step():
    return 100 * 4 * (100 * 128 + 128 * 128 + 128)


@lstm_params.mistake(
    "that is a GRU with two biases. How many products has an LSTM, and how many biases each?", "T1"
)
def lstm_as_gru():
    return 3 * (100 * 128 + 128 * 128 + 2 * 128)


@lstm_params.mistake(
    "that is two plain layers, one for each state. How many decide and how many write?", "T1"
)
def lstm_two_layers():
    return 2 * (100 * 128 + 128 * 128 + 128)
