"""Checks a plan's records at the name servers that are responsible for them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from coopinfra.deploy.dns.compare import Finding, View, compare, places_to_ask
from coopinfra.deploy.dns.records import wanted_records

if TYPE_CHECKING:
    from coopinfra.deploy.dns.ask import Asker
    from coopinfra.deploy.planning.plan import Plan


@dataclass(frozen=True)
class Zone:
    """A zone that some of the records lie in, and what each of its name servers said."""

    name: str
    views: tuple[View, ...]


@dataclass(frozen=True)
class DnsReport:
    """How the records stand, and who was asked."""

    zones: tuple[Zone, ...]
    findings: tuple[Finding, ...]
    homeless: tuple[str, ...] = ()
    """Names for which no zone was found."""

    @property
    def disagreements(self) -> tuple[Finding, ...]:
        """What is not as it should be."""
        return tuple(finding for finding in self.findings if not finding.agrees)

    @property
    def agrees(self) -> bool:
        """Whether every record is there, at every server that answered, and at least one did for each."""
        return not self.disagreements


def check_records(plan: Plan, asker: Asker) -> DnsReport:
    """Ask every responsible name server for every record of the plan."""
    wanted = wanted_records(plan)
    places: dict[tuple[str, tuple[str, ...]], list[tuple[str, str]]] = {}
    homes = {name: asker.zone_of(name) for name in dict.fromkeys(record.name for record in wanted)}
    for place in places_to_ask(wanted):
        places.setdefault(homes[place[0]], []).append(place)
    zones = tuple(Zone(name, asker.views(servers, places[name, servers])) for name, servers in places if name)
    findings = compare(wanted, (view for zone in zones for view in zone.views))
    return DnsReport(zones, findings, tuple(name for name, (zone, _) in homes.items() if not zone))
