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
from sample_organisation import ORG, write_inventories


@pytest.fixture
def plan_from(tmp_path: Path) -> Callable[..., Plan]:
    """Plan an organisation from the text of its org.yml."""

    def make(text: str = ORG) -> Plan:
        return make_plan(load_org(write_inventories(tmp_path, text) / "highbeam"))

    return make


@pytest.fixture
def plan(plan_from: Callable[..., Plan]) -> Plan:
    return plan_from()


@pytest.fixture
def books(plan: Plan) -> dict[str, Book]:
    """The books of the sample organisation by language."""
    return {book.language: book for book in make_books(plan, zone_text(plan), "2026-03-01 (commit 1a2b3c4d5e6f)")}
