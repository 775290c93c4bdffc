"""What a role is told (`Part`) and what it answers with (`File`, `Directory`, `Check`); never imports pyinfra."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar

from coopinfra.roles.facts import Organisation, Peer, Server
from coopinfra.roles.settings import Settings, Table

if TYPE_CHECKING:
    from coopinfra.roles.declarations import Declaration

D = TypeVar("D", bound="Declaration")
S = TypeVar("S", bound="Settings")

# Our own paths need no more, and the server's scripts may then split on spaces without a doubt.
SAFE_PATH = re.compile(r"/(?:[A-Za-z0-9._@+:-]+/?)*")


@dataclass(frozen=True)
class Part(Generic[S]):
    """All that one role on one server is told."""

    role: str
    organisation: Organisation
    server: Server
    settings: S
    given: tuple[Declaration, ...] = ()
    public_halves: Mapping[str, str] = field(default_factory=lambda: Table({}))
    """The clear halves of this role's secrets by name, as far as they are made."""
    peers: Mapping[str, Peer] = field(default_factory=lambda: Table({}))
    """The servers that its settings name, by how they write it."""

    def public(self, secret: str) -> str:
        """Return what the world may know of a secret, such as the public key of a pair; empty until it is made."""
        return self.public_halves.get(secret, "")

    def all(self, kind: type[D]) -> tuple[D, ...]:
        """Return the declarations of one kind that this role has to serve."""
        return tuple(declaration for declaration in self.given if isinstance(declaration, kind))


@dataclass(frozen=True)
class File:
    """A file on the server, whole: `content` is what `plan` shows and what the server gets.

    `validate` is the daemon's own check: with `{file}` in it, it judges the new file before anything is replaced;
    without, it judges the server after the replacement, and a refusal puts every file back.
    `access` marks what could lock us out: it is applied first, and reverts unless a new connection succeeds.
    `sealed` is set by the plan where `content` holds markers of secrets: it changes when the text does, or a secret.
    """

    path: str
    content: bytes = field(repr=False)
    user: str = "root"
    group: str = "root"
    mode: str = "0644"
    validate: str = ""
    access: bool = False
    sealed: str = ""

    def __post_init__(self) -> None:
        """Refuse what the server's scripts could misread: our bug, never the operator's."""
        check_path(self.path)
        if not re.fullmatch(r"0[0-7]{3}|[1-7][0-7]{3}", self.mode):
            raise ValueError(f"mode {self.mode!r} of {self.path} is not four octal digits")


@dataclass(frozen=True)
class Directory:
    """A directory that must exist; removed, once no longer declared, only when it is empty."""

    path: str
    user: str = "root"
    group: str = "root"
    mode: str = "0755"

    def __post_init__(self) -> None:
        """Refuse what the server's scripts could misread."""
        check_path(self.path)


@dataclass(frozen=True)
class Check:
    """One sentence that is true on a healthy server.

    `run` gets testinfra's host (`where="server"`) or an `Outside` (`where="outside"`) and returns None when the
    sentence is true, else what was found instead. `waits_for` names who has to act when it is still red right after
    a deploy.
    """

    sentence: str
    run: Callable[[Any], str | None] = field(repr=False, compare=False)
    where: Literal["server", "outside"] = "server"
    waits_for: str = ""
    proves: tuple[str, ...] = ()
    """The paths and dumps that cannot be made anew and without which it would be false: a drill proves them by it."""


@dataclass(frozen=True)
class Trial:
    """How a secret is tried on the living server, so that a rotation can prove the old value dead and the new alive.

    `accepts` gets an `Outside` and a value: True and False are the server's own answers; None says that it gave none.
    """

    secret: str
    accepts: Callable[[Any, str], bool | None] = field(repr=False, compare=False)


def check_path(path: str) -> None:
    """Raise ValueError unless `path` is absolute, normal and free of anything that a shell could misread."""
    if not SAFE_PATH.fullmatch(path) or ".." in path.split("/") or "//" in path:
        raise ValueError(f"path {path!r} is not absolute and plain")
