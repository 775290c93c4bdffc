"""The kinds of site: the settings of each, and the module that says what follows from them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Protocol, TypeAlias

from pydantic import Discriminator, Tag

from coopinfra.roles.contract import Check, Directory, File
from coopinfra.roles.declarations import Declaration
from coopinfra.roles.website.kinds import app, php, proxy, static, wordpress
from coopinfra.roles.website.kinds.node import NodeSite
from coopinfra.roles.website.kinds.php import PhpSite
from coopinfra.roles.website.kinds.proxy import ProxySite
from coopinfra.roles.website.kinds.python import PythonSite
from coopinfra.roles.website.kinds.static import StaticSite
from coopinfra.roles.website.kinds.wordpress.settings import WordpressSite
from coopinfra.roles.website.place import Place


class Kind(Protocol):
    """What one kind of site adds to what holds for all."""

    def declare(self, place: Place[Any], /) -> Iterator[Declaration]:
        """State its release, its users, units, databases, data."""

    def files(self, place: Place[Any], /) -> Iterator[File | Directory]:
        """Yield every file that it needs; the first is what the web server includes, `place.vhost_file`."""

    def checks(self, place: Place[Any], /) -> Iterator[Check]:
        """Yield what is true of a healthy site of this kind, beyond what a visitor sees."""


KINDS: dict[str, Kind] = {
    "node": app,
    "php": php,
    "proxy": proxy,
    "python": app,
    "static": static,
    "wordpress": wordpress,
}


def _kind_of(site: object) -> str:
    """Return the kind that org.yml names, or `static`; of what is no group of settings, too."""
    return str(site.get("kind", "static") if isinstance(site, dict) else getattr(site, "kind", "static"))


AnySite: TypeAlias = Annotated[
    Annotated[StaticSite, Tag("static")]
    | Annotated[ProxySite, Tag("proxy")]
    | Annotated[PhpSite, Tag("php")]
    | Annotated[WordpressSite, Tag("wordpress")]
    | Annotated[PythonSite, Tag("python")]
    | Annotated[NodeSite, Tag("node")],
    Discriminator(_kind_of),
]
"""One site of any kind; each kind has settings of its own, and refuses those of others."""


def kind_of(place: Place[Any]) -> Kind:
    """Return the module behind one site."""
    return KINDS[place.site.kind]
