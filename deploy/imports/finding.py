"""What is given to bring a site in, and what is found: facts for people, worst first."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


class NotBrought(Exception):
    """A site cannot be brought in: why, and what to do."""

    def __init__(self, sentence: str, hint: str) -> None:
        """Keep both apart, for the problem that is made of them."""
        super().__init__(sentence)
        self.sentence, self.hint = sentence, hint


@dataclass(frozen=True)
class Origin:
    """What somebody has of the old site."""

    path: Path
    dump: Path | None = None
    """The dump of its database."""
    was: tuple[str, ...] = ()
    """Domains under which it was reached before."""


@dataclass(frozen=True)
class Finding:
    """Something that will not work, or that somebody has to look at: the files, and what to do."""

    what: str
    hint: str
    files: tuple[str, ...] = ()
    left_out: bool = False
    """These files were not brought in."""


@dataclass(frozen=True)
class Brought:
    """A site that was brought in: what to add to org.yml under its name, and what was found."""

    settings: tuple[str, ...]
    files: int
    bytes: int
    findings: tuple[Finding, ...]


def walk(folder: Path) -> Iterator[tuple[str, Path]]:
    """Yield each file and link below a folder, with its path from there; links are not followed."""
    for parent, folders, names in os.walk(folder):
        linked = [name for name in folders if (Path(parent) / name).is_symlink()]
        for name in (*names, *linked):
            path = Path(parent) / name
            yield str(path.relative_to(folder)), path
