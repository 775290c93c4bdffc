"""The hosts that a site's programs may connect to: by name, each with its port, and nothing else.

The programs live in a network of their own that leads nowhere. There each host has an address, where a program of ours
listens that lives outside, looks the name up, and hands the connection on.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

from pydantic import AfterValidator

from coopinfra.roles.contract import Check, Directory, File
from coopinfra.roles.declarations import Declaration, Packages, Unit
from coopinfra.roles.primitives.checking import succeeds
from coopinfra.roles.primitives.rendering import template
from coopinfra.roles.settings import Field
from coopinfra.roles.types import check_domain, quoted, refuse
from coopinfra.roles.website.place import Place
from coopinfra.roles.website.sites import Site

UNITS = "/etc/systemd/system"
SCRIPT = "/usr/local/lib/coopinfra/reach"
NETWORK = "192.52.193"
"""Addresses at which nobody serves anything (of relays for multicast, RFC 7450) and that count as public ones.

WordPress and others refuse to ask private networks and those of examples, whatever is there.
"""
MOST = 50


def _host(value: str) -> str:
    name, _, port = value.rpartition(":")
    if not name or not port.isascii() or not port.isdigit() or port.startswith("0") or int(port) > 65535:
        refuse(f"{quoted(value)} is not a host with its port", "write it as `api.example.org:443`")
    check_domain(name)
    return value


def _each_once(value: tuple[str, ...]) -> tuple[str, ...]:
    for each in value:
        if value.count(each) > 1:
            refuse(f"{quoted(each)} stands here twice", "leave one of them")
    return value


class WithProgram(Site):
    """What every site can be told whose programs may have to ask others."""

    reaches: Annotated[tuple[Annotated[str, AfterValidator(_host)], ...], AfterValidator(_each_once)] = Field(
        default=(),
        max_length=MOST,
        description="Hosts that its programs may connect to, each with its port; it reaches nothing else.",
        examples=[["api.stripe.com:443"]],
    )


@dataclass(frozen=True)
class Reach:
    """What the programs of one site, or of one part of it, reach."""

    place: Place[WithProgram]

    @property
    def hosts(self) -> tuple[tuple[str, str], ...]:
        """Each host, and its address where the programs live."""
        names = dict.fromkeys(each.rpartition(":")[0] for each in self.place.site.reaches)
        return tuple((f"{NETWORK}.{number}", name) for number, name in enumerate(names, 1))

    @property
    def listens(self) -> tuple[str, ...]:
        """Every address with its port, as systemd names them."""
        addresses = {name: address for address, name in self.hosts}
        asked = (each.rpartition(":") for each in self.place.site.reaches)
        return tuple(f"{addresses[name]}:{port}" for name, _, port in asked)

    @property
    def network(self) -> str:
        """The network that its programs live in."""
        return f"/run/netns/{self.place.id}"

    @property
    def hosts_file(self) -> str:
        """What its programs see as /etc/hosts."""
        return f"{self.place.settings}/hosts"

    def unit(self, kind: str) -> str:
        """Return what systemd calls one of its three units."""
        return f"{self.place.id}@{'network.service' if kind == 'network' else f'reach.{kind}'}"


def reach_of(place: Place[WithProgram]) -> Reach | None:
    """Return what a site reaches, if it reaches anything."""
    return Reach(place) if place.site.reaches else None


def declare(reach: Reach | None) -> Iterator[Declaration]:
    """State the network, and where its programs ask; before these, which live in what is there when they start."""
    if reach:
        yield Packages(("iproute2", "python3"))
        yield Unit(reach.unit("network"))
        yield Unit(reach.unit("socket"), reads=(SCRIPT, f"{UNITS}/{reach.unit('service')}"))


def files(reach: Reach | None, *units: str) -> Iterator[File | Directory]:
    """Yield what hands connections on, and for each of the units that may ask a file that opens this way."""
    if not reach:
        return
    part = reach.place.part
    yield template(part, "reach/coopinfra/reach.j2", to=SCRIPT, mode="0755")
    yield template(part, "reach/hosts.j2", to=reach.hosts_file, reach=reach)
    yield template(part, "reach/system/site@network.service.j2", to=f"{UNITS}/{reach.unit('network')}", reach=reach)
    for kind in ("socket", "service"):
        yield template(part, f"reach/system/site@reach.{kind}.j2", to=f"{UNITS}/{reach.unit(kind)}", reach=reach)
    for unit in units:
        yield Directory(f"{UNITS}/{unit}.d")
        yield template(part, "reach/reach.conf.j2", to=f"{UNITS}/{unit}.d/reach.conf", reach=reach)


def checks(reach: Reach | None, *units: str) -> Iterator[Check]:
    """Yield that each host answers, and that the programs live where there is no other way."""
    if not reach:
        return
    name = reach.place.name
    for host in reach.place.site.reaches:
        yield Check(
            f"the site `{name}` reaches {host}",
            succeeds("", f"{SCRIPT} ask {host}").run,
            waits_for=f"{host.rpartition(':')[0]} to answer",
        )
    inside = " && ".join(f"[ /proc/$(systemctl show -P MainPID {unit})/ns/net -ef {reach.network} ]" for unit in units)
    alone = f'[ "$(ip -n {reach.place.id} -o link | wc -l)" = 1 ]'
    yield succeeds(
        f"the programs of the site `{name}` reach nothing else",
        f"{{ {inside} && {alone}; }} || {{ echo they are not in the network that leads nowhere; false; }}",
    )
