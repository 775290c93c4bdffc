"""Lines that break, servers that vanish, laptops that sleep, answers that lie: a run ends soon and the next finishes."""

from __future__ import annotations

import random
import signal
import time

import pytest

from coopinfra.deploy.lab import lab as labs
from faults import MOST_SECONDS, black_hole, deploying, end_sessions, held, on_box, wait_for

pytestmark = pytest.mark.timeout(480)

# How to give each kind of step something to do, and the program in which it then stands still.
STEPS = {
    "Install Debian packages": ("dpkg --purge logrotate >&2", "/usr/bin/dpkg"),
    "Make accounts": ("usermod --comment Somebody demo", "/usr/sbin/usermod"),
    "Write what decides about access": ("echo '# by hand' >>/etc/nftables.conf", "/usr/bin/sync"),
    "Write files": ("echo '# by hand' >>/etc/nginx/nginx.conf", "/usr/bin/sync"),
    "Call the running server web1": ("hostname other", "/usr/bin/hostname"),
    "Publish /srv/sites/highbeam-main": ("rm -r /srv/sites/highbeam-main/releases/*", "/usr/bin/tar"),
    "Start, reload or restart units": ("touch /etc/nginx/nginx.conf", "/usr/sbin/nginx"),
}
CORE = ("Install Debian packages", "Write files")


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
            again.wait_until_said("changes")
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
    # sshd gives up on us after two minutes, and the lock with it; what it does then is done here at once.
    assert "is locked by demo" in deployed.run("deploy", "highbeam", "--yes").stderr
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
    print(f"seed {seed}: {'killed after' if alive else 'ended before with'} {said.splitlines()[-1:]}")

    again = is_whole(deployed, before)
    assert ("finished what was interrupted" in again) == (alive and begun), said + again
    assert on_box(deployed, "flock -n /run/coopinfra/lock true")
