"""What goes wrong on real servers: the next run names it and finishes, and nobody is ever locked out."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from boxes import kill, read_until
from coopinfra.deploy.engine.confirm import WAIT_SECONDS
from coopinfra.deploy.lab import lab as labs
from faults import deploying, end_sessions, held

pytestmark = pytest.mark.timeout(480)


@pytest.fixture(scope="module")
def deployed(machine):
    """A server that is deployed once for all tests of this file which leave it whole."""
    machine.publish()
    machine.ok("deploy", "highbeam", "--yes")
    return machine


def test_an_unknown_host_key_stops_everything_before_a_byte_is_sent(deployed):
    known = deployed.folder / "known_hosts"
    text = known.read_text()
    known.unlink()

    ran = deployed.run("deploy", "highbeam", "--yes")
    known.write_text(text)

    assert ran.returncode == 3
    assert "no host key is pinned for 203.0.113.10; nothing was sent" in ran.stderr
    assert "coopinfra trust highbeam web1" in ran.stderr


def test_a_changed_host_key_stops_everything_and_shows_both(deployed, tmp_path):
    known = deployed.folder / "known_hosts"
    text = known.read_text()
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / "other")], check=True)
    other = " ".join((tmp_path / "other.pub").read_text().split()[:2])
    known.write_text(f"203.0.113.10 {other}\n")
    logins = deployed.root("journalctl -q -u ssh -o cat | grep -c Accepted || true")

    ran = deployed.run("deploy", "highbeam", "--yes")
    known.write_text(text)

    assert ran.returncode == 3
    assert "the host key has CHANGED; nothing was sent" in ran.stderr
    assert len(set(re.findall(r"SHA256:\S+", ran.stderr))) == 2
    assert "ssh-keygen -R" not in ran.stderr
    assert deployed.root("journalctl -q -u ssh -o cat | grep -c Accepted || true") == logins
    assert deployed.run("plan", "highbeam").returncode == 0, "the control: with the right key it goes on"


def test_trust_pins_only_the_key_whose_fingerprint_was_compared(deployed):
    known = deployed.folder / "known_hosts"
    right = known.read_text()
    known.unlink()

    refused = deployed.run("trust", "highbeam", "web1", "--fingerprint", "SHA256:somethingelse")
    nobody = deployed.run("trust", "highbeam", "web1")
    shown = re.search(r"SHA256:\S+", nobody.stderr)
    pinned = deployed.run("trust", "highbeam", "web1", "--fingerprint", shown.group())

    assert (refused.returncode, nobody.returncode, pinned.returncode) == (3, 3, 0)
    assert known.read_text().split()[:3] == right.split()[:3]


def test_a_second_operator_meets_the_lock_and_is_told_who_holds_it(deployed):
    (deployed.folder / "sites/main/new.html").write_text("new")
    deployed.root("systemd-run --quiet --unit=other flock /run/coopinfra/lock sleep 600")
    deployed.root("""echo '{"operator": "bruno", "run": "r1", "since": "noon"}' >/run/coopinfra/lock""")
    time.sleep(0.5)

    refused = deployed.run("deploy", "highbeam", "--yes")
    waiting = deployed.start(*deployed.argv("deploy", "highbeam", "--yes", "--wait", "1m"))
    read_until(waiting, "taking the lock")
    deployed.root("systemctl stop other.service")
    waiting.communicate(timeout=60)

    assert refused.returncode == 3
    assert "is locked by bruno since noon (run r1)" in refused.stderr
    assert waiting.returncode == 0


def lock_out(how: str, wait: int) -> list[str]:
    return [sys.executable, str(Path(__file__).with_name("lockout.py")), how, str(wait)]


AS_LONG_AS_A_REAL_SERVER = pytest.param("kex", WAIT_SECONDS, marks=pytest.mark.rest)


@pytest.mark.parametrize(
    ("how", "wait"), [("kex", 6), ("port", 6), ("keys", 6), ("sudo", 6), ("user", 6), AS_LONG_AS_A_REAL_SERVER]
)
def test_a_change_that_would_lock_us_out_is_taken_back_and_reported(deployed, how, wait):
    before = deployed.tree()

    ran = deployed.outside(*lock_out(how, wait))

    assert ran.returncode == 3, ran.stderr
    assert "the server REVERTED it" in ran.stderr
    assert deployed.differs_from(before) == []
    deployed.ok("deploy", "highbeam", "--yes")
    assert "web1: nothing to change" in deployed.ok("plan", "highbeam").stdout


def test_killed_before_the_confirmation_the_server_takes_the_change_back_by_itself(deployed):
    before = deployed.tree()
    process = deployed.start(*lock_out("kex", 8))
    read_until(process, "Prove that we can still get in")
    kill(process)
    changed = deployed.tree() != before

    deadline = time.monotonic() + 20
    while deployed.tree() != before and time.monotonic() < deadline:
        time.sleep(0.5)

    assert changed, "the control: the change was live when we were killed"
    assert deployed.differs_from(before) == []
    ran = deployed.ok("deploy", "highbeam", "--yes")
    assert "finished what was interrupted" in ran.stderr


def test_a_reboot_before_the_confirmation_takes_the_change_back_too(deployed):
    before = deployed.tree()
    process = deployed.start(*lock_out("port", 3600))
    read_until(process, "Prove that we can still get in")
    kill(process)
    changed = deployed.tree() != before

    labs.reboot(labs.load(deployed.lab.name), "web1")

    assert changed, "the control: the change was live when the machine went down"
    assert deployed.differs_from(before) == []
    assert "finished what was interrupted" in deployed.ok("deploy", "highbeam", "--yes").stderr


# A disk of its own under /var: filling that of the machine would fill it for whatever else runs on the host.
SMALL_DISK = """
mkdir /small && mount -t tmpfs -o size=2G small /small && cp -a /var/. /small && mount --bind /small /var
fallocate -l $(($(df -P -B1 /var | awk 'NR==2 {print $4}') - 100000000)) /var/filler
"""


def test_a_full_disk_is_refused_before_anything_is_touched(deployed):
    deployed.root(SMALL_DISK)
    before = deployed.tree()
    (deployed.folder / "sites/main/new.html").write_text("newer")

    ran = deployed.run("deploy", "highbeam", "--yes")
    after = deployed.differs_from(before)
    deployed.root("rm /var/filler; umount --lazy /var; umount --lazy /small; rmdir /small")

    assert ran.returncode == 3
    assert re.search(r"only \d+ MB are free on /var, 300 are needed", ran.stderr)
    assert after == []
    assert "create file" not in deployed.ok("deploy", "highbeam", "--yes").stderr, (
        "the control: with room it goes through"
    )


def test_a_server_that_cannot_be_reached_hides_no_result_of_another(deployed):
    org, known = deployed.folder / "org.yml", deployed.folder / "known_hosts"
    texts = org.read_text(), known.read_text()
    (deployed.folder / "sites/main/both.html").write_text("two servers")
    org.write_text(texts[0].rstrip("\n") + "\n  web2:\n    address: 203.0.113.99\n    roles: {base: {}}\n")
    known.write_text(texts[1] + texts[1].replace("203.0.113.10", "203.0.113.99"))

    ran = deployed.run("deploy", "highbeam", "--yes", "--json")
    org.write_text(texts[0])
    known.write_text(texts[1])

    assert ran.returncode == 3
    assert "highbeam/web2: no" in ran.stderr
    results = [event for line in ran.stdout.splitlines() if (event := json.loads(line))["event"] == "result"]
    assert {event["server"]: event["result"] for event in results} == {"web1": "changed", "web2": "unreachable"}


def test_a_connection_that_breaks_in_the_middle_is_named_and_the_next_run_finishes(deployed):
    (deployed.folder / "sites/main/broken.html").write_text("a line breaks")
    # So that the line breaks while files are written: a step that has begun ends by itself, and the release is to come.
    deployed.root("rm /etc/motd")
    with held(deployed, "/usr/bin/sync") as hold, deploying(deployed) as run:
        hold.wait()
        end_sessions(deployed)
        code, said = run.ends(60), run.said
        hold.release()

    assert code == 3
    assert "the connection" in said
    assert "Traceback" not in said
    assert "finished what was interrupted" in deployed.ok("deploy", "highbeam", "--yes").stderr
