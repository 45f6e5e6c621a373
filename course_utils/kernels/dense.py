"""The dense layer: every input meets every output."""

from functools import wraps

import numpy as np

from .._compiled import compiled
from ..arguments import whole
from ..nest import LoopNest
from ..pipeline import Pipeline
from .arrays import fitting

TEXT = "H[b,o] += X[b,i] * W[i,o]"


def layer(b, i, o, itemsize=4):
    """A dense layer of i inputs and o outputs with its bias, for a batch of b: a `Pipeline`.

    Two nests, H starting from the bias and the products added to it.  `LoopNest(TEXT, …)` is the
    second one alone.

    >>> layer(b=32, i=784, o=100).meters().moved
    427152
    """
    start = LoopNest("H[b,o] = bias[o]", b=b, o=o, itemsize=itemsize)
    return Pipeline([start, LoopNest(TEXT, b=b, i=i, o=o, itemsize=itemsize)])


def _checked(loops):
    """The loops on arrays that fit: compiled, they would read and write past the end of others."""

    @wraps(loops)
    def run(X, W, H, *rest):
        X, W, out = fitting(X=(X, "bi"), W=(W, "io"), H=(H, "bo"))
        if out is not H or out.dtype not in (np.float32, np.float64) or not out.flags.writeable:
            raise ValueError(
                "H[b,o] must be an array of float32 or float64 that can be written; "
                f"got {type(H).__name__} of {out.dtype}"
            )
        loops(X.astype(H.dtype, copy=False), W.astype(H.dtype, copy=False), H, *rest)

    return run


@_checked
@compiled
def boi(X, W, H):
    for b in range(X.shape[0]):
        for o in range(W.shape[1]):
            for i in range(X.shape[1]):
                H[b, o] += X[b, i] * W[i, o]


@_checked
@compiled
def bio(X, W, H):
    for b in range(X.shape[0]):
        for i in range(X.shape[1]):
            for o in range(W.shape[1]):
                H[b, o] += X[b, i] * W[i, o]


@_checked
@compiled
def obi(X, W, H):
    for o in range(W.shape[1]):
        for b in range(X.shape[0]):
            for i in range(X.shape[1]):
                H[b, o] += X[b, i] * W[i, o]


@_checked
@compiled
def oib(X, W, H):
    for o in range(W.shape[1]):
        for i in range(X.shape[1]):
            for b in range(X.shape[0]):
                H[b, o] += X[b, i] * W[i, o]


@_checked
@compiled
def ibo(X, W, H):
    for i in range(X.shape[1]):
        for b in range(X.shape[0]):
            for o in range(W.shape[1]):
                H[b, o] += X[b, i] * W[i, o]


@_checked
@compiled
def iob(X, W, H):
    for i in range(X.shape[1]):
        for o in range(W.shape[1]):
            for b in range(X.shape[0]):
                H[b, o] += X[b, i] * W[i, o]


@_checked
@compiled
def bio_by_four(X, W, H):
    """As `bio`, four rows of X at a time: a weight, once in a register, serves four samples.

    Compilers call it unroll-and-jam.
    """
    fours = X.shape[0] // 4 * 4
    for b in range(0, fours, 4):
        for i in range(X.shape[1]):
            for o in range(W.shape[1]):
                w = W[i, o]
                H[b, o] += X[b, i] * w
                H[b + 1, o] += X[b + 1, i] * w
                H[b + 2, o] += X[b + 2, i] * w
                H[b + 3, o] += X[b + 3, i] * w
    for b in range(fours, X.shape[0]):
        for i in range(X.shape[1]):
            for o in range(W.shape[1]):
                H[b, o] += X[b, i] * W[i, o]


def bio_tiled(X, W, H, tile):
    """As `bio`, in tiles of `tile` × `tile` numbers; at the edges they may be smaller.

    >>> H = np.zeros((2, 5))
    >>> bio_tiled(np.ones((2, 3)), np.ones((3, 5)), H, tile=2)
    >>> H.tolist()
    [[3.0, 3.0, 3.0, 3.0, 3.0], [3.0, 3.0, 3.0, 3.0, 3.0]]
    """
    _bio_tiled(X, W, H, whole(tile, "bio_tiled: tile"))


@_checked
@compiled
def _bio_tiled(X, W, H, tile):
    for b0 in range(0, X.shape[0], tile):
        for i0 in range(0, X.shape[1], tile):
            for o0 in range(0, W.shape[1], tile):
                for b in range(b0, min(b0 + tile, X.shape[0])):
                    h = H[b, o0 : o0 + tile]
                    for i in range(i0, min(i0 + tile, X.shape[1])):
                        x, w = X[b, i], W[i, o0 : o0 + tile]
                        for o in range(h.size):
                            h[o] += x * w[o]


# The loops of TEXT in each of their six orders: `loops[order](X, W, H)` adds X @ W to H.
loops = {"boi": boi, "bio": bio, "obi": obi, "oib": oib, "ibo": ibo, "iob": iob}
