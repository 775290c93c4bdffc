"""How each kind of secret is made, and what the world may know of it."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256

from coopinfra.deploy.secrets import pairs
from coopinfra.roles.declarations import Secret

ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
READ_ALOUD = "abcdefghjkmnpqrstuvwxyz23456789"
RANDOM_LETTERS = 40
BCRYPT_BYTES = 72
BCRYPT_SALT_BYTES = 16


@dataclass(frozen=True)
class Kind:
    """One kind: how it is made, how its clear half follows from it, and whether a person may type one in."""

    make: Callable[[Secret, bytes], bytes] | None
    """Gets the declaration and the value that it is made from; None: only somebody else can make one."""
    public: Callable[[bytes], str] | None = None
    agrees: Callable[[bytes, bytes], bool] | None = None
    """Whether a value was made from that source."""


def make(secret: Secret, source: bytes = b"") -> bytes:
    """Make a value; `source` is the value of the secret that it is made from."""
    maker = KINDS[secret.kind].make
    if maker is None:
        raise ValueError(f"a secret of the kind `{secret.kind}` is given, not made")
    return maker(secret, source)


def public_half(secret: Secret, value: bytes) -> str:
    """Return what the world may know, empty where that is nothing; raise ValueError if the value is of another kind."""
    known = KINDS[secret.kind].public
    return known(value) if known else ""


def agrees(secret: Secret, value: bytes, source: bytes) -> bool:
    """Tell whether a value was made from that source."""
    judge = KINDS[secret.kind].agrees
    return judge is None or judge(value, source)


def digest_of(source: bytes) -> str:
    """Return what stands in a secret about what it was made from."""
    return sha256(source).hexdigest()


def _random(_secret: Secret, _source: bytes) -> bytes:
    return "".join(secrets.choice(ALPHABET) for _ in range(RANDOM_LETTERS)).encode()


def _login_public(value: bytes) -> str:
    """Return the hash that the other side compares with: always the same one."""
    import bcrypt

    if len(value) != RANDOM_LETTERS or not set(value.decode()) <= set(ALPHABET):
        raise ValueError("not made by us, so its hash could be guessed from")
    # A salt is for passwords that two people may choose; nobody chooses this one, and 234 bits are not guessed.
    salt = sha256(b"coopinfra login " + value).digest()[:BCRYPT_SALT_BYTES]
    return bcrypt.hashpw(value, _bcrypt_salt(salt)).decode().replace("$2b$", "$2y$", 1)


def _bcrypt_salt(raw: bytes) -> bytes:
    import base64

    standard = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    own = b"./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
    return b"$2b$10$" + base64.b64encode(raw).rstrip(b"=").translate(bytes.maketrans(standard, own))


def _password(_secret: Secret, _source: bytes) -> bytes:
    # Five groups of five: 123 bits, and nothing that two people could read differently.
    return "-".join("".join(secrets.choice(READ_ALOUD) for _ in range(5)) for _ in range(5)).encode()


def _hash(_secret: Secret, source: bytes) -> bytes:
    import bcrypt

    if len(source) > BCRYPT_BYTES:
        raise ValueError(f"a password has {BCRYPT_BYTES} bytes at most: what comes after would not count")
    return bcrypt.hashpw(source, bcrypt.gensalt(10))


def _htpasswd(secret: Secret, source: bytes) -> bytes:
    return f"{secret.subject}:".encode() + _hash(secret, source)


def _hash_agrees(value: bytes, source: bytes) -> bool:
    import bcrypt

    return bcrypt.checkpw(source, value.rpartition(b":")[2])


KINDS: dict[str, Kind] = {
    "random": Kind(_random),
    "login": Kind(_random, _login_public),
    "password": Kind(_password),
    "given": Kind(None),
    "password-hash": Kind(_hash, agrees=_hash_agrees),
    "htpasswd": Kind(_htpasswd, agrees=_hash_agrees),
    "dkim-rsa": Kind(lambda *_: pairs.rsa_key(), pairs.dkim_rsa_public),
    "dkim-ed25519": Kind(lambda *_: pairs.ed25519_key(), pairs.dkim_ed25519_public),
    "tls-key": Kind(lambda *_: pairs.p256_key(), pairs.spki_public),
    "certificate": Kind(
        lambda secret, key: pairs.certificate(secret.subject, key),
        lambda value: value.decode().strip(),
        agrees=pairs.certifies,
    ),
    "ssh-key": Kind(lambda *_: pairs.ssh_key(), pairs.ssh_public),
    "age-key": Kind(lambda *_: pairs.age_key(), pairs.age_public),
    "wireguard-key": Kind(lambda *_: pairs.wireguard_key(), pairs.wireguard_public),
    "vapid": Kind(lambda *_: pairs.vapid_key(), pairs.vapid_public),
    "onion-key": Kind(lambda *_: pairs.onion_key(), pairs.onion_address),
}
