"""Exercises and predictions of lesson 04: attention."""

from .kinds import prediction


@prediction(unit="tokens")
def room_tokens():
    """A layer of width 512 has four weights of 512×512 and eight heads of 64.

    From how many tokens on do the scores of all heads hold more numbers than the four weights?
    """
