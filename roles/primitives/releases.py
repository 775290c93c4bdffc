"""Atomic releases: complete in a folder of their own, then one link leads to them; going back is the same step."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from pyinfra import host
from pyinfra.api import FactBase, FileUploadCommand, StringCommand, operation

from coopinfra.roles.declarations import Release
from coopinfra.roles.primitives.changes import Change
from coopinfra.roles.primitives.source import Source

# The link is made aside and renamed over the old one: a request sees the old release or the new one, never none.
ACTIVATE = """
set -eu
cd {path}
touch releases/{id}
ln -sfn releases/{id} current.new
mv -fT current.new current
"""

PUBLISH = """
set -eu
cd {path}/releases
rm -rf .incoming
mkdir .incoming
tar -x --no-same-owner -f ../incoming.tar -C .incoming
chmod -R u=rwX,go=rX .incoming
rm -f ../incoming.tar
sync -f .incoming
rm -rf {id}
mv -T .incoming {id}
"""

# The oldest go, but never the one that is served.
PRUNE = """
served=$(readlink current)
ls -1t releases | tail -n +{after} | while read -r old; do
    [ "releases/$old" = "$served" ] || rm -rf "releases/$old"
done
"""


@dataclass(frozen=True)
class ReleasesFound:
    """The releases of one site on the server, the newest first."""

    current: str
    kept: tuple[str, ...]


class ReleaseStates(FactBase[dict[str, ReleasesFound]]):
    """The releases at some paths."""

    def command(self, paths: tuple[str, ...]) -> str:
        """Return the shell command: one line for each path."""
        return "; ".join(
            f"echo {path} $(basename $(readlink {path}/current || echo -)) $(ls -1t {path}/releases)" for path in paths
        )

    def process(self, output: Iterable[str]) -> dict[str, ReleasesFound]:
        """Split the lines; `-` stands for none."""
        lines = (line.split() for line in output)
        return {path: ReleasesFound(current.replace("-", ""), tuple(kept)) for path, current, *kept in lines}


def release_change(release: Release, source: Source, found: dict[str, ReleasesFound]) -> Change | None:
    """Return what a deploy would publish, if that is not what is served."""
    there = found.get(release.path, ReleasesFound("", ()))
    if there.current == source.id:
        return None
    detail = f"{source.id} replaces {there.current}" if there.current else source.id
    return Change("release", "publish", release.path, f"{detail}, {len(source.files)} files")


@operation()
def publish(release: Release, source: Source) -> Iterator[FileUploadCommand | StringCommand]:
    """Upload a release unless it is there, and serve it."""
    found = host.get_fact(ReleaseStates, paths=(release.path,))
    if release_change(release, source, found) is None:
        host.noop("this release is served")
        return
    if source.id not in found[release.path].kept:
        yield StringCommand("install", "-d", "-m", "0755", release.path, f"{release.path}/releases")
        yield FileUploadCommand(source.archive(), f"{release.path}/incoming.tar")
        yield _script(PUBLISH, release, source.id)
    yield _script(ACTIVATE + PRUNE, release, source.id)


@operation()
def releases_removed(paths: tuple[str, ...]) -> Iterator[StringCommand]:
    """Remove sites that nobody declares any more: their files came from the operators and lie there still."""
    found = host.get_fact(ReleaseStates, paths=paths) if paths else {}
    there = [path for path, each in sorted(found.items()) if each.current or each.kept]
    if not there:
        host.noop("no site is left over")
        return
    yield StringCommand("rm", "-rf", "--", *there)


def activate_command(path: str, release: str) -> str:
    """Return the shell command that serves a release which is on the server already."""
    return ACTIVATE.format(path=path, id=release)


def _script(text: str, release: Release, identifier: str) -> StringCommand:
    script = text.format(path=release.path, id=identifier, after=release.keep + 1)
    return StringCommand("sh", "-c", shlex.quote(script))
