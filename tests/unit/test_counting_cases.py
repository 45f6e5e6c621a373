"""The twelve small cases: our counts against closed forms and against PyTorch, and what counters
print, rebuilt.
"""

import importlib.util
from contextlib import nullcontext
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from course_utils.networks import Network, bert, gpt2, gru, lstm, rnn
from course_utils.networks.cases import (
    Case,
    case,
    cases,
    counters,
    overview,
    printed,
    ranking,
    table,
)
from course_utils.networks.tokens import Tokens

DATA = Path(__file__).parents[2] / "data"
NAMES = list(cases())


@cache
def script(name):
    """A script of data/ as a module; what it counts with is imported when it counts."""
    spec = importlib.util.spec_from_file_location(name, DATA / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


# --- closed forms ----------------------------------------------------------------------------


def taps(image, outputs, pad, stride=1, dilation=1):
    """Taps of a window of three along one axis: all of them, and those on data."""
    at = [stride * y + dilation * r - pad for y in range(outputs) for r in range(3)]
    return len(at), sum(0 <= position < image for position in at)


def block(n, d=768):
    """A transformer block of n tokens: four projections, two products, two dense layers."""
    return 4 * n * d * d + 2 * n * n * d + 2 * n * d * 4 * d


# MACs, MACs on data, bias adds, parameters
WINDOWS = {
    "convolution": (32, taps(28, 28, pad=1), 28 * 28, 32, 32 * 9),
    "depthwise": (48, taps(16, 16, pad=1), 16 * 16, 48, 48 * 9),
    "grouped": (24 * 4, taps(28, 14, pad=3, stride=2, dilation=3), 14 * 14, 24, 24 * 4 * 9),
}
ATTENTION = (4 * 512 * 768**2 + 2 * 512**2 * 768, 4 * 512 * 768, 4 * (768**2 + 768))
CLOSED = {
    name: (pairs * every**2, pairs * inside**2, pixels * k, weights + k)
    for name, (pairs, (every, inside), pixels, k, weights) in WINDOWS.items()
} | {
    "dense": (784 * 100, 784 * 100, 100, 785 * 100),
    "embedding": (0, 0, 0, 64 * 1000),
    "attention": (ATTENTION[0], *ATTENTION),
    "multi-head": (ATTENTION[0], *ATTENTION),
    "bert": (
        *(12 * block(128) + 768**2,) * 2,
        12 * 128 * 9 * 768 + 768,
        (30522 + 512 + 2 + 2) * 768 + 12 * (12 * 768**2 + 13 * 768) + 768**2 + 768,
    ),
    "gpt-2": (
        *(12 * block(1024) + 1024 * 768 * 50257,) * 2,
        12 * 1024 * 9 * 768,
        (50257 + 1024 + 2) * 768 + 12 * (12 * 768**2 + 13 * 768),
    ),
}
for name, gates in (("rnn", 1), ("lstm", 4), ("gru", 3)):
    weights = gates * 128 * (100 + 128)
    CLOSED[name] = (10 * weights, 10 * weights, 10 * 2 * gates * 128, weights + 2 * gates * 128)


@pytest.mark.parametrize("name", NAMES)
def test_our_count_is_the_closed_form(name):
    counted = case(name).fields
    fields = ("macs", "macs_on_data", "bias_adds", "parameters")
    assert tuple(counted[field] for field in fields) == CLOSED[name]
    assert case(name).macs == counted["macs"]


def test_there_are_twelve_with_different_counts():
    assert sorted(CLOSED) == sorted(NAMES) and len(NAMES) == 12
    counts = [n for n in NAMES if n != "multi-head"]
    assert len({case(n).macs * k for n in counts for k in (1, 2)}) == 2 * len(counts) - 1  # 0 = 2·0


def test_the_parts_of_the_fields():
    words = case("attention").fields
    assert words["attention"] == 2 * 512**2 * 768 == words["macs"] // 4
    assert (words["scores"], words["rows"]) == (12 * 512**2, 12 * 512)
    assert words["scores"] == words["exponentials"]
    assert words["queries"] == 512 * 768 and words["tokens"] == 512
    assert [case(n).fields["states"] for n in ("rnn", "lstm", "gru")] == [10 * 128] * 3
    one, two = case("bert").fields, case("gpt-2").fields
    assert (one["normalised"], two["normalised"]) == (25 * 128 * 768, 25 * 1024 * 768)
    assert (one["pooler"], one["pooled"]) == (768**2, 768)
    assert two["head"] == 1024 * 768 * 50257 and two["biases"] == 12 * 9 * 768
    assert one["biases"] == 12 * 9 * 768 + 768


@given(st.sampled_from([(rnn, 1), (lstm, 4), (gru, 3)]), *[st.integers(1, 9) for _ in "ihtb"])
def test_the_fields_of_any_recurrent_case(layer, i, h, steps, batch):
    build, gates = layer
    found = Case("any", "", build(i, h, biases=2), dict(tokens=steps, batch=batch)).fields
    assert found["macs"] == found["macs_on_data"] == gates * h * (i + h) * steps * batch
    assert found["states"] == steps * batch * h and found["biases"] == 2 * gates * h
    assert found["bias_adds"] == 2 * gates * h * steps * batch
    assert found["parameters"] == gates * h * (i + h + 2)


@given(*[st.integers(1, 4) for _ in "hebnp"])
def test_the_fields_of_any_attention(heads, e, batch, tokens, past):
    width = heads * e
    x = Tokens(batch, tokens, width, past)
    x.attention("attention", heads)
    found = Case("any", "", Network("any", {"batch": batch}, lambda batch: x.layers)).fields
    pairs = batch * tokens * (past + tokens)
    assert found["attention"] == 2 * pairs * width
    assert found["scores"] == heads * pairs and found["rows"] == heads * batch * tokens
    assert found["queries"] == batch * tokens * width
    assert found["macs"] == found["attention"] + 4 * batch * tokens * width**2
    assert found["biases"] == 4 * width and found["tokens"] == tokens


def test_bert_and_gpt2_are_the_published_networks():
    assert case("bert").macs == bert("base").macs(tokens=128)
    assert case("gpt-2").macs == gpt2("small").macs()


# --- what counters print ---------------------------------------------------------------------


def test_every_counter_has_a_row_for_every_case(monkeypatch):
    monkeypatch.syspath_prepend(DATA)
    names = list(dict.fromkeys(counter for counter, _ in counters()))
    assert list(counters()) == [(counter, name) for counter in names for name in NAMES]
    assert names == list(script("run_counters").COUNTERS)
    assert script("counted_models").CASES == NAMES
    for row in counters().values():
        assert row.version and row.means in ("MAC", "FLOP") and row.calls_it


@pytest.mark.parametrize("row", counters().values(), ids=lambda r: f"{r.counter}-{r.case.name}")
def test_every_number_is_rebuilt(row):
    if row.formula:
        assert type(row.printed) is int and row.rebuilt == row.printed
        right = {"MAC": "macs", "FLOP": "2 * macs"}[row.means]
        assert row.exact == (row.formula == right)
        assert row.note or row.exact, "a wrong number needs a reason"
    else:
        assert row.rebuilt is None and not row.exact
        assert row.note.startswith("no number:" if row.printed is None else "not rebuilt:")


def test_only_two_numbers_have_no_formula():
    blank = [key for key, r in counters().items() if r.printed is not None and not r.formula]
    assert blank == [("XLA", "bert"), ("XLA", "gpt-2")]


def test_what_torchinfo_does_to_gpt2():
    """The dense layers of the blocks: parameters times outputs; all else: parameters."""
    width, tables = 768, (50257 + 1024) * 768
    dense = [(width, 3 * width), (width, width), (width, 4 * width), (4 * width, width)]
    blocks = 12 * sum((i + 1) * o * o for i, o in dense)
    assert blocks + tables + 50257 * width + 25 * 2 * width == printed("torchinfo", "gpt-2").printed


def test_no_counter_is_right_on_all_twelve():
    assert max(ranking().values()) == 9 and list(ranking().values()) == sorted(
        ranking().values(), reverse=True
    )
    rows = overview().splitlines()
    assert max(map(len, rows)) <= 70 and len(rows) == 2 * (1 + len(ranking()))
    halves = rows[1 : len(rows) // 2], rows[len(rows) // 2 + 1 :]
    for half in halves:
        assert [row.split("  ")[0] for row in half] == list(ranking())
    exact = [one.count("=") + other.count("=") for one, other in zip(*halves, strict=True)]
    assert exact == list(ranking().values())


def test_the_table_of_a_case():
    lines = table("lstm").splitlines()
    assert lines[0] == "lstm (100→128, 10 steps): 1,167,360 MAC"
    assert len(lines) == 1 + sum(not counters()[c, "lstm"].exact for c in ranking())
    assert "×0.404" in table("gpt-2") and "64,000" in table("embedding")
    assert max(map(len, "\n".join(map(table, NAMES)).splitlines())) < 116


def test_errors_name_what_there_is():
    with pytest.raises(ValueError, match="case 'dens' is none of dense, convolution"):
        case("dens")
    with pytest.raises(ValueError, match="no counter 'tap' .*; counters: torch FlopCounterMode"):
        printed("tap", "dense")
    with pytest.raises(
        ValueError, match="formula 'macs \\+ flops': name 'flops' .* fields are macs"
    ):
        case("dense").rebuild("macs + flops")
    for formula in ("macs / attention", "macs.real2"):
        with pytest.raises(ValueError, match="case 'dense': formula .* fields are macs"):
            case("dense").rebuild(formula)


# --- PyTorch ---------------------------------------------------------------------------------


@cache
def oracle():
    return pytest.importorskip("torch", reason="PyTorch is not installed (extra: oracle)")


def model_of(name):
    """(module, inputs): of data/counted_models.py, and the two transformers written out here."""
    torch = oracle()
    if name not in ("bert", "gpt-2"):
        return script("counted_models").modules(name)
    nn = torch.nn

    class Block(nn.Module):
        def __init__(self):
            super().__init__()
            self.attention = script("counted_models").modules("attention")[0]
            self.mlp = nn.Sequential(nn.Linear(768, 3072), nn.GELU(), nn.Linear(3072, 768))
            self.norms = nn.ModuleList(nn.LayerNorm(768) for _ in range(2))

        def forward(self, x):
            x = x + self.attention(self.norms[0](x))
            return x + self.mlp(self.norms[1](x))

    class Transformer(nn.Module):
        def __init__(self, rows):
            super().__init__()
            self.tables = nn.ModuleList(nn.Embedding(n, 768) for n in rows)
            self.norm = nn.LayerNorm(768)
            self.blocks = nn.Sequential(*(Block() for _ in range(12)))
            self.pooler = nn.Linear(768, 768) if name == "bert" else None

        def forward(self, words):
            x = self.tables[0](words) + self.tables[1](torch.arange(words.shape[1]).to(words))
            x = self.blocks(self.norm(x))
            return self.pooler(x[:, 0]) if self.pooler else x @ self.tables[0].weight.T

    rows, n = {"bert": ((30522, 512, 2), 128), "gpt-2": ((50257, 1024), 1024)}[name]
    return Transformer(rows).eval(), [torch.zeros(1, n, dtype=torch.long)]


@cache
def products(kind, shapes, stride=1, pad=(0, 0), dilation=1, groups=1):
    """(all, on data) products of one operation: what it gives where every number is one."""
    torch = oracle()
    one, two = (torch.ones(shape) for shape in shapes)
    if kind != "convolution":
        total = int(getattr(torch, kind)(one, two).sum(dtype=torch.float64))
        return total, total
    framed = torch.nn.functional.pad(one, (pad[1], pad[1], pad[0], pad[0]), value=1)
    both = (framed, 0), (one, pad)
    maps = (torch.conv2d(x, two, None, stride, frame, dilation, groups) for x, frame in both)
    return tuple(int(m.sum(dtype=torch.float64)) for m in maps)


def executed(model, inputs):
    """(all, on data) products that PyTorch carries out, seen at the level of its operations."""
    torch = oracle()
    from torch.nn.attention import SDPBackend, sdpa_kernel
    from torch.utils._python_dispatch import TorchDispatchMode

    found = []
    opaque = ("attention", "rnn", "lstm", "gru", "linear", "einsum", "dot", "mv")

    class Watch(TorchDispatchMode):
        def __torch_dispatch__(self, function, types, args=(), kwargs=None):
            kind, settings = function.overloadpacket.__name__, ()
            if kind == "convolution":
                stride, pad, dilation, transposed, _, groups = args[3:]
                assert not transposed
                settings = (tuple(stride), tuple(pad), tuple(dilation), groups)
            factors = args[1:3] if kind in ("addmm", "baddbmm") else args[:2]
            kind = {"addmm": "mm", "baddbmm": "bmm"}.get(kind, kind)
            if kind in ("mm", "bmm", "convolution"):
                found.append(products(kind, tuple(tuple(f.shape) for f in factors), *settings))
            assert not any(word in kind for word in opaque), f"{kind} hides its products"
            return function(*args, **(kwargs or {}))

    # the forms in which every product is an operation of its own
    with torch.backends.mkldnn.flags(enabled=False), sdpa_kernel(SDPBackend.MATH), Watch():
        model(*inputs)
    return sum(every for every, _ in found), sum(inside for _, inside in found)


@pytest.mark.filterwarnings("ignore:TF32 acceleration")  # said when oneDNN is switched off
@pytest.mark.parametrize("name", NAMES)
def test_pytorch_carries_out_as_many_macs(name):
    torch = oracle()
    big = name in ("bert", "gpt-2")
    with torch.device("meta") if big else nullcontext():  # shapes only
        model, inputs = model_of(name)
        done = executed(model, inputs)
    assert done == (case(name).macs, case(name).fields["macs_on_data"])
    assert sum(p.numel() for p in model.parameters()) == case(name).fields["parameters"]


@pytest.mark.parametrize("name", NAMES)
def test_flop_counter_mode_prints_what_the_table_says(name):
    torch = oracle()
    from torch._subclasses.fake_tensor import FakeTensorMode
    from torch.utils.flop_counter import FlopCounterMode

    with FakeTensorMode() if name in ("bert", "gpt-2") else nullcontext():
        model, inputs = model_of(name)
        with torch.no_grad(), FlopCounterMode(display=False) as counter:
            model(*inputs)
    row = printed("torch FlopCounterMode", name)
    assert counter.get_total_flops() == row.printed, f"{torch.__version__}; read in {row.version}"
