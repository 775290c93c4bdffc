"""Sites that people publish themselves, by `git push` to the server, each with a key that can do only that.

The key runs `receive`, as an account of the site's own; git runs our hook, which looks at what was pushed and hands its
files to `publish`, the one command that this account may run as root. That makes a release as a deploy does.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from coopinfra.roles.contract import Check, Directory, File
from coopinfra.roles.declarations import BackupPath, Declaration, Login, Packages, Release, Unit, User
from coopinfra.roles.primitives import release_scripts
from coopinfra.roles.primitives.changes import STAMPS
from coopinfra.roles.primitives.checking import succeeds
from coopinfra.roles.primitives.rendering import template
from coopinfra.roles.website.place import Place, data_of

MEGABYTES = 500
"""The most that one push may bring, and the most that the files of one commit may take."""
FILES = 50_000
ID = '"$id"'
"""What `publish` calls the release."""


@dataclass(frozen=True)
class Push:
    """How one site is pushed; see the scripts for what each value is there for."""

    place: Place[Any]
    declared: tuple[Declaration, ...] = ()
    """What its kind states, for what has to be made, tried and started anew."""

    most_files = FILES
    most_megabytes = MEGABYTES
    most_bytes = MEGABYTES * 2**20
    most_blocks = MEGABYTES * 2**11
    stamps = STAMPS
    quote = staticmethod(shlex.quote)

    @property
    def name(self) -> str:
        """What people call it."""
        return self.place.name

    @property
    def url(self) -> str:
        """What people push to."""
        return self.place.push_url

    @property
    def user(self) -> str:
        """The account that keys log in with; the repository is its own, and nothing else is."""
        return self.place.account("push")

    @property
    def repository(self) -> str:
        """Where lies all that was pushed; data, which outlive the site."""
        return f"{self.place.data}.git"

    @property
    def release(self) -> Release:
        """How its kind makes a release."""
        return next(each for each in self.declared if isinstance(each, Release))

    @property
    def units(self) -> tuple[Unit, ...]:
        """What runs the release that is served."""
        return tuple(each for each in self.declared if isinstance(each, Unit) and self.place.current in each.reads)

    @property
    def publish_command(self) -> str:
        """The shell command that makes a release of the files of a commit."""
        return release_scripts.push_command(self.release, ID, note='"$note"', unpack="unpack")

    @property
    def trial_command(self) -> str:
        """The shell command that tries one which is there already."""
        return release_scripts.trial_command(self.release, ID)

    @property
    def serve_command(self) -> str:
        """The shell command that serves it."""
        return release_scripts.serve_command(self.release, ID)


def declare(place: Place[Any]) -> Iterator[Declaration]:
    """State git, the account, who may log in with it, and what is to be kept: what was pushed, and what is served."""
    push = Push(place)
    yield Packages(("git",))
    yield User(  # noqa: S604 - its shell is the one of an account
        push.user,
        full_name=f"Pushes the site {place.name}",
        groups=(Login.group,),
        # sshd runs a key's command by the account's shell. This one runs git's own, and what lies in its home.
        shell="/usr/bin/git-shell",
        home=place.settings,
    )
    yield Login(push.user, "receive", tuple(place.site.source.push.items()))
    yield BackupPath(push.repository)
    yield BackupPath(place.path)


def files(place: Place[Any], declared: tuple[Declaration, ...]) -> Iterator[File | Directory]:
    """Yield the repository's folder, and the scripts between a key and a release; they are root's."""
    push, part = Push(place, declared), place.part
    yield Directory(data_of(place.part))
    yield Directory(push.repository, user=push.user, group=push.user, mode="0700")
    yield Directory(f"{place.path}/releases")
    yield Directory(place.settings)
    for folder in ("git-shell-commands", "hooks"):
        yield Directory(f"{place.settings}/{folder}")
    for script in ("git-shell-commands/receive", "hooks/pre-receive", "publish"):
        to = f"{place.settings}/{script}"
        yield template(part, f"push/{script}.j2", to=to, mode="0755", validate="sh -n {file}", push=push)
    yield template(
        part,
        "push/sudoers.d/site.j2",
        to=f"/etc/sudoers.d/{push.user}",
        mode="0440",
        validate="visudo -c -q -f {file}",
        push=push,
    )


def checks(place: Place[Any]) -> Iterator[Check]:
    """Yield that what was pushed, and what is served of it, is whole; before the first push there is neither."""
    push = Push(place)
    git = f"runuser -u {push.user} -- git --git-dir={push.repository}"
    yield succeeds(
        f"what was pushed to the site `{place.name}` is whole, and a release of it is there",
        f"[ ! -e {push.repository}/HEAD ] || {{ {git} fsck --connectivity-only --no-dangling --no-progress &&"
        f" {{ [ ! -L {place.current} ] || [ -d {place.current}/ ]; }}; }}",
        proves=(push.repository, place.path),
    )
