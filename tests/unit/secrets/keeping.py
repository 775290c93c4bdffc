"""An organisation with secrets, and people who can read them; for tests."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import pyrage

from coopinfra.deploy.organisation.load import load_org
from coopinfra.deploy.organisation.org import Org
from coopinfra.deploy.planning.make import make_plan
from coopinfra.deploy.planning.plan import Plan
from coopinfra.deploy.secrets.making import make_missing
from coopinfra.deploy.secrets.readers import readers_of
from coopinfra.deploy.secrets.store import Store, store_of

ORG = """\
name: High Beam Coffee Roasters
domain: highbeam.example
contacts: [{name: Rosa Ibarra, does: decides}]
servers:
  web1:
    address: 203.0.113.10
    roles:
      website:
        sites:
          main: {domain: www.highbeam.example, source: {folder: sites/main}, preview_password: true}
          blog: {domain: blog.highbeam.example, source: {folder: sites/main}, preview_password: true}
"""
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKMFxMqEgVJ/aaB2og6UE7sLqqZyh5D0vt2noPN0JxFj ada@lantern.example"
PASSWORD, HTPASSWD = "web1/website/main-password", "web1/website/main-htpasswd"


@dataclass
class Keeper:
    """An inventory in a folder of its own, with age identities by name."""

    inventories: Path
    people: dict[str, pyrage.x25519.Identity]

    @property
    def folder(self) -> Path:
        return self.inventories / "highbeam"

    @property
    def org(self) -> Org:
        return load_org(self.folder)

    @property
    def plan(self) -> Plan:
        return make_plan(self.org)

    @property
    def store(self) -> Store:
        return store_of(self.plan)

    def identities(self, name: str = "ada"):
        return lambda: (self.people[name],)

    def file(self, path: str) -> Path:
        return self.folder / "secrets" / f"{path}.age"

    def list_people(self, **more: str) -> None:
        """Write collective.yml: everybody with their age key; `more` adds lines by name."""
        lines = ["name: Lantern Tech Co-op", "operators:"]
        for number, (name, identity) in enumerate(self.people.items()):
            lines += [f"  {name}:", f"    name: {name.title()}", f"    age_keys: [{identity.to_public()}]"]
            lines += [f"    ssh_keys: [{KEY}]"] if number == 0 else []
            lines += [f"    {more[name]}"] if name in more else []
        (self.inventories / "collective.yml").write_text("\n".join(lines) + "\n")

    def generate(self) -> tuple[str, ...]:
        return make_missing(self.store, readers_of(self.org).all, self.identities())


def keeper(folder: Path, *names: str) -> Keeper:
    """Make an inventory whose operators are these."""
    made = Keeper(folder / "inventories", {name: pyrage.x25519.Identity.generate() for name in names})
    (made.folder / "sites/main").mkdir(parents=True)
    (made.folder / "sites/main/index.html").write_text("<!doctype html><title>High Beam</title>")
    (made.folder / "org.yml").write_text(ORG)
    made.list_people()
    return made


def swap(first: Path, second: Path) -> None:
    """Let two files change places."""
    between = first.with_suffix(".between")
    shutil.move(first, between)
    shutil.move(second, first)
    shutil.move(between, second)
