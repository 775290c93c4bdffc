"""What of a WordPress will not work here, or somebody has to look at."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Set
from pathlib import Path

from coopinfra.deploy.imports.finding import Finding
from coopinfra.deploy.imports.wordpress import serialised
from coopinfra.deploy.imports.wordpress.database import Database
from coopinfra.roles.website.kinds.wordpress.imports import CORE_DATABASE, CORE_VERSION, THEMES

VERSION = re.compile(r"^[\s*#]*Version:\s*([\w.+-]+)", re.MULTILINE | re.IGNORECASE)
LARGE = 2 * 2**30
"""Bytes: above it, somebody should look whether there is room."""

_KNOWN = (
    (
        {"woocommerce", "easy-digital-downloads", "bbpress", "buddypress", "wpforo", "give", "the-events-calendar"},
        "plugins that save something when a visitor comes, which `mode: split` and `static-export` do not let them",
        "write `mode: single`, and read in docs/web-hosting.md what that costs",
    ),
    (
        {"contact-form-7", "wpforms-lite", "ninja-forms", "gravityforms", "wp-mail-smtp", "mailpoet", "newsletter"},
        "plugins that send mail: none is sent from here",
        "write an address on the page instead",
    ),
    (
        {"wordfence", "w3-total-cache", "wp-super-cache", "wp-rocket", "litespeed-cache", "updraftplus", "jetpack"}
        | {"all-in-one-wp-migration", "wp-file-manager", "duplicator", "better-wp-security", "really-simple-ssl"},
        "plugins that change the code, keep copies of the site or ask their makers, which nothing does here",
        "leave them out: caches, backups, certificates and locks are here already",
    ),
)


def of_code(path: Path, database: Database) -> Iterator[Finding]:
    """Yield what of its code is missed, and what of it nobody should want."""
    content = path / "wp-content" if (path / "wp-content").is_dir() else path
    active = sorted(str(each) for each in serialised.table(database.options.get("active_plugins", b"")).values())
    plugins = {each.partition("/")[0].removesuffix(".php"): each for each in active}
    pinned = [f"{name}{_version(content / 'plugins' / file)}" for name, file in plugins.items()]
    if pinned:
        yield Finding(
            "plugins that were switched on: their code is not taken, and they stay off until they are pinned",
            "for each that is still needed, a fresh archive from its maker under `plugins:`, with `version`, `sha256` "
            "and `url` or `file`, before the first deploy",
            tuple(pinned),
            left_out=True,
        )
    for names, what, hint in _KNOWN:
        if found := tuple(name for name in plugins if name in names):
            yield Finding(what, hint, found)
    themes = dict.fromkeys(each for each in (database.text("stylesheet"), database.text("template")) if each)
    if missing := [each for each in themes if each not in THEMES]:
        yield Finding(
            "the theme: its code is not taken, and the site looks like Debian's until it is pinned",
            "a fresh archive from its maker under `themes:`, before the first deploy; of changes of your own, a folder "
            "as `source` that somebody has read",
            tuple(f"{each}{_version(content / 'themes' / each / 'style.css')}" for each in missing),
            left_out=True,
        )
    hidden = [*(content / "mu-plugins").glob("*.php"), *content.glob("*.php")]
    if found := tuple(sorted(str(each.relative_to(path)) for each in hidden if each.name != "index.php")):
        hint = "ask who made them what they are for; intruders like these places, for nobody sees them in the browser"
        yield Finding("programs that run without being switched on", hint, found, left_out=True)


def text_of(path: Path) -> str:
    """Return what a file says; empty where there is none."""
    return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""


def _version(file: Path) -> str:
    found = VERSION.search(text_of(file)[:8192])
    return f" {found[1]}" if found else ""


def of_people(database: Database) -> Iterator[Finding]:
    """Yield who may do everything."""
    who = database.administrators
    names = tuple(sorted(f"{each.login} <{each.email}>" for each in who))
    yield Finding(
        f"{len(who)} of {len(database.users)} accounts may do everything",
        "is each of them somebody's whom you know? All come along with their passwords and are logged out; let people "
        "choose new ones, for whoever was in the old site has seen them",
        names,
    )


def of_database(database: Database) -> Iterator[Finding]:
    """Yield what of the dump is left out, and what of its texts somebody has to look at."""
    if database.strange:
        hint = "a WordPress needs none of them; a trigger or an event is where an intruder comes back from"
        yield Finding("statements of the dump that are no tables", hint, tuple(database.strange), left_out=True)
    if database.others:
        hint = f"the site's own begin with `{database.prefix}`"
        yield Finding("tables of somebody else", hint, tuple(sorted(database.others)), left_out=True)
    yield from of_scripts(database.scripts, database.addresses)
    if database.charset == "latin1":
        hint = "look at a page with such letters; if they are wrong, dump with `--default-character-set=utf8mb4`"
        yield Finding("the dump is written as latin1: letters with accents may come out wrong", hint)
    version = database.text("db_version")
    if version.isdigit() and int(version) > CORE_DATABASE:
        hint = "its database is taken back to that; look at pages that use what is newer"
        yield Finding(f"it was a newer WordPress than Debian's {CORE_VERSION} (database {version})", hint)


def of_scripts(hosts: Set[str], addresses: Iterable[str]) -> Iterator[Finding]:
    """Yield which scripts of others its texts load."""
    own = {each.partition("/")[0].removeprefix("www.") for each in addresses}
    if foreign := tuple(sorted(each for each in hosts if each.removeprefix("www.") not in own)):
        hint = "is each of them wanted? Spam and thieves of cards get in like this; the editor of a post shows it"
        yield Finding("scripts of others that texts or widgets load", hint, foreign)


def at_the_end(addresses: Iterable[str], domain: str, size: int, *, has_folder: bool) -> Iterator[Finding]:
    """Yield what is to be done about what was brought in."""
    if not has_folder:
        yield Finding("there is no folder `wp-content/uploads`: no picture comes along", "name the folder that has it")
    if others := tuple(each for each in addresses if each != domain):
        hint = "links are changed when it is loaded. If people still come by the old name, let its DNS lead here too"
        yield Finding(f"it was reached under another address than {domain}", hint, others)
    if size > LARGE:
        yield Finding(f"{size / 1e9:.1f} GB", "the server holds it twice until `imported` is taken out of org.yml")
    yield Finding(
        "what was brought in holds names, addresses and passwords of people, so git leaves it out",
        "it is loaded once. When the site shows all of it, take `imported` out of org.yml, deploy, and delete the "
        "folder: from then on backups keep the site",
    )
