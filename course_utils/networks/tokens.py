"""`Tokens`: a sequence of vectors on its way through a network; each step adds its layers.

Index letters: b sequence, t token, d model width, o output feature, v word, h head, e position
within a head, q query position, j key position, g group of heads that share keys and values.
"""

from .network import Layer
from .parts import nest, spread


class Tokens:
    """A batch of sequences (batch, tokens, width), and the layers so far.

    >>> x = Tokens(batch=1, tokens=512, width=768)
    >>> x.attention("attention", heads=12)
    >>> sum(layer.macs for layer in x.layers) == 4 * 512 * 768**2 + 2 * 512**2 * 768
    True
    """

    def __init__(self, batch, tokens, width, past=0):
        self.batch, self.tokens, self.width, self.past = batch, tokens, width, past
        self.layers = []

    def nest(self, name, text, primitive="elementwise", function="", parameters=None, **sizes):
        """Append a layer of this nest; `sizes` and the rest go to `parts.nest`."""
        cached, apart = sizes.pop("cached", ()), sizes.pop("apart", ())
        if "[b," in text:
            sizes["b"] = self.batch
        found = nest(text, **sizes)
        self.layers.append(
            Layer(name, found, parameters or {}, primitive, function, cached, apart=apart)
        )

    def grid(self, width=None):
        """The sizes of tokens and features, of `width` where it is not the model's."""
        return dict(t=self.tokens, d=width or self.width)

    def repeat(self, name, times, block):
        """Append `times` copies of the layers that `block(tokens)` adds, each with its weights."""
        one = Tokens(self.batch, self.tokens, self.width, self.past)
        block(one)
        for i in range(times):
            self.layers += [layer.within(f"{name}.{i}") for layer in one.layers]

    # --- contractions ---------------------------------------------------------------------

    def dense(self, name, o, i=None, bias=True):
        """A dense layer on every token, from i features (the width) to o."""
        if bias:
            self.bias(name, "H[b,t,o] = bias[o]", t=self.tokens, o=o)
        text, sizes = "H[b,t,o] += X[b,t,i] * W[i,o]", dict(t=self.tokens, i=i or self.width, o=o)
        self.nest(name, text, "matmul", parameters={"W": f"{name}.weight"}, **sizes)

    def bias(self, name, text, **sizes):
        """The bias that the sums of layer `name` start from."""
        name = f"{name}.bias"
        self.nest(name, text, function="bias", parameters={"bias": name}, **sizes)

    def convolve(self, name, channels, taps):
        """A causal convolution over time, each channel with a filter of its own, and a bias."""
        grid = dict(t=self.tokens, c=channels)
        self.bias(name, "Y[b,t,c] = bias[c]", **grid)
        text = f"Y[b,t,c] += X[b,t+r-{taps - 1},c] * W[c,r]"
        weight = {"W": f"{name}.weight"}
        shape = dict(X=(self.batch, self.tokens, channels), pad=taps - 1)
        self.nest(name, text, "window", parameters=weight, r=taps, **shape, **grid)

    def head(self, name, words, weight):
        """The score of every word of the vocabulary, from the table of words or one like it."""
        text = "L[b,t,v] += X[b,t,d] * E[v,d]"
        self.nest(name, text, "matmul", parameters={"E": weight}, v=words, **self.grid())

    def attention(self, name, heads, kv_heads=None, bias=True, rotary=False, kept=False):
        """Multi-head attention over all keys: the full square, no causal half left out.

        `kv_heads` < heads: groups of heads share keys and values (grouped-query attention).
        `past` tokens are there already and only add keys.  `kept`: keys and values stay for later
        tokens.  The scale of the scores counts as part of the query weights; a mask is not counted.
        """
        if self.width % heads:
            raise ValueError(f"{name}: a width of {self.width} does not split into {heads} heads")
        if kv_heads and heads % kv_heads:
            raise ValueError(f"{name}: {heads} heads do not share {kv_heads} heads of keys evenly")
        hs, gs, own = "h", "h", dict(h=heads, e=self.width // heads)
        if kv_heads and kv_heads < heads:
            hs, gs, own = "g,h", "g", own | dict(g=kv_heads, h=heads // kv_heads)
        shared = {index: own[index] for index in (gs, "e")}
        for role, axes, sizes in (("query", hs, own), ("key", gs, shared), ("value", gs, shared)):
            self._project(f"{name}.{role}", axes, sizes, bias)
            if rotary and role != "value":
                self._rotate(f"{name}.{role}.rotary", axes, sizes)
        seen = dict(q=self.tokens, j=self.past + self.tokens)
        scores = f"S[b,{hs},q,j] += Q[b,q,{hs},e] * K[b,j,{gs},e]"
        cached = ("K",) if kept else ()
        self.nest(f"{name}.scores", scores, "matmul", cached=cached, **own, **seen)
        row = {index: n for index, n in (own | seen).items() if index not in "ej"}
        self.softmax(f"{name}.softmax", f"{hs},q", "j", **row, j=seen["j"])
        mix = f"A[b,q,{hs},e] += P[b,{hs},q,j] * V[b,j,{gs},e]"
        cached = ("V",) if kept else ()
        self.nest(f"{name}.mix", mix, "matmul", cached=cached, **own, **seen)
        output = f"Y[b,t,d] += A[b,t,{hs},e] * W[{hs},e,d]"
        if bias:
            self.bias(f"{name}.output", "Y[b,t,d] = bias[d]", **self.grid())
        weight = {"W": f"{name}.output.weight"}
        self.nest(f"{name}.output", output, "matmul", parameters=weight, **own, **self.grid())

    def _project(self, name, axes, sizes, bias):
        if bias:
            self.bias(name, f"Z[b,t,{axes},e] = bias[{axes},e]", t=self.tokens, **sizes)
        text = f"Z[b,t,{axes},e] += X[b,t,d] * W[d,{axes},e]"
        weight = {"W": f"{name}.weight"}
        self.nest(name, text, "matmul", parameters=weight, **sizes, **self.grid())

    def _rotate(self, name, axes, sizes):
        """Rotary positions: each pair of numbers of a head is turned by a 2×2 rotation."""
        text = f"R[b,t,{axes},u,f] += Z[b,t,{axes},w,f] * turn[t,u,w,f]"
        pairs = {index: n for index, n in sizes.items() if index != "e"} | {"f": sizes["e"] // 2}
        self.nest(name, text, t=self.tokens, u=2, w=2, **pairs)

    # --- everything else ------------------------------------------------------------------

    def embed(self, name, rows):
        """A look-up of each token in a table."""
        self._look_up(name, "X[b,t,d] = E[tok[b,t],d]", "tok", rows)

    def segments(self, name, rows):
        """Add a look-up of each token's segment."""
        self._look_up(name, "Y[b,t,d] = X[b,t,d] + E[part[b,t],d]", "part", rows)

    def _look_up(self, name, text, table, rows):
        index = {table: spread((self.batch, self.tokens), rows)}
        weight, shape = {"E": f"{name}.weight"}, (rows, self.width)
        self.nest(name, text, "gather", parameters=weight, index=index, E=shape, **self.grid())

    def positions(self, name, rows):
        """Add the learned position of each token, from the `past`-th row on."""
        at = f"t+{self.past}" if self.past else "t"
        text, weight = f"Y[b,t,d] = X[b,t,d] + P[{at},d]", {"P": f"{name}.weight"}
        self.nest(name, text, parameters=weight, P=(rows, self.width), **self.grid())

    def softmax(self, name, row, along, **sizes):
        """The maximum, the exponentials, their sum, the division: a pass a nest.

        One operation a number each, 5 together, the exponential (counted apart) among them.
        """
        whole = f"{row},{along}"
        self.nest(f"{name}.max", f"M[b,{row}] += S[b,{whole}]", "reduction", "max", **sizes)
        minus = f"E[b,{whole}] = S[b,{whole}] + M[b,{row}]"
        self.nest(f"{name}.exp", minus, function="exp", **sizes)
        self.nest(f"{name}.sum", f"N[b,{row}] += E[b,{whole}]", "reduction", **sizes)
        self.nest(f"{name}.divide", f"P[b,{whole}] = E[b,{whole}] * N[b,{row}]", **sizes)

    def layer_norm(self, name):
        """Mean, centre, variance, scale, shift: five passes over the vectors."""
        grid, scale, shift = self.grid(), f"{name}.scale", f"{name}.shift"
        self.nest(f"{name}.mean", "M[b,t] += X[b,t,d]", "reduction", **grid)
        self.nest(f"{name}.centre", "C[b,t,d] = X[b,t,d] + M[b,t]", **grid)
        self.nest(f"{name}.variance", "V[b,t] += C[b,t,d] * C[b,t,d]", "reduction", **grid)
        text = "N[b,t,d] = C[b,t,d] * V[b,t] * scale[d]"
        self.nest(scale, text, parameters={"scale": scale}, **grid)
        text = "Y[b,t,d] = N[b,t,d] + shift[d]"
        self.nest(shift, text, parameters={"shift": shift}, apart=("Y",), **grid)

    def rms_norm(self, name):
        """Mean square and scale: two passes over the vectors."""
        grid, scale = self.grid(), f"{name}.scale"
        self.nest(f"{name}.squares", "V[b,t] += X[b,t,d] * X[b,t,d]", "reduction", **grid)
        text = "Y[b,t,d] = X[b,t,d] * V[b,t] * scale[d]"
        self.nest(scale, text, parameters={"scale": scale}, apart=("Y",), **grid)

    def pointwise(self, name, function, width=None):
        """A function of every element."""
        self.nest(name, "Y[b,t,d] = X[b,t,d]", function=function, **self.grid(width))

    def add(self, name):
        """The sum with the vectors that skipped some layers."""
        self.nest(name, "Y[b,t,d] = X[b,t,d] + Z[b,t,d]", apart=("Z",), **self.grid())

    def multiply(self, name, width=None):
        """The product of two sequences, element by element: a gate."""
        self.nest(name, "Y[b,t,d] = X[b,t,d] * Z[b,t,d]", apart=("Z",), **self.grid(width))
