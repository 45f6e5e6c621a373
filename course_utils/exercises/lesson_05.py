"""Exercises and predictions of lesson 05: what a transformer keeps, computes and moves."""

from .kinds import prediction


@prediction(unit="×")
def prefill_ratio():
    """Llama-2 7B in 16 bit on one H100 (989 TFLOP/s, 3.35 TB/s) reads 512 tokens at once (prefill).

    Then it writes tokens one at a time (decode), batch 1. How many times as many tokens a second
    does prefill do, at best?
    """
