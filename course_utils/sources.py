"""What can be replayed: a `LoopNest`, a `Pipeline`, a `walk.Trace`, watched arrays, addresses."""

import numpy as np

from . import walk


def replayable(work, writes, registers, caller):
    """The work as something with streams; `caller` begins the messages."""
    if hasattr(work, "addresses") and not hasattr(work, "items"):  # watched arrays
        work = work.addresses()
    if hasattr(work, "streams"):
        if writes is not None:
            raise ValueError(
                f"{caller}: writes= goes with an array of addresses; this work knows its own"
            )
        if registers and isinstance(work, walk.Trace):
            raise ValueError(
                f"{caller}: a trace is replayed as it is; take addresses(registers=True)"
            )
        return work
    addresses = np.asarray(work)
    if addresses.ndim != 1 or not np.issubdtype(addresses.dtype, np.integer) or registers:
        raise ValueError(
            f"{caller}: takes a LoopNest, a Pipeline, a Trace or a 1-D array of integer addresses "
            f"(without registers=); got {type(work).__name__}, dtype {addresses.dtype}, "
            f"shape {addresses.shape}"
        )
    kinds = np.zeros(addresses.size, bool) if writes is None else np.asarray(writes)
    if kinds.shape != addresses.shape or kinds.dtype != bool:
        raise ValueError(
            f"{caller}: writes= takes one boolean for each of the {addresses.size:,} addresses; "
            f"got dtype {kinds.dtype}, shape {kinds.shape}"
        )
    if addresses.size and not 0 <= addresses.min() <= addresses.max() < walk.LARGEST_ADDRESS:
        raise ValueError(
            f"{caller}: byte addresses run from 0 to {walk.LARGEST_ADDRESS - 1:,}; "
            f"got {addresses.min():,} to {addresses.max():,}"
        )
    labels = np.zeros(addresses.size, np.int16)
    return walk.Trace(addresses.astype(np.int64), labels, kinds.astype(np.int16), ("addresses",))


def nests(source):
    """The nests behind a source of references; none behind a trace."""
    if isinstance(source, walk.Trace):
        return ()
    return getattr(source, "nests", (source,))


def check_elements(source, line, caller):
    """Refuse elements longer than a line."""
    for nest in nests(source):
        for tensor in nest.tensors:
            if nest.itemsize_of(tensor) > line:
                raise ValueError(
                    f"{caller}: an element of {tensor!r} has {nest.itemsize_of(tensor)} B and "
                    f"a line {line} B; take longer lines"
                )


def tallied(streams, seen):
    """The arrays of a stream, while their references are added to `seen`, by tensor."""
    for codes in streams:
        seen += np.bincount(codes >> 2 & 63, minlength=walk.MOST_TENSORS)
        yield codes
