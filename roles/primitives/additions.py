"""What grants access to a server or runs things on it, and was put there by nobody that we know of."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import takewhile
from pathlib import Path

from pyinfra.api import FactBase

from coopinfra.roles.declarations import User
from coopinfra.roles.primitives.drift import Drift
from coopinfra.roles.primitives.manifest import Manifest
from coopinfra.roles.primitives.neighbours import Neighbours

SCRIPT = Path(__file__).with_name("additions.sh")
# Debian's groups whose members are as good as root.
POWERFUL = {"root", "sudo", "adm", "docker", "shadow", "disk"}
KINDS = (
    (re.compile(r"/etc/ssh/authorized_keys\.d/|.*/\.ssh/authorized_keys"), "key"),
    (re.compile(r"/etc/sudoers"), "sudo rule"),
    (re.compile(r"/etc/cron|/var/spool/cron/"), "cron job"),
)
LEADS_TO = "leads to "
PACKAGED = re.compile(r"(?:/usr)?/lib/systemd/(?:system|user)/[^/]+|/dev/null")


@dataclass(frozen=True)
class Listener:
    """One socket that answers others than this machine, the processes behind it, and the units that they belong to."""

    protocol: str
    address: str
    port: str
    processes: tuple[str, ...]
    units: tuple[str, ...]
    packaged: bool
    """Every one of these units came with a package."""


@dataclass(frozen=True)
class Additions:
    """Everything that grants access or runs things and came with no package, declared or not."""

    things: tuple[Drift, ...] = ()
    digests: tuple[tuple[str, str], ...] = ()
    """Path -> sha256, where it is a file."""
    members: tuple[tuple[str, str], ...] = ()
    """Group and account; `uid 0` for the group of an account that is root under another name."""
    listeners: tuple[Listener, ...] = ()

    def noted(self, things: Iterable[Drift]) -> tuple[str, ...]:
        """Return what the manifest keeps of some of them, so that one which changes later is known as another."""
        digests = dict(self.digests)
        return tuple(sorted(" ".join((each.what, each.subject, digests.get(each.subject, "-"))) for each in things))


class ServerAdditions(FactBase[Additions]):
    """What grants access or runs things, in one command."""

    def command(self) -> str:
        """Return the shell command."""
        return f"sh -c {shlex.quote(_script())}"

    def process(self, output: Iterable[str]) -> Additions:
        """Parse the sections, which a line with nothing but `=` divides."""
        lines = iter(output)
        states, sums, packaged, people, groups, sockets, control = (
            list(takewhile(lambda line: line != "=", lines)) for _ in range(7)
        )
        digests = {path: value for value, path in (line.split("  ", 1) for line in sums)}
        judged = dict(line.rsplit(": ", 1) for line in packaged)
        things = tuple(thing for line in sorted(states) if (thing := _thing(line, judged)))
        units = {process: (unit, origin) for process, origin, unit in (line.split(" ", 2) for line in control)}
        return Additions(
            things,
            tuple(sorted(digests.items())),
            tuple(_members(people, groups)),
            tuple(_listeners(sockets, units)),
        )

    @staticmethod
    def default() -> Additions:
        """None was found."""
        return Additions()


def unexpected(
    found: Additions, old: Manifest, new: Manifest, people: Iterable[User], neighbours: Neighbours
) -> tuple[Drift, ...]:
    """Return what is neither declared, nor a package's, nor noted before the first deploy.

    old, new: what the last deploy left and what the next one will: what merely waits is expected as well
    people: declared accounts; the groups of those who log in are nobody else's
    neighbours: what others on the machine have is expected as well
    """
    known = (old, new, *neighbours.manifests.values())
    written = {path for each in known for path in each.files}
    groups = {"uid 0", *POWERFUL, *(group for user in people if not user.system for group in user.groups)}
    declared = {(group, name) for each in known for name, text in each.accounts.items() for group in _groups(text)}
    things = (
        *(each for each in found.things if not written & {each.subject, each.detail.removeprefix(LEADS_TO)}),
        *(Drift("account", name, group) for group, name in found.members if group in groups),
        *_unexpected_listeners(
            found, {port for each in known for port in each.ports}, {unit for each in known for unit in each.units}
        ),
    )
    noted = {line for each in (old, *neighbours.manifests.values()) for line in each.baseline or ()}
    return tuple(
        thing
        for thing in things
        if (thing.what != "account" or (thing.detail, thing.subject) not in declared)
        and not noted.issuperset(found.noted([thing]))
    )


@cache
def _script() -> str:
    return SCRIPT.read_text()


def _groups(account: str) -> list[str]:
    return account.partition(" in ")[2].split(",")


def _thing(line: str, packaged: dict[str, str]) -> Drift | None:
    changed, user, kind, names = line.split("|", 3)
    # stat quotes names, so that one with a line break in it cannot pass for two.
    path, _, target = names.partition("' -> '")
    path, target = path.strip("'"), target.strip("'")
    if packaged.get(path) == "OK" or (kind == "symbolic link" and PACKAGED.fullmatch(target)):
        return None
    what = next((what for pattern, what in KINDS if pattern.match(path)), "unit")
    detail = f"{LEADS_TO}{target}" if target else f"owned by {user}"
    if path in packaged:
        detail = "not as its package brought it"
    return Drift(what, path, detail, at=float(changed))


def _members(people: Iterable[str], groups: Iterable[str]) -> Iterator[tuple[str, str]]:
    names = {}
    for line in groups:
        name, _, number, members = line.split(":", 3)
        names[number] = name
        yield from ((name, member) for member in members.split(",") if member)
    for line in people:
        name, uid, primary = line.split(":")
        if uid == "0" and name != "root":
            yield "uid 0", name
        if names.get(primary, name) != name:
            yield names[primary], name


def _listeners(sockets: Iterable[str], units: dict[str, tuple[str, str]]) -> Iterator[Listener]:
    for line in sockets:
        words = line.split(None, 6)
        address, _, port = words[4].rpartition(":") if len(words) > 5 else ("", "", "")
        plain = address.strip("[]").removeprefix("::ffff:")
        if not port or plain.startswith("127.") or plain == "::1" or address.endswith("%lo"):
            continue
        processes = re.findall(r'"([^"]*)",pid=(\d+)', line)
        owners = {units.get(pid, ("no unit", "hand")) for _, pid in processes}
        yield Listener(
            words[0],
            address,
            port,
            tuple(sorted({name for name, _ in processes})),
            tuple(sorted(unit for unit, _ in owners)),
            packaged=all(origin == "package" for _, origin in owners),
        )


def _unexpected_listeners(found: Additions, ports: set[str], ours: set[str]) -> Iterator[Drift]:
    for each in found.listeners:
        declared = bool(ours.intersection(each.units))
        # A package's own daemon is its business, unless it is one of ours: then it answers where a role says so.
        expected = f"{each.port}/{each.protocol}" in ports if declared else each.packaged
        if not expected:
            who = f"{', '.join(each.processes) or 'nobody to be seen'} in {', '.join(each.units) or 'no unit'}"
            yield Drift("listener", f"{each.protocol} {each.address}:{each.port}", who)
