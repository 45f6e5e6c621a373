"""Train the 784→100→10 network of lesson 00 on digits.npz and write digits_mlp.npz.

`python data/train_digits.py`: plain NumPy, a fixed seed, a few seconds.
"""

from pathlib import Path

import numpy as np

DATA = Path(__file__).parent
SEED, EPOCHS, BATCH, RATE, MOMENTUM = 0, 10, 50, 0.1, 0.9


def load():
    """Pixels in 0..1 (5000, 784), labels (5000,), and which rows are held out (5000,).

    Every fifth image (index % 5 == 4) is held out: 100 of each digit.
    """
    with np.load(DATA / "digits.npz") as stored:
        pixels = stored["images"].reshape(-1, 784) / 255
        return pixels, stored["labels"], np.arange(len(pixels)) % 5 == 4


def forward(weights, x):
    """Hidden activations (n, 100) and scores (n, 10) of the inputs x (n, 784)."""
    hidden = np.maximum(x @ weights["W1"] + weights["b1"], 0)
    return hidden, hidden @ weights["W2"] + weights["b2"]


def gradient(weights, x, y):
    """The mean cross-entropy's gradient on one batch, one array for each weight array."""
    hidden, scores = forward(weights, x)
    error = np.exp(scores - scores.max(axis=1, keepdims=True))
    error /= error.sum(axis=1, keepdims=True)
    error[np.arange(len(y)), y] -= 1
    error /= len(y)
    back = (error @ weights["W2"].T) * (hidden > 0)
    return {"W1": x.T @ back, "b1": back.sum(0), "W2": hidden.T @ error, "b2": error.sum(0)}


def train(x, y):
    """Weights after stochastic gradient descent with momentum.

    In float64, so that the last bits of another computer's matmul do not grow into other weights.
    """
    random = np.random.default_rng(SEED)
    weights = {
        "W1": random.normal(0, np.sqrt(2 / 784), (784, 100)),
        "b1": np.zeros(100),
        "W2": random.normal(0, np.sqrt(2 / 100), (100, 10)),
        "b2": np.zeros(10),
    }
    velocity = {name: np.zeros_like(value) for name, value in weights.items()}
    for _ in range(EPOCHS):
        order = random.permutation(len(x))
        for start in range(0, len(x), BATCH):
            rows = order[start : start + BATCH]
            for name, slope in gradient(weights, x[rows], y[rows]).items():
                velocity[name] = MOMENTUM * velocity[name] - RATE * slope
                weights[name] += velocity[name]
    return weights


def main():
    """Train, store as float32, and say how many of the held-out digits are recognised."""
    pixels, labels, held_out = load()
    weights = train(pixels[~held_out], labels[~held_out])
    weights = {name: value.astype(np.float32) for name, value in weights.items()}
    np.savez_compressed(DATA / "digits_mlp.npz", **weights)
    _, scores = forward(weights, pixels[held_out].astype(np.float32))
    right = int((scores.argmax(axis=1) == labels[held_out]).sum())
    best = np.sort(scores, axis=1)
    margin = (best[:, -1] - best[:, -2]).min()
    print(f"digits_mlp.npz: {right} of {held_out.sum():,} held-out digits recognised")
    print(f"smallest margin between the first and the second score: {margin:.3f}")


if __name__ == "__main__":
    main()
