"""Serving: equal to the networks' nests where both count, to brute force, and to the roofline."""

from dataclasses import replace
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from course_utils import LoopNest, Machine, machine
from course_utils.networks import gpt2, llama, mixtral, resnet
from course_utils.serving import Decoder, arithmetic, decode, prefill

SIZES = "1-7b", "2-7b", "2-70b", "3-8b", "3.1-405b", "3.2-1b", "3.2-3b"
LLAMA = Decoder("Llama-2 7B", 32, 4096, 32, 32, 11008, 32_000)
H100 = machine("H100 SXM5")
TOY = Decoder("toy", layers=2, width=8, heads=4, kv_heads=2, hidden=12, words=10)
PARTS = {
    "Q, K, V": ("attention.query", "attention.key", "attention.value"),
    "attention": ("attention.scores", "attention.mix"),
    "output": ("attention.output",),
    "up and gate": ("mlp.up", "mlp.gate"),
    "down": ("mlp.down",),
}


def of(step, name):
    (found,) = [each for each in step.operations if each.name == name]
    return found


@pytest.mark.parametrize("size", SIZES)
def test_parameters_and_cache_are_those_of_the_networks(size):
    network = llama(size)
    shape = Decoder.of(network)
    assert shape.parameters == network.parameters
    for tokens, batch in ((1, 1), (512, 3)):
        assert shape.kv_bytes(tokens, batch) == network.kv_bytes(tokens, batch)


def test_the_shape_is_read_off_the_network():
    assert replace(Decoder.of(llama("2-7b")), name=LLAMA.name) == LLAMA
    assert Decoder.of(llama("3.2-1b")).tied and not LLAMA.tied


@pytest.mark.parametrize("size", ["2-7b", "3-8b"])
@pytest.mark.parametrize("tokens, past, batch", [(512, 0, 1), (64, 0, 3), (1, 511, 1), (1, 99, 8)])
def test_macs_are_those_of_the_networks(size, tokens, past, batch):
    network, context = llama(size), past + tokens
    step = (decode if tokens == 1 else prefill)(network, context, batch)
    about = dict(tokens=tokens, past=past, batch=batch)
    blocks = step.decoder.layers
    layers = {layer.name: layer for layer in network.layers(**about)}
    for name, parts in PARTS.items():
        macs = sum(layers[f"block.0.{part}"].macs for part in parts)
        assert of(step, name).macs == blocks * macs
    # the network sends every token through the head, serving the last one of each sequence
    assert of(step, "head").macs * tokens == layers["head"].macs
    assert step.meters().macs == network.macs(**about) - (tokens - 1) * of(step, "head").macs
    block = network.part("block.0").macs(**about)
    assert blocks * block == step.meters().macs - of(step, "head").macs


@pytest.mark.parametrize("tokens, past, batch", [(64, 0, 3), (1, 99, 8)])
def test_bytes_of_one_product_are_those_of_its_nest(tokens, past, batch):
    step = (decode if tokens == 1 else prefill)(LLAMA, past + tokens, batch)
    layers = {x.name: x for x in llama("2-7b").layers(tokens=tokens, past=past, batch=batch)}
    for name, part in (("output", "attention.output"), ("down", "mlp.down")):
        assert of(step, name).moved == 32 * layers[f"block.0.{part}"].meters(itemsize=2).moved
    # the head alone reads one token of each sequence
    last = llama("2-7b").layers(tokens=1, past=0, batch=batch)[-1]
    assert of(step, "head").moved == last.meters(itemsize=2).moved
    # fused: what the two products of attention move, without the scores between them
    scores, mix = layers["block.0.attention.scores"], layers["block.0.attention.mix"]
    between = 2 * 2 * batch * 32 * tokens * (past + tokens)
    alone = scores.meters(itemsize=2).moved + mix.meters(itemsize=2).moved - between
    assert of(step, "attention").moved == 32 * alone


def brute(model, tokens, past, batch):
    """Of one layer, by walking: {operation: (MACs, set of numbers touched)}."""
    each, size = model.width // model.heads, model.heads // model.kv_heads
    found = {name: [0, set()] for name in PARTS}

    def mac(name, *touched):
        found[name][0] += 1
        found[name][1].update(touched)

    for b, t, i in product(range(batch), range(tokens), range(model.width)):
        x, t = ("X", b, t, i), past + t
        for o in range(model.width):
            mac("Q, K, V", x, ("Wq", i, o), ("Q", b, t, o))
            mac("output", ("A", b, t, i), ("Wo", i, o), ("Y", b, t, o))
        for o, kind in product(range(model.kv_width), "KV"):
            mac("Q, K, V", x, (f"W{kind}", i, o), (kind, b, t, o))
        for o, kind in product(range(model.hidden), ("up", "gate")):
            # the product of up and gate leaves the chip, neither of the two does
            mac("up and gate", x, (kind, i, o), ("H", b, t, o))
        for o in range(model.hidden):
            mac("down", ("H", b, t, o), ("Wd", o, i), ("Y", b, t, i))
        for j in range(past + tokens):
            own = each * (i // each // size) + i % each
            mac("attention", ("Q", b, t, i), ("K", b, j, own))
            mac("attention", ("A", b, t, i), ("V", b, j, own))
    return found


@given(st.integers(1, 3), st.integers(0, 3), st.integers(1, 2), st.sampled_from([1, 2, 4]))
def test_operations_are_what_a_walk_touches(tokens, past, batch, kv_heads):
    model = replace(TOY, kv_heads=kv_heads)
    step = replace(prefill(model, tokens, batch), past=past)
    for name, (macs, touched) in brute(model, tokens, past, batch).items():
        one = of(step, name)
        assert one.macs == model.layers * macs
        assert one.moved == model.layers * 2 * len(touched)
        weights = sum(each[0] in ("Wq", "WK", "WV", "Wo", "Wd", "up", "gate") for each in touched)
        cached = sum(each[0] in ("K", "V") for each in touched)
        assert (one.weights, one.cache) == (2 * model.layers * weights, 2 * model.layers * cached)


@given(st.sampled_from([prefill, decode]), st.integers(1, 4000), st.integers(1, 100))
def test_seconds_are_the_slower_limit_of_each_operation(step, context, batch):
    step = step(LLAMA, context, batch)
    each = [max(2 * x.macs / 989.4e12, x.moved / 3.35e12) for x in step.operations]
    assert step.seconds(H100) == pytest.approx(sum(each))
    new = batch * step.tokens
    assert step.tokens_per_second(H100) == pytest.approx(new / sum(each))
    for one in step.operations:
        assert one.computes(H100, "bf16") == (one.intensity >= H100.ridge("bf16"))
    meters = step.meters()
    assert meters.memory == LLAMA.parameters * 2 + batch * context * 524_288
    assert meters.moved == sum(x.weights + x.cache + x.activations for x in step.operations)


def test_the_weights_cross_once_a_step():
    for step in (decode(LLAMA, 512), decode(LLAMA, 512, 64), prefill(LLAMA, 512, 64)):
        # all but the table of words, of which a token takes one row, and the norms
        left_out = 32_000 * 4096 + 65 * 4096
        assert sum(x.weights for x in step.operations) == 2 * (LLAMA.parameters - left_out)


@pytest.mark.parametrize(
    "step, context, batch, limit",
    [
        (prefill, 512, 1, "compute"),
        (decode, 512, 1, "weights"),
        (decode, 512, 64, "KV cache"),
        (decode, 32_768, 1, "KV cache"),
    ],
)
def test_what_limits(step, context, batch, limit):
    assert step(LLAMA, context, batch).limit(H100) == limit


def test_fewer_bits_hold_and_move_less():
    full, half = decode(LLAMA, 512), decode(LLAMA, 512, itemsize=0.5)
    assert half.meters().memory * 4 == full.meters().memory
    assert half.meters().moved * 4 == full.meters().moved
    weights = decode(LLAMA, 512, weight_itemsize=0.5)
    assert weights.kv_bytes == full.kv_bytes
    assert weights.weight_bytes * 4 == full.weight_bytes
    assert full.seconds(H100) / half.seconds(H100) == pytest.approx(4)


def test_what_fits():
    assert decode(LLAMA, 4096, 30).fits(H100) and not decode(LLAMA, 4096, 31).fits(H100)
    exact = replace(H100, memory=decode(LLAMA, 512).meters().memory)
    assert decode(LLAMA, 512).fits(exact) and not decode(LLAMA, 513).fits(exact)
    v5e = machine("TPU v5e")
    assert decode(LLAMA, 512).fits(v5e) and not decode(llama("3-8b"), 512).fits(v5e)
    assert decode(llama("3-8b"), 512, itemsize=1).fits(v5e)


def test_machines_serve_in_what_they_have():
    names = "H100", "V100 SXM2", "TPU v5e", "Jetson Orin Nano Super", "Raspberry Pi 5"
    found = [arithmetic(machine(name)) for name in names]
    assert found == ["bfloat16", "float16", "bfloat16", "float16", "float32"]
    step = decode(LLAMA, 512)
    assert step.seconds(H100) == step.seconds(H100, "bf16") < step.seconds(machine("A100 SXM 80"))


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: prefill(LLAMA, 0), "serving: context must be a whole number of at least 1; got 0"),
        (lambda: decode(LLAMA, 8, 1.5), "serving: batch must be a whole number"),
        (lambda: decode(LLAMA, 8, itemsize=3), "itemsize is 3; it is 0.5, 1, 2 or 4 bytes"),
        (lambda: decode(LLAMA, 8, weight_itemsize=0), "itemsize is 0; it is 0.5, 1, 2 or 4"),
        (lambda: decode(gpt2(), 8), "is no decoder like Llama; take a networks.llama"),
        (lambda: decode(mixtral(), 8), "is no decoder like Llama"),
        (lambda: decode(resnet(), 8), "is no decoder like Llama"),
        (lambda: decode(7, 8), "7 is no decoder like Llama"),
        (lambda: replace(LLAMA, kv_heads=5), "heads=32 is no multiple of kv_heads=5"),
        (lambda: replace(LLAMA, heads=0), "Decoder: heads must be a whole number"),
        (lambda: decode(LLAMA, 8).fits(machine("Raspberry Pi 5")), "memory is not given; choose"),
        (lambda: arithmetic(Machine("old", {"float64": 1e9}, 1e9)), "old: has no peak for any of"),
    ],
)
def test_errors_say_what_to_do(call, message):
    with pytest.raises(ValueError, match=message) as error:
        call()
    assert "\n" not in str(error.value)


def test_a_product_of_the_docstring_is_a_loop_nest():
    nest = LoopNest("Y[n,d] += H[n,f] * W[f,d]", n=512, d=4096, f=11008)
    down = of(prefill(LLAMA, 512), "down")
    assert (down.macs, down.weights) == (32 * nest.macs, 32 * 2 * 11008 * 4096)
