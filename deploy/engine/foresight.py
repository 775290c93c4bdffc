"""Which questions are likely to come next: those that the operations asked, in their order, when all was prepared."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from itertools import dropwhile, islice

FIRST_WINDOW = 8
"""How many questions are asked again with a change."""


class Foresight:
    """What each operation asked, and how many questions are asked at once until something changes again."""

    def __init__(self) -> None:
        """Begin without knowing anything."""
        self._asked: Mapping[str, tuple[str, ...]] = {}
        self._acting: Container[str] = ()
        self._window = FIRST_WINDOW

    def expect(self, asked: Mapping[str, tuple[str, ...]], acting: Container[str]) -> None:
        """Learn what each operation asks before it changes anything, in the order in which they run.

        acting: those that would change something, as it looks now
        """
        self._asked, self._acting = asked, acting

    def begin_anew(self) -> None:
        """Start with a few again, since something changes."""
        self._window = FIRST_WINDOW

    def after(self, operation: str | None) -> tuple[str, ...]:
        """Return what those ask that follow an operation, which changes something now.

        No further than the next one that acts on its answers: what comes after that would have to be asked again.
        """
        coming: dict[str, None] = {}
        for each, asked in islice(self._from(operation), 1, None):
            coming |= dict.fromkeys(asked)
            if asked and each in self._acting:
                break
        return self._take(coming)

    def along_with(self, question: str, operation: str | None, known: Container[str]) -> tuple[str, ...]:
        """Return a question of an operation, and what is not known of all that comes after it."""
        coming = (each for _, asked in self._from(operation) for each in asked if each not in known)
        return self._take({question: None, **dict.fromkeys(coming)})

    def _from(self, operation: str | None) -> Iterator[tuple[str, tuple[str, ...]]]:
        return dropwhile(lambda each: each[0] != operation, self._asked.items())

    def _take(self, questions: Mapping[str, None]) -> tuple[str, ...]:
        taken = tuple(islice(questions, self._window))
        self._window *= 2
        return taken
