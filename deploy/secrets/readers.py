"""Who can read an organisation's secrets: the operators who look after it today, and its recovery key."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path

from coopinfra.deploy.organisation.org import Org
from coopinfra.deploy.organisation.problems import InputError, Problem
from coopinfra.deploy.planning.at_rest import FOLDER

RECOVERY = "recovery"


@dataclass(frozen=True)
class Readers:
    """The public keys that secrets are encrypted for, each with whose it is."""

    keys: tuple[tuple[str, str], ...]

    @property
    def all(self) -> tuple[str, ...]:
        """Every public key, sorted."""
        return tuple(sorted(key for _, key in self.keys))

    @property
    def owners(self) -> tuple[str, ...]:
        """Everybody who can read, each once; the recovery key counts as somebody."""
        return tuple(dict.fromkeys(owner for owner, _ in self.keys))

    def owner(self, key: str) -> str:
        """Say whose key it is."""
        return next((owner for owner, each in self.keys if each == key), "somebody who is not listed any more")


def recovery_file(folder: Path) -> Path:
    """Return where the public half of the organisation's recovery key lies."""
    return folder / FOLDER / f"{RECOVERY}.pub"


def readers_of(org: Org, day: date | None = None) -> Readers:
    """Return who can read on a day, today by default; raise InputError when that is nobody."""
    keys = [(login, key) for login, each in org.operators(day).items() for key in each.age_keys]
    recovery = recovery_file(org.folder)
    if recovery.is_file():
        keys.append((RECOVERY, recovery.read_text(encoding="utf-8").strip()))
    if not keys:
        message = f"nobody who works for `{org.id}` has an age key, so nobody could read its secrets"
        hint = "`coopinfra secrets identity` makes one; write it under `age_keys` in collective.yml"
        raise InputError(Problem(message, hint))
    return Readers(tuple(keys))


def refuse_one_reader(org: Org, readers: Readers) -> None:
    """Raise InputError while one person alone could read: with them, everything would be lost."""
    if len(readers.owners) < 2:
        message = f"only `{readers.owners[0]}` can read the secrets of `{org.id}`: with them, everything would be lost"
        hint = (
            f"add `age_keys` of somebody else to collective.yml, or print `coopinfra secrets recovery-sheet {org.id}`, "
            "then run `coopinfra secrets reencrypt`; `--one-reader` says that you know"
        )
        raise InputError(Problem(message, hint))
