"""Who did it, as far as the server's own journal knows; pure, but for the fact that reads it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from pyinfra.api import FactBase

from coopinfra.roles.primitives.drift import Drift

# What somebody ran so long before a change may have made it, as an editor that was open meanwhile.
NEAR_SECONDS = 3600
LINE = re.compile(r"(?P<at>[\d.]+) .*?sudo(?:\[\d+\])?:\s+(?P<who>\S+) : .*?COMMAND=(?P<command>.*)")


@dataclass(frozen=True)
class Ran:
    """One command that somebody ran as another account."""

    at: float
    who: str
    command: str


class SudoLog(FactBase[tuple[Ran, ...]]):
    """The newest commands that people ran by sudo, the last one last."""

    def command(self) -> str:
        """Return the shell command; it leaves out ours, which run by `sh -c` and without a terminal, and pushes."""
        return (
            "journalctl -t sudo -q -o short-unix --no-pager --no-hostname 2>/dev/null | grep 'COMMAND=' "
            "| grep -vE ' : PWD=[^;]* ; USER=root ; COMMAND=(/(usr/)?bin/sh -c |/etc/coopinfra/[^ ]+/publish )' "
            "| tail -n 500; true"
        )

    def process(self, output: Iterable[str]) -> tuple[Ran, ...]:
        """Parse the lines."""
        found = (LINE.match(line) for line in output)
        return tuple(Ran(float(each["at"]), each["who"], each["command"].strip()) for each in found if each)

    @staticmethod
    def default() -> tuple[Ran, ...]:
        """Nobody did anything, or the journal is gone."""
        return ()


def with_culprits(drift: Iterable[Drift], log: Iterable[Ran]) -> tuple[Drift, ...]:
    """Return the same drift, each with when it came about and what was run then, where the server knows."""
    log = tuple(log)
    return tuple(replace(each, by=_said(each, log)) for each in drift)


def _said(drift: Drift, log: tuple[Ran, ...]) -> str:
    ran = _suspect(drift, log)
    said = [f"changed {_moment(drift.at)}"] if drift.at else []
    if ran:
        when = _before(drift.at - ran.at) if drift.at else f"on {_moment(ran.at)}"
        said.append(f"{ran.who} ran `sudo {_short(ran.command)}` {when}")
    return "; ".join(said)


def _suspect(drift: Drift, log: tuple[Ran, ...]) -> Ran | None:
    """Return the last command that names the thing, or the last one shortly before it changed."""
    name = re.escape(drift.subject.removesuffix(".service"))
    # The log has the moment in which a command began, on a clock that is a little ahead of the files' one.
    near = [ran for ran in log if not drift.at or -1 <= drift.at - ran.at < NEAR_SECONDS]
    naming = [ran for ran in near if re.search(rf"(?<![\w/.-]){name}(?![\w/-])", ran.command)]
    return next(reversed(naming), None) or (next(reversed(near), None) if drift.at else None)


def _short(command: str) -> str:
    words = re.sub(r"^/(usr/)?(local/)?s?bin/", "", command)
    return words if len(words) <= 120 else f"{words[:120]}…"


def _before(seconds: float) -> str:
    minutes = round(seconds / 60)
    return {0: "right before", 1: "a minute before"}.get(minutes, f"{minutes} minutes before")


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M UTC")
