"""Runs the roles' checks on one server and from outside; the same ones in CI, in drills and in production."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from coopinfra.deploy.checks.outside import Outside
from coopinfra.deploy.engine.connection import Connection
from coopinfra.deploy.organisation.problems import CoopinfraError
from coopinfra.deploy.planning.plan import ServerPlan
from coopinfra.roles.contract import Check
from coopinfra.roles.registry import roles


@dataclass(frozen=True)
class Outcome:
    """One check that was run; `found` is None where its sentence is true, else what was found instead."""

    role: str
    sentence: str
    where: str
    found: str | None
    waits_for: str = ""
    seconds: float = 0.0


def checks_of(plan: ServerPlan) -> tuple[tuple[str, Check], ...]:
    """Return every role's checks, providers first."""
    return tuple((part.role, check) for part in plan.parts for check in roles()[part.role].checks(part))


def waiting_checks(plan: ServerPlan) -> tuple[tuple[str, Check], ...]:
    """Return the checks that may wait for somebody after a deploy that succeeded."""
    return tuple((role, check) for role, check in checks_of(plan) if check.waits_for)


def run_checks(checks: Iterable[tuple[str, Check]], connection: Connection) -> tuple[Outcome, ...]:
    """Run checks one after another; one that breaks is red, and the next one runs."""
    return tuple(_run(checks, connection))


def _run(checks: Iterable[tuple[str, Check]], connection: Connection) -> Iterator[Outcome]:
    places: dict[str, Any] = {"outside": Outside()}
    for role, check in checks:
        if check.where == "server" and "server" not in places:
            from coopinfra.deploy.checks.server import server_host

            places["server"] = server_host(connection)
        started = time.monotonic()
        found = _found(check, places[check.where])
        yield Outcome(role, check.sentence, check.where, found, check.waits_for, time.monotonic() - started)


def _found(check: Check, place: Any) -> str | None:
    try:
        return check.run(place)
    except CoopinfraError:
        raise
    except Exception as error:  # noqa: BLE001 - a check that breaks proves nothing, so it is red, with its reason
        return f"the check broke: {type(error).__name__}: {error}"
