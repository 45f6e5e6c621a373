"""`Maps`: feature maps on their way through a convolutional network; each step adds its layers.

Index letters: b image, c input channel, k output channel, y x position, r s filter tap, g group.
"""

import numpy as np

from .network import Layer
from .parts import nest


class Maps:
    """A batch of square maps (batch, channels, side, side), and the layers so far.

    >>> maps = Maps("net", batch=1, channels=3, side=224)
    >>> maps.conv("conv1", 64, 7, stride=2, pad=3)
    >>> maps.side, maps.layers[0].macs
    (112, 118013952)
    """

    def __init__(self, network, batch, channels, side):
        self.network, self.batch, self.channels, self.side = network, batch, channels, side
        self.layers = []

    def nest(self, name, text, primitive="elementwise", function="", parameters=None, **sizes):
        """Append a layer of this nest; `sizes` and the rest go to `parts.nest`."""
        apart = sizes.pop("apart", ())
        found = nest(text, b=self.batch, **sizes)
        self.layers.append(Layer(name, found, parameters or {}, primitive, function, apart=apart))

    def grid(self):
        """The sizes of the positions and the channels, as they are now."""
        return dict(c=self.channels, y=self.side, x=self.side)

    def shape(self):
        """The shape of the maps, as they are now."""
        return self.batch, self.channels, self.side, self.side

    def _slide(self, name, taps, stride, pad):
        """The side after a window has slid over the maps."""
        side = (self.side + 2 * pad - taps) // stride + 1
        if side < 1 or taps > self.side + 2 * pad:
            raise ValueError(
                f"{self.network}: image is too small: at layer {name!r} its maps are {self.side} "
                f"wide, for a window of {taps}; use a larger image"
            )
        return side

    # --- contractions ---------------------------------------------------------------------

    def conv(self, name, k, taps, stride=1, pad=0, groups=1, bias=False):
        """A convolution to k channels.  A 1×1 one slides nothing: its primitive is "matmul"."""
        side, c = self._slide(name, taps, stride, pad), self.channels
        if c % groups or k % groups:
            raise ValueError(
                f"{self.network}: layer {name!r}: {c} to {k} channels do not split into {groups} "
                "groups; both must be multiples of them"
            )
        if bias:
            self.bias(name, "Y[b,k,y,x] = bias[k]", k=k, y=side, x=side)
        sizes = dict(k=k // groups, c=c // groups, y=side, x=side)
        shape, group, window = self.shape(), "", ""
        if groups > 1:
            sizes["g"], group = groups, "g,"
            shape = (self.batch, groups, c // groups, self.side, self.side)
        if taps > 1:
            sizes |= dict(r=taps, s=taps)
            window = ",r,s"
        y, x = _subscripts(taps, stride, pad)
        self.nest(
            name,
            f"Y[b,{group}k,y,x] += X[b,{group}c,{y},{x}] * W[{group}k,c{window}]",
            "window" if window else "matmul",
            parameters={"W": f"{name}.weight"},
            X=shape,
            pad=pad,
            **sizes,
        )
        self.channels, self.side = k, side

    def depthwise(self, name, taps, stride=1, pad=0):
        """A convolution of each channel with a filter of its own."""
        side = self._slide(name, taps, stride, pad)
        y, x = _subscripts(taps, stride, pad)
        text = f"Y[b,c,y,x] += X[b,c,{y},{x}] * W[c,r,s]"
        sizes = dict(c=self.channels, y=side, x=side, r=taps, s=taps)
        weight = {"W": f"{name}.weight"}
        self.nest(name, text, "window", parameters=weight, X=self.shape(), pad=pad, **sizes)
        self.side = side

    def dense(self, name, outputs):
        """A dense layer with bias on the maps laid out as one vector each."""
        inputs = self.channels * self.side**2
        self.bias(name, "H[b,o] = bias[o]", o=outputs)
        weight = {"W": f"{name}.weight"}
        text = "H[b,o] += X[b,i] * W[i,o]"
        self.nest(name, text, "matmul", parameters=weight, i=inputs, o=outputs)
        self.channels, self.side = outputs, 1

    def bias(self, name, text, **sizes):
        """The bias that the sums of layer `name` start from."""
        name = f"{name}.bias"
        self.nest(name, text, function="bias", parameters={"bias": name}, **sizes)

    # --- everything else ------------------------------------------------------------------

    def norm(self, name):
        """Batch normalisation at inference: a scale and a shift a channel, two passes."""
        for factor, sign in (("scale", "*"), ("shift", "+")):
            text = f"Y[b,c,y,x] = X[b,c,y,x] {sign} {factor}[c]"
            own = f"{name}.{factor}"
            self.nest(own, text, parameters={factor: own}, **self.grid())

    def pointwise(self, name, function):
        """A function of every element."""
        self.nest(name, "Y[b,c,y,x] = X[b,c,y,x]", function=function, **self.grid())

    def add(self, name):
        """The sum with a map that skipped some layers."""
        self.nest(name, "Y[b,c,y,x] = X[b,c,y,x] + Z[b,c,y,x]", apart=("Z",), **self.grid())

    def pool(self, name, taps, stride, pad=0, function="max"):
        """The maximum (or, with function="", the sum) of each window."""
        side = self._slide(name, taps, stride, pad)
        y, x = _subscripts(taps, stride, pad)
        sizes = dict(c=self.channels, y=side, x=side, r=taps, s=taps)
        text = f"Y[b,c,y,x] += X[b,c,{y},{x}]"
        self.nest(name, text, "reduction", function, X=self.shape(), pad=pad, **sizes)
        self.side = side

    def mean(self, name):
        """The mean of each map: global average pooling."""
        self.nest(name, "Y[b,c] += X[b,c,y,x]", "reduction", **self.grid())
        self.side = 1

    def fit(self, name, side):
        """Average windows, of unequal widths where they must be, so that maps are `side` wide.

        Window i spans the rows from ⌊i·n/side⌋ to ⌈(i+1)·n/side⌉ (PyTorch's adaptive pooling).
        """
        n = self.side
        if n == side:
            return
        ends = [(i * n // side, -(-(i + 1) * n // side)) for i in range(side)]
        to, of = np.array([(i, row) for i, end in enumerate(ends) for row in range(*end)]).T
        text = "Y[b,c,to[i],to[j]] += X[b,c,of[i],of[j]]"
        sizes = dict(c=self.channels, i=len(to), j=len(to))
        index = {"to": to, "of": of}
        self.nest(name, text, "reduction", X=self.shape(), index=index, **sizes)
        self.side = side


def _subscripts(taps, stride, pad):
    """The text of a window's subscripts, such as 2*y+r-3 and 2*x+s-3."""
    for axis, tap in ("yr", "xs"):
        at = axis if stride == 1 else f"{stride}*{axis}"
        at += f"+{tap}" if taps > 1 else ""
        yield f"{at}-{pad}" if pad else at
