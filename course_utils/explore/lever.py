"""The prefill-decode lever: the same weights, for many tokens at once or for one."""

from ..draw.lever import CHIP, MODEL, MODES, lever
from ..serving import decode, prefill
from .explorer import Explorer, choice, slider

_CONTEXTS = tuple(2**power for power in range(9, 16))
_BATCHES = tuple(2**power for power in range(9))


def prefill_lever():
    """The widget of lesson 05: a step of Llama-2 7B in 16 bit on one H100, prefill or decode, with
    32, 8 or 1 heads of keys and values, 512 to 32,768 tokens of context, 1 to 256 sequences.

    The bet "prefill_ratio", how many times as many tokens a second prefill does as decode, is on a
    context of 512 at batch 1.

    >>> prefill_lever().probe(mode="decode", batch=64)
    Decode, context 512, batch 64: 431 GMAC, 30.7 GB held, 30.7 GB moved, 28.1
    FLOP/B; at best 6,994 tokens/s, limited by the KV cache; prefill 74,592,
    ×10.7.
    """

    def draw(mode, context, batch, bet=None):
        on_bet = (context, batch) == (512, 1) and mode in ("prefill", "decode")
        return lever(mode, context, batch, bet=bet if on_bet else None)

    read, written = (step(MODEL, 512).tokens_per_second(CHIP) for step in (prefill, decode))
    return Explorer(
        draw,
        question="How many times as fast are tokens read as written?",
        move="Pull the lever from prefill to decode; then move context and batch.",
        bet="prefill_ratio",
        truth=read / written,
        about="context 512, batch 1",
        mode=choice("step", tuple(MODES), "prefill"),
        context=slider("context", _CONTEXTS, 512),
        batch=slider("batch", _BATCHES, 1),
    )
