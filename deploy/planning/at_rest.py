"""What a plan reads of the secrets beside org.yml: their clear halves, and which ciphertexts there are; no identity."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

from coopinfra.deploy.planning.plan import Declared
from coopinfra.roles.contract import Directory, File
from coopinfra.roles.declarations import Secret
from coopinfra.roles.primitives.markers import markers_in
from coopinfra.roles.settings import Table

FOLDER = "secrets"


def ciphertext(folder: str | Path, path: str) -> Path:
    """Return where the secret `server/role/name` of the organisation in `folder` lies."""
    return Path(folder) / FOLDER / f"{path}.age"


def public_half(folder: str | Path, path: str) -> Path:
    """Return where the clear half of a secret lies, if it has one."""
    return Path(folder) / FOLDER / f"{path}.pub"


def public_halves(folder: Path, server: str, role: str) -> Table[str, str]:
    """Read the clear halves of one role's secrets, by name."""
    found = sorted((folder / FOLDER / server / role).glob("*.pub"))
    return Table({path.stem: path.read_text(encoding="utf-8").strip() for path in found})


def seal(folder: Path, each: File | Directory) -> File | Directory:
    """Mark a file that holds secrets, by a digest that changes when its text does, or a secret's ciphertext."""
    wanted = markers_in(each.content) if isinstance(each, File) else ()
    if not isinstance(each, File) or not wanted:
        return each
    digest = sha256(each.content)
    for path in wanted:
        place = ciphertext(folder, path)
        digest.update(sha256(place.read_bytes()).digest() if place.is_file() else b"missing")
    return replace(each, sealed=digest.hexdigest())


def undeclared(
    server: str, declared: Iterable[Declared], files: Iterable[tuple[str, File | Directory]]
) -> Iterator[tuple[str, str]]:
    """Yield the role and the name of every secret that a file wants and its role does not declare for the server."""
    known = {
        f"{server}/{each.role}/{each.declaration.name}"
        for each in declared
        if isinstance(each.declaration, Secret) and each.declaration.deployed
    }
    for role, file in files:
        for path in markers_in(file.content) if isinstance(file, File) else ():
            if path not in known or path.split("/")[1] != role:
                yield role, path
