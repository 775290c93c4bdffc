"""A directory of finished pages, as a web server of somebody else showed it, or as somebody made it by hand."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from coopinfra.deploy.imports.finding import Brought, Finding, Origin, walk

LARGE_SITE, LARGE_FILE = 500 * 2**20, 50 * 2**20
PAGES, TEXTS = {".html", ".htm", ".xhtml"}, {".html", ".htm", ".xhtml", ".css", ".js", ".mjs", ".xml", ".json", ".svg"}
CODE = {".php", ".phtml", ".php5", ".asp", ".aspx", ".jsp", ".cgi", ".pl", ".py", ".rb", ".shtml", ".cfm"}
PRIVATE = {".sql", ".bak", ".old", ".orig", ".swp", ".log", ".pem", ".key", ".ini", ".inc"}
INSECURE = re.compile(
    r"""<(?:img|script|iframe|video|audio|source|embed)\b[^>]*\bsrc=["']?http://"""
    r"""|<link\b[^>]*\bhref=["']?http://|url\(\s*["']?http://""",
    re.IGNORECASE,
)
SENDS = re.compile(r"<form\b", re.IGNORECASE)


@dataclass(frozen=True)
class _File:
    name: str
    path: Path
    text: str | None = None

    @property
    def ending(self) -> str:
        return Path(self.name).suffix.lower()


def fits(origin: Origin) -> bool:
    """Take any directory."""
    return origin.path.is_dir()


def bring(origin: Origin, to: Path, domains: tuple[str, ...]) -> Brought:
    """Copy what a web server may show, and say what will not work."""
    path = origin.path
    left_out: dict[str, list[str]] = {"hidden": [], "link": [], "code": [], "private": []}
    kept = []
    for name, file in sorted(walk(path)):
        why = _why_not(path, name, file)
        if why:
            left_out[why].append(name)
        else:
            kept.append(_read(name, file))
    for each in kept:
        (to / each.name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(each.path, to / each.name)
    to.mkdir(parents=True, exist_ok=True)
    size = sum(each.path.stat().st_size for each in kept)
    findings = (*_left_out(left_out), *_found(kept, domains), *_sizes(kept, size))
    return Brought((f"domain: {domains[0]}", f"source: {{folder: sites/{to.name}}}"), len(kept), size, findings)


def _why_not(root: Path, name: str, path: Path) -> str:
    """Say why a file is left out; empty where it is not."""
    parts = Path(name).parts
    if any(part.startswith(".") and part != ".well-known" for part in parts):
        return "hidden"
    if not path.is_file() or not path.resolve().is_relative_to(root.resolve()):
        return "link"
    ending = path.suffix.lower()
    if ending in CODE:
        return "code"
    return "private" if ending in PRIVATE or name.endswith("~") else ""


def _read(name: str, path: Path) -> _File:
    if path.suffix.lower() not in TEXTS or path.stat().st_size > LARGE_FILE:
        return _File(name, path)
    try:
        return _File(name, path, path.read_text(encoding="utf-8"))
    except UnicodeDecodeError:
        return _File(name, path)


_LEFT_OUT = {
    "code": (
        "programs, which a static site does not run; shown as text they would tell their secrets",
        "if the site needs them, it is of another kind: `php`, `wordpress`, `python`",
    ),
    "hidden": ("hidden files, which are never shown; rules in `.htaccess` are not obeyed", "write `redirects` instead"),
    "link": ("links that lead out of the directory, or nowhere", "put the file itself there"),
    "private": ("backups, logs, keys and settings, which the world should not see", "keep them elsewhere"),
}


def _left_out(left_out: dict[str, list[str]]) -> Iterator[Finding]:
    for why, (what, hint) in _LEFT_OUT.items():
        if left_out[why]:
            yield Finding(what, hint, tuple(left_out[why]), left_out=True)


def _found(files: list[_File], domains: tuple[str, ...]) -> Iterator[Finding]:
    if not any(each.name == "index.html" for each in files):
        others = tuple(
            each.name for each in files if re.fullmatch(r"(index|default|home)\.\w+", each.name, re.IGNORECASE)
        )
        yield Finding("there is no start page `index.html`", "a release without one never goes live", others)
    names = "|".join(re.escape(domain) for domain in domains)
    absolute = re.compile(rf"https?://({names})(?![\w.-])", re.IGNORECASE)
    looks: tuple[tuple[Callable[[_File], object], str, str], ...] = (
        (
            lambda each: each.ending in PAGES and each.text is None,
            "pages that are not UTF-8: letters with accents would be shown wrong",
            "convert them: `iconv -f latin1 -t utf-8`",
        ),
        (
            lambda each: INSECURE.search(each.text or ""),
            "pages that load things without TLS, which browsers refuse",
            "write `https://`, or put the file beside the page",
        ),
        (
            lambda each: absolute.search(each.text or ""),
            f"links that name the domain ({' or '.join(domains)}) and lead there still, once it has moved",
            "write them as `/page` where they lead within the site",
        ),
        (
            lambda each: each.ending in PAGES and SENDS.search(each.text or ""),
            "forms: where they are sent to has to be somewhere else, for no program runs here",
            "try each of them",
        ),
    )
    for is_so, what, hint in looks:
        if found := tuple(each.name for each in files if is_so(each)):
            yield Finding(what, hint, found)


def _sizes(files: list[_File], size: int) -> Iterator[Finding]:
    large = tuple(each.name for each in files if each.path.stat().st_size > LARGE_FILE)
    if large:
        yield Finding(
            f"files of more than {LARGE_FILE // 2**20} MB", "each release has a copy of them on the server", large
        )
    if size > LARGE_SITE:
        yield Finding(f"{size // 2**20} MB in all", "the server keeps five releases: is there room for that?")
