"""No change may lock us out: before anything that decides about access is changed, the server arms its own way back.

Unless a new connection disarms it, a timer puts files and accounts back as they were; so does the next boot, for the
timer does not survive one.
"""

from __future__ import annotations

import shlex
from collections.abc import Generator
from functools import cache
from pathlib import Path

from pyinfra import host
from pyinfra.api import StringCommand, operation

from coopinfra.roles.contract import File
from coopinfra.roles.declarations import Unit, User
from coopinfra.roles.primitives.changes import STATE
from coopinfra.roles.primitives.file_states import ServerFiles, files_that_differ
from coopinfra.roles.primitives.unit_states import UnitStates
from coopinfra.roles.primitives.units import reads_of, units_that_differ
from coopinfra.roles.primitives.users import UserStates, users_that_differ

UNIT = "coopinfra-revert"
UNIT_FILE = f"/etc/systemd/system/{UNIT}.service"
"""Lies there exactly as long as the way back is armed."""
ENABLED_BY = f"/etc/systemd/system/sysinit.target.wants/{UNIT}.service"
"""The link by which the next boot runs it."""

ACCOUNTS = ("/etc/passwd", "/etc/group", "/etc/shadow", "/etc/gshadow", "/etc/subuid", "/etc/subgid")
SCRIPT = Path(__file__).with_name("access.sh")


@operation()
def way_back(
    organisation: str,
    *,
    files: tuple[File, ...],
    removed: tuple[str, ...],
    users: tuple[User, ...],
    users_removed: tuple[str, ...],
    units: tuple[Unit, ...],
    wait: int,
) -> Generator[StringCommand, None, None]:
    """Keep everything of this that is about to change, and arm what puts it back `wait` seconds from now.

    files, removed: what decides about access and is to be replaced, or removed
    users, users_removed: the accounts as they are to be, and those that are to go
    units: what is to be reloaded, now and after a revert
    """
    wanted = tuple(file.path for file in files)
    found = host.get_fact(ServerFiles, organisation=organisation, paths=(*wanted, *removed))
    accounts = host.get_fact(UserStates, names=(*(user.name for user in users), *users_removed))
    states = host.get_fact(UnitStates, units=reads_of(units))
    touched = [each.path for each, _ in files_that_differ(files, found)]
    touched += [path for path in removed if path in found.paths]
    if users_that_differ(users, accounts) or any(name in accounts for name in users_removed):
        touched += ACCOUNTS
    if not touched and not units_that_differ(units, states):
        host.noop("nothing that decides about access changes")
        return
    names = shlex.quote(" ".join(unit.name for unit in units))
    folder = f"{STATE}/{organisation}"
    yield StringCommand("sh", "-c", shlex.quote(_script()), "access", folder, str(wait), names, *touched)


@cache
def _script() -> str:
    return SCRIPT.read_text()
