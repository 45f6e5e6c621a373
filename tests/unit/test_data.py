"""What data/ holds, and that the stored network does what data/README.md says."""

import csv
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

DATA = Path(__file__).parents[2] / "data"
HELD_OUT = np.arange(5000) % 5 == 4


def load(path):
    with np.load(path) as stored:
        return dict(stored)


def recognised(weights, dtype):
    """The digit that the network names for each held-out image, and its lead; computed in dtype."""
    w = {name: value.astype(dtype) for name, value in weights.items()}
    x = (load(DATA / "digits.npz")["images"][HELD_OUT].reshape(-1, 784) / 255).astype(dtype)
    scores = np.maximum(x @ w["W1"] + w["b1"], 0) @ w["W2"] + w["b2"]
    assert scores.dtype == dtype
    best = np.sort(scores, axis=1)
    return scores.argmax(axis=1), (best[:, -1] - best[:, -2]).min()


def test_digits():
    digits = load(DATA / "digits.npz")
    images, labels = digits["images"], digits["labels"]
    assert sorted(digits) == ["images", "labels"]
    assert images.shape == (5000, 28, 28) and images.dtype == np.uint8
    assert labels.shape == (5000,) and labels.dtype == np.uint8
    assert labels.tolist() == [digit for digit in range(10) for _ in range(500)]
    assert images.max() == 255 and (images.max(axis=(1, 2)) > 200).all()
    assert len(np.unique(images, axis=0)) == 5000
    assert (DATA / "digits.npz").stat().st_size < 2**20


def test_coins():
    coins = load(DATA / "coins.npz")
    assert list(coins) == ["image"]
    image = coins["image"]
    assert image.shape == (151, 192) and image.dtype == np.uint8
    # neighbours are alike: a picture, not noise
    assert image.min() < 5 and image.max() > 230
    assert abs(np.diff(image.astype(int), axis=1)).mean() < image.std() / 3


def test_sunspots():
    year, spots = np.loadtxt(DATA / "sunspots.csv", delimiter=",", skiprows=1, unpack=True)
    assert year.tolist() == list(range(1700, 2009))
    assert spots.min() == 0 and spots.max() == 190.2
    # the cycle of some eleven years: its lag fits better than half of it
    by_lag = {lag: np.corrcoef(spots[:-lag], spots[lag:])[0, 1] for lag in (5, 11)}
    assert by_lag[11] > 0.5 > 0 > by_lag[5]


def test_alice():
    text = (DATA / "alice.txt").read_bytes().decode("ascii")
    assert text.startswith("CHAPTER I\n\nDown the Rabbit-Hole\n\nAlice was beginning to get very")
    assert text.endswith("\n\nTHE END\n") and len(text) == 142_946
    letters = [chr(65 + i) for i in range(26)] + [chr(97 + i) for i in range(26)]
    assert sorted(set(text)) == sorted([*letters, *"\n !'(),-.:;?"])
    assert "had peeped into the book her sister was reading, but it had no pictures or" in text
    assert text.count("CHAPTER") == 12 and text.count("Alice") > 380
    assert not re.search(r"  |\n | \n|\n\n\n", text)


def test_the_split_is_stratified():
    labels = load(DATA / "digits.npz")["labels"]
    assert np.bincount(labels[HELD_OUT]).tolist() == [100] * 10


def test_the_stored_network():
    weights = load(DATA / "digits_mlp.npz")
    shapes = {name: (value.shape, value.dtype.name) for name, value in weights.items()}
    assert shapes == {
        "W1": ((784, 100), "float32"),
        "b1": ((100,), "float32"),
        "W2": ((100, 10), "float32"),
        "b2": ((10,), "float32"),
    }


def test_the_stored_network_recognises_the_held_out_digits():
    weights = load(DATA / "digits_mlp.npz")
    single, lead = recognised(weights, np.float32)
    double, _ = recognised(weights, np.float64)
    assert np.array_equal(single, double)
    assert lead > 0.08
    labels = load(DATA / "digits.npz")["labels"][HELD_OUT]
    assert (single == labels).sum() == 954


def test_training_again_recognises_the_same_digits(tmp_path):
    for name in ("train_digits.py", "digits.npz"):
        shutil.copy(DATA / name, tmp_path)
    command = [sys.executable, tmp_path / "train_digits.py"]
    result = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert "954 of 1,000 held-out digits recognised" in result.stdout, result.stderr
    again, _ = recognised(load(tmp_path / "digits_mlp.npz"), np.float32)
    stored, _ = recognised(load(DATA / "digits_mlp.npz"), np.float32)
    assert np.array_equal(again, stored)


@pytest.mark.parametrize(
    "name", sorted(p.name for p in DATA.iterdir() if p.is_file() and p.name != "README.md")
)
def test_the_readme_has_a_heading_for_every_file(name):
    headings = re.findall(r"^## (.*)$", (DATA / "README.md").read_text(encoding="utf-8"), re.M)
    assert name in ", ".join(headings).split(", ")


def test_energy():
    with (DATA / "energy.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    pj = {row["operation"]: float(row["pj"]) for row in rows}
    assert len(pj) == len(rows) == 14 and all(row["source"] for row in rows)
    assert round(pj["fp32 multiplication"] + pj["fp32 addition"], 1) == 4.6
    # fewer bits cost less, and memory that is larger costs more
    for kind in ("addition", "multiplication"):
        assert pj[f"int8 {kind}"] < pj[f"int32 {kind}"] < pj[f"fp32 {kind}"]
        assert pj[f"fp16 {kind}"] < pj[f"fp32 {kind}"]
    caches = [pj[f"read from a cache of {size}"] for size in ("8 KB", "32 KB", "1 MB")]
    assert sorted(caches) == caches and caches[-1] < pj["read from DRAM, at least"]
