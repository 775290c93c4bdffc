"""Who may change what is deployed: commits count only if somebody signed them whom the last deploy's list had allowed.

age says nothing about who encrypted: whoever can push could replace a secret, a person or a server. The list of signers
is that of the commit deployed before, so that a push cannot bring its own signer along.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

import yaml

from coopinfra.deploy.organisation.org import Org
from coopinfra.deploy.organisation.problems import InputError, Problem, raise_all
from coopinfra.deploy.planning.at_rest import FOLDER


class NotSigned(InputError):
    """What is to be deployed is not signed by whom it must be."""

    kind = "signatures"


@dataclass(frozen=True)
class Deployed:
    """What a server says of its last deploy: the inventory's commit, and whether signatures were asked for."""

    server: str
    commit: str
    signed: bool


def head(org: Org, made: Iterable[str] = ()) -> str:
    """Return the commit that is checked out; raise NotSigned where it is not the whole of what would be deployed.

    made: the places of secrets that this very run made; the next deploy asks for their commit
    """
    home = org.folder.parent
    found = _git(home, "rev-parse", "HEAD")
    if found.returncode:
        raise NotSigned(Problem(f"signed commits are asked for, and `{home}` is in no git repository", "git init"))
    but = [f":(exclude){org.id}/{FOLDER}/{path}.{end}" for path in made for end in ("age", "pub")]
    changed = _git(home, "status", "--porcelain", "--untracked-files=all", "--", *_paths(org), *but).stdout.splitlines()
    if changed:
        names = ", ".join(f"`{line[3:]}`" for line in changed[:5])
        raise NotSigned(Problem(f"signed commits are asked for, and {names} is not committed", "git commit -S"))
    return found.stdout.strip()


def check_signatures(org: Org, deployed: Iterable[Deployed], made: Iterable[str] = ()) -> None:
    """Raise NotSigned that names every commit since the last deploys that nobody signed who was allowed then.

    made: as for `head`
    """
    at = head(org, made)
    raise_all(dict.fromkeys(problem for each in deployed for problem in _problems(org, each, at)), NotSigned)


def _problems(org: Org, deployed: Deployed, at: str) -> Iterator[Problem]:
    home = org.folder.parent
    if not deployed.commit:
        # The first time there is no earlier list: the newest commit must be signed by somebody on its own.
        newest = _git(home, "rev-list", "-1", "HEAD", "--", *_paths(org)).stdout.split()
        yield from _unsigned(home, newest, _signers(org, at), f"of `{org.id}`, which names itself")
        return
    if _git(home, "merge-base", "--is-ancestor", deployed.commit, at).returncode:
        hint = "fetch, and merge what was deployed; history that was rewritten is deployed by nobody"
        message = (
            f"`{deployed.server}` was deployed from the commit {deployed.commit[:12]}, which is not in this history"
        )
        yield Problem(message, hint)
        return
    since = f"{deployed.commit}..{at}"
    touching = _git(home, "rev-list", "--full-history", since, "--", *_paths(org)).stdout.split()
    # A merge can bring back an older state without touching anything in git's eyes.
    merges = _git(home, "rev-list", "--merges", since).stdout.split()
    whose = f"that {deployed.commit[:12]} lists, as it was deployed last"
    yield from _unsigned(home, dict.fromkeys((*touching, *merges)), _signers(org, deployed.commit), whose)


def _unsigned(home: Path, commits: Iterable[str], signers: list[str], whose: str) -> Iterator[Problem]:
    with TemporaryDirectory() as scratch:
        allowed = Path(scratch) / "signers"
        allowed.write_text("".join(f"{line}\n" for line in signers))
        # A signature of another kind would be judged by the keys that happen to be in somebody's keyring.
        only_ssh = ("-c", "gpg.program=false", "-c", "gpg.openpgp.program=false", "-c", "gpg.x509.program=false")
        for commit in commits:
            if _git(home, *only_ssh, "-c", f"gpg.ssh.allowedSignersFile={allowed}", "verify-commit", commit).returncode:
                said = _git(home, "log", "-1", "--format=%h %an: %s", commit).stdout.strip()
                hint = "who made it? Let somebody on that list look at it, and sign it: git commit --amend -S"
                yield Problem(f"the commit {_plain(said)} is not signed by anybody {whose}", hint)


def _signers(org: Org, commit: str) -> list[str]:
    """Return the lines of git's file of allowed signers, as one commit's collective.yml has them."""
    text = _git(org.folder.parent, "show", f"{commit}:./collective.yml").stdout
    try:
        operators = yaml.safe_load(text)["operators"].items()
    except (yaml.YAMLError, AttributeError, KeyError, TypeError):
        return []
    return [
        f'{login} namespaces="git" {" ".join(str(key).split()[:2])}'
        for login, each in operators
        if isinstance(each, dict) and org.id in (each.get("organisations") or [org.id]) and _still(each.get("until"))
        for key in each.get("signing_keys") or ()
    ]


def _still(until: object) -> bool:
    return not isinstance(until, date) or until >= date.today()  # noqa: DTZ011 - a day ends where the operator is


def _paths(org: Org) -> tuple[str, ...]:
    owners = dict.fromkeys(machine.owner for machine in org.machines.values())
    return (
        "collective.yml",
        *(f"{org.id}/{name}" for name in ("org.yml", "known_hosts", FOLDER)),
        *(f"{owner}/{name}" for owner in owners for name in ("org.yml", "known_hosts")),
    )


def _plain(text: str) -> str:
    return "".join(each if each.isprintable() else "?" for each in text)


def _git(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["git", "-C", str(folder), *arguments],
        capture_output=True,
        text=True,
        errors="replace",
        env={**os.environ, "LC_ALL": "C"},
        check=False,
    )
