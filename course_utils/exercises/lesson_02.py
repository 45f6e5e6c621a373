"""Exercises and predictions of lesson 02: what a small window keeps, computes and moves."""

from .cards import choice, order
from .kinds import exercise, prediction, value


@prediction(unit="%")
def shuffled_accuracy():
    """Of the held-out digits, the network of 16 filters, 5 × 5, names about nine in ten.

    How many %, when all digits, in training and test, get their pixels shuffled in one and the
    same way?
    """


@prediction(unit="%")
def map_share():
    """32 filters of 3 × 3 make maps of 28 × 28 from a digit; image, filters and maps cross once.

    How many % of these bytes are the maps?
    """


@prediction(unit="×")
def conv_work():
    """A dense layer 784→100 takes 78,400 MACs a digit.

    32 filters of 3 × 3 have 288 weights and make maps of 28 × 28.
    By what factor does the work change?
    """


@prediction(unit="reads")
def mean_reads():
    """A window of 3 × 3 goes over 7 × 7 pixels, without padding.

    How often is a pixel read on average?
    """


@prediction(unit="×")
def copy_time():
    """64 maps of 56 × 56, 64 filters of 3 × 3: the windows are copied, nine times the input, and
    one product of NumPy follows.

    How many times as fast is that on your computer as compiled loops, x innermost, without a copy?
    """


@prediction(words=("weight", "output", "input"))
def best_order():
    """32 filters of 3 × 3 over a digit, and a cache of 4 KiB: the digit fits, a map fits, both
    together do not.

    Which of these three orders moves the fewest lines: the weight's, the output's or the input's?
    """


@value(
    minutes=1,
    recalls="01",
    unit="weights",
    hints=["What is the shape of W, and how many numbers is that?"],
)
def recall_weights():
    """How many weights has a dense layer 20→30, without its bias?"""
    inputs, outputs = 20, 30
    return inputs * outputs


@recall_weights.mistake(
    "that counts neurons, not connections. Write the shape of W as a tuple: how many numbers are "
    "in it?",
    "P2",
)
def weights_as_neurons():
    return 20 + 30


@recall_weights.mistake("the bias is in there. Does the question ask for it?", "P1")
def weights_with_bias():
    return 20 * 30 + 30


@recall_weights.mistake(
    "that adds something for every input. What is asked besides the connections?", "P1"
)
def weights_with_bias_per_input():
    return 20 * 30 + 20


@recall_weights.mistake("that is how many bytes they take in fp32. Which is asked?", "U2")
def weights_as_bytes():
    return 4 * 20 * 30


@choice(
    minutes=1,
    recalls="01",
    hints=["Which of the four can be read off without knowing the order of the loops?"],
    options=[
        "its MACs",
        "how often each weight is used",
        "its misses in a cache",
        "its compulsory bytes",
    ],
)
def recall_order():
    """Two orders of the loops of one layer. What can differ between them?"""
    return "c"


@recall_order.mistake("does any product vanish when the loops change places?", "P2")
def order_changes_macs():
    return "a"


@recall_order.mistake(
    "a weight meets every sample of the batch. Are there more samples in another order?", "B1"
)
def order_changes_uses():
    return "b"


@recall_order.mistake(
    "each array crosses once, whatever happens between. Does that know of an order?", "W1"
)
def order_changes_compulsory():
    return "d"


@value(
    minutes=1,
    recalls="00",
    unit="bytes",
    hints=["Which arrays come in, and which goes out?", "How many bytes does one number take?"],
)
def recall_add_bytes():
    """How many bytes must cross for z = x + y, vectors of 1,000 numbers in fp32?"""
    vectors, length, itemsize = 3, 1000, 4
    return vectors * length * itemsize


@recall_add_bytes.mistake("x and y have come in. Where does z go?", "R1")
def add_without_write():
    return 2 * 1000 * 4


@recall_add_bytes.mistake("that is one of the vectors. How many are there?", "R1")
def add_one_vector():
    return 1000 * 4


@recall_add_bytes.mistake("that is how many numbers cross. How many bytes has one of them?", "U2")
def add_elements():
    return 3 * 1000


@recall_add_bytes.mistake("that fits numbers of 64 bits. How many bytes are 32 bits?", "U3")
def add_fp64():
    return 3 * 1000 * 8


@recall_add_bytes.mistake("that fits numbers of 16 bits. How many bytes are 32 bits?", "U3")
def add_fp16():
    return 3 * 1000 * 2


@value(
    minutes=2,
    level=1,
    unit="outputs",
    hints=[
        "Where does the first window begin, and where the second?",
        "Draw the last window: does it still fit, and does one more?",
    ],
)
def conv_side():
    """A window of 3 pixels goes along 28 pixels, stride 2, no padding. How many outputs?"""
    side, taps, stride = 28, 3, 2
    return (side - taps) // stride + 1


@conv_side.mistake(
    "that is the side over the stride. Draw the last of these windows: does it fit?", "O1"
)
def side_over_stride():
    return 28 // 2


@conv_side.mistake(
    "that counts the steps between windows. Do three windows take three steps, or two?", "O1"
)
def side_without_first():
    return (28 - 3) // 2


@conv_side.mistake(
    "that is for a window that moves by one pixel. By how many does this one move?", "S1"
)
def side_without_stride():
    return 28 - 3 + 1


@conv_side.mistake(
    "half a window is left over at the end. Can an output see pixels that are not there?", "O2"
)
def side_not_rounded():
    return (28 - 3) / 2 + 1


@conv_side.mistake(
    "those are the places to the right of the first window. By how many pixels does it move at a "
    "time?",
    "S1",
)
def side_places():
    return 28 - 3


@conv_side.mistake(
    "that is with a border of zeros at both ends. Which windows fit without it?", "S1"
)
def side_with_padding_of_two():
    return (28 + 4 - 3) // 2 + 1


@conv_side.mistake("that is for a whole picture. How many along one side?", "P2")
def side_squared():
    return ((28 - 3) // 2 + 1) ** 2


@conv_side.mistake("those windows lie side by side. Does a stride of 2 leave no overlap?", "S1")
def side_by_windows():
    return 28 // 3


@value(
    minutes=2,
    level=1,
    unit="parameters",
    hints=[
        "How many pixels, in all channels, does one output look at?",
        "How many filters are there, and has each of them a bias of its own?",
    ],
)
def conv_params():
    """How many parameters do 32 filters of 3 × 3 over 3 channels have, each with a bias?"""
    filters, channels, taps = 32, 3, 3 * 3
    return filters * channels * taps + filters


@conv_params.mistake("those are the weights alone. What does each map add to its sums?", "P1")
def filters_without_bias():
    return 32 * 3 * 9


@conv_params.mistake(
    "those filters look at one channel. How many numbers lie under a window of this picture?", "P2"
)
def filters_of_one_channel():
    return 32 * 9 + 32


@conv_params.mistake(
    "one channel, and no bias. Write the shape of W as a tuple: is every axis in your product?",
    "P2",
)
def filters_of_one_channel_without_bias():
    return 32 * 9


@conv_params.mistake(
    "that has a bias for every input channel. What is the bias added to: the input or the maps?",
    "P1",
)
def filters_bias_per_channel():
    return 32 * 3 * 9 + 3


@conv_params.mistake(
    "that has one bias for all maps. Do all maps start from the same number?", "P1"
)
def filters_one_bias():
    return 32 * 3 * 9 + 1


@conv_params.mistake(
    "each filter has a bias for every channel it reads. To how many sums is a bias added there?",
    "P1",
)
def filters_bias_per_filter_and_channel():
    return 32 * 3 * (9 + 1)


@conv_params.mistake(
    "one channel, and one bias for all maps. How many numbers lie under a window, and how many "
    "sums are there?",
    "P2",
)
def filters_of_one_channel_and_one_bias():
    return 32 * 9 + 1


@conv_params.mistake("that is a single filter with its bias. How many filters are there?", "P2")
def filters_single():
    return 3 * 9 + 1


@conv_params.mistake("that is a single filter without bias. How many filters are there?", "P2")
def filters_single_without_bias():
    return 3 * 9


@conv_params.mistake(
    "that has a weight for every pixel of a map. Does a filter change as it moves?", "W1"
)
def filters_per_position():
    return 28 * 28 * (32 * 3 * 9 + 32)


@conv_params.mistake("that is how many bytes they take in fp32. Which is asked?", "U2")
def filters_bytes():
    return 4 * (32 * 3 * 9 + 32)


@value(
    minutes=3,
    level=2,
    unit="MAC",
    hints=[
        "How many outputs are there, all maps together?",
        "How many products does each output add up?",
    ],
)
def conv_macs():
    """How many MACs do 32 filters of 3 × 3 take over a 28 × 28 digit, with maps of 28 × 28?

    The border of zeros around the digit is multiplied as well.
    """
    filters, side, channels, taps = 32, 28, 1, 3 * 3
    return filters * side * side * channels * taps


@conv_macs.mistake(
    "that is for maps that shrink. How many windows are there with a border of zeros?", "S1"
)
def macs_of_valid_maps():
    return 32 * 26 * 26 * 9


@conv_macs.mistake("that leaves out the products with zeros. Does the task count them?", "S1")
def macs_on_pixels():
    return 32 * 82 * 82


@conv_macs.mistake("that is for a coloured picture. How many channels has a digit?", "P2")
def macs_of_three_channels():
    return 32 * 28 * 28 * 3 * 9


@conv_macs.mistake("that is enough for one place. At how many places do the filters stand?", "P2")
def macs_of_one_position():
    return 32 * 9


@conv_macs.mistake("one filter does that. How many are there?", "P2")
def macs_of_one_filter():
    return 28 * 28 * 9


@conv_macs.mistake(
    "one MAC is a multiply *and* an add. Which of the two, MAC or FLOP, did the question ask for?",
    "U1",
)
def conv_flops():
    return 2 * 32 * 28 * 28 * 9


@conv_macs.mistake(
    "those are FLOP, with one add fewer for each output. Is the question about FLOP or MACs?", "U1"
)
def conv_flops_without_first_add():
    return 32 * 28 * 28 * (2 * 9 - 1)


@conv_macs.mistake(
    "that counts a bias as one more product for each output. Does adding it multiply anything?",
    "P1",
)
def conv_macs_with_bias():
    return 32 * 28 * 28 * (9 + 1)


@conv_macs.mistake("that is how many outputs there are. How many products has each?", "P2")
def conv_outputs():
    return 32 * 28 * 28


@conv_macs.mistake("those windows have three taps. How many have 3 × 3?", "P2")
def macs_of_one_row():
    return 32 * 28 * 28 * 3


@conv_macs.mistake(
    "that lets every output look at the whole digit. How many pixels lie under a window?", "S1"
)
def macs_of_dense_layer():
    return 32 * 28 * 28 * 28 * 28


@value(
    minutes=3,
    level=2,
    unit="reads",
    tolerance=0.001,
    hints=[
        "How many windows are there, and how many pixels does each of them read?",
        "All reads are shared out: over what?",
    ],
)
def pixel_reads():
    """How often does one 3 × 3 filter read a pixel of a 28 × 28 digit, on average, no padding?"""
    side, taps = 28, 3
    windows = (side - taps + 1) ** 2
    return windows * taps**2 / side**2


@pixel_reads.mistake(
    "so often a pixel in the middle is read. How many windows can see the corner?", "S1"
)
def reads_in_the_middle():
    return 9


@pixel_reads.mistake(
    "one read a pixel is what must come in. How many windows overlap on a pixel?", "S1"
)
def reads_once():
    return 1


@pixel_reads.mistake("that is windows over pixels. How many pixels does each window read?", "S1")
def reads_windows_over_pixels():
    return 26**2 / 28**2


@pixel_reads.mistake(
    "that is with a border of zeros around. Which windows are there without it?", "S1"
)
def reads_with_padding():
    return 82 * 82 / 28**2


@pixel_reads.mistake(
    "the digit loses a border along one axis there. What about the other one?", "S1"
)
def reads_one_axis():
    return 26 * 28 * 9 / 28**2


@pixel_reads.mistake(
    "that shares the reads out over the windows' places. Over how many pixels should it be?", "S1"
)
def reads_inverted():
    return 28**2 * 9 / 26**2


@pixel_reads.mistake("that is rounded too far, or nearly right: which digits come next?", "O2")
def reads_rounded():
    return 7.8


@pixel_reads.mistake("that is with a border of zeros, and rounded. Which windows are there?", "S1")
def reads_with_padding_rounded():
    return 8.6


@pixel_reads.mistake(
    "that is for 7 × 7 pixels. What changes when the border is a smaller part?", "S1"
)
def reads_of_the_bet():
    return 25 * 9 / 49


@pixel_reads.mistake("that is for 32 filters. How many does the question have?", "P2")
def reads_of_all_filters():
    return 32 * 26**2 * 9 / 28**2


@pixel_reads.mistake("those are all reads together. How many pixels share them?", "P2")
def reads_total():
    return 26**2 * 9


@pixel_reads.mistake(
    "so many windows read a pixel at the edge. Is that the mean, or one of three cases?", "S1"
)
def reads_at_the_edge():
    return 3


@exercise(
    minutes=4,
    level=2,
    hints=[
        "One row for each window: how many windows does an image hold without padding?",
        "One column for each number under the window: how many are there with several channels?",
        "Take 3 × 3 pixels, 2 × 2 taps, one channel, and write the matrix down: how large is it?",
    ],
)
def im2col_shape(side, taps, channels, filters):
    """Give the shape of one image's im2col matrix, without padding.

    The image has `channels` × `side` × `side` numbers, each of the `filters` is
    `channels` × `taps` × `taps` and moves by one pixel.  A row is a window.
    Return two whole numbers, rows and columns.
    """
    # BEGIN SOLUTION
    windows = (side - taps + 1) ** 2
    return windows, channels * taps**2
    # END SOLUTION


@im2col_shape.cases
def _draw_images(random):
    side, taps = random.randint(11, 17), random.randint(3, 5)
    return [(28, 3, 1, 32), (3, 2, 5, 4), (side, taps, 3, 6), (side + 2, taps + 1, 4, 2)]


@im2col_shape.mistake(
    "a row for every pixel: that is with padding. How many windows fit without it?", "S1"
)
def shape_of_same_padding(side, taps, channels, filters):
    return side**2, channels * taps**2


@im2col_shape.mistake(
    "rows and columns have changed places. Which of the two is a window here?", "S1"
)
def shape_transposed(side, taps, channels, filters):
    return channels * taps**2, (side - taps + 1) ** 2


@im2col_shape.mistake(
    "the filters are in the columns. Does the copy know of any filter, or does the product?", "P2"
)
def shape_with_filters(side, taps, channels, filters):
    return (side - taps + 1) ** 2, channels * taps**2 * filters


@im2col_shape.mistake(
    "those columns are of one channel. Which numbers does one output add up?", "P2"
)
def shape_of_one_channel(side, taps, channels, filters):
    return (side - taps + 1) ** 2, taps**2


@im2col_shape.mistake(
    "a row for every window and channel. Does one output add up over the channels?", "P2"
)
def shape_with_channels_in_rows(side, taps, channels, filters):
    return channels * (side - taps + 1) ** 2, taps**2


@im2col_shape.mistake(
    "count the windows along one side of the smallest case: is it the side less the taps?", "O1"
)
def shape_off_by_one(side, taps, channels, filters):
    return (side - taps) ** 2, channels * taps**2


@im2col_shape.mistake("those rows are the windows along one side. How many are there in all?", "P2")
def shape_of_one_side(side, taps, channels, filters):
    return side - taps + 1, channels * taps**2


@im2col_shape.mistake("a window has taps along both axes. How many pixels lie under it?", "P2")
def shape_of_one_row(side, taps, channels, filters):
    return (side - taps + 1) ** 2, channels * taps


@im2col_shape.mistake(
    "that is the shape of the maps, a row for each window. What comes before the product?", "P2"
)
def shape_of_maps(side, taps, channels, filters):
    return (side - taps + 1) ** 2, filters


@order(
    minutes=4,
    level=2,
    hints=[
        "Which two loops go over the outputs, and which over what one output adds up?",
        "Along a row of 28 pixels, where does the last window of 3 begin?",
    ],
    extra=["for x in range(28):"],
)
def row_loops():
    """Put the lines in order and indent them: 32 filters of 3 taps over a row `X` of 28 pixels.

    There is no padding.
    """
    return """
        for k in range(32):
            for x in range(26):
                H[k,x] = 0
                for s in range(3):
                    H[k,x] += X[x+s] * W[k,s]
    """


@row_loops.also("right as well: all filters at one place first, so that its pixels stay near")
def loops_place_first():
    return """
        for x in range(26):
            for k in range(32):
                H[k,x] = 0
                for s in range(3):
                    H[k,x] += X[x+s] * W[k,s]
    """


@row_loops.mistake("that goes over 28 places. Which pixels would the last window read?", "S1")
def loops_off_the_row():
    return """
        for k in range(32):
            for x in range(28):
                H[k,x] = 0
                for s in range(3):
                    H[k,x] += X[x+s] * W[k,s]
    """


@row_loops.mistake(
    "that goes over 28 places, for all filters at each. Which pixels would the last window read?",
    "S1",
)
def loops_off_the_row_place_first():
    return """
        for x in range(28):
            for k in range(32):
                H[k,x] = 0
                for s in range(3):
                    H[k,x] += X[x+s] * W[k,s]
    """


@row_loops.mistake("the sum starts anew at every tap. What is left of the one before?")
def loops_start_at_every_tap():
    return """
        for k in range(32):
            for x in range(26):
                for s in range(3):
                    H[k,x] = 0
                    H[k,x] += X[x+s] * W[k,s]
    """


@row_loops.mistake("each tap goes over all places again. What does `H[k,x] = 0` do to a sum?")
def loops_tap_outside():
    return """
        for k in range(32):
            for s in range(3):
                for x in range(26):
                    H[k,x] = 0
                    H[k,x] += X[x+s] * W[k,s]
    """


@row_loops.mistake("the zero comes last. What is left of the sum then?")
def loops_zero_last():
    return """
        for k in range(32):
            for x in range(26):
                for s in range(3):
                    H[k,x] += X[x+s] * W[k,s]
                H[k,x] = 0
    """


@row_loops.mistake("one filter's loop holds the zero. Which x does it mean there?")
def loops_zero_without_place():
    return """
        for k in range(32):
            H[k,x] = 0
            for x in range(26):
                for s in range(3):
                    H[k,x] += X[x+s] * W[k,s]
    """


@row_loops.mistake("what stood in `H` before is still in the sums. What should they start from?")
def loops_without_zero():
    return """
        for k in range(32):
            for x in range(26):
                for s in range(3):
                    H[k,x] += X[x+s] * W[k,s]
    """


@choice(
    minutes=3,
    level=2,
    concept=True,
    hints=[
        "Write the shape of both W as tuples: which holds more numbers?",
        "How often is one weight of each layer used for one digit?",
    ],
    options=[
        "fewer weights, fewer MACs",
        "fewer weights, more MACs",
        "fewer weights, as many MACs",
        "more weights, more MACs",
    ],
)
def swapped_layer():
    """In place of a dense layer 784→100: 32 filters of 3 × 3, padded, over the same digit. So?"""
    return "b"


@swapped_layer.mistake(
    "the weights are fewer. How often is each of them used before the digit is done?", "P2"
)
def swap_fewer_of_both():
    return "a"


@swapped_layer.mistake(
    "count the MACs of one place first. At how many places do the filters stand?", "P2"
)
def swap_same_work():
    return "c"


@swapped_layer.mistake(
    "there are more outputs, that is true. Does each of them bring weights of its own?", "W1"
)
def swap_more_of_both():
    return "d"


@value(
    minutes=4,
    level=3,
    unit="FLOP/B",
    tolerance=0.002,
    hints=[
        "Which arrays cross: the maps, the filters, and what besides?",
        "The matrix of windows is written by the copy. Who reads it?",
        "How many numbers has the matrix, and how many FLOP is one MAC?",
    ],
)
def lowered_intensity():
    """What is the intensity of 3 × 3 filters 64→64 over 56 × 56 pixels as im2col and a product?

    Padding 1, fp32, no bias.  The matrix of windows goes out to main memory and comes back; the
    input, with its border of zeros, the filters and the maps cross once.
    """
    places, bordered, maps, taps = 56**2, 58**2, 64, 9
    flop = 2 * places * maps * maps * taps
    matrix = places * maps * taps
    once = bordered * maps + maps * maps * taps + places * maps
    return flop / (4 * (once + 2 * matrix))


def _lowered(matrices=2, image=1, filters=1, maps=1, side=58):
    """The answer, were its arrays to cross so often."""
    flop = 2 * 56**2 * 64 * 64 * 9
    numbers = matrices * 56**2 * 64 * 9 + image * side**2 * 64 + maps * 56**2 * 64
    return flop / (4 * (numbers + filters * 64 * 64 * 9))


@lowered_intensity.also("right but for the border: the copy reads 58 × 58 pixels a channel")
def lowered_without_border():
    return _lowered(side=56)


@lowered_intensity.mistake(
    "that is without any copy. Where are the windows written to, and who reads them?", "R1"
)
def lowered_without_matrix():
    return _lowered(matrices=0, side=56)


@lowered_intensity.mistake("the matrix crosses once there. Who wrote it, and who reads it?", "R1")
def lowered_matrix_once():
    return _lowered(matrices=1)


@lowered_intensity.mistake(
    "the matrix crosses once there, and the input has no border. Who wrote it, and who reads it?",
    "R1",
)
def lowered_matrix_once_without_border():
    return _lowered(matrices=1, side=56)


@lowered_intensity.mistake(
    "the matrix crosses three times there. Who wrote it, who reads it?", "R1"
)
def lowered_matrix_three_times():
    return _lowered(matrices=3)


@lowered_intensity.mistake(
    "that is MACs for each byte, or numbers of 64 bits. How many FLOP is one MAC, and how many "
    "bytes has fp32?",
    "U1",
)
def lowered_macs():
    return _lowered() / 2


@lowered_intensity.mistake(
    "that is FLOP for each number that crosses. How many bytes is one number?", "U2"
)
def lowered_per_element():
    return 4 * _lowered()


@lowered_intensity.mistake(
    "that is MACs for each number, or numbers of two bytes. Which units has FLOP/B, and how many "
    "bytes has fp32?",
    "U3",
)
def lowered_macs_per_element():
    return 2 * _lowered()


@lowered_intensity.mistake(
    "the matrix crosses, and nothing else. Which arrays stand before and after it?", "R1"
)
def lowered_matrix_alone():
    return _lowered(image=0, filters=0, maps=0)


@lowered_intensity.mistake("close: is something rounded, or has a border been left out?", "O2")
def lowered_rounded():
    return 14.3


@lowered_intensity.mistake(
    "that is the product alone. What happens before it, for no FLOP at all?", "R1"
)
def lowered_product_alone():
    return _lowered(matrices=1, image=0)


@lowered_intensity.mistake(
    "that is a border around the input and still no matrix. Where are the windows written to?", "R1"
)
def lowered_border_without_matrix():
    return _lowered(matrices=0)


@lowered_intensity.mistake("what does the copy read before it writes anything?", "R1")
def lowered_without_image():
    return _lowered(image=0)


@lowered_intensity.mistake("the product reads two matrices. Where do its sums go?", "R1")
def lowered_without_maps():
    return _lowered(maps=0)


@lowered_intensity.mistake(
    "the matrix and the maps cross. What are the windows multiplied by?", "W1"
)
def lowered_without_filters():
    return _lowered(filters=0)


@lowered_intensity.mistake(
    "that is one filter's work for the bytes of all. How many filters share the matrix?", "P2"
)
def lowered_one_filter():
    return _lowered() / 64


@exercise(
    minutes=5,
    level=3,
    hints=[
        "Over how many pixels does a window reach whose taps are `dilation` apart?",
        "How far can the first pixel of the window travel on the padded side?",
        "How many steps of `stride` fit into that way, and how many windows do they join?",
    ],
)
def conv_out(side, taps, padding, stride, dilation=1):
    """Count the outputs of a convolution along one axis.

    `side` pixels have `padding` zeros at both ends; a window of `taps` pixels, `dilation` apart,
    moves by `stride` and must fit.  Return a whole number.
    """
    # BEGIN SOLUTION
    reach = dilation * (taps - 1) + 1
    return (side + 2 * padding - reach) // stride + 1
    # END SOLUTION


@conv_out.cases
def _draw_sides(random):
    side, padding = random.randint(40, 60), random.randint(4, 6)
    fixed = [(28, 3, 0, 2), (224, 7, 3, 2), (32, 4, 1, 2), (7, 3, 0, 2), (10, 3, 1, 1)]
    return [*fixed, (33, 3, 2, 2, 2), (side, 4, padding, 3, 3), (side, 5, padding + 1, 5, 2)]


@conv_out.mistake(
    "it rounds up. Draw the last window of 7 pixels, 4 taps, stride 2: does it fit?", "O2"
)
def out_rounded_up(side, taps, padding, stride, dilation=1):
    reach = dilation * (taps - 1) + 1
    return -(-(side + 2 * padding - reach) // stride) + 1


@conv_out.mistake("it gives parts of an output. What becomes of a window that does not fit?", "O2")
def out_not_rounded(side, taps, padding, stride, dilation=1):
    reach = dilation * (taps - 1) + 1
    return (side + 2 * padding - reach) / stride + 1


@conv_out.mistake("it leaves the dilation out. How wide is a window with gaps in it?", "S1")
def out_without_dilation(side, taps, padding, stride, dilation=1):
    return (side + 2 * padding - taps) // stride + 1


@conv_out.mistake(
    "taps times dilation has a gap too many. How many gaps are there between 3 taps?", "O1"
)
def out_with_dilated_taps(side, taps, padding, stride, dilation=1):
    return (side + 2 * padding - dilation * taps) // stride + 1


@conv_out.mistake("it pads one end. How many zeros come in all?", "S1")
def out_padded_once(side, taps, padding, stride, dilation=1):
    reach = dilation * (taps - 1) + 1
    return (side + padding - reach) // stride + 1


@conv_out.mistake("it leaves the padding out. How long is the side that the window sees?", "S1")
def out_without_padding(side, taps, padding, stride, dilation=1):
    reach = dilation * (taps - 1) + 1
    return (side - reach) // stride + 1


@conv_out.mistake("it counts the steps. How many windows do three steps join?", "O1")
def out_without_first(side, taps, padding, stride, dilation=1):
    reach = dilation * (taps - 1) + 1
    return (side + 2 * padding - reach) // stride


@conv_out.mistake("it leaves the stride out. By how many pixels does the window move?", "S1")
def out_without_stride(side, taps, padding, stride, dilation=1):
    reach = dilation * (taps - 1) + 1
    return side + 2 * padding - reach + 1


@conv_out.mistake(
    "the one is added before the division. Is the first window a pixel or a step?", "O1"
)
def out_one_too_early(side, taps, padding, stride, dilation=1):
    reach = dilation * (taps - 1) + 1
    return (side + 2 * padding - reach + 1) // stride


@conv_out.mistake(
    "that is the side over the stride, right for some paddings alone. Where is the window in it?",
    "O1",
)
def out_side_over_stride(side, taps, padding, stride, dilation=1):
    return side // stride
