"""No change may lock us out: the server reverts by itself unless a new connection proves that it can still be made.

The bundle arms the timer `coopinfra-revert` on the server before it replaces what decides about access (sshd, the
firewall, keys, sudo). `confirm` disarms it over a connection of its own, made after the change, by the account that
operators use from then on.
"""

from __future__ import annotations

import time

from coopinfra.deploy.engine.connection import (
    Connection,
    LoginRefused,
    ServerError,
    Target,
    Unreachable,
    connect,
    connect_as,
)
from coopinfra.deploy.organisation.problems import CoopinfraError, Problem
from coopinfra.roles.primitives.changes import STATE

WAIT_SECONDS = 120
TIMER = "coopinfra-revert.timer"
ATTEMPTS = 3


class Reverted(ServerError):
    """A change would have locked us out, and the server took it back."""

    kind = "reverted"


def confirm(target: Target) -> None:
    """Disarm the revert over a new connection; raise Reverted when there is nothing left to disarm."""
    fresh = _fresh(target)
    try:
        answer = fresh.run(f"systemctl is-active --quiet {TIMER} && systemctl stop {TIMER}")
    finally:
        fresh.close()
    if answer.code:
        raise Reverted(Problem(f"{target.label}: the server reverted before we could confirm", "run `deploy` again"))


def settle(connection: Connection) -> bool:
    """Revert at once what an interrupted run left unconfirmed; return whether there was anything."""
    return connection.run(f"systemctl is-active --quiet {TIMER}").code == 0 and (
        connection.run(f"systemctl start coopinfra-revert.service; systemctl stop {TIMER}").code == 0
    )


def wait_for_revert(target: Target, cause: CoopinfraError, *, seconds: float) -> Reverted:
    """Wait until the server has taken the change back and answers again; return the error that says so."""
    marker = f"{STATE}/{target.organisation}/reverted"
    deadline = time.monotonic() + seconds + 60
    while time.monotonic() < deadline:
        try:
            connection = connect(target)
        except CoopinfraError:
            time.sleep(1)
            continue
        try:
            if connection.run(f"test -e {marker}").code == 0:
                return Reverted(
                    Problem(
                        f"{target.label}: no new connection could be made after the change, so the server REVERTED it"
                        f"\n    {cause.problems[0].message}",
                        "mend the cause, then run `deploy` again",
                    )
                )
        finally:
            connection.close()
        time.sleep(1)
    return Reverted(
        Problem(
            f"{target.label}: no new connection could be made, and no revert was seen", "use the provider's console"
        )
    )


def _fresh(target: Target) -> Connection:
    for attempt in range(ATTEMPTS):
        try:
            return connect_as(target, target.identity.operator.login)
        except LoginRefused:
            # Trying again would only bring a ban.
            raise
        except Unreachable:
            if attempt + 1 == ATTEMPTS:
                raise
            time.sleep(1)
    raise AssertionError("unreachable")
