"""The works of the course: each is a row of the running table and a dot of the poster.

A lesson shows its rows with `table(n)` and pins its dots with `poster(n)`; the last one shows all.
Bytes moved are compulsory ones from main memory, or they are those that cross what `crosses` names.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache, partial

import numpy as np

from . import serving, units
from .cache import Hierarchy
from .chip import REFERENCE, WORKLOADS
from .collectives import collective
from .draw.roofline import Point, roofline
from .kernels import dense, dynamic, sequential, spatial
from .machines import Machine
from .meters import Meters
from .nest import LoopNest
from .networks import blocks, llama
from .pipeline import Pipeline

__all__ = ["WORKS", "Work", "find", "poster", "table"]

_MEMORY = "compulsory, from main memory"


@dataclass(frozen=True)
class Work:
    """A piece of work of a lesson.

    `key`: the lesson and a letter, such as "1b".  `made(itemsize=…)` gives its steps, one after
    another, as a list of `Meters`, of which the first holds the memory of all.  `itemsize`: bytes
    of a number in the lesson.  `crosses`: what the bytes moved cross.
    """

    key: str
    name: str
    made: Callable
    itemsize: int = 4
    crosses: str = _MEMORY

    @property
    def lesson(self):
        """The number of its lesson.

        >>> find("10a").lesson
        10
        """
        return int(self.key[:-1])

    def steps(self, itemsize=None):
        """Its steps, a tuple of `Meters`; with numbers of other `itemsize` if one is given."""
        return _steps(self, itemsize or self.itemsize)

    def meters(self, itemsize=None):
        """The `Meters` of all steps together.

        >>> find("0b").meters()
        Meters: memory 317,136 B, compute 78,400 MAC, movement 317,136 B, intensity 0.494 FLOP/B
        """
        return sum(self.steps(itemsize), Meters())

    def limit(self, machine, dtype="float32", itemsize=None):
        """ "movement" or "compute": which of them most of its time goes by on a `Machine`.

        >>> find("1a").limit(Machine.reference()), find("1b").limit(Machine.reference())
        ('movement', 'compute')
        """
        steps = self.steps(itemsize)
        waiting = sum(
            machine.time(step, dtype)
            for step in steps
            if step.flops < machine.ridge(dtype) * step.moved
        )
        return "movement" if 2 * waiting > _seconds(steps, machine, dtype) else "compute"

    def point(self, machine, dtype="float32", itemsize=None, **about):
        """Its `draw.Point`: where it can come at best on a `Machine`, step after step."""
        steps = self.steps(itemsize)
        total = sum(steps, Meters())
        rate = total.flops / _seconds(steps, machine, dtype)
        label = about.pop("label", self.name)
        return Point(label, total.intensity, in_steps=rate, **about)


def _seconds(steps, machine, dtype):
    return sum(machine.time(step, dtype) for step in steps)


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
    """100 steps of an RNN 100→128; its weights come once a step, or once."""
    layer = sequential.rnn_nests(t=100 if stay else 1, i=100, o=128, b=batch, itemsize=itemsize)
    weights = 128 * (100 + 128 + 1) * itemsize
    steps = [layer.meters(fused=True)] * (1 if stay else 100)
    return _with_memory(weights + batch * 128 * itemsize, steps)


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
    return _behind(Machine.reference(threads=1).caches, nest)


def _all_reduce(way, itemsize):
    """A million bytes of each of eight ranks, over their links."""
    plan = collective("all-reduce", way, ranks=8)
    adds = int(plan.reduced(10**6).sum()) // itemsize
    return [Meters(memory=8 * 10**6, moved=plan.total(10**6), adds=adds)]


def _on_our_chip(name, itemsize):
    """A workload on the chip of lesson 11, with the bytes that cross its HBM."""
    work, cost = WORKLOADS[name], REFERENCE.run(WORKLOADS[name])
    numbers = sum(
        p.count * p.rows * (p.depth + p.cols)  # X and Y
        + (1 if work.chained else p.count) * p.depth * p.cols  # W
        for p in work.products
    )
    return [Meters(memory=itemsize * numbers, macs=cost.macs, moved=cost.moved)]


_MAPS = dict(b=1, c=64, image=(56, 56), taps=(3, 3), padding=1)
_DIGIT = dict(b=1, c=1, image=(28, 28), taps=(3, 3), padding=1)
_LAYER = "H[b,o] += X[b,i] * W[i,o]"
_SCORES = "S[q,j] += Q[q,d] * K[j,d]"
_MATMUL = "C[i,j] += A[i,k] * B[k,j]"

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
    Work("3a", "RNN, weights go", partial(_recurrent, 1)),
    Work("3b", "the same, batch 32", partial(_recurrent, 32)),
    Work("3c", "RNN, weights stay", partial(_recurrent, 1, stay=True)),
    Work("4a", "512 tokens, stored", partial(_stored, 512)),
    Work("4b", "512, in tiles", partial(_tiled, 512)),
    Work("4c", "4,096, stored", partial(_stored, 4096)),
    Work("4d", "4,096, in tiles", partial(_tiled, 4096)),
    Work("5a", "prefill, 512 tokens", partial(_serving, serving.prefill, 512), itemsize=2),
    Work("5b", "decode, 1 sequence", partial(_serving, serving.decode, 512), itemsize=2),
    Work("5c", "decode, 64", partial(_serving, serving.decode, 512, 64), itemsize=2),
    Work("6a", "ResNet block", partial(_block, "ResNet")),
    Work("6b", "MobileNet block", partial(_block, "MobileNet")),
    Work("6c", "ViT block", partial(_block, "ViT")),
    Work("6d", "GPT block, a token", partial(_block, "GPT")),
    Work("6e", "MoE block", partial(_block, "MoE")),
    Work("6f", "Mamba block", partial(_block, "Mamba")),
    Work("7a", "432³, order i k j", _product, crosses="behind 32 KiB"),
    Work("7b", "432³, tiles of 72", partial(_product, tile=72), crosses="behind 32 KiB"),
    Work("8a", "sum, in order", partial(_sum, "i"), crosses="behind all caches"),
    Work("8b", "sum, every 16th", partial(_sum, "16*i"), crosses="behind all caches"),
    Work("8c", "sum, at random", partial(_sum, "at[i]"), crosses="behind all caches"),
    Work("9a", "all-reduce, ring", partial(_all_reduce, "ring"), crosses="over links"),
    Work("10a", "a step, 2048→1024", partial(LoopNest, _LAYER, b=1, i=2048, o=1024), itemsize=2),
    Work("10b", "scores, N = 1,024", partial(LoopNest, _SCORES, q=1024, j=1024, d=64), itemsize=2),
    Work("10c", "depthwise 3×3, 56²", partial(spatial.depthwise_nest, **_MAPS), itemsize=2),
    Work(
        "11a", "decode, 8 at once", partial(_on_our_chip, "decode"), itemsize=2, crosses="over HBM"
    ),
    Work(
        "11b", "prefill, a block", partial(_on_our_chip, "prefill"), itemsize=2, crosses="over HBM"
    ),
    Work("11c", "conv, 4 pictures", partial(_on_our_chip, "conv"), itemsize=2, crosses="over HBM"),
    Work("11d", "RNN, 64 steps", partial(_on_our_chip, "RNN"), itemsize=2, crosses="over HBM"),
)


def find(key):
    """The `Work` called so, such as "1b"; a ValueError lists the keys there are.

    >>> find("1b").name
    '4096→4096, batch 64'
    """
    for work in WORKS:
        if work.key == key:
            return work
    raise ValueError(f"works: there is no {key!r}; there are {', '.join(w.key for w in WORKS)}")


def table(lesson=None, machine=None, dtype="float32"):
    """Print the running table: the rows of a lesson, or of all.

    A MAC is two FLOP, an addition one.  The limit is that of the reference machine in fp32, or of
    another `Machine`: then every number is as wide as its `dtype`, and only works are left that
    cross main memory.

    >>> table(0)
                             ▪ memory, B      ● FLOP  ➜ moved, B FLOP/B limit
    0a  z = x + y            96,000,000   8,000,000  96,000,000 0.0833 movement
    0b  784→100, batch 1        317,136     156,800     317,136  0.494 movement
    0c  784→100, batch 64       539,904  10,035,200     539,904   18.6 compute
    0d  matmul, n = 1,024    12,582,912      2.15 G  12,582,912    171 compute
    fp32; limit: reference; moved: compulsory, from main memory
    """
    works, itemsize = _chosen(lesson, machine, dtype)
    limiting = machine or Machine.reference()
    print(f"{'':23}  ▪ memory, B      ● FLOP  ➜ moved, B FLOP/B limit")
    for work in works:
        m, limit = work.meters(itemsize), work.limit(limiting, dtype, itemsize)
        sizes = "".join(f"{units.count(n):>12}" for n in (m.memory, m.flops, m.moved))
        print(f"{work.key:3} {work.name:19}{sizes}{units.number(m.intensity):>7} {limit}")
    for line in _notes(works, itemsize, limiting):
        print(line)


def poster(lesson=None, machine=None, dtype="float32", title=None, **about):
    """The poster, a `Picture`: a lesson's dots by name and all earlier ones, or all by their keys.

    `machine` and `dtype` as in `table`; `title` is the finding, `about` what else `roofline` takes.
    """
    works, itemsize = _chosen(lesson, machine, dtype, earlier=True)
    machine, points = machine or Machine.reference(), []
    for work in works:
        own = work.lesson == lesson
        marks = {"label": work.key} if lesson is None else {"bold": own, "faint": not own}
        points.append(work.point(machine, dtype, itemsize, **marks))
    if title is None:
        waiting = sum(work.limit(machine, dtype, itemsize) == "movement" for work in works)
        title = f"{waiting} of {len(works)} works are limited by movement"
    if lesson is None:
        about.setdefault("apart", 12)
    elsewhere = [w for w in works if w.crosses != _MEMORY and lesson in (None, w.lesson)]
    if elsewhere:
        crosses = elsewhere[0].crosses
        if lesson is None:
            crosses = f"in {', '.join(map(str, sorted({w.lesson for w in elsewhere})))}"
        second = f"Reference, {dtype}. Bytes {crosses}: as if they came from memory."
        about.setdefault("second", second)
    return roofline(machine, points, dtype=dtype, title=title, **about)


def _chosen(lesson, machine, dtype, earlier=False):
    """(works of a lesson or all, bytes of a number where another machine sets them)."""
    known = {work.lesson for work in WORKS}
    if lesson is not None and lesson not in known:
        raise ValueError(f"works: lesson is {lesson!r}; give 0 to {max(known)}, or nothing for all")
    works = [
        work
        for work in WORKS
        if (lesson is None or work.lesson == lesson or (earlier and work.lesson < lesson))
        and (machine is None or work.crosses == _MEMORY)
    ]
    if machine is None:
        return works, None
    return works, 4 if dtype in ("float32", "fp32") else 2


def _notes(works, itemsize, machine):
    """What stands under the table: numbers, machine, and what the bytes moved cross."""
    short = sorted({work.lesson for work in works if (itemsize or work.itemsize) == 2})
    numbers = "16 bit" if short == sorted({work.lesson for work in works}) else "fp32"
    if numbers == "fp32" and short:
        numbers += f", but 16 bit in {', '.join(map(str, short))}"
    others = {work.lesson: work.crosses for work in works if work.crosses != _MEMORY}
    if len({work.crosses for work in works}) == 1:
        yield f"{numbers}; limit: {machine.name}; moved: {works[0].crosses}"
        return
    yield f"{numbers}; limit: {machine.name}; moved: {_MEMORY}"
    yield f"but {', '.join(f'{crosses} in {lesson}' for lesson, crosses in others.items())}"
