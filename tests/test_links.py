"""Every link in the READMEs and in the lessons leads to a file, or to a heading, that is there."""

import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / name for name in ("README.md", "LECTURING.md", "data/README.md")]
PAGES += sorted((ROOT / "notebooks").glob("*.ipynb"))


def markdown(path):
    text = path.read_text(encoding="utf-8")
    if path.suffix != ".ipynb":
        return text
    cells = json.loads(text)["cells"]
    return "\n\n".join("".join(c["source"]) for c in cells if c["cell_type"] == "markdown")


def broken(text, folder):
    """The links of a page that lead nowhere; JupyterLab writes a heading's blanks as hyphens."""
    headings = {h.strip().replace(" ", "-") for h in re.findall(r"^#+ (.*)$", text, re.M)}
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", link):
            continue
        file, _, heading = link.partition("#")
        if not (folder / file).exists() or (heading and not file and heading not in headings):
            yield link


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(path):
    assert list(broken(markdown(path), path.parent)) == []


def test_a_link_to_nothing_is_found():
    text = "# One, two\n[a](#One,-two) [b](#Two) [c](gone.png) [d](tests) [e](https://x.org/y)"
    assert list(broken(text, ROOT)) == ["#Two", "gone.png"]
