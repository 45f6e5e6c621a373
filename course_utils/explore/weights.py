"""The weight wall: a batch moves the same weights, and crosses the ridge."""

from functools import cache
from itertools import count

from ..draw import blocks
from ..kernels import dense
from ..machines import Machine
from .explorer import Explorer, choice, slider

_SIZES = 784, 100  # the layer that the bet is about
_BATCHES = tuple(2**k for k in range(8))
_BYTES = {"fp32": 4, "bf16": 2}
_MOST_BET = 10**6  # beyond it the intensity of a layer hardly moves


def weight_wall(inputs=_SIZES[0], outputs=_SIZES[1]):
    """The widget of lesson 01: a dense layer with its bias, at batch 1 to 128, fp32 or bf16.

    The small roofline is that of `Machine.reference()` at its fp32 peak: bf16 numbers are half as
    long, and are computed on in fp32.  The bet "hits_roof", the batch from which the layer 784→100
    is compute-bound there in fp32, shows as a diamond; a layer of other sizes has no bet.

    >>> weight_wall().probe(batch=8)
    Batch 8, 4 B a number, bias counted: 627,200 MAC, 342,288 B in memory and
    moved once, 3.66 FLOP/B; at best 136 of 190 GFLOP/s (reference, fp32):
    memory-bound.
    """
    machine = Machine.reference()

    @cache
    def layer(batch, number):
        return dense.layer(batch, inputs, outputs, _BYTES[number])

    def draw(batch, number, bet=None):
        return blocks(
            layer(batch, number),
            compare=layer(1, number),
            room=_BATCHES[-1],
            machine=machine,
            dtype="fp32",
            bet=None if bet is None else layer(_batch(bet), number).meters(),
        )

    wager = {}
    if (inputs, outputs) == _SIZES:
        first = next(b for b in count(1) if layer(b, "fp32").meters().intensity >= machine.ridge())
        wager = {"bet": "hits_roof", "truth": first, "about": "fp32"}
    return Explorer(
        draw,
        question="From which batch on does arithmetic set the limit?",
        move="Move the batch; watch which of the three meters follows it.",
        batch=slider("batch b", _BATCHES, 64),
        number=choice("number", tuple(_BYTES), "fp32"),
        **wager,
    )


def _batch(bet):
    """The batch nearest to what was bet, which may be any number."""
    return round(min(max(bet, 1), _MOST_BET))
