"""What is said when JupyterLab or Chromium does not start: the end of its own words."""

import browsing
import pytest


def script(path, text):
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return str(path)


def test_jupyterlab_that_does_not_start_is_quoted(tmp_path, monkeypatch):
    (tmp_path / "course").mkdir()
    python = script(tmp_path / "python", "echo early; echo 'port taken' >&2; exit 1")
    monkeypatch.setattr(browsing.sys, "executable", python)
    with (
        pytest.raises(RuntimeError, match="(?s)^JupyterLab ended.*early\nport taken"),
        browsing.jupyterlab(tmp_path / "course"),
    ):
        pytest.fail("it has not started")


@pytest.mark.skipif(browsing.sync_api is None, reason="playwright is not installed")
def test_chromium_that_does_not_start_is_quoted(tmp_path, monkeypatch):
    broken = script(tmp_path / "chromium", "echo 'no library' >&2; exit 1")
    monkeypatch.setattr(browsing, "CHROMIUM", broken)
    with (
        pytest.raises(RuntimeError, match="(?s)does not start; .*no library"),
        browsing.chromium(tmp_path),
    ):
        pytest.fail("it has not started")
