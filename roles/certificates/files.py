"""The list of wanted certificates, and the script that fetches, installs and watches them."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address

from coopinfra.roles.certificates import FOLDER, LISTS, SCRIPT, CertificatesSettings, contact
from coopinfra.roles.contract import Directory, File, Part
from coopinfra.roles.declarations import Certificate
from coopinfra.roles.primitives.rendering import template

UNITS = "/etc/systemd/system"
CERTBOT = "/etc/letsencrypt"


def files(part: Part[CertificatesSettings]) -> Iterator[File | Directory]:
    """Yield the script before the list, whose check is the script."""
    yield Directory(FOLDER)
    yield Directory(LISTS)
    yield template(
        part,
        "coopinfra/certificates.j2",
        to=SCRIPT,
        mode="0755",
        validate="sh -n {file}",
        lists=LISTS,
        folder=FOLDER,
        certbot=CERTBOT,
    )
    yield template(
        part,
        "certificates.d/organisation.j2",
        to=f"{LISTS}/{part.organisation.id}",
        # Makes a placeholder for what was not wanted before: the readers' own checks, which come next, read it.
        validate=f"{SCRIPT} placeholders",
        contact=contact(part),
        # As the resolver writes them, for the comparison is one of text.
        addresses=[str(ip_address(address)) for address in part.server.addresses],
        certificates=part.all(Certificate),
    )
    yield template(
        part,
        "renewal-hooks/deploy/coopinfra.j2",
        to=f"{CERTBOT}/renewal-hooks/deploy/coopinfra",
        mode="0755",
        validate="sh -n {file}",
        script=SCRIPT,
    )
    for name in ("coopinfra-certificates.service", "coopinfra-certificates.timer"):
        yield template(part, f"system/{name}.j2", to=f"{UNITS}/{name}", script=SCRIPT)
    if part.settings.ca_bundle:
        yield template(part, "certbot.service.d/coopinfra.conf.j2", to=f"{UNITS}/certbot.service.d/coopinfra.conf")
