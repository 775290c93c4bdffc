"""Every kind of secret is what its own program takes it for; each refuses another's, which is the control."""

import base64
import shutil
import subprocess

import pytest

from coopinfra.deploy.secrets import kinds
from coopinfra.roles.declarations import Secret, SecretKind

# The forms of these are nobody's but ours, or a program's that only a machine has: boxes/secrets asks tor,
# boxes/backups the daemon that a login is for.
NOT_HERE = {"random", "login", "password", "given", "onion-key"}


def openssl_key(key):
    return run("openssl", "pkey", "-pubout", given=key)


def dkim(kind, key):
    """The record as openssl says it: RFC 6376 has the whole of it in DNS, RFC 8463 the bare 32 bytes."""
    der = run("openssl", "pkey", "-pubout", "-outform", "DER", given=key)
    return base64.b64encode(der[-32:] if kind == "dkim-ed25519" else der)


def vapid(key):
    """The point that belongs to the number, as openssl computes it from the shortest key that it reads."""
    number = base64.urlsafe_b64decode(key)
    # SEC 1: version, the number, and the name of the curve, P-256.
    der = bytes.fromhex("30310201010420") + number + bytes.fromhex("a00a06082a8648ce3d030107")
    public = run("openssl", "ec", "-inform", "DER", "-pubout", "-outform", "DER", given=der)
    return base64.urlsafe_b64encode(public[-65:])


PAIRS = {
    "dkim-rsa": lambda key: dkim("dkim-rsa", key),
    "dkim-ed25519": lambda key: dkim("dkim-ed25519", key),
    "tls-key": openssl_key,
    "ssh-key": lambda key: run("ssh-keygen", "-y", "-f", "/dev/stdin", given=key),
    "age-key": lambda key: run("age-keygen", "-y", given=key),
    "wireguard-key": lambda key: run("wg", "pubkey", given=key),
    "vapid": vapid,
}
DERIVED = {"htpasswd", "password-hash", "certificate"}


def ran(*argv, given=b""):
    if not shutil.which(argv[0]):
        pytest.skip(f"`{argv[0]}` is not installed; `./coopinfra test unit` installs it where it may")
    return subprocess.run(argv, input=given, capture_output=True, check=False)


def run(*argv, given=b""):
    done = ran(*argv, given=given)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def test_no_kind_is_forgotten():
    assert set(SecretKind.__args__) == NOT_HERE | set(PAIRS) | DERIVED


@pytest.mark.parametrize("kind", PAIRS)
def test_the_public_half_is_the_one_that_its_own_program_names(kind):
    secret = Secret("it", kind)
    key, other = kinds.make(secret), kinds.make(secret)
    says = PAIRS[kind]

    assert says(key).decode().strip() == kinds.public_half(secret, key)
    assert says(other).decode().strip() != kinds.public_half(secret, key)


def test_apaches_program_takes_the_password_of_the_line_and_no_other(tmp_path):
    password = kinds.make(Secret("it", "password"))
    line = kinds.make(Secret("it-file", "htpasswd", made_from="it", subject="preview"), password)
    (tmp_path / "htpasswd").write_bytes(line + b"\n")

    def accepts(user, typed):
        return ran("htpasswd", "-vi", str(tmp_path / "htpasswd"), user, given=typed).returncode == 0

    assert accepts("preview", password)
    assert not accepts("preview", password[:-1])
    assert not accepts("another", password)


def test_crypt_of_the_system_makes_the_same_hash_of_the_password_and_another_of_another():
    password = kinds.make(Secret("it", "password"))
    hashed = kinds.make(Secret("it-hash", "password-hash", made_from="it"), password)

    # perl-base, which every Debian has, hands both to crypt(3).
    def crypt(typed):
        return run("perl", "-e", "print crypt(<STDIN>, $ARGV[0])", hashed.decode(), given=typed)

    assert crypt(password) == hashed
    assert crypt(password[:-1]) not in (hashed, b"")


def test_openssl_finds_the_key_and_the_name_in_the_certificate_and_no_other():
    key, other = (kinds.make(Secret("key", "tls-key")) for _ in range(2))
    secret = Secret("it", "certificate", made_from="key", subject="vault1.lantern.example")
    made = kinds.make(secret, key)

    def has(name):
        return b"does match" in run("openssl", "x509", "-noout", "-checkhost", name, given=made)

    assert run("openssl", "x509", "-noout", "-pubkey", given=made) == openssl_key(key) != openssl_key(other)
    assert has("vault1.lantern.example")
    assert not has("vault2.lantern.example")
