"""`coopinfra dns`: print the DNS records that the plan wants, or check them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated

import typer

from coopinfra.cli.console import harmless, print_json, say
from coopinfra.cli.options import AsJson, Organisation

if TYPE_CHECKING:
    from coopinfra.deploy.planning.plan import Plan


def dns(
    organisation: Organisation,
    check: Annotated[
        bool, typer.Option("--check", help="Ask the zone's own name servers whether the records are there.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Print the DNS records that the servers need, to be entered where the domain is managed.

    With --check, ask every responsible name server directly, past all caches. That ends with 1 when a record is missing
    or different, or when nobody answered.
    """
    from coopinfra.deploy.dns import report as show
    from coopinfra.deploy.dns.records import wanted_records
    from coopinfra.deploy.dns.zone import zone_text
    from coopinfra.deploy.planning.make import plan_of

    plan = plan_of(organisation)
    if check:
        _check(plan, as_json)
    elif as_json:
        print_json(show.records_as_data(wanted_records(plan)))
    else:
        print(zone_text(plan), end="")


def _check(plan: Plan, as_json: bool) -> None:
    from coopinfra.deploy.dns import report as show
    from coopinfra.deploy.dns.ask import system_asker
    from coopinfra.deploy.dns.check import check_records
    from coopinfra.deploy.organisation.problems import Disagreement, Problem

    found = check_records(plan, system_asker())
    if as_json:
        print_json(show.as_data(found))
        raise typer.Exit(0 if found.agrees else 1)
    _print_table(show.rows(found))
    for line in show.servers(found):
        say(line)
    if not found.agrees:
        name, domain, wrong = plan.organisation.id, plan.organisation.domain, len(found.disagreements)
        raise Disagreement(
            Problem(
                f"{wrong} of {len(found.findings)} answers about `{domain}` are not what was declared",
                f"enter what `coopinfra dns {name}` prints where the domain is managed; remove what nobody asked for",
            )
        )


def _print_table(rows: list[tuple[str, str, str, str]]) -> None:
    colours = {"ok": "green", "missing": "red", "different": "red", "extra": "yellow", "unknown": "red"}
    plain = False if os.environ.get("NO_COLOR") else None
    widths = [max((len(row[column]) for row in rows), default=0) for column in range(3)]
    for name, type, status, details in rows:
        state = typer.style(f"{status:<{widths[2]}}", fg=colours[status])
        typer.echo(f"{name:<{widths[0]}}  {type:<{widths[1]}}  {state}  {harmless(details)}", color=plain)
