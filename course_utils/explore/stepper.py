"""The systolic stepper: rows of X go through PEs that hold W, at the learner's clock."""

from .. import systolic
from ..draw.stepper import BET_ON, LONGEST, ROWS, SIDES, TILES, stepper
from .explorer import Explorer, choice, slider


def systolic_stepper():
    """The widget of lesson 10: 1 to 64 rows of X through 4 × 4, 8 × 8 or 16 × 16 PEs that hold a
    full tile of W or one at its edge, cycle after cycle.

    The bet "one_row_cycles" is on one row of X and a full tile of 16 × 16.

    >>> systolic_stepper().probe(side=16, rows=16, cycle=94)
    Cycle 46 of 46, 16 rows of X, 16 × 16 PEs, full tile: 1 PE busy, 4,096 of
    4,096 MACs done, 256 of 256 sums out; in the whole run 34.8 % useful,
    0.125 reads per MAC.
    """
    side, rows, _ = BET_ON
    return Explorer(
        stepper,
        question="One row of X through 16 × 16 PEs: how many cycles?",
        move="Let the clock run; then change the rows of X, the side and the tile.",
        bet="one_row_cycles",
        truth=systolic.counts(rows, side, side, side, side, "weight-stationary").cycles,
        about="one row of X, a full tile of 16 × 16 PEs",
        side=slider("side", SIDES, 4),
        rows=slider("rows of X", ROWS, 4),
        cycle=slider("cycle", range(LONGEST + 1), 4),
        tile=choice("tile", TILES, "full"),
    )
