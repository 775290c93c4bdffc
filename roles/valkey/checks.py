"""What is true of healthy caches: each answers its user, and nobody else."""

from __future__ import annotations

from collections.abc import Iterator

from coopinfra.roles.contract import Check, Part
from coopinfra.roles.declarations import Cache
from coopinfra.roles.primitives.checking import prints, succeeds
from coopinfra.roles.valkey import ValkeySettings, ask


def checks(part: Part[ValkeySettings]) -> Iterator[Check]:
    """Yield what holds for each cache, and that none listens to a network."""
    for cache in part.all(Cache):
        yield succeeds(
            f"the cache {cache.name} answers {cache.user}",
            f'said=$({ask(cache, cache.user)} 2>&1); [ "$said" = PONG ] || {{ echo "it says $said"; false; }}',
        )
        yield succeeds(
            f"the cache {cache.name} answers nobody else",
            f"! {ask(cache, 'nobody')} 2>/dev/null | grep PONG",
        )
    yield prints(f"no cache of {part.server.id} listens to a network", "ss -Hltnp", _listeners)


def _listeners(said: str) -> str | None:
    return "; ".join(line for line in said.splitlines() if '"valkey-server"' in line) or None
