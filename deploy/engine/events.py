"""What happens in a run, as data: the live view, the run's log and programs all read the same; pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from threading import Lock
from typing import Literal

Kind = Literal["making", "connecting", "comparing", "locking", "step", "looking", "stopping", "result"]


@dataclass(frozen=True)
class Event:
    """Something that begins on a server, or its result; without a server it is about the whole run."""

    kind: Kind
    server: str = ""
    text: str = ""
    number: int = 0
    """Which step this is, counted from 1, of how many; 0 when it is none."""
    of: int = 0
    result: Mapping[str, object] = field(default_factory=dict)
    at: datetime = field(default_factory=lambda: datetime.now(UTC), compare=False)

    def as_data(self) -> dict[str, object]:
        """Return what programs and logs get: only what there is."""
        data = {"server": self.server, "text": self.text, "step": self.number, "steps": self.of}
        given = {name: value for name, value in data.items() if value}
        return {"at": self.at.isoformat(timespec="milliseconds"), "event": self.kind, **given, **self.result}


Report = Callable[[Event], None]


def to_all(*listeners: Report) -> Report:
    """Return one listener that hands on to several, an event at a time, whatever thread it comes from."""
    lock = Lock()

    def report(event: Event) -> None:
        with lock:
            for listener in listeners:
                # A terminal that was closed, a reader that went away, a disk that is full here: no reason to stop in
                # the middle of a change on a server.
                with suppress(OSError):
                    listener(event)

    return report
