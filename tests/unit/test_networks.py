"""Published networks: exact counts for every member, sizes, parts, errors, properties."""

import re
from math import prod

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from course_utils import LoopNest, Meters, networks
from course_utils.networks import Layer, Network
from course_utils.networks.maps import Maps
from course_utils.networks.tokens import Tokens

# (constructor, arguments, parameters, MACs at the published sizes or None).  Parameters: the
# papers, torchvision, Keras and Hugging Face; MACs: the papers, torchvision, torch's counter.
PUBLISHED = [
    ("lenet5", (), 60_000, 326_520),
    ("lenet5", ("full",), 61_706, 416_520),
    ("alexnet", (), 60_965_224, 724_406_816),
    ("vgg", (11,), 132_863_336, 7_609_090_048),
    ("vgg", (13,), 133_047_848, 11_308_466_176),
    ("vgg", (16,), 138_357_544, 15_470_264_320),
    ("vgg", (19,), 143_667_240, 19_632_062_464),
    ("vgg", (11, True), 132_868_840, 7_609_090_048),
    ("vgg", (16, True), 138_365_992, 15_470_264_320),
    ("vgg", (19, True), 143_678_248, 19_632_062_464),
    ("resnet", (18,), 11_689_512, 1_814_073_344),
    ("resnet", (34,), 21_797_672, 3_663_761_408),
    ("resnet", (50,), 25_557_032, 4_089_184_256),
    ("resnet", (101,), 44_549_160, 7_801_405_440),
    ("resnet", (152,), 60_192_808, 11_513_626_624),
    ("resnet", (18, 1), 11_689_512, 1_814_073_344),
    ("resnet", (50, 1), 25_557_032, 3_857_973_248),
    ("resnet", (101, 1), 44_549_160, 7_570_194_432),
    ("resnet", (152, 1), 60_192_808, 11_282_415_616),
    ("mobilenet_v1", (0.25,), 470_072, 41_030_272),
    ("mobilenet_v1", (0.5,), 1_331_592, 149_497_088),
    ("mobilenet_v1", (0.75,), 2_585_560, 325_400_448),
    ("mobilenet_v1", (1.0,), 4_231_976, 568_740_352),
    ("mobilenet_v2", (0.35,), 1_677_128, 59_285_808),
    ("mobilenet_v2", (0.5,), 1_968_680, 97_131_840),
    ("mobilenet_v2", (0.75,), 2_636_424, 209_069_792),
    ("mobilenet_v2", (1.0,), 3_504_872, 300_774_272),
    ("mobilenet_v2", (1.3,), 5_386_792, 509_374_560),
    ("mobilenet_v2", (1.4,), 6_108_776, 582_195_824),
    ("bert", ("tiny",), 4_385_920, None),
    ("bert", ("mini",), 11_170_560, None),
    ("bert", ("small",), 28_763_648, None),
    ("bert", ("medium",), 41_373_184, None),
    ("bert", ("base",), 109_482_240, 48_318_971_904),
    ("bert", ("large",), 335_141_888, 167_504_773_120),
    ("bert", ("base", 28_996), 108_310_272, 48_318_971_904),
    ("gpt2", ("small",), 124_439_808, 145_824_153_600),
    ("gpt2", ("medium",), 354_823_168, 413_475_536_896),
    ("gpt2", ("large",), 774_030_080, 887_285_350_400),
    ("gpt2", ("xl",), 1_557_611_200, 1_753_351_782_400),
    ("gpt3", ("175b",), 174_604_259_328, None),
    ("llama", ("1-7b",), 6_738_415_616, None),
    ("llama", ("1-13b",), 13_015_864_320, None),
    ("llama", ("1-33b",), 32_528_943_616, None),
    ("llama", ("1-65b",), 65_285_660_672, None),
    ("llama", ("2-7b",), 6_738_415_616, None),
    ("llama", ("2-13b",), 13_015_864_320, None),
    ("llama", ("2-70b",), 68_976_648_192, None),
    ("llama", ("3-8b",), 8_030_261_248, None),
    ("llama", ("3-70b",), 70_553_706_496, None),
    ("llama", ("3.1-8b",), 8_030_261_248, None),
    ("llama", ("3.1-70b",), 70_553_706_496, None),
    ("llama", ("3.1-405b",), 405_853_388_800, None),
    ("llama", ("3.2-1b",), 1_235_814_400, None),
    ("llama", ("3.2-3b",), 3_212_749_824, None),
    ("vit", ("b/16",), 86_567_656, 17_563_828_224),
    ("vit", ("b/32",), 88_224_232, 4_409_186_304),
    ("vit", ("l/16",), 304_326_632, 61_554_712_576),
    ("vit", ("l/32",), 306_535_400, 15_377_539_072),
    ("vit", ("h/14",), 632_045_800, 167_295_109_120),
    ("vit", ("b/16", 384), 86_859_496, 55_484_350_464),
    ("rnn", (100, 128), 29_312, 29_184),
    ("rnn", (100, 128, 2), 29_440, 29_184),
    ("lstm", (100, 128), 117_248, 116_736),
    ("lstm", (100, 128, 2), 117_760, 116_736),
    ("gru", (100, 128), 88_320, 87_552),
    ("gru", (100, 128, 1), 87_936, 87_552),
    ("mixtral", ("8x7b",), 46_702_792_704, None),
    ("mixtral", ("8x22b",), 140_620_634_112, None),
    ("mamba", ("130m",), 129_135_360, None),
    ("mamba", ("370m",), 371_516_416, None),
    ("mamba", ("790m",), 793_204_224, None),
    ("mamba", ("1.4b",), 1_372_178_432, None),
    ("mamba", ("2.8b",), 2_768_345_600, None),
    ("dlrm", ("terabyte",), 24_036_595_969, None),
    ("dlrm", ("kaggle",), 540_677_217, None),
]
# the paper's table D.1, in millions
GPT3 = {
    "small": 125,
    "medium": 356,
    "large": 760,
    "xl": 1_320,
    "2.7b": 2_650,
    "6.7b": 6_660,
    "13b": 12_850,
    "175b": 174_600,
}
SMALL = [
    ("lenet5", ()),
    ("alexnet", ()),
    ("vgg", (11,)),
    ("resnet", (18,)),
    ("resnet", (50, 1)),
    ("mobilenet_v1", (0.25,)),
    ("mobilenet_v2", (0.35,)),
    ("bert", ("tiny",)),
    ("gpt2", ("small",)),
    ("decoder", (2, 24, 4, 64, 40, 50, 2)),
    ("llama", ("3-8b",)),
    ("vit", ("b/32",)),
    ("rnn", (7, 5)),
    ("lstm", (7, 5, 2, 3)),
    ("gru", (7, 5)),
    ("gru", (7, 5, 1)),
    ("mixtral", ("8x7b",)),
    ("mixture_of_experts", ()),
    ("dlrm", ("kaggle",)),
    ("mamba", ("130m",)),
]
SIZES = {"batch": 2, "tokens": 24, "past": 9}


def make(name, arguments):
    return getattr(networks, name)(*arguments)


def named(member):
    return f"{member[0]}{member[1]}"


@pytest.fixture(scope="module", params=SMALL, ids=named)
def net(request):
    return make(*request.param)


def small(net):
    """Sizes at which every network is quickly looked at; the image is the published one."""
    return {name: SIZES[name] for name in net.defaults if name in SIZES}


# --- published figures ----------------------------------------------------------------------


@pytest.mark.parametrize("name, arguments, parameters, macs", PUBLISHED)
def test_published_counts(name, arguments, parameters, macs):
    net = make(name, arguments)
    assert net.parameters == parameters and type(net.parameters) is int
    assert macs is None or net.macs() == macs
    assert type(net.macs()) is int


@pytest.mark.parametrize("size, millions", GPT3.items())
def test_gpt3_rounds_to_the_papers_table(size, millions):
    found = networks.gpt3(size).parameters / 1e6
    assert round(found, -1 if millions > 999 else 0) == millions


def test_gpt3_by_size_or_by_the_papers_name():
    pairs = {"125m": "small", "350m": "medium", "760m": "large", "1.3b": "xl"}
    for size, name in pairs.items():
        assert networks.gpt3(name).name == networks.gpt3(size).name == f"GPT-3 {size}"


def test_alexnet_layer_by_layer():
    net = networks.alexnet()
    convs = [net[f"conv{i}"].macs for i in range(1, 6)]
    assert convs == [105_415_200, 223_948_800, 149_520_384, 112_140_288, 74_760_192]
    assert [net[f"fc{i}"].macs for i in (6, 7, 8)] == [37_748_736, 16_777_216, 4_096_000]
    assert net.activations() == 659_272  # the paper's neurons


def test_lenet_layer_by_layer():
    """The trained parameters of each layer, as the paper gives them."""
    net = networks.lenet5()
    counts = {part: net.part(part).parameters for part in ("c1", "s2", "c3", "s4", "c5", "f6")}
    assert counts == {"c1": 156, "s2": 12, "c3": 1516, "s4": 32, "c5": 48_120, "f6": 10_164}
    assert net["c3"].macs == 60 * 25 * 100  # 60 of 96 connections
    assert networks.lenet5("full")["c3"].macs == 96 * 25 * 100
    assert net["c3"].nest.shape("X") == (1, 6, 14, 14)
    # map 0 sees 0 1 2, map 6 sees 0-3, map 9 sees 0 3 4 5, map 12 sees 0 1 3 4, map 15 all
    of, to = net["c3"].nest.work.tables["of"], net["c3"].nest.work.tables["to"]
    seen = [of[to == made].tolist() for made in (0, 6, 9, 12, 15)]
    assert seen == [[0, 1, 2], [0, 1, 2, 3], [0, 3, 4, 5], [0, 1, 3, 4], [0, 1, 2, 3, 4, 5]]
    assert all(np.bincount(of) == 10)  # each input map is seen ten times


def test_published_images_of_mobilenet():
    """Howard et al. 2017, table 7: millions of MACs of width 1.0 at four sizes."""
    net = networks.mobilenet_v1()
    assert [round(net.macs(image=n) / 1e6) for n in (224, 192, 160, 128)] == [569, 418, 291, 186]


def test_activations_of_resnets():
    """Radosavovic et al. 2020: ResNet-50 has 11.1 M."""
    assert round(networks.resnet(50).activations() / 1e6, 1) == 11.1
    assert networks.resnet(18).activations() == 2_484_712


def test_shares_of_gpt2_xl():
    for tokens, shares in ((1024, [28.7, 9.2, 57.4, 4.7]), (16_384, [12.1, 61.8, 24.1, 2.0])):
        x = Tokens(1, tokens, 1600)
        x.attention("attention", 25)
        parts = {"scores": 0, "project": 0}
        for layer in x.layers:
            of_scores = layer.name.endswith((".scores", ".mix"))
            parts["scores" if of_scores else "project"] += 48 * layer.macs
        parts |= {"mlp": 48 * 8 * tokens * 1600**2, "head": tokens * 1600 * 50_257}
        order = [parts[name] for name in ("project", "scores", "mlp", "head")]
        assert [round(100 * n / sum(order), 1) for n in order] == shares
        if tokens == 1024:
            assert sum(order) == networks.gpt2("xl").macs()


def test_kv_cache():
    assert networks.llama("2-7b").kv_bytes() == 524_288
    assert networks.llama("2-70b").kv_bytes() == networks.llama("3-70b").kv_bytes() == 327_680
    assert networks.llama("3-8b").kv_bytes() == 131_072
    assert networks.mixtral("8x7b").kv_bytes() == 131_072
    assert networks.gpt2("xl").kv_bytes() == 2 * 48 * 1600 * 2
    many = networks.gpt3().kv_bytes(tokens=2048, batch=3, itemsize=1)
    assert many == 2 * 96 * 12_288 * 2048 * 3


@pytest.mark.parametrize("name", ["resnet", "bert", "vit", "mamba", "dlrm", "mixture_of_experts"])
def test_no_kv_cache(name):
    with pytest.raises(ValueError, match="has no KV cache: only decoders .*gpt2"):
        make(name, ()).kv_bytes()


def test_mixture_stores_all_and_runs_two():
    net = networks.mixtral("8x7b")
    d, hidden, blocks, words = 4096, 14_336, 32, 32_000
    expert = 3 * d * hidden
    assert net.parameters - net.active_parameters == blocks * 6 * expert
    attention = 2 * d * d + 2 * d * 1024
    block = attention + d * 8 + 2 * expert
    assert net.macs(tokens=1) == blocks * (block + 2 * d) + d * words
    # eight tokens choose two each and meet every expert; one token meets two
    moe = networks.mixture_of_experts(width=8, hidden=16)

    def meeting(tokens):
        return next(x for x in moe.layers(tokens=tokens) if x.name == "experts.up")

    met = [meeting(n).nest.work.touched("W") for n in (1, 2, 4, 8)]
    assert [m // (8 * 16) for m in met] == [2, 4, 8, 8]


def test_mixture_beside_a_dense_layer():
    sizes = dict(width=64, hidden=128)
    moe = networks.mixture_of_experts(**sizes, experts=8, top=2).part("experts")
    dense = networks.mixture_of_experts(**sizes, experts=1, top=1).part("experts")
    assert (moe.parameters, moe.macs()) == (8 * dense.parameters, 2 * dense.macs())


def test_recommendation_looks_up():
    net = networks.dlrm()
    tables = [layer for layer in net if layer.primitive == "gather"]
    assert len(tables) == 26 and not any(layer.macs for layer in tables)
    held = sum(prod(shape) for name, shape in net.parameter_shapes.items() if "table" in name)
    assert held == 187_767_399 * 128
    assert net["pairs"].macs == 27 * 27 * 128
    assert net["top.0"].nest.size["i"] == 479  # the argument of MLPerf's own script
    assert net["table.0"].meters().moved == 2 * 128 * 4 + 8  # a row, its copy, its number


def test_scan_is_apart():
    net = networks.mamba("130m")
    t, d, n, rank = 10, 1536, 16, 48
    block = t * (768 * 2 * d + 4 * d + d * (rank + 2 * n) + rank * d + d * 768)
    assert net.macs(tokens=t) == 24 * block + t * 768 * 50_280
    scan = net.part("block.0.scan")
    assert {layer.primitive for layer in scan} == {"scan"} and scan.macs(tokens=t) == 0
    # a state: step·A, two products of what is written, decay, sum, read (2); a channel: D u, sum
    assert scan.elementwise(tokens=t) == t * d * (n * 7 + 2)
    assert scan.exponentials(tokens=t) == t * d * n + d * n


# --- what is counted apart ------------------------------------------------------------------


def test_softmax_is_five_operations_a_score():
    x = Tokens(batch=2, tokens=7, width=12)
    x.attention("a", heads=3)
    softmax = [layer for layer in x.layers if "softmax" in layer.name]
    scores = 2 * 3 * 7 * 7
    kinds = [layer.primitive for layer in softmax]
    assert kinds == ["reduction", "elementwise", "reduction", "elementwise"]
    assert sum(layer.elementwise for layer in softmax) == 4 * scores
    assert sum(layer.exponentials for layer in softmax) == scores
    assert not any(layer.macs for layer in softmax)


def test_bias_adds_are_apart():
    x = Tokens(batch=2, tokens=7, width=12)
    x.dense("up", 5)
    bias, product = x.layers
    assert (bias.bias_adds, bias.macs, bias.elementwise) == (2 * 7 * 5, 0, 0)
    assert (product.bias_adds, product.macs, product.elementwise) == (0, 2 * 7 * 5 * 12, 0)
    assert networks.lstm(100, 128, biases=2).bias_adds() == 2 * 512
    assert networks.lstm(100, 128, biases=2).elementwise() == 4 * 128  # no bias among them


def test_recurrent_gates():
    lstm, gru = networks.lstm(3, 5), networks.gru(3, 5)
    assert lstm.exponentials(tokens=7) == 7 * 5 * 5  # three gates, candidate, cell
    assert gru.exponentials(tokens=7) == 7 * 3 * 5
    assert lstm["layer.0.gates"].nest.shape("Z") == (1, 1, 4, 5)  # it looks at three of four
    assert gru["layer.0.reset"].nest.shape("S") == (1, 1, 2, 5)
    assert gru["layer.0.reset"].meters().moved == 3 * 5 * 4
    assert lstm.activations() == 4 * 5  # both products add up to one sum
    assert gru.activations() == 6 * 5  # the reset gate stands between them
    assert networks.rnn(3, 5).activations() == 5


def test_norms_and_skips_have_traffic():
    net = networks.resnet(18)
    for name in ("stage1.0.add", "stage1.0.conv1.norm.scale", "pool1", "conv1.relu"):
        layer = net[name]
        assert layer.macs == 0 and layer.elementwise > 0 and layer.meters().moved > 0
    add = net["stage1.0.add"]
    assert add.elementwise == 64 * 56 * 56 and add.meters().moved == 3 * 4 * 64 * 56 * 56
    assert net["pool1"].elementwise == 64 * 56 * 56 * 9


def test_primitives(net):
    for layer in net.layers(**small(net)):
        work = layer.macs + layer.elementwise + layer.exponentials + layer.bias_adds
        assert work > 0 or layer.primitive == "gather" or layer.function == "copy"
        assert (layer.macs > 0) == layer.contracts
    found = {layer.primitive for layer in net}
    assert "matmul" in found


# --- how counts depend on sizes -------------------------------------------------------------


def test_counts_are_linear_in_batch(net):
    sizes = small(net)
    one, three = sizes | {"batch": 1}, sizes | {"batch": 3}
    for count in (net.macs, net.activations, net.bias_adds):
        assert count(**three) == 3 * count(**one)
    constant = sum(x.exponentials for x in net.layers(**one) if "b" not in x.nest.size)
    assert net.exponentials(**three) - constant == 3 * (net.exponentials(**one) - constant)
    assert net.elementwise(**three) == 3 * net.elementwise(**one)


def test_parameters_do_not_depend_on_sizes(net):
    shapes = {}
    for layer in net.layers(**small(net)):
        shapes |= layer.parameter_shapes
    assert shapes == net.parameter_shapes
    assert net.parameters == sum(map(prod, shapes.values()))
    assert net.active_parameters == net.parameters or "xperts" in net.name or "xtral" in net.name


def test_meters_are_sums(net):
    sizes = small(net)
    meters, layers = net.meters(itemsize=2, **sizes), net.layers(**sizes)
    assert meters.macs == net.macs(**sizes) > 0
    assert meters.moved == sum(layer.meters(2).moved for layer in layers)
    kept = meters.memory - 2 * (net.parameters + sum(layer.written for layer in layers))
    past = sizes.get("past", 0)
    decodes = past and any(layer.cached for layer in net)
    assert kept == (net.kv_bytes(past, batch=sizes["batch"]) if decodes else 0)


def test_layer_meters_equal_the_nests(net):
    """At 4 B, layer by layer, what the nest itself says."""
    for layer in {x.nest: x for x in net.layers(**small(net) | {"batch": 1})}.values():
        if layer.nest.iterations < 10**7:
            ours, own = layer.meters(), layer.nest.meters()
            assert (ours.memory, ours.moved) == (own.memory, own.moved), layer.name
            assert ours.macs + (ours.flops - own.flops) == layer.macs


@settings(max_examples=30)
@given(st.integers(1, 40), st.integers(1, 40))
def test_attention_is_quadratic_in_tokens(one, two):
    net = networks.gpt2("small").part("block.0")

    def attention(tokens, past=0):
        layers = net.layers(tokens=tokens, past=past)
        return sum(x.macs for x in layers if x.name.endswith((".scores", ".mix")))

    assert attention(one) == 2 * 768 * one**2
    assert net.macs(tokens=one) == 2 * 768 * one**2 + 12 * one * 768**2
    # a cached token is no query, but a key
    assert attention(one, past=two) == 2 * 768 * one * (one + two)
    rest = [net.macs(tokens=n) - attention(n) for n in (one, two, one + two)]
    assert rest[0] + rest[1] == rest[2]


@settings(max_examples=10)
@given(st.integers(1, 30))
def test_steps_of_prefill_are_decoded_tokens(tokens):
    """Token after token with a cache: the causal half of the scores, everything else alike."""
    net = networks.llama("3.2-1b").part("block.0")
    decoded = sum(net.macs(tokens=1, past=t) for t in range(tokens))
    seen = tokens * (tokens + 1) // 2
    assert net.macs(tokens=tokens) - decoded == 2 * 2048 * (tokens**2 - seen)


@given(
    st.lists(
        st.tuples(
            st.integers(1, 6),  # channels
            st.integers(1, 4),  # taps
            st.integers(1, 3),  # stride
            st.integers(0, 2),  # padding
        ),
        min_size=1,
        max_size=4,
    ),
    st.integers(16, 40),
)
def test_conv_stacks_against_the_formula(convs, side):
    maps, macs, parameters = Maps("net", 2, 3, side), 0, 0
    channels = 3
    for i, (k, taps, stride, pad) in enumerate(convs):
        after = (side + 2 * pad - taps) // stride + 1
        if after < 1 or side + 2 * pad < taps:
            with pytest.raises(ValueError, match=f"image is too small: at layer 'conv{i}'"):
                maps.conv(f"conv{i}", k, taps, stride, pad)
            return
        maps.conv(f"conv{i}", k, taps, stride, pad)
        macs += 2 * k * channels * (after * taps) ** 2
        parameters += k * channels * taps**2
        channels, side = k, after
    net = Network("net", {"batch": 2}, lambda batch: maps.layers)
    assert (net.macs(), net.parameters, maps.side) == (macs, parameters, side)


@given(st.integers(1, 9), st.integers(1, 9))
def test_adaptive_pool_sees_every_pixel(side, fit):
    maps = Maps("net", 1, 2, side)
    maps.fit("fit", fit)
    if side == fit:
        assert not maps.layers
        return
    nest = maps.layers[0].nest
    assert nest.shape("Y") == (1, 2, fit, fit) and nest.shape("X") == (1, 2, side, side)
    assert nest.use_counts("X").min() >= 1
    if side % fit == 0:
        assert nest.uses("X") == 1


@settings(max_examples=30)
@given(st.floats(0.04, 4.0))
def test_widths_of_mobilenet(width):
    """Channels follow the width; v2's are multiples of 8 that lose no more than a tenth."""
    v1, v2 = networks.mobilenet_v1(width), networks.mobilenet_v2(width)
    assert v1["block.12.pointwise"].nest.size["k"] == int(1024 * width)
    for layer in v2:
        if layer.contracts and layer.name != "fc":
            channels = layer.nest.size.get("k", layer.nest.size["c"])
            assert channels % 8 == 0 and channels >= 8
    for name, base in (("block.5.project", 32), ("block.16.project", 320)):
        found = v2[name].nest.size["k"]
        assert 0.9 * base * width <= found <= base * width + 8
    assert v2["conv2"].nest.size["k"] >= 1280


# --- the classes ----------------------------------------------------------------------------


def test_layers_by_name_and_part():
    net = networks.resnet(50)
    assert net["conv1"].nest.shape("W") == (64, 3, 7, 7)
    assert len(net) == len(list(net)) == len(net.layers())
    assert net.layers() is net.layers(batch=1, image=224)
    parts = ["conv1", "pool1", *(f"stage{i}" for i in range(1, 5)), "pool", "fc"]
    assert sum(net.part(part).macs() for part in parts) == net.macs()
    assert sum(net.part(part).parameters for part in [*parts, "fc.bias"]) == net.parameters + 1000
    assert networks.gpt2().part("block.1").parameters == networks.gpt2().part("block.10").parameters
    assert net.part("stage1").part("stage1.0").macs(batch=2) == 2 * net.part("stage1.0").macs()
    assert net.part("stage1.0").parameters == 64 * 64 + 9 * 64 * 64 + 2 * 64 * 256 + 2 * 640


def test_names_are_given_once(net):
    names = [layer.name for layer in net]
    assert len(set(names)) == len(names)


def test_tied_weights_count_once():
    net = networks.gpt2("small")
    assert net["head"].parameters == {"E": "words.weight"}
    assert net.parameter_shapes["words.weight"] == (50_257, 768)
    untied = networks.llama("3-8b")
    assert {"words.weight", "head.weight"} <= set(untied.parameter_shapes)


@pytest.mark.parametrize("size", ["small", "medium"])
def test_decoder_of_the_sizes_of_gpt2_is_gpt2(size):
    shape = {"small": (12, 768, 12), "medium": (24, 1024, 16)}[size]
    ours, theirs = networks.decoder(*shape, 50_257, 1024), networks.gpt2(size)
    assert ours["words"].parameter_shapes == theirs["words"].parameter_shapes
    assert ours[1:] == theirs[1:]


@pytest.mark.parametrize("tokens, past, kv_heads", [(5, 0, None), (1, 7, 2), (3, 4, 1)])
def test_decoder_by_the_formula(tokens, past, kv_heads):
    blocks, d, heads, words, positions, hidden = 2, 12, 4, 9, 11, 20
    net = networks.decoder(blocks, d, heads, words, positions, hidden, kv_heads)
    kept = 2 * d // heads * (kv_heads or heads)  # numbers a token and block
    dense = 2 * d * d + kept * d + 2 * d * hidden
    vectors = 2 * d + kept + hidden + d + 4 * d  # biases, scales and shifts
    assert net.parameters == (words + positions + 2) * d + blocks * (dense + vectors)
    scores = heads * tokens * (past + tokens)
    block = tokens * dense + 2 * scores * d // heads
    assert net.macs(tokens=tokens, past=past) == blocks * block + tokens * d * words
    assert net.kv_bytes(tokens=positions, batch=3, itemsize=4) == 4 * 3 * blocks * kept * positions


def test_vit_at_other_images():
    net = networks.vit("b/16")
    assert net.macs(image=384) == networks.vit("b/16", image=384).macs()
    assert net.layers(image=384)[3].parameters == {}  # interpolated positions are not learned
    assert networks.vit("b/16", image=384).macs(image=224) == net.macs()


def test_repr():
    assert repr(networks.llama("3-8b")) == (
        "Llama 3-8b: 8,030,261,248 parameters, 79.1 TMAC at batch 1, tokens 8192"
    )
    assert "batch 1, image 224" in repr(networks.resnet(50))


def test_two_shapes_of_one_parameter():
    def build(batch):
        for o in (3, 4):
            nest = LoopNest("H[b,o] += X[b,i] * W[i,o]", b=batch, i=2, o=o)
            yield Layer(f"to{o}", nest, {"W": "weight"})

    with pytest.raises(ValueError, match=r"parameter 'weight' is \(2, 3\) and, in layer 'to4'"):
        _ = Network("net", {"batch": 1}, build).parameters


def test_layers_refuse_what_they_do_not_know():
    nest = LoopNest("H[b,o] += X[b,i] * W[i,o]", b=1, i=2, o=3)
    with pytest.raises(ValueError, match="'gemm' is none of matmul, window"):
        Layer("dense", nest, primitive="gemm")
    with pytest.raises(ValueError, match="'swish' is none of bias, copy"):
        Layer("dense", nest, function="swish")
    with pytest.raises(ValueError, match="no tensor 'V'"):
        Layer("dense", nest, {"V": "weight"})
    assert Layer("dense", nest).meters() == Meters(memory=44, macs=6, moved=44)


def test_layers_are_found_by_name_and_by_place():
    net = networks.resnet(50)
    assert "conv1" in net and net[0] in net and "conv" not in net
    assert net["conv1"] is net[0] and net[-1].name == "fc" and len(net[:3]) == 3


def test_the_nest_of_a_layer_takes_another_batch():
    for net in (networks.resnet(50), networks.gpt2(), networks.vit(), networks.mobilenet_v2()):
        for one, eight in zip(net, net.layers(batch=8), strict=True):
            if not one.nest.work.tables:
                grown = one.nest.sizes(b=8) if "b" in one.nest.size else one.nest
                assert grown.meters() == eight.nest.meters()


def test_keys_and_values_of_more_tokens_than_look_ups_are_listed():
    found = networks.llama("3.1-405b").kv_bytes(tokens=131_072, batch=1000)
    assert found == 2 * 126 * 8 * 128 * 2 * 131_072 * 1000
    with pytest.raises(ValueError, match="come to 1025, and it has learned 1024 positions"):
        networks.gpt2().kv_bytes(tokens=1025)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: Maps("n", 1, 4, 8).conv("c", 9, 3, pad=1, groups=2),
            "'c': 4 to 9 channels do not",
        ),
        (
            lambda: Maps("n", 1, 3, 8).conv("c", 4, 3, pad=1, groups=2),
            "'c': 3 to 4 channels do not",
        ),
        (lambda: Tokens(1, 4, 10).attention("a", 3), "a width of 10 does not split into 3 heads"),
        (lambda: Tokens(1, 4, 12).attention("a", 6, 4), "6 heads do not share 4 heads of keys"),
        (lambda: Tokens(1, 4, 12).attention("a", 2, 4), "2 heads do not share 4 heads of keys"),
    ],
)
def test_what_does_not_divide_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_a_member_is_found_as_it_is_written_elsewhere():
    for one, two in [
        (networks.vit("B/16"), networks.vit("b/16")),
        (networks.llama("2-7B"), networks.llama("2-7b")),
        (networks.gpt3("XL"), networks.gpt3("1.3b")),
        (networks.resnet(50.0, np.float64(1)), networks.resnet(50, 1)),
        (networks.lenet5("Full"), networks.lenet5("full")),
        (networks.mobilenet_v1(np.float32(0.5)), networks.mobilenet_v1(0.5)),
        (networks.mobilenet_v2(np.int64(1)), networks.mobilenet_v2(1.0)),
        (networks.vit("b/16", np.int16(4096)), networks.vit("b/16", 4096)),
        (networks.bert(vocabulary=np.int16(9)), networks.bert(vocabulary=9)),
    ]:
        assert repr(one) == repr(two)


ERRORS = [
    (lambda: networks.resnet(51), "resnet: no depth 51; published are 18, 34, 50, 101, 152"),
    (lambda: networks.resnet(50, version=2), "resnet: no version 2; published are 1, 1.5"),
    (lambda: networks.resnet(50, version=True), "resnet: no version True"),
    (lambda: networks.vgg(16, bn="no"), "vgg: bn, .* is True or False; got 'no'"),
    (lambda: networks.resnet(np.array([50, 18])), "resnet: no depth array"),
    (lambda: networks.rnn(2, 3, biases=np.array([1, 2])), "rnn: biases must be 0, 1"),
    (lambda: networks.mobilenet_v1(1e308), "a number above 0 and up to 100, .* got 1e\\+308"),
    (lambda: networks.vgg("16"), "vgg: no depth '16'; published are 11"),
    (lambda: networks.bert(["base"]), r"bert: no size \['base'\]; published are 'tiny'"),
    (lambda: networks.bert(vocabulary=0), "bert: vocabulary must be a whole number"),
    (lambda: networks.llama("7b"), "llama: no size '7b'; published are '1-7b'"),
    (lambda: networks.lenet5("all"), "lenet5: no c3 'all'; published are 'paper', 'full'"),
    (lambda: networks.mobilenet_v1(0), "mobilenet_v1: width .* above 0.* got 0"),
    (lambda: networks.mobilenet_v1(0.01), "width 0.01 .* at least 1/32"),
    (lambda: networks.mobilenet_v2(float("nan")), "mobilenet_v2: width .* got nan"),
    (lambda: networks.mobilenet_v2(True), "mobilenet_v2: width .* got True"),
    (lambda: networks.rnn(0, 5), "rnn: inputs must be a whole number of at least 1; got 0"),
    (lambda: networks.gru(5, 2.5), "gru: hidden must be a whole number .* got 2.5"),
    (lambda: networks.lstm(5, 5, biases=3), "lstm: biases must be 0, 1 .* got 3"),
    (lambda: networks.mixture_of_experts(top=9), "mixture_of_experts: top=9 of experts=8"),
    (lambda: networks.mixture_of_experts(width="4"), "mixture_of_experts: width must be a whole"),
    (lambda: networks.vit(image=225), "ViT-B/16: image must be a multiple .* 16, such as 224"),
    (lambda: networks.vit(image="224"), "ViT-B/16: image must be a whole number"),
    (lambda: networks.vit().macs(image=230), "ViT-B/16: image must be a multiple"),
    (lambda: networks.vgg(16).macs(image=31), "VGG-16: image is too small: at layer 'pool5'"),
    (lambda: networks.lenet5().macs(image=28), "image must be 32.* got 28 .*pad"),
    (
        lambda: networks.resnet().macs(tokens=3),
        "ResNet-50 v1.5: there is no size 'tokens'; .*image",
    ),
    (lambda: networks.resnet().macs(batch=0), "ResNet-50 v1.5: batch must be a whole number"),
    (lambda: networks.resnet().macs(batch=True), "batch must be a whole number .* got True"),
    (lambda: networks.resnet().meters(itemsize=0), "itemsize must be a whole number"),
    (lambda: networks.gpt2().macs(tokens=1025), "come to 1025, and it has learned 1024 positions"),
    (lambda: networks.gpt2().macs(past=1), "come to 1025"),
    (
        lambda: networks.gpt2().macs(past=-1),
        "GPT-2 small: past must be .* of at least 0; got -1",
    ),
    (lambda: networks.bert().macs(tokens=513), "BERT-base: .* 513, .* use at most 512"),
    (lambda: networks.gpt2().kv_bytes(itemsize=0.5), "itemsize must be a whole number"),
    (lambda: networks.gpt2().macs(batch=10**6), "1,024,000,000 look-ups are more than"),
    (lambda: networks.decoder(2, 10, 3, 9, 9), "a width of 10 does not split into 3 heads"),
    (lambda: networks.decoder(2, 12, 6, 9, 9, kv_heads=4), "6 heads do not share 4 heads of keys"),
    (lambda: networks.decoder(2, None, 6, 9, 9), "decoder: width must be a whole number .* None"),
    (lambda: networks.decoder(2, 12, 6, 9, 9, hidden=0), "decoder: hidden must be .* got 0"),
    (lambda: networks.decoder(2, 12, 6, 9, 9).macs(tokens=10), "decoder 2×12: .* at most 9"),
    (lambda: networks.resnet()["conv"], "ResNet-50 v1.5: no layer 'conv'; there are conv1"),
    (lambda: networks.resnet().part("stage9"), "no part 'stage9'; there are stage"),
]


@pytest.mark.parametrize("call, says", ERRORS, ids=[says for _, says in ERRORS])
def test_errors_are_one_line_that_helps(call, says):
    with pytest.raises(ValueError) as caught:
        call()
    assert re.search(says, str(caught.value)), str(caught.value)
    assert "\n" not in str(caught.value)


def test_every_network_is_quick_to_build():
    """Blocks that are alike share their nests: GPT-3's 96 blocks have those of one."""
    nests = {layer.nest for layer in networks.gpt3("175b")}
    assert len(nests) < 50 < len(networks.gpt3("175b"))


# --- blocks, and a network at other sizes ----------------------------------------------------


def test_a_network_at_other_sizes():
    block = networks.gpt2("small").part("block.0")
    one = block.at(tokens=1, past=195)
    assert one.macs() == block.macs(tokens=1, past=195) == one.macs(batch=3) // 3
    assert one.defaults == {"batch": 1, "tokens": 1, "past": 195}
    assert block.defaults["tokens"] == 1024
    with pytest.raises(ValueError, match="there is no size 'image'"):
        block.at(image=7)


@pytest.mark.parametrize("name", networks.blocks())
def test_primitives_add_up_to_the_block(name):
    block = networks.blocks()[name]
    parts = block.by_primitive(itemsize=2)
    assert sum(m.macs for m in parts.values()) == block.macs()
    assert sum(m.moved for m in parts.values()) == block.meters(itemsize=2).moved
    assert set(parts) == {layer.primitive for layer in block}


def test_the_blocks_are_parts_of_published_networks():
    blocks = networks.blocks()
    gpt, experts = (blocks[name].parameter_shapes for name in ("GPT", "MoE"))
    same = {name for name in gpt if ".mlp." not in name or "norm" in name}
    assert {name: experts[name] for name in same} == {name: gpt[name] for name in same}
    ffn = prod(gpt["block.0.mlp.up.weight"]) + prod(gpt["block.0.mlp.down.weight"])
    each = [prod(shape[1:]) for name, shape in experts.items() if "experts" in name]
    assert sum(each) == ffn and len(each) == 3
    assert blocks["ViT"].parameters == blocks["GPT"].parameters
    assert blocks["ResNet"].name.endswith("stage3.1") and blocks["ResNet"].macs() == 218_365_952


def test_a_fused_step_leaves_what_comes_from_further_back():
    """ViT's block by hand: 197 tokens of 768, in fp32."""
    block, x = networks.blocks()["ViT"], 197 * 768
    parameters = block.parameters - sum(
        prod(shape)
        for layer in block
        if layer.contracts
        for shape in layer.parameter_shapes.values()
    )
    products = sum(layer.meters().moved for layer in block if layer.contracts)
    # both skips are read, both norms hand their result on
    assert block.meters(fused=True).moved == products + 4 * (4 * x + parameters)
    assert block.meters(fused=True).macs == block.macs()


def test_a_fused_scan_reads_its_inputs_and_writes_its_output():
    scan = [layer for layer in networks.blocks()["Mamba"] if layer.primitive == "scan"]
    tokens, inner, states = 196, 1536, 16
    moved = 3 * tokens * inner + 2 * tokens * states + inner * states + inner
    assert sum(layer.meters(fused=True).moved for layer in scan) == 4 * moved
    alone = sum(layer.meters().moved for layer in scan)
    assert alone > 40 * 4 * moved


def test_products_are_never_fused():
    for block in networks.blocks().values():
        for layer in block:
            if layer.contracts:
                assert layer.meters(fused=True) == layer.meters()


def test_sentences():
    said = {name: " ".join(networks.sentence(b)) for name, b in networks.blocks().items()}
    assert said["ViT"] == said["GPT"] == "norm attention + norm FFN +"
    assert said["MoE"] == "norm attention + norm route experts +"
    assert said["ResNet"] == "conv norm relu conv norm relu conv norm + relu"
    assert said["MobileNet"] == "depthwise norm relu conv norm relu"
    assert said["Mamba"] == "norm dense depthwise silu dense softplus scan gate dense +"
    assert networks.sentence(networks.bert("tiny"))[-2:] == ["norm", "dense"]
    assert networks.sentence(networks.dlrm()).count("look-up") == 1
