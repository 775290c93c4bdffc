"""What every cache's daemon may do, and for each whose it is and how much it keeps."""

from __future__ import annotations

from collections.abc import Iterator

from coopinfra.roles.contract import File, Part
from coopinfra.roles.declarations import Cache
from coopinfra.roles.primitives.rendering import template
from coopinfra.roles.valkey import ValkeySettings

UNITS = "/etc/systemd/system"


def files(part: Part[ValkeySettings]) -> Iterator[File]:
    """Yield what is the same whoever deploys, then a few lines for each cache."""
    yield template(part, "system/valkey@.service.j2", to=f"{UNITS}/valkey@.service")
    yield template(
        part, "valkey-server.service.d/coopinfra.conf.j2", to=f"{UNITS}/valkey-server.service.d/coopinfra.conf"
    )
    for cache in part.all(Cache):
        yield template(part, "cache.conf.j2", to=f"{UNITS}/{cache.unit}.d/cache.conf", cache=cache)
