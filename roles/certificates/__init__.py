"""TLS certificates: issued, renewed, handed to those who read them, and an alarm before one expires."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator

from coopinfra.roles.contract import Part
from coopinfra.roles.declarations import Certificate, Declaration, Need, Packages, Record, Unit
from coopinfra.roles.settings import OF_MACHINE, Field, Settings, WholeNumber
from coopinfra.roles.types import EmailAddress, quoted, refuse

SCRIPT = "/usr/local/lib/coopinfra/certificates"
LISTS = "/etc/coopinfra/certificates.d"
FOLDER = "/var/lib/coopinfra/certificates"


def _web_address(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme != "https" or not parts.hostname or not value.isascii() or set(value) & set("'\"\\ \t\n$`"):
        refuse(f"{quoted(value)} is not the address of an ACME directory", "it starts with `https://`")
    return value


def _plain_path(value: str) -> str:
    if value and (not value.startswith("/") or not set(value) <= set("/._-") | {c for c in value if c.isalnum()}):
        refuse(f"{quoted(value)} is not the path of a file on the server", "it starts with `/` and has no spaces")
    return value


class CertificatesSettings(Settings):
    """What a client chooses about certificates."""

    directory: Annotated[str, AfterValidator(_web_address)] = Field(
        default="https://acme-v02.api.letsencrypt.org/directory",
        description="The authority that issues the certificates, as the address of its ACME directory.",
    )
    ca_bundle: Annotated[str, AfterValidator(_plain_path), OF_MACHINE] = Field(
        default="",
        description="Whom to trust when talking to the authority: a file on the server. Empty: as the system does.",
        examples=["/etc/ssl/certs/our-authority.pem"],
    )
    email: EmailAddress | None = Field(
        default=None,
        description="Where the authority writes to. Left out: the first operator who has an address.",
        examples=["admin@lantern.example"],
    )
    alarm_days: WholeNumber = Field(
        default=20,
        ge=1,
        le=60,
        description="Raise an alarm when a certificate has fewer days left. Renewal starts at 30 of 90 days.",
    )


SETTINGS = CertificatesSettings
PROVIDES: tuple[type[Need], ...] = (Certificate,)


def declare(part: Part[CertificatesSettings]) -> Iterator[Declaration]:
    """State the packages, the two timers, and which authority alone may issue for the domain."""
    yield Packages(("certbot", "openssl"))
    yield Unit("certbot.timer")
    yield Unit("coopinfra-certificates.timer", reads=("/etc/systemd/system/coopinfra-certificates.timer",))
    authority = urlsplit(part.settings.directory).hostname or ""
    if authority.endswith(".letsencrypt.org"):
        yield Record("CAA", part.organisation.domain, '0 issue "letsencrypt.org"')


def contact(part: Part[CertificatesSettings]) -> str:
    """Return the address that the authority is given: somebody who can act on what it writes."""
    operators = [operator.email for operator in part.server.operators]
    contacts = [contact.email for contact in part.organisation.contacts]
    return part.settings.email or next(filter(None, (*operators, *contacts)), "")
