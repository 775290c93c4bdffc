"""Makes the folder a role: what is true of databases is said by those who provide them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from coopinfra.roles.contract import Check, Part


def checks(_part: Part[Any]) -> Iterator[Check]:
    """Yield nothing."""
    return iter(())
