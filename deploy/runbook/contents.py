"""What the books say of each server: the plan's facts, put in the order in which somebody looks for them."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from coopinfra.deploy.runbook.sections import section
from coopinfra.roles.contract import Directory
from coopinfra.roles.declarations import Port, Release, Unit, User
from coopinfra.roles.facts import Server
from coopinfra.roles.registry import roles

if TYPE_CHECKING:
    from coopinfra.deploy.planning.plan import Plan, ServerPlan


@dataclass(frozen=True)
class HostKey:
    """A host key that is pinned for a server."""

    type: str
    fingerprint: str


@dataclass(frozen=True)
class Written:
    """A file or directory that a role writes."""

    path: str
    owner: str
    mode: str
    role: str


@dataclass(frozen=True)
class RolePage:
    """One role on one server: why it is there, and what it says to whom."""

    name: str
    why: tuple[str, ...]
    people: str
    sysadmin: str


@dataclass(frozen=True)
class ServerPage:
    """One server, for the book."""

    server: Server
    host_keys: tuple[HostKey, ...]
    ports: tuple[str, ...]
    packages: tuple[str, ...]
    users: tuple[User, ...]
    units: tuple[Unit, ...]
    releases: tuple[Release, ...]
    files: tuple[Written, ...]
    roles: tuple[RolePage, ...]


def server_pages(plan: Plan, language: str) -> tuple[ServerPage, ...]:
    """Gather what the books say of every server."""
    return tuple(_page(plan, server, language) for server in plan.servers)


def pinned_keys(known_hosts: Path, server: Server) -> tuple[HostKey, ...]:
    """Return the fingerprints of a server's pinned host keys, as `ssh-keygen -l` shows them."""
    lines = known_hosts.read_text(encoding="utf-8").splitlines() if known_hosts.is_file() else []
    keys = [line.split() for line in lines if line.split()[:1] == [server.pinned_name]]
    return tuple(HostKey(type, _fingerprint(blob)) for _, type, blob, *_ in (key for key in keys if len(key) > 2))


def _page(plan: Plan, planned: ServerPlan, language: str) -> ServerPage:
    return ServerPage(
        server=planned.server,
        host_keys=pinned_keys(plan.known_hosts(planned.server), planned.server),
        ports=tuple(f"{port.number}/{port.protocol}" for port in planned.all(Port)),
        packages=planned.packages,
        users=planned.users,
        units=planned.units,
        releases=planned.releases,
        files=tuple(
            Written(
                each.path + ("/" if isinstance(each, Directory) else ""), f"{each.user}:{each.group}", each.mode, role
            )
            for role, each in sorted(
                ((part.role, each) for part in planned.parts for each in roles()[part.role].files(part)),
                key=lambda written: written[1].path,
            )
        ),
        roles=tuple(
            RolePage(
                part.role,
                planned.why(part.role) if part.role in planned.joined else (),
                section(part, "people", language),
                section(part, "sysadmin", language),
            )
            for part in planned.parts
        ),
    )


def _fingerprint(blob: str) -> str:
    digest = hashlib.sha256(base64.b64decode(blob)).digest()
    return "SHA256:" + base64.b64encode(digest).decode().rstrip("=")
