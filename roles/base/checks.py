"""What is true of a healthy server as such."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from coopinfra.roles.base import BaseSettings
from coopinfra.roles.contract import Check, Part
from coopinfra.roles.declarations import Login, Port
from coopinfra.roles.primitives.changes import STATE
from coopinfra.roles.primitives.checking import is_active, prints, succeeds

# What sshd makes of all its files together, whoever wrote them.
SSHD = {
    "passwordauthentication": "no",
    "kbdinteractiveauthentication": "no",
    "permitrootlogin": "no",
    "authorizedkeysfile": "/etc/ssh/authorized_keys.d/%u",
}
UPDATES = {'APT::Periodic::Unattended-Upgrade "1";', 'APT::Update::Error-Mode "any";'}
# Ports that those who share the machine have declared, as their own deploys noted them: one a line.
NOTED_PORT = re.compile(r'^ *"(\d+)/(tcp|udp)",?$', re.MULTILINE)
NOTED_KEYS = re.compile(rf'"{Login.folder}/([^"/]+)": "')
IN_A_CONTAINER = "systemd-detect-virt --quiet --container"


def checks(part: Part[BaseSettings]) -> Iterator[Check]:
    """Yield what must hold on every server; what a container cannot show is true there by its own sentence."""
    name, host = part.server.id, part.server.host_name
    yield Check(f"{host} answers on port {part.server.port}", _answers(part), where="outside")
    yield prints(f"{name} knows its own name", "hostname --fqdn", _equals(host))
    yield prints(f"only operators can log in on {name}, with keys", "sshd -T", _holds_sshd)
    others = f"find {STATE} -name manifest.json ! -path '*/{part.organisation.id}/*' -exec cat {{}} +"
    yield prints(
        f"{name} has the keys of its operators and of those who may do one thing, and of nobody else",
        f"ls {Login.folder} && echo = && {others}",
        _logins(part),
    )
    yield prints(
        f"the firewall of {name} lets in what is declared and nothing else",
        f"nft list chain inet coopinfra input && nft list chain inet coopinfra declared && {others}",
        _firewall(part),
    )
    yield prints(f"{name} installs security updates by itself", "apt-config dump", _holds_updates)
    yield is_active(f"{name} looks for updates each day", "apt-daily.timer", "apt-daily-upgrade.timer")
    yield succeeds(
        f"{name} waits for no reboot longer than two nights",
        '[ -z "$(find /run/reboot-required -mmin +2880 2>/dev/null)" ]',
    )
    yield succeeds(
        f"the clock of {name} is set by time servers, or by the host of a container",
        f'{IN_A_CONTAINER} || [ "$(timedatectl show -P NTPSynchronized)" = yes ]',
    )
    yield prints(f"no service of {name} has failed", "systemctl list-units --failed --plain --no-legend", _nothing)
    yield prints(f"the disks of {name} have room", "df --output=pcent,ipcent,target -l", _room)


def _answers(part: Part[BaseSettings]) -> Callable[[Any], str | None]:
    address, port = part.server.address, part.server.port
    return lambda outside: None if outside.connects(address, port) else f"{address} does not"


def _equals(wanted: str) -> Callable[[str], str | None]:
    return lambda said: None if said.strip() == wanted else f"it says `{said.strip()}`"


def _nothing(said: str) -> str | None:
    return ", ".join(line.split()[0] for line in said.splitlines() if line.strip()) or None


def _holds_sshd(said: str) -> str | None:
    effective = dict(line.split(" ", 1) for line in said.splitlines() if " " in line)
    different = [f"{key} {effective.get(key)}" for key, wanted in SSHD.items() if effective.get(key) != wanted]
    return ", ".join(different) or None


def _logins(part: Part[BaseSettings]) -> Callable[[str], str | None]:
    own = {operator.login for operator in part.server.operators} | {login.user for login in part.all(Login)}

    def differs(said: str) -> str | None:
        listed, _, noted = said.partition("\n=\n")
        wanted, found = own | set(NOTED_KEYS.findall(noted)), set(listed.split())
        there = [f"no key of {login}" for login in sorted(wanted - found)]
        return ", ".join(there + [f"a key of {login}" for login in sorted(found - wanted)]) or None

    return differs


def _firewall(part: Part[BaseSettings]) -> Callable[[str], str | None]:
    own = {f"{port.protocol} dport {port.number}" for port in part.all(Port)}

    def differs(said: str) -> str | None:
        wanted = own | {f"{protocol} dport {number}" for number, protocol in NOTED_PORT.findall(said)}
        lines = [line.strip() for line in said.splitlines()]
        if not any("policy drop" in line for line in lines):
            return "it does not drop by default"
        # DHCPv6 answers come from the own link alone.
        open_ports = [line for line in lines if " dport " in f" {line}" and not line.startswith("ip6 saddr fe80::/10")]
        found = {" ".join(line.split()[:3]) for line in open_ports}
        closed = [f"{port} is closed" for port in sorted(wanted - found)]
        return ", ".join(closed + [f"{port} is open" for port in sorted(found - wanted)]) or None

    return differs


def _holds_updates(said: str) -> str | None:
    return ", ".join(f"`{line}` is missing" for line in sorted(UPDATES - set(said.splitlines()))) or None


def _room(said: str) -> str | None:
    full = []
    for line in said.splitlines()[1:]:
        space, files, where = line.split(maxsplit=2)
        if any(int(each.rstrip("%")) >= 90 for each in (space, files) if each != "-"):
            full.append(f"{where} is {space} full, {files} of its files are used")
    return ", ".join(full) or None
