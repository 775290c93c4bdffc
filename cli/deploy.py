"""`coopinfra deploy`: bring servers to their plan."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from coopinfra.cli.console import forget_stdout, print_line, say, say_problems
from coopinfra.cli.failures import exit_with_worst
from coopinfra.cli.options import Organisation
from coopinfra.cli.plan import preview_lines
from coopinfra.cli.progress import progress
from coopinfra.cli.signals import ends_after_the_step
from coopinfra.cli.summary import summary
from coopinfra.deploy.organisation.problems import CoopinfraError, InputError, Problem

if TYPE_CHECKING:
    from coopinfra.deploy.engine.events import Event
    from coopinfra.deploy.jobs.results import Result


def deploy(  # noqa: PLR0917 - typer hands each in by its name
    organisation: Organisation,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before changing anything.")] = False,
    wait: Annotated[str, typer.Option(help="How long to wait for somebody else's deploy, as in 90s or 10m.")] = "0s",
    revert_after: Annotated[
        str,
        typer.Option(help="When the server takes back a change that locked us out.", envvar="COOPINFRA_REVERT_AFTER"),
    ] = "120s",
    one_reader: Annotated[
        bool,
        typer.Option(
            "--one-reader",
            help="I know that one person alone can read the secrets.",
            envvar="COOPINFRA_ONE_READER",
        ),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print what happens as JSON, an event a line.")] = False,
) -> None:
    """Bring an organisation's servers to what its org.yml says.

    Shows what would change and asks. Can be run again at any time: a second run says that there is nothing to change,
    and one that was interrupted is finished by the next. Ctrl-C stops after the running step, a second one at once.
    """
    bring(organisation, wait, revert_after, yes=yes, one_reader=one_reader, as_json=as_json)


def bring(
    organisation: str,
    wait: str,
    revert_after: str = "120s",
    *,
    yes: bool,
    as_json: bool,
    one_reader: bool = False,
    only: str = "",
) -> None:
    """Bring servers to their plan, or publish the one site that `only` names; exit with the worst result."""
    from coopinfra.deploy.engine.events import to_all
    from coopinfra.deploy.engine.stop import Stop
    from coopinfra.deploy.jobs.deploy import Prepared, Waits, apply, decline, prepare
    from coopinfra.deploy.jobs.runs import begin_run
    from coopinfra.deploy.jobs.secrets_ready import make_ready, origin_of, places, refuse_unsigned

    waits, stop = Waits(lock=seconds("--wait", wait), revert=seconds("--revert-after", revert_after)), Stop()
    planned = make_ready(organisation, one_reader=one_reader)
    for line in places(planned.made, organisation):
        say(line)
    with begin_run(planned.plan) as run:
        record = to_all(run.log, _print_event) if as_json else run.log
        with progress(live=not as_json) as view:
            prepared = prepare(planned.plan, to_all(view, record), planned.reveal, origin_of(planned.org), only)
        ready = tuple(each for each in prepared if isinstance(each, Prepared))
        failed = tuple(each for each in prepared if isinstance(each, CoopinfraError))
        refuse_unsigned(planned.org, ready)
        for error in failed:
            say_problems(error)
        for each in ready:
            if each.pending or each.preview.drift:
                say("\n".join(preview_lines(each.preview, diffs=False)))
        if not yes and any(each.pending for each in ready) and not agreed():
            decline(ready, record)
            say("nothing was changed")
            raise typer.Exit(3)
        with progress(live=not as_json) as view:
            report = to_all(view, record)
            with ends_after_the_step(stop, report):
                applied = apply(ready, report, waits, holder=run.holder, stop=stop)
    for result in applied:
        if isinstance(result, CoopinfraError):
            say_problems(result)
        else:
            say("\n".join(summary_of(result)))
    for each in ready:
        if others := each.preview.others:
            wait_for = "another change waits" if others == 1 else f"{others} other changes wait"
            say(f"{each.plan.server.id}: {wait_for} for `coopinfra deploy {organisation}`")
    exit_with_worst((*failed, *applied))


def _print_event(event: Event) -> None:
    try:
        print_line(event.as_data())
    except BrokenPipeError:
        forget_stdout()


def seconds(option: str, text: str) -> int:
    """Read a duration such as `90s`, `10m` or `120` as seconds; raise InputError otherwise."""
    number, unit = (text[:-1], text[-1]) if text[-1:] in ("s", "m") else (text, "s")
    if not number.isdigit():
        raise InputError(Problem(f"`{option} {text}` is no duration", "write 90s or 10m"))
    return int(number) * (60 if unit == "m" else 1)


def agreed(question: str = "Change this?") -> bool:
    """Ask whoever is at the terminal; nobody there means no."""
    if not sys.stdin.isatty():
        say("error: nobody is there to say yes\n  hint: run it with `--yes`", style="bold red")
        return False
    try:
        return typer.confirm(question, err=True)
    except typer.Abort:
        return False


def summary_of(result: Result) -> list[str]:
    """Say what became of a server."""
    lines = [f"{result.server}: finished what was interrupted: {each}" for each in result.interrupted]
    if result.reverted_first:
        lines.append(f"{result.server}: took back a change of access that nobody had confirmed, and made it anew")
    if result.changed:
        steps = "" if result.changes else f": {'; '.join(result.changed)}"
        lines += [f"{result.server}: changed in {result.seconds:.0f} s{steps}", *summary(result.changes)]
    else:
        lines.append(f"{result.server}: nothing to change")
    for outcome in result.waiting:
        lines += [f"{result.server}: waits for {outcome.waits_for}", f"    {outcome.sentence}: {outcome.found}"]
    return lines
