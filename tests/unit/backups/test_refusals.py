"""Who refuses what restic sends is given up soon, and a network that is away is waited for; by the script itself."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[3] / "roles/backups/templates/coopinfra/backups.j2"
FULL = "unexpected HTTP response (507): 507 Insufficient Storage"
AWAY = 'Post "https://vault1.example:8000/": dial tcp 203.0.113.20:8000: connect: network is unreachable'


def send(tmp_path: Path, refusals: list[tuple[str, str]]) -> tuple[int, str]:
    """Send by a restic that says why it tries again, and then is done; return how that ended, and what it said."""
    lines = "".join(f"Save(<{name}>) returned error, retrying after 1.2s: {why}\n" for name, why in refusals)
    program = tmp_path / "restic"
    program.write_text(f"#!/bin/sh\ncat >&2 <<'X'\n{lines}X\nexec sleep 1\n")
    program.chmod(0o755)
    functions = (
        "# What restic was told" + SCRIPT.read_text().partition("# What restic was told")[2].partition("clear()")[0]
    )
    words = f"PATH={tmp_path}:$PATH; told={tmp_path}/told; know() {{ :; }}\n{functions}\nsend_to vault1 backup"
    done = subprocess.run(["sh", "-uc", words], capture_output=True, text=True, check=False, timeout=30)
    return done.returncode, (tmp_path / "told").read_text()


@pytest.mark.parametrize("answer", [FULL, FULL.replace("507 Insufficient Storage", "500 Internal Server Error")])
def test_who_refuses_the_same_file_four_times_is_named_with_the_answer(tmp_path: Path, answer: str) -> None:
    code, said = send(tmp_path, [("lock/9ffb0a4572", answer)] * 4)

    assert code == 1
    assert said.startswith(f"vault1 refuses what is sent ({answer.partition(': ')[2]}): is its disk full")


@pytest.mark.parametrize(
    "refusals",
    [
        [("data/0123456789", AWAY)] * 9,
        [("lock/9ffb0a4572", FULL)] * 3,
        [(f"data/{number:010}", FULL) for number in range(9)],
    ],
)
def test_a_network_that_is_away_and_answers_that_pass_are_waited_for(
    tmp_path: Path, refusals: list[tuple[str, str]]
) -> None:
    code, said = send(tmp_path, refusals)

    assert code == 0
    assert "refuses" not in said
