"""Servers that are in no state to be deployed: the run ends with 3, says why, and leaves what was there."""

from __future__ import annotations

import re
import shlex
from contextlib import contextmanager

import pytest

from boxes import Operator
from coopinfra.roles.primitives.packages import INSTALL
from faults import deploying, held, kill_programs, on_box, replaced, wait_for

pytestmark = pytest.mark.timeout(480)

CONF = "/etc/nginx/conf.d"
# dpkg's locks are those of fcntl, and Perl is what every Debian has.
HOLD_LOCK = """
use Fcntl;
open(my $file, ">", "/var/lib/dpkg/lock-frontend") or die;
fcntl($file, F_SETLKW, pack("s s x4 q q i x4", F_WRLCK, 0, 0, 0, 0)) or die;
open(my $ready, ">", "/run/lock-is-held") or die;
sleep;
"""


@pytest.fixture(scope="module")
def deployed(machine):
    """A server that is deployed once for all tests of this file, which leave it whole."""
    machine.publish()
    machine.ok("deploy", "highbeam", "--yes")
    return machine


@pytest.fixture
def purged(deployed):
    """A server that lacks one package of ours; it has it again at the end."""
    deployed.root("dpkg --purge logrotate >&2")
    yield deployed
    deployed.ok("deploy", "highbeam", "--yes")


def refused(operator: Operator, *messages: str) -> str:
    """Deploy; it must end with 3, say all of this, and change nothing."""
    before = operator.tree()

    ran = operator.run("deploy", "highbeam", "--yes")

    assert ran.returncode == 3, ran.stderr
    for message in messages:
        assert re.search(message, ran.stderr), f"{message!r} is not in\n{ran.stderr}"
    assert "Traceback" not in ran.stderr
    assert operator.differs_from(before) == []
    return ran.stderr


@contextmanager
def lock_of_apt(operator: Operator):
    """Hold dpkg's lock as somebody else's upgrade does."""
    operator.root(f"rm -f /run/lock-is-held; systemd-run --quiet --unit=upgrade perl -e {shlex.quote(HOLD_LOCK)}")
    wait_for("the lock", lambda: on_box(operator, "[ -e /run/lock-is-held ]"))
    try:
        yield
    finally:
        operator.root("systemctl stop upgrade.service")


def test_somebody_elses_apt_is_waited_for(purged):
    tell = '#!/bin/sh\ntouch /run/waited\nexec /usr/bin/sleep "$@"\n'
    with lock_of_apt(purged), replaced(purged, "/usr/local/sbin/sleep", tell), deploying(purged) as run:
        wait_for("the wait for the lock", lambda: on_box(purged, "[ -e /run/waited ]"))
        purged.root("systemctl stop upgrade.service")
        code, said = run.ends(240), run.said

    assert code == 0, said


def test_an_apt_that_never_ends_is_named(purged):
    script = shlex.quote(INSTALL.format(wait=2, names="logrotate"))

    with lock_of_apt(purged):
        said = purged.root(f"sh -c {script} 2>&1 && echo installed || true")

    assert re.search(r"that is: perl -e .* waited for 2 seconds", said, re.DOTALL), said
    assert "installed" not in said
    assert "installed" in purged.root(f"sh -c {script} >&2 && echo installed"), (
        "the control: with the lock free it goes"
    )


@pytest.mark.rest
def test_an_apt_that_never_ends_fails_the_deploy_after_two_minutes_with_its_name(purged):
    with lock_of_apt(purged):
        refused(purged, "`Install Debian packages` failed", "locked by another process", "that is: perl -e")


def test_a_dpkg_that_was_killed_in_the_middle_is_finished_first(purged):
    before = purged.tree()
    with held(purged, "/usr/bin/deb-systemd-helper", in_place=True) as hold, deploying(purged) as run:
        hold.wait()
        kill_programs(purged, "apt-get", "dpkg")
        hold.release()
        code = run.ends(120)
    broken = purged.root("dpkg-query -W -f '${db:Status-Abbrev} ${Package}\n' | grep -v '^ii' || true")

    said = purged.ok("deploy", "highbeam", "--yes").stderr

    assert code == 3
    assert broken, "the control: a package was left half installed"
    assert purged.root("dpkg --audit") == ""
    assert "web1: nothing to change" in purged.ok("plan", "highbeam").stdout, said
    assert purged.tree() != before, "the package is back"


# A mirror of one package, as good as any but for what the case spoils.
MIRROR = """
set -eu
rm -rf /var/tmp/mirror && mkdir -p /var/tmp/mirror/tree/DEBIAN && cd /var/tmp/mirror
printf 'Package: logrotate\\nVersion: 99\\nArchitecture: all\\nMaintainer: a <a@example.org>\\nDescription: a\\n' \
    >tree/DEBIAN/control
dpkg-deb --build tree logrotate.deb >/dev/null
sum() { sha256sum "$1" | cut -d' ' -f1; }
package=$(sum logrotate.deb)
%s
{ cat tree/DEBIAN/control
  echo "Filename: ./logrotate.deb"; echo "Size: $(stat -c %%s logrotate.deb)"; echo "SHA256: $package"; } >Packages
index=$(sum Packages) until='Mon, 01 Jan 2090 00:00:00 UTC'
%s
printf 'Date: Thu, 01 Jan 2026 00:00:00 UTC\\nValid-Until: %%s\\nSHA256:\\n %%s %%s Packages\\n' \
    "$until" "$index" "$(stat -c %%s Packages)" >Release
"""
LIE = "$(echo lie | sha256sum | cut -d' ' -f1)"
MIRRORS = {
    "dead": ("http://127.0.0.1:9/", "", "", "Could not connect to 127.0.0.1:9|Connection refused"),
    "an index with a wrong hash": ("copy:/var/tmp/mirror", "", f"index={LIE}", "Hash Sum mismatch"),
    "a package with a wrong hash": ("copy:/var/tmp/mirror", f"package={LIE}", "", "Hash Sum mismatch"),
    "expired": ("copy:/var/tmp/mirror", "", "until='Thu, 01 Jan 2026 01:00:00 UTC'", "is expired|Expired"),
}
SOURCES = "/etc/apt/sources.list"


@contextmanager
def mirror(operator: Operator, address: str, package: str, index: str):
    """Let the server's packages come from one mirror of ours, and from nowhere else."""
    operator.root(MIRROR % (package, index))
    operator.root(f"mv {SOURCES} {SOURCES}.aside; echo 'deb [trusted=yes] {address} ./' >{SOURCES}")
    try:
        yield
    finally:
        operator.root(f"mv {SOURCES}.aside {SOURCES}; rm -r /var/tmp/mirror; apt-get -q update >&2")


@pytest.mark.parametrize("how", MIRRORS)
def test_a_bad_mirror_fails_the_deploy_and_changes_nothing(purged, how):
    address, package, index, message = MIRRORS[how]

    with mirror(purged, address, package, index):
        refused(purged, "`Install Debian packages` failed", message)


def test_the_same_mirror_serves_when_nothing_is_wrong_with_it(purged):
    with mirror(purged, "copy:/var/tmp/mirror", "", ""):
        purged.ok("deploy", "highbeam", "--yes")

    assert purged.root("dpkg-query -W -f '${Version}' logrotate") == "99"
    purged.root("dpkg --purge logrotate >&2")


FULL = {
    "space": ("size=64k", "head -c 64k /dev/zero >filler || true"),
    "inodes": ("nr_inodes=24", "seq 30 | while read -r n; do : >filler$n || true; done"),
}


@contextmanager
def small_disk(operator: Operator, folder: str, options: str, fill: str):
    """Put a folder on a disk of its own, which is full."""
    operator.root(
        f"set -e; mkdir /run/small; mount -t tmpfs -o {options},mode=$(stat -c %a {folder}) small /run/small; "
        f"cp -a {folder}/. /run/small; mount --move /run/small {folder}; rmdir /run/small; cd {folder}; {fill} 2>/dev/null"
    )
    try:
        yield
    finally:
        operator.root(f"umount {folder}")


@pytest.mark.parametrize("what", FULL)
def test_a_disk_that_is_full_in_the_middle_leaves_every_old_file_whole(deployed, what):
    # The first of the two still finds room for its new content.
    deployed.root(f"echo '# by hand' | tee -a /etc/nginx/nginx.conf >>{CONF}/highbeam.conf")

    with small_disk(deployed, CONF, *FULL[what]):
        refused(deployed, "`Write files` failed", "No space left on device")
        assert deployed.root("tail -n 1 /etc/nginx/nginx.conf") == "# by hand\n"
        assert deployed.root(f"tail -n 1 {CONF}/highbeam.conf") == "# by hand\n"
        deployed.root(f"rm {CONF}/filler*")
        deployed.ok("deploy", "highbeam", "--yes")
        assert "by hand" not in deployed.root(f"cat {CONF}/highbeam.conf"), "the control: with room, it is written"
    deployed.ok("deploy", "highbeam", "--yes")


@pytest.mark.parametrize("what", FULL)
def test_where_not_even_the_journal_finds_room_nothing_begins(deployed, what):
    deployed.root("echo '# by hand' >>/etc/nginx/nginx.conf")

    with small_disk(deployed, "/var/lib/coopinfra/state", *FULL[what]):
        refused(deployed, "cannot lock the server: .*No space left on device")
    deployed.ok("deploy", "highbeam", "--yes")


def test_a_clock_that_is_minutes_off_is_refused_and_one_that_is_seconds_off_is_not(deployed):
    def clock(seconds):
        return f'#!/bin/sh\n[ "$1" != +%s ] || exec expr $(/usr/bin/date +%s) + {seconds}\nexec /usr/bin/date "$@"\n'

    with replaced(deployed, "/usr/local/sbin/date", clock(-400)):
        refused(deployed, r"its clock is (399|40\d) seconds off ours")
    with replaced(deployed, "/usr/local/sbin/date", clock(20)):
        deployed.ok("plan", "highbeam")


def test_a_release_older_than_the_one_that_was_here_last_is_refused(deployed):
    manifest = "/var/lib/coopinfra/state/highbeam/manifest.json"
    before = deployed.root(f"cat {manifest}")
    deployed.root(f"""sed -i 's/"release": "[^"]*"/"release": "99.1.0"/' {manifest}""")
    deployed.root("echo '# by hand' >>/etc/nginx/nginx.conf")

    said = refused(deployed, "coopinfra 99.1.0 was here last, and this is only 0")
    planned = deployed.run("plan", "highbeam")
    deployed.root(f"cat >{manifest} <<'END'\n{before}END")

    assert "update this one first" in said
    assert planned.returncode == 3
    deployed.ok("deploy", "highbeam", "--yes")
