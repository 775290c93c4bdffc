"""How backups and drills are told to people: what is as promised, and what is not, also without colour."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coopinfra.cli.console import harmless, print_json, say, say_problems, show
from coopinfra.cli.failures import exit_with_worst
from coopinfra.deploy.backups.findings import spoken
from coopinfra.deploy.organisation.problems import CoopinfraError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from coopinfra.deploy.backups.findings import Drill
    from coopinfra.deploy.jobs.backup_status import Standing
    from coopinfra.deploy.receipts.chain import Receipt


def show_standing(standing: Standing) -> None:
    """Print how the backups of a server stand, green and red where stdout is a terminal that wants colour."""
    from rich.console import Console
    from rich.text import Text

    kept = f"{standing.number} kept, {size(standing.bytes)}"
    lines = [Text(f"{standing.organisation}/{standing.server} at {standing.place}: {kept}")]
    for each in standing.promised:
        mark = Text("  RED ", style="bold red") if each.wrong else Text("  ok  ", style="green")
        lines.append(mark.append(harmless(str(each)), style="red" if each.wrong else ""))
    console = Console(highlight=False, soft_wrap=True)
    for line in lines:
        console.print(line)


def say_drill(drill: Drill, receipt: Receipt) -> None:
    """Say what came of one drill, first what is wrong."""
    for each in drill.false:
        say(f"RED: {each.sentence}: {each.found}", style="bold red")
    looked = f"{len(drill.findings)} things looked at, {len(drill.false)} wrong"
    took = f"data {spoken(drill.age_hours)} old, back after {drill.minutes:.1f} minutes"
    say(f"{drill.server}: {took}; {looked}")
    say(f"  {receipt.path}")


def say_drills(drills: Sequence[Drill], *, failed: int) -> None:
    """Say in a line what came of several drills."""
    if not drills and not failed:
        say("nothing was due")
        return
    red = [f"{each.organisation}/{each.server}" for each in drills if not each.is_green]
    told = f"{len(drills)} servers drilled, {len(red)} red" + (f": {', '.join(red)}" if red else "")
    say(f"{told}; {failed} could not be drilled" if failed else told, style="bold red" if red or failed else "")


def tell(results: Iterable[object], *, as_json: bool) -> None:
    """Print what was done, a line each, and end with the worst of what failed."""
    results = tuple(results)
    done = [each for each in results if not isinstance(each, CoopinfraError)]
    say_all_problems(results)
    if as_json:
        print_json(done)
    else:
        for each in done:
            show(str(each))
    exit_with_worst(results, otherwise=0)


def say_all_problems(results: Iterable[object]) -> None:
    """Print the problems of all that failed."""
    for each in results:
        if isinstance(each, CoopinfraError):
            say_problems(each)


def size(amount: int) -> str:
    """Say how large something is."""
    return f"{amount / 1e6:.1f} MB"
