"""Databases and caches as they are declared, and what of them is each organisation's own."""

from __future__ import annotations

from typing import Any

import pytest

from coopinfra.roles.contract import Part
from coopinfra.roles.declarations import Cache, Database, Dump, Grant, MariadbDatabase, PostgresqlDatabase
from coopinfra.roles.facts import Organisation, Server
from coopinfra.roles.registry import roles

ENGINES: tuple[type[Database], ...] = (PostgresqlDatabase, MariadbDatabase)
PROVIDERS = {"postgresql": PostgresqlDatabase, "mariadb": MariadbDatabase, "valkey": Cache}


def part_of(role: str, organisation: str, **settings: Any) -> Part[Any]:
    """Return what a role is told when an organisation has one database, or cache, of its own."""
    need = PROVIDERS[role](f"{organisation}-blog", f"{organisation}-blog")
    return Part(
        organisation=Organisation(
            organisation, organisation.title(), "", f"{organisation}.example", ("en",), "Etc/UTC", "", ()
        ),
        server=Server("web1", "web1", "203.0.113.10", ()),
        role=role,
        settings=roles()[role].settings.model_validate(settings),
        given=(need,),
    )


def written(part: Part[Any]) -> dict[str, Any]:
    return {file.path: file for file in roles()[part.role].files(part)}


@pytest.mark.parametrize("role", PROVIDERS)
def test_what_is_the_daemons_is_the_same_whoever_deploys_and_nothing_else_has_a_common_path(role: str) -> None:
    ours = written(part_of(role, "highbeam"))
    theirs = written(part_of(role, "harbor"))

    common = ours.keys() & theirs.keys()
    assert {path for path in common if ours[path] != theirs[path]} == set()
    assert len(common) >= 2
    assert all("highbeam" in path for path in ours.keys() - common)
    assert all("harbor" in path for path in theirs.keys() - common)


@pytest.mark.parametrize("role", ["postgresql", "mariadb"])
def test_how_much_memory_somebody_wishes_for_stands_in_the_organisations_own_list(role: str) -> None:
    usual = written(part_of(role, "highbeam"))
    more = written(part_of(role, "highbeam", memory_percent=40))

    assert [path for path in usual if usual[path] != more[path]] == [f"/etc/coopinfra/{role}.d/highbeam"]


@pytest.mark.parametrize("engine", ENGINES)
def test_every_database_says_how_it_is_dumped_restored_and_counted(engine: type[Database]) -> None:
    database = engine("highbeam-blog", "highbeam-blog")

    assert database.dump in list(roles()[engine.engine].declare(part_of(engine.engine, "highbeam")))
    assert database.dump == Dump(
        f"{engine.engine}-highbeam-blog",
        f"{engine.script} dump highbeam-blog",
        f"{engine.script} restore highbeam-blog",
        f"{engine.script} count highbeam-blog",
        f"{engine.script} empty highbeam-blog",
        "highbeam-blog.dump",
        "highbeam-blog.counts",
    )
    assert database.settle == f"{engine.script} settle highbeam-blog"


def test_readers_and_grants_are_the_rights_of_others_in_the_order_they_were_given() -> None:
    comment = Grant("highbeam-public", ("INSERT",), "comments")

    database = MariadbDatabase("highbeam-blog", "highbeam-blog", ("highbeam-reader",), (comment,))

    assert database.rights == (Grant("highbeam-reader", ("SELECT",)), comment)
    assert database.users == ("highbeam-reader", "highbeam-public")


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    ("name", "owner"),
    [
        ("blog; DROP", "blog"),
        ("blog_x", "blog"),
        ("blog%", "blog"),
        ("Blog", "blog"),
        ("mysql", "blog"),
        ("postgres", "blog"),
        ("blog", "root"),
        ("blog", "postgres"),
        ("blog", "mysql"),
        ("blog", "nobody"),
        ("blog", "o'neill"),
        ("b" * 49, "blog"),
    ],
)
def test_names_that_would_need_quoting_or_are_the_engines_own_are_refused(
    engine: type[Database], name: str, owner: str
) -> None:
    with pytest.raises(ValueError, match="cannot be the"):
        engine(name, owner)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: Grant("blog", ()),
        lambda: Grant("blog", ("UPDATE",), columns=("body",)),
        lambda: Grant("blog", ("DELETE",), "posts", ("body",)),
        lambda: Grant("blog", ("SELECT",), "posts; DROP"),
        lambda: Grant("root", ("SELECT",)),
        lambda: PostgresqlDatabase("blog", "blog", extensions=("x y",)),
        lambda: PostgresqlDatabase("blog", "blog", locale="es_ES.UTF-8'"),
        lambda: Cache("a/b", "blog"),
        lambda: Cache("blog", "root"),
    ],
)
def test_what_no_engine_could_give_is_refused(wrong: Any) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - each says it in its own words
        wrong()
