"""What a role is told (`Part`) and what it answers with (`File`, `Directory`, `Check`); never imports pyinfra."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any, Generic, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StrictBool

if TYPE_CHECKING:
    from coopinfra.roles.declarations import Declaration

D = TypeVar("D", bound="Declaration")
K = TypeVar("K")
V = TypeVar("V")
S = TypeVar("S", bound="Settings")

# Our own paths need no more, and the server's scripts may then split on spaces without a doubt.
SAFE_PATH = re.compile(r"/(?:[A-Za-z0-9._@+:-]+/?)*")


class Table(Mapping[K, V]):
    """A mapping that cannot change and can be hashed, so that a whole plan can."""

    def __init__(self, items: Mapping[K, V]) -> None:
        """Copy the mapping; its order is kept."""
        self._items = dict(items)

    def __getitem__(self, key: K) -> V:
        return self._items[key]

    def __iter__(self) -> Iterator[K]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)

    def __hash__(self) -> int:
        return hash(tuple(self._items.items()))

    def __repr__(self) -> str:
        return f"Table({self._items!r})"


def _whole_number(value: object) -> object:
    """Refuse what YAML readers disagree about: `0022`, `1_000`, `0x1f`, `1e3`."""
    if isinstance(value, bool) or (isinstance(value, str) and not re.fullmatch(r"0|-?[1-9][0-9]*", value)):
        raise ValueError("expected a whole number")
    return value


WholeNumber = Annotated[int, BeforeValidator(_whole_number)]
YesNo = StrictBool
Named = Annotated[Mapping[str, V], AfterValidator(Table)]


OF_MACHINE = "of the machine"
"""Marks a setting that is one for all who share a machine, `Annotated[YesNo, OF_MACHINE]`: its owner decides."""


class Settings(BaseModel):
    """What a client chooses about one role; every field is described, every default is the safe one."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True, defer_build=True)

    @property
    def servers_named(self) -> tuple[str, ...]:
        """The servers that are named here, as `vault1`, or `collective/vault1` where it is another organisation's."""
        return ()

    @classmethod
    def of_machine(cls) -> tuple[str, ...]:
        """Return the settings that the owner of a shared machine decides for all."""
        return tuple(name for name, field in cls.model_fields.items() if OF_MACHINE in field.metadata)


@dataclass(frozen=True)
class Contact:
    """Somebody of the organisation."""

    name: str
    does: str
    email: str = ""
    phone: str = ""


@dataclass(frozen=True)
class Operator:
    """Somebody of the collective, who may log in on the organisation's servers."""

    login: str
    name: str
    ssh_keys: tuple[str, ...]
    email: str = ""
    phone: str = ""


@dataclass(frozen=True)
class Owned:
    """Something that the organisation owns, for the books."""

    what: str
    held_by: str
    paid_until: str = ""
    costs: str = ""


@dataclass(frozen=True)
class Promises:
    """What the organisation was promised for the day on which a server is lost; None where nothing was."""

    lose_at_most: timedelta | None = None
    back_within: timedelta | None = None


@dataclass(frozen=True)
class Organisation:
    """The organisation's public facts."""

    id: str
    name: str
    kind: str
    domain: str
    languages: tuple[str, ...]
    time_zone: str
    quiet_hours: str
    contacts: tuple[Contact, ...]
    owns: tuple[Owned, ...] = ()
    promises: Promises = Promises()


@dataclass(frozen=True)
class Tenancy:
    """Whose machine an organisation shares, and what it may take of it."""

    organisation: str
    owner: str
    machine: str
    memory_megabytes: int
    disk_gigabytes: int = 0
    """0: as much as there is."""

    @property
    def home(self) -> str:
        """Where its sites and their data lie: on a disk of its own, if it has one."""
        return f"/srv/tenants/{self.organisation}" if self.disk_gigabytes else "/srv"

    @property
    def slice(self) -> str:
        """The systemd slice that all its programs run in."""
        # A dash would make it a part of the slice of an organisation that is called as what stands before the dash.
        return f"coopinfra-{self.organisation.replace('-', '_')}.slice"


@dataclass(frozen=True)
class Server:
    """One machine, and who may log in on it."""

    id: str
    host_name: str
    address: str
    operators: tuple[Operator, ...]
    ipv6: str = ""
    port: int = 22
    first_login: str = "root"
    tenancy: Tenancy | None = None
    """Set where the machine is another organisation's, which alone decides about the machine as such."""

    @property
    def pinned_name(self) -> str:
        """Its name in a known_hosts file."""
        return self.address if self.port == 22 else f"[{self.address}]:{self.port}"

    @property
    def home(self) -> str:
        """Where sites and their data lie."""
        return self.tenancy.home if self.tenancy else "/srv"

    @property
    def addresses(self) -> tuple[str, ...]:
        """Every address under which the world reaches it."""
        return (self.address, self.ipv6) if self.ipv6 else (self.address,)


@dataclass(frozen=True)
class Peer:
    """A server that settings name: what the world may know of it, and no more."""

    organisation: str
    server: Server
    public_halves: Mapping[str, str]
    """The clear halves of its secrets by `role/name`, as far as they are made."""
    host_key: str = ""
    """The SSH host key that is pinned for it, as `ssh-ed25519 AAAA…`; empty until `coopinfra trust`."""

    def public(self, role: str, secret: str) -> str:
        """Return what the world may know of one of its secrets; empty until it is made."""
        return self.public_halves.get(f"{role}/{secret}", "")


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


__all__ = [
    "OF_MACHINE",
    "Check",
    "Contact",
    "Directory",
    "Field",
    "File",
    "Named",
    "Operator",
    "Organisation",
    "Owned",
    "Part",
    "Peer",
    "Promises",
    "Server",
    "Settings",
    "Table",
    "Tenancy",
    "Trial",
    "WholeNumber",
    "YesNo",
]
