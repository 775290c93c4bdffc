"""MariaDB: a database for everybody who declares one, reached over a socket by the system user that owns it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from coopinfra.roles.contract import Part
from coopinfra.roles.declarations import Declaration, MariadbDatabase, Need, Packages, Unit, User
from coopinfra.roles.settings import OF_MACHINE, Field, Settings, WholeNumber
from coopinfra.roles.types import BySlug, Slug

LISTS = "/etc/coopinfra/mariadb.d"
SCRIPT = MariadbDatabase.script
CONFIGURATION = "/etc/mysql/mariadb.conf.d/90-coopinfra.cnf"
UNIT = MariadbDatabase.unit
TIMER = "coopinfra-mariadb.timer"


class OwnDatabase(Settings):
    """A database for something that the organisation runs by hand."""

    owner: Slug | None = Field(
        default=None,
        description="The account on the server that it belongs to. Left out: one is made, called as the database is.",
        examples=["ada"],
    )
    readers: tuple[Slug, ...] = Field(
        default=(), description="Accounts on the server that may read all of it.", examples=[["ada"]]
    )


class MariadbSettings(Settings):
    """What a client chooses about MariaDB."""

    databases: BySlug[OwnDatabase] = Field(
        default={},
        validate_default=True,
        description=(
            "Databases beside those that other roles ask for, by a short name; on the server it comes after the "
            "organisation's."
        ),
    )
    memory_percent: Annotated[WholeNumber, OF_MACHINE] = Field(
        default=12, ge=1, le=50, description="How much of the server's memory is kept for data that is read often."
    )


SETTINGS = MariadbSettings
PROVIDES: tuple[type[Need], ...] = (MariadbDatabase,)


def declare(part: Part[MariadbSettings]) -> Iterator[Declaration]:
    """State the package, the daemon, the organisation's own databases, and how each one is dumped."""
    yield Packages(("mariadb-server",))
    for short, wanted in part.settings.databases.items():
        name = f"{part.organisation.id}-{short}"
        if not wanted.owner:
            yield User(name, full_name=f"Database {short}")
        yield MariadbDatabase(name, wanted.owner or name, wanted.readers)
    yield Unit(UNIT, reads=(CONFIGURATION,), answers=f"{SCRIPT} ask 'SELECT 1'")
    yield Unit(TIMER, reads=(f"/etc/systemd/system/{TIMER}",))
    for database in part.all(MariadbDatabase):
        yield database.dump
