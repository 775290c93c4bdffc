"""Which backups go when old ones are removed, and why not to remove any; pure.

The rule keeps the last one of each day, week and month. Whoever breaks into a server can add backups that say any time
of themselves, such as a later hour of each day, so that the true ones would go: those are looked for first.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from coopinfra.deploy.backups.snapshots import Snapshot

# Only "within": whoever adds thousands of backups pushes none of the true ones out.
RULE = {
    "--keep-within": "7d",
    "--keep-within-daily": "30d",
    "--keep-within-weekly": "90d",
    "--keep-within-monthly": "1y",
}
TOO_EARLY = timedelta(minutes=5)
BEFORE_IT_WAS_MADE = timedelta(minutes=30)
LONGEST_WAY = timedelta(hours=24)
"""From when a backup says that it was made until it has come: a large first one takes long."""
WEEK = timedelta(days=7)


@dataclass(frozen=True)
class Pruning:
    """What would go and what would stay."""

    goes: tuple[Snapshot, ...]
    stays: tuple[Snapshot, ...]


def read_forget(text: str, snapshots: tuple[Snapshot, ...]) -> Pruning:
    """Read `restic forget --dry-run --json`, of all backups as one group."""
    goes = {each["id"] for group in json.loads(text) or () for each in group["remove"] or ()}
    return Pruning(
        tuple(each for each in snapshots if each.id in goes), tuple(each for each in snapshots if each.id not in goes)
    )


def read_arrivals(text: str) -> dict[str, float]:
    """Read what the keeper says of when each backup came, in seconds since 1970."""
    return {name: float(at) for name, at in (line.split() for line in text.splitlines())}


def reasons_not_to(
    snapshots: tuple[Snapshot, ...], came: Mapping[str, float], now: datetime, every_hours: int
) -> Iterator[str]:
    """Yield why nothing may be removed: backups that cannot be what they say, or more or fewer than are made.

    now: by the clock of whoever prunes
    came: by that of whoever keeps them
    """
    for each in snapshots:
        yield from _wrong_time(each, came.get(each.id), now)
    if not snapshots:
        yield "there is no backup"
        return
    span = min(now - min(each.time for each in snapshots), WEEK)
    expected = span / timedelta(hours=every_hours)
    found = sum(each.time > now - WEEK for each in snapshots)
    # Some are made by hand, and a server may have been off for a while.
    if not expected / 2 - 2 <= found <= expected * 2 + 10:
        yield f"{found} backups were made in the last {span / timedelta(days=1):.0f} days, and {expected:.0f} should be"


def _wrong_time(each: Snapshot, came: float | None, now: datetime) -> Iterator[str]:
    said = f"{each.id[:8]} says that it was made at {each.time:%Y-%m-%d %H:%M} UTC"
    if each.time > now + TOO_EARLY:
        yield f"{said}, which is in the future"
    elif came is None:
        yield f"{said}, and whoever keeps it knows of none"
    else:
        late = datetime.fromtimestamp(came, each.time.tzinfo) - each.time
        if not -BEFORE_IT_WAS_MADE <= late <= LONGEST_WAY:
            yield f"{said}, and came at {each.time + late:%Y-%m-%d %H:%M} UTC"
