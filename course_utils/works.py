"""The works of the course: each is a row of the running table and a dot of the poster.

A lesson shows its rows with `table(n)` and pins its dots with `poster(n)`, on the machine that it
speaks of; the last lesson shows all rows, and all dots under one roof.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache, partial
from textwrap import fill

import numpy as np

from . import serving
from .cache import Hierarchy
from .chip import START, WORKLOADS
from .collectives import collective
from .draw.roofline import Point, roofline
from .draw.together import together
from .kernels import dense, dynamic, sequential, spatial
from .machines import Machine, machine
from .meters import Meters
from .nest import LoopNest
from .networks import blocks, llama
from .pipeline import Pipeline

__all__ = ["SETTINGS", "WORKS", "Setting", "Work", "find", "poster", "table"]


@dataclass(frozen=True)
class Setting:
    """Where a lesson's works run: a `Machine`, its short name, the type of its numbers.

    `counted`: what the works are and how their bytes are counted.  `alone`: whether these cross
    something else than main memory, so that the dots stand in their own lesson only.
    """

    machine: Machine
    short: str
    counted: str
    dtype: str = "fp32"
    alone: bool = False


_TWO = Machine.reference(), "ref"
_ONE = Machine.reference(threads=1), "ref 1"
_H100 = machine("H100"), "H100"
_LINK = Machine("link of 50 GB/s", {"float32": _ONE[0].peak()}, 50e9), "link"
_CHIP = START.machine, "chip"

SETTINGS = {
    0: Setting(*_TWO, "each array crosses once; no biases"),
    1: Setting(*_TWO, "dense layers with bias; each array crosses once"),
    2: Setting(*_TWO, "each array once, im2col's copy twice and with a border"),
    3: Setting(*_TWO, "100 steps, states go out; held: weights, state; go: they cross each step"),
    4: Setting(*_TWO, "8 heads of 64; S, P stored and fetched, or tiles of 128"),
    5: Setting(*_H100, "Llama-2 7B, context 512; weights, KV cache once a step", "bf16"),
    6: Setting(*_TWO, "batch 1; each step moves its own arrays in and out"),
    7: Setting(*_ONE, "as if memory lay behind 32 KiB", alone=True),
    8: Setting(*_ONE, "65,536 of 1,048,576 numbers; each line once, behind all caches", alone=True),
    9: Setting(*_LINK, "one of 8 ranks; 1 MB of gradients round a ring", alone=True),
    10: Setting(*_H100, "each array crosses once; no biases", "bf16"),
    11: Setting(*_CHIP, "what its SRAM of 8 MiB leaves to HBM", "bf16", alone=True),
}


@dataclass(frozen=True)
class Work:
    """A piece of work of a lesson.

    `key`: the lesson and a letter, such as "1b".  `made(itemsize=…)` gives its steps, one after
    another, as a `LoopNest`, a `Pipeline` or a list of `Meters`, of which the first holds the
    memory of all.  `ran`: where a model of its own tells the time, a function that gives its
    `chip.Cost`.
    """

    key: str
    name: str
    made: Callable
    ran: Callable | None = None

    @property
    def lesson(self):
        """The number of its lesson.

        >>> find("10a").lesson
        10
        """
        return int(self.key[:-1])

    @property
    def setting(self):
        """Its lesson's `Setting`."""
        return SETTINGS[self.lesson]

    def steps(self, dtype=None):
        """Its steps, a tuple of `Meters`; in its own type of numbers, or another."""
        return _steps(self, _itemsize(dtype or self.setting.dtype))

    def meters(self, dtype=None):
        """The `Meters` of all steps together.

        >>> find("0b").meters()
        Meters: memory 317,136 B, compute 78,400 MAC, movement 317,136 B, intensity 0.494 FLOP/B
        """
        return sum(self.steps(dtype), Meters())

    def rate(self, machine=None, dtype=None):
        """FLOP/s at best, step after step, on its own machine or another."""
        if machine is None and self.ran:
            return self.ran().flops_per_second
        seconds = sum(_seconds(self, machine, dtype))
        return self.meters(dtype).flops / seconds

    def limit(self, machine=None, dtype=None):
        """What nine tenths of its time or more go by, "compute" or "movement", else "both".

        On the chip of lesson 11, "arrays" are neither: they are busy, and mostly not with products.

        >>> [find(key).limit() for key in ("1a", "1b", "2c", "11d")]
        ['movement', 'compute', 'both', 'arrays']
        """
        if machine is None and self.ran:
            cost, chip = self.ran(), self.setting
            if cost.limit == "memory":
                return "movement"
            full = cost.flops_per_second > 0.9 * chip.machine.peak(chip.dtype)
            return "compute" if full else "arrays"
        moving, computing = _seconds(self, machine, dtype)
        share = moving / (moving + computing)
        return "movement" if share >= 0.9 else "compute" if share <= 0.1 else "both"

    def point(self, machine=None, dtype=None, **about):
        """Its `draw.Point`, named as it is, on its own machine or another."""
        about.setdefault("label", self.name)
        rate = self.rate(machine, dtype)
        return Point(intensity=self.meters(dtype).intensity, in_steps=rate, **about)

    def share(self):
        """Its `draw.Point`, named by its key, in ridges and in the peak of its own machine."""
        chip, dtype = self.setting.machine, self.setting.dtype
        across = self.meters().intensity / chip.ridge(dtype)
        return Point(self.key, across, in_steps=self.rate() / chip.peak(dtype))


def _itemsize(dtype):
    return 2 if dtype in ("bf16", "fp16") else 4


def _seconds(work, machine, dtype):
    """(seconds of the steps that wait for bytes, seconds of the others)."""
    machine, dtype = machine or work.setting.machine, dtype or work.setting.dtype
    spent = [0.0, 0.0]
    for step in work.steps(dtype):
        computes = step.flops >= machine.ridge(dtype) * step.moved
        spent[computes] += machine.time(step, dtype)
    return spent


@cache
def _steps(work, itemsize):
    made = work.made(itemsize=itemsize)
    if isinstance(made, LoopNest):
        return (made.meters(),)
    if isinstance(made, Pipeline):
        return _with_memory(made.meters().memory, [nest.meters() for nest in made.nests])
    return tuple(made)


def _with_memory(memory, steps):
    """Steps that hold so many bytes together."""
    first, *others = (replace(step, memory=0) for step in steps)
    return (replace(first, memory=memory), *others)


def _dense(batch, side, itemsize):
    """A square dense layer with its bias, which is there when the product begins."""
    return [dense.layer(batch, side, side, itemsize).meters()]


def _recurrent(batch, itemsize, stay=False):
    """100 steps of an RNN 100→128: weights and bias once a step, or once; x in, states out."""
    macs = sequential.rnn_nests(t=100, i=100, o=128, b=batch).macs
    weights, state = 128 * (100 + 128 + 1), batch * 128
    moved = weights + 100 * (batch * 100 + state) if stay else 100 * (weights + batch * 100 + state)
    return [Meters(memory=itemsize * (weights + state), macs=macs, moved=itemsize * moved)]


def _stored(tokens, itemsize):
    """Attention of eight heads of 64, with a round trip for its scores."""
    return dynamic.attention_nests(tokens, 64, h=8, passes=1, itemsize=itemsize)


def _tiled(tokens, itemsize, rows=128):
    """The same in tiles of queries; K and V come once for each tile."""
    passes = -(-tokens // rows)
    held = 8 * (4 * tokens * 64 + rows * (rows + 64 + 2))
    moved = 8 * 2 * tokens * 64 * (1 + passes)
    work = _stored(tokens, itemsize).meters()
    return [replace(work, memory=itemsize * held, moved=itemsize * moved)]


def _serving(step, *sizes, itemsize):
    """A step of Llama-2 7B, operation by operation."""
    whole = step(llama("2-7b"), *sizes, itemsize=itemsize)
    parts = [Meters(macs=each.macs, moved=each.moved) for each in whole.operations]
    return _with_memory(whole.meters().memory, parts)


def _block(name, itemsize):
    """A block of lesson 6, layer by layer."""
    block = blocks()[name]
    layers = [layer.meters(itemsize) for layer in block]
    return _with_memory(block.meters(itemsize).memory, layers)


def _behind(caches, nest):
    """The work of a nest, with the bytes that cross the last of these caches."""
    moved = Hierarchy.parse(caches).replay(nest).moved
    return [replace(nest.meters(), moved=moved)]


def _product(itemsize, tile=None):
    """A product of 432 × 432 behind 32 KiB, in the order i k j, tiled or not."""
    nest = LoopNest(_MATMUL, i=432, j=432, k=432, itemsize=itemsize).order(*"ikj")
    return _behind("32KiB/8", nest.tile(i=tile, k=tile, j=tile) if tile else nest)


def _sum(place, itemsize):
    """65,536 numbers out of 4 MiB, added up behind the caches of the reference."""
    n, rng = 65_536, np.random.default_rng(0)
    given = dict(shapes={"x": (16 * n,)}, itemsize=itemsize)
    if "at" in place:
        rng.integers(10, size=16 * n)  # the lesson draws the numbers before the places
        given["index"] = {"at": rng.permutation(16 * n)[:n]}
    nest = LoopNest(f"s += x[{place}]", i=n, **given)
    return _behind(_ONE[0].caches, nest)


def _exchange(images, itemsize):
    """A rank's part in an all-reduce of 1 MB round a ring of eight, and its images in between.

    An image takes three MACs for each weight of a dense layer: forward, and two backward.
    """
    plan, size = collective("all-reduce", "ring", ranks=8), 10**6
    weights = size // itemsize
    adds = 0 if images else int(plan.reduced(size)[0]) // itemsize
    moved = int(plan.time(size, alpha=0, beta=1))
    return [Meters(memory=size, macs=3 * images * weights, adds=adds, moved=moved)]


def _on_our_chip(name, itemsize):
    """A workload of lesson 11, with the bytes that cross the HBM of the chip it begins with."""
    cost = _cost(name)
    return [Meters(memory=itemsize * _HELD[name], macs=cost.macs, moved=cost.moved)]


def _cost(name):
    return START.run(WORKLOADS[name])


def _decoder_block(tokens):
    """Numbers of its weights, and of x, Q, K, V, heads, y, what is inside, z, each once."""
    d, inside = 2048, 8192
    return 4 * d * d + 2 * d * inside + tokens * (7 * d + inside)


_HELD = {
    "decode": _decoder_block(8),
    "prefill": _decoder_block(1024) + 16 * 1024**2,  # and a table of scores for each head
    "conv": 9 * 64 * 64 + 4 * 56**2 * (9 * 64 + 64),  # pictures as windows
    "RNN": 2 * 1024**2 + 65 * 1024 + 64 * 1024,  # states, the first one too, and inputs
}


_MAPS = dict(b=1, c=64, image=(56, 56), taps=(3, 3), padding=1)
_DIGIT = dict(b=1, c=1, image=(28, 28), taps=(3, 3), padding=1)
_LAYER = "H[b,o] += X[b,i] * W[i,o]"
_MATMUL = "C[i,j] += A[i,k] * B[k,j]"
_SQUARE = dict(i=4096, o=4096)

WORKS = (
    Work("0a", "z = x + y", partial(LoopNest, "z[n] = x[n] + y[n]", n=8_000_000)),
    Work("0b", "784→100, batch 1", partial(LoopNest, _LAYER, b=1, i=784, o=100)),
    Work("0c", "784→100, batch 64", partial(LoopNest, _LAYER, b=64, i=784, o=100)),
    Work("0d", "matmul, n = 1,024", partial(LoopNest, _MATMUL, i=1024, j=1024, k=1024)),
    Work("1a", "4096→4096, batch 1", partial(_dense, 1, 4096)),
    Work("1b", "4096→4096, batch 64", partial(_dense, 64, 4096)),
    Work("2a", "3×3, 1→32, 28²", partial(spatial.conv_nest, k=32, **_DIGIT)),
    Work("2b", "3×3, 64→64, 56²", partial(spatial.conv_nest, k=64, **_MAPS)),
    Work("2c", "the same by im2col", partial(spatial.lowered_nests, k=64, **_MAPS)),
    Work("3a", "weights go", partial(_recurrent, 1)),
    Work("3b", "weights go, b = 32", partial(_recurrent, 32)),
    Work("3c", "weights stay", partial(_recurrent, 1, stay=True)),
    Work("4a", "N = 512, stored", partial(_stored, 512)),
    Work("4b", "N = 512, tiles", partial(_tiled, 512)),
    Work("4c", "N = 4,096, stored", partial(_stored, 4096)),
    Work("4d", "N = 4,096, tiles", partial(_tiled, 4096)),
    Work("5a", "prefill, 512 tokens", partial(_serving, serving.prefill, 512)),
    Work("5b", "decode, 1 sequence", partial(_serving, serving.decode, 512)),
    Work("5c", "decode, 64 of them", partial(_serving, serving.decode, 512, 64)),
    Work("6a", "ResNet block", partial(_block, "ResNet")),
    Work("6b", "MobileNet block", partial(_block, "MobileNet")),
    Work("6c", "ViT block", partial(_block, "ViT")),
    Work("6d", "GPT block, a token", partial(_block, "GPT")),
    Work("6e", "MoE block", partial(_block, "MoE")),
    Work("6f", "Mamba block", partial(_block, "Mamba")),
    Work("7a", "432³, order i k j", _product),
    Work("7b", "432³, tiles of 72", partial(_product, tile=72)),
    Work("8a", "sum, in order", partial(_sum, "i")),
    Work("8b", "sum, every 16th", partial(_sum, "16*i")),
    Work("8c", "sum, at random", partial(_sum, "at[i]")),
    Work("9a", "all-reduce", partial(_exchange, 0)),
    Work("9b", "batch 1 a rank", partial(_exchange, 1)),
    Work("9c", "batch 8 a rank", partial(_exchange, 8)),
    Work("9d", "batch 64 a rank", partial(_exchange, 64)),
    Work("10a", "4096→4096, b = 1", partial(LoopNest, _LAYER, b=1, **_SQUARE)),
    Work("10b", "4096→4096, b = 64", partial(LoopNest, _LAYER, b=64, **_SQUARE)),
    Work("10c", "4096→4096, b = 512", partial(LoopNest, _LAYER, b=512, **_SQUARE)),
    *(
        Work(key, name, partial(_on_our_chip, work), partial(_cost, work))
        for key, name, work in (
            ("11a", "decode, 8 texts", "decode"),
            ("11b", "prefill, a block", "prefill"),
            ("11c", "conv, 4 pictures", "conv"),
            ("11d", "RNN, 64 steps", "RNN"),
        )
    ),
)
# From one to the other by what the course teaches: a batch, weights that stay, tiles.
_MOVES = ("0b", "0c"), ("3a", "3c"), ("7a", "7b")


_LIMITS = {
    "both": "part of the time waits for bytes, part computes; neither is nine tenths",
    "arrays": "weights enter the arrays for so few rows that these hardly multiply",
}


def find(key):
    """The `Work` called so, such as "1b"; a ValueError lists the keys there are.

    >>> find("1b").name
    '4096→4096, batch 64'
    """
    for work in WORKS:
        if work.key == key:
            return work
    raise ValueError(f"works: there is no {key!r}; there are {', '.join(w.key for w in WORKS)}")


def table(lesson=None):
    """Print the running table: the rows of a lesson, or of all, each on its lesson's machine.

    A MAC is two FLOP, an addition one; k is 1,000.  Under it stands how each lesson counts.

    >>> table(1)
                           ▪ memory   ● FLOP  ➜ moved  FLOP/B  limit    on
    1a  4096→4096, batch 1  67.2 MB   33.6 M   67.2 MB   0.500  movement ref
    1b  4096→4096, batch 64 69.2 MB   2.15 G   69.2 MB    31.0  compute  ref
    1: reference, fp32; dense layers with bias; each array crosses once
    """
    works = _chosen(lesson)
    print(f"{'':23}▪ memory   ● FLOP  ➜ moved  FLOP/B  limit    on")
    for work in works:
        m = work.meters()
        sizes = f"{_three(m.memory)}B{_three(m.flops, 9)}{_three(m.moved, 9)}B"
        row = f"{work.key:3} {work.name:19}{sizes}{f'{m.intensity:#.3g}'.rstrip('.'):>8}"
        print(f"{row}  {work.limit():8} {work.setting.short}")
    for number in sorted({work.lesson for work in works}):
        here = SETTINGS[number]
        _say(f"{number}: {here.machine.name}, {here.dtype}; {here.counted}")
    found = {work.limit() for work in works}
    for limit, says in _LIMITS.items():
        if limit in found:
            _say(f"{limit}: {says}")


def _say(words):
    """Print a note, in lines that a narrow window does not break."""
    print(fill(words, 74, subsequent_indent="  "))


def _three(n, wide=7):
    """A whole number in three figures and a prefix, right-aligned with room for the unit."""
    rounded = float(f"{n:.3g}")
    for power, prefix in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if rounded >= power:
            figures = f"{rounded / power:#.3g}".rstrip(".")
            return f"{f'{figures} {prefix}':>{wide}}"
    return f"{f'{n} ':>{wide}}"


def poster(lesson=None, title=None, **about):
    """The poster, a `Picture`: a lesson's dots by name on its machine, earlier ones small; or all.

    `title` is the finding.  Earlier works are counted in the lesson's type of numbers; those that
    cross something else than it are left out.  `about`: what else `roofline` takes.
    All works together stand each under its own machine's roof.
    """
    works = _chosen(lesson)
    if lesson is None:
        waiting = sum(work.limit() == "movement" for work in works)
        title = title or f"{waiting} of {len(works)} works are limited by movement"
        second = "Each on the machine of its lesson; arrows: a batch, weights that stay, tiles."
        return together([w.share() for w in works], _MOVES, title=title, second=second)
    here = SETTINGS[lesson]
    points = [
        work.point(here.machine, here.dtype, faint=True)
        for work in WORKS
        if work.lesson < lesson and not (here.alone or work.setting.alone)
    ]
    name = here.machine.name[:1].upper() + here.machine.name[1:]
    about.setdefault("second", f"{name}, {here.dtype}; {here.counted}.")
    points += [work.point(bold=True) for work in works]
    return roofline(here.machine, points, dtype=here.dtype, title=title, **about)


def _chosen(lesson):
    if lesson is not None and lesson not in SETTINGS:
        known = max(SETTINGS)
        raise ValueError(f"works: lesson is {lesson!r}; give 0 to {known}, or nothing for all")
    return [work for work in WORKS if lesson in (None, work.lesson)]
