"""Exercises and predictions of lesson 05: what a transformer layer holds, and what decode reads."""

from .cards import choice, order
from .kinds import exercise, prediction, value


@prediction(unit="%")
def next_letters():
    """A decoder of two layers, trained on the start of a book, guesses each next letter of pages
    that it has not seen, from the letters before it.

    How many % of its guesses are right?
    """


@prediction(unit="×")
def head_time():
    """Attention over 512 tokens of width 512, projections left out, once with 32 heads and once
    with one.

    How many times as long does it take with 32 heads on your computer?
    """


@prediction(unit="%")
def long_share():
    """GPT-2 XL has 48 layers of width 1,600. At 1,024 tokens, the products QKᵀ and PV of its
    attention take 9.2 % of the FLOP of all its matrix products, masked scores counted as well.

    How many % would they take at 16,384 tokens, had it positions for so many?
    """


@prediction(unit="×")
def prefill_ratio():
    """Llama-2 7B in fp16 on one H100: 989 TFLOP/s, 3.35 TB/s, one sequence. It computes 512 tokens
    (pieces of words) of a prompt all at once, which is prefill, or one at a time, which is decode.

    How many times as many tokens a second does prefill do, both as fast as the roofline allows?
    """


@prediction(unit="×")
def cache_times():
    """The lesson's decoder writes 200 letters. With a KV cache it keeps the keys and values of all
    letters so far and computes one new letter a step; without, it computes all of them again.

    How many times as fast is it with the cache on your computer?
    """


@prediction(unit="×")
def decode_time():
    """The lesson's decoder reads 256 letters: all at once (prefill), or one at a time (decode),
    with a KV cache.

    How many times as many letters a second does prefill do on your computer?
    """


@prediction(unit="×")
def batch_decode():
    """The lesson's decoder writes one new letter for each of 32 sequences at once, instead of one.

    How many times as long does such a step take on your computer?
    """


@prediction(unit="tokens/s")
def pi_tokens():
    """Llama-2 7B, 6.74 billion weights of 4 bit each, runs on a Raspberry Pi 5, whose memory moves
    17.1 GB/s. Keys and values have 16 bit.

    How many tokens a second can it write at best, with a context of 512?
    """


@value(
    minutes=1,
    recalls="04",
    unit="MAC",
    hints=[
        "What is the shape of P, and what is the shape of V?",
        "How many outputs has P V, and how many products does each of them add up?",
    ],
)
def recall_pv_macs():
    """How many MACs does P V take for one head, with N = 250 and d = 32, without a mask?"""
    positions, width = 250, 32
    return positions**2 * width


@recall_pv_macs.mistake(
    "that has the square on d. Double N only: should the answer grow 2-fold or 4-fold?", "Q1"
)
def pv_linear():
    return 250 * 32 * 32


@recall_pv_macs.mistake(
    "that is twice too much: FLOP, or QKᵀ as well. Which unit and which product are asked?", "U1"
)
def pv_flops():
    return 2 * 250 * 250 * 32


@recall_pv_macs.mistake(
    "those are FLOP, with one add fewer for each output. Is the question about FLOP or MACs?", "U1"
)
def pv_flops_without_first_add():
    return 250 * 32 * (2 * 250 - 1)


@recall_pv_macs.mistake("that is one row of P. How many queries are there?", "Q1")
def pv_one_query():
    return 250 * 32


@recall_pv_macs.mistake(
    "that is how many weights P has. How many numbers of V does each of them meet?", "Q1"
)
def pv_pairs():
    return 250 * 250


@recall_pv_macs.mistake("that makes three sides of N. Which axes has V?", "Q1")
def pv_cubed():
    return 250**3


@recall_pv_macs.mistake(
    "that is with a causal mask. Which keys does a query see when there is none?", "S1"
)
def pv_causal():
    return 250 * 251 // 2 * 32


@recall_pv_macs.mistake(
    "that is the square of P without its diagonal, halved. Is there a mask here?", "S1"
)
def pv_causal_without_diagonal():
    return 250 * 249 // 2 * 32


@recall_pv_macs.mistake("that is half of the square of P. Which half is left out, and why?", "S1")
def pv_half():
    return 250 * 250 // 2 * 32


@recall_pv_macs.mistake(
    "that is four times too much, as bytes in fp32. Which numbers would be stored?", "U2"
)
def pv_bytes():
    return 4 * 250 * 250 * 32


@recall_pv_macs.mistake(
    "those are the four projections, d by d. Does P V meet any weights of the layer?", "Q1"
)
def pv_projections():
    return 4 * 250 * 32 * 32


@value(
    minutes=1,
    recalls="02",
    unit="MAC",
    hints=[
        "In how many places does a window of 3 fit along a side of 10?",
        "How many outputs are there, all maps together, and how many products has each?",
    ],
)
def recall_conv_macs():
    """How many MACs do 8 filters of 3×3 take over one 10×10 picture, grey, without padding?

    The windows move one pixel at a time. There are no biases.
    """
    filters, side, taps = 8, 10, 3
    places = (side - taps + 1) ** 2
    return filters * places * taps**2


@recall_conv_macs.mistake(
    "that has a window on every pixel. Draw the one in the last column: does it fit?", "S1"
)
def small_conv_padded():
    return 8 * 10 * 10 * 9


@recall_conv_macs.mistake(
    "that has a place too many on each side. Where does a window of 3 on 3 pixels stand?", "O1"
)
def small_conv_one_more():
    return 8 * 9 * 9 * 9


@recall_conv_macs.mistake(
    "that has a place too few on each side. In how many places does a window of 3 fit on 3 pixels?",
    "O1",
)
def small_conv_one_fewer():
    return 8 * 7 * 7 * 9


@recall_conv_macs.mistake(
    "one MAC is a multiply *and* an add. Which of the two, MAC or FLOP, is asked?", "U1"
)
def small_conv_flops():
    return 2 * 8 * 64 * 9


@recall_conv_macs.mistake(
    "those are FLOP, with one add fewer for each output. Is the question about FLOP or MACs?", "U1"
)
def small_conv_flops_without_first_add():
    return 8 * 64 * (2 * 9 - 1)


@recall_conv_macs.mistake("that is one filter. How many of them pass over the picture?", "P2")
def small_conv_one_filter():
    return 64 * 9


@recall_conv_macs.mistake(
    "that is one place, or how many weights there are. How often is each of them used?", "P2"
)
def small_conv_weights():
    return 8 * 9


@recall_conv_macs.mistake("that is how many outputs there are. How many products has each?", "P2")
def small_conv_outputs():
    return 8 * 64


@recall_conv_macs.mistake(
    "in so many places one filter stands. What does it compute in each of them?", "P2"
)
def small_conv_places():
    return 64


@recall_conv_macs.mistake(
    "that makes the bias one more product of each output. Does adding it multiply anything?", "P1"
)
def small_conv_with_bias():
    return 8 * 64 * (9 + 1)


@recall_conv_macs.mistake(
    "those windows lie side by side. By how many pixels does a window move?", "S1"
)
def small_conv_apart():
    return 8 * 3 * 3 * 9


@recall_conv_macs.mistake(
    "that lets every output look at the whole picture. How much of it lies under a window?", "S1"
)
def small_conv_dense():
    return 8 * 64 * 10 * 10


@recall_conv_macs.mistake("those windows are rows of 3. How many pixels has a square one?", "P2")
def small_conv_rows():
    return 8 * 64 * 3


@recall_conv_macs.mistake("that is a picture in three colours. How many has a grey one?", "P2")
def small_conv_coloured():
    return 8 * 3 * 64 * 9


@value(
    minutes=1,
    recalls="00",
    unit="FLOP/B",
    hints=["At the ridge, the two lines of the roofline are equally high. Which two lines?"],
)
def recall_ridge_point():
    """A machine computes 200 GFLOP/s at its peak and moves 25 GB/s. Where is its ridge?"""
    peak, bandwidth = 200, 25
    return peak / bandwidth


@recall_ridge_point.mistake(
    "that is bandwidth over peak. What unit has it, and what unit has an intensity?", "G1"
)
def ridge_inverted():
    return 25 / 200


@recall_ridge_point.mistake(
    "that multiplies the two rates. Which combination of FLOP/s and B/s has the unit FLOP/B?", "G1"
)
def ridge_product():
    return 200 * 25


@recall_ridge_point.mistake(
    "so high is the roof. At which intensity does the sloping line reach it?", "G1"
)
def ridge_is_peak():
    return 200


@recall_ridge_point.mistake(
    "so many bytes move in a second. How many FLOP does the peak allow for each of them?", "G1"
)
def ridge_is_bandwidth():
    return 25


@recall_ridge_point.mistake("that is in MAC/B. How many FLOP is a MAC?", "U1")
def ridge_as_macs():
    return 200 / 25 / 2


@recall_ridge_point.mistake(
    "that takes the peak for MACs. What does the question say that it counts?", "U1"
)
def ridge_of_macs():
    return 200 / 25 * 2


@recall_ridge_point.mistake(
    "that is FLOP for each fp32 number. Is the bandwidth in numbers or in bytes?", "U2"
)
def ridge_for_each_number():
    return 200 / 25 * 4


@recall_ridge_point.mistake("those are FLOP for each bit that moves. What is B?", "U3")
def ridge_for_each_bit():
    return 200 / 25 / 8


@recall_ridge_point.mistake(
    "that is FLOP for eight bytes, a number of fp64. How many FLOP are there for one byte?", "U2"
)
def ridge_for_each_double():
    return 200 / 25 * 8


@recall_ridge_point.mistake(
    "that takes one rate from the other. Can FLOP/s and B/s be subtracted?", "G1"
)
def ridge_difference():
    return 200 - 25


@value(
    minutes=3,
    level=1,
    unit="parameters",
    hints=[
        "Which matrices has the attention, and which has the FFN? Write their shapes as tuples.",
        "How many biases has each of them, and how long are scale and shift of a LayerNorm?",
        "Each head is 64 wide. How wide are all 8 heads together?",
    ],
)
def layer_params():
    """How many parameters has a transformer layer of width 512, with 8 heads and an FFN of 2,048?

    Its attention has four projections 512→512: for queries, keys, values and the output. Its FFN,
    two dense layers on each token (feed-forward network), is 512→2,048→512. All of these have
    biases, one for each output. Two LayerNorms have a scale and a shift each for all 512 features.
    """
    width, hidden = 512, 2048
    attention = 4 * (width * width + width)
    ffn = width * hidden + hidden + hidden * width + width
    norm = width + width
    return attention + ffn + 2 * norm


@layer_params.mistake(
    "those are the matrices alone. What does each of them add to its sums, and what does a "
    "LayerNorm learn?",
    "P1",
)
def layer_matrices():
    return 12 * 512 * 512


@layer_params.mistake(
    "that leaves out 2,048 numbers: those of the LayerNorms, or the biases of the projections. "
    "Which of them are in your sum?",
    "P1",
)
def layer_without_norms():
    return 12 * 512 * 512 + 4 * 512 + 2048 + 512


@layer_params.mistake(
    "the LayerNorms are in, and no bias is. How many outputs has each of the six matrices?", "P1"
)
def layer_without_biases():
    return 12 * 512 * 512 + 4 * 512


@layer_params.mistake(
    "the biases of the FFN are missing. How many outputs has each of its two matrices?", "P1"
)
def layer_without_ffn_biases():
    return 12 * 512 * 512 + 4 * 512 + 4 * 512


@layer_params.mistake(
    "that has one LayerNorm, or two of them without a shift. How many are there, and what does "
    "each of them learn?",
    "P1",
)
def layer_one_norm():
    return 12 * 512 * 512 + 4 * 512 + 2048 + 512 + 2 * 512


@layer_params.mistake(
    "the LayerNorms have a single scale and shift for all features. How long are these?", "P1"
)
def layer_norms_of_one_number():
    return 12 * 512 * 512 + 4 * 512 + 2048 + 512 + 2 * 2


@layer_params.mistake(
    "both biases of the FFN are 2,048 long there. How many outputs has its second matrix?", "P1"
)
def layer_wide_biases():
    return 12 * 512 * 512 + 4 * 512 + 2 * 2048 + 4 * 512


@layer_params.mistake(
    "both biases of the FFN are 512 long there. How many outputs has its first matrix?", "P1"
)
def layer_narrow_biases():
    return 12 * 512 * 512 + 4 * 512 + 2 * 512 + 4 * 512


@layer_params.mistake(
    "that gives each head four full matrices, 512 by 512. How wide is the Q of one head?", "H1"
)
def layer_full_heads():
    return 8 * 4 * 512 * 512 + 2 * 512 * 2048


@layer_params.mistake(
    "that gives each head four full matrices with biases. How wide is the Q of one head, and how "
    "wide are all of them?",
    "H1",
)
def layer_full_heads_and_biases():
    return 8 * 4 * (512 * 512 + 512) + 2 * 512 * 2048 + 2048 + 512 + 4 * 512


@layer_params.mistake(
    "that has the projections of a single head, 512→64. How many heads are there?", "H1"
)
def layer_one_head():
    return 4 * (512 * 64 + 64) + 2 * 512 * 2048 + 2048 + 512 + 4 * 512


@layer_params.mistake(
    "that has three projections. What happens to the outputs of the heads, side by side?", "Q1"
)
def layer_without_output():
    return 3 * (512 * 512 + 512) + 2 * 512 * 2048 + 2048 + 512 + 4 * 512


@layer_params.mistake(
    "that is the attention alone, without LayerNorms. What follows it in the layer?", "Q1"
)
def layer_attention():
    return 4 * (512 * 512 + 512)


@layer_params.mistake("attention and LayerNorms are there. What else is in the layer?", "Q1")
def layer_without_ffn():
    return 4 * (512 * 512 + 512) + 4 * 512


@layer_params.mistake(
    "that is the FFN alone, without LayerNorms. What does the layer do before it?", "Q1"
)
def layer_ffn():
    return 2 * 512 * 2048 + 2048 + 512


@layer_params.mistake("FFN and LayerNorms are there. What else is in the layer?", "Q1")
def layer_without_attention():
    return 2 * 512 * 2048 + 2048 + 512 + 4 * 512


@layer_params.mistake(
    "that has the first matrix of the FFN alone. How does a token get back to width 512?", "Q1"
)
def layer_half_ffn():
    return 4 * (512 * 512 + 512) + 512 * 2048 + 2048 + 4 * 512


@layer_params.mistake(
    "that has three matrices in the FFN, as a gated one. How many arrows has 512→2,048→512?", "P2"
)
def layer_gated_ffn():
    return 4 * (512 * 512 + 512) + 3 * 512 * 2048 + 2 * 2048 + 512 + 4 * 512


@layer_params.mistake(
    "that has a second attention and a third LayerNorm. Does this layer look anywhere else?",
    "Q1",
)
def layer_of_a_decoder():
    return 8 * (512 * 512 + 512) + 2 * 512 * 2048 + 2048 + 512 + 6 * 512


@layer_params.mistake(
    "those are the four projections without biases. What else is in the layer?", "Q1"
)
def layer_projections():
    return 4 * 512 * 512


@layer_params.mistake(
    "those are four full matrices for each head, and nothing else. How wide is the Q of one head, "
    "and what follows the attention?",
    "H1",
)
def layer_full_heads_alone():
    return 8 * 4 * 512 * 512


@layer_params.mistake(
    "512 numbers are missing: a bias, or half of a LayerNorm. Which vectors has the layer?", "P1"
)
def layer_without_one_vector():
    return 12 * 512 * 512 + 4 * 512 + 2048 + 512 + 3 * 512


@layer_params.mistake(
    "that is how many bytes they take in fp32. Compare `W.size` with `W.nbytes`: which is asked?",
    "U2",
)
def layer_bytes():
    return 4 * (12 * 512 * 512 + 4 * 512 + 2048 + 512 + 4 * 512)


@value(
    minutes=2,
    level=2,
    unit="×",
    hints=[
        "What is the shape of one head's Q? Multiply back: what is heads × width of a head?",
        "How many MACs has QKᵀ of one head that is 64 wide, and how many such heads are there?",
        "Which sizes have the four projections in either case?",
    ],
)
def head_macs():
    """How many times as many MACs does attention take with 8 heads as with a single head?

    The model's width is 512 in both cases: 8 heads are 64 wide each, a single head is 512 wide.
    Count the four projections, QKᵀ and PV of 512 tokens.
    """
    width, heads = 512, 8
    each = width // heads
    return heads * each / width


@head_macs.mistake(
    "that is how many heads there are. How wide is each, compared with the single one?", "H1"
)
def heads_multiply():
    return 8


@head_macs.mistake("that is one of the heads. How many of them are there?", "H1")
def heads_divide():
    return 1 / 8


@head_macs.mistake(
    "that lets every head meet every other one. Whose keys does the query of a head see?", "H1"
)
def heads_squared():
    return 64


@head_macs.mistake(
    "that divides by the heads twice. How many of the narrow heads have you added up?", "H1"
)
def heads_divide_twice():
    return 1 / 64


@head_macs.mistake(
    "that lets QKᵀ and PV grow with the heads. How many products does one score add up in a head "
    "that is 64 wide?",
    "H1",
)
def heads_multiply_products():
    return (4 + 8 * 2) / (4 + 2)


@head_macs.mistake(
    "that lets three projections, QKᵀ and PV grow with the heads. How wide is the Q of one head?",
    "H1",
)
def heads_multiply_all_but_output():
    return (3 * 8 + 1 + 8 * 2) / (4 + 2)


@head_macs.mistake(
    "that lets the projections grow with the heads. How wide is the Q of all heads together?", "H1"
)
def heads_multiply_projections():
    return (4 * 8 + 2) / (4 + 2)


@head_macs.mistake(
    "that lets QKᵀ and PV shrink with the width of a head. How many heads make scores?", "H1"
)
def heads_divide_products():
    return (4 + 2 / 8) / (4 + 2)


@head_macs.mistake(
    "that lets the projections shrink with the width of a head. How many heads are projected?", "H1"
)
def heads_divide_projections():
    return (4 / 8 + 2) / (4 + 2)


@head_macs.mistake(
    "that is twice as many. Is a MAC counted in another way when there are more heads?", "U1"
)
def heads_twice():
    return 2


@head_macs.mistake("that is in %. How many times as many are they?")
def heads_percent():
    return 100


@head_macs.mistake("that is the width. What is compared with what?", "H1")
def heads_width():
    return 512


@head_macs.mistake(
    "that takes the root of the heads, as the scale of the scores does of d. Does a scale change "
    "how many products are added up?",
    "H1",
)
def heads_root():
    return 8**0.5


@value(
    minutes=2,
    level=2,
    unit="bytes",
    hints=[
        "Which two vectors of a token are read again by every later token?",
        "How many numbers are they in one layer, all their heads together?",
        "How many layers keep them, and how many bytes is a number in fp16?",
    ],
)
def kv_token():
    """By how many bytes does each token make a KV cache larger, with 32 layers, in fp16?

    The KV cache keeps the keys and values of all tokens so far, of every layer. The attention of
    this model is grouped: a layer has 32 heads of queries, and four of them share a head of keys
    and a head of values. So there are 8 heads of keys and 8 of values, each 128 wide.
    """
    layers, kv_heads, width, itemsize = 32, 8, 128, 2
    return 2 * layers * kv_heads * width * itemsize


@kv_token.mistake(
    "that is keys or values alone, or how many numbers they are together. What does a later token "
    "read, and in which unit is the answer asked?",
    "R1",
)
def token_keys():
    return 32 * 8 * 128 * 2


@kv_token.mistake(
    "that keeps K and V for each of the 32 heads of queries. How many heads of K are there?",
    "H1",
)
def token_query_heads():
    return 2 * 32 * 32 * 128 * 2


@kv_token.mistake("that is one layer. Does the next one use the same keys?", "H1")
def token_one_layer():
    return 2 * 8 * 128 * 2


@kv_token.mistake(
    "that is twice too much: numbers of four bytes, say. What is `K.itemsize` in fp16?", "U3"
)
def token_fp32():
    return 2 * 32 * 8 * 128 * 4


@kv_token.mistake(
    "that is one layer, and K without V or numbers instead of bytes. Who keeps the rest?", "H1"
)
def token_keys_of_one_layer():
    return 8 * 128 * 2


@kv_token.mistake(
    "that is a single head in each layer. What is the shape of all heads of K for one token?", "H1"
)
def token_one_head():
    return 2 * 32 * 128 * 2


@kv_token.mistake("those are bits. How many of them are in a byte?", "U3")
def token_bits():
    return 2 * 32 * 8 * 128 * 16


@kv_token.mistake(
    "that is how many numbers K has. Compare `K.size` with `K.nbytes`, and what is with V?", "U2"
)
def token_keys_elements():
    return 32 * 8 * 128


@kv_token.mistake(
    "that keeps the queries as well. Which later token reads the query of this one?", "R1"
)
def token_with_queries():
    return 32 * (8 + 8 + 32) * 128 * 2


@kv_token.mistake(
    "that keeps three vectors of 8 heads in each layer. Which of them does a later token read?",
    "R1",
)
def token_three_vectors():
    return 3 * 32 * 8 * 128 * 2


@kv_token.mistake(
    "that keeps 32 heads of one of the two, and 8 of the other. How many heads of K are there, and "
    "how many of V?",
    "H1",
)
def token_all_heads():
    return 32 * (32 + 8) * 128 * 2


@kv_token.mistake(
    "that multiplies heads of queries by heads of keys. How many heads of K has a layer?", "H1"
)
def token_heads_times_heads():
    return 2 * 32 * 32 * 8 * 128 * 2


@kv_token.mistake("that is how many numbers K has in one layer. What else is kept?", "H1")
def token_keys_elements_of_one_layer():
    return 8 * 128


@kv_token.mistake(
    "that is one layer with numbers of four bytes. What is `K.itemsize` in fp16, and how many "
    "layers keep K?",
    "H1",
)
def token_fp32_of_one_layer():
    return 2 * 8 * 128 * 4


@kv_token.mistake("that is a single head in a single layer. How many are there of each?", "H1")
def token_one_head_of_one_layer():
    return 2 * 128 * 2


@value(
    minutes=2,
    level=2,
    unit="parts of 1",
    tolerance=0.01,
    hints=[
        "Write the shape of every matrix of the layer in terms of d. How many numbers has each?",
        "How many squares of d by d fit into the first matrix of the FFN?",
        "Does d change the answer? Put d = 1, then d = 2 into your formula.",
    ],
)
def ffn_share():
    """What fraction of the weights of a transformer layer are in its FFN, d→4d→d?

    The attention has its four projections, d→d: for queries, keys, values and the output. Leave
    biases and LayerNorms out.
    """
    attention, ffn = 4, 2 * 4
    return ffn / (attention + ffn)


@ffn_share.also("right: in parts of 1 it is a hundredth of that")
def share_as_percent():
    return 100 * 8 / 12


@ffn_share.mistake(
    "that has a single matrix in the FFN, or compares attention with FFN. How does a token get "
    "back from 4d to d, and over what does a fraction of the layer go?",
    "Q1",
)
def share_one_ffn_matrix():
    return 4 / (4 + 4)


@ffn_share.mistake(
    "that is the attention's part, or one FFN matrix of the two. Which part is asked?", "Q1"
)
def share_of_attention():
    return 4 / 12


@ffn_share.mistake(
    "that has two projections in the attention. Which matrices make V and the output?", "Q1"
)
def share_two_projections():
    return 8 / (2 + 8)


@ffn_share.mistake("that has three projections. What comes after the heads, side by side?", "Q1")
def share_three_projections():
    return 8 / (3 + 8)


@ffn_share.mistake(
    "that has a single matrix in the attention. Which vectors are made of a token there?", "Q1"
)
def share_one_projection():
    return 8 / (1 + 8)


@ffn_share.mistake(
    "that is how many times as many weights the FFN has. Which part of all of them is it?", "Q1"
)
def share_as_ratio():
    return 2


@ffn_share.mistake(
    "that is one FFN matrix beside three projections. How many matrices has each part?", "Q1"
)
def share_one_and_three():
    return 4 / 7


@ffn_share.mistake(
    "that has three matrices in the FFN, as a gated one. Which two has d→4d→d?", "Q1"
)
def share_gated():
    return 12 / 16


@ffn_share.mistake(
    "that gives each of 8 heads full matrices, d by d. Multiply back: what is heads × "
    "width of a head?",
    "H1",
)
def share_full_heads():
    return 8 / (8 * 4 + 8)


@ffn_share.mistake(
    "that has a matrix of 4d by 4d in the FFN as well. How many arrows has d→4d→d?", "Q1"
)
def share_wide_ffn():
    return (4 + 16 + 4) / (4 + 4 + 16 + 4)


@ffn_share.mistake("that is rounded too far. How many digits does an answer within 1 % need?")
def share_rounded():
    return 0.7


@ffn_share.mistake(
    "that is half, in %: a single matrix in the FFN. How does a token get back to d?", "Q1"
)
def share_one_ffn_matrix_as_percent():
    return 50


@ffn_share.mistake("that is the part of the attention, in %. Which part is asked?", "Q1")
def share_of_attention_as_percent():
    return 100 / 3


@ffn_share.mistake(
    "that is in %, with two projections in the attention. How many are there, and in which unit "
    "is the answer asked?",
    "Q1",
)
def share_two_projections_as_percent():
    return 80


@value(
    minutes=2,
    level=2,
    unit="ms",
    tolerance=0.01,
    hints=[
        "How many bytes are all the weights?",
        "How long does it take to move them once, and how long to compute with them?",
        "Which of the two times is longer when there is a single sequence?",
    ],
)
def token_time():
    """How many ms does a new token take at least: 6.74 billion parameters, fp16, one sequence?

    The machine computes 989 TFLOP/s at its peak, and its memory moves 3.35 TB/s. Take it that
    a token meets every parameter once, in one MAC, those of the table of tokens too; no cache is
    large enough to keep them until the next token. Leave the KV cache out; movement and compute
    overlap.
    """
    billions, itemsize, terabytes = 6.74, 2, 3.35
    return billions * itemsize / terabytes  # GB over TB/s: ms


@token_time.mistake("that is one byte for each parameter. What is `W.itemsize` in fp16?", "U3")
def time_of_one_byte():
    return 1000 * 6.74e9 / 3.35e12


@token_time.mistake(
    "that is four bytes for each parameter, or two that cross twice. What is `W.itemsize` in fp16, "
    "and does a token write weights?",
    "U3",
)
def time_of_fp32():
    return 1000 * 6.74e9 * 4 / 3.35e12


@token_time.mistake(
    "that is half a byte for each parameter. In how many bits does the question have them?", "U3"
)
def time_of_four_bits():
    return 1000 * 6.74e9 / 2 / 3.35e12


@token_time.mistake("those are bits that move. Is the bandwidth in bits or in bytes?", "U3")
def time_of_bits():
    return 1000 * 6.74e9 * 16 / 3.35e12


@token_time.mistake(
    "so long the FLOP take at the peak. Mark the intensity on the roofline: which line is above "
    "it?",
    "G1",
)
def time_of_flops():
    return 1000 * 2 * 6.74e9 / 989e12


@token_time.mistake(
    "so long the MACs take, if the peak counted MACs. Which take longer, MACs or bytes?",
    "G1",
)
def time_of_macs():
    return 1000 * 6.74e9 / 989e12


@token_time.mistake("that is how many tokens are made in a second. What is asked?", "G1")
def time_as_rate():
    return 3.35e12 / (2 * 6.74e9)


@token_time.mistake("that is how many tokens are made in a ms. How long is one of them?", "G1")
def time_as_rate_in_ms():
    return 3.35e9 / (2 * 6.74e9)


@token_time.mistake("so many GB are the weights. How long do they take to move?", "U2")
def time_as_gigabytes():
    return 2 * 6.74


@token_time.mistake("so many billion parameters there are. How many bytes is each?", "U2")
def time_as_parameters():
    return 6.74


@token_time.mistake("that is one of 32 layers. Which layers does a token go through?", "H1")
def time_of_one_layer():
    return 1000 * 2 * 6.74e9 / 3.35e12 / 32


@token_time.mistake(
    "that moves all weights for each of 32 layers. Whose are the 6.74 billion parameters?", "H1"
)
def time_of_each_layer():
    return 32 * 1000 * 2 * 6.74e9 / 3.35e12


@token_time.mistake(
    "that takes 3.35 TB for powers of 1,024, against a GB of 1,000. Is 1 TB/s 2⁴⁰ bytes?", "U3"
)
def time_in_tebibytes():
    return 1000 * 2 * 6.74e9 / (3.35 * 2**40)


@value(
    minutes=3,
    level=2,
    unit="sequences",
    hints=[
        "How many FLOP does one weight take part in, with a batch of B sequences?",
        "How many bytes is that weight, and how often does it cross for the whole batch?",
        "So what is the intensity, and where is the ridge of the machine?",
    ],
)
def decode_batch():
    """What is the smallest batch of sequences at which a decoder's dense layers are compute-bound?

    Compute-bound is what has at least the intensity of the ridge. The decoder makes one new token
    for each sequence of the batch, in fp16, on a machine of 197 TFLOP/s and 819 GB/s. Count the
    bytes of the weights alone; each crosses once for the whole batch.
    """
    peak, bandwidth, itemsize = 197_000, 819, 2  # GFLOP/s, GB/s, bytes
    return -(-peak * itemsize // (2 * bandwidth))  # rounded up


@decode_batch.mistake(
    "that fits weights of one byte, or a ridge in MAC/B beside FLOP. How many FLOP does a weight "
    "take part in with one sequence, and how many bytes is it in fp16?",
    "U1",
)
def batch_halved():
    return 121


@decode_batch.mistake(
    "that fits weights of one byte, or a ridge in MAC/B beside FLOP, and is rounded down. What has "
    "a weight in fp16, and is the ridge reached?",
    "U1",
)
def batch_halved_rounded_down():
    return 120


@decode_batch.mistake(
    "that fits weights of four bytes, or a MAC counted as one FLOP. What is `W.itemsize` in fp16, "
    "and what does the peak count?",
    "U3",
)
def batch_doubled():
    return 482


@decode_batch.mistake(
    "that fits weights of four bytes, or a MAC counted as one FLOP, and is rounded down. What is "
    "`W.itemsize` in fp16, what does the peak count, and is the ridge reached?",
    "U3",
)
def batch_doubled_rounded_down():
    return 481


@decode_batch.mistake(
    "that is a quarter: halved twice. How many FLOP does a weight of two bytes take part in, with "
    "one sequence?",
    "U1",
)
def batch_quartered_rounded_down():
    return 60


@decode_batch.mistake("plug it back in: is its intensity at the ridge, or below it?", "O2")
def batch_rounded_down():
    return 240


@decode_batch.mistake("plug the next one down into your formula. Is it below the ridge?", "O2")
def batch_one_too_many():
    return 242


@decode_batch.mistake(
    "so large is the batch at the ridge itself. Which whole one is the first that reaches it?", "O2"
)
def batch_not_rounded():
    return 197 / 0.819


@decode_batch.mistake(
    "that is the ridge of an H100. What are the peak and the bandwidth here?", "G1"
)
def batch_of_another_machine():
    return 295


@decode_batch.mistake(
    "that is the first batch at the ridge of an H100. What are the peak and the bandwidth here?",
    "G1",
)
def batch_at_another_ridge():
    return 296


@decode_batch.mistake("that is a round number near it. Is there no smaller one?", "O2")
def batch_round():
    return 250


@decode_batch.mistake("that is a power of two above it. Is there no smaller batch?", "O2")
def batch_power_of_two():
    return 256


@decode_batch.mistake(
    "that is a power of two below it. Plug it back in: what is its intensity, and where is the "
    "ridge?",
    "O2",
)
def batch_power_of_two_below():
    return 128


@decode_batch.mistake(
    "a single sequence uses each weight once. What is the intensity then, and where is the ridge?",
    "B1",
)
def batch_of_one():
    return 1


@decode_batch.mistake(
    "that fits weights of one byte and a ridge in MAC/B. What are the two for FLOP, in fp16?", "U1"
)
def batch_quartered():
    return 61


@decode_batch.mistake(
    "that has weights of four bytes and counts a MAC as one FLOP. What are these two here?", "U3"
)
def batch_of_macs_of_fp32():
    return 963


@decode_batch.mistake(
    "that is the peak. What is the intensity with B sequences, and which intensity is needed?", "G1"
)
def batch_is_peak():
    return 197


@decode_batch.mistake(
    "that is bandwidth over peak. Which intensity has the ridge, in FLOP for each byte?", "G1"
)
def batch_inverted():
    return 0.819 / 197


@order(
    minutes=4,
    level=2,
    hints=[
        "What must stand in `logits` before the first new token can be chosen?",
        "Which token has no keys and values in the cache yet, and what adds them?",
        "After two new tokens: of how many tokens are the keys and values in `cache`?",
    ],
    extra=["logits, kv = model(text, cache)", "cache = kv"],
)
def generate():
    """Put the lines in order, so that a decoder with a KV cache adds T tokens to the list `text`.

    `model(tokens, cache)` computes `tokens`, which follow those whose keys and values are in the
    list `cache`. It gives the logits of what may come after the last one, and a list of the keys
    and values of `tokens` alone; it changes neither of its arguments. `argmax(logits)` is the token
    to add. `cache` does not exist before the first line. Let the model compute each token once. At
    the end `cache` has the keys and values of every token of `text`.
    """
    return """
        logits, cache = model(text, [])
        for t in range(T):
            text.append(argmax(logits))
            logits, kv = model(text[-1:], cache)
            cache = cache + kv
    """


@generate.mistake(
    "each step computes the whole text, and adds all of it to the cache. Which of its tokens are "
    "in the cache already?",
    "T1",
)
def generate_all_again():
    return """
        logits, cache = model(text, [])
        for t in range(T):
            text.append(argmax(logits))
            logits, kv = model(text, cache)
            cache = cache + kv
    """


@generate.mistake(
    "each step computes the whole text, behind the tokens of the cache. How many times does the "
    "prompt stand there, as the model sees it?",
    "T1",
)
def generate_all_again_and_replace():
    return """
        logits, cache = model(text, [])
        for t in range(T):
            text.append(argmax(logits))
            logits, kv = model(text, cache)
            cache = kv
    """


@generate.mistake(
    "each step computes the whole text, and keeps none of it. Which token alone is new?", "T1"
)
def generate_all_again_and_forget():
    return """
        logits, cache = model(text, [])
        for t in range(T):
            text.append(argmax(logits))
            logits, kv = model(text, cache)
    """


@generate.mistake(
    "the tokens are right, and each step computes the whole text. What could a cache spare it?",
    "T1",
)
def generate_without_cache():
    return """
        for t in range(T):
            logits, cache = model(text, [])
            text.append(argmax(logits))
    """


@generate.mistake(
    "after a step the cache has the keys and values of a single token. Where are the others?", "T1"
)
def generate_replaced():
    return """
        logits, cache = model(text, [])
        for t in range(T):
            text.append(argmax(logits))
            logits, kv = model(text[-1:], cache)
            cache = kv
    """


@generate.mistake(
    "the keys and values of a new token are computed. Who keeps them for the next one?", "R1"
)
def generate_forgotten():
    return """
        logits, cache = model(text, [])
        for t in range(T):
            text.append(argmax(logits))
            logits, kv = model(text[-1:], cache)
    """


@generate.mistake(
    "the last line stands after the loop. Of how many new tokens are the keys and values kept?",
    "R1",
)
def generate_kept_after_the_loop():
    return """
        logits, cache = model(text, [])
        for t in range(T):
            text.append(argmax(logits))
            logits, kv = model(text[-1:], cache)
        cache = cache + kv
    """


@generate.mistake(
    "a step comes first, and then a token is added. Which token is `text[-1]` in the first step?",
    "O1",
)
def generate_appended_last():
    return """
        logits, cache = model(text, [])
        for t in range(T):
            logits, kv = model(text[-1:], cache)
            cache = cache + kv
            text.append(argmax(logits))
    """


@generate.mistake(
    "a token is added after the model has run. Which token does it compute in the first step?", "O1"
)
def generate_appended_in_between():
    return """
        logits, cache = model(text, [])
        for t in range(T):
            logits, kv = model(text[-1:], cache)
            text.append(argmax(logits))
            cache = cache + kv
    """


@generate.mistake(
    "the loop adds T tokens, all from the same logits. What should happen after each of them?", "T1"
)
def generate_step_after_the_loop():
    return """
        logits, cache = model(text, [])
        for t in range(T):
            text.append(argmax(logits))
        logits, kv = model(text[-1:], cache)
        cache = cache + kv
    """


@generate.mistake("the logits never change. From which is the second token to be chosen?", "T1")
def generate_without_steps():
    return """
        logits, cache = model(text, [])
        for t in range(T):
            text.append(argmax(logits))
    """


@generate.mistake(
    "each step computes the whole text and then its last token as well. What is to be done once, "
    "before the loop?",
    "T1",
)
def generate_prefill_inside():
    return """
        for t in range(T):
            logits, cache = model(text, [])
            text.append(argmax(logits))
            logits, kv = model(text[-1:], cache)
            cache = cache + kv
    """


@generate.mistake("the first token is chosen by `logits`. Which line wrote them?", "R1")
def generate_without_prefill():
    return """
        for t in range(T):
            text.append(argmax(logits))
            logits, kv = model(text[-1:], cache)
            cache = cache + kv
    """


@generate.mistake("the model computes logits that nobody reads. Which line adds a token?", "R1")
def generate_without_append():
    return """
        logits, cache = model(text, [])
        for t in range(T):
            logits, kv = model(text[-1:], cache)
            cache = cache + kv
    """


@generate.mistake("the first step adds `kv` to the cache. Which line wrote it, and when?", "R1")
def generate_kept_before():
    return """
        logits, cache = model(text, [])
        for t in range(T):
            text.append(argmax(logits))
            cache = cache + kv
            logits, kv = model(text[-1:], cache)
    """


@choice(
    minutes=3,
    level=2,
    concept=True,
    hints=[
        "Which arrays get smaller when there are fewer heads of keys and values?",
        "How many scores does a new token have, before and after?",
    ],
    options=[
        "the FLOP of attention: four heads share their products",
        "the bytes of the KV cache that each new token reads",
        "the weights: about a quarter of them is left",
        "the depth: four times fewer steps wait for each other",
    ],
)
def gqa_saves():
    """A decoder gets 8 heads of keys and values instead of 32, and keeps its 32 of queries.

    Four heads of queries then share a head of keys and a head of values.
    What does this mainly save, when tokens are written for a batch of 16 sequences at once, each
    after 4,096 tokens?
    """
    return "b"


@gqa_saves.mistake(
    "every one of the 32 queries of a token meets all keys that came before. How many scores are "
    "there, and how many products has each?",
    "H1",
)
def saves_flop():
    return "a"


@gqa_saves.mistake(
    "list the matrices of a layer, the FFN's among them. Which of them make keys and values?", "H1"
)
def saves_weights():
    return "c"


@gqa_saves.mistake(
    "do the heads of a layer wait for each other? Count the rounds, before and after.", "D1"
)
def saves_depth():
    return "d"


@exercise(
    minutes=6,
    level=3,
    hints=[
        "Do the smallest case by hand: one layer, one head, one token. Which vectors are kept?",
        "What is the shape of the array of all keys, of all layers and sequences?",
        "Double each argument in turn. What should the bytes do?",
    ],
)
def kv_bytes(layers, kv_heads, d_head, tokens, batch, itemsize):
    """Count the bytes of keys and values that a decoder keeps.

    `kv_heads`: how many heads of keys a layer has, and as many of values; `d_head`: how wide each
    of them is; `tokens`: how many tokens each sequence has so far; `batch`: how many sequences;
    `itemsize`: the bytes of one number. Return a whole number.
    """
    # BEGIN SOLUTION
    return 2 * layers * kv_heads * d_head * tokens * batch * itemsize
    # END SOLUTION


@kv_bytes.cases
def _draw(random):
    sizes = [random.randint(low, low + 6) for low in (2, 3, 11, 20, 30)]
    pairs = [
        [*sizes[:place], 2 * size + 1, *sizes[place + 1 :]] for place, size in enumerate(sizes)
    ]
    widths = [(*sizes, itemsize) for itemsize in (2, 1, 4)]
    return [(1, 1, 1, 1, 1, 1), *widths, *((*pair, 2) for pair in pairs)]


@kv_bytes.mistake(
    "one leg is there: keys without values. What does a later token read besides K?",
    "R1",
)
def bytes_keys_alone(layers, kv_heads, d_head, tokens, batch, itemsize):
    return layers * kv_heads * d_head * tokens * batch * itemsize


@kv_bytes.mistake(
    "that keeps three vectors of each head. Who reads the query of an earlier token again?",
    "R1",
)
def bytes_three_vectors(layers, kv_heads, d_head, tokens, batch, itemsize):
    return 3 * layers * kv_heads * d_head * tokens * batch * itemsize


@kv_bytes.mistake(
    "more layers change nothing. Does the second layer use the keys of the first?",
    "H1",
)
def bytes_without_layers(layers, kv_heads, d_head, tokens, batch, itemsize):
    return 2 * kv_heads * d_head * tokens * batch * itemsize


@kv_bytes.mistake(
    "more heads change nothing. What is the shape of all keys of a token in one layer?",
    "H1",
)
def bytes_without_heads(layers, kv_heads, d_head, tokens, batch, itemsize):
    return 2 * layers * d_head * tokens * batch * itemsize


@kv_bytes.mistake("the width of a head changes nothing. How many numbers has one key?", "P2")
def bytes_without_width(layers, kv_heads, d_head, tokens, batch, itemsize):
    return 2 * layers * kv_heads * tokens * batch * itemsize


@kv_bytes.mistake(
    "more tokens change nothing. Does a new token overwrite the key of the last one?",
    "T1",
)
def bytes_without_tokens(layers, kv_heads, d_head, tokens, batch, itemsize):
    return 2 * layers * kv_heads * d_head * batch * itemsize


@kv_bytes.mistake(
    "put a batch of 1, then of 2 into your formula: what grew? Do two texts share keys?",
    "B1",
)
def bytes_without_batch(layers, kv_heads, d_head, tokens, batch, itemsize):
    return 2 * layers * kv_heads * d_head * tokens * itemsize


@kv_bytes.mistake(
    "that is how many numbers there are. Compare `K.size` with `K.nbytes`: which is asked?",
    "U2",
)
def bytes_elements(layers, kv_heads, d_head, tokens, batch, itemsize):
    return 2 * layers * kv_heads * d_head * tokens * batch


@kv_bytes.mistake(
    "those are the numbers of K alone. How many bytes is each, and what else is kept?",
    "U2",
)
def bytes_elements_of_keys(layers, kv_heads, d_head, tokens, batch, itemsize):
    return layers * kv_heads * d_head * tokens * batch


@kv_bytes.mistake(
    "right for numbers of two bytes alone. What does your formula do with `itemsize`?",
    "U3",
)
def bytes_fp16(layers, kv_heads, d_head, tokens, batch, itemsize):
    return 2 * layers * kv_heads * d_head * tokens * batch * 2


@kv_bytes.mistake(
    "right for numbers of four bytes alone. What does your formula do with `itemsize`?",
    "U3",
)
def bytes_fp32(layers, kv_heads, d_head, tokens, batch, itemsize):
    return 2 * layers * kv_heads * d_head * tokens * batch * 4


@kv_bytes.mistake(
    "that is eight times too much. Are `itemsize` and the answer in bits or in bytes?",
    "U3",
)
def bytes_bits(layers, kv_heads, d_head, tokens, batch, itemsize):
    return 2 * layers * kv_heads * d_head * tokens * batch * itemsize * 8


@kv_bytes.mistake("that takes `itemsize` for bits. What does the task say that it counts?", "U3")
def bytes_from_bits(layers, kv_heads, d_head, tokens, batch, itemsize):
    return 2 * layers * kv_heads * d_head * tokens * batch * itemsize / 8


@kv_bytes.mistake("that is in units of 1,024 bytes. In which unit is the answer asked?", "U3")
def bytes_kibibytes(layers, kv_heads, d_head, tokens, batch, itemsize):
    return 2 * layers * kv_heads * d_head * tokens * batch * itemsize / 1024


@kv_bytes.mistake(
    "that has 32 heads, whatever `kv_heads` is. Which heads does the cache keep?",
    "H1",
)
def bytes_query_heads(layers, kv_heads, d_head, tokens, batch, itemsize):
    return 2 * layers * 32 * d_head * tokens * batch * itemsize


@kv_bytes.mistake(
    "that is four times too much, as if each head of queries kept its own. How many heads of "
    "keys are there?",
    "H1",
)
def bytes_four_times(layers, kv_heads, d_head, tokens, batch, itemsize):
    return 2 * layers * 4 * kv_heads * d_head * tokens * batch * itemsize


@kv_bytes.mistake(
    "that makes the heads share `d_head`. Is it the width of one head, or of all of them?",
    "H1",
)
def bytes_split_heads(layers, kv_heads, d_head, tokens, batch, itemsize):
    return 2 * layers * (d_head // kv_heads) * tokens * batch * itemsize


@kv_bytes.mistake(
    "that keeps the square of the tokens, as scores have. Double `tokens` only: should the "
    "bytes grow 2-fold or 4-fold?",
    "Q1",
)
def bytes_all_pairs(layers, kv_heads, d_head, tokens, batch, itemsize):
    return 2 * layers * kv_heads * d_head * tokens**2 * batch * itemsize


@kv_bytes.mistake(
    "those are the scores: each query and key, and no width. What does the cache keep of a token?",
    "Q1",
)
def bytes_scores(layers, kv_heads, d_head, tokens, batch, itemsize):
    return layers * kv_heads * tokens**2 * batch * itemsize


@kv_bytes.mistake(
    "that adds up what is there after every token. How much of it is there at the end?",
    "T1",
)
def bytes_every_step(layers, kv_heads, d_head, tokens, batch, itemsize):
    return layers * kv_heads * d_head * tokens * (tokens + 1) * batch * itemsize


@kv_bytes.mistake("the last token is missing. Does it keep its key for the next one?", "O1")
def bytes_past(layers, kv_heads, d_head, tokens, batch, itemsize):
    return 2 * layers * kv_heads * d_head * (tokens - 1) * batch * itemsize


@kv_bytes.mistake("that keeps a token more than there are. Which one is it?", "O1")
def bytes_next(layers, kv_heads, d_head, tokens, batch, itemsize):
    return 2 * layers * kv_heads * d_head * (tokens + 1) * batch * itemsize


@kv_bytes.mistake(
    "that keeps a matrix for each head, as wide as high. Are keys weights or vectors?",
    "P2",
)
def bytes_square_head(layers, kv_heads, d_head, tokens, batch, itemsize):
    return 2 * layers * kv_heads * d_head**2 * tokens * batch * itemsize


@kv_bytes.mistake(
    "that adds heads to their width. How many numbers are in an array of shape (kv_heads, d_head)?",
    "P2",
)
def bytes_added_heads(layers, kv_heads, d_head, tokens, batch, itemsize):
    return 2 * layers * (kv_heads + d_head) * tokens * batch * itemsize


@kv_bytes.mistake(
    "that has all keys and one head of values. How many heads of values does a layer have?",
    "R1",
)
def bytes_one_of_values(layers, kv_heads, d_head, tokens, batch, itemsize):
    return layers * (kv_heads + 1) * d_head * tokens * batch * itemsize


@kv_bytes.mistake(
    "keys alone, of one sequence. What does a later token read besides K, and do two texts "
    "share it?",
    "B1",
)
def bytes_keys_without_batch(layers, kv_heads, d_head, tokens, batch, itemsize):
    return layers * kv_heads * d_head * tokens * itemsize


@kv_bytes.mistake(
    "keys alone, of one layer. What is read besides K, and which layer reads it?",
    "H1",
)
def bytes_keys_without_layers(layers, kv_heads, d_head, tokens, batch, itemsize):
    return kv_heads * d_head * tokens * batch * itemsize
