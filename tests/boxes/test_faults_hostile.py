"""A server that somebody else owns by now: what it answers is shown escaped and cut, and does nothing here."""

from __future__ import annotations

import os
import time

import pytest

from faults import MOST_SECONDS, replaced, running

pytestmark = pytest.mark.timeout(120)

# Clears the screen, sets the title, erases the line, and the one-letter form of the same for a terminal.
EVIL = r"\033[2J\033]0;owned\007\r\302\233K"
SHOWN = r"\u001b[2J\u001b]0;owned\u0007"
CONTROL = set(map(chr, (*range(32), *range(127, 160)))) - {"\n", "\t"}
FLOOD = "#!/bin/sh\nexec tr '\\0' x </dev/zero{to}\n"
MOST_MEGABYTES = 400


def program(*said: str, code: int = 0) -> str:
    """A program that says this, whatever it is asked."""
    return "#!/bin/sh\n" + "".join(f"printf '{line}\\n'\n" for line in said) + f"exit {code}\n"


def assert_harmless(ran) -> None:
    for stream in (ran.stdout, ran.stderr):
        assert not CONTROL & set(stream), "something reached the terminal that a terminal obeys"
        assert "Traceback" not in stream


# Each lies in another of the questions that are asked before anything is touched.
LIES = {
    "df": (program("header", f"x 1 2 5 6 /{EVIL}"), "makes no sense", 3),
    "date": (program(EVIL), "makes no sense", 3),
    "id": (program(EVIL), "cannot become root", 3),
    "stat": (program(f"0644|root|root|{EVIL}|/etc/hosts"), "a question to the server failed", 3),
    "dpkg-query": (program(f"{EVIL} installed"), "", 0),
    "getent": (program(EVIL, EVIL), "a question to the server failed", 3),
    "systemctl": (program(f"ActiveEnterTimestamp=@{EVIL}"), "a question to the server failed", 3),
    "sha256sum": (program(EVIL), "a question to the server failed", 3),
}


@pytest.mark.parametrize("name", LIES)
def test_escape_codes_in_an_answer_never_reach_the_terminal(machine, name):
    script, message, code = LIES[name]

    with replaced(machine, f"/usr/local/sbin/{name}", script):
        people, programs = machine.run("plan", "highbeam"), machine.run("plan", "highbeam", "--json")

    assert (people.returncode, programs.returncode) == (code, code), people.stderr
    assert message in people.stderr
    assert_harmless(people)
    assert_harmless(programs)


def test_escape_codes_of_a_command_that_fails_are_shown_as_what_they_are(machine):
    with replaced(machine, "/usr/local/sbin/dpkg", "#!/bin/sh\n" + f"printf '{EVIL}' >&2; exit 1\n"):
        ran = machine.run("deploy", "highbeam", "--yes")

    assert ran.returncode == 3
    assert "`Install Debian packages` failed" in ran.stderr
    assert SHOWN in ran.stderr
    assert_harmless(ran)


def test_a_lock_and_a_journal_that_lie_are_shown_as_what_they_are(machine):
    entry = f'{{"event": "step", "operator": "{EVIL}", "run": "{EVIL}", "since": "x", "name": "{EVIL}"}}'
    json_entry = entry.replace("\\033", "\\\\u001b").replace("\\007", "\\\\u0007").replace("\\r", "\\\\r")
    machine.root(
        "mkdir -p /var/lib/coopinfra/state/journal /run/coopinfra; systemd-run --quiet --unit=other "
        "flock /run/coopinfra/lock sleep 600; until ! flock -n /run/coopinfra/lock true; do sleep 0.1; done"
    )
    machine.root(f"printf '{json_entry}\\n' >/run/coopinfra/lock")

    locked = machine.run("deploy", "highbeam", "--yes")
    machine.root("systemctl stop other.service")

    assert locked.returncode == 3
    assert f"is locked by {SHOWN}" in locked.stderr
    assert_harmless(locked)


@pytest.mark.parametrize(("name", "to"), [("stat", ""), ("df", " >&2")])
def test_an_answer_without_an_end_is_cut_and_ends_the_run_soon(machine, name, to):
    with (
        replaced(machine, f"/usr/local/sbin/{name}", FLOOD.format(to=to)),
        running(machine, "plan", "highbeam") as run,
    ):
        started = time.monotonic()
        _, status, usage = os.wait4(run.process.pid, 0)
        seconds = time.monotonic() - started
        said = run.said

    assert os.waitstatus_to_exitcode(status) == 3, said
    assert "answered with more than 16 MB" in said
    assert seconds < MOST_SECONDS
    assert usage.ru_maxrss / 1024 < MOST_MEGABYTES
    assert "web1: connecting" in said, "the control: it was this run's answer"


def test_a_lock_without_an_end_is_cut_too(machine):
    with replaced(machine, "/usr/local/sbin/flock", FLOOD.format(to="")):
        ran = machine.run("deploy", "highbeam", "--yes")

    assert ran.returncode == 3
    assert "cannot lock the server" in ran.stderr
    assert len(ran.stderr) < 40_000
    assert_harmless(ran)
