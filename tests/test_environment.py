"""Set-up files agree with pyproject.toml, pin what they say, and name no package index."""

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest
import rattler
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
CONDA = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
CONDA_NAMES = {"matplotlib": "matplotlib-base"}


def requirements(extra=None):
    """Requirements of pyproject.toml by name: those of an extra, or all others, tests included."""
    texts = [*PYPROJECT["project"]["dependencies"], *PYPROJECT["dependency-groups"]["dev"]]
    if extra:
        texts = PYPROJECT["project"]["optional-dependencies"][extra]
    return {Requirement(text).name: Requirement(text).specifier for text in texts}


def test_environment_yml_is_what_conda_reads():
    assert set(CONDA) == {"name", "channels", "dependencies"}
    assert CONDA["channels"] == ["conda-forge", "nodefaults"]
    specs = [entry for entry in CONDA["dependencies"] if isinstance(entry, str)]
    names = [rattler.MatchSpec(spec, strict=True).name.normalized for spec in specs]
    assert len(set(names)) == len(names)


def test_environment_yml_asks_for_what_pyproject_asks():
    specs = [entry for entry in CONDA["dependencies"] if isinstance(entry, str)]
    (pip,) = [entry["pip"] for entry in CONDA["dependencies"] if isinstance(entry, dict)]
    given = {}
    for spec in map(rattler.MatchSpec, specs):
        given[spec.name.normalized] = SpecifierSet(str(spec.version or ""))
    assert given.pop("python") == SpecifierSet(PYPROJECT["project"]["requires-python"])
    assert given.pop("pip") == SpecifierSet()
    assert pip[-1] == "-e ."
    given |= {Requirement(text).name: Requirement(text).specifier for text in pip[:-1]}
    assert given == {CONDA_NAMES.get(name, name): spec for name, spec in requirements().items()}


def test_constraints_are_names_and_exact_versions():
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = dict(line.split("==") for line in lines if re.fullmatch(r"[\w.-]+==[\w.+!]+", line))
    assert len(pins) == len(lines), [line for line in lines if line.split("==")[0] not in pins]
    pins = {canonicalize_name(name): version for name, version in pins.items()}
    assert len(pins) == len(lines)
    for name, wanted in {**requirements(), **requirements(extra="oracle")}.items():
        assert pins[canonicalize_name(name)] in wanted, name


@pytest.mark.skipif(shutil.which("make") is None, reason="there is no make here")
@pytest.mark.parametrize(
    "extra, tool", [("", "uv pip install"), ("oracle", "python -m pip install")]
)
def test_pip_installs_what_uv_would_fetch_for_cuda(tmp_path, extra, tool):
    uv = tmp_path / "uv"
    uv.write_text("#!/bin/sh\n")
    uv.chmod(0o755)
    venv = tmp_path / "venv"
    asked = subprocess.run(
        ["make", "-n", f"{venv}/.ready{extra and '-' + extra}", f"VENV={venv}", f"EXTRAS={extra}"],
        cwd=ROOT,
        env={**os.environ, "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert asked.returncode == 0, asked.stderr
    (install,) = [line for line in asked.stdout.splitlines() if "--group dev" in line]
    assert tool in install and "-c constraints.txt" in install
    assert ("--seed" in asked.stdout) == bool(extra)


def test_no_file_names_a_package_index_or_a_place_on_one_machine():
    ignored = (ROOT / ".gitignore").read_text(encoding="utf-8").split()
    unseen = {".git", *(entry.rstrip("/") for entry in ignored)}
    # in two halves, so that this file may stand in the tree
    words = [
        "index-" + "url",
        "find-" + "links",
        "py" + "pi.org",
        "python" + "hosted",
        "/wo" + "rk/",
    ]
    words += ["[[tool.uv." + "index", "/ro" + "ot/"]
    found = []
    for folder, folders, files in os.walk(ROOT):
        folders[:] = [name for name in folders if name not in unseen]
        for path in (Path(folder) / name for name in files if name not in unseen):
            content = path.read_bytes()
            found += [f"{path.relative_to(ROOT)}: {w}" for w in words if w.encode() in content]
    assert found == []


def test_jupyterlab_asks_no_news_question():
    settings = Path(sys.prefix) / "share/jupyter/lab/settings/overrides.d"
    installed = json.loads((settings / "memory-compute-movement.json").read_text(encoding="utf-8"))
    assert installed == json.loads((ROOT / "overrides.json").read_text(encoding="utf-8"))
    assert installed["@jupyterlab/apputils-extension:notification"]["fetchNews"] == "false"


def test_an_unearned_warning_of_openblas_fails_no_test():
    """OpenBLAS 0.3.31 with AVX-512: the result is right, the flag of an invalid operation is not.

    A float32 product of (4n + 2 or 4n + 3, 5) with a vector computes on two numbers of its stack
    that nothing was written to. Here they are signalling NaNs, left by the product before it.
    """
    (signalling,) = np.array([0x7F800001], np.uint32).view(np.float32)
    with np.errstate(all="ignore"):
        np.full((8, 200), signalling) @ np.full(400, signalling)[::2, None]
    assert (np.ones((2, 5), np.float32) @ np.ones((5, 1), np.float32)).tolist() == [[5], [5]]
