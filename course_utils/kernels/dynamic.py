"""Attention: what a position reads is decided by the data, in three lines of matrices.

    S = Q Kᵀ / √d        P = softmax(S), a row at a time        O = P V

with Q[h,q,d], K[h,j,d], V[h,j,d] and O[h,q,d] for heads h, queries q, keys j (Vaswani et al. 2017).
Everywhere here `causal` lets query q see keys j ≤ q only, and `reach` keys at most that far away.
A query that sees no key gets zeros.
"""

# ruff: noqa: E741  (m, l, o and O are the names of the papers)

import math

import numpy as np

from .._compiled import compiled, inlined
from ..arguments import as_array, whole
from ..nest import LoopNest
from ..pipeline import Pipeline
from .arrays import fitting, float32, floats

# --- as nests -----------------------------------------------------------------------------


def attention_nests(n, d, h=1, causal=False, reach=None, passes=3, itemsize=4):
    """h heads of n queries and n keys, one head after another, S and P stored: a `Pipeline`.

    Two matmuls with the softmax between them, as nests that touch what it touches; their `+` stands
    for max, exp and the rest, 5 operations a score.  `passes=3`: one for the maxima m, one for the
    sums l, one that writes P (Milakov and Gimelshein 2018, "safe softmax"); each head uses the
    same m and l again.  `passes=1`: a row stays on the chip from S to P, and its arithmetic is left
    out.

    With a mask a row has a slot for each key that a query may reach, n of them if causal alone.
    Slots off the sequence are no `macs_on_data`, but they are stored and the softmax passes them.
    Blocks of n positions that see only their own block are heads: h is heads times blocks.

    >>> head = attention_nests(n=100, d=32, passes=1)
    >>> head.macs, round(head.meters().intensity, 2)
    (640000, 6.06)
    >>> attention_nests(n=100, d=32, causal=True).nests[0].macs_on_data // 32
    5050
    """
    n = whole(n, "attention_nests: n")
    if passes not in (1, 3):
        raise ValueError(f"attention_nests: passes is 1 or 3; got {passes!r}")
    key, w, slots = "j", "j", n
    if _flag(causal) or reach is not None:
        back = min(n - 1, _reach(reach))
        key, w, slots = f"q+w-{back}", "w", back + 1 if causal else 2 * back + 1
    rows = {"h": h, "q": n, w: slots, "itemsize": itemsize}

    def product(text, other):
        masked = dict(pad={other: (0, back, 0)}, shapes={other: (h, n, d)}) if w == "w" else {}
        return LoopNest(text, d=d, **masked, **rows)

    score = product(f"S[h,q,{w}] += Q[h,q,d] * K[h,{key},d]", "K")
    mix = product(f"O[h,q,d] += P[h,q,{w}] * V[h,{key},d]", "V").order("h", "q", w, "d")
    softmax = [
        f"m[q] += S[h,q,{w}]",
        f"l[q] += S[h,q,{w}] + m[q]",
        f"P[h,q,{w}] = S[h,q,{w}] + m[q] + l[q]",
    ]
    if passes == 1:
        softmax = [f"P[h,q,{w}] = S[h,q,{w}]"]
    return Pipeline([score, *(LoopNest(text, **rows) for text in softmax), mix], repeat="h")


def gather_nest(neighbour, d, rows=None, itemsize=4):
    """Along each edge e, the d features of the node that it comes from: a `LoopNest`.

    Here the addresses hang on the data.  `rows`: nodes of E, if not the largest one named plus one.

    >>> gather_nest([2, 0, 2], d=2).run(E=np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])).tolist()
    [[5.0, 6.0], [1.0, 2.0], [5.0, 6.0]]
    """
    neighbour = as_array(neighbour, "gather_nest: neighbour")
    if neighbour.ndim != 1 or neighbour.dtype.kind not in "iu" or not neighbour.size:
        raise ValueError(f"gather_nest: neighbour is a list of whole numbers; got {neighbour!r}")
    nodes = int(neighbour.max()) + 1 if rows is None else whole(rows, "gather_nest: rows")
    if neighbour.min() < 0 or neighbour.max() >= nodes:
        raise ValueError(
            f"gather_nest: neighbours run from {neighbour.min()} to {neighbour.max()}, and the "
            f"rows of E from 0 to {nodes - 1}"
        )
    return LoopNest(
        "G[e,d] = E[nbr[e],d]",
        e=len(neighbour),
        d=d,
        index={"nbr": neighbour},
        shapes={"E": (nodes, d)},
        itemsize={"E": itemsize, "G": itemsize},
    )


# --- plain --------------------------------------------------------------------------------


def sees(n, keys, causal=False, reach=None):
    """Which keys a query sees: a boolean array [q,j].

    >>> sees(3, 3, causal=True, reach=1).astype(int).tolist()
    [[1, 0, 0], [1, 1, 0], [0, 1, 1]]
    """
    return _sees(np.arange(n)[:, None], np.arange(keys), _flag(causal), _reach(reach))


def _sees(q, j, causal, reach):
    return ((j <= q) | (not causal)) & (abs(q - j) <= reach)


def softmax(S):
    """exp(S) over its sum along the last axis, each row less its largest score first.

    A row of −∞ alone gives zeros.

    >>> softmax(np.array([[1000.0, 1000.0], [-np.inf, 0.0], [-np.inf, -np.inf]])).tolist()
    [[0.5, 0.5], [0.0, 1.0], [0.0, 0.0]]
    """
    (S,) = floats(as_array(S, "softmax: scores"))
    E = np.exp(S - _finite(S.max(axis=-1, keepdims=True)))
    return E / _nonzero(E.sum(axis=-1, keepdims=True))


def attention(Q, K, V, causal=False, reach=None):
    """The matrix lines, with S and P as whole matrices: Q[…,q,d], K[…,j,d], V[…,j,d] → O[…,q,d].

    >>> attention(np.zeros((1, 2)), np.eye(2), np.array([[1.0, 3.0], [3.0, 5.0]])).tolist()
    [[2.0, 4.0]]
    """
    Q, K, V = _heads(Q, K, V)
    S = Q @ K.mT / math.sqrt(Q.shape[-1])
    if _flag(causal) or reach is not None:
        S = np.where(sees(*S.shape[-2:], causal, reach), S, -np.inf)
    return softmax(S) @ V


def attention_loops(Q, K, V, causal=False, reach=None):
    """The same by loops, compiled, in float32; it keeps one row of scores.

    >>> attention_loops(np.zeros((1, 2)), np.eye(2), np.array([[1, 3], [3, 5]])).tolist()
    [[2.0, 4.0]]
    """
    Q, K, V = _heads(Q, K, V)
    q, k, v = float32(*(A.reshape(-1, *A.shape[-2:]) for A in (Q, K, V)))
    O = np.zeros_like(q)
    _attention(q, k, v, O, _flag(causal), _reach(reach))
    return O.reshape(Q.shape)


@inlined
def _score(Q, K, h, q, j, causal, reach):
    """Query q times key j, or −∞ where q does not see j."""
    s = -np.inf
    if (j <= q or not causal) and abs(q - j) <= reach:
        s = 0.0
        for d in range(Q.shape[2]):
            s += Q[h, q, d] * K[h, j, d]
        s /= math.sqrt(Q.shape[2])
    return s


@inlined
def _larger(m, s):
    """The larger of the two; NaN if one is, which `max` may lose."""
    return m if s <= m or m != m else s


@compiled
def _attention(Q, K, V, O, causal, reach):
    P = np.empty(K.shape[1], np.float32)
    for h in range(Q.shape[0]):
        for q in range(Q.shape[1]):
            m, l = -np.inf, 0.0
            for j in range(K.shape[1]):
                P[j] = _score(Q, K, h, q, j, causal, reach)
                m = _larger(m, P[j])
            if m == -np.inf:
                continue
            for j in range(K.shape[1]):
                P[j] = math.exp(P[j] - m)
                l += P[j]
            for j in range(K.shape[1]):
                for d in range(V.shape[2]):
                    O[h, q, d] += P[j] / l * V[h, j, d]


# --- tiled --------------------------------------------------------------------------------
#
# What some of the keys say to a query: their largest score m, the sum l of exp(s − m), and the
# sum o of exp(s − m)·v.  Two such triples merge into that of all their keys, in any grouping, so
# that no row of scores is ever whole (Milakov and Gimelshein 2018; Dao et al. 2022).


def part(Q, K, V, seen=True):
    """(m[…,q], l[…,q], o[…,q,d]) of the keys in K and V.

    >>> m, l, o = part(np.array([[2.0]]), np.array([[3.0], [1.0]]), np.array([[5.0], [7.0]]))
    >>> m.item(), round(l.item(), 3), round((o / l).item(), 3)
    (6.0, 1.018, 5.036)
    """
    Q, K, V = floats(*(as_array(A, "part: Q, K and V") for A in (Q, K, V)))
    S = Q @ K.mT
    S /= math.sqrt(Q.shape[-1])
    if seen is not True:
        S = np.where(seen, S, -np.inf)
    m = S.max(axis=-1)
    S -= _finite(m)[..., None]
    P = np.exp(S, out=S)
    return m, P.sum(axis=-1), P @ V


def nothing(Q):
    """The triple of no keys for the queries Q[…,q,d]: (−∞, 0, 0).

    >>> [x.tolist() for x in nothing(np.ones((1, 2)))]
    [[-inf], [0.0], [[0.0, 0.0]]]
    """
    o = np.zeros(Q.shape, np.result_type(Q, np.float32))
    return np.full_like(o[..., 0], -np.inf), o[..., 0].copy(), o


def merge(one, two):
    """The triple (m, l, o) of all the keys of two triples.

    >>> some = np.array([3.0]), np.array([2.0]), np.array([[4.0, 6.0]])
    >>> [x.tolist() for x in merge(nothing(np.ones((1, 2))), some)]
    [[3.0], [2.0], [[4.0, 6.0]]]
    """
    (m1, l1, o1), (m2, l2, o2) = one, two
    m = np.maximum(m1, m2)
    scale1, scale2 = np.exp(m1 - _finite(m)), np.exp(m2 - _finite(m))
    return m, scale1 * l1 + scale2 * l2, scale1[..., None] * o1 + scale2[..., None] * o2


def mean(triple):
    """The output o / l of a triple; zeros where no key was seen."""
    _, l, o = triple
    return o / _nonzero(l)[..., None]


def tiled(Q, K, V, rows, columns, causal=False, reach=None):
    """`attention` in tiles of rows × columns scores, each merged into a triple and forgotten.

    >>> tiled(np.zeros((1, 2)), np.eye(2), np.array([[1.0, 3.0], [3.0, 5.0]]), 1, 1).tolist()
    [[2.0, 4.0]]
    """
    Q, K, V = _heads(Q, K, V)
    O = np.zeros_like(Q, np.result_type(Q, K, V))
    masked = _flag(causal) or reach is not None
    for q in tiles(Q.shape[-2], rows):
        found = nothing(Q[..., q, :])
        for j in tiles(K.shape[-2], columns):
            seen = True
            if masked:
                seen = _sees(np.r_[q][:, None], np.r_[j], causal, _reach(reach))
            if np.any(seen):
                found = merge(found, part(Q[..., q, :], K[..., j, :], V[..., j, :], seen))
        O[..., q, :] = mean(found)
    return O


def tiles(n, size):
    """Slices of at most `size` that cover n positions.

    >>> tiles(5, 2)
    [slice(0, 2, None), slice(2, 4, None), slice(4, 5, None)]
    """
    n = whole(n, "attention: positions", least=0)
    size = whole(size, "attention: a side of a tile")
    return [slice(first, min(first + size, n)) for first in range(0, n, size)]


def tiled_loops(Q, K, V, rows, columns, causal=False, reach=None):
    """`tiled` by loops, compiled, in float32.

    >>> tiled_loops(np.zeros((1, 2)), np.eye(2), np.array([[1, 3], [3, 5]]), 1, 1).tolist()
    [[2.0, 4.0]]
    """
    Q, K, V = _heads(Q, K, V)
    sides = ((rows, Q.shape[-2]), (columns, K.shape[-2]))
    rows, columns = (min(whole(side, "attention: a side of a tile"), n) for side, n in sides)
    q, k, v = float32(*(A.reshape(-1, *A.shape[-2:]) for A in (Q, K, V)))
    O = np.zeros_like(q)
    _tiled(q, k, v, O, rows, columns, _flag(causal), _reach(reach))
    return O.reshape(Q.shape)


@compiled
def _tiled(Q, K, V, O, rows, columns, causal, reach):
    P = np.empty(columns, np.float32)
    for h in range(Q.shape[0]):
        for q0 in range(0, Q.shape[1], rows):
            m, l = np.full(rows, -np.inf), np.zeros(rows)
            for j0 in range(0, K.shape[1], columns):
                for q in range(q0, min(q0 + rows, Q.shape[1])):
                    largest = m[q - q0]
                    for j in range(j0, min(j0 + columns, K.shape[1])):
                        P[j - j0] = _score(Q, K, h, q, j, causal, reach)
                        largest = _larger(largest, P[j - j0])
                    if largest == -np.inf:
                        continue
                    shrink = math.exp(m[q - q0] - largest)
                    m[q - q0] = largest
                    l[q - q0] *= shrink
                    for d in range(V.shape[2]):
                        O[h, q, d] *= shrink
                    for j in range(j0, min(j0 + columns, K.shape[1])):
                        p = math.exp(P[j - j0] - largest)
                        l[q - q0] += p
                        for d in range(V.shape[2]):
                            O[h, q, d] += p * V[h, j, d]
            for q in range(q0, min(q0 + rows, Q.shape[1])):
                for d in range(V.shape[2]):
                    O[h, q, d] /= l[q - q0] if l[q - q0] != 0.0 else 1.0


# --- arguments ----------------------------------------------------------------------------


def _heads(Q, K, V):
    Q, K, V = floats(*fitting(Q=(Q, "…qd"), K=(K, "…jd"), V=(V, "…jd")))
    if not Q.shape[:-2] == K.shape[:-2] == V.shape[:-2]:
        raise ValueError(
            f"attention: Q, K and V need the same axes in front; got shapes {Q.shape}, {K.shape}, "
            f"{V.shape}"
        )
    return Q, K, V


def _reach(reach):
    """How far a query sees, as an integer; None is as far as any array goes."""
    if reach is None:
        return 1 << 40
    return min(whole(reach, "attention: reach", least=0), 1 << 40)


def _flag(causal):
    if not isinstance(causal, bool | np.bool_):
        raise ValueError(f"attention: causal is True or False; got {causal!r}")
    return bool(causal)


def _finite(m):
    """Maxima from which scores may be subtracted: that of no key is 0 instead of −∞."""
    return np.where(m == -np.inf, 0, m)


def _nonzero(l):
    return np.where(l == 0, 1, l)
