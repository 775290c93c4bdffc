"""The date on the book."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from coopinfra.deploy.runbook.state import state_of


@pytest.fixture
def committed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, value in {
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_AUTHOR_NAME": "Ada",
        "GIT_AUTHOR_EMAIL": "ada@lantern.example",
        "GIT_COMMITTER_NAME": "Ada",
        "GIT_COMMITTER_EMAIL": "ada@lantern.example",
        "GIT_AUTHOR_DATE": "2026-03-01T12:00:00Z",
        "GIT_COMMITTER_DATE": "2026-03-01T12:00:00Z",
    }.items():
        monkeypatch.setenv(name, value)
    folder = tmp_path / "highbeam"
    folder.mkdir()
    (folder / "org.yml").write_text("name: High Beam\n")
    for command in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "Begin"]):
        subprocess.run(["git", "-C", tmp_path, *command], check=True)
    return folder


def test_the_date_is_the_last_commit_s(committed: Path) -> None:
    assert state_of(committed).startswith("2026-03-01 (commit ")


def test_a_folder_that_was_changed_since_has_no_date(committed: Path) -> None:
    (committed / "org.yml").write_text("name: Higher Beam\n")

    assert state_of(committed) == ""


def test_a_folder_outside_git_has_no_date(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))

    assert state_of(tmp_path) == ""
