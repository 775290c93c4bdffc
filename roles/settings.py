"""What a client chooses about a role: settings that are checked at the edge and cannot change afterwards."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StrictBool

K = TypeVar("K")
V = TypeVar("V")


class Table(Mapping[K, V]):
    """A mapping that cannot change and can be hashed, so that a whole plan can."""

    def __init__(self, items: Mapping[K, V]) -> None:
        """Copy the mapping; its order is kept."""
        self._items = dict(items)

    def __getitem__(self, key: K) -> V:
        return self._items[key]

    def __iter__(self) -> Iterator[K]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)

    def __hash__(self) -> int:
        return hash(tuple(self._items.items()))

    def __repr__(self) -> str:
        return f"Table({self._items!r})"


def _whole_number(value: object) -> object:
    """Refuse what YAML readers disagree about: `0022`, `1_000`, `0x1f`, `1e3`."""
    if isinstance(value, bool) or (isinstance(value, str) and not re.fullmatch(r"0|-?[1-9][0-9]*", value)):
        raise ValueError("expected a whole number")
    return value


WholeNumber = Annotated[int, BeforeValidator(_whole_number)]
YesNo = StrictBool
Named = Annotated[Mapping[str, V], AfterValidator(Table)]


OF_MACHINE = "of the machine"
"""Marks a setting that is one for all who share a machine, `Annotated[YesNo, OF_MACHINE]`: its owner decides."""


class Settings(BaseModel):
    """What a client chooses about one role; every field is described, every default is the safe one."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True, defer_build=True)

    @property
    def servers_named(self) -> tuple[str, ...]:
        """The servers that are named here, as `vault1`, or `collective/vault1` where it is another organisation's."""
        return ()

    @classmethod
    def of_machine(cls) -> tuple[str, ...]:
        """Return the settings that the owner of a shared machine decides for all."""
        return tuple(name for name, field in cls.model_fields.items() if OF_MACHINE in field.metadata)


__all__ = ["OF_MACHINE", "Field", "Named", "Settings", "Table", "WholeNumber", "YesNo"]
