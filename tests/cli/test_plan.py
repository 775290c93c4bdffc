"""The real command, offline: whole output compared, and what it says when it cannot."""

import json
from pathlib import Path

import pytest

from coopinfra.deploy.engine.connection import Unreachable
from coopinfra.deploy.organisation.problems import Problem
from entry import run_command

HERE = Path(__file__).parent


@pytest.fixture
def coopinfra(monkeypatch, capsys, tmp_path):
    """Run the command as somebody without keys; return exit code, stdout and stderr."""
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("SSH_AUTH_SOCK", "COOPINFRA_SSH_KEY"):
        monkeypatch.delenv(name, raising=False)

    def run(*arguments):
        return run_command(monkeypatch, capsys, *arguments)

    return run


def test_an_offline_plan_names_all_that_a_server_gets(coopinfra, record):
    code, out, err = coopinfra("plan", "highbeam", "--offline")
    recorded = HERE / "plan_offline.txt"
    if record:
        recorded.write_text(out)

    assert (code, err) == (0, "")
    assert out == recorded.read_text()


def test_plain_files_can_be_had_without_any_server(coopinfra, tmp_path):
    code, out, _ = coopinfra("plan", "highbeam", "--offline", "--out", str(tmp_path / "out"))

    assert code == 0
    assert out == f"{tmp_path}/out/web1\n"
    assert "www.highbeam.example" in (tmp_path / "out/web1/files/etc/nginx/conf.d/highbeam.conf").read_text()
    assert "role nginx" in (tmp_path / "out/web1/plan.txt").read_text()


def test_nothing_of_somebodys_is_overwritten(coopinfra, tmp_path):
    (tmp_path / "precious").touch()

    code, out, err = coopinfra("plan", "highbeam", "--offline", "--out", str(tmp_path))

    assert (code, out) == (2, "")
    assert err == f"error: `{tmp_path}` is there already and not empty\n  hint: name another folder with `--out`\n"


@pytest.mark.parametrize("verb", ["plan", "deploy", "check"])
def test_an_unknown_organisation_is_named_with_the_one_that_was_meant(coopinfra, verb):
    code, out, err = coopinfra(verb, "highbeem")

    assert (code, out) == (2, "")
    assert "`highbeem`" in err
    assert "did you mean `highbeam`" in err


@pytest.mark.parametrize("words", [("plan", "highbeam"), ("deploy", "highbeam", "--yes"), ("check", "highbeam")])
def test_somebody_without_a_key_is_told_so_before_a_server_is_asked(coopinfra, words):
    code, out, err = coopinfra(*words)

    assert (code, out) == (2, "")
    assert err.startswith("error: none of the keys in your agent or in ~/.ssh belongs to anybody in collective.yml\n")


def test_programs_get_errors_as_data_too(coopinfra):
    code, out, _ = coopinfra("check", "highbeam", "--json")

    assert code == 2
    assert json.loads(out)["error"] == "input"


@pytest.mark.parametrize(("verb", "job"), [("plan", "deploy.prepare"), ("check", "check.check")])
def test_programs_are_told_of_a_server_that_cannot_be_reached(coopinfra, monkeypatch, verb, job):
    gone = Unreachable(Problem("highbeam/web1: no answer within 15 seconds", "is the machine on?"))
    monkeypatch.setattr(f"coopinfra.deploy.jobs.{job}", lambda *_: (gone,))

    code, out, err = coopinfra(verb, "highbeam", "--json")

    assert code == 3
    (told,) = json.loads(out)
    assert (told["server"], told["error"]) == ("web1", "unreachable")
    assert [(each["message"], each["hint"]) for each in told["problems"]] == [
        ("highbeam/web1: no answer within 15 seconds", "is the machine on?")
    ]
    assert "error: highbeam/web1: no answer" in err


def test_a_wait_that_is_no_duration_is_refused(coopinfra):
    code, _, err = coopinfra("deploy", "highbeam", "--wait", "soon")

    assert code == 2
    assert err == "error: `--wait soon` is no duration\n  hint: write 90s or 10m\n"


def test_an_unknown_option_ends_with_2(coopinfra):
    assert coopinfra("plan", "highbeam", "--ofline")[0] == 2
