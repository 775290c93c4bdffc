"""Exit codes over several servers: the worst one counts, and no result hides another."""

from __future__ import annotations

from collections.abc import Iterable

import typer

from coopinfra.cli.console import problems_as_data
from coopinfra.deploy.organisation.problems import CoopinfraError


def failure_as_data(server: str, error: CoopinfraError) -> dict[str, object]:
    """Turn a server's failure into what `--json` prints in the place of its result."""
    return {"server": server, "error": error.kind, "problems": problems_as_data(error.problems)}


def exit_with_worst(results: Iterable[object], otherwise: int = 0) -> None:
    """Exit with the highest code among the errors in `results`, or with `otherwise`."""
    codes = [result.exit_code for result in results if isinstance(result, CoopinfraError)]
    raise typer.Exit(max([otherwise, *codes]))
