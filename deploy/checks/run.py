"""Runs the roles' checks on one server and from outside; the same ones in CI, in drills and in production."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from typing import Any

from coopinfra.deploy.checks.outside import Outside
from coopinfra.deploy.engine.connection import Connection
from coopinfra.deploy.organisation.problems import CoopinfraError
from coopinfra.deploy.planning.plan import ServerPlan
from coopinfra.roles.contract import Check
from coopinfra.roles.registry import roles

AT_ONCE = 8
"""Looks from outside at the same time: a browser makes about as many."""


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
    """Run checks and return their outcomes in the same order; one that breaks is red, and the others run.

    Those from outside wait for the world, so they run side by side; those on the server take turns, for it may be small
    and lets in only a few sessions of one connection.
    """
    with ThreadPoolExecutor(AT_ONCE) as outside, ThreadPoolExecutor(1) as on_server:
        place = cache(lambda: _server_host(connection))
        runs = [
            outside.submit(_outcome, role, check, Outside)
            if check.where == "outside"
            else on_server.submit(_outcome, role, check, place)
            for role, check in checks
        ]
        return tuple(run.result() for run in runs)


def _server_host(connection: Connection) -> Any:
    # testinfra takes a moment to import, and some commands look from outside only.
    from coopinfra.deploy.checks.server import server_host

    return server_host(connection)


def _outcome(role: str, check: Check, place: Callable[[], Any]) -> Outcome:
    started = time.monotonic()
    found = _found(check, place())
    return Outcome(role, check.sentence, check.where, found, check.waits_for, time.monotonic() - started)


def _found(check: Check, place: Any) -> str | None:
    try:
        return check.run(place)
    except CoopinfraError:
        raise
    except Exception as error:  # noqa: BLE001 - a check that breaks proves nothing, so it is red, with its reason
        return f"the check broke: {type(error).__name__}: {error}"
