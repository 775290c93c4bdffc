"""Sites that are made of their source on the operator's side, by a command of the site's own; never imports pyinfra.

The command runs in a clean copy, with nothing of the operator's environment but where programs lie, and with a time, a
language and a path that are always the same. What it made of one source is kept: who asks again gets the same.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from typing import IO

from coopinfra.roles.declarations import Making

KEPT = 5
SECONDS_A_MINUTE = 60.0
LAST_LINES = 15
# Builders write the year or the time into pages; a fixed one gives the same bytes from the same source.
FIXED_TIME = "1767225600"


class MakingFailed(Exception):
    """A site could not be made of its source: what is wrong, and what to do."""

    def __init__(self, sentence: str, hint: str) -> None:
        """Keep both apart, for the problem that is made of them."""
        super().__init__(sentence)
        self.sentence, self.hint = sentence, hint


def make(making: Making, files: tuple[tuple[str, Path], ...], source: str, workshop: Path) -> tuple[Path, str]:
    """Make a site of `files`; return the folder of what came out, and a note in JSON of what was run.

    source: identifies the files; workshop: a folder of ours for this site alone
    """
    workshop.mkdir(parents=True, exist_ok=True)
    with _alone(workshop):
        version = _version(making, workshop)
        key = sha256(repr((source, making, version)).encode()).hexdigest()[:16]
        made, note = workshop / key / "made", workshop / key / "note.json"
        if not note.is_file():
            shutil.rmtree(made.parent, ignore_errors=True)
            seconds = _run(making, files, workshop, made)
            said = {"command": making.command, "version": version, "exit": 0, "seconds": round(seconds, 1)}
            note.write_text(json.dumps({**said, "source": source}), encoding="utf-8")
        os.utime(made.parent)
        _forget(workshop)
        return made, note.read_text(encoding="utf-8")


def _run(making: Making, files: tuple[tuple[str, Path], ...], workshop: Path, made: Path) -> float:
    bench, home = workshop / "bench", workshop / "home"
    for folder in (bench, home):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
    for name, path in files:
        (bench / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, bench / name, follow_symlinks=False)
    try:
        with (workshop / "log").open("w+b") as log:
            seconds = _wait(making, bench, home, log)
        if not (bench / making.output).is_dir() or not any((bench / making.output).iterdir()):
            raise MakingFailed(
                f"`{making.command}` left nothing in `{making.output}`",
                "name the folder that it writes to as `output`",
            )
        made.parent.mkdir()
        (bench / making.output).rename(made)
        return seconds
    finally:
        for folder in (bench, home):
            shutil.rmtree(folder, ignore_errors=True)


def _wait(making: Making, bench: Path, home: Path, log: IO[bytes]) -> float:
    """Run the command to its end or to that of its time; whatever it started ends with it."""
    started = time.monotonic()
    process = subprocess.Popen(
        ["sh", "-c", making.command],
        cwd=bench,
        env=_environment(home),
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        umask=0o022,
    )
    try:
        code = process.wait(timeout=making.minutes * SECONDS_A_MINUTE)
    except subprocess.TimeoutExpired:
        message = f"`{making.command}` did not end within {making.minutes} minutes{_last_lines(log)}"
        raise MakingFailed(message, "does it wait for an answer? Else give it more `minutes`") from None
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    if code:
        raise MakingFailed(f"`{making.command}` ended with {code}{_last_lines(log)}", "nothing was published")
    return time.monotonic() - started


def _last_lines(log: IO[bytes]) -> str:
    log.seek(max(0, log.seek(0, os.SEEK_END) - 2**16))
    lines = log.read().decode(errors="replace").splitlines()[-LAST_LINES:]
    return "".join(f"\n    {line}" for line in lines)


def _version(making: Making, workshop: Path) -> str:
    """Ask the builder for its version; a builder that has none to tell is no reason to stop."""
    asked = making.version or f"{making.command.split()[0]} --version"
    with suppress(subprocess.TimeoutExpired):
        said = subprocess.run(
            ["sh", "-c", asked],
            cwd=workshop,
            env=_environment(workshop),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=20,
            check=False,
        )
        if not said.returncode and said.stdout.strip():
            return said.stdout.strip().splitlines()[0][:200]
    return "unknown"


def _environment(home: Path) -> dict[str, str]:
    """Return all that the command gets: nothing that the operator's shell knows but where programs lie."""
    return {
        "PATH": os.environ.get("PATH", "/usr/local/bin:/usr/bin:/bin"),
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "TZ": "UTC",
        "SOURCE_DATE_EPOCH": FIXED_TIME,
        "CI": "true",
    }


@contextmanager
def _alone(workshop: Path) -> Iterator[None]:
    """Wait until nobody else makes this site here."""
    with (workshop / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _forget(workshop: Path) -> None:
    notes = sorted(workshop.glob("*/note.json"), key=lambda note: note.parent.stat().st_mtime, reverse=True)
    for note in notes[KEPT:]:
        shutil.rmtree(note.parent, ignore_errors=True)
