"""Puts back what a backup holds: one path, one database, or all of it; and says before what that would overwrite."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field

from coopinfra.deploy.backups.snapshots import Snapshot, choose
from coopinfra.deploy.checks.run import Outcome, checks_of, run_checks
from coopinfra.deploy.engine.reach import connect
from coopinfra.deploy.jobs.backup import Copies, one_server, run, snapshots_at
from coopinfra.deploy.organisation.problems import InputError, Problem
from coopinfra.deploy.planning.plan import Plan
from coopinfra.roles.contract import Table
from coopinfra.roles.declarations import Kept


@dataclass(frozen=True)
class Wish:
    """What somebody wants back: `path`, `database`, both, or neither for all of it; `into` a folder, or in place."""

    path: str = ""
    database: str = ""
    into: str = ""


@dataclass(frozen=True)
class Prepared:
    """A backup that was found, and what is in it, by itself."""

    copies: Copies
    snapshot: Snapshot
    wish: Wish
    files: Mapping[str, int] = field(default_factory=lambda: Table({}))
    """The number of files of each path that it holds."""
    databases: tuple[str, ...] = ()

    @property
    def overwrites(self) -> tuple[str, ...]:
        """What would be put in the place of what is there now, each in a line."""
        if self.wish.into:
            return ()
        if self.wish.path or self.wish.database:
            return tuple(filter(None, (self.wish.path, self.wish.database and f"database {self.wish.database}")))
        return (
            *(f"{path} ({number} files)" for path, number in self.files.items()),
            *(f"database {name}" for name in self.databases),
        )


@dataclass(frozen=True)
class Restored:
    """What was done, in the server's words, and what the checks say since."""

    lines: tuple[str, ...]
    red: tuple[Outcome, ...] = ()


def prepare(plan: Plan, wish: Wish, at: str = "", server: str = "", place: str = "") -> Prepared:
    """Find the backup and read what it holds; nothing is touched. `at`: an id or a time, the newest by default."""
    found = one_server(plan, server, place)
    snapshot = choose(snapshots_at(found), at)
    connection = connect(found.target)
    try:
        said = found.ask(connection, "contents", snapshot.id, script=Kept.restore)
    finally:
        connection.close()
    words = [line.split(" ", 2) for line in said.splitlines()]
    files = {each[2]: int(each[1]) for each in words if each[0] == "files"}
    databases = tuple(each[1] for each in words if each[0] == "database")
    if wish.database:
        wish = Wish(wish.path, _database(wish.database, databases), wish.into)
    return Prepared(found, snapshot, wish, Table(files), databases)


def _database(name: str, there: tuple[str, ...]) -> str:
    """Return what the backup calls a database: people may leave out its engine."""
    found = [each for each in there if name in (each, each.partition("-")[2])]
    if len(found) != 1:
        hint = f"it holds {', '.join(f'`{each}`' for each in there) or 'none'}"
        raise InputError(Problem(f"the backup holds no database `{name}`, or several", hint))
    return found[0]


def restore(prepared: Prepared) -> Restored:
    """Put it back, then look whether the server is well.

    It goes on where the connection is lost: systemd runs it, and a second one is refused meanwhile.
    """
    wish, copies = prepared.wish, prepared.copies
    connection = connect(copies.target)
    try:
        lines: list[str] = []
        for words in _commands(prepared):
            verb, *rest = words
            script = (Kept.restore, verb, copies.server.organisation, copies.kept.place, prepared.snapshot.id, *rest)
            unit = f"--unit=coopinfra-restore@{copies.server.organisation}"
            lines += run(
                connection, shlex.join(("systemd-run", "--quiet", "--collect", "--wait", "--pipe", unit, *script))
            ).splitlines()
        # That a new machine has sent no backup yet says nothing about what came back.
        checks = [pair for pair in checks_of(copies.server) if pair[0] != "backups"]
        outcomes = () if wish.into else run_checks(checks, connection)
    finally:
        connection.close()
    return Restored(tuple(lines), tuple(each for each in outcomes if each.found is not None))


def _commands(prepared: Prepared) -> tuple[tuple[str, ...], ...]:
    wish = prepared.wish
    if wish.into:
        if wish.database:
            stage = f"/var/lib/coopinfra/backups/{prepared.copies.server.organisation}/stage/dumps/{wish.database}"
            return (("extract", wish.into, stage),)
        return (("extract", wish.into, wish.path),)
    single = (
        *((("path", wish.path),) if wish.path else ()),
        *((("database", wish.database),) if wish.database else ()),
    )
    return single or (("all",),)
