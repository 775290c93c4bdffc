"""The records that a plan wants, once each, in the one spelling in which they are printed and compared."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import dns.name
import dns.rdata
import dns.rdataclass
import dns.rdatatype
from dns.rdtypes.ANY.TXT import TXT
from dns.tokenizer import Tokenizer

from coopinfra.roles.declarations import Record

if TYPE_CHECKING:
    from coopinfra.deploy.planning.plan import Plan

LONGEST_STRING = 255


@dataclass(frozen=True)
class Wanted:
    """One record, and who asked for it (`website on web1`)."""

    name: str
    type: str
    value: str
    ttl: int
    asked_by: tuple[str, ...] = ()

    @property
    def place(self) -> tuple[str, str]:
        """What a name server is asked: the name without the last dot, and the type."""
        return self.name, self.type


def wanted_records(plan: Plan) -> tuple[Wanted, ...]:
    """Return every record of the plan, in the order in which the roles come; who repeats one joins its askers."""
    asked: dict[tuple[str, str, str], list[str]] = {}
    ttls: dict[tuple[str, str], int] = {}
    for server in plan.servers:
        for each in server.declared:
            if isinstance(record := each.declaration, Record):
                name = record.name.rstrip(".").lower()
                asker = f"{each.role} on {server.server.id}"
                askers = asked.setdefault((name, record.type, normal_value(record.type, record.value)), [])
                askers += [asker] if asker not in askers else []
                # All values of one name and type share one lifetime (RFC 2181, 5.2): the shortest harms nobody.
                ttls[name, record.type] = min(record.ttl, ttls.get((name, record.type), record.ttl))
    return tuple(
        Wanted(name, type, value, ttls[name, type], tuple(askers)) for (name, type, value), askers in asked.items()
    )


def normal_value(type: str, value: str) -> str:
    """Return a value in the spelling of zone files; a TXT value without quotes is one text."""
    if type == "TXT":
        if not value.startswith('"'):
            return _text(value.encode())
        return _text(b"".join(token.unescape_to_bytes().value for token in Tokenizer(value).get_remaining()))
    data = dns.rdata.from_text(dns.rdataclass.IN, dns.rdatatype.from_text(type), value, origin=dns.name.root)
    return as_text(data)


def as_text(data: dns.rdata.Rdata) -> str:
    """Return what a record holds as in a zone file; how a text was cut into strings makes no difference."""
    return _text(b"".join(data.strings)) if isinstance(data, TXT) else data.to_text()


def _text(whole: bytes) -> str:
    pieces = [whole[start : start + LONGEST_STRING] for start in range(0, len(whole), LONGEST_STRING)] or [b""]
    return TXT(dns.rdataclass.IN, dns.rdatatype.TXT, pieces).to_text()
