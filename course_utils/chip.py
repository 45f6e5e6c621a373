"""An invented accelerator of systolic arrays, SRAM and stacks of HBM: what fits on a chip, and how
long and with how much energy it computes products of matrices.

Every constant is in data/invented_chip.csv, invented for a puzzle: plausible in order of magnitude
at best, and no chip has them.  Numbers are bf16, 2 B.  What the model assumes:

Arrays (lesson 10).  W is cut into tiles of side x side, whose weights stay.  The tiles of a product
and of its copies are dealt to the arrays, none is divided.  While one tile computes, the weights of
the next one shift in, so that it starts max(rows, side) cycles later; what shows of loading, fill
and drain is 3 side - 2 cycles a product.  Sums of tiles that cut the depth add up beside the SRAM.

HBM (lesson 7).  A product is computed in square tiles of which the SRAM holds three, one of X, of W
and of the result: X crosses for each column of tiles, W for each row of them, the result once.  The
result goes to HBM, even if the next product reads it: no fusion, and scores of attention cross.

Resident weights (lesson 3).  A chained product repeats with the same W, each time after the one
before.  Where W, X and the result of one step fit into the SRAM together, W crosses once.

Time: a product takes as long as the slower of memory and arrays, which overlap; products follow
one another.  Energy: each byte over HBM, each byte between SRAM and arrays, which costs more in a
larger SRAM, and each MAC.  A part that waits takes none.  All element-wise work is free.
"""

import csv
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cache, cached_property
from itertools import product as combinations
from math import exp, fsum, isqrt, log, sqrt
from numbers import Real
from pathlib import Path
from types import MappingProxyType

from .arguments import whole
from .machines import Machine

_TABLE = Path(__file__).resolve().parents[1] / "data" / "invented_chip.csv"
with _TABLE.open(newline="", encoding="utf-8") as _file:
    # "64 8 8 2" as (64, 8, 8, 2); most have one number
    _VALUES = {row["name"]: tuple(map(int, row["value"].split())) for row in csv.DictReader(_file)}
_ONE = {name: values[0] for name, values in _VALUES.items() if len(values) == 1}

MIB = 2**20
ITEMSIZE = _ONE["itemsize"]
BUDGET = _ONE["budget"] / 1e6  # mm²
SIDES, ARRAYS, SRAMS, STACKS = (_VALUES[name] for name in ("sides", "arrays", "srams", "stacks"))


@dataclass(frozen=True)
class Product:
    """X (rows x depth) @ W (depth x cols), `count` of them.

    >>> Product(rows=8, depth=784, cols=100).macs
    627200
    """

    rows: int
    depth: int
    cols: int
    count: int = 1

    def __post_init__(self):
        for each in fields(self):
            size = whole(getattr(self, each.name), f"Product: {each.name}")
            object.__setattr__(self, each.name, size)

    @property
    def macs(self):
        """Of all `count` of them."""
        return self.count * self.rows * self.depth * self.cols


@dataclass(frozen=True)
class Workload:
    """Products, one after another.

    The `count` of a product have each their own X and W and are computed at once; `chained`, they
    have the same W and each waits for the one before, as in a recurrent network.
    """

    name: str
    products: tuple
    chained: bool = False

    def __post_init__(self):
        products = tuple(self.products)
        if not products or not all(isinstance(each, Product) for each in products):
            raise ValueError(
                f"Workload {self.name!r}: products are {self.products!r}; pass some Product(…)"
            )
        object.__setattr__(self, "products", products)

    @property
    def macs(self):
        """
        >>> WORKLOADS["RNN"].macs == 64 * 2048 * 1024
        True
        """
        return sum(product.macs for product in self.products)


def block(tokens):
    """The weights of a decoder block on `tokens` tokens: width 2,048, hidden 8,192, as products.

    Queries, keys and values, the output projection, and a feed-forward of two matrices.
    """
    return (
        Product(tokens, 2048, 2048, count=3),
        Product(tokens, 2048, 2048),
        Product(tokens, 2048, 8192),
        Product(tokens, 8192, 2048),
    )


def attention(tokens, width, heads):
    """Q Kᵀ and P V of each head; scores go through memory, and all are computed, masked or not."""
    return Product(tokens, width, tokens, heads), Product(tokens, tokens, width, heads)


def convolution(channels, height, width, filters, images):
    """3 x 3 with padding: each image's patches, written out, times the filters."""
    return (Product(height * width, 9 * channels, filters, images),)


def recurrent(width, steps):
    """A recurrent layer: in each step [input, state] times one W, 2 width x width."""
    return (Product(1, 2 * width, width, steps),)


WORKLOADS = MappingProxyType(
    {
        work.name: work
        for work in (
            # A token of each of 8 sequences.  Its attention and the KV cache are left out.
            Workload("decode", block(8)),
            # 1,024 tokens of one sequence at once, with 16 heads of 128.
            Workload("prefill", (*block(1024), *attention(1024, 128, heads=16))),
            # 4 pictures with 64 channels of 56 x 56.
            Workload("conv", convolution(64, 56, 56, filters=64, images=4)),
            # 64 steps of one sequence, width 1,024: W is 4 MiB.
            Workload("RNN", recurrent(1024, steps=64), chained=True),
        )
    }
)

MIXES = MappingProxyType(
    {
        name: MappingProxyType(shares)
        for name, shares in {
            "chatbot": {"decode": 0.7, "prefill": 0.3},
            "vision": {"conv": 0.9, "prefill": 0.1},
            "speech": {"RNN": 0.8, "decode": 0.2},
            "prefill": {"prefill": 1.0},
            "mixed": {"decode": 0.3, "prefill": 0.2, "conv": 0.25, "RNN": 0.25},
        }.items()
    }
)


@dataclass(frozen=True)
class Cost:
    """What a workload takes on a chip; costs of works one after another add up with `+`.

    `moved`: bytes over HBM.  `array_seconds`, `memory_seconds`: what arrays and HBM would take
    alone.  `waiting`: seconds of those products in which memory takes longer than the arrays.
    `hbm_joules`, `sram_joules`, `mac_joules`: the parts of the energy.
    """

    seconds: float = 0.0
    macs: int = 0
    moved: int = 0
    array_seconds: float = 0.0
    memory_seconds: float = 0.0
    waiting: float = 0.0
    hbm_joules: float = 0.0
    sram_joules: float = 0.0
    mac_joules: float = 0.0

    @property
    def joules(self):
        """The energy."""
        return self.hbm_joules + self.sram_joules + self.mac_joules

    @property
    def flops_per_second(self):
        """What is attained, with 1 MAC = 2 FLOP."""
        return 2 * self.macs / self.seconds

    @property
    def intensity(self):
        """FLOP per byte over HBM."""
        return 2 * self.macs / self.moved

    @property
    def limit(self):
        """What it waits for: "memory" if products in which memory takes longer than the arrays
        are more than half of the time, else "arrays"."""
        return "memory" if 2 * self.waiting > self.seconds else "arrays"

    def __add__(self, other):
        if not isinstance(other, Cost):
            return NotImplemented
        return Cost(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(self)))


@dataclass(frozen=True)
class Chip:
    """`arrays` systolic arrays of side x side PEs, `sram` MiB, `stacks` stacks of HBM.

    Any whole numbers from 1 on; whether that is within the budget, `fits` says.

    >>> chip = Chip(side=64, arrays=8, sram=8, stacks=2)
    >>> chip.area, chip.peak / 1e12, chip.bandwidth / 1e9
    (61.968, 65.536, 800.0)
    """

    side: int
    arrays: int
    sram: int
    stacks: int

    def __post_init__(self):
        for each in fields(self):
            size = whole(getattr(self, each.name), f"Chip: {each.name}")
            object.__setattr__(self, each.name, size)

    @cached_property
    def areas(self):
        """{"arrays", "SRAM", "HBM": mm²}.

        >>> Chip(64, 8, 8, 2).areas
        {'arrays': 32.768, 'SRAM': 7.2, 'HBM': 22.0}
        """
        return {part: area / 1e6 for part, area in self._square_micrometres.items()}

    @property
    def area(self):
        """Of all parts, mm²; rounded once, so that a comparison with the budget is exact."""
        return sum(self._square_micrometres.values()) / 1e6

    @property
    def fits(self):
        """Whether it is within the budget."""
        return self.area <= BUDGET

    @property
    def peak(self):
        """FLOP/s of all PEs, with 1 MAC = 2 FLOP."""
        return 2.0 * self.arrays * self.side**2 * _ONE["clock"]

    @property
    def bandwidth(self):
        """B/s of all stacks."""
        return float(self.stacks * _ONE["stack_bandwidth"])

    @property
    def machine(self):
        """The `Machine` of its roofline, with a peak for bfloat16."""
        return Machine("invented chip", {"bfloat16": self.peak}, self.bandwidth)

    @property
    def tile(self):
        """Side of the square tiles of which three fit into the SRAM.

        >>> Chip(64, 8, 6, 2).tile
        1024
        """
        return isqrt(self.sram * MIB // (3 * ITEMSIZE))

    def run(self, workload):
        """The `Cost` of a `Workload`; anything else is a ValueError.

        >>> cost = Chip(64, 8, 8, 2).run(WORKLOADS["decode"])
        >>> cost.moved, cost.limit
        (101711872, 'memory')
        """
        if not isinstance(workload, Workload):
            raise ValueError(
                f"Chip: run takes a Workload, such as WORKLOADS['decode']; got {workload!r}"
            )
        return _run(self, workload)

    @property
    def _square_micrometres(self):
        return {
            "arrays": self.arrays * self.side**2 * _ONE["pe_area"],
            "SRAM": self.sram * _ONE["sram_area"],
            "HBM": self.stacks * _ONE["stack_area"],
        }


@cache
def _run(chip, workload):
    costs = (_cost(chip, product, workload.chained) for product in workload.products)
    return sum(costs, Cost())


def _cost(chip, product, chained):
    moved = traffic(chip, product, chained)
    array_seconds = cycles(chip, product, chained) / _ONE["clock"]
    memory_seconds = moved / chip.bandwidth
    seconds = max(array_seconds, memory_seconds)
    return Cost(
        seconds,
        product.macs,
        moved,
        array_seconds,
        memory_seconds,
        waiting=seconds if memory_seconds > array_seconds else 0.0,
        hbm_joules=moved * _ONE["hbm_energy"] / 1e15,
        sram_joules=accesses(chip, product) * _ONE["sram_energy"] * sqrt(chip.sram) / 1e15,
        mac_joules=product.macs * _ONE["mac_energy"] / 1e15,
    )


def cycles(chip, product, chained=False):
    """Cycles of the arrays for a product, from the first weight that shifts in to the last sum.

    The array that has most tiles has n = ⌈tiles / arrays⌉ of them, and takes
    (n - 1) max(rows, side) + rows + 3 side - 2; chained, each step takes that.
    For one tile it is what `systolic.counts` has for loading and computing.

    >>> cycles(Chip(4, 1, 1, 1), Product(8, 4, 4))
    18
    """
    side, rows = chip.side, product.rows
    tiles = _pieces(product.depth, side) * _pieces(product.cols, side)
    steps, at_once = (product.count, 1) if chained else (1, product.count)
    most = _pieces(at_once * tiles, chip.arrays)
    return steps * ((most - 1) * max(rows, side) + rows + 3 * side - 2)


def traffic(chip, product, chained=False):
    """Bytes over HBM of a product.

    >>> small = Product(rows=32, depth=784, cols=100)
    >>> traffic(Chip(64, 8, 1, 1), small) == 2 * (32 * 784 + 2 * 784 * 50 + 32 * 100)
    True
    """
    rows, depth, cols, count = product.rows, product.depth, product.cols, product.count
    x, w, result = rows * depth, depth * cols, rows * cols
    if chained and ITEMSIZE * (x + w + result) <= chip.sram * MIB:
        return ITEMSIZE * (w + count * (x + result))
    x, w = x * _pieces(cols, chip.tile), w * _pieces(rows, chip.tile)
    return ITEMSIZE * count * (x + w + result)


def accesses(chip, product):
    """Bytes between SRAM and arrays of a product.

    X enters for each column of the arrays' tiles, W once; a sum is written for each row of them,
    and read again for each but the first.

    >>> accesses(Chip(64, 1, 1, 1), Product(rows=10, depth=128, cols=64))
    22784
    """
    rows, depth, cols = product.rows, product.depth, product.cols
    x = rows * depth * _pieces(cols, chip.side)
    sums = rows * cols * (2 * _pieces(depth, chip.side) - 1)
    return ITEMSIZE * product.count * (x + depth * cols + sums)


def _pieces(whole_length, length):
    return -(-whole_length // length)


START = Chip(*_VALUES["starting chip"])


@cache
def designs():
    """All chips of the grid that fit into the budget, a tuple.

    >>> len(designs()), START in designs()
    (780, True)
    """
    grid = combinations(SIDES, ARRAYS, SRAMS, STACKS)
    return tuple(chip for chip in (Chip(*sizes) for sizes in grid) if chip.fits)


def score(chip, mix):
    """1 / (time × energy), as a multiple of that of `START`: the geometric mean over a mix.

    `mix`: a name in `MIXES`, or {workload: share}, shares above 0 of any sum.

    >>> score(START, "mixed")
    1.0
    """
    shares = _shares(mix)
    logs = (share * log(_relative(chip, name)) for name, share in shares.items())
    return exp(fsum(logs) / fsum(shares.values()))


def best(mix):
    """The design with the highest score for a mix.

    >>> best("prefill") == max(designs(), key=lambda chip: score(chip, "prefill"))
    True
    """
    return _best(tuple(_shares(mix).items()))


@cache
def _best(shares):
    return max(designs(), key=lambda chip: score(chip, dict(shares)))


@cache
def _relative(chip, name):
    mine, its = (each.run(WORKLOADS[name]) for each in (chip, START))
    return (its.seconds * its.joules) / (mine.seconds * mine.joules)


def _shares(mix):
    shares = MIXES.get(mix) if isinstance(mix, str) else mix
    if not isinstance(shares, Mapping) or not shares:
        raise ValueError(
            f"chip: the mix is {mix!r}; take one of {', '.join(MIXES)}, or a dict such as "
            "{'decode': 0.7, 'prefill': 0.3}"
        )
    for name, share in shares.items():
        if name not in WORKLOADS:
            raise ValueError(f"chip: no workload {name!r}; there are {', '.join(WORKLOADS)}")
        if not isinstance(share, Real) or isinstance(share, bool) or not 0 < share < float("inf"):
            raise ValueError(f"chip: the share of {name} is {share!r}; it must be above 0")
    return shares
