"""Twelve small cases, counted exactly, and what popular counters print for them, rebuilt.

The counters' numbers stand in data/counters.csv, as data/run_counters.py read them; each comes with
a formula in `Case.fields` that gives the same integer: what the counter forgot, what it added.
"""

import csv
import re
from dataclasses import dataclass, field
from functools import cache, cached_property
from math import prod
from pathlib import Path

import numpy as np

from .. import units
from ..nest import LoopNest
from .network import Layer, Network
from .recurrent import gru, lstm, rnn
from .tokens import Tokens
from .transformers import bert, gpt2

_LONG = 45  # characters of a formula in a line of `table`
_TABLE = Path(__file__).resolve().parents[2] / "data" / "counters.csv"


@dataclass(frozen=True)
class Case:
    """A network so small that its count can be checked by hand, at the sizes it is counted at.

    >>> case("convolution").macs, case("convolution").fields["macs_on_data"]
    (225792, 215168)
    """

    name: str
    says: str
    network: Network
    sizes: dict = field(default_factory=dict)

    @property
    def macs(self):
        """The exact count: multiply-accumulates of matrix products and sliding windows."""
        return self.network.macs(**self.sizes)

    @cached_property
    def fields(self):
        """{name: count}, all read off the nests; 0 for what the case does not have.

        First what every network counts; then `attention` (MACs of scores times keys and values),
        `scores` and their `rows`, elements of the `queries`, those that layer norms have
        `normalised`, `states` of a recurrent layer, numbers in all `biases`, MACs of the output
        `head` and of the `pooler`, elements that it has `pooled`, and `tokens`; the `width` of the
        vectors and the `blocks` that have attention.
        """
        net, layers = self.network, self.network.layers(**self.sizes)

        def total(count, *ends):
            return sum(count(layer) for layer in layers if layer.name.endswith(ends))

        def macs(layer):
            return layer.macs

        def written(layer):
            return layer.written

        counts = ("macs", "bias_adds", "elementwise", "exponentials")
        return {name: getattr(net, name)(**self.sizes) for name in counts} | {
            "macs_on_data": sum(x.nest.macs_on_data for x in layers if x.contracts),
            "parameters": net.parameters,
            "attention": total(macs, "attention.scores", "attention.mix"),
            "scores": total(written, "attention.scores"),
            "rows": total(written, "attention.softmax.max"),
            "queries": total(written, "attention.query"),
            "normalised": total(written, "norm.scale"),
            "states": total(lambda x: prod(x.nest.shape("H")), ".state"),
            "biases": sum(prod(x.nest.shape("bias")) for x in layers if x.function == "bias"),
            "head": total(macs, "head"),
            "pooler": total(macs, "pooler"),
            "pooled": total(written, "pooler"),
            "tokens": layers[0].nest.size.get("t", 1),
            "width": layers[0].nest.size.get("d", 0),
            "blocks": sum(layer.name.endswith("attention.scores") for layer in layers),
        }

    def rebuild(self, formula):
        """The value of a formula in the fields, such as "macs + bias_adds"; None for no formula.

        >>> case("convolution").rebuild("macs + bias_adds")
        250880
        """
        if not formula:
            return None
        try:
            return eval(formula, {"__builtins__": {}}, self.fields)
        except (NameError, SyntaxError, TypeError, AttributeError, ArithmeticError) as error:
            raise ValueError(
                f"case {self.name!r}: formula {formula!r}: {error}; its fields are "
                f"{', '.join(self.fields)}"
            ) from None


@dataclass(frozen=True)
class Printed:
    """One number of one counter: a row of data/counters.csv.

    `printed`: None where the counter gives no number.  `calls_it`: the counter's own word;
    `means`: "MAC" or "FLOP", what its rules count.

    >>> printed("ptflops", "convolution").factor
    1.1111111111111112
    """

    counter: str
    version: str
    case: Case
    printed: int | None
    calls_it: str
    means: str
    formula: str
    note: str

    @property
    def rebuilt(self):
        """The number from our fields; None where no formula explains it."""
        return self.case.rebuild(self.formula)

    @property
    def exact(self):
        """Whether the counter is right: as many MACs, or two FLOP for each."""
        return self.printed == self.case.macs * (2 if self.means == "FLOP" else 1)

    @property
    def factor(self):
        """The number in MACs over the exact count; None where either is missing."""
        if self.printed is None or not self.case.macs:
            return None
        return self.printed / (2 if self.means == "FLOP" else 1) / self.case.macs


# --- the cases -------------------------------------------------------------------------------


def _network(name, *layers):
    return Network(name, {"batch": 1}, lambda batch: layers)


def _layer(text, primitive, bias, **sizes):
    """The nest, and that of the bias its sums start from (along axes `bias`), as a network."""
    nest, output = LoopNest(text, **sizes), text.split(" += ")[0]
    along = {index: n for index, n in nest.size.items() if index in output}
    start = LoopNest(f"{output} = bias[{bias}]", **along)
    return _network(
        text,
        Layer("layer.bias", start, {"bias": "layer.bias"}, "elementwise", "bias"),
        Layer("layer", nest, {"W": "layer.weight"}, primitive),
    )


def _window(text, bias, image, pad, **sizes):
    """A convolution with a window of 3×3."""
    return _layer(text, "window", bias, r=3, s=3, pad={"X": pad}, shapes={"X": image}, **sizes)


def _embedding(t, rows, d):
    nest = LoopNest(
        "X[t,d] = E[tok[t],d]", t=t, d=d, index={"tok": np.arange(t)}, shapes={"E": (rows, d)}
    )
    return _network("embedding", Layer("table", nest, {"E": "table"}, "gather"))


def _attention():
    x = Tokens(batch=1, tokens=512, width=768)
    x.attention("attention", heads=12)
    return _network("self-attention", *x.layers)


_DENSE = "H[o] += X[i] * W[i,o]"
_CONVOLUTION = "Y[k,y,x] += X[c,y+r-1,x+s-1] * W[k,c,r,s]"
_DEPTHWISE = "Y[c,y,x] += X[c,y+r-1,x+s-1] * W[c,r,s]"
_GROUPED = "Y[g,k,y,x] += X[g,c,2*y+3*r-3,2*x+3*s-3] * W[g,k,c,r,s]"


@cache
def cases():
    """{name: `Case`}: twelve cases, all of batch 1, layers with PyTorch's biases.

    >>> [c.macs for c in cases().values()][:6]
    [78400, 225792, 110592, 169344, 0, 291840]
    """
    plain = _window(_CONVOLUTION, "k", (1, 28, 28), 1, k=32, c=1, y=28, x=28)
    depthwise = _window(_DEPTHWISE, "c", (48, 16, 16), 1, c=48, y=16, x=16)
    grouped = _window(_GROUPED, "g,k", (4, 4, 28, 28), 3, g=4, k=6, c=4, y=14, x=14)
    steps, says = dict(tokens=10), "100→128, 10 steps"
    groups = "3×3, 16→24 channels in 4 groups, 28×28, stride 2, dilation and padding 3"
    found = [
        Case("dense", "784→100", _layer(_DENSE, "matmul", "o", i=784, o=100)),
        Case("convolution", "3×3, 1→32 channels, 28×28, padding 1", plain),
        Case("depthwise", "3×3, 48 channels, 16×16, padding 1", depthwise),
        Case("grouped", groups, grouped),
        Case("embedding", "12 look-ups in a table of 1,000 rows of 64", _embedding(12, 1000, 64)),
        Case("rnn", says, rnn(100, 128, biases=2), steps),
        Case("lstm", says, lstm(100, 128, biases=2), steps),
        Case("gru", says, gru(100, 128, biases=2), steps),
        Case("attention", "12 heads, width 768, 512 tokens, PyTorch's function", _attention()),
        Case("multi-head", "the same arithmetic, PyTorch's layer in eval", _attention()),
        Case("bert", "BERT-base, 128 tokens, with pooler", bert("base"), dict(tokens=128)),
        Case("gpt-2", "GPT-2 small, 1,024 tokens, with output head", gpt2("small")),
    ]
    return {one.name: one for one in found}


def case(name):
    """The `Case` of that name."""
    if name not in cases():
        raise ValueError(f"case {name!r} is none of {', '.join(cases())}")
    return cases()[name]


# --- what counters print ---------------------------------------------------------------------


@cache
def counters():
    """{(counter, case): `Printed`}: all rows of data/counters.csv, in its order."""
    with _TABLE.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return {(row["counter"], row["case"]): _printed(**row) for row in rows}


def _printed(read, case, printed, **row):
    return Printed(case=cases()[case], printed=int(printed) if printed else None, **row)


def printed(counter, case):
    """What a counter prints for a case: a `Printed`."""
    if (counter, case) not in counters():
        names = dict.fromkeys(name for name, _ in counters())
        raise ValueError(
            f"no counter {counter!r} with a case {case!r}; counters: {'; '.join(names)}; "
            f"cases: {', '.join(cases())}"
        )
    return counters()[counter, case]


def ranking():
    """{counter: on how many of the twelve it is exact}, best first.

    >>> list(ranking().items())[:2]
    [('DeepSpeed', 9), ('torch FlopCounterMode', 7)]
    """
    right = dict.fromkeys((name for name, _ in counters()), 0)
    for (name, _), row in counters().items():
        right[name] += row.exact
    return dict(sorted(right.items(), key=lambda item: -item[1]))


def overview():
    """All counters on all cases as text: what is printed over the exact count, both in MACs.

    = exact · + something where there is nothing to count · - no number.  Two tables of six cases,
    so that a line fits a narrow window.

    >>> for line in overview().splitlines()[:2]:
    ...     print(line)
                           dense convo depth group embed   rnn
    DeepSpeed                  =     =     =     =     =     0
    """
    names, lines = [*cases()], []
    for half in (names[:6], names[6:]):
        lines.append("".join([f"{'':<22}", *(f"{name[:5]:>6}" for name in half)]))
        for counter in ranking():
            cells = [_cell(counters()[counter, name]) for name in half]
            lines.append("".join([f"{counter:<22}", *(f"{cell:>6}" for cell in cells)]))
    return "\n".join(lines)


def _cell(row):
    if row.exact:
        return "="
    if not row.printed:
        return "-" if row.printed is None else "0"
    return "+" if row.factor is None else f"{row.factor:.2f}"


def table(name):
    """One case as text: the exact count, then each counter that is not exact, and its formula.

    >>> for line in table("dense").splitlines()[:2]:
    ...     print(line)
    dense (784→100): 78,400 MAC
      ptflops                        78,500 MACs       ×1.001  macs + bias_adds
    """
    one = case(name)
    lines = [f"{name} ({one.says}): {units.number(one.macs)} MAC"]
    lines += [_line(row) for row in counters().values() if row.case is one and not row.exact]
    return "\n".join(lines)


def _line(row):
    printed = "-" if row.printed is None else units.number(row.printed)
    times = "" if row.factor is None else f"×{row.factor:.3f}"
    why = row.formula if 1 < len(row.formula) <= _LONG else re.split("[:;] ", row.note)[0]
    return f"  {row.counter:<22}{printed:>15} {row.calls_it:<10} {times:<7} {why}"
