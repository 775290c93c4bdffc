"""The backups of an organisation: made now, listed, read whole, and how old they are, as whoever keeps them says."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from coopinfra.deploy.backups.snapshots import Snapshot, read_snapshots
from coopinfra.deploy.engine.connection import Connection, ServerError
from coopinfra.deploy.engine.reach import Target, connect
from coopinfra.deploy.jobs.fleet import on_each, targets
from coopinfra.deploy.organisation.problems import CoopinfraError, InputError, Problem
from coopinfra.deploy.organisation.words import suggest
from coopinfra.deploy.planning.make import plan_of
from coopinfra.deploy.planning.plan import Plan, ServerPlan
from coopinfra.roles.declarations import Drawer, Kept


@dataclass(frozen=True)
class Copies:
    """What one server keeps of another."""

    server: ServerPlan
    target: Target
    kept: Kept
    disk: Drawer | None = None
    """Where they lie on one that somebody plugs in at that server."""

    def ask(self, connection: Connection, *words: str, script: str = Kept.script) -> str:
        """Run one of the scripts on the server whose backups they are; raise ServerError with what it says."""
        command = shlex.join((script, words[0], self.server.organisation, self.kept.place, *words[1:]))
        return run(connection, command)


@dataclass(frozen=True)
class State:
    """How old the backups of a server at one place are, by the clock of whoever keeps them."""

    server: str
    place: str
    number: int
    bytes: int
    age_hours: float | None
    """None where there is none."""
    stale_hours: int

    @property
    def wrong(self) -> str:
        """What is wrong with them; empty where they are young enough."""
        if self.age_hours is None:
            return "it has never got one"
        return f"the newest came {self.age_hours:.0f} hours ago" if self.age_hours > self.stale_hours else ""


def copies(plan: Plan, server: str = "", place: str = "") -> tuple[Copies, ...]:
    """Return what is kept of each server, or of one at one place; raise InputError where there is nothing."""
    there = tuple(
        Copies(each, target, kept)
        for each, target in zip(plan.servers, targets(plan), strict=True)
        for kept in each.all(Kept)
    )
    if not there:
        raise InputError(
            Problem(f"`{plan.organisation.id}` has no backups", "add `backups: {to: [...]}` to its org.yml")
        )
    _refuse_unknown("server", server, (each.server.server.id for each in there))
    found = tuple(each for each in there if server in ("", each.server.server.id))
    _refuse_unknown("place", place, (each.kept.place for each in found))
    return tuple(each for each in found if place in ("", each.kept.place))


def _refuse_unknown(what: str, name: str, there: Iterable[str]) -> None:
    names = tuple(dict.fromkeys(there))
    if name and name not in names:
        hint = suggest(name, names, "there are")
        raise InputError(Problem(f"there is no {what} `{name}` with these backups", hint))


def one_server(plan: Plan, server: str = "", place: str = "") -> Copies:
    """Return what is kept of one server, at its first place unless another is named."""
    return of_one_server(copies(plan, server, place))


def of_one_server(found: tuple[Copies, ...]) -> Copies:
    """Return the first of them; raise InputError where they are of several servers."""
    names = tuple(dict.fromkeys(each.server.server.id for each in found))
    if len(names) > 1:
        raise InputError(Problem("several servers have backups", f"name one with `--server`: {', '.join(names)}"))
    return found[0]


def now(plan: Plan, server: str = "") -> tuple[str | CoopinfraError, ...]:
    """Make a backup of each server and wait for it; return what was done, each in a line."""
    servers = {each.server.server.id: each for each in copies(plan, server)}
    return on_each(_now, servers.values())


def _now(copy: Copies) -> str:
    unit = f"coopinfra-backup@{copy.server.organisation}.service"
    # One that runs already may have copied its databases hours ago: it is waited for, and another begins.
    waits = f'[ "$(systemctl is-active {unit})" != activating ] || systemctl start {unit} || true'
    since = "date +%s >/run/coopinfra-backup-asked"
    said = f"journalctl --quiet --unit={unit} --output=cat --since=@$(cat /run/coopinfra-backup-asked)"
    with connect(copy.target) as connection:
        answer = connection.run(f"{waits}; {since}; systemctl start {unit} && {said} || {{ {said} >&2; exit 1; }}")
    lines = (answer.err if answer.code else answer.out).splitlines()
    if answer.code:
        own = [line for line in lines if not line.startswith((unit, "pam_unix", "Starting ", "Failed to start"))]
        told = "; ".join(own[-3:]) or "its journal says nothing"
        hint = f"`journalctl --unit {unit}` on it"
        raise ServerError(Problem(f"{copy.target.label}: the backup failed: {told}", hint))
    # Once each, should the one that was waited for have ended within this second.
    sent = dict.fromkeys(line.removeprefix("sent to ") for line in lines if line.startswith("sent to "))
    left = [f"\n  {line}" for line in lines if line.startswith("not kept: ")]
    hint = "\n  name it under `also`, or the link under `leave_out`" if left else ""
    return f"{copy.server.server.id}: sent to {', '.join(sent)}{''.join(left)}{hint}"


def snapshots(plan: Plan, server: str = "") -> tuple[tuple[Snapshot, ...] | CoopinfraError, ...]:
    """List the backups of each server at each place."""
    return on_each(snapshots_at, copies(plan, server))


def snapshots_at(copy: Copies) -> tuple[Snapshot, ...]:
    """List the backups of one server at one place; the server itself is asked, for only it can read them."""
    with connect(copy.target) as connection:
        return read_snapshots(copy.ask(connection, "list"), copy.server.server.id, copy.kept.place)


def verify(plan: Plan, server: str = "", *, whole: bool = False) -> tuple[str | CoopinfraError, ...]:
    """Read a seventh of every server's backups at each place, another one each day, or the whole; say what was read."""

    def one(copy: Copies) -> str:
        with connect(copy.target) as connection:
            copy.ask(connection, "verify", *(["whole"] if whole else []))
        return f"{copy.server.server.id}: {'all' if whole else 'a seventh'} of what {copy.kept.place} keeps is sound"

    return on_each(one, copies(plan, server))


def state_of(copy: Copies) -> State:
    """Ask whoever keeps the backups of one server."""
    with connect(keeper_of(copy)) as connection:
        return read_state(copy, connection, f"{Kept.keeper} list {copy.kept.repository}")


def read_state(copy: Copies, connection: Connection, command: str) -> State:
    """Read the one line that a command over there says of a server's backups, or nothing where there are none."""
    said = run(connection, command).split()
    at = int(run(connection, "date +%s"))
    number, size = (int(said[2]), int(said[3])) if said else (0, 0)
    age = (at - int(said[1])) / 3600 if number else None
    return State(copy.server.server.id, copy.kept.place, number, size, age, copy.kept.stale_hours)


def newest_at_keeper(copy: Copies) -> datetime | None:
    """Return when the newest backup came, by the clock of whoever keeps it; None where there is none."""
    script = Drawer.script if copy.disk else Kept.keeper
    with connect(keeper_of(copy)) as connection:
        said = run(connection, f"{script} list {copy.kept.repository}").split()
    return datetime.fromtimestamp(int(said[1]), UTC) if said and int(said[2]) else None


def keeper_of(copy: Copies) -> Target:
    """Return how to reach whoever keeps the backups of one server."""
    plan = plan_of(copy.kept.organisation)
    return next(target for target in targets(plan) if target.server.id == copy.kept.server)


def run(connection: Connection, command: str) -> str:
    """Run a command as root and return what it prints; raise ServerError with what it says where it fails."""
    answer = connection.run(command)
    if answer.code:
        said = "; ".join(_lines(answer.err))[-400:] or "it said nothing"
        raise ServerError(Problem(f"{connection.label}: {said}", f"it was asked to `{command}`"))
    return answer.out


def _lines(text: str) -> Iterator[str]:
    return (line.strip() for line in text.splitlines() if line.strip())
