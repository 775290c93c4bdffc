"""What is true of a healthy MariaDB: its users get in, nobody else does, and it is there for this machine alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from coopinfra.roles.contract import Check, Part
from coopinfra.roles.declarations import MariadbDatabase
from coopinfra.roles.mariadb import SCRIPT, MariadbSettings
from coopinfra.roles.primitives.checking import prints, succeeds


def checks(part: Part[MariadbSettings]) -> Iterator[Check]:
    """Yield what holds for each database, then what holds for the server as a whole."""
    server, organisation = part.server.id, part.organisation.id
    for database in part.all(MariadbDatabase):
        name, owner = database.name, database.owner
        yield prints(
            f"{owner} gets into its MariaDB database {name}",
            f"runuser -u {owner} -- mariadb --no-defaults -N -e 'SELECT current_user()' {name}",
            _is(f"{owner}@localhost"),
            proves=(database.dump.name,),
        )
        yield succeeds(f"a stranger does not get into the MariaDB database {name}", f"{SCRIPT} refuses {name}")
    yield prints(
        f"MariaDB of {server} has what is declared and gives no more", f"{SCRIPT} due {organisation}", _nothing
    )
    yield prints(
        f"MariaDB of {server} listens to no network",
        "ss -Hltnp",
        lambda said: _nothing("\n".join(line for line in said.splitlines() if '"mariadbd"' in line)),
    )


def _is(wanted: str) -> Callable[[str], str | None]:
    return lambda said: None if said.strip() == wanted else f"it is `{said.strip()}`"


def _nothing(said: str) -> str | None:
    return "; ".join(said.splitlines())[:300] or None
