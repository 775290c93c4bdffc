"""A chain of receipts in a folder: `drill-1.json`, its signature beside it, and the same in words.

Each names the checksum of the one before, and is signed by the operator's SSH key, as git signs. Whoever changes
one breaks the chain from there on; whoever leaves out the last ones is found by the copy that others have.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

from coopinfra.deploy.organisation.problems import InputError, Problem

NAMESPACE = "coopinfra-receipt"


@dataclass(frozen=True)
class Receipt:
    """One receipt as it lies there."""

    number: int
    path: Path
    data: Mapping[str, object]


@dataclass(frozen=True)
class Signer:
    """Who signs: the file with the private key, or where an agent has it, the line of the public one."""

    login: str
    file: str = ""
    public_key: str = ""


def read_receipts(folder: Path, kind: str) -> tuple[Receipt, ...]:
    """Return all receipts of a kind, the oldest first; one that cannot be read has no data."""
    found = sorted(folder.glob(f"{kind}-*.json"), key=_number)
    return tuple(Receipt(_number(path), path, _data(path)) for path in found)


def last_of(folder: Path, kind: str, server: str) -> Receipt | None:
    """Return the newest receipt about a server, if there is any."""
    found = [each for each in read_receipts(folder, kind) if each.data.get("server") == server]
    return found[-1] if found else None


def write_receipt(folder: Path, kind: str, data: Mapping[str, object], words: str, signer: Signer) -> Receipt:
    """Add a receipt to the chain, with its number, the checksum of the one before, a signature, and the words."""
    earlier = read_receipts(folder, kind)
    number = earlier[-1].number + 1 if earlier else 1
    previous = _checksum(earlier[-1].path) if earlier else ""
    whole = {"kind": kind, "number": number, **data, "signed_by": signer.login, "previous": previous}
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{kind}-{number}.json"
    new = path.with_suffix(".new")
    new.write_text(json.dumps(whole, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    signature = _signature(new, signer)
    path.with_suffix(".md").write_text(words, encoding="utf-8")
    path.with_suffix(".json.sig").write_text(signature)
    new.rename(path)
    return Receipt(number, path, whole)


def problems(folder: Path, kind: str, keys: Iterable[tuple[str, str]]) -> Iterator[Problem]:
    """Yield all that is wrong with a chain: a receipt that is missing, was changed, or nobody of `keys` signed.

    keys: logins and public SSH keys of those who may sign
    """
    previous = ""
    with TemporaryDirectory() as scratch:
        allowed = Path(scratch) / "signers"
        allowed.write_text("".join(f'{login} namespaces="{NAMESPACE}" {_bare(key)}\n' for login, key in keys))
        for wanted, receipt in enumerate(read_receipts(folder, kind), start=1):
            name = receipt.path.name
            if receipt.number != wanted:
                yield Problem(f"{kind}-{wanted}.json is missing", "take it from git, or from whoever has a copy")
                return
            if receipt.data.get("previous") != previous:
                yield Problem(f"{name} follows another receipt than the one that lies there", "one of them was changed")
            if not _is_signed(receipt, allowed):
                yield Problem(f"{name} is not as its signature says", "it was changed, or somebody else made it")
            previous = _checksum(receipt.path)


def _signature(path: Path, signer: Signer) -> str:
    with TemporaryDirectory() as scratch:
        key = signer.file
        if not key:
            # ssh-keygen asks the agent for the private half.
            public = Path(scratch) / "key.pub"
            public.write_text(f"{signer.public_key}\n")
            key = str(public)
        argv = ("ssh-keygen", "-q", "-Y", "sign", "-f", key, "-n", NAMESPACE)
        with path.open("rb") as text:
            done = subprocess.run(argv, stdin=text, capture_output=True, text=True, check=False)
    if done.returncode:
        raise InputError(Problem(f"the receipt cannot be signed: {done.stderr.strip()}", "is your SSH key here?"))
    return done.stdout


def _is_signed(receipt: Receipt, allowed: Path) -> bool:
    login, signature = str(receipt.data.get("signed_by", "")), receipt.path.with_suffix(".json.sig")
    if not login or not signature.is_file():
        return False
    argv = ("ssh-keygen", "-Y", "verify", "-f", allowed, "-I", login, "-n", NAMESPACE, "-s", signature)
    with receipt.path.open("rb") as text:
        return not subprocess.run(argv, stdin=text, capture_output=True, check=False).returncode


def _number(path: Path) -> int:
    digits = path.stem.rpartition("-")[2]
    return int(digits) if digits.isdigit() else 0


def _data(path: Path) -> Mapping[str, object]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _checksum(path: Path) -> str:
    return sha256(path.read_bytes()).hexdigest()


def _bare(key: str) -> str:
    return " ".join(key.split()[:2])
