"""Finished pages: the web server shows files, and no program runs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from coopinfra.roles.contract import Check, Directory, Field, File, WholeNumber
from coopinfra.roles.declarations import Declaration
from coopinfra.roles.primitives.checking import succeeds
from coopinfra.roles.primitives.rendering import template
from coopinfra.roles.website.answers import Cache
from coopinfra.roles.website.place import Place
from coopinfra.roles.website.sites import Site, Source


class StaticSite(Site):
    """Finished pages; no program runs on the server."""

    kind: Literal["static"] = Field(default="static", description="What it is made of.")
    source: Source = Field(description="Where its files come from.")
    cache: Cache = Field(default=Cache(), description="For how long browsers keep what they were shown.")
    requests_a_second: WholeNumber = Field(
        default=0,
        ge=0,
        le=1000,
        description="Requests that one address may make each second in the long run; 0 for no limit.",
    )


def declare(place: Place[StaticSite]) -> Iterator[Declaration]:
    """State its release."""
    yield place.release(place.site.source)


def files(place: Place[StaticSite]) -> Iterator[File | Directory]:
    """Yield how the web server shows it."""
    yield template(place.part, "static/sites/site.conf.j2", to=place.vhost_file, place=place)


def checks(place: Place[StaticSite]) -> Iterator[Check]:
    """Yield that its start page is there."""
    yield succeeds(
        f"the site `{place.name}` has a release with a start page",
        f"[ -s {place.current}/index.html ] || {{ echo there is no {place.current}/index.html; false; }}",
    )
