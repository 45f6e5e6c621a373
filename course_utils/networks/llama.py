"""Transformers with rotary positions: Llama, and Mixtral, its mixture of experts."""

from functools import partial

from ..arguments import whole
from .network import Network
from .parts import choose, spread
from .tokens import Tokens

# name -> (blocks, width, heads, heads of keys and values, hidden, words, tied, published context)
_LLAMA = {
    "1-7b": (32, 4096, 32, 32, 11008, 32_000, False, 2048),
    "1-13b": (40, 5120, 40, 40, 13824, 32_000, False, 2048),
    "1-33b": (60, 6656, 52, 52, 17920, 32_000, False, 2048),
    "1-65b": (80, 8192, 64, 64, 22016, 32_000, False, 2048),
    "2-7b": (32, 4096, 32, 32, 11008, 32_000, False, 4096),
    "2-13b": (40, 5120, 40, 40, 13824, 32_000, False, 4096),
    "2-70b": (80, 8192, 64, 8, 28672, 32_000, False, 4096),
    "3-8b": (32, 4096, 32, 8, 14336, 128_256, False, 8192),
    "3-70b": (80, 8192, 64, 8, 28672, 128_256, False, 8192),
    "3.1-8b": (32, 4096, 32, 8, 14336, 128_256, False, 131_072),
    "3.1-70b": (80, 8192, 64, 8, 28672, 128_256, False, 131_072),
    "3.1-405b": (126, 16384, 128, 8, 53248, 128_256, False, 131_072),
    "3.2-1b": (16, 2048, 32, 8, 8192, 128_256, True, 131_072),
    "3.2-3b": (28, 3072, 24, 8, 8192, 128_256, True, 131_072),
    "3.3-70b": (80, 8192, 64, 8, 28672, 128_256, False, 131_072),
}
# the same, with 8 experts of which a token takes 2; Jiang et al. 2024
_MIXTRAL = {
    "8x7b": (32, 4096, 32, 8, 14336, 32_000, False, 32_768),
    "8x22b": (56, 6144, 48, 8, 16384, 32_000, False, 65_536),
}


def llama(size="2-7b"):
    """Llama (Touvron et al. 2023; Grattafiori et al. 2024): "1-7b" to "1-65b", "2-7b", "2-13b",
    "2-70b", "3-8b", "3-70b", "3.1-8b", "3.1-70b", "3.1-405b", "3.2-1b", "3.2-3b", "3.3-70b".

    Tokens are the published context unless given; rotary positions set no limit.  MACs take the
    full square of scores and the output head for every token; `past` tokens lie in the KV cache.

    >>> llama("2-7b")
    Llama 2-7b: 6,738,415,616 parameters, 31.5 TMAC at batch 1, tokens 4096
    >>> llama("3-8b").kv_bytes(tokens=8192)
    1073741824
    """
    size, shape = choose("llama", "size", size, _LLAMA)
    return _network(f"Llama {size}", shape, _swiglu)


def mixtral(size="8x7b"):
    """Mixtral (Jiang et al. 2024), a mixture of experts: "8x7b" or "8x22b".

    `parameters` counts all eight experts, `active_parameters` what a token meets: two of them.
    MACs count the router and the two chosen experts of each token.  The choice here is balanced:
    token after token takes the next two experts, so a long sequence meets all of them.

    >>> net = mixtral("8x7b")
    >>> net.parameters, net.active_parameters
    (46702792704, 12879925248)
    """
    size, shape = choose("mixtral", "size", size, _MIXTRAL)
    return _network(f"Mixtral {size}", shape, partial(routed_experts, experts=8, top=2))


def mixture_of_experts(width=4096, hidden=14336, experts=8, top=2):
    """One feed-forward layer of routed, gated experts, as in a block of Mixtral.

    >>> moe, dense = mixture_of_experts(top=2), mixture_of_experts(experts=1, top=1)
    >>> moe["experts.up"].macs / dense["experts.up"].macs
    2.0
    """
    sizes = dict(width=width, hidden=hidden, experts=experts, top=top)
    width, hidden, experts, top = (
        whole(value, f"mixture_of_experts: {name}") for name, value in sizes.items()
    )
    if top > experts:
        raise ValueError(
            f"mixture_of_experts: top={top} of experts={experts}; a token takes at most all of them"
        )

    def build(batch, tokens):
        x = Tokens(batch, tokens, width)
        routed_experts(x, hidden, experts, top)
        return x.layers

    name = f"mixture of {experts} experts, {top} a token"
    return Network(name, {"batch": 1, "tokens": 1}, build)


def _network(name, shape, feed_forward):
    defaults = {"batch": 1, "tokens": shape[-1], "past": 0}
    return Network(name, defaults, partial(_layers, shape[:-1], feed_forward))


def _layers(shape, feed_forward, batch, tokens, past):
    blocks, width, heads, kv_heads, hidden, words, tied = shape
    x = Tokens(batch, tokens, width, past)
    x.embed("words", words)

    def block(x):
        x.rms_norm("attention.norm")
        x.attention("attention", heads, kv_heads, bias=False, rotary=True, kept=True)
        x.add("attention.add")
        x.rms_norm("mlp.norm")
        feed_forward(x, hidden)
        x.add("mlp.add")

    x.repeat("block", blocks, block)
    x.rms_norm("norm")
    x.head("head", words, "words.weight" if tied else "head.weight")
    return x.layers


def _swiglu(x, hidden):
    """W_down (silu(W_gate x) · W_up x) (Shazeer 2020)."""
    x.dense("mlp.gate", hidden, bias=False)
    x.pointwise("mlp.silu", "silu", hidden)
    x.dense("mlp.up", hidden, bias=False)
    x.multiply("mlp.multiply", hidden)
    x.dense("mlp.down", x.width, hidden, bias=False)


def routed_experts(x, hidden, experts, top):
    """A router's scores, and for each token the SwiGLU of its `top` experts, weighted and added.

    Softmax is counted over all experts; finding the largest scores is not counted.
    """
    x.dense("router", experts, bias=False)
    x.softmax("router.softmax", "t", "x", t=x.tokens, x=experts)
    choice = {"choice": spread((x.batch, x.tokens, top), experts)}
    grid = dict(t=x.tokens, k=top, f=hidden)
    to = dict(W=(experts, x.width, hidden), d=x.width, index=choice, **grid)
    up = "H[b,t,k,f] += X[b,t,d] * W[choice[b,t,k],d,f]"
    each = "H[b,t,k,f] = Z[b,t,k,f]"
    x.nest("experts.gate", up, "matmul", parameters={"W": "experts.gate.weight"}, **to)
    x.nest("experts.silu", each, function="silu", **grid)
    x.nest("experts.up", up, "matmul", parameters={"W": "experts.up.weight"}, **to)
    x.nest("experts.multiply", f"{each} * Y[b,t,k,f]", apart=("Y",), **grid)
    back = to | dict(W=(experts, hidden, x.width))
    down = "Y[b,t,k,d] += H[b,t,k,f] * W[choice[b,t,k],f,d]"
    x.nest("experts.down", down, "matmul", parameters={"W": "experts.down.weight"}, **back)
    weighted = "Y[b,t,d] += H[b,t,k,d] * p[b,t,k]"
    x.nest("experts.sum", weighted, "reduction", apart=("H", "Y"), k=top, **x.grid())
