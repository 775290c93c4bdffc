"""What a server is made of: packages, ports, accounts and who gets in with them, units."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from coopinfra.roles.contract import check_path
from coopinfra.roles.declarations.kinds import Item, Need


@dataclass(frozen=True)
class Packages(Need):
    """Debian packages; all roles' packages go in one transaction (`base`)."""

    names: tuple[str, ...]


@dataclass(frozen=True)
class Port(Need):
    """A port that the world may reach (`base`)."""

    number: int
    protocol: Literal["tcp", "udp"] = "tcp"

    @property
    def claims(self) -> tuple[str, ...]:
        """One port has one owner."""
        return (f"port {self.number}/{self.protocol}",)


@dataclass(frozen=True)
class User(Item):
    """An account on the server. Its SSH keys are a `File` of the role that declares it."""

    name: str
    full_name: str = ""
    groups: tuple[str, ...] = ()
    shell: str = "/usr/sbin/nologin"
    home: str = "/nonexistent"
    system: bool = True

    @property
    def claims(self) -> tuple[str, ...]:
        """One account has one owner."""
        return (f"user {self.name}",)


@dataclass(frozen=True)
class Login(Need):
    """An account that others than operators reach over SSH (`base`): each key runs one command, and nothing else.

    The account is a `User` of whoever declares this, in the group `group`. `keys` are pairs of the words that follow
    the command, as the account's shell reads them, and a public key, which is no operator's.
    """

    user: str
    command: str
    keys: tuple[tuple[str, str], ...]

    group: ClassVar[str] = "guests"
    """Whom sshd lets in beside the operators."""
    folder: ClassVar[str] = "/etc/ssh/authorized_keys.d"

    @property
    def path(self) -> str:
        """Where sshd finds the keys."""
        return f"{self.folder}/{self.user}"

    @property
    def text(self) -> bytes:
        """The keys as sshd reads them: `restrict` takes away terminals, forwarding and files of the account's own."""
        commands = ((f"{self.command} {words}".replace('"', r"\""), key) for words, key in self.keys)
        lines = (f'restrict,command="{command}" {key}\n' for command, key in commands)
        return f"# Written by coopinfra; changes here are lost.\n{''.join(lines)}".encode()


@dataclass(frozen=True)
class Unit(Item):
    """A systemd unit that is enabled and runs no older than its program and what it `reads` (files or folders).

    `reload` prefers a reload to a restart; `validate` runs before either. `answers` is a real request that must succeed
    after either, else the files of that deploy are put back. `access` marks what could lock us out.
    """

    name: str
    reads: tuple[str, ...] = ()
    reload: bool = False
    validate: str = ""
    answers: str = ""
    access: bool = False

    def __post_init__(self) -> None:
        """Refuse paths that the server's scripts could misread."""
        for path in self.reads:
            check_path(path)

    @property
    def claims(self) -> tuple[str, ...]:
        """One unit has one owner."""
        return (f"unit {self.name}",)
