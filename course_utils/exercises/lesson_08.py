"""Exercises and predictions of lesson 08: what a memory does with the addresses that loops make."""

from .cards import choice, order
from .kinds import exercise, prediction, value


@prediction(unit="of 100")
def sorted_digits():
    """A classifier sees each of 4,000 digits once: in random order it then knows 87 of 100 others.

    How many of 100 does it know if the same 4,000 come sorted, all 0s first and all 9s last?
    """


@prediction(unit="misses", numbers=6)
def stride_curve():
    """A cache of 16 lines, in 8 sets of 2; a line has 8 numbers. 16 numbers are read one after the
    other, and then all of them once more: 32 reads.

    The first begins a line; they lie 1, 2, 4, 8, 16 or 40 numbers apart. How many of the 32 reads
    miss in each case? Bet six numbers, as a list.
    """


@prediction(unit="×")
def known_addresses():
    """A number of each line of 128 MiB is read, in random order. In one run each place is written
    in the number read just before, in the other all places are known beforehand.

    How many times as long does a read take in the first run, on your computer?
    """


@prediction(unit="×")
def sixteenth_time():
    """NumPy finds the largest of 2²⁶ numbers in fp32, 256 MiB, and then that of every 16th of them.

    How many times as long do all of them take on your computer?
    """


@prediction(unit="×")
def square_of_two():
    """A matrix of 1,024 × 1,024 is copied transposed, and one of 1,023 × 1,023.

    How many times as long does the first take on your computer?
    """


@prediction(unit="×")
def unasked():
    """Each line of 128 MiB is read once, each place written in the line before: in the order of
    memory, and in random order. As many lines miss.

    How many times as long does the random order take on your computer?
    """


@value(
    minutes=1,
    recalls="07",
    unit="numbers along a side",
    hints=["How many bytes have three squares of side b?"],
)
def recall_tile():
    """Three square tiles in fp32 lie packed in a cache of 48 KiB. How long is a side at most?"""
    cache, tiles, itemsize = 48 * 1024, 3, 4
    return (cache / (tiles * itemsize)) ** 0.5


@recall_tile.mistake("that is one tile. How many does a product use at once?", "K1")
def recall_one_tile():
    return int((48 * 1024 / 4) ** 0.5)


@recall_tile.mistake("that is two tiles. Which one is written?", "K1")
def recall_two_tiles():
    return int((48 * 1024 / 8) ** 0.5)


@recall_tile.mistake("that takes a number for a byte. How many bytes has fp32?", "U2")
def recall_tile_bytes():
    return 128


@recall_tile.mistake("48 KiB are a little more than 48,000 B. How many?", "U3")
def recall_tile_kilobytes():
    return int((48_000 / 12) ** 0.5)


@recall_tile.mistake("so many numbers has a tile. How long is its side?", "K1")
def recall_tile_area():
    return 4096


@value(
    minutes=1,
    recalls="05",
    unit="bytes",
    hints=["What is kept of each token, in each layer and for each head?"],
)
def recall_cache_bytes():
    """How many bytes does one token add to a KV cache: 4 layers, 3 KV heads of 64, fp16?"""
    layers, heads, width, itemsize = 4, 3, 64, 2
    return 2 * layers * heads * width * itemsize  # keys and values


@recall_cache_bytes.mistake("that keeps one of the two. Which two are kept of a token?", "R1")
def recall_keys_only():
    return 4 * 3 * 64 * 2


@recall_cache_bytes.mistake("that is one layer. How many keep their own?", "H1")
def recall_one_layer():
    return 2 * 3 * 64 * 2


@recall_cache_bytes.mistake("that is one head. How many are kept?", "H1")
def recall_one_head():
    return 2 * 4 * 64 * 2


@recall_cache_bytes.mistake("that is fp32. How many bytes has fp16?", "U3")
def recall_cache_fp32():
    return 2 * 4 * 3 * 64 * 4


@value(
    minutes=1,
    recalls="02",
    unit="pixels along a side",
    hints=["Draw the first window and the last one. Where does the last one begin?"],
)
def recall_side():
    """A filter of 5×5 moves over 32×32 pixels, one at a time, without padding.

    How long is a side of its map?
    """
    pixels, taps = 32, 5
    return pixels - taps + 1


@recall_side.mistake("that has padding. Does the window fit at the last pixel?", "S1")
def recall_padded_side():
    return 32


@recall_side.mistake("do 5 pixels by hand: how many places are there?", "O1")
def recall_side_short():
    return 27


@recall_side.mistake("windows overlap. How far does one move?", "S1")
def recall_side_tiled():
    return 6


@recall_side.mistake("so many pixels has the map. How long is its side?", "P2")
def recall_map_area():
    return 28**2


@value(
    minutes=2,
    level=1,
    unit="misses a read",
    hints=[
        "How many bytes lie between one number that is read and the next?",
        "How many of those reads find their number in one line?",
    ],
)
def stride_misses():
    """Every 4th number of a long array in fp32 is read, once, in order. How often does a read miss?

    A line has 64 B, and the cache is empty at first.
    """
    numbers, stride = 64 / 4, 4  # in a line, and from one read to the next
    return stride / numbers


@stride_misses.mistake("that reads every number. How far apart are two reads here?", "K1")
def misses_in_order():
    return 4 / 64


@stride_misses.mistake("that has a line for each read. How many of them share one?", "K1")
def misses_always():
    return 1


@stride_misses.mistake("that is a number of 8 bytes. How many bytes has fp32?", "U2")
def misses_of_fp64():
    return 4 * 8 / 64


@stride_misses.mistake("so often does a read hit. What was asked?", "K1")
def hits_instead():
    return 1 - 4 * 4 / 64


@stride_misses.mistake("so many reads share a line. How many of them miss?", "K1")
def reads_a_line():
    return 4


@value(
    minutes=2,
    level=1,
    unit="used bytes a fetched byte",
    hints=[
        "How many bytes come with a line, and how many of them does this walk read?",
        "Two numbers that are read lie 64 B apart. In how many lines are they?",
    ],
)
def used_share():
    """Every 16th number of an array in fp32 is read. What share of the fetched bytes is used?

    A line has 64 B.
    """
    line, itemsize = 64, 4
    return itemsize / line


@used_share.mistake("does a cache fetch a number, or the line that it lies in?", "K1")
def used_all():
    return 1


@used_share.mistake("that is a number of one byte. How many bytes has fp32?", "U2")
def used_one_byte():
    return 1 / 64


@used_share.mistake("between two of them lie 15 others. How many numbers has a line in all?", "O1")
def used_between():
    return 1 / 15


@used_share.mistake("that is a number of 8 bytes. How many has fp32?", "U3")
def used_fp64():
    return 8 / 64


@used_share.mistake("that is the share that is *not* used. Which was asked?", "K1")
def unused_share():
    return 15 / 16


@used_share.mistake("so many bytes are fetched for one that is used. Which share is that?", "Q1")
def used_inverted():
    return 16


@value(
    minutes=3,
    level=2,
    unit="sets",
    hints=[
        "How many bytes lie between a number and the one below it, and how many lines is that?",
        "Line n goes to set n mod 64. Which sets do the first three rows go to?",
    ],
)
def column_sets():
    """A matrix of 1,024 × 1,024 in fp32 lies by rows. How many sets does a walk down a column use?

    The cache has 64 sets and lines of 64 B; the matrix begins at address 0.
    """
    lines = 1024 * 4 / 64  # from one row to the next
    return len({row * lines % 64 for row in range(1024)})


@column_sets.mistake("that spreads evenly. In which set does the second row begin?", "K1")
def column_evenly():
    return 64


@column_sets.mistake("so many numbers has a line. Do two of them stand in one column?", "K1")
def column_line():
    return 16


@column_sets.mistake("that has a set for each row. How many sets are there?", "K1")
def column_rows():
    return 1024


@column_sets.mistake("that takes a row for 1,024 B. How many bytes has a number?", "U2")
def column_bytes():
    return 4


@value(
    minutes=5,
    level=2,
    unit="numbers",
    hints=[
        "How many lines does a column need at once, and how many fit into one set?",
        "With a pad of 1, each row begins 4 B further on: how many rows go to set 0?",
        "A row begins in the middle of a line: in how many lines are the numbers read from it?",
    ],
)
def smallest_pad():
    """How many numbers must be added to each row, at least, so that only 256 of 4,096 reads miss?

    A matrix of 256 rows of 1,024 numbers in fp32 lies by rows and begins at address 0; its first
    sixteen columns are read, one column after the other. The cache has 64 sets of 8 lines of 64 B
    and is empty at first. Without a pad all reads miss.
    """
    line, itemsize = 64, 4  # each row then begins a line and a set further on
    return line / itemsize


@smallest_pad.mistake("each row begins 4 B further on then. How many rows share a set?", "K1")
def pad_of_one():
    return 1


@smallest_pad.mistake(
    "all lines stay then, and rows begin in the middle of one. How many lines has such a row?", "K1"
)
def pad_of_a_half():
    return 8


@smallest_pad.mistake(
    "is that a count of sets, or of bytes? How many sets do the rows go to then?", "K1"
)
def pad_of_sets():
    return 64


@smallest_pad.mistake("row 1 begins in the same set again, does it not?", "K1")
def pad_of_a_row():
    return 1024


@smallest_pad.mistake("that works. Is there a smaller one that does?", "O2")
def pad_of_two_lines():
    return 32


@value(
    minutes=3,
    level=2,
    unit="cycles",
    hints=[
        "Of 16 reads in a row, how many miss?",
        "A miss looks in the cache first. How many cycles does it take in all?",
    ],
)
def mean_cycles():
    """Numbers in fp32 are read in order from lines of 64 B. How many cycles does one take?

    A *cycle* is a tick of the core's clock. A look into the cache takes 4 of them; if the line is
    not there, 200 more. No read begins before the one before it is done. Give the mean.
    """
    hit, penalty, numbers = 4, 200, 64 / 4
    return hit + penalty / numbers


@mean_cycles.mistake("that is the penalty alone. What does every read take first?", "K1")
def cycles_of_misses():
    return 200 / 16


@mean_cycles.mistake("that misses at each read. How many numbers come with a line?", "R1")
def cycles_all_miss():
    return 204


@mean_cycles.mistake("that is half of each. How many of 16 reads miss?", "K1")
def cycles_half():
    return (4 + 200) / 2


@mean_cycles.mistake("that takes the look away from a read that misses. Does it not look?", "K1")
def cycles_without_look():
    return 15 / 16 * 4 + 200 / 16


@mean_cycles.mistake("that turns hits and misses round. Which of 16 reads fetches?", "Q1")
def cycles_inverted():
    return 4 + 200 * 15 / 16


@mean_cycles.mistake("that is the sum over a line. How many reads share it?", "B1")
def cycles_of_a_line():
    return 16 * 4 + 200


@mean_cycles.mistake("that is a read which hits. Who fetches the line?", "R1")
def cycles_of_hits():
    return 4


@value(
    minutes=3,
    level=3,
    unit="hits a read",
    hints=[
        "How many lines has the table, and how many of them are in the cache, once it is full?",
        "The next row is drawn. How likely is it one of those?",
    ],
)
def gather_hits():
    """Rows of 64 B, a line each, are drawn at random from a table of 4 MiB. How often is one there?

    Each row is as likely as any other. The cache holds 1 MiB, any line anywhere, drops the line
    that was not used for longest, and has been in use for long.
    """
    cache, table = 1, 4
    return cache / table


@gather_hits.mistake("so often does a read miss. What was asked?", "Q1")
def gather_misses():
    return 1 - 1 / 4


@gather_hits.mistake("does a larger part of the table fit after a million reads?", "K1")
def gather_warm():
    return 1


@gather_hits.mistake("a line is one row here. What would its other numbers help?", "K1")
def gather_line():
    return 1 / 16


@gather_hits.mistake("which rows are in the cache when the next one is drawn?", "K1")
def gather_never():
    return 0


@gather_hits.mistake("so many times as large is the table. How likely is a hit?", "Q1")
def gather_inverted():
    return 4


@order(
    minutes=4,
    level=3,
    hints=[
        "What must be known of an address before its set is looked up?",
        "When does a set change: before it is asked what it holds, or after?",
    ],
    extra=["place = address % sets"],
)
def mapped_loops():
    """Put the lines in order: misses in a cache with one line in each set.

    `addresses` are in bytes, `size` is the bytes of a line, `sets` how many sets there are.
    """
    return """
        held, misses = [None] * sets, 0
        for address in addresses:
            line = address // size
            place = line % sets
            misses += held[place] != line
            held[place] = line
    """


@mapped_loops.mistake("do two bytes of one line go to one set there?", "K1")
def mapped_by_address():
    return """
        held, misses = [None] * sets, 0
        for address in addresses:
            line = address // size
            place = address % sets
            misses += held[place] != line
            held[place] = line
    """


@mapped_loops.mistake("what is in the cache before the second address, if it is emptied?", "T1")
def mapped_cold():
    return """
        for address in addresses:
            held, misses = [None] * sets, 0
            line = address // size
            place = line % sets
            misses += held[place] != line
            held[place] = line
    """


@mapped_loops.mistake("a line that has just been put there: is it a miss?", "R1")
def mapped_late():
    return """
        held, misses = [None] * sets, 0
        for address in addresses:
            line = address // size
            place = line % sets
            held[place] = line
            misses += held[place] != line
    """


@mapped_loops.mistake("what is left of all the addresses, once the loop is over?", "T1")
def mapped_last():
    return """
        held, misses = [None] * sets, 0
        for address in addresses:
            line = address // size
            place = line % sets
        misses += held[place] != line
        held[place] = line
    """


@exercise(
    minutes=8,
    level=3,
    hints=[
        "Which line is an address in, and which set is that line's?",
        "Keep a list for each set, the line used last at its end. What changes at a hit?",
        "A set is full and another line comes: which one goes? Try two ways by hand.",
    ],
)
def miss_rate(addresses, line, sets, ways):
    """Compute the share of reads that miss in an LRU cache with sets.

    It is empty at first. `addresses`: whole numbers, in bytes; `line`: bytes. Line n goes to set
    n mod `sets`, which holds `ways` lines; of a full set the one that was not used for longest is
    dropped. Return a number from 0 to 1.
    """
    # BEGIN SOLUTION
    held = [[] for _ in range(sets)]
    misses = 0
    for address in addresses:
        number = address // line
        lines = held[number % sets]
        if number in lines:
            lines.remove(number)
        else:
            misses += 1
        lines.append(number)
        if len(lines) > ways:
            lines.pop(0)
    return misses / len(addresses)
    # END SOLUTION


@miss_rate.cases
def _draw(random):
    cases = [([0, 4, 64, 0, 128, 64], 64, 1, 2), ([0, 64, 0, 128, 0, 64], 64, 1, 2)]
    cases += [(list(range(0, 4096, 256)) * 2, 32, sets, 2) for sets in (1, 3, 8)]
    for _ in range(15):
        line, sets, ways = (random.choice(c) for c in ((8, 32, 64), (1, 2, 3, 16), (1, 2, 3, 4)))
        most = line * sets * ways * random.randint(2, 4)
        walk = [random.randrange(most) for _ in range(random.randint(60, 120))]
        again = [walk[random.randrange(n)] for n in range(1, len(walk))]
        cases.append((walk + again, line, sets, ways))
    return cases


@miss_rate.mistake("that drops the line that came first. What does a hit change?", "K1")
def rate_fifo(addresses, line, sets, ways):
    held, misses = [[] for _ in range(sets)], 0
    for address in addresses:
        lines = held[address // line % sets]
        if address // line not in lines:
            misses += 1
            lines.append(address // line)
            del lines[:-ways]
    return misses / len(addresses)


@miss_rate.mistake("that drops the line used *last*. Which one should go?", "K1")
def rate_most_recent(addresses, line, sets, ways):
    held, misses = [[] for _ in range(sets)], 0
    for address in addresses:
        lines, number = held[address // line % sets], address // line
        if number in lines:
            lines.remove(number)
        else:
            misses += 1
            if len(lines) == ways:
                lines.pop()
        lines.append(number)
    return misses / len(addresses)


@miss_rate.mistake("that looks for numbers. Whose neighbours come along with a number?", "K1")
def rate_by_address(addresses, line, sets, ways):
    held, misses = [[] for _ in range(sets)], 0
    for address in addresses:
        lines = held[address // line % sets]
        if address in lines:
            lines.remove(address)
        else:
            misses += 1
        lines.append(address)
        del lines[:-ways]
    return misses / len(addresses)


@miss_rate.mistake("that finds the set by the address. Are all bytes of a line in one set?", "K1")
def rate_set_by_address(addresses, line, sets, ways):
    held, misses = [[] for _ in range(sets)], 0
    for address in addresses:
        lines, number = held[address % sets], address // line
        if number in lines:
            lines.remove(number)
        else:
            misses += 1
        lines.append(number)
        del lines[:-ways]
    return misses / len(addresses)


@miss_rate.mistake("that has one line in each set. What are `ways` for?", "K1")
def rate_direct(addresses, line, sets, ways):
    held, misses = {}, 0
    for address in addresses:
        number = address // line
        misses += held.get(number % sets) != number
        held[number % sets] = number
    return misses / len(addresses)


@miss_rate.mistake("that lets any line lie anywhere. Which set may it go to?", "K1")
def rate_anywhere(addresses, line, sets, ways):
    lines, misses = [], 0
    for address in addresses:
        number = address // line
        if number in lines:
            lines.remove(number)
        else:
            misses += 1
        lines.append(number)
        del lines[: -sets * ways]
    return misses / len(addresses)


@miss_rate.mistake("that never drops a line. How many fit into a set?", "K1")
def rate_first_touch(addresses, line, sets, ways):
    return len({address // line for address in addresses}) / len(addresses)


@miss_rate.mistake("that is the share of hits. Which is asked?", "Q1")
def rate_of_hits(addresses, line, sets, ways):
    held, misses = [[] for _ in range(sets)], 0
    for address in addresses:
        lines, number = held[address // line % sets], address // line
        if number in lines:
            lines.remove(number)
        else:
            misses += 1
        lines.append(number)
        del lines[:-ways]
    return 1 - misses / len(addresses)


@miss_rate.mistake("that is how many miss. Of how many reads?", "Q1")
def rate_as_count(addresses, line, sets, ways):
    held, misses = [[] for _ in range(sets)], 0
    for address in addresses:
        lines, number = held[address // line % sets], address // line
        if number in lines:
            lines.remove(number)
        else:
            misses += 1
        lines.append(number)
        del lines[:-ways]
    return misses


@miss_rate.mistake("that keeps a line too many in each set. When is a set full?", "O1")
def rate_one_more(addresses, line, sets, ways):
    held, misses = [[] for _ in range(sets)], 0
    for address in addresses:
        lines, number = held[address // line % sets], address // line
        if number in lines:
            lines.remove(number)
        else:
            misses += 1
        lines.append(number)
        del lines[: -ways - 1]
    return misses / len(addresses)


@choice(
    minutes=3,
    level=2,
    concept=True,
    hints=[
        "How many lines does the first loop fetch, and how many the second?",
        "What does a loop wait for, if memory limits it?",
    ],
    options=[
        "a sixteenth of the time",
        "a quarter of the time",
        "about the same time",
        "longer: it jumps",
    ],
)
def every_sixteenth():
    """One loop adds up all numbers of 1 GB in fp32, another every 16th.

    Lines have 64 B, no cache holds a tenth of the array, and the bandwidth of memory limits both
    loops. How long does the second take, as a share of the first?
    """
    return "c"


@every_sixteenth.mistake("it reads a sixteenth of the numbers. Of which lines?", "K1")
def sixteenth_of_time():
    return "a"


@every_sixteenth.mistake("how many lines lie between two numbers that it reads?", "K1")
def quarter_of_time():
    return "b"


@every_sixteenth.mistake("16 numbers are 64 B: does it jump over a line?", "K1")
def longer_time():
    return "d"
