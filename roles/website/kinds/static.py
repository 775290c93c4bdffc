"""Finished pages: the web server shows files, and no program runs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from shlex import quote
from typing import Annotated, Literal

from pydantic import AfterValidator, model_validator

from coopinfra.roles.contract import Check, Directory, File
from coopinfra.roles.declarations import Declaration, Making, Packages, User
from coopinfra.roles.primitives.checking import succeeds
from coopinfra.roles.primitives.rendering import template
from coopinfra.roles.settings import Field, Settings, WholeNumber
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


def _package(value: str) -> str:
    if not re.fullmatch(r"[a-z0-9][a-z0-9+.-]+", value):
        refuse(f"{quoted(value)} is not the name of a Debian package", "write it as `hugo`")
    return value


class Build(Settings):
    """How finished pages are made of the source.

    It is done on the operator's side, and the server gets what comes out; of what is pushed, on the server, sandboxed.
    """

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
    packages: tuple[Annotated[str, AfterValidator(_package)], ...] = Field(
        default=(),
        description="Debian packages that it needs on the server, where the site is pushed.",
        examples=[["hugo"]],
    )

    @property
    def memory(self) -> str:
        """The most memory that it may take on the server."""
        return "1G"


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

    @model_validator(mode="after")
    def _check_where(self) -> StaticSite:
        if self.build and self.source.push is None and self.build.packages:
            refuse("`packages` are for a build on the server, and this site is not pushed", "leave them out")
        if self.build and self.source.push is not None and self.build.version:
            refuse("`version` is asked on the operator's side, and this site is pushed", "leave it out")
        return self


@dataclass(frozen=True)
class Bench:
    """Where the pages of a pushed site are made; what the units and scripts of applications have to know of it."""

    place: Place[StaticSite]

    @property
    def site(self) -> StaticSite:
        """What org.yml says of it."""
        return self.place.site

    @property
    def builder(self) -> str:
        """The account that builds, and may nothing else."""
        return self.place.account("build")

    @property
    def build_command(self) -> str:
        """What is run, as one word of a shell."""
        return quote(self.site.build.command if self.site.build else "")

    @property
    def steps(self) -> tuple[str, ...]:
        """Units that run while a release is made, and at no other time."""
        return (self.unit("build"),)

    def unit(self, step: str) -> str:
        """Return what systemd calls a step."""
        return f"{self.place.id}@{step}.service"


def declare(place: Place[StaticSite]) -> Iterator[Declaration]:
    """State its release, and what makes it on the server."""
    build = place.site.build
    if build and place.is_pushed:
        yield User(Bench(place).builder, full_name=f"Builds the site {place.name}")
        if build.packages:
            yield Packages(build.packages)
        yield place.release(place.site.source, build=f"{place.settings}/release build", trial=TRIAL)
        return
    making = Making(build.command, build.output, build.version or "", build.minutes) if build else None
    yield place.release(place.site.source, trial=TRIAL, making=making)


def files(place: Place[StaticSite]) -> Iterator[File | Directory]:
    """Yield how the web server shows it, and what makes it on the server."""
    part, bench = place.part, Bench(place)
    yield template(part, "static/sites/site.conf.j2", to=place.vhost_file, place=place)
    if place.site.build and place.is_pushed:
        yield Directory(place.settings)
        for script in ("release", "make"):
            yield template(part, f"static/{script}.j2", to=f"{place.settings}/{script}", mode="0755", app=bench)
        unit = f"/etc/systemd/system/{bench.unit('build')}"
        yield template(part, "app/system/site@fetch.service.j2", to=unit, app=bench, step="build")


def checks(place: Place[StaticSite]) -> Iterator[Check]:
    """Yield that its start page is there."""
    yield succeeds(
        f"the site `{place.name}` has a release with a start page",
        f"[ -s {place.current}/index.html ] || {{ echo there is no {place.current}/index.html; false; }}",
    )
