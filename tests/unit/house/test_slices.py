"""A commit runs the core and one slice of the rest; nothing of the rest is out of reach of all commits."""

from __future__ import annotations

import re
import subprocess
import sys
from hashlib import sha1
from pathlib import Path

import pytest

from slices import SLICES, chosen, head

TESTS = Path(__file__).resolve().parents[2]
NAMES = [f"tests/boxes/test_faults.py::test_it[{number}]" for number in range(22)]
COMMITS = [sha1(str(number).encode()).hexdigest() for number in range(100)]
FAMILY = """
import pytest

def test_core(): pass

@pytest.mark.rest
@pytest.mark.parametrize("number", range(24))
def test_of_many(number): pass
"""


def test_different_commits_choose_different_slices_and_one_commit_always_the_same() -> None:
    slices = {frozenset(chosen(NAMES, commit)) for commit in COMMITS}

    assert len(slices) == SLICES
    assert all(chosen(NAMES, commit) == chosen(NAMES[::-1], commit) for commit in COMMITS)


def test_all_slices_together_are_the_whole_rest_and_share_nothing() -> None:
    slices = {frozenset(chosen(NAMES, commit)) for commit in COMMITS}

    assert sorted(name for each in slices for name in each) == sorted(NAMES)
    assert {len(each) for each in slices} == {len(NAMES) // SLICES, len(NAMES) // SLICES + 1}


def test_a_rest_that_is_smaller_than_the_slices_comes_up_too() -> None:
    assert {name for commit in COMMITS for name in chosen(NAMES[:2], commit)} == set(NAMES[:2])


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout of one commit with one family of a core and a rest of twenty-four."""
    (tmp_path / "test_family.py").write_text(FAMILY)
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers =\n    rest: as ours\n")
    git = (
        "git",
        "-C",
        str(tmp_path),
        "-c",
        "user.name=a",
        "-c",
        "user.email=a@b.example",
        "-c",
        "commit.gpgsign=false",
    )
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    subprocess.run([*git, "commit", "-q", "--allow-empty", "-m", "first"], check=True)
    return tmp_path


def run(folder: Path, *options: str) -> tuple[int, str, set[str]]:
    """Return the exit code, the line about the rest, and the names of what ran."""
    command = [sys.executable, "-m", "pytest", "-p", "slices", "-v", "-p", "no:cacheprovider", *options]
    environ = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(TESTS)}
    ran = subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True, check=False)
    said = re.search(r"^rest: .*$", ran.stdout, re.MULTILINE)
    return ran.returncode, said.group() if said else "", set(re.findall(r"::(\S+) PASSED", ran.stdout))


def test_a_run_has_the_core_and_the_slice_of_its_commit_and_says_how_much_that_was(checkout: Path) -> None:
    names = [f"test_family.py::test_of_many[{number}]" for number in range(24)]

    code, said, ran = run(checkout)

    assert code == 0
    assert said == f"rest: {24 // SLICES} of 24 (commit {head(checkout)[:7]})"
    assert {f"test_family.py::{name}" for name in ran} == {"test_family.py::test_core", *chosen(names, head(checkout))}


@pytest.mark.parametrize(
    "options", [("--all",), ("-k", "many or core"), ("test_family.py::test_of_many",)], ids=" ".join
)
def test_who_asks_for_all_or_by_name_gets_all(checkout: Path, options: tuple[str, ...]) -> None:
    code, said, ran = run(checkout, *options)

    assert code == 0
    assert said.startswith("rest: 24 of 24 (commit ")
    assert len(ran - {"test_core"}) == 24


def test_without_git_nothing_is_left_out(checkout: Path) -> None:
    (checkout / ".git").rename(checkout / "no-git")

    assert run(checkout)[1:] == ("rest: 24 of 24", run(checkout, "--all")[2])


def test_the_table_reads_the_numbers_from_the_report(checkout: Path) -> None:
    run(checkout, "--junitxml=report.xml")

    assert re.search(
        rf'<property name="rest" value="{24 // SLICES} of 24 \(commit [0-9a-f]{{7}}\)"',
        (checkout / "report.xml").read_text(),
    )
