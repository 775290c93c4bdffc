"""No change may lock us out: the server reverts by itself unless a new connection proves that it can still be made.

The step `way_back` arms the unit `coopinfra-revert` on the server before anything changes that decides about access
(sshd, the firewall, keys, sudo, accounts); its timer fires when nobody confirms in time, and so does the next boot.
`confirm` disarms it over a connection of its own, made after the change, by the account that operators use from then
on.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from coopinfra.deploy.engine.connection import Connection, LoginRefused, ServerError, Unreachable
from coopinfra.deploy.engine.reach import Target, connect, connect_as
from coopinfra.deploy.organisation.problems import CoopinfraError, Problem
from coopinfra.roles.primitives.access import ENABLED_BY, UNIT, UNIT_FILE
from coopinfra.roles.primitives.changes import STATE

WAIT_SECONDS = 120
ATTEMPTS = 3


class Reverted(ServerError):
    """A change would have locked us out, and the server took it back."""

    kind = "reverted"


def confirm(target: Target) -> None:
    """Disarm the revert over a new connection; raise Reverted when there is nothing left to disarm."""
    fresh = anew(lambda: connect_as(target, target.identity.operator.login))
    try:
        answer = fresh.run(
            f"systemctl stop {UNIT}.timer && ! systemctl is-active --quiet {UNIT}.service && test -e {UNIT_FILE} && "
            # Not by `systemctl disable`: it reloads systemd, which takes a small server half a second, or else lets
            # every unit say that it needs that. Nothing starts this one any more.
            f"rm -f {ENABLED_BY} && rm {UNIT_FILE}"
        )
    finally:
        fresh.close()
    if answer.code:
        why = answer.err.strip() or "the server has taken the change back already"
        raise Reverted(Problem(f"a new connection works, but: {why}", "run `deploy` again"))


def after_access(
    target: Target, connection: Connection, cause: CoopinfraError, *, shut_out: bool, seconds: float
) -> CoopinfraError:
    """Return what to report of a change of access that failed: that failure, or that the server took the change back.

    shut_out: a new connection was tried, and did not succeed
    seconds: until the server takes the change back
    """
    if not shut_out:
        if not _is_armed(connection) or _taken_back(connection):
            return cause
        if isinstance(cause, Unreachable) and not _is_refused(target):
            return Unreachable(*cause.problems, _by_itself(target, seconds))
    return _wait_for_revert(target, connection, cause, seconds=seconds)


def _by_itself(target: Target, seconds: float) -> Problem:
    message = (
        f"{target.label}: the server takes the change of access back in {seconds:.0f} seconds, as nobody confirmed it"
    )
    return Problem(message, "the next `deploy` does so at once, and makes it anew")


def _is_armed(connection: Connection) -> bool:
    """Tell whether the server will take a change back; if it no longer obeys us, that is why."""
    try:
        # Ends with 0 whether it is armed or not, unless we cannot become root any more.
        answer = connection.run(f"ls {UNIT_FILE} 2>/dev/null; true")
    except Unreachable:
        return True
    return bool(answer.code or answer.out)


def settle(connection: Connection) -> bool:
    """Revert at once what nobody confirmed; return whether there was anything."""
    said = connection.run(
        f"[ ! -e {UNIT_FILE} ] || {{ systemctl start {UNIT}.service && systemctl stop {UNIT}.timer; echo reverted; }}"
    )
    return "reverted" in said.out


def _taken_back(connection: Connection) -> bool:
    """Take a change of access back at once where a step of it failed, if the connection still obeys."""
    try:
        return settle(connection)
    except CoopinfraError:
        return False


def _is_refused(target: Target) -> bool:
    """Tell whether the server turns us away, which a line that merely broke does not."""
    try:
        connect(target).close()
    except LoginRefused:
        return True
    except Unreachable:
        # Whoever sees nothing of the server need not wait for it: it takes the change back without us.
        return False
    return False


def _wait_for_revert(target: Target, connection: Connection, cause: CoopinfraError, *, seconds: float) -> Reverted:
    """Wait until the server has taken the change back; return the error that says so.

    Asks over the connection that is open still, and makes new ones only when that broke, and seldom: refused ones count
    towards a ban.
    """
    deadline = time.monotonic() + seconds + 60
    opened: Connection | None = connection
    while time.monotonic() < deadline:
        try:
            opened = opened or connect(target)
            reverted = opened.run(f"test -e {STATE}/{target.organisation}/reverted").code == 0
        except CoopinfraError:
            opened = None
            time.sleep(5)
            continue
        if reverted:
            if opened is not connection:
                opened.close()
            message = f"{target.label}: after the change we could not get in anew, so the server REVERTED it"
            why = cause.problems[0].message
            return Reverted(Problem(f"{message}\n    {why}", "mend the cause, then run `deploy` again"))
        time.sleep(1)
    message = f"{target.label}: we cannot get in, and saw no revert either"
    return Reverted(Problem(message, "use the provider's console"))


def anew(connecting: Callable[[], Connection]) -> Connection:
    """Connect right after access was changed: sshd may be reading its new files at this very moment."""
    for attempt in range(ATTEMPTS):
        try:
            return connecting()
        except LoginRefused:
            # Trying again would only bring a ban.
            raise
        except Unreachable:
            if attempt + 1 == ATTEMPTS:
                raise
            time.sleep(1)
    raise AssertionError("unreachable")
