"""The one typeface of the pictures, DejaVu Sans as matplotlib ships it, and how wide its words are.

matplotlib loads when a text is first measured or a picture first rasterised, not before.
"""

from functools import cache
from pathlib import Path

FAMILY = "DejaVu Sans, Verdana, system-ui, sans-serif"
_EM = 100


@cache
def files():
    """Paths of the regular and the bold font file.

    >>> [path.name for path in files()]
    ['DejaVuSans.ttf', 'DejaVuSans-Bold.ttf']
    """
    from matplotlib import get_data_path

    folder = Path(get_data_path(), "fonts", "ttf")
    return folder / "DejaVuSans.ttf", folder / "DejaVuSans-Bold.ttf"


def text_width(text, size, bold=False):
    """Width of one line of text in px at a font size in px: the sum of its advances.

    A character that DejaVu Sans lacks is a ValueError, since it would print as an empty box.

    >>> round(text_width("784 → 100", 12), 1)
    63.5
    """
    return size * sum(_advance(character, bold) for character in text)


@cache
def _face(bold):
    from matplotlib.ft2font import FT2Font

    face = FT2Font(str(files()[bold]))
    face.set_size(_EM, 72)
    return face


@cache
def _advance(character, bold):
    """Advance in units of the font size, before hinting, so that it holds at every size."""
    face = _face(bold)
    if not face.get_char_index(ord(character)):
        raise ValueError(
            f"{character!r} is not in DejaVu Sans, the pictures' typeface; "
            "write picture text in English letters and common signs"
        )
    return face.load_char(ord(character)).linearHoriAdvance / 2**16 / _EM
