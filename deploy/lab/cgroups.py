"""A cgroup of its own for each box, where the host has no systemd that gives it one.

In a common one each guest's systemd would remove what another's has just made and not entered yet; then a unit of that
one fails with `Failed to spawn executor: No such file or directory`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from coopinfra.deploy.lab.processes import SECONDS_TO_DIE, wait_until

# The one of cgroup v2, alone or beside v1, and the one by which systemd names processes under v1.
TREES = ("/sys/fs/cgroup", "/sys/fs/cgroup/unified", "/sys/fs/cgroup/systemd")

ENTER = f"""
if ! test -d /run/systemd/system; then
    for tree in {" ".join(TREES)}; do
        test ! -e "$tree/cgroup.procs" || {{ mkdir -p "$tree/$link" && echo $$ >"$tree/$link/cgroup.procs"; }} || exit 1
    done
fi
"""
"""Shell commands by which the shell, and all that it starts, enters the cgroup `$link`."""


def remove(link: str) -> None:
    """Remove the cgroups of boxes that were ended, as soon as their last process is gone; `link` may be a pattern."""
    wait_until(f"the end of the cgroups {link}", SECONDS_TO_DIE, is_true=_gone(link))


def _gone(link: str) -> Iterator[bool]:
    while True:
        tops = [top for tree in TREES if Path(tree, "cgroup.procs").exists() for top in Path(tree).glob(link)]
        for folder in (folder for top in tops for folder in (*sorted(top.rglob("*/"), reverse=True), top)):
            # A process that was killed takes a moment to leave.
            with suppress(OSError):
                folder.rmdir()
        yield not any(top.exists() for top in tops)
