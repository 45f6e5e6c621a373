"""The works of the course against counts made by hand; their rows and dots against each other."""

import re

import pytest

from course_utils import Machine, draw, machine, works
from course_utils.chip import START, WORKLOADS
from course_utils.kernels import dynamic
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
    "3a": (4 * (29_312 + 128), 2_918_400, 0, 100 * 4 * (29_312 + 100 + 128)),
    "3b": (4 * (29_312 + 4096), 93_388_800, 0, 100 * 4 * (29_312 + 3200 + 4096)),
    "3c": (4 * (29_312 + 128), 2_918_400, 0, 208_448),  # as the loom of lesson 3 counts
    "7a": (4 * 3 * 432**2, 432**3, 0, 324_725_760),
    "7b": (4 * 3 * 432**2, 432**3, 0, 19_562_048),
    "9a": (10**6, 0, 7 * 10**6 // 32, 1_750_000),
    "9b": (10**6, 3 * 250_000, 0, 1_750_000),
    "9d": (10**6, 64 * 3 * 250_000, 0, 1_750_000),
    "10a": (2 * (4096**2 + 2 * 4096), 4096**2, 0, 2 * (4096**2 + 2 * 4096)),
    "10c": (2 * (4096**2 + 1024 * 4096), 512 * 4096**2, 0, 2 * (4096**2 + 1024 * 4096)),
    # four pictures: nine taps of each pixel, H, and W once; W crosses for each block of rows
    "11c": (2 * (4 * 3136 * (576 + 64) + 576 * 64), 4 * 3136 * 576 * 64, 0, 16_941_056),
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
def test_a_dot_stands_at_or_below_its_roof_and_on_the_side_of_its_limit(work):
    here = work.setting
    point, ridge = work.point(), here.machine.ridge(here.dtype)
    roof = here.machine.attainable(point.intensity, here.dtype)
    assert point.in_steps <= roof * (1 + 1e-9)
    if work.limit() == "movement":
        assert point.intensity < ridge and point.in_steps >= 0.9 * roof
    elif work.limit() == "compute":
        assert point.intensity >= ridge and point.in_steps >= 0.9 * roof
    else:
        assert point.in_steps < 0.95 * roof


def test_a_work_of_two_steps_is_limited_by_both_or_by_where_its_time_goes():
    copy, product = works.find("2c").steps()
    assert copy.flops == 0
    seconds = [REFERENCE.time(step) for step in (copy, product)]
    assert 0.1 < seconds[0] / sum(seconds) < 0.9
    assert works.find("2c").limit() == "both"
    assert works.find("2c").limit(machine("H100"), "bf16") == "movement"


def test_the_limits_are_those_that_the_lessons_find():
    found = {key: works.find(key).limit() for key in ("5a", "5b", "5c", "10b", "10c")}
    assert found == {
        "5a": "compute",
        "5b": "movement",
        "5c": "movement",
        "10b": "movement",
        "10c": "compute",
    }
    chip = {work.key: work.limit() for work in works.WORKS if work.lesson == 11}
    assert chip == {"11a": "movement", "11b": "compute", "11c": "movement", "11d": "arrays"}


def test_on_its_own_chip_a_work_has_the_rate_of_its_own_model():
    for key, name in (("11a", "decode"), ("11d", "RNN")):
        assert works.find(key).rate() == START.run(WORKLOADS[name]).flops_per_second
    assert works.find("11d").rate() < 0.1 * works.find("11d").rate(START.machine, "bf16")


def test_attention_in_tiles_does_the_same_work_and_its_whole_is_that_of_the_nests():
    for stored, tiled, n in (("4a", "4b", 512), ("4c", "4d", 4096)):
        one, other = works.find(stored).meters(), works.find(tiled).meters()
        assert one.moved == 4 * 8 * (4 * n * 64 + 4 * n * n)
        assert one.macs == other.macs == 8 * 2 * n * n * 64
        # Q and O once, K and V once for each tile of 128 queries
        assert other.moved == 4 * 8 * n * 64 * (2 + 2 * n // 128)
    whole = dynamic.attention_nests(512, 64, h=8, passes=1).meters()
    assert works.find("4a").meters() == whole


def test_serving_moves_all_weights_for_one_token():
    one = works.find("5b").meters()
    embedding = 32_000 * 4096  # the look-up of one word is left out
    assert one.macs == LLAMA - embedding - 65 * 4096 + 2 * 32 * 512 * 4096
    assert one.memory == 2 * (LLAMA + 2 * 32 * 512 * 4096)


def test_blocks_are_those_of_lesson_6():
    names = [work.name.split()[0] for work in works.WORKS if work.lesson == 6]
    assert names == list(blocks())
    for work, block in zip(
        [w for w in works.WORKS if w.lesson == 6], blocks().values(), strict=True
    ):
        assert work.meters() == block.meters()
        assert work.meters("bf16") == block.meters(2)


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


def test_the_table_says_where_and_how_it_is_counted(capsys):
    works.table(7)
    *_, last = capsys.readouterr().out.splitlines()
    assert last == "7: reference, 1 thread, fp32; as if memory lay behind 32 KiB"
    works.table()
    notes = capsys.readouterr().out.splitlines()[1 + len(works.WORKS) :]
    assert max(map(len, notes)) <= 74
    begun = [line.split(":")[0] for line in notes if not line.startswith(" ")]
    assert begun == [*map(str, range(12)), "both", "arrays"]
    assert any(line.startswith("5: H100 SXM5, bf16; Llama-2 7B") for line in notes)


def test_three_figures():
    given = {1: "1", 999: "999", 1000: "1.00 k", 78_400: "78.4 k", 999_949: "1.00 M"}
    shown = {n: works._three(n).strip() for n in given}
    assert shown == given


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


def test_the_whole_poster_counts_each_work_by_its_own_machine():
    picture = works.poster()
    waiting = sum(work.limit() == "movement" for work in works.WORKS)
    assert picture.title == f"{waiting} of {len(works.WORKS)} works are limited by movement"
    for work in works.WORKS:
        share = work.share()
        here = work.setting
        assert share.in_steps == pytest.approx(work.rate() / here.machine.peak(here.dtype))
        assert share.in_steps <= min(1, share.intensity) * (1 + 1e-9)
    assert "10a: 0.00338 of the ridge, 0.338 % of the peak" in picture.says


def test_the_poster_takes_what_the_roofline_takes():
    assert "dashed, TPU v5e" in works.poster(10, beside=machine("TPU v5e")).says


def test_the_second_line_says_where_and_how():
    assert works.poster(9).second == (
        "Link of 50 GB/s, fp32; one of 8 ranks; 1 MB of gradients round a ring."
    )


def test_earlier_dots_are_small_and_have_no_name():
    picture = works.poster(1, title="A finding")
    assert "z = x + y" not in picture.svg
    assert picture.svg.count('r="2.5"') == 4 + 1  # lesson 0's, and the legend's
    assert "earlier lessons" in picture.svg


def test_dots_that_cross_something_else_stay_in_their_lesson():
    alone = works.poster(9)
    assert 'r="2.5"' not in alone.svg
    others = sum(work.lesson < 10 and work.lesson not in (7, 8, 9) for work in works.WORKS)
    assert works.poster(10).svg.count('r="2.5"') == others + 1


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
