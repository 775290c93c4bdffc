"""What is true of healthy certificates, as the world sees them and as the server keeps them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

from coopinfra.roles.certificates import SCRIPT, CertificatesSettings
from coopinfra.roles.contract import Check, Part
from coopinfra.roles.declarations import Certificate
from coopinfra.roles.primitives.checking import is_active, prints, succeeds

SERVICE = "coopinfra-certificates.service"


def checks(part: Part[CertificatesSettings]) -> Iterator[Check]:
    """Yield one check for each name from outside, and three on the server."""
    server, addresses = part.server.id, " and ".join(part.server.addresses)
    for certificate in part.all(Certificate):
        for name in certificate.names:
            yield Check(
                f"{name} shows a certificate that is its own, issued and good for {part.settings.alarm_days} days more",
                _shows(name, part.settings.alarm_days),
                where="outside",
                waits_for=f"the DNS zone of {name} to lead to {addresses} and nowhere else; then an hour at most",
            )
    yield is_active(f"{server} renews certificates by itself", "certbot.timer", "coopinfra-certificates.timer")
    yield succeeds(
        f"the last request of {server} for certificates went well",
        f"! systemctl is-failed --quiet {SERVICE} || {{ journalctl --quiet --unit={SERVICE} --output=cat --lines=20"
        " | grep ^certificates: | tail --lines=3; false; }",
    )
    yield prints(
        f"every certificate that {server} keeps has a reader",
        f"{SCRIPT} leftover",
        lambda said: ", ".join(said.split()) or None,
    )


def _shows(name: str, days: int) -> Callable[[Any], str | None]:
    def run(outside: Any) -> str | None:
        found = outside.certificate(name)
        if found.problem:
            return str(found.problem)
        if found.self_signed:
            return "a placeholder that the server made itself"
        if name not in found.names:
            return f"a certificate for {', '.join(found.names)}"
        left = (found.not_after - datetime.now(UTC)).days
        return None if left >= days else f"{left} days left"

    return run
