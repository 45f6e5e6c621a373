"""Exercises and predictions of lesson 10: systolic arrays, ridges, energy."""

from .cards import choice, order
from .kinds import exercise, prediction, value


@prediction(unit="×")
def half_time():
    """Two arrays of 256 × 256 are multiplied by NumPy on your computer, in fp32 and in fp16.

    How many times as long does fp16 take?
    """


@prediction(unit="cycles")
def one_row_cycles():
    """16 × 16 PEs, their weights are in. One row of X goes through.

    How many cycles is it until the last of its 16 sums is done?
    """


@prediction(unit="%")
def on_chip():
    """An H100 has 50 MB of cache on the chip. Llama-2 7B has 6.7 G weights in 16 bit.

    How many % of them fit?
    """


@prediction(unit="tokens")
def full_batch():
    """A layer 4096→4096 in 16 bit, on an H100: 989.4 TFLOP/s, 3.35 TB/s.

    With how many tokens at once does it stop waiting for memory?
    """


@prediction(unit="%")
def arithmetic_share():
    """One digit goes through the layer 784→100, all from DRAM and back to it, in fp32.

    How many % of the energy of both does the arithmetic take?
    """


@prediction(unit="dots")
def faster_by_hbm():
    """A chip of 32 arrays of 32 × 32, 8 MiB and 2 stacks gets 2 more, and nothing else changes.

    Six dots stand on its roof or below: an MLP with 32 digits, a CNN, an RNN of 64 steps,
    attention, decode and prefill. How many of them rise?
    """


@value(
    minutes=1,
    recalls="09",
    unit="rounds",
    hints=["How many rounds until each rank has one complete sum, and how many after that?"],
)
def recall_ring_rounds():
    """Five ranks all-reduce round a ring, a part a round. How many rounds does it take?"""
    ranks = 5
    return 2 * (ranks - 1)


@recall_ring_rounds.mistake("by then each has a part of the sum: and the others?", "D1")
def ring_half_done():
    return 4


@recall_ring_rounds.mistake("two ranks: how many rounds has each half?", "O1")
def ring_fencepost():
    return 10


@recall_ring_rounds.mistake("so many ranks are there. What must come round to each of them?", "D1")
def ring_ranks():
    return 5


@recall_ring_rounds.mistake("one of the halves needs as many as the other, does it not?", "O1")
def ring_odd_halves():
    return 9


@recall_ring_rounds.mistake("that is a tree, there and back. Who sends to whom on a ring?", "D1")
def ring_as_tree():
    return 6


@value(
    minutes=1,
    recalls="07",
    unit="times",
    hints=["How often does an element of A cross, if a tile has one number? Two numbers a side?"],
)
def recall_tile_side():
    """A product is computed in square tiles, and the side of a tile grows from 8 to 48.

    How many times fewer numbers of A and B come from memory?
    """
    small, large = 8, 48
    return large / small


@recall_tile_side.mistake("that is how the area grows. How often is a row of A read?", "K1")
def tile_by_area():
    return 36


@recall_tile_side.mistake("by how many is that more? How many times is it?", "Q1")
def tile_difference():
    return 40


@recall_tile_side.mistake("that is the new side. What was it before?", "Q1")
def tile_side_alone():
    return 48


@recall_tile_side.mistake("A and B both cross less often: is the sum of both less by more?", "Q1")
def tile_both():
    return 12


@recall_tile_side.mistake("does a larger tile change nothing?", "K1")
def tile_the_same():
    return 1


@value(
    minutes=1,
    recalls="04",
    unit="bytes",
    hints=["How many scores has one head, and how many bytes is each?"],
)
def recall_scores():
    """One layer of attention, 300 tokens, 4 heads, fp16, no mask: how many bytes are all scores?"""
    tokens, heads, itemsize = 300, 4, 2
    return heads * tokens**2 * itemsize


@recall_scores.mistake("does each head score for itself?", "H1")
def scores_of_one_head():
    return 300**2 * 2


@recall_scores.mistake("those are the scores. How many bytes has one of them?", "U2")
def scores_not_bytes():
    return 4 * 300**2


@recall_scores.mistake("that is fp32. What is its itemsize in fp16?", "U3")
def scores_fp32():
    return 4 * 300**2 * 4


@recall_scores.mistake("that scores each token once. Whom does a token score?", "Q1")
def scores_linear():
    return 4 * 300 * 2


@recall_scores.mistake("is half of them left out where nothing was said of a mask?", "S1")
def scores_causal():
    return 4 * 300 * 301 // 2 * 2


@value(
    minutes=3,
    level=1,
    unit="cycles",
    hints=[
        "Draw 2 × 2 PEs and one row of X. In which cycle does the last PE work?",
        "When does the last row of X enter at the top left, and how far is it from there to the "
        "last PE?",
    ],
)
def array_cycles():
    """On 4 × 4 PEs the weights lie ready. X has 8 rows. How many cycles does it take?

    From the first number that enters until the last PE has worked. A row enters a cycle after
    the one before, and each of its numbers a cycle after its left neighbour.
    """
    rows, side = 8, 4
    return rows + side - 1 + side - 1


@array_cycles.mistake("in those cycles the rows enter at the top left. Who works last?", "V1")
def cycles_without_skew():
    return 8


@array_cycles.mistake(
    "that is when the last number enters below. How far must it go to the right?", "V1"
)
def cycles_without_drain():
    return 8 + 3


@array_cycles.mistake("1 × 1 PE and one row: how many cycles are that by your formula?", "O1")
def cycles_fencepost():
    return 8 + 4 + 4 - 1


@array_cycles.mistake("the weights lie there already. Who still loads?", "V1")
def cycles_with_load():
    return 14 + 4


@array_cycles.mistake("1 × 1 PE: does one row take two cycles there?", "O1")
def cycles_two_more():
    return 8 + 4 + 4


@array_cycles.mistake("that does one row after the other. Can the next one enter earlier?", "V1")
def cycles_one_by_one():
    return 8 * 7


@value(
    minutes=3,
    level=1,
    unit="parts of 1",
    tolerance=0.003,
    hints=[
        "How many MACs are useful, and how many could all PEs do in that time?",
        "How many cycles does it take, with both the way in and the way across?",
    ],
)
def array_use():
    """Eight rows go through a full tile of 128 × 128 PEs; the weights are in.

    From the first number that enters until the last PE has worked: which share of what all PEs
    could do in that time is useful?
    """
    rows, side = 8, 128
    return rows * side * side / (side * side * (rows + 2 * side - 2))


@array_use.mistake("that holds while every PE works. Does it from the first cycle on?", "V1")
def use_peak():
    return 1


@array_use.mistake(
    "that has the way down and not the way to the right. When is the last PE done?", "V1"
)
def use_one_skew():
    return 8 / (8 + 127)


@array_use.mistake("how many cycles does it take? Rows over side is none of cycles, is it?", "V1")
def use_rows_over_side():
    return 8 / 128


@array_use.mistake("that loads the weights as well. Who said that they are in?", "V1")
def use_with_load():
    return 8 / (8 + 3 * 128 - 2)


@array_use.mistake("that counts the cycles in which nobody has enough to do. And the rest?", "V1")
def use_idle():
    return 1 - 8 / 262


@value(
    minutes=4,
    level=2,
    unit="rows",
    hints=[
        "Which cycles are lost, whatever the number of rows?",
        "Nine tenths useful: how many useful cycles must there be for each lost one?",
        "Put your number in, and the next one down: on which side of the limit is each?",
    ],
)
def rows_for_ninety():
    """On 128 × 128 PEs, weights in: how many rows must X have for at least 90 % to be useful?

    The smallest number; cycles are counted as for eight rows.
    """
    side, percent = 128, 90
    lost = 2 * side - 2
    return -(-percent * lost // (100 - percent))


@rows_for_ninety.mistake("one way only: when a row is down, is it across as well?", "V1")
def ninety_one_skew():
    return 9 * 127


@rows_for_ninety.mistake("as many rows as PEs on a side: how much of the time is that?", "V1")
def ninety_square():
    return 128


@rows_for_ninety.mistake("put it in: is the condition met?", "O2")
def ninety_rounded_down():
    return 2285


@rows_for_ninety.mistake("do two ways of 128 PEs take so many cycles? Try 1 × 1 PE.", "O1")
def ninety_fencepost():
    return 9 * 256


@rows_for_ninety.mistake("so many cycles go by. How many rows are in them?", "V1")
def ninety_cycles():
    return 2540


@value(
    minutes=3,
    level=2,
    unit="parts of 1",
    tolerance=0.001,
    hints=[
        "How many tiles are there down, and how many across?",
        "How many rows has the last tile of them? Does it take less time?",
    ],
)
def filled_share():
    """W, 784 × 100, is cut into tiles of 128 × 128; the last ones are filled up with zeros.

    Over all tiles, which share of the PEs holds a weight?
    """
    inputs, outputs, side = 784, 100, 128
    tiles = -(-inputs // side) * -(-outputs // side)
    return inputs * outputs / (tiles * side * side)


@filled_share.mistake("that looks at the columns. Do the rows come out even?", "V1")
def filled_columns():
    return 100 / 128


@filled_share.mistake("that looks at the rows. How many columns has a tile of W?", "V1")
def filled_rows():
    return 784 / (7 * 128)


@filled_share.mistake("are the last rows and columns of PEs gone where W ends?", "V1")
def filled_free():
    return 1


@filled_share.mistake("does W fit into so few tiles?", "O2")
def filled_six():
    return 78400 / (6 * 128 * 128)


@filled_share.mistake("that is the share that holds none. What is asked?", "V1")
def filled_padding():
    return 1 - 78400 / (7 * 128 * 128)


@value(
    minutes=2,
    level=2,
    unit="FLOP/B",
    tolerance=0.002,
    hints=[
        "At the ridge computing and moving take equally long. How long does a byte take?",
        "Which of the rates belongs to products of dense matrices?",
    ],
)
def chip_ridge():
    """An A100 of 80 GB has 312 TFLOP/s in 16 bits, 624 in sparse matrices. It moves 2.039 TB/s.

    Where is its ridge, for dense ones? (That of 40 GB moves 1.555 TB/s.)
    """
    tflops, gigabytes = 312, 2039
    return 1000 * tflops / gigabytes


@chip_ridge.mistake("that is in MACs. Which did the question ask for?", "U1")
def ridge_in_macs():
    return 156 / 2.039


@chip_ridge.mistake("every second weight is zero there. Are yours?", "G1")
def ridge_sparse():
    return 624 / 2.039


@chip_ridge.mistake("whose memory is that?", "G1")
def ridge_of_the_other():
    return 312 / 1.555


@chip_ridge.mistake("that is bytes for an operation. Which way up is the ridge?", "G1")
def ridge_upside_down():
    return 2.039 / 312


@value(
    minutes=4,
    level=2,
    unit="parts of 1",
    tolerance=0.003,
    hints=[
        "How many words are W, all x and all y? And how many MACs are there?",
        "Joules a word × words, joules a MAC × MACs: which is larger?",
        "Which of the three arrays grows with the batch?",
    ],
)
def dram_share():
    """The layer 784→100 with 32 digits, no bias: each word of X, W and H crosses once.

    A word of 32 bits takes 640 pJ from or to DRAM, a MAC in fp32 4.6 pJ (45 nm).
    Which share of the energy of both does DRAM take?
    """
    inputs, outputs, batch = 784, 100, 32
    words = inputs * outputs + batch * (inputs + outputs)
    moving, computing = 640 * words, 4.6 * batch * inputs * outputs
    return moving / (moving + computing)


@dram_share.mistake("that moves W for each digit. What does a batch share?", "B1")
def share_of_one():
    return 640 * 79284 / (640 * 79284 + 4.6 * 78400)


@dram_share.mistake("that is the other share. Which one is asked?", "J1")
def share_of_macs():
    return 1 - 640 * 106688 / (640 * 106688 + 4.6 * 2508800)


@dram_share.mistake("those are only the weights. Do digits and scores not cross?", "R1")
def share_weights_alone():
    return 640 * 78400 / (640 * 78400 + 4.6 * 2508800)


@dram_share.mistake("that is 640 pJ a byte. How many bytes has a word?", "U2")
def share_by_bytes():
    return 640 * 4 * 106688 / (640 * 4 * 106688 + 4.6 * 2508800)


@dram_share.mistake("a multiplication is 3.7. What else is in a MAC?", "U1")
def share_multiplications():
    return 640 * 106688 / (640 * 106688 + 3.7 * 2508800)


@exercise(
    minutes=4,
    level=3,
    hints=[
        "How long does the arithmetic take alone, and how long do the bytes?",
        "If both go on at once, who is waited for? And if one waits for the other?",
    ],
)
def time_bounds(flops, moved, peak, bandwidth):
    """Say how long a piece of work takes at best and at worst.

    It computes `flops` FLOP at `peak` FLOP/s and moves `moved` bytes at `bandwidth` B/s, each at
    full speed. Return two numbers, in seconds: with both at once from beginning to end, and with
    one after the other.
    """
    # BEGIN SOLUTION
    compute, move = flops / peak, moved / bandwidth
    return max(compute, move), compute + move
    # END SOLUTION


@time_bounds.cases
def _draw(random):
    cases = [(100, 20, 10, 4), (2, 80, 1, 8), (0, 64, 8, 4)]
    for _ in range(4):
        peak, bandwidth = random.randint(1, 900) * 10**9, random.randint(1, 90) * 10**9
        cases.append((random.randint(1, 10**12), random.randint(1, 10**12), peak, bandwidth))
    return cases


@time_bounds.mistake("that is over when the faster one is done. Who is still at work?", "G1")
def bounds_faster(flops, moved, peak, bandwidth):
    compute, move = flops / peak, moved / bandwidth
    return min(compute, move), compute + move


@time_bounds.mistake("that is compute alone. What if the bytes take longer?", "G1")
def bounds_compute(flops, moved, peak, bandwidth):
    compute, move = flops / peak, moved / bandwidth
    return compute, compute + move


@time_bounds.mistake("that is in MACs. How many operations is `flops`?", "U1")
def bounds_macs(flops, moved, peak, bandwidth):
    compute, move = 2 * flops / peak, moved / bandwidth
    return max(compute, move), compute + move


@time_bounds.mistake("rates in seconds? A byte takes how long, and so many bytes?", "Q1")
def bounds_multiplied(flops, moved, peak, bandwidth):
    compute, move = flops * peak, moved * bandwidth
    return max(compute, move), compute + move


@time_bounds.mistake("is the sum of both ever as large as twice the sum?", "O1")
def bounds_twice(flops, moved, peak, bandwidth):
    compute, move = flops / peak, moved / bandwidth
    return max(compute, move), 2 * (compute + move)


@time_bounds.mistake("which of the two comes first in what you return?", "Q1")
def bounds_swapped(flops, moved, peak, bandwidth):
    compute, move = flops / peak, moved / bandwidth
    return compute + move, max(compute, move)


@order(
    minutes=5,
    level=3,
    hints=[
        "How many tiles of X meet one tile of H, and where do their products add up?",
        "Where must C be zero again? Where is it complete?",
    ],
    extra=["H[i:i+4, k:k+4] = C"],
)
def core_loops():
    """Put the lines in order: H = X W by a tensor core, which can only do 4 × 4.

    `tensor_core(A, B, C)` gives A B + C. X is 8 × 16, W 16 × 12, H 8 × 12. Each tile of H is
    written once, row of tiles after row of tiles.
    """
    return """
        for i in range(0, 8, 4):
            for j in range(0, 12, 4):
                C = np.zeros((4, 4))
                for k in range(0, 16, 4):
                    C = tensor_core(X[i:i+4, k:k+4], W[k:k+4, j:j+4], C)
                H[i:i+4, j:j+4] = C
    """


@core_loops.also("right: that goes column of tiles after column of tiles")
def core_by_columns():
    return """
        for j in range(0, 12, 4):
            for i in range(0, 8, 4):
                C = np.zeros((4, 4))
                for k in range(0, 16, 4):
                    C = tensor_core(X[i:i+4, k:k+4], W[k:k+4, j:j+4], C)
                H[i:i+4, j:j+4] = C
    """


@core_loops.mistake("that begins anew at each k. Whose sum is C?", "R1")
def core_zero_inside():
    return """
        for i in range(0, 8, 4):
            for j in range(0, 12, 4):
                for k in range(0, 16, 4):
                    C = np.zeros((4, 4))
                    C = tensor_core(X[i:i+4, k:k+4], W[k:k+4, j:j+4], C)
                H[i:i+4, j:j+4] = C
    """


@core_loops.mistake("C still holds the tile before. When is it zero again?", "R1")
def core_zero_once():
    return """
        C = np.zeros((4, 4))
        for i in range(0, 8, 4):
            for j in range(0, 12, 4):
                for k in range(0, 16, 4):
                    C = tensor_core(X[i:i+4, k:k+4], W[k:k+4, j:j+4], C)
                H[i:i+4, j:j+4] = C
    """


@core_loops.mistake("that is right at last. How often is a tile of H written?", "R1")
def core_writes_each_step():
    return """
        for i in range(0, 8, 4):
            for j in range(0, 12, 4):
                C = np.zeros((4, 4))
                for k in range(0, 16, 4):
                    C = tensor_core(X[i:i+4, k:k+4], W[k:k+4, j:j+4], C)
                    H[i:i+4, j:j+4] = C
    """


@core_loops.mistake("is k a column of H?", "P2")
def core_wrong_place():
    return """
        for i in range(0, 8, 4):
            for j in range(0, 12, 4):
                C = np.zeros((4, 4))
                for k in range(0, 16, 4):
                    C = tensor_core(X[i:i+4, k:k+4], W[k:k+4, j:j+4], C)
                    H[i:i+4, k:k+4] = C
    """


@core_loops.mistake("with k outside, each C meets one tile only. Who adds them up?", "R1")
def core_k_outside():
    return """
        for k in range(0, 16, 4):
            for i in range(0, 8, 4):
                for j in range(0, 12, 4):
                    C = np.zeros((4, 4))
                    C = tensor_core(X[i:i+4, k:k+4], W[k:k+4, j:j+4], C)
                    H[i:i+4, j:j+4] = C
    """


@choice(
    minutes=3,
    level=2,
    concept=True,
    hints=[
        "How many FLOP does a token take for each byte of weights?",
        "Mark it on the roofline: which line is above it?",
    ],
    options=[
        "twice the FLOP/s",
        "twice the bandwidth of HBM",
        "twice the cache on the chip, 100 MB",
        "twice the capacity of HBM",
    ],
)
def best_upgrade():
    """Llama-2 7B writes one text, token after token, on an H100. What makes it faster?"""
    return "b"


@best_upgrade.mistake("what do its tensor cores wait for now? Will they wait less?", "G1")
def upgrade_peak():
    return "a"


@best_upgrade.mistake("how much of the weights fits into it? Is one used twice for a token?", "W1")
def upgrade_cache():
    return "c"


@best_upgrade.mistake("do more bytes cross a second, or do more lie there?", "G1")
def upgrade_capacity():
    return "d"
