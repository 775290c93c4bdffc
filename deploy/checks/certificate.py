"""What matters of a certificate that a server showed us."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class ServedCertificate:
    """A certificate as it was served; where there is none, `problem` says why and the rest is as bad as can be."""

    names: tuple[str, ...] = ()
    issuer: str = ""
    not_after: datetime = LONG_AGO
    self_signed: bool = True
    problem: str = ""


def read_certificate(der: bytes) -> ServedCertificate:
    """Read names, issuer and end from a certificate in DER form."""
    from cryptography import x509

    try:
        found = x509.load_der_x509_certificate(der)
        try:
            alternative = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
            names = tuple(alternative.get_values_for_type(x509.DNSName))
        except x509.ExtensionNotFound:
            names = ()
    except ValueError:
        return ServedCertificate(problem="the certificate cannot be read")
    return ServedCertificate(
        names=names,
        issuer=found.issuer.rfc4514_string(),
        not_after=found.not_valid_after_utc,
        self_signed=found.issuer == found.subject,
    )
