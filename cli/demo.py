"""`coopinfra demo`: the main job on a lab of this machine, from nothing."""

from __future__ import annotations

from typing import Annotated

import typer

from coopinfra.cli.console import say

NAME = "demo"
ORGANISATION = "highbeam"


def demo(
    organisation: Annotated[str, typer.Argument(help="Whose org.yml to deploy.")] = ORGANISATION,
) -> None:
    """Build a small internet on this machine, deploy the sample organisation into it and check it from outside.

    The lab stays up until `coopinfra lab down demo`. Needs Linux and root (asked for through sudo).
    """
    from coopinfra.cli.root import become_root
    from coopinfra.deploy.jobs.demo import run_demo

    become_root()
    code = run_demo(NAME, organisation, report=lambda line: say(line, style="bold"))
    raise typer.Exit(code)
