"""What somebody else changed on a server since the last deploy; pure.

The server is compared with the manifest, not with the plan: what merely waits in org.yml is no drift, and a change by
hand stays one also where org.yml has come to say something else.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from coopinfra.roles.primitives.file_states import FilesFound
from coopinfra.roles.primitives.manifest import Manifest, account, rights
from coopinfra.roles.primitives.neighbours import Neighbours
from coopinfra.roles.primitives.release_scripts import ReleasesFound
from coopinfra.roles.primitives.unit_states import UnitFound
from coopinfra.roles.primitives.users import UserFound


@dataclass(frozen=True)
class Drift:
    """One thing that is not as the last deploy left it, and what the server knows of who did it."""

    what: str
    subject: str
    detail: str
    at: float = 0
    """When, in seconds since 1970; 0 where the server does not know."""
    by: str = ""

    def __str__(self) -> str:
        """Say it in one line: `file /etc/hostname (content)`."""
        return f"{self.what} {self.subject} ({self.detail})"


def since_last_deploy(
    files: FilesFound,
    users: Mapping[str, UserFound],
    units: Mapping[str, UnitFound],
    releases: Mapping[str, ReleasesFound],
    neighbours: Neighbours,
) -> tuple[Drift, ...]:
    """Return what is not as the last deploy left it; after one that was interrupted nobody knows.

    neighbours: what several on the machine have may be as the last deploy of any of them left it
    """
    if not files.manifest.finished:
        return ()
    manifest = files.manifest
    return (
        *_files(files, neighbours),
        *_users(manifest, users),
        *_units(manifest, units),
        *_releases(manifest, releases),
    )


def _files(found: FilesFound, neighbours: Neighbours) -> Iterator[Drift]:
    for path in sorted({*found.manifest.files, *found.manifest.directories}):
        there, left = found.paths.get(path), found.manifest.files.get(path)
        what = "file" if left else "directory"
        if there is None:
            yield Drift(what, path, "removed")
            continue
        reasons = ["content"] if left and there.digest != left else []
        now, then = rights(there.user, there.group, there.mode), found.manifest.rights.get(path)
        if neighbours.left(path, there.digest, now):
            continue
        if then and now != then:
            reasons.append(f"{now}, was {then}")
        if reasons:
            yield Drift(what, path, ", ".join(reasons), at=there.changed)


def _users(manifest: Manifest, found: Mapping[str, UserFound]) -> Iterator[Drift]:
    for name, then in sorted(manifest.accounts.items()):
        there = found.get(name)
        now = account(there.shell, there.groups) if there else "removed"
        if now != then:
            yield Drift("account", name, f"{now}, was {then}" if there else now)


def _units(manifest: Manifest, found: Mapping[str, UnitFound]) -> Iterator[Drift]:
    for name in manifest.units:
        there = found.get(name)
        if there is None or there.condition_failed:
            continue
        state = there.state if not there.active else "" if there.enabled else "disabled"
        if state:
            yield Drift("unit", name, state)


def _releases(manifest: Manifest, found: Mapping[str, ReleasesFound]) -> Iterator[Drift]:
    for path in manifest.releases:
        there = found.get(path)
        # A site that people push has a folder for releases before there is one.
        waits = f"{path}/releases" in manifest.directories and there == ReleasesFound("", ())
        if there and not there.is_as_left and not waits:
            was = f", was {there.kept[0]}" if there.kept else ""
            yield Drift("release", f"{path}/current", f"{there.current or 'nothing'} is served{was}")
