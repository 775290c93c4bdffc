"""The way in for keys that are no operator's: an account in which each key can do one thing alone."""

from __future__ import annotations

from collections.abc import Iterator

from coopinfra.roles.backup_server import DOORS, USER, BackupServerSettings, repositories
from coopinfra.roles.contract import Directory, File, Part
from coopinfra.roles.declarations import Kept
from coopinfra.roles.primitives.rendering import template

SCRIPT = "/usr/local/lib/coopinfra/backup-door"


def doors(part: Part[BackupServerSettings]) -> Iterator[File | Directory]:
    """Yield the keys, what each may do, and what lets them in; nothing where there is none."""
    if not (part.settings.prunes or part.settings.copied_by):
        return
    keys = f"{DOORS}/authorized_keys"
    yield Directory(DOORS)
    yield template(
        part,
        "coopinfra/backup-door.j2",
        to=SCRIPT,
        mode="0755",
        validate="sh -n {file}",
        kept=tuple(name for name, _ in repositories(part)),
    )
    fetchers = (
        part.peers[name].public("backup-server", "copy-key") for name in part.settings.copied_by if name in part.peers
    )
    yield template(
        part,
        "backup-doors/authorized_keys.j2",
        to=keys,
        door=f"sudo -n -u {USER} {SCRIPT}",
        may={"prune": part.settings.prunes, "copy": tuple(filter(None, fetchers))},
    )
    yield template(
        part,
        "sudoers.d/coopinfra-backup-doors.j2",
        to="/etc/sudoers.d/coopinfra-backup-doors",
        mode="0440",
        validate="visudo -c -q -f {file}",
        access=True,
        account=Kept.door,
        owner=USER,
        script=SCRIPT,
    )
    yield template(
        part,
        "sshd_config.d/10-coopinfra-backup-doors.conf.j2",
        to="/etc/ssh/sshd_config.d/10-coopinfra-backup-doors.conf",
        validate="sshd -t",
        access=True,
        account=Kept.door,
        keys=keys,
    )
