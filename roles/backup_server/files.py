"""Who may send backups, the certificate, the daemon's limits, and the scripts that look at what is there."""

from __future__ import annotations

from collections.abc import Iterator

from coopinfra.roles.backup_server import (
    CERTIFICATE,
    DOCTOR,
    DOCTOR_SCRIPT,
    KEY,
    LOGINS,
    MEMORY,
    SCRIPT,
    SETTINGS_FOLDER,
    UNIT,
    USER,
    BackupServerSettings,
    repositories,
)
from coopinfra.roles.backup_server.copying import copying
from coopinfra.roles.backup_server.doors import doors
from coopinfra.roles.contract import Directory, File, Part
from coopinfra.roles.declarations import Kept
from coopinfra.roles.primitives.rendering import template

UNITS = "/etc/systemd/system"


def files(part: Part[BackupServerSettings]) -> Iterator[File | Directory]:
    """Yield the folder that only the daemon reads, and all that tells it what to do."""
    yield Directory(SETTINGS_FOLDER)
    yield Directory(part.settings.folder, user=USER, group=USER, mode="0700")
    yield template(
        part,
        "coopinfra/backup-server.j2",
        to=SCRIPT,
        mode="0755",
        validate="sh -n {file}",
        port=Kept.port,
        certificate=CERTIFICATE,
    )
    yield template(
        part, "backup-server/htpasswd.j2", to=LOGINS, group=USER, mode="0640", repositories=tuple(repositories(part))
    )
    yield template(part, "backup-server/certificate.pem.j2", to=CERTIFICATE)
    # systemd hands it to the daemon at each start, and to nobody else.
    yield template(part, "backup-server/key.pem.j2", to=KEY, mode="0400")
    yield template(
        part,
        f"{UNIT}.d/coopinfra.conf.j2",
        to=f"{UNITS}/{UNIT}.d/coopinfra.conf",
        port=Kept.port,
        logins=LOGINS,
        certificate=CERTIFICATE,
        key=KEY,
    )
    yield from _doctor(part)
    yield from copying(part)
    yield from doors(part)


def _doctor(part: Part[BackupServerSettings]) -> Iterator[File | Directory]:
    yield Directory(MEMORY, mode="0700")
    kept = tuple(name for name, _ in repositories(part))
    yield template(
        part,
        "coopinfra/backup-doctor.j2",
        to=DOCTOR_SCRIPT,
        mode="0755",
        validate="sh -n {file}",
        memory=MEMORY,
        kept=kept,
    )
    for kind in ("service", "timer"):
        yield template(
            part, f"system/{DOCTOR}.{kind}.j2", to=f"{UNITS}/{DOCTOR}.{kind}", script=DOCTOR_SCRIPT, memory=MEMORY
        )
