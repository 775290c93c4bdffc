"""The web server: one answer for every site that another role declares, over TLS, with headers that protect."""

from __future__ import annotations

from collections.abc import Iterator

from coopinfra.roles.contract import Field, Part, Settings, WholeNumber
from coopinfra.roles.declarations import Certificate, Declaration, Need, Packages, Port, Unit, Vhost

CHALLENGES = "/srv/acme"
"""Where the web server shows the certificate authority what it asks to see."""


class NginxSettings(Settings):
    """What a client chooses about the web server."""

    hsts_days: WholeNumber = Field(
        default=180,
        ge=0,
        le=730,
        description=(
            "Days for which browsers that were here once refuse to come without TLS. 0 lets them off at once, "
            "as is wise some weeks before a site moves to where there is none."
        ),
    )
    keep_logs_days: WholeNumber = Field(
        default=14, ge=1, le=90, description="Days to keep access logs. Visitors' addresses in them are shortened."
    )


SETTINGS = NginxSettings
PROVIDES: tuple[type[Need], ...] = (Vhost,)


def declare(part: Part[NginxSettings]) -> Iterator[Declaration]:
    """State the packages, the two ports, and a certificate for every site."""
    yield Packages(("logrotate", "nginx"))
    yield Port(80)
    yield Port(443)
    certificates = [certificate(vhost) for vhost in part.all(Vhost)]
    yield from certificates
    yield Unit(
        "nginx.service",
        reads=("/etc/nginx", *(each.folder for each in certificates)),
        reload=True,
        validate="nginx -t -q",
    )
    yield Unit("logrotate.timer")


def certificate(vhost: Vhost) -> Certificate:
    """Return the certificate of one site: all its names in one."""
    return Certificate(vhost.names, webroot=CHALLENGES, readers=("nginx.service",))
