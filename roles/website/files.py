"""The folder of all sites; what is in it comes as releases. And who may see those that are not for everybody."""

from __future__ import annotations

from collections.abc import Iterator

from coopinfra.roles.contract import Directory, File, Part
from coopinfra.roles.primitives.rendering import template
from coopinfra.roles.website import HOME, WebsiteSettings, password_file_of


def files(part: Part[WebsiteSettings]) -> Iterator[File | Directory]:
    """Yield the folder, so that it goes with the last site, and a file of passwords for each site that has them."""
    yield Directory(HOME)
    for name, site in part.settings.sites.items():
        if site.preview_password:
            path = password_file_of(part, name)
            yield Directory(path.rpartition("/")[0])
            yield template(
                part,
                "htpasswd.j2",
                to=path,
                # nginx opens it anew for each request, as the user of its workers.
                user="www-data",
                mode="0400",
                site=name,
            )
