"""`coopinfra validate`: is what stands in the files right, as far as it can be told without any server."""

from __future__ import annotations

from typing import Annotated

import typer

from coopinfra.cli.console import print_json, say
from coopinfra.cli.options import AsJson


def validate(
    organisations: Annotated[
        list[str] | None, typer.Argument(help="Organisations' folder names under inventories; all, if left out.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Check org.yml and collective.yml: every problem at once, each with its line and what to write instead.

    Nothing is touched and nobody is asked. Ends with 0 when all is right, else with 2.
    """
    from coopinfra.deploy.jobs.validate import validate as validate_all

    for one in validate_all(organisations or ()):
        say(f"ok: {one.name} ({_count(one.servers, 'server')}, {_count(one.roles, 'role')})")
    if as_json:
        print_json({"problems": []})


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
