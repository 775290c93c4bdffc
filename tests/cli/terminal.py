"""A command at a terminal of its own, with somebody who types: what it asks, and what it does with the answers."""

from __future__ import annotations

import os
import pty
import select
import time
from collections.abc import Mapping, Sequence

PATIENCE = 120


class Terminal:
    """A running command; `said` is all that has stood on the screen so far."""

    def __init__(self, argv: Sequence[str], environment: Mapping[str, str]) -> None:
        """Start it as the leader of a session, so that it finds its terminal also by the name `/dev/tty`."""
        self.said = ""
        self.pid, self.screen = pty.fork()
        if not self.pid:
            os.execvpe(argv[0], argv, {**os.environ, **environment})

    def waits_for(self, text: str) -> None:
        """Read on until a text stands on the screen that was not there before."""
        before, deadline = len(self.said), time.monotonic() + PATIENCE
        while text not in self.said[before:]:
            assert self._read(deadline), f"it ended without {text!r}:\n{self.said}"

    def types(self, text: str) -> None:
        """Type a line."""
        os.write(self.screen, f"{text}\n".encode())

    def ends(self) -> int:
        """Read to the end, and return the exit code; that of a signal is negative."""
        deadline = time.monotonic() + PATIENCE
        while self._read(deadline):
            pass
        os.close(self.screen)
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])

    def _read(self, deadline: float) -> bool:
        ready, _, _ = select.select([self.screen], [], [], max(deadline - time.monotonic(), 0))
        assert ready, f"it still waits:\n{self.said}"
        try:
            found = os.read(self.screen, 65536)
        except OSError:  # Linux says so when nobody has the other side open any more
            return False
        self.said += found.decode(errors="replace")
        return bool(found)
