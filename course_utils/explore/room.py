"""The N-square room: the weights stay, the scores grow with the square of the tokens."""

from ..draw.room import HEADS, room
from ..heads import MODES, WIDTH, Heads
from .explorer import Explorer, choice, slider

_TOKENS = (
    *range(WIDTH // 4, WIDTH, WIDTH // 8),
    *range(WIDTH, 2 * WIDTH, WIDTH // 4),
    *range(2 * WIDTH, 6 * WIDTH + 1, WIDTH // 2),
)
_ON_BET = 8, "stored"


def _outgrown():
    """The first number of tokens whose scores are more than the weights."""
    tokens = 1
    while (work := Heads(tokens, *_ON_BET)).scores <= work.weights:
        tokens += 1
    return tokens


def n_square_room():
    """The widget of lesson 04: attention of width 512 over 128 to 3,072 tokens, with 1 to 8 heads;
    S and P stored, stored up to the query alone (causal), or S in tiles of 128 × 128 (tiled).

    The bet "room_tokens" is from how many tokens on eight heads have more scores than weights.

    >>> n_square_room().probe(tokens=3072, mode="tiled")
    3,072 tokens, 8 heads, S in tiles of 128 × 128: 16,384 scores at a time,
    1/64 of the four matrices; with projections 12.9 GMAC, 42,042,368 B in
    memory, 369,098,752 B moved.
    """

    def draw(tokens, heads, mode, bet=None):
        return room(tokens, heads, mode, bet=bet if (heads, mode) == _ON_BET else None)

    heads, mode = _ON_BET
    return Explorer(
        draw,
        question="From how many tokens on are the scores more than the weights?",
        move="X grows with the tokens, S with their square. Move them; then keep less of S.",
        bet="room_tokens",
        truth=_outgrown(),
        about="8 heads, S stored",
        tokens=slider("tokens", _TOKENS, 2 * WIDTH),
        heads=choice("heads", HEADS, heads),
        mode=choice("mode", MODES, mode),
    )
