"""The disk in the drawer: what lies on it of a server's backups, while it is plugged in and since it was last.

It is plugged in at a server that keeps backups, whose plan says so: an organisation's own names only that server.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from coopinfra.deploy.engine.reach import connect
from coopinfra.deploy.jobs.backup import Copies, State, copies, keeper_of, read_state, run
from coopinfra.deploy.organisation.problems import InputError, Problem
from coopinfra.deploy.organisation.words import suggest
from coopinfra.deploy.planning.make import plan_of
from coopinfra.deploy.planning.plan import Plan
from coopinfra.roles.declarations import Drawer, Kept


def on_disks(plan: Plan, server: str = "") -> Iterator[Copies]:
    """Yield what lies on disks in drawers of each server, or of one: a place `KEEPER/LABEL` for each disk."""
    for copy in copies(plan, server) if plan.all(Kept) else ():
        for drawer in _drawers(copy):
            # It is as old as the last time that somebody plugged it in.
            stale = copy.kept.stale_hours + 24 * drawer.days
            kept = replace(copy.kept, place=f"{copy.kept.place}/{drawer.label}", stale_hours=stale, is_copy=True)
            yield replace(copy, kept=kept, disk=drawer)


def _drawers(copy: Copies) -> tuple[Drawer, ...]:
    keeper = plan_of(copy.kept.organisation)
    return next((each.all(Drawer) for each in keeper.servers if each.server.id == copy.kept.server), ())


def readable(plan: Plan, server: str = "", place: str = "") -> tuple[Copies, ...]:
    """Return what can be read of each server, or at one place: a keeper, or a disk by its label if only one has it.

    Raises InputError with the places that there are.
    """
    keepers = copies(plan, server)
    if place in ("", *(each.kept.place for each in keepers)):
        return tuple(each for each in keepers if place in ("", each.kept.place))
    disks = tuple(on_disks(plan, server))
    found = tuple(each for each in disks if place in (each.kept.place, each.kept.place.rpartition("/")[2]))
    names = tuple(dict.fromkeys(each.kept.place for each in found))
    if len(names) == 1:
        return found
    if names:
        hint = f"choose one of {', '.join(f'`{each}`' for each in names)}"
        raise InputError(Problem(f"several disks are called `{place}`", hint))
    there = tuple(dict.fromkeys(each.kept.place for each in (*keepers, *disks)))
    raise InputError(Problem(f"there is no place `{place}` with these backups", suggest(place, there, "there are")))


def is_on_a_disk(plan: Plan, server: str, place: str) -> bool:
    """Tell whether a place is a disk in a drawer. Raises InputError with the places that there are, if it is none."""
    return bool(place) and any(each.disk for each in readable(plan, server, place))


def require_plugged_in(copy: Copies) -> None:
    """Raise ServerError, with what to do, where a disk cannot be read now; keepers are asked later."""
    if copy.disk:
        with connect(keeper_of(copy)) as connection:
            run(connection, f"{Drawer.script} list {copy.kept.repository}")


def disk_state(copy: Copies) -> State:
    """Say what the disk got when it was last plugged in, as the server remembers it; the age is that of the copy."""
    with connect(keeper_of(copy)) as connection:
        return read_state(copy, connection, f"{Drawer.script} last {copy.kept.repository}")


def wrong_with_disk(copy: Copies, state: State) -> str:
    """Say what is wrong with the last copy onto a disk; empty where it is young enough."""
    assert copy.disk
    if state.age_hours is None:
        return "it has never got one"
    return "plug it in" if state.age_hours > 24 * copy.disk.days else ""
