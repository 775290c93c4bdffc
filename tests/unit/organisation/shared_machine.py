"""An owner's machine and three organisations that share it, as inventories."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from coopinfra.deploy.organisation.load import load_org
from coopinfra.deploy.organisation.org import Org

TENANTS = ("alder", "birch", "cedar")
COLLECTIVE = """\
name: Lantern Tech Co-op
operators:
  ada:
    name: Ada Moreno
    ssh_keys: [ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKMFxMqEgVJ/aaB2og6UE7sLqqZyh5D0vt2noPN0JxFj ada]
  bruno:
    name: Bruno Keita
    ssh_keys: [ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPVbjyePPoPPnLrQ2LAQhSAzM7TpXWlFBcLNVvVHFrTf bruno]
    organisations: [alder]
"""
OWNER = """\
name: Lantern Tech Co-op
domain: lantern.example
contacts: [{name: Ada Moreno, does: decides}]
servers:
  shared1:
    address: 203.0.113.20
    ipv6: 2001:db8::20
    port: 2222
    tenants: {alder: {memory_megabytes: 256}, birch: {}, cedar: {}}
    roles:
      base: {}
      nginx: {hsts_days: 30}
  own1: {address: 203.0.113.21, roles: {}}
  elsewhere: {machine: oak/big1, roles: {}}
"""
OAK = """\
name: Oak Housing Co-op
domain: oak.example
contacts: [{name: Iris Duarte, does: decides}]
servers:
  big1: {address: 203.0.113.30, tenants: {lantern: {}}, roles: {}}
"""
TENANT = """\
name: Somebody
domain: ID.example
contacts: [{name: Rosa Ibarra, does: decides}]
servers:
  web:
    machine: lantern/shared1
    roles:
      website: {sites: {main: {domain: www.ID.example, source: {folder: pages}}}}
      postgresql: {databases: {members: {}}}
"""


@dataclass(frozen=True)
class Inventories:
    """The folder of all organisations."""

    folder: Path

    def load(self, organisation: str, *changes: tuple[str, str], owner: str = "") -> Org:
        """Read one of them, after some changes to what it says; `owner` is what the machine's owner says."""
        for name, usual in (
            ("lantern", owner or OWNER),
            ("oak", OAK),
            *((name, TENANT.replace("ID", name)) for name in TENANTS),
        ):
            text = usual
            (self.folder / name / "pages").mkdir(parents=True, exist_ok=True)
            (self.folder / name / "pages/index.html").write_text("<!doctype html>")
            for old, new in changes if name == organisation else ():
                assert old in text
                text = text.replace(old, new)
            (self.folder / name / "org.yml").write_text(text)
        (self.folder / "collective.yml").write_text(COLLECTIVE)
        return load_org(self.folder / organisation)
