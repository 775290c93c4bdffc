"""What sites in PHP and WordPress can be told, and what follows for who may do what."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from coopinfra.roles.declarations import BackupPath, MariadbDatabase, Secret, Unit, User
from coopinfra.roles.website import WebsiteSettings
from examples import plan_of

ORG = """
name: High Beam Coffee Roasters
domain: highbeam.example
contacts: [{name: Rosa Ibarra, does: decides}]
servers:
  web1:
    address: 203.0.113.10
    roles:
      website:
        sites:
          blog:
            domain: blog.highbeam.example
            kind: wordpress
            title: High Beam
            administrator_email: rosa@highbeam.example
            mode: {mode}
"""
PIN = {"version": "1.0", "sha256": "0" * 64, "url": "https://downloads.example/a.zip"}


def site(**site: Any) -> WebsiteSettings:
    return WebsiteSettings.model_validate({"sites": {"main": {"domain": "www.highbeam.example", **site}}})


def wordpress(**more: Any) -> WebsiteSettings:
    return site(**{"kind": "wordpress", "title": "A", "administrator_email": "rosa@highbeam.example", **more})


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"plugins": {"a": PIN | {"sha256": "0" * 63}}}, "is not a SHA-256"),
        ({"plugins": {"a": PIN | {"url": "http://downloads.example/a.zip"}}}, "is not where an archive can be had"),
        ({"plugins": {"a": PIN | {"file": "archives/a.zip"}}}, "comes from one place"),
        ({"plugins": {"a": {"version": "1.0", "sha256": "0" * 64}}}, "comes from one place"),
        ({"plugins": {"a": PIN | {"url": "", "file": "../a.zip"}}}, "is not an archive beside org.yml"),
        ({"plugins": {"../a": PIN}}, "is not a short name"),
        ({"preview_password": True}, "browsers keep one password"),
        ({"imported": "../blog"}, "is not a folder beside org.yml"),
        ({"administrator_email": "rosa"}, "is not an email address"),
    ],
)
def test_what_a_wordpress_cannot_be_told(more: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError) as caught:
        wordpress(**more)

    assert said in str(caught.value)


def test_a_shop_may_have_a_preview_password() -> None:
    assert wordpress(mode="single", preview_password=True).sites["main"].preview_password


@pytest.mark.parametrize("folder", ["/etc", "../up", "a b", "a;b", ".hidden", ""])
def test_a_folder_that_a_site_writes_to_is_a_plain_one_of_its_own(folder: str) -> None:
    with pytest.raises(ValidationError, match="is not a folder of the site"):
        site(kind="php", source={"folder": "sites/main"}, writable=[folder])


def declared(mode: str, kind: type[Any]) -> tuple[Any, ...]:
    server = plan_of(ORG.replace("{mode}", mode)).servers[0]
    return tuple(each.declaration for each in server.declared if isinstance(each.declaration, kind))


def test_who_is_met_by_visitors_may_read_and_comment_and_nothing_else() -> None:
    database = declared("split", MariadbDatabase)[0]

    assert database.owner == "highbeam-blog"
    assert database.readers == ("highbeam-blog-public",)
    assert [(grant.user, grant.privileges, grant.table, grant.columns) for grant in database.grants] == [
        ("highbeam-blog-public", ("INSERT",), "wp_comments", ()),
        ("highbeam-blog-public", ("INSERT",), "wp_commentmeta", ()),
        ("highbeam-blog-public", ("UPDATE",), "wp_posts", ("comment_count",)),
    ]


def test_one_user_does_all_in_single_and_there_is_no_gate() -> None:
    assert declared("single", MariadbDatabase)[0].rights == ()
    assert [user.name for user in declared("single", User) if user.name.startswith("highbeam-")] == ["highbeam-blog"]
    assert not [secret for secret in declared("single", Secret) if "gate" in secret.name]
    assert [secret for secret in declared("split", Secret) if "gate" in secret.name], "the control"


def test_it_is_installed_before_its_pages_are_asked_for_and_what_people_upload_is_kept() -> None:
    units = [unit.name for unit in declared("split", Unit) if unit.name.startswith("highbeam-")]

    assert units == [
        "highbeam-blog-settle.service",
        "highbeam-blog-admin.service",
        "highbeam-blog.service",
        "highbeam-blog-cron.timer",
    ]
    assert [each.path for each in declared("split", BackupPath)] == ["/srv/data/highbeam-blog/uploads"]
