"""Brings an organisation's servers to their plan."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from coopinfra.deploy.checks.run import Outcome, run_checks, waiting_checks
from coopinfra.deploy.engine.confirm import WAIT_SECONDS, confirm, is_armed, settle, wait_for_revert
from coopinfra.deploy.engine.connection import Connection
from coopinfra.deploy.engine.converge import ACCESS_STEPS, NOTES, converge
from coopinfra.deploy.engine.lock import Holder, Interrupted, hold, holder_now
from coopinfra.deploy.engine.preflight import preflight
from coopinfra.deploy.engine.preview import Preview, preview
from coopinfra.deploy.engine.pyinfra_run import Operation, on_server, run
from coopinfra.deploy.engine.reach import Target, connect
from coopinfra.deploy.engine.reading import read_ahead
from coopinfra.deploy.jobs.fleet import on_each, targets
from coopinfra.deploy.organisation.problems import CoopinfraError, InputError, Problem
from coopinfra.deploy.planning.plan import Plan, ServerPlan
from coopinfra.roles.declarations import Release
from coopinfra.roles.primitives.source import Source, SourceError, find_source

Report = Callable[[str, str], None]
"""Called with a server's name and what happens there now."""


@dataclass(frozen=True)
class Waits:
    """The waits of a deploy, in seconds; tests set short ones."""

    lock: float = 0
    orphans: float = 120
    revert: int = WAIT_SECONDS


@dataclass(frozen=True)
class Prepared:
    """A server that was reached and compared with its plan, still connected."""

    plan: ServerPlan
    target: Target
    connection: Connection = field(repr=False)
    sources: Mapping[Release, Source]
    preview: Preview

    @property
    def pending(self) -> bool:
        """Whether a deploy has anything to do here."""
        return bool(self.preview.changes) or self.preview.interrupted


@dataclass(frozen=True)
class Result:
    """What a deploy did on one server."""

    server: str
    operations: tuple[Operation, ...]
    waiting: tuple[Outcome, ...]
    interrupted: tuple[Interrupted, ...] = ()
    reverted_first: bool = False
    seconds: float = 0

    @property
    def changed(self) -> tuple[str, ...]:
        """The operations that changed something."""
        return tuple(each.name for each in self.operations if each.changed and each.name not in NOTES)


def find_sources(plan: Plan) -> dict[Release, Source]:
    """Read or fetch the files of every site; raise InputError that lists all that cannot be had."""
    sources, problems = {}, []
    for release in plan.all(Release):
        try:
            sources[release] = find_source(release, Path(plan.folder))
        except SourceError as error:
            message, _, hint = str(error).partition("|")
            problems.append(Problem(message, hint))
    if problems:
        raise InputError(*problems)
    return sources


def prepare(plan: Plan, report: Report) -> tuple[Prepared | CoopinfraError, ...]:
    """Reach every server and compare it with its plan; nothing is touched."""
    sources = find_sources(plan)

    def one(pair: tuple[ServerPlan, Target]) -> Prepared:
        server, target = pair
        report(server.server.id, "connecting")
        connection = connect(target)
        report(server.server.id, "comparing")
        preflight(connection)
        with on_server(connection) as state:
            return Prepared(server, target, connection, sources, preview(state, server, sources))

    return on_each(one, zip(plan.servers, targets(plan), strict=True))


def apply(
    prepared: tuple[Prepared, ...], report: Report, waits: Waits | None = None
) -> tuple[Result | CoopinfraError, ...]:
    """Bring every prepared server to its plan, and close the connections."""
    if not prepared:
        return ()
    # One operator, one run, whatever the number of servers.
    holder = holder_now(prepared[0].target.identity.operator.login)
    return on_each(lambda server: _apply(server, holder, report, waits or Waits()), prepared)


def _apply(server: Prepared, holder: Holder, report: Report, waits: Waits) -> Result:
    started = time.monotonic()
    connection, name = server.connection, server.plan.server.id
    try:
        if not server.pending:
            return Result(name, (), _waiting(server), seconds=time.monotonic() - started)
        connection.run_id = holder.run
        with hold(connection, holder, wait=waits.lock, orphans=waits.orphans) as lock:
            reverted = settle(connection)
            if reverted:
                # With it may have gone the account that this connection is made with, or its sudo.
                server = replace(server, connection=connect(server.target))
                server.connection.run_id = holder.run

            def step(operation: str) -> None:
                # First noted, then said: what somebody has read stands in the journal.
                lock.step(operation)
                report(name, operation)

            try:
                operations = _converge(server, step, waits)
            except CoopinfraError as error:
                lock.end(error.kind)
                raise
            lock.end("done")
        report(name, "looking what still waits")
        return Result(name, operations, _waiting(server), lock.interrupted, reverted, time.monotonic() - started)
    finally:
        server.connection.close()
        connection.close()


def _converge(server: Prepared, step: Callable[[str], None], waits: Waits) -> tuple[Operation, ...]:
    begun: list[str] = []
    refused: list[CoopinfraError] = []

    def begin(operation: str) -> None:
        begun.append(operation)
        step(operation)

    def guard() -> None:
        # What a function raises fails its operation, and is swallowed by pyinfra: so the reason is kept here.
        try:
            confirm(server.target)
        except CoopinfraError as error:
            refused.append(error)
            raise

    try:
        with on_server(server.connection) as state:
            converge(server.plan, server.sources, guard, waits.revert)
            read_ahead(state)
            return run(state, begin)
    except CoopinfraError as error:
        if begun and begun[-1] in ACCESS_STEPS and (refused or is_armed(server.connection)):
            if not refused and _taken_back(server.connection):
                raise
            cause = refused[0] if refused else error
            raise wait_for_revert(server.target, server.connection, cause, seconds=waits.revert) from cause
        raise


def _taken_back(connection: Connection) -> bool:
    """Take a change of access back at once where a step of it failed, if the connection still obeys."""
    try:
        return settle(connection)
    except CoopinfraError:
        return False


def _waiting(server: Prepared) -> tuple[Outcome, ...]:
    """Return what is not true yet and waits for somebody."""
    outcomes = run_checks(waiting_checks(server.plan), server.connection)
    return tuple(outcome for outcome in outcomes if outcome.found is not None)
