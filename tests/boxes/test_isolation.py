"""Two organisations on one machine: what a program of one site tries at another's, and never gets."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

import isolation
from attempts import BY_PHP, BY_PROGRAMS
from boxes import Operator, machines
from documented import assert_documented
from isolation import ATTACKERS
from test_shared import OWNER, SHARED1, TENANTS, Sharing

pytestmark = pytest.mark.timeout(900)

APPS = Path(__file__).parent / "apps"
ORGANISATION = """\
name: NAME
domain: NAME.example
contacts: [{name: Rosa Ibarra, does: decides}]
servers:
  web:
    machine: lantern/shared1
    roles:
      website:
        sites:
          tools:
            domain: tools.NAME.example
            kind: php
            source: {folder: tools}
            writable: [uploads]
            database: mariadb
          letters:
            domain: letters.NAME.example
            kind: python
            source: {folder: apps/letters}
            asgi: letters:app
            health: /release
"""
SHOP = """\
          shop:
            domain: shop.birch.example
            kind: python
            source: {folder: apps/shop}
            wsgi: shop:application
            health: /release
            migrate: python shop.py migrate
            postgresql: shop
            valkey: shop
            preview_password: true
            secrets: {PAYMENT_TOKEN: random}
            jobs:
              count: {command: python shop.py count, at: daily}
      backups: {to: [collective/vault1]}
"""
KEEPER = """\
name: Sister Co-op
domain: sister.example
contacts: [{name: Ada Moreno, does: decides}]
servers:
  vault1:
    address: 203.0.113.20
    roles:
      backup-server: {keeps: [birch/web]}
"""


@pytest.fixture(scope="module")
def operator(lab):
    """A machine that two organisations share, each with what the other could want."""
    at = Sharing(Operator(lab))
    at.write("lantern", OWNER.replace("{memory_megabytes: 256}", "{}"))
    for name, more in zip(TENANTS, ("", SHOP), strict=True):
        at.write(name, ORGANISATION.replace("NAME", name) + more)
        folder = lab.inventories / name
        shutil.copytree(APPS, folder / "apps")
        (folder / "tools").mkdir()
        (folder / "tools/index.php").write_text('<?php if (isset($_POST["code"])) eval($_POST["code"]); ?>tools\n')
    with machines(lab) as make:
        sharing = Sharing(make(SHARED1))
        # No machine: what counts is what a backup leaves open here before it is sent.
        sharing.write("collective", KEEPER)
        sharing.operator.ok("secrets", "generate", "collective")
        for name in ("lantern", *TENANTS):
            sharing.publish(name)
            sharing.deploy(name)
        sharing.operator.outside("curl", "-sS", "https://tools.birch.example/")
        isolation.prepare(sharing.operator)
        yield sharing.operator


REFUSED, WORKS = "refused", "**works**"


def test_nothing_works_that_a_site_tries_at_another_of_its_organisation_or_of_a_neighbours(operator, record):
    worked = {who: isolation.in_the_sandbox(operator, who) for who in ATTACKERS}
    worked["PHP"] = isolation.in_php(operator)
    alone = [isolation.as_the_user(operator, who) for who in ATTACKERS]
    by_php = isolation.as_the_user_of_php(operator)

    rows = {each.sentence: WORKS if each.sentence in alone[0] else REFUSED for each in BY_PROGRAMS}
    rows |= {f"by PHP: {each.sentence}": WORKS if each.sentence in by_php else REFUSED for each in BY_PHP}
    said = table(rows)
    sys.stderr.write(said)
    assert [(who, sentence) for who, sentences in worked.items() for sentence in sentences] == []
    assert alone[0] == alone[1], "to whom they belong makes no difference"
    assert_documented("isolation", said, record=record)


def test_each_of_them_works_once_its_hole_is_made(operator):
    assert isolation.with_holes(operator) == []


def table(rows):
    lines = ("| tried at another's site | its user, without the sandbox | the site |", "|---|---|---|")
    return "\n".join((*lines, *(f"| {tried} | {alone} | {REFUSED} |" for tried, alone in rows.items()))) + "\n"
