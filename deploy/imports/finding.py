"""What is found when a site is brought in: facts for people, worst first."""

from __future__ import annotations

from dataclasses import dataclass


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
