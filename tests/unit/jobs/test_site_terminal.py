"""What is said to a server for the logs of a site, and for a shell in it."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

from coopinfra.deploy.jobs.site import Place
from coopinfra.deploy.jobs.site_terminal import log_command, shell
from coopinfra.roles.declarations import Unit, User, Website

PATH = "/srv/sites/x-app"
WEBSITE = Website("app", "python", "app.example", PATH, "/var/log/nginx/x-app.log", "x-app")
SERVER = SimpleNamespace(address="203.0.113.10", port=22)
IDENTITY = SimpleNamespace(operator=SimpleNamespace(login="ada"), file="/home/ada/.ssh/id")
TARGET = SimpleNamespace(label="x/web1", identity=IDENTITY, server=SERVER, known_hosts=Path("/inv/x/known_hosts"))


def place(*, program):
    units = (Unit("x-app.service", reads=(f"{PATH}/current",)),) if program else ()
    users = (User("x-app"),) if program else (User("ada"),)
    return Place(WEBSITE, SimpleNamespace(units=units, users=users, releases=()), TARGET)


def test_the_log_of_a_site_is_its_visits_and_the_journal_of_its_own_units():
    finished, program = (log_command(place(program=each), 20, follow=False) for each in (False, True))

    assert "tail -n 20 /var/log/nginx/x-app.log" in finished
    assert "journalctl" not in finished
    assert "-u x-app.service" in program
    assert " -f" not in program


def test_both_are_followed_at_once():
    command = log_command(place(program=True), 0, follow=True)

    assert "tail -n 0 -F" in command
    assert "-n 0 -f -u x-app.service" in command


def test_a_shell_is_of_the_sites_own_user_over_the_pinned_key():
    argv = shell(place(program=True))

    assert argv[0] == "ssh"
    assert {"StrictHostKeyChecking=yes", "UserKnownHostsFile=/inv/x/known_hosts", "ada@203.0.113.10"} <= set(argv)
    assert f"cd {PATH} " in argv[-1]
    assert "sudo -n -u x-app -- env -i " in argv[-1]


def test_where_no_program_runs_it_is_of_the_user_that_shows_the_files():
    assert "sudo -n -u www-data -- " in shell(place(program=False))[-1]
