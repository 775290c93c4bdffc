"""Something that the organisation runs already, on this server or elsewhere: the web server passes requests on."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import AfterValidator

from coopinfra.roles.contract import Check, Directory, File
from coopinfra.roles.declarations import Declaration
from coopinfra.roles.primitives.rendering import template
from coopinfra.roles.settings import Field
from coopinfra.roles.types import quoted, refuse
from coopinfra.roles.website.place import Place
from coopinfra.roles.website.sites import Site

ADDRESS = re.compile(r"https?://([a-z0-9.-]+|\[[0-9a-f:]+\])(:[1-9][0-9]{0,4})?")
SOCKET = re.compile(r"unix:(/[A-Za-z0-9._-]+)+")


def _target(value: str) -> str:
    if not ADDRESS.fullmatch(value) and not SOCKET.fullmatch(value):
        refuse(f"{quoted(value)} is not where a web server can ask", "write it as `http://127.0.0.1:8080`")
    return value


class ProxySite(Site):
    """A program that runs already: requests are passed on to it."""

    kind: Literal["proxy"] = Field(description="What it is made of.")
    to: Annotated[str, AfterValidator(_target)] = Field(
        description="Where the program answers: an address without a path, or `unix:` and the path of a socket.",
        examples=["http://127.0.0.1:8080"],
    )


def declare(_place: Place[ProxySite]) -> Iterator[Declaration]:
    """State nothing: whoever runs the program takes care of it."""
    yield from ()


def files(place: Place[ProxySite]) -> Iterator[File | Directory]:
    """Yield how the web server passes requests on."""
    to = place.site.to
    upstream = f"http://{to}:" if to.startswith("unix:") else to
    yield template(place.part, "proxy/sites/site.conf.j2", to=place.vhost_file, place=place, upstream=upstream)


def checks(_place: Place[ProxySite]) -> Iterator[Check]:
    """Yield nothing beyond what a visitor sees."""
    yield from ()
