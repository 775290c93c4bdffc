"""`coopinfra deploy`: bring servers to their plan."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from coopinfra.cli.console import print_json, say, say_problems
from coopinfra.cli.failures import exit_with_worst
from coopinfra.cli.plan import preview_lines
from coopinfra.deploy.organisation.problems import CoopinfraError, InputError, Problem

if TYPE_CHECKING:
    from coopinfra.deploy.jobs.deploy import Prepared, Result


def deploy(
    organisation: Annotated[str, typer.Argument(help="The organisation's folder name under inventories.")],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before changing anything.")] = False,
    wait: Annotated[str, typer.Option(help="How long to wait for somebody else's deploy, as in 90s or 10m.")] = "0s",
    revert_after: Annotated[
        str,
        typer.Option(help="When the server takes back a change that locked us out.", envvar="COOPINFRA_REVERT_AFTER"),
    ] = "120s",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document at the end.")] = False,
) -> None:
    """Bring an organisation's servers to what its org.yml says.

    Shows what would change and asks. Can be run again at any time: a second run says that there is nothing to change,
    and one that was interrupted is finished by the next.
    """
    from coopinfra.deploy.jobs.deploy import Prepared, Waits, apply, prepare
    from coopinfra.deploy.planning.make import plan_of

    waits = Waits(lock=seconds("--wait", wait), revert=seconds("--revert-after", revert_after))
    prepared = prepare(plan_of(organisation), _report)
    ready = tuple(each for each in prepared if isinstance(each, Prepared))
    failed = tuple(each for each in prepared if isinstance(each, CoopinfraError))
    for error in failed:
        say_problems(error)
    for each in ready:
        if each.pending or each.preview.drift:
            say("\n".join(preview_lines(each.preview, diffs=False)))
    if not yes and any(each.pending for each in ready):
        _ask(ready)
    results = (*failed, *apply(ready, _report, waits))
    for result in results:
        if not isinstance(result, CoopinfraError):
            say("\n".join(_summary(result)))
        elif result not in failed:
            say_problems(result)
    if as_json:
        print_json([_as_data(result) for result in results])
    exit_with_worst(results)


def _report(server: str, what: str) -> None:
    say(f"{server}: {what}", style="dim")


def seconds(option: str, text: str) -> int:
    """Read a duration such as `90s`, `10m` or `120` as seconds; raise InputError otherwise."""
    number, unit = (text[:-1], text[-1]) if text[-1:] in ("s", "m") else (text, "s")
    if not number.isdigit():
        raise InputError(Problem(f"`{option} {text}` is no duration", "write 90s or 10m"))
    return int(number) * (60 if unit == "m" else 1)


def _ask(ready: tuple[Prepared, ...]) -> None:
    if not sys.stdin.isatty():
        say("error: nobody is there to say yes\n  hint: run it with `--yes`", style="bold red")
        answer = False
    else:
        answer = typer.confirm("Change this?", err=True)
    if not answer:
        for each in ready:
            each.connection.close()
        say("nothing was changed")
        raise typer.Exit(3)


def _summary(result: Result) -> list[str]:
    lines = [f"{result.server}: finished what was interrupted: {each}" for each in result.interrupted]
    if result.reverted_first:
        lines.append(f"{result.server}: took back a change of access that nobody had confirmed, and made it anew")
    if result.changed:
        lines.append(f"{result.server}: changed in {result.seconds:.0f} s: {'; '.join(result.changed)}")
    else:
        lines.append(f"{result.server}: nothing to change")
    for outcome in result.waiting:
        lines += [f"{result.server}: waits for {outcome.waits_for}", f"    {outcome.sentence}: {outcome.found}"]
    return lines


def _as_data(result: Result | CoopinfraError) -> dict[str, object]:
    if isinstance(result, CoopinfraError):
        return {"result": result.kind, "problems": [problem.message for problem in result.problems]}
    return {
        "result": "changed" if result.changed else "unchanged",
        "server": result.server,
        "changed": list(result.changed),
        "interrupted": [str(each) for each in result.interrupted],
        "waiting": [{"for": each.waits_for, "sentence": each.sentence, "found": each.found} for each in result.waiting],
        "seconds": round(result.seconds, 1),
    }
