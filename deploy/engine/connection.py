"""One open SSH connection: every command as root, or through sudo, and what can go wrong with it."""

from __future__ import annotations

import logging
import secrets
import shlex
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from io import BytesIO
from threading import Thread
from typing import IO, Self

import paramiko

from coopinfra.deploy.engine.batch import Answer, batch_answers, batch_script
from coopinfra.deploy.organisation.problems import CoopinfraError, Problem

# paramiko prints a traceback for each failed handshake; the error that reaches the operator says it in a sentence.
logging.getLogger("paramiko").setLevel(logging.CRITICAL + 1)

LOST = (OSError, EOFError, paramiko.SSHException)
"""What paramiko raises where the line, or the server, is gone."""
CONNECT_SECONDS = 15
MOST_OUTPUT = 16 * 2**20
"""Bytes: more than this is no honest answer."""
MOST_ARGUMENT = 60_000
"""Bytes of a script that goes as an argument, which saves a round trip; Linux takes 128 KiB, and quoting adds to it."""
# Nothing may be sent to a command that has ended: sshd ends the whole connection then ("ieof packet referred to
# nonexistent channel"), and paramiko's own answer to the server's end may overtake what we send. So a command that
# needs no input is not told that there is none, and one that gets some reads all of it.
READS_NOTHING = "exec </dev/null\n{}"
READS_ALL = "(\n{}\n)\ncode=$?\ncat >/dev/null\nexit $code"


class ServerError(CoopinfraError):
    """A server failed, refused, or could not be reached."""

    exit_code = 3
    kind = "server"


class Unreachable(ServerError):
    """No SSH connection could be made or it broke."""

    kind = "unreachable"


class HostKeyError(ServerError):
    """The host key is not the pinned one, or none is pinned; nothing was sent."""

    kind = "host key"


class LoginRefused(ServerError):
    """The server does not accept this operator's key."""

    kind = "login"


class Connection:
    """An open connection; `run` is as root whoever logged in."""

    def __init__(self, client: paramiko.SSHClient, label: str, login: str) -> None:
        """Take over an open client, to close it later."""
        self.client, self.label, self.login = client, label, login
        self.run_id = ""
        self.channels = 0
        """How many commands were started so far: on a slow line each costs a round trip at least."""
        # A queue, since pyinfra hands out shallow copies of a connection, and each of them may be the next to take it.
        self._ahead: deque[Future[paramiko.Channel]] = deque()

    def as_root(self, command: str) -> str:
        """Wrap a shell command so that root runs it, marked with the id of this run."""
        marked = f"export COOPINFRA_RUN={self.run_id}; {command}" if self.run_id else command
        return marked if self.login == "root" else f"sudo -n -H -- sh -c {shlex.quote(marked)}"

    def open(self, command: str) -> paramiko.Channel:
        """Start a command as root on a channel of its own and return the channel."""
        transport = self.client.get_transport()
        if transport is None or not transport.is_active():
            raise Unreachable(Problem(f"{self.label}: the connection is gone", "run the command again"))
        self.channels += 1
        with self._lost():
            channel = self._session(transport)
            channel.exec_command(self.as_root(command))
        # Opened while this one works, the next command waits for one round trip less. One is enough where several work
        # at once: a server lets only so many be open (MaxSessions).
        if not self._ahead:
            spare: Future[paramiko.Channel] = Future()
            self._ahead.append(spare)
            Thread(target=self._open_ahead, args=(transport, spare), daemon=True).start()
        return channel

    def _session(self, transport: paramiko.Transport) -> paramiko.Channel:
        """Return the channel that was opened ahead; where the server refuses a second one, a new one."""
        with suppress(IndexError, *LOST):
            return self._ahead.popleft().result()
        return transport.open_session(timeout=CONNECT_SECONDS)

    @staticmethod
    def _open_ahead(transport: paramiko.Transport, spare: Future[paramiko.Channel]) -> None:
        try:
            spare.set_result(transport.open_session(timeout=CONNECT_SECONDS))
        except LOST as error:
            spare.set_exception(error)

    def run(self, command: str, stdin: IO[bytes] | None = None, timeout: float | None = None) -> Answer:
        """Run a shell command as root; raise Unreachable when the connection breaks or `timeout` seconds pass."""
        channel = self.open(READS_NOTHING.format(command) if stdin is None else READS_ALL.format(command))
        channel.settimeout(timeout)
        with self._lost():
            try:
                if stdin is not None:
                    while block := stdin.read(2**18):
                        channel.sendall(block)
                    channel.shutdown_write()
            except OSError:
                if not channel.closed and not channel.exit_status_ready():
                    raise
            out, err = self._drain(channel)
            code = channel.recv_exit_status()
            channel.close()
        if code == -1:
            raise Unreachable(Problem(f"{self.label}: the connection was lost in the middle of a command"))
        return Answer(code, out.decode(errors="replace"), err.decode(errors="replace"))

    def run_all(
        self, commands: Sequence[str], stdin: IO[bytes] | None = None, timeout: float | None = None
    ) -> tuple[Answer, ...]:
        """Run shell commands as root, one after another in one channel; return an answer for each.

        stdin: what the first of them reads
        """
        word = f"={secrets.token_hex(12)}="
        script = batch_script(commands, word, given=stdin is not None)
        if len(script) <= MOST_ARGUMENT:
            answer = self.run(script, stdin, timeout)
        elif stdin is None:
            answer = self.run("sh", BytesIO(script.encode()), timeout)
        else:
            # Both the script and what the first command reads would have to be the channel's input.
            first, *others = commands
            return (self.run(first, stdin, timeout), *(self.run_all(others, None, timeout) if others else ()))
        try:
            answers = tuple(batch_answers(answer, word))
        except ValueError as error:
            raise ServerError(Problem(f"{self.label}: {error}", "look at what its shell says")) from error
        if len(answers) != len(commands):
            raise ServerError(Problem(f"{self.label} answered {len(answers)} of {len(commands)} questions"))
        return answers

    def _drain(self, channel: paramiko.Channel) -> tuple[bytes, bytes]:
        """Read both streams to their ends at once, since a full one would block the other."""
        out, err = bytearray(), bytearray()
        aside = Thread(target=self._read, args=(channel, channel.recv_stderr, err), daemon=True)
        aside.start()
        self._read(channel, channel.recv, out)
        aside.join()
        if len(out) + len(err) > MOST_OUTPUT:
            raise ServerError(
                Problem(f"{self.label} answered with more than {MOST_OUTPUT // 2**20} MB", "look at what it runs")
            )
        return bytes(out), bytes(err)

    @staticmethod
    def _read(channel: paramiko.Channel, receive: Callable[[int], bytes], into: bytearray) -> None:
        while block := receive(2**16):
            into += block
            if len(into) > MOST_OUTPUT:
                channel.close()
                return

    @contextmanager
    def _lost(self) -> Iterator[None]:
        try:
            yield
        except LOST as error:
            raise Unreachable(
                Problem(
                    f"{self.label}: the connection was lost ({str(error) or type(error).__name__})",
                    "run the command again",
                )
            ) from error

    def close(self) -> None:
        """Close the connection; nothing happens when it is closed already."""
        self.client.close()

    def __enter__(self) -> Self:
        """Give the connection, to be closed at the end of a `with`."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it, whatever happened."""
        self.close()
