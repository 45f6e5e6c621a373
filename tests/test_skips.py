"""COURSE_CI=1 turns a skip into a failure, wherever it is said."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCES = {
    "in_test": "def test_a():\n    pytest.skip('for no reason')\n",
    "by_mark": "@pytest.mark.skip(reason='for no reason')\ndef test_a():\n    pass\n",
    "in_fixture": "@pytest.fixture\ndef f():\n    pytest.skip('for no reason')\n"
    "def test_a(f):\n    pass\n",
    "of_module": "pytest.skip('for no reason', allow_module_level=True)\n",
    "expected_failure": "@pytest.mark.xfail(strict=True)\ndef test_a():\n    assert False\n",
}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Run the sources as test modules beside a copy of the course's conftest.py."""
    folder = tmp_path_factory.mktemp("skips")
    (folder / "conftest.py").write_text((ROOT / "conftest.py").read_text())
    for name, source in SOURCES.items():
        (folder / f"test_{name}.py").write_text(f"import pytest\n{source}")

    def start(ci):
        return subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-rN", "--continue-on-collection-errors"],
            cwd=folder,
            env={**os.environ, "COURSE_CI": ci},
            capture_output=True,
            text=True,
            timeout=60,
        )

    return start


def test_in_ci_every_skip_fails(run):
    result = run(ci="1")
    assert result.stdout.count("COURSE_CI=1 does not allow: Skipped: for no reason") == 4
    # a skip before the test's own lines is an error: two of them, and the module
    assert "1 failed, 1 xfailed, 3 errors" in result.stdout


def test_elsewhere_a_skip_is_a_skip(run):
    result = run(ci="")
    assert result.returncode == 0 and "4 skipped, 1 xfailed" in result.stdout
