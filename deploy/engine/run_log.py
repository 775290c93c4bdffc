"""The log of a run on the operator's side: who did what to which servers, written while it happens."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from coopinfra.deploy.engine.events import Event, Report
from coopinfra.deploy.organisation.problems import InputError, Problem

KEPT = 200


def runs_folder(organisation: str) -> Path:
    """Return the folder that holds the logs of one organisation's runs."""
    state = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local/state"
    return Path(state) / "coopinfra/runs" / organisation


@contextmanager
def run_log(folder: Path, run: str, begin: Mapping[str, object]) -> Iterator[Report]:
    """Keep the log of a run, readable by its operator alone, and forget the oldest ones.

    Every event is written before the next one happens. A log without an end is of a run that was killed.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        private = os.open(folder / f"{run}.jsonl", os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode=0o600)
        stream = os.fdopen(private, "w", buffering=1, encoding="utf-8")
    except OSError as error:
        hint = "make room or give yourself the folder, or name another state folder in `XDG_STATE_HOME`"
        raise InputError(Problem(f"cannot keep the run's log: {error}", hint)) from error
    for old in _newest_first(folder)[KEPT:]:
        old.unlink(missing_ok=True)

    def write(event: Event) -> None:
        stream.write(_line(event.as_data()))

    with stream:
        stream.write(_line({"at": _now(), "event": "begin", "run": run, **begin}))
        try:
            yield write
        finally:
            stream.write(_line({"at": _now(), "event": "end"}))


def read_logs(folder: Path) -> dict[str, tuple[dict[str, object], ...]]:
    """Return the entries of every log by its run, the oldest first; a line that was cut off is left out."""
    logs = {path.stem: entries_of(path.read_text(errors="replace")) for path in reversed(_newest_first(folder))}
    return {run: entries for run, entries in logs.items() if entries}


def entries_of(text: str) -> tuple[dict[str, object], ...]:
    """Return the entries of one log or journal."""
    return tuple(entry for line in text.splitlines() if (entry := entry_of(line)))


def entry_of(line: str) -> dict[str, object]:
    """Parse one line; empty when it is broken."""
    try:
        found = json.loads(line)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _newest_first(folder: Path) -> list[Path]:
    # A run is named by its moment.
    return sorted(folder.glob("*.jsonl"), reverse=True)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def _line(data: Mapping[str, object]) -> str:
    return json.dumps(data, ensure_ascii=False, default=str) + "\n"
