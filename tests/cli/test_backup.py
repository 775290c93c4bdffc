"""`coopinfra backup`, as it is typed; the servers are a stand-in that says what their scripts would."""

from __future__ import annotations

import json
import re
import shutil
import time
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from coopinfra.deploy.jobs import backup, backup_disk, backup_restore, backup_status, drill_receipt
from coopinfra.deploy.jobs.backup_outcomes import outcomes
from coopinfra.deploy.jobs.secrets import generate, keep, refuse_change
from coopinfra.deploy.organisation.places import SHIPPED
from coopinfra.deploy.organisation.problems import InputError
from coopinfra.deploy.planning.make import plan_of
from entry import run_command

SCRIPT, RESTORE = "/usr/local/lib/coopinfra/backups", "/usr/local/lib/coopinfra/restore"
ID = "c0ffee" + "0" * 58
KEEPER = "/usr/local/lib/coopinfra/backup-server list highbeam.web1"
VERIFIED = f"{SCRIPT} verified highbeam vault1"
DISK = "/usr/local/lib/coopinfra/backup-disk last highbeam.web1"
DATABASE = "postgresql-highbeam-members"
CONTENTS = f"""\
taken 1
files 7 /srv/shared
files 2 /srv/data/highbeam-shop/uploads
files 1 /srv/data/highbeam-main/uploads
dump {DATABASE} highbeam-members.dump highbeam-members.counts
dump mariadb-highbeam-shop highbeam-shop.dump highbeam-shop.counts
of postgresql database {DATABASE}
of website/shop database mariadb-highbeam-shop
of website/shop path /srv/data/highbeam-shop/uploads
of website/main path /srv/data/highbeam-main/uploads
of backups path /srv/shared
"""
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
        f"{RESTORE} contents highbeam vault1 {ID}": CONTENTS,
        KEEPER: f"highbeam.web1 {time.time() - 3600:.0f} 4 2500000\n",
        VERIFIED: f"vault1 {time.time() - 9 * 86400:.0f} {time.time() - 3 * 86400:.0f}\n",
        "date +%s": f"{time.time():.0f}\n",
    }
    asked = []

    def run(command):
        asked.append(command)
        out = next((text for words, text in said.items() if command.endswith(words)), None)
        return SimpleNamespace(
            code=int(out is None), out=out or "", err="" if out is not None else "the disk is full\n"
        )

    connection = SimpleNamespace(label="web1", run=run)
    for module in (backup, backup_disk, backup_restore, backup_status):
        monkeypatch.setattr(module, "connect", lambda _: nullcontext(connection))
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


@pytest.fixture
def drilled(tmp_path, monkeypatch):
    """A receipt as a drill writes it, but for its signature."""

    # That receipts without a signature do not count is tested with the chain.
    monkeypatch.setattr(drill_receipt, "chain_problems", lambda _: ())

    def write(days=1, minutes=3.0, result="green", place="vault1", number=1):
        began = (datetime.now(UTC) - timedelta(days=days)).isoformat()
        data = {"kind": "drill", "number": number, "server": "web1", "place": place, "result": result}
        data |= {"began": began, "minutes": minutes}
        folder = tmp_path / "inventories/highbeam/receipts"
        folder.mkdir(exist_ok=True)
        (folder / f"drill-{number}.json").write_text(json.dumps({**data, "previous": ""}))

    return write


def test_the_age_is_what_the_keeper_says_and_all_is_told_against_what_was_promised(coopinfra, drilled):
    drilled()

    code, out, err = coopinfra("status", "highbeam")

    assert (code, err) == (0, "")
    assert out.splitlines() == [
        "highbeam/web1 at vault1: 4 kept, 2.5 MB",
        "  ok  last backup: 60 minutes ago, 14 hours at most",
        "  ok  last read whole: 72 hours ago, 8 days at most",
        "  ok  last drill: 24 hours ago, 35 days at most",
    ]


def _day_later(says):
    says["date +%s"] = f"{time.time() + 24 * 3600:.0f}\n"


BROKEN = {
    "too old": (_day_later, "last backup: 25 hours ago, 14 hours at most: the newest came 25 hours ago"),
    "none": (lambda says: says.update({KEEPER: ""}), "last backup: it has never got one"),
    "not read": (
        lambda says: says.update({VERIFIED: f"vault1 5 {time.time() - 9 * 86400:.0f}\n"}),
        "last read whole: 9 days ago, 8 days at most: all of it was last read 9 days ago",
    ),
    "never read": (lambda says: says.update({VERIFIED: "vault1 5 0\n"}), "last read whole: all of it was never read"),
    "server down": (lambda says: says.pop(VERIFIED), "last read whole: web1: the disk is full"),
}


@pytest.mark.parametrize("wrong", BROKEN)
def test_whatever_is_older_than_it_may_be_ends_with_1(coopinfra, says, drilled, wrong):
    drilled()
    BROKEN[wrong][0](says)

    code, out, _ = coopinfra("status", "highbeam")

    assert code == 1
    assert [line for line in out.splitlines() if line.startswith("  RED ")] == [f"  RED {BROKEN[wrong][1]}"]


def test_of_a_young_server_not_all_need_be_read_yet(coopinfra, says, drilled):
    drilled()
    says[VERIFIED] = f"vault1 {time.time() - 86400:.0f} 0\n"

    code, out, _ = coopinfra("status", "highbeam")

    assert code == 0
    assert "  ok  last read whole: not yet\n" in out


@pytest.mark.parametrize(
    ("receipt", "said"),
    [
        ({}, ""),
        ({"days": 40}, "the last one was 40 days ago"),
        ({"result": "red"}, "drill-1.json says that not all came back from vault1"),
        ({"minutes": 300.0}, "it took 5 hours, and 4 hours were promised"),
    ],
)
def test_a_drill_is_held_against_the_promises(coopinfra, drilled, tmp_path, receipt, said):
    (tmp_path / "inventories/highbeam/org.yml").write_text(f"promises: {{back_within: 4h}}\n{ORG}")
    drilled(**receipt)

    code, out, _ = coopinfra("status", "highbeam")

    assert code == (1 if said else 0)
    assert not said or out.rstrip().endswith(said)


@pytest.fixture
def disk(coopinfra, says, tmp_path):
    """A disk in a drawer that got a copy two days ago; a function that has it plugged in so many days ago."""
    (tmp_path / "inventories/highbeam/org.yml").write_text(ORG.replace("[web1]}", "[web1], disk: drawer}"))

    def plugged_in(days):
        says[DISK] = f"highbeam.web1 {time.time() - days * 86400:.0f} 3 1500000\n"

    plugged_in(2)
    return plugged_in


@pytest.mark.parametrize(
    "copied",
    [
        (2, "  ok  last copy: 48 hours ago, 35 days at most"),
        (36, "  RED last copy: 36 days ago, 35 days at most: plug it in"),
        (None, "  RED last copy: it has never got one"),
    ],
)
def test_a_disk_in_a_drawer_stands_among_the_places_with_its_last_copy(coopinfra, disk, says, drilled, copied):
    days, said = copied
    drilled()
    if days:
        disk(days)
    else:
        says[DISK] = ""

    code, out, _ = coopinfra("status", "highbeam")

    assert code == (1 if "RED" in said else 0)
    at_disk = out.partition("highbeam/web1 at vault1/drawer: ")[2].splitlines()
    assert at_disk[0] == ("3 kept, 1.5 MB" if days else "0 kept, 0.0 MB")
    assert at_disk[1:] == [said, "  ok  last drill: not yet"]


@pytest.mark.usefixtures("disk")
def test_each_place_has_its_own_last_drill_and_one_that_was_red_stays_red_until_it_is_green_there(coopinfra, drilled):
    def drills():
        code, out, _ = coopinfra("status", "highbeam")
        return code, [line.strip() for line in out.splitlines() if "last drill" in line]

    drilled(days=3)
    drilled(days=2, number=2, result="red", place="vault1/drawer")
    red = drills()
    drilled(number=3)
    still = drills()
    drilled(number=4, place="vault1/drawer")

    says_so = "drill-2.json says that not all came back from vault1/drawer"
    assert red == (1, ["ok  last drill: 72 hours ago", f"RED last drill: 48 hours ago, 35 days at most: {says_so}"])
    assert still == (1, ["ok  last drill: 24 hours ago, 35 days at most", f"RED last drill: 48 hours ago: {says_so}"])
    assert drills() == (0, ["ok  last drill: 24 hours ago", "ok  last drill: 24 hours ago, 35 days at most"])


def test_a_drill_that_was_red_anywhere_makes_check_red_unless_that_place_is_given_up(disk, drilled):
    drilled(days=2, result="red", place="vault1/drawer")
    drilled(number=2)
    red = drill_receipt.wrong(plan_of("highbeam"), "web1", 35)
    drilled(days=2, result="red", place="vault0/drawer")

    assert red == "drill-1.json says that not all came back from vault1/drawer"
    assert not drill_receipt.wrong(plan_of("highbeam"), "web1", 35)


def test_without_a_name_all_organisations_are_told_and_one_that_is_wrong_hides_no_other(coopinfra, drilled, tmp_path):
    drilled()
    for name, text in (("plain", ORG.replace("{backups: {to: [vault1]}}", "{}")), ("spoilt", "name: x\n")):
        (tmp_path / "inventories" / name).mkdir()
        (tmp_path / "inventories" / name / "org.yml").write_text(text)

    code, out, err = coopinfra("status", "--json")

    (found,) = json.loads(out)
    assert (code, found["organisation"], found["broken"]) == (2, "highbeam", False)
    assert [each["name"] for each in found["promised"]] == ["last backup", "last read whole", "last drill"]
    assert "error: spoilt/org.yml" in err
    assert "plain" not in err


def test_a_promise_that_the_schedule_cannot_keep_is_an_error_of_the_plan(coopinfra, tmp_path):
    org = tmp_path / "inventories/highbeam/org.yml"
    org.write_text("promises: {lose_at_most: 6h}\n" + ORG.replace("[vault1]}", "[vault1], every: 6h}"))
    refused = coopinfra("status", "highbeam")
    org.write_text("promises: {lose_at_most: 7h}\n" + ORG)
    kept = coopinfra("status", "highbeam")

    assert refused[0] == 2
    assert "highbeam/org.yml:8: `backups` on `web1` makes one every 6h, and `lose_at_most: 6h`" in refused[2]
    assert "last backup: 60 minutes ago, 7 hours at most" in kept[1], "the control: it decides before two were missed"


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
    says[f"{RESTORE} some highbeam vault1 {ID} database postgresql-highbeam-members"] = "put back: it\n"

    code, out, _ = coopinfra("restore", "highbeam", "--database", "highbeam-members", "--at", "c0ffee", "--yes")

    assert (code, out) == (0, "put back: it\n")


SHOP = "database mariadb-highbeam-shop path /srv/data/highbeam-shop/uploads"
PARTS = {
    ("--site", "shop"): f"some highbeam vault1 {ID} {SHOP}",
    ("--service", "website"): f"some highbeam vault1 {ID} {SHOP} path /srv/data/highbeam-main/uploads",
    ("--service", "postgresql"): f"some highbeam vault1 {ID} database {DATABASE}",
    ("--site", "main", "--path", "/srv/shared/note"): (
        f"some highbeam vault1 {ID} path /srv/shared/note path /srv/data/highbeam-main/uploads"
    ),
    ("--all",): f"all highbeam vault1 {ID}",
    ("--site", "shop", "--into", "/root/look"): (
        f"extract highbeam vault1 {ID} /root/look"
        " /var/lib/coopinfra/backups/highbeam/stage/dumps/mariadb-highbeam-shop /srv/data/highbeam-shop/uploads"
    ),
}


@pytest.mark.parametrize("words", PARTS, ids=" ".join)
def test_a_site_or_a_service_is_all_that_the_backup_says_belongs_to_it(coopinfra, says, words):
    says[f"{RESTORE} {PARTS[words]}"] = "put back: it\n"

    code, out, _ = coopinfra("restore", "highbeam", *words, "--yes")

    assert (code, out) == (0, "put back: it\n")


@pytest.mark.parametrize(("there", "code"), [("0.3.0", 2), ("0.10.0", 0), ("0.12.0", 0)])
def test_a_server_with_an_older_release_than_the_backup_takes_nothing_of_it(coopinfra, says, there, code):
    says[f"{RESTORE} contents highbeam vault1 {ID}"] = f"release 0.10.0\nrelease {there}\n{CONTENTS}"
    says[f"{RESTORE} all highbeam vault1 {ID}"] = "put back: it\n"

    ended, _, err = coopinfra("restore", "highbeam", "--all", "--yes")

    assert ended == code
    assert ("web1 was deployed by coopinfra 0.3.0, and the backup is of 0.10.0" in err) is bool(code)


def test_an_older_backup_that_does_not_say_what_belongs_to_whom_is_no_guess(coopinfra, says):
    before = CONTENTS.partition("of postgresql")[0]
    says[f"{RESTORE} contents highbeam vault1 {ID}"] = before

    code, _, err = coopinfra("restore", "highbeam", "--site", "shop", "--yes")

    assert code == 2
    assert "the backup holds nothing of a site `shop`" in err
    assert "`--path` and `--database` bring back each" in err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "it is not clear what to put back"),
        (("--all", "--path", "/srv/shared"), "it is not clear what to put back"),
        (("--all", "--site", "shop"), "it is not clear what to put back"),
        (("--database", "blog"), "it holds `postgresql-highbeam-members`, `mariadb-highbeam-shop`"),
        (("--site", "shpo"), "did you mean `shop`?"),
        (("--service", "mail"), "it holds `backups`, `postgresql`, `website`"),
        (
            ("--all", "--to", "vault1", "--into", "/root/look"),
            "a folder is offered only where the server itself reads its backups",
        ),
        (("--all", "--at", "2020-01-01"), "there is no backup from before"),
        (("--all", "--place", "vault"), "did you mean `vault1`?"),
        (("--all", "--server", "vault1"), "there is no server `vault1` with these backups"),
    ],
)
def test_what_cannot_be_put_back_is_refused_before_anything_is_asked_for(coopinfra, words, said):
    code, _, err = coopinfra("restore", "highbeam", *words)

    assert code == 2
    assert said in err


DATA = ORG.replace("{backups: {to: [vault1]}}", "{postgresql: {databases: {members: {}}}BACKUPS}")


def test_who_has_data_and_no_backups_is_red_among_all_organisations(coopinfra, drilled, tmp_path):
    drilled()
    (tmp_path / "inventories/lowtide").mkdir()
    (tmp_path / "inventories/lowtide/org.yml").write_text(DATA.replace("BACKUPS", ""))

    code, out, _ = coopinfra("status")

    assert code == 1
    assert [line for line in out.splitlines() if "RED" in line or line.startswith("lowtide")] == [
        "lowtide/web1 at no place: 0 kept, 0.0 MB",
        "  RED last backup: nobody keeps a copy of postgresql-lowtide-members",
    ]


def test_receipts_are_listed_with_what_they_say(coopinfra, drilled):
    drilled(days=0)

    code, out, _ = coopinfra("receipts", "highbeam")

    assert code == 0
    assert re.fullmatch(r"drill-1\.json  [-0-9T:.+]+  web1  green  3\.0  minutes\n", out)


@pytest.mark.parametrize("has_backups", [False, True])
def test_data_that_no_backup_takes_are_warned_of_by_plan_and_red_in_check(
    coopinfra, monkeypatch, capsys, tmp_path, has_backups
):
    """With backups nobody warns: the control."""
    org = tmp_path / "inventories/highbeam/org.yml"
    org.write_text(DATA.replace("BACKUPS", ", backups: {to: [vault1]}" if has_backups else ""))

    code, _, err = run_command(monkeypatch, capsys, "plan", "highbeam", "--offline")
    plan = plan_of("highbeam")
    said = [each for each in outcomes(plan, plan.servers[0]) if "cannot be made anew" in each.sentence]

    assert code == 0
    assert ("warning: web1: nobody keeps a copy of postgresql-highbeam-members" in err) is not has_backups
    assert [each.found for each in said] == (
        [] if has_backups else ["nobody keeps a copy of postgresql-highbeam-members"]
    )


def test_the_key_of_the_backups_is_never_replaced_and_it_is_said_why(coopinfra):
    kept = keep("highbeam")
    generate(kept)

    # The control: a login is.
    refuse_change(kept, "web1/backups/login-vault1", kept.declared("web1/backups/login-vault1"))
    with pytest.raises(InputError, match="`web1/backups/key` is never replaced: it opens all older backups"):
        refuse_change(kept, "web1/backups/key", kept.declared("web1/backups/key"))


def test_nothing_is_pruned_without_a_key_or_without_restic(coopinfra, says, tmp_path, monkeypatch):
    code, _, err = coopinfra("prune", "highbeam", "--key", str(tmp_path / "nothing"))
    monkeypatch.setattr(shutil, "which", lambda _: None)
    without, _, hint = coopinfra("prune", "highbeam", "--key", str(tmp_path / "nothing"))

    assert code == without == 2
    assert "there is no key" in err or "this machine has no" in err
    assert "`apt-get install restic`" in hint
    assert says["asked"] == []
