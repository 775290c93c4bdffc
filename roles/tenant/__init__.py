"""What an organisation has of a machine that it shares: packages, ports, keys, a limit of memory. Joins by itself.

The machine as such is the business of its owner, whose `base` came before.
"""

from __future__ import annotations

from collections.abc import Iterator

from coopinfra.roles.contract import Part, Settings, Tenancy
from coopinfra.roles.declarations import Declaration, Login, Need, Packages, Port, Unit

FIREWALL = "/etc/nftables.conf"
RULES = "/etc/nftables.d"


class TenantSettings(Settings):
    """What a client chooses about its part of a shared machine: nothing, as its owner says how much that is."""


SETTINGS = TenantSettings
PROVIDES: tuple[type[Need], ...] = (Login, Packages, Port)
ONLY_ON = "shared"


def most_memory(tenancy: Tenancy) -> str:
    """Return the limit in bytes, as systemd prints it."""
    return str(tenancy.memory_megabytes * 1024 * 1024)


def declare(_part: Part[TenantSettings]) -> Iterator[Declaration]:
    """State the firewall, which reads the organisation's own rules beside those of the others."""
    yield Unit("nftables.service", reads=(FIREWALL, RULES), reload=True, access=True)
