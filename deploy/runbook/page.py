"""Makes one self-contained HTML page of a book in Markdown."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

from jinja2 import Environment, StrictUndefined
from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup

from coopinfra.deploy.runbook.words import TEMPLATES

# What divides the people's part from the sysadmin's.
DIVISION = "\n---\n"


def as_page(markdown: str, language: str) -> str:
    """Return the page: no script, no picture, nothing that is fetched from elsewhere."""
    people, sysadmin = markdown.split(DIVISION, 1)
    title = re.sub(r"\\(.)", r"\1", people.splitlines()[0].lstrip("# "))
    frame = Environment(undefined=StrictUndefined, autoescape=True, keep_trailing_newline=True)
    return frame.from_string(_read("page.html.j2")).render(
        language=language,
        title=title,
        style=Markup(_read("book.css")),  # noqa: S704 - our own file
        people=Markup(as_html(people)),  # noqa: S704 - the renderer escapes HTML in Markdown
        sysadmin=Markup(as_html(sysadmin)),  # noqa: S704
    )


def as_html(markdown: str) -> str:
    """Render Markdown; HTML in it is shown as text, and links that could run something are left as text."""
    renderer = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = renderer.parse(markdown)
    _number_headings(tokens)
    return str(renderer.renderer.render(tokens, renderer.options, {}))


def anchor(heading: str) -> str:
    """Return the name under which a heading is linked, the way that forges and editors make it too."""
    plain = re.sub(r"[^\w\- ]", "", heading.strip().lower())
    return plain.replace(" ", "-")


def _number_headings(tokens: Sequence[Token]) -> None:
    seen: dict[str, int] = {}
    for opening, inline in pairwise(tokens):
        if opening.type == "heading_open":
            name = anchor("".join(child.content for child in inline.children or ()))
            seen[name] = seen.get(name, -1) + 1
            opening.attrSet("id", f"{name}-{seen[name]}" if seen[name] else name)


def _read(name: str) -> str:
    return (TEMPLATES / name).read_text(encoding="utf-8")
