"""testinfra's host over the engine's connection: its own SSH backends connect anew for every server and run."""

from __future__ import annotations

from typing import Any

from testinfra.backend.base import BaseBackend, CommandResult
from testinfra.host import Host

from coopinfra.deploy.engine.connection import Connection


class _ConnectionBackend(BaseBackend):  # type: ignore[misc] # testinfra ships no types
    NAME = "coopinfra"

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection.label)
        self._connection = connection

    def run(self, command: str, *args: str, **_: Any) -> CommandResult:
        text = self.get_command(command, *args)
        answer = self._connection.run(text)
        return self.result(answer.code, self.encode(text), answer.out, answer.err)


def server_host(connection: Connection) -> Host:
    """Return testinfra's host for a server that is connected; commands run as root."""
    return Host(_ConnectionBackend(connection))
