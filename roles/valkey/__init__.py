"""Valkey: a cache for everybody who declares one, each a daemon of its own that only its user reaches."""

from __future__ import annotations

from collections.abc import Iterator

from coopinfra.roles.contract import Part
from coopinfra.roles.declarations import Cache, Declaration, Need, Packages, Unit
from coopinfra.roles.settings import Field, Settings, WholeNumber
from coopinfra.roles.types import BySlug, Slug


class OwnCache(Settings):
    """A cache for something that the organisation runs by hand."""

    user: Slug = Field(description="The account on the server that uses it.", examples=["ada"])
    megabytes: WholeNumber = Field(
        default=64, ge=8, le=65536, description="Most that it keeps; what was not asked for the longest goes first."
    )


class ValkeySettings(Settings):
    """What a client chooses about caches."""

    caches: BySlug[OwnCache] = Field(
        default={},
        validate_default=True,
        description=(
            "Caches beside those that other roles ask for, by a short name; on the server it comes after the "
            "organisation's."
        ),
    )


SETTINGS = ValkeySettings
PROVIDES: tuple[type[Need], ...] = (Cache,)


def declare(part: Part[ValkeySettings]) -> Iterator[Declaration]:
    """State the packages, the organisation's own caches, and a daemon for each."""
    yield Packages(("valkey-server", "valkey-tools"))
    for short, wanted in part.settings.caches.items():
        yield Cache(f"{part.organisation.id}-{short}", wanted.user, wanted.megabytes)
    for cache in part.all(Cache):
        yield Unit(cache.unit, answers=f"{ask(cache, cache.user)} | grep -q PONG")


def ask(cache: Cache, user: str) -> str:
    """Return the command that asks a cache for an answer, as one account."""
    return f"runuser -u {user} -- timeout 5 valkey-cli -s {cache.socket} ping"
