"""Databases and caches for system users of the server, and who may do what in them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar, Literal, TypeAlias

from coopinfra.roles.declarations.backups import Dump
from coopinfra.roles.declarations.kinds import Need

Privilege: TypeAlias = Literal["SELECT", "INSERT", "UPDATE", "DELETE"]

# Names without `_` and `%` need no escaping in MariaDB, where both stand for other letters in a grant.
DATABASE = re.compile(r"[a-z][a-z0-9-]{0,47}")
ACCOUNT = re.compile(r"[a-z][a-z0-9-]{0,30}")
TABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,62}")
EXTENSION = re.compile(r"[a-z][a-z0-9_-]*")
LOCALE = re.compile(r"C\.UTF-8|[a-z]{2,3}(-[A-Za-z0-9]+)*")
OWN_DATABASES = ("mysql", "postgres", "sys", "template0", "template1", "test")
OWN_ACCOUNTS = ("mariadb", "mysql", "nobody", "postgres", "public", "root")


@dataclass(frozen=True)
class Grant:
    """What one more system user may do in a database: with every table, also those to come, or with one.

    A grant on a table that is not there yet waits until it is: `Database.settle` grants what has come, and so does each
    deploy and a timer.
    """

    user: str
    privileges: tuple[Privilege, ...]
    table: str = ""
    columns: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what no engine could grant: our bug, never the operator's."""
        _check_user(self.user)
        for name in (self.table, *self.columns):
            if name and not TABLE.fullmatch(name):
                raise ValueError(f"{name!r} cannot be the name of a table or column")
        if not self.privileges or (self.columns and (not self.table or "DELETE" in self.privileges)):
            raise ValueError(f"a grant to {self.user!r} grants nothing, or columns of no table")


@dataclass(frozen=True)
class Database(Need):
    """A database for a system user of the server, who gets in over a socket as itself: no password exists.

    Ask for one of an engine, `PostgresqlDatabase` or `MariadbDatabase`; whoever reads all of them asks for this class.
    `readers` may read every table. Both names carry the organisation's.
    """

    name: str
    owner: str
    readers: tuple[str, ...] = ()
    grants: tuple[Grant, ...] = ()
    belongs_to: str = ""
    """The role, or its part such as `website/shop`, whose data it holds; left out: whoever declares it."""

    engine: ClassVar[Literal["postgresql", "mariadb"]]
    socket: ClassVar[str]
    script: ClassVar[str]
    """Where the engine's script lies on the server."""
    unit: ClassVar[str]
    """What runs the engine."""
    drop: ClassVar[str]
    """How its own programs throw away `{name}`, which no shell takes for anything else; ours may be gone by then."""

    def __post_init__(self) -> None:
        """Refuse names that would have to be quoted, or are the engine's own."""
        if not DATABASE.fullmatch(self.name) or self.name in OWN_DATABASES:
            raise ValueError(f"{self.name!r} cannot be the name of a database")
        _check_user(self.owner)
        for user in self.users:
            _check_user(user)

    @property
    def claims(self) -> tuple[str, ...]:
        """One database has one owner."""
        return (f"{self.engine} database {self.name}",)

    @property
    def rights(self) -> tuple[Grant, ...]:
        """What others than the owner may do."""
        return (*(Grant(reader, ("SELECT",)) for reader in self.readers), *self.grants)

    @property
    def users(self) -> tuple[str, ...]:
        """The others who may get in."""
        return tuple(dict.fromkeys((*self.readers, *(grant.user for grant in self.grants))))

    @property
    def settle(self) -> str:
        """The command that grants what waited for its table; for whoever has just made tables."""
        return f"{self.script} settle {self.name}"

    @property
    def dump(self) -> Dump:
        """How it is copied and put back; the engines' scripts take the same words."""
        verbs = ("dump", "restore", "count", "empty")
        dump, restore, count, empty = (f"{self.script} {verb} {self.name}" for verb in verbs)
        name, file, counts = f"{self.engine}-{self.name}", f"{self.name}.dump", f"{self.name}.counts"
        return Dump(name, dump, restore, count, empty, file, counts, self.belongs_to)

    @property
    def removal(self) -> str:
        """The command for root that throws it away, for good; also where nobody has left the engine running."""
        # Our part of how it is started has gone with whoever was last.
        starts = (
            f"{{ systemctl daemon-reload && systemctl start {self.unit} && trap 'systemctl stop {self.unit}' EXIT; }}"
        )
        return f"systemctl is-active --quiet {self.unit} || {starts} && {self.drop.format(name=self.name)}"


@dataclass(frozen=True)
class PostgresqlDatabase(Database):
    """A database of PostgreSQL (`postgresql`); `locale` is its own C.UTF-8 or a language of ICU, such as `es`."""

    extensions: tuple[str, ...] = ()
    locale: str = "C.UTF-8"

    engine = "postgresql"
    socket = "/run/postgresql"
    script = "/usr/local/lib/coopinfra/postgresql"
    unit = "postgresql@17-main.service"
    drop = "cd / && runuser -u postgres -- dropdb --if-exists --force {name}"

    def __post_init__(self) -> None:
        """Refuse also what is no extension or locale."""
        super().__post_init__()
        for extension in self.extensions:
            if not EXTENSION.fullmatch(extension):
                raise ValueError(f"{extension!r} cannot be the name of an extension")
        if not LOCALE.fullmatch(self.locale):
            raise ValueError(f"{self.locale!r} is not a locale")


@dataclass(frozen=True)
class MariadbDatabase(Database):
    """A database of MariaDB (`mariadb`), in utf8mb4."""

    engine = "mariadb"
    socket = "/run/mysqld/mysqld.sock"
    script = "/usr/local/lib/coopinfra/mariadb"
    unit = "mariadb.service"
    drop = "mariadb -e 'DROP DATABASE IF EXISTS `{name}`'"


@dataclass(frozen=True)
class Cache(Need):
    """A cache for one system user of the server (`valkey`): nobody else reaches it, and its content is never missed."""

    name: str
    user: str
    megabytes: int = 64

    def __post_init__(self) -> None:
        """Refuse what could not be in the name of a unit."""
        if not DATABASE.fullmatch(self.name):
            raise ValueError(f"{self.name!r} cannot be the name of a cache")
        _check_user(self.user)

    @property
    def claims(self) -> tuple[str, ...]:
        """One cache has one user."""
        return (f"cache {self.name}",)

    @property
    def unit(self) -> str:
        """What runs it, for whoever starts after it."""
        return f"valkey@{self.name}.service"

    @property
    def socket(self) -> str:
        """Where it is reached."""
        return f"/run/valkey-{self.name}/socket"


def _check_user(name: str) -> None:
    if not ACCOUNT.fullmatch(name) or name in OWN_ACCOUNTS:
        raise ValueError(f"{name!r} cannot be the user of a database")
