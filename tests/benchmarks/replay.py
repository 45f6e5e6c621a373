"""The replay beside pycachesim on the same references; attention heads; the miss curve; the first.

Three ways to drive pycachesim, each given its references before the clock starts (ours makes its
own while it runs, and counts by tensor too):

* its C core: a compiled loop over two arrays, addresses and kinds, calls the library's exported
  `Cache__load` and `Cache__store`, one call a load or a store of one byte; no Python in between;
* its bulk call: `CacheSimulator.loadstore` over a list of one `((loads), (stores))` a MAC, whose C
  code takes the addresses out of Python's tuples and integers;
* its Python API: a Python loop with one call of `CacheSimulator.load` or `store` each.

Each run of theirs is followed by one of ours; a figure is the median of their ratios.  The C core
does the whole work and must find our counts.  The other two do a part of it, from its start, and
their time is scaled to the whole.
"""

import ctypes
import statistics
import subprocess
import sys
import time

import cachesim
import numba

from course_utils import Hierarchy, LoopNest, miss_curve, units, walk
from course_utils.kernels import dynamic

ROUNDS = 7
BULK_MACS, API_MACS = 200_000, 20_000  # the parts of the work

DENSE = LoopNest("H[b,o] += X[b,i] * W[i,o]", b=32, i=784, o=100)
ONE, THREE = "32KiB/8", "32KiB/8 + 1MiB/8 + 32MiB/16"
ATTENTION = {
    "a head of 512 tokens, d = 64": dynamic.attention_nests(n=512, d=64),
    "twelve such heads": dynamic.attention_nests(n=512, d=64, h=12),
}
FIRST = f"""
import time
from course_utils import Hierarchy, LoopNest
nest = LoopNest("H[b,o] += X[b,i] * W[i,o]", b=32, i=784, o=100)
hierarchy = Hierarchy.parse({ONE!r})
start = time.perf_counter()
hierarchy.replay(nest)
print(time.perf_counter() - start)
"""

_library = ctypes.CDLL(cachesim.backend.__file__)
# a range of addresses, a struct of two longs, is passed like two longs on the ABIs of 64-bit Unix
_load, _store = _library.Cache__load, _library.Cache__store
_load.argtypes, _load.restype = (ctypes.c_void_p, ctypes.c_long, ctypes.c_long), ctypes.c_int
_store.argtypes, _store.restype = (*_load.argtypes, ctypes.c_int), None


@numba.njit
def _drive(cache, addresses, kinds):
    for n in range(addresses.size):
        if kinds[n] != walk.WRITE:
            _load(cache, addresses[n], 1)
        if kinds[n] != walk.READ:
            _store(cache, addresses[n], 1, 0)


def rows():
    """Ratios for two loop orders and two hierarchies; then attention, miss curves, the first."""
    for order, least in (("bio", 10), ("boi", 3)):
        for text in (ONE, THREE):
            yield _against_pycachesim(DENSE.order(*order), Hierarchy.parse(text), least)
    for name, pipeline in ATTENTION.items():
        taken = _median(lambda p=pipeline: Hierarchy.parse(THREE).replay(p))
        what = f"replay, {name}: {units.macs(pipeline.macs)} and softmax, 3 levels"
        yield what, units.seconds(taken), f"≤ {units.seconds(0.1)}"
    for order in ("bio", "boi"):
        nest = DENSE.order(*order)
        taken = _median(lambda n=nest: miss_curve(n))
        what = f"miss curve of all sizes, 32 × 784→100, {','.join(nest.loops)}"
        yield what, units.seconds(taken), ""
    first = [subprocess.check_output([sys.executable, "-c", FIRST]) for _ in range(4)][1:]
    taken = statistics.median(float(text) for text in first)
    yield "first replay in a fresh Python, numba's start included", units.seconds(taken), ""


def _against_pycachesim(nest, hierarchy, least):
    trace, taken = nest.addresses(), []
    found = [(level.misses, level.write_backs) for level in hierarchy.replay(nest).levels]

    def slower(theirs, share):
        """How many times as long theirs takes, whose part of the work is `share`."""
        ratios = []
        for _ in range(ROUNDS):
            their_seconds = theirs() / share
            taken.append(_seconds(lambda: hierarchy.replay(nest)))
            ratios.append(their_seconds / taken[-1])
        return statistics.median(ratios)

    _core(hierarchy, trace, found)  # compiles
    core = slower(lambda: _core(hierarchy, trace, found), 1)
    bulk = slower(lambda: _bulk(hierarchy, trace), BULK_MACS / nest.macs)
    api = slower(lambda: _api(hierarchy, trace), API_MACS / nest.macs)
    levels = f"{len(found)} level{'s' if len(found) > 1 else ''}"
    return (
        f"replay, 32 × 784→100, {','.join(nest.loops)}, {levels}",
        f"{core:.1f}× pycachesim's C core, {bulk:,.0f}× its bulk call, {api:,.0f}× its Python API; "
        f"{units.seconds(statistics.median(taken))}",
        f"≥ {least}× its C core",
    )


def _core(hierarchy, trace, found):
    """Seconds of the C core over the whole trace; what it finds must be `found`."""
    simulator = _simulator(hierarchy)
    cache = simulator.first_level.backend
    seconds = _seconds(lambda: _drive(id(cache), trace.address, trace.kind))
    levels = simulator.levels(with_mem=False)
    assert found == [(level.MISS_count, level.EVICT_count) for level in levels]
    return seconds


def _bulk(hierarchy, trace):
    """Seconds of the bulk call over the first MACs."""
    macs = trace.address[: 3 * BULK_MACS].reshape(-1, 3).tolist()
    pairs = [((x, w, h), (h,)) for x, w, h in macs]
    simulator = _simulator(hierarchy)
    return _seconds(lambda: simulator.loadstore(pairs))


def _api(hierarchy, trace):
    """Seconds of one Python call a load or store, over the first MACs."""
    part = slice(3 * API_MACS)
    references = list(zip(trace.address[part].tolist(), trace.kind[part].tolist(), strict=True))
    simulator = _simulator(hierarchy)

    def loop():
        for address, kind in references:
            if kind != walk.WRITE:
                simulator.load(address)
            if kind != walk.READ:
                simulator.store(address)

    return _seconds(loop)


def _simulator(hierarchy):
    """The hierarchy, empty, as pycachesim's `CacheSimulator`."""
    memory, near = cachesim.MainMemory(), None
    for cache in reversed(hierarchy.caches):
        far = near
        shape = (cache.sets, cache.ways, cache.line, "LRU")
        near = cachesim.Cache(str(cache), *shape, load_from=far, store_to=far)
        if far is None:
            memory.load_to(near)
            memory.store_from(near)
    return cachesim.CacheSimulator(near, memory)


def _median(work):
    """Median seconds of some runs after a first one."""
    work()
    return statistics.median(_seconds(work) for _ in range(ROUNDS))


def _seconds(work):
    start = time.perf_counter()
    work()
    return time.perf_counter() - start
