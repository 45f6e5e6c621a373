"""The reuse lens refuses what it cannot show; the widget's test has all that it shows."""

import pytest

from course_utils.draw import lens


@pytest.mark.parametrize(
    "wrong, words",
    [
        (dict(padding=2), "a padding of 0 or 1; got 2"),
        (dict(pixel=(7, 0)), r"the pixels are \(0, 0\) to \(6, 6\); got \(7, 0\)"),
        (dict(pixel="2,3"), "got '2,3'"),
        (dict(taps=8), "a window over 8 pixels does not fit into 7"),
    ],
)
def test_what_it_cannot_show_is_said_in_one_line(wrong, words):
    shown = dict(taps=3, stride=1, padding=0, pixel=(2, 3))
    with pytest.raises(ValueError, match=words) as error:
        lens(**shown | wrong)
    assert "\n" not in str(error.value)
