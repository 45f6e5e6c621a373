"""Lesson 05: its answers are those of the networks, and its traps are told apart."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from programs import programs

from course_utils.exercises import bank, grade, names
from course_utils.exercises.answers import Verdict
from course_utils.exercises.kinds import Prediction
from course_utils.exercises.program import lines_of, structure
from course_utils.kernels import dynamic, spatial
from course_utils.nest import LoopNest
from course_utils.networks import bert, gpt2, gpt3, llama, mixtral
from course_utils.networks.tokens import Tokens


def test_names_and_numbers():
    assert [(bank.find(name).number, name) for name in names(5)] == [
        (None, "recall_pv_macs"),
        (None, "recall_conv_macs"),
        (None, "recall_ridge_point"),
        ("05.1", "layer_params"),
        ("05.2", "head_macs"),
        ("05.3", "kv_token"),
        ("05.4", "ffn_share"),
        ("05.5", "token_time"),
        ("05.6", "decode_batch"),
        (None, "generate"),
        (None, "gqa_saves"),
        ("05.7", "kv_bytes"),
    ]
    bets = [entry.name for entry in bank.of_lesson("05") if isinstance(entry, Prediction)]
    assert bets == [
        "next_letters",
        "head_time",
        "long_share",
        "prefill_ratio",
        "cache_times",
        "decode_time",
        "batch_decode",
        "pi_tokens",
    ]


@pytest.mark.parametrize(
    "name, answer, code",
    [
        ("recall_pv_macs", 2_000_000, None),
        ("recall_pv_macs", 256_000, "Q1"),
        ("recall_pv_macs", 4_000_000, "U1"),
        ("recall_conv_macs", 4_608, None),
        ("recall_conv_macs", 7_200, "S1"),
        ("recall_conv_macs", 5_832, "O1"),
        ("recall_conv_macs", 64, "P2"),
        ("recall_ridge_point", 8, None),
        ("recall_ridge_point", 0.125, "G1"),
        ("recall_ridge_point", 4, "U1"),
        ("layer_params", 3_152_384, None),
        ("layer_params", 3_145_728, "P1"),
        ("layer_params", 3_150_336, "P1"),
        ("layer_params", 10_485_760, "H1"),
        ("head_macs", 1, None),
        ("head_macs", 1.0, None),
        ("head_macs", 8, "H1"),
        ("head_macs", 0.125, "H1"),
        ("head_macs", 64, "H1"),
        ("kv_token", 131_072, None),
        ("kv_token", 65_536, "R1"),
        ("kv_token", 524_288, "H1"),
        ("kv_token", 4_096, "H1"),
        ("kv_token", 262_144, "U3"),
        ("kv_token", 4_194_304, "H1"),
        ("ffn_share", 0.6667, None),
        ("ffn_share", 2 / 3, None),
        ("ffn_share", 0.667, None),
        ("ffn_share", 66.7, None),
        ("ffn_share", 0.66, None),
        ("ffn_share", 66, None),  # 1 % off, to the last digit
        ("ffn_share", 0.5, "Q1"),
        ("ffn_share", 0.3333, "Q1"),
        ("ffn_share", 0.8, "Q1"),
        ("token_time", 4.024, None),
        ("token_time", 4.02, None),
        ("token_time", 4, None),
        ("token_time", 2.012, "U3"),
        ("token_time", 0.01362, "G1"),
        ("token_time", 8.048, "U3"),
        ("token_time", 248.5, "G1"),
        ("decode_batch", 241, None),
        ("decode_batch", 121, "U1"),
        ("decode_batch", 482, "U3"),
        ("decode_batch", 60, "U1"),
        ("decode_batch", 240, "O2"),
        ("decode_batch", 295, "G1"),
        ("decode_batch", 240.54, None),
        ("gqa_saves", "b", None),
        ("gqa_saves", "a", "H1"),
        ("gqa_saves", "c", "H1"),
        ("gqa_saves", "d", "D1"),
    ],
)
def test_the_known_traps_of_the_transformer(name, answer, code):
    verdict = grade(name, answer)
    wrong = code or (name, answer) == ("decode_batch", 240.54)
    assert (verdict.state, verdict.code) == ("wrong" if wrong else "right", code)


def right(name):
    return bank.find(name).value


def test_the_recalled_answers_are_the_kernels():
    mix = dynamic.attention_nests(n=250, d=32).nests[-1]
    assert right("recall_pv_macs") == mix.macs
    assert right("recall_conv_macs") == spatial.conv_nest(1, 1, (10, 10), 8, (3, 3)).macs


# A layer's weights and its products


def test_a_layer_has_as_many_parameters_as_a_block_of_bert():
    block = bert("small").part("block.0")
    assert {"attention.query.weight", "mlp.up.weight", "mlp.norm.shift"} <= {
        name.removeprefix("block.0.") for name in block.parameter_shapes
    }
    assert right("layer_params") == block.parameters


def attention(heads):
    x = Tokens(batch=1, tokens=512, width=512)
    x.attention("attention", heads)
    return sum(layer.macs for layer in x.layers)


def test_the_heads_change_no_macs():
    assert right("head_macs") == attention(8) / attention(1)
    assert [attention(heads) for heads in (1, 8, 32)] == [attention(4)] * 3


@pytest.mark.parametrize("network", [gpt2("xl"), gpt3("6.7b"), bert("base")])
def test_the_ffn_has_its_share_in_published_layers(network):
    shapes = network.part("block.0").parameter_shapes
    weights = {name: math.prod(shape) for name, shape in shapes.items() if "weight" in name}
    ffn = sum(size for name, size in weights.items() if ".mlp." in name)
    assert right("ffn_share") == ffn / sum(weights.values())


# Decode


def test_a_token_takes_as_long_as_the_weights_of_llama():
    network = llama("2-7b")
    moving = 1000 * 2 * network.parameters / 3.35e12
    computing = 1000 * 2 * network.macs(tokens=1) / 989e12
    assert computing < moving
    assert right("token_time") == pytest.approx(moving, rel=0.001)
    assert grade("token_time", moving) == Verdict("right")
    assert grade("token_time", max(moving, computing)) == Verdict("right")


def intensity(batch):
    """FLOP for each byte of weights of a dense layer in fp16."""
    layer = LoopNest("H[b,o] += X[b,i] * W[i,o]", b=batch, i=64, o=48, itemsize=2)
    return 2 * layer.macs / layer.nbytes("W")


def test_the_batch_is_the_first_that_reaches_the_ridge():
    ridge = 197e12 / 819e9
    assert right("decode_batch") == next(b for b in itertools.count(1) if intensity(b) >= ridge)


def test_the_bets_say_what_the_networks_count():
    network = gpt2("xl")
    assert len({layer.name.split(".")[1] for layer in network if "block" in layer.name}) == 48
    products = sum(x.macs for x in network.layers() if x.name.endswith((".scores", ".mix")))
    assert f"{100 * products / network.macs(tokens=1024):.1f} %" in bank.find("long_share").task
    assert f"{llama('2-7b').parameters / 1e9:.2f} billion weights" in bank.find("pi_tokens").task


@pytest.mark.parametrize(
    "name, answer",
    [
        ("kv_token", 128),
        ("kv_token", 131.072),
        ("kv_token", 0.125),
        ("layer_params", 3.152384),
        ("token_time", 0.004),
    ],
)
def test_the_right_number_in_another_unit_is_asked_for_its_prefix(name, answer):
    """KiB, kB, MiB, millions, seconds."""
    verdict = grade(name, answer)
    assert verdict.state == "wrong" and "which prefix" in verdict.message


# The KV cache


def kept(layers, kv_heads, d_head, tokens, batch, itemsize):
    """The bytes of arrays that are there."""
    dtype = {1: np.int8, 2: np.float16, 4: np.float32, 8: np.float64}[itemsize]
    shape = (batch, kv_heads, tokens, d_head)
    caches = [(np.empty(shape, dtype), np.empty(shape, dtype)) for _ in range(layers)]
    return sum(array.nbytes for cache in caches for array in cache)


def one_by_one(layers, kv_heads, d_head, tokens, batch, itemsize):
    total = 0
    for _ in itertools.product(range(layers), range(batch), range(tokens), ("key", "value")):
        total += kv_heads * d_head * itemsize
    return total


@given(st.tuples(*[st.integers(1, 5)] * 5, st.sampled_from([1, 2, 4, 8])))
def test_the_bytes_are_those_of_the_arrays(sizes):
    own = bank.find("kv_bytes").reference
    assert own(*sizes) == kept(*sizes) == one_by_one(*sizes)


@pytest.mark.parametrize(
    "network, layers, kv_heads, d_head",
    [
        (llama("2-7b"), 32, 32, 128),
        (llama("3-8b"), 32, 8, 128),
        (llama("2-70b"), 80, 8, 128),
        (mixtral("8x7b"), 32, 8, 128),
        (gpt2("xl"), 48, 25, 64),
    ],
)
def test_the_bytes_are_those_of_published_decoders(network, layers, kv_heads, d_head):
    own = bank.find("kv_bytes").reference
    for tokens, batch, itemsize in itertools.product((1, 7, 1024), (1, 3), (1, 2, 4)):
        want = network.kv_bytes(tokens=tokens, batch=batch, itemsize=itemsize)
        assert own(layers, kv_heads, d_head, tokens, batch, itemsize) == want


def test_the_bytes_of_the_llamas():
    own = bank.find("kv_bytes").reference
    assert own(32, 32, 128, 1, 1, 2) == 512 * 2**10
    assert own(32, 32, 128, 4096, 1, 2) == 2 * 2**30
    assert own(32, 8, 128, 1, 1, 2) == 128 * 2**10 == right("kv_token") == llama("3-8b").kv_bytes()


def test_the_cases_differ_in_one_size_at_a_time():
    _, *cases = bank.find("kv_bytes").arguments()
    base, *others = cases
    changed = [[n for n in range(6) if case[n] != base[n]] for case in others]
    assert sorted(changed) == [[0], [1], [2], [3], [4], [5], [5]]


@pytest.mark.parametrize(
    "answer",
    [
        kept,
        one_by_one,
        lambda *sizes: 2 * math.prod(sizes),
        lambda n, h, d, t, b, size: 2.0 * n * h * d * t * b * size,
        lambda n, h, d, t, b, size: np.int64(2 * n) * h * d * t * b * size,
    ],
)
def test_other_ways_to_count_the_cache(answer):
    assert grade("kv_bytes", answer) == Verdict("right")


@pytest.mark.parametrize(
    "answer, code, part",
    [
        (lambda n, h, d, t, b, size: n * h * d * t * b * size, "R1", "values"),
        (lambda n, h, d, t, b, size: 2 * h * d * t * b * size, "H1", "layers"),
        (lambda n, h, d, t, b, size: 2 * n * h * d * t * size, "B1", "batch"),
        (lambda n, h, d, t, b, size: 2 * n * h * d * t * b, "U2", "nbytes"),
        (lambda n, h, d, t, b, size: 4 * n * h * d * t * b, "U3", "two bytes"),
        (lambda n, h, d, t, b, size: 64 * n * d * t * b * size, "H1", "32 heads"),
        (lambda n, h, d, t, b, size: 2 * n * h * d * t * t * b * size, "Q1", "square"),
        (lambda n, h, d, t, b, size: 2 * n * h * d * t * b * 3, None, "Work this case out by hand"),
        (lambda n, h, d, t, b: 2 * n * h * d * t * b, None, "it should take (layers, kv_heads"),
    ],
)
def test_the_pattern_of_failures_names_the_code(answer, code, part):
    verdict = grade("kv_bytes", answer)
    assert (verdict.state, verdict.code) == ("wrong", code)
    assert part in verdict.message


def test_the_stub_fits_a_cell():
    for name in names(5):
        entry = bank.find(name)
        if name != "generate":
            assert all(len(line) <= 74 for line in entry.cells()["stub"].splitlines())


# The decode loop

SEED, PROMPT, STEPS = 14, [2, 0, 3], 4


class Model:
    """A decoder of one head, causal, which lists how many tokens it computes at each call."""

    def __init__(self):
        random = np.random.default_rng(SEED)
        self.words, self.following = random.normal(size=(2, 6, 4))
        self.query, self.key, self.value = 2 * random.normal(size=(3, 4, 4))
        self.computed = []

    def __call__(self, tokens, cache):
        self.computed.append(len(tokens))
        places = np.arange(len(cache), len(cache) + len(tokens))
        x = self.words[tokens] + np.sin(places[:, None] * [1.0, 0.5, 0.25, 0.125])
        own = list(zip(x @ self.key, x @ self.value, strict=True))
        K, V = (np.array(rows) for rows in zip(*cache, *own, strict=True))
        attended = dynamic.attention(x[-1:] @ self.query, K, V)  # the last one sees all
        return (attended @ self.following.T)[0], own


def argmax(scores):
    return int(np.argmax(scores))


def written():
    """The text, from nothing but the whole of it, and the keys and values of its tokens."""
    text, model = list(PROMPT), Model()
    for _ in range(STEPS):
        text.append(argmax(model(text, [])[0]))
    return text, model(text, [])[1]


def runs(lines):
    """(the text, the cache, how many tokens were computed) after a program; None if it fails."""
    model = Model()
    space = {"text": list(PROMPT), "T": STEPS, "model": model, "argmax": argmax}
    try:
        exec("\n".join(lines), space)
    except NameError:
        return None
    return space["text"], space.get("cache", []), model.computed


def runs_right(lines, text, cache):
    made = runs(lines)
    if made is None or made[0] != text or made[2] != [len(PROMPT)] + STEPS * [1]:
        return False
    return len(made[1]) == len(cache) and np.allclose(made[1], cache)


def test_the_text_that_is_written_says_more_than_one_thing():
    text, _ = written()
    assert len(set(text[len(PROMPT) :])) > 1


def test_the_loop_that_is_right_is_the_one_that_runs_right():
    text, cache = written()
    entry = bank.find("generate")
    every = list(programs(entry.lines))
    assert len(every) > 20_000, len(every)
    accepted = {structure(lines) for lines in every if runs_right(lines, text, cache)}
    functions = [entry.reference, *(known.function for known in entry.accepted)]
    assert accepted == {structure(lines_of(function())) for function in functions}


def test_no_program_that_is_called_wrong_runs_right():
    text, cache = written()
    for known in bank.find("generate").mistakes:
        assert not runs_right(lines_of(known.function()), text, cache)


def program(name):
    known = bank.find("generate").mistakes
    return lines_of(next(k.function for k in known if k.function.__name__ == name)())


@pytest.mark.parametrize(
    "name", ["generate_all_again", "generate_all_again_and_forget", "generate_replaced"]
)
def test_a_cache_that_is_misused_writes_another_text(name):
    assert runs(program(name))[0] != written()[0]


def test_without_a_cache_the_text_is_right_and_computed_again_and_again():
    text, _, computed = runs(program("generate_without_cache"))
    assert text == written()[0]
    assert sum(computed) == 3 + 4 + 5 + 6


# What grouped heads save


def test_grouped_heads_save_above_all_bytes_of_the_cache():
    """All options by one count: 32 heads of keys and values against 8, 16 sequences of 4,096."""

    def block(kv_heads):
        x = Tokens(batch=1, tokens=1, width=4096, past=4095)
        x.attention("attention", 32, kv_heads, bias=False, kept=True)
        products = sum(layer.macs for layer in x.layers if layer.name[10:] in ("scores", "mix"))
        cached = [layer.nest.shape(tensor) for layer in x.layers for tensor in layer.cached]
        shapes = [shape for layer in x.layers for shape in layer.parameter_shapes.values()]
        return products, sum(map(math.prod, cached)), sum(map(math.prod, shapes)), len(x.layers)

    many, few = block(32), block(8)
    ffn = 2 * 4096 * 16384
    assert few[0] == many[0]
    assert few[1] == many[1] / 4
    assert (few[2] + ffn) / (many[2] + ffn) > 0.85
    assert few[3] == many[3]
    # after one sequence of as many tokens as the width it is as much as of the weights
    saved_cache, saved_weights = many[1] - few[1], many[2] - few[2]
    assert saved_cache == saved_weights and 16 * saved_cache > 10 * saved_weights
