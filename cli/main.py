"""The command's entry point."""

from __future__ import annotations

import sys
from importlib.metadata import version


def main() -> None:
    """Print the version."""
    sys.stdout.write(f"coopinfra {version('coopinfra')}\n")
