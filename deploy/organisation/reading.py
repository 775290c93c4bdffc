"""Reads the plain part of YAML: text, lists and mappings with their lines; `true` and `false`; nothing else.

YAML's constructors are never used: what `no`, `0022` or `10.10` mean is for the models to say.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import yaml

from coopinfra.deploy.organisation import mistakes
from coopinfra.deploy.organisation.document import Document, Location, Span, Value
from coopinfra.roles.types import quoted

DEEPEST = 20
BOOLEANS = {"true": True, "false": False}
NOTHING = {"", "~", "null"}


def read_document(path: Path, name: str) -> Document:
    """Read one file, called `name` in messages; its problems are in the answer."""
    document = Document(name)
    try:
        text = mistakes.read_text(path)
    except mistakes.UnreadableError as error:
        for mistake in error.mistakes:
            document.complain(*mistake)
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
        self._loader = yaml.Loader(text)  # only its events are used: nothing is ever constructed

    @property
    def line(self) -> int:
        return self._loader.get_mark().line + 1

    def __iter__(self) -> Iterator[yaml.Event]:
        while self._loader.check_event():
            event: yaml.Event = self._loader.get_event()  # type: ignore[no-untyped-call]
            yield event


def _line(event: yaml.Event) -> int:
    return event.start_mark.line + 1 if event.start_mark else 1


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
                    self.document.complain(_line(event), "a second document starts here", hint)
                    self.document.values = None
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
        line = _line(event)
        if isinstance(event, yaml.AliasEvent):
            hint = "write the value out; text that starts with `*` needs quotation marks"
            message = f"{quoted(f'*{event.anchor}')} refers to another place, which is not possible here"
            self.document.complain(line, message, hint)
            self.document.doubtful.add(at)
            return None
        self._refuse_marks(event)
        if isinstance(event, yaml.ScalarEvent):
            if event.style is not None:
                return str(event.value)
            return None if event.value in NOTHING else BOOLEANS.get(event.value, str(event.value))
        if len(at) >= DEEPEST:
            self.document.complain(line, f"this nests deeper than {DEEPEST} levels", "no setting lies that deep")
            raise _TooDeepError
        return self._list(at) if isinstance(event, yaml.SequenceStartEvent) else self._mapping(at)

    def _refuse_marks(self, event: yaml.Event) -> None:
        """Complain about `&anchors` and `!tags`; what they stand before is read all the same."""
        anchor, tag = getattr(event, "anchor", None), getattr(event, "tag", None)
        if anchor is not None:
            hint = "leave it out; text that starts with `&` needs quotation marks"
            message = f"{quoted(f'&{anchor}')} marks a place to refer to, which is not possible here"
            self.document.complain(_line(event), message, hint)
        if tag is not None:
            hint = "leave it out: the meaning of each value is known; text that starts with `!` needs quotation marks"
            message = f"{quoted(mistakes.tag_as_written(tag))} is a tag, which has no use here"
            self.document.complain(_line(event), message, hint)

    def _list(self, at: Location) -> list[Value]:
        items: list[Value] = []
        while not isinstance(event := next(self.events), yaml.SequenceEndEvent):
            here = (*at, len(items))
            line = _line(event)
            self.document.spans[here] = Span(line, line)
            items.append(self._value(event, here))
        return items

    def _mapping(self, at: Location) -> dict[str, Value]:
        items: dict[str, Value] = {}
        while not isinstance(event := next(self.events), yaml.MappingEndEvent):
            line = _line(event)
            key = self._key(event, at)
            event = next(self.events)
            here = (*at, key)
            if key in items:
                first = self.document.line(here)
                self.document.complain(line, f"{quoted(key)} is here twice, first in line {first}", "keep one of them")
                here = (*at, f"{key} in line {line}")  # its own problems are told all the same
                self.document.doubtful.add(here)
            self.document.spans[here] = Span(line, _line(event))
            value = self._value(event, here)
            if here[-1] == key:
                items[key] = value
        return items

    def _key(self, event: yaml.Event, at: Location) -> str:
        line = _line(event)
        if not isinstance(event, yaml.ScalarEvent):
            self._value(event, (*at, f"key in line {line}"))
            hint = "write `key: value`; text that starts with `{` or `[` needs quotation marks"
            self.document.complain(line, "this key is not plain text", hint)
            self.document.doubtful.add((*at, f"key in line {line}"))
            return f"key in line {line}"
        key = str(event.value)
        self._refuse_marks(event)
        if key == "<<" and event.style is None:
            self.document.complain(line, "`<<` merges another place, which is not possible here", "write the lines out")
            self.document.doubtful.update({at, (*at, key)} - {()})
        elif not key:
            self.document.complain(line, "there is no key before this `:`", "write `key: value`")
            self.document.doubtful.add((*at, key))
        return key
