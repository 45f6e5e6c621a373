"""The table of `make bench`; its figures are measured, not tested."""

from benchmarks import table


def stopped():
    yield "first", "1 ms", "≤ 2 ms"
    raise RuntimeError("no Chromium\nand much more")


def test_a_part_that_cannot_be_measured_says_so_and_the_next_follows():
    parts = {"browser": stopped, "sums": lambda: [("a | b", "3", "")]}
    assert list(table.lines(parts))[2:] == [
        "| first | 1 ms | ≤ 2 ms |",
        "| browser | not measured: RuntimeError: no Chromium |  |",
        "| a \\| b | 3 |  |",
    ]


def test_the_computer_is_one_line_without_gaps():
    line = table.computer()
    assert "\n" not in line and " cores, Python 3." in line and not line.startswith(",")
