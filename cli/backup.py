"""`coopinfra backup`: backups of an organisation's servers, and what they hold put back."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from coopinfra.cli.backup_view import say_all_problems, show_standing, size, tell
from coopinfra.cli.console import print_json, say, show
from coopinfra.cli.drill import Server, drill, receipts
from coopinfra.cli.failures import exit_with_worst
from coopinfra.cli.options import AsJson, Organisation

app = typer.Typer(no_args_is_help=True)


@app.command("now")
def now(organisation: Organisation, server: Server = "", as_json: AsJson = False) -> None:
    """Make a backup at once, and wait until it has arrived everywhere."""
    from coopinfra.deploy.jobs.backup import now as make
    from coopinfra.deploy.planning.make import plan_of

    tell(make(plan_of(organisation), server), as_json=as_json)


@app.command("list")
def list_(organisation: Organisation, server: Server = "", as_json: AsJson = False) -> None:
    """List the backups of each server at each place, the newest first."""
    from coopinfra.deploy.jobs.backup import snapshots
    from coopinfra.deploy.organisation.problems import CoopinfraError
    from coopinfra.deploy.planning.make import plan_of

    results = snapshots(plan_of(organisation), server)
    found = [each for result in results if not isinstance(result, CoopinfraError) for each in result]
    say_all_problems(results)
    if as_json:
        print_json([asdict(each) for each in found])
    else:
        for each in found:
            when = f"{each.time:%Y-%m-%d %H:%M} UTC"
            show(f"{each.id[:8]}  {when}  {each.server}  at {each.place}  {each.files} files  {size(each.bytes)}")
    exit_with_worst(results, otherwise=0)


@app.command("status")
def status(
    organisation: Annotated[str, typer.Argument(help="One organisation; by default all that have backups.")] = "",
    as_json: AsJson = False,
) -> None:
    """Say how old each server's newest backup is, as whoever keeps it says, and when all was last read and drilled.

    Red is what is older than was promised; ends with 1 if anything is.
    """
    from coopinfra.deploy.jobs.backup_status import Standing, everybody, standings

    results = standings((organisation,) if organisation else everybody(also_without=True))
    found = [each for each in results if isinstance(each, Standing)]
    say_all_problems(results)
    if not results:
        say("there are neither backups nor data that would need them")
    if as_json:
        print_json([{**asdict(each), "broken": each.is_broken} for each in found])
    else:
        for each in found:
            show_standing(each)
    exit_with_worst(results, otherwise=1 if any(each.is_broken for each in found) else 0)


@app.command("verify")
def verify(
    organisation: Organisation,
    server: Server = "",
    whole: Annotated[bool, typer.Option("--whole", help="Read all of it at once.")] = False,
    as_json: AsJson = False,
) -> None:
    """Read the seventh of what is kept that was read the longest ago, as a timer does each day; compare every sum."""
    from coopinfra.deploy.jobs.backup import verify as read
    from coopinfra.deploy.planning.make import plan_of

    tell(read(plan_of(organisation), server, whole=whole), as_json=as_json)


@app.command("restore")
def restore(  # noqa: PLR0917 - typer hands each in by its name
    organisation: Organisation,
    path: Annotated[str, typer.Option(help="One file or folder, by its path on the server.")] = "",
    database: Annotated[str, typer.Option(help="One database, as `db list` names it.")] = "",
    site: Annotated[str, typer.Option(help="One website: its files and its database.")] = "",
    service: Annotated[str, typer.Option(help="All of one role, such as `website`.")] = "",
    everything: Annotated[bool, typer.Option("--all", help="All that the backup holds.")] = False,
    at: Annotated[str, typer.Option(help="A backup's id, or a time: the newest one from before it.")] = "",
    into: Annotated[str, typer.Option(help="An empty folder on the server, in place of where it was.")] = "",
    server: Annotated[str, typer.Option(help="Whose backup, if several servers have some.")] = "",
    to: Annotated[str, typer.Option(help="Another server of the organisation, in place of the one it is of.")] = "",
    place: Annotated[str, typer.Option(help="From where, also a disk while it is plugged in.")] = "",
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before anything is overwritten.")] = False,
    as_json: AsJson = False,
) -> None:
    """Put back what a backup holds; says what that overwrites and asks, and keeps aside what was there.

    Ends with 1 where the server is not well afterwards.
    """
    from coopinfra.cli.deploy import agreed
    from coopinfra.deploy.backups.contents import Wish
    from coopinfra.deploy.jobs import backup_restore, backup_through
    from coopinfra.deploy.jobs.backup_disk import is_on_a_disk
    from coopinfra.deploy.jobs.secrets import keep
    from coopinfra.deploy.organisation.problems import InputError, Problem

    wish = Wish(path, database, site, service, into)
    if everything != wish.is_all:
        hint = "name `--path`, `--database`, `--site`, `--service`, or `--all`"
        raise InputError(Problem("it is not clear what to put back", hint))
    kept = keep(organisation)
    through_here = bool(to) or is_on_a_disk(kept.plan, server, place)
    if through_here and into:
        hint = "leave out `--into`, or else `--to` and the disk in a drawer, which this machine hands on"
        raise InputError(Problem("a folder is offered only where the server itself reads its backups", hint))
    move = backup_through.prepare(kept, wish, to, at, server, place) if through_here else None
    prepared = move.prepared if move else backup_restore.prepare(kept.plan, wish, at, server, place)
    snapshot = prepared.snapshot
    say(f"{snapshot.server}: the backup {snapshot.id[:8]} of {snapshot.time:%Y-%m-%d %H:%M} UTC, at {snapshot.place}")
    if prepared.overwrites:
        where = prepared.copies.server.server.id
        say(f"this is put in the place of what is there now on {where}, which is kept aside:")
        for line in prepared.overwrites:
            say(f"  {line}")
        say("what works on it, such as a site, does not run meanwhile")
        if not yes and not agreed("Overwrite this?"):
            say("nothing was changed")
            raise typer.Exit(3)
    done = backup_through.restore(move) if move else backup_restore.restore(prepared)
    if as_json:
        print_json({"backup": asdict(snapshot), "done": done.lines, "red": [asdict(each) for each in done.red]})
    else:
        for line in done.lines:
            show(line)
    for each in done.red:
        say(f"RED: {each.sentence}: {each.found}", style="bold red")
    raise typer.Exit(1 if done.red else 0)


@app.command("prune")
def prune(
    organisation: Organisation,
    key: Annotated[Path, typer.Option(help="The private SSH key that may remove backups; none that you log in with.")],
    server: Annotated[str, typer.Option(help="Which server, if there are several with backups.")] = "",
    place: Annotated[str, typer.Option(help="Where, if it is kept at several places.")] = "",
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before anything is removed.")] = False,
) -> None:
    """Remove old backups of one server where they are kept, after showing which, if nothing is wrong with any.

    Ends with 1 and every reason where something is.
    """
    from coopinfra.cli.deploy import agreed
    from coopinfra.deploy.jobs.backup_prune import prepare
    from coopinfra.deploy.jobs.backup_prune import prune as remove

    prepared = prepare(organisation, key, server, place)
    goes, stays = prepared.pruning.goes, prepared.pruning.stays
    for each in goes:
        show(f"{each.id[:8]}  {each.time:%Y-%m-%d %H:%M} UTC  {each.server}  at {each.place}")
    say(f"{len(goes)} backups go, {len(stays)} stay")
    if not goes:
        return
    if not yes and not agreed("Remove them for ever?"):
        say("nothing was removed")
        raise typer.Exit(3)
    remove(prepared)
    say(f"removed {len(goes)} backups")


app.command("drill")(drill)
app.command("receipts")(receipts)
