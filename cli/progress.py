"""Shows a run while it goes on: a live line for each server, or plain lines where nobody could see one."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from time import monotonic
from typing import TYPE_CHECKING

from coopinfra.cli.console import say

if TYPE_CHECKING:
    from rich.table import Table

    from coopinfra.deploy.engine.events import Event, Report


TURNING = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"


@contextmanager
def progress(*, live: bool = True) -> Iterator[Report]:
    """Yield a listener that shows each event to people."""
    if not live or not _can_move():
        yield _say
        return
    from rich.console import Console
    from rich.live import Live

    lines = Lines()
    # stdout is left alone: it may lead elsewhere, and what a program reads must get there.
    shown = Live(get_renderable=lines.table, console=Console(stderr=True), transient=True, redirect_stdout=False)
    with shown:
        yield lines.note


def _can_move() -> bool:
    return sys.stderr.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM", "dumb") != "dumb"


def _say(event: Event) -> None:
    if event.kind == "result" or not event.text:
        return
    of = f" ({event.number} of {event.of})" if event.number else ""
    say(f"{event.server}: {event.text}{of}" if event.server else event.text, style="dim")


@dataclass(frozen=True)
class Line:
    """What one server is at, since when."""

    event: Event
    began: float
    ended: float = 0
    result: str = ""


class Lines:
    """The line of every server, in the order in which they began."""

    def __init__(self) -> None:
        """Begin with none."""
        self._lines: dict[str, Line] = {}
        self._note = ""
        self._turn = 0

    def note(self, event: Event) -> None:
        """Take in what happens."""
        if not event.server:
            self._note = event.text
            return
        line = self._lines.get(event.server, Line(event, monotonic()))
        if event.kind == "result":
            line = replace(line, result=str(event.result["result"]), ended=monotonic())
        else:
            line = replace(line, event=event)
        # A new table in one go: the thread that draws must not meet one that grows.
        self._lines = {**self._lines, event.server: line}

    def table(self) -> Table:
        """Draw all lines: server, what it is at, which step of how many, how long so far."""
        from rich.table import Table
        from rich.text import Text

        self._turn += 1
        table = Table.grid(padding=(0, 2, 0, 0))
        for style in ("", "bold", "", "dim", "dim"):
            table.add_column(no_wrap=True, overflow="ellipsis", style=style)
        for server, line in self._lines.items():
            at = line.event
            mark, text = ("", line.result) if line.result else (TURNING[self._turn % len(TURNING)], at.text)
            of = f"{at.number} of {at.of}" if at.number and not line.result else ""
            # `Text`: what stands in square brackets is no markup.
            table.add_row(mark, Text(server), Text(text), of, _elapsed((line.ended or monotonic()) - line.began))
        if self._note:
            table.add_row("", "", Text(self._note, style="yellow"))
        return table


def _elapsed(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02}"
