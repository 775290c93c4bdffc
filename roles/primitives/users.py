"""Accounts as a set: made, corrected, and removed once nobody declares them. Homes are data and stay."""

from __future__ import annotations

import shlex
from collections.abc import Generator, Iterable
from dataclasses import dataclass

from pyinfra import host
from pyinfra.api import FactBase, StringCommand, operation

from coopinfra.roles.declarations import User
from coopinfra.roles.primitives.changes import Change


@dataclass(frozen=True)
class UserFound:
    """One account as it is on the server."""

    full_name: str
    home: str
    shell: str
    groups: frozenset[str]


class UserStates(FactBase[dict[str, UserFound]]):
    """Some accounts by name; those that do not exist are absent."""

    def command(self, names: tuple[str, ...]) -> str:
        """Return the shell command: two lines for each account."""
        return f"for name in {shlex.join(names)}; do getent passwd $name && id -nG $name; done; true"

    def process(self, output: Iterable[str]) -> dict[str, UserFound]:
        """Pair the lines; the primary group, named like its user, is left out."""
        lines = iter(output)
        found = {}
        for account, groups in zip(lines, lines, strict=False):
            name, _, _, _, full_name, home, shell = account.split(":")
            found[name] = UserFound(full_name.rstrip(","), home, shell, frozenset(groups.split()) - {name})
        return found

    @staticmethod
    def default() -> dict[str, UserFound]:
        """None of them is there."""
        return {}


def users_that_differ(users: Iterable[User], found: dict[str, UserFound]) -> tuple[tuple[User, Change], ...]:
    """Return the accounts that are not as declared, each with the reason."""
    return tuple((user, change) for user in users if (change := _difference(user, found.get(user.name))))


def _difference(wanted: User, there: UserFound | None) -> Change | None:
    if there is None:
        return Change("user", "create", wanted.name)
    reasons = [
        name
        for name, differs in (
            ("name", there.full_name != wanted.full_name),
            ("home", there.home != wanted.home),
            ("shell", there.shell != wanted.shell),
            ("groups", there.groups != frozenset(wanted.groups)),
        )
        if differs
    ]
    return Change("user", "change", wanted.name, ", ".join(reasons)) if reasons else None


@operation()
def users(wanted: tuple[User, ...]) -> Generator[StringCommand, None, None]:
    """Make or correct accounts and the groups that they need."""
    states = host.get_fact(UserStates, names=tuple(user.name for user in wanted))
    differing = users_that_differ(wanted, states)
    if not differing:
        host.noop("every account is as declared")
        return
    groups = sorted({group for user, _ in differing for group in user.groups})
    lines = [f"getent group {group} >/dev/null || groupadd --system {group}" for group in groups]
    lines += [_command(user, new=user.name not in states) for user, _ in differing]
    yield StringCommand("sh", "-c", shlex.quote("set -eu\n" + "\n".join(lines)))


@operation()
def users_removed(names: tuple[str, ...]) -> Generator[StringCommand, None, None]:
    """End the sessions of accounts that nobody declares any more and remove them; their homes stay."""
    states = host.get_fact(UserStates, names=names) if names else {}
    there = sorted(states)
    if not there:
        host.noop("no account is left over")
        return
    # `--force`: also while a process of theirs is still ending.
    lines = [f"loginctl terminate-user {name} || true\nuserdel --force {name}" for name in there]
    yield StringCommand("sh", "-c", shlex.quote("set -eu\n" + "\n".join(lines)))


def _command(user: User, *, new: bool) -> str:
    options = ["--comment", user.full_name, "--shell", user.shell, "--groups", ",".join(user.groups)]
    if not new:
        return shlex.join(["usermod", *options, "--home", user.home, user.name])
    kind = ["--system", "--no-create-home"] if user.system else ["--create-home"]
    return shlex.join(["useradd", *kind, "--user-group", "--home-dir", user.home, *options, user.name])
