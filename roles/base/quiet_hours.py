"""When a server may upgrade and reboot itself."""

from __future__ import annotations

from dataclasses import dataclass

DAY = 24 * 60


@dataclass(frozen=True)
class Window:
    """When upgrades start: at `start`, and at most `spread` minutes later, so that servers take turns."""

    start: str
    spread: int


def upgrade_window(quiet_hours: str) -> Window:
    """Start within the first third of `02:00-05:00`: the rest is for the upgrade itself and the reboot after it."""
    start, end = quiet_hours.split("-")
    return Window(start, max(1, (_minutes(end) - _minutes(start)) % DAY // 3))


def _minutes(time: str) -> int:
    hours, minutes = time.split(":")
    return int(hours) * 60 + int(minutes)
