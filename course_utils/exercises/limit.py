"""A time limit for a learner's code, on every operating system."""

import _thread
import signal
import sys
import threading
from contextlib import suppress


class TimeUp(Exception):
    """The work took longer than allowed."""


class _Interrupted(BaseException):
    """What interrupts the work: making one already sends the next interrupt.

    So work that catches it is interrupted again at its next step.  A call in the handler itself
    would not do: Python looks for interrupts after every call, and would find it there.
    """

    __init__ = staticmethod(_thread.interrupt_main)


def limited(work, seconds):
    """`work()`, or `TimeUp` when it takes longer than `seconds`.

    A second thread watches the clock and interrupts the main thread, as Ctrl-C would; work that
    catches the interrupt is interrupted again at its next step, so that it cannot hang.  A Ctrl-C
    of the learner's own goes where it always goes.  Two things have no limit: work started outside
    the main thread, because only the main thread can be interrupted, and a single call into
    compiled code that does not come back, such as `sum(itertools.count())`.

    >>> limited(lambda: 2 * 3, seconds=5)
    6
    """
    previous = signal.getsignal(signal.SIGINT)
    # None: installed by something other than Python, and could not be put back
    if threading.current_thread() is not threading.main_thread() or previous is None:
        return work()
    watch = _Watch(seconds)

    def on_interrupt(number, frame):
        if not watch.expired:
            if not callable(previous):
                raise KeyboardInterrupt
            previous(number, frame)
        elif _is_work(frame):
            raise _Interrupted

    signal.signal(signal.SIGINT, on_interrupt)
    watch.start()
    try:
        result = _call(work)
    except BaseException:
        if watch.expired:
            raise TimeUp from None
        raise
    finally:
        try:
            watch.stop()
        finally:
            signal.signal(signal.SIGINT, previous)
    if watch.expired:
        raise TimeUp
    return result


class _Watch:
    """A thread that interrupts the main thread after `seconds`, and again until it is stopped."""

    def __init__(self, seconds):
        self.expired = False
        self._seconds = seconds
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.start = self._thread.start

    def stop(self):
        self._done.set()
        self._thread.join()

    def _run(self):
        if self._done.wait(self._seconds):
            return
        self.expired = True
        watched = _watch_lines()
        while not self._done.wait(0.05):
            _interrupt_main()
        if watched:
            sys.monitoring.set_events(_TOOL, 0)
            sys.monitoring.free_tool_id(_TOOL)


_TOOL = 4  # one of the two numbers that sys.monitoring leaves to anyone


def _watch_lines():
    """Interrupt the work at every line as well; returns whether that is possible.

    Since Python 3.12 a loop around `try` may look for interrupts only where it catches them.
    Python 3.11 looks at every jump back, and has no sys.monitoring.
    """
    monitoring = getattr(sys, "monitoring", None)
    if monitoring is None or monitoring.get_tool(_TOOL):
        return False
    monitoring.use_tool_id(_TOOL, "time limit")
    monitoring.register_callback(_TOOL, monitoring.events.LINE, _on_line)
    monitoring.set_events(_TOOL, monitoring.events.LINE)
    return True


def _on_line(code, line):
    in_main = threading.current_thread() is threading.main_thread()
    if in_main and _is_work(sys._getframe()):
        raise _Interrupted


def _interrupt_main():
    """Send an interrupt that also wakes a sleeping main thread."""
    # Windows has no pthread_kill, and there interrupt_main() ends a sleep by itself.
    if hasattr(signal, "pthread_kill"):
        with suppress(ProcessLookupError):
            signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
    else:
        _thread.interrupt_main()


def _call(work):
    return work()


def _is_work(frame):
    """Whether `frame` was entered through `_call`: the course's own lines are never interrupted."""
    while frame is not None:
        if frame.f_code is _call.__code__:
            return True
        frame = frame.f_back
    return False
