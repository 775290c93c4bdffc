"""Finished pages: the web server shows files, and no program runs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import AfterValidator

from coopinfra.roles.contract import Check, Directory, Field, File, Settings, WholeNumber
from coopinfra.roles.declarations import Declaration, Making
from coopinfra.roles.primitives.checking import succeeds
from coopinfra.roles.primitives.rendering import template
from coopinfra.roles.types import Line, quoted, refuse
from coopinfra.roles.website.answers import Cache
from coopinfra.roles.website.place import Place
from coopinfra.roles.website.sites import Site, Source

# What a visitor is shown first, and nothing that the web server may not read.
TRIAL = """sh -c '
cd /
[ -s "$0/index.html" ] || { echo "it has no start page (index.html)" >&2; exit 1; }
hidden=$(runuser -u www-data -- find "$0" ! -readable -print -quit 2>&1)
[ -z "$hidden" ] || { echo "the web server cannot read $hidden" >&2; exit 1; }
'"""


def _output(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]*(/[A-Za-z0-9_][A-Za-z0-9_.-]*)*", value):
        refuse(f"{quoted(value)} is not a folder of the source", "write it as `public`")
    return value


class Build(Settings):
    """How finished pages are made of the source, on the operator's side: the server gets what comes out."""

    command: Line = Field(description="A shell command, run in a clean copy of the source.", examples=["hugo --minify"])
    output: Annotated[str, AfterValidator(_output)] = Field(
        default="public", description="The folder in which it leaves the pages."
    )
    version: Line | None = Field(
        default=None,
        description="The command that tells the builder's version, if its `--version` does not.",
        examples=["hugo version"],
    )
    minutes: WholeNumber = Field(default=10, ge=1, le=120, description="After how long it is ended.")


class StaticSite(Site):
    """Finished pages; no program runs on the server."""

    kind: Literal["static"] = Field(default="static", description="What it is made of.")
    source: Source = Field(description="Where its files come from.")
    build: Build | None = Field(
        default=None, description="How it is made; left out where the source is finished pages."
    )
    cache: Cache = Field(default=Cache(), description="For how long browsers keep what they were shown.")
    requests_a_second: WholeNumber = Field(
        default=0,
        ge=0,
        le=1000,
        description="Requests that one address may make each second in the long run; 0 for no limit.",
    )


def declare(place: Place[StaticSite]) -> Iterator[Declaration]:
    """State its release."""
    build = place.site.build
    making = Making(build.command, build.output, build.version or "", build.minutes) if build else None
    yield place.release(place.site.source, trial=TRIAL, making=making)


def files(place: Place[StaticSite]) -> Iterator[File | Directory]:
    """Yield how the web server shows it."""
    yield template(place.part, "static/sites/site.conf.j2", to=place.vhost_file, place=place)


def checks(place: Place[StaticSite]) -> Iterator[Check]:
    """Yield that its start page is there."""
    yield succeeds(
        f"the site `{place.name}` has a release with a start page",
        f"[ -s {place.current}/index.html ] || {{ echo there is no {place.current}/index.html; false; }}",
    )
