"""What a command costs: its seconds, the exec channels that sshd counts, and the CPU time on both sides."""

from __future__ import annotations

import os
import resource
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from coopinfra.deploy.lab import lab as labs
from coopinfra.deploy.lab.state import BoxSpec, Lab
from delayed_link import Link

# At this level sshd names every session that it starts; it sorts before what a deploy writes.
VERBOSE = "echo LogLevel VERBOSE >/etc/ssh/sshd_config.d/00-bench.conf && systemctl restart ssh"
SESSIONS = "journalctl --sync; journalctl -q -o short-unix -t sshd-session --after-cursor='{cursor}'"
LIVING = "cat /proc/[0-9]*/comm 2>/dev/null | grep -x sshd-session || true"
CURSOR = "journalctl --sync; journalctl -q -n1 --show-cursor | sed -n 's/^-- cursor: //p'"
# Of every process that lives, its own ticks and those of its children that have ended: so nobody's are lost.
TICKS = "cat /proc/[0-9]*/stat 2>/dev/null | sed 's/^.*) //' | awk '{ t += $12 + $13 + $14 + $15 } END { print t }'"
PER_SECOND = os.sysconf("SC_CLK_TCK")
SECONDS_TO_END = 30.0


@dataclass(frozen=True)
class Measure:
    """What one command has cost."""

    seconds: float
    channels: int | None
    cpu_here: float
    cpu_there: float | None
    """None where it is not one box that is looked at."""
    connected: float
    """Seconds between the moment the server let us in and the end of the last connection."""
    said: str


class DidNotWork(Exception):
    """A command that is measured failed, so its figures mean nothing."""


@contextmanager
def bare_box(lab: Lab, spec: BoxSpec, prepare: str = "") -> Iterator[Lab]:
    """Hold a machine with nothing on it; `prepare` runs there before anything is measured."""
    lab = labs.add_box(labs.load(lab.name), spec)
    try:
        labs.shell(lab, spec.name, VERBOSE)
        if prepare:
            labs.shell(lab, spec.name, prepare)
        yield lab
    finally:
        labs.remove_box(labs.load(lab.name), spec.name)


def timed(
    argv: tuple[str, ...], *, folder: Path, given: str = "", more: Mapping[str, str] | None = None
) -> tuple[float, float, str]:
    """Run a command that has to succeed; return its seconds, the CPU time of all its processes, and its output."""
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    environ = {**os.environ, **(more or {})}
    # Operators' machines keep what Python has compiled; test machines are often told not to.
    environ.pop("PYTHONDONTWRITEBYTECODE", None)
    ran = subprocess.run(argv, input=given, capture_output=True, text=True, cwd=folder, env=environ, check=False)
    took, after = time.monotonic() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    if ran.returncode:
        raise DidNotWork(f"{argv[-4:]} ended with {ran.returncode}:\n{ran.stdout[-3000:]}\n{ran.stderr[-3000:]}")
    cpu = (after.ru_utime - before.ru_utime) + (after.ru_stime - before.ru_stime)
    return took, cpu, ran.stdout + ran.stderr


def measure(
    link: Link,
    box: str,
    argv: tuple[str, ...],
    *,
    folder: Path,
    given: str = "",
    more: Mapping[str, str] | None = None,
    ending: tuple[str, ...] = (),
) -> Measure:
    """Run a command at the far client against a box, and see what it costs; `ending` closes what it left open."""
    cursor, ticks = _ask(link.lab, box, CURSOR), int(_ask(link.lab, box, TICKS))
    took, cpu, said = timed(link.argv(*argv), folder=folder, given=given, more=more)
    if ending:
        subprocess.run(link.argv(*ending), capture_output=True, check=True)
    lines = _until_ended(link.lab, box, SESSIONS.format(cursor=cursor))
    spent = int(_ask(link.lab, box, TICKS)) - ticks
    return Measure(took, channels(lines), cpu, spent / PER_SECOND, seconds_connected(lines), said)


def channels(lines: list[str]) -> int:
    """Count the sessions that sshd has started: commands, and subsystems such as sftp."""
    return sum("Starting session: " in line for line in lines)


def seconds_connected(lines: list[str]) -> float:
    """Return the time from the first login to the last word about a connection."""
    accepted = (float(line.split()[0]) for line in lines if "Accepted publickey" in line)
    return float(lines[-1].split()[0]) - min(accepted) if lines else 0.0


def _until_ended(lab: Lab, box: str, look: str) -> list[str]:
    """Read sshd's log once no connection is left."""
    deadline = time.monotonic() + SECONDS_TO_END
    while _ask(lab, box, LIVING):
        if time.monotonic() > deadline:
            raise DidNotWork(f"a connection to `{box}` did not end within {SECONDS_TO_END:.0f} s")
        time.sleep(0.05)
    return _ask(lab, box, look).splitlines()


def _ask(lab: Lab, box: str, command: str) -> str:
    return labs.shell(lab, box, command).stdout.strip()
