"""The book: its pages, their links, pictures and formulas, as files and in Chromium."""

import contextlib
import json
import re
import shutil
import sys
from html.parser import HTMLParser
from urllib.parse import unquote, urljoin, urlsplit

import browsing
import pytest

from course_utils.author.outline import lessons
from course_utils.author.sync import NOTEBOOKS, read
from course_utils.edition import book as edition
from course_utils.edition import pictures, web
from course_utils.exercises import bank
from course_utils.exercises.kinds import Prediction

WHY_NOT = browsing.missing()
LESSONS = lessons()
MATHJAX = (web.PACKAGES / web.MATHJAX).is_file()
needs_mathjax = pytest.mark.skipif(not MATHJAX, reason="MathJax is not there; run make web")


class Page(HTMLParser):
    """A page as lists of (tag, attributes), with its ids, and its text without programs."""

    def __init__(self, path):
        super().__init__()
        self.path, self.tags, self.ids, self.words, self._inside = path, [], set(), [], []
        self.html = path.read_text(encoding="utf-8")
        self.feed(self.html)
        self.text = " ".join("".join(self.words).split())

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        self.ids |= {value for name, value in attributes if name == "id"}
        if tag in ("pre", "code", "script", "style", "svg"):
            self._inside.append(tag)

    def handle_endtag(self, tag):
        if self._inside and tag == self._inside[-1]:
            self._inside.pop()

    def handle_data(self, data):
        if not self._inside:
            self.words.append(data)

    def all(self, tag, attribute):
        return [each[attribute] for name, each in self.tags if name == tag and attribute in each]


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The folder of the whole book, made once."""
    if not MATHJAX:
        pytest.skip("MathJax is not there; run make web")
    index = edition.book(tmp_path_factory.mktemp("edition") / "book")
    assert index.name == "index.html"
    return index.parent


@pytest.fixture(scope="module")
def pages(site):
    """{path in the site: its `Page`} of all pages."""
    return {path.relative_to(site).as_posix(): Page(path) for path in sorted(site.rglob("*.html"))}


def test_all_pages_are_there_and_in_order(pages):
    stems = [lesson.path.stem for lesson in LESSONS.values()]
    assert len(stems) == 12
    order = [f"{name}.html" for name in ("index", *stems, "glossary")]
    assert {*order, "search.html"} <= set(pages)
    sidebar = re.search(r'<div class="sidebar-tree">.*?</div>', pages["index.html"].html, re.S)[0]
    assert re.findall(r'href="([^"]+)"', sidebar) == order[1:]
    for before, name, after in zip(order, order[1:], [*order[2:], None], strict=False):
        links = dict(re.findall(r'<a class="(\w+)-page" href="([^"]+)"', pages[name].html))
        assert links == {"prev": before} | ({"next": after} if after else {})


def test_the_first_page_says_what_the_course_is(pages):
    readme = (edition.ROOT / "README.md").read_text(encoding="utf-8")
    title, about = readme.split("\n")[0].removeprefix("# "), readme.split("\n\n")[1]
    first = pages["index.html"]
    assert f"<title>{title}</title>" in first.html
    assert " ".join(about.split()) in first.text
    for lesson in LESSONS.values():
        assert f"{lesson.path.stem}.html" in first.all("a", "href")
        assert lesson.title in first.text
    shown = re.sub(r"<[^>]+>", "", first.html)
    assert "make lab makes the environment" in shown and "course 03" in shown


def test_every_link_leads_somewhere(pages, site):
    for name, page in pages.items():
        for link in page.all("a", "href"):
            parts = urlsplit(urljoin(f"file:///{name}", link))
            if parts.scheme != "file":
                assert parts.scheme == "https", f"{name}: {link}"
                continue
            path = unquote(parts.path).removeprefix("/")
            assert (site / path).is_file(), f"{name}: {link}"
            if parts.fragment and path in pages:
                assert unquote(parts.fragment) in pages[path].ids, f"{name}: {link}"


def test_the_glossary_leads_to_the_headings_that_it_names(pages):
    rows = re.findall(
        r'<a[^>]* href="([\w.]+)#([^"]+)"><span[^>]*>(\d+), ([^<]+)<', pages["glossary.html"].html
    )
    source = (NOTEBOOKS / "glossary.md").read_text(encoding="utf-8")
    assert len(rows) == source.count("\n| ") - 1 > 100
    for page, place, number, heading in rows:
        assert page == f"{LESSONS[f'{int(number):02}'].path.stem}.html"
        found = re.search(rf'<section id="{place}">.*?<h\d>(.*?)</h\d>', pages[page].html, re.S)[1]
        assert re.sub(r"<a class=\"headerlink.*|<[^>]+>", "", found).strip() == heading


def test_how_an_exercise_is_checked_is_found_at_its_own_place(pages):
    for number, lesson in LESSONS.items():
        page = pages[f"{lesson.path.stem}.html"]
        checked = [link for link in page.all("a", "href") if f"lesson_{number}.py.html" in link]
        there = [name for name, text in lesson.markdown.items() if "[How it is checked]" in text]
        places = [name.removeprefix("task-").replace("_", "-") for name in there]
        assert [link.split("#")[1] for link in checked] == places and len(places) > 5


def test_below_each_exercise_its_hints_and_its_answer_are_folded(pages):
    for number, lesson in LESSONS.items():
        html = pages[f"{lesson.path.stem}.html"].html
        assert "<details open" not in html and "nothing here yet" not in html
        assert "no bet yet" not in html
        graded = [each for each in bank.of_lesson(number) if not isinstance(each, Prediction)]
        folds = html.split('<div class="folded">')[1:]
        assert len(folds) == len(graded)
        order = [n for n in lesson.markdown if n.startswith("task-")]
        entries = [bank.find(name.removeprefix("task-")) for name in order]
        for entry, fold in zip([e for e in entries if e in graded], folds, strict=True):
            inside = re.sub(r"<[^>]+>", "", fold.split("</div>\n</section>")[0])
            told = [entry.solution().splitlines()[-1], *entry.hints[:1]]
            told += [known.message for known in entry.mistakes[:1]]
            for text in told:
                words = re.findall(r"[A-Za-z]{4,}", text)[:3]
                assert all(word in inside for word in words), f"{entry.name}: {text}"


def test_nothing_comes_from_elsewhere(pages, site):
    for name, page in pages.items():
        loaded = [
            each.get("src") or each.get("href") or ""
            for tag, each in page.tags
            if tag in ("img", "script", "link", "iframe", "source", "object", "video")
        ]
        assert not [where for where in loaded if "//" in where], name
    for style in site.rglob("*.css"):
        text = style.read_text(encoding="utf-8")
        assert not re.search(r"@import|@font-face|url\(\s*[\"']?(https?:)?//", text), style


def test_every_picture_has_words_and_its_width(pages):
    for lesson in LESSONS.values():
        cells = [cell for cell in read(lesson.path).cells if cell.cell_type == "code"]
        wanted = [
            (pictures.alt(lesson.path, cell), str(output.metadata["image/png"]["width"]))
            for cell in cells
            for output in pictures.shown(cell)
        ]
        page = pages[f"{lesson.path.stem}.html"]
        shown = list(zip(page.all("img", "alt"), page.all("img", "width"), strict=True))
        assert shown == wanted and len(shown) > 1
    for name, page in pages.items():
        words = page.all("img", "alt")
        assert len(words) == len(page.all("img", "src")), name
        assert all(" " in alt and not alt.startswith("<") for alt in words), name


def test_widgets_and_measurements_are_marked_and_tags_are_not_seen(pages):
    for number, lesson in LESSONS.items():
        notebook, page = read(lesson.path), pages[f"{lesson.path.stem}.html"]
        found = page.html.count(f"<code>course {number}</code> opens this lesson live")
        assert found == len(pictures.widgets(notebook)) > 0
        measured = [c for c in notebook.cells if "measure" in c.metadata.get("tags", [])]
        assert page.html.count("Measured on the computer") == sum(1 for c in measured if c.outputs)
        assert not re.search(r'class="[^"]*tag_|nbval|In \[|\[\d+\]:', page.html)


def test_no_formula_is_left_as_it_is_written(pages):
    for name, page in pages.items():
        without = re.sub(r"\\\(.*?\\\)|\\\[.*?\\\]", "", page.text)
        assert not re.search(r"\$[^$]*\$|\\[a-z]{3,}", without), name


def test_code_is_shown_whole(pages):
    for lesson in LESSONS.values():
        shown = re.sub(r"<[^>]+>", "", pages[f"{lesson.path.stem}.html"].html)
        shown = shown.replace("&quot;", '"').replace("&lt;", "<").replace("&gt;", ">")
        shown = shown.replace("&#39;", "'").replace("&amp;", "&")
        for cell in read(lesson.path).cells:
            if cell.cell_type == "code":
                assert cell.source.strip() in shown, f"{lesson.path.stem}: {cell.id}"


# In the browser

_FAULTS = """() => [
    ...[...document.images].filter(each => !each.naturalWidth).map(each => each.src),
    ...[...document.images].filter(each => each.naturalWidth < each.width).map(each => 'blurred'),
    ...(document.querySelectorAll('.math').length > document.querySelectorAll('mjx-container svg')
        .length ? ['a formula is not set'] : []),
    ...(document.querySelectorAll('mjx-container').length
        > document.querySelectorAll('mjx-assistive-mml math').length ? ['no MathML'] : []),
    ...document.querySelectorAll('mjx-merror'),
]"""
_WIDE = "() => document.documentElement.scrollWidth > innerWidth"
_SET = "() => !document.querySelector('.math') || document.querySelector('mjx-container')"


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    """A page of Chromium, and a list of what goes wrong in it."""
    if WHY_NOT:
        pytest.skip(WHY_NOT)
    heard = []

    def note(request):
        if not request.url.startswith(("file:", "data:")):
            heard.append(f"asks for {request.url}")

    with browsing.chromium(tmp_path_factory.mktemp("chromium")) as context:
        page = context.new_page()
        page.set_default_timeout(browsing.STEP)
        page.on("request", note)
        page.on("pageerror", lambda error: heard.append(f"{error}"))
        page.on("console", lambda said: heard.append(said.text) if said.type == "error" else None)
        yield page, heard


def test_every_page_opens_from_a_file_on_a_desk_and_on_a_phone(browser, pages, site):
    page, heard = browser
    for name, text in pages.items():
        page.set_viewport_size({"width": 1280, "height": 900})
        page.goto((site / name).as_uri())
        page.wait_for_function(_SET)
        assert page.evaluate(_FAULTS) == [], name
        assert not page.evaluate(_WIDE), f"{name} scrolls sideways at 1280"
        page.set_viewport_size({"width": 375, "height": 800})
        assert not page.evaluate(_WIDE), f"{name} scrolls sideways at 375"
        assert heard == [], name
        assert ("math" in text.html) >= bool(page.locator("mjx-container").count())


def test_search_theme_and_next_page_work(browser, site):
    page, heard = browser
    page.set_viewport_size({"width": 1280, "height": 900})
    page.goto((site / "index.html").as_uri())
    page.locator(".sidebar-search").fill("roofline")
    page.keyboard.press("Enter")
    results = page.locator("#search-results li a")
    results.first.wait_for()
    assert "00_three_meters.html" in results.first.get_attribute("href")
    results.first.click()
    page.locator("article h1").wait_for()
    ground = "() => getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(ground)
    toggle, grounds = page.locator(".theme-toggle:visible").first, set()
    for _ in range(3):
        toggle.click()
        grounds.add(page.evaluate(ground))
    assert light in grounds and len(grounds) == 2
    page.locator("a.next-page").click()
    page.wait_for_url("**/01_mlp_dense.html")
    assert heard == []


def test_an_answer_unfolds(browser, site):
    page, _ = browser
    page.goto((site / "01_mlp_dense.html").as_uri())
    page.wait_for_function(_SET)
    answers = page.locator(".folded details").filter(has=page.get_by_text("Answer", exact=True))
    right = answers.first.get_by_text("2,000 FLOP")
    assert not right.is_visible()
    answers.first.locator("summary").click()
    assert right.is_visible()


def test_on_paper_there_are_the_pages_alone(browser, site):
    page, _ = browser
    page.emulate_media(media="print")
    page.set_viewport_size({"width": 680, "height": 1000})
    page.goto((site / "01_mlp_dense.html").as_uri())
    assert (
        not page.locator(".sidebar-drawer, .toc-drawer, .skip-to-content, footer")
        .locator("visible=true")
        .count()
    )
    too_wide = "() => [...document.querySelectorAll('article pre, article img')]"
    too_wide += ".filter(each => each.scrollWidth > each.clientWidth + 1).length"
    assert page.evaluate(too_wide) == 0
    page.emulate_media(media="screen")


# What goes wrong


@pytest.fixture
def fast(monkeypatch):
    """Makes the sources alone, and one page."""
    monkeypatch.setattr(edition.web, "bring", lambda files, target: target.mkdir(parents=True))
    page = "index.html"
    monkeypatch.setattr(edition, "_run_sphinx", lambda *a: (a[2] / page).write_text("made"))


def small_course(root, *texts):
    """A course of the first cell of lesson 00, of some Markdown, and of an empty glossary."""
    (root / "notebooks").mkdir()
    source = json.loads(LESSONS["00"].path.read_text(encoding="utf-8"))
    cells = source["cells"][:1]
    for number, text in enumerate(texts):
        cells.append({**cells[0], "id": f"cell-{number}", "source": text})
    text = json.dumps({**source, "cells": cells})
    (root / "notebooks" / LESSONS["00"].path.name).write_text(text, encoding="utf-8")
    (root / "notebooks/glossary.md").write_text("# Glossary\n", encoding="utf-8")
    (root / "README.md").write_text("# A course\n\nWhat it is.\n\n## Start\n", encoding="utf-8")
    return root


def fault(target, root=edition.ROOT):
    with pytest.raises(ValueError) as caught:
        edition.book(target, root)
    (line,) = str(caught.value).splitlines()
    return line


def test_a_book_is_replaced_and_nothing_of_it_stays(fast, tmp_path):
    root = small_course(tmp_path)
    target = tmp_path / "new/book"
    assert edition.book(target, root) == target / "index.html"
    (target / "old.html").write_text("old")
    edition.book(target, root)
    assert not (target / "old.html").exists() and (target / "index.html").is_file()
    assert list(target.parent.iterdir()) == [target]


def test_an_empty_folder_is_taken_and_no_other(fast, tmp_path):
    root = small_course(tmp_path)
    target = tmp_path / "mine"
    target.mkdir()
    edition.book(target, root)
    shutil.rmtree(target)
    target.mkdir()
    (target / "thesis.txt").write_text("years of work")
    assert "was not made by make book" in fault(target, root)
    assert (target / "thesis.txt").read_text() == "years of work"
    assert "was not made by make book" in fault(target / "thesis.txt", root)
    with contextlib.suppress(ValueError):
        edition.book(target / "thesis.txt/book", root)
    assert (target / "thesis.txt").read_text() == "years of work"


def test_a_failed_build_leaves_the_old_book(fast, tmp_path, monkeypatch):
    root = small_course(tmp_path)
    index = edition.book(tmp_path / "book", root)

    def fail(*_):
        raise ValueError("no")

    monkeypatch.setattr(edition, "_run_sphinx", fail)
    assert fault(tmp_path / "book", root) == "no"
    assert index.read_text() == "made"
    assert {path.name for path in tmp_path.iterdir()} == {"book", "notebooks", "README.md"}


@pytest.mark.parametrize("name", ["sphinx", "myst_nb", "furo"])
def test_a_program_that_is_missing_is_named(name, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, name, None)
    line = fault(tmp_path / "book")
    assert line.startswith(f"{name} is not installed") and "pip install --group dev" in line


def test_missing_mathjax_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(web, "PACKAGES", tmp_path / "none")
    assert "make web" in fault(tmp_path / "book")


@pytest.mark.parametrize("link", ["gone.ipynb", "../data/none.csv", "../../etc", "."])
def test_a_link_to_no_file_is_named_with_its_lesson(fast, link, tmp_path):
    line = fault(tmp_path / "book", small_course(tmp_path, f"[there]({link})"))
    assert line.startswith("00_three_meters.ipynb: ") and link in line


def test_links_in_code_and_formulas_are_none(fast, tmp_path):
    text = "`a[0](gone)` $f[t](x)$\n\n```python\na[0](gone)\n```"
    edition.book(tmp_path / "book", small_course(tmp_path, text))


@needs_mathjax
def test_what_sphinx_complains_about_is_named_with_its_cell(tmp_path):
    root = small_course(tmp_path, "Fine.", "[there](#nowhere)")
    line = fault(tmp_path / "book", root)
    assert line.startswith("the book: 00_three_meters: cell cell-1: ") and "nowhere" in line
    assert not (tmp_path / "book").exists()
