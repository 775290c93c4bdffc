"""What can be told a WordPress, and how its plugins and themes are pinned."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, model_validator

from coopinfra.roles.settings import Field, Settings
from coopinfra.roles.types import BySlug, Domain, EmailAddress, Line, Slug, quoted, refuse
from coopinfra.roles.website.kinds.php import WithPhp
from coopinfra.roles.website.sites import BesideOrg, Source


def _checksum(value: str) -> str:
    if not re.fullmatch(r"[0-9a-f]{64}", value):
        refuse(f"{quoted(value)} is not a SHA-256", "write the 64 digits that `sha256sum` prints")
    return value


def _archive_address(value: str) -> str:
    if value and not re.fullmatch(r"https://[A-Za-z0-9._~:/@%+-]+\.zip", value):
        refuse(f"{quoted(value)} is not where an archive can be had", "write the `https://` address of a zip archive")
    return value


def _archive_file(value: str) -> str:
    if value and (value.startswith("/") or ".." in value.split("/") or not value.endswith(".zip")):
        refuse(f"{quoted(value)} is not an archive beside org.yml", "write it as `archives/name.zip`")
    return value


class Pinned(Settings):
    """A plugin or theme: one archive, and what it has to be."""

    version: Line = Field(description="The one that this archive is, for people and plans.", examples=["1.6.7"])
    sha256: Annotated[str, AfterValidator(_checksum)] = Field(
        description="The archive's checksum: nothing else is ever installed.", examples=["0" * 64]
    )
    url: Annotated[str, AfterValidator(_archive_address)] = Field(
        default="",
        description="Where it can be had.",
        examples=["https://downloads.wordpress.org/plugin/classic-editor.1.6.7.zip"],
    )
    file: Annotated[str, AfterValidator(_archive_file)] = Field(
        default="", description="Or where it lies beside org.yml.", examples=["archives/our-theme.zip"]
    )

    @model_validator(mode="after")
    def _check_one(self) -> Pinned:
        if bool(self.url) == bool(self.file):
            refuse("an archive comes from one place, a `url` or a `file`", "write one of them")
        return self


class WordpressSite(WithPhp):
    """A WordPress: people write in the browser; operators alone change its code."""

    kind: Literal["wordpress"] = Field(description="What it is made of.")
    mode: Literal["split", "single", "static-export"] = Field(
        default="split",
        description=(
            "`split`: pages are made by a user who can read posts and take comments, and change nothing else; who "
            "writes passes a password of the web server first. `single`: one user for both, for plugins that let "
            "visitors write, as shops do. `static-export`: visitors get finished pages, and no program at all; people "
            "write under another name, behind a password."
        ),
    )
    edit_domain: Domain | None = Field(
        default=None,
        description="The name under which people write; for `static-export` alone.",
        examples=["write.highbeam.example"],
    )
    title: Line = Field(description="Its name, at the installation; people change it there.", examples=["High Beam"])
    administrator: Slug = Field(default="admin", description="The first account, made at the installation.")
    administrator_email: EmailAddress = Field(
        description="The address of that account.", examples=["rosa@highbeam.example"]
    )
    source: Source | None = Field(
        default=None,
        description="Where plugins and themes of your own come from; they lie in its `wp-content`.",
    )
    imported: BesideOrg = Field(
        default="",
        description=(
            "A folder beside org.yml that `site import` made: loaded into the new site once, and never over one that "
            "is there. Take it out when all is there."
        ),
        examples=["sites/blog"],
    )
    plugins: BySlug[Pinned] = Field(
        default={}, validate_default=True, description="Plugins by the name of their folder; each is switched on."
    )
    themes: BySlug[Pinned] = Field(default={}, validate_default=True, description="Themes by the name of their folder.")

    @model_validator(mode="after")
    def _check_mode(self) -> WordpressSite:
        if self.source and self.source.push is not None:
            hint = "name a `folder` or `git`: what is pinned by checksum beside it is published with it, by a deploy"
            refuse("a WordPress cannot be pushed", hint)
        if (self.mode == "static-export") != bool(self.edit_domain):
            what = "needs" if self.mode == "static-export" else "has no"
            refuse(f"`mode: {self.mode}` {what} `edit_domain`", "it is where people write, for `static-export` alone")
        if self.mode != "single" and self.preview_password:
            refuse("browsers keep one password for a site, and this mode has one", "leave out `preview_password`")
        return self
