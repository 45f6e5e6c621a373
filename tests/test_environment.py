"""Set-up files agree with pyproject.toml, pin what they say, and name no package index."""

import json
import os
import re
import sys
import tomllib
from pathlib import Path

import rattler
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
CONDA = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
CONDA_NAMES = {"matplotlib": "matplotlib-base"}


def requirements():
    """Every requirement of pyproject.toml, tests included, by name."""
    texts = [*PYPROJECT["project"]["dependencies"], *PYPROJECT["dependency-groups"]["dev"]]
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
    (oracle,) = map(Requirement, PYPROJECT["project"]["optional-dependencies"]["oracle"])
    for name, wanted in {**requirements(), oracle.name: oracle.specifier}.items():
        assert pins[canonicalize_name(name)] in wanted, name


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
