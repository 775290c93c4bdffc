"""Who is at the keyboard: the operator of collective.yml whose private key is here."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import paramiko

from coopinfra.deploy.organisation.problems import InputError, Problem
from coopinfra.roles.facts import Operator

KEY_VARIABLE = "COOPINFRA_SSH_KEY"


@dataclass(frozen=True)
class Identity:
    """One operator and one key: exactly one is offered, since each refused one counts towards a ban."""

    operator: Operator
    key: paramiko.PKey = field(repr=False, compare=False)
    file: str = ""
    """Where the private half lies; empty where an agent holds it."""


def find_identity(operators: tuple[Operator, ...]) -> Identity:
    """Return the first operator who lists a public key whose private half is here.

    Looked at, in this order: the file named by COOPINFRA_SSH_KEY alone if it is set, else the agent's keys, then
    ~/.ssh/*.pub. Raises InputError when none matches.
    """
    owners = {_blob(line): operator for operator in operators for line in operator.ssh_keys}
    chosen = os.environ.get(KEY_VARIABLE)
    keys = _from_file(Path(chosen)) if chosen else _everywhere(set(owners))
    for key, file in keys:
        operator = owners.get(key.get_base64())
        if operator:
            return Identity(operator, key, file)
    where = f"`{chosen}` belongs" if chosen else "none of the keys in your agent or in ~/.ssh belongs"
    raise InputError(
        Problem(
            f"{where} to nobody in collective.yml" if chosen else f"{where} to anybody in collective.yml",
            f"add your public key to `operators` there, or name your key in {KEY_VARIABLE}",
        )
    )


def _blob(line: str) -> str:
    return line.split()[1]


def _everywhere(wanted: set[str]) -> Iterator[tuple[paramiko.PKey, str]]:
    yield from ((key, "") for key in paramiko.Agent().get_keys())
    for public in sorted(Path("~/.ssh").expanduser().glob("*.pub")):
        words = public.read_text(errors="replace").split()
        if len(words) > 1 and words[1] in wanted and public.with_suffix("").is_file():
            yield from _from_file(public.with_suffix(""))


def _from_file(path: Path) -> Iterator[tuple[paramiko.PKey, str]]:
    try:
        yield paramiko.PKey.from_path(path.expanduser()), str(path.expanduser())
    # cryptography says with a TypeError that a passphrase is missing.
    except (paramiko.PasswordRequiredException, TypeError) as error:
        raise InputError(
            Problem(f"the key `{path}` has a passphrase and no agent holds it", f"run `ssh-add {path}` first")
        ) from error
    except (OSError, paramiko.SSHException, ValueError) as error:
        raise InputError(Problem(f"the key `{path}` cannot be read: {error}", f"see {KEY_VARIABLE}")) from error
