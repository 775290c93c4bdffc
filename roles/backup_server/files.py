"""Who may send backups, the certificate, the daemon's limits, and the script that looks at what is there."""

from __future__ import annotations

from collections.abc import Iterator

from coopinfra.roles.backup_server import (
    CERTIFICATE,
    KEY,
    LOGINS,
    SCRIPT,
    SETTINGS_FOLDER,
    UNIT,
    USER,
    BackupServerSettings,
    repositories,
)
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
