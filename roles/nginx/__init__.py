"""The web server: one answer for every site that another role declares, over TLS, with headers that protect."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator
from typing import Annotated

from coopinfra.roles.contract import Part
from coopinfra.roles.declarations import Certificate, Declaration, Need, Packages, Port, Unit, Vhost
from coopinfra.roles.settings import OF_MACHINE, Field, Settings, WholeNumber, YesNo

CHALLENGES = "/srv/acme"
"""Where the web server shows the certificate authority what it asks to see."""


class NginxSettings(Settings):
    """What a client chooses about the web server."""

    hsts_days: Annotated[WholeNumber, OF_MACHINE] = Field(
        default=180,
        ge=0,
        le=730,
        description=(
            "Days for which browsers that were here once refuse to come without TLS. 0 lets them off at once, "
            "as is wise some weeks before a site moves to where there is none."
        ),
    )
    http3: Annotated[YesNo, OF_MACHINE] = Field(
        default=False,
        description=(
            "Answer over HTTP/3 (UDP) too. Each time the web server takes on something new, what is under way over "
            "HTTP/3 at that moment breaks off; over HTTP/2 it does not."
        ),
    )
    keep_logs_days: Annotated[WholeNumber, OF_MACHINE] = Field(
        default=14, ge=1, le=90, description="Days to keep access logs. Visitors' addresses in them are shortened."
    )


SETTINGS = NginxSettings
PROVIDES: tuple[type[Need], ...] = (Vhost,)


def declare(part: Part[NginxSettings]) -> Iterator[Declaration]:
    """State the packages, the two ports, and a certificate for every site."""
    yield Packages(("libnginx-mod-http-brotli-filter", "logrotate", "nginx"))
    yield Port(80)
    yield Port(443)
    if part.settings.http3:
        yield Port(443, "udp")
    certificates = [certificate(vhost) for vhost in part.all(Vhost)]
    yield from certificates
    yield Unit(
        "nginx.service",
        reads=("/etc/nginx", *(each.folder for each in certificates)),
        reload=True,
        validate="nginx -t -q",
        answers=request(part.all(Vhost)),
    )
    yield Unit("logrotate.timer")


def request(vhosts: Iterable[Vhost]) -> str:
    """Return the command that asks the running web server for one of its sites; empty where it has none."""
    for vhost in vhosts:
        # Bash, as no server needs an HTTP client of its own.
        asked = f"printf 'GET / HTTP/1.0\\r\\nHost: {vhost.domain}\\r\\n\\r\\n' >&3"
        script = f"exec 3<>/dev/tcp/127.0.0.1/80; {asked}; read -r _ code _ <&3; [ $code = 308 ]"
        return shlex.join(["timeout", "5", "bash", "-c", script])
    return ""


def certificate(vhost: Vhost) -> Certificate:
    """Return the certificate of one site: all its names in one."""
    return Certificate(vhost.names, webroot=CHALLENGES, readers=("nginx.service",))
