"""The daemon's configuration, the list of wanted databases, and the script that keeps them."""

from __future__ import annotations

from collections.abc import Iterator

from coopinfra.roles.contract import Directory, File, Part
from coopinfra.roles.declarations import MariadbDatabase
from coopinfra.roles.mariadb import CONFIGURATION, LISTS, SCRIPT, TIMER, UNIT, MariadbSettings
from coopinfra.roles.primitives.rendering import template

UNITS = "/etc/systemd/system"


def files(part: Part[MariadbSettings]) -> Iterator[File | Directory]:
    """Yield what is the same whoever deploys, then the organisation's own list."""
    yield Directory(LISTS)
    yield template(
        part, "coopinfra/mariadb.j2", to=SCRIPT, mode="0755", validate="sh -n {file}", lists=LISTS, unit=UNIT
    )
    yield template(part, "mariadb.conf.d/90-coopinfra.cnf.j2", to=CONFIGURATION)
    yield template(part, f"{UNIT}.d/coopinfra.conf.j2", to=f"{UNITS}/{UNIT}.d/coopinfra.conf", script=SCRIPT)
    for name in ("coopinfra-mariadb.service", TIMER):
        yield template(part, f"system/{name}.j2", to=f"{UNITS}/{name}", script=SCRIPT, unit=UNIT)
    yield template(
        part, "mariadb.d/organisation.j2", to=f"{LISTS}/{part.organisation.id}", databases=part.all(MariadbDatabase)
    )
