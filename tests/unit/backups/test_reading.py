"""When all of what is kept was last read: by the seventh that was read the longest ago."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from coopinfra.roles.declarations import Kept

DAY = 86400
NOW = 1_000 * DAY


@pytest.mark.parametrize(
    ("first", "whole", "age", "wrong"),
    [
        (NOW - DAY, 0, None, ""),
        (NOW - 9 * DAY, 0, None, "all of it was never read"),
        (NOW - 90 * DAY, NOW - 7 * DAY, 7 * 24, ""),
        (NOW - 90 * DAY, NOW - 9 * DAY, 9 * 24, "all of it was last read 9 days ago"),
        (0, 0, None, ""),
    ],
)
def test_all_has_to_be_read_within_days_also_at_first(first: int, whole: int, age: float | None, wrong: str) -> None:
    said = f"other 5 5\nvault1 {first} {whole}\n"

    assert Kept.unread(said, "vault1", NOW) == (age, wrong)


def test_each_day_reads_the_seventh_that_waited_longest_and_a_missed_day_leaves_none_out(tmp_path: Path) -> None:
    """The script's own lines, with a stand-in for restic that notes what it was asked to read."""
    script = Path(__file__).parents[3] / "roles/backups/templates/coopinfra/backups.j2"
    functions = script.read_text().partition("# When each seventh")[2].partition("verify_all()")[0]
    program = (
        f'home={tmp_path}; clock=100; send_to() {{ echo "$*" >>{tmp_path}/asked; }}; date() {{ echo $clock; }}\n#'
        f"{functions}\n"
        "for clock in 101 102 103 104 105 106; do verify vault1; done; sevenths vault1 | head -n 1;"
        "clock=107; verify vault1; sevenths vault1 | head -n 1;"
        "clock=120; verify vault1; clock=121; verify vault1; sevenths vault1 | head -n 1;"
        "clock=130; verify vault1 whole; sevenths vault1 | head -n 1"
    )

    ran = subprocess.run(["sh", "-euc", program], capture_output=True, text=True, check=True)

    asked = [line.rpartition("=")[2] for line in (tmp_path / "asked").read_text().splitlines() if "subset" in line]
    assert asked == [f"{part}/7" for part in (1, 2, 3, 4, 5, 6, 7, 1, 2)] + ["1/1"]
    assert ran.stdout.split("\n")[:-1] == ["0 7", "101 1", "103 3", "130 1"], "time and seventh of what waits longest"
