"""The hundred tasks as roles say them: packages, accounts, files and units as sets.

Files are whole here, so a line is a file of one line, and the job one in /etc/cron.d. Links have no primitive and stay
pyinfra's operations.
"""

from __future__ import annotations

from pyinfra.operations import files

import tasks
from coopinfra.roles.contract import Directory, File
from coopinfra.roles.declarations import Unit, User
from coopinfra.roles.primitives.bundle import bundle
from coopinfra.roles.primitives.manifest import manifest_of
from coopinfra.roles.primitives.packages import packages
from coopinfra.roles.primitives.record import record
from coopinfra.roles.primitives.units import units
from coopinfra.roles.primitives.users import users

ORGANISATION = "bench"
ACCOUNTS = tuple(
    User(user, "", (group,), "/bin/bash", f"/home/{user}", system=False) for user, group in tasks.USERS.items()
)
DAEMONS = tuple(Unit(name, (f"/etc/systemd/system/{name}",)) for name in tasks.UNITS)


def hundred_tasks(changed: int, value: str) -> None:
    """Call one operation for each kind of task."""
    wanted = (*_directories(), *_files(changed, value))
    packages(name="Install Debian packages", names=tasks.PACKAGES)
    users(name="Make accounts", wanted=ACCOUNTS)
    bundle(name="Write files", organisation=ORGANISATION, files=wanted, removed=tasks.ABSENT)
    for path, target in tasks.LINKS.items():
        files.link(name=f"Link {path}", path=path, target=target)
    units(name="Start, reload or restart units", wanted=DAEMONS)
    record(name="Note what was written", organisation=ORGANISATION, manifest=manifest_of(wanted, ACCOUNTS, DAEMONS, ()))


def many_files(number: int) -> None:
    """Write so many files."""
    wanted = (Directory(tasks.HOME), *(File(path, text.encode()) for path, text in tasks.many(number).items()))
    bundle(name="Write files", organisation=ORGANISATION, files=wanted)


def _directories() -> tuple[Directory, ...]:
    homes = (Directory(f"/home/{user}/.ssh", user, user, "0700") for user in tasks.WITH_KEY)
    return (*(Directory(path) for path in tasks.DIRECTORIES), *homes)


def _files(changed: int, value: str) -> tuple[File, ...]:
    rendered = {
        path: tasks.TEMPLATE.replace("{{ value }}", word) for path, word in tasks.values(changed, value).items()
    }
    lines = {path: f"{line}\n" for path, line in tasks.LINES.items()}
    job = {"/etc/cron.d/bench": f"7 * * * * root {tasks.CRON_COMMAND}\n"}
    keys = (
        File(f"/home/{user}/.ssh/authorized_keys", f"{tasks.KEY}\n".encode(), user, user, "0600")
        for user in tasks.WITH_KEY
    )
    whole = {**rendered, **tasks.files(), **lines, **job}
    return (*(File(path, text.encode()) for path, text in whole.items()), *keys)
