"""How a server is reached: a pinned host key, one key of ours, and a socket that notices a dead peer."""

from __future__ import annotations

import socket
import time
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
from coopinfra.roles.facts import Server

DEAD_PEER_MILLISECONDS = 30_000
LONGEST_GREETING = 255
"""Bytes, by RFC 4253. paramiko would read a line that never ends for as long as there is memory."""
PENALTY = "Not allowed at this time"
"""What sshd says in place of a greeting to an address with too many failed logins (PerSourcePenalties)."""


class NoGreeting(ConnectionError):
    """Something answers, and does not greet as an SSH server does."""


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
    client = paramiko.SSHClient()
    try:
        _log_in(client, target, login)
    except BaseException:
        # What was refused stays open otherwise, and the server counts it among those who are about to log in.
        client.close()
        raise
    transport = client.get_transport()
    if transport:
        transport.set_keepalive(15)
    return Connection(client, target.label, login)


def _log_in(client: paramiko.SSHClient, target: Target, login: str) -> None:
    server = target.server
    client.set_missing_host_key_policy(paramiko.RejectPolicy())
    if target.known_hosts.is_file():
        client.load_host_keys(str(target.known_hosts))
    name = server.pinned_name
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


def ssh_command(target: Target, command: str) -> tuple[str, ...]:
    """Return the system's own ssh, for a person at a terminal: the same pinned host key, the same one key of ours."""
    return ("ssh", "-t", *_ssh_words(target, command))


def ssh_for_programs(target: Target, command: str) -> tuple[str, ...]:
    """Return the same for a program that speaks over it: without a terminal, and it never asks anybody."""
    return ("ssh", "-T", "-o", "BatchMode=yes", *_ssh_words(target, command))


def _ssh_words(target: Target, command: str) -> tuple[str, ...]:
    key = ("-i", target.identity.file, "-o", "IdentitiesOnly=yes") if target.identity.file else ()
    login = f"{target.identity.operator.login}@{target.server.address}"
    return (*ssh_options(target), *key, login, command)


def ssh_options(target: Target) -> tuple[str, ...]:
    """Return what the system's own ssh has to be told of a server: its port, its pinned host key, and nothing else."""
    options = {
        "StrictHostKeyChecking": "yes",
        "UserKnownHostsFile": str(target.known_hosts),
        "GlobalKnownHostsFile": "none",
        "LogLevel": "ERROR",
    }
    words = (word for name, value in options.items() for word in ("-o", f"{name}={value}"))
    return ("-F", "none", "-p", str(target.server.port), *words)


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
    try:
        _wait_for_greeting(opened)
    except OSError:
        opened.close()
        raise
    return opened


def _wait_for_greeting(opened: socket.socket) -> None:
    """Look at the first line and leave it there for paramiko; raise NoGreeting when it is not that of SSH."""
    deadline = time.monotonic() + CONNECT_SECONDS
    while first := opened.recv(LONGEST_GREETING, socket.MSG_PEEK):
        if b"\n" in first or len(first) == LONGEST_GREETING or time.monotonic() > deadline:
            break
        time.sleep(0.05)
    if not (first.startswith(b"SSH-") and b"\n" in first):
        raise NoGreeting(first.decode(errors="replace").strip())


def _why(error: BaseException) -> str:
    if isinstance(error, TimeoutError):
        return f"no answer within {CONNECT_SECONDS} seconds"
    if isinstance(error, ConnectionRefusedError):
        return "the connection was refused"
    if isinstance(error, NoGreeting) and str(error).startswith(PENALTY):
        return f"after failed logins the server refuses this address for a while; it says `{PENALTY}`"
    if isinstance(error, NoGreeting):
        return f"what answers there is no SSH server; it says `{error}`" if str(error) else "it hung up at once"
    return f"no connection ({str(error) or type(error).__name__})"


def _what_to_do(error: BaseException) -> str:
    if isinstance(error, NoGreeting) and str(error).startswith(PENALTY):
        # Its defaults: 5 seconds for each failed login, from 15 seconds on, up to 10 minutes.
        return "wait: 15 to 30 seconds after a few of them, 10 minutes after many; each one more makes it longer"
    if isinstance(error, (EOFError, ConnectionResetError)) or (isinstance(error, NoGreeting) and not str(error)):
        return "it may have banned this address for a while, or be busy: wait some minutes, 10 at most, and try again"
    if isinstance(error, ConnectionRefusedError):
        return "is the machine on, does SSH run there? If it answered before, it may have banned us: wait 10 minutes"
    return "is the machine on, is the address right, does its firewall let SSH in?"
