"""Write coins.npz: the photograph of coins that the package scikit-image ships, at half its size.

By hand, once: `pip install scikit-image`, then `python data/make_coins.py`.
scikit-image only delivers the data; the course does not depend on it.
"""

from pathlib import Path

import numpy as np
from skimage.data import coins


def main():
    """Take the mean of each 2 × 2 pixels; an odd last row or column is left out."""
    picture = coins()
    y, x = (side // 2 for side in picture.shape)
    means = picture[: 2 * y, : 2 * x].reshape(y, 2, x, 2).mean(axis=(1, 3))
    target = Path(__file__).with_name("coins.npz")
    np.savez_compressed(target, image=means.round().astype(np.uint8))
    print(f"{target.name}: {y} × {x} pixels, {target.stat().st_size:,} B")


if __name__ == "__main__":
    main()
