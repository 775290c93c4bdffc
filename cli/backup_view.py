"""How backups and drills are told to people: what is as promised, and what is not, also without colour."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coopinfra.cli.console import harmless, say
from coopinfra.deploy.backups.findings import spoken

if TYPE_CHECKING:
    from collections.abc import Sequence

    from coopinfra.deploy.backups.findings import Drill
    from coopinfra.deploy.jobs.backup_status import Standing
    from coopinfra.deploy.receipts.chain import Receipt


def show_standing(standing: Standing) -> None:
    """Print how the backups of a server stand, green and red where stdout is a terminal that wants colour."""
    from rich.console import Console
    from rich.text import Text

    size = f"{standing.number} kept, {standing.bytes / 1e6:.1f} MB"
    lines = [Text(f"{standing.organisation}/{standing.server} at {standing.place}: {size}")]
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
