"""The reuse lens: how often a window reads each pixel, and the matrix that stores every read."""

from dataclasses import dataclass, replace
from functools import cache, cached_property

import numpy as np

from .. import units
from ..kernels import spatial
from ..nest import LoopNest
from ..pipeline import Pipeline
from .palette import GRID, IDLE, INK, MOVEMENT, MOVEMENT_TEXT, MUTE, PAPER, mix
from .svg import (
    FOOTER_HEIGHT,
    PAD,
    arrow,
    card,
    diamond,
    dots,
    footer,
    inner,
    path,
    rect,
    text,
)

_SIDE = 7  # pixels along the image
_CELL = 28
_GRID = 24 + _CELL, 112 + _CELL  # left and top of the image; a border of one pixel fits around
_MIDDLE, _MATRIX = 312, 416  # left edges of the words between, and of the matrix
_WIDTH, _HEIGHT = 280, 252  # px of the matrix
_TOP = 112  # of the matrix
_BOTTOM = _GRID[1] + 8 * _CELL  # below the border
_FOOT = _BOTTOM + 96
_ONCE, _FAINT, _BORDER = mix(PAPER, MOVEMENT, 0.16), mix(PAPER, MOVEMENT, 0.06), GRID
_MOST_LABELS = 9  # columns of the enlarged row that have room for words
_MOST_BET = 10**6  # what is shown of a bet beyond it


@dataclass(frozen=True)
class _Walk:
    """A window of `taps` × `taps` that walks over the image, and what it reads."""

    nest: LoopNest
    lowered: Pipeline
    taps: int
    stride: int
    padding: int

    @classmethod
    @cache
    def of(cls, taps, stride, padding):
        about = dict(b=1, c=1, image=(_SIDE, _SIDE), k=1, taps=(taps, taps))
        about |= dict(stride=stride, padding=padding)
        both = spatial.conv_nest(**about), spatial.lowered_nests(**about)
        return cls(*both, taps, stride, padding)

    @property
    def windows(self):
        """How many windows there are along one side."""
        return self.nest.size["y"]

    @cached_property
    def reads(self):
        """{(y, x): how often it is read}, for the pixels of the image alone."""
        counts = self.nest.use_counts("X")[0, 0]
        return {place: int(counts[place]) for place in np.ndindex(counts.shape)}

    @property
    def total(self):
        """How often pixels are read, all together."""
        return sum(self.reads.values())

    @cached_property
    def rows(self):
        """A list of (y, x) for each window: the pixels under it, which may lie off the image."""
        at = [self.stride * n - self.padding for n in range(self.windows)]
        reach = range(self.taps)
        return [[(y + r, x + s) for r in reach for s in reach] for y in at for x in at]

    def shown(self, pixel):
        """The row that is enlarged: the middle one of those that hold the pixel, or None."""
        holding = [n for n, row in enumerate(self.rows) if pixel in row]
        return holding[len(holding) // 2] if holding else None

    def shade(self, place):
        """The colour of a pixel, darker the more often it is read; grey for the border."""
        return self.shades[self.reads.get(place)]

    @cached_property
    def shades(self):
        """The colour of a pixel by how often it is read; None is the border."""
        most = self.taps**2
        ramp = {n: mix(_ONCE, MOVEMENT, (n - 1) / max(most - 1, 1)) for n in range(1, most + 1)}
        return {None: _BORDER, 0: _FAINT, **ramp}

    @cached_property
    def cells(self):
        """The cells of the matrix as SVG, those of one colour as one path."""
        wide, tall = self.pitch
        gap, paths = (1 if tall < 16 else 2), {}
        for n, row in enumerate(self.rows):
            for m, place in enumerate(row):
                d = f"M{_MATRIX + m * wide:.2f} {_TOP + n * tall:.2f}h{wide - 1:.2f}"
                d += f"v{tall - gap:.2f}h{1 - wide:.2f}z"
                paths.setdefault(self.shade(place), []).append(d)
        return "".join(path("".join(d), fill=fill) for fill, d in paths.items())

    @property
    def pitch(self):
        """(px from column to column of the matrix, px from row to row)."""
        return _WIDTH / self.taps**2, _HEIGHT / len(self.rows)


def lens(taps, stride, padding, pixel, *, bet=None):
    """A `Picture` of 7 × 7 pixels of one channel under one filter, and of their im2col matrix.

    Each pixel shows how often it is read.  `pixel`, (y, x) from 0, is dotted wherever it stands in
    the matrix, and one window that reads it is boxed.  `padding` is 0 or 1.
    The meters are those with the copy, fp32; the ticks are those without it.  `bet`, a mean number
    of reads, is a diamond beside the true one.
    A pixel off the image, another padding, or a window that does not fit is a ValueError.

    >>> lens(taps=3, stride=1, padding=0, pixel=(2, 3))
    Pixel 2,3 is read 9 times; 225 reads of 49 pixels, 4.59 on average; 225 MAC; 332 B moved, with \
the copy 2,132 B.
    """
    walk = _Walk.of(taps, stride, padding)
    if padding not in (0, 1):
        raise ValueError(f"lens: it shows a padding of 0 or 1; got {padding}")
    if pixel not in walk.reads:
        raise ValueError(f"lens: the pixels are (0, 0) to (6, 6); got {pixel!r}")
    direct, copied = walk.nest.meters(), walk.lowered.meters()
    body = [_image(walk, pixel), _between(walk, bet), _matrix(walk, pixel), _words(walk, pixel)]
    body.append(_footer(walk, direct, copied))
    says = (
        f"Pixel {pixel[0]},{pixel[1]} is read {_times(walk.reads[pixel])}; {walk.total} reads of "
        f"{_SIDE**2} pixels, {walk.total / _SIDE**2:.2f} on average; {units.macs(direct.macs)}; "
        f"{units.nbytes(direct.moved)} moved, with the copy {units.nbytes(copied.moved)}."
    )
    return card(_FOOT + FOOTER_HEIGHT + PAD, _title(walk), _second(walk), body, says)


def _times(count):
    return {0: "never", 1: "once", 2: "twice"}.get(count, f"{count} times")


def _title(walk):
    low, high = min(walk.reads.values()), max(walk.reads.values())
    how_often = _times(high) if low == high else f"{low} to {high} times"
    if high == 1 and low == 0:
        how_often = "at most once"
    return f"A pixel is read {how_often}; im2col stores every read"


def _second(walk):
    border = f"padding {walk.padding}" if walk.padding else "no padding"
    return (
        f"{walk.taps} × {walk.taps} window, stride {walk.stride}, {border}: {walk.windows**2} "
        f"windows over a {_SIDE} × {_SIDE} input, one channel, one filter, fp32."
    )


def _place(y, x):
    return _GRID[0] + _CELL * x, _GRID[1] + _CELL * y


def _image(walk, pixel):
    heading = f"input {_SIDE} × {_SIDE}: reads of each pixel"
    parts = [text(24, 104, heading), _border(walk) if walk.padding else ""]
    for place, count in walk.reads.items():
        left, top = _place(*place)
        parts.append(rect(left, top, _CELL - 2, _CELL - 2, walk.shade(place)))
        parts.append(text(left + 13, top + 17, str(count), anchor="middle"))
    shown = walk.shown(pixel)
    if shown is not None:
        left, top = _place(*walk.rows[shown][0])
        side = _CELL * walk.taps
        parts.append(rect(left - 1, top - 1, side, side, "none", INK, 2))
    left, top = _place(*pixel)
    parts.append(dots([(left + 22, top + 5)], 2.5, INK))
    return "".join(parts)


def _border(walk):
    reach = range(-1, _SIDE + 1)
    around = [(y, x) for y in reach for x in reach if (y, x) not in walk.reads]
    return "".join(inner(*_place(*one), _CELL - 2, _CELL - 2, IDLE) for one in around)


def _between(walk, bet):
    y = _GRID[1] + 2 * _CELL
    parts = [
        arrow(_MIDDLE, y, _MIDDLE + 80, y),
        text(_MIDDLE, y + 24, f"{len(walk.reads)} pixels"),
        text(_MIDDLE, y + 40, f"{walk.total} copies", fill=MOVEMENT_TEXT),
        text(_MIDDLE, y + 64, "mean reads", fill=MUTE),
        text(_MIDDLE, y + 84, f"{walk.total / len(walk.reads):.2f}", 14, bold=True),
    ]
    if bet is not None:
        parts += [
            diamond(_MIDDLE + 6, y + 104),
            text(_MIDDLE + 18, y + 108, f"{min(bet, _MOST_BET):.3g} bet"),
        ]
    return "".join(parts)


def _matrix(walk, pixel):
    rows, shown, (wide, tall) = walk.rows, walk.shown(pixel), walk.pitch
    held = [
        (_MATRIX + (m + 0.5) * wide - 0.5, _TOP + (n + 0.5) * tall - 0.5)
        for n, row in enumerate(rows)
        for m, place in enumerate(row)
        if place == pixel
    ]
    heading = f"im2col {len(rows)} × {walk.taps**2}: one row for each window"
    parts = [text(_MATRIX, 104, heading), walk.cells]
    if shown is not None:
        y = _TOP + shown * tall
        parts.append(dots(held, min(2.5, tall / 2.5), INK))
        parts.append(rect(_MATRIX - 2, y - 1.5, _WIDTH + 3, tall + 1.5, "none", INK, 2))
        parts.append(_enlarged(walk, shown, pixel, y + tall / 2))
    return "".join(parts)


def _enlarged(walk, shown, pixel, y):
    """One row once more, its cells with their pixels' places, and the line that leads there."""
    row, top = walk.rows[shown], _BOTTOM + 12
    wide = _WIDTH / len(row)
    parts = [path(f"M{_MATRIX - 2} {y:.2f}H{_MATRIX - 12}V{top + 12}H{_MATRIX - 4}", MUTE)]
    for m, place in enumerate(row):
        chosen, left = place == pixel, _MATRIX + m * wide
        stroke, width = (INK, 2) if chosen else (MUTE, 1)
        parts.append(inner(left, top, wide - 1, 24, stroke, walk.shade(place), width))
        if len(row) <= _MOST_LABELS:
            words = f"{place[0]},{place[1]}" if place in walk.reads else "0"
            x = left + wide / 2 - 0.5
            parts.append(text(x, top + 16, words, 11, INK, "middle", chosen))
    what = "pixels y,x, border 0" if walk.padding else "the pixels y,x under the window"
    parts.append(text(_MATRIX, top + 42, f"row {shown + 1}, enlarged: {what}", 11, MUTE))
    return "".join(parts)


def _words(walk, pixel):
    middle, y = _SIDE // 2, _BOTTOM + 28
    ends = [walk.reads[place] for place in ((0, 0), (0, middle), (middle, middle))]
    count = walk.reads[pixel]
    rows = {0: "no row", 1: "one row"}.get(count, f"{count} rows")
    return "".join(
        [
            text(24, y, "corner {}, edge {}, middle {}: every read is a copy".format(*ends)),
            dots([(28, y + 16)], 2.5, INK),
            text(40, y + 20, f"pixel {pixel[0]},{pixel[1]} stands in {rows} of the matrix"),
        ]
    )


def _footer(walk, direct, copied):
    notes = (
        f"without copy: {units.nbytes(direct.memory)}",
        f"{walk.windows**2} windows × {walk.taps**2}",
        f"without: {units.nbytes(direct.moved)}, now ×{copied.moved / direct.moved:.1f}",
    )
    return footer(_FOOT, copied, notes, replace(direct, macs=0))
