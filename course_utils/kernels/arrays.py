"""Arrays that fit together: axes that share a letter have one size."""

import numpy as np

from ..arguments import as_array


def fitting(**given):
    """The arrays of `name=(array, axes)`, or a `ValueError` that names the axis that does not fit.

    `axes`: a letter for each axis; a leading "…" stands for any further ones in front.

    >>> fitting(x=(np.ones((2, 5)), "bi"), W=(np.ones((4, 3)), "io"))
    Traceback (most recent call last):
    ...
    ValueError: W[i,o] has shape (4, 3): i is 4, but x[b,i] has shape (2, 5)
    """
    arrays, seen = [], {}
    for name, (value, axes) in given.items():
        letters, said = axes.lstrip("…"), f"{name}[{','.join(axes)}]"
        array = as_array(value, said)
        missing = array.ndim < len(letters) or (axes == letters and array.ndim > len(letters))
        if missing or not array.size or array.dtype.kind not in "fiu":
            raise ValueError(
                f"{said} must hold numbers on those axes; got shape {array.shape} of {array.dtype}"
            )
        for letter, n in zip(letters, array.shape[-len(letters) :], strict=True):
            first, size, shape = seen.setdefault(letter, (said, n, array.shape))
            if size != n:
                raise ValueError(
                    f"{said} has shape {array.shape}: {letter} is {n}, but "
                    f"{first} has shape {shape}"
                )
        arrays.append(array)
    return arrays


def floats(*arrays):
    """The arrays in float32 or wider: products of short integers would overflow.

    >>> [x.dtype.name for x in floats(np.ones(2, np.uint8), np.ones(2))]
    ['float32', 'float64']
    """
    return [array.astype(np.result_type(array, np.float32), copy=False) for array in arrays]


def float32(*arrays):
    """The arrays as the compiled loops take them: contiguous, of float32, not read-only.

    One type for all, so that each loop is compiled once.
    """
    return [np.require(array, np.float32, "CW") for array in arrays]
