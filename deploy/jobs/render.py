"""Renders a plan without any server: as text to read, or as plain files that any sysadmin can copy."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from coopinfra.deploy.organisation.problems import InputError, Problem
from coopinfra.deploy.planning.plan import Plan, ServerPlan
from coopinfra.roles.contract import Directory, File


def describe_server(server: ServerPlan) -> Iterator[str]:
    """Say line by line what one server gets."""
    addresses = " ".join(server.server.addresses)
    yield f"{server.organisation}/{server.server.id} ({addresses})"
    for part in server.parts:
        because = f"  (needed by {', '.join(server.why(part.role))})" if part.role in server.joined else ""
        yield f"  role {part.role}{because}"
    yield f"  packages {' '.join(server.packages)}"
    for user in server.users:
        yield f"  user {user.name}"
    for each in server.files:
        kind = "directory" if isinstance(each, Directory) else "file"
        yield f"  {kind} {each.path} {each.user}:{each.group} {each.mode}"
    for release in server.releases:
        yield f"  site {release.path} from {release.origin}"
    for unit in server.units:
        yield f"  unit {unit.name}"


def write_out(plan: Plan, folder: Path) -> tuple[Path, ...]:
    """Write every server's files below `folder`, and beside them what they cannot show; return the servers' folders.

    Refuses a folder that is not empty: nothing of somebody's is overwritten.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(Problem(f"`{folder}` is there already and not empty", "name another folder with `--out`"))
    written = []
    for server in plan.servers:
        home = folder / server.server.id
        for each in server.files:
            path = home / "files" / each.path.lstrip("/")
            if isinstance(each, File):
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(each.content)
            else:
                path.mkdir(parents=True, exist_ok=True)
        home.mkdir(parents=True, exist_ok=True)
        (home / "plan.txt").write_text("\n".join(describe_server(server)) + "\n")
        written.append(home)
    return tuple(written)
