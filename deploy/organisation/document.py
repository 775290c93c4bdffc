"""A file as values with the line of each, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

from coopinfra.deploy.organisation.problems import Problem

Value: TypeAlias = "str | bool | list[Value] | dict[str, Value] | None"
Location: TypeAlias = tuple[str | int, ...]


@dataclass(frozen=True)
class Span:
    """Where something stands: the line of its key or dash, and the line where its value starts."""

    key: int
    value: int


@dataclass(unsafe_hash=True)
class Document:
    """One file as values, with the place of each and what is wrong with the file itself; equal if the name is."""

    file: str
    values: Value = field(default=None, compare=False, repr=False)
    spans: dict[Location, Span] = field(default_factory=dict, compare=False, repr=False)
    problems: list[Problem] = field(default_factory=list, compare=False, repr=False)
    doubtful: set[Location] = field(default_factory=set, compare=False, repr=False)
    """Places that were complained about already: what the models say about them would only repeat it."""

    def complain(self, line: int | None, message: str, hint: str) -> None:
        """Add one problem."""
        self.problems.append(Problem(message, hint, self.file, line))

    def line(self, location: Location, *, of_value: bool = False) -> int:
        """Return the line of a place, or of what holds it."""
        while location and location not in self.spans:
            location = location[:-1]
        span = self.spans.get(location, Span(1, 1))
        return span.value if of_value else span.key

    def find(self, location: Location, value: str) -> int:
        """Return the line of the first `value` within a place, or of the place."""
        at = self.values
        for part in location:
            at = at.get(str(part)) if isinstance(at, dict) else at[int(part)] if isinstance(at, list) else None
        found = next((where for where, text in _scalars(at, location) if value and text == value), None)
        return self.line(found, of_value=True) if found else self.line(location)

    def is_doubtful(self, location: Location) -> bool:
        """Whether a place was complained about already."""
        return any(location[:length] in self.doubtful for length in range(len(location) + 1))


def _scalars(value: Value, at: Location) -> Iterator[tuple[Location, Value]]:
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in inside:
        yield from _scalars(item, (*at, key))
    if not isinstance(value, dict | list):
        yield at, value
