"""Exercises and predictions of lesson 09: data between ranks, and the four patterns in a memory."""

import numpy as np

from .cards import choice, order
from .kinds import exercise, prediction, value


@prediction(unit="of 100")
def split_digits():
    """Five ranks learn from two digits each, rank 0 from the 0s and 1s, and keep their own weights.

    Of 100 new images of all ten digits, how many does rank 0 know?
    """


@prediction(unit="counts")
def lost_counts():
    """`h` has 1,000 zeros, and `idx` a million random places in it. NumPy does `h[idx] += 1`.

    What is the sum of `h`?
    """


@prediction(unit="%")
def tenths():
    """16,777,216 times 0.1 is added up in fp32, one after the other, left to right.

    By how many % is the sum off?
    """


@prediction(words=("root", "tree", "ring"))
def small_winner():
    """All-reduce of 1 kB by 8 ranks: by way of the root, by trees, or round a ring. Who is first?

    A message takes 1 µs, and a byte of it 20 ps, which is 50 GB/s; additions are free.
    """


@prediction(words=("root", "tree", "ring"))
def large_winner():
    """And of 100 MB?"""


@prediction(unit="×")
def shared_ring():
    """Four processes on your computer all-reduce 8 MiB each: by way of the root, and by ring.

    How many times as long does the root take?
    """


@value(
    minutes=1,
    recalls="08",
    unit="misses a read",
    hints=["How many bytes lie between two reads, and how many has a line?"],
)
def recall_misses():
    """Every 8th number of a long array in fp32 is read, once, in order. How often does one miss?

    Lines have 64 B, and the cache is empty at first.
    """
    numbers, stride = 64 / 4, 8
    return stride / numbers


@recall_misses.mistake("that reads every number. How far apart are two reads?", "K1")
def recall_misses_in_order():
    return 4 / 64


@recall_misses.mistake("that has a line for each read. Do two of them share one?", "K1")
def recall_misses_always():
    return 1


@recall_misses.mistake("so many reads share a line. How many of them miss?", "K1")
def recall_reads_a_line():
    return 2


@recall_misses.mistake("that is a share of bytes. How many reads find their line?", "K1")
def recall_share():
    return 1 / 8


@value(
    minutes=1,
    recalls="06",
    unit="weights",
    hints=["Which experts must be there, whoever is chosen?"],
)
def recall_experts():
    """In place of a dense layer of 1,000 weights stand 16 experts, each as large.

    A token runs through the best 2 of them. How many weights do the experts store?
    """
    experts, weights = 16, 1000
    return experts * weights


@recall_experts.mistake("so many run for one token. And for the next token?", "E1")
def experts_that_run():
    return 2 * 1000


@recall_experts.mistake("does a token add weights, or choose among those that are stored?", "E1")
def experts_chosen_too():
    return 32 * 1000


@recall_experts.mistake("that is one of them. Which experts may the next token ask for?", "E1")
def experts_one():
    return 1000


@recall_experts.mistake("is the layer that they replace still there?", "E1")
def experts_and_dense():
    return 17 * 1000


@value(
    minutes=1,
    recalls="03",
    unit="cell-steps",
    hints=["Which cells can run in the first step, and which in the second?"],
)
def recall_wavefront():
    """Five stacked RNN layers read 20 inputs, on as many processors as help.

    Each cell waits for the one before it and for the one below. How many steps pass, at least?
    """
    layers, inputs = 5, 20
    return layers + inputs - 1


@recall_wavefront.mistake("that runs one cell after the other. Which do not wait?", "T1")
def wavefront_all():
    return 100


@recall_wavefront.mistake("when does the topmost layer see its first input?", "T1")
def wavefront_inputs():
    return 20


@recall_wavefront.mistake("two layers and one input: how many steps?", "O1")
def wavefront_one_more():
    return 25


@exercise(
    minutes=3,
    level=1,
    hints=[
        "Add 4 numbers by pairs: how many additions are that, and how many rounds?",
        "Five numbers: who waits, and how many rounds is it then?",
        "Every addition makes one number of two. How many must go until one is left?",
    ],
)
def tree_cost(n):
    """Count the additions and the rounds of a tree.

    It adds up n numbers, at least 1. In each round all pairs are added at once; of an odd number
    one waits. Return two whole numbers.
    """
    # BEGIN SOLUTION
    rounds = sum(2**done < n for done in range(n))
    return n - 1, rounds
    # END SOLUTION


@tree_cost.cases
def _draw(random):
    return [(1000,), (1,), (2,), (3,), (8,), (9,), (1024,), (random.randint(20, 900),)]


@tree_cost.mistake("those are rounds twice. Does a tree leave out additions?", "D1")
def tree_less_work(n):
    return (n - 1).bit_length(), (n - 1).bit_length()


@tree_cost.mistake("two numbers: how many additions?", "O1")
def tree_fencepost(n):
    return n, (n - 1).bit_length()


@tree_cost.mistake("three numbers: how many rounds?", "O1")
def tree_floor(n):
    return n - 1, n.bit_length() - 1


@tree_cost.mistake("that adds one after the other. Which additions can be done at once?", "D1")
def tree_chain(n):
    return n - 1, n - 1


@tree_cost.mistake("how many rounds do 4 numbers take?", "O1")
def tree_one_round_more(n):
    return n - 1, n.bit_length()


@value(
    minutes=2,
    level=1,
    unit="rounds",
    hints=[
        "How many ranks have it after one round, and how many after two?",
        "Who can send in round 2 that could not in round 1?",
    ],
)
def broadcast_rounds():
    """One of 32 ranks has some bytes that all shall have. How many rounds does it take, at least?

    In a round each rank sends to one other at most, and receives from one.
    """
    ranks = 32
    return sum(2**done < ranks for done in range(ranks))  # while there are ranks without it


@broadcast_rounds.mistake("that sends all of them from one rank. Who else has it by then?", "D1")
def rounds_from_the_root():
    return 31


@broadcast_rounds.mistake("so many ranks are there. Who sends in the second round?", "O1")
def rounds_as_ranks():
    return 32


@broadcast_rounds.mistake("two ranks: how many rounds are that?", "O1")
def rounds_one_more():
    return 6


@broadcast_rounds.mistake("how many ranks have it by then? Is it all of them?", "O1")
def rounds_one_less():
    return 4


@broadcast_rounds.mistake("half of the ranks: do those who have it not send as well?", "D1")
def rounds_two():
    return 2


@value(
    minutes=4,
    level=2,
    unit="MB",
    hints=[
        "How large is a part, and how many parts does a rank send in the first half?",
        "When each rank has one sum complete, what is still missing?",
    ],
)
def ring_sent():
    """Eight ranks all-reduce 100 MB each, round a ring. How many MB does each of them send?

    Each cuts its array into 8 parts and hands on one a round: first sums, then what is complete.
    """
    ranks, size = 8, 100
    return 2 * (ranks - 1) * size / ranks


@ring_sent.mistake("that passes the array on once. Who has the sums after that?", "D1")
def sent_once():
    return 100


@ring_sent.mistake(
    "that is half of it. Each rank has a part of the sums: and the other parts?", "D1"
)
def sent_half():
    return 7 * 100 / 8


@ring_sent.mistake("a rank sends a part a round: how many rounds has each half?", "D1")
def sent_all_parts():
    return 200


@ring_sent.mistake("that is what all send together. How much of it does one of them send?", "D1")
def sent_by_all():
    return 8 * 175


@ring_sent.mistake("that hands on whole arrays. How large is what goes on in a round?", "D1")
def sent_whole():
    return 7 * 100


@value(
    minutes=2,
    level=2,
    unit="counts",
    hints=[
        "NumPy reads all of `h[idx]`, adds 1 to each, then writes all. What is written to `h[4]`?",
        "What does `h[1]` hold before the addition, each time it is read?",
    ],
)
def stored_sum():
    """`h = np.zeros(5)`, `idx = [0, 1, 1, 4, 4, 4]`, and `h[idx] += 1`. What is the sum of `h`?"""
    idx = [0, 1, 1, 4, 4, 4]
    return len(set(idx))  # each of these places is written with 0 + 1


@stored_sum.mistake("that counts each index. What did `h[4]` hold when it was read again?", "X1")
def stored_all():
    return 6


@stored_sum.mistake("is there an index 2?", "O1")
def stored_everywhere():
    return 5


@stored_sum.mistake("that leaves out indexes that come twice. Is nothing written there?", "X1")
def stored_single():
    return 1


@value(
    minutes=3,
    level=2,
    unit="ones",
    hints=[
        "How far apart are two neighbouring fp32 numbers near 2²⁴?",
        "Try `np.float32(2**24) + np.float32(1)`. What is it?",
    ],
)
def ones_sum():
    """33,554,432 ones (2²⁵) are added up in fp32, one after the other. What comes out?"""
    stored, first = 23, 1  # bits of a number
    return 2 ** (stored + first)


@ones_sum.mistake("that is exact. What is 2²⁴ + 1, in fp32?", "X1")
def ones_exact():
    return 2**25


@ones_sum.mistake("23 bits are stored. Which bit need not be?", "X1")
def ones_stored_bits():
    return 2**23


@ones_sum.mistake("is that odd number an fp32 number?", "O1")
def ones_one_more():
    return 2**24 + 1


@ones_sum.mistake("where does the sum stay: at the last number that counts on, or before it?", "O1")
def ones_one_less():
    return 2**24 - 1


@value(
    minutes=3,
    level=2,
    unit="weights",
    hints=[
        "Which weights does a second picture need that the first one did not?",
        "Which of its three tensors has no index b?",
    ],
)
def broadcast_loads():
    """A layer 784→100 takes a batch of 32; each weight is loaded once and used for all 32.

    How many weights are loaded?
    """
    inputs, outputs = 784, 100
    return inputs * outputs


@broadcast_loads.mistake("that loads them for each picture. What does the batch share?", "W1")
def loads_without_sharing():
    return 32 * 784 * 100


@broadcast_loads.mistake("is a part of the weights enough for one picture?", "B1")
def loads_divided():
    return 784 * 100 // 32


@broadcast_loads.mistake("do weights go back when nothing has changed them?", "W1")
def loads_and_back():
    return 2 * 784 * 100


@broadcast_loads.mistake("those are inputs and outputs. Which pairs of them meet?", "P2")
def loads_of_sizes():
    return 784 + 100


@value(
    minutes=5,
    level=3,
    unit="bytes",
    tolerance=0.01,
    hints=[
        "Write both times down for n bytes. How many messages come one after the other in each?",
        "Where are the two equal? Which one grows faster with n?",
    ],
)
def ring_overtakes():
    """From which size on is an all-reduce round a ring faster than a tree, reduce and broadcast?

    Eight ranks; a message takes 1 µs, and a byte of it 20 ps, which is 50 GB/s. Additions are free.
    """
    ranks, alpha, beta = 8, 1e-6, 20e-12
    ring, tree = 2 * (ranks - 1), 2 * 3  # rounds; of parts, and of whole arrays
    return (ring - tree) * alpha / ((tree - ring / ranks) * beta)


@ring_overtakes.mistake(
    "so many bytes take as long as one message. How many of each are there?", "D1"
)
def overtakes_ratio():
    return 1e-6 * 50e9


@ring_overtakes.mistake(
    "a ring's rank sends 7 parts in each half, not 8. How much is that, exactly?", "D1"
)
def overtakes_whole():
    return 8 * 1e-6 * 50e9 / 4


@ring_overtakes.mistake(
    "that is twice the bytes, or half the messages. How many halves has each?", "D1"
)
def overtakes_one_phase():
    return 4 * 1e-6 * 50e9 / 4.25


@exercise(
    minutes=6,
    level=3,
    hints=[
        "Which values belong to one place of h? Which order of `idx` brings them side by side?",
        "Sorted, where does each run begin? `np.add.reduceat` adds from one beginning to the next.",
        "Is a place that no index names left as it was?",
    ],
)
def scatter_add(h, idx, v):
    """Add each v[k] to place idx[k] of a copy of h, however many meet.

    `h`, `idx` and `v` are arrays; `idx` may be empty. Return the new array. Do it without a loop
    over all of `idx`, and without `np.add.at`: sort, and add up runs, or find another way.
    """
    # BEGIN SOLUTION
    new = h.copy()
    turn = np.argsort(idx, kind="stable")
    places, first = np.unique(idx[turn], return_index=True)
    new[places] += np.add.reduceat(v[turn], first)
    return new
    # END SOLUTION


@scatter_add.cases
def _draw(random):
    rng = np.random.default_rng(random.randrange(1000))
    cases = [(np.zeros(4), np.array([0, 1, 1, 3, 3, 3]), np.ones(6))]
    for places, indexes in ((1, 5), (9, 3), (20, 100), (50, 50)):
        h, v = rng.integers(-9, 9, places) * 1.0, rng.integers(-9, 9, indexes) * 1.0
        cases.append((h, rng.integers(places, size=indexes), v))
    cases.append((np.arange(3.0), np.array([], int), np.array([])))
    return cases


@scatter_add.mistake("`h[idx] += v` writes a place once. What became of its other values?", "X1")
def scatter_stored(h, idx, v):
    new = h.copy()
    new[idx] += v
    return new


@scatter_add.mistake("what did h hold before?", "R1")
def scatter_from_zero(h, idx, v):
    new = np.zeros_like(h)
    np.add.at(new, idx, v)
    return new


@scatter_add.mistake(
    "that sorts the places and leaves the values as they were. Whose are they?", "X1"
)
def scatter_unsorted_values(h, idx, v):
    new = h.copy()
    np.add.at(new, np.sort(idx), v)
    return new


@scatter_add.mistake("that counts how often a place is named. What is added there?", "X1")
def scatter_counts(h, idx, v):
    return h + np.bincount(idx, minlength=len(h))


@exercise(
    minutes=6,
    level=3,
    tolerance=1e-6,
    hints=[
        "How large may a sum be before a small number is lost on it?",
        "Add all pairs at once, x[0::2] + x[1::2]: how many numbers are left, and how large?",
        "An odd number is left over. Where can it wait?",
    ],
)
def tree_sum(x):
    """Add up an array in fp32, to a millionth.

    The relative error is to be below 1e-6, for up to 10,000 numbers. `x`: one axis, at least one
    number, all of one sign. Return the sum. NumPy's `sum` adds by pairs as well: write the tree
    yourself, every addition in fp32.
    """
    # BEGIN SOLUTION
    for _ in range(len(x).bit_length()):
        pairs = len(x) // 2 * 2
        x = np.concatenate([x[0:pairs:2] + x[1:pairs:2], x[pairs:]])
    return x[0]
    # END SOLUTION


@tree_sum.cases
def _draw(random):
    rng = np.random.default_rng(random.randrange(1000))
    sizes = 1, 2, 3, 7, 1000, 4097
    cases = [(rng.random(size, dtype=np.float32),) for size in sizes]
    return [*cases, (np.full(10_000, 0.1, np.float32),)]


@tree_sum.mistake(
    "that adds one after the other. How large is the sum when the last ones come?", "X1"
)
def tree_left_to_right(x):
    return np.add.accumulate(x)[-1]


@tree_sum.mistake("an odd number was left over. What became of it?", "O1")
def tree_drops_odd(x):
    while len(x) > 1:
        x = x[0 : len(x) // 2 * 2 : 2] + x[1 : len(x) // 2 * 2 : 2]
    return x[0]


@tree_sum.mistake("that adds the halves once. How many rounds does a tree have?", "D1")
def tree_one_round(x):
    half = len(x) // 2
    return np.add.accumulate(x[:half])[-1] + np.add.accumulate(x[half:])[-1] if half else x[0]


@tree_sum.mistake("that is a mean. What is asked?", "Q1")
def tree_mean(x):
    return x.astype(np.float64).mean()


@order(
    minutes=5,
    level=3,
    hints=[
        "In which half are parts added, and in which only kept?",
        "Which part does rank 0 send in round 0, and which one rank 1? When must k be found?",
        "Who is the receiver in a round: r, or its neighbour?",
    ],
    extra=["parts[r][k] += parts[(r + 1) % p][k]"],
)
def ring_loops():
    """Put the lines in order: all-reduce round a ring of p ranks, first sums, then copies.

    `parts[r][k]` is the number that rank r holds of part k. In round t rank r sends part
    r − t − 1, counted round the ring, to rank r + 1. There are 2p − 2 rounds, t from 0 on. Lines
    that are equal may change places.
    """
    return """
        for t in range(p - 1):
            for r in range(p):
                k = (r - t - 1) % p
                parts[(r + 1) % p][k] += parts[r][k]
        for t in range(p - 1, 2 * p - 2):
            for r in range(p):
                k = (r - t - 1) % p
                parts[(r + 1) % p][k] = parts[r][k]
    """


@ring_loops.mistake("that adds the neighbour's part to the sender's own. Who receives?", "D1")
def ring_to_itself():
    return """
        for t in range(p - 1):
            for r in range(p):
                k = (r - t - 1) % p
                parts[r][k] += parts[(r + 1) % p][k]
        for t in range(p - 1, 2 * p - 2):
            for r in range(p):
                k = (r - t - 1) % p
                parts[(r + 1) % p][k] = parts[r][k]
    """


@ring_loops.mistake("which half adds? What does a copy put in the place of a sum?", "D1")
def ring_copies_first():
    return """
        for t in range(p - 1):
            for r in range(p):
                k = (r - t - 1) % p
                parts[(r + 1) % p][k] = parts[r][k]
        for t in range(p - 1, 2 * p - 2):
            for r in range(p):
                k = (r - t - 1) % p
                parts[(r + 1) % p][k] += parts[r][k]
    """


@ring_loops.mistake("does each rank do all of its rounds before the next rank begins?", "T1")
def ring_rank_by_rank():
    return """
        for r in range(p):
            for t in range(p - 1):
                k = (r - t - 1) % p
                parts[(r + 1) % p][k] += parts[r][k]
        for r in range(p):
            for t in range(p - 1, 2 * p - 2):
                k = (r - t - 1) % p
                parts[(r + 1) % p][k] = parts[r][k]
    """


@choice(
    minutes=3,
    level=2,
    concept=True,
    hints=["How many numbers does each addition take away?", "How many are left after a round?"],
    options=[
        "10 additions in 10 rounds",
        "1,024 additions in 512 rounds",
        "1,023 additions, one after the other",
        "1,023 additions in 10 rounds",
    ],
)
def tree_work():
    """A tree adds up 1,024 numbers, in each round all pairs at once. What does it take?"""
    return "d"


@tree_work.mistake("those are the rounds. How many pairs has the first of them?", "D1")
def work_of_rounds():
    return "a"


@tree_work.mistake("two numbers: how many additions? And how many are left after a round?", "O1")
def work_by_halves():
    return "b"


@tree_work.mistake("which of them has to wait for another?", "D1")
def work_of_a_chain():
    return "c"
