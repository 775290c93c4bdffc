"""The pyinfra connector that speaks through the engine's own connection, and asks no question twice.

What pyinfra's stock SSH connector does otherwise, and this one does not: accept unknown host keys, upload through
/tmp world-readable and in place, leave the transport open, wait for ever for a dead peer. The same roles run under the
stock connector too (`deploy/site.py`) and end in the same state.

pyinfra keeps no fact: each is asked for when an operation is prepared and again when it runs, one round trip at a time.
Here an answer is kept until something may have changed. The contract:

- Before operations are executed every command is a question, for nothing of ours acts while it prepares. Its answer is
  kept, and its text remembered as a question.
- While they are executed, whatever was no such question may change the server: before it runs all answers are
  forgotten. So does every upload, and everything that is given input.
- An upload travels with the command that follows it, in one channel, and at the latest with the end of its operation.
  What arrives cut short is no upload: nothing is put in place, and the command does not run.
- With each change the questions go that are likely to come next (`foresight.py`). One that comes and has no answer is
  asked with those that follow it: a few, then twice as many each time, until something changes.
- What one executing operation asks twice, it waits for: the second time the server is asked.
- What others may change meanwhile (somebody thinks before saying yes) is forgotten with `forget`, or with the state.
- Answers are one server's. What changes another server's answers has to say so there.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import IO, Any

from pyinfra.api.command import StringCommand
from pyinfra.api.util import get_file_io
from pyinfra.connectors.base import BaseConnector
from pyinfra.connectors.util import CommandOutput, OutputLine, make_unix_command_for_host

from coopinfra.deploy.engine.batch import Answer
from coopinfra.deploy.engine.connection import Connection, ServerError
from coopinfra.deploy.engine.foresight import Foresight
from coopinfra.deploy.engine.upload import as_stream, before
from coopinfra.deploy.organisation.problems import Problem


class NotAskedYet(Exception):
    """A question whose answer is not here yet, while questions are being collected."""


class Connector(BaseConnector):
    """Runs pyinfra's commands over `host.data.connection`, which is open already and closed by whoever opened it."""

    handles_execution = True

    def __init__(self, state: Any, host: Any) -> None:
        """Begin without any answer."""
        super().__init__(state, host)
        self._questions: dict[str, None] = {}
        self._answers: dict[str, Answer] = {}
        self._collected: dict[str, None] | None = None
        self._asked: tuple[str | None, set[str]] = (None, set())
        self._heard: list[str] = []
        """Every question since `hearing` began, while questions are being collected."""
        self.foresight = Foresight()
        self._upload: tuple[Any, str] | None = None
        """What waits for the next command, and where it goes."""

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
        if stdin is None and (text in self._questions or not self.state.is_executing):
            answer = self._answer(text, timeout)
        else:
            answer = self._change(text, as_stream(stdin), timeout)
        return answer.code in expected, _output(answer)

    def forget(self) -> None:
        """Forget every answer: something may have changed."""
        self._answers.clear()
        self.foresight.begin_anew()

    @contextmanager
    def collecting(self) -> Iterator[dict[str, None]]:
        """Raise NotAskedYet, instead of asking, for each question without an answer; yield the growing set of them."""
        self._collected = {}
        try:
            yield self._collected
        finally:
            self._collected = None

    def hearing(self) -> list[str]:
        """Begin to write down each question that comes; return the growing list of them."""
        self._heard = []
        return self._heard

    @property
    def questions(self) -> tuple[str, ...]:
        """All that was asked so far."""
        return tuple(self._questions)

    def ask(self, questions: Sequence[str]) -> None:
        """Ask many questions in one round trip, and keep the answers."""
        self._questions |= dict.fromkeys(questions)
        self._answers.update(zip(questions, self.connection.run_all(questions), strict=True))

    def _change(self, command: str, stdin: IO[bytes] | None, timeout: float | None) -> Answer:
        """Run what may change the server, after the upload that waits for it, and ask what is likely to come next."""
        if stdin is not None:
            self.flush()
        self.forget()
        if self._upload is None:
            return self._run_and_ask(command, stdin, timeout)
        (source, path), self._upload = self._upload, None
        with get_file_io(source) as stream:
            script, refused = before(command, path, stream)
            answer = self._run_and_ask(script, stream, timeout)
        if answer.out.startswith(refused):
            raise ServerError(Problem(f"{self.connection.label}: cannot write {path}: {answer.err.strip()}"))
        return answer

    def _run_and_ask(self, command: str, stdin: IO[bytes] | None, timeout: float | None) -> Answer:
        questions = self.foresight.after(self.host.executing_op_hash) if self.state.is_executing else ()
        if not questions:
            return self.connection.run(command, stdin=stdin, timeout=timeout)
        answer, *answers = self.connection.run_all((command, *questions), stdin, timeout)
        self._answers.update(zip(questions, answers, strict=True))
        return answer

    def flush(self) -> None:
        """Send the upload that waits for a command, if there is one: no other comes."""
        if self._upload:
            self._change(":", None, None)

    def _answer(self, question: str, timeout: float | None) -> Answer:
        self.flush()
        if self._collected is not None:
            self._heard.append(question)
        known = self._answers.get(question)
        if known and not self._is_waited_for(question):
            return known
        if self._collected is not None:
            self._collected[question] = None
            raise NotAskedYet(question)
        if self.state.is_executing and not known:
            self.ask(self.foresight.along_with(question, self.host.executing_op_hash, self._answers))
        else:
            self._questions[question] = None
            self._answers[question] = self.connection.run(question, timeout=timeout)
        return self._answers[question]

    def _is_waited_for(self, question: str) -> bool:
        """Tell whether the operation that is executed has asked this before."""
        operation = self.host.executing_op_hash
        if self._asked[0] != operation:
            self._asked = (operation, set())
        waited = operation is not None and question in self._asked[1]
        self._asked[1].add(question)
        return waited

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
        self.flush()
        self.forget()
        self._upload = filename_or_io, remote_filename
        if not self.state.is_executing:
            self.flush()
        return True

    def get_file(self, *_: Any, **__: Any) -> bool:
        """Refuse: nothing of ours downloads through pyinfra."""
        raise AssertionError("nothing of ours downloads through pyinfra: read a file with a fact")


def _output(answer: Answer) -> CommandOutput:
    lines = [OutputLine("stdout", line) for line in answer.out.splitlines()]
    return CommandOutput(lines + [OutputLine("stderr", line) for line in answer.err.splitlines()])
