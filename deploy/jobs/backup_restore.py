"""Puts back what a backup holds, all or a part of it, and says before what that would overwrite."""

from __future__ import annotations

import shlex
from dataclasses import dataclass

from coopinfra.deploy.backups.contents import Contents, Wish, read_contents, refuse_older
from coopinfra.deploy.backups.snapshots import Snapshot, choose
from coopinfra.deploy.checks.run import Outcome, checks_of, run_checks
from coopinfra.deploy.engine.connection import Connection
from coopinfra.deploy.engine.reach import connect
from coopinfra.deploy.jobs.backup import Copies, one_server, run, snapshots_at
from coopinfra.deploy.planning.plan import Plan
from coopinfra.roles.declarations import Kept


@dataclass(frozen=True)
class Prepared:
    """A backup that was found, and what is in it, by itself."""

    copies: Copies
    snapshot: Snapshot
    wish: Wish
    contents: Contents
    wanted: tuple[tuple[str, str], ...]
    """`path` or `database`, and which one."""

    @property
    def overwrites(self) -> tuple[str, ...]:
        """What would be put in the place of what is there now, each in a line."""
        return () if self.wish.into else tuple(self._told(*each) for each in self.wanted)

    def _told(self, kind: str, name: str) -> str:
        if kind == "database":
            return f"database {name}"
        return f"{name} ({self.contents.files[name]} files)" if name in self.contents.files else name


@dataclass(frozen=True)
class Restored:
    """What was done, in the server's words, and what the checks say since."""

    lines: tuple[str, ...]
    red: tuple[Outcome, ...] = ()


def prepare(plan: Plan, wish: Wish, at: str = "", server: str = "", place: str = "") -> Prepared:
    """Find the backup and read what it holds; nothing is touched. `at`: an id or a time, the newest by default."""
    found = one_server(plan, server, place)
    snapshot = choose(snapshots_at(found), at)
    with connect(found.target) as connection:
        said = found.ask(connection, "contents", snapshot.id, script=Kept.restore)
    contents = read_contents(said)
    if len(contents.releases) == 2:
        refuse_older(found.target.label, *contents.releases)
    return Prepared(found, snapshot, wish, contents, contents.wanted(wish))


def restore(prepared: Prepared) -> Restored:
    """Put it back, then look whether the server is well.

    It goes on where the connection is lost: systemd runs it, and a second one is refused meanwhile.
    """
    with connect(prepared.copies.target) as connection:
        return judged(connection, prepared, run_script(connection, prepared.copies.kept.place, prepared))


def judged(connection: Connection, prepared: Prepared, lines: tuple[str, ...]) -> Restored:
    """Look whether the server is well now."""
    # That a new machine has sent no backup yet says nothing about what came back.
    checks = [pair for pair in checks_of(prepared.copies.server) if pair[0] != "backups"]
    outcomes = () if prepared.wish.into else run_checks(checks, connection)
    return Restored(lines, tuple(each for each in outcomes if each.found is not None))


def run_script(connection: Connection, place: str, prepared: Prepared) -> tuple[str, ...]:
    """Put back from a place, or from a folder that holds a backup; return what was done, each in a line."""
    verb, *rest = _words(prepared)
    organisation = prepared.copies.server.organisation
    unit = ("systemd-run", "--quiet", "--collect", "--wait", "--pipe", f"--unit=coopinfra-restore@{organisation}")
    clears = f"--property=OnFailure=coopinfra-restore-clear@{organisation}.service"
    script = (Kept.restore, verb, organisation, place, prepared.snapshot.id, *rest)
    return tuple(run(connection, shlex.join((*unit, clears, *script))).splitlines())


def _words(prepared: Prepared) -> tuple[str, ...]:
    wish = prepared.wish
    if wish.is_all:
        return ("extract", wish.into) if wish.into else ("all",)
    if wish.into:
        dumps = f"{Kept.stage.format(prepared.copies.server.organisation)}/dumps"
        paths = (f"{dumps}/{name}" if kind == "database" else name for kind, name in prepared.wanted)
        return ("extract", wish.into, *paths)
    return ("some", *(word for each in prepared.wanted for word in each))
