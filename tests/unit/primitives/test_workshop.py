"""Sites that are made on the operator's side."""

import json
import time
from pathlib import Path

import pytest

from coopinfra.roles.declarations import Making, Release
from coopinfra.roles.primitives import workshop
from coopinfra.roles.primitives.source import SourceError, find_source


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    source = tmp_path / "org/sites/main"
    source.mkdir(parents=True)
    (source / "page.txt").write_text("hello")
    return tmp_path / "org"


def made(command, **settings):
    return Release("main", "/srv/sites/x-main", folder="sites/main", making=Making(command, "public", **settings))


def texts(source):
    return {name: path.read_text() for name, path in source.files}


def test_what_a_command_makes_is_the_release_and_what_was_run_is_noted(home):
    source = find_source(made("mkdir public; cp page.txt public/index.html", version="echo maker 2"), home)

    note = json.loads(source.note)
    assert texts(source) == {"index.html": "hello"}
    assert (note["command"], note["version"]) == ("mkdir public; cp page.txt public/index.html", "maker 2")
    assert (note["exit"], note["seconds"] >= 0) == (0, True)
    assert sorted(path.name for path in (home / "sites/main").iterdir()) == ["page.txt"], "the source stays clean"


def test_the_id_follows_from_what_came_out_and_the_same_source_is_made_once(home, tmp_path):
    count = f"mkdir public; cp page.txt public/; echo x >>{tmp_path}/runs"

    first = find_source(made(count), home)
    (home / "sites/main/page.txt").touch()
    again = find_source(made(count), home)
    (home / "sites/main/note.txt").write_text("not shown")
    same_output = find_source(made(count), home)
    (home / "sites/main/page.txt").write_text("hello!")
    changed = find_source(made(count), home)

    assert first.id == again.id == same_output.id != changed.id
    assert (tmp_path / "runs").read_text() == "x\n" * 3


def test_a_new_version_of_the_builder_makes_it_anew(home, tmp_path):
    maker = tmp_path / "maker"
    maker.write_text("#!/bin/sh\n[ $1 = --version ] && echo 1 || { mkdir public; echo one >public/a; }\n")
    maker.chmod(0o755)
    first = find_source(made(f"{maker} all"), home)
    maker.write_text("#!/bin/sh\n[ $1 = --version ] && echo 2 || { mkdir public; echo two >public/a; }\n")

    assert texts(first) == {"a": "one\n"}
    assert texts(find_source(made(f"{maker} all"), home)) == {"a": "two\n"}


def test_a_command_gets_nothing_of_the_operators_environment(home, monkeypatch):
    monkeypatch.setenv("API_TOKEN", "secret")
    monkeypatch.setenv("SSH_AUTH_SOCK", "/run/agent")

    said = texts(find_source(made("mkdir public; env >public/env"), home))["env"]

    names = {line.partition("=")[0] for line in said.splitlines()}
    assert names - {"PWD", "SHLVL", "_", "OLDPWD"} == {"PATH", "HOME", "LANG", "TZ", "SOURCE_DATE_EPOCH", "CI"}
    assert "/coopinfra/made/" in said.split("HOME=")[1].splitlines()[0]


def test_a_command_that_fails_shows_its_last_lines_and_its_mistake_is_not_kept(home):
    with pytest.raises(SourceError, match=r"(?s)`main` was not made: .* ended with 3\n    no | such theme$") as caught:
        find_source(made("seq 90; echo 'no | such theme'; exit 3"), home)

    assert "\n    90\n" in str(caught.value)
    assert "\n    70\n" not in str(caught.value)
    assert caught.value.hint == "nothing was published"
    with pytest.raises(SourceError):
        find_source(made("seq 90; echo 'no | such theme'; exit 3"), home)


def test_a_command_that_hangs_is_ended_with_all_that_it_started(home, monkeypatch, tmp_path):
    monkeypatch.setattr(workshop, "SECONDS_A_MINUTE", 0.3)

    with pytest.raises(SourceError, match=r"(?s)did not end within 1 minutes\n    waiting"):
        find_source(made(f"echo waiting; sleep 60 & echo $! >{tmp_path}/child; wait", minutes=1), home)

    child = Path("/proc") / (tmp_path / "child").read_text().strip() / "cmdline"
    deadline = time.monotonic() + 10
    # A process that has ended, and that nobody has buried yet, has no words left.
    while child.exists() and child.read_bytes() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not child.exists() or child.read_bytes() == b""


@pytest.mark.parametrize("command", ["true", "mkdir public", "touch public"])
def test_a_command_that_leaves_nothing_says_where_was_looked(home, command):
    with pytest.raises(SourceError, match="left nothing in `public`"):
        find_source(made(command), home)


def test_what_lies_around_from_a_build_by_hand_is_none_of_the_source(home):
    (home / "sites/main/public").mkdir()
    (home / "sites/main/public/old").write_text("old")
    (home / "sites/main/node_modules").mkdir()
    (home / "sites/main/node_modules/link").symlink_to("/etc/passwd")

    assert texts(find_source(made("mkdir public; ls >public/list"), home))["list"] == "page.txt\npublic\n"


def test_links_that_a_command_leaves_are_refused(home):
    with pytest.raises(SourceError, match="is a link or no plain file"):
        find_source(made("mkdir public; ln -s /etc/passwd public/a"), home)
