"""The palette keeps the distances that COURSE.md promises, recomputed from the colours."""

from itertools import combinations

import numpy as np
import pytest
from colorspacious import cspace_convert, deltaE

from course_utils.draw import palette as p

HUES = (p.MEMORY, p.COMPUTE, p.MOVEMENT)


def rgb(colour):
    return np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])


def luminance(colour):
    """WCAG relative luminance."""
    c = rgb(colour)
    linear = np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def contrast(one, other):
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def seen(colour, kind):
    """The colour as someone with a full deficiency sees it, or as a grey printer prints it."""
    if kind == "normal":
        return rgb(colour)
    if kind == "grey":
        return np.full(3, 1.055 * luminance(colour) ** (1 / 2.4) - 0.055)
    space = {"name": "sRGB1+CVD", "cvd_type": kind, "severity": 100}
    return np.clip(cspace_convert(rgb(colour), space, "sRGB1"), 0, 1)


@pytest.mark.parametrize(
    "kind, least",
    [
        ("normal", 40.3),
        ("deuteranomaly", 36.0),
        ("protanomaly", 36.3),
        ("tritanomaly", 33.8),
        ("grey", 15.7),
    ],
)
def test_hues_stay_apart(kind, least):
    distances = [
        deltaE(seen(a, kind), seen(b, kind), input_space="sRGB1", uniform_space="CAM02-UCS")
        for a, b in combinations(HUES, 2)
    ]
    assert round(float(min(distances)), 1) >= least


@pytest.mark.parametrize(
    "front, back, least",
    [
        (p.MEMORY, p.PAPER, 10.1),
        (p.COMPUTE, p.PAPER, 5.2),
        (p.MOVEMENT, p.PAPER, 3.0),
        (p.MOVEMENT_TEXT, p.PAPER, 6.0),
        (p.INK, p.PAPER, 16.5),
        (p.MUTE, p.PAPER, 4.8),
        (p.INK, p.MOVEMENT, 4.5),
        (p.INK, p.MEMORY_TINT, 4.5),
        (p.INK, p.COMPUTE_TINT, 4.5),
        (p.INK, p.MOVEMENT_TINT, 4.5),
    ],
)
def test_contrast(front, back, least):
    assert round(contrast(front, back), 1) >= least


def test_white_on_movement_would_fail():
    assert contrast(p.PAPER, p.MOVEMENT) < 4.5


def test_mix_ends_at_its_colours():
    assert p.mix(p.PAPER, p.MEMORY, 0) == p.PAPER
    assert p.mix(p.PAPER, p.MEMORY, 1) == p.MEMORY
