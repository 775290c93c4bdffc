"""Bring existing sites into an inventory: a module for each form in which one comes, tried in the order of `KINDS`.

Whoever adds one adds a module and its name.
"""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from coopinfra.deploy.imports import directory
from coopinfra.deploy.imports.finding import Brought


class Kind(Protocol):
    """One form in which a site comes."""

    def fits(self, path: Path, /) -> bool:
        """Tell whether this is such a site."""

    def bring(self, path: Path, to: Path, domains: tuple[str, ...], /) -> Brought:
        """Write what can be had into `to`, which is not there yet.

        domains: under which it is and was reached; the first is the new one
        """


KINDS: tuple[Kind, ...] = (directory,)
