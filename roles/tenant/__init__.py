"""What an organisation has of a machine that it shares: packages, ports, keys, limits of memory and disk.

Joins by itself. The machine as such is the business of its owner, whose `base` came before.
"""

from __future__ import annotations

from collections.abc import Iterator

from coopinfra.roles.contract import Part
from coopinfra.roles.declarations import Declaration, Login, Need, Packages, Port, Unit
from coopinfra.roles.facts import Tenancy
from coopinfra.roles.settings import Settings

FIREWALL = "/etc/nftables.conf"
RULES = "/etc/nftables.d"
DISK = "/usr/local/lib/coopinfra/disk"
"""Makes and mounts the disk of an organisation."""


class TenantSettings(Settings):
    """What a client chooses about its part of a shared machine: nothing, as its owner says how much that is."""


SETTINGS = TenantSettings
PROVIDES: tuple[type[Need], ...] = (Login, Packages, Port)
ONLY_ON = "shared"


def most_memory(tenancy: Tenancy) -> str:
    """Return the limit in bytes, as systemd prints it."""
    return str(tenancy.memory_megabytes * 1024 * 1024)


def disk_unit(tenancy: Tenancy) -> str:
    """Return what mounts its disk."""
    return f"coopinfra-disk-{tenancy.organisation}.service"


def disk_size(tenancy: Tenancy) -> str:
    """Return where it is said how large its disk is."""
    return f"/etc/coopinfra/disks/{tenancy.organisation}"


def declare(part: Part[TenantSettings]) -> Iterator[Declaration]:
    """State the firewall, which reads the organisation's own rules beside those of the others, and its disk."""
    yield Unit("nftables.service", reads=(FIREWALL, RULES), reload=True, access=True)
    tenancy = part.server.tenancy
    if tenancy and tenancy.disk_gigabytes:
        yield Packages(("e2fsprogs", "mount"))
        yield Unit(disk_unit(tenancy), reads=(DISK, disk_size(tenancy)), reload=True)
