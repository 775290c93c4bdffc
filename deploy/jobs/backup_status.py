"""How the backups of organisations stand: how old, when all was last read and drilled, and what was promised."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass

from coopinfra.deploy.backups.findings import spoken
from coopinfra.deploy.engine.reach import connect
from coopinfra.deploy.jobs.backup import Copies, State, copies, state_of
from coopinfra.deploy.jobs.backup_disk import disk_state, on_disks, wrong_with_disk
from coopinfra.deploy.jobs.drill_receipt import at_place
from coopinfra.deploy.jobs.fleet import on_each
from coopinfra.deploy.organisation.places import organisations
from coopinfra.deploy.organisation.problems import CoopinfraError
from coopinfra.deploy.planning.make import plan_of
from coopinfra.deploy.planning.plan import Plan
from coopinfra.roles.declarations import Kept


@dataclass(frozen=True)
class Promised:
    """One thing that has to be young enough: `age_hours` is None where it has never been."""

    name: str
    age_hours: float | None
    at_most_hours: int | None
    """None where nothing was promised of it."""
    wrong: str
    """What is wrong with it; empty where it is as promised."""

    def __str__(self) -> str:
        """Say how old it is, how old it may be, and what is wrong."""
        if self.age_hours is None:
            return f"{self.name}: {self.wrong or 'not yet'}"
        aged = f"{self.name}: {spoken(self.age_hours)} ago"
        if self.at_most_hours is not None:
            aged += f", {spoken(self.at_most_hours)} at most"
        return f"{aged}: {self.wrong}" if self.wrong else aged


@dataclass(frozen=True)
class Standing:
    """How the backups of a server at one place stand."""

    organisation: str
    server: str
    place: str
    number: int
    bytes: int
    promised: tuple[Promised, ...]

    @property
    def is_broken(self) -> bool:
        """Whether anything is not as promised."""
        return any(each.wrong for each in self.promised)


def standings(names: Iterable[str]) -> tuple[Standing | CoopinfraError, ...]:
    """Look at the backups of some organisations; one that cannot be planned or asked hides no other."""
    found = tuple(_plan(name) for name in names)
    plans = tuple(each for each in found if isinstance(each, Plan))
    asked = on_each(_standing, (pair for plan in plans for pair in _with_backups(plan)))
    alone = (each for plan in plans for each in _without(plan))
    return (*(each for each in found if isinstance(each, CoopinfraError)), *asked, *alone)


def everybody(*, also_without: bool = False) -> tuple[str, ...]:
    """Return the organisations that have backups, and those whose files are wrong, so that they are heard of.

    also_without: those too that have data and no backups
    """
    found = ((name, _plan(name)) for name in organisations())
    return tuple(
        name
        for name, plan in found
        if isinstance(plan, CoopinfraError) or plan.all(Kept) or (also_without and any(_without(plan)))
    )


def _plan(name: str) -> Plan | CoopinfraError:
    try:
        return plan_of(name)
    except CoopinfraError as error:
        return error


def _with_backups(plan: Plan) -> Iterator[tuple[Plan, Copies]]:
    if not plan.all(Kept):
        return
    yield from ((plan, copy) for copy in copies(plan))
    # Where whoever has the disk cannot be planned, that is said once already, of what it keeps.
    with suppress(CoopinfraError):
        yield from ((plan, copy) for copy in on_disks(plan))


def _without(plan: Plan) -> Iterator[Standing]:
    for server in plan.servers:
        if server.data_without_backups:
            wrong = f"nobody keeps a copy of {', '.join(server.data_without_backups)}"
            yield Standing(
                plan.organisation.id, server.server.id, "no place", 0, 0, (Promised("last backup", None, 0, wrong),)
            )


def _standing(pair: tuple[Plan, Copies]) -> Standing:
    plan, copy = pair
    days = copy.kept.drill_days
    state = disk_state(copy) if copy.disk else state_of(copy)
    drill = Promised("last drill", *at_place(plan, state.server, state.place, days))
    return Standing(
        plan.organisation.id,
        state.server,
        state.place,
        state.number,
        state.bytes,
        (*_ages(copy, state), drill),
    )


def _ages(copy: Copies, state: State) -> Iterator[Promised]:
    if copy.disk:
        yield Promised("last copy", state.age_hours, 24 * copy.disk.days, wrong_with_disk(copy, state))
    else:
        yield Promised("last backup", state.age_hours, state.stale_hours, state.wrong)
        yield Promised("last read whole", *_read(copy))


def _read(copy: Copies) -> tuple[float | None, int, str]:
    """Ask the server itself when all of it was read: its keeper cannot read it."""
    limit = Kept.verify_days * 24
    try:
        with connect(copy.target) as connection:
            said = copy.ask(connection, "verified")
    except CoopinfraError as error:
        return None, limit, "; ".join(each.message for each in error.problems)
    age, found = Kept.unread(said, copy.kept.place, time.time())
    return age, limit, found
