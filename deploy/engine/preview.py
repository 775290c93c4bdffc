"""What a deploy would change on a server: facts against the plan, nothing touched."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from pyinfra import host
from pyinfra.api import State

from coopinfra.deploy.engine.converge import converge, manifests
from coopinfra.deploy.engine.diffs import diffs
from coopinfra.deploy.engine.preflight import PreflightError, refuse_to_go_back
from coopinfra.deploy.engine.pyinfra_run import would_change
from coopinfra.deploy.engine.reading import asked_so_far, read_ahead
from coopinfra.deploy.organisation.problems import Problem
from coopinfra.deploy.planning.plan import ServerPlan
from coopinfra.roles.declarations import Release
from coopinfra.roles.primitives.additions import Additions, ServerAdditions, unexpected
from coopinfra.roles.primitives.bundle import paths_of
from coopinfra.roles.primitives.changes import Change
from coopinfra.roles.primitives.culprits import SudoLog, with_culprits
from coopinfra.roles.primitives.drift import Drift, since_last_deploy
from coopinfra.roles.primitives.file_states import FilesFound, ServerFiles, files_that_differ
from coopinfra.roles.primitives.manifest import Manifest
from coopinfra.roles.primitives.neighbours import Neighbours, ServerManifests
from coopinfra.roles.primitives.packages import PackageCandidates, PackageStates, packages_missing
from coopinfra.roles.primitives.release_scripts import ReleasesFound
from coopinfra.roles.primitives.releases import ReleaseStates, release_change
from coopinfra.roles.primitives.source import Source
from coopinfra.roles.primitives.unit_states import UnitFound, UnitStates
from coopinfra.roles.primitives.units import reads_of, units_that_differ, units_that_will
from coopinfra.roles.primitives.users import UserFound, UserStates, users_that_differ


@dataclass(frozen=True)
class Preview:
    """What differs on one server, in the order in which a deploy would end it."""

    server: str
    changes: tuple[Change, ...]
    diffs: Mapping[str, str]
    """Path -> unified diff, for files that are made or changed; secrets are markers in it."""
    interrupted: bool
    """The last deploy did not come to its end."""
    drift: tuple[Drift, ...] = ()
    """What somebody else did since the last deploy, whether or not a deploy would undo it."""
    commit: str = ""
    """Of the inventory as it was deployed last, where signatures were asked for; `signed` tells whether they were."""
    signed: bool = False
    others: int = 0
    """How many changes are left out, where one release alone is wanted."""
    inherited: tuple[Drift, ...] = ()
    """What grants access or runs things and is here before the first deploy, which leaves it and takes note of it."""
    questions: tuple[str, ...] = field(default=(), repr=False, compare=False)
    """What a deploy asks the server again once it holds the lock."""


@dataclass(frozen=True)
class _Facts:
    """What a server says of all that is compared."""

    files: FilesFound
    users: dict[str, UserFound]
    units: dict[str, UnitFound]
    additions: Additions
    releases: dict[str, ReleasesFound]


def preview(state: State, plan: ServerPlan, sources: Mapping[Release, Source], only: Release | None = None) -> Preview:
    """Compare everything that is declared with what is on the server; of that, show one release if `only` names it.

    Calls the operations that a deploy would run, and runs none of them: what they ask is fetched in a few round trips,
    and the comparison below asks the same.
    """
    read_ahead(
        state,
        lambda: iter([host.get_fact(ServerManifests, organisation=plan.organisation)]),
        lambda: iter([host.get_fact(ServerAdditions)]),
    )
    steps = converge(plan, sources, only=only)
    old, new, neighbours = manifests(plan)
    read_ahead(state, lambda: iter([_releases_left(old)]))
    questions = asked_so_far(state)
    refuse_to_go_back(f"{plan.organisation}/{plan.server.id}", old)
    if only and only.path not in old.releases:
        message = f"{plan.organisation}/{plan.server.id}: the site `{only.name}` was never deployed here"
        hint = f"run `coopinfra deploy {plan.organisation}` once: a site is more than its files"
        raise PreflightError(Problem(message, hint))
    gone = neighbours.without_shared(old.without(new))
    paths = paths_of(plan.files, tuple(gone.files), gone.directories)
    facts = _Facts(
        host.get_fact(ServerFiles, organisation=plan.organisation, paths=paths),
        # Asked as the operations ask, so that both are answered already.
        host.get_fact(UserStates, names=tuple(user.name for user in plan.users))
        | (host.get_fact(UserStates, names=gone.users) if gone.users else {}),
        host.get_fact(UnitStates, units=reads_of(plan.units)),
        host.get_fact(ServerAdditions),
        _releases_left(old),
    )
    differing = files_that_differ(plan.files, facts.files)
    read_ahead(state, lambda: iter(_packages(plan)), lambda: iter(diffs(differing, facts.files)))
    changes = (
        *_packages(plan),
        *(change for _, change in users_that_differ(plan.users, facts.users)),
        *(change for _, change in differing),
        *_releases(plan, sources),
        *_units(plan, facts.units, {*gone.files, *(each.path for each, _ in differing)}),
        *_removals(gone),
        *(Change("step", "run", name, role=steps[called]) for called, name in would_change(state, steps).items()),
    )
    wanted = tuple(each for each in changes if only is None or each.subject == only.path)
    strange = unexpected(facts.additions, old, new, plan.users, neighbours)
    is_first = old.baseline is None and not neighbours.manifests
    return Preview(
        plan.server.id,
        tuple(replace(each, role=each.role or plan.role_of(each.what, each.subject)) for each in wanted)
        or (() if only else _notes(old, new)),
        diffs(differing, facts.files),
        interrupted=not old.finished,
        others=len(changes) - len(wanted),
        commit=old.commit,
        signed=old.signed,
        drift=_drift(facts, () if is_first else strange, neighbours),
        inherited=strange if is_first else (),
        questions=questions,
    )


def _drift(facts: _Facts, strange: tuple[Drift, ...], neighbours: Neighbours) -> tuple[Drift, ...]:
    drift = (*since_last_deploy(facts.files, facts.users, facts.units, facts.releases, neighbours), *strange)
    if not drift:
        return ()
    log = host.get_fact(SudoLog)
    return with_culprits(drift, log)


def _releases_left(old: Manifest) -> dict[str, ReleasesFound]:
    return host.get_fact(ReleaseStates, paths=old.releases) if old.releases else {}


def _notes(old: Manifest, new: Manifest) -> tuple[Change, ...]:
    """Say it where nothing but our own note of the server is out of date, as after an edit that org.yml followed."""
    return (
        () if old == new or not old.finished else (Change("note", "renew", "of what was deployed", role="coopinfra"),)
    )


def _packages(plan: ServerPlan) -> tuple[Change, ...]:
    installed = host.get_fact(PackageStates, names=plan.packages)
    missing = tuple(change.subject for change in packages_missing(plan.packages, installed))
    return packages_missing(missing, (), host.get_fact(PackageCandidates, names=missing)) if missing else ()


def _units(plan: ServerPlan, found: dict[str, UnitFound], paths: set[str]) -> Iterator[Change]:
    """Join what the server shows by now with what follows from files that are still to come."""
    coming = {change.subject: change for change in units_that_will(plan.units, paths)}
    shown = {change.subject: change for _, change in units_that_differ(plan.units, found)}
    return (each for unit in plan.units if (each := shown.get(unit.name) or coming.get(unit.name)))


def _releases(plan: ServerPlan, sources: Mapping[Release, Source]) -> Iterator[Change]:
    for release in (each for each in plan.releases if each in sources):
        change = release_change(release, sources[release], host.get_fact(ReleaseStates, paths=(release.path,)))
        if change:
            yield change


def _removals(gone: Manifest) -> Iterator[Change]:
    for what, names in (
        ("file", gone.files),
        ("directory", gone.directories),
        ("unit", gone.units),
        ("site", gone.releases),
        ("user", gone.users),
    ):
        for name in names:
            yield Change(what, "remove", name)
