"""The re-ranking bars: six blocks by MACs, by bytes, by time."""

from ..draw.ranking import BY, REST, moves, ranking
from .explorer import Explorer, choice


def reranking_bars():
    """The widget of lesson 06: a block each of ResNet, MobileNet, ViT, GPT, MoE and Mamba, ranked
    by MACs, bytes or time at best; what is no product or window moves its bytes, or rides along.

    The bet "climber" is on the block that climbs the most places from MACs to bytes.

    >>> reranking_bars().probe(by="bytes", rest="rides along")
    By bytes, the rest rides along: MoE 184 MB, ViT 45.4, GPT 29.6, Mamba 24.7,
    ResNet 6.86, MobileNet 2.67; GPT climbs 3 places.
    """
    climbed = moves("bytes")
    return Explorer(
        ranking,
        question="Which block climbs the most places from MACs to bytes?",
        move="Rank the six by bytes, then by time; then let the rest ride along.",
        bet="climber",
        truth=max(climbed, key=climbed.get),
        about="each step moves its bytes",
        by=choice("rank by", BY, "MACs"),
        rest=choice("the rest", tuple(REST), "moves bytes"),
    )
