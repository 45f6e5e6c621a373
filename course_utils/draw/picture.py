"""`Picture`: an SVG card and the one sentence it says, shown the same everywhere."""

import re
from base64 import b64encode
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from xml.etree import ElementTree

import numpy as np

from .fonts import files

TITLE_BAND = 72  # px at the top of a card for its title and second line


@dataclass(frozen=True, repr=False)
class Picture:
    """A picture as a value: `svg`, its SVG text, and `says`, one sentence with its key numbers.

    `title`, the finding, and `second`, what was counted, stand in the SVG's first 72 px as well.
    In a notebook it shows as a PNG of twice the size with the sentence as its text form, live and
    stored alike: the form that JupyterLab, GitHub, nbviewer and paper all show.

    >>> Picture('<svg xmlns="http://www.w3.org/2000/svg" width="8" height="8"/>', "A blank.")
    A blank.
    """

    svg: str
    says: str
    title: str = ""
    second: str = ""

    def __repr__(self):
        return self.says

    def png(self):
        """The picture as PNG bytes, two pixels for each px of the SVG, at most 256 colours."""
        from resvg_py import svg_to_bytes

        # The system's own fonts are left out: a picture is the same on every computer.
        drawn = svg_to_bytes(
            svg_string=self.svg,
            zoom=2,
            font_files=[str(path) for path in files()],
            skip_system_fonts=True,
        )
        return _indexed(drawn)

    def untitled(self):
        """The SVG without its title band, as wide as the place it is put in.

        >>> card = '<svg width="720" height="200" viewBox="0 0 720 200"></svg>'
        >>> Picture(card, "Nothing.").untitled()
        '<svg width="100%" viewBox="0 72 720 128"></svg>'
        """
        return _SIZE.sub(_below_title, self.svg, count=1)

    def save(self, path):
        """Write the picture to `path`, as SVG or PNG by its suffix; any other is a ValueError."""
        path = Path(path)
        if path.suffix == ".svg":
            path.write_text(self.svg, encoding="utf-8")
        elif path.suffix == ".png":
            path.write_bytes(self.png())
        else:
            raise ValueError(
                f"{path.name}: a picture is saved as .svg or .png; name one of the two"
            )

    def _repr_mimebundle_(self, include=None, exclude=None):
        width = int(ElementTree.fromstring(self.svg).get("width"))
        data = {"image/png": b64encode(self.png()).decode("ascii"), "text/plain": self.says}
        return data, {"image/png": {"width": width}}


_SIZE = re.compile(r'width="(\d+)" height="(\d+)" viewBox="0 0 \1 \2"')


def _below_title(size):
    width, height = size.groups()
    return f'width="100%" viewBox="0 {TITLE_BAND} {width} {int(height) - TITLE_BAND}"'


def _indexed(png):
    """The same PNG with a palette of at most 256 colours: half the size in a notebook."""
    from PIL import Image

    image = Image.open(BytesIO(png)).convert("RGBA")
    pixels = np.frombuffer(image.tobytes(), "<u4") & 0xFFFFFF
    colours = np.unique(pixels[np.flatnonzero(np.diff(pixels, prepend=pixels[0] ^ 1))])
    if len(colours) <= 256:
        # Exact, and quicker than a search: one entry for each of the 2^24 colours.
        entry = np.zeros(2**24, np.uint8)
        entry[colours] = np.arange(len(colours))
        small = Image.fromarray(entry[pixels].reshape(image.height, image.width))
        small.putpalette(colours.view(np.uint8).reshape(-1, 4)[:, :3].tobytes())
    else:
        small = image.convert("RGB").quantize(256, dither=Image.Dither.NONE)
    stored = BytesIO()
    small.save(stored, "PNG")
    return stored.getvalue()
