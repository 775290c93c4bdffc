"""Lines that break, servers that vanish, laptops that sleep: a run ends soon and says so, and the next finishes."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from boxes import WEB1
from coopinfra.deploy.lab import lab as labs
from faults import MOST_SECONDS, black_hole, deploying, end_sessions, held, on_box, wait_for

pytestmark = pytest.mark.timeout(480)

# How to give each kind of step something to do, and the program in which it then stands still.
STEPS = {
    "Install Debian packages": ("dpkg --purge logrotate >&2", "/usr/bin/dpkg"),
    "Make accounts": ("usermod --comment Somebody demo", "/usr/sbin/usermod"),
    "Arm the way back": ("echo '# by hand' >>/etc/ssh/authorized_keys.d/ada", "/usr/bin/sync"),
    "Write what decides about access": ("echo '# by hand' >>/etc/nftables.conf", "/usr/sbin/nft"),
    "Write files": ("echo '# by hand' >>/etc/nginx/nginx.conf", "/usr/bin/sync"),
    "Call the running server web1": ("hostname other", "/usr/bin/hostname"),
    "Publish /srv/sites/highbeam-main": ("rm -rf /srv/sites/highbeam-main/releases/*", "/usr/bin/tar"),
    "Start, reload or restart units": ("touch /etc/nginx/nginx.conf", "/usr/sbin/nginx"),
}
CORE = ("Write files",)


@pytest.fixture(scope="module")
def deployed(machine):
    """A server that is deployed once for all tests of this file, which leave it whole."""
    machine.publish()
    machine.ok("deploy", "highbeam", "--yes")
    return machine


def is_whole(operator, before):
    """Deploy once more what was interrupted; compare with the state that nobody interrupted."""
    ran = operator.ok("deploy", "highbeam", "--yes")

    assert operator.differs_from(before) == []
    assert "web1: nothing to change" in operator.ok("plan", "highbeam").stdout
    assert operator.root("find / -xdev -name '*.coopinfra-new' -o -xdev -name 'incoming.*'") == ""
    return ran.stderr


def spoil_everything(operator):
    for spoil, _ in STEPS.values():
        operator.root(spoil)


@pytest.mark.parametrize("step", [pytest.param(step, marks=() if step in CORE else pytest.mark.rest) for step in STEPS])
def test_a_session_that_is_killed_ends_the_run_in_time_and_the_next_waits_for_what_still_runs(deployed, step):
    before = deployed.tree()
    spoil, program = STEPS[step]
    deployed.root(spoil)

    with held(deployed, program) as hold, deploying(deployed) as run:
        hold.wait()
        cut = time.monotonic()
        end_sessions(deployed)
        code, seconds, said = run.ends(), time.monotonic() - cut, run.said
        orphan = on_box(deployed, "[ -d /run/held ] && [ -e /run/hold ]")
        with deploying(deployed) as again:
            again.wait_until_said(" change")
            time.sleep(2)
            waited = f"web1: {step}" not in again.said and again.process.poll() is None
            hold.release()
            finished = again.ends(240)
            again_said = again.said

    assert (code, finished) == (3, 0), said + again_said
    assert seconds < MOST_SECONDS
    assert f"during `{step}`" in said
    assert "Traceback" not in said
    assert orphan, "the control: the command was still at work when the next run began"
    assert waited
    assert f"stopped at: {step}" in again_said
    is_whole(deployed, before)


def test_a_command_that_ends_before_its_input_does_breaks_no_connection(deployed):
    script = str(Path(__file__).with_name("late_end.py"))

    ended = json.loads(deployed.outside(sys.executable, script).stdout)
    control = json.loads(deployed.outside(sys.executable, script, "told").stdout)

    assert ended == [0, 0, 0]
    assert control[-1] != 0, "the control: sshd ends the connection of who sends to a command that has ended"


def test_a_network_that_swallows_everything_ends_the_run_within_a_minute(deployed):
    before = deployed.tree()
    deployed.root(STEPS["Write files"][0])

    with held(deployed, "/usr/bin/sync") as hold, deploying(deployed) as run:
        hold.wait()
        with black_hole(deployed, "203.0.113.10"):
            cut = time.monotonic()
            code, seconds, said = run.ends(MOST_SECONDS + 30), time.monotonic() - cut, run.said
            unreachable = deployed.run("plan", "highbeam")
        hold.release()

    assert code == 3
    assert seconds < MOST_SECONDS
    assert "the connection was lost" in said
    assert unreachable.returncode == 3
    assert "no answer within 15 seconds" in unreachable.stderr
    # sshd gives up on us after two minutes at most, and the lock goes with it; that is done here at once.
    end_sessions(deployed)
    is_whole(deployed, before)


def test_a_laptop_that_sleeps_a_little_goes_on_where_it_was(deployed):
    before = deployed.tree()
    deployed.root(STEPS["Write files"][0])

    with held(deployed, "/usr/bin/sync") as hold, deploying(deployed) as run:
        hold.wait()
        run.signal(signal.SIGSTOP)
        hold.release()
        time.sleep(5)
        locked = deployed.run("deploy", "highbeam", "--yes")
        run.signal(signal.SIGCONT)
        code = run.ends()

    assert locked.returncode == 3
    assert "is locked by demo" in locked.stderr
    assert code == 0
    assert deployed.differs_from(before) == []


@pytest.mark.rest
def test_a_laptop_that_sleeps_too_long_is_told_so_and_has_left_the_lock(deployed):
    before = deployed.tree()
    deployed.root(STEPS["Write files"][0])

    with held(deployed, "/usr/bin/sync") as hold, deploying(deployed) as run:
        hold.wait()
        run.signal(signal.SIGSTOP)
        end_sessions(deployed)
        hold.release()
        wait_for("the end of the lock", lambda: on_box(deployed, "flock -n /run/coopinfra/lock true"))
        run.signal(signal.SIGCONT)
        code, said = run.ends(), run.said

    assert code == 3
    assert "the connection was lost" in said
    assert "stopped at: Write files" in is_whole(deployed, before)


def test_a_reboot_in_the_middle_is_named_and_everything_runs_afterwards(deployed):
    before = deployed.tree()
    deployed.root(STEPS["Write files"][0])

    with held(deployed, "/usr/bin/sync") as hold, deploying(deployed) as run:
        hold.wait()
        labs.reboot(labs.load(deployed.lab.name), "web1")
        code, said = run.ends(), run.said

    assert code == 3, said
    assert "during `Write files`" in said
    assert "stopped at: Write files" in is_whole(deployed, before)
    assert " 0 red" in deployed.ok("check", "highbeam").stdout


def kill_somewhere(operator, seed, most):
    """Give every step something to do, and kill a deploy with SIGKILL at a random moment; tell what it had said."""
    spoil_everything(operator)
    with deploying(operator) as run:
        time.sleep(random.Random(seed).uniform(1, most))
        alive = run.process.poll() is None
        run.signal(signal.SIGKILL) if alive else None
        run.process.wait()
        return alive, run.said


@pytest.fixture(scope="module")
def seconds_of_a_deploy(deployed):
    """How long a deploy takes in which every step has something to do."""
    spoil_everything(deployed)
    started = time.monotonic()
    deployed.ok("deploy", "highbeam", "--yes")
    return time.monotonic() - started


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.rest) for seed in range(1, 20))])
def test_killed_at_a_random_moment_the_next_run_reaches_the_same_state(deployed, seconds_of_a_deploy, seed):
    before = deployed.tree()

    alive, said = kill_somewhere(deployed, seed, seconds_of_a_deploy)
    begun = "Install Debian packages" in said

    again = is_whole(deployed, before)
    # A run whose last change was made has nothing left to be finished, and nothing to be named for.
    if alive and begun and "nothing to change" not in again:
        assert "finished what was interrupted" in again, said + again
    assert on_box(deployed, "flock -n /run/coopinfra/lock true")


def results(events: str) -> dict[str, str]:
    """Read from the events what became of each server."""
    found = [event for line in events.splitlines() if (event := json.loads(line))["event"] == "result"]
    return {event["server"]: event["result"] for event in found}


@pytest.mark.rest
def test_one_server_that_fails_hides_no_result_of_another_and_the_next_run_does_the_rest(deployed):
    org, page = deployed.folder / "org.yml", deployed.folder / "sites/main/news.html"
    text = org.read_text()
    web2 = replace(WEB1, name="web2", address="203.0.113.12", ipv6="")
    labs.add_box(labs.load(deployed.lab.name), web2)
    both = replace(deployed, lab=labs.load(deployed.lab.name))
    org.write_text(f"{text.rstrip()}\n  web2:\n    address: {web2.address}\n    roles: {{base: {{}}}}\n")
    page.write_text("news")
    both.root("mv /usr/bin/dpkg /usr/bin/dpkg.aside", "web2")

    ran = both.run("deploy", "highbeam", "--yes", "--json")
    both.root("mv /usr/bin/dpkg.aside /usr/bin/dpkg", "web2")
    again = both.run("deploy", "highbeam", "--yes", "--json")
    org.write_text(text)
    page.unlink()
    labs.remove_box(both.lab, "web2")

    assert (ran.returncode, again.returncode) == (3, 0), ran.stderr + again.stderr
    assert results(ran.stdout) == {"web1": "changed", "web2": "operation"}
    assert "highbeam/web2: `Install Debian packages` failed" in ran.stderr
    assert results(again.stdout) == {"web1": "unchanged", "web2": "changed"}
    deployed.ok("deploy", "highbeam", "--yes")


@pytest.mark.rest
def test_after_failed_logins_the_server_refuses_us_for_a_while_and_we_say_so(deployed, tmp_path):
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / "stranger")], check=True)
    options = ("BatchMode=yes", "IdentitiesOnly=yes", "StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null")
    stranger = ("ssh", "-F", "none", "-i", str(tmp_path / "stranger"), *(f"-o{option}" for option in options))
    deployed.ok("plan", "highbeam")
    for _ in range(4):
        deployed.outside(*stranger, "demo@203.0.113.10", "true")

    ran = deployed.run("plan", "highbeam")

    assert ran.returncode == 3
    assert "after failed logins the server refuses this address for a while" in ran.stderr
    assert "`Not allowed at this time`" in ran.stderr
    assert "wait: 15 to 30 seconds" in ran.stderr
    wait_for("the end of the ban", lambda: deployed.run("plan", "highbeam").returncode == 0, 60)
