"""An organisation on disk, through the front door, and the books that are made of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from coopinfra.deploy.dns.zone import zone_text
from coopinfra.deploy.organisation.load import load_org
from coopinfra.deploy.planning.make import make_plan
from coopinfra.deploy.planning.plan import Plan
from coopinfra.deploy.runbook.book import Book, make_books
from sample import COLLECTIVE, ORG


@pytest.fixture
def plan_from(tmp_path: Path) -> Callable[..., Plan]:
    """Plan an organisation from the text of its org.yml."""

    def make(text: str = ORG) -> Plan:
        folder = tmp_path / "highbeam"
        (folder / "sites/main").mkdir(parents=True, exist_ok=True)
        (folder / "sites/main/index.html").write_text("<p>coffee</p>")
        (folder / "org.yml").write_text(text)
        (tmp_path / "collective.yml").write_text(COLLECTIVE)
        return make_plan(load_org(folder))

    return make


@pytest.fixture
def plan(plan_from: Callable[..., Plan]) -> Plan:
    return plan_from()


@pytest.fixture
def books(plan: Plan) -> dict[str, Book]:
    """The books of the sample organisation by language."""
    return {book.language: book for book in make_books(plan, zone_text(plan), "2026-03-01 (commit 1a2b3c4d5e6f)")}
