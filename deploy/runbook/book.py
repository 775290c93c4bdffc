"""Writes the books from the plan: Markdown first, and from it a page that prints well; the same bytes every time."""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, StrictUndefined

from coopinfra.deploy.runbook.contents import ServerPage, server_pages
from coopinfra.deploy.runbook.drills import drills
from coopinfra.deploy.runbook.page import anchor, as_page
from coopinfra.deploy.runbook.words import TEMPLATES, escape, fill, languages_of_books, words
from coopinfra.roles.declarations import Link
from coopinfra.roles.facts import Contact, Operator

if TYPE_CHECKING:
    from coopinfra.deploy.planning.plan import Collective, Plan

CHAPTERS = ("organisation", "servers", "services", "dns", "files", "rebuild", "without", "secrets", "words")
GLOSSARY = ("certificate", "deploy", "dns", "domain", "host_key", "provider", "release", "role", "unit")


@dataclass(frozen=True)
class Book:
    """One book in one language; `name` is what its files are called, without the ending."""

    language: str
    name: str
    markdown: str
    html: str


def make_books(plan: Plan, zone: str, state: str = "") -> tuple[Book, ...]:
    """Write a book in each of the organisation's languages; the first is the default.

    `zone` is the DNS records as text, `state` says from when org.yml is, if that is known.
    """
    return tuple(
        _book(plan, language, "runbook" if at == 0 else f"runbook.{language}", zone, state)
        for at, language in enumerate(languages_of_books(plan.organisation.languages))
    )


def _book(plan: Plan, language: str, name: str, zone: str, state: str) -> Book:
    said = words(language)

    def say(key: str, **values: str) -> str:
        return fill(said[key], values)

    pages = server_pages(plan, language)
    text = _frame().render(
        say=say,
        reach=_reach,
        organisation=plan.organisation,
        collective=plan.collective,
        links=[link for link in plan.all(Link) if link.for_whom != "operators"],
        people_sections=_people_sections(pages),
        servers=pages,
        drills=tuple(drills(plan, say)),
        zone=zone,
        state=state,
        version=version("coopinfra"),
        chapters=CHAPTERS,
        glossary=sorted(GLOSSARY, key=lambda word: said[f"word_{word}"].lower()),
    )
    markdown = re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"
    return Book(language, name, markdown, as_page(markdown, language))


def _people_sections(pages: tuple[ServerPage, ...]) -> tuple[str, ...]:
    """Return what roles say to people, once each: what they asked for first, what it stands on last."""
    said = [role.people for page in pages for role in reversed(page.roles) if role.people]
    return tuple(dict.fromkeys(said))


def _reach(who: Contact | Operator | Collective) -> str:
    """Say how somebody is reached, the telephone first: it works when all else is down."""
    ways = []
    if who.phone:
        ways.append(f"[{escape(who.phone)}](tel:{re.sub(r'[^+0-9]', '', who.phone)})")
    if who.email:
        ways.append(f"[{escape(who.email)}](mailto:{who.email})")
    return " · ".join(ways) or "-"


def _frame() -> Any:
    environment = Environment(
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701 - Markdown, escaped by `md`; the page that is made of it escapes HTML
    )
    environment.filters |= {"md": escape, "anchor": anchor, "bare": _bare}
    return environment.from_string((TEMPLATES / "frame.md.j2").read_text(encoding="utf-8"))


def _bare(url: str) -> str:
    """Return an address as people say it."""
    return url.removeprefix("https://").rstrip("/")
