"""The `course` command: copies that are whole, and files that are never touched."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import nbformat
import pytest
from jupyter_server.services.kernels.websocket import KernelWebsocketHandler
from jupyterlab.labapp import LabApp
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from traitlets.utils.importstring import import_item

from course_utils import lab


def ship(root, name, source="1 + 1"):
    """Write an executed lesson to notebooks/ as its author would."""
    result = new_output("execute_result", {"text/plain": "2"}, execution_count=1)
    notebook = new_notebook(
        cells=[
            new_markdown_cell("[the table](../data/machines.csv)"),
            new_code_cell(source, execution_count=1, outputs=[result]),
        ],
        metadata={"widgets": {"x": 1}, "kernelspec": {"name": "python3", "display_name": "P"}},
    )
    (root / "notebooks").mkdir(exist_ok=True)
    nbformat.write(notebook, root / "notebooks" / f"{name}.ipynb")


@pytest.fixture
def root(tmp_path):
    ship(tmp_path, "00_three_meters")
    ship(tmp_path, "03_rnn_sequential")
    return tmp_path


def contents(root):
    return {path.name: path.read_bytes() for path in (root / "my_course").iterdir()}


def test_copies_have_no_outputs_counts_or_widgets(root):
    lines = lab.bring(root)
    assert lines == ["my_course/: your own copy of 00_three_meters, 03_rnn_sequential"]
    shipped = nbformat.read(root / "notebooks/00_three_meters.ipynb", as_version=4)
    copy = nbformat.read(root / "my_course/00_three_meters.ipynb", as_version=4)
    nbformat.validate(copy)
    assert [cell.source for cell in copy.cells] == [cell.source for cell in shipped.cells]
    assert [cell.id for cell in copy.cells] == [cell.id for cell in shipped.cells]
    assert copy.cells[1].outputs == [] and copy.cells[1].execution_count is None
    assert "widgets" not in copy.metadata and copy.metadata.kernelspec.name == "python3"


def test_a_second_call_does_nothing(root):
    lab.bring(root)
    before = contents(root)
    assert lab.bring(root) == []
    assert contents(root) == before


def test_running_a_shipped_lesson_again_makes_no_new_version(root):
    lab.bring(root)
    path = root / "notebooks/00_three_meters.ipynb"
    notebook = nbformat.read(path, as_version=4)
    notebook.cells[1].outputs, notebook.cells[1].execution_count = [], 7
    notebook.metadata["language_info"] = {"name": "python", "version": "3.99"}
    nbformat.write(notebook, path)
    assert lab.bring(root) == []


@pytest.mark.parametrize("learners", ["not even JSON", "{}", '{"metadata": []}', ""])
def test_a_learners_file_is_never_touched(root, learners):
    own = root / "my_course"
    own.mkdir()
    (own / "00_three_meters.ipynb").write_text(learners)
    lines = lab.bring(root)
    assert (own / "00_three_meters.ipynb").read_text() == learners
    assert any("00_three_meters.new.ipynb" in line for line in lines)
    assert lab.bring(root) == []


def test_a_changed_lesson_comes_beside_the_copy_and_edits_stay(root):
    lab.bring(root)
    copy = root / "my_course/00_three_meters.ipynb"
    copy.write_text(copy.read_text().replace("1 + 1", "my own work"))
    ship(root, "00_three_meters", "2 + 2")
    (line,) = lab.bring(root)
    assert line.startswith("my_course/00_three_meters.new.ipynb: the lesson has changed")
    assert "my own work" in copy.read_text()
    assert lab.bring(root) == []

    new = copy.with_suffix(".new.ipynb")
    new.write_text(new.read_text().replace("2 + 2", "more of my own"))
    ship(root, "00_three_meters", "3 + 3")
    (line,) = lab.bring(root)
    assert "00_three_meters.new2.ipynb" in line
    assert "more of my own" in new.read_text()
    assert "3 + 3" in copy.with_suffix(".new2.ipynb").read_text()


def test_a_learner_who_takes_the_new_version_is_left_in_peace(root):
    lab.bring(root)
    ship(root, "00_three_meters", "2 + 2")
    lab.bring(root)
    copy = root / "my_course/00_three_meters.ipynb"
    copy.with_suffix(".new.ipynb").rename(copy)
    assert lab.bring(root) == []


def test_a_deleted_copy_is_made_again(root):
    lab.bring(root)
    copy = root / "my_course/00_three_meters.ipynb"
    whole = copy.read_bytes()
    copy.rename(copy.with_name("00_three_meters-old.ipynb"))
    assert lab.bring(root) == ["my_course/: your own copy of 00_three_meters"]
    assert copy.read_bytes() == whole


@pytest.mark.parametrize("step", ["write", "link"])
def test_an_interrupted_copy_leaves_nothing(root, monkeypatch, step):
    def stop(*args, **kwargs):
        raise KeyboardInterrupt

    if step == "link":
        monkeypatch.setattr(os, "link", stop)
    else:
        half = Path.write_bytes

        def write_half(path, data):
            half(path, data[: len(data) // 2])
            stop()

        monkeypatch.setattr(Path, "write_bytes", write_half)
    with pytest.raises(KeyboardInterrupt):
        lab.bring(root)
    assert contents(root) == {}


def test_a_file_that_appears_while_copying_is_not_overwritten(root, monkeypatch):
    link = os.link

    def somebody_is_faster(part, target):
        Path(target).write_text("somebody else's")
        link(part, target)

    monkeypatch.setattr(os, "link", somebody_is_faster)
    own = root / "my_course"
    own.mkdir()
    assert lab._put(b"ours", own / "00.ipynb") is False
    assert contents(root) == {"00.ipynb": b"somebody else's"}


def test_copies_without_hard_links(root, monkeypatch):
    def no_links(*args):
        raise PermissionError("no hard links on this file system")

    monkeypatch.setattr(os, "link", no_links)
    lab.bring(root)
    assert sorted(contents(root)) == ["00_three_meters.ipynb", "03_rnn_sequential.ipynb"]


def test_what_a_reset_has_put_aside_is_no_version(root):
    lab.bring(root)
    copy = root / "my_course/00_three_meters.ipynb"
    copy.with_suffix(".old.ipynb").write_bytes(copy.read_bytes())
    copy.write_text("the learner's")
    (line,) = lab.bring(root)
    assert line.startswith("my_course/00_three_meters.new.ipynb: the lesson has changed")


def test_the_glossary_comes_along_and_is_never_touched(root):
    shipped, own = root / "notebooks/glossary.md", root / "my_course/glossary.md"
    shipped.write_bytes("**byte** · 8 bits\n".encode())
    (line,) = lab.bring(root)
    assert line.endswith("00_three_meters, 03_rnn_sequential, glossary")
    assert own.read_bytes() == shipped.read_bytes()
    assert lab.bring(root) == []

    own.write_text("my own words")
    (line,) = lab.bring(root)
    assert line.startswith("my_course/glossary.new.md: the glossary has changed")
    assert own.read_text() == "my own words"
    assert own.with_suffix(".new.md").read_bytes() == shipped.read_bytes()
    assert lab.bring(root) == []

    shipped.write_bytes(b"**byte**: eight bits\n")
    (line,) = lab.bring(root)
    assert "glossary.new2.md" in line
    own.with_suffix(".new2.md").rename(own.with_name("glossary (mine).md"))
    assert lab.bring(root) == []


@pytest.mark.parametrize("wanted", ["3", "03", "03_rnn", "03_rnn_sequential.ipynb", "notebooks/03"])
def test_find(root, wanted):
    assert lab.find(wanted, root) == "03_rnn_sequential.ipynb"
    assert lab.shipped_lesson(wanted, root) == root / "notebooks/03_rnn_sequential.ipynb"


@pytest.mark.parametrize("wanted", ["", "99", "rnn", "03_cnn", "progress", "reset"])
def test_find_refuses_what_is_no_lesson(root, wanted):
    with pytest.raises(ValueError, match="there are\n  00_three_meters\n  03_rnn_sequential"):
        lab.find(wanted, root)
    with pytest.raises(ValueError, match="^there is no lesson '.*'; there are 00 to 03$"):
        lab.shipped_lesson(wanted, root)


def test_main_says_in_one_line_what_is_wrong(root, monkeypatch, capsys):
    monkeypatch.setattr(lab, "ROOT", root)
    assert lab.main(["77"]) == 2
    error = capsys.readouterr().err
    assert error.startswith("course: there is no one lesson '77'; there are\n  00_three_meters\n")
    assert not (root / "my_course").exists()

    monkeypatch.setattr(lab, "ROOT", root / "elsewhere")
    assert lab.main([]) == 2
    error = capsys.readouterr().err
    assert error.startswith("course: no lessons in ") and "pip install -e ." in error
    assert error.count("\n") == 1


@pytest.fixture
def launched(root, monkeypatch):
    """The options of each JupyterLab that a call of main would have started."""
    calls = []
    monkeypatch.setattr(lab, "ROOT", root)
    monkeypatch.setattr(LabApp, "launch_instance", lambda argv: calls.append(argv))
    return calls


@pytest.mark.parametrize(
    "argv, lesson, options",
    [
        ([], "00_three_meters", []),
        (["03"], "03_rnn_sequential", []),
        (
            ["03", "--", "--no-browser", "progress"],
            "03_rnn_sequential",
            ["--no-browser", "progress"],
        ),
        (["--", "--no-browser"], "00_three_meters", ["--no-browser"]),
    ],
)
def test_main_opens_a_lesson(root, launched, capsys, argv, lesson, options):
    assert lab.main(argv) == 0
    own = lab.jupyter_options(root, f"{lesson}.ipynb")
    assert launched == [[*own, *options]]
    assert capsys.readouterr().out.startswith("my_course/: your own copy of 00_three_meters, 03")


def test_progress_and_reset_start_no_jupyterlab_and_bring_nothing(root, launched, capsys):
    assert lab.main(["progress"]) == 0
    whole = capsys.readouterr().out
    assert "all lessons" in whole
    assert lab.main(["progress", "03"]) == 0
    assert "03.1 rnn_params" in capsys.readouterr().out
    assert not (root / "my_course").exists()

    lab.bring(root)
    copy = root / "my_course/03_rnn_sequential.ipynb"
    blank = copy.read_bytes()
    copy.write_text("broken")
    assert lab.main(["reset", "03"]) == 0
    assert capsys.readouterr().out.count("\n") == 1
    assert copy.read_bytes() == blank and launched == []


@pytest.mark.parametrize(
    "words, says",
    [
        (["progress", "77"], "there is no lesson '77'; there are 00 to 03"),
        (["progress", "00", "03"], "'progress 00 03' is not understood; see course --help"),
        (["reset"], "'reset' is not understood; see course --help"),
        (["reset", "77"], "there is no lesson '77'; there are 00 to 03"),
        (["reset", "03"], "nothing to reset; `course 03` makes one"),
        (["reset", "03", "span", "rnn_params"], "is not understood; see course --help"),
        (["reset", "03", "spam"], "there is no exercise 'spam'; the nearest name is 'span'"),
        (["00", "03"], "'00 03' is not understood; see course --help"),
    ],
)
def test_main_says_in_one_line_what_cannot_be_done(launched, capsys, words, says):
    assert lab.main(words) == 2
    told = capsys.readouterr()
    assert told.err.startswith("course: ") and told.err.endswith(f"{says}\n")
    assert told.err.count("\n") == 1 and told.out == "" and launched == []


def test_help_shows_all_three(capsys):
    with pytest.raises(SystemExit) as end:
        lab.main(["--help"])
    assert end.value.code == 0
    shown = capsys.readouterr().out
    for use in ("course [LESSON]", "course progress [LESSON]", "course reset LESSON [EXERCISE]"):
        assert use in shown
    assert "--no-browser" in shown


def test_jupyterlab_shows_markdown_files_rendered():
    plugin = "@jupyterlab/docmanager-extension"
    shipped = json.loads((Path(lab.__file__).parents[1] / "overrides.json").read_text())
    assert shipped[f"{plugin}:plugin"] == {"defaultViewers": {"markdown": "Markdown Preview"}}
    schemas = Path(sys.prefix) / "share/jupyter/lab/schemas"
    known = json.loads((schemas / plugin / "plugin.json").read_text(encoding="utf-8"))
    assert "defaultViewers" in known["properties"]


def test_root_is_allowed_for_root_only(root, monkeypatch):
    for user, allowed in ((0, True), (1000, False)):
        monkeypatch.setattr(os, "geteuid", lambda user=user: user, raising=False)
        assert ("--allow-root" in lab.jupyter_options(root, "00.ipynb")) is allowed


def test_the_server_sends_each_message_at_once(root, monkeypatch):
    (option,) = [o for o in lab.jupyter_options(root, "00.ipynb") if "connection_class" in o]
    connection_class = import_item(option.partition("=")[2])
    (base,) = connection_class.__bases__
    monkeypatch.setattr(base, "connect", lambda self: "connected")
    told = []
    handler = KernelWebsocketHandler
    monkeypatch.setattr(handler, "set_nodelay", lambda self, value: told.append(value))
    connection = connection_class.__new__(connection_class)
    connection.websocket_handler = handler.__new__(handler)
    assert connection.connect() == "connected" and told == [True]


@pytest.fixture
def server(root):
    """A real JupyterLab started by `course 03` in a quiet home of its own; (address, output)."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    start = (
        f"import sys; from course_utils import lab; lab.ROOT = lab.Path({str(root)!r}); lab.main()"
    )
    options = ["03", "--", "--no-browser", "--port", str(port), "--IdentityProvider.token="]
    home = root / "home"
    homes = ("HOME", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR")
    log = (root / "lab.log").open("w+")
    process = subprocess.Popen(
        [sys.executable, "-c", start, *options, "--ServerApp.port_retries=0"],
        env={**os.environ, **{name: str(home / name) for name in homes}},
        stdout=log,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        yield f"http://127.0.0.1:{port}", process, root / "lab.log"
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(15)
        log.close()


def fetch(url):
    with urllib.request.urlopen(url, timeout=10) as answer:
        return answer.url, answer.read()


def test_course_opens_jupyterlab_on_the_lesson(server):
    address, process, log = server
    end = time.monotonic() + 60
    while True:
        try:
            fetch(f"{address}/api")
            break
        except urllib.error.URLError:
            alive = process.poll() is None and time.monotonic() < end
            assert alive, f"JupyterLab did not start:\n{log.read_text()[-3000:]}"
            time.sleep(0.1)
    opened, _ = fetch(f"{address}/")
    assert opened == f"{address}/lab/tree/my_course/03_rnn_sequential.ipynb"
    for path in ("my_course/03_rnn_sequential.ipynb", "notebooks/03_rnn_sequential.ipynb"):
        _, answer = fetch(f"{address}/api/contents/{path}?content=0")
        assert json.loads(answer)["path"] == path
    settings = "lab/api/settings/@jupyterlab/apputils-extension:notification"
    _, answer = fetch(f"{address}/{settings}")
    assert json.loads(answer)["schema"]["properties"]["fetchNews"]["default"] == "false"
