"""What roles tell each other: frozen facts, which touch nothing and ask nobody.

A *need* finds exactly one provider on its server, a role that lists the kind in its `PROVIDES`. An *item* is acted on
by the primitives. A *fact* is read by whoever is there.
"""

from __future__ import annotations

from coopinfra.roles.declarations.backups import BackupPath, Drawer, Dump, Kept, WorksOn
from coopinfra.roles.declarations.databases import (
    Cache,
    Database,
    Grant,
    MariadbDatabase,
    PostgresqlDatabase,
    Privilege,
)
from coopinfra.roles.declarations.kinds import Declaration, Fact, Item, Need
from coopinfra.roles.declarations.releases import Archive, Making, Release
from coopinfra.roles.declarations.secrets import Secret, SecretKind
from coopinfra.roles.declarations.system import Login, Packages, Port, Unit, User
from coopinfra.roles.declarations.web import Certificate, Link, Record, Vhost, Website

__all__ = [
    "Archive",
    "BackupPath",
    "Cache",
    "Certificate",
    "Database",
    "Declaration",
    "Drawer",
    "Dump",
    "Fact",
    "Grant",
    "Item",
    "Kept",
    "Link",
    "Login",
    "Making",
    "MariadbDatabase",
    "Need",
    "Packages",
    "Port",
    "PostgresqlDatabase",
    "Privilege",
    "Record",
    "Release",
    "Secret",
    "SecretKind",
    "Unit",
    "User",
    "Vhost",
    "Website",
    "WorksOn",
]
