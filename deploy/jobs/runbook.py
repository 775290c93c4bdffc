"""Writes an organisation's books into a folder."""

from __future__ import annotations

from pathlib import Path

from coopinfra.deploy.dns.zone import zone_text
from coopinfra.deploy.organisation.problems import InputError, Problem
from coopinfra.deploy.planning.plan import Plan
from coopinfra.deploy.runbook.book import make_books
from coopinfra.deploy.runbook.state import state_of


def write_books(plan: Plan, folder: Path) -> tuple[Path, ...]:
    """Write every book as Markdown and as a page, over those of an earlier run; return the files."""
    written = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for book in make_books(plan, zone_text(plan), state_of(Path(plan.folder))):
            for ending, text in ((".md", book.markdown), (".html", book.html)):
                path = folder / f"{book.name}{ending}"
                path.write_text(text, encoding="utf-8", newline="\n")
                written.append(path)
    except OSError as error:
        problem = Problem(f"`{folder}` cannot be written: {error.strerror}", "name another folder with `--out`")
        raise InputError(problem) from error
    return tuple(written)
