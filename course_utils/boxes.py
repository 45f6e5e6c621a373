"""Sealed boxes: layers that tell four exact numbers, and one whose time can be measured.

A box is a layer of one of five families, its sizes hidden.  Its user chooses n: the inputs of an
MLP, the side of a CNN's picture, the steps of an RNN, the tokens of attention and of a mixture of
experts (MoE).  What it tells holds for one forward pass in all five families:

* `params`: trained numbers, weights and biases (MLP, CNN and RNN have one bias an output, attention
  and MoE none).
* `macs`: multiply-accumulates of the matrix products and windows; padded taps count, bias additions
  do not.  Of an MoE the router and the `top` experts of each token, the chosen ones.
* `activations`: elements of all tensors that the products read or write and that are no
  parameters, inputs and outputs among them, each tensor once.  What happens between products (bias,
  tanh, softmax, the scaling of an expert's numbers by the router's score) happens in place, indexes
  of experts are no activations, and an RNN keeps one step: its steps share their memory.
* `depth`: products in a row: the longest chain of products of which each needs a result of the one
  before.  Sums of two products are no product: an RNN's x W and h U stand side by side.

All four are read off the `LoopNest`s of the family.
"""

import random
from dataclasses import dataclass, field
from functools import partial
from math import prod
from typing import NamedTuple

import numpy as np
from threadpoolctl import threadpool_limits

from . import measure
from .arguments import whole
from .networks.network import Layer
from .networks.parts import nest, spread

__all__ = [
    "FAMILIES",
    "KINDS",
    "PAR",
    "RULES",
    "Box",
    "Reading",
    "Score",
    "TimedBox",
    "Verdict",
    "boxes",
    "reading",
    "score",
    "sealed",
    "timed_box",
]

FAMILIES = {
    "MLP": ("h",),
    "CNN": ("r", "c", "k"),
    "RNN": ("d", "h"),
    "attention": ("d", "heads"),
    "MoE": ("d", "f", "experts", "top"),
}
RULES = {
    "MLP": "n inputs, h outputs",
    "CNN": "n × n picture of c channels, k filters of r × r, r odd, padded to n × n",
    "RNN": "n steps of d inputs, a state of h",
    "attention": "n tokens of width d; heads divide d",
    "MoE": "n tokens of width d; top of the experts, each d → f → d, for every token; d and f are "
    "multiples of 8, d ≤ f ≤ 1024, top ≤ experts ≤ 64, top ≤ 4",
}
PAR = 1  # probe a box: with the depth, one tells the family and all sizes

_LONGEST, _WIDEST, _LARGEST = 4096, 256, 4096  # n, batch, a hidden size
_FIRST = {
    "MLP": dict(h=300),
    "CNN": dict(r=5, c=3, k=24),
    "RNN": dict(d=64, h=96),
    "attention": dict(d=192, heads=6),
    "MoE": dict(d=128, f=512, experts=8, top=2),
}


class Reading(NamedTuple):
    """What a box tells: four integers, defined at the top of this module."""

    params: int
    macs: int
    activations: int
    depth: int


# --- the five families, as nests --------------------------------------------------------------


@dataclass(frozen=True)
class _Work:
    """The products (and biases) of one step of a layer.

    `carried`: {tensor: what it was called in the step before}; `chosen`: {index array: the tensor
    whose numbers decide it}.
    """

    layers: tuple
    steps: int = 1
    carried: dict = field(default_factory=dict)
    chosen: dict = field(default_factory=dict)

    def reading(self):
        parameters, held = {}, {}
        for layer in self.layers:
            parameters |= layer.parameter_shapes
            unheld = {*layer.parameters, *layer.nest.work.tables}
            held |= {t: layer.nest.shape(t) for t in layer.nest.tensors if t not in unheld}
        return Reading(
            params=sum(map(prod, parameters.values())),
            macs=self.steps * sum(layer.macs for layer in self.layers),
            activations=sum(map(prod, held.values())),
            depth=self.depth(),
        )

    def depth(self):
        """The longest chain, product by product and step by step."""
        found = {}  # tensor: products in the longest chain that ends in it
        for _ in range(self.steps):
            found = {tensor: found.get(before, 0) for tensor, before in self.carried.items()}
            for product in (layer.nest for layer in self.layers if layer.contracts):
                reads = (*product.inputs, *product.work.tables)
                chain = 1 + max(found.get(self.chosen.get(t, t), 0) for t in reads)
                found[product.output] = max(chain, found.get(product.output, 0))
        return max(found.values())


def _product(text, weight="", primitive="matmul", **sizes):
    parameters = {weight: weight} if weight else {}
    return Layer(text.split("[")[0], nest(text, **sizes), parameters, primitive)


def _bias(text, **sizes):
    return Layer("bias", nest(text, **sizes), {"bias": "bias"}, "elementwise", "bias")


def _mlp(n, b, h):
    return _Work(
        (
            _bias("H[b,o] = bias[o]", b=b, o=h),
            _product("H[b,o] += X[b,i] * W[i,o]", "W", b=b, i=n, o=h),
        )
    )


def _cnn(n, b, r, c, k):
    before = r // 2
    y, x = (f"y+r-{before}", f"x+s-{before}") if before else ("y+r", "x+s")
    text = f"Y[b,k,y,x] += X[b,c,{y},{x}] * W[k,c,r,s]"
    grid = dict(b=b, k=k, y=n, x=n)
    taps = dict(c=c, r=r, s=r, X=(b, c, n, n), pad=before)
    return _Work(
        (
            _bias("Y[b,k,y,x] = bias[k]", **grid),
            _product(text, "W", "window", **grid, **taps),
        )
    )


def _rnn(n, b, d, h):
    return _Work(
        (
            _bias("Z[b,o] = bias[o]", b=b, o=h),
            _product("Z[b,o] += X[b,i] * W[i,o]", "W", b=b, i=d, o=h),
            _product("Z[b,o] += H[b,j] * U[j,o]", "U", b=b, j=h, o=h),
        ),
        steps=n,
        carried={"H": "Z"},
    )


def _attention(n, b, d, heads):
    own = dict(b=b, h=heads, e=d // heads)
    return _Work(
        (
            _product("Q[b,q,h,e] += X[b,q,d] * WQ[d,h,e]", "WQ", q=n, d=d, **own),
            _product("K[b,j,h,e] += X[b,j,d] * WK[d,h,e]", "WK", j=n, d=d, **own),
            _product("V[b,j,h,e] += X[b,j,d] * WV[d,h,e]", "WV", j=n, d=d, **own),
            _product("S[b,h,q,j] += Q[b,q,h,e] * K[b,j,h,e]", q=n, j=n, **own),
            _product("A[b,q,h,e] += S[b,h,q,j] * V[b,j,h,e]", q=n, j=n, **own),
            _product("Y[b,q,d] += A[b,q,h,e] * WO[h,e,d]", "WO", q=n, d=d, **own),
        )
    )


def _moe(n, b, d, f, experts, top):
    tokens = dict(b=b, t=n, d=d)
    chosen = dict(s=top, f=f, index={"pick": spread((b, n, top), experts)})
    up, down = dict(U=(experts, d, f)), dict(D=(experts, f, d))
    return _Work(
        (
            _product("R[b,t,g] += X[b,t,d] * G[d,g]", "G", g=experts, **tokens),
            _product("H[b,t,s,f] += X[b,t,d] * U[pick[b,t,s],d,f]", "U", **tokens, **chosen, **up),
            _product(
                "Y[b,t,d] += H[b,t,s,f] * D[pick[b,t,s],f,d]", "D", **tokens, **chosen, **down
            ),
        ),
        chosen={"pick": "R"},
    )


_WORK = {"MLP": _mlp, "CNN": _cnn, "RNN": _rnn, "attention": _attention, "MoE": _moe}


def reading(family, n, batch=1, **sizes):
    """The `Reading` of a layer whose sizes are known; n up to 4,096, batch up to 256.

    Raises `ValueError` for sizes that `FAMILIES` does not name or `RULES` do not allow.

    >>> reading("MLP", n=784, batch=1, h=100)
    Reading(params=78500, macs=78400, activations=884, depth=1)
    >>> reading("attention", n=16, d=192, heads=6)
    Reading(params=147456, macs=2457600, activations=19968, depth=4)
    """
    family, sizes = _allowed(family, sizes)
    return _WORK[family](*_asked("reading", n, batch), **sizes).reading()


def _asked(what, n, batch):
    """n and batch as integers, or a `ValueError`."""
    found = []
    for name, value, most in (("n", n, _LONGEST), ("batch", batch, _WIDEST)):
        found.append(whole(value, f"{what}: {name}"))
        if found[-1] > most:
            raise ValueError(f"{what}: {name} must be at most {most:,}; got {value!r}")
    return tuple(found)


def _named(family):
    """The family, found in upper or lower case."""
    known = {name.lower(): name for name in FAMILIES}
    if not isinstance(family, str) or family.lower() not in known:
        raise ValueError(f"no family {family!r}; there are {', '.join(FAMILIES)}")
    return known[family.lower()]


def _integers(family, sizes):
    """The family and its sizes as integers in the order of `FAMILIES`, or a `ValueError`."""
    family = _named(family)
    names = FAMILIES[family]
    if set(sizes) != set(names):
        given = ", ".join(sizes) or "none"
        raise ValueError(f"{family}: its sizes are {', '.join(names)}; got {given}")
    return family, {name: whole(sizes[name], f"{family}: {name}") for name in names}


def _allowed(family, sizes):
    """The same, of sizes that obey the `RULES`."""
    family, sizes = _integers(family, sizes)
    fits = max(sizes.values()) <= _LARGEST
    if family == "CNN":
        fits = fits and sizes["r"] % 2 == 1
    elif family == "attention":
        fits = fits and sizes["d"] % sizes["heads"] == 0
    elif family == "MoE":
        d, f, experts, top = sizes.values()
        fits = d % 8 == f % 8 == 0 and d <= f <= 1024 and top <= experts <= 64 and top <= 4
    if not fits:
        given = ", ".join(f"{name}={value}" for name, value in sizes.items())
        raise ValueError(
            f"{family}: {given} is not allowed: {RULES[family]}; no size above {_LARGEST:,}"
        )
    return family, sizes


# --- boxes ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Verdict:
    """What an attempt to open a box gives: whether the family is right, and which sizes are.

    True where all is right.  `sizes`: {name: whether it is right}, empty under a wrong family.
    """

    box: str
    family: str
    right: bool
    sizes: dict
    probes: int

    def __bool__(self):
        return self.right and all(self.sizes.values())

    def __repr__(self):
        if self:
            says = f"open, {self.family} with all sizes right"
        elif not self.right:
            says = f"no {self.family}"
        else:
            wrong = ", ".join(name for name, right in self.sizes.items() if not right)
            says = f"{self.family} is right, not right yet: {wrong}"
        return f"box {self.box}, {_probes(self.probes)}: {says}"


class Box:
    """A layer that hides its family and sizes; `boxes` and `sealed` make them.

    >>> box = sealed("RNN", d=3, h=4)
    >>> box.probe(n=10)
    Reading(params=32, macs=280, activations=11, depth=10)
    >>> box
    box ?, 1 probe
    """

    __slots__ = ("_asked", "_count", "_judge", "_opened", "_wrong", "name")

    def __init__(self, name, count, judge):
        self.name = name
        self._count, self._judge = count, judge
        self._asked, self._wrong, self._opened = set(), set(), False

    def probe(self, n, batch=1):
        """The `Reading` at this n and batch; what was asked before costs nothing again.

        n: 1 to 4,096; batch: 1 to 256; else a `ValueError`, which costs nothing either.
        """
        asked = _asked(f"box {self.name}", n, batch)
        found = self._count(*asked)
        self._asked.add(asked)
        return found

    @property
    def probes(self):
        """What has been spent: different probes, and different wrong attempts to open it."""
        return len(self._asked) + len(self._wrong)

    @property
    def opened(self):
        """Whether the family and all sizes have been named."""
        return self._opened

    def open(self, family, **sizes):
        """The `Verdict` on a family and its sizes; a new wrong one costs a probe.

        So a guess buys no more than a probe would.  Names and orders of the sizes: `FAMILIES`;
        a name or a size that cannot be raises `ValueError` and costs nothing.

        >>> box = sealed("RNN", d=3, h=4)
        >>> box.open("MLP", h=4)
        box ?, 1 probe: no MLP
        >>> box.open("RNN", d=3, h=5)
        box ?, 2 probes: RNN is right, not right yet: h
        >>> box.open("RNN", d=3, h=4)
        box ?, 2 probes: open, RNN with all sizes right
        """
        family, sizes = _integers(family, sizes)
        right, each = self._judge(family, sizes)
        if right and all(each.values()):
            self._opened = True
        elif not self._opened:
            self._wrong.add((family, *sizes.values()))
        return Verdict(self.name, family, right, each, self.probes)

    def __repr__(self):
        return f"box {self.name}, {_probes(self.probes)}" + (", open" if self._opened else "")


def _probes(n):
    return f"{n} probe{'' if n == 1 else 's'}"


def sealed(family, name="?", **sizes):
    """A `Box` of this family and these sizes, for tests and graders; raises as `reading` does.

    >>> sealed("CNN", r=3, c=1, k=2).probe(n=10)
    Reading(params=20, macs=1800, activations=300, depth=1)
    """
    family, sizes = _allowed(family, sizes)

    def count(n, batch):
        return _WORK[family](n, batch, **sizes).reading()

    def judge(guess, guessed):
        right = guess == family
        return right, {size: guessed[size] == sizes[size] for size in guessed if right}

    return Box(name, count, judge)


def boxes(seed=None):
    """{"A": `Box`, … "E": `Box`}, one of each family; another seed, other sizes in another order.

    >>> boxes()
    {'A': box A, 0 probes, 'B': box B, 0 probes, 'C': box C, 0 probes, 'D': box D, 0 probes, \
'E': box E, 0 probes}
    """
    draw = random.Random(11 if seed is None else whole(seed, "boxes: seed", least=0))
    order = draw.sample(list(FAMILIES), len(FAMILIES))
    sizes = _FIRST if seed is None else _drawn(draw)
    named = zip("ABCDE", order, strict=True)
    return {name: sealed(family, name, **sizes[family]) for name, family in named}


def _drawn(draw):
    """{family: sizes} that one meets in networks."""
    heads, experts, width = draw.choice((2, 3, 4, 6, 8, 12)), draw.randint(4, 64), 8
    d = width * draw.randint(4, 32)
    return {
        "MLP": dict(h=draw.randint(50, 1000)),
        "CNN": dict(r=draw.choice((3, 5, 7, 9)), c=draw.randint(1, 32), k=draw.randint(2, 128)),
        "RNN": dict(d=draw.randint(16, 256), h=draw.randint(16, 256)),
        "attention": dict(d=heads * draw.choice((16, 24, 32, 48, 64)), heads=heads),
        "MoE": dict(
            d=d,
            f=width * draw.randint(d // width, 128),
            experts=experts,
            top=draw.randint(1, 3),
        ),
    }


@dataclass(frozen=True)
class Score:
    """Boxes that are open, boxes in all, probes spent on all of them; `score` makes it."""

    opened: int
    boxes: int
    probes: int

    @property
    def par(self):
        """Probes of a sound player: one a box."""
        return PAR * self.boxes

    def __repr__(self):
        text = f"{self.opened} of {self.boxes} boxes open, {_probes(self.probes)}, par {self.par}"
        if self.opened < self.boxes:
            return text
        over = self.probes - self.par
        return f"{text}: " + (
            f"{abs(over)} {'over' if over > 0 else 'under'} par" if over else "par"
        )


def score(boxes):
    """The `Score` of a dict of boxes, such as `boxes()` gives.

    >>> score({"A": sealed("MLP", h=3)})
    0 of 1 boxes open, 0 probes, par 1
    """
    each = list(boxes.values())
    return Score(sum(box.opened for box in each), len(each), sum(box.probes for box in each))


# --- the sixth box: only its time is told -------------------------------------------------------


def _tiny(n, batch):
    """500 additions of 64 numbers, whatever n and batch: the time is that of 500 calls."""
    x, y = np.ones((2, 64), np.float32)
    out = np.empty_like(x)

    def work():
        for _ in range(500):
            np.add(x, y, out)
        return out

    return work


def _thin(n, batch):
    """(2n, 4096) times (4096, batch): 32 KiB of matrix for each n, 128 MiB at n = 4,096."""
    return partial(np.matmul, *_ones((2 * n, 4096), (4096, batch)))


def _thick(n, batch):
    """(512, n) times (n, 64 batch): each number of the matrix serves 64 batch columns."""
    return partial(np.matmul, *_ones((512, n), (n, 64 * batch)))


def _ones(*shapes):
    return [np.ones(shape, np.float32) for shape in shapes]


_OPERATIONS = {"overhead-bound": _tiny, "memory-bound": _thin, "compute-bound": _thick}
KINDS = tuple(_OPERATIONS)


class TimedBox:
    """An operation of NumPy that tells only its time here; `timed_box` makes them.

    It is "overhead-bound": many calls on few numbers, at every n and batch; "memory-bound": a
    matrix larger than most caches meets a few vectors, n sets its rows; or "compute-bound": a
    matrix meets many vectors, n sets their length.
    """

    __slots__ = ("_judge", "_operation", "_runs")

    def __init__(self, operation, judge):
        self._operation, self._judge, self._runs = operation, judge, 0

    def time(self, n, batch=1):
        """Seconds of the fastest of a few runs, on one core.

        n: 64 to 4,096; batch: 1 to 16; else a `ValueError`.
        Takes some 0.2 s and 130 MiB at most.  From n = 1,024 on the kind is clear.
        """
        n, batch = whole(n, "box F: n", least=64), whole(batch, "box F: batch")
        if n > 4096 or batch > 16:
            raise ValueError(
                f"box F: n is at most 4,096 and batch at most 16; got {n:,} and {batch:,}"
            )
        work = self._operation(n, batch)
        self._runs += 1
        # on one core: where others are busy too, threads wait for each other and hide the kind
        with threadpool_limits(1, user_api="blas"):
            return measure.stopwatch(work, seconds=0.02).fastest

    def open(self, kind):
        """Whether it is of this kind, one of `KINDS`.

        >>> sum(timed_box(seed=1).open(kind) for kind in KINDS)
        1
        """
        if kind not in KINDS:
            raise ValueError(f"box F: no kind {kind!r}; there are {', '.join(KINDS)}")
        return self._judge(kind)

    def __repr__(self):
        return f"box F, timed {self._runs} time{'' if self._runs == 1 else 's'}"


def timed_box(seed=None, kind=None):
    """A `TimedBox`, its kind drawn by the seed (anew each time without one), or of this `kind`.

    >>> timed_box(seed=1)
    box F, timed 0 times
    """
    if kind is None:
        seed = seed if seed is None else whole(seed, "timed_box: seed", least=0)
        kind = random.Random(seed).choice(KINDS)
    elif kind not in KINDS:
        raise ValueError(f"timed_box: no kind {kind!r}; there are {', '.join(KINDS)}")
    return TimedBox(_OPERATIONS[kind], lambda guess: guess == kind)
