"""Systolic arrays, register by register: X (M x K) times W (K x N) on rows x cols of PEs.

A processing element, PE, holds a number of X, one of W and a sum.  In every cycle it
multiplies, adds, and passes what moves to the PE at its right or below (Kung 1982).  What stays
names the dataflow (Sze et al. 2017).  "weight-stationary": a tile of W stays, X moves right, sums
move down (Jouppi et al. 2017).  "output-stationary": sums stay, X moves right, W moves down.

What is larger than the array is cut into tiles, one after another, without overlap.  A smaller tile
is padded with zeros, which travel as all else does: it takes as long as a full one.  A read is an
element of X or W that enters the array, no padding and not what one PE passes to the next.  Results
are not counted, nor the sums that are kept outside where weight-stationary tiles cut K.
"""

from collections import Counter
from dataclasses import dataclass, field
from itertools import chain, product, repeat

import numpy as np

from .arguments import as_array, whole

DATAFLOWS = "weight-stationary", "output-stationary"


@dataclass(frozen=True)
class Run:
    """What a product takes on rows x cols PEs, summed over its tiles; `==` compares all of that.

    `cycles`: of computing, in each tile from its first number that enters until the last PE is
    done.  Apart from them, overlapped with nothing: `load_cycles` in which weights shift in, row by
    row, and `drain_cycles` in which sums that stayed shift out.
    `macs`: the useful ones, without padding, M K N.  `reads`: {"X": elements, "W": elements}.
    `result`: (M, N), which `==` leaves out; None if nothing was computed.
    """

    dataflow: str
    rows: int
    cols: int
    tiles: int
    cycles: int
    load_cycles: int
    drain_cycles: int
    macs: int
    reads: dict
    result: np.ndarray | None = field(default=None, compare=False, repr=False)

    @property
    def utilisation(self):
        """The useful share: useful MACs over those that all PEs could do in `cycles`, 0 to 1.

        Papers on arrays call it so; `Machine.utilisation` is attained over attainable instead.

        >>> round(counts(8, 128, 128, 128, 128, "weight-stationary").utilisation, 5)
        0.03053
        """
        return self.macs / (self.rows * self.cols * self.cycles)

    @property
    def filled(self):
        """The share of the PEs, over all tiles, that are not padding: 0 to 1.

        >>> round(counts(8, 784, 100, 128, 128, "weight-stationary").filled, 4)
        0.6836
        """
        without_skew = self.cycles - self.tiles * (self.rows + self.cols - 2)
        return self.macs / (self.rows * self.cols * without_skew)

    @property
    def reads_per_mac(self):
        """Elements read for each useful MAC; they would be 2 if no PE passed anything on.

        >>> counts(256, 50, 256, 128, 128, "output-stationary").reads_per_mac == 2 / 128
        True
        """
        return sum(self.reads.values()) / self.macs


@dataclass(frozen=True, eq=False)
class Step:
    """One cycle of a tile, counted from 0 in its phase: "load", "compute" or "drain".

    Read-only arrays of rows x cols: `x`, `w`, the numbers in the PEs, 0 where there is none;
    `sums`, with this cycle's products, of which the bottom row leaves if sums move; `useful`, where
    two numbers meet and neither is padding.  `reads`: what entered.
    """

    phase: str
    cycle: int
    x: np.ndarray
    w: np.ndarray
    sums: np.ndarray
    useful: np.ndarray
    reads: dict


def counts(m, k, n, rows, cols, dataflow):
    """The `Run` of M x K times K x N in closed form: exact, nothing computed.

    A tile takes T + rows + cols - 2 cycles, T = M if weights stay and K if sums do, and `rows` to
    load or drain; together SCALE-Sim's T + 2 rows + cols - 2 (Samajdar et al. 2020).
    Sizes below 1 and other dataflows are a ValueError.

    >>> counts(8, 4, 4, rows=4, cols=4, dataflow="weight-stationary").cycles
    14
    """
    m, k, n, rows, cols = _sizes(dataflow, m=m, k=k, n=n, rows=rows, cols=cols)
    stay = dataflow == "weight-stationary"
    down, across = -(-(k if stay else m) // rows), -(-n // cols)
    tiles, w_reads = down * across, k * n if stay else k * n * down
    cycles = tiles * ((m if stay else k) + rows + cols - 2)
    load, drain = (tiles * rows, 0) if stay else (0, tiles * rows)
    reads = {"X": m * k * across, "W": w_reads}
    return Run(dataflow, rows, cols, tiles, cycles, load, drain, m * k * n, reads)


def multiply(X, W, rows, cols, dataflow):
    """The `Run` of X (M, K) @ W (K, N), simulated; `result` comes out of the registers.

    It has NumPy's dtype of X @ W; each product and each sum is rounded to it.  A sum starts at 0
    and adds its products in the order of k; where weights stay it does so in each tile, and tiles
    are added in that order.  What is no product of two arrays of numbers is a ValueError.

    >>> X, W = [[1, 2], [3, 4], [5, 6]], [[1, 0, 2], [0, 1, 2]]
    >>> run = multiply(X, W, rows=2, cols=3, dataflow="weight-stationary")
    >>> run.result.tolist(), run.cycles, run.reads
    ([[1, 2, 6], [3, 4, 14], [5, 6, 22]], 6, {'X': 6, 'W': 6})
    """
    X, W, rows, cols = _checked(X, W, rows, cols, dataflow)
    high, deep = (len(X), rows) if dataflow == "weight-stationary" else (rows, len(W))
    result, tally = np.zeros((len(X), W.shape[1]), X.dtype), Counter()
    firsts = (range(0, len(X), high), range(0, len(W), deep), range(0, W.shape[1], cols))
    for m, k, n in product(*firsts):
        x, w = X[m : m + high, k : k + deep], W[k : k + deep, n : n + cols]
        result[m : m + high, n : n + cols] += _computed(x, w, rows, cols, dataflow, tally)
    found = (tally[name] for name in ("tiles", "compute", "load", "drain", "macs"))
    return Run(dataflow, rows, cols, *found, {name: tally[name] for name in "XW"}, result)


def _computed(x, w, rows, cols, dataflow, tally):
    """x @ w of one tile from the sums that leave at the bottom; `tally` adds up what is counted."""
    left = []
    for step in steps(x, w, rows, cols, dataflow):
        tally.update(step.reads, macs=int(step.useful.sum()), **{step.phase: 1})
        left.append(step.sums[-1].copy())  # a view would keep the whole grid
    tally["tiles"] += 1
    if dataflow == "output-stationary":  # the bottom row is the first to leave
        return np.array(left[: -rows - 1 : -1])[: len(x), : w.shape[1]]
    sums = np.array(left[2 * rows - 1 :])  # after loading and rows - 1 PEs; column j, j cycles late
    return np.stack([sums[j:, j][: len(x)] for j in range(w.shape[1])], axis=1)


def steps(X, W, rows, cols, dataflow):
    """The `Step`s of one tile in order; a ValueError if what stays, W or the result, is larger.

    >>> [step.sums.tolist() for step in steps([[1, 2]], [[3], [4]], 2, 1, "weight-stationary")]
    [[[0], [0]], [[0], [0]], [[3], [0]], [[0], [11]]]
    """
    X, W, rows, cols = _checked(X, W, rows, cols, dataflow)
    stay = dataflow == "weight-stationary"
    what, height, width = "W" if stay else "X @ W", len(W if stay else X), W.shape[1]
    if height > rows or width > cols:
        asked = f"{what} must be one tile, {rows} x {cols} at most; got {height} x {width}"
        raise ValueError(f"systolic: {asked}")
    if stay:
        return _weights_stay(_padded(X, len(X), rows), _padded(W, rows, cols))
    return _sums_stay(_padded(X.T, len(W), rows), _padded(W, len(W), cols))


def _weights_stay(x_stream, tile):
    x, w, sums = np.zeros_like(tile), np.zeros_like(tile), np.zeros_like(tile["number"])
    for cycle, top in enumerate(tile[::-1]):
        w = _down(w, top)
        yield _step("load", cycle, x, w, sums, W=top)
    for cycle, left in enumerate(_skewed(x_stream)):
        x, sums = _right(x, left), _down(sums, np.zeros_like(sums[0]))
        if not x["sent"].any():
            return
        sums = sums + _products(x, w)
        yield _step("compute", cycle, x, w, sums, X=left)


def _sums_stay(x_stream, w_stream):
    x = np.zeros((x_stream.shape[1], w_stream.shape[1]), x_stream.dtype)
    w, sums = np.zeros_like(x), np.zeros_like(x["number"])
    for cycle, (left, top) in enumerate(zip(_skewed(x_stream), _skewed(w_stream), strict=True)):
        x, w = _right(x, left), _down(w, top)
        if not x["sent"].any():
            break
        sums = sums + _products(x, w)
        yield _step("compute", cycle, x, w, sums, X=left, W=top)
    for cycle in range(len(sums)):
        yield _step("drain", cycle, x, w, sums)
        sums = _down(sums, np.zeros_like(sums[0]))


def _skewed(stream):
    """What enters in each cycle: lane i, i cycles late; after the last, nothing for ever."""
    length, lanes = stream.shape
    late = np.zeros((length + lanes - 1, lanes), stream.dtype)
    for i in range(lanes):
        late[i : i + length, i] = stream[:, i]
    return chain(late, repeat(np.zeros_like(late[0])))


def _right(grid, left):
    return np.concatenate((left[:, None], grid[:, :-1]), axis=1)


def _down(grid, top):
    return np.concatenate((top[None], grid[:-1]))


def _products(x, w):
    useful = x["operand"] & w["operand"]  # zero, as padding, times infinity is no number
    return np.multiply(x["number"], w["number"], out=np.zeros_like(x["number"]), where=useful)


def _padded(array, length, lanes):
    """The array as registers hold it: `operand` marks what is no padding, `sent` both of these."""
    bits = [("number", array.dtype), ("operand", bool), ("sent", bool)]
    stream = np.zeros((length, lanes), bits)
    inside = stream[: array.shape[0], : array.shape[1]]
    inside["number"], inside["operand"], stream["sent"] = array, True, True
    return stream


def _step(phase, cycle, x, w, sums, **entered):
    found = {name: int(np.count_nonzero(edge["operand"])) for name, edge in entered.items()}
    grids = x["number"], w["number"], sums, x["operand"] & w["operand"]
    for grid in grids:
        grid.setflags(write=False)  # the next cycle goes on from them
    return Step(phase, cycle, *grids, reads={"X": 0, "W": 0} | found)


def _sizes(dataflow, **sizes):
    if dataflow not in DATAFLOWS:
        raise ValueError(f"systolic: dataflow must be {' or '.join(DATAFLOWS)}; got {dataflow!r}")
    return [whole(size, f"systolic: {name}") for name, size in sizes.items()]


def _checked(X, W, rows, cols, dataflow):
    rows, cols = _sizes(dataflow, rows=rows, cols=cols)
    X, W = as_array(X, "systolic: X"), as_array(W, "systolic: W")
    for name, array in {"X": X, "W": W}.items():
        if array.dtype.kind not in "biufc" or array.ndim != 2 or not array.size:
            asked = f"{name} must hold numbers along two axes, none empty"
            raise ValueError(f"systolic: {asked}; got {array.dtype}, shape {array.shape}")
    if X.shape[1] != len(W):
        asked = "X must have as many columns as W has rows"
        raise ValueError(f"systolic: {asked}; got {X.shape} and {W.shape}")
    dtype = np.result_type(X, W)
    return X.astype(dtype), W.astype(dtype), rows, cols
