"""Keeps other servers' backups: they may add to what is theirs, and neither read nor remove anything else."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated

from pydantic import AfterValidator, model_validator

from coopinfra.roles.contract import Part
from coopinfra.roles.declarations import Declaration, Drawer, Kept, Login, Need, Packages, Port, Secret, Unit, User
from coopinfra.roles.keys import SshKey
from coopinfra.roles.settings import Field, Named, Settings, Table, WholeNumber
from coopinfra.roles.types import ServerName, ServerPath, quoted, refuse

SETTINGS_FOLDER = "/etc/coopinfra/backup-server"
SCRIPT = Kept.keeper
MEMORY = "/var/lib/coopinfra/backup-server"
UNIT = "restic-rest-server.service"
# Apart from the daemon's folder: a key that comes or goes is no reason to restart it.
DOCTOR = "coopinfra-backup-doctor"
DOCTOR_SCRIPT = Kept.doctor
COPY = "coopinfra-backup-copy"
DOOR_SCRIPT = "/usr/local/lib/coopinfra/backup-door"
DISK = "coopinfra-backup-disk"
USER = "restic-rest-server"
LOGINS = f"{SETTINGS_FOLDER}/htpasswd"
CERTIFICATE = f"{SETTINGS_FOLDER}/certificate.pem"
KEY = f"{SETTINGS_FOLDER}/key.pem"


def _check_label(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,16}", value):
        refuse(f"{quoted(value)} is not the label of a file system", "letters, digits, `-` and `_`, 16 at most")
    return value


DiskLabel = Annotated[str, AfterValidator(_check_label)]


class BackupServerSettings(Settings):
    """What whoever donates the machine chooses about it."""

    keeps: tuple[ServerName, ...] = Field(
        default=(),
        description="The servers whose backups it takes: `web1`, or `highbeam/web1` of another organisation.",
        examples=[["highbeam/web1"]],
    )
    copies: Named[tuple[ServerName, ...]] = Field(
        default_factory=lambda: Table({}),
        description="Backup servers that it fetches copies from, each with the servers whose backups it fetches.",
        examples=[{"collective/vault1": ["highbeam/web1"]}],
    )
    copied_by: tuple[ServerName, ...] = Field(
        default=(),
        description="The backup servers that may fetch copies of all that is here; they can read, and nothing else.",
        examples=[["collective/vault2"]],
    )
    folder: ServerPath = Field(
        default="/srv/backups", description="Where they lie, best on a disk of its own.", examples=["/mnt/disk/backups"]
    )
    alarm_hours: WholeNumber = Field(
        default=26, ge=1, le=24 * 31, description="Raise an alarm when a server has sent nothing for so long."
    )
    disk: DiskLabel | None = Field(
        default=None,
        description="The label of a disk's file system that gets a copy of all that is here when it is plugged in.",
        examples=["drawer"],
    )
    disk_days: WholeNumber = Field(
        default=35, ge=1, le=366, description="Raise an alarm when it was not plugged in for so long."
    )
    gigabytes_each: WholeNumber | None = Field(
        default=None,
        ge=1,
        le=100_000,
        description="Most that each server may keep here, looked at each hour: who has more can read and not add.",
        examples=[200],
    )
    prunes: tuple[SshKey, ...] = Field(
        default=(),
        description="Public SSH keys that may remove old backups and nothing else; none that somebody logs in with.",
        examples=[["ssh-ed25519 AAAA… prunes"]],
    )

    @model_validator(mode="after")
    def _check_any(self) -> BackupServerSettings:
        if not self.held:
            refuse("it keeps nothing", "name servers under `keeps` or `copies`")
        return self

    @property
    def held(self) -> tuple[str, ...]:
        """The servers whose backups lie here, sent or fetched."""
        return tuple(dict.fromkeys((*self.keeps, *(name for names in self.copies.values() for name in names))))

    @property
    def servers_named(self) -> tuple[str, ...]:
        """The servers whose logins, addresses or keys it has to know."""
        return (*self.held, *self.copies, *self.copied_by)


SETTINGS = BackupServerSettings
PROVIDES: tuple[type[Need], ...] = ()


def declare(part: Part[BackupServerSettings]) -> Iterator[Declaration]:
    """State the daemon, its port, and the certificate by which the other servers know it."""
    yield Packages(("openssl", "restic-rest-server"))
    yield Port(Kept.port)
    # Of its own, and pinned by those who come: backups go on when a name server or an authority is away.
    yield Secret("key", "tls-key")
    yield Secret("certificate", "certificate", made_from="key", subject=part.server.host_name)
    yield Unit(UNIT, reads=(SETTINGS_FOLDER,), answers=f"{SCRIPT} answers")
    yield Unit(f"{DOCTOR}.timer", reads=(f"/etc/systemd/system/{DOCTOR}.timer",))
    if part.settings.disk:
        yield Packages(("e2fsprogs", "openssh-sftp-server", "rsync", "udev"))
        yield Drawer(part.settings.disk, part.settings.disk_days)
    if part.settings.copies:
        yield Packages(("openssh-client", "rsync"))
        yield Secret("copy-key", "ssh-key")
        yield Unit(f"{COPY}.timer", reads=(f"/etc/systemd/system/{COPY}.timer",))
    yield from _doors(part)


def _doors(part: Part[BackupServerSettings]) -> Iterator[Declaration]:
    """State what it takes that somebody may come in to fetch copies, or to remove something."""
    settings = part.settings
    peers = (part.peers[name] for name in settings.copied_by if name in part.peers)
    fetchers = filter(None, (peer.public("backup-server", "copy-key") for peer in peers))
    keys = (*(("prune", key) for key in settings.prunes), *(("copy", key) for key in fetchers))
    if settings.prunes or settings.copied_by:
        account = User(  # noqa: S604 - its shell is the one of an account
            Kept.door,
            full_name="One thing for each key",
            groups=(Login.group,),
            shell="/bin/sh",
            # sshd complains of a home that is not there, to whoever comes in.
            home=SETTINGS_FOLDER,
        )
        yield account
        # As the owner of the backups, never as root, and told what was asked for.
        command = f"sudo -n -u {USER} {DOOR_SCRIPT}"
        yield Login(account.name, command, tuple((f'{verb} "$SSH_ORIGINAL_COMMAND"', key) for verb, key in keys))
    if settings.prunes:
        yield Packages(("rclone",))
    if settings.copied_by:
        # rsync's own door, `rrsync`, is written in Python.
        yield Packages(("python3", "rsync"))


def name_of(part: Part[BackupServerSettings], server: str) -> str:
    """Return what the backups of a server are called here; empty where there is no such server."""
    peer = part.peers.get(server)
    return f"{peer.organisation}.{peer.server.id}" if peer else ""


def repositories(part: Part[BackupServerSettings]) -> Iterator[tuple[str, str]]:
    """Yield the name of each repository, which is that of its only user, and the hash of its password if known."""
    for each in part.settings.held:
        if peer := part.peers.get(each):
            own = peer.organisation == part.organisation.id
            # As `backups` over there calls us.
            where = part.server.id if own else f"{part.organisation.id}-{part.server.id}"
            yield name_of(part, each), peer.public("backups", f"login-{where}")
