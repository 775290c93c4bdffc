"""The books of the sample organisation."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from urllib.parse import unquote

import pytest

from book_reading import Page, jargon_in, people_part, sentences
from commands_exist import commands_in, problems_with
from coopinfra.deploy.dns.zone import zone_text
from coopinfra.deploy.planning.plan import Plan
from coopinfra.deploy.runbook.book import Book, make_books
from coopinfra.deploy.runbook.page import as_html
from coopinfra.roles.contract import File
from coopinfra.roles.declarations import Link, Record, Vhost
from sample_organisation import ORG

BOTH = pytest.mark.parametrize("language", ["en", "es"])


def test_the_first_language_is_the_default_book(plan_from: Callable[..., Plan]) -> None:
    plan = plan_from(ORG.replace("[en, es]", "[es, en]"))

    books = make_books(plan, zone_text(plan))

    assert [(book.language, book.name) for book in books] == [("es", "runbook"), ("en", "runbook.en")]
    assert books[0].markdown.startswith("# High Beam Coffee Roasters: lo que tienen")


@BOTH
def test_people_find_what_they_need_in_plain_words(books: dict[str, Book], language: str) -> None:
    text = people_part(books[language].markdown)
    lengths = [len(sentence.split()) for sentence in sentences(text)]

    assert sum(lengths) / len(lengths) <= 18
    assert jargon_in(text) == []
    for needed in ("www.highbeam.example", "+1 555 0142", "Rosa Ibarra", "2027-03-01", "14 EUR"):
        assert needed in text


@BOTH
def test_the_people_s_part_fits_one_sheet(books: dict[str, Book], language: str) -> None:
    lines = [line for line in people_part(books[language].markdown).splitlines() if line]

    # Measured with a browser: about 66 printed lines of 105 characters fill a sheet of A4; headings take two.
    printed = sum(1 + len(line) // 105 + (line.startswith("#")) for line in lines)
    assert printed <= 66


@BOTH
def test_nothing_that_the_plan_knows_is_left_out(books: dict[str, Book], plan: Plan, language: str) -> None:
    text = books[language].markdown
    known = {plan.organisation.domain, plan.collective.name}
    for server in plan.servers:
        known |= {server.server.host_name, *server.server.addresses, *server.packages}
        known |= {part.role for part in server.parts}
        known |= {each.path for each in server.files}
        known |= {unit.name for unit in server.units} | {user.name for user in server.users}
    known |= {name for vhost in plan.all(Vhost) for name in vhost.names}
    known |= {record.name for record in plan.all(Record)} | {link.url for link in plan.all(Link)}

    assert len(known) > 40
    assert sorted(each for each in known if each not in text) == []


@BOTH
def test_every_role_speaks_to_the_sysadmin(books: dict[str, Book], plan: Plan, language: str) -> None:
    on = {"en": "on", "es": "en"}[language]

    for server, part in plan.walk():
        _, _, after = books[language].markdown.partition(f"\n### {part.role} {on} {server.server.id}\n")
        assert len(re.split(r"\n##? ?#? ", after)[0].strip()) > 100, part.role


@BOTH
def test_nothing_is_left_to_fill_in(books: dict[str, Book], language: str) -> None:
    for text in (books[language].markdown, books[language].html):
        assert re.findall(r"{{|}}|{%|TODO|FIXME|Undefined|None\b", text) == []


def test_a_book_has_the_same_bytes_every_time(plan: Plan) -> None:
    first, second = (make_books(plan, zone_text(plan), "2026-03-01") for _ in range(2))

    assert first == second
    assert first != make_books(plan, zone_text(plan), "2026-03-02")


@BOTH
def test_the_page_needs_nothing_else_and_its_links_lead_somewhere(books: dict[str, Book], language: str) -> None:
    page = Page(books[language].html)

    assert page.language == language
    assert page.fetched == []
    assert not {"script", "iframe", "img", "link"} & set(page.tags)
    inside = [unquote(link[1:]) for link in page.links if link.startswith("#")]
    assert len(inside) >= 9
    assert set(inside) <= set(page.ids)
    outside = [link for link in page.links if not link.startswith("#")]
    assert all(re.match(r"https://|mailto:|tel:\+", link) for link in outside), outside
    assert len(page.ids) == len(set(page.ids))


@BOTH
def test_headings_go_down_one_step_at_a_time(books: dict[str, Book], language: str) -> None:
    levels = Page(books[language].html).headings

    assert levels[:2] == [1, 2]
    assert all(below <= above + 1 for above, below in pairwise(levels)), levels


@BOTH
def test_every_command_of_ours_exists(books: dict[str, Book], language: str) -> None:
    commands = commands_in(books[language].markdown)

    assert len(commands) >= 12
    assert {command: problems_with(command) for command in commands if problems_with(command)} == {}


def test_what_somebody_else_wrote_is_shown_and_not_obeyed(plan_from: Callable[..., Plan]) -> None:
    nasty = "<script>alert(1)</script> *x* | [c](javascript:alert(1))"
    plan = plan_from(ORG.replace("name: High Beam Coffee Roasters", f"name: '{nasty}'"))

    (book, _) = make_books(plan, zone_text(plan))

    assert "<script>" not in book.html
    assert "&lt;script&gt;alert(1)&lt;/script&gt; *x* | [c](javascript:alert(1))" in book.html
    assert 'href="javascript' not in book.html
    assert "<p>&lt;b&gt;" in as_html("<b>bold</b>")


def test_a_pinned_key_is_shown_as_ssh_shows_it(plan: Plan) -> None:
    blob = base64.b64encode(b"the key")
    (Path(plan.folder) / "known_hosts").write_text(
        f"203.0.113.1 ssh-rsa AAAA\n203.0.113.10 ssh-ed25519 {blob.decode()}\n"
    )
    digest = base64.b64encode(hashlib.sha256(b"the key").digest()).decode().rstrip("=")

    (book, _) = make_books(plan, zone_text(plan))

    assert f"| ssh-ed25519 `SHA256:{digest}` |" in book.markdown
    assert "ssh-rsa" not in book.markdown


def test_a_key_that_is_not_pinned_is_said_to_be_so(books: dict[str, Book]) -> None:
    assert "not pinned yet; `coopinfra trust highbeam web1`" in books["en"].markdown


def test_every_file_is_listed_with_its_role(books: dict[str, Book], plan: Plan) -> None:
    written = [each for server in plan.servers for each in server.files if isinstance(each, File)]
    rows = re.findall(r"^\| `(/[^`]+)` \| (\S+) \| (\d{4}) \| (\w+) \|$", books["en"].markdown, re.MULTILINE)

    assert {(each.path, f"{each.user}:{each.group}", each.mode) for each in written} <= {row[:3] for row in rows}
    assert {row[3] for row in rows} <= {part.role for _, part in plan.walk()}
