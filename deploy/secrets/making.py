"""Makes what is missing, and makes anew what was made from something that changed."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from coopinfra.deploy.organisation.problems import Problem, raise_all
from coopinfra.deploy.planning.at_rest import public_half
from coopinfra.deploy.secrets import kinds
from coopinfra.deploy.secrets.envelope import Envelope, SecretError
from coopinfra.deploy.secrets.store import Identities, Store
from coopinfra.roles.declarations import Secret


def refuse_missing(store: Store, known: Collection[str]) -> None:
    """Raise one SecretError that names every missing secret which a deploy must not make by itself.

    known: the places that ever had a file; what was there and is gone may be the only key to something
    """
    raise_all((problem for path, it in store.declared for problem in _missing(store, path, it, known)), SecretError)


def _missing(store: Store, path: str, secret: Secret, known: Collection[str]) -> Iterator[Problem]:
    if store.is_made(path):
        return
    traces = path in known or public_half(store.folder, path).is_file()
    if secret.kind == "given":
        hint = f"type it in: `coopinfra secrets set {store.organisation} {path}`"
        yield Problem("this secret is missing, and only somebody else can make it", hint, store.file(path))
    elif traces or any(store.is_made(each) for each, _ in store.made_from(path)):
        hint = f"take it from git; if it is lost for good, `coopinfra secrets generate {store.organisation}`"
        yield Problem("this secret was there, and is missing", hint, store.file(path))


def make_missing(store: Store, readers: Iterable[str], identities: Identities) -> tuple[str, ...]:
    """Make every declared secret that has no file, sources first, and return their places; nothing is replaced.

    An identity is asked for only where something is made from what is there already.
    """
    readers = tuple(readers)
    made: dict[str, bytes] = {}
    missing = [(path, it) for path, it in store.declared if it.kind != "given" and not store.is_made(path)]
    for path, secret in sorted(missing, key=lambda pair: bool(pair[1].made_from)):
        source = b""
        if secret.made_from:
            at = store.source(path, secret)
            source = made[at] if at in made else store.read((at,), identities)[at].value
        made[path] = put(store, path, secret, kinds.make(secret, source), readers, source=source).value
    return tuple(made)


def put(
    store: Store, path: str, secret: Secret, value: bytes, readers: Iterable[str], *, source: bytes = b""
) -> Envelope:
    """Write one value, with its clear half; raise SecretError when it is not of its kind."""
    try:
        public = kinds.public_half(secret, value)
    except ValueError as error:
        problem = Problem(f"that is no secret of the kind `{secret.kind}`", "nothing was changed", store.file(path))
        raise SecretError(problem) from error
    envelope = store.envelope(path, secret, value, kinds.digest_of(source) if secret.made_from else "")
    store.write(path, envelope, public, readers)
    return envelope


def put_with_derived(store: Store, path: str, secret: Secret, value: bytes, readers: Iterable[str]) -> tuple[str, ...]:
    """Write one value and make anew all that is made from it; return the places of both."""
    readers = tuple(readers)
    # All are made before any is written: what cannot be made leaves everything as it was.
    derived = [(each, it, _made_from(store, path, it, value)) for each, it in store.made_from(path)]
    put(store, path, secret, value, readers)
    for each, it, made in derived:
        put(store, each, it, made, readers, source=value)
    return (path, *(each for each, _, _ in derived))


def _made_from(store: Store, path: str, secret: Secret, value: bytes) -> bytes:
    try:
        return kinds.make(secret, value)
    except ValueError as error:
        raise SecretError(Problem(str(error), "nothing was changed", store.file(path))) from error
