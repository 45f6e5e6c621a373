"""The decks as files and in Chromium: nothing cut off, nothing asked of a network."""

import re
import sys
from contextlib import contextmanager
from functools import cache

import browsing
import pytest

from course_utils.author.__main__ import main
from course_utils.author.sync import NOTEBOOKS, find_notebooks, read
from course_utils.edition import web
from course_utils.edition.deck import deck
from course_utils.edition.slides import slides

WHY_NOT = browsing.missing()
LESSONS = find_notebooks(NOTEBOOKS)
EVERY_LESSON = pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
THERE = (web.PACKAGES / "reveal.js").is_dir() and (web.PACKAGES / web.MATHJAX).is_file()
pytestmark = pytest.mark.skipif(not THERE, reason="reveal.js is not there; run make web")
needs_chromium = pytest.mark.skipif(bool(WHY_NOT), reason=WHY_NOT or "")

CURRENT = "section.present:not(.stack)"
READY = "window.Reveal?.isReady() && window.MathJax?.startup?.promise"
# All slides are laid out at once, and none is made smaller to fit.
MEASURE = """async () => {
    await MathJax.startup.promise;
    Reveal.configure({ viewDistance: 1000 });
    const inside = (whole, part) => part.left >= whole.left - 1 && part.top >= whole.top - 1 &&
        part.right <= whole.right + 1 && part.bottom <= whole.bottom + 1;
    const cut = element => element.scrollWidth > element.clientWidth + 1;
    return Reveal.getSlides().map(slide => {
        slide.style.transform = 'none';
        const whole = slide.getBoundingClientRect(), scale = Reveal.getScale();
        const seen = [...slide.querySelectorAll('h2, .body > *, .body > * > *')];
        const last = Math.max(...seen.map(each => each.getBoundingClientRect().bottom));
        return {
            heading: slide.querySelector('h2').innerText,
            size: [whole.width / scale, whole.height / scale],
            free: (whole.bottom - last) / scale,
            outside: seen.filter(each => !inside(whole, each.getBoundingClientRect())).length,
            cut: [...slide.querySelectorAll('h2, pre, .text')].filter(cut).length,
            zoom: slide.querySelector('.body').style.zoom,
            images: [...slide.querySelectorAll('img')].map(each => [each.naturalWidth, each.alt]),
            formulas: slide.querySelectorAll('.body mjx-container svg').length,
            wrong: slide.querySelectorAll('[data-mjx-error], mjx-merror').length,
            text: [...slide.querySelectorAll('.text, h2')].map(each => each.innerText).join(' '),
            notes: slide.querySelector('aside.notes').textContent,
            seconds: Number(slide.dataset.timing),
        };
    });
}"""


@pytest.fixture(scope="module")
def decks(tmp_path_factory):
    """{stem: the deck's file} of all lessons, in a folder of their own."""
    folder = tmp_path_factory.mktemp("decks")
    return {path.stem: deck(path, folder) for path in LESSONS}


@cache
def planned(path):
    """What is to be on a lesson's slides, a list of `Slide`."""
    return slides(path, read(path))


@pytest.fixture(scope="module")
def chromium(tmp_path_factory):
    with browsing.chromium(tmp_path_factory.mktemp("chromium")) as browser:
        browser.set_default_timeout(browsing.STEP)
        yield browser


@contextmanager
def watched(browser):
    """A page of 1280 × 720; AssertionError if it asked a network for anything, or complained."""
    opened = browser.new_page()
    opened.set_viewport_size({"width": 1280, "height": 720})
    faults = []
    own = ("file:", "data:", "blob:", "about:")
    opened.on("request", lambda request: request.url.startswith(own) or faults.append(request.url))
    opened.on("pageerror", lambda error: faults.append(f"{error}"))
    opened.on("console", lambda said: faults.append(said.text))
    yield opened
    opened.close()
    assert not faults


@pytest.fixture
def page(chromium):
    with watched(chromium) as opened:
        yield opened


def show(page, path, place=""):
    page.goto(f"{path.as_uri()}{place}")
    page.wait_for_function(READY)


@pytest.fixture(scope="module")
def measured(decks, chromium):
    """What Chromium says of the slides of a lesson, a function of its path."""

    @cache
    def measure(path):
        with watched(chromium) as page:
            show(page, decks[path.stem])
            return page.evaluate(MEASURE)

    return measure


@needs_chromium
@EVERY_LESSON
def test_no_slide_is_larger_than_the_screen(path, measured):
    found = measured(path)
    assert len(found) == len(planned(path)) > 40
    for n, slide in enumerate(found):
        where = f"{path.stem}, slide {n + 1}: {slide['heading']}"
        assert slide["size"] == [1280, 720] and slide["zoom"] in ("", "1"), where
        assert not slide["outside"] and not slide["cut"], where
        # the last line clear of the number and the arrows
        assert slide["free"] >= 30, where


@needs_chromium
@EVERY_LESSON
def test_what_is_on_the_slides(path, measured):
    found, start = measured(path), 0
    for n, (slide, plan) in enumerate(zip(found, planned(path), strict=True)):
        where = f"{path.stem}, slide {n + 1}: {slide['heading']}"
        assert slide["seconds"] == plan.seconds, where
        assert slide["notes"].split()[0].startswith(f"{start // 60}:{start % 60:02}–"), where
        assert len(slide["notes"]) > 20 or not plan.notes, where
        pictures = [part for part in plan.parts if part.kind == "picture"]
        assert [alt for _, alt in slide["images"]] == [part.content[1] for part in pictures], where
        assert all(width > 100 and len(alt) > 20 for width, alt in slide["images"]), where
        parts = [part for each in plan.parts for part in [each, *each.beside]]
        shown = " ".join(part.content for part in parts if part.kind == "text")
        shown = re.sub(r"`[^`]*`", "", shown)
        assert slide["formulas"] == len(re.findall(r"\$\$.+?\$\$|\$.+?\$", shown, re.S)), where
        assert not slide["wrong"], where
        # Markdown or TeX that was not understood
        assert not re.search(r"\*\*|\$|\\\(|\]\(|\|---|&\w+;|</?\w+>", slide["text"]), where
        start += plan.seconds


def further(path):
    """The number of the slide Further, from 0."""
    return next(n for n, slide in enumerate(planned(path)) if slide.heading == "Further")


@needs_chromium
def test_a_press_of_a_key_shows_the_next_thing(decks, page):
    path = LESSONS[1]
    show(page, decks[path.stem])
    current = page.locator(CURRENT)
    label = current.locator(".label", has_text="A question for the whole room")
    for _ in range(2 * further(path)):
        if label.count():
            break
        page.keyboard.press("ArrowRight")
    texts = current.locator(".text")
    seen = "each => getComputedStyle(each).visibility"
    assert "(a)" in current.inner_text() and texts.first.evaluate(seen) == "visible"
    assert texts.last.evaluate(seen) == "hidden"
    page.keyboard.press("ArrowRight")
    assert label.count() == 1 and texts.last.evaluate(seen) == "visible"
    assert texts.last.inner_text().startswith("✓ ")


@needs_chromium
def test_right_goes_through_all_and_the_overview_has_a_column_a_heading(decks, page):
    path = LESSONS[1]
    show(page, decks[path.stem])
    headings = [slide.heading for slide in planned(path) if not slide.again]
    seen = "Array.from(document.querySelectorAll('.slides > section'), each => each.querySelector"
    assert page.evaluate(f"{seen}('h2').innerText)") == headings
    visited = []
    for _ in range(3 * len(planned(path))):
        place = page.evaluate("Reveal.getIndices()")
        if (place["h"], place["v"]) not in visited:
            visited.append((place["h"], place["v"]))
        page.evaluate("document.dispatchEvent(new KeyboardEvent('keydown', { keyCode: 39 }))")
    assert len(visited) == len(planned(path)) and visited == sorted(visited)
    page.keyboard.press("Home")
    page.keyboard.press("Escape")
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    heading = page.locator(f"{CURRENT} > h2")
    assert heading.inner_text() == headings[3]
    # opened so, it begins as if it had not been seen
    shown = page.evaluate("document.querySelectorAll('.present .fragment.visible').length")
    assert shown == 0


@needs_chromium
def test_the_speaker_sees_notes_and_the_pace(decks, page):
    path = LESSONS[1]
    show(page, decks[path.stem], "#/1/1")
    with page.context.expect_page() as opened:
        page.keyboard.press("s")
    speaker = opened.value
    speaker.wait_for_function("() => document.body.innerText.includes('People answer')")
    seen = speaker.inner_text("body")
    assert "PACING" in seen and "2:08–" in seen
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    speaker.wait_for_function("() => document.body.innerText.includes('3:08–')")
    speaker.close()


@needs_chromium
def test_a_slide_that_is_too_high_is_shown_smaller(decks, page):
    show(page, decks[LESSONS[1].stem], "#/1")
    page.evaluate("""() => {
        const body = document.querySelectorAll('section .body')[2];
        body.insertAdjacentHTML('beforeend', '<p>line</p>'.repeat(40));
    }""")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    bottom = page.locator(f"{CURRENT} .body").evaluate(
        "body => body.getBoundingClientRect().bottom"
    )
    assert 600 < bottom <= 720


def test_a_deck_needs_what_lies_beside_it_and_nothing_else(decks):
    for stem, path in decks.items():
        html = path.read_text(encoding="utf-8")
        loaded = re.findall(r'(?:src|href)="([^"]+)"', html)
        for each in loaded:
            assert each.startswith("data:image/png;base64,") or (path.parent / each).is_file()
        assert sum(each.startswith("assets/") for each in loaded) == 6, stem
        assert re.search(r"<html lang=\"en\">", html)
    for style in (path.parent / "assets").glob("*.css"):
        text = style.read_text(encoding="utf-8")
        assert not re.search(r"@import|url\(\s*[\"']?(https?:)?//", text), style


# The command


def said(capsys):
    """The one line of error that the command wrote."""
    (line,) = capsys.readouterr().err.splitlines()
    return line


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr("course_utils.edition.deck.FOLDER", tmp_path / "slides")
    return tmp_path / "slides"


def test_the_command_makes_the_decks_that_it_is_told(folder, capsys):
    assert main(["slides", "01", "03"]) == 0
    made = [folder / f"{LESSONS[n].stem}.html" for n in (1, 3)]
    assert sorted(folder.glob("*.html")) == made
    assert capsys.readouterr().out.splitlines() == [f"{path.stem}: {path}" for path in made]


def test_a_lesson_that_does_not_exist_is_one_line(folder, capsys):
    assert main(["slides", "77"]) == 2
    assert said(capsys).startswith("author: there is no notebook '77'; there are 00_three_meters")
    assert not folder.exists()


def test_a_tag_that_is_no_slide_type_is_one_line(folder, capsys, monkeypatch):
    notebook = read(LESSONS[1])
    notebook.cells[3].metadata["tags"] = ["slide:huge"]
    monkeypatch.setattr("course_utils.edition.deck.read", lambda _: notebook)
    assert main(["slides", "01"]) == 1
    assert re.match(r"author: 01_mlp_dense: cell [\w-]+: the tag 'slide:huge' is no", said(capsys))
    assert not folder.exists()


@pytest.mark.parametrize("missing", ["reveal.js", "mathjax"])
def test_a_missing_package_is_one_line(missing, folder, capsys, tmp_path, monkeypatch):
    for package in {"reveal.js", "mathjax"} - {missing}:
        (tmp_path / package).symlink_to(web.PACKAGES / package, target_is_directory=True)
    monkeypatch.setattr(web, "PACKAGES", tmp_path)
    assert main(["slides", "01"]) == 1
    assert said(capsys) == f"author: {missing} is not installed; run make web, which needs npm " \
                           "(Node.js)"  # fmt: skip
    assert not [*folder.glob("*.html")]


@pytest.mark.parametrize("missing", ["mistune", "jinja2", "pygments", "markupsafe"])
def test_a_missing_library_is_one_line(missing, folder, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, missing, None)
    for module in ("deck", "sheet", "lecturer"):
        monkeypatch.delitem(sys.modules, f"course_utils.edition.{module}", raising=False)
    assert main(["slides", "01"]) == 1
    line = said(capsys)
    assert line.startswith(f"author: {missing} is not installed; ") and "--group dev" in line


def test_a_folder_that_cannot_be_written_is_one_line(folder, capsys):
    folder.write_text("in the way")
    assert main(["slides", "01"]) == 1
    assert str(folder) in said(capsys)
