"""The main job from nothing: a lab, the sample organisation deployed into it, and a look from outside."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from coopinfra.deploy.jobs.lab import boxes_of, publish_zone
from coopinfra.deploy.lab import lab as labs
from coopinfra.deploy.planning.make import plan_of
from coopinfra.deploy.planning.plan import Plan
from coopinfra.roles.declarations import Link

COMMAND = (sys.executable, "-m", "coopinfra.cli.main")
"""The same installation, whatever PATH says inside the lab."""


def run_demo(name: str, organisation: str, report: Callable[[str], None]) -> int:
    """Bring the lab up unless it is, run the commands that an operator types, and say what answers where.

    Returns the exit code of the first command that fails, and leaves the lab up for a look in that case too.
    """
    plan = plan_of(organisation)
    lab = labs.load(name) if name in labs.names() else labs.up(name, boxes_of(plan), Path(plan.folder).parent, report)
    publish_zone(lab, organisation)
    report(f"the records of `coopinfra dns {organisation}` were typed in at the lab's name server")
    book = lab.folder / "runbook"
    for words in (
        ("deploy", organisation, "--yes"),
        ("check", organisation),
        ("dns", organisation, "--check"),
        ("runbook", organisation, "--out", str(book)),
    ):
        report(f"$ coopinfra lab run {name} -- coopinfra {' '.join(words)}")
        code = labs.run(lab, (*COMMAND, *words), capture=False).returncode
        if code:
            report(
                f"that ended with {code}; the lab stays up: coopinfra lab run {name} -- coopinfra check {organisation}"
            )
            return code
    for line in _ending(name, organisation, plan):
        report(line)
    return 0


def _ending(name: str, organisation: str, plan: Plan) -> tuple[str, ...]:
    links = plan.all(Link)
    return (
        "",
        f"{plan.organisation.name} is up in the lab `{name}`:",
        *(f"  {link.title}: {link.url}" for link in links),
        *(f"  server {each.server.id}: ssh at {each.server.address}" for each in plan.servers),
        *(f"see the site:  ./coopinfra lab run {name} -- curl -s {link.url}" for link in links[:1]),
        f"look again:    ./coopinfra lab run {name} -- ./coopinfra check {organisation}",
        f"take it down:  ./coopinfra lab down {name}",
    )
