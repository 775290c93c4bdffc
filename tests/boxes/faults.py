"""What goes wrong with servers and networks, made to happen on purpose."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from boxes import Operator
from coopinfra.deploy.lab import lab as labs
from coopinfra.deploy.lab import network

MOST_SECONDS = 60.0
"""Within which a run notices that a server is gone, and ends."""

# Takes the place of a program: its first call says so and waits until it may go on; what comes then is the program.
HOLD = """#!/bin/sh
if [ -e /run/hold ] && mkdir /run/held 2>/dev/null; then
    while [ -e /run/hold ]; do sleep 0.05; done
fi
exec {program} "$@"
"""


def core_and_rest(cases: Iterable[str], core: int = 1) -> list[object]:
    """Let the first cases run always, and a slice of the others, which are of their kind."""
    return [pytest.param(case, marks=() if number < core else pytest.mark.rest) for number, case in enumerate(cases)]


def wait_for(what: str, is_true: Callable[[], bool], seconds: float = 60) -> None:
    """Wait until something is so; fail with its name when it never comes."""
    deadline = time.monotonic() + seconds
    while not is_true():
        assert time.monotonic() < deadline, f"{what} did not come within {seconds:.0f} s"
        time.sleep(0.05)


def on_box(operator: Operator, command: str, box: str = "web1") -> bool:
    """Tell whether a command on the box succeeds."""
    return operator.root(f"if {command}; then echo yes; fi", box).strip() == "yes"


@contextmanager
def locked_by_bruno(operator: Operator) -> Iterator[None]:
    """Hold the lock of the box, as another operator's deploy does."""
    operator.root("systemd-run --quiet --unit=other flock /run/coopinfra/lock sleep 600")
    wait_for("the lock", lambda: not on_box(operator, "flock --nonblock /run/coopinfra/lock true"))
    operator.root("""echo '{"operator": "bruno", "run": "r1", "since": "noon"}' >/run/coopinfra/lock""")
    try:
        yield
    finally:
        operator.root("systemctl stop other.service")


@contextmanager
def replaced(operator: Operator, path: str, script: str, box: str = "web1") -> Iterator[None]:
    """Put a script before a program on the box's PATH, where whoever looks for the program finds it first."""
    operator.root(f"cat >{path} <<'END'\n{script}END\nchmod 0755 {path}", box)
    try:
        yield
    finally:
        operator.root(f"rm -f {path}", box)


@dataclass(frozen=True)
class Held:
    """A program on a box that waits in its first call."""

    operator: Operator

    def wait(self) -> None:
        """Wait until the program was called."""
        wait_for("the call of the held program", lambda: on_box(self.operator, "[ -d /run/held ]"))

    def release(self) -> None:
        """Let the program go on."""
        self.operator.root("rm -f /run/hold")


@contextmanager
def held(operator: Operator, program: str, *, in_place: bool = False) -> Iterator[Held]:
    """Hold a program of the box in its first call, so that a deploy stands still in the step that calls it.

    in_place: put aside the program itself, for those who do not look for it where administrators keep theirs
    """
    aside = f"{program}.real" if in_place else program
    path = program if in_place else f"/usr/local/sbin/{program.rpartition('/')[2]}"
    operator.root(f"rm -rf /run/held; touch /run/hold; [ {aside} = {program} ] || mv {program} {aside}")
    with replaced(operator, path, HOLD.format(program=aside)):
        try:
            yield Held(operator)
        finally:
            operator.root("rm -f /run/hold")
    if in_place:
        operator.root(f"mv {aside} {program}")


def kill_programs(operator: Operator, *names: str, box: str = "web1") -> None:
    """Kill all processes of some programs on the box, in this order."""
    for name in names:
        found = f"$(grep -l '^{name}$' /proc/[0-9]*/comm | cut -d/ -f3)"
        operator.root(f"for process in {found}; do kill -9 $process || true; done", box)


def end_sessions(operator: Operator, box: str = "web1") -> None:
    """End every SSH session on the box without a word, as sshd does with one that has been silent for too long."""
    kill_programs(operator, "sshd-session", box=box)


@contextmanager
def black_hole(operator: Operator, address: str) -> Iterator[None]:
    """Swallow everything that comes from a box, and everything that goes there."""
    rules = (
        "table inet hole {\n"
        f" chain in {{ type filter hook input priority -10; ip saddr {address} drop; }}\n"
        f" chain out {{ type filter hook output priority -10; ip daddr {address} drop; }}\n"
        "}\n"
    )
    network.inside(operator.lab, "nft", "--file", "-", given=rules)
    try:
        yield
    finally:
        network.inside(operator.lab, "nft", "delete", "table", "inet", "hole")


@dataclass(frozen=True)
class Running:
    """A command that runs in the lab, and what it says to people."""

    process: subprocess.Popen[bytes]
    log: Path

    @property
    def said(self) -> str:
        return self.log.read_text(errors="replace")

    def wait_until_said(self, text: str, seconds: float = 60) -> None:
        wait_for(f"{text!r}", lambda: text in self.said or self.process.poll() is not None, seconds)
        assert text in self.said, f"it ended without {text!r}:\n{self.said}"

    def ends(self, seconds: float = MOST_SECONDS) -> int:
        """Wait until it ends by itself; return its code."""
        return self.process.wait(timeout=seconds)

    def signal(self, number: int) -> None:
        """Send a signal to it and to all that it started."""
        os.killpg(self.process.pid, number)


@contextmanager
def running(operator: Operator, *words: str) -> Iterator[Running]:
    """Start a command in the lab; it is killed if it still runs at the end."""
    with tempfile.TemporaryDirectory() as scratch, (Path(scratch) / "log").open("wb") as log:
        process = subprocess.Popen(
            labs.exec_argv(operator.lab, operator.argv(*words)),
            stdout=subprocess.DEVNULL,
            stderr=log,
            start_new_session=True,
        )
        try:
            yield Running(process, Path(log.name))
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def deploying(operator: Operator) -> AbstractContextManager[Running]:
    """Start a deploy."""
    return running(operator, "deploy", "highbeam", "--yes")
