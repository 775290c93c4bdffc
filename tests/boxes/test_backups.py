"""Backups on two real machines: what is kept, who cannot take it away, and what comes back."""

from __future__ import annotations

import json
import random
import shutil
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from boxes import Operator
from coopinfra.deploy.lab import lab as labs
from coopinfra.deploy.lab.state import BoxSpec
from vault import ANSWERS, BACKUPS, CLIENT, LISTS, NAME, REPOSITORY, RESTIC, STATE, UNIT, WEB, seed, sql, two_machines

pytestmark = pytest.mark.timeout(900)

SITE = (
    "website: {sites: {shop: {domain: shop.highbeam.example, kind: php, source: {folder: sites/main},"
    " writable: [uploads], database: postgresql}}}"
)
ORG = CLIENT.replace(BACKUPS, f"{BACKUPS}\n      {SITE}")
UPLOADS = "/srv/data/highbeam-shop/uploads"
ASIDE = f"{STATE}/aside"
# Whoever copies the orders waits for this one.
HOLD_ORDERS = "psql -X -q -d highbeam-shop -c 'BEGIN; LOCK TABLE orders; SELECT pg_sleep(300)'"
ENDED = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%LOCK%' AND pid <> pg_backend_pid()"
LET_GO = f'cd /; runuser -u postgres -- psql -X -q -c "{ENDED}" >/dev/null'
# What the site itself sees of its data, and where it writes.
LOOK = """<?php
if ($_SERVER["REQUEST_METHOD"] === "POST") file_put_contents(__DIR__ . "/uploads/new.txt", "written");
$line = pg_connect("host=" . getenv("DB_SOCKET") . " dbname=" . getenv("DB_NAME") . " user=" . getenv("DB_USER"));
echo trim(file_get_contents(__DIR__ . "/uploads/beam.png")), " ";
echo pg_fetch_result(pg_query($line, "SELECT count(*) FROM orders"), 0);
"""


@pytest.fixture(scope="module")
def operator(lab):
    """Somebody who looks after both."""
    (lab.inventories / "highbeam/sites/main/look.php").write_text(LOOK)
    return two_machines(lab, ORG)


def look(operator, *options):
    """Ask the site as a visitor does."""
    return operator.outside("curl", "-sS", *options, "https://shop.highbeam.example/look.php").stdout


def shop(operator, statement):
    """Run one statement in the database of the site, as its owner."""
    return operator.root(
        f'cd / && runuser -u highbeam-shop -- psql -X -A -t -q -d highbeam-shop -c "{statement}"'
    ).strip()


@pytest.fixture(scope="module", autouse=True)
def seeded(operator):
    """A database, files of several kinds, and a first backup; before it, everybody says that there is none."""
    seed(operator)
    operator.root(f"echo picture >{UPLOADS}/beam.png; chown highbeam-shop: {UPLOADS}/beam.png")
    shop(operator, "CREATE TABLE orders (id integer); INSERT INTO orders VALUES (1), (2)")
    before = [operator.red(each) for each in ("highbeam", "collective")]
    status = operator.run("backup", "status", "highbeam")

    made = operator.ok("backup", "now", "highbeam")

    assert before == [
        {
            "web1 has sent a backup to collective-vault1 in the last 14 hours": "it has never sent one",
            "collective-vault1 has a backup of web1 from the last 14 hours": "it has never got one",
        },
        {"highbeam.web1 has sent a backup to vault1 in the last 26 hours": "it has never sent one"},
    ]
    assert status.returncode == 1
    assert "RED last backup: it has never got one" in " ".join(status.stdout.split())
    assert made.stdout == "web1: sent to collective-vault1\n"


def test_all_is_well_after_a_backup_and_a_further_deploy_changes_nothing(operator):
    for organisation, server in (("highbeam", "web1"), ("collective", "vault1")):
        assert f"{server}: nothing to change" in operator.ok("deploy", organisation, "--yes").stderr
        assert operator.red(organisation) == {}
    listed = operator.data("backup", "list", "highbeam")
    held = operator.root(f"{RESTIC} ls latest")

    assert len(listed) >= 1
    assert "stage/dumps/postgresql-highbeam-members/highbeam-members.dump" in held
    assert "/srv/shared/odd [name]*" in held
    assert "films" not in held
    assert "is sound" in operator.ok("backup", "verify", "highbeam").stdout
    assert "last read whole: not yet" in operator.run("backup", "status").stdout, "one seventh is not all"
    assert "is sound" in operator.ok("backup", "verify", "highbeam", "--whole").stdout
    assert "last read whole: 0 minutes ago" in operator.run("backup", "status").stdout


def test_the_server_that_keeps_them_cannot_read_them_and_secrets_lie_on_no_command_line(operator):
    found = operator.root(f"grep -rl minutes {REPOSITORY} || echo nothing", box="vault1")
    clear = (operator.lab.inventories / "highbeam/secrets/web1/backups").glob("*.pub")
    units = operator.root(f"systemctl cat {UNIT}; cat /usr/local/lib/coopinfra/backups")

    assert found == "nothing\n"
    assert [each.name for each in clear] == ["login-collective-vault1.pub"]
    assert "@coopinfra-secret" not in operator.root("cat /etc/coopinfra/backups/highbeam/*/restic.env")
    assert "PASSWORD=" not in units


def test_the_login_of_a_server_cannot_take_its_backups_away(operator):
    """With all that lies on the server, as whoever breaks into it has it."""
    env = "set -a; . /etc/coopinfra/backups/highbeam/collective-vault1/restic.env"
    request = (
        f"{env}; printf '{{method}} {{path}} HTTP/1.0\\r\\nAuthorization: Basic %s\\r\\n"
        'Content-Length: 4\\r\\n\\r\\nevil\' "$(printf "$RESTIC_REST_USERNAME:$RESTIC_REST_PASSWORD" | base64 -w0)" |'
        " timeout 5 openssl s_client -quiet -CAfile $RESTIC_CACERT -connect 203.0.113.20:8000 2>/dev/null | head -n1"
    )
    snapshot = operator.root("ls /srv/backups/highbeam.web1/snapshots", box="vault1").split()[0]
    key = operator.root("ls /srv/backups/highbeam.web1/keys", box="vault1").split()[0]
    attacks = [
        ("DELETE", f"/highbeam.web1/snapshots/{snapshot}"),
        ("POST", f"/highbeam.web1/snapshots/{snapshot}"),
        ("DELETE", f"/highbeam.web1/keys/{key}"),
        ("DELETE", "/highbeam.web1/config"),
        ("POST", "/highbeam.web1/config"),
        ("DELETE", "/highbeam.web1/"),
        ("GET", "/highbeam.other/config"),
    ]
    tree = f"find {REPOSITORY} -type f ! -path '*/locks/*' -exec sha256sum {{}} + | sort"
    before = operator.root(tree, box="vault1")

    said = [operator.root(request.format(method=method, path=path)) for method, path in attacks]
    forgotten = operator.root(f"{RESTIC} forget --keep-last 1 --prune latest 2>&1 || true")

    assert all(" 40" in each for each in said), list(zip(attacks, said, strict=True))
    assert "403" in forgotten
    assert operator.root(tree, box="vault1") == before


@pytest.mark.rest
def test_without_append_only_the_same_login_could_take_them_away(operator):
    """The control of the test before: what holds is the server, not the client's good will."""
    made = operator.root(f"{RESTIC} backup --tag control /srv/shared/note --json | tail -n1")
    control = json.loads(made)["snapshot_id"]
    drop_in = "/run/systemd/system/restic-rest-server.service.d/zz.conf"
    operator.root(
        "command=$(systemctl cat restic-rest-server | grep '^ExecStart=/' | tail -n1 | sed 's/--append-only //');"
        f"mkdir -p $(dirname {drop_in}); printf '[Service]\\nExecStart=\\n%s\\n' \"$command\" >{drop_in};"
        "systemctl daemon-reload; systemctl restart restic-rest-server",
        box="vault1",
    )
    operator.root(ANSWERS)

    operator.root(f"{RESTIC} forget {control}")
    operator.root(f"rm {drop_in}; systemctl daemon-reload; systemctl restart restic-rest-server", box="vault1")
    operator.root(ANSWERS)

    assert control not in operator.root(f"{RESTIC} snapshots --json")


def test_one_file_comes_back_and_what_was_there_is_kept_aside(operator):
    operator.root("echo scribbled >/srv/shared/note; rm '/srv/shared/odd [name]*'")

    one = operator.ok("backup", "restore", "highbeam", "--path", "/srv/shared/note", "--yes")
    odd = operator.ok("backup", "restore", "highbeam", "--path", "/srv/shared/odd [name]*", "--yes")
    into = operator.ok("backup", "restore", "highbeam", "--path", "/srv/shared", "--into", "/root/look")
    unknown = operator.run("backup", "restore", "highbeam", "--path", "/srv/nothing", "--yes")

    assert operator.root("cat /srv/shared/note '/srv/shared/odd [name]*'") == "minutes\nodd\n"
    assert operator.root("stat -c %U /srv/shared/note") == "www-data\n"
    aside = next(line for line in one.stdout.splitlines() if line.startswith("kept aside: ")).split(": ")[1]
    assert operator.root(f"cat {aside}") == "scribbled\n"
    assert "put back" in odd.stdout
    assert "put into /root/look" in into.stdout
    assert operator.root("cat /root/look/srv/shared/note") == "minutes\n"
    assert unknown.returncode == 3
    assert "/srv/nothing is not in the backup" in unknown.stderr


def test_a_site_comes_back_with_its_files_and_its_database_and_nothing_else_does(operator):
    operator.root(f"echo scribbled >{UPLOADS}/beam.png; echo kept >/srv/shared/note")
    shop(operator, "DELETE FROM orders")
    sql(operator, "UPDATE people SET name = 'today' WHERE id = 1")
    before = look(operator)

    ran = operator.ok("backup", "restore", "highbeam", "--site", "shop", "--yes")
    after = look(operator, "--data", "")

    assert (before, after) == ("scribbled 0", "picture 2"), "what the site sees"
    assert operator.root(f"cat {UPLOADS}/new.txt; rm {UPLOADS}/new.txt") == "written", "where the site writes"

    assert operator.root(f"cat {UPLOADS}/beam.png; stat -c %U {UPLOADS}/beam.png") == "picture\nhighbeam-shop\n"
    assert shop(operator, "SELECT count(*) FROM orders") == "2"
    assert "compared: 1 files" in ran.stdout
    assert operator.root("cat /srv/shared/note") == "kept\n", "what is of others stays as it is"
    assert sql(operator, "SELECT name FROM people WHERE id = 1") == "today"
    operator.ok("backup", "restore", "highbeam", "--path", "/srv/shared/note", "--yes")


@pytest.mark.rest
def test_a_site_that_goes_on_meanwhile_would_see_what_lay_there_before(operator):
    """The control of the test before: what it sees is due to the stop, as its sandbox holds folders and not names."""
    operator.root(
        f"echo scribbled >{UPLOADS}/beam.png; cp -p {LISTS}/list /root/list; sed -i '/^works /d' {LISTS}/list"
    )

    operator.ok("backup", "restore", "highbeam", "--site", "shop", "--yes")
    goes_on = look(operator)
    operator.root(f"cp -p /root/list {LISTS}/list")
    operator.ok("backup", "restore", "highbeam", "--site", "shop", "--yes")

    assert goes_on == "scribbled 2"
    assert look(operator) == "picture 2"


def test_while_something_is_put_back_its_site_stops_nobody_deploys_and_no_database_is_copied(operator):
    restore = ("backup", "restore", "highbeam", "--site", "shop", "--yes")
    there = len(operator.data("backup", "list", "highbeam"))
    operator.root("flock --no-fork /run/coopinfra/lock sleep 300 >/dev/null 2>&1 & echo $! >/run/holder")
    refused, served = operator.run(*restore), look(operator)
    operator.root("kill $(cat /run/holder)")

    operator.root(f"cd /; runuser -u highbeam-shop -- {HOLD_ORDERS} >/dev/null 2>&1 & sleep 1")
    running = operator.start(*operator.argv(*restore))
    operator.root("timeout 60 sh -c 'while systemctl is-active --quiet highbeam-shop; do sleep 0.1; done'")
    meanwhile = look(operator, "-o", "/dev/null", "-w", "%{http_code}")
    deploy = operator.run("deploy", "highbeam", "--yes")
    operator.root(f"systemctl start --no-block {UNIT}; sleep 1")
    copied = operator.root(f"ls {STATE}/stage")
    operator.root(LET_GO)
    running.communicate()
    operator.ok("backup", "now", "highbeam")

    assert refused.returncode == 3
    assert "somebody is at work on this server" in refused.stderr
    assert served == "picture 2", "nothing was changed"
    assert meanwhile == "502"
    assert deploy.returncode != 0
    assert "web1 is locked by somebody who puts back a backup of highbeam" in deploy.stderr
    assert "dumps" not in copied.split()
    assert running.returncode == 0
    made = len(operator.data("backup", "list", "highbeam")) - there
    assert made == 2, "the one that waited, and the one that was asked for meanwhile"
    assert look(operator) == "picture 2"
    assert operator.red() == {}


def test_a_database_comes_back_as_it_was_while_somebody_wrote_into_it(operator):
    writer = (
        f"cd /; while true; do runuser -u {NAME} -- psql -X -q -d {NAME} -c"
        " \"INSERT INTO people SELECT max(id) + 1, 'w' FROM people\"; done >/dev/null 2>&1 & echo $! >/run/writer"
    )
    operator.root(writer)
    operator.ok("backup", "now", "highbeam")
    operator.root("sleep 1; kill $(cat /run/writer)")
    later = int(sql(operator, "SELECT count(*) FROM people"))

    ran = operator.ok("backup", "restore", "highbeam", "--database", NAME, "--yes")

    there = int(sql(operator, "SELECT count(*) FROM people"))
    assert 1000 < there < later, "it was written to while it was copied, and after"
    assert f"put back: postgresql-{NAME}, 1 tables with the same rows and sums" in ran.stdout
    assert "kept aside" in ran.stdout


def test_a_copy_that_fails_fails_the_backup_loudly_and_nothing_old_is_sent_in_its_place(operator):
    before = operator.data("backup", "list", "highbeam")
    operator.root("systemctl stop postgresql@17-main.service")

    failed = operator.run("backup", "now", "highbeam")
    left = operator.root(f"ls {STATE}")
    said = operator.red()
    operator.root("systemctl start postgresql@17-main.service")
    after = operator.data("backup", "list", "highbeam")
    operator.ok("backup", "now", "highbeam")

    assert failed.returncode == 3
    assert f"the copy of postgresql-{NAME} failed" in failed.stderr
    assert "stage" not in left.split(), "copies of databases do not stay behind"
    assert f"the copy of postgresql-{NAME} failed" in said["the last backup of web1 went well"]
    assert after == before
    assert operator.red() == {}


def test_a_keeper_that_is_down_fails_the_backup_loudly_and_the_other_places_get_it(operator):
    second = f"{LISTS}/second"
    operator.root(
        f"set -e; mkdir -p {second}; echo 'place second' >>{LISTS}/list;"
        f"printf 'RESTIC_REPOSITORY={STATE}/kept\nRESTIC_PASSWORD=second\n' >{second}/restic.env"
    )
    operator.root("systemctl stop restic-rest-server", box="vault1")

    failed = operator.run("backup", "now", "highbeam")
    wrong = operator.red()
    kept = json.loads(operator.root(f"RESTIC_PASSWORD=second restic -r {STATE}/kept snapshots --json"))
    operator.root("systemctl start restic-rest-server", box="vault1")
    operator.root(f"sed -i '/^place second$/d' {LISTS}/list; rm -r {second} {STATE}/kept")
    operator.ok("backup", "now", "highbeam")

    assert failed.returncode == 3
    assert "vault1.lantern.example:8000 does not answer" in failed.stderr
    assert "nothing was sent to collective-vault1" in failed.stderr
    assert "nothing was sent to collective-vault1" in wrong["the last backup of web1 went well"]
    assert len(kept) == 1
    assert operator.red() == {}, "the control: with the keeper back, all of it is sent"


@pytest.fixture
def full(operator):
    """The keeper's disk is small, and full; afterwards it is the one that it was, with all that came meanwhile."""
    operator.root(
        "set -e; systemctl stop restic-rest-server; cp -a /srv/backups /root/kept;"
        " mount -t tmpfs -o size=$(($(du -sm /srv/backups | cut -f1) + 20))m none /srv/backups;"
        " chown --reference=/root/kept /srv/backups; chmod 700 /srv/backups; cp -a /root/kept/. /srv/backups;"
        " cat /dev/zero >/srv/backups/filler 2>/dev/null || true; systemctl start restic-rest-server",
        box="vault1",
    )
    operator.root(ANSWERS)
    yield
    operator.root(
        "set -e; systemctl stop restic-rest-server; rm -rf /root/kept; cp -a /srv/backups /root/kept;"
        " umount /srv/backups; find /srv/backups -mindepth 1 -delete; cp -a /root/kept/. /srv/backups;"
        " systemctl start restic-rest-server",
        box="vault1",
    )
    operator.root(ANSWERS)


@pytest.mark.rest
@pytest.mark.usefixtures("full")
def test_a_keeper_whose_disk_is_full_is_named_within_a_minute_and_still_gives_back_what_it_has(operator):
    began = time.monotonic()
    failed = operator.run("backup", "now", "highbeam")
    took = time.monotonic() - began
    wrong, there = operator.red(), operator.red("collective")
    looked = operator.root("/usr/local/lib/coopinfra/backup-doctor doctor 2>&1 || true", box="vault1")
    read = operator.run("backup", "verify", "highbeam")
    operator.ok("backup", "restore", "highbeam", "--path", "/srv/shared/note", "--into", "/root/full")
    operator.root("rm /srv/backups/filler", box="vault1")

    made = operator.ok("backup", "now", "highbeam")

    refusal = "collective-vault1 refuses what is sent (507 Insufficient Storage): is its disk full"
    assert failed.returncode == read.returncode == 3
    assert took < 60
    assert refusal in failed.stderr
    assert refusal in read.stderr
    assert refusal in wrong["the last backup of web1 went well"]
    assert there["vault1 has room for more backups"] == "100 % of the disk are used"
    assert "100 % of the disk are used" in looked
    assert operator.root("cat /root/full/srv/shared/note") == "minutes\n"
    assert made.stdout == "web1: sent to collective-vault1\n", "the control: with room it goes through"
    assert operator.red() == operator.red("collective") == {}


STAGED = f"{STATE}/stage/dumps/postgresql-{NAME}/{NAME}.dump"
GONE = f"timeout 10 sh -c 'while [ -e {STATE}/stage ]; do sleep 0.1; done'"


@pytest.fixture
def copying(operator):
    """A backup that an operator has asked for, in the middle: one copy lies there, another waits for a lock."""
    operator.root(f"cd /; runuser -u highbeam-shop -- {HOLD_ORDERS} >/dev/null 2>&1 & sleep 1")
    running = operator.start(*operator.argv("backup", "now", "highbeam"))
    operator.root(f"timeout 60 sh -c 'until [ -e {STATE}/stage/dumps/postgresql-highbeam-shop ]; do sleep 0.1; done'")
    yield running
    operator.root(LET_GO)
    operator.ok("backup", "now", "highbeam")
    assert operator.red() == {}


@pytest.mark.rest
def test_a_backup_that_is_killed_with_all_its_processes_leaves_no_copy_of_a_database(operator, copying):
    lay_open = int(operator.root(f"stat -c %s {STAGED}"))

    operator.root(f"systemctl kill --signal=KILL {UNIT}")
    operator.root(GONE)

    copying.communicate()
    assert lay_open > 1000, "the control: while it runs the copy is there"
    assert copying.returncode == 3


@pytest.mark.rest
def test_a_power_cut_in_the_middle_of_a_backup_leaves_no_copy_of_a_database_after_the_next_boot(operator, copying):
    """What is killed first is the connection; what the machine was about to clear up, it cannot."""
    rule = "/etc/tmpfiles.d/coopinfra-backups.conf"
    operator.root(f"mv {rule} /root/rule")
    labs.kill(operator.lab, "web1")
    copying.communicate()
    labs.start(operator.lab, "web1")
    without = operator.root(f"ls {STAGED}")
    operator.root(f"mv /root/rule {rule}")

    labs.kill(operator.lab, "web1")
    labs.start(operator.lab, "web1")

    assert without == f"{STAGED}\n", "the control: nothing else removes it"
    assert "stage" not in operator.root(f"ls {STATE}").split()


@pytest.mark.rest
@pytest.mark.parametrize("turn", range(3))
def test_a_backup_that_is_killed_leaves_nothing_that_hinders_the_next(operator, turn):
    seconds = random.uniform(0, 1.5)
    operator.root("head -c 200000000 /dev/urandom >/srv/shared/large")
    operator.root(f"systemctl start --no-block {UNIT}; until pgrep -x restic; do sleep 0.1; done; sleep {seconds:.2f}")
    operator.root(f"systemctl kill --kill-whom=main --signal=KILL {UNIT}")
    operator.root(f"until systemctl is-failed --quiet {UNIT}; do sleep 0.1; done; rm /srv/shared/large")
    left = operator.root(f"ls {STATE}")

    operator.ok("backup", "now", "highbeam")

    assert "stage" not in left.split()
    assert operator.root(f"{RESTIC} list locks --no-lock") == ""
    assert operator.red() == {}


# What was there before: in its place, or aside, in a dump or a file.
TODAY = (
    f"grep -rlx today /srv/shared/note {ASIDE} || true; cd /;"
    f" runuser -u {NAME} -- psql -X -A -t -q -d {NAME} -c \"SELECT name FROM people WHERE name = 'today-row'\" || true;"
    f" for dump in $(find {ASIDE} -name '{NAME}.dump'); do pg_restore -f - $dump | grep -m1 -o today-row || true; done"
)
FIXED = f"until find {ASIDE} -path '*/dumps/*' -name '*.counts' 2>/dev/null | grep -q {NAME}; do sleep 0.02; done"


@pytest.mark.parametrize("when", ["fixed", *(pytest.param(turn, marks=pytest.mark.rest) for turn in range(4))])
def test_a_restore_that_is_killed_has_lost_nothing_and_the_next_one_finishes_it(operator, when):
    operator.ok("backup", "now", "highbeam")
    operator.root(f"rm -rf {ASIDE}; echo today >/srv/shared/note")
    sql(operator, "UPDATE people SET name = 'today-row' WHERE id = 1")
    wait = FIXED if when == "fixed" else f"sleep {random.uniform(0, 8):.2f}"

    running = operator.start(*operator.argv("backup", "restore", "highbeam", "--all", "--yes"))
    operator.root("until systemctl is-active --quiet coopinfra-restore@highbeam; do sleep 0.02; done")
    operator.root(wait)
    unpacked = operator.root(f"find {STATE}/restored -name '{NAME}.dump' 2>/dev/null || true")
    operator.root("systemctl kill --signal=KILL coopinfra-restore@highbeam || true")
    running.communicate()
    operator.root(f"timeout 10 sh -c 'while [ -e {STATE}/restored ]; do sleep 0.1; done'")
    found = operator.root(TODAY)
    # What is put back meanwhile is not what the site waits for.
    other = operator.run("backup", "restore", "highbeam", "--path", "/srv/shared/odd [name]*", "--yes")
    site = operator.root("systemctl is-active highbeam-shop || true").strip()

    assert "put back: /srv/shared/odd" in other.stdout
    assert "started again" not in other.stdout
    assert site == "inactive" or when != "fixed", "what is half back is not shown"
    assert unpacked or when != "fixed", "the control: what was unpacked lay there"
    assert "/srv/shared/note" in found, f"the file is in its place or aside ({wait})"
    assert "today-row" in found, f"and so is the row ({wait})"
    ran = operator.ok("backup", "restore", "highbeam", "--all", "--yes")
    assert "compared: " in ran.stdout
    assert look(operator) == "picture 2"
    assert operator.root("cat /srv/shared/note") == "minutes\n"
    assert sql(operator, "SELECT count(*) FROM people WHERE name = 'today-row'") == "0"
    assert "today-row" in operator.root(TODAY), "what was there is aside still"
    assert operator.red() == {}


def test_what_a_link_leads_to_outside_of_what_is_kept_is_named_and_not_left_out_in_silence(operator):
    operator.root(
        "mkdir -p /srv/elsewhere; cd /srv/shared; ln -s /srv/elsewhere out; ln -s note in; ln -s /etc/fstab etc"
    )

    made = operator.ok("backup", "now", "highbeam")
    said = operator.red()
    operator.root("rm /srv/shared/out /srv/shared/in /srv/shared/etc")
    operator.ok("backup", "now", "highbeam")

    leads = "/srv/shared/out leads to /srv/elsewhere"
    assert f"not kept: {leads}\n" in made.stdout
    assert "/srv/shared/in " not in made.stdout
    assert said == {"no link leads out of what is kept of web1": leads}
    assert operator.red() == {}


def test_old_backups_are_seen_by_whoever_keeps_them_whatever_the_server_says(operator):
    operator.root(f"find {REPOSITORY}/snapshots -type f -exec touch -d '2 days ago' {{}} +", box="vault1")

    status = operator.run("backup", "status", "highbeam")
    said = {**operator.red(), **operator.red("collective")}
    operator.ok("backup", "now", "highbeam")

    assert status.returncode == 1
    assert "48 hours ago, 14 hours at most: the newest came 48 hours ago" in status.stdout
    assert said == {
        "collective-vault1 has a backup of web1 from the last 14 hours": "the newest came 48 hours ago",
        "highbeam.web1 has sent a backup to vault1 in the last 26 hours": "the newest came 48 hours ago",
    }, "the server itself believes that all is well"
    young = operator.run("backup", "status", "highbeam").stdout
    assert [line for line in young.splitlines() if "RED" in line] == ["  RED last drill: nobody has ever tried"]


@pytest.mark.rest
def test_what_is_to_be_kept_and_is_gone_fails_the_backup(operator):
    operator.root("mv /srv/shared /srv/away")

    failed = operator.run("backup", "now", "highbeam")
    operator.root("mv /srv/away /srv/shared")

    assert failed.returncode == 3
    assert "/srv/shared is to be kept and is not there" in failed.stderr
    operator.ok("backup", "now", "highbeam")


WORDPRESS = """
        blog: {domain: blog.highbeam.example, kind: wordpress, mode: split, title: Blog, administrator: rosa,
          administrator_email: rosa@highbeam.example},
        news: {domain: news.highbeam.example, kind: wordpress, mode: static-export, title: News, administrator: rosa,
          administrator_email: rosa@highbeam.example, edit_domain: write.highbeam.example}"""


APPLICATION = """
        desk: {domain: desk.highbeam.example, kind: python, source: {folder: apps/shop}, wsgi: "shop:application",
          health: /release, migrate: python shop.py migrate, build: {command: sh build.sh}, postgresql: desk,
          valkey: desk, secrets: {PAYMENT_TOKEN: random}, workers: {packer: {command: python shop.py work}},
          jobs: {count: {command: python shop.py count, at: "*:*:0/4"}}}"""


@contextmanager
def more_sites(operator, sites):
    """Have more sites than the one, for a while."""
    folder = operator.folder / "org.yml"
    one = folder.read_text()
    folder.write_text(one.replace("database: postgresql}}}", f"database: postgresql}},{sites}}}}}"))
    operator.ok("secrets", "generate", "highbeam")
    labs.publish(operator.lab, "highbeam.example", operator.ok("dns", "highbeam").stdout)
    operator.ok("deploy", "highbeam", "--yes")
    yield
    folder.write_text(one)
    operator.ok("deploy", "highbeam", "--yes")


@pytest.mark.rest
def test_an_application_comes_back_while_its_worker_and_its_job_go_on_afterwards(operator):
    """It is asked over a socket that starts it, its worker writes all the time, its job each four seconds."""
    shutil.copytree(Path(__file__).parent / "apps/shop", operator.folder / "apps/shop")
    url, told = "https://desk.highbeam.example", "/srv/data/highbeam-desk/count"

    def order() -> None:
        operator.outside("curl", "-sS", "-d", "", f"{url}/order")

    def shown() -> str:
        time.sleep(1)  # until the worker has packed them
        return operator.outside("curl", "-sS", url).stdout

    with more_sites(operator, APPLICATION):
        for _ in range(2):
            order()
        operator.root(f"timeout 20 sh -c 'until grep -q ^2 {told}; do sleep 0.2; done'")
        operator.ok("backup", "now", "highbeam")
        before = shown()
        order()
        lost = shown()
        operator.root(f"timeout 20 sh -c 'until grep -q ^3 {told}; do sleep 0.2; done'")
        back = operator.ok("backup", "restore", "highbeam", "--site", "desk", "--yes").stdout
        after = shown()
        operator.root(f"timeout 20 sh -c 'until grep -q ^2 {told}; do sleep 0.2; done'")
        order()
        operator.root(f"timeout 20 sh -c 'until grep -q ^3 {told}; do sleep 0.2; done'")
        red = operator.red()

    assert (before, lost) == ("first: 2 orders, 2 packed", "first: 3 orders, 3 packed")
    assert after == before
    started = next(line for line in back.splitlines() if line.startswith("started again: ")).split()[2:]
    assert set(started) >= {
        "highbeam-desk@web.socket",
        "highbeam-desk@web.service",
        "highbeam-desk@worker-packer.service",
        "highbeam-desk@job-count.timer",
        "valkey@highbeam-desk.service",
    }
    assert red == {}


@pytest.mark.rest
def test_a_wordpress_comes_back_for_who_visits_and_for_who_writes(operator):
    """One is answered by PHP, of the other there are finished pages; in both, rights of visitors hang on tables."""
    sites = ("blog", "news")

    def write(title: str) -> None:
        for site in sites:
            statement = f"UPDATE wp_posts SET post_title = '{title}' WHERE ID = 1"
            operator.root(f'mariadb -e "{statement}" highbeam-{site}')
            upload = f"/srv/data/highbeam-{site}/uploads/a.txt"
            operator.root(f"echo {title} >{upload}; chown --reference=$(dirname {upload}) {upload}")
        operator.root("systemctl start highbeam-news-export")

    def shown() -> list[str]:
        pages = [
            operator.outside("curl", "-sS", f"https://{site}.highbeam.example{path}").stdout
            for site in sites
            for path in ("/", "/wp-content/uploads/a.txt")
        ]
        return [next((title for title in ("Kept", "Lost") if title in page), page) for page in pages]

    with more_sites(operator, WORDPRESS):
        write("Kept")
        operator.ok("backup", "now", "highbeam")
        before = shown()
        write("Lost")
        lost = shown()
        back = [operator.ok("backup", "restore", "highbeam", "--site", site, "--yes").stdout for site in sites]
        after, red = shown(), operator.red()
        units = ("blog", "blog-admin", "news-admin", "blog-cron.timer", "news-cron.timer")
        running = operator.root(f"systemctl is-active {' '.join(f'highbeam-{each}' for each in units)} || true")

    assert before == ["Kept"] * 4
    assert lost == ["Lost"] * 4, "the control: what is written is seen"
    assert after == before
    assert "started again: highbeam-blog" in back[0]
    assert running.split() == ["active"] * 5
    assert red == {}


@pytest.mark.rest
def test_what_one_server_had_goes_onto_another(operator):
    """Which has neither key nor login of the first; it takes what is declared there, and refuses what is not."""
    folder = operator.folder / "org.yml"
    one = folder.read_text()
    moved = f"""\
  web2:
    address: 203.0.113.11
    roles:
      postgresql: {{databases: {{members: {{}}}}}}
      {BACKUPS}
"""
    folder.write_text(one + moved)
    labs.add_box(labs.load(operator.lab.name), BoxSpec("web2", "203.0.113.11", organisation="highbeam"))
    again = Operator(labs.load(operator.lab.name))
    again.ok("secrets", "generate", "highbeam")
    again.ok("deploy", "highbeam", "--yes")
    restore = ("backup", "restore", "highbeam", "--server", "web1", "--to", "web2", "--yes")

    refused = again.run(*restore, "--site", "shop")
    database = again.ok(*restore, "--database", NAME)
    files = again.ok(*restore, "--path", "/srv/shared")
    note = again.ok(*restore, "--path", "/srv/shared/note")
    there = again.root("cat /srv/shared/note; stat -c %U /srv/shared/note", box="web2")
    rows = again.root(
        f"cd / && runuser -u {NAME} -- psql -X -A -t -d {NAME} -c 'SELECT count(*) FROM people'", box="web2"
    )
    left = again.root(f"ls {STATE}", box="web2")
    folder.write_text(one)
    labs.remove_box(labs.load(operator.lab.name), "web2")

    assert refused.returncode == 2
    assert "nothing on `web2` takes postgresql-highbeam-shop" in refused.stderr
    assert "tables with the same rows and sums" in database.stdout
    assert "compared: 2 files" in files.stdout
    assert "kept aside: " in note.stdout
    assert there == "minutes\nwww-data\n"
    assert rows.strip() == sql(again, "SELECT count(*) FROM people")
    assert "arriving" not in left.split()


def test_a_lost_server_comes_back_from_inventory_identity_and_backup_alone(operator):
    counts = operator.root(f"/usr/local/lib/coopinfra/postgresql count {NAME}")
    labs.remove_box(labs.load(operator.lab.name), "web1")
    labs.add_box(labs.load(operator.lab.name), WEB)
    again = Operator(labs.load(operator.lab.name))
    # Accounts get other numbers than they had, and the site does without its database by now.
    again.root("useradd --system --uid 600 first-come")
    org = again.folder / "org.yml"
    org.write_text(org.read_text().replace(", database: postgresql", ""))
    again.ok("deploy", "highbeam", "--yes")
    empty = sql(again, "SELECT count(*) FROM pg_tables WHERE tablename = 'people'")

    ran = again.ok("backup", "restore", "highbeam", "--all", "--yes")

    alone = again.run("backup", "restore", "highbeam", "--database", "highbeam-shop", "--yes")

    assert empty == "0"
    assert "compared:" in ran.stdout
    assert "NOT put back: postgresql-highbeam-shop, which nobody here takes any more" in ran.stdout
    assert alone.returncode == 3
    assert "nobody on this server takes postgresql-highbeam-shop any more" in alone.stderr
    assert again.root(f"/usr/local/lib/coopinfra/postgresql count {NAME}") == counts
    assert again.root("cat /srv/shared/note; stat -c %U /srv/shared/note") == "minutes\nwww-data\n"
    again.ok("backup", "now", "highbeam")
    assert again.red() == {}
