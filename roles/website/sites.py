"""What every site can be told, whatever its kind, and where the files of most come from."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated

from pydantic import AfterValidator, model_validator

from coopinfra.roles.keys import SshKey, same_key
from coopinfra.roles.settings import Field, Settings, Table, WholeNumber, YesNo
from coopinfra.roles.types import Domain, Slug, quoted, refuse
from coopinfra.roles.website.answers import Redirects, Size

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


def _keys(value: Mapping[str, str] | None) -> Table[str, str] | None:
    seen: dict[str, str] = {}
    for name, key in (value or {}).items():
        if (first := seen.setdefault(same_key(key), name)) != name:
            refuse(f"{quoted(first)} and {quoted(name)} have the same key", "each person has a key of their own")
    return None if value is None else Table(value)


BesideOrg = Annotated[str, AfterValidator(_folder)]


class Source(Settings):
    """Where the files of a site come from: one of the three."""

    folder: BesideOrg = Field(default="", description="A folder beside org.yml.", examples=["sites/main"])
    git: Annotated[str, AfterValidator(_repository)] = Field(
        default="", description="A git repository.", examples=["https://git.example.org/highbeam/site"]
    )
    push: Annotated[Mapping[Slug, SshKey] | None, AfterValidator(_keys)] = Field(
        default=None,
        description=(
            "Who may publish it with `git push` to the server: a short name for each person, and the public SSH key "
            "that they use for nothing else. `{}` for nobody at the moment."
        ),
        examples=[{"rosa": "ssh-ed25519 AAAA… rosa@laptop"}],
    )
    ref: Annotated[str, AfterValidator(_ref)] = Field(
        default="main",
        description="What of the repository: a branch, a tag or a commit; where it is pushed, the branch that counts.",
        examples=["v1.2"],
    )

    @model_validator(mode="after")
    def _check_one(self) -> Source:
        named = [name for name in ("folder", "git") if getattr(self, name)] + ["push"] * (self.push is not None)
        if len(named) != 1:
            several = f"a site has one source, this one has {' and '.join(f'`{each}`' for each in named)}"
            hint = (
                "write `{folder: sites/main}`, `{git: https://git.example.org/site}` or `{push: {rosa: ssh-ed25519 …}}`"
            )
            refuse(several if named else "a site needs a source", hint)
        if self.folder and "ref" in self.model_fields_set:
            refuse("`ref` goes with `git` and `push`, not with `folder`", "leave it out")
        return self


class Site(Settings):
    """What every kind of website can be told."""

    domain: Domain = Field(description="The name under which people reach it.", examples=["www.highbeam.example"])
    also: tuple[Domain, ...] = Field(
        default=(), description="Other names under which the same is shown.", examples=[["highbeam.coop.example"]]
    )
    redirects_from: tuple[Domain, ...] = Field(
        default=(), description="Other names, which lead to `domain`.", examples=[["highbeam.example"]]
    )
    redirects: Redirects = Field(
        default_factory=lambda: Table({}),
        description="Paths of pages that have moved, and where each leads.",
        examples=[{"/menu.html": "/menu/"}],
    )
    preview_password: YesNo = Field(
        default=False, description="Show it only to who knows the user `preview` and a password that we make."
    )
    upload_size: Size = Field(
        default="10M", description="The most that a visitor may send in one request.", examples=["64M"]
    )
    requests_a_second: WholeNumber = Field(
        default=10,
        ge=0,
        le=1000,
        description=(
            "Requests to its program that one address may make each second in the long run, and five times as many at "
            "once; whoever asks for more is told to wait (429). 0 for no limit."
        ),
    )
