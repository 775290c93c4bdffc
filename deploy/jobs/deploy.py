"""Brings an organisation's servers to their plan."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from coopinfra.deploy.checks.run import Outcome, run_checks, waiting_checks
from coopinfra.deploy.engine.confirm import WAIT_SECONDS, after_access, anew, confirm, settle
from coopinfra.deploy.engine.connection import Connection
from coopinfra.deploy.engine.converge import ACCESS_STEPS, Origin, converge
from coopinfra.deploy.engine.events import Event, Report
from coopinfra.deploy.engine.lock import Holder, hold, holder_now
from coopinfra.deploy.engine.preflight import preflight
from coopinfra.deploy.engine.preview import Preview, preview
from coopinfra.deploy.engine.pyinfra_run import Operation, Step, on_server, run
from coopinfra.deploy.engine.reach import Target, connect
from coopinfra.deploy.engine.reading import ask_again, read_ahead
from coopinfra.deploy.engine.stop import Stop
from coopinfra.deploy.jobs.fleet import on_each, targets
from coopinfra.deploy.jobs.results import Result, told
from coopinfra.deploy.jobs.sources import find_sources
from coopinfra.deploy.organisation.problems import CoopinfraError
from coopinfra.deploy.planning.plan import Plan, ServerPlan
from coopinfra.roles.declarations import Release
from coopinfra.roles.primitives.bundle import Reveal
from coopinfra.roles.primitives.source import Source


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
    reveal: Reveal | None = field(default=None, repr=False, compare=False)
    """Puts secrets in the place of markers; who only compares has none."""
    origin: Origin | None = None
    only: Release | None = None
    """The one release that is published, where no more than that is wanted."""

    @property
    def pending(self) -> bool:
        """Whether a deploy has anything to do here."""
        if self.only:
            return bool(self.preview.changes)
        noted = Origin(self.preview.commit, self.preview.signed)
        return bool(self.preview.changes) or self.preview.interrupted or self.origin not in (None, noted)


def prepare(
    plan: Plan, report: Report, reveal: Reveal | None = None, origin: Origin | None = None, only: str = ""
) -> tuple[Prepared | CoopinfraError, ...]:
    """Reach every server and compare it with its plan; nothing is touched.

    reveal, origin: what `apply` needs beyond the comparison, see `converge`
    only: the name of the one site whose release is wanted; then no more than its server is reached
    """
    sources = find_sources(plan, report, only)

    def wanted(server: ServerPlan) -> Release | None:
        return next((each for each in server.releases if each.name == only), None)

    def one(pair: tuple[ServerPlan, Target]) -> Prepared:
        server, target = pair
        report(Event("connecting", server.server.id, "connecting"))
        connection = connect(target)
        report(Event("comparing", server.server.id, "comparing"))
        preflight(connection)
        with on_server(connection) as state:
            alone = wanted(server)
            found = preview(state, server, sources, alone)
            return Prepared(server, target, connection, sources, found, reveal, origin, alone)

    return on_each(
        lambda pair: told(lambda: one(pair), pair[0].server.id, report),
        (pair for pair in zip(plan.servers, targets(plan), strict=True) if not only or wanted(pair[0])),
    )


def apply(
    prepared: tuple[Prepared, ...],
    report: Report,
    waits: Waits | None = None,
    *,
    holder: Holder | None = None,
    stop: Stop | None = None,
) -> tuple[Result | CoopinfraError, ...]:
    """Bring every prepared server to its plan, and close the connections.

    stop: once it is asked for, no server begins another step; each of them fails with Stopped
    """
    if not prepared:
        return ()
    # One operator, one run, whatever the number of servers.
    run = _Run(
        holder or holder_now(prepared[0].target.identity.operator.login), report, waits or Waits(), stop or Stop()
    )
    return on_each(lambda server: told(lambda: _apply(server, run), server.plan.server.id, report), prepared)


def decline(prepared: tuple[Prepared, ...], report: Report) -> None:
    """Leave every prepared server as it is."""
    for each in prepared:
        each.connection.close()
        report(Event("result", each.plan.server.id, result={"result": "declined"}))


@dataclass(frozen=True)
class _Run:
    """What all servers of one run share."""

    holder: Holder
    report: Report
    waits: Waits
    stop: Stop


def _apply(server: Prepared, run: _Run) -> Result:
    started = time.monotonic()
    connection, name, report = server.connection, server.plan.server.id, run.report
    try:
        if not server.pending:
            return Result(name, (), _waiting(server), seconds=time.monotonic() - started)
        connection.run_id = run.holder.run
        report(Event("locking", name, "taking the lock"))
        with hold(connection, run.holder, wait=run.waits.lock, orphans=run.waits.orphans, stop=run.stop) as lock:
            reverted = lock.may_be_armed and settle(connection)
            if reverted:
                # With it may have gone the account that this connection is made with, or its sudo.
                server = replace(server, connection=anew(lambda: connect(server.target)))
                server.connection.run_id = run.holder.run

            def step(operation: str, number: int, of: int) -> None:
                # Between a change of access and its confirmation nobody stops: the server would take it back.
                if operation not in ACCESS_STEPS[1:]:
                    run.stop.obey(connection.label, operation)
                # First noted, then said: what somebody has read stands in the journal.
                lock.step(operation)
                report(Event("step", name, operation, number, of))

            try:
                operations = _converge(server, step, run.waits)
            except CoopinfraError as error:
                lock.end(error.kind)
                raise
            result = Result(name, operations, (), lock.interrupted, reverted, changes=server.preview.changes)
            lock.end("done", result.changed)
        report(Event("looking", name, "looking what still waits"))
        return replace(result, waiting=_waiting(server), seconds=time.monotonic() - started)
    finally:
        server.connection.close()
        connection.close()


def _converge(server: Prepared, step: Step, waits: Waits) -> tuple[Operation, ...]:
    begun: list[str] = []
    refused: list[CoopinfraError] = []

    def begin(operation: str, number: int, of: int) -> None:
        step(operation, number, of)
        begun.append(operation)

    def guard() -> None:
        # What a function raises fails its operation, and is swallowed by pyinfra: so the reason is kept here.
        try:
            confirm(server.target)
        except CoopinfraError as error:
            refused.append(error)
            raise

    try:
        with on_server(server.connection) as state:
            if not server.only:
                ask_again(state, server.preview.questions)
            converge(
                server.plan,
                server.sources,
                guard,
                wait=waits.revert,
                reveal=server.reveal,
                origin=server.origin,
                only=server.only,
            )
            read_ahead(state)
            return run(state, begin)
    except CoopinfraError as error:
        if not begun or begun[-1] not in ACCESS_STEPS:
            raise
        cause, shut_out = (refused[0], True) if refused else (error, False)
        raise after_access(server.target, server.connection, cause, shut_out=shut_out, seconds=waits.revert) from None


def _waiting(server: Prepared) -> tuple[Outcome, ...]:
    """Return what is not true yet and waits for somebody."""
    outcomes = run_checks(waiting_checks(server.plan), server.connection)
    return tuple(outcome for outcome in outcomes if outcome.found is not None)
