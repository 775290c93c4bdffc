"""The folders of all sites, and the files of each; what is in a site comes as releases."""

from __future__ import annotations

from collections.abc import Iterator

from coopinfra.roles.contract import Directory, File, Part
from coopinfra.roles.primitives.rendering import template
from coopinfra.roles.website import WebsiteSettings, places
from coopinfra.roles.website.kinds import kind_of
from coopinfra.roles.website.place import HOME


def files(part: Part[WebsiteSettings]) -> Iterator[File | Directory]:
    """Yield the folders, so that they go with the last site, and what each site needs."""
    yield Directory(HOME)
    yield Directory("/etc/nginx/sites")
    for place in places(part):
        yield from kind_of(place).files(place)
        if place.password_file:
            yield Directory(place.settings)
            yield template(
                part,
                "htpasswd.j2",
                to=place.password_file,
                # nginx opens it anew for each request, as the user of its workers.
                user="www-data",
                mode="0400",
                site=place.name,
            )
