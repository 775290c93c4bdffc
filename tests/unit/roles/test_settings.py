"""What the roles' settings refuse, in words that help."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from coopinfra.roles.base import BaseSettings
from coopinfra.roles.base.quiet_hours import upgrade_window
from coopinfra.roles.certificates import CertificatesSettings
from coopinfra.roles.website import WebsiteSettings


def sites(**site: Any) -> dict[str, Any]:
    return {"sites": {"main": {"domain": "www.highbeam.example", "source": {"folder": "sites/main"}, **site}}}


def test_a_site_needs_no_more_than_a_domain_and_a_source() -> None:
    settings = WebsiteSettings.model_validate(sites())

    assert settings.sites["main"].kind == "static"
    assert hash(settings) == hash(WebsiteSettings.model_validate(sites()))


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ({}, "a site needs a source"),
        ({"folder": "a", "git": "https://git.example.org/a"}, "this one has `folder` and `git`"),
        ({"folder": "a", "push": {}}, "this one has `folder` and `push`"),
        ({"folder": "a", "ref": "v1"}, "`ref` goes with `git` and `push`"),
        ({"folder": "../other"}, "is not a folder beside org.yml"),
        ({"folder": "/etc"}, "is not a folder beside org.yml"),
        ({"git": "--upload-pack=touch /tmp/x"}, "is not the address of a git repository"),
        ({"git": "ext::sh -c touch"}, "is not the address of a git repository"),
        ({"git": "http://git.example.org/a"}, "is not the address of a git repository"),
        ({"git": "https://git.example.org/a", "ref": "-x"}, "is not a branch, tag or commit"),
        ({"git": "https://git.example.org/a", "ref": "a..b"}, "is not a branch, tag or commit"),
    ],
)
def test_a_source_is_one_folder_or_one_repository(source: dict[str, str], said: str) -> None:
    with pytest.raises(ValidationError) as caught:
        WebsiteSettings.model_validate(sites(source=source))

    assert said in str(caught.value)


@pytest.mark.parametrize(
    "git",
    [
        "https://git.example.org/rosa/site.git",
        "ssh://git@git.example.org:2222/site",
        "git@git.example.org:rosa/site.git",
        "file:///srv/git/site",
    ],
)
def test_the_usual_addresses_of_repositories_are_taken(git: str) -> None:
    assert WebsiteSettings.model_validate(sites(source={"git": git})).sites["main"].source.git == git


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"directory": "http://authority.example/directory"}, "is not the address of an ACME directory"),
        ({"directory": "https://authority.example/$(id)"}, "is not the address of an ACME directory"),
        ({"ca_bundle": "ca.pem"}, "is not the path of a file on the server"),
        ({"ca_bundle": "/etc/my ca.pem"}, "is not the path of a file on the server"),
        ({"email": "nobody"}, "is not an email address"),
        ({"alarm_days": "0"}, "greater than or equal to 1"),
    ],
)
def test_an_authority_has_an_address_and_a_file_a_path(settings: dict[str, str], said: str) -> None:
    with pytest.raises(ValidationError) as caught:
        CertificatesSettings.model_validate(settings)

    assert said in str(caught.value)


def test_a_server_reboots_by_itself_unless_somebody_says_otherwise() -> None:
    assert BaseSettings().automatic_reboots
    with pytest.raises(ValidationError):
        BaseSettings.model_validate({"automatic_reboots": "no"})


@pytest.mark.parametrize(
    ("quiet_hours", "start", "spread"),
    [("02:00-05:00", "02:00", 60), ("23:30-04:00", "23:30", 90), ("03:00-03:01", "03:00", 1)],
)
def test_upgrades_start_in_the_first_third_of_the_quiet_hours(quiet_hours: str, start: str, spread: int) -> None:
    window = upgrade_window(quiet_hours)

    assert (window.start, window.spread) == (start, spread)
