"""One lab for a file of tests; its machines are bare at first."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from boxes import EXAMPLES, Operator, machines
from coopinfra.deploy.lab import host
from coopinfra.deploy.lab import lab as labs
from coopinfra.deploy.lab.state import Lab


@pytest.fixture(scope="module", autouse=True)
def state_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Keep these labs apart from the ones that somebody works with."""
    with pytest.MonkeyPatch.context() as patch:
        home = tmp_path_factory.mktemp("state")
        patch.setenv("XDG_STATE_HOME", str(home))
        yield home
        for name in labs.names():
            labs.down(name)


@pytest.fixture(scope="module")
def lab(state_home: Path) -> Iterator[Lab]:
    """A lab with its internet and no machine yet."""
    reason = host.why_not()
    if reason:
        pytest.skip(reason)
    labs.up("tests", (), EXAMPLES, lambda line: sys.stderr.write(f"{line}\n") and None)
    yield labs.load("tests")
    labs.down("tests")


@pytest.fixture
def fresh(lab: Lab) -> Iterator[Callable[..., Operator]]:
    """Bare machines for one test."""
    with machines(lab) as make:
        yield make


@pytest.fixture(scope="module")
def machine(lab: Lab) -> Iterator[Operator]:
    """One bare machine for all tests of a file."""
    with machines(lab) as make:
        yield make()
