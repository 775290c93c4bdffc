"""The rest of a long family: each commit runs the core and an eighth of the rest, `--all` runs everything.

A test that is marked `rest` is one of many of a kind. Which eighth runs is said by the commit, so a red run can be had
again, and over the commits everything comes up. Who asks for tests by name gets all of them.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Collection
from hashlib import sha256
from pathlib import Path

import pytest

SLICES = 8
SAID = pytest.StashKey[str]()


def chosen(names: Collection[str], commit: str) -> set[str]:
    """Choose one slice of some names by a commit; the slices share no name, and together they are all names."""
    # The order of the file would put neighbours, which look at the same thing, into different slices for ever.
    mixed = sorted(names, key=lambda name: sha256(name.encode()).digest())
    return set(mixed[int(commit, 16) % SLICES :: SLICES])


def head(folder: Path) -> str:
    """Return the commit of a checkout; empty where there is no git."""
    asks = ("git", "-C", str(folder), "rev-parse", "--verify", "--quiet", "HEAD")
    return subprocess.run(asks, capture_output=True, text=True, check=False).stdout.strip()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Offer to run everything."""
    parser.addoption("--all", action="store_true", help="run the whole rest of every family, not a slice of it")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out of the rest what this commit does not choose, and count it."""
    rest = {item.nodeid for item in items if item.get_closest_marker("rest")}
    commit = head(config.rootpath)
    by_name = config.option.keyword or config.option.markexpr or any("::" in word for word in config.args)
    whole = config.getoption("--all") or by_name or not commit
    runs = rest if whole else chosen(rest, commit)
    if rest:
        config.stash[SAID] = f"{len(runs)} of {len(rest)}" + (f" (commit {commit[:7]})" if commit else "")
    left_out = [item for item in items if item.nodeid in rest - runs]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item.nodeid not in rest - runs]


@pytest.fixture(scope="session", autouse=True)
def rest_in_the_report(pytestconfig: pytest.Config, record_testsuite_property: Callable[[str, object], None]) -> None:
    """Hand the numbers to the table of all families."""
    if said := pytestconfig.stash.get(SAID, ""):
        record_testsuite_property("rest", said)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say how much of the rest was chosen."""
    if said := config.stash.get(SAID, ""):
        terminalreporter.write_line(f"rest: {said}")
