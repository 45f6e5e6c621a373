"""Exercises and predictions of lesson 07: primitives, and the order of their loops."""

from .cards import choice, order
from .kinds import exercise, prediction, value


@prediction(words=("ijk", "ikj", "jik", "jki", "kij", "kji"))
def worst_order():
    """The matrix product `C[i,j] += A[i,k] * B[k,j]`, 32 × 32 in fp32 by rows, meets an LRU cache
    of 24 lines, 8 numbers each.

    Which of the six loop orders misses most often? Name the loops from the outermost on, such as
    `"ijk"`.
    """


@prediction(unit="×")
def order_speed():
    """A product of two matrices of 432 × 432 in fp32, three compiled loops on one thread: the best
    of the six orders, and the worst.

    How many times as long does the worst take on your computer?
    """


@prediction(unit="numbers along a side")
def best_tile():
    """A cache of 64 lines of 8 numbers; 32 × 32 in tiles of 2, 4, 8, 16, or in one of 32.

    Which side misses least?
    """


@prediction(unit="×")
def ladder():
    """A product of square matrices on one thread: three loops in pure Python over lists of lists,
    and NumPy's `@`.

    How many times as many MACs a second does `@` do on your computer?
    """


@prediction(unit="×")
def tile_time():
    """Does it pay in time?

    A product of twice the side runs compiled, in tiles of 72 and without. How many times as fast
    are the tiles on your computer?
    """


@prediction(unit="×")
def mask_time():
    """`np.where(mask, x, 0)` keeps half of a million numbers. Once the mask is drawn by lot, once
    all of its `True` stand first: the same count, the same bytes.

    How many times as long does the drawn mask take on your computer?
    """


@prediction(unit="%")
def rest_share():
    """A layer of BERT-large reads one text of 512 tokens, fp16, on a V100, a GPU. Matrix products
    take 99.8 % of its operations.

    Every step runs as fast as its roof allows; all but the products, each bias too, read and write
    memory in passes of their own. How many % of the time do the products take?
    """


@value(
    minutes=1,
    recalls="06",
    unit="weights",
    hints=["How many weights has the filter of each channel?", "And the 1×1 convolution?"],
)
def recall_separable():
    """How many weights has a depthwise separable convolution, 5×5, from 32 to 64 channels?

    No biases.
    """
    taps, inputs, outputs = 5 * 5, 32, 64
    return taps * inputs + inputs * outputs


@recall_separable.mistake("that is the full convolution. Which two layers take its place?", "P2")
def separable_full():
    return 25 * 32 * 64


@recall_separable.mistake("that is the depthwise part. What mixes the channels?", "P2")
def separable_filters():
    return 25 * 32


@recall_separable.mistake("that is the 1×1 part. What filters each channel?", "P2")
def separable_mixing():
    return 32 * 64


@recall_separable.mistake(
    "the filters stand before the 1×1: how many channels are there then?", "P2"
)
def separable_on_outputs():
    return 25 * 64 + 32 * 64


@recall_separable.mistake("each channel has a filter of its own. How many channels come in?", "P2")
def separable_one_filter():
    return 25 + 32 * 64


@recall_separable.mistake("a filter is a square. How many taps has it?", "P2")
def separable_sides():
    return 5 * 32 + 32 * 64


@recall_separable.mistake("that counts biases. Are there any?", "P1")
def separable_biased():
    return 25 * 32 + 32 + 32 * 64 + 64


@value(
    minutes=1,
    recalls="04",
    unit="scores",
    hints=["How many keys does the first query see, and how many the last?"],
)
def recall_causal_scores():
    """How many scores has one head over 20 tokens, if each sees itself and those before it?"""
    tokens = 20
    return tokens * (tokens + 1) // 2


@recall_causal_scores.mistake("that has no mask. How many keys does the first query see?", "S1")
def causal_square():
    return 20 * 20


@recall_causal_scores.mistake(
    "that is half of the square. Do 2 tokens by hand: on which side is the diagonal?", "O1"
)
def causal_half():
    return 20 * 20 // 2


@recall_causal_scores.mistake("that leaves out a token's own key. Does it see itself?", "O1")
def causal_without_diagonal():
    return 20 * 19 // 2


@recall_causal_scores.mistake("so many keys does the last query see. And all the others?", "Q1")
def causal_last():
    return 20


@value(
    minutes=1,
    recalls="01",
    unit="MAC",
    hints=["How many outputs are there, and how many products has each?"],
)
def recall_layer_macs():
    """How many MACs does a dense layer 200→50 take for a batch of 8?"""
    batch, inputs, outputs = 8, 200, 50
    return batch * inputs * outputs


@recall_layer_macs.mistake("that is one sample. How many are in the batch?", "B1")
def dense_one_sample():
    return 200 * 50


@recall_layer_macs.mistake("one MAC is a multiply *and* an add. Which of the two is asked?", "U1")
def dense_flops():
    return 2 * 8 * 200 * 50


@recall_layer_macs.mistake("does adding a bias multiply anything?", "P1")
def dense_biased():
    return 8 * 201 * 50


@recall_layer_macs.mistake("those are the outputs. How many products has each?", "P2")
def dense_outputs():
    return 8 * 50


@recall_layer_macs.mistake("those are added. Which inputs meet which outputs?", "P2")
def dense_sizes():
    return 8 * (200 + 50)


@value(
    minutes=2,
    level=2,
    unit="times",
    hints=["Write the six orders of three loops down. Which line changes?"],
)
def order_flops():
    """The product of two matrices of 32 × 32, loops in the order i, j, k, and in the order k, i, j.

    How many times as many FLOPs does the first take?
    """
    n = 32
    return (2 * n**3) / (2 * n**3)


@order_flops.mistake("does an order add turns to a loop, or change their sequence?", "D1")
def order_changes_work():
    return 32


@order_flops.mistake("that is a ratio of misses. What is counted here?", "D1")
def order_misses():
    return round(36992 / 5248, 1)


@order_flops.mistake("does an order leave out turns of a loop, or change their sequence?", "D1")
def order_saves_work():
    return 1 / 32


@order_flops.mistake("how many additions does C[0, 0] take in either order?", "D1")
def order_none():
    return 0


@value(
    minutes=4,
    level=2,
    unit="misses",
    hints=[
        "In order i, k, j: along which lines does the innermost loop go, and how many are they?",
        "A row of B is 4 lines, and all of B 128. Which of them are left when row 0 comes again?",
        "Add up: lines of A, of C, and of B for each i. Which of them are fetched once?",
    ],
)
def ikj_misses():
    """Order i, k, j, n = 32, fp32: how often does an LRU cache of 24 lines of 8 numbers miss?

    `C[i,j] += A[i,k] * B[k,j]`; A, B and C lie by rows, and the cache is empty at first.
    """
    n, line = 32, 8
    lines = n * n // line  # of each matrix
    return lines + lines + n * lines  # A and C once, B for each i


@ikj_misses.mistake("so many accesses are there. Which of them find their line in the cache?", "R1")
def all_accesses_miss():
    return 3 * 32**3


@ikj_misses.mistake("that fetches every line once. Does all of B stay until the next i?", "R1")
def compulsory_misses():
    return 3 * 32 * 32 // 8


@ikj_misses.mistake("that is the order i, j, k. Along what does the innermost loop go here?", "K1")
def misses_of_ijk():
    return 36992


@ikj_misses.mistake("that is the order j, k, i. Along what does the innermost loop go here?", "K1")
def misses_of_jki():
    return 66560


@ikj_misses.mistake(
    "that is the order k, i, j. What stays while j runs, and what until the next i?", "K1"
)
def misses_of_kij():
    return 5248


@ikj_misses.mistake("that fetches number by number. How many come with a line?", "K1")
def misses_by_number():
    return 2 * 32 * 32 + 32**3


@ikj_misses.mistake(
    "that keeps 24 lines of B. When its row 0 comes again, which lines have been dropped last?",
    "K1",
)
def misses_if_some_of_b_stays():
    return 128 + 128 + 128 + 31 * (128 - 24)


@ikj_misses.mistake(
    "that keeps 24 lines of B from the start. Which lines did the last pass leave? Are they the "
    "ones that come next?",
    "K1",
)
def misses_if_some_of_b_stays_always():
    return 128 + 128 + 32 * (128 - 24)


@ikj_misses.mistake("that fetches all three for each i. Whose lines are read once?", "K1")
def misses_of_all_for_each_i():
    return 3 * 32 * 128


@ikj_misses.mistake("that fetches B number by number. How many come with a line?", "K1")
def misses_of_b_by_number():
    return 128 + 128 + 32**3


@ikj_misses.mistake("those are bytes. How many lines are they?", "U2")
def misses_in_bytes():
    return 32 * 4352


@ikj_misses.mistake(
    "one of the three is missing. Does A come from the cache without being fetched?", "R1"
)
def misses_without_a_row_by_row():
    return 32 * 128 + 32 * 128


@ikj_misses.mistake("that fetches A number by number. Who else uses the line of A[i,k] soon?", "K1")
def misses_of_a_by_number():
    return 32 * 32 + 32 * 128 + 32 * 128


@ikj_misses.mistake("that is B alone. Who fetches A and C?", "R1")
def misses_of_b():
    return 32 * 128


@ikj_misses.mistake(
    "one of the three is missing. Does C come from the cache without being fetched?", "R1"
)
def misses_without_c():
    return 128 + 32 * 128


@ikj_misses.mistake(
    "that fetches the row of C again for each k. Is it out of the cache by then?", "K1"
)
def misses_row_by_row():
    return 128 + 32 * 128 + 32 * 128


@value(
    minutes=2,
    level=2,
    unit="numbers along a side",
    hints=[
        "How many tiles must be in the cache at once?",
        "How many bytes has a tile of side b? Try b = 10 first.",
    ],
)
def largest_tile():
    """Three square tiles, one each of A, B and C in fp32, lie packed in a cache of 32 KiB.

    How long can their side be at most?
    """
    cache, tiles, itemsize = 32 * 1024, 3, 4
    return int((cache / (tiles * itemsize)) ** 0.5)


@largest_tile.mistake("three such tiles fit. Do they with a side longer by one as well?", "O2")
def tile_power_of_two():
    return 32


@largest_tile.mistake("that is whole lines of 64 B. Packed, do three tiles of 49 fit?", "O2")
def tile_of_whole_lines():
    return 48


@largest_tile.mistake("so long may it be with four tiles. How many does a product need?", "K1")
def four_tiles():
    return int((32 * 1024 / 16) ** 0.5)


@largest_tile.mistake("that is one tile. How many must live at once?", "K1")
def one_tile():
    return int((32 * 1024 / 4) ** 0.5)


@largest_tile.mistake("that is two tiles. Which third one is written?", "K1")
def two_tiles():
    return int((32 * 1024 / 8) ** 0.5)


@largest_tile.mistake("that takes a number for a byte. How many bytes has fp32?", "U2")
def tile_in_bytes():
    return int((32 * 1024 / 3) ** 0.5)


@largest_tile.mistake("put it back: do three tiles of that side fit?", "O2")
def tile_rounded_up():
    return 53


@largest_tile.mistake("32 KiB are a little more than 32,000 B. How many?", "U3")
def tile_of_kilobytes():
    return int((32_000 / 12) ** 0.5)


@largest_tile.mistake("that has eight bytes for a number. How many has fp32?", "U3")
def tile_in_fp64():
    return int((32 * 1024 / 24) ** 0.5)


@largest_tile.mistake("so many numbers has a tile. How long is its side?", "K1")
def tile_area():
    return 32 * 1024 // 12


@largest_tile.mistake(
    "so many lines has the cache. How many numbers fit, and into how many tiles?", "K1"
)
def tile_of_lines():
    return 32 * 1024 // 64


@value(
    minutes=3,
    level=2,
    unit="numbers",
    hints=[
        "How many tiles are there along each side, and how many products of tiles?",
        "The innermost of the three goes over j: which tile stays in use meanwhile?",
        "How many numbers has a tile?",
    ],
)
def tiled_traffic():
    """A product of 512 × 512 runs in tiles of 32 × 32, the tiles in the order i, k, j.

    The cache holds the three tiles in use, one of each matrix, and fetches a tile whenever it was
    not in use just before. How many numbers does it fetch?
    """
    n, b = 512, 32
    tiles = n // b
    fetched = tiles**2 + 2 * tiles**3  # A stays while j runs, B and C do not
    return fetched * b**2


@tiled_traffic.mistake(
    "that has no tiles. How often is a number of B used before its tile leaves?", "W1"
)
def tiled_as_untiled():
    return 2 * 512**3 + 512**2


@tiled_traffic.mistake(
    "one of the three matrices is missing. Which tile stays, and who fetched it?", "R1"
)
def tiled_without_a():
    return 2 * 512**3 // 32


@tiled_traffic.mistake("that fetches each matrix once. Does all of B stay in three tiles?", "R1")
def tiled_compulsory():
    return 3 * 512**2


@tiled_traffic.mistake(
    "that fetches a tile of A for each product. Which one stays while j runs?", "W1"
)
def tiled_all_three():
    return 3 * 512**3 // 32


@tiled_traffic.mistake(
    "one of the three matrices is missing. Does a tile of C stay until the next k?", "R1"
)
def tiled_without_c():
    return 512**2 + 512**3 // 32


@tiled_traffic.mistake("so many tiles are fetched. How many numbers has each?", "U2")
def tiled_in_tiles():
    return 16**2 + 2 * 16**3


@tiled_traffic.mistake("those are bytes in fp32. What is asked?", "U2")
def tiled_in_bytes():
    return 4 * (2 * 512**3 // 32 + 512**2)


@tiled_traffic.mistake(
    "that counts what is written back as well. What does it say that is counted?", "R1"
)
def tiled_with_writes():
    return 512**2 + 3 * 512**3 // 32


@tiled_traffic.mistake("that is one product of tiles. How many are there?", "P2")
def tiled_one_product():
    return 3 * 32**2


@exercise(
    minutes=4,
    level=2,
    hints=[
        "Each output position is one row of the matrix of windows. How many positions are there?",
        "Which numbers stand in such a row? Which in a column of the filters?",
    ],
)
def lowered(side, taps, channels, filters):
    """Write a convolution as one matrix product: M, K and N.

    Its `filters` filters are `taps` × `taps`, on `channels` maps of `side` × `side`; each moves by
    one pixel, without padding. The product is M × K times K × N: a row for each position, a column
    for each filter.
    Return three whole numbers.
    """
    # BEGIN SOLUTION
    positions = (side - taps + 1) ** 2
    return positions, channels * taps**2, filters
    # END SOLUTION


@lowered.cases
def _draw(random):
    draws = [
        (
            random.randint(9, 30),
            random.choice((2, 3, 5)),
            random.randint(2, 9),
            random.randint(11, 40),
        )
        for _ in range(4)
    ]
    return [(28, 3, 1, 32), *draws]


@lowered.also("that is the transposed product, filters as rows: right as well.")
def lowered_transposed(side, taps, channels, filters):
    return filters, channels * taps**2, (side - taps + 1) ** 2


@lowered.mistake("that has a window on every pixel. Draw the last one: does it fit?", "S1")
def lowered_padded(side, taps, channels, filters):
    return side**2, channels * taps**2, filters


@lowered.mistake("the sum runs over K. Which of your three is that?", "P2")
def lowered_k_last(side, taps, channels, filters):
    return (side - taps + 1) ** 2, filters, channels * taps**2


@lowered.mistake("does a window lie on one map, or on all of them at once?", "P2")
def lowered_channels_in_m(side, taps, channels, filters):
    return channels * (side - taps + 1) ** 2, taps**2, filters


@lowered.mistake("windows move by one pixel, and overlap. How many places are there?", "S1")
def lowered_side_by_side(side, taps, channels, filters):
    return (side // taps) ** 2, channels * taps**2, filters


@lowered.mistake("how many places has a window of 3 on 3 pixels?", "O1")
def lowered_one_short(side, taps, channels, filters):
    return (side - taps) ** 2, channels * taps**2, filters


@lowered.mistake("a sum runs over one window. Do different filters add up?", "P2")
def lowered_filters_in_k(side, taps, channels, filters):
    return (side - taps + 1) ** 2, channels * taps**2 * filters, 1


@lowered.mistake("a window lies on all maps. How many numbers are under it?", "P2")
def lowered_without_channels(side, taps, channels, filters):
    return (side - taps + 1) ** 2, taps**2, filters


@lowered.mistake("windows move along two axes. How many positions are there?", "P2")
def lowered_row(side, taps, channels, filters):
    return side - taps + 1, channels * taps**2, filters


@lowered.mistake("a filter is a square. How many taps has it?", "P2")
def lowered_taps_line(side, taps, channels, filters):
    return (side - taps + 1) ** 2, channels * taps, filters


@exercise(
    minutes=5,
    level=3,
    hints=[
        "How many tiles are there along each side, and how many products of tiles?",
        "For one pair (i, k): which tile stays, and which ones come and go?",
        "Write down the tiles in use for n = 4 and b = 2, eight rows of three. How many are new in "
        "each row?",
    ],
)
def tile_traffic(n, b):
    """Count the numbers that a product fetches, for any n and b.

    The product and the cache of `tiled_traffic`, n × n in tiles of b × b; b divides n. Return a
    whole number.
    """
    # BEGIN SOLUTION
    tiles = n // b
    fetched = tiles**2 + 2 * tiles**3  # A stays while j runs, B and C do not
    return fetched * b**2
    # END SOLUTION


@tile_traffic.cases
def _draw(random):
    return [(12, 3), (512, 32), (60, 5), (7, 7), (random.randint(5, 9) * 6, 6)]


@tile_traffic.mistake("that counts tiles. How many numbers has one?", "U2")
def traffic_in_tiles(n, b):
    return (n // b) ** 2 + 2 * (n // b) ** 3


@tile_traffic.mistake("that fetches each matrix once. Does all of B fit in one tile?", "R1")
def traffic_compulsory(n, b):
    return 3 * n * n


@tile_traffic.mistake("that fetches A for every product. Which tile stays while j runs?", "W1")
def traffic_all_three(n, b):
    return 3 * (n // b) ** 3 * b**2


@tile_traffic.mistake(
    "one of the three matrices is missing. Which tile stays, and who fetched it?", "R1"
)
def traffic_without_a(n, b):
    return 2 * (n // b) ** 3 * b**2


@tile_traffic.mistake(
    "one of the three matrices is missing. Where is a tile of C between two k?", "R1"
)
def traffic_without_c(n, b):
    return ((n // b) ** 2 + (n // b) ** 3) * b**2


@tile_traffic.mistake(
    "that counts one matrix on its way in and out. Which numbers are *fetched*?", "R1"
)
def traffic_c_once(n, b):
    return 2 * (n // b) ** 3 * b**2 + 2 * n * n


@tile_traffic.mistake(
    "that keeps A for good, and C as long. Which tile is it that stays while j runs?", "W1"
)
def traffic_two_kept(n, b):
    return 2 * n * n + n**3 // b


@tile_traffic.mistake("a product of tiles uses three of them. How many are counted here?", "P2")
def traffic_one_tile_each(n, b):
    return (n // b) ** 3 * b**2


@tile_traffic.mistake("a tile is a square. How many numbers has it?", "U2")
def traffic_by_side(n, b):
    return ((n // b) ** 2 + 2 * (n // b) ** 3) * b


@tile_traffic.mistake("that has no tiles. What is a tile of B used for before it leaves?", "W1")
def traffic_untiled(n, b):
    return 2 * n**3 + n * n


@tile_traffic.mistake("those are bytes in fp32. What is asked?", "U2")
def traffic_in_bytes(n, b):
    return 4 * ((n // b) ** 2 + 2 * (n // b) ** 3) * b**2


@tile_traffic.mistake("that counts what is written back. Is it asked?", "R1")
def traffic_with_writes(n, b):
    return ((n // b) ** 2 + 3 * (n // b) ** 3) * b**2


@exercise(
    minutes=4,
    level=3,
    hints=[
        "How many tiles must be in the cache at once, and how many bytes has each?",
        "Put your answer back: does it fit? Does the next one?",
        "A tile that is a little shorter than the matrix leaves a rest. When does it divide n?",
    ],
)
def choose_tile(n, cache, itemsize):
    """Choose the longest side of a tile that divides n.

    Three tiles must fit into the cache. `n`: the side of the matrices; `cache`: its bytes;
    `itemsize`: bytes of a number. Return a whole number; there is always one that fits.
    """
    # BEGIN SOLUTION
    return next(b for b in range(n, 0, -1) if n % b == 0 and 3 * b * b * itemsize <= cache)
    # END SOLUTION


@choose_tile.cases
def _draw(random):
    return [
        (836, 2**21, 4),
        (512, 2**15, 4),
        (720, 2**18, random.choice((2, 8))),
        (60, 13, 4),
        (8, 768, 4),
        (9, 108, 4),
    ]


@choose_tile.mistake("that has one tile in the cache. How many must live at once?", "K1")
def choose_one_tile(n, cache, itemsize):
    return max(b for b in range(1, n + 1) if n % b == 0 and b * b * itemsize <= cache)


@choose_tile.mistake("that has two tiles in the cache. Which third one is written?", "K1")
def choose_two_tiles(n, cache, itemsize):
    return max(b for b in range(1, n + 1) if n % b == 0 and 2 * b * b * itemsize <= cache)


@choose_tile.mistake("that takes `cache` for numbers. How many bytes has one?", "U2")
def choose_in_numbers(n, cache, itemsize):
    return max(b for b in range(1, n + 1) if n % b == 0 and 3 * b * b <= cache)


@choose_tile.mistake("a tile is a square. How many numbers has side b?", "P2")
def choose_line(n, cache, itemsize):
    return max(b for b in range(1, n + 1) if n % b == 0 and 3 * b * itemsize <= cache)


@choose_tile.mistake("may a tile be the whole matrix?", "O1")
def choose_never_all(n, cache, itemsize):
    return max([b for b in range(1, n) if n % b == 0 and 3 * b * b * itemsize <= cache] or [0])


@choose_tile.mistake("a power of two need not divide n, and is there no longer one?", "O2")
def choose_power_of_two(n, cache, itemsize):
    b = 1
    while 2 * b <= n and 3 * (2 * b) ** 2 * itemsize <= cache:
        b *= 2
    return b


@choose_tile.mistake("that need not divide n. Which sides leave no thin rest?", "O2")
def choose_any_side(n, cache, itemsize):
    return min(n, int((cache / (3 * itemsize)) ** 0.5))


@choose_tile.mistake("put the next larger divisor of n in: do three tiles fit exactly?", "O2")
def choose_smaller(n, cache, itemsize):
    return max([b for b in range(1, n + 1) if n % b == 0 and 3 * b * b * itemsize < cache] or [0])


@choose_tile.mistake("right for numbers of four bytes alone. What becomes of `itemsize`?", "U3")
def choose_fp32(n, cache, itemsize):
    return max([b for b in range(1, n + 1) if n % b == 0 and 12 * b * b <= cache] or [0])


@exercise(
    minutes=4,
    level=3,
    hints=[
        "Take two inputs of one size. Which lines of which array does each of them touch?",
        "Which of the seven choose *where* to read by a number that came from the data?",
        "A weight of attention may be nearly 0. Is its value read all the same?",
    ],
)
def data_addresses(operations):
    """Choose the operations whose addresses depend on their data.

    `operations` is a list of some of these texts: "matmul", "3×3 conv", "dense attention", "ReLU",
    "embedding look-up" (by index), "top-1 routing" (a token runs through the expert that scores
    best), "beam search" (of all texts begun, only the k most likely ones are written on). Sizes
    are given beforehand. Return the chosen ones as a list, in the order of `operations`.
    """
    # BEGIN SOLUTION
    look = {"top-1 routing", "embedding look-up", "beam search"}
    return [name for name in operations if name in look]
    # END SOLUTION


@data_addresses.cases
def _draw(random):
    names = [
        "matmul",
        "3×3 conv",
        "dense attention",
        "top-1 routing",
        "embedding look-up",
        "ReLU",
        "beam search",
    ]
    return [(names,), (random.sample(names, 7),), (["ReLU"],), (["beam search", "matmul"],)]


@data_addresses.mistake(
    "attention chooses weights by its data. Which rows of K and V does it read?", "Q1"
)
def addresses_of_attention(operations):
    return [
        n
        for n in operations
        if n in {"dense attention", "top-1 routing", "embedding look-up", "beam search"}
    ]


@data_addresses.mistake(
    "ReLU chooses a value by its data. Which address does it read, and which write?", "D1"
)
def addresses_of_relu(operations):
    return [
        n for n in operations if n in {"ReLU", "top-1 routing", "embedding look-up", "beam search"}
    ]


@data_addresses.mistake(
    "values depend on data in all seven. Which choose *where* to read by them?", "D1"
)
def addresses_of_both(operations):
    return [
        n
        for n in operations
        if n in {"ReLU", "dense attention", "top-1 routing", "embedding look-up", "beam search"}
    ]


@data_addresses.mistake("which of the texts go on, and what decides it?", "E1")
def addresses_without_beams(operations):
    return [n for n in operations if n in {"top-1 routing", "embedding look-up"}]


@data_addresses.mistake("whose weights does a token meet, and what decides it?", "E1")
def addresses_without_routing(operations):
    return [n for n in operations if n in {"embedding look-up", "beam search"}]


@data_addresses.mistake("which row of the table is read, and what decides it?", "D1")
def addresses_without_lookup(operations):
    return [n for n in operations if n in {"top-1 routing", "beam search"}]


@data_addresses.mistake(
    "those are the ones whose addresses do *not* depend on data. Which was asked?", "D1"
)
def addresses_fixed(operations):
    return [n for n in operations if n not in {"top-1 routing", "embedding look-up", "beam search"}]


@data_addresses.mistake(
    "a product reads every number, whatever the numbers are. Which address would data decide?", "D1"
)
def addresses_of_products(operations):
    return [n for n in operations if n not in {"3×3 conv", "dense attention", "ReLU"}]


@data_addresses.mistake("values depend on data in all seven. And addresses?", "D1")
def addresses_of_all(operations):
    return list(operations)


@order(
    minutes=5,
    level=3,
    hints=[
        "Which three loops go from tile to tile, and which three within one?",
        "Which order within a tile goes along the rows of B and C?",
        "In which order do the loops over tiles stand, so that a tile of A stays while j runs?",
    ],
    extra=["for j in range(n):"],
)
def tiled_loops():
    """Put the lines in order: a product of n × n matrices in tiles of b × b, b divides n.

    Tiles go in the order i, k, j, and so do the loops within a tile. C is there, and all zero.
    """
    return """
        for i0 in range(0, n, b):
            for k0 in range(0, n, b):
                for j0 in range(0, n, b):
                    for i in range(i0, i0 + b):
                        for k in range(k0, k0 + b):
                            for j in range(j0, j0 + b):
                                C[i, j] += A[i, k] * B[k, j]
    """


@tiled_loops.mistake(
    "that goes over all of j for each tile of j. How often is each product added?", "K1"
)
def tiled_twice():
    return """
        for i0 in range(0, n, b):
            for k0 in range(0, n, b):
                for j0 in range(0, n, b):
                    for i in range(i0, i0 + b):
                        for k in range(k0, k0 + b):
                            for j in range(n):
                                C[i, j] += A[i, k] * B[k, j]
    """


@tiled_loops.mistake(
    "each loop over tiles stands right outside its own. In which order do i, k and j run then?",
    "K1",
)
def tiled_not():
    return """
        for i0 in range(0, n, b):
            for i in range(i0, i0 + b):
                for k0 in range(0, n, b):
                    for k in range(k0, k0 + b):
                        for j0 in range(0, n, b):
                            for j in range(j0, j0 + b):
                                C[i, j] += A[i, k] * B[k, j]
    """


@tiled_loops.mistake(
    "right sums, in the order i, j, k within a tile. Along which lines does k go?", "K1"
)
def tiled_ijk():
    return """
        for i0 in range(0, n, b):
            for k0 in range(0, n, b):
                for j0 in range(0, n, b):
                    for i in range(i0, i0 + b):
                        for j in range(j0, j0 + b):
                            for k in range(k0, k0 + b):
                                C[i, j] += A[i, k] * B[k, j]
    """


@tiled_loops.mistake(
    "right sums; the tiles go i, j, k. Which tile stays then while the innermost of them runs?",
    "K1",
)
def tiles_ijk():
    return """
        for i0 in range(0, n, b):
            for j0 in range(0, n, b):
                for k0 in range(0, n, b):
                    for i in range(i0, i0 + b):
                        for k in range(k0, k0 + b):
                            for j in range(j0, j0 + b):
                                C[i, j] += A[i, k] * B[k, j]
    """


@choice(
    minutes=3,
    level=2,
    concept=True,
    hints=[
        "Which subscript does the innermost loop move, in C, in A and in B?",
        "By columns: which neighbours of a number share its line?",
    ],
    options=[
        "i, j, k: each sum is finished before the next one begins",
        "i, k, j: rows of B are added up in a row of C",
        "j, k, i: columns of A are added up in a column of C",
        "all alike: they do the same multiplications",
    ],
)
def best_loops():
    """A compiled product `C[i,j] += A[i,k] * B[k,j]`, large matrices by *columns*.

    So does Fortran keep them; the loops run as they are written. Which order, the outermost first,
    is the fastest?
    """
    return "c"


@best_loops.mistake("which subscript does k move in A? How many lines does one sum touch?", "K1")
def best_is_a_sum():
    return "a"


@best_loops.mistake("by columns: how far apart are two numbers of one row?", "K1")
def best_is_rows():
    return "b"


@best_loops.mistake("the FLOPs are the same. Are the lines that are fetched?", "D1")
def best_is_any():
    return "d"
