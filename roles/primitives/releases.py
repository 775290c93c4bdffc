"""Atomic releases: complete in a folder of their own, then one link leads to them; going back is the same step."""

from __future__ import annotations

import shlex
from collections.abc import Generator, Iterable

from pyinfra import host
from pyinfra.api import FactBase, FileUploadCommand, StringCommand, operation

from coopinfra.roles.declarations import Release
from coopinfra.roles.primitives.changes import Change
from coopinfra.roles.primitives.release_scripts import (
    ReleasesFound,
    parse_releases,
    publish_command,
    releases_command,
    serve_command,
)
from coopinfra.roles.primitives.source import Source


class ReleaseStates(FactBase[dict[str, ReleasesFound]]):
    """The releases at some paths."""

    def command(self, paths: tuple[str, ...]) -> str:
        """Return the shell command: one line for each path."""
        return releases_command(paths)

    def process(self, output: Iterable[str]) -> dict[str, ReleasesFound]:
        """Read the lines."""
        return parse_releases(output)


def release_change(release: Release, source: Source, found: dict[str, ReleasesFound]) -> Change | None:
    """Return what a deploy would publish, if that is not what is served."""
    there = found.get(release.path, ReleasesFound("", ()))
    if there.current == source.id:
        return None
    detail = f"{source.id} replaces {there.current}" if there.current else source.id
    return Change("release", "publish", release.path, f"{detail}, {len(source.files)} files")


@operation()
def publish(release: Release, source: Source) -> Generator[FileUploadCommand | StringCommand, None, None]:
    """Upload a release unless it is there, and serve it."""
    found = host.get_fact(ReleaseStates, paths=(release.path,))
    if release_change(release, source, found) is None:
        host.noop("this release is served")
        return
    if source.id not in found[release.path].kept:
        # Beside the site's folder, which need not be there yet: so what makes it travels with the upload.
        beside = f"{release.path}.incoming.tar"
        yield FileUploadCommand(source.archive(), beside)
        # Each in a shell of its own, as the first cleans up where it ends.
        both = (publish_command(release, source.id, source.note), serve_command(release, source.id))
        begin = (
            f"trap 'rm -f {beside}' EXIT",
            f"install -d -m 0755 {release.path} {release.path}/releases",
            f"mv -fT {beside} {release.path}/incoming.tar",
        )
        yield _script("\n".join(("set -eu", *begin, *(f"({each})" for each in both))))
    else:
        yield _script(serve_command(release, source.id))


@operation()
def releases_removed(paths: tuple[str, ...]) -> Generator[StringCommand, None, None]:
    """Remove sites that nobody declares any more: their files came from the operators and lie there still."""
    found = host.get_fact(ReleaseStates, paths=paths) if paths else {}
    there = [path for path, each in sorted(found.items()) if each.current or each.kept]
    if not there:
        host.noop("no site is left over")
        return
    yield StringCommand("rm", "-rf", "--", *there)


def _script(text: str) -> StringCommand:
    return StringCommand("sh", "-c", shlex.quote(text))
