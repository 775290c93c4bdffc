"""The pyinfra connector that speaks through the engine's own connection.

What pyinfra's stock SSH connector does otherwise, and this one does not: accept unknown host keys, upload through
/tmp world-readable and in place, leave the transport open, wait for ever for a dead peer. The same roles run under the
stock connector too (`deploy/site.py`) and end in the same state.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from io import BytesIO
from typing import IO, Any

from pyinfra.api.command import StringCommand
from pyinfra.api.util import get_file_io
from pyinfra.connectors.base import BaseConnector
from pyinfra.connectors.util import CommandOutput, OutputLine, make_unix_command_for_host

from coopinfra.deploy.engine.connection import Answer, Connection, ServerError
from coopinfra.deploy.organisation.problems import Problem


class Connector(BaseConnector):
    """Runs pyinfra's commands over `host.data.connection`, which is open already and closed by whoever opened it."""

    handles_execution = True

    @staticmethod
    def make_names_data(name: str) -> Iterator[tuple[str, dict[str, Any], list[str]]]:
        """Turn `@coop/web1` into a host of the plain name."""
        yield name, {}, []

    @property
    def connection(self) -> Connection:
        """The engine's connection."""
        connection: Connection = self.host.data.connection
        return connection

    def connect(self) -> None:
        """Do nothing: the connection was opened, and its host key checked, before pyinfra was asked."""

    def disconnect(self) -> None:
        """Do nothing: whoever opened the connection closes it."""

    def run_shell_command(
        self, command: StringCommand, print_output: bool = False, print_input: bool = False, **arguments: Any
    ) -> tuple[bool, CommandOutput]:
        """Run one command as root; an exit code other than the expected ones is a failure."""
        stdin = arguments.pop("_stdin", None)
        timeout = arguments.pop("_timeout", None)
        expected = arguments.pop("_success_exit_codes", None) or [0]
        arguments.pop("_get_pty", None)
        text = make_unix_command_for_host(self.state, self.host, command, **arguments).get_raw_value()
        answer = self.connection.run(text, stdin=_as_stream(stdin), timeout=timeout)
        return answer.code in expected, _output(answer)

    def put_file(
        self,
        filename_or_io: Any,
        remote_filename: str,
        remote_temp_filename: str | None = None,
        print_output: bool = False,
        print_input: bool = False,
        **arguments: Any,
    ) -> bool:
        """Upload atomically and privately: complete beside its destination, readable by root alone, then renamed."""
        path = shlex.quote(remote_filename)
        command = (
            f'set -eu; umask 077; mkdir -p "$(dirname {path})"; new=$(mktemp {path}.XXXXXX); '
            f'trap \'rm -f "$new"\' EXIT; cat >"$new"; mv -fT "$new" {path}; trap - EXIT'
        )
        with get_file_io(filename_or_io) as stream:
            answer = self.connection.run(command, stdin=stream)
        if answer.code:
            raise ServerError(Problem(f"{self.connection.label}: cannot write {remote_filename}: {answer.err.strip()}"))
        return True

    def get_file(self, *_: Any, **__: Any) -> bool:
        """Refuse: nothing of ours downloads through pyinfra."""
        raise AssertionError("nothing of ours downloads through pyinfra: read a file with a fact")


def _as_stream(stdin: Any) -> IO[bytes] | None:
    if stdin is None:
        return None
    lines = [stdin] if isinstance(stdin, (str, bytes)) else list(stdin)
    return BytesIO(b"".join(line.encode() + b"\n" if isinstance(line, str) else line for line in lines))


def _output(answer: Answer) -> CommandOutput:
    lines = [OutputLine("stdout", line) for line in answer.out.splitlines()]
    return CommandOutput(lines + [OutputLine("stderr", line) for line in answer.err.splitlines()])
