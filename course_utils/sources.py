"""What can be replayed: a `LoopNest`, a `Pipeline`, a `walk.Trace`, watched arrays, addresses."""

import numpy as np

from . import arguments, walk

_MOST_REFERENCES = 1 << 62


def replayable(work, writes, registers, caller):
    """The work as something with streams; `caller` begins the messages."""
    if hasattr(work, "addresses") and not hasattr(work, "items"):  # watched arrays
        work = work.addresses()
    if hasattr(work, "streams") and not isinstance(work, type):
        if writes is not None:
            raise ValueError(
                f"{caller}: writes= goes with an array of addresses; this work knows its own"
            )
        if registers and isinstance(work, walk.Trace):
            raise ValueError(
                f"{caller}: a trace is replayed as it is; take addresses(registers=True)"
            )
        _check_size(work, caller)
        return work
    return _trace(work, writes, registers, caller)


def _check_size(work, caller):
    if len(work.tensors) > walk.MOST_TENSORS:
        raise ValueError(
            f"{caller}: {walk.MOST_TENSORS} tensors at most are told apart; "
            f"these are {len(work.tensors)}"
        )
    if not isinstance(work, walk.Trace):
        references = sum(work.references().values())
        if references > _MOST_REFERENCES:
            raise ValueError(f"{caller}: {references:,} references are more than can be counted")


def _trace(addresses, writes, registers, caller):
    """An array of addresses as a trace."""
    given, addresses = addresses, arguments.as_array(addresses, f"{caller}: addresses")
    if not addresses.size:
        addresses = addresses.astype(np.int64)
    if addresses.ndim != 1 or not np.issubdtype(addresses.dtype, np.integer) or registers:
        raise ValueError(
            f"{caller}: takes a LoopNest, a Pipeline, a Trace, watched arrays or a 1-D array of "
            f"integer addresses (without registers=); got {type(given).__name__}, "
            f"dtype {addresses.dtype}, shape {addresses.shape}"
        )
    kinds = np.zeros(addresses.size, bool) if writes is None else np.asarray(writes)
    if not kinds.size:
        kinds = kinds.astype(bool)
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
    longest = {repr(tensor): n.itemsize_of(tensor) for n in nests(source) for tensor in n.tensors}
    if isinstance(source, walk.Trace):
        longest["one of " + ", ".join(source.tensors)] = source.itemsize
    for tensor, itemsize in longest.items():
        if itemsize > line:
            raise ValueError(
                f"{caller}: an element of {tensor} has {itemsize} B and a line {line} B; "
                "take longer lines"
            )


def tallied(streams, seen):
    """The arrays of a stream, while their references are added to `seen`, by tensor."""
    for codes in streams:
        seen += np.bincount(codes >> 2 & 63, minlength=walk.MOST_TENSORS)
        yield codes
