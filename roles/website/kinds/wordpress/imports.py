"""A WordPress that comes from elsewhere: loaded once, before the first page, into a database that has nothing yet."""

from __future__ import annotations

from collections.abc import Iterator

from coopinfra.roles.declarations import Declaration, Release
from coopinfra.roles.website.kinds.wordpress.settings import WordpressSite
from coopinfra.roles.website.place import Place

DATABASE, FACTS = "database.sql", "import.json"
"""What `site import` leaves beside the folder `uploads`: a statement each line, and what is known of the old site."""
CORE_VERSION, CORE_DATABASE = "6.8", 60421
"""Debian 13's WordPress, and the number of its database."""
THEMES = ("twentytwentyfive",)
"""Those that are there without being pinned."""


def path(place: Place[WordpressSite]) -> str:
    """Return where lies on the server what was brought in, until it is no longer declared."""
    return f"{place.path}-import"


def current(place: Place[WordpressSite]) -> tuple[str, ...]:
    """Return what of it is loaded, if anything was brought in."""
    return (f"{path(place)}/current",) if place.site.imported else ()


def declare(place: Place[WordpressSite], user: str) -> Iterator[Declaration]:
    """State what was brought in, for `user` alone: there are names, addresses and passwords of people in it."""
    if place.site.imported:
        yield Release(f"{place.name}-import", path(place), folder=place.site.imported, keep=1, reader=user)
