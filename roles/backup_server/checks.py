"""What is true of a healthy backup server: it answers, only those with a login get in, and all have sent something."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

from coopinfra.roles.backup_server import (
    COPY,
    DOCTOR,
    DOCTOR_SCRIPT,
    MEMORY,
    SCRIPT,
    UNIT,
    BackupServerSettings,
    repositories,
)
from coopinfra.roles.contract import Check, Part
from coopinfra.roles.declarations import Kept
from coopinfra.roles.primitives.checking import is_active, prints, succeeds


def checks(part: Part[BackupServerSettings]) -> Iterator[Check]:
    """Yield what holds for the daemon, then for each server whose backups it keeps."""
    server = part.server.id
    yield is_active(f"the backup server of {server} runs", UNIT)
    yield succeeds(f"{server} turns away who has no login for its backups", f"{SCRIPT} answers")
    yield Check(f"{server} takes backups from elsewhere", _connects(part.server.address, Kept.port), where="outside")
    yield prints(f"{server} has room for more backups", f"{SCRIPT} room", _has_room)
    yield is_active(f"{server} looks at the backups it keeps each hour", f"{DOCTOR}.timer")
    yield succeeds(
        f"nothing is wrong with the backups that {server} keeps, as far as it can see", f"{DOCTOR_SCRIPT} look"
    )
    if part.settings.copies:
        yield is_active(f"{server} fetches copies by itself", f"{COPY}.timer")
        yield succeeds(
            f"{server} fetched all that it is to copy the last time",
            f"! systemctl is-failed --quiet {COPY}.service || {{"
            f" journalctl --quiet --identifier=backup-copy --output=cat --lines=3; false; }}",
        )
    if part.settings.disk:
        days = part.settings.disk_days
        yield succeeds(
            f"the disk {part.settings.disk} of {server} got a copy in the last {days} days",
            f"if cat {MEMORY}/disk-failed 2>/dev/null; then false; fi && "
            f'if [ -z "$(find {MEMORY}/disk -mtime -{days} 2>/dev/null)" ]; then echo it was not plugged in; false; fi',
        )
    for name, login in repositories(part):
        yield Check(f"{server} knows the login of {name}", _known(login))
        yield prints(
            f"{name} has sent a backup to {server} in the last {part.settings.alarm_hours} hours",
            f"{SCRIPT} list {name}",
            _fresh(part.settings.alarm_hours * 3600),
        )


def _connects(address: str, port: int) -> Callable[[Any], str | None]:
    return lambda outside: None if outside.connects(address, port) else f"nothing answers at port {port}"


def _known(login: str) -> Callable[[Any], str | None]:
    return lambda _: None if login else "its secrets are not made yet, or this server was not deployed since"


def _has_room(said: str) -> str | None:
    used = int(said.split(maxsplit=1)[0].rstrip("%"))
    return None if used < 90 else f"{used} % of the disk are used"


def _fresh(seconds: int) -> Callable[[str], str | None]:
    def wanted(said: str) -> str | None:
        newest = int(said.split()[1]) if said.split() else 0
        if not newest:
            return "it has never sent one"
        age = int(time.time()) - newest
        return None if age <= seconds else f"the newest came {age // 3600} hours ago"

    return wanted
