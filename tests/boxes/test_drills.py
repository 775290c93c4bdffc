"""Whether a server comes back is tried in a box without a way out; and whatever is wrong with a backup turns it red."""

from __future__ import annotations

import json
import shutil
import signal

import pytest

from boxes import Operator
from coopinfra.deploy.lab import lab as labs
from coopinfra.deploy.lab.state import BoxSpec
from faults import running, wait_for
from vault import BACKUPS, CLIENT, NAME, REPOSITORY, RESTIC, STATE, seed, sql, two_machines

pytestmark = pytest.mark.timeout(1200)

SITE = "website: {sites: {main: {domain: www.highbeam.example, source: {folder: sites/main}, preview_password: true}}}"
PROMISES = "promises: {lose_at_most: 24h, back_within: 4h}\n"
ORG = PROMISES + CLIENT.replace(BACKUPS, f"{BACKUPS}\n      {SITE}")
OPENS = "the backups open with the key in the inventory, and nothing else lies among them"
COPY = "/root/copy"
MUTANT = "/root/mutant"
DUMP = f"{STATE}/stage/dumps/postgresql-{NAME}"
POSTGRESQL = "/usr/local/lib/coopinfra/postgresql"


@pytest.fixture(scope="module")
def operator(lab):
    """Somebody who looks after both organisations."""
    operator = two_machines(lab, ORG)
    seed(operator)
    operator.ok("backup", "now", "highbeam")
    return operator


@pytest.fixture
def drill(operator):
    """Drill, and return what was wrong by sentence, without what the keeper and the inventory look like afterwards."""
    secrets = operator.folder / "secrets"
    shutil.copytree(secrets, operator.lab.folder / "secrets-as-they-were")
    operator.root(f"cp -a {REPOSITORY}/snapshots /root/snapshots", box="vault1")

    def run():
        ran = operator.run("backup", "drill", "highbeam", "--json")
        (done,) = json.loads(ran.stdout)
        assert ran.returncode == (0 if done["result"] == "green" else 1)
        return {each["sentence"]: each["found"] for each in done["findings"] if each["found"]}

    yield run
    shutil.rmtree(secrets)
    shutil.move(operator.lab.folder / "secrets-as-they-were", secrets)
    operator.root(f"rm -rf {REPOSITORY}/snapshots && mv /root/snapshots {REPOSITORY}/snapshots", box="vault1")


def labs_of_drills(operator):
    """Name the labs that drills have made, in which they do it: within the lab that they are asked for in."""
    return [path.parent.name for path in operator.lab.folder.glob("state/coopinfra/labs/*/lab.json")]


def test_a_server_comes_back_and_the_receipt_says_how_long_it_took(operator):
    before = operator.run("check", "highbeam", "--json").stdout
    sql(operator, "UPDATE people SET name = 'later' WHERE id = 1")

    ran = operator.run("backup", "drill", "highbeam", "--json")

    (done,) = json.loads(ran.stdout)
    assert (ran.returncode, done["result"]) == (0, "green"), ran.stderr
    said = [each["sentence"] for each in done["findings"]]
    assert f"put back: postgresql-{NAME}, 1 tables with the same rows and sums" in said
    assert any(each.startswith("compared: ") and "files" in each for each in said)
    assert "https://www.highbeam.example/ shows its page" in said
    assert "highbeam-members gets into its database highbeam-members" in said
    assert "the server was back within 4 hours, as promised" in said
    assert done["packets_out"] == 0
    assert 0 < done["minutes"] < 60
    receipt = operator.folder / "receipts/drill-1.json"
    assert "All of it came back." in receipt.with_suffix(".md").read_text()
    assert "Promised: 4 hours at most." in receipt.with_suffix(".md").read_text()
    due = operator.run("backup", "drill", "--due")
    assert (due.returncode, due.stderr) == (0, "nothing was due\n")
    assert "last drill: " in operator.ok("backup", "status").stdout
    assert "nobody has ever tried" in before
    assert "in a drill" not in json.dumps(operator.red())
    assert operator.data("backup", "receipts", "highbeam")["problems"] == []
    assert labs_of_drills(operator) == []

    text = receipt.read_text()
    receipt.write_text(text.replace('"green"', '"green!"'))
    edited = operator.run("backup", "receipts", "highbeam")
    receipt.write_text(text)

    assert edited.returncode == 1
    assert "drill-1.json is not as its signature says" in edited.stderr


@pytest.mark.rest
def test_of_a_drill_that_was_killed_the_next_one_removes_the_box_and_is_green_and_two_at_once_are_refused(operator):
    receipts = sorted((operator.folder / "receipts").glob("*.json"))
    with running(operator, "backup", "drill", "highbeam") as first:
        wait_for("its box", lambda: labs_of_drills(operator), seconds=120)
        second = operator.run("backup", "drill", "highbeam")
        first.signal(signal.SIGKILL)
        first.process.wait()
    left = labs_of_drills(operator)
    none = sorted((operator.folder / "receipts").glob("*.json"))

    ran = operator.run("backup", "drill", "highbeam", "--json")

    assert second.returncode == 3
    assert "another command works on `highbeam`" in second.stderr
    assert left, "the control: killed, it leaves its box"
    assert none == receipts, "neither says anything about the backups"
    assert (ran.returncode, json.loads(ran.stdout)[0]["result"]) == (0, "green"), ran.stderr
    assert labs_of_drills(operator) == []


@pytest.mark.rest
def test_one_that_takes_longer_than_was_promised_is_red_though_all_came_back(operator, drill):
    org = operator.folder / "org.yml"
    org.write_text(ORG.replace("back_within: 4h", "back_within: 1m"))

    found = drill()
    org.write_text(ORG)

    assert list(found) == ["the server was back within 1 minutes, as promised"]
    assert found.popitem()[1].startswith("it took ")


def _another(operator, *names):
    for name in names:
        (operator.folder / f"secrets/web1/{name}.age").unlink()
    operator.ok("secrets", "generate", "highbeam")


def _newest(operator):
    return operator.root(f"ls -t {REPOSITORY}/snapshots | head -n1", box="vault1").strip()


def test_another_key_than_the_backups_have_turns_it_red(operator, drill):
    _another(operator, "backups/key")

    found = drill()

    assert list(found) == [OPENS]
    assert "wrong password" in found[OPENS]


def test_another_secret_than_the_backup_was_made_with_turns_it_red(operator, drill):
    _another(operator, "website/main-password", "website/main-htpasswd")

    found = drill()

    assert list(found) == ["the secrets are those that the backup was made with"]
    assert "htpasswd" in found["the secrets are those that the backup was made with"]


@pytest.mark.rest
def test_no_backup_at_all_turns_it_red(operator, drill):
    operator.root(f"rm {REPOSITORY}/snapshots/*", box="vault1")

    assert drill() == {"there is a backup": "there is none"}


@pytest.mark.rest
def test_a_backup_that_holds_nothing_turns_it_red(operator, drill):
    operator.root(f"mkdir -p /srv/nothing; {RESTIC} backup /srv/nothing")

    assert "no such file" in drill()["the newest backup says what is in it"].lower() or "cannot dump" in str(drill())


def test_a_backup_of_three_days_ago_turns_it_red(operator, drill):
    operator.root(f"rm {REPOSITORY}/snapshots/*", box="vault1")
    operator.root(f"{RESTIC} backup --time \"$(date -d '3 days ago' '+%F %T')\" /srv/shared")

    assert drill()["the newest backup is no older than 14 hours"] == "it is 72 hours old"


@pytest.mark.rest
def test_a_backup_from_the_future_turns_it_red(operator, drill):
    operator.root(f"{RESTIC} backup --time \"$(date -d 'tomorrow' '+%F %T')\" /srv/shared")

    assert "it says that it was made at" in drill()["the newest backup is not from the future"]


@pytest.mark.rest
def test_a_clock_that_is_off_turns_it_red(operator, drill):
    operator.root(f"touch -d '3 hours ago' {REPOSITORY}/snapshots/*", box="vault1")

    assert list(drill()) == ["the newest backup came when it says that it was made"]


def test_junk_among_the_backups_turns_it_red(operator, drill):
    operator.root(
        f"cd {REPOSITORY}/snapshots; echo junk >new; mv new $(sha256sum new | cut -d' ' -f1); chown -R --reference=. .",
        box="vault1",
    )

    assert list(drill()) == [OPENS]


@pytest.mark.rest
def test_a_damaged_disk_of_the_keeper_turns_it_red(operator):
    operator.root("head -c 3000000 /dev/urandom >/srv/shared/large")
    operator.ok("backup", "now", "highbeam")
    pack = operator.root(f"find {REPOSITORY}/data -type f -size +2M", box="vault1").split()[0]
    operator.root(f"cp -a {pack} /root/pack; printf evil | dd of={pack} bs=1 seek=1000000 conv=notrunc", box="vault1")

    ran = operator.run("backup", "drill", "highbeam")
    operator.root(f"cp -a /root/pack {pack}", box="vault1")
    operator.root("rm /srv/shared/large")
    operator.ok("backup", "now", "highbeam")

    assert ran.returncode == 1
    assert "RED: the drill came to its end" in ran.stderr


@pytest.fixture(scope="module")
def copy(operator):
    """A whole backup in a folder of the server, as a drill unpacks it; what follows spoils copies of it."""
    restored = f"restore latest --target {COPY}"
    operator.root(f"{RESTIC} {restored} && {POSTGRESQL} count {NAME} >/root/counts")
    return operator


def spoilt(operator, command):
    """Bring back a spoilt copy of the backup; return what the server says."""
    operator.root(f"rm -rf {MUTANT}; cp -a {COPY} {MUTANT}; cd {MUTANT}; {command}")
    words = f"/usr/local/lib/coopinfra/restore all highbeam {MUTANT} 0123"
    ran = labs.shell(operator.lab, "web1", words, check=False)
    return ran.returncode, ran.stdout + ran.stderr


def test_a_copy_that_nobody_spoilt_comes_back(copy):
    code, said = spoilt(copy, "true")

    assert code == 0, said
    assert "compared: " in said


def _dumped_after(statement):
    """Another copy of the database under the counts of the first."""
    again = f"cd / && runuser -u {NAME} -- psql -X -q -d {NAME} -c '{statement}'; {POSTGRESQL} dump {NAME} /root/other"
    return f"({again}); cp /root/other/{NAME}.dump {MUTANT}{DUMP}/"


MUTANTS = {
    "a truncated dump": (f"truncate -s -9000 {MUTANT}{DUMP}/{NAME}.dump", "was not put back"),
    "an empty dump": (f"truncate -s 0 {MUTANT}{DUMP}/{NAME}.dump", "was not put back"),
    "one changed row": (_dumped_after("UPDATE people SET name = 0 WHERE id = 7"), "is not as it was"),
    "a missing row": (_dumped_after("DELETE FROM people WHERE id = 8"), "is not as it was"),
    "an older schema": (_dumped_after("ALTER TABLE people DROP COLUMN name"), "is not as it was"),
    "a dropped table": (_dumped_after("DROP TABLE people"), "is not as it was"),
    "missing files": (f"rm -r {MUTANT}/srv/shared", "/srv/shared is not in the backup"),
    "half of the files": (f"rm {MUTANT}/srv/shared/note", "/srv/shared has 1 files back of 2"),
    "a changed file": (
        f"cd {MUTANT}/srv/shared; echo other >note; touch -d 2020-01-01 note",
        "is not as it was",
    ),
    "no list": (f"rm {MUTANT}{STATE}/stage/list", "says nothing of what is in it"),
    "a disk that is too small": (
        (
            f"mkdir -p /srv/small {MUTANT}/srv/small; head -c 2000000 /dev/zero >{MUTANT}/srv/small/data;"
            " mountpoint -q /srv/small || mount -t tmpfs -o size=1m none /srv/small;"
            f" echo /srv/small/data >>{MUTANT}{STATE}/stage/paths"
        ),
        "there is no room in /srv/small",
    ),
}


CORE = ("a truncated dump", "one changed row", "an older schema", "missing files", "a changed file")


@pytest.mark.parametrize(
    "mutant", [name if name in CORE else pytest.param(name, marks=pytest.mark.rest) for name in MUTANTS]
)
def test_a_spoilt_copy_is_not_taken_for_a_good_one(copy, mutant):
    command, reason = MUTANTS[mutant]

    code, said = spoilt(copy, command)

    assert code != 0
    assert reason in said
    assert spoilt(copy, "true")[0] == 0 or mutant == "a disk that is too small"


OWNER = """\
name: Nightowl Machines
domain: nightowl.example
contacts: [{name: Ada Moreno, does: decides}]
servers:
  shared1:
    address: 203.0.113.50
    tenants: {alder: {memory_megabytes: 256}, birch: {}}
    roles: {valkey: {caches: {own: {user: demo}}}}
"""
TENANT = """\
name: Alder
domain: alder.example
contacts: [{name: Rosa Ibarra, does: decides}]
servers:
  web:
    machine: nightowl/shared1
    roles:
      postgresql: {databases: {members: {}}}
      backups: {to: [collective/vault1]}
"""


@pytest.mark.rest
def test_a_tenant_of_a_shared_machine_comes_back_without_its_owner_and_neighbours(operator):
    keeper = operator.lab.inventories / "collective/org.yml"
    kept = keeper.read_text()
    keeper.write_text(kept.replace("keeps: [highbeam/web1]", "keeps: [highbeam/web1, alder/web]"))
    for name, text in (("nightowl", OWNER), ("alder", TENANT)):
        (operator.lab.inventories / name).mkdir()
        (operator.lab.inventories / name / "org.yml").write_text(text)
    labs.add_box(labs.load(operator.lab.name), BoxSpec("shared1", "203.0.113.50", organisation="nightowl"))
    at = Operator(labs.load(operator.lab.name))
    for name in ("nightowl", "alder"):
        at.ok("secrets", "generate", name)
    for name in ("collective", "nightowl", "alder"):
        at.ok("deploy", name, "--yes")
    sql = 'cd / && runuser -u alder-members -- psql -q -d alder-members -c "CREATE TABLE t AS SELECT 1 AS n"'
    at.root(sql, box="shared1")
    at.ok("backup", "now", "alder")

    ran = at.run("backup", "drill", "alder", "--json")
    labs.remove_box(labs.load(operator.lab.name), "shared1")
    keeper.write_text(kept)
    at.ok("deploy", "collective", "--yes")

    (done,) = json.loads(ran.stdout)
    assert (ran.returncode, done["result"], done["server"]) == (0, "green", "web"), ran.stderr
    said = [each["sentence"] for each in done["findings"]]
    assert "put back: postgresql-alder-members, 1 tables with the same rows and sums" in said
    assert "alder-members gets into its database alder-members" in said
    assert not [each for each in said if "valkey" in each or "cache" in each]
    assert labs_of_drills(operator) == []
