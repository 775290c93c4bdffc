"""`coopinfra backup`: backups of an organisation's servers, and what they hold put back."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from coopinfra.cli.console import print_json, say, say_problems, show
from coopinfra.cli.failures import exit_with_worst

if TYPE_CHECKING:
    from collections.abc import Iterable

app = typer.Typer(no_args_is_help=True)

Organisation = Annotated[str, typer.Argument(help="The organisation's folder name under inventories.")]
Server = Annotated[str, typer.Option(help="One server; by default all that have backups.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]


@app.command("now")
def now(organisation: Organisation, server: Server = "", as_json: AsJson = False) -> None:
    """Make a backup at once, and wait until it has arrived everywhere."""
    from coopinfra.deploy.jobs.backup import now as make
    from coopinfra.deploy.planning.make import plan_of

    _tell(make(plan_of(organisation), server), as_json=as_json)


@app.command("list")
def list_(organisation: Organisation, server: Server = "", as_json: AsJson = False) -> None:
    """List the backups of each server at each place, the newest first."""
    from coopinfra.deploy.jobs.backup import snapshots
    from coopinfra.deploy.organisation.problems import CoopinfraError
    from coopinfra.deploy.planning.make import plan_of

    results = snapshots(plan_of(organisation), server)
    found = [each for result in results if not isinstance(result, CoopinfraError) for each in result]
    _problems(results)
    if as_json:
        print_json([asdict(each) for each in found])
    else:
        for each in found:
            when = f"{each.time:%Y-%m-%d %H:%M} UTC"
            show(f"{each.id[:8]}  {when}  {each.server}  at {each.place}  {each.files} files  {_size(each.bytes)}")
    exit_with_worst(results, otherwise=0)


@app.command("status")
def status(organisation: Organisation, as_json: AsJson = False) -> None:
    """Say how old the newest backup of each server is, as whoever keeps it says, and what the last drill found.

    Ends with 1 if one is too old.
    """
    from coopinfra.deploy.jobs.backup import State, states
    from coopinfra.deploy.jobs.drill_receipt import last_drill
    from coopinfra.deploy.planning.make import plan_of

    plan = plan_of(organisation)
    results = states(plan)
    found = [each for each in results if isinstance(each, State)]
    _problems(results)
    if as_json:
        print_json([{**asdict(each), "stale": each.is_stale} for each in found])
    else:
        for each in found:
            age = "never sent one" if each.age_hours is None else f"newest {_hours(each.age_hours)} ago"
            late = f"  STALE: more than {each.stale_hours} hours" if each.is_stale else ""
            show(f"{each.server}  at {each.place}  {age}  {each.number} kept  {_size(each.bytes)}{late}")
        for server in dict.fromkeys(each.server for each in found):
            show(f"{server}  last drill: {last_drill(plan, server)}")
    exit_with_worst(results, otherwise=1 if any(each.is_stale for each in found) else 0)


@app.command("verify")
def verify(
    organisation: Organisation,
    server: Server = "",
    whole: Annotated[bool, typer.Option("--whole", help="Read all of it at once.")] = False,
    as_json: AsJson = False,
) -> None:
    """Read a seventh of what is kept and compare every sum: another one each day, all of it within a week."""
    from coopinfra.deploy.jobs.backup import verify as read
    from coopinfra.deploy.planning.make import plan_of

    _tell(read(plan_of(organisation), server, whole=whole), as_json=as_json)


@app.command("restore")
def restore(  # noqa: PLR0917 - typer hands each in by its name
    organisation: Organisation,
    path: Annotated[str, typer.Option(help="One file or folder, by its path on the server.")] = "",
    database: Annotated[str, typer.Option(help="One database, as `db list` names it.")] = "",
    everything: Annotated[bool, typer.Option("--all", help="All that the backup holds.")] = False,
    at: Annotated[str, typer.Option(help="A backup's id, or a time: the newest one from before it.")] = "",
    into: Annotated[str, typer.Option(help="An empty folder on the server, in place of where it was.")] = "",
    server: Annotated[str, typer.Option(help="Which server, if there are several with backups.")] = "",
    place: Annotated[str, typer.Option(help="From where, if it is kept at several places.")] = "",
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before anything is overwritten.")] = False,
    as_json: AsJson = False,
) -> None:
    """Put back what a backup holds; says what that overwrites and asks, and keeps aside what was there.

    Ends with 1 where the server is not well afterwards.
    """
    from coopinfra.cli.deploy import agreed
    from coopinfra.deploy.jobs.backup_restore import Wish, prepare
    from coopinfra.deploy.jobs.backup_restore import restore as put_back
    from coopinfra.deploy.organisation.problems import InputError, Problem
    from coopinfra.deploy.planning.make import plan_of

    if everything == bool(path or database):
        raise InputError(Problem("it is not clear what to put back", "name `--path`, `--database`, or `--all`"))
    prepared = prepare(plan_of(organisation), Wish(path, database, into), at, server, place)
    snapshot = prepared.snapshot
    say(f"{snapshot.server}: the backup {snapshot.id[:8]} of {snapshot.time:%Y-%m-%d %H:%M} UTC, at {snapshot.place}")
    if prepared.overwrites:
        say("this is put in the place of what is there now, which is kept aside:")
        for line in prepared.overwrites:
            say(f"  {line}")
        if not yes and not agreed("Overwrite this?"):
            say("nothing was changed")
            raise typer.Exit(3)
    done = put_back(prepared)
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


@app.command("drill")
def drill(
    organisation: Organisation,
    server: Server = "",
    place: Annotated[str, typer.Option(help="From where, if it is kept at several places.")] = "",
    as_json: AsJson = False,
) -> None:
    """Build each server anew from its newest backup, in a throw-away box without a way out, and write a receipt.

    Needs root, as boxes do. Ends with 1 unless all came back as it was noted when the backup was made.
    """
    from coopinfra.deploy.jobs.drill import drill as run

    done = run(organisation, server, place, say)
    if as_json:
        print_json([{**drilled.as_data(), "receipt": str(receipt.path)} for drilled, receipt in done])
    for drilled, receipt in done:
        for each in drilled.false:
            say(f"RED: {each.sentence}: {each.found}", style="bold red")
        what = f"{len(drilled.findings)} things looked at, {len(drilled.false)} wrong"
        say(f"{drilled.server}: data {_hours(drilled.age_hours)} old, back after {drilled.minutes:.1f} minutes; {what}")
        say(f"  {receipt.path}")
    raise typer.Exit(0 if all(drilled.is_green for drilled, _ in done) else 1)


@app.command("receipts")
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
            words = (each.data.get(name, "?") for name in ("began", "server", "result"))
            show("  ".join((each.path.name, *map(str, words))))
    for problem in wrong:
        say(f"RED: {problem.message}", style="bold red")
    raise typer.Exit(1 if wrong else 0)


def _tell(results: Iterable[object], *, as_json: bool) -> None:
    from coopinfra.deploy.organisation.problems import CoopinfraError

    results = tuple(results)
    done = [each for each in results if not isinstance(each, CoopinfraError)]
    _problems(results)
    if as_json:
        print_json(done)
    else:
        for each in done:
            show(str(each))
    exit_with_worst(results, otherwise=0)


def _problems(results: Iterable[object]) -> None:
    from coopinfra.deploy.organisation.problems import CoopinfraError

    for each in results:
        if isinstance(each, CoopinfraError):
            say_problems(each)


def _size(amount: int) -> str:
    return f"{amount / 1e6:.1f} MB"


def _hours(age: float) -> str:
    return f"{age * 60:.0f} minutes" if age < 2 else f"{age:.0f} hours"
