"""The main job where nothing but git and python3 was there before: `./coopinfra test fresh`, minutes per machine."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

RUN = Path(__file__).parent / "run"
STORY = """
set -eu
if command -v pip; then echo "this machine is not fresh"; exit 99; fi
./coopinfra demo
date +%s >"$HOME/first"
./coopinfra demo | tee "$HOME/second"
echo "the second demo took $(( $(date +%s) - $(cat "$HOME/first") )) seconds"
./coopinfra lab run demo -- ./coopinfra check highbeam
./coopinfra lab down demo
if ./coopinfra lab list | grep -w demo; then echo "the lab is still there"; exit 98; fi
"""


def run(*arguments: str) -> int:
    """Run in a fresh machine, with its output as it comes."""
    return subprocess.run([RUN, *arguments], check=False).returncode


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("machine", [("13",), ("--sudo", "12")], ids=" ".join)
def test_the_demo_runs_twice_and_leaves_nothing(machine: tuple[str, ...]) -> None:
    assert run(*machine, "sh", "-c", STORY) == 0


def test_the_machine_sees_nothing_of_this_one_and_its_failures_count() -> None:
    assert run("13", "sh", "-c", f"[ ! -e {RUN} ] && [ ! -e .venv ] && [ $$ -lt 99 ] && exit 42") == 42
