"""Who could ever read an organisation's secrets: read from git's history of collective.yml, not only today's list.

A file that was encrypted for somebody once stays readable for them in every clone. So what they could read is rotated
after they leave; to encrypt it anew is not enough.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from pathlib import Path

import yaml

from coopinfra.deploy.organisation.problems import InputError, Problem
from coopinfra.deploy.planning.at_rest import FOLDER


@dataclass(frozen=True)
class Span:
    """A time during which somebody's key was to read the organisation's secrets."""

    login: str
    key: str
    begin: datetime
    end: datetime


def spans(inventories: Path, organisation: str, now: datetime) -> tuple[Span, ...]:
    """Return every time at which anybody was listed for one organisation, by each version of collective.yml.

    Raises InputError where there is no history to read: today's list alone would hide whoever has left.
    """
    versions = list(_versions(inventories))
    if not versions:
        hint = "keep the inventories in git: who could read is known from its history alone"
        raise InputError(Problem(f"there is no git history of `{inventories / 'collective.yml'}`", hint))
    # What was written before the first commit was for whoever that lists.
    begins = [datetime.min.replace(tzinfo=UTC), *(moment for moment, _ in versions[1:])]
    ends = [*begins[1:], now]
    return tuple(
        span
        for begin, end, (_, text) in zip(begins, ends, versions, strict=True)
        for span in _listed(text, organisation, begin, end)
    )


def could_read(spans_: tuple[Span, ...], created: datetime, readers: tuple[str, ...]) -> dict[str, str]:
    """Return key -> login of those who could read a value since it was made, and may not any more."""
    return {span.key: span.login for span in spans_ if span.end >= created and span.key not in readers}


def ever_there(folder: Path) -> frozenset[str]:
    """Return the places of all secrets that an organisation's folder ever had, as far as git knows."""
    listed = ("log", "--full-history", "--diff-filter=A", "--no-renames", "--format=", "--name-only", "--relative")
    names = _git(folder, *listed, "--", FOLDER).splitlines()
    return frozenset(name[len(FOLDER) + 1 : -len(".age")] for name in names if name.endswith(".age"))


def _versions(inventories: Path) -> Iterator[tuple[datetime, str]]:
    """Yield each committed version of collective.yml with its time, the oldest first, and what is not committed."""
    logged = _git(inventories, "log", "--full-history", "--reverse", "--format=%H %ct", "--", "collective.yml")
    for line in logged.splitlines():
        commit, _, moment = line.partition(" ")
        yield datetime.fromtimestamp(int(moment), UTC), _git(inventories, "show", f"{commit}:./collective.yml")


def _listed(text: str, organisation: str, begin: datetime, end: datetime) -> Iterator[Span]:
    try:
        operators = yaml.safe_load(text)["operators"].items()
    except (yaml.YAMLError, AttributeError, KeyError, TypeError):
        return  # a version that was never fit to deploy with, or before there were operators
    for login, each in operators:
        if isinstance(each, dict) and organisation in (each.get("organisations") or [organisation]):
            first, last = _moment(each.get("since"), time.min, begin), _moment(each.get("until"), time.max, end)
            for key in each.get("age_keys") or ():
                if max(first, begin) <= min(last, end):
                    yield Span(str(login), str(key), max(first, begin), min(last, end))


def _moment(day: object, at: time, otherwise: datetime) -> datetime:
    return datetime.combine(day, at, UTC) if isinstance(day, date) else otherwise


def _git(folder: Path, *arguments: str) -> str:
    ran = subprocess.run(["git", "-C", str(folder), *arguments], capture_output=True, text=True, check=False)
    return "" if ran.returncode else ran.stdout
