"""What is said to a server about releases; pure, so that commands which do not deploy need no pyinfra."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from dataclasses import dataclass

from coopinfra.roles.declarations import Release

# The link is made aside and renamed over the old one: a request sees the old release or the new one, never none.
ACTIVATE = """
set -eu
cd {path}
touch releases/{id}
ln -sfn releases/{id} current.new
mv -fT current.new current
"""

# Files are as old as their release. Of 1970, as archives say that are the same every time, all versions of a file that
# are as long would be one to browsers (Last-Modified, ETag), and PHP would compile its code at each request: it keeps
# nothing of a file without an age (timestamp == 0).
# https://github.com/php/php-src/blob/PHP-8.4/ext/opcache/ZendAccelerator.c
UNPACK = "tar -x --touch --no-same-owner -f ../incoming.tar -C .incoming"

PUBLISH = """
set -eu
cd {path}/releases
# What did not become a release takes no room.
trap 'rm -rf .incoming ../incoming.tar' EXIT
rm -rf .incoming
mkdir {private}.incoming
{unpack} || {{
    echo 'it could not be unpacked; the release before is served still' >&2
    exit 1
}}
{access}
rm -f ../incoming.tar
{made}sync -f .incoming
rm -rf {id}
mkdir -p ../notes
printf '%s\\n' {note} >../notes/{id}
# The newest is the one that was served last, whatever was uploaded since.
touch -d @0 .incoming
mv -T .incoming {id}
"""

# The oldest go, but never the one that is served.
PRUNE = """
served=$(readlink current)
ls -1t releases | tail -n +{after} | while read -r old; do
    [ "releases/$old" = "$served" ] || rm -rf "releases/$old" "notes/$old"
done
"""


@dataclass(frozen=True)
class ReleasesFound:
    """The releases of one site on the server, the newest first."""

    current: str
    """What is served; a path where the link leads elsewhere than to a release, empty where it leads nowhere."""
    kept: tuple[str, ...]

    @property
    def is_as_left(self) -> bool:
        """Whether the one that we served last is served: serving one makes it the newest."""
        return self.kept[:1] == (self.current,)


def releases_command(paths: Iterable[str]) -> str:
    """Return the shell command that names the releases at some paths: a line each, the one served first."""
    return "; ".join(
        f"echo {path} $([ -d {path}/current ] && readlink {path}/current | sed 's#^releases/##' || echo -) "
        f"$(ls -1t {path}/releases 2>/dev/null)"
        for path in paths
    )


def parse_releases(output: Iterable[str]) -> dict[str, ReleasesFound]:
    """Read what `releases_command` printed; `-` stands for none."""
    lines = (line.split() for line in output)
    return {path: ReleasesFound("" if current == "-" else current, tuple(kept)) for path, current, *kept in lines}


def publish_command(release: Release, identifier: str, note: str = "") -> str:
    """Return the shell command that makes a release of what was uploaded, beside those that may be served.

    note: what is to be known of where it comes from
    """
    return _publish(release, identifier, shlex.quote(note or "{}"), UNPACK)


def push_command(release: Release, identifier: str, note: str, unpack: str) -> str:
    """Return the same for a script of the server, where id and note are words of its shell.

    unpack: the command that leaves the files of its input in `.incoming`
    """
    return _publish(release, identifier, note, unpack)


def _publish(release: Release, identifier: str, note: str, unpack: str) -> str:
    folder = f"{release.path}/releases/.incoming"
    made = "".join(
        f"{command} {folder} {identifier} || {{ rm -rf {folder}; echo '{why}; the release before is served still' >&2; "
        "exit 1; }\n"
        for command, why in ((release.build, "it could not be built"), (release.trial, "it did not pass its trial"))
        if command
    )
    group = shlex.quote(release.reader)
    access = (
        f"chgrp -R {group} .incoming\nchmod -R u=rwX,g=rX,o= .incoming"
        if release.reader
        else "chmod -R u=rwX,go=rX .incoming"
    )
    private = "-m 0700 " if release.reader else ""
    return PUBLISH.format(
        path=release.path, id=identifier, made=made, note=note, unpack=unpack, access=access, private=private
    )


def trial_command(release: Release, identifier: str) -> str:
    """Return the shell command that tries a release which is on the server already."""
    return f"{release.trial} {release.path}/releases/{identifier} {identifier}"


def serve_command(release: Release, identifier: str) -> str:
    """Return the shell command that serves a release, and forgets the oldest."""
    return (ACTIVATE + PRUNE).format(path=release.path, id=identifier, after=release.keep + 1)


def activate_command(path: str, release: str) -> str:
    """Return the shell command that serves a release which is on the server already."""
    return ACTIVATE.format(path=path, id=release)
