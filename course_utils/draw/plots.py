"""The look of the still plots, which matplotlib draws: the colours and the type of the cards."""

from pathlib import Path

SHEET = Path(__file__).with_name("course.mplstyle")


def style():
    """Give this session's matplotlib plots the look of the course, sharp at twice their size.

    In a notebook, 1 px of a card is as wide as 1 px of a plot; elsewhere only the look is set.
    """
    import matplotlib.pyplot as plt
    from matplotlib_inline.backend_inline import set_matplotlib_formats

    plt.style.use(SHEET)
    set_matplotlib_formats("retina")
