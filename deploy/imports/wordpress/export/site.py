"""What an export says: who wrote, what it is put under, and all that was written, each with its old number."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import unquote

_UPLOADED = re.compile(
    r"(?:https?:)?//(?P<base>[^?#]+?/wp-content/uploads|[^?#]+?(?=/\d{4}/\d\d/)|[^/?#]+)/(?P<file>[^?#]+)"
)


@dataclass(frozen=True)
class Term:
    """A category, a tag, a menu, or what else posts are put under."""

    taxonomy: str
    slug: str
    name: str
    description: str = ""
    parent: str = ""
    """The slug of the one above it."""
    number: int = 0
    """Its own at the old host; 0 where the export does not say."""


@dataclass(frozen=True)
class Author:
    """Somebody who wrote something."""

    login: str
    email: str = ""
    name: str = ""
    number: int = 0


@dataclass(frozen=True)
class Comment:
    """What a reader wrote."""

    said: Mapping[str, str]
    """What the export says of it, by name."""

    @property
    def number(self) -> int:
        """Its number at the old host."""
        return number_in(self.said, "comment_id")


@dataclass(frozen=True)
class Item:
    """A post, a page, a picture, a place in a menu, or what else lies among posts."""

    said: Mapping[str, str]
    """What the export says of it, by name."""
    title: str
    link: str
    author: str
    content: str
    excerpt: str
    terms: tuple[Term, ...] = ()
    meta: tuple[tuple[str, str], ...] = ()
    comments: tuple[Comment, ...] = ()

    @property
    def number(self) -> int:
        """Its number at the old host."""
        return number_in(self.said, "post_id")

    @property
    def kind(self) -> str:
        """What it is, as WordPress calls it."""
        return self.said.get("post_type", "post")

    @property
    def is_public(self) -> bool:
        """Whether everybody may read it."""
        return self.said.get("status") == "publish"

    @cached_property
    def uploaded(self) -> tuple[str, str] | None:
        """Where uploads lay without scheme, and the file from there; None where it is no file."""
        found = _UPLOADED.fullmatch(unquote(self.said.get("attachment_url", "").partition("?")[0].strip()))
        if self.kind != "attachment" or not found or ".." in found["file"].split("/"):
            return None
        return found["base"], found["file"]


@dataclass(frozen=True)
class Export:
    """All that one export says."""

    address: str
    """Under which the site was reached, without scheme."""
    title: str
    tagline: str
    authors: tuple[Author, ...] = ()
    terms: tuple[Term, ...] = ()
    items: tuple[Item, ...] = ()


def number_in(said: Mapping[str, str], name: str) -> int:
    """Return a number that an export says; 0 where it says none."""
    text = said.get(name, "").strip()
    return int(text) if text.isdecimal() else 0
