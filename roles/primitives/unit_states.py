"""Units as they are on a server, with the evidence of their age."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable
from dataclasses import dataclass

from pyinfra.api import FactBase

from coopinfra.roles.primitives.changes import STAMPS

PROPERTIES = (
    "LoadState,ActiveState,UnitFileState,ActiveEnterTimestamp,ConditionTimestamp,ConditionResult,NeedDaemonReload,"
    "MainPID,FragmentPath,DropInPaths"
)
# One process for all units each time, not some for each: a small server feels every one, and each plan asks this.
# systemd answers in paragraphs, in the order of the names. `%H` is the path that `find` was given.
_EVIDENCE = rf"""
shown=$(systemctl show --timestamp=unix -p {PROPERTIES} {{names}})
echo "$shown" | awk -v RS= -v names='{{names}}' '
    BEGIN {{{{split(names, name, " ")}}}} {{{{print "Name=" name[NR]; print}}}}'
printf '%s\n' {{reads}}
stat -c 'definition %.Z %n' $(echo "$shown" | sed -n 's/^FragmentPath=//p; s/^DropInPaths=//p') 2>/dev/null
stat -c 'stamp %.Y %n' {STAMPS}/* 2>/dev/null
find {{read}} -printf '%C@ %H\n' 2>/dev/null | awk '
    $1 > newest[$2] {{{{newest[$2] = $1}}}} END {{{{for (path in newest) print "newest", newest[path], path}}}}'
find $(echo "$shown" | sed -n 's#^MainPID=\([1-9].*\)#/proc/\1/exe#p') -maxdepth 0 -printf 'program %l %H\n' 2>/dev/null
true
"""
EVIDENCE = re.compile("(?P<kind>definition|stamp|newest|program) (?P<value>.*) (?P<subject>[^ ]+)")
ENABLED = {"enabled", "enabled-runtime", "static", "indirect", "alias", "generated", "transient"}


@dataclass(frozen=True)
class UnitFound:
    """One unit as it is on the server; times are seconds since 1970."""

    loaded: bool
    active: bool
    enabled: bool
    condition_failed: bool
    needs_daemon_reload: bool
    since: float
    newest_change: float
    definition_changed: float
    program_replaced: bool
    state: str = ""
    """How it is, in systemd's word: `inactive`, `failed`, or `masked`."""


class UnitStates(FactBase[dict[str, UnitFound]]):
    """Some units by name, with the evidence of their age."""

    def command(self, units: tuple[tuple[str, tuple[str, ...]], ...]) -> str:
        """Return the shell command for pairs of unit and what it reads."""
        if not units:
            return "true"
        names = " ".join(name for name, _ in units)
        reads = shlex.join(f"reads {name} {' '.join(paths)}" for name, paths in units)
        read = " ".join(dict.fromkeys(path for _, paths in units for path in paths))
        return _EVIDENCE.format(names=names, reads=reads, read=read or "/nonexistent")

    def process(self, output: Iterable[str]) -> dict[str, UnitFound]:
        """Parse one block of properties for each unit, and what they are judged by."""
        blocks: dict[str, dict[str, str]] = {}
        current: dict[str, str] = {}
        reads: dict[str, list[str]] = {}
        evidence: dict[tuple[str, str], str] = {}
        for line in output:
            if match := EVIDENCE.fullmatch(line):
                evidence[match["kind"], match["subject"]] = match["value"]
            elif line.startswith("reads "):
                _, name, *reads[name] = line.split(" ")
            else:
                key, _, value = line.partition("=")
                if key == "Name":
                    current = blocks.setdefault(value, {})
                current[key] = value
        return {name: _found(block, reads.get(name, []), evidence) for name, block in blocks.items()}

    @staticmethod
    def default() -> dict[str, UnitFound]:
        """None was asked for."""
        return {}


def _found(block: dict[str, str], reads: Iterable[str], evidence: dict[tuple[str, str], str]) -> UnitFound:
    def newest(kind: str, subjects: Iterable[str]) -> float:
        return max((_seconds(evidence.get((kind, each), "")) for each in subjects), default=0)

    definition = f"{block.get('FragmentPath', '')} {block.get('DropInPaths', '')}".split()
    program = evidence.get(("program", f"/proc/{block.get('MainPID', '')}/exe"), "")
    return UnitFound(
        loaded=block.get("LoadState") == "loaded",
        active=block.get("ActiveState") in ("active", "reloading"),
        enabled=block.get("UnitFileState") in ENABLED,
        condition_failed=block.get("ConditionResult") == "no" and bool(block.get("ConditionTimestamp")),
        needs_daemon_reload=block.get("NeedDaemonReload") == "yes",
        since=max(
            _seconds(block.get("ActiveEnterTimestamp", "")), newest("stamp", [f"{STAMPS}/{block.get('Name', '')}"])
        ),
        newest_change=newest("newest", reads),
        definition_changed=newest("definition", definition),
        program_replaced=program.endswith("(deleted)"),
        state="masked" if block.get("LoadState") == "masked" else block.get("ActiveState", ""),
    )


def _seconds(text: str) -> float:
    return float(text.removeprefix("@") or 0)
