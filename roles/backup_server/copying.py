"""Further copies of backups: fetched from another backup server, or put onto a disk that somebody plugs in."""

from __future__ import annotations

from collections.abc import Iterator

from coopinfra.roles.backup_server import COPY, DISK, MEMORY, USER, BackupServerSettings, name_of, repositories
from coopinfra.roles.contract import Directory, File, Part
from coopinfra.roles.declarations import Drawer, Kept
from coopinfra.roles.primitives.rendering import template

FOLDER = "/etc/coopinfra/backup-copy"
KNOWN_HOSTS = f"{FOLDER}/known_hosts"
SCRIPT = "/usr/local/lib/coopinfra/backup-copy"
RULE = f"/etc/udev/rules.d/90-{DISK}.rules"
UNITS = "/etc/systemd/system"


def copying(part: Part[BackupServerSettings]) -> Iterator[File | Directory]:
    """Yield the script that copies, and what it needs to fetch, or to write onto a disk; nothing without either."""
    settings = part.settings
    sources = tuple((part.peers[name], names) for name, names in settings.copies.items() if name in part.peers)
    if settings.copies or settings.disk:
        yield template(
            part,
            "coopinfra/backup-copy.j2",
            to=SCRIPT,
            mode="0755",
            validate="sh -n {file}",
            account=Kept.door,
            known_hosts=KNOWN_HOSTS,
            sources=tuple(
                (peer.server.address, peer.server.port, name_of(part, name))
                for peer, names in sources
                for name in names
            ),
        )
    if settings.copies:
        peers = tuple(peer for peer, _ in sources if peer.host_key)
        yield Directory(FOLDER)
        yield template(part, "backup-copy/known_hosts.j2", to=KNOWN_HOSTS, peers=peers)
        yield template(part, "backup-copy/copy-key.j2", to=f"{FOLDER}/copy-key", mode="0400")
        for name in (f"{COPY}.service", f"{COPY}.timer"):
            yield template(
                part, f"system/{name}.j2", to=f"{UNITS}/{name}", script=SCRIPT, owner=USER, key=f"{FOLDER}/copy-key"
            )
    if settings.disk:
        yield from _disk(part)


def _disk(part: Part[BackupServerSettings]) -> Iterator[File | Directory]:
    # udev sees by itself that a rule is new.
    yield template(
        part,
        f"rules.d/90-{DISK}.rules.j2",
        to=RULE,
        validate=f"udevadm verify --no-summary {RULE}",
        unit=DISK,
    )
    yield template(
        part, f"system/{DISK}@.service.j2", to=f"{UNITS}/{DISK}@.service", script=Drawer.script, memory=MEMORY
    )
    yield template(
        part,
        "coopinfra/backup-disk.j2",
        to=Drawer.script,
        mode="0755",
        validate="sh -n {file}",
        copy=SCRIPT,
        keeper=Kept.keeper,
        memory=MEMORY,
        kept=tuple(name for name, _ in repositories(part)),
    )
