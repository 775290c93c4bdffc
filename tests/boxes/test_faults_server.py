"""Servers that are in no state to be deployed: the run ends with 3, says why, and leaves what was there."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

import pytest

from boxes import Operator, kill
from coopinfra.deploy.lab.network import CLIENT
from coopinfra.roles.primitives.packages import INSTALL
from faults import core_and_rest, deploying, held, kill_programs, on_box, replaced, wait_for

pytestmark = pytest.mark.timeout(480)

CONF = "/etc/nginx/conf.d"
# dpkg's locks are those of fcntl, and Perl is what every Debian has.
HOLD_LOCK = """
use Fcntl;
open(my $file, ">", "/var/lib/dpkg/lock-frontend") or die;
my $lock = pack("s s x4 q q i x4", F_WRLCK, 0, 0, 0, 0);
fcntl($file, F_SETLKW, $lock) or die;
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
    """A server that lacks one package of ours."""
    deployed.root("dpkg --purge logrotate >&2")
    return deployed


@pytest.fixture
def whole(deployed):
    """A server that lacks nothing."""
    deployed.ok("deploy", "highbeam", "--yes")
    return deployed


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
    operator.root(f"rm -f /run/lock-is-held; cat >/run/upgrade <<'END'\n{HOLD_LOCK}END")
    # Each of its own name: systemd may still know the one before.
    operator.root(f"systemd-run --quiet --collect --unit=upgrade-{time.monotonic_ns()} perl /run/upgrade")
    wait_for("the lock", lambda: on_box(operator, "[ -e /run/lock-is-held ]"))
    try:
        yield
    finally:
        operator.root("systemctl stop 'upgrade-*.service' || true")


def test_somebody_elses_apt_is_waited_for(purged):
    tell = '#!/bin/sh\ntouch /run/waited\nexec /usr/bin/sleep "$@"\n'
    with lock_of_apt(purged), replaced(purged, "/usr/local/sbin/sleep", tell), deploying(purged) as run:
        wait_for("the wait for the lock", lambda: on_box(purged, "[ -e /run/waited ]"))
        purged.root("systemctl stop 'upgrade-*.service'")
        code, said = run.ends(240), run.said

    assert code == 0, said


def test_an_apt_that_never_ends_is_named(purged):
    script = shlex.quote(INSTALL.format(wait=2, names="logrotate"))

    with lock_of_apt(purged):
        said = purged.root(f"sh -c {script} 2>&1 && echo went-on || true")
    free = purged.root(f"sh -c {script} >&2 && echo went-on")

    assert re.search(r"that is: /usr/bin/perl /run/upgrade .*waited for 2 seconds", said), said
    assert "went-on" not in said
    assert "went-on" in free, "the control: with the lock free it goes on"


@pytest.mark.rest
def test_an_apt_that_never_ends_fails_the_deploy_after_two_minutes_with_its_name(purged):
    with lock_of_apt(purged):
        refused(purged, "`Install Debian packages` failed", "lock was locked by", "that is: /usr/bin/perl /run/upgrade")


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


def read_units(operator: Operator, script: str) -> int:
    """Install the package that is lacking; return how often systemd was made to read all units meanwhile."""
    cursor = operator.root("journalctl --sync; journalctl -q -n 1 --show-cursor | sed -n 's/^-- cursor: //p'").strip()
    operator.root(f"sh -c {shlex.quote(script.format(wait=2, names='logrotate'))} >&2")
    said = operator.root(f"journalctl --sync; journalctl -q -o cat --after-cursor='{cursor}' _PID=1")
    return said.count("Reload requested")


def test_systemd_reads_units_once_however_many_packages_bring_some(purged):
    once = read_units(purged, INSTALL)
    purged.root("dpkg --purge logrotate >&2")
    control = read_units(purged, INSTALL.replace("export SYSTEMD_OFFLINE=1", ""))

    assert once == 1
    assert control == 2, "the control: once for each such package, and once at the end"
    assert purged.root("systemctl show --value -p LoadState,NeedDaemonReload logrotate.timer").split() == [
        "loaded",
        "no",
    ]


def test_a_systemd_that_was_replaced_starts_itself_anew_after_packages(purged):
    mapped = "awk '/libsystemd-core/ {print $NF, $6}' /proc/1/maps | sort -u"
    library = purged.root("awk '/libsystemd-core/ {print $6; exit}' /proc/1/maps").strip()
    purged.root(f"cp -p {library} {library}.new && mv -f {library}.new {library}")
    before = purged.root(mapped)

    purged.root(f"sh -c {shlex.quote(INSTALL.format(wait=2, names='logrotate'))} >&2")

    assert "(deleted)" in before, "the control: it ran what is no longer there"
    assert "(deleted)" not in purged.root(mapped)


# What is wrong with a mirror, and what is said about it.
MIRRORS = {
    "dead": "Could not connect to|Connection refused",
    "index": "Hash Sum mismatch",
    "package": "Hash Sum mismatch",
    "expired": "is expired|Expired",
}
SOURCES = "/etc/apt/sources.list"


def make_mirror(folder: Path, wrong: str) -> None:
    """Write a mirror of one package, as good as any but for what is `wrong` with it."""
    (folder / "tree/DEBIAN").mkdir(parents=True)
    control = "Package: logrotate\nVersion: 99\nArchitecture: all\nMaintainer: a <a@example.org>\nDescription: a\n"
    (folder / "tree/DEBIAN/control").write_text(control)
    package, index = folder / "logrotate.deb", folder / "Packages"
    subprocess.run(["dpkg-deb", "--root-owner-group", "--build", str(folder / "tree"), str(package)], check=True)
    size, lie = package.stat().st_size, "0" * 64
    digest = lie if wrong == "package" else sha256(package.read_bytes()).hexdigest()
    index.write_text(f"{control}Filename: ./logrotate.deb\nSize: {size}\nSHA256: {digest}\n")
    digest = lie if wrong == "index" else sha256(index.read_bytes()).hexdigest()
    until = "Thu, 01 Jan 2026 01:00:00 UTC" if wrong == "expired" else "Sun, 01 Jan 2090 00:00:00 UTC"
    (folder / "Release").write_text(
        f"Date: Thu, 01 Jan 2026 00:00:00 UTC\nValid-Until: {until}\n"
        f"SHA256:\n {digest} {index.stat().st_size} Packages\n"
    )


@contextmanager
def mirror(operator: Operator, folder: Path, wrong: str) -> Iterator[None]:
    """Let the server's packages come from one mirror of ours, and from nowhere else."""
    make_mirror(folder, wrong)
    serve = (sys.executable, "-m", "http.server", "--bind", CLIENT, "--directory", str(folder), "8000")
    address = f"http://{CLIENT}:{9 if wrong == 'dead' else 8000}/"
    operator.root(f"mv {SOURCES} {SOURCES}.aside; echo 'deb [trusted=yes] {address} ./' >{SOURCES}")
    server = operator.start(*serve)
    try:
        wait_for(
            "the mirror", lambda: operator.outside("curl", "-fsS", f"http://{CLIENT}:8000/Release").returncode == 0
        )
        yield
    finally:
        kill(server)
        operator.root(f"mv {SOURCES}.aside {SOURCES}")


@pytest.mark.parametrize("wrong", core_and_rest(MIRRORS))
def test_a_bad_mirror_fails_the_deploy_and_changes_nothing(purged, tmp_path, wrong):
    with mirror(purged, tmp_path, wrong):
        refused(purged, "`Install Debian packages` failed", MIRRORS[wrong])


def test_the_same_mirror_serves_when_nothing_is_wrong_with_it(purged, tmp_path):
    with mirror(purged, tmp_path, ""):
        said = purged.run("deploy", "highbeam", "--yes").stderr

    assert purged.root("dpkg-query -W -f '${Version}' logrotate") == "99", said
    purged.root("dpkg --purge logrotate >&2")


FULL = {
    "space": ("size=1m", "cat /dev/zero >filler"),
    "inodes": ("nr_inodes=300", "seq 300 | while read -r n; do touch filler$n; done"),
}


@contextmanager
def small_disk(operator: Operator, folder: str, options: str, fill: str) -> Iterator[None]:
    """Put a folder on a disk of its own, which is full."""
    operator.root(
        f"set -e; cp -a {folder} /run/copy; mount -t tmpfs -o {options},mode=$(stat -c %a {folder}) small {folder}\n"
        f"cp -a /run/copy/. {folder}; rm -r /run/copy; cd {folder}; ({fill}) 2>/dev/null || true"
    )
    try:
        yield
    finally:
        operator.root(f"umount {folder}")


@pytest.mark.parametrize("what", core_and_rest(FULL))
def test_a_disk_that_is_full_in_the_middle_leaves_every_old_file_whole(whole, what):
    # The first of the two still finds room for its new content.
    whole.root(f"echo '# by hand' | tee -a /etc/nginx/nginx.conf >>{CONF}/highbeam.conf")

    with small_disk(whole, CONF, *FULL[what]):
        refused(whole, "`Write files` failed", "No space left on device")
        kept = whole.root(f"tail -q -n 1 /etc/nginx/nginx.conf {CONF}/highbeam.conf")
        whole.root(f"rm {CONF}/filler*")
        whole.ok("deploy", "highbeam", "--yes")
        written = whole.root(f"tail -q -n 1 /etc/nginx/nginx.conf {CONF}/highbeam.conf")

    assert kept == "# by hand\n# by hand\n"
    assert "by hand" not in written, "the control: with room, they are written"


@pytest.mark.parametrize("what", core_and_rest(FULL))
def test_where_not_even_the_journal_finds_room_nothing_begins(whole, what):
    whole.root("echo '# by hand' >>/etc/nginx/nginx.conf")

    with small_disk(whole, "/var/lib/coopinfra/state", *FULL[what]):
        refused(whole, "cannot lock the server: ", "is there room on its disk")


def test_links_that_lie_in_wait_are_never_followed(whole):
    before = whole.tree()
    whole.root("cd /etc/nginx; echo precious | tee /etc/one /etc/two >/etc/three")
    whole.root("cd /etc/nginx; ln -s /etc/one nginx.conf.coopinfra-new; ln -sf /etc/two nginx.conf")
    whole.root("ln -sfn /etc/three /var/lib/coopinfra/state/highbeam/incoming.tar")

    whole.ok("deploy", "highbeam", "--yes")

    assert whole.root("cat /etc/one /etc/two /etc/three") == "precious\n" * 3
    whole.root("rm /etc/one /etc/two /etc/three")
    assert whole.differs_from(before) == []


def test_a_clock_that_is_minutes_off_is_refused_and_one_that_is_seconds_off_is_not(whole):
    def clock(seconds):
        return f'#!/bin/sh\n[ "$1" != +%s ] || exec expr $(/usr/bin/date +%s) + {seconds}\nexec /usr/bin/date "$@"\n'

    with replaced(whole, "/usr/local/sbin/date", clock(-400)):
        refused(whole, r"its clock is (399|40\d) seconds off ours")
    with replaced(whole, "/usr/local/sbin/date", clock(20)):
        whole.ok("plan", "highbeam")


def test_a_release_older_than_the_one_that_was_here_last_is_refused(whole):
    manifest = "/var/lib/coopinfra/state/highbeam/manifest.json"
    before = whole.root(f"cat {manifest}")
    whole.root(f"""sed -i 's/"release": "[^"]*"/"release": "99.1.0"/' {manifest}""")
    whole.root("echo '# by hand' >>/etc/nginx/nginx.conf")

    said = refused(whole, "coopinfra 99.1.0 was here last, and this is only 0")
    planned = whole.run("plan", "highbeam")
    whole.root(f"cat >{manifest} <<'END'\n{before}END")

    assert "update this one first" in said
    assert planned.returncode == 3
    whole.ok("deploy", "highbeam", "--yes")


def test_a_service_that_is_active_and_dead_fails_the_deploy_and_its_files_go_back(whole):
    before = whole.tree()

    ran = whole.outside(sys.executable, str(Path(__file__).with_name("lockout.py")), "dead", "6")

    assert ran.returncode == 3, ran.stderr
    assert "nginx.service is active and does not answer" in ran.stderr, "the control: it was dead, and active"
    assert "the files that this deploy wrote are as they were before" in ran.stderr
    assert whole.differs_from(before) == []
    served = whole.outside("curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}", "http://www.highbeam.example/")
    assert served.stdout == "308"
    assert "stopped at" not in whole.ok("deploy", "highbeam", "--yes").stderr
