"""Shows a server's host key and pins it: the one moment in which somebody has to compare."""

from __future__ import annotations

import tempfile
from pathlib import Path

import paramiko

from coopinfra.deploy.engine.reach import offered_key
from coopinfra.deploy.organisation.problems import InputError, Problem
from coopinfra.deploy.planning.plan import Plan, ServerPlan


def find_server(plan: Plan, name: str) -> ServerPlan:
    """Return one server of a plan; raise InputError with the names there are."""
    for server in plan.servers:
        if server.server.id == name:
            return server
    names = ", ".join(f"`{server.server.id}`" for server in plan.servers)
    raise InputError(Problem(f"there is no server `{name}` in {plan.organisation.id}/org.yml", f"there is {names}"))


def look(server: ServerPlan) -> paramiko.PKey:
    """Ask a server for its host key, and send it nothing more."""
    return offered_key(server.server)


def pinned(plan: Plan, server: ServerPlan) -> tuple[paramiko.PKey, ...]:
    """Return the keys that are pinned for a server now."""
    path = plan.known_hosts(server.server)
    entries = paramiko.HostKeys(str(path) if path.is_file() else None).lookup(server.server.pinned_name)
    return tuple(entries.values()) if entries else ()


def pin(plan: Plan, server: ServerPlan, key: paramiko.PKey) -> Path:
    """Write the key into `known_hosts` beside org.yml, in place of any other of this server; return the file."""
    path, name = plan.known_hosts(server.server), server.server.pinned_name
    lines = path.read_text().splitlines() if path.is_file() else []
    kept = [line for line in lines if line.split(" ", 1)[0] != name]
    text = "\n".join([*kept, f"{name} {key.get_name()} {key.get_base64()}"]) + "\n"
    with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False) as new:
        new.write(text)
    Path(new.name).chmod(0o644)
    Path(new.name).replace(path)
    return path
