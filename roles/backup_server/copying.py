"""A further copy of backups that lie at another backup server, fetched so that nobody there can spoil it."""

from __future__ import annotations

from collections.abc import Iterator

from coopinfra.roles.backup_server import COPY, USER, BackupServerSettings, name_of
from coopinfra.roles.contract import Directory, File, Part
from coopinfra.roles.declarations import Kept
from coopinfra.roles.primitives.rendering import template

FOLDER = "/etc/coopinfra/backup-copy"
SCRIPT = "/usr/local/lib/coopinfra/backup-copy"
UNITS = "/etc/systemd/system"


def copying(part: Part[BackupServerSettings]) -> Iterator[File | Directory]:
    """Yield the script, its key, the host keys of those it fetches from, and its timer; nothing without `copies`."""
    if not part.settings.copies:
        return
    sources = tuple((part.peers[name], names) for name, names in part.settings.copies.items() if name in part.peers)
    known_hosts = f"{FOLDER}/known_hosts"
    yield Directory(FOLDER)
    yield template(
        part,
        "coopinfra/backup-copy.j2",
        to=SCRIPT,
        mode="0755",
        validate="sh -n {file}",
        account=Kept.door,
        known_hosts=known_hosts,
        sources=tuple(
            (peer.server.address, peer.server.port, name_of(part, name)) for peer, names in sources for name in names
        ),
    )
    yield template(
        part, "backup-copy/known_hosts.j2", to=known_hosts, peers=tuple(peer for peer, _ in sources if peer.host_key)
    )
    yield template(part, "backup-copy/copy-key.j2", to=f"{FOLDER}/copy-key", mode="0400")
    for kind in ("service", "timer"):
        yield template(
            part,
            f"system/{COPY}.{kind}.j2",
            to=f"{UNITS}/{COPY}.{kind}",
            script=SCRIPT,
            owner=USER,
            key=f"{FOLDER}/copy-key",
        )
