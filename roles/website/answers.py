"""Kinds of text in a site's settings that end up in the web server's configuration: nothing that it could misread."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated
from urllib.parse import unquote

from pydantic import AfterValidator

from coopinfra.roles.settings import Field, Settings, Table
from coopinfra.roles.types import quoted, refuse

# Without what nginx takes for a variable, a quote or the end of a word.
PATH = re.compile(r"/[\w.~/%+@:,=&()!*-]*")
TARGET = re.compile(r"(https://[a-z0-9.-]+(:[0-9]{1,5})?)?/[A-Za-z0-9._~/%+@:,=&?#()!*-]*")
SIZE = re.compile(r"[1-9][0-9]{0,4}[KMG]")
FILES = "css|js|mjs|png|jpe?g|gif|webp|avif|svg|ico|woff2?|ttf|otf|mp[34]|webm|ogg|pdf|zip|wasm"
"""Endings of files that pages are made of, or lead to; everything else is taken for a page."""
DURATION = re.compile(r"0s|[1-9][0-9]{0,4}[smhd]")


def _path(value: str) -> str:
    if not PATH.fullmatch(value) or not unquote(value).isprintable() or set(unquote(value)) & set("\"'\\${};"):
        refuse(f"{quoted(value)} is not the path of a page", "write it as `/old-page`, without what follows a `?`")
    return value


def _target(value: str) -> str:
    if not TARGET.fullmatch(value):
        refuse(f"{quoted(value)} is not where a page can lead", "write `/new-page` or `https://www.example.org/page`")
    return value


def _table(value: Mapping[str, str]) -> Table[str, str]:
    for old, new in value.items():
        if unquote(old) == unquote(new):
            refuse(f"{quoted(old)} leads to itself", "leave it out, or let it lead elsewhere")
    decoded = [unquote(old) for old in value]
    for old in value:
        if decoded.count(unquote(old)) > 1:
            refuse(f"{quoted(old)} stands here twice, spelt in two ways", "leave one of them")
    return Table(value)


def _size(value: str) -> str:
    if not SIZE.fullmatch(value):
        refuse(f"{quoted(value)} is not a size", "write it as `500K`, `10M` or `1G`")
    return value


def _duration(value: str) -> str:
    if not DURATION.fullmatch(value):
        refuse(f"{quoted(value)} is not a length of time", "write it as `30s`, `10m`, `1h` or `365d`")
    return value


Size = Annotated[str, AfterValidator(_size)]
Duration = Annotated[str, AfterValidator(_duration)]
Redirects = Annotated[
    Mapping[Annotated[str, AfterValidator(_path)], Annotated[str, AfterValidator(_target)]], AfterValidator(_table)
]


class Cache(Settings):
    """For how long browsers keep what they were shown, before they ask whether there is something new."""

    pages: Duration = Field(default="0s", description="Pages. With `0s` browsers ask each time.")
    files: Duration = Field(default="1h", description="Pictures, styles, scripts, fonts, documents.")
    fingerprinted: Duration = Field(
        default="365d", description="Such files with a checksum in their name, which changes when they do."
    )
