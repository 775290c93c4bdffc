"""Bring existing sites into an inventory: a module for each form in which one comes, in the order of `KINDS`.

A form that needs several modules has a folder. Whoever adds one adds its name here.
"""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from coopinfra.deploy.imports import directory, wordpress
from coopinfra.deploy.imports.finding import Brought, Origin


class Kind(Protocol):
    """One form in which a site comes."""

    def fits(self, origin: Origin, /) -> bool:
        """Tell whether this is such a site."""

    def bring(self, origin: Origin, to: Path, domains: tuple[str, ...], /) -> Brought:
        """Write what can be had into `to`, which is not there yet. Raises NotBrought.

        domains: under which it is and was reached; the first is the new one
        """


KINDS: tuple[Kind, ...] = (wordpress, directory)
