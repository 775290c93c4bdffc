"""The organisation's own rules of the firewall, keys for one thing each, its slice and its disk."""

from __future__ import annotations

from collections.abc import Iterator

from coopinfra.roles.contract import Directory, File, Part
from coopinfra.roles.declarations import Login, Port
from coopinfra.roles.facts import Tenancy
from coopinfra.roles.primitives.rendering import template
from coopinfra.roles.tenant import DISK, FIREWALL, RULES, TenantSettings, disk_size, disk_unit


def files(part: Part[TenantSettings]) -> Iterator[File | Directory]:
    """Yield the rules that let in what its roles declare, its keys, and its limits of memory and disk."""
    yield template(
        part,
        "nftables.d/organisation.nft.j2",
        to=f"{RULES}/{part.organisation.id}.nft",
        # It holds rules of a chain of the owner's file, so only all together can be judged.
        validate=f"nft -c -f {FIREWALL}",
        access=True,
        ports=sorted({(port.protocol, port.number) for port in part.all(Port)}),
    )
    for login in part.all(Login):
        yield File(login.path, login.text, access=True)
    slice_name = part.server.tenancy.slice if part.server.tenancy else ""
    yield template(part, "system/coopinfra-organisation.slice.j2", to=f"/etc/systemd/system/{slice_name}")
    if part.server.tenancy and part.server.tenancy.disk_gigabytes:
        yield from _disk(part, part.server.tenancy)


def _disk(part: Part[TenantSettings], tenancy: Tenancy) -> Iterator[File | Directory]:
    yield Directory("/srv/tenants")
    yield Directory(tenancy.home)
    yield Directory("/etc/coopinfra/disks")
    yield Directory("/var/lib/coopinfra/disks", mode="0700")
    yield template(part, "disks/organisation.j2", to=disk_size(tenancy))
    yield template(part, "coopinfra/disk.j2", to=DISK, mode="0755")
    yield template(
        part, "system/coopinfra-disk-organisation.service.j2", to=f"/etc/systemd/system/{disk_unit(tenancy)}"
    )
