"""Which questions are likely to come next: those that the operations asked, in their order, when all was prepared."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from itertools import chain, dropwhile, islice

FIRST_WINDOW = 8
"""How many questions are asked again with a change."""


class Foresight:
    """What each operation asked, and how many questions are asked at once until something changes again."""

    def __init__(self) -> None:
        """Begin without knowing anything."""
        self._asked: Mapping[str, tuple[str, ...]] = {}
        self._window = FIRST_WINDOW

    def expect(self, asked: Mapping[str, tuple[str, ...]]) -> None:
        """Learn what each operation asks before it changes anything, in the order in which they run."""
        self._asked = asked

    def begin_anew(self) -> None:
        """Start with a few again, since something changes."""
        self._window = FIRST_WINDOW

    def after(self, operation: str | None) -> tuple[str, ...]:
        """Return what those ask that follow an operation, which changes something now."""
        return self._take(dict.fromkeys(chain.from_iterable(islice(self._from(operation), 1, None))))

    def along_with(self, question: str, operation: str | None, known: Container[str]) -> tuple[str, ...]:
        """Return a question of an operation, and what is not known of all that comes after it."""
        coming = (each for each in chain.from_iterable(self._from(operation)) if each not in known)
        return self._take({question: None, **dict.fromkeys(coming)})

    def _from(self, operation: str | None) -> Iterator[tuple[str, ...]]:
        return (asked for _, asked in dropwhile(lambda each: each[0] != operation, self._asked.items()))

    def _take(self, questions: Mapping[str, None]) -> tuple[str, ...]:
        taken = tuple(islice(questions, self._window))
        self._window *= 2
        return taken
