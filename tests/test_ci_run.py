"""`.ci/run` sees to Chromium and npm first: where they are, are not, and where that cannot be."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(os.name != "posix", reason=".ci/run is a shell script")

RUN = Path(__file__).parents[1] / ".ci/run"
THERE = {"chromium": "echo Chromium 1", "npm": "echo 1"}
# apt-get, as far as it goes here: install puts the package, the last word, beside itself
APT_GET = """here="$(dirname "$0")"
[ "$DEBIAN_FRONTEND $2" = "noninteractive install" ] || exit 0
echo unpacking
for package; do :; done
printf '#!/bin/sh\\necho 1\\n' > "$here/$package"
chmod +x "$here/$package\""""
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


def test_both_are_there(run):
    result = run(1000, **THERE, apt_get=NO_APT_GET)
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.startswith("make test VENV=") and "EXTRAS=oracle" in result.stdout


@pytest.mark.parametrize("user, tools", [(0, {}), (1000, {"sudo": SUDO})])
@pytest.mark.parametrize("missing", ["chromium", "npm"])
def test_what_is_missing_is_installed_without_a_word_more_than_one(run, user, tools, missing):
    there = {name: text for name, text in THERE.items() if name != missing}
    result = run(user, apt_get=APT_GET, **there, **tools)
    assert (result.returncode, result.stderr) == (0, "")
    said, made = result.stdout.splitlines()
    assert said == f"Installing {missing}." and made.startswith("make test ")


@pytest.mark.parametrize(
    "user, tools", [(0, {}), (0, {"apt_get": NO_APT_GET}), (1000, {"apt_get": APT_GET})]
)
@pytest.mark.parametrize("missing", ["chromium", "npm"])
def test_no_way_to_what_is_missing_is_said_and_no_test_is_run(run, user, tools, missing):
    there = {name: text for name, text in THERE.items() if name != missing}
    result = run(user, **there, **tools)
    assert result.returncode == 1 and "make" not in result.stdout
    last = result.stderr.splitlines()[-1]
    assert last.startswith(f".ci/run: no {missing}, and apt-get cannot install it")
