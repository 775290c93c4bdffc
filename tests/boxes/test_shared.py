"""Three organisations on one machine: each deploys alone, and none knows of the others more than is public."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from boxes import Operator, machines
from coopinfra.deploy.lab import lab as labs
from coopinfra.deploy.lab.state import BoxSpec

pytestmark = pytest.mark.timeout(480)

SHARED1 = BoxSpec("shared1", "203.0.113.10", "2001:db8::10", organisation="lantern")
OWNER = """\
name: Lantern Tech Co-op
domain: lantern.example
contacts: [{name: Ada Moreno, does: decides}]
servers:
  shared1:
    address: 203.0.113.10
    ipv6: 2001:db8::10
    tenants:
      alder: {memory_megabytes: 256}
      birch: {}
    roles:
      base: {}
"""
TENANT = """\
name: %(name)s
domain: %(id)s.example
contacts: [{name: Rosa Ibarra, does: decides}]
servers:
  web:
    machine: lantern/shared1
    roles:
      website:
        sites:
          main: {domain: www.%(id)s.example, source: {folder: pages}}
"""
TENANTS = ("alder", "birch")


@dataclass(frozen=True)
class Sharing:
    """Somebody who deploys several organisations onto one machine."""

    operator: Operator

    def write(self, organisation: str, text: str) -> None:
        folder = self.operator.lab.inventories / organisation
        (folder / "pages").mkdir(parents=True, exist_ok=True)
        (folder / "pages/index.html").write_text(f"<!doctype html><p>{organisation}\n")
        (folder / "org.yml").write_text(text)

    def write_tenant(self, organisation: str, *changes: tuple[str, str]) -> None:
        text = TENANT % {"name": organisation.title(), "id": organisation}
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        self.write(organisation, text)

    def deploy(self, organisation: str) -> str:
        return self.operator.ok("deploy", organisation, "--yes").stderr

    def publish(self, organisation: str) -> None:
        labs.publish(self.operator.lab, f"{organisation}.example", self.operator.ok("dns", organisation).stdout)

    def page(self, organisation: str) -> str:
        return self.operator.outside("curl", "-sS", f"https://www.{organisation}.example/").stdout

    def root(self, command: str) -> str:
        return self.operator.root(command, box="shared1")


@pytest.fixture(scope="module")
def sharing(lab):
    """A bare machine, and the files of its owner and of two that may share it."""
    at = Sharing(Operator(lab))
    at.write("lantern", OWNER)
    for name in TENANTS:
        at.write_tenant(name)
    with machines(lab) as make:
        yield Sharing(make(SHARED1))


@pytest.fixture(scope="module", autouse=True)
def deployed(sharing):
    """Everybody has deployed, the owner first."""
    for name in ("lantern", *TENANTS):
        sharing.publish(name)
    early = sharing.operator.run("deploy", "alder", "--yes")
    assert early.returncode == 3
    assert "`lantern` has not deployed `shared1` yet" in early.stderr
    for name in ("lantern", *TENANTS):
        sharing.deploy(name)


def test_each_answers_and_has_nothing_to_change_and_all_checks_are_green(sharing):
    for name in TENANTS:
        assert name in sharing.page(name)
    for name in ("lantern", *TENANTS):
        planned = sharing.operator.ok("plan", name).stdout
        assert "nothing to change" in planned
        assert "by other hands" not in planned
        assert " 0 red" in sharing.operator.ok("check", name).stdout


def test_what_a_stranger_changes_is_drift_to_whom_it_concerns_alone(sharing):
    sharing.root("echo '# by hand' >>/etc/nginx/conf.d/alder.conf")

    alder, birch = (sharing.operator.run("plan", name) for name in TENANTS)

    assert alder.returncode == 1
    assert "/etc/nginx/conf.d/alder.conf (content)" in alder.stdout
    assert birch.returncode == 0, birch.stdout
    sharing.deploy("alder")


def test_who_wants_what_a_neighbour_has_is_refused_before_anything_is_touched(sharing):
    before = sharing.root("cat /var/lib/coopinfra/state/*/manifest.json | sha256sum")
    sharing.write_tenant("birch", ("www.birch.example", "www.alder.example"))

    refused = sharing.operator.run("deploy", "birch", "--yes")

    assert refused.returncode == 3
    assert "birch/web: `alder` has www.alder.example on this machine already" in refused.stderr
    assert sharing.root("cat /var/lib/coopinfra/state/*/manifest.json | sha256sum") == before
    sharing.write_tenant("birch")
    assert "nothing to change" in sharing.deploy("birch")
