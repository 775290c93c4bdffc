"""A login that was refused leaves nothing open at the server."""

from __future__ import annotations

import socket
from threading import Event, Thread

import paramiko
import pytest

from coopinfra.deploy.engine.connection import LoginRefused
from coopinfra.deploy.engine.identity import Identity
from coopinfra.deploy.engine.reach import Target, connect_as
from coopinfra.roles.facts import Operator, Server


class OneAccount(paramiko.ServerInterface):
    """Lets `ada` in and nobody else."""

    def get_allowed_auths(self, username):
        return "publickey"

    def check_auth_publickey(self, username, key):
        return paramiko.AUTH_SUCCESSFUL if username == "ada" else paramiko.AUTH_FAILED


@pytest.fixture
def target(tmp_path):
    """An SSH server on this machine, whose connection tells when it has ended."""
    key, ended = paramiko.ECDSAKey.generate(), Event()
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(30)
    transports = []

    def serve():
        transport = paramiko.Transport(listener.accept()[0])
        transports.append(transport)
        transport.add_server_key(key)
        transport.start_server(server=OneAccount())
        transport.join()
        ended.set()

    Thread(target=serve, daemon=True).start()
    port = listener.getsockname()[1]
    known_hosts = tmp_path / "known_hosts"
    known_hosts.write_text(f"[127.0.0.1]:{port} {key.get_name()} {key.get_base64()}\n")
    identity = Identity(Operator("ada", "Ada", ()), paramiko.ECDSAKey.generate())
    yield Target("acme", Server("web1", "web1.acme.example", "127.0.0.1", (), port=port), identity, known_hosts), ended
    for transport in transports:
        transport.close()
    listener.close()


def test_a_refused_login_is_closed_at_once(target):
    reached, ended = target

    # Held, as whoever goes on with another account holds it: what garbage collection closes late does not count.
    with pytest.raises(LoginRefused) as refused:
        connect_as(reached, "eve")

    assert ended.wait(10)
    assert refused.value


def test_a_login_that_is_let_in_stays_open(target):
    reached, ended = target

    connection = connect_as(reached, "ada")

    assert not ended.wait(0.5)
    connection.close()
    assert ended.wait(10)
