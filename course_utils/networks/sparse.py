"""Networks whose work is looking up: a recommendation model."""

from functools import partial

from .network import Layer, Network
from .parts import choose, nest, spread

# Rows of the 26 tables, width, the two perceptrons.  "terabyte": MLPerf's, Criteo's 1 TB with
# indexes below 40 million; "kaggle": the paper's own (facebookresearch/dlrm, bench/).
_DLRM = {
    "terabyte": (
        (39884406, 39043, 17289, 7420, 20263, 3, 7120, 1543, 63, 38532951, 2953546, 403346, 10)
        + (2208, 11938, 155, 4, 976, 14, 39979771, 25641295, 39664984, 585935, 12972, 108, 36),
        128,
        (512, 256, 128),
        (1024, 1024, 512, 256, 1),
    ),
    "kaggle": (
        (1460, 583, 10131227, 2202608, 305, 24, 12517, 633, 3, 93145, 5683, 8351593, 3194)
        + (27, 14992, 5461306, 10, 5652, 2173, 4, 7046547, 18, 15, 286181, 105, 142572),
        16,
        (512, 256, 64, 16),
        (512, 256, 1),
    ),
}
_DENSE = 13  # numbers of a sample beside the 26 categories


def dlrm(size="terabyte"):
    """DLRM, a recommendation model (Naumov et al. 2019), for Criteo's click logs.

    "terabyte": MLPerf's, tables of 128 with 188 million rows; "kaggle": the paper's, tables of 16.
    A sample is 13 numbers and one look-up in each of 26 tables.  All pairs of the 27 vectors are
    multiplied, as a matrix with its transpose (the full square, as the published code does); one
    triangle goes on to the upper perceptron.

    >>> dlrm()
    DLRM terabyte: 24,036,595,969 parameters, 2,458,496 MAC at batch 1
    >>> dlrm().parameters, dlrm("kaggle").parameters
    (24036595969, 540677217)
    """
    size, shape = choose("dlrm", "size", size, _DLRM)
    return Network(f"DLRM {size}", {"batch": 1}, partial(_dlrm, shape))


def _dlrm(shape, batch):
    rows, width, bottom, top = shape
    layers = _perceptron("bottom", batch, _DENSE, bottom, last="relu")
    for table, n in enumerate(rows):
        row = {"row": spread((batch,), n)}
        found = nest("V[b,d] = E[row[b],d]", index=row, E=(n, width), b=batch, d=width)
        layers.append(Layer(f"table.{table}", found, {"E": f"table.{table}.weight"}, "gather"))
    vectors = len(rows) + 1
    pairs = nest("Z[b,i,j] += V[b,i,d] * V[b,j,d]", b=batch, i=vectors, j=vectors, d=width)
    layers.append(Layer("pairs", pairs))
    features = width + vectors * (vectors - 1) // 2
    return layers + _perceptron("top", batch, features, top, last="sigmoid")


def _perceptron(name, batch, inputs, outputs, last):
    layers = []
    functions = ["relu"] * (len(outputs) - 1) + [last]
    for i, (o, function) in enumerate(zip(outputs, functions, strict=True)):
        own, sizes = f"{name}.{i}", dict(b=batch, o=o)
        start, each = nest("H[b,o] = bias[o]", **sizes), nest("Y[b,o] = H[b,o]", **sizes)
        product = nest("H[b,o] += X[b,i] * W[i,o]", i=inputs, **sizes)
        bias = f"{own}.bias"
        layers.append(Layer(bias, start, {"bias": bias}, "elementwise", "bias"))
        layers.append(Layer(own, product, {"W": f"{own}.weight"}))
        layers.append(Layer(f"{own}.{function}", each, {}, "elementwise", function))
        inputs = o
    return layers
