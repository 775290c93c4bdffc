"""What is true of healthy backups, as the server itself knows it; whoever keeps them says more, and is asked too."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from coopinfra.roles.backups import SCRIPT, VERIFY, BackupsSettings, places, stale_hours, unit
from coopinfra.roles.contract import Check, Part
from coopinfra.roles.declarations import Kept
from coopinfra.roles.primitives.checking import is_active, prints, succeeds


def checks(part: Part[BackupsSettings]) -> Iterator[Check]:
    """Yield that backups are made in time, arrive everywhere, and are read again."""
    server, hours = part.server.id, stale_hours(part)
    yield is_active(f"{server} makes backups and reads them again by itself", *_timers(part))
    yield _went_well(f"the last backup of {server} went well", unit(part))
    yield _went_well(f"what was last read of the backups of {server} was sound", unit(part, does=VERIFY))
    yield prints(
        f"no link leads out of what is kept of {server}",
        f"{SCRIPT} led-out {part.organisation.id}",
        lambda said: "; ".join(said.splitlines()[:3]) or None,
    )
    for place in (each for each in places(part) if not each.is_copy):
        yield prints(
            f"{server} has sent a backup to {place.name} in the last {hours} hours",
            f"{SCRIPT} age {part.organisation.id}",
            _sent(place.name, hours * 3600),
        )
        yield prints(
            f"all that {place.name} keeps of {server} was read in the last {Kept.verify_days} days",
            f"{SCRIPT} verified {part.organisation.id}",
            _read(place.name),
        )


def _timers(part: Part[BackupsSettings]) -> tuple[str, str]:
    return unit(part, "timer"), unit(part, "timer", VERIFY)


def _went_well(sentence: str, service: str) -> Check:
    return succeeds(
        sentence,
        f"! systemctl is-failed --quiet {service} || {{"
        # What the script says, without what others log meanwhile.
        f" journalctl --quiet --identifier=backups _SYSTEMD_UNIT={service} --output=cat --lines=3; false; }}",
    )


def _sent(place: str, seconds: int) -> Callable[[str], str | None]:
    def wanted(said: str) -> str | None:
        sent = int(dict(line.split() for line in said.splitlines()).get(place, 0))
        if not sent:
            return "it has never sent one"
        age = int(time.time()) - sent
        return None if age <= seconds else f"the last one was sent {age // 3600} hours ago"

    return wanted


def _read(place: str) -> Callable[[str], str | None]:
    return lambda said: Kept.unread(said, place, time.time())[1] or None
