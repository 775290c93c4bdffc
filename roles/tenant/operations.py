"""Limits: of memory, which systemd reads anew while everything runs on, and a disk that is there before sites are."""

from __future__ import annotations

from collections.abc import Generator, Iterable

from pyinfra import host
from pyinfra.api import FactBase, StringCommand, operation

from coopinfra.roles.contract import Part
from coopinfra.roles.tenant import DISK, TenantSettings, most_memory


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


class Disk(FactBase[int]):
    """How many gigabytes the disk of an organisation has; 0 where none is mounted."""

    def command(self, organisation: str) -> str:
        """Return the shell command."""
        return f"[ ! -x {DISK} ] || {DISK} size {organisation}"

    def process(self, output: Iterable[str]) -> int:
        """Take its one line, or none."""
        return int("".join(output) or 0)

    @staticmethod
    def default() -> int:
        """None is there."""
        return 0


@operation()
def disk(organisation: str, gigabytes: int) -> Generator[StringCommand, None, None]:
    """Make, mount or enlarge a disk if it is not there or too small; what is in its folder comes along."""
    if host.get_fact(Disk, organisation=organisation) >= gigabytes:
        host.noop("the disk is as agreed")
        return
    yield StringCommand(DISK, "up", organisation)


def configure(part: Part[TenantSettings]) -> None:
    """Limit what all programs of the organisation take together, and have its disk before sites are put on it."""
    tenancy = part.server.tenancy
    if tenancy and tenancy.memory_megabytes:
        limit(
            name=f"Limit the memory of {tenancy.organisation} to {tenancy.memory_megabytes} MB",
            slice_name=tenancy.slice,
            most=most_memory(tenancy),
        )
    if tenancy and tenancy.disk_gigabytes:
        disk(
            name=f"Give {tenancy.organisation} a disk of {tenancy.disk_gigabytes} GB",
            organisation=tenancy.organisation,
            gigabytes=tenancy.disk_gigabytes,
        )
