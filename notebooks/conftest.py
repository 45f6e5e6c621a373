"""Runs each lesson twice more: with right and with wrong answers.

nbval runs the notebooks as they are; here their variants join them.
"""

import os

import nbval.kernel
import pytest
from jupyter_client.manager import KernelManager
from nbval.plugin import IPyNbFile

from course_utils.author.sockets import OverFiles
from course_utils.author.variants import variants


class _Kernel(OverFiles, KernelManager):
    def start_kernel(self, **how):
        # Beside other tests OpenBLAS's threads would wait for each other.
        return super().start_kernel(
            env={**os.environ, "OPENBLAS_NUM_THREADS": "1"}, **how
        )


nbval.kernel.KernelManager = _Kernel


class Variants(pytest.File):
    """What collects the variants of a notebook, as files of their own."""

    def collect(self):
        try:
            paths = variants(self.path)
        except ValueError as error:
            raise self.CollectError(str(error)) from None
        for path in paths:
            yield IPyNbFile.from_parent(self, path=path)


def pytest_collect_file(file_path, parent):
    if parent.config.option.nbval and file_path.suffix == ".ipynb":
        return Variants.from_parent(parent, path=file_path)
    return None
