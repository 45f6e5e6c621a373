"""Recurrent networks: the plain one, LSTM, GRU.  Weights are one for all steps."""

from functools import partial
from numbers import Integral

from ..arguments import whole
from ..notation import parse
from .network import Layer, Network
from .parts import nest


def rnn(inputs, hidden, biases=1, layers=1):
    """A plain recurrent network (Elman 1990): h ← tanh(x W + h U + b).

    `biases`: 1 (the formula, Keras), 2 (PyTorch, one for each product) or 0.  `tokens` are the
    steps, 1 unless given.

    >>> rnn(100, 128)
    RNN 100→128: 29,312 parameters, 29,184 MAC at batch 1, tokens 1
    >>> rnn(100, 128, biases=2).parameters
    29440
    """
    return _network("RNN", inputs, hidden, biases, layers)


def lstm(inputs, hidden, biases=1, layers=1):
    """A long short-term memory (Hochreiter and Schmidhuber 1997; forget gate: Gers et al. 2000).

    `biases`: 1 a gate (the formula, Keras), 2 (PyTorch) or 0.  The gates of W[g,o,i] are input,
    forget, output, candidate; PyTorch has the candidate third.

    >>> lstm(100, 128)
    LSTM 100→128: 117,248 parameters, 116,736 MAC at batch 1, tokens 1
    >>> lstm(100, 128, biases=2).parameters
    117760
    """
    return _network("LSTM", inputs, hidden, biases, layers)


def gru(inputs, hidden, biases=2, layers=1):
    """A gated recurrent unit (Cho et al. 2014), as in PyTorch and in Keras (reset_after=True): the
    reset gate scales the product h U, which therefore has a bias of its own.

    `biases`: 2, 1 (Keras' reset_after=False, the paper with biases: the gate scales h) or 0.

    >>> gru(100, 128)
    GRU 100→128: 88,320 parameters, 87,552 MAC at batch 1, tokens 1
    """
    return _network("GRU", inputs, hidden, biases, layers)


def _network(kind, inputs, hidden, biases, layers):
    what = kind.lower()
    inputs, hidden = whole(inputs, f"{what}: inputs"), whole(hidden, f"{what}: hidden")
    layers = whole(layers, f"{what}: layers")
    if not isinstance(biases, Integral) or isinstance(biases, bool) or not 0 <= biases <= 2:
        raise ValueError(
            f"{what}: biases must be 0, 1 (one a gate) or 2 (PyTorch's two); got {biases!r}"
        )
    name = f"{kind} {inputs}→{hidden}" + (f", {layers} layers" if layers > 1 else "")
    build = partial(_layers, kind, inputs, hidden, biases, layers)
    return Network(name, {"batch": 1, "tokens": 1}, build)


def _layers(kind, inputs, hidden, biases, layers, batch, tokens):
    found = []
    for i in range(layers):
        gates = {"RNN": 1, "LSTM": 4, "GRU": 3}[kind]
        steps = _Steps(batch, tokens, hidden, inputs if i == 0 else hidden, gates)
        if kind == "GRU":
            (_reset_before if biases == 1 else _reset_after)(steps, biases)
        else:
            (_plain if kind == "RNN" else _long_short)(steps, biases)
        found += [layer.within(f"layer.{i}") for layer in steps.layers]
    return found


class _Steps:
    """All steps of one layer as nests over t, in which H[b,t] is the state before step t.

    Index letters: t step, i input, j state, g gate, o output.
    """

    def __init__(self, batch, tokens, hidden, inputs, gates):
        # sums of all gates, and those that go through a sigmoid: a nest may look at some of them
        self.gates = {"Z": gates, "V": gates, "S": gates - 1} if gates > 1 else {}
        self.sizes = dict(b=batch, t=tokens, g=1, i=inputs, j=hidden, o=hidden)
        self.layers = []

    def nest(self, name, text, function="", primitive="elementwise", g=1, weight="", onto=False):
        """A layer of this nest; `weight`: its tensor that is a parameter of the layer's name."""
        used = parse(text).indexes
        sizes = {i: n for i, n in (self.sizes | {"g": g}).items() if i in used}
        b, t, o = (self.sizes[index] for index in "bto")
        sizes |= {T: (b, t, n, o) for T, n in self.gates.items() if f"{T}[" in text}
        parameters = {weight: name if function == "bias" else f"{name}.weight"} if weight else {}
        made = Layer(name, nest(text, **sizes), parameters, primitive, function, continues=onto)
        self.layers.append(made)

    def product(self, name, text, g, bias, onto=False):
        """The product that the text says, from a bias or on top of what is there (`onto`)."""
        output, weight = text.split(" += ")[0], text.split(" * ")[1][0]
        if bias:
            axes = "g,o" if g > 1 else "o"
            sign = "+=" if onto else "="
            self.nest(f"{name}.bias", f"{output} {sign} bias[{axes}]", "bias", g=g, weight="bias")
        self.nest(name, text, "", "matmul", g, weight, onto)


def _plain(steps, biases):
    steps.product("input", "Z[b,t,o] += X[b,t,i] * W[o,i]", 1, biases > 0)
    steps.product("state", "Z[b,t,o] += H[b,t,j] * U[o,j]", 1, biases > 1, onto=True)
    steps.nest("tanh", "Y[b,t,o] = Z[b,t,o]", "tanh")


def _long_short(steps, biases):
    """Gates: 0 input, 1 forget, 2 output, 3 candidate; C[b,t] is the cell before step t."""
    steps.product("input", "Z[b,t,g,o] += X[b,t,i] * W[g,o,i]", 4, biases > 0)
    steps.product("state", "Z[b,t,g,o] += H[b,t,j] * U[g,o,j]", 4, biases > 1, onto=True)
    steps.nest("gates", "S[b,t,g,o] = Z[b,t,g,o]", "sigmoid", g=3)
    steps.nest("candidate", "N[b,t,o] = Z[b,t,3,o]", "tanh")
    steps.nest("write", "A[b,t,o] = S[b,t,0,o] * N[b,t,o]")
    steps.nest("keep", "F[b,t,o] = S[b,t,1,o] * C[b,t,o]")
    steps.nest("cell", "D[b,t,o] = A[b,t,o] + F[b,t,o]")
    steps.nest("cell.tanh", "E[b,t,o] = D[b,t,o]", "tanh")
    steps.nest("output", "Y[b,t,o] = S[b,t,2,o] * E[b,t,o]")


def _reset_after(steps, biases):
    """Gates: 0 reset, 1 update, 2 candidate; the reset gate scales the product with the state."""
    steps.product("input", "Z[b,t,g,o] += X[b,t,i] * W[g,o,i]", 3, biases > 0)
    steps.product("state", "V[b,t,g,o] += H[b,t,j] * U[g,o,j]", 3, biases > 1)
    steps.nest("gates", "S[b,t,g,o] = Z[b,t,g,o] + V[b,t,g,o]", "sigmoid", g=2)
    steps.nest("reset", "R[b,t,o] = S[b,t,0,o] * V[b,t,2,o]")
    steps.nest("candidate", "N[b,t,o] = Z[b,t,2,o] + R[b,t,o]", "tanh")
    _update(steps)


def _reset_before(steps, biases):
    """The same gates; the reset gate scales the state before the candidate's product."""
    steps.product("input", "Z[b,t,g,o] += X[b,t,i] * W[g,o,i]", 3, biases > 0)
    steps.product("state", "Z[b,t,g,o] += H[b,t,j] * U[g,o,j]", 2, False, onto=True)
    steps.nest("gates", "S[b,t,g,o] = Z[b,t,g,o]", "sigmoid", g=2)
    steps.nest("reset", "R[b,t,o] = S[b,t,0,o] * H[b,t,o]")
    steps.product("state.candidate", "Z[b,t,2,o] += R[b,t,j] * C[o,j]", 1, False, onto=True)
    steps.nest("candidate", "N[b,t,o] = Z[b,t,2,o]", "tanh")
    _update(steps)


def _update(steps):
    """h ← n + update · (h − n)."""
    steps.nest("difference", "D[b,t,o] = H[b,t,o] + N[b,t,o]")
    steps.nest("update", "E[b,t,o] = S[b,t,1,o] * D[b,t,o]")
    steps.nest("output", "Y[b,t,o] = N[b,t,o] + E[b,t,o]")
