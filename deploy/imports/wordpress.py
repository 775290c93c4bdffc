"""A WordPress of somebody else's host: the dump of its database, and the folder with what people uploaded.

Its texts, people and pictures come along; its programs never do, for nobody can tell an intruder's from the others.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

from coopinfra.deploy.imports import uploads
from coopinfra.deploy.imports import wordpress_findings as found
from coopinfra.deploy.imports.finding import Brought, NotBrought, Origin
from coopinfra.deploy.imports.wordpress_database import Database, extract
from coopinfra.roles.types import Refused, check_email, check_line, check_slug
from coopinfra.roles.website.kinds.wordpress_import import DATABASE, FACTS

PREFIX = re.compile(r"^\s*\$table_prefix\s*=\s*['\"](\w+)['\"]", re.MULTILINE)
MULTISITE = re.compile(r"^\s*define\(\s*['\"]MULTISITE['\"]\s*,\s*true\s*\)", re.MULTILINE | re.IGNORECASE)
EXPORT = b"wordpress.org/export/"


def fits(origin: Origin) -> bool:
    """Tell whether it is a WordPress, or said to be one by giving a dump."""
    path = origin.path
    return path.exists() and (origin.dump is not None or (path / "wp-config.php").is_file() or _is_export(path))


def _is_export(path: Path) -> bool:
    if not path.is_file() or path.suffix.lower() != ".xml":
        return False
    with path.open("rb") as file:
        return EXPORT in file.read(8192)


def bring(origin: Origin, to: Path, domains: tuple[str, ...]) -> Brought:
    """Keep its tables and its uploads, and say what will not work."""
    path = origin.path
    if _is_export(path):
        raise NotBrought(
            f"`{path}` is an export of WordPress, which names pictures at their old address and has no accounts",
            "better, from the old host: the dump of its database, and its folder `wp-content/uploads`. Where there is "
            "no more than this: pin the plugin `wordpress-importer` for a new site, name the old host under "
            "`reaches`, deploy, and choose Tools, Import in the browser",
        )
    if not path.is_dir():
        raise NotBrought(f"`{path}` is no folder", "unpack it, and name the folder with `wp-content` in it")
    if origin.dump is None:
        hint = "export it at the old host (phpMyAdmin: Export, SQL) and name the file with `--dump`"
        raise NotBrought(f"`{path}` is a WordPress, whose texts lie in a database", hint)
    configuration = found.text_of(path / "wp-config.php")
    said = PREFIX.search(configuration)
    to.mkdir(mode=0o700, parents=True)
    # Names, addresses and passwords of people are in there.
    (to / ".gitignore").write_text("*\n")
    database = extract(origin.dump, to / DATABASE, said[1] if said else "")
    if MULTISITE.search(configuration) or {"blogs", "site"} <= database.made:
        hint = "have its host make the one that is wanted a WordPress of its own, and dump that"
        raise NotBrought("it is several sites in one WordPress (multisite), which is not run here", hint)
    facts = {
        "prefix": database.prefix,
        "charset": database.charset,
        "addresses": [*dict.fromkeys((*database.addresses, *origin.was))],
    }
    (to / FACTS).write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")
    folder = uploads.folder_of(path)
    taken = uploads.take(folder or to / "uploads", to / "uploads", database.attached)
    size = taken.bytes + (to / DATABASE).stat().st_size
    findings = (*found.of_code(path, database), *found.of_people(database), *found.of_database(database))
    last = found.at_the_end(database, domains[0], size, has_folder=folder is not None)
    settings = tuple(_settings(database, domains[0], to.name))
    return Brought(settings, len(taken.names), size, (*findings, *taken.findings, *last))


def _settings(database: Database, domain: str, name: str) -> Iterator[str]:
    yield f"domain: {domain}"
    yield "kind: wordpress"
    yield f"title: {json.dumps(_first([html.unescape(database.text('blogname')).strip()], check_line) or domain)}"
    who = database.administrators
    if login := _first([each.login for each in who], check_slug):
        yield f"administrator: {login}"
    email = _first([database.text("admin_email"), *(each.email for each in who)], check_email)
    yield f"administrator_email: {email or f'admin@{domain}'}"
    yield f"imported: sites/{name}"


def _first(values: list[str], check: Callable[[str], str]) -> str:
    """Return the first that may stand in org.yml; empty where none may."""
    for value in values:
        try:
            if value:
                return check(value)
        except Refused:
            continue
    return ""
