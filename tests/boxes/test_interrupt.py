"""Ctrl-C: once finishes the step and frees the server, twice ends at once; and what is seen meanwhile."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import subprocess
from contextlib import contextmanager

import pytest

from boxes import read_until
from coopinfra.deploy.lab import lab as labs

pytestmark = pytest.mark.timeout(480)

JOURNALS = "/var/lib/coopinfra/state/journal"
# A checker that takes until it is let go; for a minute at most, so that nothing is left hanging.
SLOW = """cat >/usr/local/sbin/{name} <<'END'
#!/bin/sh
touch /run/checking
timeout 60 sh -c 'until [ -e /run/go ]; do sleep 0.1; done'
exec /usr/sbin/{name} "$@"
END
chmod 0755 /usr/local/sbin/{name}; rm -f /run/go /run/checking"""


@pytest.fixture(scope="module")
def deployed(machine):
    """A server that is deployed once for all tests of this file."""
    machine.ok("deploy", "highbeam", "--yes")
    return machine


@contextmanager
def long_step(machine, checker, changed):
    """Make a step of the next deploy take until it is let go: a file is changed, and its checker is slow."""
    machine.root(f"echo '# by hand' >>{changed}; {SLOW.format(name=checker)}")
    try:
        yield
    finally:
        machine.root(f"touch /run/go; rm /usr/local/sbin/{checker}")


def start(machine, *words):
    return machine.start(*machine.argv("deploy", "highbeam", "--yes", *words))


def wait_for_the_step(machine):
    machine.root("timeout 60 sh -c 'until [ -e /run/checking ]; do sleep 0.1; done'")


def journal(machine):
    """The entries of the last run."""
    return [json.loads(line) for line in machine.root(f"cat $(ls -1 {JOURNALS}/*.jsonl | tail -n 1)").splitlines()]


def is_free(machine):
    return machine.root("flock -n /run/coopinfra/lock echo free || true").strip() == "free"


def wait_until_free(machine):
    machine.root("timeout 20 flock /run/coopinfra/lock true")


def test_once_finishes_the_step_frees_the_server_and_the_next_run_goes_on(deployed):
    before = deployed.tree()
    with long_step(deployed, "nginx", "/etc/nginx/nginx.conf"):
        process = start(deployed)
        wait_for_the_step(deployed)
        os.kill(process.pid, signal.SIGINT)
        read_until(process, "stopping after the running step")
        held, working = not is_free(deployed), process.poll() is None
        deployed.root("touch /run/go")
        _, said = process.communicate(timeout=60)

    assert (held, working) == (True, True), "the control: the step was under way when we asked"
    assert process.returncode == 3
    assert re.search(r"error: highbeam/web1: stopped before `.+`\n  hint: run `deploy` again", said), said
    assert is_free(deployed)
    assert journal(deployed)[-2]["name"] == "Write files"
    assert {"event": "end", "result": "stopped", "name": "Write files"}.items() <= journal(deployed)[-1].items()

    ran = deployed.ok("deploy", "highbeam", "--yes")

    assert "finished what was interrupted" in ran.stderr
    assert "stopped at: Write files" in ran.stderr
    assert journal(deployed)[-1]["result"] == "done"
    assert deployed.differs_from(before) == []
    assert "web1: nothing to change" in deployed.ok("deploy", "highbeam", "--yes").stderr


def test_twice_ends_at_once_and_the_next_run_goes_on(deployed):
    before = deployed.tree()
    with long_step(deployed, "nginx", "/etc/nginx/nginx.conf"):
        process = start(deployed)
        wait_for_the_step(deployed)
        os.kill(process.pid, signal.SIGINT)
        read_until(process, "stopping after the running step")
        os.kill(process.pid, signal.SIGINT)
        _, said = process.communicate(timeout=10)
        unfinished = journal(deployed)[-1]
        wait_until_free(deployed)

    assert process.returncode == 3
    assert "interrupted; the next run goes on from here" in said
    assert "Traceback" not in said
    assert (unfinished["event"], unfinished["name"]) == ("step", "Write files")

    ran = deployed.ok("deploy", "highbeam", "--yes")

    assert "stopped at: Write files" in ran.stderr
    assert deployed.differs_from(before) == []


def test_nobody_stops_between_a_change_of_access_and_its_confirmation(deployed):
    # So that there is something left for the next run.
    deployed.root("echo '# by hand' >>/etc/nginx/nginx.conf")
    with long_step(deployed, "visudo", "/etc/sudoers.d/coopinfra"):
        process = start(deployed)
        wait_for_the_step(deployed)
        os.kill(process.pid, signal.SIGTERM)
        read_until(process, "stopping after the running step")
        deployed.root("touch /run/go")
        process.communicate(timeout=60)
    steps = [entry["name"] for entry in journal(deployed) if entry["event"] == "step"]

    assert process.returncode == 3
    assert steps[-3:-2] == ["Reload what decides about access"], "the control: it was asked long before"
    assert steps[-1] == "Prove that we can still get in"
    assert journal(deployed)[-1]["result"] == "stopped"
    assert deployed.root("systemctl is-active coopinfra-revert.timer || true").strip() == "inactive"
    assert "finished what was interrupted" in deployed.ok("deploy", "highbeam", "--yes").stderr


def test_who_waits_for_somebody_elses_lock_stops_at_once(deployed):
    deployed.root("echo '# by hand' >>/etc/nginx/nginx.conf")
    deployed.root("systemd-run --quiet --unit=other flock /run/coopinfra/lock sleep 600")
    process = start(deployed, "--wait", "5m")
    read_until(process, "taking the lock")

    os.kill(process.pid, signal.SIGINT)
    _, said = process.communicate(timeout=20)
    deployed.root("systemctl stop other.service")

    assert process.returncode == 3
    assert "stopped while it waited for the lock" in said
    assert "finished what" not in deployed.ok("deploy", "highbeam", "--yes").stderr


def test_programs_get_an_event_a_line_and_both_sides_keep_a_log(deployed):
    deployed.root("echo '# by hand' >>/etc/nginx/nginx.conf")

    ran = deployed.ok("deploy", "highbeam", "--yes", "--json")

    events = [json.loads(line) for line in ran.stdout.splitlines()]
    assert {event["server"] for event in events} == {"web1"}
    assert [event["event"] for event in events[:3]] == ["connecting", "comparing", "locking"]
    result = events[-1]
    assert (result["event"], result["result"]) == ("result", "changed")
    assert {"what": "file", "subject": "/etc/nginx/nginx.conf"}.items() <= result["changes"][0].items()

    here, there = deployed.data("log", "highbeam"), deployed.data("log", "highbeam", "--server", "web1")
    run = list(here)[-1]
    assert list(there)[-1] == run
    begin, *between, end = here[run]
    assert {"operator", "release", "plan", "servers"} <= set(begin)
    assert end["event"] == "end"
    assert between == events
    assert there[run][-1]["changed"] == result["changed"]
    assert f"{run}  {begin['operator']}  web1 changed" in deployed.ok("log", "highbeam").stdout
    assert f"{run}  {begin['operator']}  done" in deployed.ok("log", "highbeam", "--server", "web1").stdout
    assert "Write files" in deployed.ok("log", "highbeam", run).stdout


def at_a_terminal(machine, *words, **variables):
    """Run a command at a terminal of its own; return its exit code, all that appeared there, and what of it is text."""
    ours, theirs = pty.openpty()
    settings = {"TERM": "xterm", "COLUMNS": "100", **variables}
    argv = ("env", "-u", "NO_COLOR", *(f"{name}={value}" for name, value in settings.items()), *machine.argv(*words))
    process = subprocess.Popen(
        labs.exec_argv(machine.lab, argv), stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True
    )
    os.close(theirs)
    seen = b""
    while True:
        try:
            block = os.read(ours, 65536)
        except OSError:  # Linux says so when the last process has closed its end
            break
        seen += block
        if not block:
            break
    os.close(ours)
    return process.wait(timeout=60), seen.decode(), re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", seen.decode())


def test_at_a_terminal_a_server_has_a_live_line_and_then_a_summary(deployed):
    deployed.root("echo '# by hand' >>/etc/nginx/nginx.conf")
    code, seen, text = at_a_terminal(deployed, "deploy", "highbeam", "--yes")
    deployed.root("echo '# by hand' >>/etc/nginx/nginx.conf")
    plain_code, plain, _ = at_a_terminal(deployed, "deploy", "highbeam", "--yes", NO_COLOR="1")

    assert (code, plain_code) == (0, 0)
    assert re.search(r"web1 +\S.*  \d+ of \d+  +0:\d\d", text), text
    assert "\x1b[?25h" in seen, "the cursor is back"
    assert re.search(
        r"web1: changed in \d+ s\r\n  nginx  wrote /etc/nginx/nginx.conf, reloaded nginx.service\r\n", text
    )
    assert "\x1b" not in plain
    assert re.search(r"web1: Write files \(\d+ of \d+\)\r\n", plain), plain
