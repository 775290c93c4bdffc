"""What load_org gives: one frozen object of both files, with places for whoever complains later."""

from __future__ import annotations

import shutil

import pytest
from pydantic import ValidationError

from coopinfra.deploy.organisation.load import load_named, load_org, to_organisation, to_server
from coopinfra.deploy.organisation.places import SHIPPED, find_inventories, new_inventories, org_folder, organisations
from coopinfra.deploy.organisation.problems import InputError


@pytest.fixture
def inventories(tmp_path, monkeypatch):
    copy = shutil.copytree(SHIPPED, tmp_path / "inventories")
    monkeypatch.setenv("COOPINFRA_INVENTORIES", str(copy))
    return copy


def test_the_example_reads_as_it_is_written(inventories):
    org = load_named("highbeam")

    organisation, server = to_organisation(org), to_server(org, "web1")
    assert (org.id, organisation.name) == ("highbeam", "High Beam Coffee Roasters")
    assert organisation.languages == ("en", "es")
    assert organisation.owns[0].paid_until == "2027-03-01"
    assert organisation.owns[1].paid_until == ""
    assert server.host_name == "web1.highbeam.example"
    assert server.addresses == ("203.0.113.10", "2001:db8::10")
    assert (server.port, server.first_login) == (22, "root")
    assert [operator.login for operator in server.operators] == ["ada", "bruno"]
    assert all(operator.ssh_keys for operator in server.operators)
    assert org.servers["web1"].roles["website"].sites["main"].domain == "www.highbeam.example"
    assert org.folder == inventories / "highbeam"


def test_two_readings_of_one_file_are_equal_and_have_one_hash(inventories):
    first, second = load_named("highbeam"), load_named("highbeam")

    assert first == second
    assert hash(first) == hash(second)
    assert first is not second


def test_nothing_of_it_can_be_changed(inventories):
    org = load_named("highbeam")

    with pytest.raises(ValidationError):
        org.domain = "other.example"
    with pytest.raises(TypeError):
        org.servers["web2"] = org.servers["web1"]


def test_a_place_is_the_line_of_a_setting_or_of_a_value_in_it(inventories):
    text = (inventories / "highbeam" / "org.yml").read_text().splitlines()
    org = load_named("highbeam")

    website = text.index("      website:") + 1
    assert org.place("servers", "web1", "roles", "website") == ("highbeam/org.yml", website)
    _, line = org.place("servers", "web1", "roles", "website", value="highbeam.example")
    assert "redirects_from" in text[line - 1]
    assert org.place("contacts", 1) == ("highbeam/org.yml", text.index("contacts:") + 3)
    # What is not in the file stands where it would be.
    assert org.place("servers", "web1", "roles", "base") == org.place("servers", "web1", "roles")
    assert org.place("nothing") == ("highbeam/org.yml", 1)


def test_text_stays_text_until_a_model_says_otherwise(inventories):
    path = inventories / "highbeam" / "org.yml"
    path.write_text(
        path.read_text().replace("kind: worker co-op", "kind: 10.10").replace("Rosa Ibarra, does", "no, does")
    )

    org = load_named("highbeam")

    assert org.kind == "10.10"
    assert org.contacts[0].name == "no"


def test_the_folder_of_an_organisation_has_a_short_name(inventories):
    odd = inventories / "High Beam"
    (inventories / "highbeam").rename(odd)

    with pytest.raises(InputError, match="not a short name"):
        load_org(odd)


@pytest.mark.parametrize("name", ["../highbeam", "/etc", "", ".", "high\0beam", "highbaem"])
def test_an_unknown_organisation_is_refused_with_those_there_are(name, inventories):
    with pytest.raises(InputError) as caught:
        org_folder(name)

    assert "there is no organisation" in caught.value.problems[0].message
    assert "`highbeam`" in caught.value.problems[0].hint


def test_inventories_are_found_above_the_working_directory_up_to_the_repository(tmp_path, monkeypatch):
    monkeypatch.delenv("COOPINFRA_INVENTORIES", raising=False)
    repository = tmp_path / "repository"
    (repository / "deep" / "deeper").mkdir(parents=True)
    shutil.copytree(SHIPPED, repository / "inventories")
    monkeypatch.chdir(repository / "deep" / "deeper")

    assert find_inventories() == repository / "inventories"
    assert organisations() == ("highbeam",)

    # Beyond a repository, and in folders of other tools, nothing is ours: there is the example, and a new place.
    (repository / "deep" / ".git").mkdir()
    (repository / "deep" / "inventories").mkdir()
    (repository / "deep" / "inventories" / "hosts").touch()
    assert find_inventories() == SHIPPED
    assert new_inventories() == repository / "deep" / "deeper" / "inventories"


def test_a_variable_that_leads_nowhere_is_refused(monkeypatch):
    monkeypatch.setenv("COOPINFRA_INVENTORIES", "/nowhere/at/all")

    with pytest.raises(InputError, match="there is no folder `/nowhere/at/all`"):
        find_inventories()
