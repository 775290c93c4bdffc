"""The web server's own configuration, one file for the organisation's sites, and limits for the daemon."""

from __future__ import annotations

from collections.abc import Iterator

from coopinfra.roles.contract import Directory, File, Part
from coopinfra.roles.declarations import Vhost
from coopinfra.roles.nginx import CHALLENGES, NginxSettings, certificate
from coopinfra.roles.primitives.rendering import template


def files(part: Part[NginxSettings]) -> Iterator[File | Directory]:
    """Yield the whole configuration: Debian's is replaced, so that nothing of it answers beside ours."""
    yield Directory(CHALLENGES)
    yield template(part, "nginx.conf.j2", to="/etc/nginx/nginx.conf", validate="nginx -t -q", listens=_listens(part))
    yield template(
        part,
        "conf.d/organisation.conf.j2",
        to=f"/etc/nginx/conf.d/{part.organisation.id}.conf",
        validate="nginx -t -q",
        sites=[(vhost, certificate(vhost).folder) for vhost in part.all(Vhost)],
        challenges=CHALLENGES,
        listens=_listens(part),
    )
    yield template(part, "logrotate.d/nginx.j2", to="/etc/logrotate.d/nginx", validate="logrotate --debug {file}")
    yield template(part, "tmpfiles.d/nginx.conf.j2", to="/etc/tmpfiles.d/nginx.conf")
    yield template(part, "nginx.service.d/coopinfra.conf.j2", to="/etc/systemd/system/nginx.service.d/coopinfra.conf")


def _listens(part: Part[NginxSettings]) -> tuple[str, ...]:
    """Return what stands before the port: for IPv6 only where the world knows such an address of ours."""
    return ("", "[::]:") if part.server.ipv6 else ("",)
