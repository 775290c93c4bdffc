"""Databases and rights that are declared and not there: made before anybody needs them, by the server's own script."""

from __future__ import annotations

from collections.abc import Generator, Iterable

from pyinfra import host
from pyinfra.api import FactBase, StringCommand, operation

from coopinfra.roles.contract import Part
from coopinfra.roles.mariadb import SCRIPT, MariadbSettings


class Due(FactBase[tuple[str, ...]]):
    """What has to be done for the server to have what its lists name: one statement a line."""

    def command(self, organisation: str) -> str:
        """Return the shell command; before the first deploy there is no script, and nothing to say."""
        return f"[ ! -x {SCRIPT} ] || {SCRIPT} due {organisation}"

    def process(self, output: Iterable[str]) -> tuple[str, ...]:
        """Keep the lines."""
        return tuple(output)

    @staticmethod
    def default() -> tuple[str, ...]:
        """On a server that has nothing to say."""
        return ()


@operation()
def settle(organisation: str) -> Generator[StringCommand, None, None]:
    """Start the daemon if it does not answer, and make what an organisation lacks; nothing is ever dropped."""
    if not host.get_fact(Due, organisation=organisation):
        host.noop("every database is there, and so is every right")
        return
    yield StringCommand(SCRIPT, "settle", organisation)


def configure(part: Part[MariadbSettings]) -> None:
    """Have every database before a site's release or a program asks for it."""
    settle(name="Make databases of MariaDB and their users", organisation=part.organisation.id)


def activate(part: Part[MariadbSettings]) -> None:
    """Grant what had to wait for a table that was made since."""
    settle(name="Grant rights on tables of MariaDB that have come", organisation=part.organisation.id)
