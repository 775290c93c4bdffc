"""The keeper's own alarm, run by a real shell on a folder that looks like backups: true sizes, sums and times."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

import pytest

from coopinfra.deploy.organisation.load import load_org
from coopinfra.deploy.planning.make import make_plan
from coopinfra.roles.contract import File

NAME = "highbeam.web1"
ORG = """\
name: High Beam Coffee Roasters
domain: highbeam.example
contacts: [{name: Rosa Ibarra, does: decides}]
servers:
  vault1:
    address: 203.0.113.10
    roles: {backup-server: {keeps: [web1], gigabytes_each: 1}}
  web1:
    address: 203.0.113.20
    roles: {backups: {to: [vault1]}}
"""
COLLECTIVE = """\
name: Lantern Tech Co-op
operators:
  ada:
    name: Ada Moreno
    ssh_keys: [ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKMFxMqEgVJ/aaB2og6UE7sLqqZyh5D0vt2noPN0JxFj ada@lantern.example]
"""


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    """What one server has sent: a snapshot of today, and what is written once."""
    folder = tmp_path / "kept" / NAME
    for each in ("snapshots", "keys", "data/00", "index", "locks"):
        (folder / each).mkdir(parents=True)
    (folder / "config").write_text("settings")
    (folder / "keys/one").write_text("a key")
    (folder / "snapshots/first").write_bytes(b"x" * 300)
    return folder


@pytest.fixture
def doctor(tmp_path, kept):
    """Run the script as the server gets it; return its exit code and what it says."""
    (tmp_path / "highbeam").mkdir()
    (tmp_path / "memory").mkdir()
    (tmp_path / "collective.yml").write_text(COLLECTIVE)
    (tmp_path / "highbeam/org.yml").write_text(ORG)
    files = make_plan(load_org(tmp_path / "highbeam")).servers[0].files
    (script,) = (each for each in files if isinstance(each, File) and each.path.endswith("/backup-doctor"))
    text = script.content.decode().replace("/srv/backups", f"{tmp_path}/kept")
    text = text.replace("/var/lib/coopinfra/backup-server", f"{tmp_path}/memory")
    # What the disk of whoever tests has used is nobody's alarm here.
    (tmp_path / "doctor").write_text(text.replace('"$used" -lt 90', '"$used" -le 100'))

    def run(*words):
        done = subprocess.run(["sh", tmp_path / "doctor", *words], capture_output=True, text=True, check=False)
        return done.returncode, (done.stdout + done.stderr).strip()

    assert run("doctor") == (0, "")
    return run


def test_what_is_well_stays_well(doctor, kept):
    (kept / "snapshots/second").write_bytes(b"y" * 300)

    assert doctor("look") == doctor("doctor") == doctor("doctor") == (0, "")


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda kept: (kept / "snapshots/junk").write_text("junk"), "snapshots/junk is too small to be a backup"),
        (lambda kept: (kept / "keys/two").write_text("x"), "was changed, added or removed: keys/two"),
        (lambda kept: (kept / "keys/one").unlink(), "was changed, added or removed: keys/one"),
        (lambda kept: (kept / "config").write_text("x"), "was changed, added or removed: config"),
        (lambda kept: (kept / "snapshots/first").unlink(), "1 backups are gone, and nobody has pruned"),
        (lambda kept: os.utime(kept / "snapshots/first", (2**32, 2**32)), "came in the future"),
        (lambda kept: [(kept / f"snapshots/{n}").write_bytes(b"z" * 300) for n in range(101)], "came in one day"),
    ],
)
def test_what_should_not_be_is_said_until_somebody_accepts_it(doctor, kept, spoil, said):
    spoil(kept)

    first, again = doctor("doctor"), doctor("doctor")
    looked = doctor("look")
    doctor("accept", NAME)
    accepted = doctor("look")

    assert first == again == looked
    assert first[0] == 1
    assert first[1].startswith(f"{NAME}: ")
    assert said in first[1]
    if "accept" in said or "changed" in said or "gone" in said:
        assert accepted == (0, ""), "the others are mended, and not accepted"


def test_silence_is_an_alarm_also_of_who_has_never_sent_anything(doctor, kept, tmp_path):
    old = time.time() - 27 * 3600
    os.utime(kept / "snapshots/first", (old, old))
    young = doctor("doctor")
    os.utime(tmp_path / f"memory/{NAME}.since", (old, old))
    late = doctor("doctor")
    (kept / "snapshots/first").unlink()

    assert young == (0, ""), "counted from when it was first looked at"
    assert late == (1, f"{NAME}: has sent nothing for 27 hours")
    assert doctor("doctor")[1].endswith(f"{NAME}: has sent nothing for 27 hours")


def test_who_has_too_much_cannot_add_until_it_is_less(doctor, kept):
    with (kept / "data/00/large").open("wb") as stream:
        stream.truncate(2_000_000_000)

    code, said = doctor("doctor")
    closed = [oct(each.stat().st_mode & 0o200) for each in sorted(kept.rglob("*")) if each.is_dir()]
    (kept / "data/00/large").unlink()
    after = doctor("doctor")

    assert code == 1
    assert "it can add nothing now" in said
    assert closed == ["0o0", "0o0", "0o0", "0o0", "0o200", "0o0"], "all but the locks, which readers make"
    assert after == (0, "")
    assert all(each.stat().st_mode & 0o200 for each in kept.rglob("*") if each.is_dir())
