"""The dense layer: its pipeline and its compiled loops say the same as NumPy."""

import inspect

import numpy as np
import pytest

from course_utils import LoopNest
from course_utils.kernels import dense

RNG = np.random.default_rng(1)
X = RNG.random((5, 7), np.float32)
W = RNG.random((7, 3), np.float32)


@pytest.mark.parametrize("order", dense.loops)
@pytest.mark.parametrize("stored", [np.ascontiguousarray, np.asfortranarray])
def test_loops_in_each_order_and_layout_add_the_product(order, stored):
    H = np.ones((5, 3), np.float32)
    dense.loops[order](X, stored(W), H)
    assert np.allclose(H, 1 + X @ W)


@pytest.mark.parametrize("batch", range(1, 10))
def test_four_rows_at_a_time_add_the_same_product_and_leave_no_row(batch):
    X = RNG.random((batch, 7), np.float32)
    H = np.ones((batch, 3), np.float32)
    dense.bio_by_four(X, W, H)
    assert np.allclose(H, 1 + X @ W)


@pytest.mark.parametrize("tile", range(1, 9))
@pytest.mark.parametrize("stored", [np.ascontiguousarray, np.asfortranarray])
def test_tiles_of_any_size_add_the_same_product(tile, stored):
    H = stored(np.ones((5, 3), np.float32))
    dense.bio_tiled(stored(X), stored(W), H, tile)
    assert np.allclose(H, 1 + X @ W)


@pytest.mark.parametrize("tile", [0, -1, 1.5, True])
def test_a_tile_is_a_whole_number(tile):
    with pytest.raises(ValueError, match="bio_tiled: tile must be a whole number of at least 1"):
        dense.bio_tiled(X, W, np.zeros((5, 3)), tile)


@pytest.mark.parametrize("order", dense.loops)
def test_loops_run_in_the_order_of_their_name(order):
    H = Recorder()
    inspect.unwrap(dense.loops[order])(X, W, H)
    nest = LoopNest(dense.TEXT, b=5, i=7, o=3).order(*order)
    addresses = nest.addresses().of("H")
    places = (addresses - addresses.min()) // 4
    assert H.places == [divmod(place, 3) for place in places.tolist()]


@pytest.mark.parametrize("order", dense.loops)
def test_loops_refuse_arrays_that_do_not_fit(order):
    for wrong, words in [
        ((X, W, np.ones((5, 4))), r"H\[b,o\] has shape \(5, 4\): o is 4"),
        ((X, W[:6], np.ones((5, 3))), r"W\[i,o\] has shape \(6, 3\): i is 6"),
        ((X, W, [[0.0] * 3] * 5), r"H\[b,o\] must be an array .*; got list of float64"),
        ((X, W, np.zeros((5, 3), int)), r"H\[b,o\] must be .* written; got ndarray of int64"),
        ((X, W, np.broadcast_to(np.float32(0), (5, 3))), "that can be written"),
    ]:
        for _ in "before", "after":  # it is compiled
            with pytest.raises(ValueError, match=words):
                dense.loops[order](*wrong)
            with pytest.raises(ValueError, match=words):
                getattr(dense, order)(*wrong)
            dense.loops[order](X, W, np.zeros((5, 3), np.float32))


@pytest.mark.parametrize("order", dense.loops)
@pytest.mark.parametrize("dtype", [np.float16, ">f4", np.int8])
def test_loops_take_factors_of_any_type(order, dtype):
    x, w, H = (10 * X).astype(dtype), (10 * W).astype(dtype), np.zeros((5, 3))
    x.flags.writeable = False
    dense.loops[order](x, w, H)
    assert np.allclose(H, x.astype(float) @ w.astype(float))


class Recorder:
    """Stands for H and notes in which order its elements are read."""

    def __init__(self):
        self.places = []

    def __getitem__(self, place):
        self.places.append(place)
        return 0.0

    def __setitem__(self, place, value):
        pass


def test_a_layer_counts_its_bias():
    layer, bare = dense.layer(b=5, i=7, o=3), LoopNest(dense.TEXT, b=5, i=7, o=3)
    assert layer.macs == bare.macs == 105
    assert layer.meters().moved - bare.meters().moved == 3 * 4
    assert layer.meters().flops == bare.meters().flops
    assert dense.layer(5, 7, 3, itemsize=2).meters().memory == 2 * (35 + 21 + 3 + 15)
