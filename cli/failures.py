"""Exit codes over several servers: the worst one counts, and no result hides another."""

from __future__ import annotations

from collections.abc import Iterable

import typer

from coopinfra.deploy.organisation.problems import CoopinfraError


def exit_with_worst(results: Iterable[object], otherwise: int = 0) -> None:
    """Exit with the highest code among the errors in `results`, or with `otherwise`."""
    codes = [result.exit_code for result in results if isinstance(result, CoopinfraError)]
    raise typer.Exit(max([otherwise, *codes]))
