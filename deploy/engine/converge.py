"""The order in which a server is brought to its plan, as pyinfra operations."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from pyinfra import host
from pyinfra.operations import python

from coopinfra.deploy.planning.plan import ServerPlan
from coopinfra.roles.declarations import Release
from coopinfra.roles.primitives.bundle import bundle
from coopinfra.roles.primitives.file_states import ServerFiles, paths_to_remove
from coopinfra.roles.primitives.manifest import manifest_of
from coopinfra.roles.primitives.packages import packages
from coopinfra.roles.primitives.record import record
from coopinfra.roles.primitives.releases import publish, releases_removed
from coopinfra.roles.primitives.source import Source
from coopinfra.roles.primitives.units import units, units_removed
from coopinfra.roles.primitives.users import users, users_removed
from coopinfra.roles.registry import roles

ACCESS_STEPS = (
    "Write what decides about access",
    "Reload what decides about access",
    "Prove that we can still get in",
)
"""While one of these runs, the server may be about to take back what was changed."""

NOTES = ("Note what may be written", "Note what was written")
"""Steps of our own book-keeping, which change nothing that anybody asked for."""


def converge(
    plan: ServerPlan,
    sources: Mapping[Release, Source],
    guard: Callable[[], None] | None = None,
    wait: int = 0,
) -> None:
    """Install, configure, activate; within a phase providers first, and what decides about access first of all.

    guard: proves over a new connection that we can still get in, or raises; called only after access was changed
    wait: seconds after which the server takes such a change back unless `guard` succeeded; 0 for never
    """
    who = plan.organisation
    old = host.get_fact(ServerFiles, organisation=who, paths=("/",)).manifest
    new = manifest_of(plan.files, plan.users, plan.units, plan.releases)
    record(name=NOTES[0], organisation=who, manifest=new if new == old else old.joined(new))

    packages(name="Install Debian packages", names=plan.packages)
    users(name="Make accounts", wanted=plan.users)
    _access(plan, guard, wait)

    units_removed(name="Stop units that are no longer declared", names=_gone(old.units, new.units))
    bundle(
        name="Write files",
        organisation=who,
        files=plan.files,
        removed=paths_to_remove(plan.files, old),
        emptied=_gone(old.directories, new.directories),
    )
    role_operations(plan, "configure")
    for release in host.loop(plan.releases):
        publish(name=f"Publish {release.path}", release=release, source=sources[release])
    units(name="Start, reload or restart units", wanted=plan.units)
    releases_removed(name="Remove sites that are no longer declared", paths=_gone(old.releases, new.releases))
    role_operations(plan, "activate")
    users_removed(name="Remove accounts that are no longer declared", names=_gone(old.users, new.users))
    record(name=NOTES[1], organisation=who, manifest=new)


def _access(plan: ServerPlan, guard: Callable[[], None] | None, wait: int) -> None:
    files = tuple(file for file in plan.files if getattr(file, "access", False))
    gates = tuple(unit for unit in plan.units if unit.access)
    if not files:
        return
    changed = bundle(
        name=ACCESS_STEPS[0],
        organisation=plan.organisation,
        files=files,
        wait=wait if guard else 0,
        units=tuple(unit.name for unit in gates),
    )
    units(name=ACCESS_STEPS[1], wanted=gates)
    if guard:
        python.call(name=ACCESS_STEPS[2], function=guard, _if=changed.did_change)


def role_operations(plan: ServerPlan, phase: str) -> None:
    """Call one phase of every role that has operations of its own, providers first."""
    # `host.loop` tells the turns of a loop apart under the plain `pyinfra` command, which knows an operation by line.
    for part in host.loop(plan.parts):
        module = roles()[part.role].operations()
        if module and hasattr(module, phase):
            getattr(module, phase)(part)


def _gone(old: tuple[str, ...], new: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(sorted(set(old) - set(new)))
