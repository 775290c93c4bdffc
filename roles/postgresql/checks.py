"""What is true of a healthy PostgreSQL: its users get in, nobody else does, and the data is what was written."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from coopinfra.roles.contract import Check, Part
from coopinfra.roles.declarations import PostgresqlDatabase
from coopinfra.roles.postgresql import SCRIPT, PostgresqlSettings
from coopinfra.roles.primitives.checking import prints, succeeds

CHECKSUMS = "SELECT current_setting('data_checksums'), coalesce(sum(checksum_failures), 0) FROM pg_stat_database"


def checks(part: Part[PostgresqlSettings]) -> Iterator[Check]:
    """Yield what holds for each database, then what holds for the server as a whole."""
    server, organisation = part.server.id, part.organisation.id
    for database in part.all(PostgresqlDatabase):
        name, owner = database.name, database.owner
        yield prints(
            f"{owner} gets into its database {name}",
            _as(owner, name, "SELECT current_user"),
            _is(owner),
            proves=(database.dump.name,),
        )
        yield succeeds(f"a stranger does not get into the database {name}", f"{SCRIPT} refuses {name}")
    yield prints(
        f"PostgreSQL of {server} has what is declared and gives no more", f"{SCRIPT} due {organisation}", _nothing
    )
    yield prints(
        f"PostgreSQL of {server} would see data that a disk has changed, and has seen none",
        f'{SCRIPT} ask postgres "{CHECKSUMS}"',
        lambda said: None if said.split() == ["on", "0"] else f"checksums and failures: {said.strip()}",
    )
    yield prints(
        f"PostgreSQL of {server} listens to no network",
        "ss -Hltnp",
        lambda said: _nothing("\n".join(line for line in said.splitlines() if '"postgres"' in line)),
    )


def _as(user: str, database: str, statement: str) -> str:
    return f"runuser -u {user} -- psql -X -A -t -q -d {database} -c '{statement}'"


def _is(wanted: str) -> Callable[[str], str | None]:
    return lambda said: None if said.strip() == wanted else f"it is `{said.strip()}`"


def _nothing(said: str) -> str | None:
    return "; ".join(said.splitlines())[:300] or None
