"""How a server is reached: a pinned host key, one key of ours, and a socket that notices a dead peer."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from pathlib import Path

import paramiko

from coopinfra.deploy.engine.connection import (
    CONNECT_SECONDS,
    Connection,
    HostKeyError,
    LoginRefused,
    Unreachable,
)
from coopinfra.deploy.engine.identity import Identity
from coopinfra.deploy.organisation.problems import Problem
from coopinfra.roles.contract import Server

DEAD_PEER_MILLISECONDS = 30_000


@dataclass(frozen=True)
class Target:
    """A server to reach, by whom, and where its host key is pinned."""

    organisation: str
    server: Server
    identity: Identity
    known_hosts: Path

    @property
    def label(self) -> str:
        """The server's name for people: `highbeam/web1`."""
        return f"{self.organisation}/{self.server.id}"


def connect(target: Target) -> Connection:
    """Connect as the operator, or where that account does not exist yet as the machine's first login."""
    try:
        return connect_as(target, target.identity.operator.login)
    except LoginRefused as refused:
        try:
            return connect_as(target, target.server.first_login)
        except LoginRefused:
            raise refused from None


def connect_as(target: Target, login: str) -> Connection:
    """Connect as one account, with the pinned host key, one key of ours, and a socket that notices a dead peer."""
    server = target.server
    client = paramiko.SSHClient()
    client.set_missing_host_key_policy(paramiko.RejectPolicy())
    if target.known_hosts.is_file():
        client.load_host_keys(str(target.known_hosts))
    name = pinned_name(server)
    if client.get_host_keys().lookup(name) is None:
        raise HostKeyError(
            Problem(
                f"{target.label}: no host key is pinned for {name}; nothing was sent",
                f"compare its fingerprint and pin it: coopinfra trust {target.organisation} {server.id}",
            )
        )
    try:
        client.connect(
            server.address,
            port=server.port,
            username=login,
            pkey=target.identity.key,
            sock=_socket(server.address, server.port),
            allow_agent=False,
            look_for_keys=False,
            banner_timeout=CONNECT_SECONDS,
            auth_timeout=CONNECT_SECONDS,
        )
    except paramiko.BadHostKeyException as error:
        raise HostKeyError(
            Problem(
                f"{target.label}: the host key has CHANGED; nothing was sent\n"
                f"    pinned  {fingerprint(error.expected_key)}\n    offered {fingerprint(error.key)}",
                "somebody may be in between. Ask whoever runs the machine, by another way, whether it was reinstalled",
            )
        ) from error
    except paramiko.AuthenticationException as error:
        raise LoginRefused(
            Problem(
                f"{target.label}: `{login}` may not log in with {fingerprint(target.identity.key)}",
                f"is that key on the server for `{login}`, or for the first login `{server.first_login}`?",
            )
        ) from error
    except (paramiko.SSHException, OSError, EOFError) as error:
        raise Unreachable(Problem(f"{target.label}: {_why(error)}", _what_to_do(error))) from error
    transport = client.get_transport()
    if transport:
        transport.set_keepalive(15)
    return Connection(client, target.label, login)


def pinned_name(server: Server) -> str:
    """Return the server's name in a known_hosts file."""
    return server.address if server.port == 22 else f"[{server.address}]:{server.port}"


def offered_key(server: Server) -> paramiko.PKey:
    """Ask for the host key that a server offers; prefers ed25519, as a deploy leaves it alone there."""
    try:
        transport = paramiko.Transport(_socket(server.address, server.port))
        try:
            options = transport.get_security_options()
            ed25519 = "ssh-ed25519"
            options.key_types = (ed25519, *(kind for kind in options.key_types if kind != ed25519))
            transport.start_client(timeout=CONNECT_SECONDS)
            return transport.get_remote_server_key()
        finally:
            transport.close()
    except (paramiko.SSHException, OSError, EOFError) as error:
        raise Unreachable(Problem(f"{server.id}: {_why(error)}", _what_to_do(error))) from error


def fingerprint(key: paramiko.PKey) -> str:
    """Render a key as OpenSSH does: `ssh-ed25519 SHA256:...`."""
    return f"{key.get_name()} {key.fingerprint}"


def _socket(address: str, port: int) -> socket.socket:
    opened = socket.create_connection((address, port), timeout=CONNECT_SECONDS)
    # paramiko leaves Nagle on, which costs a round trip per command, and its keepalive never notices a dead peer.
    opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, DEAD_PEER_MILLISECONDS)
        for option, seconds in ((socket.TCP_KEEPIDLE, 10), (socket.TCP_KEEPINTVL, 5), (socket.TCP_KEEPCNT, 4)):
            opened.setsockopt(socket.IPPROTO_TCP, option, seconds)
    return opened


def _why(error: BaseException) -> str:
    if isinstance(error, TimeoutError):
        return f"no answer within {CONNECT_SECONDS} seconds"
    if isinstance(error, ConnectionRefusedError):
        return "the connection was refused"
    return f"no connection ({str(error) or type(error).__name__})"


def _what_to_do(error: BaseException) -> str:
    if "banner" in str(error) or isinstance(error, (EOFError, ConnectionResetError)):
        # OpenSSH's PerSourcePenalties drop every connection of an address after failed logins, for up to 10 minutes.
        return "the server may have banned this address for a while after failed logins: wait some minutes"
    return "is the machine on, is the address right, does its firewall let SSH in?"
