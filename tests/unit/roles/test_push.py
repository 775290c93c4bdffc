"""Who may push a site, and what a push ends in: nothing of org.yml can be misread by sshd, sudo or a shell."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import TypeAdapter, ValidationError

from coopinfra.deploy.organisation.problems import PlanError
from coopinfra.deploy.planning.make import plan_of
from coopinfra.roles.contract import File
from coopinfra.roles.declarations import BackupPath, Login, Release
from coopinfra.roles.website.kinds import AnySite

SITES: TypeAdapter[AnySite] = TypeAdapter(AnySite)
ROSA = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAICktG+x6nAmJkRcljUrV7aY/PUdc3YKjqtGvwv+4hd6i rosa@laptop"
SAM = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIeC8HhrBbA2VU3SyAYqgeXUQ/KPsQH9CLTNTmXQij+j sam@laptop"
SITE = {"domain": "www.highbeam.example", "source": {"push": {"rosa": ROSA}}}
ORG = """\
name: High Beam Coffee Roasters
domain: highbeam.example
contacts: [{name: Rosa Ibarra, does: decides}]
servers:
  web1:
    address: 203.0.113.10
    port: %s
    roles:
      website:
        sites:
          main: {domain: www.highbeam.example, source: {push: {rosa: "%s"}, ref: live}}
"""
COLLECTIVE = "name: Lantern\noperators: {ada: {name: Ada Moreno, ssh_keys: ['%s']}}\n"


def plan(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    *,
    key: str = ROSA,
    operators: str = SAM,
    port: int = 22,
    org: str = ORG,
):
    (folder / "highbeam").mkdir()
    (folder / "highbeam/org.yml").write_text(org % (port, key))
    (folder / "collective.yml").write_text(COLLECTIVE % operators)
    monkeypatch.setenv("COOPINFRA_INVENTORIES", str(folder))
    return plan_of("highbeam").servers[0]


@pytest.mark.parametrize(
    ("setting", "value", "said"),
    [
        ("source", {"push": {"rosa": ROSA, "sam": ROSA.replace("rosa@", "sam@")}}, "have the same key"),
        ("source", {"push": {"rosa": f'command="sh" {ROSA}'}}, "is not a public SSH key"),
        ("source", {"push": {"rosa": f"{ROSA}\n{SAM}"}}, "more than one line"),
        ("source", {"push": {"rosa": "ssh-ed25519 AAAA"}}, "is not a whole SSH key"),
        ("source", {"push": {'rosa" sh': ROSA}}, "is not a short name"),
        ("source", {"push": {"rosa": ROSA}, "ref": "main; id"}, "is not a branch"),
        ("build", {"command": "hugo", "packages": ["hugo; id"]}, "is not the name of a Debian package"),
        ("build", {"command": "hugo", "version": "hugo version"}, "`version` is asked on the operator's side"),
    ],
)
def test_what_could_be_misread_is_refused(setting, value, said):
    with pytest.raises(ValidationError, match=said):
        SITES.validate_python({**SITE, setting: value})


def test_packages_of_a_build_on_the_operators_side_are_the_operators_business():
    with pytest.raises(ValidationError, match="`packages` are for a build on the server"):
        SITES.validate_python(
            {
                "domain": "www.highbeam.example",
                "source": {"folder": "x"},
                "build": {"command": "hugo", "packages": ["hugo"]},
            }
        )


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"kind": "proxy", "to": "http://127.0.0.1:8080"}, "Extra inputs"),
        ({"kind": "wordpress", "title": "x", "administrator_email": "a@b.example"}, "a WordPress cannot be pushed"),
    ],
)
def test_a_kind_that_operators_alone_publish_cannot_be_pushed(settings, said):
    with pytest.raises(ValidationError, match=said):
        SITES.validate_python({**SITE, **settings})


def test_a_key_runs_one_command_and_what_is_pushed_is_kept(tmp_path, monkeypatch):
    server = plan(tmp_path, monkeypatch, port=2222)

    keys = next(each for each in server.files if each.path == "/etc/ssh/authorized_keys.d/highbeam-main-push")
    assert isinstance(keys, File)
    assert keys.access
    assert keys.content.decode().splitlines()[1:] == [f'restrict,command="receive rosa" {ROSA}']
    (release,) = server.all(Release)
    assert release.pushed == "ssh://highbeam-main-push@web1.highbeam.example:2222/main"
    assert "/srv/data/highbeam-main.git" in {each.path for each in server.all(BackupPath)}
    assert "git" in server.packages


def test_who_is_taken_out_has_no_key_and_a_site_that_nobody_pushes_has_no_account(tmp_path, monkeypatch):
    server = plan(tmp_path, monkeypatch)
    (tmp_path / "highbeam/org.yml").write_text((ORG % (22, ROSA)).replace(f'rosa: "{ROSA}"', ""))
    nobody = plan_of("highbeam").servers[0]
    (tmp_path / "highbeam/org.yml").write_text(
        (ORG % (22, ROSA)).replace(f'push: {{rosa: "{ROSA}"}}, ref: live', 'git: "https://git.example.org/a"')
    )
    gone = plan_of("highbeam").servers[0]

    assert [login.keys for login in server.all(Login)] == [(("rosa", ROSA),)]
    assert [login.keys for login in nobody.all(Login)] == [()]
    assert gone.all(Login) == ()
    assert "git" not in gone.packages
    assert not [each.path for each in gone.files if "push" in each.path]


def test_the_key_of_an_operator_pushes_nothing(tmp_path, monkeypatch):
    with pytest.raises(PlanError, match="the key for `rosa` is the one with which `ada` logs in as an operator"):
        plan(tmp_path, monkeypatch, operators=ROSA.replace("rosa@laptop", "ada@desk"))


def test_who_shares_a_machine_brings_keys_of_its_own(tmp_path, monkeypatch):
    owner = "name: Lantern\ndomain: lantern.example\ncontacts: [{name: Ada Moreno, does: decides}]\n"
    machine = "servers: {shared1: {address: 203.0.113.10, tenants: {highbeam: {}}, roles: {base: {}}}}\n"
    (tmp_path / "lantern").mkdir()
    (tmp_path / "lantern/org.yml").write_text(owner + machine)
    where = ORG.replace("address: 203.0.113.10\n    port: %s", "machine: lantern/shared1  # %s")

    server = plan(tmp_path, monkeypatch, org=where)

    writers = {each.path: server.writers[each.path] for each in server.files}
    assert writers["/etc/ssh/authorized_keys.d/highbeam-main-push"] == "tenant"
    assert "AllowGroups operators guests" in next(
        each.content.decode() for each in plan_of("lantern").servers[0].files if "sshd_config" in each.path
    )
