"""A limit of memory that has changed: systemd reads it anew, while everything runs on."""

from __future__ import annotations

from collections.abc import Generator, Iterable

from pyinfra import host
from pyinfra.api import FactBase, StringCommand, operation

from coopinfra.roles.contract import Part
from coopinfra.roles.tenant import TenantSettings, most_memory


class Limit(FactBase[str]):
    """How many bytes of memory a slice may take, as systemd has it."""

    def command(self, slice_name: str) -> str:
        """Return the shell command."""
        return f"systemctl show --property=MemoryMax --value {slice_name}"

    def process(self, output: Iterable[str]) -> str:
        """Take its one line."""
        return "".join(output)


@operation()
def limit(slice_name: str, most: str) -> Generator[StringCommand, None, None]:
    """Have systemd read the limits anew if it has another."""
    if host.get_fact(Limit, slice_name=slice_name) == most:
        host.noop("the limit is as agreed")
        return
    # A slice that was restarted would take all that runs in it along.
    yield StringCommand("systemctl", "daemon-reload")


def configure(part: Part[TenantSettings]) -> None:
    """Limit what all programs of the organisation take together."""
    tenancy = part.server.tenancy
    if tenancy and tenancy.memory_megabytes:
        limit(
            name=f"Limit the memory of {tenancy.organisation} to {tenancy.memory_megabytes} MB",
            slice_name=tenancy.slice,
            most=most_memory(tenancy),
        )
