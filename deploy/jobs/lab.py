"""What a lab takes from a plan: a box for each server, and the records for its name server."""

from __future__ import annotations

from coopinfra.deploy.dns.zone import zone_text
from coopinfra.deploy.lab import lab as labs
from coopinfra.deploy.organisation.load import load_org
from coopinfra.deploy.planning.make import make_plan
from coopinfra.deploy.planning.plan import Plan
from coopinfra.roles.facts import Server


def boxes_of(plan: Plan) -> tuple[labs.BoxSpec, ...]:
    """Return a box for every server of a plan, at its addresses."""
    return tuple(_box(plan.organisation.id, each.server) for each in plan.servers)


def _box(organisation: str, server: Server) -> labs.BoxSpec:
    whose = server.tenancy.owner if server.tenancy else organisation
    return labs.BoxSpec(box_of(server), server.address, server.ipv6, organisation=whose)


def box_of(server: Server) -> str:
    """Return what the box of a server is called: as the machine, which may be another organisation's."""
    return server.tenancy.machine if server.tenancy else server.id


def publish_zone(lab: labs.Lab, organisation: str) -> str:
    """Serve what `coopinfra dns` prints inside the lab, where its own inventories count; return the domain."""
    plan = make_plan(load_org(lab.inventories / organisation))
    labs.publish(lab, plan.organisation.domain, zone_text(plan))
    return plan.organisation.domain
