"""What `coopinfra log` says of earlier runs: whole output compared."""

import json

import pytest

from coopinfra.deploy.engine.events import Event
from coopinfra.deploy.engine.run_log import run_log, runs_folder
from entry import run_command


@pytest.fixture
def coopinfra(monkeypatch, capsys, tmp_path):
    """Run the command on a machine of its own; return exit code, stdout and stderr."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    return lambda *arguments: run_command(monkeypatch, capsys, *arguments)


@pytest.fixture
def runs(coopinfra):
    """Two runs: one that went well on one of two servers, and one that was ended at once."""
    about = {"operator": "ada", "organisation": "highbeam", "servers": ["web1", "web2"]}
    folder = runs_folder("highbeam")
    with run_log(folder, "20261124T101500Z-ab12", about) as log:
        log(Event("step", "web1", "Write files", 7, 18))
        log(Event("result", "web1", result={"result": "changed"}))
        log(Event("result", "web2", result={"result": "unreachable", "problems": []}))
    with run_log(folder, "20261125T101500Z-cd34", about | {"operator": "bruno"}) as log:
        log(Event("step", "web1", "Install Debian packages", 2, 18))


def test_each_run_is_a_line(coopinfra, runs):
    code, out, err = coopinfra("log", "highbeam")

    assert (code, err) == (0, "")
    assert out.splitlines() == [
        "20261124T101500Z-ab12  ada  web1 changed, web2 unreachable",
        "20261125T101500Z-cd34  bruno  web1 no result, web2 no result",
    ]


def test_one_run_is_told_from_begin_to_end(coopinfra, runs):
    code, out, err = coopinfra("log", "highbeam", "20261124T101500Z-ab12")

    assert (code, err) == (0, "")
    assert [line[21:].rstrip() for line in out.splitlines()] == [
        "begin       ada",
        "step        web1 Write files",
        "result      web1 changed",
        "result      web2 unreachable",
        "end",
    ]


def test_programs_get_every_entry(coopinfra, runs):
    code, out, _ = coopinfra("log", "highbeam", "--json")

    assert code == 0
    assert [entry["event"] for entry in json.loads(out)["20261124T101500Z-ab12"]] == [
        "begin",
        "step",
        "result",
        "result",
        "end",
    ]


def test_a_run_that_is_not_known_is_refused_with_the_last_one(coopinfra, runs):
    assert coopinfra("log", "highbeam", "20261124") == (
        2,
        "",
        "error: there is no run `20261124`\n  hint: the last one is 20261125T101500Z-cd34\n",
    )


def test_where_nothing_was_done_it_says_so(coopinfra):
    assert coopinfra("log", "highbeam") == (0, "no run is known\n", "")


def test_what_a_server_wrote_is_not_obeyed(coopinfra):
    with run_log(runs_folder("highbeam"), "r1", {"operator": "ada\x1b[2J", "servers": []}):
        pass

    code, out, _ = coopinfra("log", "highbeam")

    assert code == 0
    assert "\x1b" not in out


def test_an_unknown_organisation_is_named_with_the_one_that_was_meant(coopinfra):
    code, _, err = coopinfra("log", "highbeem")

    assert code == 2
    assert "did you mean `highbeam`" in err
