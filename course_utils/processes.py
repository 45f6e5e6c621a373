"""Collectives for real: each rank a process of this computer, its blocks in shared memory.

A round has two halves, each ended by a barrier: every sender writes its blocks into the receiver's
inbox, then every receiver keeps them or adds them to its own.  So all that a round sends is what
was there before it, as in `Collective.run`, and sums are made in the same order.
"""

import multiprocessing
import signal
import time
from contextlib import contextmanager, suppress
from math import prod
from multiprocessing.shared_memory import SharedMemory
from typing import NamedTuple

import numpy as np

from . import arguments
from .collectives import Collective, collective
from .tables import placed

_LONGEST = 60  # s that a rank waits for the others
_START = 60  # s that processes may take to start


class Unavailable(RuntimeError):
    """This computer gives no processes, or no memory that they share; a sentence says why."""


class Parameters(NamedTuple):
    """α, β and γ of this computer's processes, in s, s/B and s/B, as `Collective.time` takes them.

    `alpha`: a round in which next to nothing is sent; `beta`: sending a byte, from a copy of many;
    `gamma`: what adding a byte takes beyond keeping it, at least 0.
    """

    alpha: float
    beta: float
    gamma: float


class Ranks:
    """So many processes, started once, that run collectives; to be used in a `with` statement.

    More ranks than cores take turns: results are the same, times are not.  A script that starts
    them needs `if __name__ == "__main__":`, since each process imports it anew; a notebook does
    not.  Where there can be no such processes: `Unavailable`.

        with Ranks(4) as ranks:
            held, seconds = ranks.run(collective("all-reduce", "ring", ranks=4), parts)
    """

    def __init__(self, ranks):
        self._count = arguments.whole(ranks, "Ranks: ranks")
        self._processes, self._pipes = [], []
        context = multiprocessing.get_context("spawn")
        try:
            barrier = context.Barrier(self._count)
            for rank in range(self._count):
                ours, theirs = context.Pipe()
                process = context.Process(target=_work, args=(rank, theirs, barrier), daemon=True)
                process.start()
                theirs.close()
                self._processes.append(process)
                self._pipes.append(ours)
            self._answers(_START)
        except (OSError, ImportError, EOFError) as error:
            self.close()
            raise Unavailable(f"no processes can be started here: {error!r}") from None
        except BaseException:
            self.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        """End the processes."""
        for process in self._processes:
            process.terminate()
        for process in self._processes:
            process.join()
            process.close()
        for pipe in self._pipes:
            pipe.close()
        self._processes, self._pipes = [], []

    def run(self, task, data, repeats=3):
        """(what each rank holds at the end, seconds): a `Collective` on `data`, as its `run` does.

        Seconds from the first round to the last, of the slowest rank, in the fastest of `repeats`;
        starting, and bringing the data in and out, are not in it.  A task of fewer ranks leaves the
        others waiting.  After an error, or when it is interrupted, the processes are ended.
        """
        repeats = arguments.whole(repeats, "Ranks: repeats")
        if not isinstance(task, Collective) or task.ranks > self._count:
            raise ValueError(f"Ranks: {task} is no collective of at most {self._count} ranks")
        if not self._processes:
            raise ValueError("Ranks: these processes have ended; start others with Ranks(…)")
        start = next(task.states(data))
        layout = Layout.of(start)
        with _shared(2 * task.ranks * layout.nbytes) as memory:
            seconds = min(self._once(task, start, layout, memory) for _ in range(repeats))
            views = [layout.views(memory.buf, rank) for rank in range(task.ranks)]
            held = [{block: view.copy() for block, view in each.items()} for each in views]
            del views  # memory cannot be closed while something looks at it
        return task.outcome(held), seconds

    def _once(self, task, start, layout, memory):
        """Seconds of one run, from what the ranks hold at the start."""
        for rank, blocks in enumerate(start):
            views = layout.views(memory.buf, rank)
            for block, array in blocks.items():
                views[block][...] = array
            del views
        order = memory.name, layout, task.ranks, task.rounds
        try:
            for pipe in self._pipes:
                pipe.send(order)
            return max(self._answers(_LONGEST + 10)[: task.ranks])
        except BaseException:  # an interrupt, too: who knows where each of them stands
            self.close()
            raise

    def _answers(self, seconds):
        """What each process answers; a RuntimeError if one of them failed or does not answer."""
        until, found = time.monotonic() + seconds, []
        for rank, pipe in enumerate(self._pipes):
            if not pipe.poll(max(until - time.monotonic(), 0)):
                raise RuntimeError(f"rank {rank} does not answer")
            found.append(pipe.recv())
        failed = [answer for answer in found if isinstance(answer, str)]
        if failed:  # one, and then all that waited for it
            first = next((answer for answer in failed if "BrokenBarrier" not in answer), failed[0])
            raise RuntimeError(f"a rank failed: {first}")
        return found

    def parameters(self, nbytes=2**24):
        """The `Parameters` here: rank 0 sends to rank 1 a byte or two, or `nbytes`.

        Two ranks or more.
        """
        if self._count < 2:
            raise ValueError("Ranks: one rank has nobody to send to; start two or more")
        copy, add = (collective(pattern, "root", ranks=2) for pattern in ("broadcast", "reduce"))
        little, much = np.ones((2, 2), np.float32), np.ones((2, nbytes // 4), np.float32)
        _, alpha = self.run(copy, little[0], repeats=9)
        _, copied = self.run(copy, much[0], repeats=5)
        _, added = self.run(add, much, repeats=5)
        beta = max(copied - alpha, 0) / much[0].nbytes
        return Parameters(alpha, beta, max(added - copied, 0) / much[0].nbytes)


class Layout(NamedTuple):
    """Where blocks lie: {block: (shape, first byte)} of one rank, the bytes of all, their dtype."""

    blocks: dict
    nbytes: int
    dtype: np.dtype

    @classmethod
    def of(cls, held):
        """The layout of all blocks that any of the ranks holds."""
        arrays = {block: array for blocks in held for block, array in blocks.items()}
        first = placed({block: array.nbytes for block, array in arrays.items()})
        blocks = {block: (array.shape, first[block]) for block, array in arrays.items()}
        last = max(first[block] + array.nbytes for block, array in arrays.items())
        return cls(blocks, placed({"all": last, "next": 0})["next"], arrays[0].dtype)

    def views(self, buffer, area):
        """{block: array} in one of the areas of a buffer: rank r holds area r."""
        at = area * self.nbytes
        return {
            block: np.frombuffer(buffer, self.dtype, prod(shape), at + first).reshape(shape)
            for block, (shape, first) in self.blocks.items()
        }


@contextmanager
def _shared(nbytes):
    """So many bytes of shared memory, gone afterwards."""
    try:
        memory = SharedMemory(create=True, size=max(nbytes, 1))
    except (OSError, ImportError) as error:
        raise Unavailable(f"no memory of {nbytes:,} B can be shared here: {error!r}") from None
    try:
        yield memory
    finally:
        _closed(memory)
        memory.unlink()


def _closed(memory):
    """Close memory, unless what was interrupted or failed still looks at it."""
    with suppress(BufferError):
        memory.close()


def _work(rank, pipe, barrier):
    """What a process does: runs what it is told, answers with seconds, or with what went wrong."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # an interrupt is for the one who waits
    pipe.send(0.0)
    memory = None
    while True:
        try:
            name, layout, ranks, rounds = pipe.recv()
        except EOFError:
            return
        try:
            # kept from repeat to repeat: its pages are there, from the second one on
            if memory is None or memory.name != name:
                if memory is not None:
                    _closed(memory)
                memory = SharedMemory(name)
            pipe.send(_rounds(rank, barrier, memory.buf, layout, ranks, rounds))
        except Exception as error:
            barrier.abort()
            pipe.send(repr(error))


def _rounds(rank, barrier, buffer, layout, ranks, rounds):
    """Seconds that this rank's part of the rounds takes, the waiting in it."""
    held = [layout.views(buffer, area) for area in range(ranks)]
    inbox = [layout.views(buffer, ranks + area) for area in range(ranks)]
    barrier.wait(_LONGEST)
    start = time.perf_counter()
    for each in rounds:
        for send in each:
            if send.source == rank:
                for block in send.blocks:
                    np.copyto(inbox[send.to][block], held[rank][block])
        barrier.wait(_LONGEST)
        for send in each:
            if send.to == rank:
                for block in send.blocks:
                    mine, brought = held[rank][block], inbox[rank][block]
                    np.add(mine, brought, out=mine) if send.adds else np.copyto(mine, brought)
        barrier.wait(_LONGEST)
    return time.perf_counter() - start
