"""What a drill looked at, and what it found; pure."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from time import monotonic

from coopinfra.deploy.backups.snapshots import Snapshot

TOO_EARLY = timedelta(minutes=5)
CLOCKS_APART = timedelta(minutes=30)


@dataclass(frozen=True)
class Finding:
    """One sentence that was looked at; `found` says what was found instead, and is empty where it is true."""

    sentence: str
    found: str = ""

    @property
    def is_true(self) -> bool:
        """Whether all is as the sentence says."""
        return not self.found


@dataclass
class Notes:
    """What a drill has found so far, and how long each step took; it grows, hence it can change."""

    report: Callable[[str], None]
    findings: list[Finding] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)
    packets_out: int = 0

    def step(self, name: str, began: float) -> None:
        """Note how long a step took that began at a time of the monotonic clock."""
        self.seconds[name] = monotonic() - began


@dataclass(frozen=True)
class Drill:
    """What became of a drill."""

    organisation: str
    server: str
    place: str
    began: datetime
    findings: tuple[Finding, ...] = ()
    snapshot: str = ""
    age_hours: float = 0.0
    """Of the data, when it was needed."""
    minutes: float = 0.0
    """From nothing to a server that serves."""
    packets_out: int = 0
    seconds: Mapping[str, float] = field(default_factory=dict)
    """How long each step took."""

    @property
    def is_green(self) -> bool:
        """Whether all came back; where nothing was looked at, nothing is proved."""
        return bool(self.findings) and all(each.is_true for each in self.findings)

    @property
    def false(self) -> tuple[Finding, ...]:
        """What is not as it should be."""
        return tuple(each for each in self.findings if not each.is_true)

    def as_data(self) -> dict[str, object]:
        """Return what stands in the receipt."""
        return {
            "organisation": self.organisation,
            "server": self.server,
            "place": self.place,
            "began": self.began.isoformat(timespec="seconds"),
            "result": "green" if self.is_green else "red",
            "backup": self.snapshot,
            "age_hours": round(self.age_hours, 2),
            "minutes": round(self.minutes, 1),
            "packets_out": self.packets_out,
            "seconds": {name: round(value, 1) for name, value in self.seconds.items()},
            "findings": [{"sentence": each.sentence, "found": each.found} for each in self.findings],
        }


def spoken(hours: float) -> str:
    """Say a length of time as people do."""
    if hours < 2:
        return f"{hours * 60:.0f} minutes"
    return f"{hours:.0f} hours" if hours < 100 else f"{hours / 24:.0f} days"


def of_promise(minutes: float, back_within: timedelta | None) -> Iterator[Finding]:
    """Judge how long it took, where that was promised; the age of the data is judged before anything is tried."""
    if back_within:
        promised = back_within.total_seconds() / 60
        late = f"it took {spoken(minutes / 60)}" if minutes > promised else ""
        yield Finding(f"the server was back within {spoken(promised / 60)}, as promised", late)


def of_times(
    snapshot: Snapshot, taken: datetime, now: datetime, came: datetime | None, stale_hours: int
) -> Iterator[Finding]:
    """Judge when a backup was made: by this machine's clock, and by that of whoever keeps it.

    taken: when the server began to copy what is in it, before it sent it
    came: when the newest one came there; None where the keeper says that there is none
    """
    age = now - min(taken, snapshot.time)
    late = f"it is {age.total_seconds() / 3600:.0f} hours old" if age > timedelta(hours=stale_hours) else ""
    yield Finding(f"the newest backup is no older than {stale_hours} hours", late)
    early = max(taken, snapshot.time) - now > TOO_EARLY
    future = f"it says that it was made at {snapshot.time:%Y-%m-%d %H:%M} UTC" if early else ""
    yield Finding("the newest backup is not from the future", future)
    apart = abs(came - snapshot.time) if came else None
    found = (
        "" if apart is not None and apart < CLOCKS_APART else f"it came at {came:%Y-%m-%d %H:%M} UTC" if came else ""
    )
    if apart is None:
        found = "whoever keeps it knows of none"
    yield Finding("the newest backup came when it says that it was made", found)


def of_secrets(manifest: str, sealed: Mapping[str, str]) -> Iterator[Finding]:
    """Judge whether the secrets of today are those that the backup was made with, by their ciphertexts.

    manifest: what the server knew of its files when the backup was made
    sealed: path -> what tells of the secrets in each file today
    """
    then = json.loads(manifest).get("sealed", {})
    other = sorted(path for path, digest in sealed.items() if path in then and then[path] != digest)
    found = f"others stand in {', '.join(other)}: deploy, and make a backup" if other else ""
    yield Finding("the secrets are those that the backup was made with", found)


def of_restore(said: Iterable[str], code: int, error: str) -> Iterator[Finding]:
    """Turn what the server's script says of its restore into sentences."""
    for line in said:
        verb, _, rest = line.partition(": ")
        if verb in ("put back", "compared"):
            yield Finding(f"{verb}: {rest}")
    if code:
        yield Finding("all that the backup names came back as it was", error or f"the restore ended with {code}")
