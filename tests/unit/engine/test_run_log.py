"""The log of a run on the operator's side: private, written as it goes, the last ones kept."""

import json

import pytest

from coopinfra.deploy.engine import run_log as logs
from coopinfra.deploy.engine.events import Event
from coopinfra.deploy.organisation.problems import InputError


def test_a_log_is_private_and_each_event_is_there_before_the_next(tmp_path):
    folder = tmp_path / "runs/highbeam"

    with logs.run_log(folder, "r1", {"operator": "ada"}) as log:
        log(Event("step", "web1", "Write files", 1, 2))
        meanwhile = (folder / "r1.jsonl").read_text().splitlines()

    assert [json.loads(line)["event"] for line in meanwhile] == ["begin", "step"]
    assert json.loads(meanwhile[0])["operator"] == "ada"
    assert [each["event"] for each in logs.read_logs(folder)["r1"]] == ["begin", "step", "end"]
    assert (folder / "r1.jsonl").stat().st_mode & 0o777 == 0o600
    assert folder.stat().st_mode & 0o777 == 0o700


def test_a_run_that_fails_ends_its_log_too(tmp_path):
    with pytest.raises(KeyError), logs.run_log(tmp_path, "r1", {}):
        raise KeyError

    assert [each["event"] for each in logs.read_logs(tmp_path)["r1"]] == ["begin", "end"]


def test_the_oldest_logs_are_forgotten(tmp_path, monkeypatch):
    monkeypatch.setattr(logs, "KEPT", 3)

    for run in ("r1", "r2", "r3", "r4", "r5"):
        with logs.run_log(tmp_path, run, {}):
            pass

    assert list(logs.read_logs(tmp_path)) == ["r3", "r4", "r5"]


def test_a_line_that_was_cut_off_hides_no_other(tmp_path):
    (tmp_path / "r1.jsonl").write_text('{"event": "begin"}\n[]\n{"event": "st')
    (tmp_path / "r2.jsonl").touch()

    assert logs.read_logs(tmp_path) == {"r1": ({"event": "begin"},)}


def test_a_log_that_cannot_be_kept_is_said_before_anything_begins(tmp_path):
    (tmp_path / "runs").touch()

    with pytest.raises(InputError, match="cannot keep the run's log"), logs.run_log(tmp_path / "runs", "r1", {}):
        pytest.fail("it began")


def test_the_state_folder_is_where_the_operator_says(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))

    assert logs.runs_folder("highbeam") == tmp_path / "coopinfra/runs/highbeam"
