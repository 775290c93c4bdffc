"""What a deploy would change on a server: facts against the plan, nothing touched."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pyinfra import host
from pyinfra.api import State

from coopinfra.deploy.engine.converge import converge, manifests
from coopinfra.deploy.engine.preflight import refuse_to_go_back
from coopinfra.deploy.engine.pyinfra_run import would_change
from coopinfra.deploy.engine.reading import read_ahead
from coopinfra.deploy.planning.plan import ServerPlan
from coopinfra.roles.contract import File
from coopinfra.roles.declarations import Release
from coopinfra.roles.primitives.bundle import paths_of
from coopinfra.roles.primitives.changes import Change
from coopinfra.roles.primitives.file_states import (
    FileContents,
    FilesFound,
    ServerFiles,
    files_that_differ,
)
from coopinfra.roles.primitives.manifest import Manifest
from coopinfra.roles.primitives.packages import PackageStates, packages_missing
from coopinfra.roles.primitives.releases import ReleaseStates, release_change
from coopinfra.roles.primitives.source import Source
from coopinfra.roles.primitives.units import UnitStates, reads_of, units_that_differ
from coopinfra.roles.primitives.users import UserStates, users_that_differ


@dataclass(frozen=True)
class Preview:
    """What differs on one server, in the order in which a deploy would end it."""

    server: str
    changes: tuple[Change, ...]
    diffs: Mapping[str, str]
    """Path -> unified diff, for text files that exist on the server."""
    interrupted: bool
    """The last deploy did not come to its end."""

    @property
    def drift(self) -> tuple[Change, ...]:
        """What somebody else changed since the last deploy."""
        return tuple(change for change in self.changes if "edited on the server" in change.detail)


def preview(state: State, plan: ServerPlan, sources: Mapping[Release, Source]) -> Preview:
    """Compare everything that is declared with what is on the server.

    Calls the operations that a deploy would run, and runs none of them: what they ask is fetched in a few round trips,
    and the comparison below asks the same.
    """
    steps = converge(plan, sources)
    read_ahead(state)
    old, new = manifests(plan)
    refuse_to_go_back(f"{plan.organisation}/{plan.server.id}", old)
    gone = old.without(new)
    paths = paths_of(plan.files, tuple(gone.files), gone.directories)
    files = host.get_fact(ServerFiles, organisation=plan.organisation, paths=paths)
    users = host.get_fact(UserStates, names=tuple(user.name for user in plan.users))
    units = host.get_fact(UnitStates, units=reads_of(plan.units))
    installed = host.get_fact(PackageStates, names=plan.packages)
    differing = files_that_differ(plan.files, files)
    changes = (
        *packages_missing(plan.packages, installed),
        *(change for _, change in users_that_differ(plan.users, users)),
        *(change for _, change in differing),
        *_releases(plan, sources),
        *(change for _, change in units_that_differ(plan.units, units)),
        *_removals(gone),
        *(Change("step", "run", name) for name in would_change(state, steps)),
    )
    return Preview(
        plan.server.id,
        changes,
        _diffs([each for each, _ in differing if isinstance(each, File)], files),
        interrupted=not files.manifest.finished,
    )


def _releases(plan: ServerPlan, sources: Mapping[Release, Source]) -> Iterator[Change]:
    for release in plan.releases:
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


def _diffs(files: list[File], found: FilesFound) -> dict[str, str]:
    paths = tuple(file.path for file in files if found.paths.get(file.path, None) and found.paths[file.path].digest)
    if not paths:
        return {}
    contents = host.get_fact(FileContents, paths=paths)
    return {
        file.path: _diff(file, contents[file.path])
        for file in files
        if file.path in contents and contents[file.path] != file.content
    }


def _diff(file: File, old: bytes) -> str:
    try:
        before, after = old.decode().splitlines(keepends=True), file.content.decode().splitlines(keepends=True)
    except UnicodeDecodeError:
        return "(not text)\n"
    return "".join(difflib.unified_diff(before, after, f"server:{file.path}", f"plan:{file.path}"))
