"""The daemon's configuration, who gets in, the list of wanted databases, and the script that keeps them."""

from __future__ import annotations

from collections.abc import Iterator

from coopinfra.roles.contract import Directory, File, Part
from coopinfra.roles.declarations import PostgresqlDatabase
from coopinfra.roles.postgresql import CONFIGURATION, LISTS, LOGINS, SCRIPT, TIMER, UNIT, PostgresqlSettings
from coopinfra.roles.primitives.rendering import template

UNITS = "/etc/systemd/system"


def files(part: Part[PostgresqlSettings]) -> Iterator[File | Directory]:
    """Yield what is the same whoever deploys, then the organisation's own list."""
    yield Directory(LISTS)
    yield Directory(LOGINS.rpartition("/")[0])
    yield template(
        part, "coopinfra/postgresql.j2", to=SCRIPT, mode="0755", validate="sh -n {file}", lists=LISTS, unit=UNIT
    )
    yield template(part, "conf.d/coopinfra.conf.j2", to=CONFIGURATION, logins=LOGINS)
    yield template(part, "postgresql/pg_hba.conf.j2", to=LOGINS)
    yield template(part, f"{UNIT}.d/coopinfra.conf.j2", to=f"{UNITS}/{UNIT}.d/coopinfra.conf", script=SCRIPT)
    for name in ("coopinfra-postgresql.service", TIMER):
        yield template(part, f"system/{name}.j2", to=f"{UNITS}/{name}", script=SCRIPT, unit=UNIT)
    yield template(
        part,
        "postgresql.d/organisation.j2",
        to=f"{LISTS}/{part.organisation.id}",
        databases=part.all(PostgresqlDatabase),
    )
