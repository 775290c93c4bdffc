"""The order in which a server is brought to its plan, as pyinfra operations."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from pyinfra import host
from pyinfra.operations import python

from coopinfra.deploy.engine.sharing import refuse_conflicts
from coopinfra.deploy.planning.plan import ServerPlan
from coopinfra.roles.contract import File
from coopinfra.roles.declarations import Port, Release, Unit
from coopinfra.roles.primitives.access import way_back
from coopinfra.roles.primitives.additions import Additions, ServerAdditions, unexpected
from coopinfra.roles.primitives.bundle import Reveal, bundle
from coopinfra.roles.primitives.manifest import Manifest, digest, manifest_of
from coopinfra.roles.primitives.neighbours import Neighbours, ServerManifests
from coopinfra.roles.primitives.packages import packages
from coopinfra.roles.primitives.record import record
from coopinfra.roles.primitives.releases import publish, releases_removed
from coopinfra.roles.primitives.source import Source
from coopinfra.roles.primitives.units import units, units_removed
from coopinfra.roles.primitives.users import users, users_removed
from coopinfra.roles.registry import roles

ACCESS_STEPS = (
    "Arm the way back",
    "Make accounts",
    "Write what decides about access",
    "Reload what decides about access",
    "Remove accounts that are no longer declared",
    "Prove that we can still get in",
)
"""While one of these runs, the server may be about to take back what was changed."""

NOTES = ("Note what may be written", "Note what was written", ACCESS_STEPS[0], ACCESS_STEPS[-1])
"""Steps of our own book-keeping, which change nothing that anybody asked for."""


@dataclass(frozen=True)
class Origin:
    """The state of the inventory that is deployed: its commit, and whether signatures were asked for."""

    commit: str
    signed: bool


def converge(
    plan: ServerPlan,
    sources: Mapping[Release, Source],
    guard: Callable[[], None] | None = None,
    *,
    wait: int = 0,
    reveal: Reveal | None = None,
    origin: Origin | None = None,
    only: Release | None = None,
) -> dict[str, str]:
    """Install, configure, activate; within a phase providers first, and what decides about access first of all.

    guard: proves over a new connection that we can still get in, or raises; called only after access was changed
    wait: seconds after which the server takes such a change back unless `guard` succeeded
    reveal: puts secrets in the place of markers, in memory, just before the upload; to compare, none is needed
    origin: the state of the inventory that is deployed, where signatures are asked for
    only: the one release that is published; all else on the server stays as it is
    Returns the roles' own operations: what pyinfra calls each, and the role.
    """
    if only:
        publish(name=f"Publish {only.path}", release=only, source=sources[only])
        # Nothing but the release is new, so no file is put back where a unit does not answer.
        units(name="Start, reload or restart units", wanted=units_of(plan, only))
        return {}
    who = plan.organisation
    old, new, neighbours = manifests(plan, reveal, origin)
    gone = neighbours.without_shared(old.without(new))
    record(name=NOTES[0], organisation=who, manifest=new if new == old else old.joined(new))

    packages(name="Install Debian packages", names=plan.packages)
    _access(plan, gone, guard, wait, reveal)

    # Of a unit that is declared still, the file of its package takes the place of ours.
    forgotten = sorted({*gone.unit_files} - {*new.units} - {*neighbours.have("units")})
    units_removed(name="Stop units that are no longer declared", names=gone.units, written=tuple(forgotten))
    bundle(
        name="Write files",
        organisation=who,
        files=plan.files,
        removed=tuple(gone.files),
        emptied=gone.directories,
        reveal=reveal,
    )
    configured = role_operations(plan, "configure")
    for release in host.loop([each for each in plan.releases if not each.pushed]):
        publish(name=f"Publish {release.path}", release=release, source=sources[release])
    units(name="Start, reload or restart units", wanted=plan.units, organisation=who)
    releases_removed(name="Remove sites that are no longer declared", paths=gone.releases)
    activated = role_operations(plan, "activate")
    record(name=NOTES[1], organisation=who, manifest=new)
    return configured | activated


def units_of(plan: ServerPlan, release: Release) -> tuple[Unit, ...]:
    """Return the units that run a release."""
    return tuple(unit for unit in plan.units if release.current in unit.reads)


def manifests(
    plan: ServerPlan, reveal: Reveal | None = None, origin: Origin | None = None
) -> tuple[Manifest, Manifest, Neighbours]:
    """Return what the last deploy left on the server, what this one will leave, and what others have there.

    Raises PreflightError where the machine's others and the plan cannot both have what they want.
    """
    machine = host.get_fact(ServerManifests, organisation=plan.organisation)
    old, neighbours = machine.own, machine.neighbours

    def digest_of(file: File) -> str:
        if not file.sealed:
            return digest(file.content)
        if reveal:
            return digest(reveal(file.content))
        return old.files.get(file.path, "") if old.sealed.get(file.path) == file.sealed else ""

    new = manifest_of(
        plan.files,
        plan.users,
        plan.units,
        plan.releases,
        ports=plan.all(Port),
        claims=plan.claims,
        memory=plan.server.tenancy.memory_megabytes if plan.server.tenancy else 0,
        baseline=old.baseline,
        digest_of=digest_of,
    )
    new = (
        replace(new, commit=origin.commit, signed=origin.signed)
        if origin
        else replace(new, commit=old.commit, signed=old.signed)
    )
    if old.baseline is None:
        # Who comes to others inherits nothing: what nobody of them knows of is somebody else's doing.
        found = Additions() if neighbours.manifests else host.get_fact(ServerAdditions)
        new = replace(new, baseline=found.noted(unexpected(found, old, new, plan.users, neighbours)))
    refuse_conflicts(plan, new, neighbours, old)
    return old, new, neighbours


def _access(
    plan: ServerPlan, gone: Manifest, guard: Callable[[], None] | None, wait: int, reveal: Reveal | None
) -> None:
    files = tuple(file for file in plan.files if isinstance(file, File) and file.access)
    gates = tuple(unit for unit in plan.units if unit.access)
    armed = None
    if guard:
        armed = way_back(
            name=ACCESS_STEPS[0],
            organisation=plan.organisation,
            files=files,
            removed=gone.access,
            users=plan.users,
            users_removed=gone.users,
            units=gates,
            wait=wait,
        )
    users(name=ACCESS_STEPS[1], wanted=plan.users)
    bundle(name=ACCESS_STEPS[2], organisation=plan.organisation, files=files, removed=gone.access, reveal=reveal)
    units(name=ACCESS_STEPS[3], wanted=gates)
    users_removed(name=ACCESS_STEPS[4], names=gone.users)
    if guard and armed:
        python.call(name=ACCESS_STEPS[5], function=guard, _if=armed.did_change)


def role_operations(plan: ServerPlan, phase: str) -> dict[str, str]:
    """Call one phase of every role that has operations of its own, providers first; return hash -> role."""
    called: dict[str, str] = {}
    # `host.loop` tells the turns of a loop apart under the plain `pyinfra` command, which knows an operation by line.
    for part in host.loop(plan.parts):
        module = roles()[part.role].operations()
        if module and hasattr(module, phase):
            before = len(host.op_hash_order)
            getattr(module, phase)(part)
            called |= dict.fromkeys(host.op_hash_order[before:], part.role)
    return called
