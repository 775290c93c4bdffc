"""Every kind of secret is made, told from others, and what a standard says; test_kinds_outside asks the programs."""

import base64

import bcrypt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from coopinfra.deploy.secrets import kinds
from coopinfra.roles.declarations import Secret, SecretKind

MADE = [kind for kind in SecretKind.__args__ if kind not in ("given", "password-hash", "htpasswd", "certificate")]


def test_every_kind_that_can_be_declared_is_known():
    assert set(kinds.KINDS) == set(SecretKind.__args__)


@pytest.mark.parametrize("kind", MADE)
def test_two_are_never_the_same(kind):
    secret = Secret("it", kind)

    first, second = kinds.make(secret), kinds.make(secret)

    assert first != second
    public = kinds.public_half(secret, first)
    assert public == kinds.public_half(secret, first)
    assert not public or public != kinds.public_half(secret, second)


@pytest.mark.parametrize("kind", [kind for kind in MADE if kind not in ("random", "password")])
def test_a_value_of_another_kind_is_refused(kind):
    with pytest.raises(ValueError, match=r"."):
        kinds.public_half(Secret("it", kind), b"no such thing")


def test_a_password_can_be_read_aloud_and_its_hash_is_the_servers():
    password = kinds.make(Secret("it", "password"))
    line = kinds.make(Secret("it-file", "htpasswd", made_from="it", subject="preview"), password)

    user, _, hashed = line.decode().partition(":")
    assert user == "preview"
    assert bcrypt.checkpw(password, hashed.encode())
    assert not bcrypt.checkpw(b"another", hashed.encode())
    assert set(password.decode()) <= set(kinds.READ_ALOUD + "-")


def test_the_hash_of_a_login_says_nothing_of_it_and_lets_it_in():
    login = kinds.make(Secret("it", "login"))

    hashed = kinds.public_half(Secret("it", "login"), login)

    assert bcrypt.checkpw(login, hashed.replace("$2y$", "$2b$").encode())
    assert not bcrypt.checkpw(kinds.make(Secret("it", "login")), hashed.replace("$2y$", "$2b$").encode())
    with pytest.raises(ValueError, match="could be guessed"):
        kinds.public_half(Secret("it", "login"), b"chosen by somebody")


def test_a_password_that_would_not_count_to_its_end_is_refused():
    with pytest.raises(ValueError, match="72 bytes"):
        kinds.make(Secret("it-hash", "password-hash", made_from="it"), b"x" * 73)


def test_a_certificate_is_one_of_its_key_and_of_no_other():
    secret = Secret("it", "certificate", made_from="key", subject="vault1.lantern.example")
    key, other = (kinds.make(Secret("key", "tls-key")) for _ in range(2))

    made = kinds.make(secret, key)

    assert x509.load_pem_x509_certificate(made).public_key() == load_pem_private_key(key, None).public_key()
    assert kinds.agrees(secret, made, key)
    assert not kinds.agrees(secret, made, other)


def test_an_onion_address_follows_from_tors_own_file():
    # Test vector: the expansion of the seed in RFC 8032, 7.1, test 1, and its public key.
    from hashlib import sha512

    seed = bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
    public = bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")
    spread = bytearray(sha512(seed).digest())
    spread[0] &= 248
    spread[31] = spread[31] & 63 | 64

    address = kinds.public_half(Secret("it", "onion-key"), b"== ed25519v1-secret: type0 ==\0\0\0" + bytes(spread))

    assert base64.b32decode(address.removesuffix(".onion").upper())[:32] == public
    assert len(address) == 62
