"""`coopinfra backup drill` and `receipts`: whether backups come back, and what was written of it."""

from __future__ import annotations

from typing import Annotated

import typer

from coopinfra.cli.console import print_json, say, say_problems, show
from coopinfra.cli.failures import exit_with_worst
from coopinfra.cli.options import AsJson, Organisation

Server = Annotated[str, typer.Option(help="One server; by default all that have backups.")]


def drill(  # noqa: PLR0917 - typer hands each in by its name
    organisation: Organisation = "",
    server: Server = "",
    place: Annotated[
        str,
        typer.Option(help="From where, if there are several; a disk by its label, while it is plugged in."),
    ] = "",
    everybody: Annotated[bool, typer.Option("--all", help="Every organisation that has backups.")] = False,
    due: Annotated[
        bool, typer.Option("--due", help="Only servers whose last drill is too old, or red; of every organisation.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Build each server anew from its newest backup, in a throw-away box without a way out, and write a receipt.

    Needs root, as boxes do. Ends with 1 unless all came back as it was noted when the backup was made, and in the time
    that was promised; the others are drilled nevertheless.
    """
    from coopinfra.cli.backup_view import say_drill, say_drills
    from coopinfra.deploy.jobs.backup_status import everybody as all_with_backups
    from coopinfra.deploy.jobs.drill import drills
    from coopinfra.deploy.organisation.problems import CoopinfraError, InputError, Problem

    if (everybody and organisation) or not (everybody or due or organisation):
        raise InputError(Problem("it is not clear whom to drill", "name an organisation, `--all`, or `--due`"))
    done = []
    for result in drills((organisation,) if organisation else all_with_backups(), server, place, say, due=due):
        done.append(result)
        if isinstance(result, CoopinfraError):
            say_problems(result)
        else:
            say_drill(*result)
    drilled = [each for each in done if not isinstance(each, CoopinfraError)]
    if as_json:
        print_json([{**each.as_data(), "receipt": str(receipt.path)} for each, receipt in drilled])
    if not organisation or due:
        say_drills([each for each, _ in drilled], failed=len(done) - len(drilled))
    exit_with_worst(done, otherwise=0 if all(each.is_green for each, _ in drilled) else 1)


def receipts(organisation: Organisation, as_json: AsJson = False) -> None:
    """List the receipts of drills; ends with 1 if one is missing, was changed, or is signed by nobody of ours."""
    from coopinfra.deploy.jobs.drill_receipt import KIND, chain_problems, folder
    from coopinfra.deploy.planning.make import plan_of
    from coopinfra.deploy.receipts.chain import read_receipts

    plan = plan_of(organisation)
    found, wrong = read_receipts(folder(plan), KIND), chain_problems(plan)
    if as_json:
        print_json({"receipts": [dict(each.data) for each in found], "problems": [each.message for each in wrong]})
    else:
        for each in found:
            words = (each.data.get(name, "?") for name in ("began", "server", "result", "minutes"))
            show("  ".join((each.path.name, *map(str, words), "minutes")))
    for problem in wrong:
        say(f"RED: {problem.message}", style="bold red")
    raise typer.Exit(1 if wrong else 0)
