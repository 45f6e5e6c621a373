"""The twelve cases of networks/cases.py as PyTorch modules and as JAX functions.

For `run_counters.py`, which says what to install.  Weights are random; nothing is downloaded.
"""

CASES = ["dense", "convolution", "depthwise", "grouped", "embedding", "rnn", "lstm", "gru"]
CASES += ["attention", "multi-head", "bert", "gpt-2"]


# --- the cases, in PyTorch ------------------------------------------------------------------


def modules(case):
    """(module in eval mode, its inputs) of a case, at the sizes of networks/cases.py."""
    import torch
    from torch import nn

    class Attention(nn.Module):
        """Self-attention of 12 heads, written with four dense layers and PyTorch's function."""

        def __init__(self, d=768, h=12):
            super().__init__()
            self.heads = h
            self.q, self.k, self.v, self.o = (nn.Linear(d, d) for _ in range(4))

        def forward(self, x):
            b, n, d = x.shape
            q, k, v = (
                f(x).view(b, n, self.heads, -1).transpose(1, 2) for f in (self.q, self.k, self.v)
            )
            y = nn.functional.scaled_dot_product_attention(q, k, v)
            return self.o(y.transpose(1, 2).reshape(b, n, d))

    class Only(nn.Module):
        """One tensor of what a model of transformers gives."""

        def __init__(self, net, field):
            super().__init__()
            self.net, self.field = net, field

        def forward(self, tokens):
            return getattr(self.net(input_ids=tokens), self.field)

    def bert():
        from transformers import BertConfig, BertModel

        return Only(BertModel(BertConfig()), "pooler_output")

    def gpt2():
        from transformers import GPT2Config, GPT2LMHeadModel

        return Only(GPT2LMHeadModel(GPT2Config(use_cache=False)), "logits")

    def tokens(n, vocabulary):
        return torch.randint(vocabulary, (1, n))

    steps = [torch.randn(1, 10, 100)]
    words = [torch.randn(1, 512, 768)]
    grouped = dict(stride=2, padding=3, dilation=3, groups=4)
    make, inputs = {
        "dense": (lambda: nn.Linear(784, 100), [torch.randn(1, 784)]),
        "convolution": (lambda: nn.Conv2d(1, 32, 3, padding=1), [torch.randn(1, 1, 28, 28)]),
        "depthwise": (
            lambda: nn.Conv2d(48, 48, 3, padding=1, groups=48),
            [torch.randn(1, 48, 16, 16)],
        ),
        "grouped": (lambda: nn.Conv2d(16, 24, 3, **grouped), [torch.randn(1, 16, 28, 28)]),
        "embedding": (lambda: nn.Embedding(1000, 64), [tokens(12, 1000)]),
        "rnn": (lambda: nn.RNN(100, 128, batch_first=True), steps),
        "lstm": (lambda: nn.LSTM(100, 128, batch_first=True), steps),
        "gru": (lambda: nn.GRU(100, 128, batch_first=True), steps),
        "attention": (Attention, words),
        "multi-head": (lambda: nn.MultiheadAttention(768, 12, batch_first=True), words * 3),
        "bert": (bert, [tokens(128, 30522)]),
        "gpt-2": (gpt2, [tokens(1024, 50257)]),
    }[case]
    return make().eval(), inputs


# --- the cases, in JAX -----------------------------------------------------------------------


def jax_cases():
    """{case: (function, shapes of its arguments)}; JAX has no multi-head attention of its own."""
    import jax
    import jax.numpy as jnp
    from jax import lax

    def a(*shape):
        return jax.ShapeDtypeStruct(shape, jnp.float32)

    def tokens(n):
        return jax.ShapeDtypeStruct((n,), jnp.int32)

    def convolution(stride=1, pad=1, dilation=1, groups=1):
        def function(x, w, b):
            return b[:, None, None] + lax.conv_general_dilated(
                x,
                w,
                (stride, stride),
                ((pad, pad), (pad, pad)),
                rhs_dilation=(dilation, dilation),
                feature_group_count=groups,
                dimension_numbers=("NCHW", "OIHW", "NCHW"),
            )

        return function

    def rnn(x, W, U, b, c):
        def step(h, x):
            h = jnp.tanh(x @ W + b + h @ U + c)
            return h, h

        return lax.scan(step, jnp.zeros(128), x)[1]

    def lstm(x, W, U, b, c):
        def step(state, x):
            h, m = state
            i, f, g, o = jnp.split(x @ W + b + h @ U + c, 4)
            m = jax.nn.sigmoid(f) * m + jax.nn.sigmoid(i) * jnp.tanh(g)
            h = jax.nn.sigmoid(o) * jnp.tanh(m)
            return (h, m), h

        return lax.scan(step, (jnp.zeros(128),) * 2, x)[1]

    def gru(x, W, U, b, c):
        def step(h, x):
            r, z, n = jnp.split(x @ W + b, 3)
            s, y, m = jnp.split(h @ U + c, 3)
            r, z = jax.nn.sigmoid(r + s), jax.nn.sigmoid(z + y)
            h = (1 - z) * jnp.tanh(n + r * m) + z * h
            return h, h

        return lax.scan(step, jnp.zeros(128), x)[1]

    def attention(x, p, causal=False):
        n, d = x.shape
        q, k, v = ((x @ p["W" + s] + p["b" + s]).reshape(1, n, 12, -1) for s in "qkv")
        y = jax.nn.dot_product_attention(q, k, v, is_causal=causal)
        return y.reshape(n, d) @ p["Wo"] + p["bo"]

    def norm(x, scale, shift):
        centred = x - x.mean(-1, keepdims=True)
        variance = (centred**2).mean(-1, keepdims=True)
        return centred * lax.rsqrt(variance + 1e-5) * scale + shift

    def feed(x, p, approximate):
        inner = jax.nn.gelu(x @ p["W1"] + p["b1"], approximate=approximate)
        return inner @ p["W2"] + p["b2"]

    def gpt2(t, E, P, blocks, scale, shift):
        x = E[t] + P
        for p in blocks:
            x = x + attention(norm(x, *p["norm1"]), p, causal=True)
            x = x + feed(norm(x, *p["norm2"]), p, approximate=True)
        return norm(x, scale, shift) @ E.T

    def bert(t, E, P, kinds, blocks, scale, shift, W, b):
        x = norm(E[t] + P + kinds[0], scale, shift)
        for p in blocks:
            x = norm(x + attention(x, p), *p["norm1"])
            x = norm(x + feed(x, p, approximate=False), *p["norm2"])
        return jnp.tanh(x[0] @ W + b)

    d = 768
    projections = {"W" + s: a(d, d) for s in "qkvo"} | {"b" + s: a(d) for s in "qkvo"}
    block = projections | {"norm1": (a(d), a(d)), "norm2": (a(d), a(d))}
    block |= {"W1": a(d, 4 * d), "b1": a(4 * d), "W2": a(4 * d, d), "b2": a(d)}
    plain, depthwise = convolution(), convolution(groups=48)
    grouped = convolution(stride=2, pad=3, dilation=3, groups=4)
    return {
        "dense": (lambda x, W, b: x @ W + b, a(1, 784), a(784, 100), a(100)),
        "convolution": (plain, a(1, 1, 28, 28), a(32, 1, 3, 3), a(32)),
        "depthwise": (depthwise, a(1, 48, 16, 16), a(48, 1, 3, 3), a(48)),
        "grouped": (grouped, a(1, 16, 28, 28), a(24, 4, 3, 3), a(24)),
        "embedding": (lambda t, E: E[t], tokens(12), a(1000, 64)),
        "rnn": (rnn, a(10, 100), a(100, 128), a(128, 128), a(128), a(128)),
        "lstm": (lstm, a(10, 100), a(100, 512), a(128, 512), a(512), a(512)),
        "gru": (gru, a(10, 100), a(100, 384), a(128, 384), a(384), a(384)),
        "attention": (attention, a(512, d), projections),
        "bert": (
            *(bert, tokens(128), a(30522, d), a(128, d), a(2, d), [block] * 12),
            *(a(d), a(d), a(d, d), a(d)),
        ),
        "gpt-2": (gpt2, tokens(1024), a(50257, d), a(1024, d), [block] * 12, a(d), a(d)),
    }
