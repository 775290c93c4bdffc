"""The folders of all sites, the pages for when something is wrong, and the files of each site."""

from __future__ import annotations

from collections.abc import Iterator

from coopinfra.roles.contract import Directory, File, Part
from coopinfra.roles.primitives.rendering import template
from coopinfra.roles.website import WebsiteSettings, places, push
from coopinfra.roles.website.answers import FILES
from coopinfra.roles.website.kinds import kind_of
from coopinfra.roles.website.pages import WORDS, words_of
from coopinfra.roles.website.place import Place, pages_of, sites_of
from coopinfra.roles.website.sites import Site

LEAD_BACK = ("403", "404")
"""Pages that lead to the start page; with the others it would not answer either."""


def files(part: Part[WebsiteSettings]) -> Iterator[File | Directory]:
    """Yield the folders, so that they go with the last site, and what each site needs."""
    yield Directory(sites_of(part))
    yield Directory("/etc/nginx/sites")
    yield from _pages(part)
    yield template(
        part,
        "conf.d/site.conf.j2",
        to=f"/etc/nginx/conf.d/{part.organisation.id}-website.conf",
        places=tuple(places(part)),
        files=FILES,
    )
    # What several sites share is written once.
    yield from dict.fromkeys(each for place in places(part) for each in _of_site(part, place))


def _of_site(part: Part[WebsiteSettings], place: Place[Site]) -> Iterator[File | Directory]:
    yield from kind_of(place).files(place)
    if place.is_pushed:
        yield from push.files(place, tuple(kind_of(place).declare(place)))
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


def _pages(part: Part[WebsiteSettings]) -> Iterator[File | Directory]:
    yield Directory(pages_of(part))
    for code in WORDS:
        yield template(
            part,
            "pages/404.html.j2",
            to=f"{pages_of(part)}/{code}.html",
            said=words_of(code, part.organisation.languages),
            leads_back=code in LEAD_BACK,
        )
