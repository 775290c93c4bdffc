"""What the last deploy left on a server, so that what is no longer declared can be removed; pure.

While a deploy runs, the manifest on the server is the union of the old and the new: whatever may have been written
stands in it, so an interrupted run leaves nothing that the next one does not know of.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import cache
from hashlib import sha256
from importlib.metadata import version

from coopinfra.roles.contract import Directory, File
from coopinfra.roles.declarations import Port, Release, Unit, User
from coopinfra.roles.primitives.changes import STATE


@dataclass(frozen=True)
class Manifest:
    """What coopinfra wrote for one organisation on one server."""

    files: dict[str, str] = field(default_factory=dict)
    """Path -> sha256 of the content that was deployed."""
    sealed: dict[str, str] = field(default_factory=dict)
    """Path of a file that holds secrets -> what tells here, without them, whether it is due: see `File.sealed`."""
    directories: tuple[str, ...] = ()
    users: tuple[str, ...] = ()
    units: tuple[str, ...] = ()
    releases: tuple[str, ...] = ()
    access: tuple[str, ...] = ()
    """Those of the files that decide about access: to remove one may lock us out as much as to change it."""
    ports: tuple[str, ...] = ()
    rights: dict[str, str] = field(default_factory=dict)
    """Path of a file or directory -> owner, group and mode."""
    accounts: dict[str, str] = field(default_factory=dict)
    """Name -> shell and groups."""
    claims: dict[str, str] = field(default_factory=dict)
    """What nobody else on the machine may have too, such as a domain -> the role that asks for it."""
    memory: int = 0
    """Megabytes that the organisation may take on a machine that it shares; 0 where it is its own."""
    baseline: tuple[str, ...] | None = None
    """What grants access or runs things and was there before the first deploy; None before that was noted.

    It is noted once: what comes later by other hands is drift until somebody removes or declares it.
    """
    finished: bool = True
    """False while a deploy runs, and after one that was interrupted."""
    release: str = ""
    """Of coopinfra, as it wrote this."""
    commit: str = ""
    """Of the inventory, where that is in git and signatures are asked for."""
    signed: bool = False
    """Whether signatures were asked for: whoever can push cannot take that back unseen."""

    def text(self) -> str:
        """Render it for the server, the same bytes for the same content."""
        return json.dumps(asdict(self), indent=1, sort_keys=True) + "\n"

    def joined(self, new: Manifest) -> Manifest:
        """Return what may be on the server while `new` replaces this; hashes stay the old ones until it is done."""
        return Manifest(
            files={**new.files, **self.files},
            sealed={**new.sealed, **self.sealed},
            directories=_union(self.directories, new.directories),
            users=_union(self.users, new.users),
            units=_union(self.units, new.units),
            releases=_union(self.releases, new.releases),
            access=_union(self.access, new.access),
            ports=_union(self.ports, new.ports),
            rights={**new.rights, **self.rights},
            accounts={**new.accounts, **self.accounts},
            claims={**new.claims, **self.claims},
            memory=max(new.memory, self.memory),
            baseline=new.baseline,
            finished=False,
            release=new.release,
            # The list of signers that counts is the one of the last deploy that came to its end.
            commit=self.commit,
            signed=self.signed,
        )

    def without(self, new: Manifest) -> Manifest:
        """Return what this one names and `new` no longer does: what a deploy removes."""
        return Manifest(
            files={path: self.files[path] for path in sorted(set(self.files) - set(new.files))},
            directories=_difference(self.directories, new.directories),
            users=_difference(self.users, new.users),
            units=_difference(self.units, new.units),
            releases=_difference(self.releases, new.releases),
            access=_difference(self.access, tuple(new.files)),
        )

    @property
    def unit_files(self) -> tuple[str, ...]:
        """Return the services and timers whose own files it names; templates are no units."""
        return tuple(
            name
            for name in (path.removeprefix("/etc/systemd/system/") for path in sorted(self.files))
            if "/" not in name and "@." not in name and name.endswith((".service", ".timer"))
        )

    def public(self) -> Manifest:
        """Return what other organisations on the machine may know: nothing that follows from a secret."""
        files = {path: "" if path in self.sealed else digest for path, digest in self.files.items()}
        return replace(self, files=files, sealed={}, commit="", signed=False)

    def is_later_than(self, release: str) -> bool:
        """Whether a later release of coopinfra than that one wrote this."""
        return _order(self.release) > _order(release)

    @property
    def is_ahead(self) -> bool:
        """Whether a later release than ours wrote this: it may say what we do not understand."""
        return self.is_later_than(our_release())


def read_manifest(text: str) -> Manifest:
    """Parse what the server keeps; an absent or broken one counts as empty, and then nothing is ever removed."""
    try:
        found = json.loads(text)
        return Manifest(
            files=dict(found["files"]),
            finished=bool(found["finished"]),
            **{name: tuple(found[name]) for name in ("directories", "users", "units", "releases")},
            # The first release knew none of these.
            access=tuple(found.get("access", ())),
            sealed=dict(found.get("sealed", {})),
            commit=str(found.get("commit", "")),
            signed=bool(found.get("signed", False)),
            release=str(found.get("release", "")),
            ports=tuple(found.get("ports", ())),
            rights=dict(found.get("rights", {})),
            accounts=dict(found.get("accounts", {})),
            claims=dict(found.get("claims", {})),
            memory=int(found.get("memory", 0)),
            baseline=None if found.get("baseline") is None else tuple(found["baseline"]),
        )
    except (ValueError, KeyError, TypeError):
        return Manifest()


def manifest_of(
    files: Iterable[File | Directory],
    users: Iterable[User],
    units: Iterable[Unit],
    releases: Iterable[Release],
    *,
    ports: Iterable[Port] = (),
    claims: Mapping[str, str] | None = None,
    memory: int = 0,
    baseline: tuple[str, ...] | None = None,
    digest_of: Callable[[File], str] | None = None,
) -> Manifest:
    """Return what a finished deploy of these leaves behind.

    digest_of: of a file as it lies on the server, where that is more than its content says here
    """
    files, users = tuple(files), tuple(users)
    contents = [file for file in files if isinstance(file, File)]
    return Manifest(
        files={file.path: digest_of(file) if digest_of else digest(file.content) for file in contents},
        sealed={file.path: file.sealed for file in contents if file.sealed},
        directories=_union((), (each.path for each in files if isinstance(each, Directory))),
        users=_union((), (user.name for user in users)),
        units=_union((), (unit.name for unit in units)),
        releases=_union((), (release.path for release in releases)),
        access=_union((), (file.path for file in files if isinstance(file, File) and file.access)),
        ports=_union((), (port.claims[0].removeprefix("port ") for port in ports)),
        rights={each.path: rights(each.user, each.group, each.mode) for each in files},
        accounts={user.name: account(user.shell, user.groups) for user in users},
        claims=dict(claims or {}),
        memory=memory,
        baseline=baseline,
        release=our_release(),
    )


@cache
def our_release() -> str:
    """Return the release of coopinfra that runs."""
    return version("coopinfra")


def rights(user: str, group: str, mode: str) -> str:
    """Say who may do what with a file, in one word for a comparison."""
    return f"{user}:{group} {mode}"


def account(shell: str, groups: Iterable[str]) -> str:
    """Say what an account may do, in one word for a comparison."""
    return f"{shell} in {','.join(sorted(groups)) or 'no group'}"


def manifest_path(organisation: str) -> str:
    """Where the manifest of one organisation lies."""
    return f"{STATE}/{organisation}/manifest.json"


def digest(content: bytes) -> str:
    """Return the sha256 that the server's sha256sum prints."""
    return sha256(content).hexdigest()


def _order(release: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", release))


def _union(first: Iterable[str], second: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted({*first, *second}))


def _difference(old: Iterable[str], new: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(set(old) - set(new)))
