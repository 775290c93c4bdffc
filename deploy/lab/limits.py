"""What a kernel lends to all boxes of a machine together, and how to have more of it."""

from __future__ import annotations

from pathlib import Path

from coopinfra.deploy.organisation.problems import Problem

LIMIT = "fs.inotify.max_user_instances"
OF_A_BOX = 10
"""Inotify instances: systemd takes five, the rest are the bus, the console, and the systemd of who logs in."""
ENOUGH = 1024


def short_of_inotify(proc: Path = Path("/proc")) -> Problem | None:
    """Return why no further box can boot, if the kernel has no inotify instances left for it.

    Boxes run as root of the machine, which counts for one user: all of them share what one user may have.
    """
    most = int((proc / "sys" / LIMIT.replace(".", "/")).read_text())
    taken = sum(_is_inotify(entry) for entry in proc.glob("[0-9]*/fd/*"))
    if taken + OF_A_BOX <= most:
        return None
    return Problem(
        f"a box needs about {OF_A_BOX} inotify instances, and of the {most} that this machine has {taken} are taken",
        f"let it have more, until its next boot: `sysctl -w {LIMIT}={ENOUGH}`",
    )


def _is_inotify(entry: Path) -> bool:
    try:
        return str(entry.readlink()) == "anon_inode:inotify"
    except OSError:
        return False
