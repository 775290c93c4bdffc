"""How somebody asks a run to stop: it finishes the step that it is at, on every server, and goes no further."""

from __future__ import annotations

from threading import Event

from coopinfra.deploy.organisation.problems import CoopinfraError, Problem


class Stopped(CoopinfraError):
    """We stopped before the end because somebody asked us to."""

    kind = "stopped"


class Stop:
    """Asked for in one thread, obeyed in those that work on servers."""

    def __init__(self) -> None:
        """Begin with nobody asking."""
        self._asked = Event()

    @property
    def is_asked(self) -> bool:
        """Whether somebody asked."""
        return self._asked.is_set()

    def ask(self) -> None:
        """Ask every server's thread to stop after the step that it is at."""
        self._asked.set()

    def obey(self, label: str, before: str) -> None:
        """Raise Stopped if somebody asked; `before` names the step that was not begun."""
        if self.is_asked:
            raise Stopped(Problem(f"{label}: stopped before `{before}`", "run `deploy` again: it goes on from there"))

    def pause(self, seconds: float, label: str, waiting_for: str) -> None:
        """Wait; raise Stopped as soon as somebody asks, since nothing is at work meanwhile."""
        if self._asked.wait(seconds):
            raise Stopped(Problem(f"{label}: stopped while it waited for {waiting_for}", "run `deploy` again"))
