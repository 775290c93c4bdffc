"""The frozen plan that every command reads."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

from coopinfra.roles.contract import Directory, File, Part
from coopinfra.roles.declarations import (
    BackupPath,
    Database,
    Declaration,
    Dump,
    Kept,
    Packages,
    Release,
    Secret,
    Unit,
    User,
)
from coopinfra.roles.facts import Operator, Organisation, Server
from coopinfra.roles.settings import Table

D = TypeVar("D", bound=Declaration)


@dataclass(frozen=True)
class Declared:
    """A declaration, the role that made it, and the role that serves it (empty for items and facts)."""

    role: str
    declaration: Declaration
    provider: str = ""


def of_role(role: str, declaration: Declaration) -> Declaration:
    """Say of data what they belong to, where the role that declares them did not."""
    if isinstance(declaration, BackupPath | Dump | Database) and not declaration.belongs_to:
        return replace(declaration, belongs_to=role)
    return declaration


@dataclass(frozen=True)
class ServerPlan:
    """One organisation's part of one server, providers first."""

    organisation: str
    server: Server
    parts: tuple[Part[Any], ...]
    declared: tuple[Declared, ...]
    files: tuple[File | Directory, ...]
    joined: tuple[str, ...] = ()
    """Roles that org.yml does not name."""
    writers: Table[str, str] = field(default_factory=lambda: Table({}))
    """Path of a file or directory -> the role that writes it."""

    def all(self, kind: type[D]) -> tuple[D, ...]:
        """Return every declaration of one kind on this server."""
        return tuple(each.declaration for each in self.declared if isinstance(each.declaration, kind))

    @property
    def data_without_backups(self) -> tuple[str, ...]:
        """Paths and dumps that cannot be made anew and that nobody keeps a copy of."""
        if self.all(Kept):
            return ()
        return tuple(dict.fromkeys((*(path.path for path in self.all(BackupPath)), *(d.name for d in self.all(Dump)))))

    def part(self, role: str) -> Part[Any] | None:
        """Return what one role was told, if it is here."""
        return next((part for part in self.parts if part.role == role), None)

    def why(self, role: str) -> tuple[str, ...]:
        """Say who needed a role that joined by itself: `website (Vhost)`."""
        asked = (each for each in self.declared if each.provider == role and each.role != role)
        return tuple(dict.fromkeys(f"{each.role} ({type(each.declaration).__name__})" for each in asked))

    def role_of(self, what: str, subject: str) -> str:
        """Return the role behind a file, directory, package, user, unit or release; providers first, "" for nobody."""
        if what in ("file", "directory"):
            return self.writers.get(subject, "")
        return next((each.role for each in self.declared if _is(each.declaration, what, subject)), "")

    @property
    def claims(self) -> dict[str, str]:
        """What nobody else on the machine may have too, and the role that asks for it; a unit serves whoever has it."""
        return {
            claim: each.role
            for each in self.declared
            if not isinstance(each.declaration, Unit)
            for claim in each.declaration.claims
        }

    @property
    def secrets(self) -> tuple[tuple[str, Secret], ...]:
        """Every secret with its place, `server/role/name`."""
        return tuple(
            (f"{self.server.id}/{each.role}/{each.declaration.name}", each.declaration)
            for each in self.declared
            if isinstance(each.declaration, Secret)
        )

    @property
    def packages(self) -> tuple[str, ...]:
        """The union of all roles' Debian packages, sorted."""
        return tuple(sorted({name for each in self.all(Packages) for name in each.names}))

    @property
    def users(self) -> tuple[User, ...]:
        """Every account."""
        return self.all(User)

    @property
    def units(self) -> tuple[Unit, ...]:
        """Every unit, providers' first."""
        return self.all(Unit)

    @property
    def releases(self) -> tuple[Release, ...]:
        """Every site whose files we publish."""
        return self.all(Release)


def _is(declaration: Declaration, what: str, subject: str) -> bool:
    match declaration:
        case Packages(names=names):
            return what == "package" and subject in names
        case User(name=name):
            return what == "user" and subject == name
        case Unit(name=name):
            return what == "unit" and subject == name
        case Release(path=path):
            return what == "release" and subject == path
    return False


@dataclass(frozen=True)
class Collective:
    """Who runs it, for the books."""

    name: str
    email: str
    phone: str
    operators: tuple[Operator, ...]


@dataclass(frozen=True)
class Plan:
    """Everything that follows from one org.yml."""

    organisation: Organisation
    collective: Collective
    servers: tuple[ServerPlan, ...]
    folder: str
    """Where org.yml lies, for what lies beside it."""

    def all(self, kind: type[D]) -> tuple[D, ...]:
        """Return every declaration of one kind on any server, without repetition."""
        return tuple(dict.fromkeys(found for server in self.servers for found in server.all(kind)))

    @property
    def secrets(self) -> tuple[tuple[str, Secret], ...]:
        """Every secret of every server with its place, `server/role/name`."""
        return tuple(pair for server in self.servers for pair in server.secrets)

    def known_hosts(self, server: Server) -> Path:
        """Return where a server's host key is pinned: with the organisation whose machine it is."""
        folder = Path(self.folder)
        return (folder.parent / server.tenancy.owner if server.tenancy else folder) / "known_hosts"

    def walk(self) -> Iterator[tuple[ServerPlan, Part[Any]]]:
        """Yield every role's part with its server."""
        return ((server, part) for server in self.servers for part in server.parts)
