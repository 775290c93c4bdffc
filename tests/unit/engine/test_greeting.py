"""What a server says before it says anything: whoever is no SSH server, or has banned us, is told apart and soon."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from coopinfra.deploy.engine import reach
from coopinfra.deploy.engine.connection import Unreachable
from coopinfra.deploy.engine.reach import offered_key
from coopinfra.roles.facts import Server


@contextmanager
def answering(*blocks: bytes, forever: bytes = b"") -> Iterator[Server]:
    """A server on loopback that greets like this, then hangs up, or goes on for ever."""
    done = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            connection, _ = listener.accept()
            with connection:
                try:
                    for block in blocks:
                        connection.sendall(block)
                    while forever and not done.is_set():
                        connection.sendall(forever)
                except OSError:
                    return

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        yield Server("web1", "web1.example", "127.0.0.1", (), port=listener.getsockname()[1])
        done.set()
        thread.join(10)
        assert not thread.is_alive()


@pytest.mark.parametrize(
    ("greeting", "message", "hint"),
    [
        (b"Not allowed at this time\r\n", "after failed logins the server refuses this address", "wait: 15 to 30 sec"),
        (b"HTTP/1.1 400 Bad Request\r\n", "is no SSH server; it says `HTTP/1.1 400 Bad Request`", "is the machine on"),
        (b"", "it hung up at once", "may have banned this address"),
    ],
)
def test_who_does_not_greet_as_ssh_is_told_apart(greeting, message, hint):
    with answering(greeting) as server, pytest.raises(Unreachable) as caught:
        offered_key(server)

    (problem,) = caught.value.problems
    assert message in problem.message
    assert hint in problem.hint


def test_a_greeting_without_an_end_is_not_read_to_its_end():
    with answering(b"SSH-2.0-", forever=b"x" * 65536) as server, pytest.raises(Unreachable) as caught:
        offered_key(server)

    assert "is no SSH server" in str(caught.value)
    assert len(str(caught.value)) < 600


def test_a_greeting_in_two_pieces_is_one(monkeypatch):
    # The control: this one gets as far as the keys, and is found to have none.
    monkeypatch.setattr(reach, "CONNECT_SECONDS", 2)
    with answering(b"SSH-2.", b"0-OpenSSH_10.0\r\n") as server, pytest.raises(Unreachable) as caught:
        offered_key(server)

    assert "greet" not in str(caught.value)
    assert "no SSH server" not in str(caught.value)


def test_nobody_there_is_refused_at_once():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

    with pytest.raises(Unreachable, match="the connection was refused"):
        offered_key(Server("web1", "web1.example", "127.0.0.1", (), port=port))
