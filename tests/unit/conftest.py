"""Fixtures that several test modules take."""

import pytest

from course_utils.exercises import engine


@pytest.fixture(autouse=True)
def new_session(monkeypatch):
    """A session in which nobody has bet or tried anything, whatever ran before."""
    monkeypatch.setattr(engine, "_bets", {})
    monkeypatch.setattr(engine, "_tried", set())


@pytest.fixture(scope="session")
def torch():
    """PyTorch, on one thread: the arrays are small and the cores busy with other tests."""
    torch = pytest.importorskip("torch", reason="PyTorch is not installed (extra: oracle)")
    torch.set_num_threads(1)
    return torch
