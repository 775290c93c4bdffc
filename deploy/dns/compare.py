"""Compares the records that are wanted with what each name server said; asks nobody."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from coopinfra.deploy.dns.records import Wanted

Status = Literal["ok", "missing", "different", "extra", "unknown"]
# Other people's texts, or one more authority that may issue, stand beside ours without harm.
# One more address or mail server takes visitors or mail away from us.
HARMLESS_BESIDE_OURS = {"TXT", "CAA"}
# Who has IPv6 is led astray by an address that an earlier server left behind, Let's Encrypt first of all.
# https://letsencrypt.org/docs/ipv6-support/
TWINS = {"A": "AAAA", "AAAA": "A"}


@dataclass(frozen=True)
class View:
    """What one address of one name server said: values by name and type, or why it said nothing."""

    server: str
    address: str
    found: Mapping[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)
    problem: str = ""
    unreachable: bool = False
    """This machine has no way to that kind of address, which says nothing about the server."""

    @property
    def answered(self) -> bool:
        """Whether it may be compared with."""
        return not self.problem and not self.unreachable


@dataclass(frozen=True)
class Finding:
    """How one record, or one place where nothing is wanted, stands at the servers that answered."""

    name: str
    type: str
    value: str
    status: Status
    found: tuple[str, ...] = ()
    servers: tuple[str, ...] = ()
    """The servers that say so, where not all of them do."""

    @property
    def agrees(self) -> bool:
        """Whether this is as it should be, or harmless."""
        return self.status == "ok" or (self.status == "extra" and self.type in HARMLESS_BESIDE_OURS)


def places_to_ask(wanted: Iterable[Wanted]) -> tuple[tuple[str, str], ...]:
    """Return every name and type to ask for: also the other kind of address, where none is wanted."""
    places = [place for record in wanted for place in (record.place, _twin(record)) if place[1]]
    return tuple(dict.fromkeys(places))


def compare(wanted: tuple[Wanted, ...], views: Iterable[View]) -> tuple[Finding, ...]:
    """Compare every record with every server that answered for it; one finding for each opinion."""
    answered = [view for view in views if view.answered]
    findings: list[Finding] = []
    for record in wanted:
        asked = [view for view in answered if record.place in view.found]
        findings += _joined([(view, _judge(record, view.found[record.place])) for view in asked])
        if not asked:
            findings.append(Finding(record.name, record.type, record.value, "unknown"))
    for place in places_to_ask(wanted):
        ours = {record.value for record in wanted if record.place == place}
        asked = [view for view in answered if place in view.found]
        extras = [(view, tuple(value for value in view.found[place] if _is_foreign(value, ours))) for view in asked]
        # Where a value of ours is lacking, the rest is shown there already.
        if not any(finding.status == "different" and (finding.name, finding.type) == place for finding in findings):
            findings += _joined([(view, Finding(*place, "", "extra", found)) for view, found in extras if found], asked)
    return tuple(findings)


def _is_foreign(value: str, ours: set[str]) -> bool:
    # An alias that leads to nothing of this type is no value: it stands in every answer about its name.
    return value not in ours and not value.startswith("CNAME ")


def _twin(record: Wanted) -> tuple[str, str]:
    return record.name, TWINS.get(record.type, "")


def _judge(record: Wanted, found: tuple[str, ...]) -> Finding:
    status: Status = "ok" if record.value in found else "different" if found else "missing"
    if status == "different" and record.type == "TXT":
        # Other texts of the same name have nothing to do with ours.
        status = "missing"
    return Finding(record.name, record.type, record.value, status, () if status == "ok" else found)


def _joined(opinions: list[tuple[View, Finding]], asked: list[View] | None = None) -> Iterator[Finding]:
    """Say once what several servers say alike, and name the servers where they differ."""
    everybody = len(opinions) if asked is None else len(asked)
    for finding in dict.fromkeys(finding for _, finding in opinions):
        who = tuple(f"{view.server} ({view.address})" for view, said in opinions if said == finding)
        yield (
            finding
            if len(who) == everybody
            else Finding(finding.name, finding.type, finding.value, finding.status, finding.found, who)
        )
