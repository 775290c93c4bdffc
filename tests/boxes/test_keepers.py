"""Whoever keeps the backups: who may remove old ones, and when; and what the keeper sees of what it cannot read."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from base64 import b64decode
from datetime import UTC, datetime, timedelta

import pytest

from coopinfra.deploy.lab import host
from coopinfra.deploy.lab import lab as labs
from vault import CLIENT, KEEPER, REPOSITORY, RESTIC, SECOND, VAULT, WEB, two_machines

pytestmark = pytest.mark.timeout(900)

SECOND_KEEPER = """\
  vault2:
    address: 203.0.113.30
    roles:
      backup-server: {copies: {vault1: [highbeam/web1]}, disk: drawer}
"""
FILES_ALONE = CLIENT.replace("      postgresql: {databases: {members: {}}}\n", "").replace(
    "also:", "copies_at: [collective/vault2], every: 24h, also:"
)
DOCTOR = "/usr/local/lib/coopinfra/backup-doctor"
BY_LABEL = "/dev/disk/by-label/drawer"
COPY_UNIT = "coopinfra-backup-copy.service"
NOT_PLUGGED_IN = "the disk drawer of vault2 got a copy in the last 35 days"
WELL = "nothing is wrong with the backups that vault1 keeps, as far as it can see"
AGES = (1, 2, 3, 5, 8, 8.3, 9, 20, 40, 40.2, 80)
"""Of earlier backups, in days; of two of one day the rule keeps the later."""
DRILLED = """\
import sys
from datetime import UTC, datetime
from coopinfra.deploy.backups.findings import Drill, Finding
from coopinfra.deploy.jobs.drill_receipt import write
from coopinfra.deploy.planning.make import plan_of

findings = (Finding("all came back", sys.argv[1]),)
write(plan_of("highbeam"), Drill("highbeam", "web1", "collective-vault1", datetime.now(UTC), findings))
"""


@pytest.fixture(scope="module")
def key(lab):
    """A key that may prune, and nothing else."""
    # Whoever removes old backups has restic, as whoever drills.
    host.require(labs.silent, {**host.NEEDS, "restic": "restic"})
    path = lab.folder / "prunes"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "prunes", "-f", path], check=True)
    return path


@pytest.fixture(scope="module")
def operator(lab, key):
    """Somebody who looks after both; the client has sent backups for weeks."""
    public = key.with_suffix(".pub").read_text().strip()
    doors = f"keeps: [highbeam/web1], gigabytes_each: 1, prunes: [{public}], copied_by: [vault2]"
    keepers = KEEPER.replace("keeps: [highbeam/web1]", doors) + SECOND_KEEPER
    operator = two_machines(lab, FILES_ALONE, keepers, (WEB, VAULT, SECOND))
    operator.root("mkdir -p /srv/shared; echo minutes >/srv/shared/note")
    operator.ok("backup", "now", "highbeam")
    for age in AGES:
        sent_at(operator, datetime.now(UTC) - timedelta(days=age))
    operator.root(f"systemctl start {COPY_UNIT}", box="vault2")
    return operator


def sent_at(operator, said, came=None):
    """Send a backup that says that it was made at one time, and came at that time or another; return its id."""
    made = operator.root(
        f"date +%s%N >/srv/shared/tick; {RESTIC} backup --json --time '{said:%F %T}' /srv/shared | tail -n1"
    )
    found = str(json.loads(made)["snapshot_id"])
    operator.root(f"touch -d @{(came or said).timestamp()} {REPOSITORY}/snapshots/{found}", box="vault1")
    return found


def drilled(operator, found=""):
    """Note a drill as `backup drill` does, whose own tests are another family's."""
    labs.run(operator.lab, (sys.executable, "-c", DRILLED, found)).check_returncode()


def prune(operator, key, *words):
    return operator.run("backup", "prune", "highbeam", "--key", str(key), *words)


def kept(operator):
    """What lies at the keeper, with its sums."""
    return operator.root(f"find {REPOSITORY} -type f ! -path '*/locks/*' -exec sha256sum {{}} + | sort", box="vault1")


def ids(operator):
    listed = operator.data("backup", "list", "highbeam")
    return {each["id"] for each in listed if each["place"] == "collective-vault1"}


def wrong(operator):
    """What `check` says of the keepers, but for the disk that nobody has plugged in."""
    return {said: found for said, found in operator.red("collective").items() if said != NOT_PLUGGED_IN}


def test_old_backups_go_as_was_shown_and_the_rest_comes_back(operator, key):
    before, there = kept(operator), ids(operator)

    undrilled = prune(operator, key, "--yes")
    drilled(operator, "a file is missing")
    not_green = prune(operator, key, "--yes")
    drilled(operator)
    nobody_says_yes = prune(operator, key)
    untouched = kept(operator)
    ran = prune(operator, key, "--yes")

    assert undrilled.returncode == not_green.returncode == 1
    assert "nobody has ever tried" in undrilled.stderr
    assert "says that not all came back" in not_green.stderr
    assert nobody_says_yes.returncode == 3
    assert untouched == before
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout == nobody_says_yes.stdout
    gone = there - ids(operator)
    assert gone == {each for each in there if each[:8] in ran.stdout}
    assert 0 < len(gone) < len(there) - 5
    assert "is sound" in operator.ok("backup", "verify", "highbeam", "--whole").stdout
    operator.ok("backup", "restore", "highbeam", "--path", "/srv/shared", "--into", "/root/look")
    assert operator.root("cat /root/look/srv/shared/note") == "minutes\n"
    operator.ok("backup", "now", "highbeam")
    assert wrong(operator) == {}
    assert prune(operator, key, "--yes").stderr.strip() == f"0 backups go, {len(ids(operator))} stay"


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (timedelta(days=400), "which is in the future"),
        # A little later than the true one of its day.
        pytest.param(timedelta(days=-20), "and came at", marks=pytest.mark.rest),
    ],
)
def test_forged_times_cannot_make_the_true_ones_go(operator, key, said, reason):
    """Whoever breaks into the server adds what he likes; true ones would go by the rule, or by one that counts."""
    drilled(operator)
    now = datetime.now(UTC)
    true = ids(operator)
    forged = sent_at(operator, now + said, now)
    before = kept(operator)

    ran = prune(operator, key, "--yes")
    rule = "--keep-within 7d --keep-within-daily 30d --keep-within-weekly 90d --keep-within-monthly 1y"
    rule = "--keep-last 1" if said > timedelta() else rule
    control = json.loads(operator.root(f"{RESTIC} forget --no-lock --dry-run --json --group-by '' {rule}"))
    untouched = kept(operator)
    operator.root(f"rm {REPOSITORY}/snapshots/{forged}; {DOCTOR} accept highbeam.web1", box="vault1")

    assert ran.returncode == 1
    assert f"{forged[:8]} says that it was made at" in ran.stderr
    assert reason in ran.stderr
    assert untouched == before
    would_go = {each["id"] for each in control[0]["remove"]}
    assert would_go >= true if said > timedelta() else would_go & true
    assert prune(operator, key, "--yes").returncode == 0


def test_a_key_that_prunes_opens_nothing_else_and_no_other_key_prunes(operator, key):
    known = operator.lab.inventories / "collective/known_hosts"
    options = ("-F", "none", "-o", f"UserKnownHostsFile={known}", "-o", "BatchMode=yes", "-o", "IdentitiesOnly=yes")
    door = (*options, "-i", str(key), "coopinfra-backups@203.0.113.20")
    attempts = [
        ("ssh", *door, "id"),
        ("ssh", *door, "highbeam.web1; id"),
        ("ssh", *door, "$(id)"),
        ("ssh", *door, "../../etc"),
        ("ssh", *door, "highbeam.other"),
        ("ssh", "-tt", *door),
        ("sftp", *door),
        ("ssh", "-N", "-o", "ExitOnForwardFailure=yes", "-L", "9000:127.0.0.1:22", *door),
        ("ssh", *options, "-i", str(key), "demo@203.0.113.20", "id"),
        ("ssh", *options, "-i", str(key), "root@203.0.113.20", "id"),
    ]

    said = [operator.outside("timeout", "10", *each) for each in attempts]
    opened = operator.outside("timeout", "10", "ssh", *door, "highbeam.web1")
    others = prune(operator, operator.lab.ssh_key, "--yes")
    knocked = operator.outside(
        "timeout", "10", "ssh", *options, "-i", str(operator.lab.ssh_key), door[-1], "highbeam.web1"
    )

    assert all(each.returncode for each in said), said
    assert not [each.stdout for each in said if "uid=" in each.stdout]
    assert opened.returncode != 255, "the control: this is the door that it opens"
    assert "refused" not in opened.stderr.lower()
    assert others.returncode == 1
    assert "is it open to this key?" in others.stderr
    assert "Permission denied" in knocked.stderr
    assert operator.root("sudo -n -l -U coopinfra-backups", box="vault1").count("NOPASSWD") == 1


def started(operator, script, box, unit=""):
    """Start a unit as its timer does; return how it ended and what its script said."""
    unit, seen = unit or f"coopinfra-{script}.service", "journalctl --quiet --output=cat --cursor-file=/run/seen"
    ended = operator.root(
        f"{seen} >/dev/null; systemctl start {unit} 2>/dev/null; systemctl show --value -p Result {unit}", box=box
    )
    said = operator.root(f"journalctl --sync; {seen} --identifier={script}; systemctl reset-failed", box=box)
    return ended.strip(), said


def look(operator):
    """Let the keeper look as it does each hour; return what its unit, its journal and `check` say."""
    return *started(operator, "backup-doctor", "vault1"), wrong(operator).get(WELL)


def test_what_should_not_be_there_is_seen_by_the_keeper(operator):
    """Junk and a key by the client's own login, as whoever breaks into it can send them; the rest by the disk."""
    healthy = look(operator)
    operator.root(f"echo evil >/root/new; {RESTIC} key add --new-password-file /root/new")
    added = look(operator)
    operator.root(f"{DOCTOR} accept highbeam.web1", box="vault1")
    accepted = look(operator)
    operator.root(
        f"cd {REPOSITORY}/snapshots; echo junk >new; mv new $(sha256sum new | cut -d' ' -f1); chown -R --reference=. .",
        box="vault1",
    )
    junk = look(operator)
    operator.root(
        f"cd {REPOSITORY}/snapshots; find . -size -200c -delete; mv $(ls | head -n1) /root/gone;"
        f"{DOCTOR} accept highbeam.web1; mv $(ls | head -n1) /root/taken",
        box="vault1",
    )
    gone = look(operator)
    operator.root(f"mv /root/taken {REPOSITORY}/snapshots/$(sha256sum /root/taken | cut -d' ' -f1)", box="vault1")
    operator.root(f"mv /root/gone {REPOSITORY}/snapshots/$(sha256sum /root/gone | cut -d' ' -f1)", box="vault1")

    assert healthy == accepted == ("success", "", None)
    for (ended, journal, said), sentence in (
        (added, "highbeam.web1: was changed, added or removed: keys/"),
        (junk, "is too small to be a backup"),
        (gone, "highbeam.web1: 1 backups are gone, and nobody has pruned"),
    ):
        assert ended == "exit-code"
        assert sentence in journal
        assert sentence in said
    assert look(operator) == ("success", "", None)


@pytest.mark.rest
def test_who_has_too_much_can_read_and_not_add_until_it_is_less(operator, key):
    pack = f"{REPOSITORY}/data/00/{'0' * 64}"
    operator.root(f"truncate -s 2G {pack}; chown --reference={REPOSITORY} {pack}", box="vault1")

    ended, journal, said = look(operator)
    # It tries again for a quarter of an hour.
    refused = operator.root(f"timeout 10 {RESTIC} backup /srv/shared 2>&1 || true")
    operator.ok("backup", "restore", "highbeam", "--path", "/srv/shared/note", "--into", "/root/still")
    operator.root(f"rm {pack}", box="vault1")
    after = look(operator)

    assert ended == "exit-code"
    assert "it can add nothing now" in journal
    assert "it can add nothing now" in said
    assert "500" in refused
    assert operator.root("cat /root/still/srv/shared/note") == "minutes\n"
    assert after == ("success", "", None)
    operator.ok("backup", "now", "highbeam")


def fetch(operator):
    """Let the second keeper fetch as it does each hour; return how that ended and what it said."""
    return started(operator, "backup-copy", "vault2")


def copied(operator):
    listing = f"find {REPOSITORY} -type f ! -path '*/locks/*' -exec sha256sum {{}} + | sort"
    return operator.root(listing, box="vault2").splitlines()


@pytest.fixture
def second(operator):
    """The second keeper has all that the first has; afterwards the first has again what it had."""
    operator.ok("backup", "now", "highbeam")
    assert fetch(operator) == ("success", "")
    # Of the key that another test has added over there, if it has looked since.
    operator.root(f"{DOCTOR} accept highbeam.web1", box="vault2")
    operator.root(f"rm -rf /root/as-it-was; cp -a {REPOSITORY} /root/as-it-was", box="vault1")
    yield operator
    operator.root(f"rm -rf {REPOSITORY}; mv /root/as-it-was {REPOSITORY}", box="vault1")
    operator.root("systemctl start restic-rest-server", box="vault1")


def from_the_second(operator, folder):
    operator.ok(
        *("backup", "restore", "highbeam", "--place", "collective-vault2"),
        *("--path", "/srv/shared/note", "--into", f"/root/{folder}"),
    )
    return operator.root(f"cat /root/{folder}/srv/shared/note")


def test_a_second_keeper_fetches_what_the_first_has_and_reads_none_of_it(second):
    there = second.root(f"find {REPOSITORY} -type f ! -path '*/locks/*' -exec sha256sum {{}} + | sort", box="vault1")

    listed = second.data("backup", "list", "highbeam")

    assert set(there.splitlines()) <= set(copied(second))
    assert {each["place"] for each in listed} == {"collective-vault1", "collective-vault2"}
    assert second.root(f"grep -rl minutes {REPOSITORY} || echo nothing", box="vault2") == "nothing\n"
    assert "at collective-vault2:" in second.run("backup", "status", "highbeam").stdout
    assert "all of what collective-vault2 keeps is sound" in second.ok("backup", "verify", "highbeam", "--whole").stdout
    assert second.red() == wrong(second) == {}


def test_what_is_spoilt_or_removed_at_the_first_stays_at_the_second(second):
    before = copied(second)
    second.root(
        f"cd {REPOSITORY}; set -- $(find data -type f | sort); truncate -s 100 $1; rm $2; rm snapshots/* index/*",
        box="vault1",
    )

    ended, said = fetch(second)

    assert ended == "exit-code"
    assert "is not what its name says" in said
    assert copied(second) == before
    assert from_the_second(second, "spoilt") == "minutes\n"


@pytest.mark.rest
def test_nothing_that_is_cut_short_gets_in_and_no_backup_that_needs_it(second):
    before = copied(second)
    second.root("head -c 3000000 /dev/urandom >/srv/shared/large")
    second.ok("backup", "now", "highbeam")
    pack = second.root(f"find {REPOSITORY}/data -type f -size +2M -newermt '1 minute ago'", box="vault1").split()[0]
    second.root(f"cp -a {pack} /root/pack; truncate -s 1000000 {pack}", box="vault1")

    ended, said = fetch(second)
    meanwhile = copied(second)
    second.root(f"cp -a /root/pack {pack}", box="vault1")
    mended = fetch(second)

    assert ended == "exit-code"
    assert "so no newer backup is taken" in said
    assert not [line for line in set(meanwhile) - set(before) if "/snapshots/" in line or "/index/" in line]
    assert mended == ("success", "")
    assert [line for line in set(copied(second)) - set(before) if "/snapshots/" in line]


def test_the_first_is_lost_and_the_second_gives_it_all_back(second):
    second.root(f"systemctl stop restic-rest-server; rm -rf {REPOSITORY}", box="vault1")

    ended, said = fetch(second)

    assert ended == "exit-code"
    assert "highbeam.web1: 203.0.113.20 does not answer, or has no backup of it" in said
    assert from_the_second(second, "lost") == "minutes\n"


@pytest.mark.rest
def test_backups_that_were_made_anew_are_not_mixed_with_the_old_ones(second):
    before = copied(second)
    second.root(f"echo other >{REPOSITORY}/config", box="vault1")

    ended, said = fetch(second)

    assert ended == "exit-code"
    assert "has other backups now: were they made anew?" in said
    assert copied(second) == before


def test_the_key_that_fetches_can_read_and_nothing_else(second):
    """As whoever has broken into the second keeper."""
    before = kept(second)
    there = "coopinfra-backups@203.0.113.20"
    options = "-F none -i /etc/coopinfra/backup-copy/copy-key -o BatchMode=yes -o UserKnownHostsFile="
    ssh = f"ssh {options}/etc/coopinfra/backup-copy/known_hosts"
    attempts = [
        f"{ssh} {there} id",
        f"{ssh} {there} highbeam.web1",
        f"rsync -e '{ssh}' /etc/hostname {there}:highbeam.web1/config",
        f"rsync -r --delete -e '{ssh}' /etc/apt/ {there}:highbeam.web1/",
        f"rsync -r --remove-source-files -e '{ssh}' {there}:highbeam.web1/snapshots /root/",
        f"rsync -e '{ssh}' {there}:/etc/hostname /root/stolen",
        f"rsync -e '{ssh}' {there}:../../etc/hostname /root/stolen",
    ]

    ended = [second.root(f"timeout 20 {each} >/dev/null 2>&1; echo $?", box="vault2").strip() for each in attempts]
    reads = second.root(f"rsync -e '{ssh}' {there}:highbeam.web1/config /root/; stat -c %s /root/config", box="vault2")

    assert "0" not in ended
    assert int(reads), "the control: what it is there for works"
    assert kept(second) == before
    assert second.root("ls /root/stolen 2>/dev/null || true", box="vault2") == ""


@pytest.fixture
def disk(second):
    """A disk with a file system of that label; what stands in for udev is its link, and that its unit is started."""
    looped = second.root(
        "truncate -s 300M /root/drawer.img; mkfs.ext4 -q -L drawer /root/drawer.img;"
        "[ -e /dev/loop-control ] || mknod /dev/loop-control c 10 237;"
        "for n in $(seq 0 63); do [ -e /dev/loop$n ] || mknod /dev/loop$n b 7 $n; done;"
        "mkdir -p /dev/disk/by-label; losetup -f --show /root/drawer.img",
        box="vault2",
    ).strip()
    second.root(f"ln -sf {looped} {BY_LABEL}", box="vault2")
    yield looped
    second.root(f"losetup -d {looped}; rm -f {BY_LABEL}", box="vault2")


def plug_in(operator, disk):
    return started(operator, "backup-disk", "vault2", f"coopinfra-backup-disk@{disk.removeprefix('/dev/')}.service")


def test_a_disk_that_is_plugged_in_gets_a_copy_and_says_when_it_is_done(second, disk, tmp_path):
    before = second.red("collective")
    rule = second.root("cat /etc/udev/rules.d/90-coopinfra-backup-disk.rules", box="vault2")

    ended, said = plug_in(second, disk)
    again, _ = plug_in(second, disk)
    password = second.root("sed -n s/^RESTIC_PASSWORD=//p /etc/coopinfra/backups/highbeam/collective-vault1/restic.env")
    # On any machine with restic, as after everything else is lost.
    second.root(f"mkdir -p /mnt/drawer; mount -o ro {disk} /mnt/drawer", box="vault2")
    packed = second.root("tar -C /mnt/drawer -cf - . | base64 -w0; umount /mnt/drawer", box="vault2")
    subprocess.run(["tar", "-xf", "-"], input=b64decode(packed), cwd=tmp_path, check=True)
    restic = ("restic", "-q", "--no-cache", "--no-lock", "-r", tmp_path / "coopinfra/highbeam.web1")
    environ = {**os.environ, "RESTIC_PASSWORD": password.strip()}
    note = subprocess.run([*restic, "dump", "latest", "/srv/shared/note"], env=environ, capture_output=True, check=True)

    assert before == {NOT_PLUGGED_IN: "it was not plugged in"}
    assert 'ENV{ID_FS_LABEL}=="drawer"' in rule
    assert ended == again == "success"
    assert "you can unplug it" in said
    assert note.stdout == b"minutes\n"
    assert "Last copied" in (tmp_path / "README.txt").read_text()
    assert second.red("collective") == {}


@pytest.mark.rest
def test_a_disk_that_is_too_small_says_so_and_keeps_what_it_has(second, disk):
    plug_in(second, disk)
    second.root(
        f"mkdir -p /mnt/drawer; mount {disk} /mnt/drawer; head -c 290M /dev/zero >/mnt/drawer/full || true;"
        f"find /mnt/drawer/coopinfra/highbeam.web1/snapshots -type f | wc -l >/root/had; umount /mnt/drawer;"
        f"cd {REPOSITORY}/data/00; head -c 3000000 /dev/urandom >new; mv new $(sha256sum new | cut -d' ' -f1)",
        box="vault2",
    )

    ended, said = plug_in(second, disk)
    red = second.red("collective")
    second.root(f"find {REPOSITORY}/data/00 -size +2M -newermt '1 minute ago' -delete", box="vault2")
    has = second.root(
        f"mount {disk} /mnt/drawer; cd /mnt/drawer/coopinfra; find highbeam.web1/snapshots -type f | wc -l |"
        " diff - /root/had && echo all; cd /; rm /mnt/drawer/full; umount /mnt/drawer",
        box="vault2",
    )
    mended, _ = plug_in(second, disk)

    assert ended == "exit-code"
    assert "the copy onto the disk drawer FAILED: not all was copied of highbeam.web1; 100% of it are used" in said
    assert has == "all\n"
    assert red == {NOT_PLUGGED_IN: "not all was copied of highbeam.web1; 100% of it are used"}
    assert mended == "success"
    assert second.red("collective") == {}, "the control: with room, the copy goes through"


def drill(operator, place):
    """Drill from one place; return how the command ended, what it said, and what stands in the receipts it left."""
    before = operator.data("backup", "receipts", "highbeam")["receipts"]
    ran = operator.run("backup", "drill", "highbeam", "--place", place)
    after = operator.data("backup", "receipts", "highbeam")["receipts"]
    return ran.returncode, ran.stderr, after[len(before) :]


def test_a_drill_reads_the_disk_in_the_drawer_while_it_is_plugged_in(second, disk):
    second.root(f"rm {BY_LABEL}", box="vault2")
    unplugged = drill(second, "drawer")
    second.root(f"ln -s {disk} {BY_LABEL}", box="vault2")
    without = drill(second, "drawer")
    plug_in(second, disk)
    # What the server and both keepers have since is not on the disk.
    second.root("echo later >/srv/shared/note")
    second.ok("backup", "now", "highbeam")

    green = drill(second, "drawer")
    status = second.run("backup", "status", "highbeam").stdout
    second.root(
        f"mkdir -p /mnt/drawer; mount {disk} /mnt/drawer; cd /mnt/drawer/coopinfra;"
        " find highbeam.web1/data -type f -exec shred -n 1 {} +; cd /; umount /mnt/drawer",
        box="vault2",
    )
    spoilt = drill(second, "drawer")
    red = second.run("backup", "status", "highbeam").stdout
    second.root("echo minutes >/srv/shared/note")
    mounted = second.root("mount | grep -c backup-disk || true", box="vault2")

    for (code, said, receipts), reason in ((unplugged, "is not plugged in"), (without, "holds no backups of")):
        assert (code, receipts) == (3, []), said
        assert f"the disk drawer {reason}" in said
    code, said, (receipt,) = green
    assert (code, receipt["result"], receipt["place"]) == (0, "green", "collective-vault2/drawer"), said
    assert receipt["packets_out"] == 0
    assert "compared: 2 files with the same sums" in [each["sentence"] for each in receipt["findings"]]
    words = (second.folder / f"receipts/drill-{receipt['number']}.md").read_text()
    assert "from the disk `drawer`, which was plugged in at collective-vault2" in words
    assert "highbeam/web1 at collective-vault2/drawer: " in status
    assert [line for line in status.splitlines() if line.startswith("  ok  last copy: ")]
    code, said, (receipt,) = spoilt
    assert (code, receipt["result"]) == (1, "red"), said
    assert "ciphertext verification failed" in said, "red for the right reason"
    assert f": drill-{receipt['number']}.json says that not all came back from {receipt['place']}\n" in red
    assert mounted == "0\n", "nothing of it stays mounted"


def test_what_lies_on_the_disk_in_the_drawer_is_put_back_though_the_server_does_not_reach_it(second, disk):
    second.root("echo minutes >/srv/shared/note")
    second.ok("backup", "now", "highbeam")
    plug_in(second, disk)
    second.root("echo lost >/srv/shared/note")
    second.root(f"systemctl stop restic-rest-server; mv {REPOSITORY} /srv/gone", box="vault1")
    words = ("backup", "restore", "highbeam", "--path", "/srv/shared/note", "--yes")

    from_keeper = second.run(*words)
    from_disk = second.run(*words, "--place", "drawer")
    note = second.root("cat /srv/shared/note; ls -d /var/lib/coopinfra/backups/highbeam/arriving 2>&1 || true")
    second.root(f"rm {BY_LABEL}", box="vault2")
    unplugged = second.run(*words, "--place", "drawer")
    second.root(f"mv /srv/gone {REPOSITORY}; systemctl start restic-rest-server", box="vault1")

    assert from_keeper.returncode == 3, "the control: the server's own way is gone"
    assert "put back: /srv/shared/note" in from_disk.stdout, from_disk.stderr
    assert note.startswith("minutes\n")
    assert "No such file" in note, "nothing of it stays beside"
    assert unplugged.returncode == 3
    assert "the disk drawer is not plugged in" in unplugged.stderr


@pytest.mark.rest
def test_a_drill_reads_the_second_copy(second):
    second.root(f"systemctl stop restic-rest-server; rm -rf {REPOSITORY}", box="vault1")

    code, said, (receipt,) = drill(second, "collective-vault2")

    assert (code, receipt["result"], receipt["place"]) == (0, "green", "collective-vault2"), said
    first, _, (lost,) = drill(second, "collective-vault1")
    assert (first, lost["result"]) == (1, "red"), "the control: the first is gone"
