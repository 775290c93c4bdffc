"""`coopinfra site`: releases and the way back."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from coopinfra.cli.console import print_json, say, show

app = typer.Typer(no_args_is_help=True)

Organisation = Annotated[str, typer.Argument(help="The organisation's folder name under inventories.")]


@app.command("releases")
def releases(
    organisation: Organisation,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """List the releases of every site that its server keeps, the newest first; the one served has a star."""
    from coopinfra.deploy.jobs.site import sites
    from coopinfra.deploy.planning.make import plan_of

    found = sites(plan_of(organisation))
    if as_json:
        print_json([asdict(site) for site in found])
        return
    for site in found:
        kept = " ".join(f"*{each}" if each == site.found.current else each for each in site.found.kept)
        show(f"{site.name} {site.server}:{site.path} {kept or '(nothing published yet)'}")


@app.command("rollback")
def rollback(
    organisation: Organisation,
    site: Annotated[str, typer.Argument(help="The site's short name in org.yml.")],
    to: Annotated[str, typer.Option(help="The release to serve; by default the one before.")] = "",
) -> None:
    """Serve an earlier release at once.

    The files in the inventory stay as they are: the next `deploy` publishes them again, so mend them first.
    """
    from coopinfra.deploy.jobs.site import roll_back
    from coopinfra.deploy.planning.make import plan_of

    before, now = roll_back(plan_of(organisation), site, to)
    say(f"{site}: serves {now} in place of {before}; the next deploy publishes what lies in the inventory")
