"""The stepper's picture: clean in every state, its PEs the simulator's, its sums X @ W."""

import re
from itertools import product
from xml.etree import ElementTree

import numpy as np
import pytest
from picture_rules import faults, texts_of

from course_utils import systolic
from course_utils.draw import palette, stepper
from course_utils.draw.stepper import Trace

SIDES, ROWS, TILES = (4, 8, 16), (1, 2, 4, 8, 16, 32, 64), ("full", "edge")
RUNS = list(product(SIDES, ROWS, TILES))
NUMBER = r"(-?[\d.]+)"
STAY = "weight-stationary"


def shape(side, tile):
    """(K, N) of W."""
    return (side, side) if tile == "full" else (side // 2, side // 4 * 3)


def cycles(side, rows):
    return rows + 2 * side - 2


def some_cycles(side, rows):
    last = cycles(side, rows)
    return 0, 1, last // 2, last


def is_busy(side, rows, tile, cycle):
    """Row m of X meets the weight at (i, j) in cycle m + i + j + 1."""
    i, j = np.indices((side, side))
    k, width = shape(side, tile)
    return (i < k) & (j < width) & (i + j < cycle) & (cycle <= i + j + rows)


# --- what a picture shows -------------------------------------------------------------------


def boxes(svg, fill):
    """(x, y, width, height) of all boxes of one fill, with half the outline, if there is one."""
    found = []
    for d, rest in re.findall(rf'<path d="([^"]*)" fill="{fill}"([^>]*)/>', svg):
        half = 0.5 if "stroke" in rest else 0
        each = re.findall(rf"M{NUMBER} {NUMBER}h{NUMBER}v{NUMBER}h{NUMBER}z", d)
        for x, y, w, h, back in (map(float, box) for box in each):
            assert back == -w
            found.append((x - half, y - half, w + 2 * half, h + 2 * half))
    return found


def grid(svg, side, fill):
    """Which PEs have that look."""
    found = np.zeros((side, side), bool)
    pitch = 192 // side
    for x, y, w, h in boxes(svg, fill):
        if 152 <= x < 344 and 120 <= y < 312:
            row, column = (y - 120) / pitch, (x - 152) / pitch
            assert w == h == pitch - (1 if side == 16 else 2)
            assert not found[int(row), int(column)] and row % 1 == column % 1 == 0
            found[int(row), int(column)] = True
    return found


def bars(svg, fill):
    """{cycle: share of the PEs} of the bars of one look."""
    return {
        round((x - 412) / 3) + 1: h / 192
        for x, y, w, h in boxes(svg, fill)
        if x >= 412 and y + h == pytest.approx(312, abs=0.02) and w == 3
    }


def words_at(svg):
    """(x, y, words, size) of all texts of one weight."""
    found = ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")
    return [
        (float(e.get("x")), float(e.get("y")), e.text, e.get("font-size")) for e in found if e.text
    ]


def queue(svg, side):
    """{(lane, cycles until it enters): number} of what waits at the left."""
    pitch = 192 // side
    return {
        (int((y - 120) // pitch), int((152 - x) // 16) + 1): int(words)
        for x, y, words, _ in words_at(svg)
        if x < 152 and 120 < y < 312
    }


def in_pes(svg, side):
    """{(row, column): words} in the PEs, those of a PE together."""
    found, pitch = {}, 192 // side
    for x, y, words, _ in words_at(svg):
        if 152 < x < 344 and 120 < y < 312:
            found.setdefault((int((y - 120) // pitch), int((x - 152) // pitch)), []).append(words)
    return found


def left(svg, side):
    """{(column, cycles since it left): sum} of what has left."""
    pitch = 192 // side
    return {
        (int((x - 152) // pitch), int((y - 320) // 16)): int(words)
        for x, y, words, _ in words_at(svg)
        if 152 < x < 344 and 320 < y < 390
    }


def diamonds(svg):
    found = re.findall(r'<path d="M([\d.]+) ([\d.]+)L[^"]*" fill="#FFFFFF" stroke', svg)
    return [(float(x), float(y) + 6) for x, y in found]


# --- tests ----------------------------------------------------------------------------------


@pytest.mark.parametrize("side, tile", list(product(SIDES, TILES)))
def test_steppers_are_clean(side, tile):
    for rows in ROWS:
        for cycle in some_cycles(side, rows):
            picture = stepper(side, rows, tile, cycle)
            assert faults(picture.svg) == [], (rows, cycle)
            assert int(ElementTree.fromstring(picture.svg).get("height")) == 528
            assert len(picture.title) <= 66 and len(picture.second) <= 105


def test_steppers_are_small():
    for state in ((4, 4, "full", 4), (8, 64, "full", 39), (16, 64, "full", 47)):
        assert len(stepper(*state).png()) <= 80_000


@pytest.mark.parametrize("side, rows, tile", RUNS)
def test_the_coloured_pes_are_those_that_multiply(side, rows, tile):
    trace = Trace(side, rows, tile)
    steps = [
        step
        for step in systolic.steps(trace.X, trace.W, side, side, STAY)
        if step.phase == "compute"
    ]
    inside = np.zeros((side, side), bool)
    inside[: shape(side, tile)[0], : shape(side, tile)[1]] = True
    assert len(steps) == cycles(side, rows)
    for cycle in some_cycles(side, rows):
        svg, at = stepper(side, rows, tile, cycle).svg, min(cycle, len(steps))
        busy = grid(svg, side, palette.COMPUTE)
        useful = steps[at - 1].useful if at else np.zeros_like(busy)
        assert (busy == useful).all() and (busy == is_busy(side, rows, tile, at)).all()
        assert (grid(svg, side, palette.MEMORY_TINT) == inside & ~busy).all()
        assert (grid(svg, side, r"url\(#cu\w+-idle\)") == ~inside).all()


@pytest.mark.parametrize("side, rows, tile", RUNS)
def test_the_bars_count_the_busy_pes(side, rows, tile):
    last = cycles(side, rows)
    due = {c: is_busy(side, rows, tile, c).mean() for c in range(1, last + 1)}
    due = {cycle: share for cycle, share in due.items() if share}
    for cycle in some_cycles(side, rows):
        svg = stepper(side, rows, tile, cycle).svg
        past, coming = bars(svg, palette.COMPUTE), bars(svg, palette.COMPUTE_TINT)
        assert set(past) == {c for c in due if c <= cycle}
        assert past | coming == pytest.approx(due, abs=1e-4)
        # the filled share of the frame is the useful share, and the line is at the end of the cycle
        counted = systolic.counts(rows, *shape(side, tile), side, side, STAY)
        share = sum((past | coming).values()) / last
        assert share == pytest.approx(counted.utilisation, abs=1e-4)
        (frame,) = re.findall(rf'<rect x="412.5" y="120.5" width="{NUMBER}" height="191"', svg)
        assert float(frame) == 3 * last - 1
        (now,) = re.findall(rf'<rect x="{NUMBER}" y="116" width="2" height="204"', svg)
        assert float(now) == 412 + 3 * min(cycle, last) - 1


@pytest.mark.parametrize(
    "side, rows, tile", [(4, 1, "full"), (4, 16, "edge"), (4, 32, "full"), (8, 4, "full"),
                         (8, 16, "edge"), (8, 32, "full")]
)  # fmt: skip
def test_the_sums_that_leave_are_those_of_the_numbers_that_enter(side, rows, tile):
    k, width = shape(side, tile)
    X, W, out = np.zeros((rows, k), int), np.zeros((k, width), int), np.zeros((rows, width), int)
    pictures = [stepper(side, rows, tile, cycle).svg for cycle in range(cycles(side, rows) + 1)]
    for (row, column), words in in_pes(pictures[0], side).items():
        W[row, column] = words[0]
    for cycle, svg in enumerate(pictures):
        for (lane, ahead), number in queue(svg, side).items():
            at = cycle + ahead - lane - 1, lane
            assert X[at] in (0, number)  # the same, wherever it waits
            X[at] = number
        for (column, ago), total in left(svg, side).items():
            at = cycle - ago - side - column, column
            assert out[at] in (0, total)
            out[at] = total
    assert X.all() and W.all() and (out == X @ W).all()
    assert (X == Trace(side, rows, tile).X).all() and (W == Trace(side, rows, tile).W).all()


def test_a_pe_shows_its_factors_and_the_sum_that_goes_down():
    X, W = Trace(4, 8, "full").X, Trace(4, 8, "full").W
    for cycle in range(15):
        words = in_pes(stepper(4, 8, "full", cycle).svg, 4)
        busy = is_busy(4, 8, "full", cycle)
        for i, j in np.ndindex(4, 4):
            row = cycle - 1 - i - j
            total = X[row, : i + 1] @ W[: i + 1, j] if busy[i, j] else 0
            due = [f"{X[row, i]} × {W[i, j]}", f"↓ {total}"] if busy[i, j] else [f"{W[i, j]}"]
            assert words[i, j] == due


def test_what_is_full_enters_next_or_has_just_left():
    svg = stepper(4, 8, "full", 6).svg
    assert {x for x, _, _, _ in boxes(svg, palette.MOVEMENT) if x < 152} == {136}
    assert {y for x, y, _, _ in boxes(svg, palette.MEMORY) if 152 <= x < 344} == {320}
    assert len([1 for x, y, _, _ in boxes(svg, palette.MEMORY) if y == 320]) == 3


@pytest.mark.parametrize("side, rows, tile", RUNS)
def test_what_is_out_of_view_is_counted(side, rows, tile):
    k, width = shape(side, tile)
    for cycle in some_cycles(side, rows):
        svg, at = stepper(side, rows, tile, cycle).svg, min(cycle, cycles(side, rows))
        row, lane = np.indices((rows, k))
        waits = np.maximum(row + lane + 1 - at, 0)
        hidden = int((waits > (16 if side == 16 else 8)).sum())
        words = texts_of(svg)
        assert [w for w in words if "more of X" in w] == [f"{hidden} more of X"] * (hidden > 0)
        drawn = [
            1
            for fill in (palette.MOVEMENT, palette.MOVEMENT_TINT)
            for x, y, _, _ in boxes(svg, fill)
            if x < 152 and y < 312
        ]
        assert len(drawn) == (waits > 0).sum() - hidden
        row, column = np.indices((rows, width))
        out = int((row + side + column <= at).sum())
        assert f"{out:,} of {rows * width:,} out" in words


SENTENCE = re.compile(
    r"Cycle (\d+) of (\d+), (\d+) rows? of X, (\d+) × \4 PEs, (\w+) tile: (\d+) PEs? busy, "
    r"([\d,]+) of ([\d,]+) MACs done, ([\d,]+) of ([\d,]+) sums out; in the whole run ([\d.]+) % "
    r"useful, ([\d.]+) reads per MAC\."
)


@pytest.mark.parametrize("side, rows, tile", RUNS)
def test_the_numbers_are_those_of_the_simulator(side, rows, tile):
    trace = Trace(side, rows, tile)
    run = systolic.multiply(trace.X, trace.W, side, side, STAY)
    for cycle in some_cycles(side, rows):
        picture, at = stepper(side, rows, tile, cycle), min(cycle, run.cycles)
        done = sum(int(is_busy(side, rows, tile, c).sum()) for c in range(1, at + 1))
        said = [each.replace(",", "") for each in SENTENCE.fullmatch(picture.says).groups()]
        assert said[:4] == [str(at), str(run.cycles), str(rows), str(side)] and said[4] == tile
        assert int(said[5]) == is_busy(side, rows, tile, at).sum()
        assert [int(said[6]), int(said[7])] == [done, run.macs]
        assert int(said[9]) == run.result.size
        assert float(said[10]) == pytest.approx(100 * run.utilisation, rel=0.005)
        assert float(said[11]) == pytest.approx(run.reads_per_mac, rel=0.005)
        words = texts_of(picture.svg)
        values = dict(zip(words, words[1:], strict=False))
        assert values["cycles"] == str(run.cycles)
        assert values["useful"] == f"{said[10]} %" and values["reads per MAC"] == said[11]
        assert values[f"MACs to cycle {at}"] == f"{done:,}"
        # the meters: W, all useful MACs, what enters; beside it two reads for each MAC
        assert {f"{2 * trace.W.size:,} B", f"{run.macs:,} MAC"} <= set(words)
        assert f"{2 * (run.reads['X'] + run.reads['W']):,} B" in words
        assert f"2 reads a MAC: {4 * run.macs:,} B" in words


@pytest.mark.parametrize(
    "state, title",
    [
        ((4, 4, "full"), "4 rows of X take 10 cycles and keep 40 % of 4 × 4 PEs busy"),
        ((16, 1, "full"), "1 row of X takes 31 cycles and keeps 3.2 % of 16 × 16 PEs busy"),
        ((16, 64, "full"), "64 rows of X take 94 cycles and keep 68 % of 16 × 16 PEs busy"),
        ((16, 1, "edge"), "1 row, edge tile: 31 cycles, 1.2 % of 16 × 16 PEs busy"),
        ((8, 64, "edge"), "64 rows, edge tile: 78 cycles, 31 % of 8 × 8 PEs busy"),
    ],
)
def test_the_title_is_the_finding(state, title):
    assert {stepper(*state, cycle).title for cycle in (0, 5, 94)} == {title}


def test_a_run_that_is_over_stands_at_its_end():
    last = stepper(8, 4, "full", 18)
    assert last.says.startswith("Cycle 18 of 18, ") and "32 of 32 sums out" in last.says
    assert {stepper(8, 4, "full", cycle).svg for cycle in range(18, 95)} == {last.svg}
    assert stepper(8, 4, "full", 17).svg != last.svg


def test_the_axis_stays():
    def axis(state):
        return [
            (x, words)
            for x, y, words, size in words_at(stepper(*state, 7).svg)
            if size == "11" and y == 332 or words.endswith(" %") and x == 406
        ]

    labels = [words for _, words in axis(RUNS[0])]
    assert labels == ["0 %", "50 %", "100 %", "0", "20", "40", "60", "80", "cycle"]
    assert {tuple(axis(state)) for state in RUNS} == {tuple(axis(RUNS[0]))}


@pytest.mark.parametrize(
    "bet, x, words",
    [
        (31, 505, "your bet"),
        (16, 460, "your bet"),
        (0.5, 413.5, "your bet"),
        (93, 691, "your bet"),
        (94, 694, "your bet"),
        (256, 694, "your bet, beyond cycle 94"),
        (1e300, 694, "your bet, beyond cycle 94"),
    ],
)
def test_the_bet_stands_at_its_cycle(bet, x, words):
    for cycle in (0, 15, 31):
        svg = stepper(16, 1, "full", cycle, bet=bet).svg
        assert faults(svg) == [] and diamonds(svg) == [(x, 312)]
        assert [w for w in texts_of(svg) if "your bet" in w] == [words]
    for state in ((16, 2, "full"), (16, 1, "edge"), (8, 1, "full")):
        svg = stepper(*state, 5, bet=bet).svg
        assert svg == stepper(*state, 5).svg


@pytest.mark.parametrize(
    "state, message",
    [
        ((5, 4, "full", 0), "stepper: side is 5; take one of 4, 8, 16"),
        ((True, 4, "full", 0), "stepper: side is True; take one of 4, 8, 16"),
        ((4.0, 4, "full", 0), "stepper: side is 4.0; take one of 4, 8, 16"),
        ((np.array([4, 8]), 4, "full", 0), "stepper: side is array"),
        ((4, 3, "full", 0), "stepper: rows is 3; take one of 1, 2, 4, 8, 16, 32, 64"),
        ((4, [4], "full", 0), r"stepper: rows is \[4\]; take one of 1, 2,"),
        ((4, 4, "half", 0), "stepper: tile is 'half'; take one of 'full', 'edge'"),
        ((4, 4, None, 0), "stepper: tile is None; take one of 'full', 'edge'"),
        ((4, 4, "full", -1), "stepper: cycle must be a whole number of at least 0; got -1"),
        ((4, 4, "full", 1.5), "stepper: cycle must be a whole number of at least 0; got 1.5"),
        ((4, 4, "full", 95), "stepper: cycle is 95; take 0 to 94, the end of the longest"),
    ],
)
def test_what_no_stepper_can_show_is_refused(state, message):
    with pytest.raises(ValueError, match=message):
        stepper(*state)


@pytest.mark.parametrize("bet", ["31", True, 0, -3, float("nan"), [31]])
def test_a_bet_is_a_number_of_cycles(bet):
    with pytest.raises(ValueError, match="stepper: bet is .*; take a number of cycles above 0"):
        stepper(16, 1, "full", 0, bet=bet)


def test_numbers_of_numpy_are_taken():
    state = np.int64(4), np.int64(8), "full", np.int64(3)
    assert stepper(*state).svg == stepper(4, 8, "full", 3).svg
