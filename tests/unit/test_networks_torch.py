"""Networks against PyTorch: models built here from torch.nn, their parameters and MACs counted.

Everything is on the meta device, without data, but for a few nests that are run.
"""

from math import prod

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from course_utils import networks
from course_utils.networks import Network
from course_utils.networks.maps import Maps
from course_utils.networks.tokens import Tokens

torch = pytest.importorskip("torch", reason="PyTorch is not installed (extra: oracle)")
nn, F = torch.nn, torch.nn.functional
FlopCounterMode = pytest.importorskip("torch.utils.flop_counter").FlopCounterMode


@pytest.fixture(autouse=True)
def meta():
    with torch.device("meta"):
        yield


def parameters(model):
    return sum(p.numel() for p in model.parameters())


def macs(model, *inputs):
    """By torch's own counter, which counts convolutions and matrix products, 2 FLOP a MAC."""
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        model.eval()(*inputs)
    flops = counter.get_total_flops()
    assert flops > 0 and flops % 2 == 0
    return flops // 2


def same(net, model, *inputs, **sizes):
    assert net.parameters == parameters(model)
    assert net.macs(**sizes) == macs(model, *inputs)


def image(side, batch=1, channels=3):
    return torch.empty(batch, channels, side, side)


def tokens(batch, n):
    return torch.zeros(batch, n, dtype=torch.long)


# --- convolutional networks -----------------------------------------------------------------


def test_lenet():
    model = nn.Sequential(
        nn.Conv2d(1, 6, 5), nn.Tanh(), nn.AvgPool2d(2),
        nn.Conv2d(6, 16, 5), nn.Tanh(), nn.AvgPool2d(2),
        nn.Conv2d(16, 120, 5), nn.Tanh(), nn.Flatten(),
        nn.Linear(120, 84), nn.Tanh(), nn.Linear(84, 10),
    )  # fmt: skip
    net = networks.lenet5("full")
    same(net, model, image(32, batch=3, channels=1), batch=3)
    ours = [shape for name, shape in net.parameter_shapes.items() if name.endswith(".weight")]
    theirs = [tuple(p.shape) for p in model.parameters() if p.dim() > 1]
    assert ours == [s if len(s) == 4 else s[::-1] for s in theirs]  # dense ones are stored [i, o]


@pytest.mark.parametrize("side, batch", [(227, 1), (227, 2), (300, 1)])
def test_alexnet(side, batch):
    def conv(c, k, taps, stride=1, pad=0, groups=1, pool=False):
        conv = nn.Conv2d(c, k, taps, stride, pad, groups=groups)
        return [conv, nn.ReLU(), *([nn.MaxPool2d(3, 2)] if pool else [])]

    model = nn.Sequential(
        *conv(3, 96, 11, stride=4, pool=True), *conv(96, 256, 5, pad=2, groups=2, pool=True),
        *conv(256, 384, 3, pad=1), *conv(384, 384, 3, pad=1, groups=2),
        *conv(384, 256, 3, pad=1, groups=2, pool=True),
        nn.AdaptiveAvgPool2d(6), nn.Flatten(),
        nn.Linear(9216, 4096), nn.ReLU(), nn.Linear(4096, 4096), nn.ReLU(), nn.Linear(4096, 1000),
    )  # fmt: skip
    same(networks.alexnet(), model, image(side, batch), image=side, batch=batch)


@pytest.mark.parametrize("depth, bn, side", [(11, False, 224), (13, True, 224), (19, False, 160)])
def test_vgg(depth, bn, side):
    blocks = {11: (1, 1, 2, 2, 2), 13: (2, 2, 2, 2, 2), 19: (2, 2, 4, 4, 4)}[depth]
    layers, c = [], 3
    for convs, k in zip(blocks, (64, 128, 256, 512, 512), strict=True):
        for _ in range(convs):
            layers += [nn.Conv2d(c, k, 3, padding=1)] + bn * [nn.BatchNorm2d(k)] + [nn.ReLU()]
            c = k
        layers.append(nn.MaxPool2d(2))
    layers += [nn.AdaptiveAvgPool2d(7), nn.Flatten(), nn.Linear(7 * 7 * 512, 4096), nn.ReLU()]
    layers += [nn.Linear(4096, 4096), nn.ReLU(), nn.Linear(4096, 1000)]
    same(networks.vgg(depth, bn), nn.Sequential(*layers), image(side, 2), image=side, batch=2)


class Residual(nn.Module):
    def __init__(self, body, skip):
        super().__init__()
        self.body, self.skip = nn.Sequential(*body), nn.Sequential(*skip)

    def forward(self, x):
        return self.body(x) + self.skip(x)


def conv_norm(c, k, taps, stride=1, groups=1):
    conv = nn.Conv2d(c, k, taps, stride, taps // 2, groups=groups, bias=False)
    return [conv, nn.BatchNorm2d(k)]


def resnet(stages, bottleneck, strides):
    layers, c = [*conv_norm(3, 64, 7, 2), nn.ReLU(), nn.MaxPool2d(3, 2, 1)], 64
    for stage, blocks in enumerate(stages):
        width = 64 * 2**stage
        for i in range(blocks):
            stride = 2 if stage and not i else 1
            first, second = (stride if s == 2 else 1 for s in strides)
            if bottleneck:
                k = 4 * width
                body = [*conv_norm(c, width, 1, first), nn.ReLU()]
                body += [*conv_norm(width, width, 3, second), nn.ReLU(), *conv_norm(width, k, 1)]
            else:
                k = width
                body = [*conv_norm(c, k, 3, stride), nn.ReLU(), *conv_norm(k, k, 3)]
            skip = conv_norm(c, k, 1, stride) if c != k or stride > 1 else []
            layers += [Residual(body, skip), nn.ReLU()]
            c = k
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(c, 1000))


@pytest.mark.parametrize(
    "depth, version, stages, side",
    [
        (18, 1.5, (2, 2, 2, 2), 224),
        (34, 1, (3, 4, 6, 3), 97),
        (50, 1.5, (3, 4, 6, 3), 224),
        (50, 1, (3, 4, 6, 3), 225),
        (101, 1.5, (3, 4, 23, 3), 64),
    ],
)
def test_resnet(depth, version, stages, side):
    model = resnet(stages, depth > 34, (2, 1) if version == 1 else (1, 2))
    same(networks.resnet(depth, version), model, image(side, 2), image=side, batch=2)


def test_mobilenet_v1():
    channels = [64, 128, 128, 256, 256, *[512] * 6, 1024, 1024]
    strides = [1, 2, 1, 2, 1, 2, *[1] * 5, 2, 1]
    for width in (0.25, 0.75, 1.0):
        c = int(32 * width)
        layers = [*conv_norm(3, c, 3, 2), nn.ReLU6()]
        for k, stride in zip((int(n * width) for n in channels), strides, strict=True):
            layers += [*conv_norm(c, c, 3, stride, groups=c), nn.ReLU6(), *conv_norm(c, k, 1)]
            c = k
        model = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(c, 1000))
        for side in (224, 160, 97):
            same(networks.mobilenet_v1(width), model, image(side), image=side)


def rounded(channels):
    """The published code's rule, in other words than ours: the nearest multiple of 8, halves up."""
    near = max(8, 8 * int(np.floor(channels / 8 + 0.5)))
    return near + 8 if near < 0.9 * channels else near


@pytest.mark.parametrize("width", [0.35, 0.5, 0.75, 1.0, 1.3, 1.4])
def test_mobilenet_v2(width):
    c = rounded(32 * width)
    layers = [*conv_norm(3, c, 3, 2), nn.ReLU6()]
    rows = [(1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1)]
    for t, base, n, s in [*rows, (6, 160, 3, 2), (6, 320, 1, 1)]:
        for i in range(n):
            k, stride, h = rounded(base * width), s if i == 0 else 1, t * c
            body = [*conv_norm(c, h, 1), nn.ReLU6()] if t > 1 else []
            body += [*conv_norm(h, h, 3, stride, groups=h), nn.ReLU6(), *conv_norm(h, k, 1)]
            layers.append(Residual(body, []) if stride == 1 and c == k else nn.Sequential(*body))
            c = k
    last = rounded(1280 * max(width, 1))
    layers += [*conv_norm(c, last, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten()]
    model = nn.Sequential(*layers, nn.Linear(last, 1000))
    net = networks.mobilenet_v2(width)
    same(net, model, image(224))
    assert net.macs(image=128) == macs(model, image(128))


@given(
    st.integers(9, 33),
    st.lists(
        st.tuples(
            st.sampled_from([2, 4, 6]),
            st.integers(1, 5),
            st.integers(1, 3),
            st.integers(0, 2),
            st.sampled_from(["full", "groups", "depthwise"]),
            st.booleans(),
        ),
        min_size=1,
        max_size=4,
    ),
)
def test_random_stacks(side, convs):
    maps, layers, channels = Maps("net", 2, 4, side), [], 4
    for i, (k, taps, stride, pad, kind, bias) in enumerate(convs):
        if maps.side + 2 * pad < taps:
            break
        if kind == "depthwise":
            maps.depthwise(f"conv{i}", taps, stride, pad)
            conv = nn.Conv2d(channels, channels, taps, stride, pad, groups=channels, bias=False)
            k = channels
        else:
            groups = 2 if kind == "groups" else 1
            maps.conv(f"conv{i}", k, taps, stride, pad, groups, bias)
            conv = nn.Conv2d(channels, k, taps, stride, pad, groups=groups, bias=bias)
        layers.append(conv)
        channels = k
    if layers:
        net = Network("net", {"batch": 2}, lambda batch: maps.layers)
        model = nn.Sequential(*layers)
        same(net, model, image(side, 2, 4))
        out = model(image(side, 2, 4))
        assert tuple(out.shape) == (2, maps.channels, maps.side, maps.side)
        assert net.activations() == sum(layer.written for layer in net)


# --- transformers ---------------------------------------------------------------------------


class Attention(nn.Module):
    """Attention in two matrix products, with fewer heads of keys and values where asked."""

    def __init__(self, d, heads, kv_heads=None, bias=True):
        super().__init__()
        self.heads, self.kv = heads, kv_heads or heads
        narrow = d // heads * self.kv
        self.query, self.output = (nn.Linear(d, d, bias=bias) for _ in range(2))
        self.key, self.value = (nn.Linear(d, narrow, bias=bias) for _ in range(2))

    def forward(self, x):
        b, n, d = x.shape
        q = self.query(x).view(b, n, self.heads, -1).transpose(1, 2)
        k, v = (
            p(x).view(b, n, self.kv, -1).transpose(1, 2).repeat_interleave(self.heads // self.kv, 1)
            for p in (self.key, self.value)
        )
        mixed = (q @ k.transpose(2, 3)).softmax(-1) @ v
        return self.output(mixed.transpose(1, 2).reshape(b, n, d))


def mlp(d, hidden):
    return [nn.Linear(d, hidden), nn.GELU(), nn.Linear(hidden, d)]


class Sum(nn.Module):
    """Tables that are looked up and added."""

    def __init__(self, *rows, d):
        super().__init__()
        self.tables = nn.ModuleList(nn.Embedding(n, d) for n in rows)

    def forward(self, x):
        return sum(table(torch.zeros_like(x)) for table in self.tables)


class First(nn.Module):
    def forward(self, x):
        return x[:, 0]


def post_norm(d, heads):
    attention = Residual([Attention(d, heads)], [])
    return [attention, nn.LayerNorm(d), Residual(mlp(d, 4 * d), []), nn.LayerNorm(d)]


def pre_norm(d, heads, hidden=None):
    attention = Residual([nn.LayerNorm(d), Attention(d, heads)], [])
    return [attention, Residual([nn.LayerNorm(d), *mlp(d, hidden or 4 * d)], [])]


@pytest.mark.parametrize("size, blocks, d", [("tiny", 2, 128), ("base", 12, 768)])
def test_bert(size, blocks, d):
    layers = [Sum(30_522, 512, 2, d=d), nn.LayerNorm(d)]
    for _ in range(blocks):
        layers += post_norm(d, d // 64)
    model = nn.Sequential(*layers, First(), nn.Linear(d, d), nn.Tanh())
    same(networks.bert(size), model, tokens(2, 77), batch=2, tokens=77)
    assert networks.bert(size).macs() == macs(model, tokens(1, 512))


@pytest.mark.parametrize("d, heads", [(256, 4), (768, 12)])
def test_encoder_layer_has_the_parameters_of_torchs_own(d, heads):
    x = Tokens(1, 8, d)
    x.attention("attention", heads)
    x.layer_norm("norm1")
    x.dense("up", 4 * d)
    x.dense("down", d, 4 * d)
    x.layer_norm("norm2")
    net = Network("layer", {"batch": 1}, lambda batch: x.layers)
    assert net.parameters == parameters(nn.TransformerEncoderLayer(d, heads, 4 * d))


@pytest.mark.parametrize("size, blocks, d, heads", [("small", 12, 768, 12), ("xl", 48, 1600, 25)])
def test_gpt2(size, blocks, d, heads):
    embed = Sum(50_257, 1024, d=d)
    layers = [block for _ in range(blocks) for block in pre_norm(d, heads)]
    head = nn.Linear(d, 50_257, bias=False)
    head.weight = embed.tables[0].weight
    model = nn.Sequential(embed, *layers, nn.LayerNorm(d), head)
    same(networks.gpt2(size), model, tokens(2, 50), batch=2, tokens=50)
    assert networks.gpt2(size).macs() == macs(model, tokens(1, 1024))


class Patches(nn.Module):
    def __init__(self, d, patch, n):
        super().__init__()
        self.conv = nn.Conv2d(3, d, patch, patch)
        self.token, self.positions = (nn.Parameter(torch.empty(1, rows, d)) for rows in (1, n + 1))

    def forward(self, x):
        patches = self.conv(x).flatten(2).transpose(1, 2)
        return torch.cat([self.token.expand(len(x), -1, -1), patches], 1) + self.positions


@pytest.mark.parametrize(
    "size, blocks, d, heads, side",
    [("b/16", 12, 768, 12, 224), ("b/32", 12, 768, 12, 384), ("h/14", 32, 1280, 16, 224)],
)
def test_vit(size, blocks, d, heads, side):
    patch = int(size[2:])
    layers = [block for _ in range(blocks) for block in pre_norm(d, heads)]
    first = Patches(d, patch, (side // patch) ** 2)
    model = nn.Sequential(first, *layers, nn.LayerNorm(d), First(), nn.Linear(d, 1000))
    same(networks.vit(size, image=side), model, image(side, 2), batch=2)


class Gated(nn.Module):
    def __init__(self, d, hidden):
        super().__init__()
        self.gate, self.up = (nn.Linear(d, hidden, bias=False) for _ in range(2))
        self.down = nn.Linear(hidden, d, bias=False)

    def forward(self, x):
        return self.down(F.silu(self.gate(x)) * self.up(x))


@pytest.mark.parametrize(
    "size, blocks, d, heads, kv, hidden, words, tied",
    [
        ("2-7b", 32, 4096, 32, 32, 11_008, 32_000, False),
        ("3-8b", 32, 4096, 32, 8, 14_336, 128_256, False),
        ("3.2-1b", 16, 2048, 32, 8, 8192, 128_256, True),
    ],
)
def test_llama(size, blocks, d, heads, kv, hidden, words, tied):
    layers = [nn.Embedding(words, d)]
    for _ in range(blocks):
        attention = [nn.RMSNorm(d), Attention(d, heads, kv, bias=False)]
        layers += [Residual(attention, []), Residual([nn.RMSNorm(d), Gated(d, hidden)], [])]
    head = nn.Linear(d, words, bias=False)
    if tied:
        head.weight = layers[0].weight
    model = nn.Sequential(*layers, nn.RMSNorm(d), head)
    same(networks.llama(size), model, tokens(2, 30), batch=2, tokens=30)


@given(st.integers(1, 3), st.integers(1, 20), st.sampled_from([(6, 6), (6, 3), (6, 2), (6, 1)]))
def test_grouped_queries(batch, n, heads):
    x = Tokens(batch, n, 48)
    x.attention("attention", *heads)
    net = Network("attention", {"batch": batch}, lambda batch: x.layers)
    with torch.device("meta"):
        same(net, Attention(48, *heads), torch.empty(batch, n, 48))


def test_groups_of_heads_mean_what_torchs_mean():
    """The nests, run: scores and mix of six heads on two heads of keys and values."""
    x = Tokens(2, 5, 24)
    x.attention("attention", 6, 2)
    nests = {layer.name: layer.nest for layer in x.layers}
    rng = np.random.default_rng(0)
    Q = rng.normal(size=nests["attention.scores"].shape("Q"))
    K, V = (rng.normal(size=nests["attention.scores"].shape("K")) for _ in range(2))
    S = nests["attention.scores"].run(Q=Q, K=K)
    P = np.exp(S) / np.exp(S).sum(-1, keepdims=True)
    ours = nests["attention.mix"].run(P=P, V=V).reshape(2, 5, 6, 4)
    q = torch.from_numpy(Q).reshape(2, 5, 6, 4).transpose(1, 2)
    k, v = (torch.from_numpy(a).transpose(1, 2) for a in (K, V))
    theirs = F.scaled_dot_product_attention(q, k, v, scale=1.0, enable_gqa=True)
    assert np.allclose(ours, theirs.transpose(1, 2).numpy())


# --- recurrent and sparse -------------------------------------------------------------------


@given(st.integers(1, 20), st.integers(1, 20), st.integers(1, 3), st.booleans())
def test_recurrent(inputs, hidden, layers, bias):
    for ours, cell in ((networks.rnn, nn.RNN), (networks.lstm, nn.LSTM), (networks.gru, nn.GRU)):
        net = ours(inputs, hidden, biases=2 if bias else 0, layers=layers)
        with torch.device("meta"):
            model = cell(inputs, hidden, layers, bias=bias)
        assert net.parameters == parameters(model)
        theirs = [tuple(p.shape) for name, p in model.named_parameters() if "weight" in name]
        shapes = [s for name, s in net.parameter_shapes.items() if "weight" in name]
        assert [(prod(s[:-1]), s[-1]) for s in shapes] == theirs
        # torch's counter sees nothing in these modules; each weight meets each step once
        assert net.macs(batch=3, tokens=4) == 3 * 4 * sum(map(prod, theirs))


def test_experts():
    """Two experts of eight for each token, as a loop over tokens and experts."""
    net = networks.mixture_of_experts(width=12, hidden=20, experts=8, top=2)
    model = nn.ModuleList([nn.Linear(12, 8, bias=False), *(Gated(12, 20) for _ in range(8))])
    assert net.parameters == parameters(model)
    chosen = np.arange(2 * 5 * 2).reshape(10, 2) % 8
    with FlopCounterMode(display=False) as counter:
        model[0](torch.empty(2, 5, 12))
        for token in chosen:
            for expert in token:
                model[1 + expert](torch.empty(1, 12))
    assert net.macs(batch=2, tokens=5) == counter.get_total_flops() // 2


def test_recommendation():
    def perceptron(*widths):
        pairs = zip(widths, widths[1:], strict=False)
        return nn.Sequential(*(m for i, o in pairs for m in (nn.Linear(i, o), nn.ReLU())))

    bottom, top = perceptron(13, 512, 256, 128), perceptron(479, 1024, 1024, 512, 256, 1)
    net = networks.dlrm()
    tables = sum(prod(s) for name, s in net.parameter_shapes.items() if name.startswith("table"))
    assert net.parameters - tables == parameters(bottom) + parameters(top)
    vectors = torch.empty(3, 27, 128)
    with FlopCounterMode(display=False) as counter:
        bottom(torch.empty(3, 13)), vectors @ vectors.transpose(1, 2), top(torch.empty(3, 479))
    assert net.macs(batch=3) == counter.get_total_flops() // 2


def test_causal_convolution_over_time():
    """A depthwise one, padded on the left alone; torch pads both sides and drops the end."""
    x = Tokens(2, 9, 6)
    x.convolve("conv", 6, 4)
    bias, conv = x.layers
    model = nn.Conv1d(6, 6, 4, groups=6)
    assert macs(model, torch.empty(2, 6, 9 + 3)) == conv.macs
    assert parameters(model) == 6 * 4 + 6
    rng = np.random.default_rng(1)
    X, W = rng.normal(size=(2, 9, 6)), rng.normal(size=(6, 4))
    padded = F.pad(torch.from_numpy(X).transpose(1, 2), (3, 0))
    theirs = F.conv1d(padded, torch.from_numpy(W)[:, None], groups=6).transpose(1, 2)
    assert np.allclose(conv.nest.run(X=X, W=W), theirs.numpy())
    assert bias.bias_adds == 2 * 9 * 6


@given(st.integers(1, 12), st.integers(1, 7))
def test_adaptive_pool(side, fit):
    maps = Maps("net", 1, 2, side)
    maps.fit("fit", fit)
    X = np.random.default_rng(2).normal(size=(1, 2, side, side))
    theirs = F.adaptive_avg_pool2d(torch.from_numpy(X), fit).numpy()
    if maps.layers:
        nest = maps.layers[0].nest
        ours = nest.run(X=X) / nest.run(X=np.ones_like(X))
        assert np.allclose(ours, theirs)
    else:
        assert side == fit
