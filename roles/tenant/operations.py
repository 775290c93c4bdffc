"""Limits: of memory, which systemd reads anew while everything runs on, and a disk that is there before sites are."""

from __future__ import annotations

from collections.abc import Generator, Iterable

from pyinfra import host
from pyinfra.api import FactBase, StringCommand, operation

from coopinfra.roles.contract import Part
from coopinfra.roles.tenant import TenantSettings, disk_unit, most_memory


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


class Mounted(FactBase[bool]):
    """Whether a disk is mounted at a folder."""

    def command(self, folder: str) -> str:
        """Return the shell command."""
        return f"if mountpoint -q {folder}; then echo yes; fi"

    def process(self, output: Iterable[str]) -> bool:
        """Take its one line, or none."""
        return "yes" in output


@operation()
def disk(folder: str, unit: str) -> Generator[StringCommand, None, None]:
    """Have what mounts it do so if it is not; what is in the folder comes along with a disk that is made anew."""
    if host.get_fact(Mounted, folder=folder):
        host.noop("the disk is there")
        return
    yield StringCommand("systemctl", "daemon-reload")
    yield StringCommand("systemctl", "restart", unit)


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
        disk(name=f"Mount the disk of {tenancy.organisation}", folder=tenancy.home, unit=disk_unit(tenancy))
