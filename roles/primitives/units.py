"""Units that run no older than what they read: judged by evidence on the server, not by the memory of one run.

Evidence: the newest change time under a unit's `reads`, and of its own files, against the moment it started or was last
reloaded by us (a stamp in /run, which a reboot clears as it starts every unit anew), and whether its program was
replaced on disk.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Generator, Iterable, Iterator

from pyinfra import host
from pyinfra.api import StringCommand, operation

from coopinfra.roles.declarations import Unit
from coopinfra.roles.primitives.answering import ASK, before
from coopinfra.roles.primitives.changes import STAMPS, Change
from coopinfra.roles.primitives.unit_states import UnitFound, UnitStates


def reads_of(units: Iterable[Unit]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Return each unit's name and what it reads, as `UnitStates` asks for them."""
    return tuple((unit.name, unit.reads) for unit in units)


def units_that_differ(units: Iterable[Unit], found: dict[str, UnitFound]) -> tuple[tuple[Unit, Change], ...]:
    """Return the units to start, reload or restart, each with the reason."""
    return tuple((unit, change) for unit in units if (change := _difference(unit, found.get(unit.name))))


def units_that_will(units: Iterable[Unit], paths: Iterable[str]) -> Iterator[Change]:
    """Foretell which units a deploy will reload or restart because files at `paths` change; each with the reason."""
    paths = sorted(paths)
    for unit in units:
        own = [path for path in paths if re.match(rf"/etc/systemd/system/{re.escape(unit.name)}(\.d/|$)", path)]
        read = [path for path in paths if any(path == each or path.startswith(f"{each}/") for each in unit.reads)]
        if own or read:
            action, why = ("reload" if unit.reload and not own else "restart"), own or read
            yield Change("unit", action, unit.name, f"{', '.join(why)} {'changes' if len(why) == 1 else 'change'}")


def _difference(wanted: Unit, there: UnitFound | None) -> Change | None:
    if there is None or not there.loaded:
        return Change("unit", "start", wanted.name, "it is masked" if there and there.state == "masked" else "")
    if there.condition_failed:
        return None if there.enabled else Change("unit", "enable", wanted.name)
    if not there.active:
        return Change("unit", "start", wanted.name)
    if there.program_replaced or there.needs_daemon_reload or there.definition_changed > there.since:
        why = "its program was replaced" if there.program_replaced else "its unit file changed"
        return Change("unit", "restart", wanted.name, why)
    if there.newest_change > there.since:
        return Change("unit", "reload" if wanted.reload else "restart", wanted.name, "it runs older than its files")
    return None if there.enabled else Change("unit", "enable", wanted.name)


@operation()
def units(wanted: tuple[Unit, ...], organisation: str = "") -> Generator[StringCommand, None, None]:
    """Enable and start units, and reload or restart those that run older than what they read.

    organisation: whose files of this run are put back when a unit that was acted on does not answer
    """
    found = host.get_fact(UnitStates, units=reads_of(wanted))
    differing = units_that_differ(wanted, found)
    if not differing:
        host.noop("every unit runs as declared")
        return
    acted = shlex.quote(" ".join(unit.name for unit, _ in differing))
    asked = [shlex.join(["ask", unit.name, unit.answers]) for unit, _ in differing if unit.answers]
    known = f"acted={acted} before={before(organisation)}"
    script = "\n".join([known, _HEAD, ASK, *(_act(unit, change) for unit, change in differing), *asked])
    yield StringCommand("sh", "-c", shlex.quote(script))


# A job may be at work, or have failed the last time: without its file nobody could say so any more, nor forget it.
_FORGET = """for unit in {units}; do
    systemctl stop "$unit"
    # What is for nobody after it, such as sessions; of what it does not keep it cannot be cleaned.
    for what in runtime state cache; do systemctl clean --what=$what "$unit" 2>/dev/null || true; done
    systemctl reset-failed "$unit" 2>/dev/null || true
done"""


@operation()
def units_removed(names: tuple[str, ...], written: tuple[str, ...] = ()) -> Generator[StringCommand, None, None]:
    """Stop and disable units that nobody declares any more.

    written: those whose own files go too, declared or started by others: nothing is to be left of them
    """
    asked = tuple(dict.fromkeys((*names, *written)))
    found = host.get_fact(UnitStates, units=tuple((name, ()) for name in asked)) if asked else {}
    loaded = {name: unit for name, unit in sorted(found.items()) if unit.loaded}
    there = [name for name, unit in loaded.items() if name in names and (unit.active or unit.enabled)]
    forgotten = [name for name in loaded if name in written]
    if not there and not forgotten:
        host.noop("no unit is left over")
        return
    if there:
        yield StringCommand("systemctl", "disable", "--now", "--quiet", *there)
    if forgotten:
        yield StringCommand("sh", "-c", shlex.quote(_FORGET.format(units=shlex.join(forgotten))))


# A unit that fails says why right away: the last lines of its journal belong to the error.
_HEAD = f"""set -eu
mkdir -p {STAMPS}
# To reload systemd takes a small server half a second, so it is done once for all; to enable reloads too.
# Masked, a unit could neither be enabled nor started.
masked= disabled=
for unit in $acted; do
    state=$(systemctl is-enabled "$unit" 2>/dev/null) || disabled="$disabled $unit"
    case $state in masked*) masked="$masked $unit" ;; esac
done
[ -z "$masked" ] || systemctl unmask --quiet $masked
if [ -n "$disabled" ]; then systemctl enable --quiet $disabled; else systemctl daemon-reload; fi
act() {{
    [ "$1" = enable ] || systemctl "$1" "$2" || {{
        echo "$2 did not $1; its journal says:" >&2
        journalctl --no-pager -q -n 15 -o cat -u "$2" >&2
        exit 1
    }}
    touch "{STAMPS}/$2"
}}"""


def _act(unit: Unit, change: Change) -> str:
    act = shlex.join(["act", change.action, unit.name])
    return f"{unit.validate}\n{act}" if unit.validate else act
