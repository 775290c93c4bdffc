"""`coopinfra dns`: print the DNS records that the plan wants, or check them."""

from __future__ import annotations

from typing import Annotated

import typer


def dns(
    org: Annotated[str, typer.Argument(help="The organisation: a folder of the inventories.")],
    check: Annotated[
        bool, typer.Option("--check", help="Ask the zone's own name servers whether the records are there.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print data for a program.")] = False,
) -> None:
    """Print the DNS records that the servers need, to be typed in where the domain is managed.

    With --check, ask every responsible name server directly, past all caches: 0 says that each record is there, 1 that
    one is missing or different, or that nobody answered.
    """
    import json as encoder

    from coopinfra.deploy.dns import report as show
    from coopinfra.deploy.dns.records import wanted_records
    from coopinfra.deploy.dns.zone import zone_text
    from coopinfra.deploy.organisation.load import load_named
    from coopinfra.deploy.planning.make import make_plan

    plan = make_plan(load_named(org))
    if not check:
        typer.echo(
            encoder.dumps(show.records_as_data(wanted_records(plan)), indent=2) if json else zone_text(plan), nl=json
        )
        return

    from coopinfra.deploy.dns.ask import system_asker
    from coopinfra.deploy.dns.check import check_records
    from coopinfra.deploy.organisation.problems import Disagreement, Problem

    found = check_records(plan, system_asker())
    if json:
        typer.echo(encoder.dumps(show.as_data(found), indent=2))
    else:
        _print_table(show.rows(found))
    for line in show.servers(found):
        typer.echo(line, err=True)
    if not found.agrees:
        bad = len(found.disagreements)
        raise Disagreement(
            Problem(
                f"{bad} of {len(found.findings)} answers about `{plan.organisation.domain}` are not as they should be",
                f"enter what `coopinfra dns {org}` prints where the domain is managed; remove what nobody asked for",
            )
        )


def _print_table(rows: list[tuple[str, str, str, str]]) -> None:
    colours = {"ok": "green", "missing": "red", "different": "red", "extra": "yellow", "unknown": "red"}
    widths = [max((len(row[column]) for row in rows), default=0) for column in range(3)]
    for name, type, status, details in rows:
        state = typer.style(f"{status:<{widths[2]}}", fg=colours[status])
        typer.echo(f"{name:<{widths[0]}}  {type:<{widths[1]}}  {state}  {details}")
