"""The colours of every picture: one hue for each resource, ink for everything else.

No state (hit, selected, right, wrong) has a hue: fill, outline, dash and place carry it.
"""

MEMORY, COMPUTE, MOVEMENT = "#254078", "#C04216", "#3DA2A0"
MEMORY_TINT, COMPUTE_TINT, MOVEMENT_TINT = "#DCE3F1", "#F7DDD2", "#D5ECEB"
# Movement is too light to be read as small text; words in its hue take this darker one.
MOVEMENT_TEXT = "#1F6E6C"

INK, MUTE, PAPER = "#1B1F27", "#6B7280", "#FFFFFF"
RULE, GRID, IDLE = "#D9DCE1", "#ECEEF1", "#B8BDC6"


def mix(start, end, fraction):
    """The colour a `fraction` (0 to 1) of the way from `start` to `end`, as "#RRGGBB".

    >>> mix("#000000", "#FFFFFF", 0.5)
    '#808080'
    """
    pairs = ((int(start[i : i + 2], 16), int(end[i : i + 2], 16)) for i in (1, 3, 5))
    return "#" + "".join(f"{round(a + (b - a) * fraction):02X}" for a, b in pairs)
