"""Backups on two real machines: what is kept, who cannot take it away, and what comes back."""

from __future__ import annotations

import json

import pytest

from boxes import Operator
from coopinfra.deploy.lab import lab as labs
from vault import LISTS, NAME, REPOSITORY, RESTIC, STATE, UNIT, WEB, red, seed, sql, two_machines

pytestmark = pytest.mark.timeout(900)


@pytest.fixture(scope="module")
def operator(lab):
    """Somebody who looks after both."""
    return two_machines(lab)


@pytest.fixture(scope="module", autouse=True)
def seeded(operator):
    """A database, files of several kinds, and a first backup; before it, everybody says that there is none."""
    seed(operator)
    before = [red(operator, each) for each in ("highbeam", "collective")]
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
    assert "STALE" in status.stdout
    assert made.stdout == "web1: sent to collective-vault1\n"


def test_all_is_well_after_a_backup_and_a_further_deploy_changes_nothing(operator):
    for organisation, server in (("highbeam", "web1"), ("collective", "vault1")):
        assert f"{server}: nothing to change" in operator.ok("deploy", organisation, "--yes").stderr
        assert red(operator, organisation) == {}
    listed = operator.data("backup", "list", "highbeam")
    held = operator.root(f"{RESTIC} ls latest")

    assert len(listed) >= 1
    assert "stage/dumps/postgresql-highbeam-members/highbeam-members.dump" in held
    assert "/srv/shared/odd [name]*" in held
    assert "films" not in held
    assert "newest" in operator.ok("backup", "status", "highbeam").stdout
    assert "is sound" in operator.ok("backup", "verify", "highbeam", "--whole").stdout


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
    operator.root("timeout 20 sh -c 'until echo >/dev/tcp/127.0.0.1/8000; do sleep 0.2; done' || sleep 2", box="vault1")

    operator.root(f"{RESTIC} forget {control}")
    operator.root(f"rm {drop_in}; systemctl daemon-reload; systemctl restart restic-rest-server", box="vault1")

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
    said = red(operator)
    operator.root("systemctl start postgresql@17-main.service")
    after = operator.data("backup", "list", "highbeam")
    operator.ok("backup", "now", "highbeam")

    assert failed.returncode == 3
    assert f"the copy of postgresql-{NAME} failed" in failed.stderr
    assert "stage" not in left.split(), "copies of databases do not stay behind"
    assert f"the copy of postgresql-{NAME} failed" in said["the last backup of web1 went well"]
    assert after == before
    assert red(operator) == {}


def test_a_keeper_that_is_down_fails_the_backup_loudly_and_the_other_places_get_it(operator):
    second = f"{LISTS}/second"
    operator.root(
        f"set -e; mkdir -p {second}; echo 'place second' >>{LISTS}/list;"
        f"printf 'RESTIC_REPOSITORY={STATE}/kept\nRESTIC_PASSWORD=second\n' >{second}/restic.env"
    )
    operator.root("systemctl stop restic-rest-server", box="vault1")

    failed = operator.run("backup", "now", "highbeam")
    wrong = red(operator)
    kept = json.loads(operator.root(f"RESTIC_PASSWORD=second restic -r {STATE}/kept snapshots --json"))
    operator.root("systemctl start restic-rest-server", box="vault1")
    operator.root(f"sed -i '/^place second$/d' {LISTS}/list; rm -r {second} {STATE}/kept")
    operator.ok("backup", "now", "highbeam")

    assert failed.returncode == 3
    assert "vault1.lantern.example:8000 does not answer" in failed.stderr
    assert "nothing was sent to collective-vault1" in failed.stderr
    assert "nothing was sent to collective-vault1" in wrong["the last backup of web1 went well"]
    assert len(kept) == 1
    assert red(operator) == {}, "the control: with the keeper back, all of it is sent"


@pytest.mark.rest
def test_one_that_is_killed_leaves_nothing_that_hinders_the_next(operator):
    operator.root("head -c 200000000 /dev/urandom >/srv/shared/large")
    operator.root(f"systemctl start --no-block {UNIT}; until pgrep -x restic; do sleep 0.1; done; sleep 0.3")
    operator.root(f"systemctl kill --kill-whom=main --signal=KILL {UNIT}")
    operator.root(f"until systemctl is-failed --quiet {UNIT}; do sleep 0.1; done; rm /srv/shared/large")
    left = operator.root(f"ls {STATE}")

    operator.ok("backup", "now", "highbeam")

    assert "stage" not in left.split()
    assert operator.root(f"{RESTIC} list locks --no-lock") == ""
    assert red(operator) == {}


def test_old_backups_are_seen_by_whoever_keeps_them_whatever_the_server_says(operator):
    operator.root(f"find {REPOSITORY}/snapshots -type f -exec touch -d '2 days ago' {{}} +", box="vault1")

    status = operator.run("backup", "status", "highbeam")
    said = {**red(operator), **red(operator, "collective")}
    operator.ok("backup", "now", "highbeam")

    assert status.returncode == 1
    assert "STALE: more than 14 hours" in status.stdout
    assert said == {
        "collective-vault1 has a backup of web1 from the last 14 hours": "the newest came 48 hours ago",
        "highbeam.web1 has sent a backup to vault1 in the last 26 hours": "the newest came 48 hours ago",
    }, "the server itself believes that all is well"
    assert operator.run("backup", "status", "highbeam").returncode == 0


@pytest.mark.rest
def test_what_is_to_be_kept_and_is_gone_fails_the_backup(operator):
    operator.root("mv /srv/shared /srv/away")

    failed = operator.run("backup", "now", "highbeam")
    operator.root("mv /srv/away /srv/shared")

    assert failed.returncode == 3
    assert "/srv/shared is to be kept and is not there" in failed.stderr
    operator.ok("backup", "now", "highbeam")


def test_a_lost_server_comes_back_from_inventory_identity_and_backup_alone(operator):
    counts = operator.root(f"/usr/local/lib/coopinfra/postgresql count {NAME}")
    labs.remove_box(labs.load(operator.lab.name), "web1")
    labs.add_box(labs.load(operator.lab.name), WEB)
    again = Operator(labs.load(operator.lab.name))
    # Accounts get other numbers than they had.
    again.root("useradd --system --uid 600 first-come")
    again.ok("deploy", "highbeam", "--yes")
    empty = sql(again, "SELECT count(*) FROM pg_tables WHERE tablename = 'people'")

    ran = again.ok("backup", "restore", "highbeam", "--all", "--yes")

    assert empty == "0"
    assert "compared:" in ran.stdout
    assert again.root(f"/usr/local/lib/coopinfra/postgresql count {NAME}") == counts
    assert again.root("cat /srv/shared/note; stat -c %U /srv/shared/note") == "minutes\nwww-data\n"
    again.ok("backup", "now", "highbeam")
    assert red(again) == {}
