"""The backups of a server at one place, as restic lists them, and which of them somebody means."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from operator import attrgetter

from coopinfra.deploy.organisation.problems import InputError, Problem

SHORTEST_ID = 4


@dataclass(frozen=True)
class Snapshot:
    """One backup: `time` is when the server says that it was made."""

    id: str
    time: datetime
    server: str
    place: str
    files: int
    bytes: int


def read_snapshots(text: str, server: str, place: str) -> tuple[Snapshot, ...]:
    """Read `restic snapshots --json`, the newest first."""
    found = (
        Snapshot(
            each["id"],
            _time(each["time"]),
            server,
            place,
            int(each.get("summary", {}).get("total_files_processed", 0)),
            int(each.get("summary", {}).get("total_bytes_processed", 0)),
        )
        for each in json.loads(text)
    )
    return tuple(sorted(found, key=attrgetter("time"), reverse=True))


def choose(snapshots: tuple[Snapshot, ...], at: str = "") -> Snapshot:
    """Return the newest backup, that of an id, or the newest that is no later than a time; raise InputError if none."""
    if not snapshots:
        raise InputError(Problem("there is no backup yet", "`coopinfra backup now` makes one"))
    if not at:
        return snapshots[0]
    if len(at) >= SHORTEST_ID and re.fullmatch(r"[0-9a-f]+", at):
        found = [each for each in snapshots if each.id.startswith(at)]
        if len(found) == 1:
            return found[0]
    try:
        limit = datetime.fromisoformat(at)
    except ValueError as error:
        hint = "write its id as `coopinfra backup list` shows it, or a time such as `2026-11-25T12:00`"
        raise InputError(Problem(f"there is no backup `{at}`", hint)) from error
    limit = limit if limit.tzinfo else limit.replace(tzinfo=UTC)
    earlier = [each for each in snapshots if each.time <= limit]
    if not earlier:
        oldest = snapshots[-1].time
        hint = f"the oldest is of {oldest:%Y-%m-%d %H:%M} UTC"
        raise InputError(Problem(f"there is no backup from before {at}", hint))
    return earlier[0]


def _time(text: str) -> datetime:
    # Go writes nanoseconds, Python reads microseconds.
    return datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", text)).astimezone(UTC)
