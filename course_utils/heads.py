"""Multi-head attention in numbers: what a layer keeps, computes and moves, S stored or in tiles."""

from dataclasses import dataclass

from .meters import Meters

WIDTH, SIDE, ITEMSIZE = 512, 128, 4  # the model's width d, the side of a tile, bytes of a number
MODES = "stored", "causal", "tiled"


@dataclass(frozen=True)
class Heads:
    """Q, K, V = X W of N `tokens`; in each of the heads S = Q Kᵀ, P = softmax(S), O = P V; Y = O W.

    X, Q, K, V, O and Y are N × 512, the four matrices 512 × 512; batch 1, fp32.  `mode` is
    "stored": S and P are whole.  "causal": keys up to the query alone, in S and in P.
    "tiled": `kernels.scratchpad.tiled_by_queries` in tiles of 128 × 128, one head after another.

    >>> Heads(1024, 8, "stored").scores, Heads(1024, 8, "tiled").scores
    (8388608, 16384)
    >>> Heads(1024, 8, "causal").meters().macs
    1611137024
    """

    tokens: int
    heads: int
    mode: str

    @property
    def depth(self):
        """Numbers of one token in one head."""
        return WIDTH // self.heads

    @property
    def weights(self):
        """Numbers of the four matrices."""
        return 4 * WIDTH**2

    @property
    def rows(self):
        """Numbers of X, and of Q, K, V, O and Y each."""
        return self.tokens * WIDTH

    @property
    def pairs(self):
        """Pairs of a query and a key that have a score, in one head."""
        n = self.tokens
        return n * (n + 1) // 2 if self.mode == "causal" else n * n

    @property
    def side(self):
        """Rows and columns of a tile."""
        return min(SIDE, self.tokens)

    @property
    def blocks(self):
        """Blocks of rows that tiles make; K and V cross once for each."""
        return -(-self.tokens // self.side)

    @property
    def scores(self):
        """Numbers of S that are held at once, of all heads."""
        return self.side**2 if self.mode == "tiled" else self.heads * self.pairs

    @property
    def triples(self):
        """Numbers of m, l and o, for each row of the tile; only tiles have them."""
        return self.side * (2 + self.depth) if self.mode == "tiled" else 0

    @property
    def projections(self):
        """Multiply-accumulates of the four products with weights."""
        return self.weights * self.tokens

    @property
    def mixing(self):
        """Multiply-accumulates of Q Kᵀ and P V in all heads."""
        return 2 * self.pairs * WIDTH

    def meters(self):
        """The three `Meters`; the arithmetic of the softmax is left out.

        Each product reads its two inputs once and writes its result once, so X crosses three times.
        Stored, S and P are written once and read once.  Tiled, they do not cross; Q and O cross
        once, K and V once for each block of 128 rows.
        """
        tiled = self.mode == "tiled"
        held = self.weights + 6 * self.rows + self.triples + self.scores * (1 if tiled else 2)
        between = (2 + 2 * self.blocks) * self.rows if tiled else 4 * (self.rows + self.scores)
        return Meters(
            memory=ITEMSIZE * held,
            macs=self.projections + self.mixing,
            moved=ITEMSIZE * (self.weights + 8 * self.rows + between),
        )
