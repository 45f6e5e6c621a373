"""Decks of slides that open from a file: HTML with reveal.js and MathJax beside it."""

import re
from pathlib import Path

import jinja2
import mistune
from markupsafe import Markup
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

from ..author.sync import read
from . import web
from .slides import slides

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "build" / "slides"
_REVEAL = "reveal.js/dist/"
_PACKAGED = [
    web.MATHJAX,
    *(_REVEAL + name for name in ("reveal.js", "reveal.css", "plugin/notes.js")),
]
_TEMPLATES = Path(__file__).with_name("templates")


def deck(path, folder=None):
    """Write a lesson's deck, `NN_name.html`, and what it loads, to a folder; its path.

    The folder is `build/slides` if none is given.  ValueError of one line for a tag that is no
    slide type, and for a package that is not there.
    """
    folder, notebook = folder or FOLDER, read(path)
    columns = _columns(slides(path, notebook))
    web.bring(_PACKAGED, folder / "assets")
    for name in ("deck.css", "deck.js"):
        (folder / "assets" / name).write_bytes((_TEMPLATES / name).read_bytes())
    target = folder / f"{path.stem}.html"
    page = _environment().get_template("deck.html.j2").render(columns=columns)
    target.write_text(page, encoding="utf-8")
    return target


def _columns(found):
    """Slides in columns, one a heading: [[(slide, the seconds before it), …], …]."""
    columns, start = [], 0
    for slide in found:
        if not slide.again:
            columns.append([])
        columns[-1].append((slide, start))
        start += slide.seconds
    return columns


def _environment():
    loader = jinja2.FileSystemLoader(_TEMPLATES)
    environment = jinja2.Environment(
        loader=loader, autoescape=True, undefined=jinja2.StrictUndefined
    )
    environment.filters |= {
        "markdown": _markdown,
        "inline": _inline,
        "code": _code,
        "clock": _clock,
    }
    return environment


_RENDER = mistune.create_markdown(escape=True, hard_wrap=True, plugins=["table", "math"])
# a blank between a number and its unit, or beside a ×
_UNBROKEN = re.compile(
    r"(?<=\d) (?=(×|%|[kKMGTP]?i?B\b|GB/s|TB/s|FLOP|MAC|[mµn]?s\b))|(?<=×) (?=\d)"
)


def _markdown(text):
    """Markdown as HTML, each line of a paragraph a line of its own, no number without its unit.

    Of HTML it may have what is set lower or higher, as W<sub>K</sub>.
    """
    html = _RENDER(_UNBROKEN.sub("\N{NO-BREAK SPACE}", text))
    return Markup(re.sub(r"&lt;(/?su[bp])&gt;", r"<\1>", html))


def _inline(text):
    """Markdown of a line as HTML without a paragraph around it; "1. " begins no list."""
    text = re.sub(r"^(\d+)\.", r"\1\.", text)
    return Markup(_markdown(text).strip().removeprefix("<p>").removesuffix("</p>"))


def _code(text):
    """Python as HTML; a last line with an arrow, which says what comes out, is no Python."""
    code, arrow, result = text.rpartition("\n→")
    if not arrow:
        code, result = result, ""
    html = highlight(code, PythonLexer(stripnl=False), HtmlFormatter(nowrap=True))
    return Markup(html) + Markup("<b>→{}</b>").format(result) if arrow else Markup(html)


def _clock(seconds):
    """Minutes and seconds, such as 12:05."""
    return f"{seconds // 60}:{seconds % 60:02}"
