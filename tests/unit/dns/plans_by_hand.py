"""Plans made by hand, for the readers of plans."""

from __future__ import annotations

from coopinfra.deploy.planning.plan import Collective, Declared, Plan, ServerPlan
from coopinfra.roles.declarations import Declaration, Record
from coopinfra.roles.facts import Contact, Operator, Organisation, Owned, Server

ADA = Operator("ada", "Ada", ("ssh-ed25519 AAAA ada",))
ORGANISATION = Organisation(
    id="highbeam",
    name="High Beam Coffee Roasters",
    kind="worker co-op",
    domain="highbeam.example",
    languages=("en", "es"),
    time_zone="America/Chicago",
    quiet_hours="02:00-05:00",
    contacts=(Contact("Rosa Ibarra", "decides", "rosa@highbeam.example", "+1 555 0100"),),
    owns=(Owned("domain highbeam.example", "Rosa Ibarra", "2027-03-01", "14 EUR a year"),),
)


def plan_of(*declared: tuple[str, str, Declaration]) -> Plan:
    """Make a plan of (role, server, declaration)."""
    servers = tuple(
        ServerPlan(
            organisation="highbeam",
            server=Server(name, f"{name}.highbeam.example", "192.0.2.10", (ADA,)),
            parts=(),
            declared=tuple(Declared(role, each) for role, on, each in declared if on == name),
            files=(),
        )
        for name in dict.fromkeys(on for _, on, _ in declared)
    )
    return Plan(ORGANISATION, Collective("Lantern", "help@lantern.example", "+1 555 0199", (ADA,)), servers, ".")


def plan_with(*records: Record) -> Plan:
    """Make a plan in which the websites of one server want some records."""
    return plan_of(*(("website", "web1", record) for record in records))
