"""The zone as text: what a person can type in at the registrar and a name server can read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coopinfra.deploy.dns.records import Wanted, wanted_records

if TYPE_CHECKING:
    from coopinfra.deploy.planning.plan import Plan

# Where names lead to comes first: without it, nothing else can be tried.
PURPOSES = {
    "A": "Where names lead to",
    "AAAA": "Where names lead to",
    "CNAME": "Names that stand for other names",
    "MX": "Where mail goes",
    "SRV": "Where programs find services",
    "CAA": "Who may issue certificates",
    "TXT": "Statements for other people's programs",
}
HEADER = """\
; DNS records of {name} ({domain}), as `coopinfra dns {id}` prints them.
; SOA and NS records are not here: whoever keeps the zone has them already.
; A form that asks for short names wants them without `.{domain}.`, and `@` for the domain itself.
"""


def zone_text(plan: Plan) -> str:
    """Print the plan's records as a zone file: absolute names, one record a line, grouped by what they are for."""
    organisation = plan.organisation
    groups: dict[tuple[str, tuple[str, ...]], list[Wanted]] = {}
    wanted = wanted_records(plan)
    for record in wanted:
        groups.setdefault((PURPOSES[record.type], record.asked_by), []).append(record)
    order = list(dict.fromkeys(PURPOSES.values()))
    lines = [HEADER.format(name=organisation.name, domain=organisation.domain, id=organisation.id)]
    name_width = max((len(record.name) + 1 for record in wanted), default=0)
    ttl_width = max((len(str(record.ttl)) for record in wanted), default=0)
    for purpose, askers in sorted(groups, key=lambda group: order.index(group[0])):
        lines.append(f"; {purpose} (asked for by {' and '.join(askers)})")
        lines += [
            f"{record.name + '.':<{name_width}} {record.ttl:>{ttl_width}} IN {record.type:<5} {record.value}"
            for record in sorted(groups[purpose, askers], key=in_order)
        ]
        lines.append("")
    return "\n".join(lines)


def in_order(record: Wanted) -> tuple[list[str], int, str, str]:
    """Sort by name as a tree, the domain before its hosts, then by type and value."""
    labels = record.name.split(".")[::-1]
    return labels, list(PURPOSES).index(record.type), record.type, record.value
