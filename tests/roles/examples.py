"""Examples of roles, made into plans by the front door: a whole org.yml each, in a folder of its own."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from coopinfra.deploy.organisation.load import load_org
from coopinfra.deploy.planning.make import make_plan
from coopinfra.deploy.planning.plan import Plan, ServerPlan
from coopinfra.roles.contract import Part
from coopinfra.roles.registry import Role, roles

COLLECTIVE = """\
name: Lantern Tech Co-op
operators:
  ada:
    name: Ada Moreno
    email: ada@lantern.example
    ssh_keys: [ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKMFxMqEgVJ/aaB2og6UE7sLqqZyh5D0vt2noPN0JxFj ada@lantern.example]
"""
# Whose machine the examples of tenants share.
OWNER = """\
name: Lantern Tech Co-op
domain: lantern.example
contacts: [{name: Ada Moreno, does: decides}]
servers:
  shared1:
    address: 203.0.113.20
    ipv6: 2001:db8::20
    tenants: {highbeam: {memory_megabytes: 1024, disk_gigabytes: 5}}
    roles:
      base: {}
      nginx: {hsts_days: 30}
"""
SERVER = "web1"


@dataclass(frozen=True)
class Example:
    """One example of one role."""

    role: Role
    path: Path

    def __str__(self) -> str:
        return f"{self.role.name}-{self.path.stem}"

    @property
    def transcript(self) -> Path:
        """What it is compared with."""
        return self.path.with_suffix(".transcript")

    @property
    def server(self) -> ServerPlan:
        """The plan of its one server."""
        return plan_of(self.path.read_text()).servers[0]

    @property
    def part(self) -> Part[Any]:
        """What the role is told in it."""
        part = self.server.part(self.role.name)
        assert part, f"{self.path} does not use the role"
        return part


def examples() -> list[Example]:
    """Return every example of every role."""
    return [Example(role, path) for role in roles().values() for path in sorted(role.folder.glob("examples/*.yml"))]


@cache
def plan_of(org_yml: str) -> Plan:
    """Make the plan of an org.yml whose site folder `sites/main` exists."""
    inventories = Path(mkdtemp(prefix="coopinfra-example-"))
    try:
        folder = inventories / "highbeam"
        (folder / "sites/main").mkdir(parents=True)
        (folder / "sites/main/index.html").write_text("<!doctype html><title>High Beam</title>")
        (folder / "org.yml").write_text(org_yml)
        (inventories / "collective.yml").write_text(COLLECTIVE)
        (inventories / "lantern").mkdir()
        (inventories / "lantern/org.yml").write_text(OWNER)
        return make_plan(load_org(folder))
    finally:
        shutil.rmtree(inventories)
