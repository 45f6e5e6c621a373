"""Exercises and predictions of lesson 01: what a dense layer keeps, computes and moves."""

from .cards import choice, order
from .kinds import exercise, prediction, value


@prediction(unit="×")
def order_misses():
    """Four digits go through instead of one, `W` by rows, in the order `i,b,o`.

    By what factor do the misses of the 32 KiB cache grow?
    """


@prediction(unit="digits")
def hits_roof():
    """From which batch on is 784→100, with its bias, compute-bound on the reference machine?

    Its weights come from main memory.
    """


@prediction(unit="×")
def order_time():
    """Four digits, `W` by rows: `b,o,i` misses 333,225 times, `b,i,o` 19,821 times.

    How many times as long does it take on your computer, with compiled loops?
    """


@prediction(unit="×")
def batch_time():
    """A layer 4096→4096 gets a batch of 64 instead of a batch of 1.

    By what factor does its time grow on your computer?
    """


@prediction(unit="×")
def width_error():
    """Four times as many units, 64 instead of 16: by what factor does the largest error shrink?"""


@value(
    minutes=1,
    recalls="00",
    unit="FLOP",
    hints=["Which two operations does the name multiply-accumulate join?"],
)
def recall_mac():
    """How many FLOP are 1,000 MAC?"""
    macs, operations = 1000, 2
    return macs * operations


@recall_mac.mistake("one MAC is a multiply *and* an add. How many operations is that?", "U1")
def mac_is_flop():
    return 1000


@recall_mac.mistake("is one FLOP made of MACs, or one MAC of FLOP?", "U1")
def mac_halved():
    return 1000 / 2


@choice(
    minutes=1,
    recalls="00",
    hints=["Draw the roofline. Which of its two lines is lower on the left of the ridge?"],
    options=[
        "the peak: it is compute-bound",
        "both alike: below the ridge the two lines meet",
        "the bandwidth: it is memory-bound",
        "it depends on how many FLOP there are to do",
    ],
)
def recall_ridge():
    """The intensity of a loop lies below the ridge of a machine. What limits its rate?"""
    return "c"


@recall_ridge.mistake(
    "the peak is the flat line. Mark an intensity left of the ridge: which line is lower there?",
    "G1",
)
def ridge_peak():
    return "a"


@recall_ridge.mistake(
    "the ridge is the one place where the lines meet. Which line is lower on the left of it?", "G1"
)
def ridge_meets():
    return "b"


@recall_ridge.mistake(
    "with twice the FLOP and twice the bytes, does the dot move along the roofline?", "G1"
)
def ridge_amount():
    return "d"


@value(
    minutes=1,
    recalls="00",
    unit="numbers",
    hints=["How many bytes does one fp32 number take?"],
)
def recall_line():
    """How many fp32 numbers stand in one cache line of 64 B?"""
    line, itemsize = 64, 4
    return line // itemsize


@recall_line.mistake(
    "that is how many bytes a line holds. How many of them does one number take?", "U2"
)
def line_bytes():
    return 64


@recall_line.mistake(
    "that is how many bytes one number takes. How often does that fit into the line?", "U2"
)
def line_itemsize():
    return 4


@recall_line.mistake("that fits numbers of 64 bits. What is `np.dtype(np.float32).itemsize`?", "U3")
def line_fp64():
    return 64 // 8


@recall_line.mistake("that fits numbers of two bytes. How many bytes are 32 bits?", "U3")
def line_fp16():
    return 64 // 2


@recall_line.mistake("64 is in bytes and 32 in bits. How many bits are in a byte?", "U3")
def line_bits_for_bytes():
    return 64 // 32


@recall_line.mistake("that is how many bits a line holds. How many does one number take?", "U3")
def line_bits():
    return 64 * 8


@recall_line.mistake(
    "that is more numbers than the line has bytes. Do numbers of four bytes fit more often?", "U2"
)
def line_multiplied():
    return 64 * 4


@recall_line.mistake(
    "one is what a walk down a column uses of each line. How many does the line bring along?", "K1"
)
def line_used_by_column():
    return 1


@value(
    minutes=1,
    level=1,
    unit="parameters",
    hints=[
        "What is the shape of W, and how many numbers is that?",
        "What is the shape of the bias: does it go with the inputs or with the outputs?",
    ],
)
def dense_params():
    """How many parameters has a dense layer 784→100, with its bias?"""
    inputs, outputs = 784, 100
    return inputs * outputs + outputs


@dense_params.mistake(
    "those are the weights alone. What is the shape of the bias, and is it a parameter?", "P1"
)
def params_without_bias():
    return 784 * 100


@dense_params.mistake(
    "that has a bias for every input. What is the bias added to: the inputs or the outputs?", "P1"
)
def params_bias_per_input():
    return 784 * 100 + 784


@dense_params.mistake(
    "that has a bias at both ends of the layer. What is the bias added to: the inputs or the "
    "outputs?",
    "P1",
)
def params_bias_at_both_ends():
    return 784 * 100 + 784 + 100


@dense_params.mistake(
    "that has one bias for the whole layer. Do all outputs start from the same number?", "P1"
)
def params_one_bias():
    return 784 * 100 + 1


@dense_params.mistake(
    "that counts neurons, not connections. Write the shape of W as a tuple: how many numbers are "
    "in it?",
    "P2",
)
def params_neurons():
    return 784 + 100


@dense_params.mistake(
    "inputs, outputs and biases, but no connection. Write the shape of W as a tuple: how many "
    "numbers are in it?",
    "P2",
)
def params_neurons_and_biases():
    return 784 + 100 + 100


@dense_params.mistake(
    "those are bytes, of the weights alone. What else is a parameter, and what is asked for?", "U2"
)
def params_bytes_of_weights():
    return 4 * 784 * 100


@dense_params.mistake(
    "that is how many bytes they take in fp32. Compare `W.size` with `W.nbytes`: which is asked?",
    "U2",
)
def params_bytes():
    return 4 * (784 * 100 + 100)


@value(
    minutes=2,
    level=1,
    unit="MAC",
    hints=[
        "How many outputs does a batch of 32 have, all digits together?",
        "How many products does each output add up?",
        "Does adding the bias multiply anything?",
    ],
)
def dense_macs():
    """How many MACs does a dense layer 784→100, with its bias, take for a batch of 32?"""
    batch, inputs, outputs = 32, 784, 100
    return batch * inputs * outputs


@dense_macs.mistake(
    "that is enough for one digit. Put a batch of 1, then of 2 into your formula: what grew?", "B1"
)
def macs_one_digit():
    return 784 * 100


@dense_macs.mistake(
    "one MAC is a multiply *and* an add. Which of the two, MAC or FLOP, did the question ask for?",
    "U1",
)
def macs_as_flop():
    return 2 * 32 * 784 * 100


@dense_macs.mistake(
    "those are FLOP, with one add fewer for each output. Is the question about FLOP or MACs?", "U1"
)
def macs_as_flop_without_first_add():
    return 32 * 100 * (2 * 784 - 1)


@dense_macs.mistake(
    "those are FLOP, the additions of the bias among them. Is the question about FLOP or MACs?",
    "U1",
)
def macs_as_flop_with_bias():
    return 32 * 100 * (2 * 784 + 1)


@dense_macs.mistake(
    "that counts the bias as one more product for each output. Does adding it multiply anything?",
    "P1",
)
def macs_with_bias():
    return 32 * (784 * 100 + 100)


@dense_macs.mistake(
    "that counts the bias as 100 more products. Does adding it multiply anything?", "P1"
)
def macs_with_bias_once():
    return 32 * 784 * 100 + 100


@dense_macs.mistake(
    "that is how many outputs there are. How many products does each of them add up?", "P2"
)
def macs_outputs():
    return 32 * 100


@dense_macs.mistake(
    "that is how many inputs come in. With how many weights is each of them multiplied?", "P2"
)
def macs_inputs():
    return 32 * 784


@value(
    minutes=3,
    level=2,
    unit="bytes",
    hints=[
        "Which arrays does the layer read, and which does it write?",
        "Which of these arrays grow with the batch, and which do not?",
        "How many numbers are in each array, and how many bytes is a number?",
    ],
)
def dense_bytes():
    """How many bytes must cross for a dense layer 784→100 and a batch of 32, in fp32?

    Count the compulsory traffic: `X`, `W` and the bias come in once, `H` goes out once.
    """
    batch, inputs, outputs, itemsize = 32, 784, 100, 4
    read = batch * inputs + inputs * outputs + outputs
    written = batch * outputs
    return itemsize * (read + written)


@dense_bytes.mistake(
    "that is how many numbers cross. What do `X.size` and `X.nbytes` say of one array?", "U2"
)
def bytes_elements():
    return 32 * 784 + 784 * 100 + 100 + 32 * 100


@dense_bytes.mistake(
    "that fetches everything anew for each digit. Draw the boundary: how many times does W cross "
    "it?",
    "W1",
)
def bytes_all_per_digit():
    return 4 * 32 * (784 + 784 * 100 + 100 + 100)


@dense_bytes.mistake(
    "that fetches W anew for each digit. Draw the boundary: how many times does W cross it?", "W1"
)
def bytes_weights_per_digit():
    return 4 * (32 * (784 + 784 * 100 + 100) + 100)


@dense_bytes.mistake(
    "that fetches the bias anew for each digit. How many times does it cross the boundary?", "W1"
)
def bytes_bias_per_digit():
    return 4 * (32 * 784 + 784 * 100 + 32 * 100 + 32 * 100)


@dense_bytes.mistake(
    "that lets the weights and the bias in for free. Where do they come from, the first time?", "W1"
)
def bytes_without_parameters():
    return 4 * (32 * 784 + 32 * 100)


@dense_bytes.mistake("that lets W in for free. Where does it come from, the first time?", "W1")
def bytes_without_weights():
    return 4 * (32 * 784 + 100 + 32 * 100)


@dense_bytes.mistake("three arrays have come in, and that is counted. Where does H go?", "R1")
def bytes_without_write():
    return 4 * (32 * 784 + 784 * 100 + 100)


@dense_bytes.mistake(
    "W, the bias and H have crossed. What else does every product need besides a weight?", "R1"
)
def bytes_without_input():
    return 4 * (784 * 100 + 100 + 32 * 100)


@dense_bytes.mistake(
    "the parameters have crossed. What comes in with them, and what goes out?", "R1"
)
def bytes_parameters():
    return 4 * (784 * 100 + 100)


@dense_bytes.mistake(
    "that lets H cross twice. How often does each array cross in the *compulsory* traffic?", "R1"
)
def bytes_output_twice():
    return 4 * (32 * 784 + 784 * 100 + 100 + 2 * 32 * 100)


@dense_bytes.mistake(
    "X, W and H have crossed. What does each output start from, and how many bytes is that?", "P1"
)
def bytes_without_bias():
    return 4 * (32 * 784 + 784 * 100 + 32 * 100)


@dense_bytes.mistake(
    "X and W have crossed. What is missing among the inputs, and what of the output?", "P1"
)
def bytes_without_bias_and_write():
    return 4 * (32 * 784 + 784 * 100)


@dense_bytes.mistake(
    "W has crossed. Which three arrays has the layer besides, and which of them goes out?", "R1"
)
def bytes_weights_alone():
    return 4 * 784 * 100


@dense_bytes.mistake(
    "X has crossed. Which three arrays has the layer besides, and which of them goes out?", "R1"
)
def bytes_input_alone():
    return 4 * 32 * 784


@dense_bytes.mistake(
    "that is the traffic of one digit. Put a batch of 1, then of 2 into your formula: which arrays "
    "grow?",
    "B1",
)
def bytes_one_digit():
    return 4 * (784 + 784 * 100 + 100 + 100)


@dense_bytes.mistake(
    "that is one digit's input for all outputs. Which axes has X in a batch, and which has H?", "B1"
)
def bytes_one_input():
    return 4 * (784 + 784 * 100 + 100 + 32 * 100)


@dense_bytes.mistake("that fits numbers of 64 bits. What is `X.itemsize` for fp32?", "U3")
def bytes_fp64():
    return 8 * (32 * 784 + 784 * 100 + 100 + 32 * 100)


@dense_bytes.mistake("that fits numbers of two bytes. What is `X.itemsize` for fp32?", "U3")
def bytes_fp16():
    return 2 * (32 * 784 + 784 * 100 + 100 + 32 * 100)


@value(
    minutes=2,
    level=2,
    unit="FLOP/B",
    tolerance=0.01,
    hints=[
        "Intensity is FLOP per byte. Which two earlier answers do you need?",
        "The earlier count was in MACs. How many FLOP is that?",
    ],
)
def dense_intensity():
    """What is the arithmetic intensity of 784→100, with its bias, for a batch of 32 in fp32?"""
    batch, inputs, outputs, itemsize = 32, 784, 100, 4
    flop = 2 * batch * inputs * outputs
    crossing = batch * inputs + inputs * outputs + outputs + batch * outputs
    return flop / (itemsize * crossing)


@dense_intensity.mistake("that is MACs for each byte. How many FLOP is one MAC?", "U1")
def intensity_macs():
    return 32 * 784 * 100 / (4 * (32 * 784 + 784 * 100 + 100 + 32 * 100))


@dense_intensity.mistake(
    "that is FLOP for each number that crosses. How many bytes is one number?", "U2"
)
def intensity_per_element():
    return 2 * 32 * 784 * 100 / (32 * 784 + 784 * 100 + 100 + 32 * 100)


@dense_intensity.mistake(
    "that is MACs for each number, or else numbers of two bytes. Which units has FLOP/B, and how "
    "many bytes has fp32?",
    "U2",
)
def intensity_macs_per_element():
    return 32 * 784 * 100 / (32 * 784 + 784 * 100 + 100 + 32 * 100)


@dense_intensity.mistake(
    "that is what one digit gets, or 32 that fetch W anew each time. How often is each weight used "
    "in a batch, once it is there?",
    "B1",
)
def intensity_one_digit():
    return 2 * 784 * 100 / (4 * (784 + 784 * 100 + 100 + 100))


@dense_intensity.mistake(
    "those bytes are of 32 digits, and the FLOP of one. Put a batch of 2 into your formula: what "
    "grew?",
    "B1",
)
def intensity_flop_of_one_digit():
    return 2 * 784 * 100 / (4 * (32 * 784 + 784 * 100 + 100 + 32 * 100))


@dense_intensity.mistake(
    "those FLOP are of 32 digits, and the bytes of one. Which arrays grow with the batch?", "B1"
)
def intensity_bytes_of_one_digit():
    return 2 * 32 * 784 * 100 / (4 * (784 + 784 * 100 + 100 + 100))


@dense_intensity.mistake(
    "that is half the batch, as if W alone crossed. Which arrays cross with it?", "G1"
)
def intensity_of_weights():
    return 2 * 32 * 784 * 100 / (4 * 784 * 100)


@dense_intensity.mistake(
    "that is what comes in alone, or else an answer rounded too far. Which array goes out?", "R1"
)
def intensity_without_write():
    return 2 * 32 * 784 * 100 / (4 * (32 * 784 + 784 * 100 + 100))


@dense_intensity.mistake(
    "W, the bias and H are counted. What else does every product need besides a weight?", "R1"
)
def intensity_without_input():
    return 2 * 32 * 784 * 100 / (4 * (784 * 100 + 100 + 32 * 100))


@dense_intensity.mistake("that lets W in for free. Where does it come from, the first time?", "W1")
def intensity_without_weights():
    return 2 * 32 * 784 * 100 / (4 * (32 * 784 + 32 * 100))


@dense_intensity.mistake(
    "that is how many bytes there are for each FLOP. Which of the two goes on top?", "G1"
)
def intensity_inverted():
    return 4 * (32 * 784 + 784 * 100 + 100 + 32 * 100) / (2 * 32 * 784 * 100)


@order(
    minutes=4,
    level=2,
    hints=[
        "For one output, how many times should it be set, and how many times added to?",
        "Which loops must be running for `bias[o]` to mean something? And for `X[b,i]`?",
        "Which line must happen once for each output, before its first product is added?",
    ],
    extra=["Z[b,o] = X[b,i] * W[i,o]"],
)
def dense_loops():
    """Put the lines in order and indent them, so that `Z` becomes `X @ W + bias`."""
    return """
        for b in range(32):
            for o in range(100):
                Z[b,o] = bias[o]
                for i in range(784):
                    Z[b,o] += X[b,i] * W[i,o]
    """


@dense_loops.also(
    "right as well: all digits of one output first, so that each column of W is walked 32 times"
)
def loops_output_first():
    return """
        for o in range(100):
            for b in range(32):
                Z[b,o] = bias[o]
                for i in range(784):
                    Z[b,o] += X[b,i] * W[i,o]
    """


@dense_loops.mistake("Z starts anew for every i. What is then left of the product before?")
def loops_bias_with_every_product():
    return """
        for b in range(32):
            for o in range(100):
                for i in range(784):
                    Z[b,o] = bias[o]
                    Z[b,o] += X[b,i] * W[i,o]
    """


@dense_loops.mistake("each i goes through all outputs again. What does `Z[b,o] = …` do to a sum?")
def loops_input_in_the_middle():
    return """
        for b in range(32):
            for i in range(784):
                for o in range(100):
                    Z[b,o] = bias[o]
                    Z[b,o] += X[b,i] * W[i,o]
    """


@dense_loops.mistake("each i goes through all of Z again. What does `Z[b,o] = …` do to a sum?")
def loops_input_first():
    return """
        for i in range(784):
            for b in range(32):
                for o in range(100):
                    Z[b,o] = bias[o]
                    Z[b,o] += X[b,i] * W[i,o]
    """


@dense_loops.mistake("the bias comes last. What does `=` leave of the sum that stood there?")
def loops_bias_last():
    return """
        for b in range(32):
            for o in range(100):
                for i in range(784):
                    Z[b,o] += X[b,i] * W[i,o]
                Z[b,o] = bias[o]
    """


@dense_loops.mistake("the bias comes after every product. What does `=` leave of the sum then?")
def loops_bias_last_of_all():
    return """
        for b in range(32):
            for o in range(100):
                for i in range(784):
                    Z[b,o] += X[b,i] * W[i,o]
                    Z[b,o] = bias[o]
    """


@dense_loops.mistake("the first line names b and o. Which b and o are there before any loop?")
def loops_bias_first():
    return """
        Z[b,o] = bias[o]
        for b in range(32):
            for o in range(100):
                for i in range(784):
                    Z[b,o] += X[b,i] * W[i,o]
    """


@dense_loops.mistake("the bias line stands inside one loop. Which o does it mean there?")
def loops_bias_without_output():
    return """
        for b in range(32):
            Z[b,o] = bias[o]
            for o in range(100):
                for i in range(784):
                    Z[b,o] += X[b,i] * W[i,o]
    """


@dense_loops.mistake("a sum needs a place to start. Where does the bias come in?", "P1")
def loops_without_bias():
    return """
        for b in range(32):
            for o in range(100):
                for i in range(784):
                    Z[b,o] += X[b,i] * W[i,o]
    """


@dense_loops.mistake("`=` keeps one product. Which line keeps those before it as well?")
def loops_product_alone():
    return """
        for b in range(32):
            for o in range(100):
                Z[b,o] = bias[o]
                for i in range(784):
                    Z[b,o] = X[b,i] * W[i,o]
    """


@dense_loops.mistake("`=` keeps one product, and no line brings the bias. Which two lines do both?")
def loops_product_without_bias():
    return """
        for b in range(32):
            for o in range(100):
                for i in range(784):
                    Z[b,o] = X[b,i] * W[i,o]
    """


@dense_loops.mistake(
    "each product replaces the sum, and is added to itself. Which line sets Z once?"
)
def loops_product_twice():
    return """
        for b in range(32):
            for o in range(100):
                Z[b,o] = bias[o]
                for i in range(784):
                    Z[b,o] = X[b,i] * W[i,o]
                    Z[b,o] += X[b,i] * W[i,o]
    """


@dense_loops.mistake("the last line stands beside the loop over i. How often does it run there?")
def loops_product_outside():
    return """
        for b in range(32):
            for o in range(100):
                for i in range(784):
                    Z[b,o] = bias[o]
                Z[b,o] += X[b,i] * W[i,o]
    """


@choice(
    minutes=3,
    level=2,
    concept=True,
    hints=[
        "Which of X, W, the bias and H have an axis b?",
        "Write the shapes for a batch of 1 and of 2 side by side. Which differ?",
    ],
    options=[
        "the bytes of the weights",
        "the MACs and the bytes of X and H, nothing else",
        "everything: the MACs and the bytes of all arrays",
        "nothing: the layer stays the same",
    ],
)
def doubling_batch():
    """A dense layer gets batches twice as large. What doubles?

    Bytes are those that its arrays take.
    """
    return "b"


@doubling_batch.mistake("does a second digit bring weights of its own? Write the shape of W.", "W1")
def batch_doubles_weights():
    return "a"


@doubling_batch.mistake(
    "draw the boundary to memory. How many times does W cross it for two digits?", "W1"
)
def batch_doubles_everything():
    return "c"


@doubling_batch.mistake(
    "the weights stay the same. Put a batch of 1, then of 2 into the count of MACs: what grew?",
    "B1",
)
def batch_doubles_nothing():
    return "d"


@value(
    minutes=4,
    level=3,
    unit="digits",
    hints=[
        "Which part of the bytes grows with the batch, and which part crosses once for all of it?",
        "Try two batches, a small one and a large one: between which of them does it pass 10?",
        "Half a digit cannot be added. Is your answer a whole number that meets the condition?",
    ],
)
def smallest_batch():
    """From how many digits at a time does 784→100, with its bias, reach 10 FLOP/B in fp32?"""
    asked, inputs, outputs, itemsize = 10, 784, 100, 4
    once = itemsize * (inputs * outputs + outputs)
    each = itemsize * (inputs + outputs)
    flop = 2 * inputs * outputs
    return -(-asked * once // (flop - asked * each))  # rounded up


@smallest_batch.mistake(
    "that takes half the batch for the intensity, as if W alone crossed. What do X and H do to the "
    "bytes?",
    "G1",
)
def batch_by_weights_alone():
    return 10 * 4 // 2


@smallest_batch.mistake(
    "that takes the batch itself for the intensity: right for numbers of two bytes, if W alone "
    "crosses. How many bytes is fp32, and what crosses with W?",
    "G1",
)
def batch_by_rule_for_16_bits():
    return 10 * 2 // 2


@smallest_batch.mistake(
    "plug it back: is the condition met, or is that still a little below 10?", "O2"
)
def batch_rounded_down():
    return 10 * 4 * (784 * 100 + 100) // (2 * 784 * 100 - 10 * 4 * (784 + 100))


@smallest_batch.mistake("it meets the condition. Does one digit fewer meet it, too?", "O2")
def batch_one_too_many():
    return 10 * 4 * (784 * 100 + 100) // (2 * 784 * 100 - 10 * 4 * (784 + 100)) + 2


@smallest_batch.mistake("the batch of 32 meets the condition. Does no smaller one?", "O2")
def batch_of_before():
    return 32


@smallest_batch.mistake(
    "that counts MACs, or else numbers of 64 bits. How many FLOP is one MAC, and how many bytes "
    "has fp32?",
    "U1",
)
def batch_by_macs():
    return -(-10 * 4 * (784 * 100 + 100) // (784 * 100 - 10 * 4 * (784 + 100)))


@smallest_batch.mistake("that is FLOP for each number. How many bytes is one number?", "U2")
def batch_by_elements():
    return -(-10 * (784 * 100 + 100) // (2 * 784 * 100 - 10 * (784 + 100)))


@smallest_batch.mistake(
    "that is where numbers of two bytes reach 10, and where fp32 passes the reference machine's "
    "ridge. Which intensity is asked, and of which number type?",
    "U3",
)
def batch_for_16_bits():
    return -(-10 * 2 * (784 * 100 + 100) // (2 * 784 * 100 - 10 * 2 * (784 + 100)))


@smallest_batch.mistake(
    "W and H cross in that count. Which array grows with the batch as well?", "R1"
)
def batch_without_input():
    return -(-10 * 4 * (784 * 100 + 100) // (2 * 784 * 100 - 10 * 4 * 100))


@exercise(
    minutes=6,
    level=3,
    hints=[
        "Write the shapes of X, W, the bias and H as tuples. How many numbers are in each?",
        "Which of the three results depend on the batch, and which on the itemsize?",
        "Do the case of 1 sample, 3 inputs and 2 outputs by hand. How many numbers cross?",
    ],
)
def dense_meters(batch, inputs, outputs, itemsize):
    """Count parameters, work and traffic of a dense layer with bias.

    `batch` samples go through at once; each number takes `itemsize` bytes.
    Return three whole numbers, in this order:

    * the bytes of the parameters, `W` and the bias;
    * the MACs (adding the bias is none);
    * the compulsory bytes: `X`, `W` and the bias come in once, `H` goes out once.
    """
    # BEGIN SOLUTION
    weights = inputs * outputs + outputs
    macs = batch * inputs * outputs
    crossing = batch * inputs + weights + batch * outputs
    return itemsize * weights, macs, itemsize * crossing
    # END SOLUTION


@dense_meters.cases
def _draw(random):
    batch, inputs, outputs = random.randint(3, 6), random.randint(11, 19), random.randint(7, 10)
    small = [(1, 3, 2, 4), (2, 3, 2, 4), (2, 5, 2, 4)]
    return [*small, (batch, inputs, outputs, 2), (batch + 1, outputs, inputs, 8)]


@dense_meters.mistake(
    "neither work nor traffic grows with the batch. With 2 samples instead of 1, what should?",
    "B1",
)
def meters_without_batch(batch, inputs, outputs, itemsize):
    weights = inputs * outputs + outputs
    crossing = inputs + weights + outputs
    return itemsize * weights, inputs * outputs, itemsize * crossing


@dense_meters.mistake(
    "the bias is not in the bytes. What is its shape, and where do its numbers come from?", "P1"
)
def meters_without_bias(batch, inputs, outputs, itemsize):
    weights = inputs * outputs
    crossing = batch * inputs + weights + batch * outputs
    return itemsize * weights, batch * inputs * outputs, itemsize * crossing


@dense_meters.mistake(
    "the bias has as many numbers as there are inputs. What is it added to: X or H?", "P1"
)
def meters_bias_per_input(batch, inputs, outputs, itemsize):
    weights = inputs * outputs + inputs
    crossing = batch * inputs + weights + batch * outputs
    return itemsize * weights, batch * inputs * outputs, itemsize * crossing


@dense_meters.mistake("the bias is among the MACs. Does adding it multiply anything?", "P1")
def meters_bias_as_mac(batch, inputs, outputs, itemsize):
    weights = inputs * outputs + outputs
    crossing = batch * inputs + weights + batch * outputs
    return itemsize * weights, batch * weights, itemsize * crossing


@dense_meters.mistake(
    "W is fetched anew for each sample. Draw the boundary: how many times does it cross?", "W1"
)
def meters_weights_per_sample(batch, inputs, outputs, itemsize):
    weights = inputs * outputs + outputs
    crossing = batch * inputs + batch * weights + batch * outputs
    return itemsize * weights, batch * inputs * outputs, itemsize * crossing


@dense_meters.mistake(
    "W grows with the batch. Does a second sample bring weights of its own?", "W1"
)
def meters_weights_of_each_sample(batch, inputs, outputs, itemsize):
    weights = batch * (inputs * outputs + outputs)
    crossing = batch * inputs + weights + batch * outputs
    return itemsize * weights, batch * inputs * outputs, itemsize * crossing


@dense_meters.mistake(
    "W is fetched anew for each sample, the bias once. Draw the boundary: how many times does W "
    "cross?",
    "W1",
)
def meters_weights_per_sample_bias_once(batch, inputs, outputs, itemsize):
    weights = inputs * outputs + outputs
    crossing = batch * (inputs + inputs * outputs + outputs) + outputs
    return itemsize * weights, batch * inputs * outputs, itemsize * crossing


@dense_meters.mistake(
    "X and H cross, and the parameters do not. Where do they come from, the first time?", "W1"
)
def meters_parameters_free(batch, inputs, outputs, itemsize):
    weights = inputs * outputs + outputs
    crossing = batch * inputs + batch * outputs
    return itemsize * weights, batch * inputs * outputs, itemsize * crossing


@dense_meters.mistake(
    "that counts numbers where bytes are asked. Compare `W.size` with `W.nbytes`: which argument "
    "tells them apart?",
    "U2",
)
def meters_elements(batch, inputs, outputs, itemsize):
    weights = inputs * outputs + outputs
    return weights, batch * inputs * outputs, batch * inputs + weights + batch * outputs


@dense_meters.mistake(
    "every number has four bytes in it. What should change when the itemsize does?", "U3"
)
def meters_fp32(batch, inputs, outputs, itemsize):
    weights = inputs * outputs + outputs
    crossing = batch * inputs + weights + batch * outputs
    return 4 * weights, batch * inputs * outputs, 4 * crossing


@dense_meters.mistake(
    "those are FLOP in place of MACs. Which two operations does one MAC join?", "U1"
)
def meters_flop(batch, inputs, outputs, itemsize):
    weights = inputs * outputs + outputs
    crossing = batch * inputs + weights + batch * outputs
    return itemsize * weights, 2 * batch * inputs * outputs, itemsize * crossing


@dense_meters.mistake("what comes in is counted. Which array goes out?", "R1")
def meters_without_write(batch, inputs, outputs, itemsize):
    weights = inputs * outputs + outputs
    crossing = batch * inputs + weights
    return itemsize * weights, batch * inputs * outputs, itemsize * crossing


@dense_meters.mistake(
    "W, the bias and H cross. What else does every product need besides a weight?", "R1"
)
def meters_without_input(batch, inputs, outputs, itemsize):
    weights = inputs * outputs + outputs
    crossing = weights + batch * outputs
    return itemsize * weights, batch * inputs * outputs, itemsize * crossing


@dense_meters.mistake(
    "H crosses twice. How often does each array cross in the *compulsory* traffic?", "R1"
)
def meters_output_twice(batch, inputs, outputs, itemsize):
    weights = inputs * outputs + outputs
    crossing = batch * inputs + weights + 2 * batch * outputs
    return itemsize * weights, batch * inputs * outputs, itemsize * crossing


@dense_meters.mistake(
    "that counts neurons for weights. Write the shape of W as a tuple: is every axis in your "
    "product?",
    "P2",
)
def meters_neurons(batch, inputs, outputs, itemsize):
    weights = inputs + outputs
    crossing = batch * inputs + weights + batch * outputs
    return itemsize * weights, batch * (inputs + outputs), itemsize * crossing


@dense_meters.mistake(
    "those MACs are one for each output. How many products does each output add up?", "P2"
)
def meters_one_mac_per_output(batch, inputs, outputs, itemsize):
    weights = inputs * outputs + outputs
    crossing = batch * inputs + weights + batch * outputs
    return itemsize * weights, batch * outputs, itemsize * crossing
