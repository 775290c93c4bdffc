"""Websites of several kinds, each on its own domain, served over TLS."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from coopinfra.roles.contract import Part
from coopinfra.roles.declarations import Declaration, Link, Need, Record, Secret, Vhost
from coopinfra.roles.settings import Field, Settings
from coopinfra.roles.types import BySlug
from coopinfra.roles.website import push
from coopinfra.roles.website.kinds import AnySite, kind_of
from coopinfra.roles.website.place import Place
from coopinfra.roles.website.sites import Site

PREVIEW_USER = "preview"


class WebsiteSettings(Settings):
    """What a client chooses about its websites."""

    sites: BySlug[AnySite] = Field(min_length=1, description="Sites by a short name, which stays the same for good.")


SETTINGS = WebsiteSettings
PROVIDES: tuple[type[Need], ...] = ()


def places(part: Part[WebsiteSettings]) -> Iterator[Place[Site]]:
    """Yield every site with its place on the server."""
    return (Place(part, name, site) for name, site in part.settings.sites.items())


def for_the_book(part: Part[WebsiteSettings]) -> Mapping[str, object]:
    """Return the sites with their places, for how they are pushed."""
    return {"places": tuple(places(part))}


def declare(part: Part[WebsiteSettings]) -> Iterator[Declaration]:
    """State each site's place on the web server, its DNS records, the link to it, and what its kind needs."""
    for place in places(part):
        yield from kind_of(place).declare(place)
        if place.is_pushed:
            yield from push.declare(place)
        yield from _seen_by_visitors(place)


def _seen_by_visitors(place: Place[Site]) -> Iterator[Declaration]:
    site, server = place.site, place.part.server
    yield place.website
    vhost = Vhost(site.domain, site.also, include=place.vhost_file, redirects_from=site.redirects_from)
    yield vhost
    if site.preview_password:
        yield Secret(f"{place.name}-password", "password", deployed=False)
        yield Secret(f"{place.name}-htpasswd", "htpasswd", made_from=f"{place.name}-password", subject=PREVIEW_USER)
    for domain in vhost.names:
        yield Record("A", domain, server.address)
        if server.ipv6:
            yield Record("AAAA", domain, server.ipv6)
    yield Link(site.domain, f"https://{site.domain}/")
