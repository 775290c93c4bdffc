"""Websites: files from a folder beside org.yml or from a git repository, served over TLS."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import AfterValidator, model_validator

from coopinfra.roles.contract import Field, Part, Settings, YesNo
from coopinfra.roles.declarations import Declaration, Link, Need, Record, Release, Secret, Vhost
from coopinfra.roles.types import BySlug, Domain, quoted, refuse

HOME = "/srv/sites"
PREVIEW_USER = "preview"
# What git could take for an option or for a program to run is no address.
REPOSITORY = re.compile(r"(https|ssh|file)://[A-Za-z0-9._~:/@%+-]+|[A-Za-z0-9._-]+@[A-Za-z0-9.-]+:[A-Za-z0-9._~/-]+")
REF = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]*")


def _folder(value: str) -> str:
    parts = value.split("/")
    if value and (value.startswith("/") or ".." in parts or not value.isprintable()):
        refuse(f"{quoted(value)} is not a folder beside org.yml", "write it as `sites/main`")
    return value


def _repository(value: str) -> str:
    if value and not REPOSITORY.fullmatch(value):
        refuse(f"{quoted(value)} is not the address of a git repository", "write it as `https://git.example.org/site`")
    return value


def _ref(value: str) -> str:
    if not REF.fullmatch(value) or ".." in value:
        refuse(f"{quoted(value)} is not a branch, tag or commit", "write it as `main` or `v1.2`")
    return value


class Source(Settings):
    """Where the files of a site come from: one of the two."""

    folder: Annotated[str, AfterValidator(_folder)] = Field(
        default="", description="A folder beside org.yml.", examples=["sites/main"]
    )
    git: Annotated[str, AfterValidator(_repository)] = Field(
        default="", description="A git repository.", examples=["https://git.example.org/highbeam/site"]
    )
    ref: Annotated[str, AfterValidator(_ref)] = Field(
        default="main", description="What of the repository: a branch, a tag or a commit.", examples=["v1.2"]
    )

    @model_validator(mode="after")
    def _check_one(self) -> Source:
        if bool(self.folder) == bool(self.git):
            both = "a site has one source, this one has both" if self.folder else "a site needs a source"
            refuse(both, "write `{folder: sites/main}` or `{git: https://git.example.org/site}`")
        if self.folder and "ref" in self.model_fields_set:
            refuse("`ref` goes with `git`, not with `folder`", "leave it out")
        return self


class Site(Settings):
    """One website."""

    domain: Domain = Field(description="The name under which people reach it.", examples=["www.highbeam.example"])
    redirects_from: tuple[Domain, ...] = Field(
        default=(), description="Other names, which lead to `domain`.", examples=[["highbeam.example"]]
    )
    kind: Literal["static"] = Field(
        default="static", description="`static`: finished pages; no program runs on the server."
    )
    source: Source = Field(description="Where its files come from.")
    preview_password: YesNo = Field(
        default=False, description="Show it only to who knows the user `preview` and a password that we make."
    )


class WebsiteSettings(Settings):
    """What a client chooses about its websites."""

    sites: BySlug[Site] = Field(min_length=1, description="Sites by a short name, which stays the same for good.")


SETTINGS = WebsiteSettings
PROVIDES: tuple[type[Need], ...] = ()


def declare(part: Part[WebsiteSettings]) -> Iterator[Declaration]:
    """State each site's files, its place on the web server, its DNS records and the link to it."""
    for name, site in part.settings.sites.items():
        release = release_of(part, name)
        yield release
        password_file = password_file_of(part, name) if site.preview_password else ""
        vhost = Vhost(site.domain, (), release.current, site.redirects_from, password_file)
        yield vhost
        if site.preview_password:
            yield Secret(f"{name}-password", "password", deployed=False)
            yield Secret(f"{name}-htpasswd", "htpasswd", made_from=f"{name}-password", subject=PREVIEW_USER)
        for domain in vhost.names:
            yield Record("A", domain, part.server.address)
            if part.server.ipv6:
                yield Record("AAAA", domain, part.server.ipv6)
        yield Link(site.domain, f"https://{site.domain}/")


def password_file_of(part: Part[WebsiteSettings], name: str) -> str:
    """Return where the web server reads who may see one site."""
    return f"/etc/coopinfra/sites/{part.organisation.id}-{name}/htpasswd"


def release_of(part: Part[WebsiteSettings], name: str) -> Release:
    """Return where one site's files come from and go to."""
    source = part.settings.sites[name].source
    return Release(
        name,
        path=f"{HOME}/{part.organisation.id}-{name}",
        folder=source.folder,
        git=source.git,
        ref=source.ref if source.git else "",
    )
