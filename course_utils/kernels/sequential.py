"""Recurrent layers: what comes next hangs on what is remembered.

A sequence is x[t,b,i], a state h[b,o]; one step of the plain recurrent layer (Elman 1990, here
with tanh) is

    h' = tanh(x W + h U + bias)

with W[i,o], U[o,o], bias[o].
"""

import numpy as np

from .._compiled import compiled
from ..arguments import as_array, whole
from ..nest import LoopNest
from ..pipeline import Pipeline
from .arrays import fitting, float32, floats

# --- as nests -----------------------------------------------------------------------------


def rnn_nests(t, i, o, b=1, itemsize=4):
    """t steps of i inputs into o units: a `Pipeline`; two buffers take turns as the state.

    Products only: the bias and tanh, done in the accumulator, touch no further memory.

    >>> rnn_nests(t=100, i=100, o=128).macs
    2918400
    """
    into = LoopNest("z[b,o] += x[t,b,i] * W[i,o]", t=t, b=b, i=i, o=o, itemsize=itemsize)
    back = LoopNest("z[b,o] += h[b,j] * U[j,o]", b=b, j=o, o=o, itemsize=itemsize)
    nests = [into.order("t", "b", "i", "o"), back.order("b", "j", "o")]
    return Pipeline(nests, repeat="t", buffers=[("h", "z")])


def hoisted_nests(t, i, o, b=1, itemsize=4):
    """The same layer with all t·b rows of x W computed first, as one matmul Z: a `Pipeline`.

    Written out step by step, since the matmul runs once and the recurrence t times; the state goes
    from h0 to h1 and back.

    >>> hoisted_nests(t=100, i=100, o=128).macs
    2918400
    """
    sizes, shapes = dict(b=b, o=o, itemsize=itemsize), {"Z": (whole(t, "hoisted_nests: t"), b, o)}
    nests = [LoopNest("Z[t,b,o] += x[t,b,i] * W[i,o]", t=t, i=i, **sizes).order("t", "b", "i", "o")]
    for step in range(t):
        h, z = ("h0", "h1") if step % 2 == 0 else ("h1", "h0")
        nests.append(LoopNest(f"{z}[b,o] = Z[{step},b,o]", shapes=shapes, **sizes))
        back = LoopNest(f"{z}[b,o] += {h}[b,j] * U[j,o]", j=o, **sizes)
        nests.append(back.order("b", "j", "o"))
    return Pipeline(nests)


# --- the plain layer ----------------------------------------------------------------------


def rnn_step(x, h, W, U, bias):
    """One step, x[b,i] and h[b,o] → the next h[b,o].

    >>> rnn_step(np.zeros((1, 2)), np.zeros((1, 3)), np.ones((2, 3)), np.eye(3), np.zeros(3))
    array([[0., 0., 0.]])
    """
    x, h, W, U, bias = _fitting(x, h, W, U, bias)
    return np.tanh(x @ W + h @ U + bias)


def rnn_step_loops(x, h, W, U, bias):
    """`rnn_step` by loops, compiled, in float32.

    >>> rnn_step_loops([[0, 0]], [[0, 0, 0]], np.ones((2, 3)), np.eye(3), np.zeros(3)).tolist()
    [[0.0, 0.0, 0.0]]
    """
    x, h, W, U, bias = float32(*_fitting(x, h, W, U, bias))
    after = np.empty_like(h)
    _rnn_step(x, h, W, U, bias, after)
    return after


@compiled
def _rnn_step(x, h, W, U, bias, after):
    for b in range(x.shape[0]):
        for o in range(W.shape[1]):
            after[b, o] = bias[o]
        for i in range(W.shape[0]):
            for o in range(W.shape[1]):
                after[b, o] += x[b, i] * W[i, o]
        for j in range(U.shape[0]):
            for o in range(U.shape[1]):
                after[b, o] += h[b, j] * U[j, o]
        for o in range(W.shape[1]):
            after[b, o] = np.tanh(after[b, o])


def rnn(x, h, W, U, bias):
    """All states H[t,b,o] of a sequence x[t,b,i] that starts from h[b,o], step by step.

    >>> rnn(np.zeros((4, 1, 2)), np.zeros((1, 3)), np.ones((2, 3)), np.eye(3), np.zeros(3)).shape
    (4, 1, 3)
    """
    x, h, W, U, bias = _fitting(x, h, W, U, bias, axes="tbi")
    H = []
    for t in range(len(x)):
        h = np.tanh(x[t] @ W + h @ U + bias)
        H.append(h)
    return np.array(H)


def rnn_loops(x, h, W, U, bias):
    """`rnn` with the compiled loops of a step, in float32.

    >>> start = np.zeros((1, 3)), np.ones((2, 3)), np.eye(3), np.zeros(3)
    >>> rnn_loops(np.zeros((4, 1, 2)), *start).shape
    (4, 1, 3)
    """
    x, h, W, U, bias = float32(*_fitting(x, h, W, U, bias, axes="tbi"))
    H = np.empty((len(x), *h.shape), np.float32)
    for t in range(len(x)):
        _rnn_step(x[t], H[t - 1] if t else h, W, U, bias, H[t])
    return H


def rnn_hoisted(x, h, W, U, bias):
    """`rnn` with x W for all steps in one matmul; only h U waits for the step before.

    >>> x, W = np.ones((4, 1, 2)), np.ones((2, 3))
    >>> start = np.zeros((1, 3)), W, np.eye(3), np.zeros(3)
    >>> np.allclose(rnn_hoisted(x, *start), rnn(x, *start))
    True
    """
    x, h, W, U, bias = _fitting(x, h, W, U, bias, axes="tbi")
    Z = (x.reshape(-1, len(W)) @ W + bias).reshape(len(x), *h.shape)
    H = []
    for t in range(len(x)):
        h = np.tanh(Z[t] + h @ U)
        H.append(h)
    return np.array(H)


def _fitting(x, h, W, U, bias, axes="bi"):
    """The arrays of a step, which fit together, in float32 or wider."""
    shaped = fitting(x=(x, axes), h=(h, "bo"), W=(W, "io"), U=(U, "oo"), bias=(bias, "o"))
    return floats(*shaped)


# --- linear recurrences -------------------------------------------------------------------
#
# h[t] = a[t]·h[t−1] + u[t] from h = 0.  Two stretches join into one: (a, u) then (a', u') is
# (a'·a, a'·u + u'), a MAC and a multiplication; joining is associative, so that the stretches may
# be grouped in any way (Blelloch 1990).


def linear_loops(a, u):
    """The states h[t,…] of h[t] = a[t]·h[t−1] + u[t], step by step; (h, joins, rounds).

    `joins` is the work, `rounds` the span: here T − 1 of each, and a join is the MAC alone.

    >>> h, joins, rounds = linear_loops([0.5, 0.5, 0.5, 0.5], [8.0, 0.0, 0.0, 1.0])
    >>> h.tolist(), joins, rounds
    ([8.0, 4.0, 2.0, 2.0], 3, 3)
    """
    a, u = _stretches(a, u)
    h = u.copy()
    for t in range(1, len(u)):
        h[t] = a[t] * h[t - 1] + u[t]
    return h, len(u) - 1, len(u) - 1


def linear_scan(a, u):
    """The same states in ⌈log₂ T⌉ rounds, each over all steps at once; (h, joins, rounds).

    Round n joins each stretch with the one that ends 2ⁿ steps before (Hillis and Steele 1986).

    >>> h, joins, rounds = linear_scan([0.5, 0.5, 0.5, 0.5], [8.0, 0.0, 0.0, 1.0])
    >>> h.tolist(), joins, rounds
    ([8.0, 4.0, 2.0, 2.0], 5, 2)
    """
    a, u = _stretches(a, u)
    joins, rounds, reach = 0, 0, 1
    while reach < len(u):
        u = np.concatenate([u[:reach], a[reach:] * u[:-reach] + u[reach:]])
        a = np.concatenate([a[:reach], a[reach:] * a[:-reach]])
        joins, rounds, reach = joins + len(u) - reach, rounds + 1, 2 * reach
    return u, joins, rounds


def linear_tree(a, u):
    """The same states with fewer than 2T joins, in about 2·log₂ T rounds; (h, joins, rounds).

    Pairs join, their scan is found in the same way, and the steps between follow (Blelloch 1990).

    >>> h, joins, rounds = linear_tree([0.5, 0.5, 0.5, 0.5], [8.0, 0.0, 0.0, 1.0])
    >>> h.tolist(), joins, rounds
    ([8.0, 4.0, 2.0, 2.0], 4, 3)
    """
    a, u = _stretches(a, u)
    if len(u) == 1:
        return u.copy(), 0, 0
    last = len(u) - len(u) % 2
    pairs = a[1:last:2] * a[0:last:2], a[1:last:2] * u[0:last:2] + u[1:last:2]
    h = u.copy()
    h[1:last:2], joins, rounds = linear_tree(*pairs)
    between = len(u[2::2])
    h[2::2] = a[2::2] * h[1:-1:2] + u[2::2]
    return h, joins + last // 2 + between, rounds + 1 + (between > 0)


def _stretches(a, u):
    a, u = (as_array(x, f"linear recurrence: {name}[t,…]") for x, name in ((a, "a"), (u, "u")))
    numbers = a.dtype.kind in "fiu" and u.dtype.kind in "fiu"
    if u.ndim < 1 or a.shape != u.shape or not u.size or not numbers:
        raise ValueError(
            "linear recurrence: give numbers a[t,…] and u[t,…] of one shape; "
            f"got shapes {a.shape} and {u.shape} of {a.dtype} and {u.dtype}"
        )
    a, u = floats(a, u)
    return a, u.astype(np.result_type(a, u))
