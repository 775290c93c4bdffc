"""Whether the secrets at rest are what they should be: each file, its clear half, its source, and who can read it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from coopinfra.deploy.organisation.problems import Problem
from coopinfra.deploy.planning.at_rest import public_half
from coopinfra.deploy.secrets import kinds
from coopinfra.deploy.secrets.envelope import Envelope, SecretError
from coopinfra.deploy.secrets.readers import Readers
from coopinfra.deploy.secrets.store import Identities, Store


def judge(store: Store, readers: Readers, identities: Identities) -> Iterator[Problem]:
    """Yield everything that is wrong with the declared secrets."""
    found: dict[str, Envelope] = {}
    for path, _ in store.declared:
        try:
            found |= store.read((path,), identities)
        except SecretError as error:
            yield from error.problems
    for path, secret in store.declared:
        if path not in found:
            continue
        envelope = found[path]
        if envelope.kind != secret.kind:
            yield Problem(
                f"it is of the kind `{envelope.kind}`, and `{secret.kind}` is declared", "rotate it", store.file(path)
            )
            continue
        yield from _public(store, path, envelope)
        if secret.made_from:
            yield from _source(store, path, envelope, found)
        yield from _readers(store, path, envelope, readers)


def _public(store: Store, path: str, envelope: Envelope) -> Iterator[Problem]:
    secret = store.secret(path)
    assert secret
    try:
        wanted = kinds.public_half(secret, envelope.value)
    except ValueError:
        yield Problem(f"its value is no `{secret.kind}`", "rotate it", store.file(path))
        return
    clear = public_half(store.folder, path)
    there = clear.read_text(encoding="utf-8").strip() if clear.is_file() else ""
    if there != wanted:
        yield Problem("its clear half is of another key", "take both from git", f"{store.file(path)[:-4]}.pub")


def _source(store: Store, path: str, envelope: Envelope, found: Mapping[str, Envelope]) -> Iterator[Problem]:
    secret = store.secret(path)
    assert secret
    source = found.get(store.source(path, secret))
    if source and not (
        envelope.made_from == kinds.digest_of(source.value) and kinds.agrees(secret, envelope.value, source.value)
    ):
        hint = f"remove it and run `coopinfra secrets generate {store.organisation}`"
        yield Problem(f"it was made from another `{secret.made_from}` than there is now", hint, store.file(path))


def _readers(store: Store, path: str, envelope: Envelope, readers: Readers) -> Iterator[Problem]:
    hint = f"`coopinfra secrets reencrypt {store.organisation}`"
    gone = sorted(set(envelope.readers) - set(readers.all))
    if gone:
        yield Problem(f"{len(gone)} keys can read it that may not any more: {', '.join(gone)}", hint, store.file(path))
    missing = sorted(readers.owner(key) for key in set(readers.all) - set(envelope.readers))
    if missing:
        yield Problem(f"it is not encrypted for {', '.join(missing)}", hint, store.file(path))
