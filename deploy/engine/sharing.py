"""What must be true of a machine that several organisations share, before anything on it is touched."""

from __future__ import annotations

import re
from collections.abc import Iterator

from coopinfra.deploy.engine.preflight import PreflightError, refuse_to_go_back
from coopinfra.deploy.organisation.problems import Problem, raise_all
from coopinfra.deploy.planning.plan import ServerPlan
from coopinfra.roles.primitives.manifest import Manifest
from coopinfra.roles.primitives.neighbours import Neighbours

NOTHING = Manifest()


def refuse_conflicts(plan: ServerPlan, new: Manifest, neighbours: Neighbours, old: Manifest = NOTHING) -> None:
    """Raise PreflightError with all that the plan and the others on the machine cannot both have.

    new: what the deploy will leave behind
    old: what the one before has left
    """
    label = f"{plan.organisation}/{plan.server.id}"
    for each in neighbours.manifests.values():
        refuse_to_go_back(label, each)
    raise_all((*_problems(label, plan, new, neighbours), *_left_behind(label, plan, old)), PreflightError)


def _problems(label: str, plan: ServerPlan, new: Manifest, neighbours: Neighbours) -> Iterator[Problem]:
    tenancy = plan.server.tenancy
    if tenancy and tenancy.owner not in neighbours.manifests:
        message = f"{label}: `{tenancy.owner}` has not deployed `{tenancy.machine}` yet"
        yield Problem(message, f"accounts and firewall come from there: `coopinfra deploy {tenancy.owner}`")
    for other, claim in neighbours.conflicts(new):
        hint = f"choose another, or have it leave `{other}` and deploy that one first"
        yield Problem(f"{label}: `{other}` has {claim} on this machine already", hint)
    if missing := neighbours.memory_missing(new):
        message = f"{label}: all who share this machine may take {missing} MB more than its {neighbours.megabytes} MB"
        yield Problem(message, "lower `memory_megabytes` of its `tenants`, or let one of them move")


def _left_behind(label: str, plan: ServerPlan, old: Manifest) -> Iterator[Problem]:
    """Find data that would lie elsewhere than where its site looks, because a disk came or went."""
    if not plan.files:
        # Who leaves has no site any more that would look anywhere.
        return
    home = plan.server.home
    for path in old.directories:
        if re.match("/srv/(tenants/[^/]+/)?data/", path) and not path.startswith(f"{home}/data/"):
            message = f"{label}: its data would stay in `{path}`, and its sites would look in `{home}/data`"
            hint = "`leave` without data, deploy, and move it there by hand; or let `disk_gigabytes` be as it was"
            yield Problem(message, hint)
