"""Keeps other servers' backups: they may add to what is theirs, and neither read nor remove anything else."""

from __future__ import annotations

from collections.abc import Iterator

from coopinfra.roles.contract import Field, Part, Settings, WholeNumber
from coopinfra.roles.declarations import Declaration, Door, Kept, Need, Packages, Port, Secret, Unit, User
from coopinfra.roles.types import Line, ServerName, ServerPath

SETTINGS_FOLDER = "/etc/coopinfra/backup-server"
SCRIPT = Kept.keeper
MEMORY = "/var/lib/coopinfra/backup-server"
UNIT = "restic-rest-server.service"
DOCTOR = "coopinfra-backup-doctor"
DOCTOR_SCRIPT = Kept.doctor
USER = "restic-rest-server"
LOGINS = f"{SETTINGS_FOLDER}/htpasswd"
CERTIFICATE = f"{SETTINGS_FOLDER}/certificate.pem"
KEY = f"{SETTINGS_FOLDER}/key.pem"
DOOR = "/usr/local/lib/coopinfra/backup-door"


class BackupServerSettings(Settings):
    """What whoever donates the machine chooses about it."""

    keeps: tuple[ServerName, ...] = Field(
        min_length=1,
        description="The servers whose backups it takes: `web1`, or `highbeam/web1` of another organisation.",
        examples=[["highbeam/web1"]],
    )
    folder: ServerPath = Field(
        default="/srv/backups", description="Where they lie, best on a disk of its own.", examples=["/mnt/disk/backups"]
    )
    alarm_hours: WholeNumber = Field(
        default=26, ge=1, le=24 * 31, description="Raise an alarm when a server has sent nothing for so long."
    )
    gigabytes_each: WholeNumber | None = Field(
        default=None,
        ge=1,
        le=100_000,
        description="Most that each server may keep here, looked at each hour: who has more can read and not add.",
        examples=[200],
    )
    prunes: tuple[Line, ...] = Field(
        default=(),
        description="Public SSH keys that may remove old backups and nothing else; none that somebody logs in with.",
        examples=[["ssh-ed25519 AAAA… prunes"]],
    )

    @property
    def servers_named(self) -> tuple[str, ...]:
        """The servers whose logins it has to know."""
        return self.keeps


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
    yield from _doors(part)


def _doors(part: Part[BackupServerSettings]) -> Iterator[Declaration]:
    """State what it takes that somebody may come in and remove something."""
    if part.settings.prunes:
        yield Packages(("rclone",))
        yield User(Kept.door, full_name="Removes old backups", shell="/bin/sh")  # noqa: S604 - of an account
    for key in part.settings.prunes:
        yield Door(key)


def repositories(part: Part[BackupServerSettings]) -> Iterator[tuple[str, str]]:
    """Yield the name of each repository, which is that of its only user, and the hash of its password if known."""
    for peer in part.peers.values():
        own = peer.organisation == part.organisation.id
        # As `backups` over there calls us.
        where = part.server.id if own else f"{part.organisation.id}-{part.server.id}"
        yield f"{peer.organisation}.{peer.server.id}", peer.public("backups", f"login-{where}")
