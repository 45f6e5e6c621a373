"""Exercises and predictions of lesson 07: primitives, and the order in which loops touch memory."""

from .kinds import prediction


@prediction(words=("ijk", "ikj", "jik", "jki", "kij", "kji"))
def worst_order():
    """The matrix product `C[i,j] += A[i,k] * B[k,j]`, 32 × 32 in fp32 by rows, meets an LRU cache
    of 24 lines, 8 numbers each.

    Which of the six loop orders misses most often? Name the loops from the outermost on, such as
    `"ijk"`.
    """
