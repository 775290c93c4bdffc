"""A server's backups as this machine can read them, with what the inventory says and nothing of the server itself."""

from __future__ import annotations

import shlex
from pathlib import Path

from coopinfra.deploy.backups.repository import Plugged, Repository, Served
from coopinfra.deploy.engine.reach import ssh_for_programs
from coopinfra.deploy.jobs.backup import Copies, keeper_of
from coopinfra.deploy.jobs.secrets import Keeping
from coopinfra.deploy.planning.at_rest import public_half
from coopinfra.roles.declarations import Drawer, Kept


def repository_of(kept: Keeping, copy: Copies) -> Repository:
    """Decrypt what reads them: the key, and for those that a server gives out the login there."""
    at, server = copy.kept, copy.server.server.id
    if copy.disk:
        return _on_disk(kept, copy)
    paths = (f"{server}/backups/{at.login}", f"{server}/backups/{Kept.key}")
    found = kept.store.read(paths, kept.identities)
    keeper = Path(kept.org.folder).parent / at.organisation
    certificate = public_half(keeper, f"{at.server}/backup-server/certificate")
    url = f"rest:https://{at.host}:{at.port}/{at.repository}/"
    login, key = (found[path].text for path in paths)
    return Served(url, at.repository, login, key, certificate.read_text(encoding="utf-8"))


def _on_disk(kept: Keeping, copy: Copies) -> Plugged:
    path = f"{copy.server.server.id}/backups/{Kept.key}"
    key = kept.store.read((path,), kept.identities)[path].text
    target = keeper_of(copy)
    command = f"sudo -n -- {Drawer.script} read {copy.kept.repository}"
    return Plugged(copy.kept.repository, shlex.join(ssh_for_programs(target, command)), key)
