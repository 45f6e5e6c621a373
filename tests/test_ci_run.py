"""`.ci/run` sees to Chromium first, on a machine with it, without it, and where that cannot be."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(os.name != "posix", reason=".ci/run is a shell script")

RUN = Path(__file__).parents[1] / ".ci/run"
CHROMIUM = "echo Chromium 1"
# apt-get, as far as it goes here: install puts a chromium beside itself
APT_GET = """here="$(dirname "$0")"
[ "$DEBIAN_FRONTEND $2" = "noninteractive install" ] || exit 0
echo unpacking
printf '#!/bin/sh\\necho Chromium 1\\n' > "$here/chromium"
chmod +x "$here/chromium\""""
NO_APT_GET = "echo no network >&2; exit 100"
SUDO = 'shift; exec "$@"'


@pytest.fixture
def run(tmp_path):
    """Run .ci/run on a path that has only a few tools, and these; make only says its name."""
    for tool in ("bash", "sh", "dirname", "mktemp", "rm", "env", "chmod"):
        (tmp_path / tool).symlink_to(shutil.which(tool))

    def start(user, **tools):
        for name, text in {"id": f"echo {user}", "make": 'echo "make $*"', **tools}.items():
            script = tmp_path / name.replace("_", "-")
            script.write_text(f"#!/bin/sh\n{text}\n")
            script.chmod(0o755)
        return subprocess.run(
            [shutil.which("bash"), RUN],
            env={"PATH": str(tmp_path), "TMPDIR": str(tmp_path)},
            capture_output=True,
            text=True,
            timeout=60,
        )

    return start


def test_chromium_is_there(run):
    result = run(1000, chromium=CHROMIUM, apt_get=NO_APT_GET)
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.startswith("make test VENV=") and "EXTRAS=oracle" in result.stdout


@pytest.mark.parametrize("user, tools", [(0, {}), (1000, {"sudo": SUDO})])
def test_chromium_is_installed_without_a_word_more_than_one(run, user, tools):
    result = run(user, apt_get=APT_GET, **tools)
    assert (result.returncode, result.stderr) == (0, "")
    said, made = result.stdout.splitlines()
    assert said == "Installing Chromium." and made.startswith("make test ")


@pytest.mark.parametrize(
    "user, tools", [(0, {}), (0, {"apt_get": NO_APT_GET}), (1000, {"apt_get": APT_GET})]
)
def test_no_chromium_and_no_way_to_it_is_said_and_no_test_is_run(run, user, tools):
    result = run(user, **tools)
    assert result.returncode == 1 and "make" not in result.stdout
    assert result.stderr.splitlines()[-1].startswith(".ci/run: no Chromium, and apt-get cannot")
