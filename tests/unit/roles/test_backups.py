"""What backups and those who keep them tell each other, over the border of an organisation."""

from __future__ import annotations

from pathlib import Path

import pytest

from coopinfra.deploy.organisation.load import load_org
from coopinfra.deploy.organisation.problems import CoopinfraError
from coopinfra.deploy.planning.make import make_plan
from coopinfra.roles.contract import File
from coopinfra.roles.declarations import Kept

OPERATORS = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKMFxMqEgVJ/aaB2og6UE7sLqqZyh5D0vt2noPN0JxFj ada@lantern.example"
COLLECTIVE = f"""\
name: Lantern Tech Co-op
operators:
  ada:
    name: Ada Moreno
    ssh_keys: [{OPERATORS}]
"""
ORG = """\
name: An organisation
domain: {domain}
contacts: [{{name: Rosa Ibarra, does: decides}}]
servers:
  {server}:
    address: 203.0.113.10
    roles: {roles}
"""
CLIENT = "{postgresql: {databases: {members: {}}}, backups: {to: [lantern/vault1], leave_out: [/srv/shared/films]}}"


@pytest.fixture
def inventories(tmp_path: Path) -> Path:
    (tmp_path / "collective.yml").write_text(COLLECTIVE)
    _write(tmp_path, "highbeam", "web1", CLIENT)
    _write(tmp_path, "lantern", "vault1", "{backup-server: {keeps: [highbeam/web1]}}")
    return tmp_path


def _write(inventories: Path, name: str, server: str, roles: str) -> None:
    (inventories / name).mkdir(exist_ok=True)
    text = ORG.format(domain=f"{name}.example", server=server, roles=roles)
    (inventories / name / "org.yml").write_text(text)


def _files(inventories: Path, name: str) -> dict[str, str]:
    plan = make_plan(load_org(inventories / name))
    return {each.path: each.content.decode() for each in plan.servers[0].files if isinstance(each, File)}


def test_each_side_reads_only_the_clear_half_of_the_other(inventories: Path) -> None:
    before = _files(inventories, "lantern")["/etc/coopinfra/backup-server/htpasswd"]
    for path, text in (
        ("highbeam/secrets/web1/backups/login-lantern-vault1.pub", "$2y$10$hash"),
        ("lantern/secrets/vault1/backup-server/certificate.pub", "-----BEGIN CERTIFICATE-----"),
    ):
        (inventories / path).parent.mkdir(parents=True)
        (inventories / path).write_text(f"{text}\n")

    keeper, client = _files(inventories, "lantern"), _files(inventories, "highbeam")

    assert "$2y$" not in before
    assert "highbeam.web1:$2y$10$hash\n" in keeper["/etc/coopinfra/backup-server/htpasswd"]
    own = "/etc/coopinfra/backups/highbeam/lantern-vault1"
    assert "BEGIN CERTIFICATE" in client[f"{own}/certificate.pem"]
    assert "rest:https://vault1.lantern.example:8000/highbeam.web1/" in client[f"{own}/restic.env"]
    assert "@coopinfra-secret:highbeam" not in "".join(keeper.values())


def test_what_roles_declare_is_kept_and_what_is_left_out_is_named(inventories: Path) -> None:
    said = _files(inventories, "highbeam")["/etc/coopinfra/backups/highbeam/list"].splitlines()

    assert "dump postgresql-highbeam-members highbeam-members.dump highbeam-members.counts" in said
    assert "restore-postgresql-highbeam-members /usr/local/lib/coopinfra/postgresql restore highbeam-members" in said
    assert "without /srv/shared/films" in said


@pytest.mark.parametrize(
    ("to", "said"),
    [
        ("lantern/vault2", "`lantern` has no server `vault2`"),
        ("harbor/vault1", "there is no organisation `harbor`"),
        ("vault1", "`highbeam` has no server `vault1`"),
        ("web1", "`web1` names itself"),
    ],
)
def test_a_server_that_is_not_there_is_named_with_its_line(inventories: Path, to: str, said: str) -> None:
    _write(inventories, "highbeam", "web1", CLIENT.replace("lantern/vault1", to))

    with pytest.raises(CoopinfraError) as caught:
        make_plan(load_org(inventories / "highbeam"))

    assert said in str(caught.value)
    assert [each.line for each in caught.value.problems] == [7]


PRUNER = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILVfOI/nzBuQPKkR32Poxp5IoPMni4zqDZhtW1SQuqqv prunes"
DOORS = f"/etc/ssh/authorized_keys.d/{Kept.door}"


def _keeper(inventories: Path, prunes: str) -> None:
    _write(inventories, "lantern", "vault1", f"{{backup-server: {{keeps: [highbeam/web1], prunes: [{prunes}]}}}}")


def test_a_key_that_prunes_can_do_that_alone(inventories: Path) -> None:
    without = _files(inventories, "lantern")
    _keeper(inventories, PRUNER)

    (line,) = [line for line in _files(inventories, "lantern")[DOORS].splitlines() if "ssh-" in line]

    assert line.startswith('restrict,command="sudo -n -u restic-rest-server ')
    assert line.endswith(PRUNER)
    assert not [path for path in without if "door" in path]


@pytest.mark.parametrize(
    ("key", "said"),
    [
        (OPERATORS, "the key for `prune` is the one with which `ada` logs in as an operator"),
        ("ssh-ed25519 AAAA cut", "is not a whole SSH key"),
        ("id_ed25519.pub", "is not a public SSH key"),
    ],
)
def test_a_key_of_an_operator_and_what_is_none_are_refused(inventories: Path, key: str, said: str) -> None:
    _keeper(inventories, key)

    with pytest.raises(CoopinfraError) as caught:
        make_plan(load_org(inventories / "lantern"))

    assert said in str(caught.value)
    assert [each.line for each in caught.value.problems] == [7]


def test_a_further_copy_is_fetched_with_a_key_that_reads_from_a_host_that_is_pinned(inventories: Path) -> None:
    _write(inventories, "highbeam", "web1", "{backups: {to: [lantern/vault1], copies_at: [harbor/vault2]}}")
    _write(inventories, "harbor", "vault2", "{backup-server: {copies: {lantern/vault1: [highbeam/web1]}}}")
    _write(
        inventories,
        "lantern",
        "vault1",
        "{backup-server: {keeps: [highbeam/web1], copied_by: [harbor/vault2]}}",
    )
    unpinned = _files(inventories, "harbor")["/etc/coopinfra/backup-copy/known_hosts"]
    unmade = _files(inventories, "lantern")[DOORS]
    (inventories / "lantern/known_hosts").write_text("203.0.113.99 ssh-ed25519 other\n203.0.113.10 ssh-ed25519 AAAA\n")
    for path, text in (
        ("harbor/secrets/vault2/backup-server/copy-key.pub", "ssh-ed25519 BBBB"),
        ("highbeam/secrets/web1/backups/login-harbor-vault2.pub", "$2y$10$copy"),
    ):
        (inventories / path).parent.mkdir(parents=True)
        (inventories / path).write_text(f"{text}\n")

    first, second, client = (_files(inventories, name) for name in ("lantern", "harbor", "highbeam"))

    assert "ssh-" not in unpinned + unmade
    assert second["/etc/coopinfra/backup-copy/known_hosts"].splitlines()[1:] == ["203.0.113.10 ssh-ed25519 AAAA"]
    assert "coopinfra-backups@203.0.113.10: 22 highbeam.web1" in second["/usr/local/lib/coopinfra/backup-copy"]
    assert "highbeam.web1:$2y$10$copy\n" in second["/etc/coopinfra/backup-server/htpasswd"]
    (line,) = [line for line in first[DOORS].splitlines() if "ssh-" in line]
    assert 'backup-door copy \\"$SSH_ORIGINAL_COMMAND\\""' in line
    assert line.endswith("ssh-ed25519 BBBB")
    assert "place lantern-vault1\n" in client["/etc/coopinfra/backups/highbeam/list"]
    assert "place harbor-vault2" not in client["/etc/coopinfra/backups/highbeam/list"], "nothing is sent there"
    assert (
        "vault2.harbor.example:8000/highbeam.web1" in client["/etc/coopinfra/backups/highbeam/harbor-vault2/restic.env"]
    )


def test_a_keeper_of_nothing_is_refused(inventories: Path) -> None:
    _write(inventories, "lantern", "vault1", "{backup-server: {copied_by: [highbeam/web1]}}")

    with pytest.raises(CoopinfraError, match="it keeps nothing"):
        load_org(inventories / "lantern")
