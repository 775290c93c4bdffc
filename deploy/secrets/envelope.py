"""One secret as a file: what stands in it, encrypted with age for all its readers, and bound to its place.

The text within is YAML, so that `age --decrypt` shows a person what it is:

    coopinfra-secret: 1
    path: highbeam/web1/website/main-password
    kind: password
    created: 2026-11-22T08:00:00Z
    by: ada
    made_from: ''
    readers: [age1...]
    value: ...
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

import yaml

from coopinfra.deploy.organisation.problems import InputError, Problem

if TYPE_CHECKING:
    from pyrage import x25519

VERSION = 1
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_Dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


class SecretError(InputError):
    """A secret is missing, cannot be read, or is not what its place says."""

    kind = "secrets"


@dataclass(frozen=True)
class Envelope:
    """One secret with what has to be known of it; its value is never shown by accident."""

    path: str
    """organisation/server/role/name: the file is refused anywhere else."""
    kind: str
    created: datetime
    by: str
    value: bytes = field(repr=False)
    made_from: str = ""
    """A digest of the value that it was made from."""
    readers: tuple[str, ...] = ()
    """The public keys that it was encrypted for: age's own header does not tell."""

    @property
    def text(self) -> str:
        """The value as text, as nearly all are."""
        return self.value.decode()


def seal(envelope: Envelope, readers: Iterable[str]) -> bytes:
    """Encrypt for all readers, in the form that goes into git."""
    import pyrage

    readers = tuple(sorted(readers))
    said = {**asdict(envelope), "readers": list(readers), "created": envelope.created.strftime("%Y-%m-%dT%H:%M:%SZ")}
    try:
        said["value"] = envelope.value.decode()
    except UnicodeDecodeError:
        said["value"] = envelope.value
    text = yaml.dump({"coopinfra-secret": VERSION, **said}, Dumper=_Dumper, sort_keys=False, encoding="utf-8")
    recipients = [pyrage.x25519.Recipient.from_str(reader) for reader in readers]
    sealed: bytes = pyrage.encrypt(text, recipients, armored=True)
    return sealed


def unseal(sealed: bytes, identities: Sequence[x25519.Identity], path: str, file: str) -> Envelope:
    """Decrypt one file and prove that it belongs where it lies; raise SecretError that names it."""
    import pyrage

    try:
        text = pyrage.decrypt(sealed, identities)
    except pyrage.DecryptError as error:
        if "No matching keys" in str(error):
            hint = "is it your identity? Else ask somebody who can read it to run `coopinfra secrets reencrypt`"
            raise SecretError(Problem("it was not encrypted for you", hint, file)) from error
        hint = "it was damaged or changed: take it from git, or from somebody else's copy"
        raise SecretError(Problem(f"it cannot be decrypted ({error})", hint, file)) from error
    envelope = _read(text, file)
    if envelope.path != path:
        hint = "put every file back where git has it: two were swapped, or one was copied"
        raise SecretError(Problem(f"it is the secret `{envelope.path}`, which belongs elsewhere", hint, file))
    return envelope


def _read(text: bytes, file: str) -> Envelope:
    try:
        said = yaml.load(text, Loader=_Loader)  # noqa: S506 - the safe loader, by its faster name
        if said.pop("coopinfra-secret") != VERSION:
            raise SecretError(Problem("a newer coopinfra wrote it", "bring this one up to date", file))
        value = said.pop("value")
        return Envelope(
            **{**said, "created": _moment(said["created"]), "readers": tuple(said["readers"])},
            value=value if isinstance(value, bytes) else value.encode(),
        )
    except (yaml.YAMLError, AttributeError, KeyError, TypeError, ValueError) as error:
        # Neither the text nor the parser's excerpt of it may be shown.
        raise SecretError(Problem("what is encrypted in it is no secret of coopinfra", "make it anew", file)) from error


def _moment(said: str | datetime) -> datetime:
    found = datetime.fromisoformat(said) if isinstance(said, str) else said
    if found.tzinfo is None:
        raise ValueError("a moment without its zone")
    return found
