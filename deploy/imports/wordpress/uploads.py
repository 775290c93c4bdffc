"""What people uploaded to a WordPress: pictures, sounds, films and documents, and nothing that could be a program."""

from __future__ import annotations

import os
import re
import shutil
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Set
from dataclasses import dataclass
from pathlib import Path

from coopinfra.deploy.imports.finding import Finding, walk
from coopinfra.roles.website.pool import MEDIA

SHOWN = re.compile(rf".*\.({MEDIA})", re.IGNORECASE)
# Also in the middle of a name: web servers elsewhere run `shell.php.jpg`.
PROGRAM = re.compile(r"\.(ph(p\d?|tml|ar|ps|t)|cgi|pl|py|sh|exe|asp|aspx|jsp)(\.|$)", re.IGNORECASE)
CODE = re.compile(rb"<\?php\b", re.IGNORECASE)
EMPTY = 40
"""Bytes: `<?php // Silence is golden.` has less, and no intruder's program."""
LOOKED_AT = re.compile(r".*\.(csv|txt|svg|gif|jpe?g|png|webp|avif|bmp|ico|vcf|ics)", re.IGNORECASE)
"""Endings of what is looked into: in what is compressed as a whole the same bytes come by chance."""

_LEFT_OUT = {
    "program": (
        "programs among the uploads; WordPress never puts one there by itself, so somebody may have broken in",
        "look who made them and when, before anybody trusts the old site, its accounts or its backups",
    ),
    "code": (
        "pictures and documents with code of PHP in them",
        "an intruder's, most likely; where it is an honest picture, save it anew and upload it",
    ),
    "link": ("links, which lead to what lies elsewhere", "put the file itself there"),
    "name": ("files whose names are not UTF-8", "convert them: `convmv -f latin1 -t utf-8 -r --notest uploads`"),
    "kind": (
        "files that visitors are never shown from among uploads, such as pages, scripts, styles and drawings (SVG)",
        "page builders make their styles anew; let the rest be part of a theme",
    ),
}


@dataclass(frozen=True)
class Uploads:
    """What was taken."""

    names: frozenset[str]
    bytes: int
    findings: tuple[Finding, ...]


def folder_of(path: Path) -> Path | None:
    """Return where the uploads lie of what somebody has of a WordPress: all of it, or its wp-content alone."""
    tried = (path / "wp-content/uploads", path / "uploads")
    return next((each for each in tried if each.is_dir() and not each.is_symlink()), None)


def take(folder: Path, to: Path, attached: Set[str]) -> Uploads:
    """Copy what visitors may be shown.

    attached: the files that the database names
    """
    left_out: dict[str, list[str]] = defaultdict(list)
    names, size = set(), 0
    spelt = _spelling(attached)
    for name, path in sorted(walk(folder)):
        if why := _why_not(name, path):
            left_out[why].append(os.fsencode(name).decode(errors="backslashreplace"))
            continue
        target = to / spelt(name)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
        names.add(spelt(name))
        size += path.stat().st_size
    findings = [Finding(*_LEFT_OUT[why], tuple(left_out[why]), left_out=True) for why in _LEFT_OUT if left_out[why]]
    if missing := tuple(sorted(attached - names - set(left_out["kind"]))):
        hint = "was the folder copied whole? Without them their places stay empty, and `check` is red"
        findings.append(Finding("files that the database names and the folder does not have", hint, missing))
    return Uploads(frozenset(names), size, tuple(findings))


def _spelling(attached: Set[str]) -> Callable[[str], str]:
    """Return how names are written: Macs take letters with accents apart, and the database has them whole."""
    if any(not unicodedata.is_normalized("NFC", each) for each in attached):
        return lambda name: name
    return lambda name: unicodedata.normalize("NFC", name)


def _why_not(name: str, path: Path) -> str:
    """Say why a file is left out; empty where it is not."""
    if path.is_symlink() or not path.is_file():
        return "link"
    # Many plugins put an empty one wherever a list of files would be shown.
    is_empty = path.name == "index.php" and path.stat().st_size <= EMPTY
    if PROGRAM.search(path.name) and not is_empty:
        return "program"
    try:
        name.encode()
    except UnicodeEncodeError:
        return "name"
    # The second is what `check` takes for a program, by its name alone.
    if not SHOWN.fullmatch(path.name) or re.search(r"\.(ph[^/]*|cgi|pl|sh|html?|js)$", path.name, re.IGNORECASE):
        return "code" if _has_code(path) and not is_empty else "kind"
    return "code" if LOOKED_AT.fullmatch(path.name) and _has_code(path) else ""


def _has_code(path: Path) -> bool:
    return bool(CODE.search(path.read_bytes()))
