"""What every server has: a name, the operators' accounts, a firewall, updates, limits. Joins by itself."""

from __future__ import annotations

from collections.abc import Iterator

from coopinfra.roles.contract import Part
from coopinfra.roles.declarations import Declaration, Login, Need, Packages, Port, Record, Unit, User
from coopinfra.roles.settings import Field, Settings, WholeNumber, YesNo

OPERATORS = "operators"
"""The group of those who may log in and become root."""

SCRIPTS = "/usr/local/lib/coopinfra"
"""Where scripts of ours lie on a server."""


class BaseSettings(Settings):
    """What a client chooses about its servers as such."""

    automatic_reboots: YesNo = Field(
        default=True,
        description="Reboot in the quiet hours when an update needs it. Without, somebody has to think of it.",
    )
    keep_journal_days: WholeNumber = Field(
        default=14, ge=1, le=365, description="Days to keep the system's own log, which names who logged in from where."
    )
    journal_megabytes: WholeNumber = Field(
        default=500, ge=50, le=20000, description="Most that this log may take of the disk."
    )


SETTINGS = BaseSettings
PROVIDES: tuple[type[Need], ...] = (Login, Packages, Port)
ONLY_ON = "own"


def declare(part: Part[BaseSettings]) -> Iterator[Declaration]:
    """State the system's packages, who may log in, the way in, and the server's own name."""
    yield Packages(
        (
            "ca-certificates",
            "needrestart",
            "nftables",
            "openssh-server",
            "sudo",
            "systemd-timesyncd",
            "tzdata",
            # Zone names such as US/Central are valid in org.yml, and are kept apart since Debian 13.
            "tzdata-legacy",
            "unattended-upgrades",
        )
    )
    yield Port(part.server.port)
    for operator in part.server.operators:
        yield User(  # noqa: S604 - its shell is the one of an account
            operator.login,
            full_name=operator.name,
            groups=(OPERATORS,),
            shell="/bin/bash",
            home=f"/home/{operator.login}",
            system=False,
        )
    yield from _units()
    yield Record("A", part.server.host_name, part.server.address)
    if part.server.ipv6:
        yield Record("AAAA", part.server.host_name, part.server.ipv6)


def _units() -> Iterator[Unit]:
    """What has to run; those that make no sense in a container have a condition that says so."""
    yield Unit("nftables.service", reads=("/etc/nftables.conf", "/etc/nftables.d"), reload=True, access=True)
    yield Unit(
        "ssh.service",
        reads=("/etc/ssh/sshd_config", "/etc/ssh/sshd_config.d"),
        reload=True,
        validate="sshd -t",
        access=True,
    )
    yield Unit("systemd-journald.service", reads=("/etc/systemd/journald.conf.d",))
    yield Unit("systemd-sysctl.service", reads=("/etc/sysctl.d",))
    yield Unit("systemd-timesyncd.service")
    yield Unit("unattended-upgrades.service")
    yield Unit("apt-daily.timer")
    yield Unit("apt-daily-upgrade.timer", reads=("/etc/systemd/system/apt-daily-upgrade.timer.d",))
    yield Unit("coopinfra-swap.service", reads=("/etc/systemd/system/coopinfra-swap.service", f"{SCRIPTS}/swap"))
