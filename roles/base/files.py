"""The files of a server as such: who gets in, through which ports, and when it updates itself."""

from __future__ import annotations

from collections.abc import Iterator

from coopinfra.roles.base import OPERATORS, SCRIPTS, BaseSettings
from coopinfra.roles.base.quiet_hours import upgrade_window
from coopinfra.roles.contract import Directory, File, Part
from coopinfra.roles.declarations import Login, Port
from coopinfra.roles.primitives.rendering import template

FIREWALL = "/etc/nftables.conf"
KEYS = Login.folder


def files(part: Part[BaseSettings]) -> Iterator[File | Directory]:
    """Yield what could lock us out first, then the rest."""
    yield from _way_in(part)
    yield from _firewall(part)
    yield from _names(part)
    yield from _updates(part)
    yield from _limits(part)


def _way_in(part: Part[BaseSettings]) -> Iterator[File | Directory]:
    yield Directory(KEYS)
    for operator in part.server.operators:
        yield template(
            part, "authorized_keys.d/operator.j2", to=f"{KEYS}/{operator.login}", access=True, operator=operator
        )
    for login in part.all(Login):
        yield File(login.path, login.text, access=True)
    yield template(
        part,
        "sudoers.d/coopinfra.j2",
        to="/etc/sudoers.d/coopinfra",
        mode="0440",
        validate="visudo -c -q -f {file}",
        access=True,
        group_of_operators=OPERATORS,
    )
    yield template(
        part,
        "sshd_config.d/00-coopinfra.conf.j2",
        to="/etc/ssh/sshd_config.d/00-coopinfra.conf",
        # Judged whole, after the replacement: the first mention of a keyword wins, whichever file it is in.
        validate="sshd -t",
        access=True,
        groups=(OPERATORS, Login.group),
        keys=KEYS,
    )


def _firewall(part: Part[BaseSettings]) -> Iterator[File | Directory]:
    ports = sorted({(port.protocol, port.number) for port in part.all(Port)} - {("tcp", part.server.port)})
    yield Directory("/etc/nftables.d")
    yield template(part, "nftables.conf.j2", to=FIREWALL, validate="nft -c -f {file}", access=True)
    yield template(
        part,
        "nftables.d/organisation.nft.j2",
        to=f"/etc/nftables.d/{part.organisation.id}.nft",
        # It holds rules of a chain of the main file, so only both together can be judged.
        validate=f"nft -c -f {FIREWALL}",
        access=True,
        ports=ports,
    )
    yield template(
        part,
        "nftables.service.d/coopinfra.conf.j2",
        to="/etc/systemd/system/nftables.service.d/coopinfra.conf",
        # With the rules, lest the firewall be restarted for it a moment after it was started.
        access=True,
    )


def _names(part: Part[BaseSettings]) -> Iterator[File]:
    yield File("/etc/hostname", f"{part.server.id}\n".encode())
    yield template(part, "hosts.j2", to="/etc/hosts")
    yield template(part, "motd.j2", to="/etc/motd")
    yield template(part, "cloud.cfg.d/99-coopinfra.cfg.j2", to="/etc/cloud/cloud.cfg.d/99-coopinfra.cfg")


def _updates(part: Part[BaseSettings]) -> Iterator[File]:
    yield template(
        part,
        "apt.conf.d/90coopinfra.j2",
        to="/etc/apt/apt.conf.d/90coopinfra",
        validate="APT_CONFIG={file} apt-config dump",
    )
    yield template(
        part,
        "apt-daily-upgrade.timer.d/coopinfra.conf.j2",
        to="/etc/systemd/system/apt-daily-upgrade.timer.d/coopinfra.conf",
        window=upgrade_window(part.organisation.quiet_hours),
    )
    yield template(
        part,
        "needrestart/conf.d/coopinfra.conf.j2",
        to="/etc/needrestart/conf.d/coopinfra.conf",
        validate="perl -c {file}",
    )


def _limits(part: Part[BaseSettings]) -> Iterator[File]:
    yield template(part, "journald.conf.d/coopinfra.conf.j2", to="/etc/systemd/journald.conf.d/coopinfra.conf")
    yield template(part, "sysctl.d/60-coopinfra.conf.j2", to="/etc/sysctl.d/60-coopinfra.conf")
    yield template(part, "limits.d/60-coopinfra.conf.j2", to="/etc/security/limits.d/60-coopinfra.conf")
    yield template(part, "coopinfra/swap.j2", to=f"{SCRIPTS}/swap", mode="0755", validate="sh -n {file}")
    yield template(
        part, "system/coopinfra-swap.service.j2", to="/etc/systemd/system/coopinfra-swap.service", scripts=SCRIPTS
    )
