"""Fixtures that several test modules take."""

import pytest


@pytest.fixture(scope="session")
def torch():
    """PyTorch, on one thread: the arrays are small and the cores busy with other tests."""
    torch = pytest.importorskip("torch", reason="PyTorch is not installed (extra: oracle)")
    torch.set_num_threads(1)
    return torch
