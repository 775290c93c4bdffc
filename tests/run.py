"""Runs the tests, family by family, and ends with a table: `./coopinfra test [FAMILY...] [--all] [options of pytest]`.

Of a long family the core runs, and of its rest an eighth that the commit chooses; `--all` runs everything (slices.py).
Families that need boxes mostly wait, for apt and for machines that boot: two run at a time, and those that need none
one after another beside them. What each printed comes when it has ended; one that is asked for alone is watched.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import IO
from xml.etree import ElementTree as ET

from coopinfra.deploy.lab.host import require, why_not

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
SHELL = ("roles/primitives/additions.sh", "coopinfra", ".ci/run", "tests/fresh/run", "tests/fresh/inside")
TOOLS = {
    "ruff check": ["ruff", "check", "."],
    "ruff format": ["ruff", "format", "--check", "."],
    # Its cache does not notice a module that is new in a package it knows, and tells of errors that are not there.
    "mypy": ["mypy", "--cache-dir=/dev/null"],
    "import-linter": ["lint-imports", "--no-cache"],
    "deptry": ["deptry", "cli", "deploy", "roles"],
    "codespell": ["codespell"],
    "shellcheck": ["shellcheck", *SHELL],
}
IN_PROCESS = ("unit", "cli", "roles")
WITHOUT_MACHINES = ("static", *IN_PROCESS)
# Not among the default ones: it installs two machines from nothing and takes its time.
ON_DEMAND = ("fresh",)
AT_A_TIME = 2
# Programs that know the forms of secrets, each with its Debian package.
OTHERS = {
    "age": "age",
    "age-keygen": "age",
    "htpasswd": "apache2-utils",
    "openssl": "openssl",
    "ssh-keygen": "openssh-client",
    "wg": "wireguard-tools",
}


@dataclass
class Result:
    """What became of one family."""

    family: str
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    seconds: float = 0.0
    note: str = ""
    rest: str = ""

    @property
    def verdict(self) -> str:
        """One word for the table."""
        return "failed" if self.failed else "passed" if self.passed else "skipped"


def families() -> list[str]:
    """Name every family in the order in which they run; each file of tests/boxes is one."""
    boxes = sorted(path.stem.removeprefix("test_") for path in (ROOT / "tests/boxes").glob("test_*.py"))
    return [*WITHOUT_MACHINES, *(f"boxes/{name}" for name in boxes), *ON_DEMAND]


def chosen(arguments: list[str]) -> tuple[list[str], list[str]]:
    """Split the arguments into families and what is passed on to pytest."""
    known, wanted, rest = families(), list[str](), list(arguments)
    while rest and (found := [name for name in known if rest[0] in (name, name.split("/")[0])]):
        wanted += found
        rest.pop(0)
    if rest and not rest[0].startswith("-"):
        print(f"error: there is no test family `{rest[0]}`\n  hint: one of {', '.join(known)}", file=sys.stderr)
        sys.exit(2)
    return wanted or [name for name in known if "--all" in rest or name not in ON_DEMAND], rest


def static(output: IO[str] | None) -> Result:
    """Run the linters; each counts as one test."""
    result = Result("static")
    for name, (program, *arguments) in TOOLS.items():
        print(f"-- {name}", file=output, flush=True)
        tool = BIN / program if (BIN / program).exists() else shutil.which(program)
        if tool is None:
            print(f"`{program}` is missing\n  hint: apt-get install {program}", file=output, flush=True)
        command = [tool or "", *arguments]
        if tool is None or subprocess.run(command, cwd=ROOT, check=False, stdout=output, stderr=output).returncode:
            result.failed += 1
            result.note += f" {name}"
        else:
            result.passed += 1
    return result


def by_pytest(family: str, options: list[str], output: IO[str] | None) -> Result:
    """Run one folder or file with pytest and count what it reports."""
    folder, _, name = family.partition("/")
    path = f"tests/{folder}/test_{name}.py" if name else f"tests/{folder}"
    cover = ["--cov", "--cov-append", "--cov-report="] if family in IN_PROCESS else []
    with tempfile.TemporaryDirectory() as scratch:
        report = Path(scratch) / "report.xml"
        command = [sys.executable, "-m", "pytest", path, f"--junitxml={report}", "--durations=3", *cover, *options]
        code = subprocess.run(command, cwd=ROOT, check=False, stdout=output, stderr=output).returncode
        suites = [*ET.parse(report).getroot().iter("testsuite")] if report.exists() else []
        counts = [
            {key: int(suite.get(key, 0)) for key in ("tests", "failures", "errors", "skipped")} for suite in suites
        ]
        rest = [
            each.get("value", "") for suite in suites for each in suite.iterfind("properties/property[@name='rest']")
        ]
    total, failures, errors, skipped = (
        sum(one[key] for one in counts) for key in ("tests", "failures", "errors", "skipped")
    )
    failed = failures + errors
    result = Result(family, total - failed - skipped, failed, skipped, rest=" ".join(rest))
    if code and not failed:
        result.failed, result.note = 1, " no test ran" if not total else f" pytest ended with {code}"
    return result


def run(family: str, options: list[str], output: IO[str] | None = None) -> Result:
    """Run one family, or skip it with the reason; where everything must run, that is a failure.

    output: where its words go; to the terminal if nothing is said
    """
    start = time.monotonic()
    if needs_boxes(family) and (reason := why_not()):
        ci = os.environ.get("CI") == "true"
        return Result(family, failed=int(ci), skipped=int(not ci), note=f" {reason}")
    result = static(output) if family == "static" else by_pytest(family, options, output)
    result.seconds = time.monotonic() - start
    return result


def needs_boxes(family: str) -> bool:
    """Tell which families make machines."""
    return family.startswith(("boxes", "fresh"))


def install(wanted: list[str]) -> None:
    """Install what the families need of this machine, where it can have boxes at all."""
    if why_not():
        return
    if any(needs_boxes(family) for family in wanted):
        require(print)
    if "unit" in wanted:
        # Our secrets have to be read by other programs of the same formats, and theirs by us.
        require(print, OTHERS)


def one_by_one(wanted: list[str], options: list[str]) -> Iterator[Result]:
    """Run families one after another, each as it prints."""
    for family in wanted:
        print(f"\n== {family}", flush=True)
        yield run(family, options)


def side_by_side(wanted: list[list[str]], options: list[str]) -> Iterator[Result]:
    """Run families at the same time, those of one list one after another; what one printed comes whole, after it."""

    def quietly(families: list[str]) -> list[tuple[Result, str]]:
        done = list[tuple[Result, str]]()
        for family in families:
            with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as output:
                result = run(family, options, output)
                output.seek(0)
                done.append((result, output.read()))
        return done

    with ThreadPoolExecutor(AT_A_TIME) as pool:
        print(f"\n== {AT_A_TIME} at a time: {', '.join(chain.from_iterable(wanted))}", flush=True)
        for done in as_completed([pool.submit(quietly, families) for families in wanted]):
            for result, said in done.result():
                print(f"\n== {result.family}\n{said}", end="", flush=True)
                yield result


def say(results: list[Result], minutes_in_all: float) -> None:
    """Print the table, the minutes of each group, and how long it was for whoever waited."""
    print(f"\n{'family':<24}{'passed':>8}{'failed':>8}{'skipped':>8}{'seconds':>9}  {'rest':<28}result")
    minutes: dict[str, float] = {}
    for one in results:
        counts = f"{one.passed:>8}{one.failed:>8}{one.skipped:>8}{one.seconds:>9.1f}"
        print(f"{one.family:<24}{counts}  {one.rest or '-':<28}{one.verdict}{':' if one.note else ''}{one.note}")
        group = "without machines" if one.family in WITHOUT_MACHINES else one.family
        minutes[group] = minutes.get(group, 0) + one.seconds / 60
    print("\nminutes: " + ", ".join(f"{group} {spent:.1f}" for group, spent in minutes.items()), end="")
    print(f"; together {sum(minutes.values()):.1f}, in {minutes_in_all:.1f} minutes")
    passed, failed, skipped = (sum(getattr(one, key) for one in results) for key in ("passed", "failed", "skipped"))
    print(f"{passed} passed, {failed} failed, {skipped} skipped")


def main() -> int:
    """Run the chosen families and print the table."""
    wanted, options = chosen(sys.argv[1:])
    (ROOT / ".coverage").unlink(missing_ok=True)
    start, results = time.monotonic(), list[Result]()
    install(wanted)
    boxes = [family for family in wanted if family.startswith("boxes")]
    quick = [family for family in wanted if family in WITHOUT_MACHINES]
    # Coverage is counted by one family after another.
    together = [quick, *([each] for each in boxes)] if len(boxes) > 1 else []
    alone = [family for family in wanted if family not in {*chain.from_iterable(together)}]
    for each in chain(one_by_one(alone, options), side_by_side(together, options) if together else ()):
        results.append(each)
        print(f"== {each.family}: {each.verdict} after {each.seconds:.0f} s{each.note}", flush=True)
    if (ROOT / ".coverage").exists():
        print(f"\n== coverage with branches ({', '.join(name for name in wanted if name in IN_PROCESS)})", flush=True)
        subprocess.run([BIN / "coverage", "report"], cwd=ROOT, check=False)
    say(results, (time.monotonic() - start) / 60)
    return int(any(one.failed for one in results))


if __name__ == "__main__":
    sys.exit(main())
