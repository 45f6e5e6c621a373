"""Real JupyterLab on the learner's copies in real Chromium, for the browser test and `make bench`.

    with jupyterlab(course(folder)) as address, chromium(folder) as browser:
        with lesson(browser, address, "00_three_meters.ipynb") as page:
            page.run_all()

Everything is waited for as a state of the page or of the server; nothing sleeps for luck.
"""

import http.client
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from pathlib import Path

import nbformat

from course_utils import lab
from course_utils.author.cells import unmeasured
from course_utils.explore.style import CLASS

try:
    from playwright import sync_api
except ImportError:
    sync_api = None

ROOT = Path(__file__).parents[1]
CHROMIUM = shutil.which("chromium")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-quic",
    "--no-first-run",
]
START = 90  # s for JupyterLab, Chromium or a kernel to start on a busy computer
STEP = 20_000  # ms for one step in the page
RUN = 180_000  # ms for a lesson to run; a lesson takes some 10 s

_VIEW = "application/vnd.jupyter.widget-view+json"
# JupyterLab has the lesson open and its kernel waits for work, or a dialog stands in the way.
_READY = """path => {
    const shown = window.jupyterapp?.shell?.currentWidget;
    const kernel = shown?.sessionContext?.session?.kernel;
    return document.querySelector('.jp-Dialog') || (shown?.context?.isReady &&
        shown.context.path === path &&
        kernel?.status === 'idle' && kernel?.connectionStatus === 'connected');
}"""
# From the model: JupyterLab keeps in the page only the cells that are near the window.
_CELLS = """() => [...window.jupyterapp.shell.currentWidget.content.model.cells].map(cell => ({
    type: cell.type,
    source: cell.sharedModel.source,
    count: cell.executionCount ?? null,
    outputs: cell.outputs ? cell.outputs.toJSON() : [],
}))"""
_CHANGING = ("value", "picture", "sentence")
_STATE = f"""card => {{
    const slider = card.querySelector('[role=slider]');
    const [place, handle] = [card, slider].map(element => element.getBoundingClientRect());
    const middle = [handle.x + handle.width / 2, handle.y + handle.height / 2];
    return {{
        value: Number(slider.getAttribute('aria-valuenow')),
        picture: card.querySelector('.{CLASS}-picture svg').innerHTML,
        sentence: card.querySelector('.{CLASS}-readout').innerText.trim(),
        place: [place.x, place.y, place.width, place.height],
        seen: slider.contains(document.elementFromPoint(...middle)),
        focused: slider === document.activeElement,
    }};
}}"""
# Called with an expression that is a promise: `finished` says how it ended.
_BEGIN = """() => {
    window.finished = null;
    (%s).then(() => { window.finished = 'done'; }, error => { window.finished = `${error}`; });
}"""


def missing():
    """Why no browser can be driven here, a sentence, or None if one can."""
    if sync_api is None:
        return "playwright is not installed; it is in the dependency group dev of pyproject.toml"
    if CHROMIUM is None:
        return "no chromium on the path; on Debian: apt-get install chromium"
    return None


def lessons():
    """The file names of the shipped lessons, a list in their order."""
    return sorted(path.name for path in (ROOT / lab.SHIPPED).glob("[0-9][0-9]_*.ipynb"))


def course(folder):
    """A copy of the course in `folder` with the learner's copies in it; its root, a Path.

    Links from a lesson lead where they lead in the repository.  Nothing is written there.
    Measurements are left out of the copies: nbval runs them, and here they only take time.
    """
    root = folder / "course"
    (root / lab.SHIPPED).mkdir(parents=True)
    for name in lessons():
        shutil.copy(ROOT / lab.SHIPPED / name, root / lab.SHIPPED)
    for name in ("course_utils", "data"):
        (root / name).symlink_to(ROOT / name, target_is_directory=True)
    lab.bring(root)
    for path in (root / lab.OWN).glob("*.ipynb"):
        notebook = nbformat.read(path, as_version=4)
        running = unmeasured(notebook.cells)
        notebook.cells = [c for c in notebook.cells if c.cell_type != "code" or c in running]
        nbformat.write(notebook, path)
    return root


@contextmanager
def jupyterlab(root):
    """JupyterLab on a `course`, as the command `course` opens it, in a home of its own.

    Gives its address, a string.  RuntimeError with the end of its log if it does not start.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = ["--no-browser", "--ip=127.0.0.1", f"--port={port}", "--ServerApp.port_retries=0"]
    options += ["--IdentityProvider.token=", "--expose-app-in-browser"]
    log = root.parent / "jupyterlab.log"
    with log.open("w") as written:
        process = subprocess.Popen(
            [sys.executable, "-m", "jupyterlab", *lab.jupyter_options(root, ""), *options],
            cwd=root,
            env=_surroundings(root.parent / "home"),
            stdin=subprocess.DEVNULL,
            stdout=written,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        _wait_for(process, port, log)
        yield f"http://127.0.0.1:{port}"
    finally:
        _end(process)


def _surroundings(home):
    """Environment variables that keep the user's files, settings and caches out of it."""
    foreign = ("JUPYTER", "IPYTHON", "XDG_", "MPL")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    homes = ("HOME", "USERPROFILE", "LOCALAPPDATA", "APPDATA")
    # a folder apart from .cache and .local, which are found below HOME
    own = ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR")
    home.mkdir(exist_ok=True)
    return {
        **kept,
        "OPENBLAS_NUM_THREADS": "1",  # its threads would wait for each other beside other tests
        **dict.fromkeys(homes, str(home)),
        **{name: str(home / name.lower()) for name in own},
    }


def _wait_for(process, port, log):
    end = time.monotonic() + START
    while not _answers(port):
        if process.poll() is not None or time.monotonic() > end:
            how = "ended" if process.poll() is not None else f"does not answer after {START} s"
            text = log.read_text(errors="replace")
            raise RuntimeError(f"JupyterLab {how}; the end of its log:\n{text[-3000:]}")
        time.sleep(0.05)


def _answers(port):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/api")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def _end(process):
    """End a server that this module started, with its kernels."""
    process.terminate()
    try:
        process.wait(15)
    except subprocess.TimeoutExpired:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(15)


@contextmanager
def chromium(folder):
    """Debian's Chromium through Playwright, its profile and caches in `folder`; a browser context.

    All pages share its cache: JupyterLab's programs are fetched and compiled once.
    RuntimeError with the end of what it said if it does not start.
    """
    with sync_api.sync_playwright() as playwright:
        try:
            browser = playwright.chromium.launch(
                executable_path=CHROMIUM,
                args=FLAGS,
                env=_surroundings(folder / "browser-home"),
                timeout=1000 * START,
            )
        except sync_api.Error as error:
            said = f"{error}"[-3000:]
            raise RuntimeError(
                f"{CHROMIUM} does not start; the end of what it said:\n{said}"
            ) from None
        try:
            yield browser.new_context(viewport={"width": 1280, "height": 900})
        finally:
            browser.close()


@contextmanager
def lesson(browser, address, name):
    """A lesson of my_course/ opened in JupyterLab, its kernel ready; a `Lesson`.

    JupyterLab stays open for the next one.
    """
    page = browser.pages[0] if browser.pages else browser.new_page()
    opened = Lesson(page)
    path = f"{lab.OWN}/{name}"
    if page.url.startswith(address):
        open_it = f"window.jupyterapp.commands.execute('docmanager:open', {{path: '{path}'}})"
        opened.finish(open_it)
    else:
        page.goto(f"{address}/lab/tree/{path}?reset", wait_until="domcontentloaded")
    try:
        page.wait_for_function(_READY, arg=path, timeout=1000 * START)
        yield opened
        opened.finish("window.jupyterapp.shell.currentWidget.sessionContext.shutdown()")
        opened.finish("window.jupyterapp.shell.currentWidget.context.save()")
        opened.finish("window.jupyterapp.commands.execute('application:close-all')")
    finally:
        opened.leave()


class Lesson:
    """An open lesson: runs cells, tells what went wrong, finds its first widget."""

    def __init__(self, page):
        self.page, self._thrown = page, []
        page.set_default_timeout(STEP)
        self._heard = {"pageerror": self._note, "dialog": self._dismiss}
        for event, hear in self._heard.items():
            page.on(event, hear)

    def leave(self):
        """Hear no more of the page, which the next lesson takes over."""
        for event, hear in self._heard.items():
            self.page.remove_listener(event, hear)

    def _note(self, error):
        self._thrown.append(f"error in the page: {error}")

    def _dismiss(self, dialog):
        self._thrown.append(f"the browser asks: {dialog.message}")
        dialog.dismiss()

    def finish(self, promise, timeout=STEP):
        """Wait for a promise of the page, given as an expression; RuntimeError if it is broken."""
        # evaluate() alone would wait for ever
        self.page.evaluate(_BEGIN % promise)
        self.page.wait_for_function("() => window.finished", timeout=timeout)
        how = self.page.evaluate("() => window.finished")
        if how != "done":
            raise RuntimeError(f"{promise}: {how}")

    def run_all(self):
        """Run all cells, from the first to the last or to the first that fails."""
        self.finish("window.jupyterapp.commands.execute('notebook:run-all-cells')", RUN)

    def run(self, number):
        """Run the cell with this number, counted from 0, once more."""
        self.finish(
            f"(window.jupyterapp.shell.currentWidget.content.activeCellIndex = {number}, "
            "window.jupyterapp.commands.execute('notebook:run-cell'))",
            RUN,
        )

    def cells(self):
        """The cells as JupyterLab holds them: dicts of type, source, count and outputs."""
        return self.page.evaluate(_CELLS)

    def problems(self):
        """A line for each thing that a learner should not have met, a list."""
        found = list(self._thrown)
        for dialog in self.page.locator(".jp-Dialog").all_inner_texts():
            found.append(f"JupyterLab asks: {' '.join(dialog.split())}")
        for number, cell in enumerate(self.cells()):
            lines = _cell_problems(cell) if cell["type"] == "code" else []
            found += [f"cell {number}: {line}" for line in lines]
        return found

    def widgets(self):
        """The numbers of the cells that show a widget, counted from 0, a list."""
        return [
            number
            for number, cell in enumerate(self.cells())
            if any(_VIEW in output.get("data", {}) for output in cell["outputs"])
        ]

    def widget(self, number):
        """The `Widget` of this cell, brought into the window."""
        self.finish(f"window.jupyterapp.shell.currentWidget.content.scrollToItem({number})")
        cell = f'.jp-Notebook .jp-Cell[data-windowed-list-index="{number}"]'
        return Widget(self.page.locator(cell).locator(f".{CLASS}"))


class Widget:
    """A widget in the window, its first slider in the keyboard's focus."""

    def __init__(self, card):
        self.card, self._element = card, card.element_handle()
        slider = card.get_by_role("slider").first
        for part in ("picture svg", "readout"):  # the parts of a widget come one by one
            card.locator(f".{CLASS}-{part}").wait_for()
        # JupyterLab goes on scrolling while the cells above find their heights
        self._element.wait_for_element_state("stable")
        slider.scroll_into_view_if_needed()
        slider.focus()
        self._element.wait_for_element_state("stable")

    def state(self):
        """What the learner sees, a dict: the slider's value, what is drawn in the live SVG, the
        sentence under it, the card's place in the window; and whether the slider is in sight and
        has the keyboard's focus.
        """
        return self._element.evaluate(_STATE)

    def press(self, key, within=STEP):
        """Press a key and wait until value, picture and sentence have changed.

        AssertionError that names what stays as it was for `within` ms.
        """
        before = self.state()
        self.card.page.keyboard.press(key)
        changed = " && ".join(f"now.{part} !== before.{part}" for part in _CHANGING)
        test = f"([card, before]) => {{ const now = ({_STATE})(card); return {changed}; }}"
        try:
            self.card.page.wait_for_function(test, arg=[self._element, before], timeout=within)
        except sync_api.TimeoutError:
            now = self.state()
            same = [part for part in _CHANGING if now[part] == before[part]]
            raise AssertionError(f"{key} changes no {', no '.join(same)}") from None


def _cell_problems(cell):
    if cell["source"].strip() and cell["count"] is None:
        yield "did not run"
    for output in cell["outputs"]:
        if output["output_type"] == "error":
            yield f"{output['ename']}: {output['evalue']}"
        elif output.get("name") == "stderr":
            yield f"on stderr: {''.join(output['text']).strip()}"
