"""Train a decoder of letters on alice.txt and write decoder.npz.

`python data/train_decoder.py`: PyTorch 2.13.0 (extra `oracle`), two threads, a fixed seed, about
seven minutes on two idle cores.  Another processor rounds differently and gets other weights.
"""

import math
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

DATA = Path(__file__).parent
LAYERS, WIDTH, HEADS, POSITIONS = 2, 128, 4, 256
SEED, STEPS, BATCH, RATE, WARM, DROPOUT, DECAY = 0, 2000, 32, 3e-3, 100, 0.2, 0.1


def load():
    """The vocabulary, the tokens to train on, and the last tenth, which is held out."""
    text = (DATA / "alice.txt").read_text(encoding="ascii")
    letters = "".join(sorted(set(text)))
    tokens = torch.tensor([letters.index(letter) for letter in text])
    first = len(text) * 9 // 10
    return letters, tokens[:first], tokens[first:]


def start(words):
    """Weights before training, by name; `…_bias` is added after the array of its name."""
    each, d = WIDTH // HEADS, WIDTH
    shapes = {"embed": (words, d), "positions": (POSITIONS, d), "norm": (d,)}
    for i in range(LAYERS):
        shapes |= {f"attention_norm{i}": (d,), f"mlp_norm{i}": (d,)}
        shapes |= {f"{name}{i}": (HEADS, d, each) for name in "qkv"}
        shapes |= {f"o{i}": (HEADS, each, d), f"up{i}": (d, 4 * d), f"down{i}": (4 * d, d)}
    weights = {}
    for name, shape in shapes.items():
        # what is added to the residual stream starts smaller, as in GPT-2
        scale = 0.05 / math.sqrt(2 * LAYERS if name[:-1] in ("o", "down") else 1)
        weights[name] = torch.ones(shape) if "norm" in name else torch.randn(shape) * scale
        if name not in ("embed", "positions"):
            heads = (HEADS, 1) if name[:-1] in ("q", "k", "v") else ()
            weights[f"{name}_bias"] = torch.zeros(*heads, shape[-1])
    return {name: weight.requires_grad_() for name, weight in weights.items()}


def forward(w, tokens, dropout=0.0):
    """Logits [b,t,v] of tokens [b,t]: the blocks of GPT-2 (Radford et al. 2019), a tied head."""

    def norm(x, name):
        return F.layer_norm(x, (WIDTH,), w[name], w[f"{name}_bias"])

    def dropped(x):
        return F.dropout(x, dropout, dropout > 0)

    x = dropped(w["embed"][tokens] + w["positions"][: tokens.shape[1]])
    for i in range(LAYERS):
        y = norm(x, f"attention_norm{i}")
        q, k, v = (
            torch.einsum("btd,hde->bhte", y, w[f"{name}{i}"]) + w[f"{name}{i}_bias"]
            for name in "qkv"
        )
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + dropped(torch.einsum("bhte,hed->btd", y, w[f"o{i}"]) + w[f"o{i}_bias"])
        y = norm(x, f"mlp_norm{i}") @ w[f"up{i}"] + w[f"up{i}_bias"]
        y = F.gelu(y, approximate="tanh") @ w[f"down{i}"] + w[f"down{i}_bias"]
        x = x + dropped(y)
    return norm(x, "norm") @ w["embed"].T


def loss_and_accuracy(w, tokens):
    """Nats a letter and the share of letters named first, in windows one after another."""
    windows = (len(tokens) - 1) // POSITIONS
    inputs = tokens[: windows * POSITIONS].view(windows, POSITIONS)
    targets = tokens[1 : windows * POSITIONS + 1]
    with torch.no_grad():
        logits = forward(w, inputs).flatten(0, 1)
    right = (logits.argmax(-1) == targets).double().mean()
    return F.cross_entropy(logits, targets).item(), right.item()


def train(w, tokens, held_out):
    """Adam with decayed matrices; the rate rises for WARM steps and then falls as a cosine."""
    matrices = [weight for weight in w.values() if weight.numel() > 1000]
    vectors = [weight for weight in w.values() if weight.numel() <= 1000]
    groups = [dict(params=matrices, weight_decay=DECAY), dict(params=vectors, weight_decay=0.0)]
    adam = torch.optim.AdamW(groups, lr=RATE, betas=(0.9, 0.99))
    began = time.perf_counter()
    for step in range(1, STEPS + 1):
        for group in adam.param_groups:
            cosine = 0.5 * (1 + math.cos(math.pi * step / STEPS))
            group["lr"] = RATE * min(step / WARM, 0.02 + 0.98 * cosine)
        starts = torch.randint(len(tokens) - POSITIONS, (BATCH, 1))
        batch = tokens[starts + torch.arange(POSITIONS + 1)]
        logits = forward(w, batch[:, :-1], DROPOUT)
        loss = F.cross_entropy(logits.flatten(0, 1), batch[:, 1:].flatten())
        adam.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(w.values(), 1.0)
        adam.step()
        if step % 100 == 0:
            held = loss_and_accuracy(w, held_out)[0]
            seconds = time.perf_counter() - began
            print(f"step {step}: {loss:.3f}, held out {held:.3f}, {seconds:.0f} s", flush=True)


def main():
    """Train, store as float16, and say how the stored weights do on the held-out letters."""
    torch.manual_seed(SEED)
    torch.set_num_threads(2)
    letters, tokens, held_out = load()
    weights = start(len(letters))
    train(weights, tokens, held_out)
    halves = {name: weight.detach().half() for name, weight in weights.items()}
    stored = {name: half.numpy() for name, half in halves.items()}
    target = DATA / "decoder.npz"
    np.savez_compressed(target, letters=letters, **stored)
    loss, right = loss_and_accuracy({n: half.float() for n, half in halves.items()}, held_out)
    print(f"{target.name}: {target.stat().st_size:,} B")
    print(f"held out: {loss:.4f} nats a letter, {right:.2%} of the letters named first")


if __name__ == "__main__":
    main()
