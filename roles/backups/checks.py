"""What is true of healthy backups, as the server itself knows it; whoever keeps them says more, and is asked too."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from coopinfra.roles.backups import SCRIPT, BackupsSettings, places, unit
from coopinfra.roles.contract import Check, Part
from coopinfra.roles.primitives.checking import is_active, prints, succeeds


def checks(part: Part[BackupsSettings]) -> Iterator[Check]:
    """Yield that backups are made in time and arrive everywhere."""
    server, service = part.server.id, unit(part)
    yield is_active(f"{server} makes backups by itself", unit(part, "timer"))
    yield succeeds(
        f"the last backup of {server} went well",
        f"! systemctl is-failed --quiet {service} || {{"
        # What the script says, without what others log meanwhile.
        f" journalctl --quiet --identifier=backups _SYSTEMD_UNIT={service} --output=cat --lines=3; false; }}",
    )
    for place in (each for each in places(part) if not each.is_copy):
        yield prints(
            f"{server} has sent a backup to {place.name} in the last {part.settings.stale_hours} hours",
            f"{SCRIPT} age {part.organisation.id}",
            _sent(place.name, part.settings.stale_hours * 3600),
        )


def _sent(place: str, seconds: int) -> Callable[[str], str | None]:
    def wanted(said: str) -> str | None:
        sent = int(dict(line.split() for line in said.splitlines()).get(place, 0))
        if not sent:
            return "it has never sent one"
        age = int(time.time()) - sent
        return None if age <= seconds else f"the last one was sent {age // 3600} hours ago"

    return wanted
