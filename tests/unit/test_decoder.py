"""The decoder of letters in data/: it runs in a few lines of NumPy, as PyTorch runs it, and as
`networks.decoder` counts it.
"""

from math import prod, sqrt
from pathlib import Path

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from course_utils import networks
from course_utils.kernels.dynamic import softmax

DATA = Path(__file__).parents[2] / "data"
LAYERS, WIDTH, HEADS, WORDS, POSITIONS = 2, 128, 4, 64, 256
NETWORK = networks.decoder(LAYERS, WIDTH, HEADS, WORDS, POSITIONS)
EACH = WIDTH // HEADS


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    """The arrays are small and the cores busy with other tests."""
    with threadpool_limits(1):
        yield


@pytest.fixture(scope="module")
def stored():
    with np.load(DATA / "decoder.npz") as arrays:
        return dict(arrays)


@pytest.fixture(scope="module")
def letters(stored):
    return stored["letters"].item()


@pytest.fixture(scope="module")
def weights(stored):
    return {name: a.astype(float) for name, a in stored.items() if name != "letters"}


@pytest.fixture(scope="module")
def tokens(letters):
    text = (DATA / "alice.txt").read_text(encoding="ascii")
    return np.array([letters.index(letter) for letter in text])


# --- the decoder in NumPy -------------------------------------------------------------------


def dense(w, name, x):
    return x @ w[name] + w[f"{name}_bias"]


def norm(w, name, x):
    x = x - x.mean(-1, keepdims=True)
    return x / np.sqrt((x * x).mean(-1, keepdims=True) + 1e-5) * w[name] + w[f"{name}_bias"]


def gelu(x):
    return x / 2 * (1 + np.tanh(sqrt(2 / np.pi) * (x + 0.044715 * x * x * x)))


def empty():
    return [(np.zeros((HEADS, 0, EACH)),) * 2 for _ in range(LAYERS)]


def logits(w, tokens, cache):
    """Scores [t,v] of the letter after each token; their keys and values [h,j,e] join the cache."""
    past, now = cache[0][0].shape[1], len(tokens)
    x = w["embed"][tokens] + w["positions"][past : past + now]
    for i in range(LAYERS):
        y = norm(w, f"attention_norm{i}", x)
        Q, K, V = (dense(w, f"{name}{i}", y) for name in "qkv")
        K, V = (np.concatenate(both, axis=1) for both in zip(cache[i], (K, V), strict=True))
        cache[i] = K, V
        seen = np.tri(now, past + now, past, dtype=bool)
        P = softmax(np.where(seen, Q @ K.mT / sqrt(EACH), -np.inf))
        x = x + (P @ V @ w[f"o{i}"]).sum(0) + w[f"o{i}_bias"]
        y = norm(w, f"mlp_norm{i}", x)
        x = x + dense(w, f"down{i}", gelu(dense(w, f"up{i}", y)))
    return norm(w, "norm", x) @ w["embed"].T


def choose(scores, random, temperature):
    if not temperature:
        return int(scores.argmax())
    return int(random.choice(len(scores), p=softmax(scores / temperature)))


def generate(w, prompt, n, temperature=0.0, keep=True, seed=0):
    """`prompt` and n more tokens; `keep`: with a KV cache, else all of them again for each."""
    random, tokens, cache = np.random.default_rng(seed), list(prompt), empty()
    new = tokens
    for _ in range(n):
        scores = logits(w, new, cache)[-1] if keep else logits(w, tokens, empty())[-1]
        new = [choose(scores, random, temperature)]
        tokens = tokens + new
    return tokens


# --- what is stored -------------------------------------------------------------------------


def test_the_file(stored, letters):
    d, hidden = WIDTH, 4 * WIDTH
    shapes = {"embed": (WORDS, d), "positions": (POSITIONS, d), "norm": (d,), "norm_bias": (d,)}
    for i in range(LAYERS):
        shapes |= {f"{name}{i}": (HEADS, d, EACH) for name in "qkv"}
        shapes |= {f"{name}{i}_bias": (HEADS, 1, EACH) for name in "qkv"}
        shapes |= {f"o{i}": (HEADS, EACH, d), f"o{i}_bias": (d,)}
        shapes |= {f"up{i}": (d, hidden), f"up{i}_bias": (hidden,)}
        shapes |= {f"down{i}": (hidden, d), f"down{i}_bias": (d,)}
        norms = (f"attention_norm{i}", f"mlp_norm{i}")
        shapes |= {f"{name}{end}": (d,) for name in norms for end in ("", "_bias")}
    assert {n: a.shape for n, a in stored.items()} == shapes | {"letters": ()}
    assert {a.dtype.name for n, a in stored.items() if n != "letters"} == {"float16"}
    assert all(np.isfinite(a).all() for n, a in stored.items() if n != "letters")
    assert len(letters) == WORDS and letters == "".join(sorted(letters))
    assert set(letters) == set((DATA / "alice.txt").read_text(encoding="ascii"))
    assert (DATA / "decoder.npz").stat().st_size < 900_000


def test_the_network_that_describes_it(weights):
    assert NETWORK.parameters == sum(a.size for a in weights.values())
    ours = sorted(prod(shape) for shape in NETWORK.parameter_shapes.values())
    assert ours == sorted(a.size for a in weights.values())


class Counted(np.ndarray):
    """An array that counts the multiply-accumulates of its matrix products."""

    __array_priority__ = 1  # what it is joined with counts too
    macs = 0

    def __matmul__(self, other):
        found = np.asarray(self) @ np.asarray(other)
        Counted.macs += found.size * self.shape[-1]
        return found.view(Counted)

    def __rmatmul__(self, other):
        return other.view(Counted) @ self


@pytest.mark.parametrize("now, past", [(1, 0), (7, 0), (1, 99), (5, 20), (256, 0)])
def test_the_network_counts_what_runs(weights, now, past):
    counted = {name: a.view(Counted) for name, a in weights.items()}
    cache = empty()
    if past:
        logits(weights, [1] * past, cache)
    Counted.macs = 0
    logits(counted, [2] * now, cache)
    assert Counted.macs == NETWORK.macs(tokens=now, past=past)
    kept = sum(np.float16(a).nbytes for both in cache for a in both)
    assert kept == NETWORK.kv_bytes(tokens=past + now, itemsize=2)


# --- what it says ---------------------------------------------------------------------------


def test_loss_and_accuracy_on_the_held_out_letters(weights, tokens):
    held_out = tokens[len(tokens) * 9 // 10 :]
    loss, right = [], []
    for first in range(0, len(held_out) - POSITIONS, POSITIONS):
        window = held_out[first : first + POSITIONS + 1]
        P = softmax(logits(weights, window[:-1], empty()))
        loss.append(-np.log(P[np.arange(POSITIONS), window[1:]]))
        right.append(P.argmax(-1) == window[1:])
    assert np.size(loss) == 55 * POSITIONS
    readme = (DATA / "README.md").read_text(encoding="utf-8")
    assert np.mean(loss) < 1.46 and f"{np.mean(loss):.3f} nats a letter" in readme
    assert np.mean(right) > 0.58 and f"{np.mean(right):.1%}".replace("%", " %") in readme


@pytest.mark.parametrize("temperature", [0.0, 0.7])
def test_a_cache_changes_no_letter(weights, letters, temperature):
    prompt = [letters.index(letter) for letter in "Alice "]
    with_cache = generate(weights, prompt, 200, temperature)
    assert with_cache == generate(weights, prompt, 200, temperature, keep=False)


def test_prefill_in_pieces(weights, tokens):
    cache = empty()
    parts = [logits(weights, tokens[a:b], cache) for a, b in [(0, 1), (1, 90), (90, 256)]]
    assert np.allclose(np.concatenate(parts), logits(weights, tokens[:256], empty()))


def test_it_writes_words_of_the_book(weights, letters):
    text = (DATA / "alice.txt").read_text(encoding="ascii")
    known = set(text.split())
    prompt = [letters.index(letter) for letter in "Alice "]
    written = "".join(letters[t] for t in generate(weights, prompt, 250, 0.5)).split()[:-1]
    assert np.mean([word in known for word in written]) > 0.85


def test_the_same_logits_as_pytorch(torch, weights, tokens):
    """A stack of torch.nn's own blocks, with these weights."""
    nn, F = torch.nn, torch.nn.functional
    w = {name: torch.from_numpy(a) for name, a in weights.items()}

    def block(i):
        layer = nn.TransformerEncoderLayer(
            WIDTH,
            HEADS,
            4 * WIDTH,
            dropout=0.0,
            activation=lambda x: F.gelu(x, approximate="tanh"),
            batch_first=True,
            norm_first=True,
            dtype=torch.float64,
        )
        joined = [w[f"{name}{i}"].transpose(1, 2).reshape(WIDTH, WIDTH) for name in "qkv"]
        names = {
            "self_attn.in_proj_weight": torch.cat(joined),
            "self_attn.in_proj_bias": torch.cat([w[f"{n}{i}_bias"].flatten() for n in "qkv"]),
            "self_attn.out_proj.weight": w[f"o{i}"].reshape(WIDTH, WIDTH).T,
            "self_attn.out_proj.bias": w[f"o{i}_bias"],
            "linear1.weight": w[f"up{i}"].T,
            "linear1.bias": w[f"up{i}_bias"],
            "linear2.weight": w[f"down{i}"].T,
            "linear2.bias": w[f"down{i}_bias"],
            "norm1.weight": w[f"attention_norm{i}"],
            "norm1.bias": w[f"attention_norm{i}_bias"],
            "norm2.weight": w[f"mlp_norm{i}"],
            "norm2.bias": w[f"mlp_norm{i}_bias"],
        }
        layer.load_state_dict(names)
        return layer

    start = tokens[-POSITIONS:].copy()
    mask = nn.Transformer.generate_square_subsequent_mask(POSITIONS, dtype=torch.float64)
    with torch.no_grad():
        x = (w["embed"][torch.from_numpy(start)] + w["positions"])[None]
        for i in range(LAYERS):
            x = block(i)(x, src_mask=mask, is_causal=True)
        theirs = F.layer_norm(x, (WIDTH,), w["norm"], w["norm_bias"])[0] @ w["embed"].T
    assert np.allclose(logits(weights, start, empty()), theirs.numpy(), rtol=0, atol=1e-9)
