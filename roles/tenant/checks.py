"""What is true of a healthy part of a shared machine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from coopinfra.roles.contract import Check, Part
from coopinfra.roles.declarations import Port
from coopinfra.roles.primitives.checking import prints
from coopinfra.roles.tenant import DISK, TenantSettings, most_memory


def checks(part: Part[TenantSettings]) -> Iterator[Check]:
    """Yield that the machine is there, and that its firewall lets in what the organisation declares."""
    name, address, port = part.server.id, part.server.address, part.server.port
    yield Check(f"{part.server.host_name} answers on port {port}", _answers(address, port), where="outside")
    yield prints(
        f"the firewall of {name} lets in what is declared",
        "nft list chain inet coopinfra declared",
        _opens(part.all(Port)),
    )
    if tenancy := part.server.tenancy:
        yield prints(
            f"the programs of {tenancy.organisation} on {name} take {tenancy.memory_megabytes} MB of memory at most",
            f"systemctl show --property=MemoryMax --value {tenancy.slice}",
            _equals(most_memory(tenancy)),
        )
    if tenancy and tenancy.disk_gigabytes:
        yield prints(
            f"{tenancy.organisation} has a disk of {tenancy.disk_gigabytes} GB of its own on {name}",
            f"{DISK} size {tenancy.organisation}",
            _has(tenancy.disk_gigabytes),
        )
        yield prints(
            f"the disk of {tenancy.organisation} on {name} has room", f"df --output=pcent {tenancy.home}", _has_room
        )


def _equals(wanted: str) -> Callable[[str], str | None]:
    return lambda said: None if said.strip() == wanted else f"it is {said.strip()} bytes"


def _has(gigabytes: int) -> Callable[[str], str | None]:
    def differs(said: str) -> str | None:
        return None if said.split() == [str(gigabytes)] else f"it has {said.strip() or 'none, so all lies elsewhere'}"

    return differs


def _has_room(said: str) -> str | None:
    taken = said.rsplit(maxsplit=1)[-1]
    return f"it is {taken} full" if int(taken.rstrip("%")) >= 90 else None


def _answers(address: str, port: int) -> Callable[[Any], str | None]:
    return lambda outside: None if outside.connects(address, port) else f"{address} does not"


def _opens(ports: tuple[Port, ...]) -> Callable[[str], str | None]:
    def differs(said: str) -> str | None:
        found = {line.strip() for line in said.splitlines()}
        wanted = sorted({f"{port.protocol} dport {port.number}" for port in ports})
        return ", ".join(f"{port} is closed" for port in wanted if f"{port} accept" not in found) or None

    return differs
