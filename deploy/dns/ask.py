"""Finds the name servers that are responsible for a name and asks each of them directly."""

from __future__ import annotations

import errno
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.query
import dns.rcode
import dns.rdatatype
import dns.resolver

from coopinfra.deploy.dns.compare import View
from coopinfra.deploy.dns.records import as_text

NO_WAY = {errno.ENETUNREACH, errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT}
TRIES = 2


@dataclass(frozen=True)
class Asker:
    """How questions are put: through which resolver servers are found, on which port, and how patiently."""

    resolver: dns.resolver.Resolver
    port: int = 53
    timeout: float = 2.0

    def zone_of(self, name: str) -> tuple[str, tuple[str, ...]]:
        """Return the zone that a name lies in and its name servers: those of the name or of its nearest parent."""
        labels = name.split(".")
        for start in range(len(labels) - 1):
            zone = ".".join(labels[start:])
            if servers := self._look_up(zone, "NS"):
                return zone, servers
        return "", ()

    def views(self, zone_servers: Iterable[str], places: Iterable[tuple[str, str]]) -> tuple[View, ...]:
        """Ask every address of every server for every place, all servers at once."""
        questions = tuple(places)
        servers = tuple(zone_servers)
        with ThreadPoolExecutor(max_workers=8) as pool:
            found = list(pool.map(self._addresses, servers))
            pairs = [
                (server, address) for server, addresses in zip(servers, found, strict=True) for address in addresses
            ]
            views = list(pool.map(lambda pair: self._view(pair[0], pair[1], questions), pairs))
        nameless = [
            View(server, "", problem="its name has no address")
            for server, addresses in zip(servers, found, strict=True)
            if not addresses
        ]
        return (*views, *nameless)

    def _addresses(self, server: str) -> tuple[str, ...]:
        return (*self._look_up(server, "A"), *self._look_up(server, "AAAA"))

    def _look_up(self, name: str, type: str) -> tuple[str, ...]:
        try:
            answer = self.resolver.resolve(name.rstrip(".") + ".", type, search=False, raise_on_no_answer=False)
        except (dns.exception.DNSException, OSError):
            return ()
        return tuple(sorted(record.to_text() for record in answer.rrset or ()))

    def _view(self, server: str, address: str, places: tuple[tuple[str, str], ...]) -> View:
        found = {}
        try:
            for name, type in places:
                answer = self._ask(address, name, type)
                if answer.rcode() not in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN):
                    return View(server, address, problem=f"answers {dns.rcode.to_text(answer.rcode())}")
                if not answer.flags & dns.flags.AA:
                    return View(server, address, problem=f"does not serve the zone of {name}")
                found[name, type] = _values(answer, type)
        except dns.exception.Timeout:
            return View(server, address, problem="does not answer")
        except OSError as error:
            unreachable = error.errno in NO_WAY
            return View(server, address, problem="" if unreachable else _words(error), unreachable=unreachable)
        except dns.exception.DNSException as error:
            return View(server, address, problem=f"answers what is not DNS: {type_name(error)}")
        return View(server, address, found)

    def _ask(self, address: str, name: str, type: str) -> dns.message.Message:
        query = dns.message.make_query(dns.name.from_text(name), type, use_edns=0, payload=1232)
        # We ask those who know themselves: nobody has to look further for us.
        query.flags &= ~dns.flags.RD
        for tries_left in reversed(range(TRIES)):
            try:
                return dns.query.udp_with_fallback(query, address, timeout=self.timeout, port=self.port)[0]
            except dns.exception.Timeout:
                if not tries_left:
                    raise
        raise AssertionError("a question was put no times")


def system_asker(timeout: float = 2.0) -> Asker:
    """Ask through the resolver that this machine uses."""
    resolver = dns.resolver.Resolver()
    resolver.lifetime = 3 * timeout
    return Asker(resolver, timeout=timeout)


def _values(answer: dns.message.Message, type: str) -> tuple[str, ...]:
    """Return the values of one type at the end of the chain of aliases; the aliases where they lead nowhere here."""
    wanted = dns.rdatatype.from_text(type)
    of_type = [data for rrset in answer.answer if rrset.rdtype == wanted for data in rrset]
    aliases = [
        f"CNAME {data.to_text()}" for rrset in answer.answer if rrset.rdtype == dns.rdatatype.CNAME for data in rrset
    ]
    return tuple(sorted(as_text(data) for data in of_type)) or tuple(aliases)


def _words(error: OSError) -> str:
    return (error.strerror or type_name(error)).lower()


def type_name(error: Exception) -> str:
    """Name an error of a library by its kind."""
    return type(error).__name__
