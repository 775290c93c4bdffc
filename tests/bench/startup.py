"""Times the commands that people wait for, side by side in one run: `.venv/bin/python tests/bench/startup.py [RUNS]`.

Prints, and asserts nothing: a machine that is busy is not a bug. The goal is 0.4 s on a machine that is not.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
COMMANDS = {
    "python, doing nothing": [sys.executable, "-c", "pass"],
    "python, importing pydantic and typer": [sys.executable, "-c", "import pydantic, typer"],
    "coopinfra --version": [str(ROOT / "coopinfra"), "--version"],
    "coopinfra validate highbeam": [str(ROOT / "coopinfra"), "validate", "highbeam"],
    "coopinfra plan highbeam --offline": [str(ROOT / "coopinfra"), "plan", "highbeam", "--offline"],
}

# Operators' machines keep what Python has compiled; test machines are often told not to.
ENVIRONMENT = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}


def seconds(command: list[str]) -> float:
    """Run a whole process and return how long it took; one that fails ends the benchmark."""
    started = time.perf_counter()
    subprocess.run(command, cwd=ROOT, capture_output=True, check=True, env=ENVIRONMENT)
    return time.perf_counter() - started


def main() -> None:
    """Take turns, so that what else the machine does falls on all commands alike; print a table."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 15
    times: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for turn in range(runs + 1):
        for name, command in COMMANDS.items():
            took = seconds(command)
            if turn:
                times[name].append(took)
    least = statistics.median(times["python, doing nothing"])
    print(f"{'median of ' + str(runs) + ' whole processes':<40}{'seconds':>9}{'least':>9}{'ratio':>8}")
    for name, taken in times.items():
        median = statistics.median(taken)
        print(f"{name:<40}{median:>9.3f}{min(taken):>9.3f}{median / least:>8.1f}")


if __name__ == "__main__":
    main()
