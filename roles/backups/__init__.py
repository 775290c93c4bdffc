"""Backups of all that other roles declare: databases first, then files, encrypted here, sent to where it only grows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from coopinfra.roles.contract import Part
from coopinfra.roles.declarations import (
    BackupPath,
    Declaration,
    Dump,
    Fact,
    Kept,
    Need,
    Packages,
    Secret,
    Unit,
    WorksOn,
)
from coopinfra.roles.facts import Peer
from coopinfra.roles.settings import Field, Settings, WholeNumber
from coopinfra.roles.types import ServerName, ServerPath

SCRIPT = Kept.script
LISTS = "/etc/coopinfra/backups"
STATE = "/var/lib/coopinfra/backups"
VERIFY = "backup-verify"


class BackupsSettings(Settings):
    """What a client chooses about its backups."""

    to: tuple[ServerName, ...] = Field(
        min_length=1,
        description="The servers that keep them: `vault1`, or another organisation's `collective/vault1`.",
        examples=[["collective/vault1"]],
    )
    copies_at: tuple[ServerName, ...] = Field(
        default=(),
        description="Servers that fetch a further copy from those by themselves; to read from when those are lost.",
        examples=[["collective/vault2"]],
    )
    every: Literal["1h", "2h", "3h", "4h", "6h", "8h", "12h", "24h"] = Field(
        default="6h", description="How often; what was done since the last one is lost with the server."
    )
    also: tuple[ServerPath, ...] = Field(
        default=(), description="Files and folders that no role knows of.", examples=[["/srv/shared"]]
    )
    leave_out: tuple[ServerPath, ...] = Field(
        default=(), description="Files and folders that need not be kept.", examples=[["/srv/shared/films"]]
    )

    drill_days: WholeNumber = Field(
        default=35, ge=1, le=366, description="Raise an alarm when nobody has tried for so long whether they come back."
    )

    @property
    def servers_named(self) -> tuple[str, ...]:
        """The servers whose address and certificate it has to know."""
        return (*self.to, *self.copies_at)

    @property
    def hours(self) -> int:
        """Between two backups."""
        return int(self.every.removesuffix("h"))


SETTINGS = BackupsSettings
PROVIDES: tuple[type[Need], ...] = ()
READS: tuple[type[Fact], ...] = (BackupPath, Dump, WorksOn)


@dataclass(frozen=True)
class Place:
    """A server that keeps the backups of this one, and what they are called there and here."""

    peer: Peer
    name: str
    user: str
    is_copy: bool
    """Whether it fetches them from another, and gets nothing from here."""

    @property
    def repository(self) -> str:
        """Where restic finds them."""
        return f"rest:https://{self.peer.server.host_name}:{Kept.port}/{self.user}/"

    @property
    def login(self) -> str:
        """The secret that lets us add to them."""
        return f"login-{self.name}"

    @property
    def certificate(self) -> str:
        """The certificate that we trust there and no other; empty until it is made."""
        return self.peer.public("backup-server", "certificate")


def places(part: Part[BackupsSettings]) -> Iterator[Place]:
    """Yield every server that keeps the backups."""
    for written, peer in part.peers.items():
        own = peer.organisation == part.organisation.id
        name = peer.server.id if own else f"{peer.organisation}-{peer.server.id}"
        yield Place(peer, name, f"{part.organisation.id}.{part.server.id}", written not in part.settings.to)


def paths(part: Part[BackupsSettings]) -> tuple[BackupPath, ...]:
    """Return what is kept beside the dumps, each once."""
    also = (BackupPath(path, belongs_to=part.role) for path in part.settings.also)
    found: dict[str, BackupPath] = {}
    for each in (*part.all(BackupPath), *also):
        found.setdefault(each.path, each)
    return tuple(found.values())


def stale_hours(part: Part[BackupsSettings]) -> int:
    """Return the age of the newest backup from which on something is wrong: two were missed, or a promise is broken."""
    missed, promised = 2 * part.settings.hours + 2, part.organisation.promises.lose_at_most
    return min(missed, int(promised.total_seconds() // 3600)) if promised else missed


def unit(part: Part[BackupsSettings], kind: str = "service", does: str = "backup") -> str:
    """Return the unit that makes the backups of an organisation, or that reads them again; or its timer."""
    return f"coopinfra-{does}@{part.organisation.id}.{kind}"


def declare(part: Part[BackupsSettings]) -> Iterator[Declaration]:
    """State the program, the timer, the key that reads the backups, and a login for each server that keeps them."""
    yield Packages(("restic",))
    yield Secret(
        Kept.key, "random", stays="it opens all older backups, which another could not, and new ones would fail"
    )
    for place in places(part):
        yield Secret(place.login, "login")
        keeper = place.peer.server
        yield Kept(
            place.name,
            place.peer.organisation,
            keeper.id,
            keeper.host_name,
            place.user,
            place.login,
            part.settings.hours,
            # A copy is fetched each hour.
            stale_hours(part) + 2 * place.is_copy,
            part.settings.drill_days,
            place.is_copy,
        )
    timers = "/etc/systemd/system/coopinfra-backup@.timer", f"/etc/systemd/system/{unit(part, 'timer')}.d"
    yield Unit(unit(part, "timer"), reads=timers)
    yield Unit(unit(part, "timer", VERIFY), reads=(f"/etc/systemd/system/coopinfra-{VERIFY}@.timer",))
