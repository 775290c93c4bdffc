"""One deploy at a time on a server: the lock that says who holds it, and the journal that says how far it came.

Both are one process on the server, at the other end of a channel of its own: when we are gone, for whatever reason,
its input ends and the lock is free. What we write into the channel is the journal, so a step costs no round trip.
"""

from __future__ import annotations

import json
import secrets
import shlex
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

import paramiko

from coopinfra.deploy.engine.connection import Connection, ServerError
from coopinfra.deploy.engine.journal import JOURNALS
from coopinfra.deploy.engine.run_log import entry_of
from coopinfra.deploy.engine.stop import Stop
from coopinfra.deploy.organisation.problems import Problem
from coopinfra.roles.primitives.access import UNIT_FILE
from coopinfra.roles.primitives.changes import STATE

KEPT_JOURNALS = 50
LONGEST_LINE = 2**16
"""Bytes: a longer one is none of ours."""
BEGINNING = "the very beginning"

# Marked by `Connection.as_root`; a daemon that systemd started does not inherit the mark.
ORPHANS = """
grep -zhsoa '^COOPINFRA_RUN=.*' /proc/[0-9]*/environ | tr '\\0' '\\n' | grep -v "=%s$" | sort -u; true
"""

HOLD = f"""
set -eu
install -d -m 0755 {STATE.rsplit("/", 1)[0]}
install -d -m 0700 {STATE} {JOURNALS} /run/coopinfra
exec 9>>/run/coopinfra/lock
if ! flock -n 9; then printf 'BUSY '; cat /run/coopinfra/lock; exit 75; fi
printf '%s\\n' "$1" >/run/coopinfra/lock
for journal in {JOURNALS}/*.jsonl; do
    [ -f "$journal" ] || continue
    tail -n 1 "$journal" | grep -v '"result": "stopped"' | grep -q '"event": "end"' && continue
    printf 'INTERRUPTED '; head -n 1 "$journal"
    printf 'AT '; tail -n 1 "$journal"
    # Named once: whoever runs now finishes it.
    printf '{{"event": "end", "result": "taken over"}}\\n' >>"$journal"
done
ls -1t {JOURNALS} | tail -n +{KEPT_JOURNALS} | while read -r old; do rm -f "{JOURNALS}/$old"; done
printf '%s\\n' "$1" >{JOURNALS}/$2.jsonl
[ -z "$({ORPHANS % "$2"})" ] || echo ORPHANS
[ ! -e {UNIT_FILE} ] || echo ARMED
echo LOCKED
while read -r line; do printf '%s\\n' "$line" >>{JOURNALS}/$2.jsonl; done
"""


class Locked(ServerError):
    """Somebody else is at work on this server."""

    kind = "locked"


@dataclass(frozen=True)
class Holder:
    """Who runs a deploy, in which run, since when (UTC)."""

    operator: str
    run: str
    since: str


def holder_now(operator: str) -> Holder:
    """Begin a run: name it by the moment, and by chance where two begin in one second."""
    now = datetime.now(UTC)
    return Holder(operator, f"{now:%Y%m%dT%H%M%SZ}-{secrets.token_hex(2)}", now.isoformat(timespec="seconds"))


@dataclass(frozen=True)
class Interrupted:
    """A run that was stopped, or never said that it ended."""

    holder: Holder
    step: str

    def __str__(self) -> str:
        """Name it for people."""
        return f"run {self.holder.run} by {self.holder.operator} of {self.holder.since} stopped at: {self.step}"


class Lock:
    """A held lock; `step` and `end` write the journal."""

    def __init__(self, channel: paramiko.Channel, said: list[str]) -> None:
        """Take over the channel whose other end holds the lock, and what it said before it had it."""
        self._channel, self.interrupted = channel, tuple(_interrupted(said))
        self.has_orphans = "ORPHANS" in said
        """Whether commands of an earlier run were at work when we took it."""
        self.may_be_armed = self.has_orphans or "ARMED" in said
        """Whether an earlier run may have left a change of access that nobody confirmed."""
        self._step = BEGINNING

    def step(self, name: str) -> None:
        """Note that a step begins."""
        self._step = name
        self._write(event="step", name=name)

    def end(self, result: str, changed: tuple[str, ...] = ()) -> None:
        """Note how the run ended, and which steps changed something; without this the next run calls it interrupted."""
        self._write(event="end", result=result, name=self._step, changed=changed)

    def _write(self, **entry: object) -> None:
        # When the connection is gone the command that needed it says so, and the journal has no end: as is right.
        with suppress(OSError, EOFError, paramiko.SSHException):
            at = datetime.now(UTC).isoformat(timespec="seconds")
            self._channel.sendall(json.dumps({**entry, "at": at}).encode() + b"\n")

    def release(self) -> None:
        """Let the other end finish, and wait until it has written everything; harmless when the connection is gone."""
        if self._channel.closed:
            return
        self._channel.shutdown_write()
        self._channel.recv_exit_status()
        self._channel.close()


@contextmanager
def hold(
    connection: Connection, holder: Holder, *, wait: float = 0, orphans: float = 120, stop: Stop | None = None
) -> Iterator[Lock]:
    """Hold the server's lock, and wait until nothing of an earlier run is at work any more.

    Raises Stopped when somebody asks for it while nothing but waiting is done.

    wait: seconds to wait for another holder; 0 refuses at once with Locked
    orphans: seconds to wait for commands of an interrupted run, which go on without it
    """
    stop = stop or Stop()
    lock = _acquire(connection, holder, time.monotonic() + wait, stop)
    try:
        if lock.has_orphans:
            _wait_for_orphans(connection, holder, time.monotonic() + orphans, stop)
        yield lock
    finally:
        lock.release()


def _acquire(connection: Connection, holder: Holder, deadline: float, stop: Stop) -> Lock:
    begin = json.dumps({"event": "begin", **asdict(holder)})
    while True:
        channel = connection.open(f"sh -c {shlex.quote(HOLD)} lock {shlex.quote(begin)} {holder.run}")
        lines = list(_lines(channel))
        if lines and lines[-1] == "LOCKED":
            return Lock(channel, lines)
        errors = channel.recv_stderr(4096).decode(errors="replace").strip()
        channel.close()
        if not lines or not lines[-1].startswith("BUSY "):
            message = f"{connection.label}: cannot lock the server: {errors or 'it said nothing'}"
            raise ServerError(Problem(message, "is there room on its disk, and can it be written? `df /var`"))
        if time.monotonic() >= deadline:
            other = _holder(lines[-1].removeprefix("BUSY "))
            raise Locked(
                Problem(
                    f"{connection.label} is locked by {other.operator} since {other.since} (run {other.run})",
                    "wait for it with `--wait 10m`; if that run died, the lock goes with it within two minutes",
                )
            )
        stop.pause(0.5, connection.label, "the lock")


def _lines(channel: paramiko.Channel) -> Iterator[str]:
    """Read lines until the lock is held or the other end gave up."""
    pending = b""
    while block := channel.recv(4096):
        *whole, pending = (pending + block).split(b"\n")
        if len(pending) > LONGEST_LINE:
            # Closed at once: whoever goes on reading would do so for as long as the server goes on sending.
            channel.close()
            return
        for line in whole:
            yield line.decode(errors="replace")
        if whole and whole[-1] == b"LOCKED":
            return


def _interrupted(lines: list[str]) -> Iterator[Interrupted]:
    pairs = [line.split(" ", 1)[1] for line in lines if line.startswith(("INTERRUPTED ", "AT "))]
    for begin, last in zip(pairs[::2], pairs[1::2], strict=False):
        yield Interrupted(_holder(begin), str(entry_of(last).get("name", BEGINNING)))


def _holder(line: str) -> Holder:
    entry = entry_of(line)
    return Holder(*(str(entry.get(name, "unknown")) for name in ("operator", "run", "since")))


def _wait_for_orphans(connection: Connection, holder: Holder, deadline: float, stop: Stop) -> None:
    while runs := connection.run(ORPHANS % holder.run).out.split():
        if time.monotonic() >= deadline:
            named = ", ".join(run.partition("=")[2] for run in runs)
            raise Locked(
                Problem(f"{connection.label}: commands of run {named} are still at work", "try again in some minutes")
            )
        stop.pause(0.5, connection.label, "commands of an interrupted run")
