"""Shows records and what was found out about them: rows for a table, and data for programs."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from coopinfra.deploy.dns.check import DnsReport
    from coopinfra.deploy.dns.compare import Finding, View
    from coopinfra.deploy.dns.records import Wanted


def rows(report: DnsReport) -> list[tuple[str, str, str, str]]:
    """Return name, type, state and details of every finding."""
    return [(finding.name, finding.type, finding.status, details(finding)) for finding in report.findings]


def details(finding: Finding) -> str:
    """Say what is wanted and what is there instead."""
    there = ", ".join(finding.found)
    said = {
        "ok": finding.value,
        "missing": f"wanted {finding.value}; nothing is there",
        "different": f"wanted {finding.value}; there is {there}",
        "extra": f"also there: {there}" + ("; harmless" if finding.agrees else "; nobody asked for it"),
        "unknown": f"wanted {finding.value}; no name server answered",
    }[finding.status]
    return said + (f" (says {' and '.join(finding.servers)})" if finding.servers else "")


def servers(report: DnsReport) -> list[str]:
    """Say of each zone who was asked and how that went."""
    lines = []
    for zone in report.zones:
        lines += [f"{zone.name}: {view.server} {view.address} {_how(view)}".replace("  ", " ") for view in zone.views]
    return lines + [f"{name}: no name server is known for it" for name in report.homeless]


def as_data(report: DnsReport) -> dict[str, object]:
    """Return the report for programs."""
    return {
        "agrees": report.agrees,
        "records": [
            {
                "name": finding.name,
                "type": finding.type,
                "value": finding.value,
                "status": finding.status,
                "agrees": finding.agrees,
                "found": list(finding.found),
                "servers": list(finding.servers),
            }
            for finding in report.findings
        ],
        "servers": [
            {
                "zone": zone.name,
                "name": view.server,
                "address": view.address,
                "answered": view.answered,
                "said": _how(view),
            }
            for zone in report.zones
            for view in zone.views
        ],
        "without_zone": list(report.homeless),
    }


def records_as_data(records: tuple[Wanted, ...]) -> list[dict[str, object]]:
    """Return the wanted records for programs."""
    return [
        {"name": each.name, "type": each.type, "value": each.value, "ttl": each.ttl, "asked_by": list(each.asked_by)}
        for each in records
    ]


def _how(view: View) -> str:
    if view.unreachable:
        return "cannot be reached from this machine"
    return view.problem or "answered"
