"""What Ctrl-C, a closed terminal and `kill` do: end a command at once, or after the step that it is at."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from coopinfra.deploy.engine.events import Report
    from coopinfra.deploy.engine.stop import Stop

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Ended(BaseException):
    """Somebody ended the command; no KeyboardInterrupt, since typer makes an exit code of its own of that."""


@contextmanager
def ends_at_once() -> Iterator[None]:
    """Let a signal raise Ended, so that whatever has to be cleaned up is."""

    def end() -> None:
        raise Ended

    with _handled(end):
        yield


@contextmanager
def ends_after_the_step(stop: Stop, report: Report) -> Iterator[None]:
    """Let the first signal ask for a stop after the step, and the second raise Ended."""
    from coopinfra.deploy.engine.events import Event

    def end() -> None:
        if stop.is_asked:
            raise Ended
        stop.ask()
        report(Event("stopping", text="stopping after the running step; once more stops at once"))

    with _handled(end):
        yield


@contextmanager
def _handled(handler: Callable[[], None]) -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in SIGNALS}
    for number, old in before.items():
        # Under `nohup`, and in the background of a script, they are ignored on purpose.
        if old != signal.SIG_IGN:
            signal.signal(number, lambda _number, _frame: handler())
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, old)
