"""Three organisations on one machine: each deploys alone, and none knows of the others more than is public."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from boxes import Operator, machines
from coopinfra.deploy.lab import lab as labs
from coopinfra.deploy.lab.state import BoxSpec

pytestmark = pytest.mark.timeout(480)

SHARED1 = BoxSpec("shared1", "203.0.113.10", "2001:db8::10", organisation="lantern")
OWNER = """\
name: Lantern Tech Co-op
domain: lantern.example
contacts: [{name: Ada Moreno, does: decides}]
servers:
  shared1:
    address: 203.0.113.10
    ipv6: 2001:db8::10
    tenants:
      alder: {memory_megabytes: 256}
      birch: {}
    roles:
      base: {}
"""
TENANT = """\
name: %(name)s
domain: %(id)s.example
contacts: [{name: Rosa Ibarra, does: decides}]
servers:
  web:
    machine: lantern/shared1
    roles:
      website:
        sites:
          main: {domain: www.%(id)s.example, source: {folder: pages}}
"""
TENANTS = ("alder", "birch")
CACHE = "      valkey: {caches: {members: {user: demo}}}\n      website:"
"""A program that runs for one tenant alone."""


CEDAR = "/srv/tenants/cedar"
DISKS = "/var/lib/coopinfra/disks"


@dataclass(frozen=True)
class Sharing:
    """Somebody who deploys several organisations onto one machine."""

    operator: Operator

    def write(self, organisation: str, text: str) -> None:
        folder = self.operator.lab.inventories / organisation
        (folder / "pages").mkdir(parents=True, exist_ok=True)
        (folder / "pages/index.html").write_text(f"<!doctype html><p>{organisation}\n")
        (folder / "org.yml").write_text(text)

    def write_tenant(self, organisation: str, *changes: tuple[str, str]) -> None:
        text = TENANT % {"name": organisation.title(), "id": organisation}
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        self.write(organisation, text)

    def deploy(self, organisation: str) -> str:
        return self.operator.ok("deploy", organisation, "--yes").stderr

    def publish(self, organisation: str) -> None:
        labs.publish(self.operator.lab, f"{organisation}.example", self.operator.ok("dns", organisation).stdout)

    def page(self, organisation: str) -> str:
        return self.operator.outside("curl", "-sS", f"https://www.{organisation}.example/").stdout

    def root(self, command: str) -> str:
        return self.operator.root(command, box="shared1")


@pytest.fixture(scope="module")
def sharing(lab):
    """A bare machine, and the files of its owner and of two that may share it."""
    at = Sharing(Operator(lab))
    at.write("lantern", OWNER)
    at.write_tenant("alder", ("      website:", CACHE))
    at.write_tenant("birch")
    with machines(lab) as make:
        yield Sharing(make(SHARED1))


def red(sharing, organisation):
    checked = sharing.operator.run("check", organisation, "--json").stdout
    return {each["sentence"]: each["found"] for one in json.loads(checked) for each in one["checks"] if each["found"]}


# What deploys decide on the machine as a whole; certificates are as their authority makes them.
TREE = r"""
find /etc /srv /usr/local -xdev -path /etc/letsencrypt -prune -o -printf '%M %u:%g %p %l\n' | sort -k3
find /etc /usr/local -xdev -path /etc/letsencrypt -prune -o -type f ! -name '*-' -exec sha256sum {} + | sort -k2
"""


@pytest.fixture(scope="module", autouse=True)
def deployed(sharing):
    """Everybody has deployed, the owner first; what the machine looks like then."""
    for name in ("lantern", *TENANTS):
        sharing.publish(name)
    early = sharing.operator.run("deploy", "alder", "--yes")
    assert early.returncode == 3
    assert "`lantern` has not deployed `shared1` yet" in early.stderr
    for name in ("lantern", *TENANTS):
        sharing.deploy(name)
    return sharing.root(TREE)


def test_each_answers_and_has_nothing_to_change_and_all_checks_are_green(sharing):
    for name in TENANTS:
        assert name in sharing.page(name)
    for name in ("lantern", *TENANTS):
        planned = sharing.operator.ok("plan", name).stdout
        assert "nothing to change" in planned
        assert "by other hands" not in planned
        assert " 0 red" in sharing.operator.ok("check", name).stdout


def test_a_program_runs_in_its_slice_whose_limit_changes_while_it_runs(sharing):
    def cache(what: str) -> str:
        return sharing.root(f"systemctl show --property={what} --value valkey@alder-members.service").strip()

    def limit() -> int:
        return int(sharing.root("systemctl show --property=MemoryMax --value coopinfra-alder.slice")) // 2**20

    process, before = cache("MainPID"), limit()
    sharing.write("lantern", OWNER.replace("256", "300"))
    sharing.deploy("alder")
    changed = limit()
    sharing.write("lantern", OWNER)
    sharing.deploy("alder")

    assert cache("ControlGroup") == "/coopinfra.slice/coopinfra-alder.slice/valkey@alder-members.service"
    assert (before, changed, limit()) == (256, 300, 256)
    assert cache("MainPID") == process != "0"


def test_what_wants_more_memory_than_agreed_is_ended(sharing):
    if "memory" not in sharing.root("cat /sys/fs/cgroup/cgroup.controllers").split():
        pytest.skip("the kernel of this machine gives its boxes no memory controller, so nothing there is limited")
    hungry = "perl -e 'print length(q(a) x (700 * 1024 * 1024))'"
    run = "systemd-run --quiet --wait --pipe --collect"

    limited = sharing.root(f"{run} --slice=coopinfra-alder.slice {hungry} || echo ended")
    free = sharing.root(f"{run} {hungry}")

    assert limited == "ended\n"
    assert free == str(700 * 1024 * 1024), "the control: outside of the slice there is room"


def test_what_a_stranger_changes_is_drift_to_whom_it_concerns_alone(sharing):
    sharing.root("echo '# by hand' >>/etc/nginx/conf.d/alder.conf")

    alder, birch = (sharing.operator.run("plan", name) for name in TENANTS)

    assert alder.returncode == 1
    assert "/etc/nginx/conf.d/alder.conf (content)" in alder.stdout
    assert birch.returncode == 0, birch.stdout
    sharing.deploy("alder")


def test_who_wants_what_a_neighbour_has_is_refused_before_anything_is_touched(sharing):
    before = sharing.root("cat /var/lib/coopinfra/state/*/manifest.json | sha256sum")
    sharing.write_tenant("birch", ("www.birch.example", "www.alder.example"))

    refused = sharing.operator.run("deploy", "birch", "--yes")

    assert refused.returncode == 3
    assert "birch/web: `alder` has www.alder.example on this machine already" in refused.stderr
    assert sharing.root("cat /var/lib/coopinfra/state/*/manifest.json | sha256sum") == before
    sharing.write_tenant("birch")
    assert "nothing to change" in sharing.deploy("birch")


WATCH = """
import http.client, ssl, sys, threading
names, stop = sys.argv[1:], threading.Event()
counts = {name: [0, 0] for name in names}
def ask(name):
    context = ssl.create_default_context()
    while not stop.is_set():
        try:
            connection = http.client.HTTPSConnection(f"www.{name}.example", timeout=10, context=context)
            connection.request("GET", "/")
            answer = connection.getresponse()
            good = answer.status == 200 and name in answer.read().decode()
            connection.close()
        except Exception:
            good = False
        counts[name][not good] += 1
threads = [threading.Thread(target=ask, args=(name,)) for name in names]
for each in threads: each.start()
print("asking", file=sys.stderr, flush=True)
sys.stdin.read()
stop.set()
for each in threads: each.join()
print(*(f"{name} {good} {bad}" for name, (good, bad) in counts.items()), sep="\\n")
"""


@contextmanager
def watched(sharing, *names):
    """Ask sites without a pause; yield what gets, in the end, how many answers of each were right and wrong."""
    process = subprocess.Popen(
        labs.exec_argv(sharing.operator.lab, (sys.executable, "-c", WATCH, *names)),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    counts = {}
    assert process.stderr
    assert process.stderr.readline() == "asking\n"
    yield counts
    said, _ = process.communicate(timeout=60)
    for line in said.splitlines():
        name, good, bad = line.split()
        counts[name] = (int(good), int(bad))


OTHERS = """
find /etc /srv /usr/local /var/lib/coopinfra -xdev -type f ! -path '*/state/journal/*' \
    ! -path '/var/lib/coopinfra/state/alder/*' -exec sha256sum {} + | sort -k2
"""


def test_one_leaves_and_nothing_of_the_others_changes_nor_fails_a_request(sharing):
    before = dict(line.split()[::-1] for line in sharing.root(OTHERS).splitlines())
    # What the timer does each hour, at every moment: two may want to remove the same certificate.
    tends = "while :; do /usr/local/lib/coopinfra/certificates tend || kill $$; done"
    sharing.root(f"systemd-run -q --unit tending sh -c '{tends}'")

    with watched(sharing, "alder", "birch") as counts:
        left = sharing.operator.ok("leave", "alder", "--yes").stderr
    tended = sharing.root("systemctl is-active tending; systemctl stop tending; journalctl -o cat -q -u tending")
    after = dict(line.split()[::-1] for line in sharing.root(OTHERS).splitlines())

    gone = {path for path in before if path not in after}
    assert "nothing of `alder` runs on lantern/shared1 any more" in left
    assert tended.startswith("active\n"), tended
    assert "by other hands" not in left, "what the others still have is not gone"
    assert {path: after[path] for path in after} == {path: before[path] for path in before if path not in gone}
    # Of what could be common, it alone had a cache: what such daemons need goes with it.
    assert {path for path in gone if "alder" not in path} == {
        "/etc/systemd/system/valkey@.service",
        "/etc/systemd/system/valkey-server.service.d/coopinfra.conf",
    }
    assert not [path for path in after if "alder" in path]
    (right, wrong), (_, refused) = counts["birch"], counts["alder"]
    sys.stdout.write(f"while alder left, birch answered {right} requests and failed {wrong}; alder failed {refused}\n")
    assert right > 20
    assert wrong == 0
    assert refused > 0, "the control: whoever left does not answer any more"
    for name in ("lantern", "birch"):
        assert "nothing to change" in sharing.operator.ok("plan", name).stdout
        assert " 0 red" in sharing.operator.ok("check", name).stdout
    assert sharing.root("ls /var/lib/coopinfra/state").split() == ["birch", "journal", "lantern"]


def test_who_has_left_can_come_back_and_in_the_other_order_the_machine_is_the_same(sharing, deployed):
    gone = sharing.root(TREE)

    sharing.deploy("alder")

    assert gone != deployed, "the control: without it the machine is another"
    assert sharing.root(TREE).splitlines() == deployed.splitlines()
    assert "alder" in sharing.page("alder")
    assert "nothing to change" in sharing.operator.ok("plan", "alder").stdout


def test_with_the_last_one_goes_what_only_they_had(sharing):
    before = sharing.root("ss -Hltn | awk '{print $4}'")

    for name in TENANTS:
        sharing.operator.ok("leave", name, "--yes")

    named = r"find /etc /srv /usr/local /var -xdev -path /var/log -prune -o \( -name '*alder*' -o -name '*birch*' \)"
    left = sharing.root(f"{named} -print").split()
    listens = sharing.root("ss -Hltn | awk '{print $4}'")
    assert "0.0.0.0:443" in before, "the control: it was there"
    assert "0.0.0.0:443" not in listens
    assert left == []
    assert sharing.root("ls -A /var/lib/coopinfra/certificates 2>/dev/null || true") == ""
    assert sharing.root("ls /var/lib/coopinfra/state").split() == ["journal", "lantern"]
    assert "nothing to change" in sharing.operator.ok("plan", "lantern").stdout
    assert " 0 red" in sharing.operator.ok("check", "lantern").stdout


# A site that writes; what runs it sees the disk by a mount of its own.
NOTES = """
          notes: {domain: notes.cedar.example, kind: php, source: {folder: notes}, writable: [kept],
            database: mariadb}
          list: {domain: list.cedar.example, kind: php, source: {folder: pages}, database: postgresql}"""
MARIADB = "mariadb -N -e 'SHOW DATABASES' | grep cedar || true"
POSTGRESQL = "cd / && runuser -u postgres -- psql -X -A -t -c 'SELECT datname FROM pg_database' | grep cedar || true"
START, STOP = (f"systemctl {does} mariadb postgresql@17-main" for does in ("start", "stop"))
HELD = f"losetup --associated {DISKS}/cedar.img --noheadings | wc -l"


# Last, for what a disk needs is a package, which stays.
def test_whose_disk_is_full_writes_no_more_and_nobody_else_notices(sharing):
    if not Path("/dev/loop-control").exists():
        pytest.skip("this machine has no loop devices, so its boxes have no disks within their disk")
    fill = f"head -c 3G /dev/zero >{CEDAR}/filler"
    lets = OWNER.replace("birch: {}", "birch: {}\n      cedar: {disk_gigabytes: %d}")
    sharing.write("lantern", lets % 1)
    sharing.write_tenant("cedar")
    sharing.publish("cedar")
    sharing.deploy("cedar")
    began = sharing.page("cedar"), red(sharing, "cedar")

    full = sharing.root(f"( {fill} ) 2>&1 || true; df --output=pcent {CEDAR}")
    sharing.write_tenant("cedar", ("source: {folder: pages}", "source: {folder: more}"))
    more = sharing.operator.lab.inventories / "cedar/more"
    more.mkdir()
    (more / "index.html").write_text("<!doctype html><p>cedar has more\n" + "a" * 2**20)
    refused = sharing.operator.run("deploy", "cedar", "--yes")
    meanwhile, found = sharing.page("cedar"), red(sharing, "cedar")
    others = sharing.root("head -c 100M /dev/zero >/srv/filler && rm /srv/filler && echo room")

    sharing.write("lantern", lets % 4)
    # A box may not let a disk grow that is in use; whether it did at once or at the reboot is not what is asked here.
    sharing.operator.run("deploy", "cedar", "--yes")
    labs.reboot(sharing.operator.lab, "shared1")
    sharing.root("systemctl is-system-running --wait || true")
    sharing.deploy("cedar")
    rebooted = sharing.page("cedar"), sharing.root(f"ls -l {CEDAR}/filler | wc -l"), red(sharing, "cedar")

    assert began == ("<!doctype html><p>cedar\n", {})
    assert "No space left on device" in full
    assert "100%" in full
    assert refused.returncode == 3, refused.stderr
    assert meanwhile == began[0]
    assert found == {"the disk of cedar on web has room": "it is 100% full"}
    assert others == "room\n"
    assert "cedar has more" in rebooted[0]
    assert rebooted[1:] == ("1\n", {})


def test_a_disk_that_is_not_there_is_seen_and_mounted_by_the_next_deploy_and_goes_with_its_data(sharing):
    if not Path("/dev/loop-control").exists():
        pytest.skip("this machine has no loop devices, so its boxes have no disks within their disk")
    sharing.write_tenant("cedar", ("source: {folder: pages}}", "source: {folder: pages}}" + NOTES))
    notes = sharing.operator.lab.inventories / "cedar/notes"
    notes.mkdir()
    note = 'if (isset($_GET["note"])) file_put_contents(__DIR__ . "/kept/" . $_GET["note"], "note");'
    (notes / "index.php").write_text(f"<!doctype html><p>noted<?php {note}")
    sharing.publish("cedar")
    sharing.deploy("cedar")

    def write(note: str) -> None:
        sharing.operator.outside("curl", "-sSf", f"https://notes.cedar.example/?note={note}")

    write("before")
    sharing.root(f"umount {CEDAR}")
    found, held = red(sharing, "cedar"), sharing.root(HELD)
    # The web server finds nothing to ask for; what the site runs of itself goes on.
    seen = "/proc/$(systemctl show --property=MainPID --value cedar-notes)/root"
    kept = f"{seen}{CEDAR}/data/cedar-notes/kept"
    sharing.root(f"touch {kept}/meanwhile; chown --reference={kept} {kept}/meanwhile")
    sharing.deploy("cedar")
    mended = red(sharing, "cedar")
    write("after")
    notes_kept = sharing.root(f"ls {CEDAR}/data/cedar-notes/kept").split()
    sharing.operator.ok("leave", "cedar", "--yes")
    stays = sharing.root(f"ls -A {DISKS}; find {CEDAR} 2>/dev/null || echo gone; losetup --all --noheadings")
    sharing.deploy("cedar")
    back = sharing.root(f"ls {CEDAR}/filler {CEDAR}/data/cedar-notes/kept/after; {MARIADB}; {POSTGRESQL}")
    left = sharing.operator.ok("leave", "cedar", "--with-data", "--yes").stderr
    runs = sharing.root("systemctl is-active mariadb postgresql@17-main || true").split()

    assert "it has none, so all lies elsewhere" in found.values()
    assert held == "1\n", "the control: a site holds it still"
    assert notes_kept == ["after", "before", "meanwhile"]
    assert [*mended] == ["what cannot be made anew on web is backed up"]
    assert stays == "cedar.img\ngone\n"
    assert back.split() == [f"{CEDAR}/data/cedar-notes/kept/after", f"{CEDAR}/filler", "cedar-notes", "cedar-list"]
    assert "GOES FOR GOOD: the database cedar-notes (mariadb)" in left
    assert "GOES FOR GOOD: the database cedar-list (postgresql)" in left
    assert runs == ["inactive", "inactive"], "whoever asked for them is gone"
    assert sharing.root(f"{START}; {MARIADB}; {POSTGRESQL}; {STOP}") == ""
    assert sharing.root("getent passwd cedar-notes || true; find /etc /srv /var/lib -xdev -name '*cedar*'") == ""
    assert sharing.root(f"ls -A {DISKS} 2>/dev/null || true; losetup --all --noheadings") == ""
    sharing.write("lantern", OWNER)


ALL_KINDS = """
          blog: {domain: blog.cedar.example, kind: wordpress, mode: static-export, title: Blog, administrator: rosa,
            administrator_email: rosa@cedar.example, edit_domain: write.cedar.example}
          desk: {domain: desk.cedar.example, kind: python, source: {folder: apps/shop}, wsgi: "shop:application",
            health: /release, migrate: python shop.py migrate, build: {command: sh build.sh}, postgresql: desk,
            valkey: desk, secrets: {PAYMENT_TOKEN: random}, workers: {packer: {command: python shop.py work}},
            jobs: {count: {command: python shop.py count, at: "*:*:0/4"}}}"""


@pytest.mark.rest
def test_of_whoever_leaves_with_a_wordpress_and_an_application_nothing_is_left(sharing):
    sharing.write("lantern", OWNER.replace("birch: {}", "birch: {}\n      cedar: {}"))
    sharing.write_tenant("cedar", ("source: {folder: pages}}", "source: {folder: pages}}" + ALL_KINDS))
    shutil.copytree(Path(__file__).parent / "apps/shop", sharing.operator.lab.inventories / "cedar/apps/shop")
    sharing.operator.ok("secrets", "generate", "cedar")
    sharing.publish("cedar")
    sharing.deploy("cedar")
    named = (
        "find /etc /srv /usr/local /var -xdev -path /var/log -prune -o -name '*cedar*' -print;"
        " systemctl list-units --all --plain --no-legend --state=failed"
    )
    # A job that fails must not be on the owner's list for ever.
    job = "cedar-desk@job-count.service"
    failed = f"timeout 30 sh -c 'until systemctl is-failed {job}; do sleep 1; done'"
    sharing.root(f"mv /srv/data/cedar-desk /srv/data/cedar-away; {failed}")
    sharing.root("mv /srv/data/cedar-away /srv/data/cedar-desk")
    before = sharing.root(named)

    sharing.operator.ok("leave", "cedar", "--with-data", "--yes")

    assert f"{job} loaded failed" in " ".join(before.split())
    assert "/var/lib/cedar-blog-admin" in before
    assert sharing.root(named) == ""
    assert " 0 red" in sharing.operator.ok("check", "lantern").stdout
    sharing.write("lantern", OWNER)
