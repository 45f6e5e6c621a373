"""Exercises and predictions of lesson 00: bytes, FLOP, intensity and the roofline."""

import numpy as np

from .cards import choice
from .kinds import exercise, prediction, value


@prediction(unit="multiply-adds")
def digit_macs():
    """How many multiply-adds does it take to recognise one digit?"""


@prediction(unit="×")
def batch_bytes():
    """For 64 digits instead of one, by what factor does the compulsory traffic of 784→100 grow?"""


@prediction(words=("compute", "movement"))
def first_limit():
    """What sets the time of `z = x + y` on 96 MB on your computer, `"compute"` or `"movement"`?"""


@prediction(words=("peak", "bandwidth", "neither"))
def all_threads():
    """From one thread to all of them, what grows more: `"peak"`, `"bandwidth"` or `"neither"`?"""


@prediction(words=("compute", "movement"))
def gemv_limit():
    """What limits `gemv`, a matrix of 1,024 × 1,024 times a vector: `"compute"` or `"movement"`?

    Fp32, on the reference machine.
    """


@value(
    minutes=1,
    level=1,
    unit="bytes",
    hints=[
        "How many vectors must be read to make one dot product?",
        "How many bits does fp32 have, and how many bytes is that?",
    ],
)
def dot_bytes():
    """How many bytes does `dot(x, y)` read, when both vectors hold 1,000 fp32 numbers?"""
    vectors, length, itemsize = 2, 1000, 4
    return vectors * length * itemsize


@dot_bytes.mistake(
    "that is how many numbers are read. What do `x.size` and `x.nbytes` say of one vector?", "U2"
)
def dot_elements():
    return 2 * 1000


@dot_bytes.mistake(
    "that is how long one vector is. How many vectors are read, and how many bytes is a number?",
    "U2",
)
def dot_length():
    return 1000


@dot_bytes.mistake(
    "that is one vector's worth. Whose numbers does each product need besides those of x?", "R1"
)
def dot_one_operand():
    return 1000 * 4


@dot_bytes.mistake(
    "that fits numbers of 64 bits. What is `x.itemsize` for an array of `np.float32`?", "U3"
)
def dot_fp64():
    return 2 * 1000 * 8


@value(
    minutes=2,
    level=1,
    unit="FLOP",
    hints=[
        "How many elements has the result, and how many products does each of them add up?",
        "One MAC is a multiply and an add. How many FLOP is that?",
    ],
)
def matmul_flops():
    """How many FLOP does the matrix product `(3×4) @ (4×5)` take, with 1 MAC = 2 FLOP?"""
    rows, inner, columns = 3, 4, 5
    return 2 * rows * inner * columns


@matmul_flops.also(
    "counted with one add fewer for each output (2K−1 for K products), which is right too; "
    "the course counts the add to the empty sum as well, 2K"
)
def matmul_without_first_add():
    return 3 * 5 * (2 * 4 - 1)


@matmul_flops.mistake(
    "one MAC is a multiply *and* an add. Which of the two, MAC or FLOP, did the question ask for?",
    "U1",
)
def matmul_macs():
    return 3 * 4 * 5


@matmul_flops.mistake(
    "that is enough for one column. What is the shape of the result, as a tuple?", "P2"
)
def matmul_one_column():
    return 2 * 3 * 4


@matmul_flops.mistake(
    "that is how many results there are. How many products are added up in each of them?", "P2"
)
def matmul_results():
    return 3 * 5


@value(
    minutes=2,
    level=1,
    unit="FLOP/B",
    tolerance=0.01,
    hints=[
        "Take one element of z. How many FLOP make it?",
        "Which arrays does that one element touch, for reading and for writing? In bytes?",
    ],
)
def add_intensity():
    """What is the arithmetic intensity of `z = x + y` on long fp32 vectors, each crossing once?"""
    flop, arrays, itemsize = 1, 3, 4
    return flop / (arrays * itemsize)


@add_intensity.mistake("x and y are read, and that is counted. Where does z go?", "R1")
def add_without_write():
    return 1 / (2 * 4)


@add_intensity.mistake(
    "that is FLOP for each element moved. How many bytes is one element? Compare `x.size` "
    "with `x.nbytes`.",
    "U2",
)
def add_per_element():
    return 1 / 3


@add_intensity.mistake(
    "one array has crossed. Name them all: which are read, and which is written?", "R1"
)
def add_one_array():
    return 1 / 4


@add_intensity.mistake(
    "a MAC is two FLOP, but is there a multiplication in x + y? How many FLOP make one element?",
    "U1",
)
def add_as_mac():
    return 2 / 12


@add_intensity.mistake(
    "that is how many bytes there are for each FLOP. Which of the two goes on top?", "G1"
)
def add_inverted():
    return 12


@add_intensity.mistake(
    "that counts z twice: as a cache that fetches a line before it is written would. How often "
    "does each number cross in the *compulsory* traffic?",
    "R1",
)
def add_with_fetch_of_z():
    return 1 / 16


@value(
    minutes=2,
    level=2,
    unit="GFLOP/s",
    hints=[
        "At 20 GB/s, how many FLOP can be done with the bytes that arrive in one second?",
        "Mark the intensity on the plot of the roofline. Which of the two lines is lower there?",
    ],
)
def attainable_rate():
    """A machine computes 100 GFLOP/s at its peak and moves 20 GB/s.

    What rate can a loop of intensity 0.5 FLOP/B attain on it?
    """
    peak, bandwidth, intensity = 100, 20, 0.5
    return min(peak, bandwidth * intensity)


@attainable_rate.mistake(
    "that is the flat roof. Mark the intensity on the plot: which line is lower there?", "G1"
)
def rate_is_peak():
    return 100


@attainable_rate.mistake(
    "what unit has GB/s divided by FLOP/B? Which combination of the two gives GFLOP/s?", "G1"
)
def rate_bandwidth_divided():
    return 20 / 0.5


@attainable_rate.mistake(
    "that is half of the peak, but intensity is no share of the peak. Which rate, when multiplied "
    "by FLOP/B, gives FLOP/s?",
    "G1",
)
def rate_peak_times_intensity():
    return 100 * 0.5


@attainable_rate.mistake(
    "that is the ridge, the intensity (in FLOP/B) where the two lines meet. How high is the roof "
    "at the intensity that is asked?",
    "G1",
)
def rate_is_ridge():
    return 100 / 20


@value(
    minutes=1,
    level=2,
    unit="elements",
    hints=[
        "How many bytes is one MiB? And 4 of them?",
        "What does `np.dtype(np.float16).itemsize` say?",
    ],
)
def half_elements():
    """How many fp16 numbers fit into a cache of 4 MiB?"""
    mebibytes, itemsize = 4, 2
    return mebibytes * 2**20 // itemsize


@half_elements.mistake("is 4 MiB 4,000,000 bytes? How many KiB are in a MiB?", "U3")
def half_decimal():
    return 4 * 10**6 // 2


@half_elements.mistake(
    "is 4 MiB 4,000,000 bytes? And how many bytes does one number of 16 bits take?", "U3"
)
def half_decimal_bytes():
    return 4 * 10**6


@half_elements.mistake(
    "that is more numbers than there are bytes. Do numbers of two bytes fit more often, or less?",
    "U2",
)
def half_multiplied():
    return 4 * 2**20 * 2


@half_elements.mistake("that is how many bits there are. How many bits does one number take?", "U3")
def half_bits():
    return 4 * 2**20 * 8


@half_elements.mistake("that fits numbers of 32 bits. What is the itemsize of fp16?", "U3")
def half_as_fp32():
    return 4 * 2**20 // 4


@half_elements.mistake(
    "that is how many bytes there are. How many of them does one number take?", "U2"
)
def half_bytes():
    return 4 * 2**20


@exercise(
    minutes=5,
    level=3,
    hints=[
        "Two things can set the rate. What rate does each of them allow at this intensity?",
        "Which of the two rates wins: the higher or the lower?",
        "Which NumPy function takes the smaller of two values, element by element?",
    ],
)
def roofline(intensity, peak, bandwidth):
    """Give the rate in GFLOP/s that a loop can attain on a machine.

    `intensity` is in FLOP/B: one number, or a NumPy array of them.
    `peak` is in GFLOP/s and `bandwidth` in GB/s.
    An array goes in, an array of the same shape comes out.
    """
    # BEGIN SOLUTION
    return np.minimum(peak, bandwidth * intensity)
    # END SOLUTION


@roofline.cases
def _draw(random):
    bandwidth, ridge = random.randint(15, 25), random.randint(4, 8)
    peak = ridge * bandwidth + 3
    across = np.array([0.25, 1.0, ridge - 0.5, ridge + 0.5, 40.0])
    return [(0.5, 100, 20), (8.0, 100, 20), (across, peak, bandwidth)]


@roofline.mistake(
    "intensity is no share of the peak. Which rate, when multiplied by FLOP/B, gives FLOP/s?", "G1"
)
def peak_slope(intensity, peak, bandwidth):
    return peak * intensity


@roofline.mistake(
    "intensity is no share of the peak. Which rate, when multiplied by FLOP/B, gives FLOP/s? "
    "Your minimum is well placed.",
    "G1",
)
def peak_slope_with_roof(intensity, peak, bandwidth):
    return np.minimum(peak, peak * intensity)


@roofline.mistake(
    "this line rises for ever. Mark a large intensity on the plot: which line is lower there?", "G1"
)
def no_roof(intensity, peak, bandwidth):
    return bandwidth * intensity


@roofline.mistake(
    "this is flat everywhere. Mark a small intensity on the plot: which line is lower there?", "G1"
)
def only_roof(intensity, peak, bandwidth):
    return np.full_like(intensity, peak, dtype=float)


@roofline.mistake(
    "this is flat everywhere, and one number even for an array. Mark a small intensity on the "
    "plot: which line is lower there?",
    "G1",
)
def only_peak(intensity, peak, bandwidth):
    return peak


@roofline.mistake(
    "what unit has GB/s divided by FLOP/B? Which combination of the two gives GFLOP/s?", "G1"
)
def divided(intensity, peak, bandwidth):
    return np.minimum(peak, bandwidth / intensity)


@roofline.mistake(
    "the higher of the two lines is out of reach. Which of them does a loop meet first?", "G1"
)
def higher_line(intensity, peak, bandwidth):
    return np.maximum(peak, bandwidth * intensity)


@roofline.mistake(
    "right for one number; but `min` and `if` want one yes or no, and an array gives many. "
    "Which NumPy function takes the smaller element by element?"
)
def python_min(intensity, peak, bandwidth):
    return min(peak, bandwidth * intensity)


@choice(
    minutes=3,
    level=2,
    concept=True,
    hints=[
        "What is the core waiting for, most of the time?",
        "Where does `z = x + y` stand on the roofline, and which of its two lines moves?",
    ],
    options=[
        "half as long",
        "about 70 % as long",
        "about as long as before",
        "longer",
    ],
)
def faster_core():
    """Cores twice as fast, the same DRAM. How long does `z = x + y` on 96 MB take?"""
    return "c"


@faster_core.mistake("that is so where arithmetic sets the time. Does it here?", "G1")
def all_of_it_faster():
    return "a"


@faster_core.mistake(
    "that would be half of the time computing, half of it moving. Do bytes wait for arithmetic "
    "here, or arithmetic for bytes?",
    "G1",
)
def half_of_it_faster():
    return "b"


@faster_core.mistake("who would be slower than before, the core or the memory?", "G1")
def memory_crowded():
    return "d"
