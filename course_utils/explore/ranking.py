"""The re-ranking bars: six blocks by MACs, by bytes, by time."""

from ..draw.ranking import BY, MOST_BATCH, STEPS, moves, ranking
from .explorer import Explorer, choice, slider

_BATCHES = tuple(2**power for power in range(MOST_BATCH.bit_length()))


def reranking_bars():
    """The widget of lesson 06: a block each of ResNet, MobileNet, ViT, GPT, MoE and Mamba, ranked
    by MACs, bytes or time at best, with each step alone or fused, for a batch of 1 to 16.

    The bet "climber" is on the block that climbs the most places from MACs to bytes at batch 1.

    >>> reranking_bars().probe(by="bytes", steps="fused")
    By bytes, fused, batch 1: MoE 191 MB, ViT 47.8, Mamba 30.9, GPT 29.6,
    ResNet 7.68, MobileNet 2.68; GPT climbs 2 places.
    """
    climbed = moves("bytes")
    return Explorer(
        ranking,
        question="Which block climbs the most places from MACs to bytes?",
        move="Rank the six by bytes, then by time. Fuse their steps; then grow the batch.",
        bet="climber",
        truth=max(climbed, key=climbed.get),
        about="each step alone, batch 1",
        by=choice("rank by", BY, "MACs"),
        steps=choice("steps", tuple(STEPS), "each alone"),
        batch=slider("batch", _BATCHES, 1),
    )
