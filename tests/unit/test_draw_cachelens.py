"""The cache lens's picture: clean in every state, its hits those of a replay and of a cache
written once more."""

import re
from collections import Counter
from itertools import product
from xml.etree import ElementTree

import numpy as np
import pytest
from picture_rules import faults, texts_of

from course_utils import Hierarchy
from course_utils.draw import cachelens, palette
from course_utils.draw.cachelens import LINES, SETS, STRIDES, WALKS, WAYS, Walk

CACHES = list(product(SETS, WAYS, LINES))
BETS = None, (2, 4, 8, 16, 16, 16), (1e9, 0.001, 32, 32.5, 1, 33), (32,) * 6


def replay(walk, sets, ways, line):
    """(missed, lines held by set) of both passes, by ages."""
    age, missed = {}, []
    for now, number in enumerate(WALKS[walk] * 2):
        own = [k for k in age if k % sets == number // line % sets]
        missed.append(number // line not in own)
        if missed[-1] and len(own) == ways:
            del age[min(own, key=age.get)]
        age[number // line] = now
    return missed, [{k for k in age if k % sets == s} for s in range(sets)]


def test_the_walks_read_16_numbers_of_the_memory():
    assert len(WALKS) == 12
    for numbers in WALKS.values():
        assert len(set(numbers)) == 16 and min(numbers) >= 0 and max(numbers) < 1_152
    for name, long in ("4 random rows of 4", 4), ("2 random rows of 8", 8):
        rows = np.reshape(WALKS[name], (-1, long))
        assert (rows[:, 0] % long == 0).all() and (np.diff(rows) == 1).all()


@pytest.mark.parametrize("walk", WALKS)
def test_lenses_are_clean(walk):
    for cache, bet in product(CACHES, BETS):
        picture = cachelens(walk, *cache, bet=bet)
        assert faults(picture.svg) == []
        assert int(ElementTree.fromstring(picture.svg).get("height")) == 536
        assert len(picture.title) <= 66 and len(picture.second) <= 105


@pytest.mark.parametrize("walk", WALKS)
def test_misses_and_lines_held_are_those_of_two_other_caches(walk):
    for sets, ways, line in CACHES:
        missed, held = replay(walk, sets, ways, line)
        shown = Walk(walk, sets, ways, line)
        assert list(shown.missed) == missed
        assert [set(w) - {None} for w in shown.held] == held
        cache = Hierarchy.parse(f"{4 * line * sets * ways}B/{ways}/{4 * line}")
        assert cache.replay(np.array(WALKS[walk] * 2) * 4).misses == shown.misses == sum(missed)


def marks(svg, colour):
    """(x, y) of the circles of the passes with one fill."""
    found = re.findall(rf'<circle cx="([\d.]+)" cy="(360|388)" r="6" fill="{colour}"', svg)
    return {(float(x), int(y)) for x, y in found}


@pytest.mark.parametrize(
    "walk, cache",
    [
        ("random", (8, 2, 8)),
        ("column, rows of 64", (2, 8, 4)),
        ("16 apart", (4, 4, 16)),
        ("2 apart", (1, 1, 8)),
    ],
)
def test_hits_are_filled_and_misses_hollow(walk, cache):
    missed, held = replay(walk, *cache)
    picture = cachelens(walk, *cache)
    places = [(88.0 + 22 * k, y) for y in (360, 388) for k in range(16)]
    expected = {place for place, miss in zip(places, missed, strict=True) if miss}
    assert marks(picture.svg, palette.PAPER) == expected
    assert marks(picture.svg, palette.INK) == set(places) - expected
    words = texts_of(picture.svg)
    shown = [int(w.split()[1]) for w in words if re.fullmatch(r"line \d+", w)]
    assert sorted(shown) == sorted(k for lines in held for k in lines)
    assert words.count("empty") == cache[0] * cache[1] - len(shown)
    hits = [16 - sum(missed[:16]), 16 - sum(missed[16:])]
    assert [int(w.split()[0]) for w in words if re.fullmatch(r"\d+ hits?", w)] == hits
    assert f"{sum(missed) * 4 * cache[2]:,} B fetched" in picture.says


def dark(svg):
    """Where the lines begin that are read, in px."""
    (d,) = re.findall(rf'<path d="([^"]*)" fill="{palette.MEMORY}"', svg)[:1]
    return [float(x) for x in re.findall(r"M([\d.]+) 96h", d)]


@pytest.mark.parametrize("walk, line", [("40 apart", 8), ("random", 4), ("column, rows of 72", 16)])
def test_the_strip_shows_the_lines_that_are_read_and_a_route_for_each(walk, line):
    svg = cachelens(walk, 8, 2, line).svg
    lines = sorted({number // line for number in WALKS[walk]})
    assert dark(svg) == pytest.approx([24 + 672 * line / 1152 * k for k in lines], abs=0.01)
    (routes,) = re.findall(rf'<path d="(M[^"]*)" fill="none" stroke="{palette.MOVEMENT}"', svg)[:1]
    ends = [float(x) for x in re.findall(r"L([\d.]+) ", routes)]
    assert [int((x - 24) // 84) for x in ends] == [k % 8 for k in lines]


def test_titles_say_what_is_found():
    titles = {
        ("1 apart", 8, 2, 8): "2 lines are fetched once, and pass 2 finds all it reads",
        ("1 apart", 1, 1, 16): "1 line is fetched once, and pass 2 finds all it reads",
        ("column, rows of 64", 8, 2, 8): "16 lines, room for 16, but in 1 of 8 sets: 32 of 32 miss",
        ("16 apart", 1, 8, 8): "16 lines, room for 8: 32 of 32 reads miss",
        ("random", 8, 2, 8): "15 lines, room for 16, but 4 share 2 ways: 19 of 32 miss",
    }
    for state, title in titles.items():
        assert cachelens(*state).title == title


@pytest.mark.parametrize("walk", WALKS)
def test_the_title_gives_a_reason_that_holds(walk):
    for sets, ways, line in CACHES:
        title = cachelens(walk, sets, ways, line).title
        missed, _ = replay(walk, sets, ways, line)
        lines = {number // line for number in WALKS[walk]}
        crowd = Counter(number % sets for number in lines)
        if sum(missed) == len(lines):
            reason = "fetched once, and pass 2 finds all it reads"
        elif len(lines) > sets * ways:
            reason = f", room for {sets * ways}: {sum(missed)} of 32 reads miss"
        elif len(lines) > len(crowd) * ways:
            reason = f", but in {len(crowd)} of {sets} sets: {sum(missed)} of 32 miss"
            assert len(crowd) < sets
        else:
            most = max(crowd.values())
            reason = f", but {most} share {ways} ways: {sum(missed)} of 32 miss"
            assert most > ways
        assert title.startswith(f"{len(lines)} line") and title.endswith(reason)


def test_a_set_stays_in_its_place():
    def columns(sets):
        svg = cachelens("random", sets, 4, 8).svg
        return re.findall(r'<text x="([\d.]+)" y="178"[^>]*>(set \d)<', svg)

    assert len(columns(8)) == 8
    for sets in SETS:
        assert columns(sets) == columns(8)[:sets]


@pytest.mark.parametrize("cache", [(8, 2, 8), (1, 8, 4), (4, 1, 16)])
def test_the_chart_prints_the_misses_above_its_points(cache):
    svg = cachelens("16 apart", *cache, bet=(1, 2, 3, 4, 5, 6)).svg
    misses = [sum(replay(f"{apart} apart", *cache)[0]) for apart in STRIDES]
    places = [532 + 30 * k for k in range(6)]
    number = r'<text x="(\d+)" y="344" [^>]*middle"( font-weight="700")?>(\d+)<'
    found = [(int(x), int(m), bool(bold)) for x, bold, m in re.findall(number, svg)]
    assert found == [(x, m, x == 652) for x, m in zip(places, misses, strict=True)]
    points = re.findall(r'<circle cx="(\d+)" cy="(\d+)" r="4.5" fill="([^"]*)"', svg)
    expected = [
        (x, 420 - 2 * m, palette.INK if x == 652 else palette.PAPER)
        for x, m in zip(places, misses, strict=True)
    ]
    assert [(int(x), int(y), fill) for x, y, fill in points] == expected


def test_a_bet_that_is_right_is_seen_around_its_point():
    svg = cachelens("8 apart", 8, 2, 8, bet=(2, 4, 8, 16, 32, 16)).svg
    tops = re.findall(r'<path d="M([\d.]+) ([\d.]+)L([\d.]+)', svg)
    diamonds = {(float(x), float(y)): float(side) - float(x) for x, y, side in tops}
    for x, y in re.findall(r'<circle cx="(\d+)" cy="(\d+)" r="4.5"', svg):
        (radius,) = {r for (at, top), r in diamonds.items() if (at, top + r) == (int(x), int(y))}
        assert radius / 2**0.5 > 4.5 + 1.5 / 2


def test_the_chart_shows_one_walk_until_there_is_a_bet():
    def points(svg):
        return len(re.findall(r'<circle cx="[\d.]+" cy="[\d.]+" r="4.5"', svg))

    def diamonds(svg):
        return len(re.findall(r'<path d="M\S+ \S+L\S+ \S+L\S+ \S+L\S+ \S+Z"', svg))

    bet = (2, 4, 8, 16, 16, 16)
    assert points(cachelens("4 apart", 8, 2, 8).svg) == 1
    assert points(cachelens("random", 8, 2, 8).svg) == 0
    shown = cachelens("random", 8, 2, 8, bet=bet).svg
    assert points(shown) == 6 and diamonds(shown) == 7  # with the legend's
    other = cachelens("random", 4, 2, 8, bet=bet).svg
    assert points(other) == 6 and diamonds(other) == 0


def test_the_curve_of_the_strides():
    for cache, curve in (((8, 2, 8), [2, 4, 8, 16, 32, 16]), ((1, 8, 8), [2, 4, 8, 32, 32, 32])):
        assert [Walk(f"{apart} apart", *cache).misses for apart in STRIDES] == curve


def test_lenses_are_small():
    assert len(cachelens("random", 8, 8, 4, bet=(1, 2, 3, 4, 5, 6)).png()) <= 80_000


@pytest.mark.parametrize(
    "state, message",
    [
        (("3 apart", 8, 2, 8), "walk is '3 apart'; take one of '1 apart', '2 apart'"),
        (("1 apart", 3, 2, 8), "sets is 3; take one of 1, 2, 4, 8"),
        (("1 apart", 8, True, 8), "ways is True; take one of 1, 2, 4, 8"),
        (("1 apart", 8.0, 2, 8), "sets is 8.0; take one of 1, 2, 4, 8"),
        ((["1 apart"], 8, 2, 8), "walk is ['1 apart']; take one of '1 apart'"),
        (("1 apart", 8, 2, 64), "line is 64; take one of 4, 8, 16"),
    ],
)
def test_what_is_no_state_is_refused(state, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        cachelens(*state)
