"""What people do with an organisation's secrets, one function a command; `Keeping` is what each begins with."""

from __future__ import annotations

import getpass
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from coopinfra.deploy.organisation.load import load_named
from coopinfra.deploy.organisation.org import Org
from coopinfra.deploy.organisation.problems import InputError, Problem
from coopinfra.deploy.organisation.words import suggest
from coopinfra.deploy.planning.at_rest import FOLDER, public_half
from coopinfra.deploy.planning.make import make_plan
from coopinfra.deploy.planning.plan import Plan
from coopinfra.deploy.secrets import making
from coopinfra.deploy.secrets.envelope import Envelope
from coopinfra.deploy.secrets.identity import Ask, ask_passphrase, open_identity
from coopinfra.deploy.secrets.readers import Readers, readers_of, recovery_file
from coopinfra.deploy.secrets.recovery import Recovery, enlist, make_recovery
from coopinfra.deploy.secrets.store import Identities, Store, files_with, store_of
from coopinfra.roles.declarations import Secret

Progress = Callable[[int, int], None]
"""Called with how many of how many are done."""


@dataclass(frozen=True)
class Keeping:
    """One organisation's secrets; whoever is at the keyboard is asked for no passphrase before it is needed."""

    org: Org
    plan: Plan
    store: Store
    identities: Identities

    @property
    def readers(self) -> Readers:
        """Who can read what is written now."""
        return readers_of(self.org)

    def declared(self, path: str) -> Secret:
        """Return what is declared at a place, or say what was meant."""
        secret = self.store.secret(path)
        if secret is None:
            hint = suggest(path, [each for each, _ in self.store.declared], "there are")
            raise InputError(Problem(f"`{self.org.id}` has no secret `{path}`", hint))
        return secret

    def read(self, path: str) -> Envelope:
        """Decrypt one secret."""
        return self.store.read((path,), self.identities)[path]


@dataclass(frozen=True)
class Listed:
    """One secret as `list` shows it."""

    path: str
    kind: str
    made: bool
    deployed: bool
    files: tuple[str, ...]
    """The server's files that hold it; who reads the list sees from when on it is needed."""
    made_from: str
    public: str
    """The name of the file with its clear half, if there is one."""


def keep(organisation: str, ask: Ask = ask_passphrase) -> Keeping:
    """Read an organisation, its plan and its folder of secrets."""
    org = load_named(organisation)
    plan = make_plan(org)
    return Keeping(org, plan, store_of(plan), cache(lambda: open_identity(ask)))


def list_all(kept: Keeping) -> tuple[tuple[Listed, ...], tuple[str, ...]]:
    """Return every declared secret, and the places of files that nobody declares any more; no identity is needed."""
    declared = tuple(
        Listed(
            path,
            it.kind,
            kept.store.is_made(path),
            it.deployed,
            files_with(kept.plan, path),
            it.made_from,
            f"{path}.pub" if public_half(kept.org.folder, path).is_file() else "",
        )
        for path, it in kept.store.declared
    )
    known = {each.path for each in declared}
    return declared, tuple(path for path in kept.store.on_disk() if path not in known)


def generate(kept: Keeping) -> tuple[str, ...]:
    """Make every declared secret that is missing and can be made, and return their places."""
    return making.make_missing(kept.store, kept.readers.all, kept.identities)


def show(kept: Keeping, path: str) -> bytes:
    """Return one value, and note in the inventory who saw it and when."""
    kept.declared(path)
    value = kept.read(path).value
    _note(kept, path, getpass.getuser())
    return value


def _note(kept: Keeping, path: str, who: str) -> None:
    note = {"when": datetime.now(UTC).isoformat(timespec="seconds"), "who": who, "path": path}
    with (kept.org.folder / FOLDER / "shown.log").open("a", encoding="utf-8") as stream:
        stream.write(json.dumps(note) + "\n")


def set_value(kept: Keeping, path: str, value: bytes) -> tuple[str, ...]:
    """Put a value in the place of a secret, and make anew what is made from it; an empty one erases nothing."""
    secret = kept.declared(path)
    refuse_change(kept, path, secret)
    refuse_nothing_new(value, kept.read(path).value if kept.store.is_made(path) else b"")
    return making.put_with_derived(kept.store, path, secret, value, kept.readers.all)


def refuse_nothing_new(value: bytes, old: bytes) -> None:
    """Refuse an empty value, and the one that is there: it would count as new, and `audit` would trust it."""
    if not value.strip():
        raise InputError(Problem("nothing was typed in, and the secret stays as it is", "type the value, then Enter"))
    if value == old:
        raise InputError(Problem("that is the value it has already, and it stays as it is", "type in another one"))


def refuse_change(kept: Keeping, path: str, secret: Secret) -> None:
    """Refuse to change what is made from another secret, and what has to stay as it was made."""
    if secret.stays and kept.store.is_made(path):
        raise InputError(Problem(f"`{path}` is never replaced: {secret.stays}", "the runbook says what to do instead"))
    if secret.made_from:
        source = kept.store.source(path, secret)
        raise InputError(Problem(f"`{path}` is made from `{source}`, and cannot be typed in", "change that one"))


def reencrypt(kept: Keeping, progress: Progress) -> int:
    """Encrypt every file anew for those who are to read today, values unchanged; return how many."""
    paths = kept.store.on_disk()
    # All are read before one is written: one that is damaged leaves every file as it was.
    found = kept.store.read(paths, kept.identities)
    readers = kept.readers.all
    for number, path in enumerate(paths, start=1):
        kept.store.write(path, found[path], "", readers)
        progress(number, len(paths))
    return len(paths)


def refuse_no_public_key(text: str) -> None:
    """Refuse what is no public age key, without saying it again: it may be a private one."""
    import pyrage

    try:
        pyrage.x25519.Recipient.from_str(text)
    except pyrage.RecipientError as error:
        hint = "it begins with `age1`; whoever takes over makes one with `coopinfra secrets identity`"
        raise InputError(Problem("what stands after `--to` is no public age key", hint)) from error


def export(kept: Keeping, to: str, folder: Path) -> tuple[Path, ...]:
    """Write all secrets for one public key alone, such as of whoever takes over, into a new folder; noted as shown."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(Problem(f"`{folder}` is there already and not empty", "name another folder with `--out`"))
    # What is missing or unreadable is refused here: whoever takes over would notice when it is too late.
    declared = (path for path, _ in kept.store.declared)
    found = kept.store.read((*declared, *kept.store.on_disk()), kept.identities)
    _note(kept, "all", to)
    away = replace(kept.store, folder=folder)
    for path, envelope in found.items():
        public = public_half(kept.org.folder, path)
        away.write(path, envelope, public.read_text().strip() if public.is_file() else "", (to,))
    return tuple(folder / FOLDER / f"{path}.age" for path in found)


def recover(kept: Keeping, hand_out: Callable[[Recovery], None], progress: Progress) -> None:
    """Make the organisation's recovery key, hand its private half out, and encrypt for it whatever there is."""
    if recovery_file(kept.org.folder).exists():
        raise InputError(
            Problem(
                f"`{kept.org.id}` has a recovery key already, and its sheet is printed once only",
                f"if that sheet is lost, remove {recovery_file(kept.org.folder)} and run this again",
            )
        )
    # Read first: nobody gets a sheet that opens nothing.
    kept.store.read(kept.store.on_disk(), kept.identities)
    recovery = make_recovery()
    # Handed out before it counts: a key that nobody has would pass for a second reader for ever.
    hand_out(recovery)
    enlist(kept.org, recovery)
    if kept.store.on_disk():
        reencrypt(kept, progress)
