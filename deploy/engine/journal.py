"""What a server keeps of the runs on it, whoever ran them from wherever."""

from __future__ import annotations

from pathlib import Path

from coopinfra.deploy.engine.connection import Connection
from coopinfra.deploy.engine.run_log import entries_of
from coopinfra.roles.primitives.changes import STATE

JOURNALS = f"{STATE}/journal"


def read_journals(connection: Connection) -> dict[str, tuple[dict[str, object], ...]]:
    """Return the entries of every journal on a server by its run, the oldest first."""
    # A run is named by its moment, so the shell puts them in order. tail names each, as soon as there are two.
    out = connection.run(f"tail -n +1 -v {JOURNALS}/*.jsonl 2>/dev/null; true").out
    texts = (text.split(" <==\n", 1) for text in out.split("==> ")[1:])
    return {Path(path).stem: entries for path, text in texts if (entries := entries_of(text))}
