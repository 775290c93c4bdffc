"""What all families share: recording, and helpers that lie beside the tests that use them."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

# Test files may have equal names in different families, so pytest imports them by path (importlib mode). Helpers are
# imported by name, and are those that are neither tests nor conftests.
TESTS = Path(__file__).parent
HELPERS = {path.parent for path in TESTS.rglob("*.py") if not path.name.startswith(("test_", "conftest."))}
sys.path.extend(str(folder) for folder in sorted(HELPERS))
pytest_plugins = ["slices"]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Offer to rewrite what tests compare with."""
    parser.addoption("--record", action="store_true", help="rewrite the recorded transcripts; read the diff")


@pytest.fixture(scope="session")
def record(request: pytest.FixtureRequest) -> bool:
    """Whether recorded texts are to be rewritten instead of compared."""
    return bool(request.config.getoption("--record"))
