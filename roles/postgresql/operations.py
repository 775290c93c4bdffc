"""Databases and rights that are declared and not there: made before anybody needs them, by the server's own script."""

from __future__ import annotations

from collections.abc import Generator

from pyinfra import host
from pyinfra.api import StringCommand, operation

from coopinfra.roles.contract import Part
from coopinfra.roles.postgresql import SCRIPT, PostgresqlSettings
from coopinfra.roles.primitives.asking import ScriptAnswers


@operation()
def settle(organisation: str) -> Generator[StringCommand, None, None]:
    """Start the daemon if it does not answer, and make what an organisation lacks; nothing is ever dropped."""
    if not host.get_fact(ScriptAnswers, script=SCRIPT, question=f"due {organisation}"):
        host.noop("every database is there, and so is every right")
        return
    yield StringCommand(SCRIPT, "settle", organisation)


def configure(part: Part[PostgresqlSettings]) -> None:
    """Have every database before a site's release or a program asks for it."""
    settle(name="Make databases of PostgreSQL and their users", organisation=part.organisation.id)


def activate(part: Part[PostgresqlSettings]) -> None:
    """Grant what had to wait for a table that was made since."""
    settle(name="Grant rights on tables of PostgreSQL that have come", organisation=part.organisation.id)
