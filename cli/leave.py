"""`coopinfra leave`: an organisation leaves a machine that it shares."""

from __future__ import annotations

from typing import Annotated

import typer

from coopinfra.cli.console import say
from coopinfra.cli.options import Organisation


def leave(
    organisation: Organisation,
    server: Annotated[str, typer.Argument(help="Its server in org.yml; may be left out where there is one.")] = "",
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before changing anything.")] = False,
    with_data: Annotated[
        bool, typer.Option("--with-data", help="Remove databases and what people have uploaded, too, for good.")
    ] = False,
) -> None:
    """Leave a machine that belongs to others: files, programs, accounts and sites of this organisation are removed.

    Shows what goes and what stays, and asks. What the others have is not touched, and their sites go on answering. Data
    stay where they are unless `--with-data` is given; take a backup first.
    """
    from coopinfra.cli.console import say_problems
    from coopinfra.cli.deploy import agreed, summary_of
    from coopinfra.cli.plan import preview_lines
    from coopinfra.cli.progress import progress
    from coopinfra.deploy.jobs.deploy import Prepared, apply, decline, prepare
    from coopinfra.deploy.jobs.leave import end, find_leaving
    from coopinfra.deploy.organisation.problems import CoopinfraError
    from coopinfra.deploy.planning.make import plan_of

    leaving = find_leaving(plan_of(organisation), server)
    with progress() as view:
        (prepared,) = prepare(leaving.plan, view)
    if not isinstance(prepared, Prepared):
        raise prepared
    say("\n".join(preview_lines(prepared.preview, diffs=False)))
    for each in leaving.data:
        say(f"  {'GOES FOR GOOD' if with_data else 'stays'}: {each.what}")
    if not yes and not agreed():
        decline((prepared,), lambda _event: None)
        say("nothing was changed")
        raise typer.Exit(3)
    with progress() as view:
        (result,) = apply((prepared,), view)
    if isinstance(result, CoopinfraError):
        say_problems(result)
        raise typer.Exit(result.exit_code)
    end(leaving, with_data=with_data)
    say("\n".join(summary_of(result)))
    owner, machine = leaving.tenancy.owner, leaving.tenancy.machine
    say(f"nothing of `{organisation}` runs on {owner}/{machine} any more")
    say(f"now take `{organisation}` out of `tenants` in {owner}/org.yml, and the server out of {organisation}/org.yml")
