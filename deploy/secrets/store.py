"""The secrets of one organisation as files: which are wanted, which are there, and what stands in them."""

from __future__ import annotations

import getpass
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from coopinfra.deploy.organisation.problems import Problem, raise_all
from coopinfra.deploy.planning.at_rest import FOLDER, ciphertext, public_half
from coopinfra.deploy.planning.plan import Plan
from coopinfra.deploy.secrets.envelope import Envelope, SecretError, seal, unseal
from coopinfra.roles.contract import File
from coopinfra.roles.declarations import Secret
from coopinfra.roles.primitives.markers import markers_in

if TYPE_CHECKING:
    from pyrage import x25519

Identities = Callable[[], "tuple[x25519.Identity, ...]"]
"""Gives the operator's identities, and asks for the passphrase no earlier than somebody wants them."""


@dataclass(frozen=True)
class Store:
    """One organisation's folder of secrets."""

    organisation: str
    folder: Path
    declared: tuple[tuple[str, Secret], ...]
    """`server/role/name` of everything that the roles want, with its declaration."""

    def secret(self, path: str) -> Secret | None:
        """Return what is declared at a place."""
        return next((secret for each, secret in self.declared if each == path), None)

    def source(self, path: str, secret: Secret) -> str:
        """Return the place of what a secret is made from."""
        return f"{path.rpartition('/')[0]}/{secret.made_from}"

    def made_from(self, path: str) -> Iterator[tuple[str, Secret]]:
        """Yield what is made from the secret at a place."""
        return ((each, it) for each, it in self.declared if it.made_from and self.source(each, it) == path)

    def is_made(self, path: str) -> bool:
        """Tell whether there is a file for it."""
        return ciphertext(self.folder, path).is_file()

    def file(self, path: str) -> str:
        """Return the name of its file for people."""
        return f"{self.organisation}/{FOLDER}/{path}.age"

    def on_disk(self) -> tuple[str, ...]:
        """Return the places of all files there are, declared or not."""
        home = self.folder / FOLDER
        return tuple(sorted(str(each.relative_to(home))[: -len(".age")] for each in home.glob("*/*/*.age")))

    def read(self, paths: Iterable[str], identities: Identities) -> dict[str, Envelope]:
        """Decrypt what lies at these places; raise one SecretError that names every file that is not right."""
        found: dict[str, Envelope] = {}
        problems: list[Problem] = []
        for path in dict.fromkeys(paths):
            try:
                sealed = ciphertext(self.folder, path).read_bytes()
            except FileNotFoundError:
                problems.append(Problem("this secret is missing", self._how_to_make(path), self.file(path)))
                continue
            try:
                found[path] = unseal(sealed, identities(), f"{self.organisation}/{path}", self.file(path))
            except SecretError as error:
                problems += error.problems
        raise_all(problems, SecretError)
        return found

    def _how_to_make(self, path: str) -> str:
        secret = self.secret(path)
        if secret and secret.kind == "given":
            return f"type it in: `coopinfra secrets set {self.organisation} {path}`"
        return f"take it from git; `coopinfra secrets generate {self.organisation}` makes a new one"

    def write(self, path: str, envelope: Envelope, public: str, readers: Iterable[str]) -> None:
        """Replace one secret, whole or not at all, its clear half first: whoever sees the new one finds that right."""
        if public:
            replace_file(public_half(self.folder, path), f"{public}\n".encode())
        replace_file(ciphertext(self.folder, path), seal(envelope, readers))

    def envelope(self, path: str, secret: Secret, value: bytes, made_from: str = "") -> Envelope:
        """Put a new value into an envelope, as made here, now, by whoever is logged in."""
        by, now = getpass.getuser(), datetime.now(UTC).replace(microsecond=0)
        return Envelope(f"{self.organisation}/{path}", secret.kind, now, by, value, made_from)


def store_of(plan: Plan) -> Store:
    """Return the store of a plan's organisation."""
    return Store(plan.organisation.id, Path(plan.folder), plan.secrets)


def wanted_by_files(plan: Plan) -> tuple[str, ...]:
    """Return the places of the secrets that the servers' files hold: nothing else is decrypted for a deploy."""
    files = (each for server in plan.servers for each in server.files if isinstance(each, File))
    return tuple(dict.fromkeys(path for file in files for path in markers_in(file.content)))


def files_with(plan: Plan, path: str) -> tuple[str, ...]:
    """Return the files of the servers that hold the secret at a place."""
    files = (each for server in plan.servers for each in server.files if isinstance(each, File))
    return tuple(file.path for file in files if path in markers_in(file.content))


def values_of(found: Mapping[str, Envelope]) -> dict[str, bytes]:
    """Return the bare values by place."""
    return {path: each.value for path, each in found.items()}


def replace_file(path: Path, content: bytes) -> None:
    """Put a file in the place of another, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f".{path.name}.new")
    new.write_bytes(content)
    new.replace(path)
