"""What the heads keep, compute and move is what the nests, the mask and the scratchpad count."""

import numpy as np
import pytest

from course_utils import heads
from course_utils.heads import WIDTH, Heads
from course_utils.kernels.dynamic import attention_nests, sees
from course_utils.kernels.scratchpad import Scratchpad, tiled_by_queries
from course_utils.meters import Meters
from course_utils.nest import LoopNest
from course_utils.pipeline import Pipeline

HEADS = 1, 2, 4, 8


def projections(n, h):
    """The products with weights, as nests: of X, and of O."""
    sizes = dict(q=n, h=h, d=WIDTH // h)
    into = [LoopNest(f"{a}[h,q,d] += X[q,i] * W{a}[i,h,d]", i=WIDTH, **sizes) for a in "QKV"]
    return into, LoopNest("Y[q,o] += O[h,q,d] * WO[h,d,o]", o=WIDTH, **sizes)


@pytest.mark.parametrize("h", HEADS)
@pytest.mark.parametrize("n", [1, 5, 64, 384])
def test_stored_is_what_the_nests_count(n, h):
    into, out = projections(n, h)
    attention = attention_nests(n, WIDTH // h, h, passes=1)
    each = sum((work.meters() for work in (*into, attention, out)), Meters())
    whole = Pipeline([*into, *attention.nests, out]).meters()
    work = Heads(n, h, "stored")
    meters = work.meters()
    assert (meters.macs, meters.moved) == (each.macs, each.moved)
    assert (meters.memory, meters.macs) == (whole.memory, whole.macs)
    # X is one array there, which crosses once instead of for each of three products
    assert meters.moved == whole.moved + 2 * 4 * n * WIDTH
    assert meters.macs == work.projections + work.mixing


@pytest.mark.parametrize("h", HEADS)
@pytest.mark.parametrize("n", [1, 2, 37])
def test_causal_leaves_out_what_a_query_does_not_see(n, h):
    causal, stored = Heads(n, h, "causal"), Heads(n, h, "stored")
    seen = int(sees(n, n, causal=True).sum())
    assert causal.scores == h * seen
    nests = attention_nests(n, WIDTH // h, h, causal=True, passes=1).nests
    assert causal.mixing == nests[0].macs_on_data + nests[-1].macs_on_data
    left_out = h * (n * n - seen)
    now, before = causal.meters(), stored.meters()
    assert before.memory - now.memory == 2 * 4 * left_out
    assert before.moved - now.moved == 4 * 4 * left_out


@pytest.mark.parametrize("h", HEADS)
@pytest.mark.parametrize("n", [4, 8, 12, 30])
def test_tiles_cross_as_through_a_scratchpad(monkeypatch, n, h):
    side = 8
    monkeypatch.setattr(heads, "SIDE", side)
    rng, d, moved, peaks = np.random.default_rng(n), WIDTH // h, 0, []
    for _ in range(h):
        pad = Scratchpad("1MiB")
        tiled_by_queries(pad, *rng.random((3, n, d), np.float32), rows=side, columns=side)
        moved += 4 * pad.traffic
        peaks.append(pad.peak)
    into, out = projections(n, h)
    moved += sum(nest.meters().moved for nest in (*into, out))
    tiled = Heads(n, h, "tiled")
    assert tiled.meters().moved == moved
    assert tiled.meters().macs == Heads(n, h, "stored").meters().macs
    # in the scratchpad there are copies besides: a tile of Q, of K and of V
    assert tiled.scores + tiled.triples == max(peaks) - 3 * min(n, side) * d
    matrices = 4 * (4 * WIDTH**2 + 6 * n * WIDTH)
    assert tiled.meters().memory == matrices + 4 * (tiled.scores + tiled.triples)


def test_where_scores_outgrow():
    def stored(n, h):
        return Heads(n, h, "stored")

    assert stored(362, 8).scores < stored(1, 8).weights < stored(363, 8).scores
    assert stored(2 * WIDTH, 1).scores == stored(1, 1).weights
    layer = stored(6 * WIDTH, 8)
    assert layer.mixing == 3 * layer.projections == 12 * layer.tokens * WIDTH**2
