"""Key pairs: the private half as its program reads it, and the public half that follows from it."""

from __future__ import annotations

import base64
import secrets
from datetime import UTC, datetime, timedelta
from hashlib import sha3_256, sha512
from typing import TYPE_CHECKING, Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa, x25519
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_ssh_private_key,
)
from cryptography.x509.oid import NameOID

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

RSA_BITS = 2048  # what DNS providers' forms still take, and receivers still trust: RFC 8301
CERTIFICATE_DAYS = 3650  # for peers who pin it; what the world visits has one of an authority
ONION_HEADER = b"== ed25519v1-secret: type0 ==\0\0\0"


def rsa_key() -> bytes:
    """Make an RSA key for DKIM."""
    return _pem(rsa.generate_private_key(public_exponent=65537, key_size=RSA_BITS))


def ed25519_key() -> bytes:
    """Make an ed25519 key for DKIM."""
    return _pem(ed25519.Ed25519PrivateKey.generate())


def p256_key() -> bytes:
    """Make a key for TLS."""
    return _pem(ec.generate_private_key(ec.SECP256R1()))


def dkim_rsa_public(value: bytes) -> str:
    """Return what stands after `p=` in DNS."""
    key: rsa.RSAPrivateKey = _loaded(value, rsa.RSAPrivateKey)
    return _base64(key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))


def dkim_ed25519_public(value: bytes) -> str:
    """Return what stands after `p=` in DNS: the bare key, RFC 8463."""
    key: ed25519.Ed25519PrivateKey = _loaded(value, ed25519.Ed25519PrivateKey)
    return _base64(key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw))


def spki_public(value: bytes) -> str:
    """Return the public key of a TLS key as PEM."""
    key: ec.EllipticCurvePrivateKey = _loaded(value, ec.EllipticCurvePrivateKey)
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode().strip()


def certificate(subject: str, key: bytes) -> bytes:
    """Make a self-signed certificate of a TLS key."""
    private: ec.EllipticCurvePrivateKey = _loaded(key, ec.EllipticCurvePrivateKey)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, private.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=CERTIFICATE_DAYS))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(subject)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .sign(private, hashes.SHA256())
    )
    return made.public_bytes(Encoding.PEM)


def certifies(value: bytes, key: bytes) -> bool:
    """Tell whether a certificate is one of that key."""
    public = x509.load_pem_x509_certificate(value).public_key()
    private: ec.EllipticCurvePrivateKey = _loaded(key, ec.EllipticCurvePrivateKey)
    return public == private.public_key()


def ssh_key() -> bytes:
    """Make an SSH key in OpenSSH's form."""
    key = ed25519.Ed25519PrivateKey.generate()
    return key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())


def ssh_public(value: bytes) -> str:
    """Return the line for `authorized_keys`."""
    public = load_ssh_private_key(value, None).public_key()
    return public.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()


def age_key() -> bytes:
    """Make an age identity."""
    import pyrage

    return str(pyrage.x25519.Identity.generate()).encode()


def age_public(value: bytes) -> str:
    """Return the recipient of an age identity."""
    import pyrage

    try:
        return str(pyrage.x25519.Identity.from_str(value.decode().strip()).to_public())
    except pyrage.IdentityError as error:
        raise ValueError("no age identity") from error


def wireguard_key() -> bytes:
    """Make a key as `wg genkey` does."""
    key = x25519.X25519PrivateKey.generate()
    return _base64(key.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())).encode()


def wireguard_public(value: bytes) -> str:
    """Return what `wg pubkey` does."""
    key = x25519.X25519PrivateKey.from_private_bytes(base64.b64decode(value, validate=True))
    return _base64(key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw))


def vapid_key() -> bytes:
    """Make the private half of a VAPID pair: the bare number, in the alphabet of links."""
    number = ec.generate_private_key(ec.SECP256R1()).private_numbers().private_value
    return base64.urlsafe_b64encode(number.to_bytes(32, "big"))


def vapid_public(value: bytes) -> str:
    """Return the public half that browsers are given."""
    key = ec.derive_private_key(int.from_bytes(base64.urlsafe_b64decode(value), "big"), ec.SECP256R1())
    point = key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return base64.urlsafe_b64encode(point).decode()


def onion_key() -> bytes:
    """Make tor's file `hs_ed25519_secret_key`: the expanded key, as RFC 8032, 5.1.5 has it."""
    spread = bytearray(sha512(secrets.token_bytes(32)).digest())
    spread[0] &= 248
    spread[31] = spread[31] & 63 | 64
    return ONION_HEADER + bytes(spread)


def onion_address(value: bytes) -> str:
    """Return the address of an onion service: rend-spec-v3, 6."""
    from nacl.bindings import crypto_scalarmult_ed25519_base_noclamp

    if len(value) != 96 or not value.startswith(ONION_HEADER):
        raise ValueError("no onion key")
    public = crypto_scalarmult_ed25519_base_noclamp(value[32:64])
    checksum = sha3_256(b".onion checksum" + public + b"\x03").digest()[:2]
    return base64.b32encode(public + checksum + b"\x03").decode().lower() + ".onion"


def _pem(key: PrivateKeyTypes) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _loaded(value: bytes, kind: Any) -> Any:
    key = load_pem_private_key(value, None)
    if not isinstance(key, kind):
        raise ValueError(f"a {type(key).__name__} where a {kind.__name__} belongs")  # noqa: TRY004 - a value, not a type
    return key


def _base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()
