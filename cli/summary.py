"""Says in words what a deploy did, a line for each role."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from coopinfra.roles.primitives.changes import Change

DONE = {
    "install": "installed",
    "create": "made",
    "change": "changed",
    "publish": "published",
    "enable": "enabled",
    "start": "started",
    "reload": "reloaded",
    "restart": "restarted",
    "remove": "removed",
    "run": "ran",
}
NOUNS = {
    "package": "packages",
    "user": "accounts",
    "directory": "directories",
    "file": "files",
    "release": "sites",
    "site": "sites",
    "unit": "units",
    "step": "steps",
}
FEW = 2
"""As many are named; of more, the number is said."""


def by_role(changes: Iterable[Change]) -> Iterator[tuple[str, str]]:
    """Yield every role, in the order in which it comes first, with what was done for it; pure."""
    roles: dict[str, dict[tuple[str, str], list[str]]] = {}
    for change in changes:
        # What is written is written, whether it was there before or not.
        verb = "wrote" if change.what == "file" and change.action != "remove" else DONE[change.action]
        roles.setdefault(change.role, {}).setdefault((verb, change.what), []).append(change.subject)
    for role, done in roles.items():
        yield role, ", ".join(f"{verb} {_named(what, names)}" for (verb, what), names in done.items())


def summary(changes: Iterable[Change]) -> list[str]:
    """Return a line for each role, the roles' names in one column."""
    lines = [(role or "no longer declared", did) for role, did in by_role(changes)]
    width = max((len(role) for role, _ in lines), default=0)
    return [f"  {role:<{width}}  {did}" for role, did in lines]


def _named(what: str, names: list[str]) -> str:
    if len(names) > FEW:
        return f"{len(names)} {NOUNS[what]}"
    shown = " and ".join(f"`{name}`" if what == "step" else name for name in names)
    # A path and a unit say by themselves what they are; a name alone does not.
    return f"{'account' if len(names) == 1 else 'accounts'} {shown}" if what == "user" else shown
