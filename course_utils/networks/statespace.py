"""A state-space model: Mamba, with its selective scan."""

from functools import partial

from .network import Network
from .parts import choose
from .tokens import Tokens

# (blocks, width); Gu and Dao 2023, the released models
_MAMBA = {
    "130m": (24, 768),
    "370m": (48, 1024),
    "790m": (48, 1536),
    "1.4b": (48, 2048),
    "2.8b": (64, 2560),
}
_WORDS = 50_280  # GPT-NeoX's 50,277, filled up to a multiple of 8
_STATE, _TAPS = 16, 4  # states a channel, taps of the convolution over time


def mamba(size="130m"):
    """Mamba (Gu and Dao 2023): "130m", "370m", "790m", "1.4b", "2.8b"; 2,048 tokens, tied head.

    MACs are those of the matrix products and of the convolution; the selective scan (primitive
    "scan") is counted by `elementwise` and `exponentials`.  Its nests are written unfused, with
    every state of every token; the published kernel keeps the states on chip.

    >>> mamba("130m")
    Mamba 130m: 129,135,360 parameters, 263 GMAC at batch 1, tokens 2048
    >>> mamba("130m").part("block.0").parameters
    3771648
    """
    size, (blocks, width) = choose("mamba", "size", size, _MAMBA)
    return Network(f"Mamba {size}", {"batch": 1, "tokens": 2048}, partial(_mamba, blocks, width))


def _mamba(blocks, width, batch, tokens):
    x = Tokens(batch, tokens, width)
    x.embed("words", _WORDS)
    x.repeat("block", blocks, _block)
    x.rms_norm("norm")
    x.head("head", _WORDS, "words.weight")
    return x.layers


def _block(x):
    """Widen twofold, mix over four steps, scan, gate, narrow (figure 3 of the paper)."""
    inner, rank = 2 * x.width, x.width // 16
    x.rms_norm("norm")
    x.dense("in", 2 * inner, bias=False)
    x.convolve("conv", inner, _TAPS)
    x.pointwise("conv.silu", "silu", inner)
    x.dense("select", rank + 2 * _STATE, inner, bias=False)
    x.dense("step", inner, rank)
    x.pointwise("step.softplus", "softplus", inner)
    _scan(x, dict(t=x.tokens, i=inner, n=_STATE))
    x.pointwise("gate.silu", "silu", inner)
    x.multiply("gate", inner)
    x.dense("out", x.width, inner, bias=False)
    x.add("add")


def _scan(x, grid):
    """h ← exp(Δ A) h + Δ B u, y = C h + D u, for each channel i and its n states.

    H[b,t] is the state before token t.  A is learned as the logarithm of −A.
    """
    flat = {index: n for index, n in grid.items() if index != "n"}
    own = dict(i=grid["i"], n=grid["n"])
    minus = "A[i,n] = L[i,n]"
    x.nest("scan.decay", minus, "scan", "exp", {"L": "scan.decay"}, **own)
    decay = "F[b,t,i,n] = step[b,t,i] * A[i,n]"
    x.nest("scan.forget", decay, "scan", "exp", **grid)
    write = "G[b,t,i,n] = step[b,t,i] * B[b,t,n] * U[b,t,i]"
    x.nest("scan.write", write, "scan", apart=("step", "B", "U"), **grid)
    x.nest("scan.keep", "K[b,t,i,n] = F[b,t,i,n] * H[b,t,i,n]", "scan", **grid)
    x.nest("scan.state", "S[b,t,i,n] = K[b,t,i,n] + G[b,t,i,n]", "scan", **grid)
    x.nest("scan.read", "Y[b,t,i] += S[b,t,i,n] * C[b,t,n]", "scan", apart=("C",), **grid)
    through = "Z[b,t,i] = U[b,t,i] * D[i]"
    x.nest("scan.through", through, "scan", parameters={"D": "scan.through"}, **flat)
    x.nest("scan.add", "O[b,t,i] = Y[b,t,i] + Z[b,t,i]", "scan", apart=("O",), **flat)
