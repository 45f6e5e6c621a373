"""Collectives for real: each rank a process of this computer, its blocks in shared memory.

A round has two halves, each ended by a barrier: every sender copies its blocks into the receiver's
inbox, then every receiver adds them to its own, or keeps them: a block and the inbox's change
places.  So a byte is copied once, all that a round sends is what was there before it, as in
`Collective.run`, and sums are made in the same order.
"""

import multiprocessing
import os
import signal
import time
from contextlib import AbstractContextManager, contextmanager, suppress
from itertools import pairwise
from multiprocessing.connection import wait
from multiprocessing.shared_memory import SharedMemory
from typing import NamedTuple

import numpy as np

from . import arguments
from .collectives import Collective, collective

_LONGEST = 60  # s that processes may take to start, and a rank waits for the others
_MOMENT = 10  # s for processes that end by themselves, all together
_ENDED = (
    "the process of rank {} has ended: stopped by the system, or started by a script that lacks "
    "`if __name__ == '__main__':`"
)


class Unavailable(RuntimeError):
    """This computer gives no processes, or no memory that they share; a sentence says why."""


class Parameters(NamedTuple):
    """α, β and γ of this computer's processes, in s, s/B and s/B, as `Collective.time` takes them.

    `alpha`: a round in which next to nothing is sent, most of it two barriers; `beta`: copying a
    byte into another's inbox; `gamma`: adding a byte of the inbox to one's own.
    """

    alpha: float
    beta: float
    gamma: float


class Ranks(AbstractContextManager):
    """So many processes, started once, that run collectives; to be used in a `with` statement.

    More ranks than cores take turns: results are the same, times are not.  A script that starts
    them needs `if __name__ == "__main__":`, since each process imports it anew; a notebook does
    not.  Where there can be no such processes: `Unavailable`.

    >>> with Ranks(2) as ranks:
    ...     held, seconds = ranks.run(collective("all-reduce", "ring", ranks=2), np.ones((2, 3)))
    >>> held[1], seconds > 0
    (array([2., 2., 2.]), True)
    """

    def __init__(self, ranks):
        self._count = arguments.whole(ranks, "Ranks: ranks")
        self._processes, self._pipes = [], []
        context = multiprocessing.get_context("spawn")
        try:
            # kept, for what is freed here is given to the next barrier, whoever still waits at it
            self._barrier = barrier = context.Barrier(self._count)
            for rank in range(self._count):
                ours, theirs = context.Pipe()
                process = context.Process(target=_work, args=(rank, theirs, barrier), daemon=True)
                process.start()
                theirs.close()
                self._processes.append(process)
                self._pipes.append(ours)
            self._answers(_LONGEST)
        except BaseException as error:
            if isinstance(error, Unavailable):
                self._let_end()
            self.close()
            if isinstance(error, OSError | ImportError):
                raise Unavailable(f"no processes can be started here: {error!r}") from None
            raise

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
        self._processes, self._pipes, self._barrier = [], [], None

    def _let_end(self):
        """Wait a moment for those that are about to end: cut short they would leave barriers."""
        for pipe in self._pipes:
            pipe.close()  # one that waits for an order ends, too
        end = time.monotonic() + _MOMENT
        for process in self._processes:
            process.join(max(0, end - time.monotonic()))

    def run(self, task, data, repeats=3):
        """(what each rank holds at the end, seconds): a `Collective` on `data`, as its `run` does.

        Seconds from the first round to the last, of the slowest rank, in the fastest of `repeats`
        after one that warms up; starting, and bringing the data in and out, are not in it.  A task
        of fewer ranks leaves the others waiting.  After an error in a rank, or when it is
        interrupted, the processes are ended.  Where there is too little memory: `Unavailable`.
        """
        repeats = arguments.whole(repeats, "Ranks: repeats")
        if not isinstance(task, Collective) or task.ranks > self._count:
            raise ValueError(f"Ranks: {task} is no collective of at most {self._count} ranks")
        if not self._processes:
            raise ValueError("Ranks: these processes have ended; start others with Ranks(…)")
        start = next(task.states(data))
        blocks = {block: array for held in start for block, array in held.items()}
        ends = np.cumsum([0, *(blocks[block].size for block in range(len(blocks)))]).tolist()
        layout = blocks[0].dtype, task.ranks, ends
        with _shared(2 * task.ranks * ends[-1] * blocks[0].itemsize) as memory:
            _Blocks(memory.buf, *layout).fill(start)
            order = memory.name, layout, task.rounds, repeats
            seconds = self._obey(order)[: task.ranks]
            found = _Blocks(memory.buf, *layout).found(task.rounds, blocks)
        return task.outcome(found), min(map(max, zip(*seconds, strict=True)))

    def _obey(self, order):
        """What each process answers to an order."""
        try:
            for pipe in self._pipes:
                with suppress(OSError):  # one that has ended gives no answer either
                    pipe.send(order)
            return self._answers(min(_LONGEST * (2 + order[-1]), 3600))
        except BaseException:  # an interrupt, too: who knows where each of them stands
            self.close()
            raise

    def _answers(self, seconds):
        """What each process answers within so many seconds, a list; an error if one does not."""
        ranks, found = {pipe: rank for rank, pipe in enumerate(self._pipes)}, {}
        while ranks:
            ready = wait(list(ranks), seconds)
            if not ready:
                raise Unavailable(f"{len(ranks)} processes give no answer within {seconds} s")
            for pipe in ready:
                rank = ranks.pop(pipe)
                try:
                    found[rank] = pipe.recv()
                except (EOFError, OSError):
                    raise Unavailable(_ENDED.format(rank)) from None
        failed = [answer for answer in found.values() if isinstance(answer, str)]
        if failed:  # one, and then all that waited for it at a barrier
            cause = min(failed, key=lambda answer: "BrokenBarrier" in answer)
            raise RuntimeError(f"a rank failed: {cause}")
        return [found[rank] for rank in range(self._count)]

    def parameters(self, nbytes=2**24):
        """The `Parameters` here: rank 0 sends to rank 1 eight bytes, or `nbytes`.

        Two ranks or more.  Where many send at once they share cores and memory: β grows.
        """
        if self._count < 2:
            raise ValueError("Ranks: one rank has nobody to send to; start two or more")
        copy, add = (collective(pattern, "root", ranks=2) for pattern in ("broadcast", "reduce"))
        much = np.ones((2, nbytes // 4), np.float32)
        tasks = (copy, np.ones(2, np.float32)), (copy, much[0]), (add, much)
        # in turn, so that a busy moment of the computer decides none
        turns = [[self.run(task, data, repeats=5)[1] for task, data in tasks] for _ in range(4)]
        alpha, copied, added = map(min, zip(*turns, strict=True))
        beta, gamma = (max(s, 1e-9) / much[0].nbytes for s in (copied - alpha, added - copied))
        return Parameters(alpha, beta, gamma)


class _Blocks:
    """Every rank's blocks in a buffer: each is held on one of two sides, the other is its inbox.

    `ends`: the element at which each block ends, after a 0.
    """

    def __init__(self, buffer, dtype, ranks, ends):
        size = ends[-1]
        self.areas = np.frombuffer(buffer, dtype, 2 * ranks * size).reshape(2, ranks, size)
        self._cuts = [slice(*each) for each in pairwise(ends)]
        self._side = np.zeros((ranks, len(self._cuts)), int)

    def held(self, rank, block):
        return self.areas[self._side[rank, block], rank, self._cuts[block]]

    def inbox(self, rank, block):
        return self.areas[1 - self._side[rank, block], rank, self._cuts[block]]

    def keep(self, sends):
        """What is not added stays where it lies; where a block was held, its inbox is now."""
        for send in sends:
            if not send.adds:
                self._side[send.to, send.blocks] ^= 1

    def fill(self, start):
        for rank, held in enumerate(start):
            for block, array in held.items():
                self.held(rank, block)[...] = array.reshape(-1)

    def found(self, rounds, like):
        """{block: array} of each rank after the rounds, out of the buffer; shapes as in `like`."""
        for sends in rounds:
            self.keep(sends)
        return [
            {block: self.held(rank, block).reshape(like[block].shape).copy() for block in like}
            for rank in range(len(self._side))
        ]


@contextmanager
def _shared(nbytes):
    """So many bytes of shared memory, gone afterwards."""
    memory = None
    try:
        try:
            memory = SharedMemory(create=True, size=max(nbytes, 1))
            file = f"/dev/shm/{memory.name}"
            if os.path.exists(file):  # Linux promises more than it has, and kills who then writes
                with open(file, "r+b") as opened:
                    os.posix_fallocate(opened.fileno(), 0, memory.size)
        except (OSError, ImportError) as error:
            raise Unavailable(f"no memory of {nbytes:,} B can be shared here: {error!r}") from None
        yield memory
    finally:
        if memory:
            _closed(memory)
            memory.unlink()


def _closed(memory):
    """Close memory, unless what was interrupted or failed still looks at it."""
    with suppress(BufferError):
        memory.close()


def _work(rank, pipe, barrier):
    """What a process does: runs what it is told, answers with seconds, or with what went wrong."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # an interrupt is for the one who waits
    pipe.send(None)
    while True:
        try:
            name, layout, *order = pipe.recv()
        except EOFError:
            return
        try:
            memory = SharedMemory(name)
            try:
                pipe.send(_runs(rank, barrier, (memory.buf, *layout), *order))
            finally:
                _closed(memory)
        except Exception as error:
            barrier.abort()
            pipe.send(repr(error))


def _runs(rank, barrier, layout, rounds, repeats):
    """Seconds that this rank's part takes in each of the repeats, the waiting in it.

    The first run is left out, and memory is mapped once for all: the first use of a page takes
    longer than to copy it.
    """
    mine = _Blocks(*layout).areas[0, rank : rank + 1]  # empty where the task has fewer ranks
    first, seconds = mine.copy(), []
    for _ in range(repeats + 1):
        np.copyto(mine, first)
        blocks = _Blocks(*layout)
        barrier.wait(_LONGEST)
        begin = time.perf_counter()
        for sends in rounds:
            _round(sends, rank, barrier, blocks)
        seconds.append(time.perf_counter() - begin)
    return seconds[1:]


def _round(sends, rank, barrier, blocks):
    """This rank's part of a round."""
    for send in sends:
        if send.source == rank:
            for block in send.blocks:
                np.copyto(blocks.inbox(send.to, block), blocks.held(rank, block))
    barrier.wait(_LONGEST)
    for send in sends:
        if send.to == rank and send.adds:
            for block in send.blocks:
                mine = blocks.held(rank, block)
                np.add(mine, blocks.inbox(rank, block), out=mine)
    blocks.keep(sends)
    barrier.wait(_LONGEST)
