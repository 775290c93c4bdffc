"""The folder of all sites; what is in it comes as releases."""

from __future__ import annotations

from collections.abc import Iterator

from coopinfra.roles.contract import Directory, Part
from coopinfra.roles.website import HOME, WebsiteSettings


def files(_part: Part[WebsiteSettings]) -> Iterator[Directory]:
    """Yield the folder, so that it goes with the last site."""
    yield Directory(HOME)
