"""`coopinfra check`: what is true of the servers, and what is not."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from coopinfra.cli.console import harmless, print_json, say_problems
from coopinfra.cli.failures import exit_with_worst, failure_as_data
from coopinfra.cli.options import AsJson, Organisation

if TYPE_CHECKING:
    from coopinfra.deploy.jobs.check import Checked


def check(organisation: Organisation, as_json: AsJson = False) -> None:
    """Ask every server, and the world outside, whether all is as it should be.

    Ends with 1 when anything is red. With --json, one object for each server: `server` and `checks`, or for one that
    could not be asked `server`, `error` in a word, such as `unreachable`, and `problems` (each with `message`, `hint`).
    """
    from coopinfra.deploy.jobs.check import Checked
    from coopinfra.deploy.jobs.check import check as run
    from coopinfra.deploy.planning.make import plan_of

    plan = plan_of(organisation)
    results = run(plan)
    checked = [result for result in results if isinstance(result, Checked)]
    for result in results:
        if not isinstance(result, Checked):
            say_problems(result)
    if as_json:
        print_json(
            [
                {"server": result.server, "checks": [asdict(one) for one in result.outcomes]}
                if isinstance(result, Checked)
                else failure_as_data(server.server.id, result)
                for server, result in zip(plan.servers, results, strict=True)
            ]
        )
    else:
        for each in checked:
            _table(each)
    exit_with_worst(results, otherwise=1 if any(each.red for each in checked) else 0)


def _table(checked: Checked) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(
        title=f"{checked.server}: {len(checked.outcomes)} checks, {len(checked.red)} red", title_justify="left"
    )
    for column in ("", "role", "seen from", "what must be true"):
        table.add_column(column)
    for outcome in checked.outcomes:
        sentence = Text(outcome.sentence)
        if outcome.found is not None:
            sentence.append(f"\nfound: {harmless(outcome.found)}", style="red")
            if outcome.waits_for:
                sentence.append(f"\nwaits for {outcome.waits_for}", style="yellow")
        mark = Text("ok", style="green") if outcome.found is None else Text("RED", style="bold red")
        table.add_row(mark, outcome.role, outcome.where, sentence)
    console = Console(soft_wrap=False)
    console.print(table)
