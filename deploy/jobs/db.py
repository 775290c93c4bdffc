"""The databases of an organisation as they are on its servers, also those that nobody declares any more."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import dataclass

from coopinfra.deploy.engine.connection import Connection, ServerError
from coopinfra.deploy.engine.reach import Target, connect, ssh_command
from coopinfra.deploy.jobs.fleet import on_each, targets
from coopinfra.deploy.organisation.problems import CoopinfraError, InputError, Problem
from coopinfra.deploy.planning.plan import Plan, ServerPlan
from coopinfra.roles.declarations import Database, MariadbDatabase, PostgresqlDatabase
from coopinfra.roles.registry import roles

_SCRIPTS: dict[str, str] = {kind.engine: kind.script for kind in (PostgresqlDatabase, MariadbDatabase)}


@dataclass(frozen=True)
class DatabaseFound:
    """A database on a server; one that is not declared is left over from an earlier org.yml."""

    name: str
    engine: str
    server: str
    owner: str
    bytes: int
    declared: bool


@dataclass(frozen=True)
class TableFound:
    """A table of a database; the engine only estimates its rows."""

    database: str
    engine: str
    server: str
    name: str
    bytes: int
    rows: int


def databases(plan: Plan) -> tuple[tuple[DatabaseFound, ...] | CoopinfraError, ...]:
    """Ask every server that has an engine for the organisation's databases."""
    return on_each(lambda pair: tuple(_list(*pair)), _with_engines(plan))


def tables(plan: Plan, name: str = "") -> tuple[tuple[TableFound, ...] | CoopinfraError, ...]:
    """Ask for the tables of every database, or of those called `name`, the largest of each first."""
    listed = databases(plan)
    if name:
        _called(name, listed)

    def one(
        answer: tuple[tuple[ServerPlan, Target], tuple[DatabaseFound, ...] | CoopinfraError],
    ) -> tuple[TableFound, ...]:
        (_, target), found = answer
        if isinstance(found, CoopinfraError):
            raise found
        with connect(target) as connection:
            return tuple(table for each in found if name in ("", each.name) for table in _tables(connection, each))

    return on_each(one, zip(_with_engines(plan), listed, strict=True))


def shell_command(plan: Plan, name: str, engine: str = "") -> tuple[str, ...]:
    """Return the command that opens the engine's own client on the server, as the database's owner."""
    by_server = {server.server.id: target for server, target in _with_engines(plan)}
    found = [each for each in _called(name, databases(plan)) if engine in ("", each.engine)]
    if len(found) != 1:
        wrong = f"there are {len(found)} databases `{name}`" if found else f"`{name}` is no database of `{engine}`"
        raise InputError(Problem(wrong, "name its --engine"))
    client = ("psql", "-X", name) if found[0].engine == "postgresql" else ("mariadb", "--no-defaults", name)
    # Who owns what is left over may be gone.
    user = found[0].owner if found[0].declared else {"postgresql": "postgres", "mariadb": "root"}[found[0].engine]
    inside = f"cd / && exec {shlex.join(('runuser', '-u', user, '--', *client))}"
    return ssh_command(by_server[found[0].server], shlex.join(("sudo", "-n", "sh", "-c", inside)))


def _called(name: str, listed: tuple[tuple[DatabaseFound, ...] | CoopinfraError, ...]) -> list[DatabaseFound]:
    """Return those of a name; raise what is wrong where there are none."""
    known = [each for result in listed if isinstance(result, tuple) for each in result]
    found = [each for each in known if each.name == name]
    if not found:
        for result in listed:
            if isinstance(result, CoopinfraError):
                raise result
        there = ", ".join(f"`{each.name}` ({each.engine} on {each.server})" for each in known) or "none"
        raise InputError(Problem(f"there is no database `{name}`", f"there are {there}"))
    return found


def _with_engines(plan: Plan) -> tuple[tuple[ServerPlan, Target], ...]:
    return tuple(pair for pair in zip(plan.servers, targets(plan), strict=True) if _engines(pair[0]))


def _engines(server: ServerPlan) -> tuple[type[Database], ...]:
    return tuple(kind for part in server.parts for kind in roles()[part.role].provides if issubclass(kind, Database))


def _list(server: ServerPlan, target: Target) -> Iterator[DatabaseFound]:
    with connect(target) as connection:
        for engine in _engines(server):
            for line in _run(connection, f"{engine.script} list"):
                name, owner, size, organisation, state = line.split()
                if organisation == server.organisation:
                    yield DatabaseFound(name, engine.engine, server.server.id, owner, int(size), state == "declared")


def _tables(connection: Connection, found: DatabaseFound) -> Iterator[TableFound]:
    for line in _run(connection, f"{_SCRIPTS[found.engine]} sizes {found.name}"):
        name, size, rows = line.rsplit(" ", 2)
        yield TableFound(found.name, found.engine, found.server, name, int(size), int(rows))


def _run(connection: Connection, command: str) -> list[str]:
    answer = connection.run(command)
    if answer.code:
        said = answer.err.strip() or "it said nothing"
        raise ServerError(Problem(f"{connection.label}: `{command}` failed: {said}", "does the engine run?"))
    return answer.out.splitlines()
