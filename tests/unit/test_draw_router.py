"""The router's picture: clean in every state, its arrows the schedule's, its nodes what is held."""

import re
from itertools import product
from xml.etree import ElementTree

import numpy as np
import pytest
from picture_rules import faults, texts_of

from course_utils.collectives import collective
from course_utils.draw import palette, router

PATTERNS = (
    "broadcast",
    "scatter",
    "gather",
    "reduce",
    "all-gather",
    "reduce-scatter",
    "all-reduce",
    "all-to-all",
)
ALGORITHMS = "root", "tree", "ring", "doubling"
SUMS, INTO_ONE = ("reduce", "reduce-scatter", "all-reduce"), ("gather", "reduce")
SIZES, ROUNDS = [10**power for power in range(3, 9)], range(15)
ROUTES = list(product(PATTERNS, ALGORITHMS))
EIGHT = range(8)
NUMBER = r"(-?[\d.]+)"


def beside(algorithm):
    return "tree" if algorithm == "root" else "root"


def schedule(pattern, algorithm):
    return collective(pattern, algorithm, ranks=8)


# --- what a picture shows -------------------------------------------------------------------


def place(x, y):
    """(panel, rank, round) of a point; half a rank beside the outer ones is an edge."""
    panel = x > 360
    return panel, (x - (448 if panel else 96)) / 33, (y - 124) / 21


def drawn_sends(svg):
    """{(panel, round, source, to)} of elbows and of slanted lines, and of the tips of the heads."""
    lines, tips = set(), set()
    for d, width in re.findall(
        rf'<path d="([^"]*)" fill="none" stroke="{palette.MOVEMENT}" '
        r'stroke-width="([\d.]+)"',
        svg,
    ):
        if width == "2":
            found = re.findall(rf"M{NUMBER} {NUMBER}V{NUMBER}H{NUMBER}V{NUMBER}", d)
            assert len(found) == d.count("M")
            for x, y, middle, to, end in (map(float, each) for each in found):
                panel, source, step = place(x, y)
                assert y < middle < end < y + 21
                lines.add((panel, step, source, place(to, y)[1]))
        else:
            lines |= slanted(d)
    for d in re.findall(rf'<path d="([^"]*)" fill="{palette.MOVEMENT}"/>', svg):
        for x, y in re.findall(rf"M{NUMBER} {NUMBER}L[^M]*Z", d):
            if float(y) < 430:  # the footer has an arrow too
                panel, to, step = place(float(x), float(y) + 5)
                tips.add((panel, step - 1, to))
    return lines, tips


def slanted(d):
    """Lines from node to node; one that leaves at an edge goes on, as high, at the other."""
    found = [
        tuple(map(float, each)) for each in re.findall(rf"M{NUMBER} {NUMBER}L{NUMBER} {NUMBER}", d)
    ]
    assert len(found) == d.count("M")
    parts, lines = iter(found), set()
    for x, y, to, end in parts:
        panel, source, step = place(x, y)
        _, reached, below = place(to, end)
        assert abs(reached - source) <= 4  # no line across the whole panel
        if reached in (-0.5, 7.5):
            x, y, to, end = next(parts)
            assert (panel, 7 - reached, below) == place(x, y)
            _, reached, below = place(to, end)
        assert below == step + 1
        lines.add((panel, step, source, reached))
    return lines


def nodes(svg):
    """{(panel, rank, round): "new", "held", "none" or the share of a part}."""
    found, discs = {}, {}
    for circle in ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}circle"):
        x, y, r = (float(circle.get(name)) for name in ("cx", "cy", "r"))
        look = r, circle.get("fill"), circle.get("stroke")
        if not 100 < y < 430:  # a dot of a pattern, or the legend
            continue
        if look[2] is None:
            assert look[1] == palette.MEMORY
            discs[place(x, y)] = (r / 3.75) ** 2
            continue
        assert place(x, y) not in found
        found[place(x, y)] = {
            (5, palette.MEMORY, palette.MEMORY): "new",
            (5, palette.MEMORY_TINT, palette.MEMORY): "held",
            (5, palette.PAPER, palette.MEMORY): "part",
            (3, palette.PAPER, palette.MUTE): "none",
        }[look]
    assert set(discs) == {key for key, look in found.items() if look == "part"}
    return {**found, **discs}


# --- what is so, once more --------------------------------------------------------------------


def start(pattern):
    """{block: whose numbers are in it} of each rank."""
    if pattern in ("broadcast", "scatter"):
        return [{block: {0} for block in EIGHT} if rank == 0 else {} for rank in EIGHT]
    if pattern in ("gather", "all-gather"):
        return [{rank: {rank}} for rank in EIGHT]
    if pattern == "all-to-all":
        return [{8 * rank + to: {rank} for to in EIGHT} for rank in EIGHT]
    return [{block: {rank} for block in EIGHT} for rank in EIGHT]


def replay(pattern, algorithm):
    """What each rank holds at the start and after each round."""
    held = start(pattern)
    states = [held]
    for sends in schedule(pattern, algorithm).rounds:
        after = [dict(blocks) for blocks in held]
        for source, to, blocks, adds in sends:
            for block in blocks:
                brought = held[source][block]
                if adds:
                    assert not brought & held[to][block]  # no summand twice
                    brought = brought | held[to][block]
                after[to][block] = brought
        held = after
        states.append(held)
    return states


def wanted(pattern, rank):
    """The blocks that a rank is to end with, each with how many ranks' numbers."""
    summands = 8 if pattern in SUMS else 1
    if pattern in INTO_ONE and rank:
        return {}
    if pattern in ("scatter", "reduce-scatter"):
        return {rank: summands}
    if pattern == "all-to-all":
        return {8 * source + rank: 1 for source in EIGHT}
    return dict.fromkeys(EIGHT, summands)


def shares(pattern, algorithm):
    """[round][rank]: the part it has of what it is to have, else of the whole to hand on."""
    rounds, found = schedule(pattern, algorithm).rounds, []
    for step, held in enumerate(replay(pattern, algorithm)):
        found.append([])
        for rank in EIGHT:
            due = wanted(pattern, rank)
            if not due or (pattern == "scatter" and rank not in held[rank]):
                blocks = {b for r in rounds[step:] for s in r if s.source == rank for b in s.blocks}
                due = {b: 8 if pattern in SUMS else 1 for b in EIGHT}
                has = {b: held[rank][b] for b in blocks if b in held[rank]}
            else:
                has = {b: held[rank][b] for b in due if b in held[rank]}
            found[-1].append(sum(map(len, has.values())) / sum(due.values()))
    return found


def looks(pattern, algorithm, shown):
    """{(rank, round): the look of the node}, of the rounds up to the one shown."""
    found, before = {}, [0] * 8
    for step, row in enumerate(shares(pattern, algorithm)[: shown + 1]):
        for rank, share in enumerate(row):
            earlier = step > 0 and before[rank] == 1
            found[rank, step] = {0: "none", 1: "held" if earlier else "new"}.get(share, share)
        before = row
    return found


def counted(pattern, algorithm, size):
    """Rounds, sends, bytes in all, at the busiest port, additions, seconds: send after send."""
    rounds = schedule(pattern, algorithm).rounds
    out, into, summed, seconds = [0] * 8, [0] * 8, 0, 0
    for sends in rounds:
        longest = 0
        for source, to, blocks, adds in sends:
            moved = len(blocks) * size // 8
            out[source] += moved
            into[to] += moved
            summed += moved * adds
            longest = max(longest, moved)
        seconds += 1e-6 + longest / 50e9
    return len(rounds), sum(map(len, rounds)), sum(out), max(out + into), summed // 4, seconds


def in_bytes(text):
    number, unit = text.split()
    return float(number) * {"B": 1, "kB": 1e3, "MB": 1e6, "GB": 1e9}[unit]


def in_seconds(text):
    number, unit = text.split()
    return float(number) * {"µs": 1e-6, "ms": 1e-3}[unit]


# --- tests --------------------------------------------------------------------------------------


@pytest.mark.parametrize("route", ROUTES)
def test_routers_are_clean(route):
    # a step changes marks, a size words: one after the other, not each with each
    for size, step in [(10**6, step) for step in (0, 2, 7, 9)] + [(size, 14) for size in SIZES]:
        picture = router(*route, size, step, bet="tree")
        assert faults(picture.svg) == []
        assert int(ElementTree.fromstring(picture.svg).get("height")) == 600
        assert len(picture.title) <= 66 and len(picture.second) <= 105


@pytest.mark.parametrize("pattern", PATTERNS)
def test_routers_are_small(pattern):
    assert len(router(pattern, "ring", 10**8, 14).png()) <= 80_000


@pytest.mark.parametrize("pattern, algorithm", ROUTES)
def test_the_arrows_are_the_sends(pattern, algorithm):
    for shown in ROUNDS:
        lines, tips = drawn_sends(router(pattern, algorithm, 10**6, shown).svg)
        due = {
            (panel, step, send.source, send.to)
            for panel, how in enumerate((algorithm, beside(algorithm)))
            for step, sends in enumerate(schedule(pattern, how).rounds[:shown])
            for send in sends
        }
        assert lines == due
        elbows = [how in ("root", "tree") for how in (algorithm, beside(algorithm))]
        assert tips == {(panel, step, to) for panel, step, _, to in due if elbows[panel]}


@pytest.mark.parametrize("pattern, algorithm", ROUTES)
def test_the_nodes_are_what_is_held(pattern, algorithm):
    for shown in ROUNDS:
        found = nodes(router(pattern, algorithm, 10**6, shown).svg)
        due = {
            (panel, *at): look
            for panel, how in enumerate((algorithm, beside(algorithm)))
            for at, look in looks(pattern, how, shown).items()
        }
        assert set(found) == set(due)
        for at, look in due.items():
            if isinstance(look, str):
                assert found[at] == look, at
            else:  # no disc is smaller than 2 px
                assert found[at] == pytest.approx(max(look, 1 / 3.75**2), abs=0.01), at


@pytest.mark.parametrize("pattern, algorithm", ROUTES)
def test_at_the_end_each_rank_has_what_it_is_to_have(pattern, algorithm):
    held = replay(pattern, algorithm)[-1]
    for rank in EIGHT:
        for block, summands in wanted(pattern, rank).items():
            assert len(held[rank][block]) == summands
    found = nodes(router(pattern, algorithm, 10**6, 14).svg)
    last = len(schedule(pattern, algorithm).rounds)
    for rank in EIGHT:
        due = ("new", "held") if wanted(pattern, rank) else ("none",)
        assert found[0, rank, last] in due


SENTENCE = re.compile(
    r"(.*) of (.*) by (?:the |a |)(\w+), round (\d+) of (\d+): (\d+) sends, (.*), "
    r"busiest port (.*), (.*) additions, (.*); by (?:the |a |)(\w+) (\d+) rounds, (.*), "
    r"busiest port (.*), (.*)\."
)


def count(text):
    return int(text.replace(",", "")) if "G" not in text else 1e9 * float(text.split()[0])


@pytest.mark.parametrize("pattern, algorithm", ROUTES)
def test_the_sentence_is_counted_send_by_send(pattern, algorithm):
    other = beside(algorithm)
    for size, shown in product(SIZES, (0, 2, 14)):
        rounds, sends, total, busiest, adds, seconds = counted(pattern, algorithm, size)
        said = SENTENCE.fullmatch(router(pattern, algorithm, size, shown).says).groups()
        assert (said[0].lower(), in_bytes(said[1]), said[2]) == (pattern, size, algorithm)
        assert [int(each) for each in said[3:6]] == [min(shown, rounds), rounds, sends]
        assert (in_bytes(said[6]), in_bytes(said[7])) == (total, busiest)
        assert count(said[8]) == adds
        assert in_seconds(said[9]) == pytest.approx(seconds, rel=0.006)
        rounds, sends, total, busiest, adds, seconds = counted(pattern, other, size)
        assert (said[10], int(said[11])) == (other, rounds)
        assert (in_bytes(said[12]), in_bytes(said[13])) == (total, busiest)
        assert in_seconds(said[14]) == pytest.approx(seconds, rel=0.006)


@pytest.mark.parametrize("pattern, algorithm", ROUTES)
def test_the_counters_below_each_panel(pattern, algorithm):
    for size in SIZES:
        words = texts_of(router(pattern, algorithm, size, 14).svg)
        below = {word: [] for word in ("rounds", "sends", "busiest port", "time")}
        for label, value in zip(words, words[1:], strict=False):
            if label in below:
                below[label].append(value)
        for panel, how in enumerate((algorithm, beside(algorithm))):
            rounds, sends, _, busiest, _, seconds = counted(pattern, how, size)
            assert below["rounds"][panel] == str(rounds)
            assert below["sends"][panel] == str(sends)
            assert in_bytes(below["busiest port"][panel]) == busiest
            assert in_seconds(below["time"][panel]) == pytest.approx(seconds, rel=0.006)


@pytest.mark.parametrize("pattern, algorithm", ROUTES)
def test_the_meters(pattern, algorithm):
    run, size = schedule(pattern, algorithm), 10_000
    whole = np.zeros(size, np.uint8)
    data = {"broadcast": whole, "scatter": whole}.get(pattern, [whole] * 8)
    if pattern in ("gather", "all-gather"):
        data = np.array_split(whole, 8)
    held = sum(len(array) for array in run.run(data) if array is not None)
    words = texts_of(router(pattern, algorithm, size, 14).svg)
    _, _, total, _, adds, _ = counted(pattern, algorithm, size)
    _, _, others, _, other_adds, _ = counted(pattern, beside(algorithm), size)
    by = {"root": "by the root", "tree": "by a tree"}[beside(algorithm)]
    assert f"{held:,} B" in words and f"{total:,} B" in words
    assert f"{by}: {others:,} B" in words
    assert f"{adds:,} FLOP" in words
    if pattern in SUMS:
        same = adds == other_adds
        assert (f"{by} as many" if same else f"{by}: {other_adds:,}") in words
    else:
        assert "a copy computes nothing" in words


def test_the_error_in_fp16_is_that_of_the_order():
    numbers = np.random.default_rng(0).random((8, 64)).astype(np.float16)
    exact = numbers.astype(np.float64).sum(axis=0)
    in_turn = numbers[0]
    for row in numbers[1:]:
        in_turn = in_turn + row
    in_pairs = numbers
    while len(in_pairs) > 1:
        in_pairs = in_pairs[::2] + in_pairs[1::2]
    root, tree = (100 * np.abs(sums / exact - 1).max() for sums in (in_turn, in_pairs[0]))
    words = texts_of(router("reduce", "tree", 10**6, 3).svg)
    errors = [words[k + 1] for k, word in enumerate(words) if word == "fp16 error"]
    assert errors == [f"{tree:.2f} %", f"{root:.2f} %"] and tree < root
    assert "fp16 error" not in texts_of(router("gather", "tree", 10**6, 3).svg)


@pytest.mark.parametrize(
    "state, title",
    [
        (("broadcast", "tree", 10**6), "The same 7 sends: 3 rounds by a tree, 7 by the root"),
        (("reduce", "doubling", 10**3), "The same 7 sends: 3 rounds by doubling, 7 by the root"),
        (("all-reduce", "root", 10**7), "The same 14 sends: 14 rounds by the root, 6 by a tree"),
        (("all-reduce", "root", 10**8), "All-reduce of 100 MB: root 28 ms, tree 12 ms"),
        (("all-reduce", "ring", 10**8), "All-reduce of 100 MB: ring 3.51 ms, root 28 ms"),
        (("broadcast", "ring", 10**3), "Broadcast of 1 kB: ring 14 µs, root 7.14 µs"),
        (("scatter", "ring", 10**6), "Scatter of 1 MB: ring and root both take 24.5 µs"),
    ],
)
def test_the_title_is_the_finding(state, title):
    assert {router(*state, step).title for step in (0, 2, 14)} == {title}


@pytest.mark.parametrize("pattern, algorithm", ROUTES)
def test_what_is_so_at_the_end_is_written_below_it(pattern, algorithm):
    who = {"gather": "rank 0 has all", "reduce": "rank 0 has all"}.get(pattern, "each has its own")
    who = "all 8 have it" if pattern in ("broadcast", "all-gather", "all-reduce") else who
    lasts = [len(schedule(pattern, how).rounds) for how in (algorithm, beside(algorithm))]
    for shown in ROUNDS:
        words = texts_of(router(pattern, algorithm, 10**6, shown).svg)
        due = [f"{who} after round {last}" for last in lasts if last <= shown and last < 14]
        assert [word for word in words if " after round " in word] == due


@pytest.mark.parametrize("pattern, algorithm", ROUTES)
def test_a_schedule_that_ends_early_is_left_ending_early(pattern, algorithm):
    lasts = [len(schedule(pattern, how).rounds) for how in (algorithm, beside(algorithm))]
    for shown in (0, 14):
        svg = router(pattern, algorithm, 10**6, shown).svg
        columns = re.findall(rf'<path d="([^"]*)" fill="none" stroke="{palette.GRID}"', svg)
        assert [set(re.findall(r"V(\d+)", d)) for d in columns] == [
            {str(124 + 21 * last)} for last in lasts
        ]


def test_only_the_round_that_is_shown_has_a_dark_number():
    svg = router("all-reduce", "ring", 10**6, 9).svg
    numbers = re.findall(
        r'<text x="(68|420)" y="[\d.]+" font-size="11" fill="(#\w+)"[^>]*>([^<]*)<', svg
    )
    assert [words for _, fill, words in numbers if fill == palette.INK] == ["9", "9"]
    assert len(numbers) == 28


@pytest.mark.parametrize("bet", ["root", "tree", "ring"])
def test_the_bet_stands_beside_its_algorithm(bet):
    for (pattern, algorithm), size in product(ROUTES, SIZES):
        svg = router(pattern, algorithm, size, 14, bet=bet).svg
        found = re.findall(r'<path d="M([\d.]+) ([\d.]+)L[^"]*" fill="#FFFFFF" stroke', svg)
        panels = [24, 376] if (pattern, size) == ("all-reduce", 10**8) else []
        shown = zip(panels, (algorithm, beside(algorithm)), strict=False)
        assert found == [(f"{left + 48}", "81") for left, how in shown if how == bet]
        assert texts_of(svg).count("your bet") == len(found)


@pytest.mark.parametrize(
    "state, message",
    [
        (("bcast", "tree", 10**6, 1), "router: pattern is 'bcast'; take one of 'broadcast', 'sca"),
        ((["reduce"], "tree", 10**6, 1), r"router: pattern is \['reduce'\]; take one of"),
        (("reduce", "halving", 10**6, 1), "router: algorithm is 'halving'; take one of 'root', 't"),
        (("reduce", "tree", 10**9, 1), "router: size is 1000000000; take one of 1000, 10000,"),
        (("reduce", "tree", True, 1), "router: size is True; take one of"),
        (("reduce", "tree", 10**6, -1), "router: round must be a whole number of at least 0; got"),
        (("reduce", "tree", 10**6, 15), "router: round is 15; the longest schedule has 14"),
    ],
)
def test_what_no_router_can_show_is_refused(state, message):
    with pytest.raises(ValueError, match=message):
        router(*state)
