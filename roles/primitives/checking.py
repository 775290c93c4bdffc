"""What many checks ask of a server, each in one command; never imports pyinfra."""

from __future__ import annotations

from collections.abc import Callable
from shlex import join
from typing import Any

from coopinfra.roles.contract import Check


def is_active(sentence: str, *units: str) -> Check:
    """Return the check that units run; never proof by itself that they work."""

    def run(host: Any) -> str | None:
        states = host.run(f"systemctl is-active {join(units)}").stdout.split()
        bad = [f"{unit} is {state}" for unit, state in zip(units, states, strict=False) if state != "active"]
        return ", ".join(bad) or (None if len(states) == len(units) else "systemd does not answer")

    return Check(sentence, run)


def succeeds(sentence: str, command: str, proves: tuple[str, ...] = ()) -> Check:
    """Return the check that a command ends with success; what it prints is what was found instead."""

    def run(host: Any) -> str | None:
        ran = host.run(command)
        return None if ran.rc == 0 else _said(ran.stdout + ran.stderr) or f"`{command}` failed"

    return Check(sentence, run, proves=proves)


def owns(sentence: str, path: str, user: str) -> Check:
    """Return the check that data are there and all of a user, whatever number that has on this machine."""
    return succeeds(
        sentence,
        f"id -u {user} >/dev/null || exit 1; [ -d {path} ] || {{ echo '{path} is not there'; exit 1; }};"
        f" found=$(find {path} ! -user {user} -print -quit);"
        ' [ -z "$found" ] || { echo "$found belongs to somebody else"; false; }',
        proves=(path,),
    )


def prints(sentence: str, command: str, wanted: Callable[[str], str | None], proves: tuple[str, ...] = ()) -> Check:
    """Return the check that `wanted` has nothing to object to what a command prints."""

    def run(host: Any) -> str | None:
        ran = host.run(command)
        return wanted(ran.stdout) if ran.rc == 0 else _said(ran.stderr) or f"`{command}` failed"

    return Check(sentence, run, proves=proves)


def _said(text: str) -> str:
    return "; ".join(line.strip() for line in text.splitlines() if line.strip())[:300]
