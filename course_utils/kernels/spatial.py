"""Convolution: every output looks at its neighbours, through the same small window.

Images are X[b,c,y,x], filters W[k,c,r,s], maps H[b,k,y,x].  At stride t, padding p and dilation e

    H[b,k,y,x] = Σ over c,r,s of X[b,c, t·y + e·r − p, t·x + e·s − p] · W[k,c,r,s]

with ⌊(n + 2p − e·(r−1) − 1) / t⌋ + 1 outputs along an axis of n pixels and r taps (Dumoulin and
Visin 2016, "A guide to convolution arithmetic for deep learning", relationship 15).  A tap off the
image reads nothing.
"""

import numpy as np

from .._compiled import compiled
from ..arguments import whole
from ..nest import LoopNest
from ..pipeline import Pipeline
from .arrays import fitting, float32, floats

TEXT = "H[b,k,y,x] += X[b,c,y+r,x+s] * W[k,c,r,s]"

# Loop orders of TEXT: what stays in place, outermost, while the innermost loops use it again.
# An input stays for the k filters that meet it at one tap, not for all windows that it lies in.
dataflows = {
    "weight-stationary": tuple("kcrsbyx"),
    "output-stationary": tuple("bkyxcrs"),
    "input-stationary": tuple("bcyxrsk"),
}


def outputs(image, taps, stride=1, padding=0, dilation=1):
    """(outputs along y, along x) for an image of (y, x) pixels and a window of (r, s) taps.

    >>> outputs((224, 300), (7, 5), stride=2, padding=3)
    (112, 151)
    """
    stride, padding, dilation = _steps(stride, padding, dilation)
    image, taps = _pair(image, "the image"), _pair(taps, "the window")
    reach = [dilation * (n - 1) + 1 for n in taps]
    for n, window in zip(image, reach, strict=True):
        if window > n + 2 * padding:
            raise ValueError(
                f"convolution: a window over {window} pixels does not fit into {n} + 2·{padding}; "
                "take fewer taps, or more padding"
            )
    return tuple((n + 2 * padding - w) // stride + 1 for n, w in zip(image, reach, strict=True))


def _steps(stride, padding, dilation):
    """The three as ints, checked."""
    return (
        whole(stride, "convolution: stride"),
        whole(padding, "convolution: padding", least=0),
        whole(dilation, "convolution: dilation"),
    )


def _pair(sides, of):
    """(along y, along x), checked."""
    if not isinstance(sides, tuple | list) or len(sides) != 2:
        raise ValueError(
            f"convolution: {of} has two sides (along y, along x), such as (3, 3); got {sides!r}"
        )
    return [whole(n, f"convolution: a side of {of}") for n in sides]


# --- as nests -----------------------------------------------------------------------------


def conv_nest(b, c, image, k, taps, stride=1, padding=0, dilation=1, itemsize=4):
    """The convolution of b images of c channels with k filters: a `LoopNest`.

    >>> conv_nest(b=1, c=1, image=(28, 28), k=32, taps=(3, 3), padding=1).macs
    225792
    """
    sizes = dict(b=b, c=c, k=k)
    text = "H[b,k,y,x] += X[b,c,{y},{x}] * W[k,c,r,s]"
    return _nest(text, sizes, image, taps, stride, padding, dilation, itemsize)


def depthwise_nest(b, c, image, taps, stride=1, padding=0, dilation=1, itemsize=4):
    """One filter W[c,r,s] for each channel, which meets no other channel: a `LoopNest`.

    >>> depthwise_nest(b=1, c=32, image=(28, 28), taps=(3, 3), padding=1).macs
    225792
    """
    text = "H[b,c,y,x] += X[b,c,{y},{x}] * W[c,r,s]"
    return _nest(text, dict(b=b, c=c), image, taps, stride, padding, dilation, itemsize)


def lowered_nests(b, c, image, k, taps, stride=1, padding=0, dilation=1, itemsize=4):
    """im2col and the matmul that follows, P written and read back: a `Pipeline`.

    X stands in memory with its border of zeros, as the copy needs it.

    >>> lowered = lowered_nests(b=1, c=64, image=(56, 56), k=64, taps=(3, 3), padding=1)
    >>> round(lowered.meters().intensity, 2)
    14.22
    """
    stride, padding, dilation = _steps(stride, padding, dilation)
    y, x = outputs(image, taps, stride, padding, dilation)
    bordered = [n + 2 * padding for n in image]
    text = "P[b,y,x,c,r,s] = X[b,c,{y},{x}]"
    copy = _nest(text, dict(b=b, c=c), bordered, taps, stride, 0, dilation, itemsize)
    sizes = dict(b=b, c=c, k=k, y=y, x=x, r=taps[0], s=taps[1])
    matmul = LoopNest("H[b,k,y,x] += P[b,y,x,c,r,s] * W[k,c,r,s]", itemsize=itemsize, **sizes)
    return Pipeline([copy, matmul])


def _nest(text, sizes, image, taps, stride, padding, dilation, itemsize):
    """The nest of a text in which {y} and {x} stand for the pixel under a tap."""
    steps = _, padding, _ = _steps(stride, padding, dilation)
    y, x = outputs(image, taps, *steps)
    return LoopNest(
        text.format(y=_pixel("y", "r", *steps), x=_pixel("x", "s", *steps)),
        shapes={"X": (sizes["b"], sizes["c"], *image)},
        pad={"X": (0, 0, padding, padding)},
        itemsize=itemsize,
        **sizes | dict(y=y, x=x, r=taps[0], s=taps[1]),
    )


def _pixel(out, tap, stride, padding, dilation):
    first = out if stride == 1 else f"{stride}*{out}"
    then = tap if dilation == 1 else f"{dilation}*{tap}"
    return f"{first}+{then}" + (f"-{padding}" if padding else "")


# --- as loops -----------------------------------------------------------------------------


def conv_loops(X, W, stride=1, padding=0, dilation=1):
    """The convolution by seven loops, compiled, in float32: X[b,c,y,x], W[k,c,r,s] → H[b,k,y,x].

    >>> conv_loops(np.ones((1, 1, 3, 4)), np.ones((1, 1, 3, 3)), padding=1)[0, 0].tolist()
    [[4.0, 6.0, 6.0, 4.0], [6.0, 9.0, 9.0, 6.0], [4.0, 6.0, 6.0, 4.0]]
    """
    X, W = float32(*fitting(X=(X, "bcyx"), W=(W, "kcrs")))
    stride, padding, dilation = _steps(stride, padding, dilation)
    y, x = outputs(X.shape[2:], W.shape[2:], stride, padding, dilation)
    H = np.zeros((len(X), len(W), y, x), np.float32)
    _conv(X, W, H, stride, padding, dilation)
    return H


@compiled
def _conv(X, W, H, stride, padding, dilation):
    for b in range(H.shape[0]):
        for k in range(H.shape[1]):
            for y in range(H.shape[2]):
                for x in range(H.shape[3]):
                    for c in range(W.shape[1]):
                        for r in range(W.shape[2]):
                            row = stride * y + dilation * r - padding
                            if not 0 <= row < X.shape[2]:
                                continue
                            for s in range(W.shape[3]):
                                column = stride * x + dilation * s - padding
                                if 0 <= column < X.shape[3]:
                                    H[b, k, y, x] += X[b, c, row, column] * W[k, c, r, s]


def conv_row_loops(X, W, padding=0):
    """`conv_loops` at stride 1 with x innermost, over X with its border: rows of sums at once.

    >>> conv_row_loops(np.ones((1, 1, 3, 4)), np.ones((1, 1, 3, 3)), padding=1)[0, 0].tolist()
    [[4.0, 6.0, 6.0, 4.0], [6.0, 9.0, 9.0, 6.0], [4.0, 6.0, 6.0, 4.0]]
    """
    X, W = float32(*fitting(X=(X, "bcyx"), W=(W, "kcrs")))
    _, padding, _ = _steps(1, padding, 1)
    y, x = outputs(X.shape[2:], W.shape[2:], padding=padding)
    H = np.zeros((len(X), len(W), y, x), np.float32)
    _conv_rows(np.ascontiguousarray(_bordered(X, padding)), W, H)
    return H


@compiled
def _conv_rows(X, W, H):
    for b in range(H.shape[0]):
        for k in range(H.shape[1]):
            for y in range(H.shape[2]):
                for c in range(W.shape[1]):
                    for r in range(W.shape[2]):
                        for s in range(W.shape[3]):
                            weight, pixels = W[k, c, r, s], X[b, c, y + r, s:]
                            for x in range(H.shape[3]):
                                H[b, k, y, x] += pixels[x] * weight


def depthwise_loops(X, W, stride=1, padding=0, dilation=1):
    """Each channel with its own filter, by loops: X[b,c,y,x], W[c,r,s] → H[b,c,y,x].

    The loops are those of `depthwise_nest`, run.

    >>> depthwise_loops(np.ones((1, 2, 3, 3)), np.ones((2, 3, 3))).tolist()
    [[[[9.0]], [[9.0]]]]
    """
    X, W = float32(*fitting(X=(X, "bcyx"), W=(W, "crs")))
    b, c, *image = X.shape
    return depthwise_nest(b, c, image, W.shape[1:], stride, padding, dilation).run(X=X, W=W)


def depthwise_row_loops(X, W, padding=0):
    """`depthwise_loops` at stride 1 with x innermost: one pass, rows of sums at once.

    >>> depthwise_row_loops(np.ones((1, 1, 3, 4)), np.ones((1, 3, 3)), padding=1)[0, 0].tolist()
    [[4.0, 6.0, 6.0, 4.0], [6.0, 9.0, 9.0, 6.0], [4.0, 6.0, 6.0, 4.0]]
    """
    X, W = float32(*fitting(X=(X, "bcyx"), W=(W, "crs")))
    _, padding, _ = _steps(1, padding, 1)
    y, x = outputs(X.shape[2:], W.shape[1:], padding=padding)
    H = np.zeros((len(X), len(W), y, x), np.float32)
    _depthwise_rows(np.ascontiguousarray(_bordered(X, padding)), W, H)
    return H


@compiled
def _depthwise_rows(X, W, H):
    for b in range(H.shape[0]):
        for c in range(H.shape[1]):
            for y in range(H.shape[2]):
                for r in range(W.shape[1]):
                    for s in range(W.shape[2]):
                        weight, pixels = W[c, r, s], X[b, c, y + r, s:]
                        for x in range(H.shape[3]):
                            H[b, c, y, x] += pixels[x] * weight


# --- as NumPy -----------------------------------------------------------------------------


def windows(X, taps, stride=1, padding=0, dilation=1):
    """What each output sees: a view [b,c,y,x,r,s] of X[b,c,y,x], no copy (but for the border).

    >>> windows(np.arange(9.0).reshape(1, 1, 3, 3), (2, 2))[0, 0, 0, 1].tolist()
    [[1.0, 2.0], [4.0, 5.0]]
    """
    (X,) = fitting(X=(X, "bcyx"))
    stride, padding, dilation = _steps(stride, padding, dilation)
    outputs(X.shape[2:], taps, stride, padding, dilation)
    X = _bordered(X, padding)
    reach = [dilation * (n - 1) + 1 for n in taps]
    every = np.lib.stride_tricks.sliding_window_view(X, reach, axis=(2, 3))
    return every[:, :, ::stride, ::stride, ::dilation, ::dilation]


def _bordered(X, padding):
    """X[b,c,y,x] with zeros around; X itself where there is no padding."""
    sides = (padding, padding)
    return np.pad(X, [(0, 0), (0, 0), sides, sides]) if padding else X


def im2col(X, taps, stride=1, padding=0, dilation=1):
    """The windows as rows of a matrix, copied: a row an output (b, y, x), a column a tap (c, r, s).

    >>> im2col(np.arange(9.0).reshape(1, 1, 3, 3), (2, 2)).tolist()
    [[0.0, 1.0, 3.0, 4.0], [1.0, 2.0, 4.0, 5.0], [3.0, 4.0, 6.0, 7.0], [4.0, 5.0, 7.0, 8.0]]
    """
    seen = windows(X, taps, stride, padding, dilation)
    b, c, y, x, r, s = seen.shape
    return seen.transpose(0, 2, 3, 1, 4, 5).copy().reshape(b * y * x, c * r * s)


def conv_lowered(X, W, stride=1, padding=0, dilation=1):
    """The convolution as one matmul: `im2col` times the filters as columns.

    >>> conv_lowered(np.ones((1, 1, 3, 4)), np.ones((1, 1, 3, 3))).tolist()
    [[[[9.0, 9.0]]]]
    """
    X, W = floats(*fitting(X=(X, "bcyx"), W=(W, "kcrs")))
    y, x = outputs(X.shape[2:], W.shape[2:], stride, padding, dilation)
    H = im2col(X, W.shape[2:], stride, padding, dilation) @ W.reshape(len(W), -1).T
    return H.reshape(len(X), y, x, len(W)).transpose(0, 3, 1, 2)


def conv_shifted(X, W, stride=1, padding=0, dilation=1):
    """The convolution as small matmuls, one for each tap and row of the map; no patch is copied.

    >>> conv_shifted(np.ones((1, 1, 3, 4)), np.ones((1, 1, 3, 3))).tolist()
    [[[[9.0, 9.0]]]]
    """
    X, W = floats(*fitting(X=(X, "bcyx"), W=(W, "kcrs")))
    seen = windows(X, W.shape[2:], stride, padding, dilation)
    H = 0
    for r, s in np.ndindex(W.shape[2:]):
        H = H + W[:, :, r, s] @ seen[..., r, s].transpose(0, 2, 1, 3)  # [k,c] times [b,y,c,x]
    return H.transpose(0, 2, 1, 3)


def conv_flat(X, W, padding=0):
    """The convolution at stride 1 as one product a tap, over whole maps with their rows end to end.

    A tap moves along the row of pixels, borders and all; sums that run over an edge are cut off.

    >>> conv_flat(np.ones((1, 1, 3, 4)), np.ones((1, 1, 3, 3))).tolist()
    [[[[9.0, 9.0]]]]
    """
    X, W = floats(*fitting(X=(X, "bcyx"), W=(W, "kcrs")))
    _, padding, _ = _steps(1, padding, 1)
    y, x = outputs(X.shape[2:], W.shape[2:], padding=padding)
    b, c, _, wide = (X := _bordered(X, padding)).shape
    pixels, length = X.reshape(b, c, -1), (y - 1) * wide + x
    taps = np.ascontiguousarray(W.transpose(2, 3, 0, 1))
    H = np.zeros((b, len(W), y * wide), X.dtype)
    for r, s in np.ndindex(W.shape[2:]):
        start = r * wide + s
        H[..., :length] += taps[r, s] @ pixels[..., start : start + length]
    return H.reshape(b, len(W), y, wide)[..., :x]


def depthwise(X, W, stride=1, padding=0, dilation=1):
    """Each channel with its own filter: a product for each tap, over the shifted image.

    >>> depthwise(np.ones((1, 2, 3, 3)), np.ones((2, 3, 3))).tolist()
    [[[[9.0]], [[9.0]]]]
    """
    X, W = floats(*fitting(X=(X, "bcyx"), W=(W, "crs")))
    seen = windows(X, W.shape[1:], stride, padding, dilation)
    taps = np.ndindex(W.shape[1:])
    return sum(seen[..., r, s] * W[:, r, s, None, None] for r, s in taps)
