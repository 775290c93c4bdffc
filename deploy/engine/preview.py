"""What a deploy would change on a server: facts against the plan, nothing touched."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pyinfra import host
from pyinfra.api import State

from coopinfra.deploy.engine.converge import role_operations
from coopinfra.deploy.engine.pyinfra_run import would_change
from coopinfra.deploy.planning.plan import ServerPlan
from coopinfra.roles.contract import File
from coopinfra.roles.declarations import Release
from coopinfra.roles.primitives.changes import Change
from coopinfra.roles.primitives.file_states import (
    FileContents,
    FilesFound,
    ServerFiles,
    files_that_differ,
    paths_to_remove,
)
from coopinfra.roles.primitives.manifest import Manifest, manifest_of
from coopinfra.roles.primitives.packages import PackageStates, packages_missing
from coopinfra.roles.primitives.releases import ReleaseStates, release_change
from coopinfra.roles.primitives.source import Source
from coopinfra.roles.primitives.units import UnitStates, units_that_differ
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
    """Compare everything that is declared with what is on the server."""
    files = host.get_fact(ServerFiles, organisation=plan.organisation, paths=tuple(each.path for each in plan.files))
    users = host.get_fact(UserStates, names=tuple(user.name for user in plan.users))
    units = host.get_fact(UnitStates, units=tuple((unit.name, unit.reads) for unit in plan.units))
    installed = host.get_fact(PackageStates, names=plan.packages)
    differing = files_that_differ(plan.files, files)
    changes = (
        *packages_missing(plan.packages, installed),
        *(change for _, change in users_that_differ(plan.users, users)),
        *(change for _, change in differing),
        *_releases(plan, sources),
        *(change for _, change in units_that_differ(plan.units, units)),
        *_removals(plan, files.manifest),
        *_steps(state, plan),
    )
    return Preview(
        plan.server.id,
        changes,
        _diffs([each for each, _ in differing if isinstance(each, File)], files),
        interrupted=not files.manifest.finished,
    )


def _releases(plan: ServerPlan, sources: Mapping[Release, Source]) -> Iterator[Change]:
    if plan.releases:
        found = host.get_fact(ReleaseStates, paths=tuple(release.path for release in plan.releases))
        for release in plan.releases:
            change = release_change(release, sources[release], found)
            if change:
                yield change


def _removals(plan: ServerPlan, old: Manifest) -> Iterator[Change]:
    new = manifest_of(plan.files, plan.users, plan.units, plan.releases)
    for path in paths_to_remove(plan.files, old):
        yield Change("file", "remove", path)
    for what, before, after in (
        ("directory", old.directories, new.directories),
        ("unit", old.units, new.units),
        ("site", old.releases, new.releases),
        ("user", old.users, new.users),
    ):
        for name in sorted(set(before) - set(after)):
            yield Change(what, "remove", name)


def _steps(state: State, plan: ServerPlan) -> Iterator[Change]:
    """Ask the roles' own operations, which are neither of the above."""
    role_operations(plan, "configure")
    role_operations(plan, "activate")
    for name in would_change(state):
        yield Change("step", "run", name)


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
