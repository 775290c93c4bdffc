"""The release that is deployed over is found by tag, or by history where a clone has no tags; never guessed."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from releases import NoRelease, Release, before, by_hand

ROOT = Path(__file__).resolve().parents[3]
CHANGELOG = """# Changelog

## [Unreleased]

### Before the next deploy

Give everybody a key:

```sh
coopinfra new
```

## [0.2.0] - 2026-12-01

### Before the next deploy

```sh
coopinfra middle
```

### Added

```sh
coopinfra not-by-hand
```

## [0.1.0] - 2026-11-25

### Before the next deploy

```sh
coopinfra old
```
"""


class History:
    """A checkout whose commits are made one by one."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.git("init", "-q", "-b", "main", ".")

    def git(self, *words: str) -> str:
        settings = ("-c", "user.name=a", "-c", "user.email=a@b.example", "-c", "commit.gpgsign=false")
        done = subprocess.run(("git", "-C", self.folder, *settings, *words), check=True, capture_output=True, text=True)
        return done.stdout.strip()

    def commit(self, version: str, tag: str = "") -> str:
        (self.folder / "pyproject.toml").write_text(f'[project]\nversion = "{version}"\n')
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", version)
        if tag:
            self.git("tag", tag)
        return self.git("rev-parse", "HEAD")


@pytest.fixture
def history(tmp_path: Path) -> History:
    """Two commits that call themselves 0.1.0, of which the last was released, and work on 0.2.0."""
    history = History(tmp_path)
    history.commit("0.1.0")
    history.commit("0.1.0", tag="v0.1.0")
    history.commit("0.2.0.dev0")
    history.commit("0.2.0.dev0")
    return history


@pytest.fixture(params=["with tags", "without tags"])
def tags(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def look(history: History, tags: str) -> Release:
    if tags == "without tags":
        for tag in history.git("tag").split():
            history.git("tag", "-d", tag)
    return before(history.folder)


def test_while_a_version_is_worked_on_it_is_the_last_release(history: History, tags: str) -> None:
    released = history.git("rev-parse", "v0.1.0")

    assert look(history, tags) == Release(released, "0.1.0")


def test_at_a_release_it_is_the_one_before(history: History, tags: str) -> None:
    released = history.git("rev-parse", "v0.1.0")
    history.commit("0.2.0", tag="v0.2.0")

    assert look(history, tags) == Release(released, "0.1.0")


def test_after_a_further_release_it_is_that_one(history: History, tags: str) -> None:
    released = history.commit("0.2.0", tag="v0.2.0")
    history.commit("0.3.0.dev0")

    assert look(history, tags) == Release(released, "0.2.0")


def test_without_the_history_there_is_none_and_it_says_what_to_do(history: History, tmp_path: Path) -> None:
    shallow = tmp_path / "shallow"
    history.git("clone", "-q", "--depth=1", f"file://{history.folder}", str(shallow))

    with pytest.raises(NoRelease, match="git fetch --unshallow --tags"):
        before(shallow)


def test_what_is_done_by_hand_is_what_the_newer_versions_say_in_their_order() -> None:
    assert by_hand(CHANGELOG, "0.1.0") == "coopinfra middle\ncoopinfra new\n"
    assert by_hand(CHANGELOG, "0.2.0") == "coopinfra new\n"


def test_our_changelog_says_what_to_do_before_the_next_deploy_and_names_the_last_release() -> None:
    text = (ROOT / "CHANGELOG.md").read_text()
    versions = re.findall(r"^## \[(.+?)\]", text, re.MULTILINE)

    newest = text.split("\n## [")[1]
    assert "### Before the next deploy\n" in newest
    if versions[0] == "Unreleased":
        assert before(ROOT).version == versions[1]
