"""Reads the plain part of YAML: text, lists and mappings with their lines; `true` and `false`; nothing else.

YAML's constructors are never used: what `no`, `0022` or `10.10` mean is for the models to say.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

import yaml

from coopinfra.deploy.organisation import mistakes
from coopinfra.deploy.organisation.problems import Problem
from coopinfra.roles.types import quoted

Value: TypeAlias = "str | bool | None | list[Value] | dict[str, Value]"
Location: TypeAlias = tuple[str | int, ...]

DEEPEST = 20
BOOLEANS = {"true": True, "false": False}
NOTHING = {"", "~", "null"}


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


def read_document(path: Path, name: str) -> Document:
    """Read one file, called `name` in messages; its problems are in the answer."""
    document = Document(name)
    text = mistakes.read_text(path, document.complain)
    if text is None:
        return document
    events = _Events(text)
    try:
        _Builder(document, events).build()
    # Escapes such as "\UFFFFFFFF" make PyYAML fail with errors of Python's own.
    except (yaml.YAMLError, ValueError, OverflowError) as error:
        document.values = None
        document.complain(*mistakes.explain(error, events.line))
    return document


class _Events:
    """PyYAML's parser, one event at a time: it keeps its own stack, so nothing nests too deep for it."""

    def __init__(self, text: str) -> None:
        self._loader = yaml.Loader(text)  # noqa: S506 - only its events are used; nothing is ever constructed

    @property
    def line(self) -> int:
        return self._loader.get_mark().line + 1

    def __iter__(self) -> Iterator[yaml.Event]:
        while self._loader.check_event():
            yield self._loader.get_event()


class _TooDeepError(Exception):
    """Stops the reading of a file that nests deeper than anybody means."""


class _Builder:
    """Turns events into values; holds where it is, hence a class."""

    def __init__(self, document: Document, events: _Events) -> None:
        self.document, self.events = document, iter(events)

    def build(self) -> None:
        documents = 0
        for event in self.events:
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    hint = "write everything as one, without a line `---` in the middle"
                    self.document.complain(event.start_mark.line + 1, "a second document starts here", hint)
                    return
                self.document.spans[()] = Span(1, 1)
                try:
                    self.document.values = self._value(next(self.events), ())
                except _TooDeepError:
                    self.document.values = None
                    return
        if not documents:
            self.document.complain(None, "the file is empty", mistakes.START_HINT)

    def _value(self, event: yaml.Event, at: Location) -> Value:
        line = event.start_mark.line + 1
        if isinstance(event, yaml.AliasEvent):
            hint = "write the value out; text that starts with `*` needs quotation marks"
            self.document.complain(line, f"`*{event.anchor}` refers to another place, which is not possible here", hint)
            self.document.doubtful.add(at)
            return None
        if event.anchor is not None:
            hint = "leave it out; text that starts with `&` needs quotation marks"
            self.document.complain(line, f"`&{event.anchor}` marks a place to refer to, which is not possible here", hint)
        if event.tag is not None:
            hint = "leave it out: the meaning of each value is known; text that starts with `!` needs quotation marks"
            shown = quoted(mistakes.tag_as_written(event.tag))
            self.document.complain(line, f"{shown} is a tag, which has no use here", hint)
        if isinstance(event, yaml.ScalarEvent):
            if event.style is not None:
                return str(event.value)
            return None if event.value in NOTHING else BOOLEANS.get(event.value, str(event.value))
        if len(at) >= DEEPEST:
            self.document.complain(line, f"this nests deeper than {DEEPEST} levels", "no setting lies that deep")
            raise _TooDeepError
        return self._list(at) if isinstance(event, yaml.SequenceStartEvent) else self._mapping(at)

    def _list(self, at: Location) -> list[Value]:
        items: list[Value] = []
        while not isinstance(event := next(self.events), yaml.SequenceEndEvent):
            here = (*at, len(items))
            line = event.start_mark.line + 1
            self.document.spans[here] = Span(line, line)
            items.append(self._value(event, here))
        return items

    def _mapping(self, at: Location) -> dict[str, Value]:
        items: dict[str, Value] = {}
        while not isinstance(event := next(self.events), yaml.MappingEndEvent):
            line = event.start_mark.line + 1
            key = self._key(event, at)
            event = next(self.events)
            here = (*at, key)
            if key in items:
                first = self.document.line(here)
                self.document.complain(line, f"{quoted(key)} is here twice, first in line {first}", "keep one of them")
                here = (*at, f"{key} in line {line}")  # its own problems are told all the same
                self.document.doubtful.add(here)
            self.document.spans[here] = Span(line, event.start_mark.line + 1)
            value = self._value(event, here)
            if here[-1] == key:
                items[key] = value
        return items

    def _key(self, event: yaml.Event, at: Location) -> str:
        line = event.start_mark.line + 1
        if not isinstance(event, yaml.ScalarEvent):
            self._value(event, (*at, f"key in line {line}"))
            hint = "write `key: value`; text that starts with `{` or `[` needs quotation marks"
            self.document.complain(line, "this key is not plain text", hint)
            return f"key in line {line}"
        key = str(event.value)
        if event.anchor is not None or event.tag is not None:
            self._value(event, (*at, key))
        if key == "<<" and event.style is None:
            self.document.complain(line, "`<<` merges another place, which is not possible here", "write the lines out")
            self.document.doubtful.update({at, (*at, key)} - {()})
        elif not key:
            self.document.complain(line, "there is no key before this `:`", "write `key: value`")
            self.document.doubtful.add((*at, key))
        return key
