"""What of a server's name and time is no file: the running kernel's host name, and the link that is the time zone."""

from __future__ import annotations

from collections.abc import Generator, Iterable

from pyinfra import host
from pyinfra.api import FactBase, StringCommand, operation

from coopinfra.roles.base import BaseSettings
from coopinfra.roles.contract import Part

TIME_ZONE = "Etc/UTC"


class RunningName(FactBase[str]):
    """The host name that the kernel has."""

    def command(self) -> str:
        """Return the shell command."""
        return "uname -n"

    def process(self, output: Iterable[str]) -> str:
        """Take its one line."""
        return "".join(output)


class TimeZones(FactBase[tuple[str, ...]]):
    """The time zones that the server's two places name."""

    def command(self) -> str:
        """Return the shell command: the link, and the file of older releases where it exists."""
        return "readlink /etc/localtime || echo none; cat /etc/timezone 2>/dev/null; true"

    def process(self, output: Iterable[str]) -> tuple[str, ...]:
        """Drop the folder of the zones."""
        return tuple(line.rpartition("/usr/share/zoneinfo/")[2] for line in output)


@operation()
def host_name(wanted: str) -> Generator[StringCommand, None, None]:
    """Tell the kernel the name that /etc/hostname gives it at the next boot."""
    if host.get_fact(RunningName) == wanted:
        host.noop(f"the server is called {wanted}")
        return
    yield StringCommand("hostname", wanted)


@operation()
def time_zone(wanted: str) -> Generator[StringCommand, None, None]:
    """Let the server's clock show one time zone."""
    found = host.get_fact(TimeZones)
    if set(found) == {wanted}:
        host.noop(f"the time zone is {wanted}")
        return
    yield StringCommand("ln", "-sfn", f"/usr/share/zoneinfo/{wanted}", "/etc/localtime")
    yield StringCommand(f"if [ -e /etc/timezone ]; then echo {wanted} >/etc/timezone; fi")


def configure(part: Part[BaseSettings]) -> None:
    """Name the running server, and set its clock to UTC.

    Servers run on UTC, so that their logs can be laid side by side and no job is skipped or run twice when clocks
    change; what has to follow the organisation's own clock, such as its quiet hours, names its time zone.
    """
    host_name(name=f"Call the running server {part.server.id}", wanted=part.server.id)
    time_zone(name=f"Set the time zone to {TIME_ZONE}", wanted=TIME_ZONE)
