"""The works of the course against counts made by hand; their rows and dots against each other."""

import re

import pytest

from course_utils import Machine, draw, machine, works
from course_utils.kernels import dynamic, sequential
from course_utils.networks import blocks

REFERENCE = Machine.reference()
LLAMA = 6_738_415_616  # parameters of Llama-2 7B

# key: (bytes held, MACs and additions, bytes moved), from shapes and from what the lessons say
BY_HAND = {
    "0a": (3 * 4 * 8_000_000, 0, 8_000_000, 3 * 4 * 8_000_000),
    "0b": (4 * (784 + 78_400 + 100), 78_400, 0, 4 * (784 + 78_400 + 100)),
    "0c": (4 * (64 * 884 + 78_400), 64 * 78_400, 0, 4 * (64 * 884 + 78_400)),
    "0d": (4 * 3 * 1024**2, 1024**3, 0, 4 * 3 * 1024**2),
    "1a": (4 * (4096**2 + 3 * 4096), 4096**2, 0, 4 * (4096**2 + 3 * 4096)),
    "1b": (4 * (4096**2 + 129 * 4096), 64 * 4096**2, 0, 4 * (4096**2 + 129 * 4096)),
    "2a": (4 * (784 + 288 + 25_088), 225_792, 0, 4 * (784 + 288 + 25_088)),
    "2b": (4 * (9 * 64**2 + 128 * 3136), 3136 * 64**2 * 9, 0, 4 * (9 * 64**2 + 128 * 3136)),
    "3a": (4 * (29_312 + 128), 2_918_400, 0, 100 * 4 * (29_184 + 100)),
    "3b": (4 * (29_312 + 32 * 128), 93_388_800, 0, 100 * 4 * (29_184 + 3200)),
    "3c": (4 * (29_312 + 128), 2_918_400, 0, 4 * (29_184 + 10_000)),
    "7a": (4 * 3 * 432**2, 432**3, 0, 324_725_760),
    "7b": (4 * 3 * 432**2, 432**3, 0, 19_562_048),
    "9a": (8 * 10**6, 0, 7 * 10**6 // 4, 14 * 10**6),
    "10a": (2 * (2048 * 1024 + 3072), 2048 * 1024, 0, 2 * (2048 * 1024 + 3072)),
    "10b": (2 * (2 * 1024 * 64 + 1024**2), 1024**2 * 64, 0, 2 * (2 * 1024 * 64 + 1024**2)),
}


@pytest.mark.parametrize("key", BY_HAND)
def test_a_row_is_what_its_shapes_say(key):
    memory, macs, adds, moved = BY_HAND[key]
    found = works.find(key).meters()
    assert (found.memory, found.macs, found.adds, found.moved) == (memory, macs, adds, moved)


@pytest.mark.parametrize("work", works.WORKS, ids=lambda work: work.key)
def test_the_steps_make_up_the_whole(work):
    steps, whole = work.steps(), work.meters()
    assert whole.memory == steps[0].memory > 0
    assert all(step.memory == 0 for step in steps[1:])
    assert whole.moved == sum(step.moved for step in steps) > 0
    assert whole.flops == sum(step.flops for step in steps) > 0


@pytest.mark.parametrize("work", works.WORKS, ids=lambda work: work.key)
def test_a_dot_stands_at_or_below_the_roof_and_on_the_side_of_its_limit(work):
    point = work.point(REFERENCE)
    roof = REFERENCE.attainable(point.intensity)
    assert point.in_steps <= roof * (1 + 1e-9)
    if len(work.steps()) == 1:
        assert point.in_steps == pytest.approx(roof)
        below = point.intensity < REFERENCE.ridge()
        assert work.limit(REFERENCE) == ("movement" if below else "compute")


def test_a_work_of_two_steps_is_limited_by_where_most_of_its_time_goes():
    copy, product = works.find("2c").steps()
    assert copy.flops == 0
    seconds = [REFERENCE.time(step) for step in (copy, product)]
    assert seconds[0] < seconds[1]
    assert works.find("2c").limit(REFERENCE) == "compute"
    fast = machine("H100")
    assert works.find("2c").limit(fast, "bf16", 2) == "movement"


def test_attention_in_tiles_does_the_same_work_and_its_whole_is_that_of_the_nests():
    for stored, tiled, n in (("4a", "4b", 512), ("4c", "4d", 4096)):
        one, other = works.find(stored).meters(), works.find(tiled).meters()
        assert one.moved == 4 * 8 * (4 * n * 64 + 4 * n * n)
        assert one.macs == other.macs == 8 * 2 * n * n * 64
        # Q and O once, K and V once for each tile of 128 queries
        assert other.moved == 4 * 8 * n * 64 * (2 + 2 * n // 128)
    whole = dynamic.attention_nests(512, 64, h=8, passes=1).meters()
    assert works.find("4a").meters() == whole


def test_the_recurrent_works_are_a_hundred_steps_of_the_lesson():
    step = sequential.rnn_nests(t=1, i=100, o=128).meters(fused=True)
    assert works.find("3a").meters().moved == 100 * step.moved
    stay = sequential.rnn_nests(t=100, i=100, o=128).meters(fused=True)
    assert works.find("3c").meters().moved == stay.moved


def test_serving_moves_all_weights_for_one_token():
    one = works.find("5b").meters()
    embedding = 32_000 * 4096  # the look-up of one word is left out
    assert one.macs == LLAMA - embedding - 65 * 4096 + 2 * 32 * 512 * 4096
    assert one.memory == 2 * (LLAMA + 2 * 32 * 512 * 4096)


def test_blocks_are_those_of_lesson_6():
    names = [work.name.split()[0] for work in works.WORKS if work.lesson == 6]
    assert names == list(blocks())
    for work, block in zip(works.WORKS[19:25], blocks().values(), strict=True):
        assert work.meters() == block.meters()
        assert work.meters(2) == block.meters(2)


def rows(printed):
    return [line for line in printed.splitlines() if re.match(r"\d+[a-z] ", line)]


def test_the_table_of_a_lesson_is_a_part_of_the_whole(capsys):
    works.table()
    whole = rows(capsys.readouterr().out)
    assert len(whole) == len(works.WORKS)
    parts = []
    for lesson in range(12):
        works.table(lesson)
        parts += rows(capsys.readouterr().out)
    assert parts == whole
    assert max(map(len, whole)) <= 75


def test_the_table_says_what_is_counted(capsys):
    works.table(7)
    assert capsys.readouterr().out.endswith("fp32; limit: reference; moved: behind 32 KiB\n")
    works.table()
    last, other = capsys.readouterr().out.splitlines()[-2:]
    assert last.startswith("fp32, but 16 bit in 5, 10, 11; limit: reference")
    assert other.endswith("over links in 9, over HBM in 11")
    works.table(machine=machine("H100"), dtype="bf16")
    out = capsys.readouterr().out
    assert out.endswith("16 bit; limit: H100 SXM5; moved: compulsory, from main memory\n")
    assert not re.search(r"^(7|8|9|11)[a-z] ", out, re.M)


def test_every_lesson_has_dots_and_every_dot_a_row():
    assert [work.key for work in works.WORKS] == sorted(
        {work.key for work in works.WORKS}, key=lambda key: (int(key[:-1]), key[-1])
    )
    assert {work.lesson for work in works.WORKS} == set(range(12))
    assert len({work.name for work in works.WORKS}) == len(works.WORKS)
    for lesson in range(12):
        picture = works.poster(lesson, title="A finding")
        for work in works.WORKS:
            assert (f"{work.name}: " in picture.says) == (work.lesson == lesson)
    whole = works.poster().says
    assert all(f"{work.key}: " in whole for work in works.WORKS)


def test_the_poster_counts_what_waits():
    waiting = sum(work.limit(REFERENCE) == "movement" for work in works.WORKS)
    title = works.poster().title
    assert title == f"{waiting} of {len(works.WORKS)} works are limited by movement"


def test_the_poster_takes_what_the_roofline_takes():
    beside = works.poster(10, machine("H100"), "bf16", beside=machine("TPU v5e"))
    assert "dashed, TPU v5e" in beside.says


def test_a_poster_says_where_bytes_do_not_come_from_memory():
    assert works.poster(9).second == (
        "Reference, float32. Bytes over links: as if they came from memory."
    )
    assert "Bytes in 7, 8, 9, 11:" in works.poster().second
    assert "as if" not in works.poster(3).second
    assert "as if" not in works.poster(None, machine("H100"), "bf16").second


def test_earlier_dots_are_small_and_have_no_name():
    picture = works.poster(1, title="A finding")
    assert "z = x + y" not in picture.svg
    assert picture.svg.count('r="2.5"') == 4 + 1  # lesson 0's, and the legend's
    assert "earlier lessons" in picture.svg


@pytest.mark.parametrize("lesson", [12, -1, "a", 1.5])
def test_a_lesson_without_works_is_an_error(lesson):
    for function in (works.table, works.poster):
        with pytest.raises(ValueError, match="give 0 to 11, or nothing for all"):
            function(lesson)


def test_an_unknown_key_is_an_error():
    with pytest.raises(ValueError, match="there is no '1z'; there are 0a, 0b"):
        works.find("1z")


def test_a_faint_point_is_no_label_and_no_ring():
    points = [draw.Point("near", 1.0, faint=True), draw.Point("here", 1.1, bold=True)]
    picture = draw.roofline(REFERENCE, points)
    assert "near" not in picture.says and ">near<" not in picture.svg
    assert ">here<" in picture.svg
