"""What the book and the slides need in the browser and carry with them: no network is asked.

`make` installs them with npm from package.json.  MathJax is 3.2 and its file the one with
everything in it: version 4 asks a server for characters that its file does not have.
"""

import shutil
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ROOT / "build" / "web" / "node_modules"
MATHJAX = "mathjax/es5/tex-svg-full.js"


def bring(files, target):
    """Copy some files of the packages, such as "reveal.js/dist/reveal.js", to the folder `target`.

    ValueError of one line if one is not there.
    """
    target.mkdir(parents=True, exist_ok=True)
    for file in files:
        source = PACKAGES / file
        if not source.is_file():
            package = file.split("/")[0]
            raise ValueError(f"{package} is not installed; run make web, which needs npm (Node.js)")
        shutil.copyfile(source, target / source.name)
