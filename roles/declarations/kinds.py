"""What a declaration is, and the three kinds: needs, items and facts."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Declaration:
    """What follows from the settings of one role."""

    @property
    def claims(self) -> tuple[str, ...]:
        """What nobody else on the server may claim too."""
        return ()


class Need(Declaration):
    """A declaration that exactly one provider serves."""


class Item(Declaration):
    """A declaration that the primitives act on."""


class Fact(Declaration):
    """A declaration that is read by whoever is there."""
