"""What the constructors share: the choice of a published member, nests, look-ups."""

from functools import lru_cache
from math import prod
from numbers import Real

import numpy as np

from ..nest import LoopNest

_LONGEST = 50_000_000  # entries of an index array: 400 MB


def choose(network, what, given, published):
    """(name, entry) in a table of published members, or a `ValueError` that lists them.

    Text is found in upper or lower case.

    >>> choose("vit", "size", "B/16", {"b/16": 16, "b/32": 32})
    ('b/16', 16)
    """
    wanted = given.lower() if isinstance(given, str) else given
    one = isinstance(given, str | Real) and not isinstance(given, bool)
    known = [name for name in published if one and name == wanted]
    if not known:
        choices = ", ".join(map(repr, published))
        raise ValueError(f"{network}: no {what} {given!r}; published are {choices}")
    return known[0], published[known[0]]


def nest(text, *, pad=0, index=None, **sizes):
    """The nest, one for all layers that are alike.

    `sizes`: of the indexes (lower case) and, as tuples, of tensors (upper case); `pad` is X's.
    """
    if index is None:
        return _shared(text, pad, tuple(sizes.items()))
    return _made(text, pad, sizes, index)


@lru_cache(maxsize=4096)
def _shared(text, pad, sizes):
    return _made(text, pad, dict(sizes), None)


def _made(text, pad, sizes, index):
    shapes = {name: sizes.pop(name) for name in list(sizes) if name.isupper()}
    pads = {"X": pad} if pad else None
    return LoopNest(text, shapes=shapes or None, pad=pads, index=index, **sizes)


def spread(shape, rows):
    """Look-ups of a table, each of the next row: as different as they can be, and balanced.

    >>> spread((2, 3), 4).tolist()
    [[0, 1, 2], [3, 0, 1]]
    """
    if prod(shape) > _LONGEST:
        raise ValueError(
            f"networks: {prod(shape):,} look-ups are more than the {_LONGEST:,} that are listed "
            "one by one; use a smaller batch or fewer tokens"
        )
    return np.arange(prod(shape), dtype=np.int64).reshape(shape) % rows
