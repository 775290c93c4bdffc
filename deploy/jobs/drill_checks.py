"""What a drill asks of a server that came back: the roles' own checks, and every page that the world would see."""

from __future__ import annotations

import json
from collections.abc import Iterator

from coopinfra.deploy.backups.findings import Finding
from coopinfra.deploy.lab import lab as labs
from coopinfra.deploy.planning.plan import ServerPlan
from coopinfra.roles.declarations import Website

NOT_THERE = ("base", "backups", "backup-server", "certificates")
"""Roles whose checks speak of the world around, which a box without a way out has not."""


def of_checks(said: str, server: str) -> Iterator[Finding]:
    """Turn what `check --json` prints into sentences, but for what only the world outside can make true."""
    try:
        found = json.loads(said)
    except ValueError:
        yield Finding("the server that came back can be checked", "`check` said nothing")
        return
    for each in found:
        if each["server"] == server:
            for one in each["checks"]:
                if one["role"] not in NOT_THERE:
                    yield Finding(one["sentence"], one["found"] or "")


def of_pages(lab: labs.Lab, plan: ServerPlan) -> Iterator[Finding]:
    """Ask for the start page of every site, as a visitor would; its certificate may be one of the box's own."""
    for site in plan.all(Website):
        asked = ("curl", "--silent", "--insecure", "--output", "-", "--write-out", "\n%{http_code}", "--max-time", "20")
        done = labs.run(lab, (*asked, f"https://{site.domain}/"))
        body, _, code = done.stdout.rpartition("\n")
        well = code in ("200", "401") and body.strip()
        yield Finding(f"https://{site.domain}/ shows its page", "" if well else f"it answers with {code}")
