"""The way in for keys that are no operator's: an account in which each key can do one thing alone."""

from __future__ import annotations

from collections.abc import Iterator

from coopinfra.roles.backup_server import DOOR_SCRIPT, USER, BackupServerSettings, repositories
from coopinfra.roles.contract import Directory, File, Part
from coopinfra.roles.declarations import Kept
from coopinfra.roles.primitives.rendering import template


def doors(part: Part[BackupServerSettings]) -> Iterator[File | Directory]:
    """Yield what a key may do, and as whom; nothing where nobody is let in."""
    if not (part.settings.prunes or part.settings.copied_by):
        return
    yield template(
        part,
        "coopinfra/backup-door.j2",
        to=DOOR_SCRIPT,
        mode="0755",
        validate="sh -n {file}",
        kept=tuple(name for name, _ in repositories(part)),
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
        script=DOOR_SCRIPT,
    )
