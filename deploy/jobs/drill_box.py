"""The throw-away box of a drill: packages first, then no way out any more, then the data."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic
from typing import TYPE_CHECKING

from coopinfra.deploy.backups.findings import Finding, Notes, of_restore
from coopinfra.deploy.jobs.drill_checks import of_checks, of_pages
from coopinfra.deploy.jobs.lab import box_of, boxes_of, publish_zone
from coopinfra.deploy.lab import lab as labs
from coopinfra.deploy.organisation.places import find_inventories
from coopinfra.deploy.organisation.problems import CoopinfraError, Problem
from coopinfra.roles.declarations import Kept

if TYPE_CHECKING:
    from coopinfra.deploy.backups.repository import Repository
    from coopinfra.deploy.backups.snapshots import Snapshot
    from coopinfra.deploy.jobs.backup import Copies
    from coopinfra.deploy.jobs.secrets import Keeping
    from coopinfra.roles.facts import Server, Tenancy

UNPACKED = "/var/lib/coopinfra/drill"
OWN = ("COOPINFRA_AGE_IDENTITY", "HOME")
"""What a command in the box's lab keeps of whoever drills: the lab has an identity of its own, which reads nothing."""


def try_in_a_box(kept: Keeping, copy: Copies, repository: Repository, snapshot: Snapshot, notes: Notes) -> None:
    """Bring the server back from one backup, and note all that was compared."""
    name, server, box = f"drill-{kept.org.id}"[:31], copy.server.server.id, box_of(copy.server.server)
    with _lab(name, kept, notes.report) as lab:
        began = monotonic()
        notes.report(f"{server}: deploying the same roles onto a bare machine")
        for owner in _owners(lab, kept):
            _run(lab, "deploy", owner, "--yes", "--one-reader")
        _run(lab, "deploy", kept.org.id, "--yes", "--one-reader")
        notes.step("deploy", began)
        labs.cut_off(lab)
        began = monotonic()
        notes.report(f"{server}: putting back the backup {snapshot.id[:8]}, with no way out any more")
        _unpack(lab, box, repository, snapshot)
        words = f"{Kept.restore} all {kept.org.id} {UNPACKED} {snapshot.id}"
        ran = labs.shell(lab, box, words, check=False)
        lines = [line.strip() for line in ran.stderr.splitlines() if line.strip()]
        notes.findings += of_restore(ran.stdout.splitlines(), ran.returncode, "; ".join(lines[-3:]))
        notes.step("restore", began)
        began = monotonic()
        notes.report(f"{server}: asking it for what it serves")
        notes.findings += of_checks(_run(lab, "check", kept.org.id, "--json", check=False), server)
        notes.findings += of_pages(lab, copy.server)
        notes.step("look at it", began)
        notes.packets_out = labs.packets_out(lab)
        left = f"{notes.packets_out} packets" if notes.packets_out else ""
        notes.findings.append(Finding("nothing has left the box since the data came", left))


@contextmanager
def _lab(name: str, kept: Keeping, report: Callable[[str], None]) -> Iterator[labs.Lab]:
    """Bring up a lab with a bare machine for each server, and leave nothing of it, nor of one that was killed."""
    labs.down(name)
    try:
        lab = labs.up(name, boxes_of(kept.plan), find_inventories(), report)
        shared = lab.inventories / "collective.yml"
        # The copy is in no repository, and what is deployed here is thrown away.
        shared.write_text(re.sub(r"(?m)^require_signed_commits:.*\n", "", shared.read_text()))
        publish_zone(lab, kept.org.id)
        yield lab
    finally:
        labs.down(name)


def _owners(lab: labs.Lab, kept: Keeping) -> Iterator[str]:
    """Yield whose machines the organisation shares, with no more in their files here than such a one gives a tenant.

    The owner's own services and secrets, and its other tenants, are no part of what comes back.
    """
    owners: dict[str, dict[str, object]] = {}
    domains: dict[str, str] = {}
    for each in kept.plan.servers:
        if tenancy := each.server.tenancy:
            owners.setdefault(tenancy.owner, {})[tenancy.machine] = _machine(each.server, tenancy)
            domains[tenancy.owner] = each.server.host_name.removeprefix(f"{tenancy.machine}.")
    for owner, servers in owners.items():
        contacts = [{"name": owner, "does": "lends its machine"}]
        org = {"name": owner, "domain": domains[owner], "contacts": contacts, "servers": servers}
        # JSON is YAML too.
        (lab.inventories / owner / "org.yml").write_text(json.dumps(org, indent=2))
        yield owner


def _machine(server: Server, tenancy: Tenancy) -> dict[str, object]:
    lets = {"memory_megabytes": tenancy.memory_megabytes, "disk_gigabytes": tenancy.disk_gigabytes}
    given = {name: value for name, value in lets.items() if value}
    own = {"address": server.address, "ipv6": server.ipv6, "port": server.port}
    said = {name: value for name, value in own.items() if value}
    return {**said, "tenants": {tenancy.organisation: given}, "roles": {"base": {}}}


def _run(lab: labs.Lab, *words: str, check: bool = True) -> str:
    own = [f"{name}={os.environ[name]}" for name in OWN if name in os.environ]
    done = labs.run(lab, ("env", *own, sys.executable, "-m", "coopinfra.cli.main", *words))
    if check and done.returncode:
        said = "; ".join(done.stderr.strip().splitlines()[-3:])
        raise CoopinfraError(Problem(f"`{words[0]}` in the box ended with {done.returncode}: {said}"))
    return done.stdout


def _unpack(lab: labs.Lab, box: str, repository: Repository, snapshot: Snapshot) -> None:
    """Stream the backup into the box; restic runs out here, so the box needs neither a key nor a way."""
    inside = f"mkdir -p {UNPACKED} && exec tar --extract --preserve-permissions --numeric-owner --directory {UNPACKED}"
    with repository.stream(snapshot.id) as archive:
        done = subprocess.run(
            labs.shell_argv(lab, box, inside), stdin=archive, capture_output=True, text=True, check=False
        )
    if done.returncode:
        raise CoopinfraError(Problem(f"the backup could not be unpacked: {done.stderr.strip()[-300:]}"))
