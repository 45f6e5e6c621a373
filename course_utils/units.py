"""Quantities as text, and text as quantities: every formatted number goes through here.

Capacities are binary (KiB, MiB, GiB), rates decimal (GB/s, GFLOP/s); 1 MAC = 2 FLOP.
"""

import re

KiB, MiB, GiB, TiB = 2**10, 2**20, 2**30, 2**40
_CAPACITIES = {"B": 1, "KiB": KiB, "MiB": MiB, "GiB": GiB, "TiB": TiB}


def parse_capacity(text):
    """Bytes in a capacity such as "32KiB", "1.5 MiB" or a plain number of bytes.

    >>> parse_capacity("32KiB"), parse_capacity(768)
    (32768, 768)
    """
    if isinstance(text, int) and not isinstance(text, bool):
        return text
    match = re.fullmatch(r"\s*([0-9]{1,15}(?:\.[0-9]{1,15})?)\s*([A-Za-z]*)\s*", str(text))
    unit = (match[2] or "B") if match else None
    if unit in ("kB", "KB", "MB", "GB"):
        raise ValueError(
            f"{text!r}: capacities are binary here; write {match[1]}{unit[0].upper()}iB for "
            f"{_CAPACITIES[unit[0].upper() + 'iB']:,} bytes a unit, or give plain bytes"
        )
    if unit not in _CAPACITIES:
        raise ValueError(f"{text!r} is no capacity; write one like '32KiB', '1MiB' or 768")
    size = float(match[1]) * _CAPACITIES[unit]
    if size != int(size):
        raise ValueError(f"{text!r} is no whole number of bytes; write a capacity that is")
    return int(size)


def capacity(nbytes):
    """A capacity in the largest binary unit that keeps it above one.

    >>> capacity(32768), capacity(313600), capacity(100)
    ('32 KiB', '306 KiB', '100 B')
    """
    for unit in ("TiB", "GiB", "MiB", "KiB"):
        if nbytes >= _CAPACITIES[unit]:
            return f"{_short(nbytes / _CAPACITIES[unit])} {unit}"
    return f"{nbytes:,} B"


def exact_capacity(nbytes):
    """A capacity without rounding, in the form that `parse_capacity` reads back.

    >>> exact_capacity(32768), exact_capacity(19712 * KiB), exact_capacity(768)
    ('32KiB', '19712KiB', '768B')
    """
    for unit in ("GiB", "MiB", "KiB"):
        if nbytes and nbytes % _CAPACITIES[unit] == 0:
            return f"{nbytes // _CAPACITIES[unit]}{unit}"
    return f"{nbytes}B"


def count(n):
    """An exact count with thousands separators up to nine digits, three figures above.

    >>> count(2508800), count(174604259328)
    ('2,508,800', '175 G')
    """
    if n < 1_000_000_000:
        return f"{n:,.0f}"
    for power, prefix in ((1e15, "P"), (1e12, "T")):
        if n >= power:
            return f"{_short(n / power)} {prefix}"
    return f"{_short(n / 1e9)} G"


def number(x):
    """A plain number as a reader wants it: whole ones exact, others to three figures.

    >>> number(79400), number(0.0833333), number(9.4), number(-2.0), number(10**400)
    ('79,400', '0.0833', '9.4', '-2', 'about 10^400')
    """
    whole = isinstance(x, int) or float(x).is_integer()
    if whole and abs(x) >= 10**15:
        digits = round((int(abs(x)).bit_length() - 1) * 0.30103)
        return f"about {'-' if x < 0 else ''}10^{digits}"
    if whole or abs(x) >= 100:
        return f"{x:,.0f}"
    return f"{x:.3g}"


def nbytes(n):
    """
    >>> nbytes(427152), nbytes(69206016000)
    ('427,152 B', '69.2 GB')
    """
    return _counted(n, "B")


def macs(n):
    """
    >>> macs(78400), macs(1073741824)
    ('78,400 MAC', '1.07 GMAC')
    """
    return _counted(n, "MAC")


def flops(n):
    """
    >>> flops(156800), flops(2147483648)
    ('156,800 FLOP', '2.15 GFLOP')
    """
    return _counted(n, "FLOP")


def intensity(flop_per_byte):
    """
    >>> intensity(0.49399), intensity(11.757), intensity(0)
    ('0.494 FLOP/B', '11.8 FLOP/B', '0 FLOP/B')
    """
    return f"{_short(flop_per_byte)} FLOP/B"


def bandwidth(bytes_per_second):
    """
    >>> bandwidth(2.84e10), bandwidth(3.35e12)
    ('28.4 GB/s', '3,350 GB/s')
    """
    return f"{_short(bytes_per_second / 1e9)} GB/s"


def rate(per_second, unit="FLOP", prefix="G"):
    """
    >>> rate(1.64e11), rate(9.894e14), rate(9.2e13, "OP"), rate(9.894e14, prefix="T")
    ('164 GFLOP/s', '989,400 GFLOP/s', '92,000 GOP/s', '989 TFLOP/s')
    """
    return f"{_short(per_second / {'G': 1e9, 'T': 1e12}[prefix])} {prefix}{unit}/s"


def seconds(t):
    """
    >>> seconds(0.0023), seconds(4.2e-7), seconds(12)
    ('2.3 ms', '0.42 µs', '12 s')
    """
    for scale, unit in ((1, "s"), (1e-3, "ms")):
        if t >= scale:
            return f"{_short(t / scale)} {unit}"
    return f"{_short(t / 1e-6)} µs"


def _counted(n, unit):
    """A count and its unit; a prefix belongs to the unit."""
    number, _, prefix = count(n).partition(" ")
    return f"{number} {prefix}{unit}"


def _short(x):
    """Three significant figures, or all digits of a larger whole number."""
    if x >= 100:
        return f"{x:,.0f}"
    return f"{x:.3g}"
