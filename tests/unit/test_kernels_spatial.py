"""Convolution: loops, nests, one matmul and shifted matmuls say the same, and what PyTorch says."""

import inspect

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from oracles import close

from course_utils.kernels import spatial

few = st.integers(1, 3)


@st.composite
def layers(draw, depthwise=False):
    """Images, filters and the steps of the window; no two sizes need to be equal."""
    b, c, k = draw(few), draw(few), draw(few)
    taps = draw(few), draw(few)
    image = draw(st.integers(1, 7)), draw(st.integers(1, 7))
    steps = dict(stride=draw(few), padding=draw(st.integers(0, 2)), dilation=draw(few))
    for n, t in zip(image, taps, strict=True):
        assume(n + 2 * steps["padding"] >= steps["dilation"] * (t - 1) + 1)
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    W = rng.standard_normal((c, *taps) if depthwise else (k, c, *taps), np.float32)
    return rng.standard_normal((b, c, *image), np.float32), W, steps


def nest_of(X, W, steps):
    (b, c, *image), (k, _, *taps) = X.shape, W.shape
    return spatial.conv_nest(b=b, c=c, image=image, k=k, taps=taps, **steps)


@given(layers())
def test_all_forms_of_a_convolution_agree(layer):
    X, W, steps = layer
    H = spatial.conv_loops(X, W, **steps)
    close(spatial.conv_lowered(X, W, **steps), H)
    close(spatial.conv_shifted(X, W, **steps), H)
    close(np.einsum("bcyxrs,kcrs->bkyx", spatial.windows(X, W.shape[2:], **steps), W), H)
    close(nest_of(X, W, steps).run(X=X, W=W), H)


@given(layers())
def test_whole_rows_at_once_give_the_same_sums(layer):
    X, W, steps = layer
    padding = steps["padding"]
    if W.shape[2] <= X.shape[2] + 2 * padding and W.shape[3] <= X.shape[3] + 2 * padding:
        expected = spatial.conv_loops(X, W, padding=padding)
        close(spatial.conv_row_loops(X, W, padding), expected)
        close(spatial.conv_flat(X, W, padding), expected)


@given(layers(depthwise=True))
def test_whole_rows_of_each_channel_give_the_same_sums(layer):
    X, W, steps = layer
    padding = steps["padding"]
    if W.shape[1] <= X.shape[2] + 2 * padding and W.shape[2] <= X.shape[3] + 2 * padding:
        expected = spatial.depthwise_loops(X, W, padding=padding)
        close(spatial.depthwise_row_loops(X, W, padding), expected)


@given(layers())
def test_pytorch_convolves_alike(torch, layer):
    X, W, steps = layer
    expected = torch.nn.functional.conv2d(*map(torch.from_numpy, (X, W)), **steps)
    close(spatial.conv_loops(X, W, **steps), expected)


@given(layers(depthwise=True))
def test_pytorch_convolves_each_channel_alike(torch, layer):
    X, W, steps = layer
    filters = torch.from_numpy(W[:, None])
    expected = torch.nn.functional.conv2d(torch.from_numpy(X), filters, groups=len(W), **steps)
    close(spatial.depthwise(X, W, **steps), expected)
    close(spatial.depthwise_loops(X, W, **steps), expected)


@given(layers(depthwise=True))
def test_depthwise_is_a_convolution_whose_other_filters_are_zero(layer):
    X, W, steps = layer
    full = np.zeros((len(W), *W.shape), np.float32)
    full[np.arange(len(W)), np.arange(len(W))] = W
    close(spatial.depthwise(X, W, **steps), spatial.conv_loops(X, full, **steps))
    close(spatial.depthwise_loops(X, W, **steps), spatial.conv_loops(X, full, **steps))


@given(layers())
def test_the_nests_of_the_lowered_form_are_im2col_and_a_matmul(layer):
    X, W, steps = layer
    (b, c, *image), (k, _, *taps) = X.shape, W.shape
    lowered = spatial.lowered_nests(b=b, c=c, image=image, k=k, taps=taps, **steps)
    copy, matmul = lowered.nests
    p = steps["padding"]
    P = copy.run(X=np.pad(X, [(0, 0), (0, 0), (p, p), (p, p)]))
    rows = spatial.im2col(X, taps, **steps)
    assert np.array_equal(P.reshape(rows.shape), rows)
    close(matmul.run(P=P, W=W), spatial.conv_loops(X, W, **steps))
    assert lowered.macs == nest_of(X, W, steps).macs


def test_known_counts():
    digit = spatial.conv_nest(b=1, c=1, image=(28, 28), k=32, taps=(3, 3), padding=1)
    assert (digit.macs, digit.macs_on_data) == (225_792, 215_168)
    assert round(digit.meters().intensity, 2) == 4.32
    valid = spatial.conv_nest(b=1, c=1, image=(28, 28), k=32, taps=(3, 3))
    assert valid.macs == 194_688
    assert spatial.im2col(np.ones((1, 1, 28, 28)), (3, 3)).shape == (676, 9)
    sizes = dict(b=1, c=64, image=(56, 56), k=64, taps=(3, 3), padding=1)
    assert round(spatial.conv_nest(**sizes).meters().intensity, 1) == 131.9
    # 14.27 with an image that has no border of zeros in memory
    assert abs(spatial.lowered_nests(**sizes).meters().intensity / 14.27 - 1) < 0.005
    assert spatial.lowered_nests(**sizes).nbytes("P") == 9 * spatial.conv_nest(**sizes).nbytes("X")


@pytest.mark.parametrize(
    "sizes, outputs", [((224, 7, 2, 3), 112), ((32, 4, 2, 1), 16), ((7, 3, 2, 0), 3)]
)
def test_known_sizes(sizes, outputs):
    image, taps, stride, padding = sizes
    assert spatial.outputs((image, 9), (taps, 1), stride, padding)[0] == outputs


def test_a_dataflow_keeps_its_tensor_in_place():
    nest = spatial.conv_nest(b=2, c=4, image=(8, 9), k=6, taps=(3, 2))
    for name, tensor, reads in [
        ("weight-stationary", "W", 6 * 4 * 3 * 2),
        ("output-stationary", "H", 2 * 6 * 6 * 8),
        ("input-stationary", "X", nest.macs // 6),
    ]:
        order = nest.order(*spatial.dataflows[name])
        assert order.accesses(registers=True)[tensor].reads == reads
        others = {t: a.reads for t, a in order.accesses(registers=True).items() if t != tensor}
        assert set(others.values()) == {nest.macs}


def test_loops_are_those_of_the_nest():
    source = inspect.getsource(inspect.unwrap(spatial._conv))
    places = [source.index(f"for {index} in") for index in spatial.dataflows["output-stationary"]]
    assert places == sorted(places)


def test_windows_and_shifts_copy_no_image():
    X = np.zeros((1, 2, 6, 6), np.float32)
    assert np.shares_memory(spatial.windows(X, (3, 3), stride=2), X)
    for taps in ((3, 3), (1, 1), X.shape[2:]):
        patches = spatial.im2col(X[:1, :1], taps)
        assert not np.shares_memory(patches, X) and patches.flags.writeable


def test_a_shifted_image_gives_a_shifted_map():
    rng = np.random.default_rng(5)
    X, W = np.zeros((1, 1, 12, 12)), rng.random((2, 1, 3, 3))
    X[0, 0, 3:7, 3:7] = rng.random((4, 4))
    H, moved = (spatial.conv_lowered(x, W) for x in (X, np.roll(X, 2, axis=3)))
    assert np.allclose(moved, np.roll(H, 2, axis=3)) and not np.allclose(moved, H)


def test_short_integers_do_not_overflow():
    X, W = np.full((1, 1, 4, 4), 200, np.uint8), np.full((1, 1, 3, 3), 100, np.int8)
    forms = spatial.conv_loops, spatial.conv_row_loops, spatial.conv_lowered, spatial.conv_shifted
    for form in (*forms, spatial.conv_flat):
        assert (form(X, W) == 9 * 200 * 100).all()
    for form in (spatial.depthwise, spatial.depthwise_loops, spatial.depthwise_row_loops):
        assert (form(X, W[0]) == 9 * 200 * 100).all()
    assert spatial.windows(X, (3, 3)).dtype == spatial.im2col(X, (3, 3)).dtype == np.uint8


def test_steps_of_any_kind_of_integer():
    X, W = np.random.default_rng(0).random((1, 1, 1, 300)), np.ones((1, 1, 1, 2))
    steps = dict(stride=3, padding=1, dilation=2)
    short = {name: np.uint8(n) for name, n in steps.items()}
    for form in (spatial.conv_loops, spatial.conv_lowered, spatial.conv_shifted):
        close(form(X, W, **short), form(X, W, **steps))
    nests = (spatial.conv_nest(1, 1, (1, 300), 1, (1, 2), **s) for s in (short, steps))
    assert len({repr(nest) for nest in nests}) == 1


X, W = np.ones((1, 2, 5, 5)), np.ones((3, 2, 3, 3))


@pytest.mark.parametrize(
    "call, words",
    [
        (lambda: spatial.windows(X, 3), r"the window has two sides .* such as \(3, 3\); got 3"),
        (lambda: spatial.im2col(X, (3, 3, 3)), "the window has two sides"),
        (lambda: spatial.windows(X, (0, 3)), "a side of the window must be a whole number"),
        (lambda: spatial.conv_nest(1, 1, 28, 32, (3, 3)), "the image has two sides .* got 28"),
        (lambda: spatial.lowered_nests(1, 1, (28, 28), 32, 3), "the window has two sides"),
    ],
)
def test_what_has_no_two_sides_is_said_in_one_line(call, words):
    with pytest.raises(ValueError, match=words) as error:
        call()
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "wrong, words",
    [
        (
            lambda f: f(X[0], W),
            r"X\[b,c,y,x\] must hold numbers on those axes; got shape \(2, 5, 5\)",
        ),
        (lambda f: f(X, W[:, :1]), r"c is 1, but X\[b,c,y,x\] has shape \(1, 2, 5, 5\)"),
        (lambda f: f(np.array([[["a"]]])[None], W), "must hold numbers"),
        (lambda f: f(X[:0], W), "must hold numbers"),
        (lambda f: f([[1, 2], [3]], W), "rows are not of one length"),
        (lambda f: f(X, W, stride=0), "stride must be a whole number of at least 1; got 0"),
        (lambda f: f(X, W, padding=-1), "padding must be a whole number of at least 0"),
        (lambda f: f(X, W, dilation=1.5), "dilation must be a whole number"),
        (lambda f: f(X, W, padding=0.0), "padding must be a whole number of at least 0; got 0.0"),
        (lambda f: f(X, W, padding=np.array([1, 2])), "padding must be a whole number"),
        (lambda f: f(X, W, dilation=3), "a window over 7 pixels does not fit into 5"),
    ],
)
@pytest.mark.parametrize("form", [spatial.conv_loops, spatial.conv_lowered, spatial.conv_shifted])
def test_what_does_not_fit_is_said_in_one_line(form, wrong, words):
    with pytest.raises(ValueError, match=words) as error:
        wrong(form)
    assert "\n" not in str(error.value)
