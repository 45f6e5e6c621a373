"""Exercises and predictions of lesson 04: what attention computes, stores and moves."""

import math

import numpy as np

from .cards import choice, order
from .kinds import exercise, prediction, value


@prediction(unit="%")
def next_letter():
    """The first 2,000 letters or so of "Alice's Adventures in Wonderland", spaces included.

    Each letter of the second half is guessed from those before it alone: earlier places are looked
    up whose last few letters are most like the last few here, and what followed there is the guess.

    How many % of the second half are guessed right?
    """


@prediction(unit="tokens")
def room_tokens():
    """Width 512: eight heads of 64, and the four matrices of the projections, 512 × 512 each.

    From how many tokens on have the scores of all eight heads more numbers than the four matrices?
    """


@prediction(unit="FLOP/B")
def unfused_limit():
    """One head of width 64, in fp32: S and P are each written to memory once and read once.

    Q, K and V come in once, O goes out once; the two products alone are counted as work.
    Which intensity has attention at 32,768 tokens?
    """


@prediction(unit="%")
def softmax_time():
    """One head, 1,024 queries and keys, width 64.

    With 5 operations a score, the softmax is about 2 % of the FLOPs; the two products are the rest.
    How many % of the time does the softmax take, in NumPy on your computer?
    """


@prediction(unit="×")
def equal_time():
    """Width 256, 1,024 tokens: four projections, for Q, K, V and O, and the products Q Kᵀ and P V
    of one head that is as wide; the softmax is left out.

    How many times as long as the four projections do the two products take on your computer?
    """


@prediction(unit="×")
def tiled_peak():
    """One head, 2,048 queries and keys, width 64: S as one matrix, in whose place P is written;
    then in tiles.

    A tile is 128 queries by 512 keys, and is forgotten before the next one.
    How many times less memory do the tiles hold at their peak?
    """


@prediction(unit="×")
def fetched():
    """A chip has 96 KiB of memory of its own, for one head of 4,096 queries and keys, width 64.

    All is in fp32. Once S and P are stored outside, and the two products have all the room they
    want; once as many queries as fit stay with their outputs, while keys and values pass by, 16 at
    a time. How many times fewer numbers cross then?
    """


@prediction(unit="×")
def window_macs():
    """Each of 1,024 queries meets all 1,024 keys; then only those in a window before it.

    A query now sees itself and the 63 keys before it, or as many as there are.
    How many times fewer MACs does Q Kᵀ take?
    """


@prediction(unit="×")
def subnormal_time():
    """Without 1/√d, scores of width 512 lie far apart, and many of the weights in P are tiny.

    Some are *subnormal*: below 10⁻³⁸ or so, where fp32 keeps fewer digits.
    How many times as long as with 1/√d does P V take on your computer?
    """


@value(
    minutes=1,
    recalls="03",
    unit="cells",
    hints=[
        "Which cells must be done before the last cell of the top layer can start?",
        "Do one layer of three steps by hand, then put another layer on top. What grew?",
    ],
)
def recall_rnn_chain():
    """Two stacked recurrent layers, with tanh, run 50 steps of one sequence, both forwards.

    Each cell waits for the one before it in its layer and for the one below it. With as many
    processors as help: how many cells, at least, run one after the other?
    """
    layers, steps = 2, 50
    return layers + steps - 1


@recall_rnn_chain.mistake(
    "that is one cell at a time. What can the upper layer do while the lower one goes on?", "T1"
)
def chain_one_by_one():
    return 2 * 50


@recall_rnn_chain.mistake(
    "that is the chain of one layer, or the waits along the longest one. Does the upper layer add "
    "a cell?",
    "T1",
)
def chain_of_one_layer():
    return 50


@recall_rnn_chain.mistake(
    "do two layers of one step by hand. Are layers and steps added up as they are?", "O1"
)
def chain_one_too_many():
    return 2 + 50


@recall_rnn_chain.mistake("that is less than one layer needs. How many steps has it?", "O1")
def chain_too_short():
    return 50 - 1


@recall_rnn_chain.mistake(
    "that shares the steps between the layers. Does each layer run all of them?", "T1"
)
def chain_shared():
    return 50 / 2


@recall_rnn_chain.mistake(
    "all steps of a layer at once? What does the second step read from the first?", "T1"
)
def chain_of_layers():
    return 2


@recall_rnn_chain.mistake("every cell at once? Which of them wait for none?", "T1")
def chain_all_at_once():
    return 1


@recall_rnn_chain.mistake(
    "that joins the steps as a tree does. Can two steps be joined before the state is known?", "D1"
)
def chain_of_a_tree():
    return (50 - 1).bit_length()


@recall_rnn_chain.mistake(
    "that joins all cells as a tree does. Can tanh be applied before its sum is known?", "D1"
)
def chain_of_a_tree_of_cells():
    return (2 * 50 - 1).bit_length()


@value(
    minutes=1,
    recalls="01",
    unit="MAC",
    hints=[
        "With how many weights does one output of one sample multiply?",
        "How many outputs has the whole batch?",
    ],
)
def recall_dense_macs():
    """How many MACs does a dense layer 64→10, with bias, take for a batch of 50?"""
    batch, inputs, outputs = 50, 64, 10
    return batch * inputs * outputs


@recall_dense_macs.mistake(
    "that is one sample. Put a batch of 1, then of 2 into your formula: what moved?", "B1"
)
def dense_one_sample():
    return 64 * 10


@recall_dense_macs.mistake(
    "one MAC is a multiply *and* an add. Which of the two, MAC or FLOP, is asked?", "U1"
)
def dense_as_flop():
    return 2 * 50 * 64 * 10


@recall_dense_macs.mistake(
    "those are FLOP, with one add fewer for each output. Which is asked, FLOP or MAC?", "U1"
)
def dense_as_flop_without_first_add():
    return 50 * 10 * (2 * 64 - 1)


@recall_dense_macs.mistake(
    "those are FLOP, the bias among them. Which is asked, FLOP or MAC?", "U1"
)
def dense_as_flop_with_bias():
    return 50 * 10 * (2 * 64 + 1)


@recall_dense_macs.mistake("the bias is in there. Does adding it multiply anything?", "P1")
def dense_with_bias():
    return 50 * (64 * 10 + 10)


@recall_dense_macs.mistake(
    "that is how many parameters there are. How often is each weight used in a batch?", "B1"
)
def dense_parameters():
    return 64 * 10 + 10


@recall_dense_macs.mistake("that adds inputs and outputs. How many weights lie between them?", "P2")
def dense_neurons():
    return 50 * (64 + 10)


@recall_dense_macs.mistake(
    "those are the numbers of x. With how many weights does each meet?", "P2"
)
def dense_inputs():
    return 50 * 64


@recall_dense_macs.mistake("those are the outputs. How many products are in each?", "P2")
def dense_outputs():
    return 50 * 10


@value(
    minutes=1,
    recalls="00",
    unit="bytes",
    hints=["How many numbers are in the array?", "How many bytes are 16 bits?"],
)
def recall_bytes():
    """How many bytes has an array of shape (3, 100, 20) in fp16?"""
    numbers, itemsize = 3 * 100 * 20, 2
    return numbers * itemsize


@recall_bytes.mistake(
    "that is how many numbers it has. Compare `a.size` with `a.nbytes`: which is asked?", "U2"
)
def bytes_as_elements():
    return 3 * 100 * 20


@recall_bytes.mistake("that fits numbers of 32 bits. What is `a.itemsize` here?", "U3")
def bytes_fp32():
    return 3 * 100 * 20 * 4


@recall_bytes.mistake("that fits numbers of 64 bits. What is `a.itemsize` here?", "U3")
def bytes_fp64():
    return 3 * 100 * 20 * 8


@recall_bytes.mistake("those are bits. How many of them make a byte?", "U3")
def bytes_as_bits():
    return 3 * 100 * 20 * 16


@recall_bytes.mistake(
    "that divides by two. Has fp16 two numbers a byte, or two bytes a number?", "U3"
)
def bytes_halved():
    return 3 * 100 * 20 // 2


@recall_bytes.mistake("that adds the axes. How many numbers has an array of shape (3, 100)?", "P2")
def bytes_axes_added():
    return 2 * (3 + 100 + 20)


@recall_bytes.mistake(
    "that adds the axes, and counts numbers. How many numbers has an array of shape (3, 100), and "
    "how many bytes each?",
    "P2",
)
def bytes_axes_added_as_elements():
    return 3 + 100 + 20


@recall_bytes.mistake("the first axis is not in there. How long is it?", "P2")
def bytes_without_first_axis():
    return 100 * 20 * 2


@recall_bytes.mistake("the last axis is not in there. How long is it?", "P2")
def bytes_without_last_axis():
    return 3 * 100 * 2


@value(
    minutes=2,
    level=1,
    unit="MAC",
    hints=[
        "How many numbers has the result S, and how long is the sum behind each of them?",
        "Double the number of tokens only. Should your answer be 2 times as large, or 4 times?",
    ],
)
def qk_macs():
    """How many MACs does Q Kᵀ take for 512 queries and 512 keys, in one head of width 64?

    One sequence, no mask: `S[q,j]` sums `Q[q,d] * K[j,d]` over d, for each query q and each key j.
    """
    tokens, width = 512, 64
    return tokens * tokens * width


@qk_macs.mistake(
    "that has N·d²: the tokens once, the width twice. Which of the axes q, j and d is as long as "
    "which?",
    "Q1",
)
def qk_width_squared():
    return 512 * 64 * 64


@qk_macs.mistake(
    "that is twice too much: FLOP, or P V as well. Is one MAC two operations, and which product is "
    "asked?",
    "U1",
)
def qk_as_flop():
    return 2 * 512 * 512 * 64


@qk_macs.mistake(
    "those are FLOP, with one add fewer for each score. Is the question about FLOP or MACs?", "U1"
)
def qk_as_flop_without_first_add():
    return 512 * 512 * (2 * 64 - 1)


@qk_macs.mistake(
    "those are FLOP of both products. Which product is asked, and in FLOP or MACs?", "U1"
)
def qk_as_flop_of_both():
    return 4 * 512 * 512 * 64


@qk_macs.mistake(
    "that is one query against all keys, or how many numbers Q has. How many queries are there?",
    "Q1",
)
def qk_one_query():
    return 512 * 64


@qk_macs.mistake("that adds up the numbers of Q and K. How many keys does each query meet?", "Q1")
def qk_numbers():
    return (512 + 512) * 64


@qk_macs.mistake(
    "that is how many scores there are, or how many bytes Q and K. How many MACs make one score?",
    "P2",
)
def qk_scores():
    return 512 * 512


@qk_macs.mistake(
    "that is 8 times too much: eight heads, or 512 once too often. How many heads are asked, and "
    "over which axis runs the sum?",
    "H1",
)
def qk_of_eight_heads():
    return 8 * 512 * 512 * 64


@qk_macs.mistake("that is enough for a batch of 32. How many sequences are there?", "B1")
def qk_of_a_batch():
    return 32 * 512 * 512 * 64


@qk_macs.mistake(
    "that has each query meet the keys up to its own place. Does the task have a mask?", "S1"
)
def qk_causal():
    return 512 * 513 // 2 * 64


@qk_macs.mistake(
    "that is half: a mask, or FLOP made from MACs the wrong way. Is there a mask, and is a MAC "
    "made of FLOP?",
    "S1",
)
def qk_halved():
    return 512 * 512 * 64 // 2


@qk_macs.mistake(
    "that has one more for each score, its scale 1/√d. Is that a multiply *and* an add?", "U1"
)
def qk_with_scale():
    return 512 * 512 * (64 + 1)


@qk_macs.mistake("that is a single score. How many are there?", "Q1")
def qk_one_score():
    return 64


@value(
    minutes=2,
    level=1,
    unit="bytes",
    hints=[
        "What is the shape of the array S of all scores, with an axis for each thing in the task?",
        "Do two heads share their scores, or two sequences?",
        "Does the width of a head stand in that shape?",
    ],
)
def score_bytes():
    """How many bytes are all scores of one layer: 32 sequences, 8 heads, 512 tokens, in fp32?

    All scores S exist at the same time. Each head has a score for each query and each key, and
    both are the 512 tokens; there is no mask.
    """
    batch, heads, tokens, itemsize = 32, 8, 512, 4
    return batch * heads * tokens * tokens * itemsize


@score_bytes.mistake(
    "that is how many numbers they are. Compare `S.size` with `S.nbytes`: which is asked?", "U2"
)
def scores_as_elements():
    return 32 * 8 * 512 * 512


@score_bytes.mistake(
    "that is one sequence in bytes, or one head's numbers in all of them. Put a batch of 1, then "
    "of 2 into your formula, then heads: what moved?",
    "B1",
)
def scores_of_one_sequence():
    return 8 * 512 * 512 * 4


@score_bytes.mistake(
    "those are the numbers of one sequence. How many sequences are there, and how many bytes is a "
    "number?",
    "B1",
)
def scores_of_one_sequence_as_elements():
    return 8 * 512 * 512


@score_bytes.mistake(
    "that is one head, or an array as wide as the model in place of the keys. What is the shape of "
    "S for two heads?",
    "H1",
)
def scores_of_one_head():
    return 32 * 512 * 512 * 4


@score_bytes.mistake(
    "that is one matrix S, or tokens that are added up. How many matrices has a layer, and how "
    "many numbers is each?",
    "H1",
)
def scores_of_one_matrix():
    return 512 * 512 * 4


@score_bytes.mistake(
    "those are the numbers of one matrix S. How many matrices are there, and how many bytes is a "
    "number?",
    "U2",
)
def scores_of_one_matrix_as_elements():
    return 512 * 512


@score_bytes.mistake("that is one query of each head. How many queries does a sequence have?", "Q1")
def scores_of_one_query():
    return 32 * 8 * 512 * 4


@score_bytes.mistake(
    "that is half: numbers of two bytes, or a mask. What is `S.itemsize` for fp32, and are all "
    "scores kept?",
    "U3",
)
def scores_halved():
    return 32 * 8 * 512 * 512 * 2


@score_bytes.mistake(
    "that is twice too much: P beside S, or 64 bits. Which array is asked, and what is "
    "`S.itemsize`?",
    "U3",
)
def scores_twice():
    return 2 * 32 * 8 * 512 * 512 * 4


@score_bytes.mistake("those are bits. How many of them make a byte?", "U3")
def scores_as_bits():
    return 32 * 8 * 512 * 512 * 32


@score_bytes.mistake("that keeps the keys up to each query alone. Does the task have a mask?", "S1")
def scores_causal():
    return 32 * 8 * (512 * 513 // 2) * 4


@score_bytes.mistake("that is in MiB. In which unit is it asked?", "U3")
def scores_in_mebibytes():
    return 32 * 8 * 512 * 512 * 4 // 2**20


@score_bytes.mistake(
    "that has a number for each feature of each pair. What is left of the width, once a query has "
    "met a key?",
    "Q1",
)
def scores_with_width():
    return 32 * 8 * 512 * 512 * 64 * 4


@value(
    minutes=3,
    level=2,
    unit="tokens",
    hints=[
        "List every matrix product of the layer. How many are projections, and how many are not?",
        "How many MACs is one of each sort, with N tokens and width d?",
        "All heads together: how wide is what Q Kᵀ sums over?",
    ],
)
def equal_tokens():
    """For how many tokens do Q Kᵀ and P V take as many MACs as the four projections?

    The model's width is 512, in heads of 64 that are 512 wide together. Q, K and V are made of the
    tokens by one 512 × 512 matrix each, and so is the output, from what the heads give. One
    sequence, no mask; softmax and biases are left out.
    """
    projections, products, width = 4, 2, 512
    return projections * width // products


@equal_tokens.mistake(
    "one projection and one product are equal there. How many of each has the layer?", "Q1"
)
def equal_one_of_each():
    return 512


@equal_tokens.mistake(
    "that has three projections. What happens to the outputs of the heads, before they leave?", "Q1"
)
def equal_without_output():
    return 3 * 512 // 2


@equal_tokens.mistake(
    "that is twice too far: P V is missing, or one side is in FLOP. How many products does a query "
    "take part in after the projections?",
    "Q1",
)
def equal_without_mix():
    return 4 * 512


@equal_tokens.mistake(
    "that counts the two dense layers behind attention as well. Which products are named?", "Q1"
)
def equal_with_dense_layers():
    return 12 * 512 // 2


@equal_tokens.mistake(
    "that has three projections and one product. Which projection comes after the heads, and which "
    "product after softmax?",
    "Q1",
)
def equal_without_output_and_mix():
    return 3 * 512


@equal_tokens.mistake(
    "that has both products, and a single projection. How many matrices of weights are there?", "Q1"
)
def equal_one_projection():
    return 512 // 2


@equal_tokens.mistake(
    "that has 64 as the width of the model, or 512 as that of each head. What is h × d_head, and "
    "which width have the matrices?",
    "H1",
)
def equal_head_for_width():
    return 2 * 64


@equal_tokens.mistake(
    "that is the width of a head. Over which width does a projection sum, and over which do all "
    "heads together?",
    "H1",
)
def equal_width_of_a_head():
    return 64


@equal_tokens.mistake(
    "from there on the scores are more numbers than the matrices have. Are numbers asked, or MACs?",
    "Q1",
)
def equal_in_numbers():
    return math.isqrt(4 * 512 * 512 // 8) + 1


@equal_tokens.mistake(
    "that counts the products of one head. How many heads meet, in the projections' 512 columns?",
    "H1",
)
def equal_one_head():
    return 8 * 2 * 512


@equal_tokens.mistake(
    "that compares FLOP with MACs, and leaves P V out. Are both sides in the same unit?", "U1"
)
def equal_flop_without_mix():
    return 8 * 512


@equal_tokens.mistake(
    "that lets a query see the keys up to its own place alone. Does the task have a mask?", "S1"
)
def equal_causal():
    return 4 * 512 - 1


@equal_tokens.mistake(
    "that is where the two products take more. Where are they equal: plug your answer back?", "O2"
)
def equal_first_above():
    return 2 * 512 + 1


@equal_tokens.mistake(
    "that is where the two products still take less. Where are they equal: plug your answer back?",
    "O2",
)
def equal_last_below():
    return 2 * 512 - 1


@equal_tokens.mistake(
    "that is how many times the width. Which number of tokens is it, at this width?", "P2"
)
def equal_as_ratio():
    return 2


@equal_tokens.mistake(
    "those are the projections' MACs for one token, or their weights. How many MACs do N tokens "
    "take there, and how many in Q Kᵀ?",
    "Q1",
)
def equal_as_weights():
    return 4 * 512 * 512


@value(
    minutes=2,
    level=2,
    unit="pairs",
    hints=[
        "How many keys does the first query see, and how many the last?",
        "Do it by hand for N = 2, then for N = 3. Which formula gives both?",
    ],
)
def causal_pairs():
    """How many pairs of a query and a key does a causal mask leave, for 512 tokens in one head?

    Query q sees key j if j ≤ q. Both are counted from 0.
    """
    tokens = 512
    return tokens * (tokens + 1) // 2


@causal_pairs.mistake(
    "that is half of the square. Do N = 1 by hand: how many pairs are left?", "O1"
)
def pairs_half_of_the_square():
    return 512 * 512 // 2


@causal_pairs.mistake("that leaves out the diagonal. May a query see the key with j = q?", "O1")
def pairs_without_diagonal():
    return 512 * 511 // 2


@causal_pairs.mistake("that is the whole square. Which half of it does the mask take away?", "S1")
def pairs_without_mask():
    return 512 * 512


@causal_pairs.mistake(
    "that is the rectangle N by N + 1. How many triangles does it take to fill it?", "O1"
)
def pairs_rectangle():
    return 512 * 513


@causal_pairs.mistake(
    "that drops the diagonal of the square and keeps both sides of it. Which side is masked?", "S1"
)
def pairs_beside_the_diagonal():
    return 512 * 511


@causal_pairs.mistake("that has one row too many. How many queries are there from 0 to 511?", "O1")
def pairs_one_row_more():
    return 513 * 514 // 2


@causal_pairs.mistake(
    "that drops two diagonals. Which pairs of N = 2 does the rule j ≤ q leave?", "O1"
)
def pairs_without_two_diagonals():
    return 511 * 510 // 2


@causal_pairs.mistake(
    "that is one key for each query, or the last query alone. How many keys does query 5 see?", "S1"
)
def pairs_one_row():
    return 512


@causal_pairs.mistake(
    "that has each query see itself and one more. How far back may query 5 look?", "S1"
)
def pairs_of_neighbours():
    return 2 * 512 - 1


@causal_pairs.mistake(
    "those are MACs at width 64. How many numbers are left in S, whatever it took to make them?",
    "U1",
)
def pairs_as_macs():
    return 64 * (512 * 513 // 2)


@causal_pairs.mistake("those are bytes in fp32. How many scores are they?", "U2")
def pairs_as_bytes():
    return 4 * (512 * 513 // 2)


@causal_pairs.mistake("that is enough for eight heads. How many are asked?", "H1")
def pairs_of_eight_heads():
    return 8 * (512 * 513 // 2)


@causal_pairs.mistake(
    "that is the mean number of keys a query sees. How many queries are there?", "S1"
)
def pairs_of_the_mean_query():
    return 513 / 2


@causal_pairs.mistake(
    "that is a quarter of the square: tokens halved, then squared. How many queries keep more than "
    "half of the keys?",
    "S1",
)
def pairs_quarter():
    return 256 * 256


@value(
    minutes=4,
    level=2,
    unit="FLOP/B",
    tolerance=0.005,
    hints=[
        "How many FLOP do the two products take?",
        "Draw an arrow for each array that crosses, with its shape. Which cross twice?",
        "Which of the arrays grow with the square of the tokens?",
    ],
)
def unfused_intensity():
    """What is the intensity of attention in three steps, one head, 512 tokens, width 64, in fp32?

    First S = Q Kᵀ / √d, then P = softmax(S), then O = P V. Q, K, V come in from memory once and O
    goes out once; S and P are written to it by one step and read by the next, each once. There is
    no mask. Count the two products alone as work, at two FLOP a MAC.
    """
    tokens, width, itemsize = 512, 64, 4
    flops = 4 * tokens * tokens * width
    numbers = 4 * tokens * width + 4 * tokens * tokens
    return flops / (numbers * itemsize)


@unfused_intensity.mistake(
    "S and P never cross there, as in a fused kernel. Who wrote them here, and who reads them?",
    "R1",
)
def unfused_as_fused():
    return 4 * 512 * 512 * 64 / (4 * 4 * 512 * 64)


@unfused_intensity.mistake(
    "S and P never cross there, and the work is in MACs. Who wrote S and P, who reads them, and "
    "how many FLOP is a MAC?",
    "R1",
)
def unfused_as_fused_in_macs():
    return 2 * 512 * 512 * 64 / (4 * 4 * 512 * 64)


@unfused_intensity.mistake(
    "that is half: MACs, one product instead of two, or numbers of 64 bits. Which products are "
    "there, how many FLOP is a MAC, and how many bytes a number?",
    "U1",
)
def unfused_in_macs():
    return 2 * 512 * 512 * 64 / (4 * (4 * 512 * 64 + 4 * 512 * 512))


@unfused_intensity.mistake(
    "one of S and P makes the trip. Every arrow has a writer and a reader: does the other one stay "
    "on the chip?",
    "R1",
)
def unfused_one_round_trip():
    return 4 * 512 * 512 * 64 / (4 * (4 * 512 * 64 + 2 * 512 * 512))


@unfused_intensity.mistake(
    "three legs of the four that S and P make are counted. Who writes each, who reads each?", "R1"
)
def unfused_three_legs():
    return 4 * 512 * 512 * 64 / (4 * (4 * 512 * 64 + 3 * 512 * 512))


@unfused_intensity.mistake(
    "a single leg of S or P is counted. Who writes each of them, and who reads it?", "R1"
)
def unfused_one_leg():
    return 4 * 512 * 512 * 64 / (4 * (4 * 512 * 64 + 512 * 512))


@unfused_intensity.mistake(
    "S and P cross, and nothing else does. Where do Q, K and V come from, and where does O go?",
    "R1",
)
def unfused_scores_alone():
    return 4 * 512 * 512 * 64 / (4 * 4 * 512 * 512)


@unfused_intensity.mistake("Q, K and V have come in. Where does O go?", "R1")
def unfused_without_output():
    return 4 * 512 * 512 * 64 / (4 * (3 * 512 * 64 + 4 * 512 * 512))


@unfused_intensity.mistake(
    "that is FLOP for each number. Compare `S.size` with `S.nbytes`: which is asked?", "U2"
)
def unfused_per_number():
    return 4 * 512 * 512 * 64 / (4 * 512 * 64 + 4 * 512 * 512)


@unfused_intensity.mistake("that fits numbers of two bytes. What is `S.itemsize` for fp32?", "U3")
def unfused_fp16():
    return 4 * 512 * 512 * 64 / (2 * (4 * 512 * 64 + 4 * 512 * 512))


@unfused_intensity.mistake(
    "that counts the operations of the softmax as well. What does the task count as work?", "U1"
)
def unfused_with_softmax():
    return (4 * 512 * 512 * 64 + 5 * 512 * 512) / (4 * (4 * 512 * 64 + 4 * 512 * 512))


@unfused_intensity.mistake(
    "that lets the softmax read S three times, a pass each. What does the task say of it?", "R1"
)
def unfused_three_passes():
    return 4 * 512 * 512 * 64 / (4 * (4 * 512 * 64 + 6 * 512 * 512))


@unfused_intensity.mistake(
    "that is bytes for each FLOP. Which of the two stands on top of an intensity?", "G1"
)
def unfused_inverted():
    return 4 * (4 * 512 * 64 + 4 * 512 * 512) / (4 * 512 * 512 * 64)


@unfused_intensity.mistake(
    "that is two trips of S and P together, and no other array. Who writes each of them, who reads "
    "it, and where do Q, K and V come from?",
    "R1",
)
def unfused_two_trips_alone():
    return 4 * 512 * 512 * 64 / (4 * 2 * 512 * 512)


@unfused_intensity.mistake("that is what 128 tokens have. How many are there here?", "S1")
def unfused_of_fewer_tokens():
    return 4 * 128 * 128 * 64 / (4 * (4 * 128 * 64 + 4 * 128 * 128))


@unfused_intensity.mistake(
    "that lets Q, K, V and O cross twice. Which step reads Q, K or V again, once it is done?", "R1"
)
def unfused_operands_twice():
    return 4 * 512 * 512 * 64 / (4 * (8 * 512 * 64 + 4 * 512 * 512))


@unfused_intensity.mistake(
    "that is eight trips of S and P. Who writes each of them, who reads it, and how often?", "R1"
)
def unfused_eight_trips():
    return 4 * 512 * 512 * 64 / (4 * (4 * 512 * 64 + 8 * 512 * 512))


@unfused_intensity.mistake(
    "that is rounded too far. How many digits does an answer need that is right within half a %?"
)
def unfused_rounded():
    return 14


@unfused_intensity.mistake(
    "half of the work, over bytes without Q, K, V and O. Which arrays cross, how many products are "
    "there, and how many FLOP is a MAC?",
    "U1",
)
def unfused_scores_alone_in_macs():
    return 2 * 512 * 512 * 64 / (4 * 4 * 512 * 512)


@value(
    minutes=2,
    level=2,
    unit="times",
    hints=[
        "Which scores does one row K[j] take part in?",
        "Over which axis of `S[q,j] += Q[q,d] * K[j,d]` does an element of K stay the same?",
    ],
)
def key_uses():
    """How many times is each element of K used in Q Kᵀ, with 2⁹ queries and 2⁷ keys of width 2⁶?

    One head, no mask. A use is one MAC that the element takes part in.
    """
    macs, elements = 2 ** (9 + 7 + 6), 2 ** (7 + 6)
    return macs // elements


@key_uses.mistake(
    "once, as a weight of a dense layer is for a single sample. How many queries meet this key?",
    "W1",
)
def uses_once():
    return 1


@key_uses.mistake(
    "that is the width. Does an element of K meet the other features, or the same feature of "
    "others?",
    "Q1",
)
def uses_width():
    return 2**6


@key_uses.mistake("those are all pairs. In how many of them does one key take part?", "Q1")
def uses_pairs():
    return 2**9 * 2**7


@key_uses.mistake("that pairs queries with queries. Whom does a key meet?", "Q1")
def uses_squared():
    return 2**9 * 2**9


@key_uses.mistake("so many keys there are. Does a key meet keys, or queries?", "Q1")
def uses_keys():
    return 2**7


@key_uses.mistake("so many elements K has. How often is one of them used?", "Q1")
def uses_elements():
    return 2**7 * 2**6


@key_uses.mistake("those are all uses of one row of K. How many elements share them?", "Q1")
def uses_of_a_row():
    return 2**9 * 2**6


@key_uses.mistake("those are all MACs of the product. How many elements of K share them?", "Q1")
def uses_of_all():
    return 2**9 * 2**7 * 2**6


@key_uses.mistake(
    "that is twice too often: FLOP, or P V as well. Which product reads K, and what is a use here?",
    "U1",
)
def uses_twice():
    return 2 * 2**9


@key_uses.mistake("that is half. Does every query meet this key, or every second one?", "S1")
def uses_halved():
    return 2**8


@key_uses.mistake(
    "that leaves one query out. Is there a mask, or does every query meet this key?", "O1"
)
def uses_without_own():
    return 2**9 - 1


@key_uses.mistake(
    "that counts how it is written as well, or one query too many. What is a use here?", "O1"
)
def uses_one_more():
    return 2**9 + 1


@key_uses.mistake("that is enough for eight heads. Do they share one K?", "H1")
def uses_of_eight_heads():
    return 8 * 2**9


@key_uses.mistake(
    "queries over width: which elements do you divide among which? How many queries meet one key?",
    "Q1",
)
def uses_divided():
    return 2**9 // 2**6


@key_uses.mistake("that adds queries and width. Along which of the two does the key move?", "Q1")
def uses_added():
    return 2**9 + 2**6


@order(
    minutes=5,
    level=2,
    hints=[
        "What does a new largest score change about the sums that are there already?",
        "Which lines read the old `m`, and which line writes over it?",
        "What must be done for each tile, and what once?",
    ],
    extra=["l = l + np.exp(s - new).sum()", "o = o + np.exp(s - new) @ V"],
)
def one_pass():
    """Put the lines in order: attention of one query, its keys seen once, a tile at a time.

    `tiles` gives for each tile of keys their scores `s[j]` and their values `V[j,d]`. Before the
    first line `m`, `l` and `o` hold −∞, 0 and zeros: the largest score so far, and the sums of
    exp(s − m) and of exp(s − m) V so far. At the end `m` and `l` are those of all keys, and `o` is
    the output, softmax(s) V over all of them.
    """
    return """
        for s, V in tiles:
            new = max(m, s.max())
            l = l * np.exp(m - new) + np.exp(s - new).sum()
            o = o * np.exp(m - new) + np.exp(s - new) @ V
            m = new
        o = o / l
    """


@one_pass.also("right as well: the two sums do not wait for each other")
def pass_output_first():
    return """
        for s, V in tiles:
            new = max(m, s.max())
            o = o * np.exp(m - new) + np.exp(s - new) @ V
            l = l * np.exp(m - new) + np.exp(s - new).sum()
            m = new
        o = o / l
    """


@one_pass.mistake(
    "`o` keeps what earlier tiles gave it, as if the largest score had not changed. Relative to "
    "which m were its terms computed?",
    "R1",
)
def pass_output_not_scaled():
    return """
        for s, V in tiles:
            new = max(m, s.max())
            l = l * np.exp(m - new) + np.exp(s - new).sum()
            o = o + np.exp(s - new) @ V
            m = new
        o = o / l
    """


@one_pass.mistake(
    "`o` comes before `l` and keeps what earlier tiles gave it. Relative to which m were its terms "
    "computed?",
    "R1",
)
def pass_output_first_not_scaled():
    return """
        for s, V in tiles:
            new = max(m, s.max())
            o = o + np.exp(s - new) @ V
            l = l * np.exp(m - new) + np.exp(s - new).sum()
            m = new
        o = o / l
    """


@one_pass.mistake(
    "`l` keeps what earlier tiles gave it, as if the largest score had not changed. Relative to "
    "which m were its terms computed?",
    "R1",
)
def pass_sum_not_scaled():
    return """
        for s, V in tiles:
            new = max(m, s.max())
            l = l + np.exp(s - new).sum()
            o = o * np.exp(m - new) + np.exp(s - new) @ V
            m = new
        o = o / l
    """


@one_pass.mistake(
    "`l` comes after `o` and keeps what earlier tiles gave it. Relative to which m were its terms "
    "computed?",
    "R1",
)
def pass_sum_last_not_scaled():
    return """
        for s, V in tiles:
            new = max(m, s.max())
            o = o * np.exp(m - new) + np.exp(s - new) @ V
            l = l + np.exp(s - new).sum()
            m = new
        o = o / l
    """


@one_pass.mistake(
    "neither sum is scaled. A tile with score 0, then one with score 10: which weight has the "
    "first?",
    "R1",
)
def pass_nothing_scaled():
    return """
        for s, V in tiles:
            new = max(m, s.max())
            l = l + np.exp(s - new).sum()
            o = o + np.exp(s - new) @ V
            m = new
        o = o / l
    """


@one_pass.mistake(
    "neither sum is scaled, `o` comes first. A tile with score 0, then one with score 10: which "
    "weight has the first?",
    "R1",
)
def pass_nothing_scaled_output_first():
    return """
        for s, V in tiles:
            new = max(m, s.max())
            o = o + np.exp(s - new) @ V
            l = l + np.exp(s - new).sum()
            m = new
        o = o / l
    """


@one_pass.mistake(
    "the division stands inside the loop. The next tile adds to `o`: is that still a sum, or a "
    "mean already?",
    "T1",
)
def pass_divided_each_time():
    return """
        for s, V in tiles:
            new = max(m, s.max())
            l = l * np.exp(m - new) + np.exp(s - new).sum()
            o = o * np.exp(m - new) + np.exp(s - new) @ V
            m = new
            o = o / l
    """


@one_pass.mistake(
    "the division stands before `m = new`, inside the loop. How often is `o` divided, and by what?",
    "T1",
)
def pass_divided_before_the_maximum():
    return """
        for s, V in tiles:
            new = max(m, s.max())
            l = l * np.exp(m - new) + np.exp(s - new).sum()
            o = o * np.exp(m - new) + np.exp(s - new) @ V
            o = o / l
            m = new
    """


@one_pass.mistake(
    "`m` is new before the sums are scaled. What is exp(m − new) then, in each tile?", "T1"
)
def pass_maximum_too_early():
    return """
        for s, V in tiles:
            new = max(m, s.max())
            m = new
            l = l * np.exp(m - new) + np.exp(s - new).sum()
            o = o * np.exp(m - new) + np.exp(s - new) @ V
        o = o / l
    """


@one_pass.mistake(
    "`l` is scaled by the old m, and `o` by the new one. What is exp(m − new) once `m = new`?", "T1"
)
def pass_maximum_between():
    return """
        for s, V in tiles:
            new = max(m, s.max())
            l = l * np.exp(m - new) + np.exp(s - new).sum()
            m = new
            o = o * np.exp(m - new) + np.exp(s - new) @ V
        o = o / l
    """


@one_pass.mistake(
    "`o` is scaled by the old m, and `l` by the new one. What is exp(m − new) once `m = new`?", "T1"
)
def pass_maximum_between_output_first():
    return """
        for s, V in tiles:
            new = max(m, s.max())
            o = o * np.exp(m - new) + np.exp(s - new) @ V
            m = new
            l = l * np.exp(m - new) + np.exp(s - new).sum()
        o = o / l
    """


@one_pass.mistake(
    "`m` is written after the loop. What is exp(m − new) in the second tile, and what is left of "
    "the first?",
    "T1",
)
def pass_maximum_after_the_loop():
    return """
        for s, V in tiles:
            new = max(m, s.max())
            l = l * np.exp(m - new) + np.exp(s - new).sum()
            o = o * np.exp(m - new) + np.exp(s - new) @ V
        m = new
        o = o / l
    """


@one_pass.mistake("nothing writes `m`. Which largest score does the second tile begin with?", "T1")
def pass_maximum_never():
    return """
        for s, V in tiles:
            new = max(m, s.max())
            l = l * np.exp(m - new) + np.exp(s - new).sum()
            o = o * np.exp(m - new) + np.exp(s - new) @ V
        o = o / l
    """


@one_pass.mistake("`o` is a sum at the end. What makes a mean of it?", "R1")
def pass_never_divided():
    return """
        for s, V in tiles:
            new = max(m, s.max())
            l = l * np.exp(m - new) + np.exp(s - new).sum()
            o = o * np.exp(m - new) + np.exp(s - new) @ V
            m = new
    """


@choice(
    minutes=2,
    level=2,
    concept=True,
    hints=[
        "Which loops make S, and over which numbers do they run?",
        "Change one number in Q. Which elements of K and V does the program read now?",
    ],
    options=[
        "yes: the softmax decides which keys are read",
        "no: only the values that are computed do",
        "only with a mask that hides later keys",
        "only with several heads",
    ],
)
def addresses():
    """Do the memory addresses that dense attention reads depend on the numbers in Q, K and V?

    Dense: each query meets each key, or each key that a fixed mask leaves it.
    """
    return "b"


@addresses.mistake(
    "a weight of P may come out as nearly 0. Is its row of V then left unread, and how many keys "
    "did the query meet before the weight was known?",
    "Q1",
)
def addresses_by_softmax():
    return "a"


@addresses.mistake(
    "the mask compares j with q. Which numbers of Q and K must be known to draw it?", "S1"
)
def addresses_by_mask():
    return "c"


@addresses.mistake(
    "each head has its own columns of Q, K and V. Which data decide where a head's columns begin?",
    "H1",
)
def addresses_by_heads():
    return "d"


@exercise(
    minutes=10,
    level=3,
    tolerance=1e-6,
    hints=[
        "Each group's sums are relative to its own largest score. Which one should the result use?",
        "By what factor does exp(s − m) change when m grows? Which parts of a triple does it "
        "touch?",
        "One factor for each query: along which axis of o does it stay the same?",
        "What is −∞ − (−∞)? Where can that happen, and which number might stand in for m there?",
    ],
)
def merge(one, two):
    """Join what two groups of keys say to the same queries.

    What a group says is a triple (m, l, o) of NumPy arrays. For each query, over the scores s and
    values v of the keys that it sees in the group, `m[q]` is the largest score, `l[q]` the sum of
    exp(s − m[q]), and `o[q,d]` the sum of exp(s − m[q]) v, not divided by anything.

    Return the triple of the keys of both groups, within 10⁻⁶. Scores may be 1,000 and more, or
    less than −1,000. Where a query sees no key of a group, its triple has −∞, 0 and zeros, and so
    has the result where a query sees no key of either.
    """
    # BEGIN SOLUTION
    (m1, l1, o1), (m2, l2, o2) = one, two
    m = np.maximum(m1, m2)
    origin = np.where(m > -np.inf, m, 0)
    by1, by2 = np.exp(m1 - origin), np.exp(m2 - origin)
    return m, by1 * l1 + by2 * l2, by1[:, None] * o1 + by2[:, None] * o2
    # END SOLUTION


def _triple(S, V):
    """(m, l, o) of scores S[q,j], −∞ where a key is not seen, and values V[j,d]."""
    m = S.max(axis=1)
    P = np.exp(S - np.where(m > -np.inf, m, 0)[:, None])
    return m, P.sum(axis=1), P @ V


@merge.cases
def _draw(random):
    draw = np.random.default_rng(random.randrange(2**32))

    def group(queries, width, keys, centre=0.0, hidden=0.0):
        S = centre + 2 * draw.normal(size=(queries, keys))
        S[draw.random(S.shape) < hidden] = -np.inf
        return _triple(S, draw.normal(size=(keys, width)))

    def unseen(queries, width):
        return np.full(queries, -np.inf), np.zeros(queries), np.zeros((queries, width))

    def by_hand(m, o):
        return np.array([m]), np.array([1.0]), np.array([o])

    queries, width = random.randint(4, 6), 3
    shape = (queries, width)
    a, b, c = (group(*shape, keys) for keys in (2, 4, 7))
    high, higher, low = (group(*shape, 5, centre) for centre in (1000, 1020, -1100))
    some, others = (group(*shape, 2, hidden=0.6) for _ in range(2))
    # the first query sees none of either, the second none of the first, the third none of the other
    for triple, rows in ((some, [0, 1]), (others, [0, 2])):
        for part, empty in zip(triple, unseen(*shape), strict=True):
            part[rows] = empty[rows]
    return [
        (by_hand(2.0, [2.0, 3.0]), by_hand(2.0, [4.0, 7.0])),
        (by_hand(3.0, [2.0, 3.0]), by_hand(1.0, [4.0, 7.0])),
        (by_hand(1.0, [2.0, 3.0]), by_hand(3.0, [4.0, 7.0])),
        (a, b),
        (merge.reference(a, b), c),
        (a, merge.reference(b, c)),
        (high, higher),
        (higher, low),
        (low, low),
        (unseen(*shape), a),
        (a, unseen(*shape)),
        (some, others),
        (unseen(*shape), unseen(*shape)),
    ]


@merge.mistake(
    "`o` is added up as it is. Its terms are exp(s − m) v: relative to which m is each group's?",
    "R1",
)
def merge_output_not_scaled(one, two):
    (m1, l1, o1), (m2, l2, o2) = one, two
    m = np.maximum(m1, m2)
    return m, np.exp(m1 - m) * l1 + np.exp(m2 - m) * l2, o1 + o2


@merge.mistake(
    "`l` is added up as it is. Its terms are exp(s − m): relative to which m is each group's?", "R1"
)
def merge_sum_not_scaled(one, two):
    (m1, l1, o1), (m2, l2, o2) = one, two
    m = np.maximum(m1, m2)
    by1, by2 = np.exp(m1 - m)[:, None], np.exp(m2 - m)[:, None]
    return m, l1 + l2, by1 * o1 + by2 * o2


@merge.mistake(
    "`l` and `o` are added up as they are. One group's largest score is 0, the other's 10: is a "
    "term of 1 worth the same in both?",
    "R1",
)
def merge_nothing_scaled(one, two):
    (m1, l1, o1), (m2, l2, o2) = one, two
    return np.maximum(m1, m2), l1 + l2, o1 + o2


@merge.mistake(
    "that takes the largest score of the first group for both. What if the second has a larger "
    "one?",
    "R1",
)
def merge_first_maximum(one, two):
    (m1, l1, o1), (m2, l2, o2) = one, two
    by = np.exp(m2 - m1)
    return m1, l1 + by * l2, o1 + by[:, None] * o2


@merge.mistake(
    "that takes the largest score of the second group for both. What if the first has a larger "
    "one?",
    "R1",
)
def merge_second_maximum(one, two):
    (m1, l1, o1), (m2, l2, o2) = one, two
    by = np.exp(m1 - m2)
    return m2, by * l1 + l2, by[:, None] * o1 + o2


@merge.mistake(
    "only the first group is scaled, as if the second always had the larger score. What if it has "
    "not?",
    "R1",
)
def merge_first_scaled(one, two):
    (m1, l1, o1), (m2, l2, o2) = one, two
    m = np.maximum(m1, m2)
    by = np.exp(m1 - m)
    return m, by * l1 + l2, by[:, None] * o1 + o2


@merge.mistake(
    "right wherever a query sees a key; where it sees none of either group, NaN comes out. What is "
    "−∞ − (−∞), and which m would leave the zeros zeros?",
    "X1",
)
def merge_of_nothing(one, two):
    (m1, l1, o1), (m2, l2, o2) = one, two
    m = np.maximum(m1, m2)
    by1, by2 = np.exp(m1 - m), np.exp(m2 - m)
    return m, by1 * l1 + by2 * l2, by1[:, None] * o1 + by2[:, None] * o2


@merge.mistake(
    "that is right for finite scores; where a query sees no key, −∞ has become 0. What should the "
    "next merge find there as largest score, if its own are all negative?",
    "X1",
)
def merge_origin_returned(one, two):
    (m1, l1, o1), (m2, l2, o2) = one, two
    m = np.maximum(m1, m2)
    m = np.where(m > -np.inf, m, 0)
    by1, by2 = np.exp(m1 - m), np.exp(m2 - m)
    return m, by1 * l1 + by2 * l2, by1[:, None] * o1 + by2[:, None] * o2


@merge.mistake(
    "`o` is divided by `l` already. Can two such means be added in the next merge?", "T1"
)
def merge_divided(one, two):
    (m1, l1, o1), (m2, l2, o2) = one, two
    m = np.maximum(m1, m2)
    by1, by2 = np.exp(m1 - m), np.exp(m2 - m)
    l = by1 * l1 + by2 * l2  # noqa: E741
    return m, l, (by1[:, None] * o1 + by2[:, None] * o2) / l[:, None]


@merge.mistake(
    "`o` is weighted with `l`, and divided by the new `l`: right if o were a mean. What does the "
    "task say of o?",
    "T1",
)
def merge_of_means(one, two):
    (m1, l1, o1), (m2, l2, o2) = one, two
    m = np.maximum(m1, m2)
    l1, l2 = np.exp(m1 - m) * l1, np.exp(m2 - m) * l2
    return m, l1 + l2, (l1[:, None] * o1 + l2[:, None] * o2) / (l1 + l2)[:, None]


@merge.mistake(
    "`o` is weighted with exp(m) and with `l`. Which of the two is in its terms already?", "T1"
)
def merge_weighted_twice(one, two):
    (m1, l1, o1), (m2, l2, o2) = one, two
    m = np.maximum(m1, m2)
    l1, l2 = np.exp(m1 - m) * l1, np.exp(m2 - m) * l2
    return m, l1 + l2, l1[:, None] * o1 + l2[:, None] * o2


@merge.mistake(
    "that scales by exp(m) of each group, and back by exp of the new m. How large is exp(1,000), "
    "and can the two exponents meet first?",
    "X1",
)
def merge_overflows(one, two):
    (m1, l1, o1), (m2, l2, o2) = one, two
    m = np.maximum(m1, m2)
    by1, by2 = np.exp(m1) / np.exp(m), np.exp(m2) / np.exp(m)
    return m, by1 * l1 + by2 * l2, by1[:, None] * o1 + by2[:, None] * o2


@merge.mistake(
    "the sums are scaled by exp(m) of each group alone. Relative to which m should the new sums "
    "be, and how large is exp(1,000)?",
    "X1",
)
def merge_without_maximum(one, two):
    (m1, l1, o1), (m2, l2, o2) = one, two
    by1, by2 = np.exp(m1), np.exp(m2)
    m = np.maximum(m1, m2)
    return m, by1 * l1 + by2 * l2, by1[:, None] * o1 + by2[:, None] * o2


@merge.mistake(
    "each group is scaled by the inverse of its factor. Should terms grow or shrink when m grows?",
    "R1",
)
def merge_inverted(one, two):
    (m1, l1, o1), (m2, l2, o2) = one, two
    m = np.maximum(m1, m2)
    by1, by2 = np.exp(m - m1), np.exp(m - m2)
    return m, by1 * l1 + by2 * l2, by1[:, None] * o1 + by2[:, None] * o2


@merge.mistake(
    "each group got the other's factor. Which of the two should keep its sums as they are?", "R1"
)
def merge_swapped(one, two):
    (m1, l1, o1), (m2, l2, o2) = one, two
    m = np.maximum(m1, m2)
    by1, by2 = np.exp(m2 - m), np.exp(m1 - m)
    return m, by1 * l1 + by2 * l2, by1[:, None] * o1 + by2[:, None] * o2


@merge.mistake(
    "that is relative to the smaller of the two. How large can exp(s − m) be then?", "X1"
)
def merge_smaller(one, two):
    (m1, l1, o1), (m2, l2, o2) = one, two
    m = np.minimum(m1, m2)
    by1, by2 = np.exp(m1 - m), np.exp(m2 - m)
    return m, by1 * l1 + by2 * l2, by1[:, None] * o1 + by2[:, None] * o2


@merge.mistake(
    "for each query, that keeps the group with the larger score. Do the other group's keys have no "
    "weight at all?",
    "R1",
)
def merge_winner(one, two):
    (m1, l1, o1), (m2, l2, o2) = one, two
    first = m1 >= m2
    return np.maximum(m1, m2), np.where(first, l1, l2), np.where(first[:, None], o1, o2)


@merge.mistake(
    "all queries share one largest score there. If one query's scores are 1,000 less than "
    "another's, what is left of its sums?",
    "Q1",
)
def merge_one_maximum_for_all(one, two):
    (m1, l1, o1), (m2, l2, o2) = one, two
    m = max(m1.max(), m2.max())
    by1, by2 = np.exp(m1 - m), np.exp(m2 - m)
    return m + 0 * l1, by1 * l1 + by2 * l2, by1[:, None] * o1 + by2[:, None] * o2


@merge.mistake(
    "a factor for each query has shape [q], and meets o of shape [q,d]. Which axis of o does NumPy "
    "lay it along?",
    "P2",
)
def merge_not_broadcast(one, two):
    (m1, l1, o1), (m2, l2, o2) = one, two
    m = np.maximum(m1, m2)
    by1, by2 = np.exp(m1 - m), np.exp(m2 - m)
    return m, by1 * l1 + by2 * l2, by1 * o1 + by2 * o2
