"""`coopinfra db`: an organisation's databases, as they are on its servers."""

from __future__ import annotations

import os
from dataclasses import asdict
from typing import Annotated

import typer

from coopinfra.cli.console import print_json, say_problems, show
from coopinfra.cli.failures import exit_with_worst
from coopinfra.cli.options import AsJson, Organisation

app = typer.Typer(no_args_is_help=True)


@app.command("list")
def list_(organisation: Organisation, as_json: AsJson = False) -> None:
    """List every database with its owner and size, also those that are left over from an earlier org.yml.

    What is left over is never dropped by a deploy; the runbook says how a person drops it.
    """
    from coopinfra.deploy.jobs.db import databases
    from coopinfra.deploy.organisation.problems import CoopinfraError
    from coopinfra.deploy.planning.make import plan_of

    results = databases(plan_of(organisation))
    found = [each for result in results if not isinstance(result, CoopinfraError) for each in result]
    for result in results:
        if isinstance(result, CoopinfraError):
            say_problems(result)
    if as_json:
        print_json([asdict(each) for each in found])
    else:
        for each in found:
            left = "" if each.declared else "  left over: nobody declares it any more"
            show(f"{each.server}  {each.engine}  {each.name}  {each.owner}  {_size(each.bytes)}{left}")
    exit_with_worst(results, otherwise=0)


@app.command("size")
def size(
    organisation: Organisation,
    name: Annotated[str, typer.Argument(help="One database; by default all of them.")] = "",
    as_json: AsJson = False,
) -> None:
    """List the tables of each database, the largest first, with the engine's estimate of their rows."""
    from coopinfra.deploy.jobs.db import tables
    from coopinfra.deploy.organisation.problems import CoopinfraError
    from coopinfra.deploy.planning.make import plan_of

    results = tables(plan_of(organisation), name)
    found = [each for result in results if not isinstance(result, CoopinfraError) for each in result]
    for result in results:
        if isinstance(result, CoopinfraError):
            say_problems(result)
    if as_json:
        print_json([asdict(each) for each in found])
    else:
        for each in found:
            show(f"{each.database} ({each.engine})  {each.name}  {_size(each.bytes)}  about {each.rows} rows")
    exit_with_worst(results, otherwise=0)


@app.command("shell")
def shell(
    organisation: Organisation,
    name: Annotated[str, typer.Argument(help="The database, as `db list` names it.")],
    engine: Annotated[str, typer.Option(help="`postgresql` or `mariadb`, where both have one of that name.")] = "",
) -> None:
    """Open psql or mariadb on the server, as the database's owner; takes SQL on standard input as well."""
    from coopinfra.deploy.jobs.db import shell_command
    from coopinfra.deploy.planning.make import plan_of

    argv = shell_command(plan_of(organisation), name, engine)
    os.execvp(argv[0], argv)  # noqa: S606 - the terminal is handed over


def _size(amount: int) -> str:
    return f"{amount / 1e6:.1f} MB"
