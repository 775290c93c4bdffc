"""From when an organisation's folder is: the date of its last commit, so that a book never depends on the clock."""

from __future__ import annotations

import subprocess
from pathlib import Path


def state_of(folder: Path) -> str:
    """Return `2026-03-01 (commit 1a2b3c4d5e6f)`; empty where the folder is not in git, or is changed since."""
    if _git(folder, "status", "--porcelain", "--", ".") != "":
        return ""
    return _git(folder, "log", "-1", "--format=%cs (commit %h)", "--abbrev=12", "--", ".") or ""


def _git(folder: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *arguments],
            capture_output=True,
            text=True,
            check=True,
            timeout=10,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
