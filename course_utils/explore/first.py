"""Which meter fills first: six pieces of work under the reference machine's roof."""

from dataclasses import replace
from functools import cache

import numpy as np

from .. import units
from ..draw.limits import Work, busy, limits
from ..machines import Machine
from ..nest import LoopNest
from ..pipeline import Pipeline
from .explorer import Explorer, choice, slider

_SIZES = tuple(2**k for k in range(4, 12))
_BYTES = {"fp32": 4, "fp64": 8}
_ROWS, _WIDTH = 32_768, 128  # of the table that is looked up in
_ON_BET = ("gemv", 1024, "fp32")

_MACS = "1 MAC = multiply and add"
_NESTS = {
    "add": ("z[n] = x[n] + y[n]", "three vectors", "one addition a number"),
    "dot": ("s[0] += x[n] * y[n]", "two vectors, one sum", _MACS),
    "gemv": ("y[i] += A[i,j] * x[j]", "a matrix, two vectors", _MACS),
    "gemm": ("C[i,j] += A[i,k] * B[k,j]", "three matrices", _MACS),
}


def first_meter():
    """The widget of lesson 00: dot, add, gemv, gemm, softmax or an embedding look-up, n = 16 to
    2,048, fp32 or fp64, on `Machine.reference()`.

    Vectors have n numbers, matrices n × n; n rows of 128 numbers are looked up among 32,768.
    Softmax reads x and writes y once, at 5 FLOP a number, an exponential counted as one.
    The bet "gemv_limit" is what limits gemv at n = 1,024.

    >>> first_meter().probe(op="gemm", n=16)
    gemm, n = 16, fp32: 4,096 MAC, 3,072 B in memory, 3,072 B moved, 2.67
    FLOP/B; at best 98.7 of 190 GFLOP/s (reference): movement is full, compute
    52 % busy.
    """
    machine = Machine.reference()

    def draw(op, n, number, bet=None):
        return limits(
            machine,
            _works(n, number),
            op,
            dtype=number,
            size=f"n = {n:,}",
            bet=bet if (op, n, number) == _ON_BET else None,
        )

    name, n, number = _ON_BET
    gemv = next(work for work in _works(n, number) if work.name == name)
    shares = busy(machine, gemv.meters, number)
    return Explorer(
        draw,
        question="gemv, a matrix of 1,024 × 1,024 times a vector: which limit holds?",
        move="Choose an operation and move n; watch which bar is full and where the dot stands.",
        bet="gemv_limit",
        truth=max(shares, key=shares.get),
        about="gemv, n = 1,024",
        op=choice("operation", tuple(work.name for work in _works(n, number)), name),
        n=slider("n", _SIZES, n),
        number=choice("number", tuple(_BYTES), number),
    )


@cache
def _works(n, number):
    itemsize = _BYTES[number]
    add, dot, gemv, gemm = (_plain(name, n, itemsize) for name in _NESTS)
    # By intensity, so that each button moves the dot to the right.
    return _lookup(n, itemsize), add, dot, gemv, _softmax(n, itemsize), gemm


def _plain(name, n, itemsize):
    text, memory, compute = _NESTS[name]
    letters = {letter: n for letter in "nijk" if f"[{letter}" in text or f",{letter}]" in text}
    nest = LoopNest(text, itemsize=itemsize, **letters)
    square = f"{n:,} × {n:,}"
    sizes = {1: f"vectors of {n:,}", 2: f"a matrix {square}", 3: f"matrices {square}"}[len(letters)]
    return Work(name, nest.meters(), (text, sizes), (memory, compute, "compulsory"))


def _softmax(n, itemsize):
    # The nests say what is read and written; what an element costs is counted here.
    passes = Pipeline(
        [
            LoopNest(text, n=n, itemsize=itemsize)
            for text in (
                "m[0] += x[n]",
                "e[n] = x[n] * m[0]",
                "s[0] += e[n]",
                "y[n] = e[n] * s[0]",
            )
        ]
    )
    # compare, subtract and add; exponential and divide
    meters = replace(passes.meters(fused=True), adds=3 * n, multiplies=2 * n)
    lines = (
        "m = max of x[n]",
        "e[n] = exp(x[n] − m), summed",
        "y[n] = e[n] / sum",
        f"vectors of {n:,}",
    )
    return Work("softmax", meters, lines, ("x and y", "5 a number, exp as one", "compulsory: x, y"))


def _lookup(n, itemsize):
    tokens = np.arange(n) * (_ROWS // n)
    nest = LoopNest(
        "y[t,d] = E[tok[t],d]",
        t=n,
        d=_WIDTH,
        index={"tok": tokens},
        shapes={"E": (_ROWS, _WIDTH)},
        itemsize=itemsize,
    )
    lines = (nest.text, f"{n:,} rows of {_ROWS:,}", f"{_WIDTH} numbers a row")
    notes = (
        f"E alone: {units.nbytes(nest.nbytes('E'))}",
        "nothing to compute",
        "compulsory: tokens, rows, y",
    )
    return Work("look-up", nest.meters(), lines, notes)
