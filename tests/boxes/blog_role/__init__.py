"""A role of the tests' own, in the place of those that need databases.

It has the users of a WordPress whose public side may only read and comment.
"""

from __future__ import annotations

from collections.abc import Iterator

from coopinfra.roles.contract import Part
from coopinfra.roles.declarations import Cache, Declaration, Grant, MariadbDatabase, Need, PostgresqlDatabase, User
from coopinfra.roles.settings import Field, Settings


class BlogSettings(Settings):
    """What a client chooses about the blog."""

    title: str = Field(default="Notes", description="What it is called.")


SETTINGS = BlogSettings
PROVIDES: tuple[type[Need], ...] = ()


def declare(part: Part[BlogSettings]) -> Iterator[Declaration]:
    """State three accounts, a database of each kind, and a cache."""
    name = f"{part.organisation.id}-blog"
    public, reader = f"{name}-public", f"{name}-reader"
    grants = (
        Grant(public, ("SELECT",)),
        Grant(public, ("INSERT",), "comments"),
        Grant(public, ("UPDATE",), "posts", ("comment_count",)),
    )
    for user in (name, public, reader):
        yield User(user)
    yield PostgresqlDatabase(name, name, (reader,), grants, extensions=("citext",))
    yield MariadbDatabase(name, name, (reader,), grants)
    yield Cache(name, name, megabytes=16)
