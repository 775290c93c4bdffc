"""`coopinfra backup`, as it is typed; the servers are a stand-in that says what their scripts would."""

from __future__ import annotations

import json
import shutil
import time
from types import SimpleNamespace

import pytest

from coopinfra.deploy.jobs import backup, backup_restore
from coopinfra.deploy.organisation.places import SHIPPED
from entry import run_command

SCRIPT, RESTORE = "/usr/local/lib/coopinfra/backups", "/usr/local/lib/coopinfra/restore"
ID = "c0ffee" + "0" * 58
KEEPER = "/usr/local/lib/coopinfra/backup-server list highbeam.web1"
DATABASE = "postgresql-highbeam-members"
SNAPSHOTS = json.dumps([{"id": ID, "time": "2026-11-25T10:00:00Z", "summary": {"total_files_processed": 7}}])
ORG = """\
name: High Beam Coffee Roasters
domain: highbeam.example
contacts: [{name: Rosa Ibarra, does: decides}]
servers:
  web1:
    address: 203.0.113.10
    roles: {backups: {to: [vault1]}}
  vault1:
    address: 203.0.113.20
    roles: {backup-server: {keeps: [web1]}}
"""


@pytest.fixture
def says(monkeypatch):
    """What the servers say; whatever else is asked fails."""
    said = {
        f"{SCRIPT} list highbeam vault1": SNAPSHOTS,
        f"{RESTORE} contents highbeam vault1 {ID}": f"taken 1\nfiles 7 /srv/shared\ndatabase {DATABASE}\n",
        KEEPER: f"highbeam.web1 {time.time() - 3600:.0f} 4 2500000\n",
        "date +%s": f"{time.time():.0f}\n",
    }
    asked = []

    def run(command):
        asked.append(command)
        out = next((text for words, text in said.items() if command.endswith(words)), None)
        return SimpleNamespace(
            code=int(out is None), out=out or "", err="" if out is not None else "the disk is full\n"
        )

    connection = SimpleNamespace(label="web1", run=run, close=lambda: None)
    for module in (backup, backup_restore):
        monkeypatch.setattr(module, "connect", lambda _: connection)
    monkeypatch.setattr(
        backup,
        "targets",
        lambda plan: tuple(SimpleNamespace(label=each.server.id, server=each.server) for each in plan.servers),
    )
    monkeypatch.setattr(backup_restore, "run_checks", lambda *_: ())
    said["asked"] = asked
    return said


@pytest.fixture
def coopinfra(says, tmp_path, monkeypatch, capsys):
    """Run the command; return exit code, stdout and stderr."""
    shutil.copytree(SHIPPED, tmp_path / "inventories")
    (tmp_path / "inventories/highbeam/org.yml").write_text(ORG)
    monkeypatch.setenv("COOPINFRA_INVENTORIES", str(tmp_path / "inventories"))
    return lambda *words: run_command(monkeypatch, capsys, "backup", *words)


def test_backups_are_listed_with_the_start_of_their_id(coopinfra):
    code, out, err = coopinfra("list", "highbeam")

    assert (code, err) == (0, "")
    assert out == "c0ffee00  2026-11-25 10:00 UTC  web1  at vault1  7 files  0.0 MB\n"


def test_the_age_is_what_the_keeper_says_and_too_old_ends_with_1(coopinfra, says):
    code, out, _ = coopinfra("status", "highbeam")
    says["date +%s"] = f"{time.time() + 24 * 3600:.0f}\n"
    late, old, _ = coopinfra("status", "highbeam")
    says[KEEPER] = ""
    never, nothing, _ = coopinfra("status", "highbeam")

    assert (code, late, never) == (0, 1, 1)
    assert out == "web1  at vault1  newest 60 minutes ago  4 kept  2.5 MB\nweb1  last drill: never\n"
    assert "STALE: more than 14 hours" in old
    assert "never sent one" in nothing


def test_a_keeper_that_cannot_be_asked_is_an_error_and_no_silence(coopinfra, says):
    del says[KEEPER]

    code, out, err = coopinfra("status", "highbeam")

    assert (code, out) == (3, "")
    assert "the disk is full" in err


def test_a_restore_says_what_it_overwrites_and_does_nothing_unless_told_to(coopinfra, says):
    code, _, err = coopinfra("restore", "highbeam", "--all")

    assert code == 3
    assert "/srv/shared (7 files)" in err
    assert "database postgresql-highbeam-members" in err
    assert "nobody is there to say yes" in err
    assert not [command for command in says["asked"] if "systemd-run" in command]


def test_a_restore_names_the_backup_by_its_whole_id(coopinfra, says):
    says[f"{RESTORE} database highbeam vault1 {ID} postgresql-highbeam-members"] = "put back: it\n"

    code, out, _ = coopinfra("restore", "highbeam", "--database", "highbeam-members", "--at", "c0ffee", "--yes")

    assert (code, out) == (0, "put back: it\n")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "it is not clear what to put back"),
        (("--all", "--path", "/srv/shared"), "it is not clear what to put back"),
        (("--database", "shop"), "it holds `postgresql-highbeam-members`"),
        (("--all", "--at", "2020-01-01"), "there is no backup from before"),
        (("--all", "--server", "vault1"), "no backups of `highbeam` fit"),
    ],
)
def test_what_cannot_be_put_back_is_refused_before_anything_is_asked_for(coopinfra, words, said):
    code, _, err = coopinfra("restore", "highbeam", *words)

    assert code == 2
    assert said in err


def test_nothing_is_pruned_without_a_key_or_without_restic(coopinfra, says, tmp_path, monkeypatch):
    code, _, err = coopinfra("prune", "highbeam", "--key", str(tmp_path / "nothing"))
    monkeypatch.setattr(shutil, "which", lambda _: None)
    without, _, hint = coopinfra("prune", "highbeam", "--key", str(tmp_path / "nothing"))

    assert code == without == 2
    assert "there is no key" in err or "this machine has no" in err
    assert "`apt-get install restic`" in hint
    assert says["asked"] == []
