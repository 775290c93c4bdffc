"""A server's backups as this machine can read them, with what the inventory says and nothing of the server itself."""

from __future__ import annotations

from pathlib import Path

from coopinfra.deploy.backups.repository import Repository
from coopinfra.deploy.jobs.secrets import Keeping
from coopinfra.deploy.planning.at_rest import public_half
from coopinfra.roles.declarations import Kept


def repository_of(kept: Keeping, at: Kept, server: str) -> Repository:
    """Decrypt the login and the key, and find the certificate of whoever keeps them."""
    paths = (f"{server}/backups/{at.login}", f"{server}/backups/{Kept.key}")
    found = kept.store.read(paths, kept.identities)
    keeper = Path(kept.org.folder).parent / at.organisation
    certificate = public_half(keeper, f"{at.server}/backup-server/certificate")
    url = f"rest:https://{at.host}:{at.port}/{at.repository}/"
    login, key = (found[path].text for path in paths)
    return Repository(url, at.repository, login, key, certificate.read_text(encoding="utf-8"))
