"""`coopinfra db`, as it is typed; the servers are a stand-in that says what their scripts would."""

from __future__ import annotations

import json
import os
import shutil
from contextlib import nullcontext
from types import SimpleNamespace

import pytest

from coopinfra.deploy.engine.connection import ServerError
from coopinfra.deploy.jobs import db
from coopinfra.deploy.organisation.places import SHIPPED
from coopinfra.deploy.organisation.problems import Problem
from entry import run_command

OWN = "        databases: {members: {owner: highbeam-members}}\n"
SAYS = {
    "/usr/local/lib/coopinfra/postgresql list": (
        "highbeam-members highbeam-members 7500000 highbeam declared\n"
        "highbeam-old highbeam-old 120000000 highbeam left\n"
        "harbor-blog harbor-blog 1 harbor declared\n"
    ),
    "/usr/local/lib/coopinfra/postgresql sizes highbeam-members": "public.people 16384 12\npublic.odd name 8192 0\n",
    "/usr/local/lib/coopinfra/mariadb list": "highbeam-members highbeam-members 16384 highbeam declared\n",
    "/usr/local/lib/coopinfra/mariadb sizes highbeam-members": "people 16384 3\n",
}


@pytest.fixture
def says(monkeypatch):
    """What the server's scripts say; whatever else is asked fails."""
    said = dict(SAYS)

    def run(command):
        out = said.get(command)
        return SimpleNamespace(code=int(out is None), out=out or "", err="" if out else "the daemon is down\n")

    monkeypatch.setattr(db, "connect", lambda _: nullcontext(SimpleNamespace(label="web1", run=run)))
    monkeypatch.setattr(db, "targets", lambda plan: tuple(SimpleNamespace(label="web1") for _ in plan.servers))
    monkeypatch.setattr(db, "ssh_command", lambda target, command: ("ssh", command))
    return said


@pytest.fixture
def coopinfra(says, tmp_path, monkeypatch, capsys):
    """Run the command on an organisation with a database in each engine; return exit code, stdout and stderr."""
    shutil.copytree(SHIPPED, tmp_path / "inventories")
    org = tmp_path / "inventories/highbeam/org.yml"
    own = f"      postgresql:\n{OWN}      mariadb:\n{OWN}"
    org.write_text(org.read_text().replace("      website:\n", f"{own}      website:\n", 1))
    monkeypatch.setenv("COOPINFRA_INVENTORIES", str(tmp_path / "inventories"))
    return lambda *arguments: run_command(monkeypatch, capsys, "db", *arguments)


def test_databases_are_listed_with_what_is_left_over_and_without_those_of_others(coopinfra):
    code, out, err = coopinfra("list", "highbeam")

    assert (code, err) == (0, "")
    assert sorted(out.splitlines()) == [
        "web1  mariadb  highbeam-members  highbeam-members  0.0 MB",
        "web1  postgresql  highbeam-members  highbeam-members  7.5 MB",
        "web1  postgresql  highbeam-old  highbeam-old  120.0 MB  left over: nobody declares it any more",
    ]


def test_programs_get_the_same_as_data(coopinfra):
    code, out, _ = coopinfra("list", "highbeam", "--json")

    assert code == 0
    assert {
        "name": "highbeam-old",
        "engine": "postgresql",
        "server": "web1",
        "owner": "highbeam-old",
        "bytes": 120000000,
        "declared": False,
    } in json.loads(out)


def test_tables_are_listed_with_their_sizes(coopinfra):
    code, out, err = coopinfra("size", "highbeam", "highbeam-members")

    assert (code, err) == (0, "")
    assert sorted(out.splitlines()) == [
        "highbeam-members (mariadb)  people  0.0 MB  about 3 rows",
        "highbeam-members (postgresql)  public.odd name  0.0 MB  about 0 rows",
        "highbeam-members (postgresql)  public.people  0.0 MB  about 12 rows",
    ]


def test_the_tables_of_one_that_is_not_there_are_refused(coopinfra):
    code, out, err = coopinfra("size", "highbeam", "nothing")

    assert (code, out) == (2, "")
    assert "there is no database `nothing`" in err


@pytest.mark.parametrize(
    ("words", "inside"),
    [
        (("highbeam-members", "--engine", "postgresql"), "runuser -u highbeam-members -- psql -X highbeam-members"),
        (("highbeam-old",), "runuser -u postgres -- psql -X highbeam-old"),
        (
            ("highbeam-members", "--engine", "mariadb"),
            "runuser -u highbeam-members -- mariadb --no-defaults highbeam-members",
        ),
    ],
)
def test_a_shell_is_the_engines_own_client_as_the_owner(coopinfra, monkeypatch, words, inside):
    started = []
    monkeypatch.setattr(os, "execvp", lambda file, argv: started.append(argv))

    code, _, _ = coopinfra("shell", "highbeam", *words)

    assert code == 0
    assert started == [("ssh", f"sudo -n sh -c 'cd / && exec {inside}'")]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("nothing", "there is no database `nothing`"),
        ("highbeam-members", "name its --engine"),
        ("harbor-blog", "there is no database `harbor-blog`"),
    ],
)
def test_a_shell_of_none_or_of_two_or_of_somebody_elses_is_refused(coopinfra, monkeypatch, name, said):
    monkeypatch.setattr(os, "execvp", lambda file, argv: pytest.fail("it was started"))

    code, out, err = coopinfra("shell", "highbeam", name)

    assert (code, out) == (2, "")
    assert said in err


def test_a_server_that_cannot_answer_is_named(coopinfra, says):
    del says["/usr/local/lib/coopinfra/mariadb list"]

    code, _, err = coopinfra("list", "highbeam")

    assert code == ServerError(Problem("", "")).exit_code
    assert "web1: `/usr/local/lib/coopinfra/mariadb list` failed: the daemon is down" in err
