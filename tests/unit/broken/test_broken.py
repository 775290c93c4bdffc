"""Every broken file through the command itself: exit 2, the right words at the right line, nothing touched."""

from __future__ import annotations

import json
import re
import socket
import subprocess

import pytest

from broken_files import ADA, BROKEN, Broken
from entry import run_command

ORG = """\
name: High Beam Coffee Roasters
kind: worker co-op
domain: highbeam.example
languages: [en, es]  # of books
time_zone: America/Chicago
quiet_hours: "02:00-05:00"
contacts:
  - {name: Rosa Ibarra, does: decides, email: rosa@highbeam.example}
owns:
  - {what: domain highbeam.example, held_by: Rosa Ibarra, paid_until: 2027-03-01}
servers:
  web1:
    address: 203.0.113.10
    ipv6: 2001:db8::10
    roles:
      website:
        sites:
          main:
            domain: www.highbeam.example
            redirects_from: [highbeam.example]
            kind: static
            source: {folder: sites/main}
"""
COLLECTIVE = f"""\
name: Lantern Tech Co-op
operators:
  ada:
    name: Ada Moreno
    ssh_keys:
      - ssh-ed25519 {ADA}

  bruno:
    name: Bruno Keller
"""


@pytest.fixture
def inventories(tmp_path, monkeypatch):
    (tmp_path / "highbeam" / "sites" / "main").mkdir(parents=True)
    (tmp_path / "highbeam" / "sites" / "main" / "index.html").write_text("<title>High Beam</title>")
    (tmp_path / "highbeam" / "org.yml").write_text(ORG)
    (tmp_path / "collective.yml").write_text(COLLECTIVE)
    monkeypatch.setenv("COOPINFRA_INVENTORIES", str(tmp_path))
    return tmp_path


@pytest.fixture
def alone(monkeypatch):
    """Nobody is asked: no socket, no process."""

    def refuse(*_, **__):
        pytest.fail("a validation asked somebody")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(subprocess, "Popen", refuse)


@pytest.fixture
def coopinfra(monkeypatch, capsys):
    """Run the command as its entry point does; return exit code, stdout and stderr."""

    def run(*arguments):
        return run_command(monkeypatch, capsys, *arguments)

    return run


def tree(folder):
    return {str(path): path.read_bytes() if path.is_file() else None for path in sorted(folder.rglob("*"))}


@pytest.mark.parametrize("broken", BROKEN, ids=lambda broken: broken.name)
def test_a_broken_file_is_refused_with_place_reason_and_hint(broken: Broken, inventories, alone, coopinfra):
    name = "collective.yml" if broken.file == "collective" else "highbeam/org.yml"
    content = broken.content(COLLECTIVE if broken.file == "collective" else ORG)
    (inventories / name).write_bytes(content)
    before = tree(inventories)

    code, as_json, err = coopinfra("validate", "--json")

    assert code == 2
    problems = json.loads(as_json)["problems"]
    told = [p for p in problems if broken.message in p["message"] and broken.hint in p["hint"]]
    assert [(p["file"], p["line"]) for p in told] == [(name, broken.line(content))], err
    assert not {"\x1b", "\x07"} & set(err)
    # The first line of each problem can be copied into an editor, and no sentence is pydantic's or Python's.
    assert all(line.startswith(("error: ", "  hint: ")) for line in err.splitlines()), err
    assert not re.search(r"Input should|Value error|ValidationError|Traceback|pydantic|__", err)
    assert all(not p["message"].endswith(".") and p["hint"] and len(p["message"]) < 220 for p in problems), err
    assert tree(inventories) == before


def test_what_is_right_is_accepted(inventories, alone, coopinfra):
    assert coopinfra("validate") == (0, "", "ok: highbeam (1 server, 1 role)\n")


def test_there_are_more_than_eighty_broken_files_of_different_names():
    assert len({broken.name for broken in BROKEN}) == len(BROKEN) >= 80


def test_one_run_names_every_problem_of_both_files_in_order(inventories, coopinfra):
    org = (
        ORG.replace("time_zone", "timezone")
        .replace("203.0.113.10", "0.0.0.0")
        .replace("      website", "      webiste")
    )
    (inventories / "highbeam" / "org.yml").write_text(org.replace("languages:", "kind: twice\nlanguages:"))
    (inventories / "collective.yml").write_text(COLLECTIVE.replace("name: Ada", "nme: Ada"))

    code, out, err = coopinfra("validate")

    assert (code, out) == (2, "")
    assert err == (
        "error: highbeam/org.yml:4: `kind` is here twice, first in line 2\n"
        "  hint: keep one of them\n"
        "error: highbeam/org.yml:6: there is no setting `timezone` here\n"
        "  hint: did you mean `time_zone`?\n"
        "error: highbeam/org.yml:14: `0.0.0.0` is every address and none\n"
        "  hint: write the address that the server is reached at, such as `203.0.113.10`\n"
        "error: highbeam/org.yml:17: there is no role `webiste`\n"
        "  hint: did you mean `website`?\n"
        "error: collective.yml:3: `ada` has no `name`\n"
        "  hint: add `name: Ada Moreno` (who it is)\n"
        "error: collective.yml:4: there is no setting `nme` here\n"
        "  hint: did you mean `name`?\n"
    )


def test_a_problem_of_the_collective_is_said_once_for_all_organisations(inventories, coopinfra):
    (inventories / "second").mkdir()
    (inventories / "second" / "org.yml").write_text(ORG.replace("name: High Beam", "nme: High Beam"))
    (inventories / "collective.yml").write_text(COLLECTIVE.replace("operators", "oparators"))

    _, _, err = coopinfra("validate")

    assert err.count("collective.yml:2") == 1
    assert "second/org.yml:1" in err


def test_a_private_key_is_never_repeated(inventories, coopinfra):
    secret = "b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQ"
    key = f'"-----BEGIN OPENSSH PRIVATE KEY-----\\n{secret}"'
    (inventories / "collective.yml").write_text(COLLECTIVE.replace(f"ssh-ed25519 {ADA}", key))

    code, out, err = coopinfra("validate", "--json")

    assert code == 2
    assert "this is a private key" in err
    assert secret not in out + err


@pytest.mark.parametrize("what", ["missing", "folder", "unreadable"])
def test_a_file_that_is_no_file_is_named(what, inventories, coopinfra):
    path = inventories / "collective.yml"
    path.unlink()
    if what == "folder":
        path.mkdir()
    elif what == "unreadable":
        path.symlink_to("collective.yml")

    code, _, err = coopinfra("validate")

    assert code == 2
    expected = {"missing": "no such file", "folder": "no plain file", "unreadable": "cannot be read"}
    assert f"collective.yml: {'there is ' if what == 'missing' else 'this '}" in err
    assert expected[what] in err
